//! Ordinary replies and commands allocate nothing, and no reply allocates much more than its size
//!
//! A file of its own, because the counting allocator covers the whole process.

#![expect(clippy::disallowed_macros, reason = "the library writes nothing, this test does")]

use std::hint::black_box;
use std::time::Duration;

use allocation_counter::measure;
use ftp_proto::listing::{Item, ListingParser};
use ftp_proto::{
    Action, Argument, Client, Command, Config, DataEvent, Event, IpFamily, Op, Output, ReplyConfig,
    ReplyError, ReplyParser, Time, TlsPolicy, Verb, fields,
};

/// The replies of a server during a login and a download
const SESSION: &[u8] = b"220 (vsFTPd 3.0.3)\r\n\
    331 Please specify the password.\r\n\
    230 Login successful.\r\n\
    200 Switching to Binary mode.\r\n\
    229 Entering Extended Passive Mode (|||64513|)\r\n\
    150 Opening BINARY mode data connection for some-file.bin (1073741824 bytes).\r\n\
    226 Transfer complete.\r\n\
    550 Failed to open file.\r\n";

fn parse(parser: &mut ReplyParser, mut input: &[u8]) -> Result<usize, ReplyError> {
    let mut replies = 0;
    while !input.is_empty() {
        let (consumed, reply) = parser.parse(input)?;
        input = &input[consumed..];
        if let Some(reply) = black_box(reply) {
            replies += 1;
            black_box(fields::parse_passive(&reply));
            black_box(fields::parse_size_hint(reply.text()));
        }
    }
    Ok(replies)
}

#[test]
fn ordinary_replies_do_not_allocate() {
    let mut parser = ReplyParser::new(ReplyConfig::default());
    let info = measure(|| {
        for _ in 0..100 {
            assert_eq!(parse(&mut parser, SESSION), Ok(8));
            for byte in SESSION.chunks(1) {
                parse(&mut parser, byte).expect("well-formed");
            }
        }
    });
    assert_eq!(info.count_total, 0);
}

#[test]
fn ordinary_commands_do_not_allocate() {
    let mut out = Vec::with_capacity(256);
    let info = measure(|| {
        let path = Argument::new("a/path/of/ordinary/length.txt").expect("no line end");
        Command::new(Verb::RETR, &path).encode(&mut out, true);
        Command::number(Verb::REST, u64::MAX).encode(&mut out, true);
        Command::bare(Verb::EPSV).encode(&mut out, false);
    });
    assert_eq!(info.count_total, 0);
}

#[test]
fn no_server_makes_a_parser_allocate_beyond_its_limits() {
    let config = ReplyConfig::default();
    // A line grows by doubling, and so does the reply: together less than four times the limits.
    let most = 4 * (config.line + config.reply) as u64;
    for hostile in [&b"a"[..], b"220-a\r\n", b"220-\n\n\n\n", b"220 a", b"\xFF\xFA\r", b"\r"] {
        let mut parser = ReplyParser::new(config);
        let info = measure(|| {
            for _ in 0..100_000 {
                if parse(&mut parser, hostile).is_err() {
                    break;
                }
            }
        });
        assert!(info.bytes_max < most, "{} bytes for {}", info.bytes_max, hostile.escape_ascii());
    }
}

#[test]
fn lines_of_listings_do_not_allocate() {
    let unix = "-rw-r--r--   1 ftp      ftp      1073741824 Nov 21 10:30 some-file.bin\r\n\
                drwxr-xr-x   2 ftp      ftp            4096 Jan  3  2025 pub\r\n\
                lrwxrwxrwx   1 root     root              7 Feb 29 12:00 here -> there/x\r\n";
    let mlsd = "type=file;size=1073741824;modify=20261121103000;perm=adfrw; some-file.bin\r\n\
                type=cdir;modify=20250103000000;unique=fd01U1;UNIX.mode=0755; .\r\n";
    let dos = "11-21-26  10:30AM           1073741824 some-file.bin\r\n\
               01-03-25  12:00PM       <DIR>          pub\r\n";
    for listing in [unix, mlsd, dos] {
        let mut parser = ListingParser::new();
        let mut read = |bytes: &[u8]| {
            let (mut entries, mut rest) = (0, bytes);
            while let Some(item) = parser.parse(&mut rest) {
                entries += usize::from(matches!(black_box(item), Item::Entry(_)));
            }
            entries
        };
        let lines = listing.lines().count();
        assert_eq!(read(listing.as_bytes()), lines);
        let info = measure(|| {
            for _ in 0..100 {
                assert_eq!(read(listing.as_bytes()), lines);
            }
        });
        assert_eq!(info.count_total, 0, "{listing}");
    }
}

/// A client that has logged in, with its server
struct Session {
    client: Client,
    now: Time,
}

impl Session {
    fn new() -> Self {
        let now = Time::ZERO;
        let client = Client::new(Config::new(TlsPolicy::Plaintext), IpFamily::V4, now);
        let mut session = Self { client, now };
        session.client.login("user", "password");
        for reply in ["220 ready\r\n", "331 password\r\n", "230 welcome\r\n"] {
            session.answer(reply);
        }
        session
    }

    fn answer(&mut self, reply: &str) {
        self.now += Duration::from_millis(1);
        let unsent = self.client.poll_transmit().map_or(0, <[u8]>::len);
        self.client.handle_transmit(self.now, unsent);
        self.client.handle_input(self.now, reply.as_bytes()).expect("all in order");
        while let Some(action) = self.client.poll_action() {
            match action {
                Action::OpenData(id, _) => {
                    self.client.handle_data(self.now, id, DataEvent::Connected);
                }
                Action::StartTransfer { id, .. } => {
                    self.client.handle_data(self.now, id, DataEvent::Progress(65_536));
                    self.client.handle_data(self.now, id, DataEvent::Finished);
                }
                _ => {}
            }
        }
    }

    fn take<T: Output>(&mut self, op: Op<T>) -> T {
        loop {
            if let Event::Completed(mut done) = self.client.poll_event().expect("an end") {
                if let Some(result) = done.take(op) {
                    return result.expect("success");
                }
            }
        }
    }

    /// NOOP, SIZE and RETR, with the replies of vsftpd
    fn cycle(&mut self) {
        let noop = self.client.noop();
        self.answer("200 NOOP ok.\r\n");
        black_box(self.take(noop));
        let size = self.client.size("pub/some-file.bin");
        if self.client.poll_transmit() == Some(b"TYPE I\r\n") {
            self.answer("200 Switching to Binary mode.\r\n");
        }
        self.answer("213 65536\r\n");
        assert_eq!(self.take(size), 65_536);
        let get = self.client.get("pub/some-file.bin");
        self.answer("229 Entering Extended Passive Mode (|||64513|)\r\n");
        self.answer("150 Opening BINARY mode data connection for some-file.bin (65536 bytes).\r\n");
        self.answer("226 Transfer complete.\r\n");
        assert_eq!(self.take(get).bytes, 65_536);
        assert!(self.client.is_idle());
    }
}

#[test]
fn a_session_in_steady_state_does_not_allocate() {
    let mut session = Session::new();
    session.cycle();
    session.cycle();
    let info = measure(|| {
        for _ in 0..100 {
            session.cycle();
        }
    });
    assert_eq!(info.count_total, 0);
}

/// The memory of an idle session: at most the 8 KiB of the design
#[test]
fn an_idle_session_is_small() {
    let mut idle = None;
    let info = measure(|| {
        let mut session = Session::new();
        session.cycle();
        idle = Some(session);
    });
    let (inside, heap) = (size_of::<Client>(), info.bytes_current);
    println!("an idle session: {inside} bytes of Client and {heap} on the heap");
    assert!(inside as i64 + heap < 8 * 1024, "{inside} and {heap}");
    drop(idle);
}
