//! Runs work whose instructions are counted: `instructions CASE UNITS`
//!
//! `tests/instructions/run` runs it under callgrind. The same number of units always takes the same
//! instructions, whatever else the machine does.

use std::hint::black_box;
use std::process::ExitCode;

use ftp_proto::listing::ListingParser;
use ftp_proto::{
    Action, AsciiDecoder, Client, Codec, Config, ControlEvent, DataEvent, IpFamily, ReplyConfig,
    ReplyParser, Time, TlsPolicy,
};

/// Runs this many units of work
type Work = fn(usize);

const CASES: [(&str, Work); 11] = [
    ("reply", replies),
    ("reply-bytewise-line", long_line),
    ("reply-bytewise-lines", many_lines),
    ("listing-unix-line", unix_listing),
    ("listing-mlsd-line", mlsd_listing),
    ("listing-dos-line", dos_listing),
    ("listing-bytewise-line", long_listing_line),
    ("ascii-decode-kib", ascii),
    ("noop-cycle", noops),
    ("download-cycle", downloads),
    ("idle-polls", idle_polls),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [case, units] = arguments.as_slice() else {
        println!("{}", CASES.map(|(name, _)| name).join("\n"));
        return ExitCode::SUCCESS;
    };
    let work = CASES.iter().find(|(name, _)| name == case);
    match (work, units.parse()) {
        (Some((_, work)), Ok(units)) => {
            work(units);
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("usage: instructions [CASE UNITS]");
            ExitCode::from(2)
        }
    }
}

fn generous() -> ReplyParser {
    let mut config = ReplyConfig::default();
    (config.line, config.reply) = (1 << 24, 1 << 24);
    ReplyParser::new(config)
}

fn parse(parser: &mut ReplyParser, mut input: &[u8]) {
    while !input.is_empty() {
        match parser.parse(input) {
            Ok((consumed, reply)) => {
                input = &input[consumed..];
                black_box(reply);
            }
            Err(_) => return,
        }
    }
}

/// One unit: an ordinary reply
fn replies(units: usize) {
    let mut parser = generous();
    for _ in 0..units {
        parse(&mut parser, black_box(b"229 Entering Extended Passive Mode (|||64513|)\r\n"));
    }
}

/// One unit: 64 bytes of a single line, byte by byte
fn long_line(units: usize) {
    let mut parser = generous();
    parse(&mut parser, b"220 ");
    for _ in 0..units * 64 {
        parse(&mut parser, black_box(b"x"));
    }
    parse(&mut parser, b"\r\n");
}

/// One unit: a line of 64 bytes of a multi-line reply, byte by byte
fn many_lines(units: usize) {
    let mut parser = generous();
    parse(&mut parser, b"211-");
    for number in 0..units * 64 {
        parse(&mut parser, black_box(if number % 64 == 63 { b"\n" } else { b"x" }));
    }
    parse(&mut parser, b"\r\n211 end\r\n");
}

/// One unit: a line of `ls -l`
fn unix_listing(units: usize) {
    listing(b"-rw-r--r--   1 ftp      ftp      1073741824 Nov 21 10:30 some-file.bin\r\n", units);
}

/// One unit: a line of MLSD
fn mlsd_listing(units: usize) {
    listing(
        b"type=file;size=1073741824;modify=20261121103000;perm=adfrw; some-file.bin\r\n",
        units,
    );
}

/// One unit: a line of an IIS listing
fn dos_listing(units: usize) {
    listing(b"11-21-26  10:30AM           1073741824 some-file.bin\r\n", units);
}

fn listing(line: &[u8], units: usize) {
    let mut parser = ListingParser::new();
    for _ in 0..units {
        let mut rest = black_box(line);
        while let Some(item) = parser.parse(&mut rest) {
            black_box(item);
        }
    }
}

/// One unit: 64 bytes of a single line, byte by byte
fn long_listing_line(units: usize) {
    let mut parser = ListingParser::new();
    for number in 0..units * 64 {
        // The line stays below the limit above which it would be dropped.
        let mut rest: &[u8] = black_box(if number % 4096 == 4095 { b"\n" } else { b"x" });
        while parser.parse(&mut rest).is_some() {}
    }
}

/// One unit: 1 KiB of text without a line ending
fn ascii(units: usize) {
    let (text, mut out) = ([b'x'; 1024], [0; 1024]);
    let mut decoder = AsciiDecoder::new();
    for _ in 0..units {
        black_box(decoder.process(black_box(&text), &mut out));
    }
}

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
        wire.answer(b"220 ready\r\n");
        wire
    }

    fn answer(&mut self, reply: &[u8]) {
        let unsent = self.client.poll_transmit().map_or(0, <[u8]>::len);
        self.client.handle_transmit(self.now, unsent);
        black_box(self.client.handle_input(self.now, reply).is_ok());
        while let Some(event) = self.client.poll_event() {
            black_box(event);
        }
    }

    fn open_data(&mut self) {
        while let Some(action) = self.client.poll_action() {
            if let Action::OpenData(id, _) = action {
                self.client.handle_data(self.now, id, DataEvent::Connected);
            }
        }
    }

    fn end_data(&mut self) {
        while let Some(action) = self.client.poll_action() {
            if let Action::StartTransfer { id, .. } = action {
                self.client.handle_data(self.now, id, DataEvent::Progress(65_536));
                self.client.handle_data(self.now, id, DataEvent::Finished);
            }
        }
    }
}

/// One unit: NOOP and its reply
fn noops(units: usize) {
    let mut wire = Wire::new();
    for _ in 0..units {
        black_box(wire.client.noop());
        wire.answer(b"200 NOOP ok.\r\n");
    }
}

/// One unit: EPSV, RETR and a file of one block
fn downloads(units: usize) {
    let mut wire = Wire::new();
    for number in 0..units {
        black_box(wire.client.get("some-file.bin"));
        if number == 0 {
            wire.answer(b"200 Switching to Binary mode.\r\n");
        }
        wire.answer(b"229 Entering Extended Passive Mode (|||64513|)\r\n");
        wire.open_data();
        wire.answer(b"150 Opening BINARY mode data connection (65536 bytes).\r\n");
        wire.end_data();
        wire.answer(b"226 Transfer complete.\r\n");
        while wire.client.poll_action().is_some() {}
    }
}

/// One unit: every poll method of an idle client
fn idle_polls(units: usize) {
    let mut wire = Wire::new();
    for _ in 0..units {
        let client = black_box(&mut wire.client);
        black_box((client.poll_transmit().is_some(), client.poll_timeout(), client.wants_input()));
        black_box((client.poll_action().is_some(), client.poll_event().is_some()));
    }
}
