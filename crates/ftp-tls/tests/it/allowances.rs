//! What a stream does before it gives way to others

use std::io;

use ftp_tls::{Role, Stream, TlsVersion};

use crate::common::*;

const ROLES: [Role; 2] = [Role::Control, Role::Data];

/// Of ciphertext, with 4 KiB a record and 8 KiB a ticket on top of their bytes
const ALLOWANCE: usize = 64 * 1024;

/// What a step may be charged that began with an allowance: a record, or 4 KiB of small ones
const OVERDRAFT: usize = 16 * 1024 + 256;

/// Tickets that wait for the client, then `content`
fn with_tickets(role: Role, tickets: usize) -> (Stream<FaultyPipe>, Peer, Wire) {
    let context = context(&config(TlsVersion::Tls13));
    let server = Server::new(TlsVersion::Tls13);
    let (mut stream, mut peer, wire) =
        connect(&context, role, server.accept(tickets), NONE).unwrap();
    peer.send(&wire, b"content");
    // The handshake leaves no debt.
    stream.set_allowance(ALLOWANCE);
    (stream, peer, wire)
}

/// How often a method gives way until it has a result, and the most that was delivered in between
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
            // What the last step has taken beyond its allowance is paid by later ones.
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
        // 8 KiB and its bytes each, and several in a record: no more than 8 in a turn.
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
            // 4 KiB and a few bytes each: no more than 16 in a turn, apart from what one step takes.
            assert!(turns + 4 >= RECORDS / 16, "{role:?}, new keys {new_keys}: {turns} turns");
        }
    }
}

/// Callers that set none read until there is something
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
