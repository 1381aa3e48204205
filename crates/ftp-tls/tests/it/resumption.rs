//! The supply of tickets, with servers that behave like real ones

use crate::common::*;
use std::sync::Arc;

use ftp_tls::{Resumption, Role, Stream, TicketSupply, TlsError, TlsVersion};
use proptest::prelude::*;
use rustls::HandshakeKind;

#[test]
fn a_tls12_session_can_be_resumed_without_limit() {
    let context = context(&config(TlsVersion::Tls12));
    let server = Server::new(TlsVersion::Tls12);
    let _control = control(&context, server.accept(0));
    assert!(context.can_resume());
    for _ in 0..100 {
        assert!(context.ticket_supply().permits_upload());
        assert!(upload(&context, server.accept(0), true).unwrap().resumed());
    }
    let stats = context.stats();
    assert!(stats.tls12_session);
    assert_eq!((stats.resumed, stats.full, stats.tickets), (100, 0, 0));
}

/// vsftpd issues a new ticket on every data connection, after its Finished (Q86)
#[test]
fn drained_uploads_keep_the_tickets() {
    let context = context(&config(TlsVersion::Tls13));
    let server = Server::new(TlsVersion::Tls13);
    let _control = control(&context, server.accept(2));
    assert_eq!(context.stats().tickets, 2);
    for _ in 0..100 {
        assert!(context.ticket_supply().permits_upload());
        assert!(upload(&context, server.accept(1), true).unwrap().resumed());
        assert_eq!(context.stats().tickets, 2);
    }
    let stats = context.stats();
    assert_eq!((stats.resumed, stats.full, stats.tickets_received), (100, 0, 102));
}

#[test]
fn careless_uploads_are_stopped_before_they_start() {
    let context = context(&config(TlsVersion::Tls13));
    let server = Server::new(TlsVersion::Tls13);
    let _control = control(&context, server.accept(2));
    for _ in 0..2 {
        assert!(context.ticket_supply().permits_upload());
        assert!(upload(&context, server.accept(1), false).unwrap().resumed());
    }
    assert_eq!(context.ticket_supply(), TicketSupply::Wanted);
    assert!(!context.can_resume());
}

/// ProFTPD issues none with uploads, and two with a listing that it refuses
#[test]
fn a_refused_listing_brings_tickets() {
    let context = context(&config(TlsVersion::Tls13));
    let server = Server::new(TlsVersion::Tls13);
    let _control = control(&context, server.accept(2));
    let (mut uploads, mut listings) = (0, 0);
    while uploads < 100 {
        match context.ticket_supply() {
            TicketSupply::Unneeded | TicketSupply::Ample | TicketSupply::Scarce => {
                assert!(upload(&context, server.accept(0), true).unwrap().resumed());
                uploads += 1;
            }
            TicketSupply::Wanted => {
                assert!(!refused(&context, server.accept(2)).unwrap().resumed());
                listings += 1;
            }
            TicketSupply::Exhausted => panic!("after {uploads} uploads"),
        }
    }
    assert_eq!(listings, 49);
}

#[test]
fn listings_without_new_tickets_lead_to_a_new_control_connection() {
    let context = context(&config(TlsVersion::Tls13));
    let server = Server::new(TlsVersion::Tls13);
    let _control = control(&context, server.accept(1));
    upload(&context, server.accept(0), true).unwrap();
    assert_eq!(context.ticket_supply(), TicketSupply::Wanted);
    refused(&context, server.accept(0)).unwrap();
    assert_eq!(context.ticket_supply(), TicketSupply::Exhausted);
    let context = context.renew();
    let _control = control(&context, server.accept(1));
    assert!(context.ticket_supply().permits_upload());
}

#[test]
fn permits_end_whatever_the_server_does() {
    let context = context(&config(TlsVersion::Tls13));
    let server = Server::new(TlsVersion::Tls13);
    let _control = control(&context, server.accept(2));
    assert!(context.ticket_supply() == TicketSupply::Ample);
    upload(&context, server.accept(0), true).unwrap();
    // The last ticket is not risked on servers that may refuse.
    assert!(context.ticket_supply() == TicketSupply::Scarce);
    upload(&context, server.accept(0), true).unwrap();
    assert!(context.ticket_supply() == TicketSupply::Wanted && !context.can_resume());
    // A listing that obtained none.
    refused(&context, server.accept(0)).unwrap();
    assert_eq!(context.ticket_supply(), TicketSupply::Exhausted);
}

#[test]
fn a_lost_tls12_session_cannot_be_obtained_again() {
    let context = context(&config(TlsVersion::Tls12));
    let server = Server::new(TlsVersion::Tls12);
    let _control = control(&context, server.accept(0));
    assert!(context.can_resume());
    // rustls drops a session if the server's Finished of a resumption can't be decrypted.
    let (mut stream, wire) = pipe(NONE);
    stream.secure(&context, Role::Data).unwrap();
    let mut peer = server.accept(0);
    assert!(!stream.handshake().unwrap());
    peer.pump(&wire);
    wire.corrupt(wire.in_flight() - 1);
    stream.handshake().unwrap_err();
    assert!(!context.can_resume());
    assert_eq!(context.ticket_supply(), TicketSupply::Exhausted);
}

/// The session of such a data connection would be resumed, and refused (Q87)
#[test]
fn the_tls12_session_of_a_data_connection_does_not_replace_the_first() {
    let context = context(&config(TlsVersion::Tls12));
    let server = Server::new(TlsVersion::Tls12);
    let _control = control(&context, server.accept(0));
    let forgetful = Server::new(TlsVersion::Tls12);
    assert!(!refused(&context, forgetful.accept(0)).unwrap().resumed());
    assert!(!context.can_resume());
    assert_eq!(context.ticket_supply(), TicketSupply::Exhausted);
    // Unless the server accepts it.
    context.note_full_handshake_accepted();
    assert!(context.ticket_supply().permits_upload());
}

#[test]
fn a_server_without_sessions_cannot_require_resumption() {
    for version in VERSIONS {
        let context = context(&config(version));
        let mut server = Server::new(version);
        server.config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
        server.config.ticketer = Arc::new(NoTickets);
        let _control = control(&context, server.accept(0));
        for _ in 0..3 {
            assert!(!context.can_resume());
            assert!(context.ticket_supply().permits_upload());
            assert!(!upload(&context, server.accept(0), true).unwrap().resumed());
        }
    }
}

#[derive(Debug)]
struct NoTickets;

impl rustls::server::ProducesTickets for NoTickets {
    fn enabled(&self) -> bool {
        false
    }
    fn lifetime(&self) -> u32 {
        0
    }
    fn encrypt(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }
    fn decrypt(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }
}

/// Pure-FTPd issues one ticket per full handshake, none with resumptions, and requires none
#[test]
fn accepted_full_handshakes_end_the_guard() {
    let base = context(&config(TlsVersion::Tls13));
    let server = Server::new(TlsVersion::Tls13);
    let _control = control(&base, server.accept(1));
    upload(&base, server.accept(0), true).unwrap();
    assert_eq!(base.ticket_supply(), TicketSupply::Wanted);
    assert!(!download(&base, server.accept(0)).unwrap().resumed());
    assert!(base.ticket_supply().permits_upload());
    assert!(base.renew().ticket_supply().permits_upload());

    // For an upload only the final reply shows it, so the driver must report it.
    let other = context(&config(TlsVersion::Tls13));
    let _control = control(&other, server.accept(1));
    upload(&other, server.accept(0), true).unwrap();
    upload(&other, server.accept(0), true).unwrap();
    assert_eq!(other.ticket_supply(), TicketSupply::Exhausted);
    other.note_full_handshake_accepted();
    assert!(other.ticket_supply().permits_upload());
}

#[test]
fn guard_can_be_switched_off() {
    let context = context(&config(TlsVersion::Tls13).guard_uploads(false));
    let server = Server::new(TlsVersion::Tls13);
    let _control = control(&context, server.accept(1));
    upload(&context, server.accept(0), true).unwrap();
    assert!(context.ticket_supply().permits_upload());
}

/// Data connections that resume are accepted, in both directions and any number of times
#[test]
fn required_resumption_that_is_kept() {
    for resumption in [Resumption::Consistent, Resumption::Required] {
        for version in VERSIONS {
            let context = context(&config(version).resumption(resumption));
            let server = Server::new(version);
            let _control = control(&context, server.accept(2));
            for _ in 0..5 {
                assert!(context.ticket_supply().permits_upload());
                assert!(upload(&context, server.accept(1), true).unwrap().resumed());
                assert!(download(&context, server.accept(1)).unwrap().resumed());
            }
        }
    }
}

/// A full handshake in place of a resumption is refused before any data has passed
#[test]
fn required_resumption_that_stops() {
    for resumption in [Resumption::Consistent, Resumption::Required] {
        for version in VERSIONS {
            let context = context(&config(version).resumption(resumption));
            let server = Server::new(version);
            let _control = control(&context, server.accept(2));
            assert!(download(&context, server.accept(1)).unwrap().resumed());
            // The same certificate, with another session memory: another process, or another user's.
            let forgetful = Server::new(version);
            for _ in 0..2 {
                let (error, peer) = not_resumed(&context, forgetful.accept(2));
                assert_eq!(error, TlsError::NotResumed);
                assert!(error.is_refusal() && !error.is_certificate());
                let text = error.to_string();
                assert!(
                    text.contains("log in on a new connection") && text.contains("resumption"),
                    "{text}"
                );
                assert!(peer.received.is_empty());
                // TLS 1.3's handshake is never completed, so no ticket of that server is stored.
                if version == TlsVersion::Tls13 {
                    assert!(peer.connection.is_handshaking());
                }
            }
            // A session of that server does not belong to the control connection.
            assert_eq!(
                context.stats().tickets_received,
                if version == TlsVersion::Tls13 { 3 } else { 0 }
            );
            assert_eq!(context.ticket_supply(), TicketSupply::Exhausted);
            // A new control connection starts without sessions.
            let context = context.renew();
            let _control = control(&context, server.accept(2));
            assert!(upload(&context, server.accept(1), true).unwrap().resumed());
        }
    }
}

/// Servers that never resume are refused only if that was required from the first data connection on
#[test]
fn servers_that_never_resume() {
    for (resumption, accepted) in [
        (Resumption::Offered, true),
        (Resumption::Consistent, true),
        (Resumption::Required, false),
        (Resumption::Never, true),
    ] {
        for version in VERSIONS {
            let context = context(&config(version).resumption(resumption));
            let mut server = Server::new(version);
            server.config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
            server.config.ticketer = Arc::new(NoTickets);
            let _control = control(&context, server.accept(0));
            let supply = if accepted { TicketSupply::Unneeded } else { TicketSupply::Exhausted };
            assert_eq!(context.ticket_supply(), supply);
            if accepted {
                upload(&context, server.accept(0), true).unwrap();
                download(&context, server.accept(0)).unwrap();
            } else {
                assert_eq!(not_resumed(&context, server.accept(0)).0, TlsError::NotResumed);
            }
        }
    }
}

#[test]
fn no_resumption() {
    for version in VERSIONS {
        let context = context(&config(version).resumption(Resumption::Never));
        let server = Server::new(version);
        let _control = control(&context, server.accept(2));
        for _ in 0..3 {
            assert!(!context.can_resume());
            assert!(context.ticket_supply().permits_upload());
            assert!(!upload(&context, server.accept(1), true).unwrap().resumed());
            assert!(!download(&context, server.accept(1)).unwrap().resumed());
        }
        assert_eq!(context.stats().tickets_received, 0);
    }
}

/// The alert of OpenSSL servers that verify clients and have no session-id context
#[test]
fn servers_that_fail_at_an_offered_session() {
    for (role, expected) in [
        (Role::Data, TlsError::ResumptionFailed(rustls::AlertDescription::InternalError)),
        (Role::Control, TlsError::Alert(rustls::AlertDescription::InternalError)),
    ] {
        let context = context(&config(TlsVersion::Tls12));
        let server = Server::new(TlsVersion::Tls12);
        let _control = control(&context, server.accept(0));
        let mut stream = Stream::new(Alerting::default());
        stream.secure(&context, role).unwrap();
        let error = tls_error(&until(|| stream.handshake(), || {}).unwrap_err());
        assert_eq!(error, expected);
        assert_eq!(error.to_string().contains("Never"), role == Role::Data, "{error}");
    }
}

/// Answers anything with the alert internal_error
#[derive(Default)]
struct Alerting {
    asked: bool,
    answered: bool,
}

impl std::io::Read for Alerting {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if !self.asked || std::mem::replace(&mut self.answered, true) {
            return Err(std::io::ErrorKind::WouldBlock.into());
        }
        (&b"\x15\x03\x03\x00\x02\x02\x50"[..]).read(buffer)
    }
}

impl std::io::Write for Alerting {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.asked = true;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Returns the error of a data connection whose handshake fails on the client's side
fn not_resumed(context: &ftp_tls::TlsContext, mut peer: Peer) -> (TlsError, Peer) {
    let (mut stream, wire) = pipe(NONE);
    stream.secure(context, Role::Data).unwrap();
    let error = until(|| stream.handshake(), || peer.pump(&wire)).unwrap_err();
    peer.pump(&wire);
    (tls_error(&error), peer)
}

/// A ticket of another login is refused (Q87)
#[test]
fn control_connections_share_nothing() {
    for version in VERSIONS {
        let config = config(version);
        let (first, second) = (context(&config), context(&config));
        let server = Server::new(version);
        let _control = control(&first, server.accept(4));
        assert!(first.can_resume() && !second.can_resume());
        let (stream, ..) = connect(&second, Role::Control, server.accept(2), NONE).unwrap();
        assert_eq!(stream.handshake_kind(), Some(HandshakeKind::Full));
    }
}

#[test]
fn the_number_of_tickets_is_limited() {
    let context = context(&config(TlsVersion::Tls13));
    let server = Server::new(TlsVersion::Tls13);
    let _control = control(&context, server.accept(10));
    assert_eq!(context.stats().tickets, 4);
    assert_eq!(context.stats().tickets_received, 10);
}

#[test]
fn tickets_arrive_whole_through_a_bad_pipe() {
    let context = context(&config(TlsVersion::Tls13));
    let server = Server::new(TlsVersion::Tls13);
    let _control = control(&context, server.accept(2));
    let (mut stream, mut peer, wire) =
        connect(&context, Role::Data, server.accept(3), BYTEWISE).unwrap();
    until(|| stream.close_notify(), || peer.pump(&wire)).unwrap();
    peer.pump(&wire);
    wire.hang_up();
    until(|| stream.drain(), || {}).unwrap();
    assert_eq!(context.stats().tickets, 4);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// With a server that renews tickets on every connection, no order of transfers runs out
    #[test]
    fn any_order_resumes(uploads: Vec<bool>, tls12: bool) {
        let version = VERSIONS[usize::from(!tls12)];
        let context = context(&config(version));
        let server = Server::new(version);
        let _control = control(&context, server.accept(2));
        for is_upload in uploads {
            prop_assert!(context.ticket_supply().permits_upload());
            let peer = server.accept(1);
            let peer = match is_upload {
                true => upload(&context, peer, true).unwrap(),
                false => download(&context, peer).unwrap(),
            };
            prop_assert!(peer.resumed());
        }
        prop_assert_eq!(context.stats().full, 0);
    }

    /// Whatever a server does, the sequence of permits ends, and a permitted upload resumes as long as the server keeps
    /// its tickets
    #[test]
    fn the_sequence_of_permits_ends(gifts in prop::collection::vec(0_usize..3, 1..30)) {
        let mut context = context(&config(TlsVersion::Tls13));
        let server = Server::new(TlsVersion::Tls13);
        let _control = control(&context, server.accept(1));
        let mut gifts = gifts.into_iter().cycle();
        for _ in 0..30 {
            let mut rungs = 0;
            loop {
                match context.ticket_supply() {
                    TicketSupply::Unneeded | TicketSupply::Ample | TicketSupply::Scarce => break,
                    TicketSupply::Wanted => {
                        refused(&context, server.accept(gifts.next().unwrap())).unwrap();
                    }
                    TicketSupply::Exhausted => {
                        context = context.renew();
                        control(&context, server.accept(1));
                    }
                }
                rungs += 1;
                prop_assert!(rungs <= 2);
            }
            let peer = server.accept(gifts.next().unwrap());
            prop_assert!(upload(&context, peer, true).unwrap().resumed());
        }
    }
}
