//! Resumed transfers

use std::sync::atomic::{AtomicU64, Ordering};

use ftp_tests::seed::Seed;

use crate::driver::ftp_proto::fields::HashAlgorithm;
use crate::driver::{Error, Get, Mismatch, Put, ResumeOptions};
use crate::{everywhere, on_each_server};

/// The number of bytes compared by default
const OVERLAP: u64 = 64 * 1024;

/// Lengths at which files break off, different for each connection
fn some_lengths(end: u64) -> impl Iterator<Item = u64> {
    static ROUND: AtomicU64 = AtomicU64::new(0);
    let mut seed = Seed(ROUND.fetch_add(1, Ordering::Relaxed));
    (0..3).map(move |_| seed.below(end as usize) as u64)
}

fn content() -> Vec<u8> {
    (0..500_000_u32).map(|n| n.to_le_bytes()[(n % 3) as usize]).collect()
}

#[test]
fn downloads() {
    everywhere(|way| {
        let (mut ftp, _, local) = way.enter();
        let bytes = content();
        std::fs::write(local.join("f"), &bytes).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join("f");
        let end = bytes.len() as u64;
        let lengths = [0, 1, OVERLAP - 1, OVERLAP, OVERLAP + 1, 250_000, end];
        for length in lengths.into_iter().chain(some_lengths(end)) {
            std::fs::write(&copy, &bytes[..length as usize]).unwrap();
            let transfer = ftp.resume_download("f", &copy).unwrap();
            assert_eq!(transfer.bytes, end - length.saturating_sub(OVERLAP));
            assert!(std::fs::read(&copy).unwrap() == bytes);
        }
        // The marker applies to one transfer only.
        let mut tail = Vec::new();
        ftp.download_to(Get::new("f").resume_at(499_990), &mut tail).unwrap();
        assert_eq!(tail, bytes[499_990..]);
        let mut whole = Vec::new();
        ftp.download_to("f", &mut whole).unwrap();
        assert!(whole == bytes);
        // A tail of zeros, as a crash may leave it.
        let mut damaged = bytes[..250_000].to_vec();
        damaged[249_000..].fill(0);
        std::fs::write(&copy, &damaged).unwrap();
        let error = ftp.resume_download("f", &copy).unwrap_err();
        assert!(matches!(error, Error::Mismatch(_)), "{error:?}");
        assert!(std::fs::read(&copy).unwrap() == damaged);
        // ProFTPD does not always survive an aborted transfer under TLS.
        let _ = ftp.quit();
    });
}

#[test]
fn uploads() {
    everywhere(|way| {
        let (mut ftp, _, local) = way.enter();
        let bytes = content();
        let folder = tempfile::tempdir().unwrap();
        let original = folder.path().join("f");
        std::fs::write(&original, &bytes).unwrap();
        // The owner of the file determines who may append to it.
        ftp.upload_from("f", &mut &b""[..]).unwrap();
        for length in [100_000].into_iter().chain(some_lengths(bytes.len() as u64)) {
            std::fs::write(local.join("f"), &bytes[..length as usize]).unwrap();
            let transfer = ftp.resume_upload(&original, "f").unwrap();
            assert_eq!(transfer.bytes, bytes.len() as u64 - length);
            assert!(std::fs::read(local.join("f")).unwrap() == bytes);
        }
        std::fs::write(local.join("f"), &bytes[1..100_000]).unwrap();
        let error = ftp.resume_upload(&original, "f").unwrap_err();
        assert!(matches!(error, Error::Mismatch(_)), "{error:?}");
        ftp.upload_file("f", &original).unwrap();
        // First nothing is missing, then everything.
        assert_eq!(ftp.resume_upload(&original, "f").unwrap().bytes, 0);
        ftp.delete("f").unwrap();
        assert_eq!(ftp.resume_upload(&original, "f").unwrap().bytes, 500_000);
        assert!(std::fs::read(local.join("f")).unwrap() == bytes);
        ftp.upload_from(Put::new("f").append(), &mut &b"appended"[..]).unwrap();
        assert!(std::fs::read(local.join("f")).unwrap().ends_with(b"appended"));
        ftp.quit().unwrap();
    });
}

#[test]
fn uploads_from_an_offset() {
    everywhere(|way| {
        let (mut ftp, _, local) = way.enter();
        ftp.upload_from("f", &mut &b"0123456789"[..]).unwrap();
        ftp.upload_from(Put::new("f").resume_at(10), &mut &b"abc"[..]).unwrap();
        assert_eq!(std::fs::read(local.join("f")).unwrap(), b"0123456789abc");
        ftp.quit().unwrap();
    });
}

#[test]
fn files_are_compared() {
    on_each_server(|way| {
        let (mut ftp, _, _) = way.enter();
        let folder = tempfile::tempdir().unwrap();
        let original = folder.path().join("f");
        std::fs::write(&original, content()).unwrap();
        ftp.upload_file("f", &original).unwrap();
        let proof = ftp.verify_file("f", &original).unwrap();
        assert_eq!(proof.size, 500_000);
        // ProFTPD has mod_digest; the other servers have no hashes.
        let expected = (way.server.name == "proftpd").then_some(HashAlgorithm::Sha256);
        assert_eq!(proof.hash.map(|hash| hash.algorithm), expected);
        let options = ResumeOptions::new().overlap(0).verify();
        ftp.resume_upload_with(&original, "f", options).unwrap();
        let mut other = content();
        other[123_456] ^= 1;
        std::fs::write(&original, &other).unwrap();
        match (ftp.verify_file("f", &original), expected) {
            (Err(Error::Mismatch(Mismatch::Hash { local, remote })), Some(algorithm)) => {
                assert_eq!((local.algorithm, remote.algorithm), (algorithm, algorithm));
            }
            (Ok(_), None) => {}
            (other, _) => panic!("{other:?}"),
        }
        ftp.quit().unwrap();
    });
}
