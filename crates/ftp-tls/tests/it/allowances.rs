//! The work of a stream before it lets others take their turn

use std::io;

use ftp_tls::{Role, Stream, TlsVersion};

use crate::common::*;

const ROLES: [Role; 2] = [Role::Control, Role::Data];

/// Bytes of ciphertext, plus 4 KiB for each record and 8 KiB for each ticket
const ALLOWANCE: usize = 64 * 1024;

/// The maximum charge of a step that began with an allowance: a record, or 4 KiB of small ones
const OVERDRAFT: usize = 16 * 1024 + 256;

/// Creates a stream with tickets that wait for the client, followed by `content`
fn with_tickets(role: Role, tickets: usize) -> (Stream<FaultyPipe>, Peer, Wire) {
    let context = context(&config(TlsVersion::Tls13));
    let server = Server::new(TlsVersion::Tls13);
    let (mut stream, mut peer, wire) =
        connect(&context, role, server.accept(tickets), NONE).unwrap();
    peer.send(&wire, b"content");
    // The handshake must not exceed the allowance.
    stream.set_allowance(ALLOWANCE);
    (stream, peer, wire)
}

/// Returns how often a method pauses before it has a result, and the maximum delivered in between
fn turns<T>(
    stream: &mut Stream<FaultyPipe>,
    wire: &Wire,
    mut step: impl FnMut(&mut Stream<FaultyPipe>) -> io::Result<Option<T>>,
) -> (usize, usize, T) {
    let (mut turns, mut most) = (0, 0);
    loop {
        stream.set_allowance(ALLOWANCE);
        let before = wire.delivered();
        let result = match step(stream) {
            Ok(result) => result,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
            Err(error) => panic!("{error}"),
        };
        most = most.max(wire.delivered() - before);
        if let Some(result) = result {
            // The excess of the last step is deducted from later allowances.
            while stream.is_exhausted() {
                stream.set_allowance(ALLOWANCE);
                turns += 1;
            }
            return (turns, most, result);
        }
        assert!(stream.is_exhausted(), "it has been asked to wait, and nothing would come");
        turns += 1;
    }
}

#[test]
fn tickets_are_charged_to_reads() {
    const TICKETS: usize = 150;
    for role in ROLES {
        let (mut stream, _peer, wire) = with_tickets(role, TICKETS);
        let waiting = wire.in_flight();
        let read = |stream: &mut Stream<_>| read_some(stream).map(Some);
        let (turns, most, bytes) = turns(&mut stream, &wire, read);
        assert_eq!(bytes, b"content");
        // 8 KiB each plus their bytes, several per record: at most 8 per turn.
        assert!(turns >= TICKETS / 8, "{role:?}: {turns} turns for {waiting} bytes");
        assert!(most <= ALLOWANCE + OVERDRAFT, "{role:?}: {most} bytes in a turn");
    }
}

#[test]
fn tickets_are_charged_while_closing() {
    const TICKETS: usize = 150;
    for role in ROLES {
        let (mut stream, mut peer, wire) = with_tickets(role, TICKETS);
        peer.close(&wire);
        let drain = |stream: &mut Stream<_>| Ok(stream.drain()?.then_some(()));
        let (turns, ..) = turns(&mut stream, &wire, drain);
        assert!(turns >= TICKETS / 8, "{role:?}: {turns} turns");
    }
    let (mut stream, mut peer, wire) = with_tickets(Role::Control, TICKETS);
    peer.close(&wire);
    let clear = |stream: &mut Stream<_>| Ok(stream.clear()?.then_some(()));
    let (turns, ..) = turns(&mut stream, &wire, clear);
    assert!(turns >= TICKETS / 8, "{turns} turns to end TLS");
    assert_eq!(read_some(&mut stream).unwrap(), b"content");
}

#[test]
fn single_bytes_and_new_keys_are_charged() {
    const RECORDS: usize = 2000;
    for role in ROLES {
        for new_keys in [false, true] {
            let (mut stream, mut peer, wire) = with_tickets(role, 0);
            assert_eq!(read_some(&mut stream).unwrap(), b"content");
            for _ in 0..RECORDS {
                if new_keys {
                    peer.connection.refresh_traffic_keys().unwrap();
                }
                peer.send(&wire, b"x");
            }
            let (mut bytes, mut turns) = (0, 0);
            while bytes < RECORDS {
                stream.set_allowance(ALLOWANCE);
                match read_some(&mut stream) {
                    Ok(read) => bytes += read.len(),
                    Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
                }
                turns += usize::from(stream.is_exhausted());
            }
            // 4 KiB and a few bytes each: at most 16 per turn, apart from the last step.
            assert!(turns + 4 >= RECORDS / 16, "{role:?}, new keys {new_keys}: {turns} turns");
        }
    }
}

/// Without an allowance, a call reads until there is data
#[test]
fn without_an_allowance_a_read_goes_on() {
    let context = context(&config(TlsVersion::Tls13));
    let server = Server::new(TlsVersion::Tls13);
    let (mut stream, mut peer, wire) =
        connect(&context, Role::Data, server.accept(150), NONE).unwrap();
    peer.send(&wire, b"content");
    assert_eq!(read_some(&mut stream).unwrap(), b"content");
    assert!(!stream.is_exhausted());
}
