//! Files of unusual sizes, compared by hash and on the server's disk

use std::io::{self, Read, Write};
use std::sync::Arc;

use crate::driver::{Get, Put};
use ftp_tests::seed::Seed;
use ftp_tests::servers::takes_long;
use sha2::{Digest, Sha256};

use crate::{everywhere, on_each_server};

const MIB: u64 = 1 << 20;

/// Bytes with a long period, from a block that is generated once, because debug builds are slow at it
#[derive(Clone)]
struct Noise {
    block: Arc<Vec<u8>>,
    position: usize,
    left: u64,
}

impl Noise {
    fn new(length: u64) -> Self {
        let mut seed = Seed(length + 1);
        // Not a multiple of any buffer's size.
        let bytes = (0..100_003).flat_map(|_| seed.number().to_le_bytes()).collect();
        Self { block: Arc::new(bytes), position: 0, left: length }
    }

    fn hash(mut self) -> Vec<u8> {
        let mut hash = Hash(Sha256::new());
        io::copy(&mut self, &mut hash).unwrap();
        hash.0.finalize().to_vec()
    }
}

impl Read for Noise {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let here = &self.block[self.position..];
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        let count = buffer.len().min(left).min(here.len());
        buffer[..count].copy_from_slice(&here[..count]);
        self.position = (self.position + count) % self.block.len();
        self.left -= count as u64;
        Ok(count)
    }
}

struct Hash(Sha256);

impl Write for Hash {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn small_and_middling_files() {
    everywhere(|way| {
        let (mut ftp, _, local) = way.enter();
        for length in [0, 1, MIB - 1, MIB, MIB + 1] {
            let noise = Noise::new(length);
            let sent = ftp.upload_from("f", &mut noise.clone()).unwrap();
            assert_eq!(sent.bytes, length);
            let on_disk = std::fs::read(local.join("f")).unwrap();
            assert_eq!(Sha256::digest(&on_disk).to_vec(), noise.clone().hash());
            assert_eq!(ftp.size("f").unwrap(), length);
            let mut hash = Hash(Sha256::new());
            let got = ftp.download_to(Get::new("f").expect_size(length), &mut hash).unwrap();
            assert_eq!(got.bytes, length);
            assert_eq!(hash.0.finalize().to_vec(), noise.hash());
        }
        ftp.quit().unwrap();
    });
}

#[test]
fn a_large_file() {
    on_each_server(|way| {
        let (mut ftp, _, _) = way.enter();
        let length = if takes_long() { 300 * MIB } else { 40 * MIB };
        let noise = Noise::new(length);
        let transfer = ftp.upload_from("large", &mut noise.clone()).unwrap();
        assert_eq!(transfer.bytes, length);
        let mut hash = Hash(Sha256::new());
        ftp.download_to("large", &mut hash).unwrap();
        assert_eq!(hash.0.finalize().to_vec(), noise.hash());
        ftp.delete("large").unwrap();
        ftp.quit().unwrap();
    });
}

#[test]
fn many_transfers_in_a_row() {
    on_each_server(|way| {
        let (mut ftp, _, _) = way.enter();
        for round in 0..50_u8 {
            let bytes = vec![round; usize::from(round) * 100];
            ftp.upload_from("f", &mut &bytes[..]).unwrap();
            let mut back = Vec::new();
            ftp.download_to("f", &mut back).unwrap();
            assert_eq!(back, bytes);
        }
        ftp.quit().unwrap();
    });
}

#[test]
fn texts() {
    everywhere(|way| {
        let (mut ftp, _, local) = way.enter();
        ftp.put_lines("t", ["one", "", "three"]).unwrap();
        // By default, vsftpd accepts TYPE A but does not convert.
        let converts = way.server.name != "vsftpd";
        let kept: &[u8] = if converts { b"one\n\nthree\n" } else { b"one\r\n\r\nthree\r\n" };
        assert_eq!(std::fs::read(local.join("t")).unwrap(), kept);
        let mut lines = Vec::new();
        ftp.get_lines("t", |line| lines.push(line.to_vec())).unwrap();
        assert_eq!(lines, [&b"one"[..], b"", b"three"]);
        // A line ending that is already CRLF is unchanged.
        let mixed = ftp.upload_from(Put::new("t").ascii(), &mut &b"one\ntwo\r\nthree"[..]);
        assert_eq!(mixed.unwrap().bytes, 15, "bytes on the wire");
        let mut back = Vec::new();
        ftp.download_to(Get::new("t").ascii(), &mut back).unwrap();
        assert_eq!(back, b"one\ntwo\nthree");
        let text = b"line of text\n".repeat(100_000);
        ftp.upload_from(Put::new("t").ascii(), &mut &text[..]).unwrap();
        let mut back = Vec::new();
        ftp.download_to(Get::new("t").ascii(), &mut back).unwrap();
        assert!(back == text);
        // Afterwards, bytes are not converted again.
        back.clear();
        ftp.download_to("t", &mut back).unwrap();
        assert!(back == std::fs::read(local.join("t")).unwrap());
        assert!(!converts || back == text);
        ftp.quit().unwrap();
    });
}
