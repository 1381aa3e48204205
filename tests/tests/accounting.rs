//! Which reply answers which command, if that depends on when the command was written

use std::time::Duration;

use ftp_proto::{
    Client, Config, ConnectionError, ControlEvent, DataEvent, DataFailure, Error, Event, IpFamily,
    ProtocolError, Time, TlsPolicy, Verb,
};

/// A client whose bytes are written when the test decides
struct Wire {
    client: Client,
    now: Time,
}

impl Wire {
    fn new() -> Self {
        let now = Time::ZERO;
        let client = Client::new(Config::new(TlsPolicy::Plaintext), IpFamily::V4, now);
        let mut wire = Self { client, now };
        wire.client.handle_control(now, ControlEvent::Connected(IpFamily::V4));
        wire.hears("220 ready\r\n");
        wire
    }

    fn hears(&mut self, text: &str) {
        // An error that ends the session is also reported as an event.
        let _ = self.client.handle_input(self.now, text.as_bytes());
    }

    /// Writes all pending bytes
    fn writes(&mut self) -> String {
        let bytes = self.client.poll_transmit().unwrap_or_default().to_vec();
        self.client.handle_transmit(self.now, bytes.len());
        String::from_utf8(bytes).expect("commands in ASCII")
    }

    fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.client.poll_event()).collect()
    }
}

#[test]
fn a_reply_before_its_command_ends_the_session() {
    let mut wire = Wire::new();
    let size = wire.client.size("f");
    assert_eq!(wire.writes(), "TYPE I\r\n");
    wire.hears("200 binary\r\n213 5\r\n");
    let results: Vec<_> = wire
        .events()
        .into_iter()
        .filter_map(|event| match event {
            Event::Completed(mut done) => done.take(size),
            _ => None,
        })
        .collect();
    let [Err(Error::Connection(ConnectionError::Protocol(error)))] = &*results else {
        panic!("{results:?}")
    };
    // The error tells the author of a driver that does not report its writes.
    let ProtocolError::UnsolicitedReply { unwritten: Some(Verb::SIZE), .. } = error else {
        panic!("{error:?}")
    };
    assert_eq!(
        error.to_string(),
        "received a reply that no command asked for, SIZE has not been reported as written, session closed: 213 5"
    );
}

/// The 229 comes twice, and the second one could be taken for the end of an upload
#[test]
fn a_doubled_reply_does_not_answer_a_command_that_was_not_sent() {
    let mut wire = Wire::new();
    for (name, ask) in [("f", "TYPE I\r\nEPSV\r\n"), ("g", "EPSV\r\n")] {
        let put = wire.client.put(name);
        assert_eq!(wire.writes(), ask);
        if name == "f" {
            wire.hears("200 binary\r\n");
        }
        wire.hears("229 go (|||5000|)\r\n229 go (|||5000|)\r\n");
        let actions: Vec<_> = std::iter::from_fn(|| wire.client.poll_action()).collect();
        let ftp_proto::Action::OpenData(id, _) = actions[0] else { panic!("{actions:?}") };
        wire.client.handle_data(wire.now, id, DataEvent::Connected);
        assert_eq!(wire.writes(), format!("STOR {name}\r\n"));
        wire.hears("150 here\r\n");
        wire.client.handle_data(wire.now, id, DataEvent::Progress(3));
        wire.client.handle_data(wire.now, id, DataEvent::Finished);
        while wire.client.poll_action().is_some() {}
        assert!(!wire.events().iter().any(|event| matches!(event, Event::Completed(_))));
        wire.hears("226 done\r\n");
        let transfer = wire.events().into_iter().find_map(|event| match event {
            Event::Completed(mut done) => done.take(put),
            _ => None,
        });
        assert_eq!(transfer.unwrap().unwrap().bytes, 3, "{name}");
        let _ = wire.client.noop();
        wire.writes();
        wire.hears("200 yes\r\n");
        wire.events();
    }
}

/// If the client has no descriptor left, the server must not wait for a connection: some servers wait in accept() and
/// receive no command in the meantime
#[test]
fn no_command_is_sent_for_a_data_connection_that_cannot_be_attempted() {
    let mut wire = Wire::new();
    for round in 0..3 {
        let get = wire.client.get("f");
        let asked = wire.writes();
        assert!(asked.ends_with("EPSV\r\n"), "{asked:?}");
        let type_too = if asked.starts_with("TYPE") { "200 binary\r\n" } else { "" };
        wire.hears(&format!("{type_too}229 go (|||5000|)\r\n"));
        let Some(ftp_proto::Action::OpenData(id, _)) = wire.client.poll_action() else {
            panic!("no data connection")
        };
        if round == 1 {
            let failed = DataEvent::Failed(DataFailure::Open);
            wire.client.handle_data(wire.now, id, failed);
        } else {
            wire.client.handle_data(wire.now, id, DataEvent::Connected);
        }
        while wire.client.poll_action().is_some() {}
        let asked = wire.writes();
        if round == 1 {
            assert_eq!(asked, "");
        } else {
            assert_eq!(asked, "RETR f\r\n");
            wire.hears("150 go\r\n");
            wire.client.handle_data(wire.now, id, DataEvent::Finished);
            wire.hears("226 done\r\n");
        }
        while wire.client.poll_action().is_some() {}
        let result = wire.events().into_iter().find_map(|event| match event {
            Event::Completed(mut done) => done.take(get),
            _ => None,
        });
        match result.unwrap() {
            Ok(_) => assert_ne!(round, 1),
            Err(error) => {
                assert_eq!(round, 1, "{error}");
                assert!(error.is_transient() && !error.is_fatal(), "{error}");
                assert!(error.reply().is_none(), "{error}");
            }
        }
        assert!(wire.client.is_idle());
    }
}

#[test]
fn a_hash_may_take_its_time() {
    let mut wire = Wire::new();
    let _ = wire.client.hash("f");
    wire.writes();
    wire.hears("211-Features\r\n XMD5\r\n211 End\r\n");
    wire.writes();
    wire.hears("200 binary\r\n");
    let patience = |wire: &Wire| wire.client.poll_timeout().unwrap() - wire.now;
    let hour = Duration::from_secs(60 * 60);
    assert_eq!(patience(&wire), hour);
    assert_eq!(wire.writes(), "XMD5 f\r\n");
    assert_eq!(patience(&wire), hour);
    wire.now += hour / 2;
    wire.hears("150 half of it\r\n");
    assert_eq!(patience(&wire), hour / 2, "a preliminary reply does not renew the hour");
}

/// The server can't begin before it has received the command
#[test]
fn the_time_for_a_hash_counts_from_the_moment_of_writing() {
    let mut wire = Wire::new();
    let _ = wire.client.hash("f");
    wire.writes();
    wire.hears("211-Features\r\n XMD5\r\n211 End\r\n");
    wire.writes();
    wire.hears("200 binary\r\n");
    wire.now += Duration::from_secs(60);
    assert_eq!(wire.writes(), "XMD5 f\r\n");
    assert_eq!(wire.client.poll_timeout().unwrap() - wire.now, Duration::from_secs(60 * 60));
}

impl Wire {
    /// Requests a first download, up to its command
    fn gets(&mut self) -> (ftp_proto::Op<ftp_proto::Transfer>, ftp_proto::DataId) {
        let get = self.client.get("f");
        assert_eq!(self.writes(), "TYPE I\r\nEPSV\r\n");
        self.hears("200 binary\r\n229 go (|||5000|)\r\n");
        let Some(ftp_proto::Action::OpenData(id, _)) = self.client.poll_action() else {
            panic!("no data connection")
        };
        self.client.handle_data(self.now, id, DataEvent::Connected);
        assert_eq!(self.writes(), "RETR f\r\n");
        (get, id)
    }

    fn patience(&self) -> Duration {
        self.client.poll_timeout().expect("a deadline") - self.now
    }
}

/// [`Config::data_timeout`] limits silence, not the length of the transfer
#[test]
fn bytes_renew_the_deadline_of_a_transfer() {
    let mut wire = Wire::new();
    let (_, id) = wire.gets();
    wire.hears("150 here\r\n");
    assert_eq!(wire.patience(), Duration::from_secs(60));
    for _ in 0..3 {
        wire.now += Duration::from_secs(50);
        wire.client.handle_data(wire.now, id, DataEvent::Progress(1));
        assert_eq!(wire.patience(), Duration::from_secs(60));
    }
}

/// [`Config::final_reply_timeout`] limits the whole wait, however many steps the proof takes
#[test]
fn the_final_reply_has_one_deadline() {
    let mut wire = Wire::new();
    let (_, id) = wire.gets();
    // Without a 150 before it, this may be another transfer's reply.
    wire.hears("226 done\r\n");
    wire.client.handle_data(wire.now, id, DataEvent::Finished);
    let end = wire.now + Duration::from_secs(300);
    assert_eq!(wire.writes(), "REST 0\r\n");
    wire.now += Duration::from_secs(1);
    wire.hears("502 unknown\r\n");
    assert_eq!(wire.writes(), "PWD\r\n");
    let quiet = wire.client.poll_timeout().unwrap();
    assert_eq!(quiet, wire.now + Duration::from_secs(2));
    wire.now = quiet;
    wire.client.handle_timeout(quiet);
    assert_eq!(wire.client.poll_timeout(), Some(end));
}

/// The same for an upload from its end on, while the server keeps the data connection open: it may need longer for the
/// file than it usually takes for a reply
#[test]
fn the_final_reply_of_an_upload_has_one_deadline() {
    let mut wire = Wire::new();
    let _ = wire.client.put("f");
    assert_eq!(wire.writes(), "TYPE I\r\nEPSV\r\n");
    wire.hears("200 binary\r\n229 go (|||5000|)\r\n");
    let actions: Vec<_> = std::iter::from_fn(|| wire.client.poll_action()).collect();
    let ftp_proto::Action::OpenData(id, _) = actions[0] else { panic!("{actions:?}") };
    wire.client.handle_data(wire.now, id, DataEvent::Connected);
    assert_eq!(wire.writes(), "STOR f\r\n");
    wire.hears("150 send\r\n226 early\r\n");
    wire.client.handle_data(wire.now, id, DataEvent::Sent);
    let end = wire.now + Duration::from_secs(300);
    for sentinel in ["REST 0\r\n", "PWD\r\n"] {
        let quiet = wire.client.poll_timeout().unwrap();
        assert_eq!(quiet, wire.now + Duration::from_secs(2));
        wire.now = quiet;
        wire.client.handle_timeout(quiet);
        assert_eq!(wire.writes(), sentinel);
    }
    assert_eq!(wire.client.poll_timeout(), Some(end));
}

/// Only the pauses of the user give the server more time
#[test]
fn a_pause_of_the_user_is_not_one_of_the_server() {
    let mut wire = Wire::new();
    let (_, id) = wire.gets();
    wire.hears("150 here\r\n");
    let allowed = Config::new(TlsPolicy::Plaintext).data_timeout;
    let mut expected = wire.now + allowed;
    for (news, renews) in [
        (DataEvent::Progress(1), true),
        (DataEvent::Progress(0), false),
        (DataEvent::Paused, true),
        (DataEvent::Paused, true),
    ] {
        wire.now += Duration::from_secs(1);
        wire.client.handle_data(wire.now, id, news);
        if renews {
            expected = wire.now + allowed;
        }
        assert_eq!(wire.client.poll_timeout(), Some(expected), "{news:?}");
    }
}

/// A download that fails after the session has ended reports that a new connection is needed
#[test]
fn a_failure_after_the_end_of_the_session_is_fatal() {
    for (news, size) in [
        (DataEvent::Failed(DataFailure::Broken), None),
        (DataEvent::Finished, Some(100)),
        (DataEvent::Truncated, None),
    ] {
        let mut wire = Wire::new();
        let (_, id) = wire.gets();
        wire.hears(
            &size.map_or_else(
                || "150 here\r\n".into(),
                |size| format!("150 here ({size} bytes)\r\n"),
            ),
        );
        wire.hears("226 done\r\n421 idle\r\n");
        wire.client.handle_data(wire.now, id, DataEvent::Progress(10));
        assert!(!wire.client.is_dead());
        wire.client.handle_data(wire.now, id, news);
        let errors: Vec<Error> = wire.events().into_iter().filter_map(failure).collect();
        assert!(
            matches!(&*errors, [error] if error.is_fatal() && error.is_transient()),
            "{errors:?}"
        );
        assert!(wire.client.is_dead());
    }
}

fn failure(event: Event) -> Option<Error> {
    match event {
        Event::Completed(done) => done.error().cloned(),
        _ => None,
    }
}

/// RFC 959 section 5.4: every command has a reply, and the wait for it starts when the command has been written
#[test]
fn the_deadline_of_a_reply_counts_from_the_last_byte_of_its_command() {
    let mut wire = Wire::new();
    let _ = wire.client.delete("f");
    // A request carries no time: its deadlines count from the next input.
    wire.client.handle_timeout(wire.now);
    let end = wire.client.poll_timeout().unwrap();
    wire.now += Duration::from_secs(20);
    wire.client.handle_transmit(wire.now, 4);
    assert_eq!(wire.client.poll_timeout().unwrap(), end, "there is more to write");
    wire.client.handle_transmit(wire.now, 0);
    assert_eq!(wire.client.poll_timeout().unwrap(), end, "nothing was written");
    assert_eq!(wire.writes(), " f\r\n");
    assert_eq!(wire.patience(), Duration::from_secs(60));
    wire.now += Duration::from_secs(20);
    wire.client.handle_transmit(wire.now, 0);
    assert_eq!(wire.patience(), Duration::from_secs(40), "nothing was written");
}
