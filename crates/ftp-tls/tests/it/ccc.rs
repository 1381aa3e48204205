//! CCC: TLS ends in the middle of the control connection (Q96)

use std::io::{self, Read, Write};

use ftp_tls::{Role, Stream, TlsError, TlsVersion};

use crate::common::*;

const FAULTS: [Faults; 3] = [NONE, BYTEWISE, Faults { seed: 11, most: 40, block: 5 }];

fn secured(version: TlsVersion, faults: Faults) -> (Stream<FaultyPipe>, Peer, Wire) {
    let context = context(&config(version));
    connect(&context, Role::Control, Server::new(version).accept(2), faults).unwrap()
}

fn read_exactly(stream: &mut impl Read, length: usize) -> Vec<u8> {
    let mut read = Vec::new();
    let mut buffer = [0; 64];
    while read.len() < length {
        let most = buffer.len().min(length - read.len());
        let count = drive(|| stream.read(&mut buffer[..most]).map(Some), || {}).unwrap();
        assert_ne!(count, 0);
        read.extend_from_slice(&buffer[..count]);
    }
    read
}

fn writes_in_clear(stream: &mut Stream<FaultyPipe>, wire: &Wire) {
    wire.take_to_server();
    let mut left = &b"NOOP\r\n"[..];
    while !left.is_empty() {
        left = &left[drive(|| stream.write(left).map(Some), || {}).unwrap()..];
    }
    assert_eq!(wire.take_to_server(), b"NOOP\r\n");
}

fn give_up(stream: &mut Stream<FaultyPipe>) {
    loop {
        assert!(!stream.clear().unwrap());
        match stream.clear_now() {
            Ok(()) => break,
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
        }
    }
}

/// The 200, the close_notify and clear text after it, all in one segment
#[test]
fn nothing_after_close_notify_is_lost() {
    for version in VERSIONS {
        for faults in FAULTS {
            let (mut stream, mut peer, wire) = secured(version, faults);
            peer.send(&wire, b"200 ok\r\n");
            peer.close(&wire);
            wire.inject(b"220 in clear\r\n");
            assert_eq!(read_exactly(&mut stream, 8), b"200 ok\r\n");
            until(|| stream.clear(), || peer.pump(&wire)).unwrap();
            assert!(!stream.is_secure());
            peer.pump(&wire);
            assert!(peer.closed);
            assert_eq!(read_exactly(&mut stream, 14), b"220 in clear\r\n");
            wire.inject(b"200 more\r\n");
            assert_eq!(read_exactly(&mut stream, 10), b"200 more\r\n");
            writes_in_clear(&mut stream, &wire);
            assert!(stream.clear().unwrap(), "it stays in clear");
        }
    }
}

#[test]
fn close_notify_comes_later() {
    for version in VERSIONS {
        for faults in FAULTS {
            let (mut stream, mut peer, wire) = secured(version, faults);
            for _ in 0..10 {
                assert!(!stream.clear().unwrap());
            }
            assert_eq!(stream.write(b"x").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
            peer.close(&wire);
            until(|| stream.clear(), || peer.pump(&wire)).unwrap();
            writes_in_clear(&mut stream, &wire);
        }
    }
}

/// A reply under TLS after the 200 is not lost either
#[test]
fn replies_before_the_close_come_first() {
    for version in VERSIONS {
        let (mut stream, mut peer, wire) = secured(version, NONE);
        peer.send(&wire, b"200 ok\r\n");
        peer.send(&wire, b"220 late\r\n");
        peer.close(&wire);
        wire.inject(b"221 clear\r\n");
        assert_eq!(read_exactly(&mut stream, 8), b"200 ok\r\n");
        assert!(stream.clear().unwrap());
        assert!(stream.has_pending_input() && !stream.wants_read());
        assert_eq!(read_exactly(&mut stream, 21), b"220 late\r\n221 clear\r\n");
        assert!(!stream.has_pending_input() && stream.wants_read());

        // Nor if the caller reads while the close is still awaited.
        let (mut stream, mut peer, wire) = secured(version, NONE);
        peer.send(&wire, b"one");
        assert!(!stream.clear().unwrap());
        peer.send(&wire, b"two");
        assert!(stream.has_pending_input());
        assert_eq!(read_exactly(&mut stream, 4), b"onet");
        assert!(!stream.clear().unwrap());
        peer.close(&wire);
        wire.inject(b"three");
        assert!(stream.clear().unwrap());
        assert_eq!(read_exactly(&mut stream, 7), b"wothree");
    }
}

#[test]
fn servers_without_close_notify() {
    for version in VERSIONS {
        for faults in FAULTS {
            // A server that simply continues in clear text.
            let (mut stream, _, wire) = secured(version, faults);
            assert!(!stream.clear().unwrap());
            wire.inject(b"220 hello\r\n");
            until(|| stream.clear(), || {}).unwrap();
            assert_eq!(read_exactly(&mut stream, 11), b"220 hello\r\n");

            // A server that waits for the client to continue.
            let (mut stream, mut peer, wire) = secured(version, faults);
            give_up(&mut stream);
            assert!(!stream.is_secure());
            peer.pump(&wire);
            writes_in_clear(&mut stream, &wire);
            wire.inject(b"200 noop\r\n");
            assert_eq!(read_exactly(&mut stream, 10), b"200 noop\r\n");
            assert!(stream.clear().unwrap());
        }
    }
}

#[test]
fn a_close_notify_after_the_deadline_is_removed() {
    for version in VERSIONS {
        for faults in FAULTS {
            let (mut stream, mut peer, wire) = secured(version, faults);
            give_up(&mut stream);
            assert!(stream.wants_read() && !stream.has_pending_input());
            // The next bytes might be clear text, so TLS must wait until this is settled.
            let context = context(&config(version));
            assert_eq!(stream.secure(&context, Role::Control), Err(TlsError::PlaintextPending));
            peer.close(&wire);
            wire.inject(b"200 noop\r\n");
            assert_eq!(read_exactly(&mut stream, 10), b"200 noop\r\n");
        }
    }
}

#[test]
fn clear_now_is_for_after_clear() {
    let (mut stream, ..) = secured(TlsVersion::Tls13, NONE);
    assert_eq!(stream.clear_now().unwrap_err().kind(), io::ErrorKind::WouldBlock);
    assert!(stream.is_secure());
    let context = context(&config(TlsVersion::Tls13));
    let server = Server::new(TlsVersion::Tls13);
    let (mut data, ..) = connect(&context, Role::Data, server.accept(0), NONE).unwrap();
    assert_eq!(data.clear().unwrap_err().kind(), io::ErrorKind::Unsupported);
    assert!(data.close_notify().unwrap());
    data.clear_now().unwrap_err();
    let (mut plain, _) = pipe(NONE);
    plain.clear_now().unwrap();
    assert!(plain.clear().unwrap());
}

#[test]
fn connection_ends_instead() {
    for version in VERSIONS {
        let (mut stream, _, wire) = secured(version, NONE);
        wire.hang_up();
        let error = stream.clear().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(tls_error(&error), TlsError::Truncated);
        assert!(stream.is_secure());
    }
}

#[test]
fn a_server_that_keeps_sending_is_cut_off() {
    let (mut stream, mut peer, wire) = secured(TlsVersion::Tls13, NONE);
    for _ in 0..20 {
        peer.send(&wire, &[b'x'; 10_000]);
    }
    assert_eq!(tls_error(&stream.clear().unwrap_err()), TlsError::EndlessClose);
}

/// AUTH again after CCC: only if no clear text is left that could be taken for protected data (Q79)
#[test]
fn securing_twice_is_an_error() {
    for version in VERSIONS {
        let context = context(&config(version));
        let server = Server::new(version);
        let (mut stream, mut peer, wire) = control(&context, server.accept(2));
        assert_eq!(stream.secure(&context, Role::Control), Err(TlsError::AlreadySecured));
        peer.close(&wire);
        wire.inject(b"234 go\r\n");
        assert!(stream.clear().unwrap());
        assert_eq!(stream.secure(&context, Role::Control), Err(TlsError::PlaintextPending));
        assert_eq!(stream.read(&mut [0; 4]).unwrap(), 4);
        assert_eq!(stream.secure(&context, Role::Control), Err(TlsError::PlaintextPending));
        assert_eq!(stream.read(&mut [0; 9]).unwrap(), 4);
        wire.take_to_server();
        stream.secure(&context, Role::Control).unwrap();
        let mut peer = server.accept(2);
        until(|| stream.handshake(), || peer.pump(&wire)).unwrap();
        peer.pump(&wire);
        peer.send(&wire, b"200 safe\r\n");
        assert_eq!(read_some(&mut stream).unwrap(), b"200 safe\r\n");
    }
}
