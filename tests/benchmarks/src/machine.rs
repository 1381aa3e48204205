//! Measures the cost of the machine itself: `machine ROUNDS SCALE`
//!
//! Prints one line per figure: workload, unit, contestant and one number per round, separated by tabs. Contestants take
//! turns within a round. SCALE, usually 100, makes the timed loops longer or shorter.

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use allocation_counter::measure;
use ftp_proto::listing::{Item, ListingParser};
use ftp_proto::{
    Action, AsciiDecoder, AsciiEncoder, Client, Codec, Config, ControlEvent, DataEvent, IpFamily,
    ReplyConfig, ReplyParser, Time, Timestamp, TlsPolicy,
};
use suppaftp::list::ListParser;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(rounds), Some(scale)) = (arguments.next(), arguments.next()) else {
        return Err("machine ROUNDS SCALE".into());
    };
    let (rounds, scale) = (rounds.parse()?, scale.parse()?);
    sizes()?;
    replies(rounds, scale);
    listings(rounds, scale)?;
    ascii(rounds, scale);
    Ok(())
}

fn print(workload: &str, unit: &str, contestant: &str, figures: &[f64]) {
    let figures: Vec<_> = figures.iter().map(ToString::to_string).collect();
    println!("{workload}\t{unit}\t{contestant}\t{}", figures.join("\t"));
}

/// A machine with its driver
struct Wire {
    client: Client,
    now: Time,
}

impl Wire {
    fn connected() -> Self {
        let now = Time::ZERO;
        let client = Client::new(Config::new(TlsPolicy::Plaintext), IpFamily::V4, now);
        let mut wire = Self { client, now };
        wire.client.handle_control(now, ControlEvent::Connected(IpFamily::V4));
        wire.answer(b"220 ready\r\n");
        wire
    }

    fn logged_in() -> Self {
        let mut wire = Self::connected();
        wire.client.login("anonymous", "guest@");
        wire.answer(b"331 Please specify the password.\r\n");
        wire.answer(b"230 Login successful.\r\n");
        wire
    }

    /// Takes the bytes to send and handles the reply; whether an operation has completed
    fn answer(&mut self, reply: &[u8]) -> bool {
        let unsent = self.client.poll_transmit().map_or(0, <[u8]>::len);
        self.client.handle_transmit(self.now, unsent);
        if self.client.handle_input(self.now, reply).is_err() {
            return false;
        }
        let mut done = false;
        while let Some(event) = self.client.poll_event() {
            done |= matches!(event, ftp_proto::Event::Completed(_));
        }
        done
    }

    fn noop(&mut self) -> bool {
        self.client.noop();
        self.answer(b"200 NOOP ok.\r\n")
    }

    fn size(&mut self) -> bool {
        self.client.size("some-file.bin");
        self.answer(b"213 65536\r\n")
    }

    fn download(&mut self) -> bool {
        self.client.get("some-file.bin");
        self.answer(b"229 Entering Extended Passive Mode (|||64513|)\r\n");
        while let Some(action) = self.client.poll_action() {
            if let Action::OpenData(id, _) = action {
                self.client.handle_data(self.now, id, DataEvent::Connected);
            }
        }
        self.answer(b"150 Opening BINARY mode data connection (65536 bytes).\r\n");
        while let Some(action) = self.client.poll_action() {
            if let Action::StartTransfer { id, .. } = action {
                self.client.handle_data(self.now, id, DataEvent::Progress(65_536));
                self.client.handle_data(self.now, id, DataEvent::Finished);
            }
        }
        let done = self.answer(b"226 Transfer complete.\r\n");
        while self.client.poll_action().is_some() {}
        done
    }
}

fn sizes() -> Result<()> {
    print("size_of::<Client>()", "bytes", "ours", &[size_of::<Client>() as f64]);
    const SESSIONS: usize = 100;
    let mut idle = Vec::with_capacity(SESSIONS);
    let info = measure(|| idle.extend((0..SESSIONS).map(|_| Wire::logged_in())));
    let heap = info.bytes_current as f64 / SESSIONS as f64;
    print("heap of an idle session", "bytes", "ours", &[heap]);
    // Sets the transfer type, as the first download does.
    let wire = &mut idle[0];
    wire.client.size("some-file.bin");
    wire.answer(b"200 Switching to Binary mode.\r\n");
    wire.answer(b"213 65536\r\n");
    type Cycle = fn(&mut Wire) -> bool;
    let cycles: [(&str, Cycle); 3] =
        [("NOOP", Wire::noop), ("SIZE", Wire::size), ("RETR", Wire::download)];
    for (name, cycle) in cycles {
        // Warms up.
        for _ in 0..8 {
            if !cycle(wire) {
                return Err(format!("{name} has not completed").into());
            }
        }
        let mut completed = 0;
        let info = measure(|| completed = (0..100).filter(|_| cycle(wire)).count());
        if completed != 100 {
            return Err(format!("only {completed} of 100 {name} have completed").into());
        }
        let each = info.count_total as f64 / 100.0;
        print(&format!("allocations for a {name}"), "allocations", "ours", &[each]);
    }
    Ok(())
}

/// Returns the amount per second
fn timed(amount: f64, work: impl FnOnce()) -> f64 {
    let begun = Instant::now();
    work();
    amount / begun.elapsed().as_secs_f64()
}

/// The replies to one small download
const SESSION: &[u8] = b"200 Switching to Binary mode.\r\n\
    229 Entering Extended Passive Mode (|||64513|)\r\n\
    150 Opening BINARY mode data connection for file.bin (1024 bytes).\r\n\
    226 Transfer complete.\r\n";

fn replies(rounds: usize, scale: usize) {
    let features =
        [&b"211-Features:\r\n"[..], &b" MLST size*;modify*;\r\n".repeat(40), b"211 End\r\n"];
    let inputs = [("of one line", SESSION.repeat(100)), ("of many lines", features.concat())];
    for (name, input) in inputs {
        let times = scale * 400_000 / input.len();
        let mut parser = ReplyParser::new(ReplyConfig::default());
        let mut round = || {
            timed((times * input.len()) as f64 / 1e6, || {
                for _ in 0..times {
                    let mut rest = black_box(&input[..]);
                    while let Ok((consumed, reply)) = parser.parse(rest) {
                        black_box(reply);
                        rest = &rest[consumed..];
                        if rest.is_empty() {
                            break;
                        }
                    }
                }
            })
        };
        round();
        let figures: Vec<_> = (0..rounds).map(|_| round()).collect();
        print(&format!("replies {name}"), "MB/s", "ours", &figures);
    }
}

fn listings(rounds: usize, scale: usize) -> Result<()> {
    const LINES: usize = 10_000;
    type Line = fn(usize) -> String;
    type Peer = fn(&str) -> bool;
    let formats: [(&str, Line, Peer); 3] = [
        (
            "ls -l",
            |n| {
                let day = n % 28 + 1;
                format!(
                    "-rw-r--r--   1 ftp      ftp      {n:>10} Nov {day:02} 10:30 file-{n}.bin\r\n"
                )
            },
            |line| black_box(ListParser::parse_posix(line)).is_ok(),
        ),
        (
            "MLSD",
            |n| {
                let day = n % 28 + 1;
                format!(
                    "type=file;size={n};modify=202611{day:02}103000;perm=adfrw; file-{n}.bin\r\n"
                )
            },
            |line| black_box(ListParser::parse_mlsd(line)).is_ok(),
        ),
        (
            "DOS",
            |n| format!("11-{:02}-26  10:30AM           {n:>10} file-{n}.bin\r\n", n % 28 + 1),
            |line| black_box(ListParser::parse_dos(line)).is_ok(),
        ),
    ];
    let now = Timestamp::from_unix(1_795_000_000).ok_or("a time that exists")?;
    for (name, line, peer) in formats {
        let listing: String = (0..LINES).map(line).collect();
        let times = scale.div_ceil(10);
        let ours = || {
            let mut parser = ListingParser::new().with_now(now);
            let mut entries = 0;
            // In pieces, as a driver reads them.
            for mut piece in listing.as_bytes().chunks(64 * 1024) {
                while let Some(item) = parser.parse(&mut piece) {
                    entries += usize::from(matches!(black_box(item), Item::Entry(_)));
                }
            }
            entries
        };
        let theirs = || listing.lines().filter(|line| peer(line)).count();
        if (ours(), theirs()) != (LINES, LINES) {
            return Err(format!("{name}: lines are missing").into());
        }
        let amount = (times * listing.len()) as f64 / 1e6;
        let (mut mine, mut its) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            mine.push(timed(amount, || {
                (0..times).for_each(|_| _ = black_box(ours()));
            }));
            its.push(timed(amount, || {
                (0..times).for_each(|_| _ = black_box(theirs()));
            }));
        }
        print(&format!("listing, {name}"), "MB/s", "ours", &mine);
        print(&format!("listing, {name}"), "MB/s", "suppaftp", &its);
    }
    Ok(())
}

fn ascii(rounds: usize, scale: usize) {
    let text = vec![b'x'; 256 * 1024];
    let mut out = vec![0; 64 * 1024];
    let mut convert = |codec: &mut dyn Codec| {
        timed((scale * 8 * text.len()) as f64 / 1e6, || {
            for _ in 0..scale * 8 {
                let mut rest = black_box(&text[..]);
                while !rest.is_empty() {
                    let progress = codec.process(rest, &mut out);
                    black_box(&out[..progress.produced]);
                    rest = &rest[progress.consumed..];
                }
            }
        })
    };
    let (mut down, mut up) = (Vec::new(), Vec::new());
    convert(&mut AsciiDecoder::new());
    for _ in 0..rounds {
        down.push(convert(&mut AsciiDecoder::new()));
        up.push(convert(&mut AsciiEncoder::new()));
    }
    print("TYPE A down, nothing to convert", "MB/s", "ours", &down);
    print("TYPE A up, nothing to convert", "MB/s", "ours", &up);
}
