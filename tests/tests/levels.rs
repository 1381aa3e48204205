//! What a driver may ask a client at any time: whether to read, the deadline, the bytes to write

use std::time::Duration;

use ftp_proto::listing::Format;
use ftp_proto::{
    Action, Client, Config, ControlEvent, DataEvent, DataId, Event, IpFamily, List, Phase,
    TicketSupply, Time, TlsPolicy, TlsSession,
};

fn client(policy: TlsPolicy) -> (Client, Time) {
    let now = Time::ZERO;
    (Client::new(Config::new(policy), IpFamily::V4, now), now)
}

/// Takes all bytes that the client wants written
fn write(client: &mut Client, now: Time) -> String {
    let bytes = client.poll_transmit().unwrap_or_default().to_vec();
    client.handle_transmit(now, bytes.len());
    String::from_utf8(bytes).expect("commands in ASCII")
}

#[test]
fn the_control_connection_is_not_read_while_tls_is_put_on() {
    let (mut client, now) = client(TlsPolicy::Explicit);
    assert!(client.wants_input());
    client.handle_input(now, b"220 ready\r\n").expect("a greeting");
    assert_eq!(write(&mut client, now), "AUTH TLS\r\n");
    assert!(client.wants_input());
    client.handle_input(now, b"234 go\r\n").expect("leave to begin");
    // RFC 4217 section 4: bytes after 234 belong to the TLS handshake.
    assert!(!client.wants_input());
    assert!(!client.is_secure());
    assert_eq!(client.timeout_reason(), Some(Phase::ControlTls));
    client.handle_control(now, ControlEvent::Secured);
    assert!(client.wants_input());
    assert!(client.is_secure());
}

#[test]
fn nothing_is_read_or_awaited_after_the_end() {
    let (mut client, now) = client(TlsPolicy::Plaintext);
    assert!(client.wants_input());
    assert_eq!(client.timeout_reason(), Some(Phase::Greeting));
    client.handle_control(now, ControlEvent::Closed);
    assert!(client.is_dead());
    assert!(client.error().is_some());
    assert!(!client.wants_input());
    assert_eq!(client.timeout_reason(), None);
}

/// The write of a command may complete after the read of its reply
#[test]
fn bytes_that_were_taken_count_as_written() {
    let (mut client, now) = client(TlsPolicy::Plaintext);
    client.handle_input(now, b"220 ready\r\n").expect("a greeting");
    let noop = client.noop();
    let mut buffer = [0; 4];
    assert_eq!(client.take_transmit(now, &mut buffer), 4);
    assert_eq!(&buffer, b"NOOP");
    assert_eq!(client.poll_transmit(), Some(&b"\r\n"[..]));
    let now = now + Duration::from_secs(20);
    assert_eq!(client.take_transmit(now, &mut buffer), 2);
    assert_eq!(&buffer[..2], b"\r\n");
    assert_eq!(client.poll_timeout(), Some(now + client.config().reply_timeout));
    assert_eq!(client.take_transmit(now, &mut buffer), 0);
    client.handle_input(now, b"200 yes\r\n").expect("an answer");
    while let Some(event) = client.poll_event() {
        if let Event::Completed(mut done) = event {
            assert!(done.take(noop).is_some_and(|result| result.is_ok()));
            return;
        }
    }
    panic!("NOOP has not completed");
}

#[test]
#[cfg(debug_assertions)]
#[should_panic(expected = "4 bytes were reported as written, more than there were to write")]
fn a_write_that_is_reported_twice_is_noticed() {
    let (mut client, now) = client(TlsPolicy::Plaintext);
    client.handle_input(now, b"220 ready\r\n").expect("a greeting");
    let _ = client.noop();
    client.handle_transmit(now, 4);
    client.handle_transmit(now, 4);
}

#[test]
fn a_write_overtaken_by_the_end_may_be_reported() {
    let (mut client, now) = client(TlsPolicy::Plaintext);
    client.handle_input(now, b"220 ready\r\n").expect("a greeting");
    let _ = client.noop();
    client.close();
    client.handle_transmit(now, 6);
    assert_eq!(client.poll_transmit(), None);
}

#[test]
fn nothing_is_written_after_the_end() {
    let (mut client, now) = client(TlsPolicy::Plaintext);
    client.handle_input(now, b"220 ready\r\n").expect("a greeting");
    let _ = client.login("u", "secret");
    assert!(client.poll_transmit().is_some());
    client.close();
    assert_eq!(client.poll_transmit(), None);
}

/// A host name may have addresses of both families, and it is known only later which of them answers
#[test]
fn the_connection_sets_the_family_and_starts_the_deadline() {
    for (policy, phase, patience) in [
        (TlsPolicy::Plaintext, Phase::Greeting, 60),
        (TlsPolicy::Explicit, Phase::Greeting, 60),
        (TlsPolicy::Implicit, Phase::ControlTls, 30),
    ] {
        let (mut client, now) = client(policy);
        let later = now + Duration::from_secs(5);
        client.handle_control(later, ControlEvent::Connected(IpFamily::V6));
        assert_eq!(client.family(), IpFamily::V6);
        assert_eq!(client.timeout_reason(), Some(phase));
        assert_eq!(client.poll_timeout(), Some(later + Duration::from_secs(patience)));
    }
}

#[test]
fn a_raw_password_is_in_no_debug_output() {
    let (mut client, now) = client(TlsPolicy::Plaintext);
    client.handle_input(now, b"220 ready\r\n").expect("a greeting");
    for verb in ["PASS", "ACCT"] {
        let _ = client.command(verb, "xyzzy");
    }
    let text = format!("{client:?}");
    assert!(text.contains("PASS") && text.contains("ACCT"), "{text}");
    assert!(!text.contains("xyzzy"), "{text}");
}

/// Returns a session in implicit TLS with protected data connections, and the id of the first of them
fn protected(tickets: TicketSupply) -> (Client, Time, DataId) {
    let (mut client, now) = client(TlsPolicy::Implicit);
    client.handle_control(now, ControlEvent::Secured);
    client.handle_input(now, b"220 ready\r\n").expect("a greeting");
    assert_eq!(write(&mut client, now), "PBSZ 0\r\nPROT P\r\n");
    client.handle_input(now, b"200 ok\r\n200 ok\r\n").expect("protection");
    client.set_ticket_supply(tickets);
    let _ = client.get("f");
    assert_eq!(write(&mut client, now), "TYPE I\r\nEPSV\r\n");
    client.handle_input(now, b"200 ok\r\n229 go (|||5000|)\r\n").expect("a port");
    let actions: Vec<_> = std::iter::from_fn(|| client.poll_action()).collect();
    let [Action::SecureControl, Action::OpenData(id, _)] = *actions else { panic!("{actions:?}") };
    client.handle_data(now, id, DataEvent::Connected);
    (client, now, id)
}

/// A server does not answer a ClientHello before it has read the command
#[test]
fn a_data_connection_is_secured_after_the_command_was_sent() {
    let (mut client, now, _) = protected(TicketSupply::Ample);
    assert_eq!(client.poll_transmit(), Some(&b"RETR f\r\n"[..]));
    assert_eq!(client.poll_action(), None);
    client.handle_transmit(now, 3);
    assert_eq!(client.poll_action(), None);
    assert_eq!(write(&mut client, now), "R f\r\n");
    assert!(matches!(client.poll_action(), Some(Action::SecureData(_))));
}

/// Tickets can be in flight until the refused data connection has been closed
#[test]
fn a_refused_transfer_is_tried_again_after_its_connection_has_been_closed() {
    let (mut client, now, id) = protected(TicketSupply::Ample);
    assert_eq!(write(&mut client, now), "RETR f\r\n");
    assert!(matches!(client.poll_action(), Some(Action::SecureData(_))));
    client.handle_data(now, id, DataEvent::Secured(TlsSession::New));
    client.handle_input(now, b"425 TLS session not resumed\r\n").expect("a refusal");
    client.set_ticket_supply(TicketSupply::Ample);
    assert_eq!(client.poll_transmit(), None);
    assert!(matches!(client.poll_action(), Some(Action::CloseData(_))));
    client.set_ticket_supply(TicketSupply::Ample);
    assert_eq!(write(&mut client, now), "EPSV\r\n");
}

/// MLSD has the format of RFC 3659 section 7, NLST returns names alone (RFC 959 section 4.1.3), and LIST has no fixed
/// format
#[test]
fn the_command_determines_the_format_of_a_listing() {
    let requests = [
        (List::facts(""), "MLSD\r\n", Some(Format::Mlsx)),
        (List::names(""), "NLST\r\n", Some(Format::Names)),
        (List::new(""), "LIST\r\n", None),
    ];
    for (request, command, format) in requests {
        let (mut client, now) = client(TlsPolicy::Plaintext);
        client.handle_input(now, b"220 ready\r\n").expect("a greeting");
        assert_eq!(client.running_transfer(), None);
        let list = client.list(request);
        assert!(write(&mut client, now).ends_with("EPSV\r\n"));
        client.handle_input(now, b"200 ok\r\n229 go (|||5000|)\r\n").expect("a port");
        let Some(Action::OpenData(id, _)) = client.poll_action() else {
            panic!("no data connection")
        };
        client.handle_data(now, id, DataEvent::Connected);
        assert_eq!(write(&mut client, now), command);
        client.handle_input(now, b"150 here\r\n").expect("a mark");
        assert_eq!(client.listing_format(), format, "{command}");
        assert_eq!(client.running_transfer(), Some(list.id()));
        assert!(!client.final_reply_received());
        client.handle_input(now, b"226 done\r\n").expect("a final reply");
        assert!(client.final_reply_received());
        assert_eq!(client.last_reply().map(|reply| reply.code().get()), Some(226));
    }
}

#[test]
fn a_client_is_idle_only_without_requests_and_expected_replies() {
    let (mut client, now) = client(TlsPolicy::Plaintext);
    assert!(!client.is_idle());
    client.handle_input(now, b"220 ready\r\n").expect("a greeting");
    assert!(client.is_idle());
    let _ = client.query_features();
    assert!(!client.is_idle());
    assert_eq!(write(&mut client, now), "FEAT\r\n");
    assert!(client.features().is_none());
    // RFC 2389 section 3.2
    client.handle_input(now, b"211-Features:\r\n SIZE\r\n211 End\r\n").expect("features");
    assert!(client.is_idle());
    assert!(client.features().is_some());
}
