//! Streams that hold bytes back until they are flushed: a tunnel, a buffer

use std::io::{self, Read, Write};

use ftp_tls::{Role, Stream, TlsContext};

use crate::common::*;

/// A pipe that passes nothing on before it has been flushed, and whose flush blocks at first
struct Buffered {
    pipe: FaultyPipe,
    held: Vec<u8>,
    /// How often a flush of held bytes blocks
    blocks: usize,
    blocked: usize,
    flushes: usize,
}

impl Read for Buffered {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.pipe.read(buffer)
    }
}

impl Write for Buffered {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.held.extend_from_slice(buffer);
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.flushes += 1;
        if !self.held.is_empty() && self.blocked < self.blocks {
            self.blocked += 1;
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.blocked = 0;
        self.pipe.write_all(&self.held)?;
        self.held.clear();
        Ok(())
    }
}

fn buffered(context: &TlsContext, role: Role, blocks: usize) -> (Stream<Buffered>, Wire) {
    let (pipe, wire) = pipe(NONE);
    let pipe = pipe.into_inner();
    let mut stream =
        Stream::new(Buffered { pipe, held: Vec::new(), blocks, blocked: 0, flushes: 0 });
    stream.secure(context, role).unwrap();
    (stream, wire)
}

/// Repeats a step until it is done. As long as its flush blocks, the stream must want to write
fn finish(
    stream: &mut Stream<Buffered>,
    wire: &Wire,
    peer: &mut Peer,
    mut step: impl FnMut(&mut Stream<Buffered>) -> io::Result<bool>,
) {
    for _ in 0..100 {
        if step(stream).unwrap() {
            assert!(stream.get_ref().held.is_empty(), "it is not done before it has been flushed");
            assert!(!stream.wants_write());
            return;
        }
        let blocks = stream.get_ref().blocked > 0;
        assert_eq!(stream.wants_write(), blocks);
        peer.pump(wire);
    }
    panic!("no end");
}

#[test]
fn handshakes_and_ends_are_flushed() {
    for version in VERSIONS {
        for blocks in [0, 1, 3] {
            let context = context(&config(version));
            let mut peer = Server::new(version).accept(2);
            let (mut stream, wire) = buffered(&context, Role::Data, blocks);
            finish(&mut stream, &wire, &mut peer, Stream::handshake);
            peer.pump(&wire);
            assert!(!peer.connection.is_handshaking());
            // Nothing is left to flush, so it is not flushed again.
            let flushes = stream.get_ref().flushes;
            assert!(stream.handshake().unwrap());
            assert_eq!(stream.get_ref().flushes, flushes);

            // Data stays in the buffer until its end, or until it is flushed.
            stream.write_all(b"content").unwrap();
            assert_eq!(stream.get_ref().flushes, flushes);
            assert!(!stream.get_ref().held.is_empty());
            finish(&mut stream, &wire, &mut peer, |stream| match stream.flush() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
                result => result.map(|()| true),
            });
            peer.pump(&wire);
            assert_eq!(peer.received, b"content");
            stream.write_all(b" and more").unwrap();
            finish(&mut stream, &wire, &mut peer, Stream::close_notify);
            peer.pump(&wire);
            assert_eq!(peer.received, b"content and more");
            assert!(peer.closed);
        }
    }
}

/// Reading and writing complete the handshake, too
#[test]
fn a_read_flushes_the_handshake() {
    for version in VERSIONS {
        let context = context(&config(version));
        let mut peer = Server::new(version).accept(2);
        let (mut stream, wire) = buffered(&context, Role::Data, 1);
        let mut sent = false;
        let read = drive(
            || read_some(&mut stream).map(Some),
            || {
                peer.pump(&wire);
                if !peer.connection.is_handshaking() && !std::mem::replace(&mut sent, true) {
                    peer.send(&wire, b"content");
                }
            },
        );
        assert_eq!(read.unwrap(), b"content");
    }
}

#[test]
fn the_end_of_tls_is_flushed() {
    for version in VERSIONS {
        for blocks in [0, 1, 3] {
            let context = context(&config(version));
            let mut peer = Server::new(version).accept(2);
            let (mut stream, wire) = buffered(&context, Role::Control, blocks);
            finish(&mut stream, &wire, &mut peer, Stream::handshake);
            peer.pump(&wire);
            for _ in 0..blocks {
                assert!(!stream.clear().unwrap());
                let error = stream.clear_now().unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
            }
            assert!(!stream.clear().unwrap(), "the server's close_notify has not come");
            peer.pump(&wire);
            assert!(peer.closed);
            peer.close(&wire);
            assert!(stream.clear().unwrap());
            assert!(!stream.is_secure());
        }
    }
}
