//! Which reply belongs to which command, where the moment of writing decides

use std::time::{Duration, Instant};

use ftp_proto::{
    Client, Config, ConnectionError, ControlEvent, DataEvent, Error, Event, IpFamily,
    ProtocolError, TlsPolicy,
};

/// A client whose bytes are written when the test says so
struct Wire {
    client: Client,
    now: Instant,
}

impl Wire {
    fn new() -> Self {
        let now = Instant::now();
        let client = Client::new(Config::new(TlsPolicy::Plaintext), IpFamily::V4, now);
        let mut wire = Self { client, now };
        wire.client.handle_control(now, ControlEvent::Connected(IpFamily::V4));
        wire.hears("220 ready\r\n");
        wire
    }

    fn hears(&mut self, text: &str) {
        // What ends the session is seen in the events.
        let _ = self.client.handle_input(self.now, text.as_bytes());
    }

    /// Writes all there is
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
    assert!(matches!(error, ProtocolError::UnsolicitedReply(_)), "{error:?}");
}

/// The 229 comes twice, and the second could pass for the end of an upload
#[test]
fn a_doubled_reply_is_not_the_answer_to_a_command_that_has_not_left() {
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

/// Where this side has no descriptor left, the server must not wait for a connection: some wait in
/// accept(), and hear nothing meanwhile
#[test]
fn a_data_connection_that_can_not_be_tried_costs_no_command() {
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
            let failed = DataEvent::Failed(ftp_proto::DataFailure::Open);
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
