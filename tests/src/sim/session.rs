//! One session: client, server and everything between them

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use ftp_proto::{
    Client, ControlEvent, DataEvent, DataFailure, DataId, Error, Event, IpFamily, OpId, TlsSession,
};

use super::{Fault, Profile, Server, Task, Way};
use crate::script::Seed;

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
    /// The server's working directory
    pub here: String,
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
const HOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const BOUND: Duration = Duration::from_secs(3600);
const STEPS: u32 = 20_000;

/// Something that arrives
#[derive(Clone, Debug)]
pub(super) enum What {
    ToClient(Vec<u8>),
    ClientEof,
    ToServer(String),
    ControlTls(bool),
    Connected(DataId, bool),
    Listening(DataId),
    Accepted(DataId),
    DataSecured(DataId, Option<TlsSession>),
    Bytes(DataId, Vec<u8>),
    Ends(DataId, DataEvent),
    AllSent(u32),
    ServerBytes(u32, Vec<u8>),
    ServerEnd(u32),
    AcceptTimeout(u32),
}

/// Which side of a data connection's handshake waits for the other
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Handshake {
    No,
    Client,
    Server,
}

/// What is played
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// The kind of server
    pub profile: Profile,
    /// The kind of connection
    pub way: Way,
    /// What the client does
    pub task: Task,
    /// What goes wrong
    pub fault: Fault,
    /// What decides everything else
    pub seed: u64,
}

/// The session while it runs
#[derive(Debug)]
pub struct Session {
    pub(super) client: Client,
    pub(super) server: Server,
    pub(super) profile: Profile,
    pub(super) way: Way,
    pub(super) fault: Fault,
    pub(super) broken: Broken,
    pub(super) seed: Seed,
    pub(super) start: Instant,
    pub(super) now: Duration,
    pub(super) queue: BTreeMap<(Duration, u64), What>,
    pub(super) sequence: u64,
    /// When the last thing on each channel arrives: nothing overtakes on a channel
    pub(super) last: [Duration; 4],
    pub(super) line: Vec<u8>,
    pub(super) bytes: usize,
    pub(super) replies: usize,
    pub(super) control_open: bool,
    pub(super) silent: bool,
    /// The live data connection, with its number
    pub(super) data: Option<(DataId, u32)>,
    pub(super) number: u32,
    /// What the server sends as soon as there is a connection to send it on
    pub(super) pending: Option<Vec<u8>>,
    pub(super) handshake: Handshake,
    /// TLS session tickets in the driver's stock
    pub(super) tickets: usize,
    pub(super) task: Task,
    /// Whether the task has ended
    pub(super) probing: bool,
    pub(super) received: BTreeMap<u32, Vec<u8>>,
    pub(super) trace: String,
    pub(super) traced: bool,
    pub(super) upload: Vec<u8>,
}

impl Session {
    /// Plays a session to its end
    pub fn play(case: Case, broken: Broken) -> End {
        Self::new(case, broken, false).run()
    }

    /// The same, with a trace of everything that happened
    pub fn traced(case: Case, broken: Broken) -> End {
        Self::new(case, broken, true).run()
    }

    fn new(case: Case, broken: Broken, traced: bool) -> Self {
        let Case { profile, way, task, fault, seed } = case;
        let files = [("f".to_owned(), FILE.to_vec()), ("g".to_owned(), b"old".to_vec())];
        let start = Instant::now();
        Self {
            client: Client::new(way.config(), IpFamily::V4, start),
            server: Server::new(profile, files.into()),
            profile,
            way,
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
            handshake: Handshake::No,
            tickets: 0,
            task,
            probing: false,
            received: BTreeMap::new(),
            trace: String::new(),
            traced,
            upload: FILE.to_vec(),
        }
    }

    fn run(mut self) -> End {
        let task = self.task;
        let greeting = self.server.greet();
        self.answer(vec![greeting]);
        let login = self.client.login("u", "p").id();
        let op = task.ask(&mut self.client);
        let mut end = End {
            task: Vec::new(),
            probe: Vec::new(),
            received: Vec::new(),
            probe_received: Vec::new(),
            files: BTreeMap::new(),
            here: String::new(),
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
                        self.probing = true;
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
        end.here = std::mem::take(&mut self.server.here);
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

    pub(super) fn abort(&mut self) {
        if let Some(op) = self.client.running_transfer() {
            self.client.abort(op);
        }
    }

    pub(super) fn time(&self) -> Instant {
        self.start + self.now
    }

    pub(super) fn note(&mut self, line: impl FnOnce() -> String) {
        if self.traced {
            let _ = writeln!(self.trace, "{:>12} {}", self.now.as_micros(), line());
        }
    }

    /// Something arrives later on a channel, behind all that was sent there before
    pub(super) fn later(&mut self, channel: usize, what: What) {
        let delay = Duration::from_micros(100 + self.seed.below(40_000) as u64);
        let at = (self.now + delay).max(self.last[channel]);
        self.last[channel] = at;
        self.at(at, what);
    }

    pub(super) fn at(&mut self, at: Duration, what: What) {
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
            What::ControlTls(true) => {
                self.tickets = self.profile.tickets().login;
                self.client.handle_control(now, ControlEvent::Secured);
            }
            What::ControlTls(false) => self.client.handle_control(now, ControlEvent::Closed),
            What::Listening(id) => {
                let event = DataEvent::Listening(SocketAddr::new(HOST, 4000));
                self.client.handle_data(now, id, event);
            }
            What::Accepted(id) => {
                let event = DataEvent::Accepted { peer: HOST, control_peer: HOST };
                self.client.handle_data(now, id, event);
                self.ready(id);
            }
            What::DataSecured(id, Some(session)) => self.secured(id, session, &mut out),
            What::DataSecured(id, None) => {
                self.client.handle_data(now, id, DataEvent::Failed(DataFailure::Tls));
                self.server.data_failed(&mut out);
            }
            What::Connected(id, true) => {
                self.client.handle_data(now, id, DataEvent::Connected);
                if self.way != Way::Tls {
                    self.ready(id);
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
                        if matches!(self.task, Task::AbortGet | Task::AbortList) && !self.probing {
                            self.abort();
                        }
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
}
