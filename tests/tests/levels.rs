//! What a driver may ask of a client at any time: whether to read, what is waited for, what the bytes are

use std::time::Instant;

use ftp_proto::listing::Format;
use ftp_proto::{
    Action, Client, Config, ControlEvent, DataEvent, IpFamily, List, Phase, TlsPolicy,
};

fn client(policy: TlsPolicy) -> (Client, Instant) {
    let now = Instant::now();
    (Client::new(Config::new(policy), IpFamily::V4, now), now)
}

/// Hands over everything the client wants written
fn write(client: &mut Client, now: Instant) -> String {
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
    // RFC 4217 section 4: what follows 234 belongs to the TLS handshake.
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

/// MLSD has the format of RFC 3659 section 7, NLST is names alone (RFC 959 section 4.1.3), and LIST
/// has no format of its own
#[test]
fn the_format_of_a_listing_is_told_by_its_command() {
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
        assert!(!client.final_reply_came());
        client.handle_input(now, b"226 done\r\n").expect("a final reply");
        assert!(client.final_reply_came());
        assert_eq!(client.last_reply().map(|reply| reply.code().get()), Some(226));
    }
}

#[test]
fn a_client_is_idle_only_while_nothing_is_asked_or_owed() {
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
