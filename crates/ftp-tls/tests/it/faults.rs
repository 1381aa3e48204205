//! Unreliable pipes: short, blocking and interrupted reads and writes, and connections that end anywhere

use std::io::{self, Read, Write};

use ftp_tls::{Role, TlsError, TlsVersion};
use proptest::prelude::*;
use rustls::ProtocolVersion;

use crate::common::*;

const ROLES: [Role; 2] = [Role::Control, Role::Data];

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| ((at * 31) >> 3) as u8).collect()
}

/// Sends `there`, receives `back`, closes on both sides
fn exchange(
    version: TlsVersion,
    role: Role,
    faults: Faults,
    there: &[u8],
    back: &[u8],
    read_size: usize,
) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let context = context(&config(version));
    let (mut stream, mut peer, wire) =
        connect(&context, role, Server::new(version).accept(2), faults)?;
    let mut sent = 0;
    while sent < there.len() {
        sent += drive(|| stream.write(&there[sent..]).map(Some), || peer.pump(&wire))?;
    }
    drive(|| stream.flush().map(Some), || peer.pump(&wire))?;
    assert!(!stream.wants_write());
    peer.pump(&wire);
    peer.send(&wire, back);
    peer.close(&wire);
    let mut received = Vec::new();
    let mut buffer = vec![0; read_size];
    loop {
        let count = drive(|| stream.read(&mut buffer).map(Some), || {})?;
        if count == 0 {
            break;
        }
        received.extend_from_slice(&buffer[..count]);
    }
    until(|| stream.close_notify(), || peer.pump(&wire))?;
    peer.pump(&wire);
    assert!(peer.closed && peer.error.is_none());
    Ok((peer.received, received))
}

#[test]
fn everything_arrives() {
    let (there, back) = (pattern(300_000), pattern(200_001));
    for version in VERSIONS {
        for role in ROLES {
            for (seed, most, block, read_size) in [
                (1, usize::MAX, 0, 100_000),
                (2, 70_000, 5, 65_536),
                (3, 5_000, 2, 1_000),
                (4, 100, 9, 16_384),
            ] {
                let faults = Faults { seed, most, block };
                let result = exchange(version, role, faults, &there, &back, read_size).unwrap();
                assert!(result.0 == there && result.1 == back, "{version:?} {role:?} {faults:?}");
            }
            let (there, back) = (&there[..20_000], &back[..20_000]);
            let result = exchange(version, role, BYTEWISE, there, back, 10).unwrap();
            assert!(result.0 == there && result.1 == back, "{version:?} {role:?} byte by byte");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// However the bytes are split, the same bytes are received
    #[test]
    fn splits_do_not_matter(
        there in 0_usize..60_000,
        back in 0_usize..60_000,
        seed in 1_u64..,
        most in 1_usize..40_000,
        block in 2_u64..10,
        read_size in 1_usize..70_000,
        tls12: bool,
        control: bool,
    ) {
        let (there, back) = (pattern(there), pattern(back));
        let (version, role) = (VERSIONS[usize::from(!tls12)], ROLES[usize::from(!control)]);
        let faults = Faults { seed, most, block };
        let result = exchange(version, role, faults, &there, &back, read_size).unwrap();
        prop_assert!(result.0 == there);
        prop_assert!(result.1 == back);
    }
}

/// A connection that ends after any byte of the server: in the handshake, in a record, between records, in the
/// close_notify. It is never a clean end, and no wrong byte is delivered before it
#[test]
fn cut_at_every_byte() {
    let content = pattern(700);
    for version in VERSIONS {
        let (config, server) = (config(version), Server::new(version));
        for role in ROLES {
            let mut cut = 0;
            loop {
                let context = context(&config);
                let (mut stream, wire) = pipe(NONE);
                stream.secure(&context, role).unwrap();
                wire.cut_after(cut);
                let mut peer = server.accept(1);
                let mut read = Vec::new();
                let result = until(|| stream.handshake(), || peer.pump(&wire)).and_then(|()| {
                    peer.pump(&wire);
                    for part in content.chunks(300) {
                        peer.send(&wire, part);
                    }
                    peer.close(&wire);
                    stream.read_to_end(&mut read)
                });
                assert!(content.starts_with(&read));
                let is_clean = match result {
                    Ok(_) => true,
                    Err(error) => {
                        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
                        match tls_error(&error) {
                            TlsError::ClosedInHandshake => assert!(read.is_empty()),
                            error => assert_eq!(error, TlsError::Truncated),
                        }
                        // Later calls return the same error.
                        assert_eq!(
                            stream.read(&mut [0]).unwrap_err().kind(),
                            io::ErrorKind::UnexpectedEof
                        );
                        false
                    }
                };
                if is_clean {
                    assert_eq!(read, content);
                    assert_eq!(wire.in_flight(), 0);
                    break;
                }
                assert_eq!(wire.delivered(), cut);
                cut += 1;
            }
            assert!(cut > 1_000, "only {cut} bytes were sent");
        }
    }
}

#[test]
fn clean_end_differs_from_truncation() {
    for version in VERSIONS {
        let context = context(&config(version));
        let server = Server::new(version);
        for clean in [true, false] {
            let (mut stream, mut peer, wire) =
                connect(&context, Role::Data, server.accept(1), NONE).unwrap();
            peer.send(&wire, b"half");
            if clean {
                peer.close(&wire);
            }
            wire.hang_up();
            assert_eq!(read_some(&mut stream).unwrap(), b"half");
            for _ in 0..2 {
                match stream.read(&mut [0; 10]) {
                    Ok(count) => assert!(clean && count == 0),
                    Err(error) => {
                        assert!(!clean);
                        assert_eq!(tls_error(&error), TlsError::Truncated);
                    }
                }
            }
        }
    }
}

#[test]
fn bytes_before_a_bad_record_are_delivered() {
    for version in VERSIONS {
        for role in ROLES {
            let context = context(&config(version));
            let (mut stream, mut peer, wire) =
                connect(&context, role, Server::new(version).accept(0), NONE).unwrap();
            peer.send(&wire, b"good");
            let at = wire.in_flight() + 20;
            peer.send(&wire, b"the same length as before, or more");
            wire.corrupt(at);
            assert_eq!(read_some(&mut stream).unwrap(), b"good");
            let error = read_some(&mut stream).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
            assert_eq!(tls_error(&error), TlsError::Protocol(rustls::Error::DecryptError));
            // Final, on both sides: the alert has been sent.
            assert_eq!(tls_error(&read_some(&mut stream).unwrap_err()), tls_error(&error));
            assert_eq!(tls_error(&stream.write(b"x").unwrap_err()), tls_error(&error));
            peer.pump(&wire);
            assert!(matches!(peer.error, Some(rustls::Error::AlertReceived(_))));
        }
    }
}

#[test]
fn levels_follow_the_handshake() {
    let context = context(&config(TlsVersion::Tls13));
    let (mut stream, wire) = pipe(NONE);
    assert!(stream.wants_read() && !stream.wants_write() && !stream.is_secure());
    assert!(stream.handshake().unwrap(), "nothing to do in clear");
    stream.secure(&context, Role::Control).unwrap();
    // The ClientHello comes first.
    assert!(stream.wants_write() && !stream.wants_read() && stream.is_secure());
    assert!(!stream.handshake().unwrap());
    assert!(!stream.wants_write() && stream.wants_read());
    assert_eq!(stream.protocol_version(), None);
    let mut peer = Server::new(TlsVersion::Tls13).accept(2);
    peer.pump(&wire);
    assert!(stream.handshake().unwrap());
    assert_eq!(stream.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    assert!(stream.cipher_suite().is_some() && stream.alpn_protocol().is_none());
    assert_eq!(stream.peer_certificates().unwrap()[0], SERVER.certificate);
    peer.pump(&wire);

    // Two replies in one segment: the second must not wait for the socket.
    peer.send(&wire, b"150 one\r\n");
    peer.send(&wire, b"226 two\r\n");
    assert_eq!(stream.read(&mut [0; 9]).unwrap(), 9);
    assert_eq!(wire.in_flight(), 0);
    assert!(stream.has_pending_input() && !stream.wants_read());
    assert_eq!(stream.read(&mut [0; 4]).unwrap(), 4);
    assert!(stream.has_pending_input() && !stream.wants_read());
    assert_eq!(stream.read(&mut [0; 9]).unwrap(), 5);
    assert!(!stream.has_pending_input() && stream.wants_read());
    assert_eq!(stream.read(&mut [0; 9]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    peer.close(&wire);
    assert_eq!(stream.read(&mut [0; 9]).unwrap(), 0);
    assert!(stream.has_pending_input() && !stream.wants_read());
}

/// Data that the socket does not accept is limited, and not lost
#[test]
fn back_pressure() {
    struct Full(Vec<u8>, bool);
    impl Read for Full {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::WouldBlock.into())
        }
    }
    impl Write for Full {
        fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
            if self.1 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            self.0.extend_from_slice(buffer);
            Ok(buffer.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let context = context(&config(TlsVersion::Tls13));
    let mut stream = ftp_tls::Stream::new(Full(Vec::new(), true));
    stream.secure(&context, Role::Data).unwrap();
    assert!(!stream.handshake().unwrap());
    assert!(stream.wants_write());
    assert_eq!(stream.write(b"x").unwrap_err().kind(), io::ErrorKind::WouldBlock);
    assert_eq!(stream.flush().unwrap_err().kind(), io::ErrorKind::WouldBlock);
    stream.get_mut().1 = false;
    stream.flush().unwrap();
    assert!(!stream.wants_write() && stream.get_ref().0[0] == 22);

    // After the handshake, one write of 64 KiB is accepted and the next is not.
    let (mut stream, mut peer, wire) =
        connect(&context, Role::Data, Server::new(TlsVersion::Tls13).accept(0), NONE).unwrap();
    let big = pattern(200_000);
    let first = stream.write(&big).unwrap();
    assert_eq!(first, 65_536);
    peer.pump(&wire);
    assert_eq!(peer.received, big[..first]);
    assert_eq!(stream.write(&[]).unwrap(), 0);
}

#[test]
fn writes_end_with_close_notify() {
    let context = context(&config(TlsVersion::Tls13));
    let (mut stream, mut peer, wire) =
        connect(&context, Role::Data, Server::new(TlsVersion::Tls13).accept(0), NONE).unwrap();
    assert!(stream.close_notify().unwrap() && stream.close_notify().unwrap());
    assert_eq!(stream.write(b"x").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    peer.pump(&wire);
    assert!(peer.closed && peer.error.is_none());
    // The other direction stays open.
    peer.send(&wire, b"still here");
    assert_eq!(read_some(&mut stream).unwrap(), b"still here");
}

/// rustls 0.23 panics here in builds with debug assertions
#[test]
fn bad_record_after_our_close_notify() {
    for version in VERSIONS {
        for role in ROLES {
            let context = context(&config(version));
            let (mut stream, mut peer, wire) =
                connect(&context, role, Server::new(version).accept(0), NONE).unwrap();
            assert!(stream.close_notify().unwrap());
            peer.send(&wire, b"late");
            wire.corrupt(wire.in_flight() - 1);
            let error = stream.drain().unwrap_err();
            assert!(matches!(tls_error(&error), TlsError::Protocol(_)), "{error:?}");
            assert_eq!(tls_error(&stream.drain().unwrap_err()), tls_error(&error));
            assert!(stream.close_notify().unwrap());
        }
    }
}

#[test]
fn drain_takes_any_end_but_not_for_ever() {
    for version in VERSIONS {
        let context = context(&config(version));
        let server = Server::new(version);
        for close_notify in [true, false] {
            let (mut stream, mut peer, wire) =
                connect(&context, Role::Data, server.accept(1), BYTEWISE).unwrap();
            until(|| stream.close_notify(), || {}).unwrap();
            peer.send(&wire, &pattern(5_000));
            assert!(!stream.drain().unwrap());
            if close_notify {
                peer.close(&wire);
            } else {
                wire.hang_up();
            }
            until(|| stream.drain(), || {}).unwrap();
            assert!(stream.drain().unwrap());
        }
        let (mut stream, mut peer, wire) =
            connect(&context, Role::Data, server.accept(1), NONE).unwrap();
        stream.close_notify().unwrap();
        let mut rounds = 0;
        let error = loop {
            peer.send(&wire, &pattern(50_000));
            match stream.drain() {
                Ok(done) => assert!(!done),
                Err(error) => break error,
            }
            rounds += 1;
        };
        assert_eq!(tls_error(&error), TlsError::EndlessClose);
        assert_eq!(rounds, 5);
    }

    let (mut plain, wire) = pipe(BYTEWISE);
    wire.inject(b"leftovers");
    assert!(!plain.drain().unwrap());
    wire.hang_up();
    until(|| plain.drain(), || {}).unwrap();
}
