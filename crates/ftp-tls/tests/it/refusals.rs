//! Servers that do not use TLS, or not where they should (Q138)

use std::io;

use ftp_tls::{Role, TlsError, TlsVersion};
use rustls::AlertDescription;

use crate::common::*;

const FAULTS: [Faults; 2] = [NONE, BYTEWISE];

fn line(text: &str) -> TlsError {
    TlsError::PlaintextReply { line: text.into() }
}

fn no_longer(text: &str) -> TlsError {
    TlsError::NoLongerTls { reply: Some(text.into()) }
}

/// Implicit TLS to a server that greets in clear text, or a refusal in place of the ServerHello
#[test]
fn reply_instead_of_handshake() {
    for faults in FAULTS {
        let context = context(&config(TlsVersion::Tls13));
        let (mut stream, wire) = pipe(faults);
        stream.secure(&context, Role::Control).unwrap();
        wire.inject(b"220-hello\r\n220 there\r\n");
        let error = until(|| stream.handshake(), || {}).unwrap_err();
        assert_eq!(tls_error(&error), line("220-hello"));
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert_eq!(tls_error(&stream.handshake().unwrap_err()), line("220-hello"));
    }
}

/// vsftpd in the middle of the session
#[test]
fn reply_between_records() {
    for version in VERSIONS {
        for faults in FAULTS {
            for end in ["\r\n", "\n", ""] {
                let context = context(&config(version));
                let (mut stream, mut peer, wire) =
                    connect(&context, Role::Control, Server::new(version).accept(2), faults)
                        .unwrap();
                peer.send(&wire, b"150 here\r\n");
                wire.inject(b"500 OOPS: priv_sock_get_cmd");
                wire.inject(end.as_bytes());
                wire.hang_up();
                let mut read = Vec::new();
                let error = loop {
                    match drive(|| read_some(&mut stream).map(Some), || {}) {
                        Ok(some) => read.extend(some),
                        Err(error) => break error,
                    }
                };
                assert_eq!(read, b"150 here\r\n");
                assert_eq!(tls_error(&error), no_longer("500 OOPS: priv_sock_get_cmd"));
                assert!(error.to_string().contains("500 OOPS"));
            }
        }
    }
}

/// A greeting is no sign of the wrong port once the handshake is over, for example after CCC without close_notify
#[test]
fn a_greeting_after_the_handshake() {
    for version in VERSIONS {
        for faults in FAULTS {
            let context = context(&config(version));
            let (mut stream, mut peer, wire) =
                connect(&context, Role::Control, Server::new(version).accept(0), faults).unwrap();
            peer.send(&wire, b"200 clear\r\n");
            wire.inject(b"220 welcome\r\n");
            while drive(|| read_some(&mut stream).map(Some), || {}).is_ok() {}
            let error = tls_error(&stream.clear().unwrap_err());
            assert_eq!(error, no_longer("220 welcome"));
            let text = error.to_string();
            assert!(!text.contains("handshake") && !text.contains("TlsPolicy"), "{text}");
        }
    }
}

#[test]
fn anything_else_after_the_handshake() {
    for version in VERSIONS {
        for role in [Role::Control, Role::Data] {
            let context = context(&config(version));
            let server = Server::new(version).accept(0);
            let (mut stream, _, wire) = connect(&context, role, server, NONE).unwrap();
            wire.inject(b"the rest of a file\r\n");
            let error = tls_error(&read_some(&mut stream).unwrap_err());
            assert_eq!(error, TlsError::NoLongerTls { reply: None });
        }
    }
}

#[test]
fn the_rest_of_an_incomplete_reply_is_awaited() {
    let context = context(&config(TlsVersion::Tls13));
    let (mut stream, wire) = pipe(NONE);
    stream.secure(&context, Role::Control).unwrap();
    wire.inject(b"421 Too ma");
    assert!(!stream.handshake().unwrap());
    assert!(stream.wants_read() && !stream.has_pending_input());
    wire.inject(b"ny users\n");
    assert_eq!(tls_error(&stream.handshake().unwrap_err()), line("421 Too many users"));
    // But not for ever, and not with unlimited length.
    let (mut stream, wire) = pipe(NONE);
    stream.secure(&context, Role::Control).unwrap();
    wire.inject(b"421 ");
    wire.inject(&[b'x'; 600]);
    let TlsError::PlaintextReply { line } = tls_error(&stream.handshake().unwrap_err()) else {
        panic!()
    };
    assert_eq!(line.len(), 512);
}

#[test]
fn anything_else_is_not_tls() {
    let context = context(&config(TlsVersion::Tls13));
    for (role, bytes) in [
        (Role::Control, &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..]),
        (Role::Control, b"SSH"),
        (Role::Control, b"12 dozen\r\n"),
        (Role::Control, b"7"),
        (Role::Control, b"\xff\xfd\x18\xff\xfd\x20"),
        (Role::Data, b"500 a file's first line\n"),
        (Role::Data, b"total 12\r\n"),
    ] {
        let (mut stream, wire) = pipe(NONE);
        stream.secure(&context, role).unwrap();
        wire.inject(bytes);
        wire.hang_up();
        let error = until(|| stream.handshake(), || {}).unwrap_err();
        assert_eq!(tls_error(&error), TlsError::NotTls, "{bytes:?}");
    }
}

/// Returns an alert as an old server sends it, in clear text: fatal, then the description
fn alert(code: u8) -> [u8; 7] {
    [21, 3, 1, 0, 2, 2, code]
}

#[test]
fn servers_alerts_in_words() {
    let context = context(&config(TlsVersion::Tls12));
    for (code, expected) in [
        (70, TlsError::ProtocolVersion),
        (71, TlsError::NothingInCommon("cipher suite")),
        (40, TlsError::Alert(AlertDescription::HandshakeFailure)),
        (80, TlsError::Alert(AlertDescription::InternalError)),
        (116, TlsError::ClientCertificateRequired),
        (120, TlsError::NoApplicationProtocol),
    ] {
        let (mut stream, wire) = pipe(BYTEWISE);
        stream.secure(&context, Role::Control).unwrap();
        wire.inject(&alert(code));
        let error = until(|| stream.handshake(), || {}).unwrap_err();
        assert_eq!(tls_error(&error), expected);
    }
}

/// A ServerHello that chooses TLS 1.0
#[test]
fn tls10_server() {
    let context = context(&config(TlsVersion::Tls12));
    let (mut stream, wire) = pipe(NONE);
    stream.secure(&context, Role::Control).unwrap();
    let mut hello = vec![22, 3, 1, 0, 42, 2, 0, 0, 38, 3, 1];
    hello.extend([9; 32]);
    hello.extend([0, 0, 0x2f, 0]);
    wire.inject(&hello);
    let error = until(|| stream.handshake(), || {}).unwrap_err();
    assert_eq!(tls_error(&error), TlsError::ProtocolVersion);
    assert!(error.to_string().contains("TLS 1.0"));
}

/// TLS 1.2 has no alert of its own for a missing certificate
#[test]
fn handshake_failure_after_a_demand_for_a_certificate() {
    let clients = Ca::new();
    let server = Server::with(&SERVER, TlsVersion::Tls12, Some(&clients));
    let context = context(&config(TlsVersion::Tls12));
    let (mut stream, wire) = pipe(NONE);
    stream.secure(&context, Role::Control).unwrap();
    let mut peer = server.accept(0);
    assert!(!stream.handshake().unwrap());
    peer.pump(&wire);
    assert!(!stream.handshake().unwrap());
    // The server has requested a certificate and received none.
    wire.inject(&alert(40));
    let error = stream.handshake().unwrap_err();
    assert_eq!(tls_error(&error), TlsError::ClientCertificateRequired);
}

#[test]
fn oversized_records_are_refused() {
    for role in [Role::Control, Role::Data] {
        let context = context(&config(TlsVersion::Tls13));
        let (mut stream, wire) = pipe(NONE);
        stream.secure(&context, role).unwrap();
        wire.inject(&[22, 3, 3, 0xff, 0xff]);
        wire.inject(&[0; 1000]);
        let error = until(|| stream.handshake(), || {}).unwrap_err();
        assert!(matches!(tls_error(&error), TlsError::Protocol(_)), "{error:?}");
    }
}
