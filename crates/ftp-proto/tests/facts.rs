//! What a driver may ask the client between inputs

#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is the report")]

use ftp_proto::listing::Format;
use ftp_proto::{
    Action, Client, Config, DataEvent, DataId, Event, Get, IpFamily, Put, Time, TlsPolicy,
};

/// Feeds a reply, after writing all pending bytes
fn reply(client: &mut Client, now: Time, line: &str) {
    while let Some(bytes) = client.poll_transmit() {
        let written = bytes.len();
        client.handle_transmit(now, written);
    }
    client.handle_input(now, format!("{line}\r\n").as_bytes()).unwrap();
}

fn opened(client: &mut Client) -> DataId {
    loop {
        match client.poll_action() {
            Some(Action::OpenData(id, _)) => return id,
            Some(_) => {}
            None => panic!("no data connection was ordered"),
        }
    }
}

#[test]
fn the_final_reply_of_an_upload_may_come_before_the_end_of_its_connection() {
    let now = Time::ZERO;
    let mut client = Client::new(Config::new(TlsPolicy::Plaintext), IpFamily::V4, now);
    assert_eq!(client.last_reply(), None);
    reply(&mut client, now, "220 ready");
    assert_eq!(client.last_reply().unwrap().text(), b"ready");
    let _ = client.put("f");
    reply(&mut client, now, "200 binary");
    reply(&mut client, now, "229 (|||5000|)");
    let id = opened(&mut client);
    client.handle_data(now, id, DataEvent::Connected);
    reply(&mut client, now, "150 go");
    assert!(!client.final_reply_received());
    client.handle_data(now, id, DataEvent::Sent);
    reply(&mut client, now, "226 done");
    assert!(client.final_reply_received());
    assert_eq!(client.last_reply().unwrap().code().get(), 226);
    client.handle_data(now, id, DataEvent::Finished);
    assert!(!client.final_reply_received());
    assert!(client.is_idle());
}

#[test]
fn requests_return_their_offset() {
    assert_eq!(Get::new("f").offset(), 0);
    assert_eq!(Get::new("f").resume_at(7).offset(), 7);
    assert_eq!(Put::new("f").resume_at(7).offset(), 7);
    assert_eq!(Put::new("f").resume_at(7).append().offset(), 0);
    assert_eq!(Put::unique().offset(), 0);
}

#[test]
fn uploads_return_their_target() {
    assert_eq!(Put::new("f").path(), Some(&b"f"[..]));
    assert_eq!(Put::unique().path(), None);
    assert_eq!(Put::new("f\r\nDELE g").path(), None);
}

#[test]
fn what_syst_says_of_listings_is_remembered() {
    let now = Time::ZERO;
    let mut client = Client::new(Config::new(TlsPolicy::Plaintext), IpFamily::V4, now);
    reply(&mut client, now, "220 ready");
    let login = |client: &mut Client| {
        client.login("u", "p");
        reply(client, now, "331 password");
        reply(client, now, "230 welcome");
    };
    login(&mut client);
    assert_eq!(client.listing_hint(), None);
    client.system();
    reply(&mut client, now, "215 MVS is the operating system of this server.");
    assert_eq!(client.listing_hint(), Some(Format::Mvs));
    // The system is the same for every user.
    login(&mut client);
    assert_eq!(client.listing_hint(), Some(Format::Mvs));
}

#[test]
fn a_claim_on_another_client_gets_nothing() {
    let now = Time::ZERO;
    let numbered = |number| {
        let mut config = Config::new(TlsPolicy::Plaintext);
        config.client_number = number;
        let mut client = Client::new(config, IpFamily::V4, now);
        reply(&mut client, now, "220 ready");
        client
    };
    let (mut first, mut second) = (numbered(1), numbered(2));
    // Both are the first request of their client.
    let (own, foreign) = (first.noop(), second.noop());
    assert_ne!(own.id(), foreign.id());
    assert_eq!(format!("{own:?}, {foreign:?}"), "op 1 of client 1, op 1 of client 2");
    first.abort(foreign.id());
    reply(&mut first, now, "200 yes");
    let mut done = std::iter::from_fn(|| first.poll_event())
        .find_map(|event| match event {
            Event::Completed(done) => Some(done),
            _ => None,
        })
        .unwrap();
    assert!(done.take(foreign).is_none());
    assert_eq!(done.take(own).unwrap().unwrap().code().get(), 200);
}
