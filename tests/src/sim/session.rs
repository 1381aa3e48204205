//! One session: client, server and everything between them

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use ftp_proto::{
    Action, Client, Config, ControlEvent, DataEvent, DataFailure, DataId, Direction, Error, Event,
    Get, IpFamily, List, OpId, Put, TlsPolicy,
};

use super::{Answer, ControlFault, DataFault, Fault, Place, Profile, ReplyFault, Server};
use crate::script::Seed;

/// What the client is asked to do between login and the proof that the session is usable
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// RETR
    Get,
    /// REST and RETR
    Resume,
    /// STOR
    Put,
    /// APPE
    Append,
    /// LIST
    List,
    /// SIZE
    Size,
    /// MKD
    Mkdir,
    /// DELE
    Delete,
    /// RNFR and RNTO
    Rename,
    /// FEAT
    Features,
    /// PWD
    Pwd,
}

impl Task {
    /// All of them
    pub const ALL: [Self; 11] = [
        Self::Get,
        Self::Resume,
        Self::Put,
        Self::Append,
        Self::List,
        Self::Size,
        Self::Mkdir,
        Self::Delete,
        Self::Rename,
        Self::Features,
        Self::Pwd,
    ];

    /// Whether it has a data connection
    pub const fn transfers(self) -> bool {
        matches!(self, Self::Get | Self::Resume | Self::Put | Self::Append | Self::List)
    }
}

/// A client broken on purpose, which the judge must find out
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// A sound one
    No,
    /// Takes every failed transfer for a success
    Lies,
    /// Never looks at a deadline
    Hangs,
    /// Panics when its session ends early
    Panics,
}

/// How a session came out
#[derive(Debug)]
pub struct End {
    /// The task's result: whether it succeeded, the error otherwise
    pub task: Vec<Result<(), Error>>,
    /// Results of NOOP and the second download
    pub probe: Vec<Result<(), Error>>,
    /// Bytes that the task's download brought
    pub received: Vec<u8>,
    /// Bytes that the second download brought
    pub probe_received: Vec<u8>,
    /// Files on the server
    pub files: BTreeMap<String, Vec<u8>>,
    /// Whether the client says that its session is over
    pub dead: bool,
    /// Whether all that was asked for ended before the bound
    pub bounded: bool,
    /// Bytes and replies that the server sent until the task was through
    pub bytes: usize,
    /// Replies until then
    pub replies: usize,
    /// Virtual time taken
    pub took: Duration,
    /// What happened, a line each
    pub trace: String,
}

/// The file that is downloaded, and uploaded
pub(super) const FILE: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz\r\n\xFF\0end.";
const BOUND: Duration = Duration::from_secs(3600);
const STEPS: u32 = 20_000;

#[derive(Clone, Debug)]
enum What {
    ToClient(Vec<u8>),
    ClientEof,
    ToServer(String),
    Connected(DataId, bool),
    Bytes(DataId, Vec<u8>),
    Ends(DataId, DataEvent),
    AllSent(u32),
    ServerBytes(u32, Vec<u8>),
    ServerEnd(u32),
    AcceptTimeout(u32),
}

/// The session while it runs
#[derive(Debug)]
pub struct Session {
    client: Client,
    server: Server,
    fault: Fault,
    broken: Broken,
    seed: Seed,
    start: Instant,
    now: Duration,
    queue: BTreeMap<(Duration, u64), What>,
    sequence: u64,
    /// When the last thing on each channel arrives: nothing overtakes on a channel
    last: [Duration; 4],
    line: Vec<u8>,
    bytes: usize,
    replies: usize,
    control_open: bool,
    silent: bool,
    /// The live data connection, with its number
    data: Option<(DataId, u32)>,
    number: u32,
    pending: Option<Vec<u8>>,
    uploading: bool,
    received: BTreeMap<u32, Vec<u8>>,
    trace: String,
    traced: bool,
    upload: Vec<u8>,
}

impl Session {
    /// Plays a session to its end
    pub fn play(profile: Profile, task: Task, fault: Fault, seed: u64, broken: Broken) -> End {
        Self::new(profile, fault, seed, broken, false).run(task)
    }

    /// The same, with a trace of everything that happened
    pub fn traced(profile: Profile, task: Task, fault: Fault, seed: u64, broken: Broken) -> End {
        Self::new(profile, fault, seed, broken, true).run(task)
    }

    fn new(profile: Profile, fault: Fault, seed: u64, broken: Broken, traced: bool) -> Self {
        let files = [("f".to_owned(), FILE.to_vec()), ("g".to_owned(), b"old".to_vec())];
        let start = Instant::now();
        Self {
            client: Client::new(Config::new(TlsPolicy::Plaintext), IpFamily::V4, start),
            server: Server::new(profile, files.into()),
            fault,
            broken,
            seed: Seed(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1),
            start,
            now: Duration::ZERO,
            queue: BTreeMap::new(),
            sequence: 0,
            last: [Duration::ZERO; 4],
            line: Vec::new(),
            bytes: 0,
            replies: 0,
            control_open: true,
            silent: false,
            data: None,
            number: 0,
            pending: None,
            uploading: false,
            received: BTreeMap::new(),
            trace: String::new(),
            traced,
            upload: FILE.to_vec(),
        }
    }

    fn run(mut self, task: Task) -> End {
        let greeting = self.server.greet();
        self.answer(vec![greeting]);
        let login = self.client.login("u", "p").id();
        let op = self.ask(task);
        let mut end = End {
            task: Vec::new(),
            probe: Vec::new(),
            received: Vec::new(),
            probe_received: Vec::new(),
            files: BTreeMap::new(),
            dead: false,
            bounded: false,
            bytes: 0,
            replies: 0,
            took: Duration::ZERO,
            trace: String::new(),
        };
        let mut probe: Vec<OpId> = Vec::new();
        let mut task_number = 0;
        for _ in 0..STEPS {
            self.drive();
            while let Some(event) = self.client.poll_event() {
                self.note(|| format!("event {event:?}"));
                let Event::Completed(done) = event else { continue };
                let mut result = done.error().map_or(Ok(()), |error| Err(error.clone()));
                if self.broken == Broken::Panics && self.client.is_dead() {
                    panic!("broken on purpose");
                }
                if done.op() == op {
                    if self.broken == Broken::Lies && task.transfers() {
                        result = Ok(());
                    }
                    (end.bytes, end.replies) = (self.bytes, self.replies);
                    task_number = self.number;
                    end.task.push(result);
                    if end.task.len() == 1 {
                        probe = vec![self.client.noop().id(), self.client.get("f").id()];
                        self.fault = match self.fault {
                            // What has not struck by now does not strike the proof.
                            Fault::Control(..) if self.silent => self.fault,
                            _ => Fault::None,
                        };
                    }
                } else if probe.contains(&done.op()) {
                    end.probe.push(result);
                } else {
                    assert_eq!(done.op(), login, "a completion of nothing");
                }
            }
            if end.probe.len() >= 2 && (self.client.is_dead() || self.client.is_idle()) {
                end.bounded = true;
                break;
            }
            if !self.advance() || self.now > BOUND {
                break;
            }
        }
        end.took = self.now;
        end.dead = self.client.is_dead();
        end.files = std::mem::take(&mut self.server.files);
        for (number, bytes) in std::mem::take(&mut self.received) {
            if number <= task_number {
                end.received = bytes;
            } else {
                end.probe_received = bytes;
            }
        }
        end.trace = std::mem::take(&mut self.trace);
        end
    }

    fn ask(&mut self, task: Task) -> OpId {
        let client = &mut self.client;
        match task {
            Task::Get => client.get("f").id(),
            Task::Resume => client.get(Get::new("f").resume_at(10)).id(),
            Task::Put => client.put("new").id(),
            Task::Append => client.put(Put::new("g").append()).id(),
            Task::List => client.list(List::names("")).id(),
            Task::Size => client.size("f").id(),
            Task::Mkdir => client.mkdir("d").id(),
            Task::Delete => client.delete("g").id(),
            Task::Rename => client.rename("g", "h").id(),
            Task::Features => client.query_features().id(),
            Task::Pwd => client.pwd().id(),
        }
    }

    fn time(&self) -> Instant {
        self.start + self.now
    }

    fn note(&mut self, line: impl FnOnce() -> String) {
        if self.traced {
            let _ = writeln!(self.trace, "{:>12} {}", self.now.as_micros(), line());
        }
    }

    /// Something arrives later on a channel, behind all that was sent there before
    fn later(&mut self, channel: usize, what: What) {
        let delay = Duration::from_micros(100 + self.seed.below(40_000) as u64);
        let at = (self.now + delay).max(self.last[channel]);
        self.last[channel] = at;
        self.at(at, what);
    }

    fn at(&mut self, at: Duration, what: What) {
        self.sequence += 1;
        self.queue.insert((at, self.sequence), what);
    }

    /// The next thing, or the client's deadline, whichever is first
    fn advance(&mut self) -> bool {
        let deadline = self
            .client
            .poll_timeout()
            .filter(|_| self.broken != Broken::Hangs)
            .map(|at| at.saturating_duration_since(self.start));
        let next = self.queue.keys().next().copied();
        match (next, deadline) {
            (Some(key), deadline) if deadline.is_none_or(|deadline| key.0 <= deadline) => {
                self.now = self.now.max(key.0);
                if let Some(what) = self.queue.remove(&key) {
                    self.note(|| format!("{what:?}"));
                    self.happen(what);
                }
            }
            (_, Some(deadline)) => {
                self.now = self.now.max(deadline);
                self.note(|| "deadline".to_owned());
                self.client.handle_timeout(self.time());
            }
            _ => return false,
        }
        true
    }

    fn happen(&mut self, what: What) {
        let now = self.time();
        let mut out = Vec::new();
        match what {
            What::ToClient(bytes) => {
                if self.client.wants_input() {
                    let _ = self.client.handle_input(now, &bytes);
                }
            }
            What::ClientEof => self.client.handle_control(now, ControlEvent::Closed),
            What::ToServer(line) if self.control_open => self.server.line(&line, &mut out),
            What::ToServer(_) => {}
            What::Connected(id, true) => {
                if let Some((live, number)) = self.data {
                    if live == id {
                        self.client.handle_data(now, id, DataEvent::Connected);
                        self.server.connected();
                        if let Some(bytes) = self.pending.take() {
                            self.send(id, number, bytes);
                        }
                    }
                }
            }
            What::Connected(id, false) => {
                self.client.handle_data(now, id, DataEvent::Failed(DataFailure::Open));
            }
            What::Bytes(id, bytes) => {
                if let Some((live, number)) = self.data {
                    if live == id {
                        self.received.entry(number).or_default().extend_from_slice(&bytes);
                        self.client.handle_data(now, id, DataEvent::Progress(bytes.len() as u64));
                    }
                }
            }
            What::Ends(id, event) => self.client.handle_data(now, id, event),
            What::AllSent(number) if number == self.number => self.server.sent(&mut out),
            What::ServerBytes(number, bytes) if number == self.number => {
                self.server.receive(&bytes);
            }
            What::ServerEnd(number) if number == self.number => self.server.client_closed(&mut out),
            What::AcceptTimeout(number) if number == self.number && !self.server.is_connected() => {
                self.pending = None;
                self.server.data_failed(&mut out);
            }
            What::AllSent(_)
            | What::ServerBytes(..)
            | What::ServerEnd(_)
            | What::AcceptTimeout(_) => {}
        }
        self.answer(out);
    }

    /// The driver's part: bytes to write, actions
    fn drive(&mut self) {
        while let Some(bytes) = self.client.poll_transmit() {
            let count = 1 + self.seed.below(bytes.len());
            self.line.extend_from_slice(&bytes[..count]);
            let now = self.time();
            self.client.handle_transmit(now, count);
            while let Some(end) = self.line.windows(2).position(|pair| pair == b"\r\n") {
                let line: Vec<u8> = self.line.drain(..end + 2).collect();
                let text = String::from_utf8_lossy(&line[..end]).into_owned();
                self.later(0, What::ToServer(text));
            }
        }
        while let Some(action) = self.client.poll_action() {
            self.note(|| format!("action {action:?}"));
            match action {
                Action::OpenData(id, _) => {
                    self.number += 1;
                    self.data = Some((id, self.number));
                    self.uploading = false;
                    self.last[2] = self.now;
                    self.last[3] = self.now;
                    let refused =
                        self.data_fault().is_some_and(|(how, _)| how == DataFault::Refused);
                    self.later(2, What::Connected(id, !refused));
                }
                Action::StartTransfer(id, Direction::Upload, _) => self.upload(id),
                Action::CloseData(id) => {
                    if let Some((live, number)) = self.data {
                        if live == id {
                            self.data = None;
                            self.later(3, What::ServerEnd(number));
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// The fault of the task's data connection, which is the first
    fn data_fault(&self) -> Option<(DataFault, usize)> {
        match self.fault {
            Fault::Data(how, at) if self.number == 1 => Some((how, at)),
            _ => None,
        }
    }

    fn send(&mut self, id: DataId, number: u32, bytes: Vec<u8>) {
        let (mut rest, fault) = match self.data_fault() {
            Some((how, at)) => (&bytes[..at.min(bytes.len())], Some(how)),
            None => (bytes.as_slice(), None),
        };
        while !rest.is_empty() {
            let (chunk, tail) = rest.split_at(1 + self.seed.below(rest.len()));
            self.later(2, What::Bytes(id, chunk.to_vec()));
            rest = tail;
        }
        let mut out = Vec::new();
        match fault {
            None => {
                self.later(2, What::Ends(id, DataEvent::Finished));
                self.later(3, What::AllSent(number));
            }
            Some(DataFault::Cut) => {
                self.later(2, What::Ends(id, DataEvent::Finished));
                self.server.data_failed(&mut out);
            }
            Some(DataFault::Reset) => {
                self.later(2, What::Ends(id, DataEvent::Failed(DataFailure::Broken)));
                self.server.data_failed(&mut out);
            }
            Some(DataFault::Silent | DataFault::Refused) => {}
        }
        self.answer(out);
    }

    /// The driver writes all, ends its side, and reports the end when the server has closed
    fn upload(&mut self, id: DataId) {
        let Some((live, number)) = self.data else { return };
        if live != id {
            return;
        }
        let now = self.time();
        let all = self.upload.clone();
        let (mut rest, fault) = match self.data_fault() {
            Some((how, at)) => (&all[..at.min(all.len())], Some(how)),
            None => (all.as_slice(), None),
        };
        while !rest.is_empty() {
            let (chunk, tail) = rest.split_at(1 + self.seed.below(rest.len()));
            self.client.handle_data(now, id, DataEvent::Progress(chunk.len() as u64));
            self.later(3, What::ServerBytes(number, chunk.to_vec()));
            rest = tail;
        }
        let mut out = Vec::new();
        match fault {
            None => {
                self.later(3, What::ServerEnd(number));
                let end = self.last[3] + Duration::from_millis(20);
                self.at(end, What::Ends(id, DataEvent::Finished));
            }
            Some(DataFault::Cut | DataFault::Reset) => {
                self.later(2, What::Ends(id, DataEvent::Failed(DataFailure::Broken)));
                self.server.data_failed(&mut out);
            }
            Some(DataFault::Silent | DataFault::Refused) => {}
        }
        self.answer(out);
    }

    fn answer(&mut self, answers: Vec<Answer>) {
        for answer in answers {
            match answer {
                Answer::Reply(code, text) => self.reply(code, &text),
                Answer::Send(bytes) => match self.data {
                    Some((id, number)) if self.server.is_connected() => {
                        self.send(id, number, bytes);
                    }
                    _ => {
                        self.pending = Some(bytes);
                        let at = self.now + Duration::from_secs(10);
                        self.at(at, What::AcceptTimeout(self.number));
                    }
                },
                Answer::Hang => {
                    if let Some((id, _)) = self.data {
                        self.later(2, What::Ends(id, DataEvent::Finished));
                    }
                }
                Answer::Close => self.later(1, What::ClientEof),
            }
        }
    }

    fn reply(&mut self, code: u16, text: &str) {
        let number = self.replies;
        self.replies += 1;
        let separator = if text.starts_with('-') { "" } else { " " };
        let line = format!("{code}{separator}{text}\r\n").into_bytes();
        let mut close = false;
        let bytes = match self.fault {
            Fault::Reply(how, at) if at == number => match how {
                ReplyFault::Replaced(class) => format!("{class}99 instead\r\n").into_bytes(),
                ReplyFault::Doubled => [line.as_slice(), &line].concat(),
                ReplyFault::Dropped => Vec::new(),
                ReplyFault::Delayed => {
                    self.last[1] = self.now + Duration::from_secs(1000);
                    line
                }
            },
            Fault::Closing(place, at) if at == number => {
                close = true;
                match place {
                    Place::Before => b"421 closing\r\n".to_vec(),
                    Place::Between => [&line[..line.len() / 2], b"\r\n421 closing\r\n"].concat(),
                    Place::After => [line.as_slice(), b"421 closing\r\n"].concat(),
                }
            }
            _ => line,
        };
        self.deliver(bytes);
        if close && self.control_open {
            self.control_open = false;
            self.later(1, What::ClientEof);
        }
    }

    fn deliver(&mut self, bytes: Vec<u8>) {
        if !self.control_open || self.silent {
            return;
        }
        let before = self.bytes;
        self.bytes += bytes.len();
        let mut bytes = bytes;
        if let Fault::Control(how, at) = self.fault {
            // The last place is behind everything.
            if (before..=self.bytes).contains(&at) && (at < self.bytes || at == before) {
                let place = at - before;
                match how {
                    ControlFault::Cut => {
                        bytes.truncate(place);
                        self.pieces(&bytes);
                        self.control_open = false;
                        return self.later(1, What::ClientEof);
                    }
                    ControlFault::Silent => {
                        bytes.truncate(place);
                        self.silent = true;
                    }
                    ControlFault::Garbage => {
                        bytes.splice(place..place, *b"\x01\xFF?\r\n");
                        self.fault = Fault::None;
                    }
                }
            }
        }
        self.pieces(&bytes);
    }

    fn pieces(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let (piece, tail) = rest.split_at(1 + self.seed.below(rest.len()));
            self.later(1, What::ToClient(piece.to_vec()));
            rest = tail;
        }
    }
}
