//! One session: client, server and everything in between

mod end;
mod events;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use ftp_proto::{
    Client, Config, DataEvent, DataId, Event, ForeignReplies, IpFamily, OpId, Prefetch, Time,
    TlsSession, Truncation,
};

use super::replies::Replies;
use super::requests::{Progress, Requests};
use super::{Fault, Habit, Profile, Server, Task, Way};
use crate::seed::Seed;

pub use end::{Ask, End, Gone, Move, MoveEnd, OpEnd, Stray};

/// A client that is broken on purpose, which the checks must detect
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Broken {
    /// It is not broken
    No,
    /// It reports every failed transfer as a success
    Successes,
    /// It reports the wrong error for every interrupted transfer
    Classes,
    /// It gives each request the result of the previous one
    Shifts,
    /// It accepts replies whose codes belong to other commands ([`ForeignReplies::Accept`])
    Believes,
    /// It accepts an end of data without close_notify as the end of the file ([`Truncation::Accept`])
    Ragged,
    /// It never handles a deadline
    Hangs,
    /// It panics when its session ends early
    Panics,
}

/// The file that is downloaded and uploaded
pub(super) const FILE: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz\r\n\xFF\0end.";
/// The file that is downloaded after the task
pub(super) const OTHER: &[u8] = b"the other file, which nobody should mistake for the first";
/// A name that looks as if it contained a size
pub(super) const NAMED: &str = "f (5 bytes)";
/// A name that looks as if it contained a larger size than the file has
pub(super) const NAMED_MORE: &str = "f (1000 bytes)";
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
    Sent(DataId, u32),
    ServerBytes(u32, Vec<u8>),
    ServerEnd(u32),
    Swallowed(u32),
    AcceptTimeout(u32),
    Rest(DataId, u32),
    Abort(OpId),
    Stray(u16),
}

/// The side of a data connection's handshake that waits for the other one
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Handshake {
    No,
    Client,
    Server,
}

/// A case to play
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Case {
    /// The kind of server
    pub profile: Profile,
    /// The server's habit
    pub habit: Habit,
    /// The kind of connection
    pub way: Way,
    /// The client's task
    pub task: Task,
    /// The fault
    pub fault: Fault,
    /// When the next transfer's port is requested; if always, the download after the task is queued with it
    pub prefetch: Prefetch,
    /// The seed that determines everything else
    pub seed: u64,
}

impl Case {
    /// Returns the client's settings
    pub(super) fn config(self, broken: Broken) -> Config {
        let mut config = self.way.config();
        config.prefetch = self.prefetch;
        match broken {
            Broken::Believes => config.foreign_replies = ForeignReplies::Accept,
            Broken::Ragged => config.truncation = Truncation::Accept,
            _ => {}
        }
        config
    }

    /// Returns the server in its initial state
    pub(super) fn server(self) -> Server {
        let files = [
            ("f", FILE),
            ("g", b"old".as_slice()),
            ("p", OTHER),
            ("s", b"0123456"),
            (NAMED, FILE),
            (NAMED_MORE, FILE),
        ];
        let files = files.into_iter().map(|(name, bytes)| (name.to_owned(), bytes.to_vec()));
        Server::new(self.profile, self.habit, files.collect())
    }

    /// Returns the seed, spread over all bits
    pub(super) const fn seed(self) -> Seed {
        Seed(self.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }
}

/// A running session
#[derive(Debug)]
pub struct Session {
    pub(super) client: Client,
    pub(super) server: Server,
    pub(super) profile: Profile,
    pub(super) habit: Habit,
    pub(super) way: Way,
    /// The requests
    pub(super) requests: Requests,
    pub(super) control: Replies,
    broken: Broken,
    pub(super) seed: Seed,
    start: Time,
    pub(super) now: Duration,
    queue: BTreeMap<(Duration, u64), What>,
    sequence: u64,
    /// The time of the last arrival on each channel: nothing overtakes on a channel
    pub(super) last: [Duration; 4],
    pub(super) line: Vec<u8>,
    gone: Option<Gone>,
    /// Number of commands that the server has read
    commands: usize,
    /// The current data connection, with its number
    pub(super) data: Option<(DataId, u32)>,
    pub(super) number: u32,
    /// The data connection of the server's transfer: the next one may be open before the server knows that this ends
    pub(super) served: u32,
    pub(super) moves: BTreeMap<u32, Move>,
    /// Data that the server sends as soon as the data connection is established
    pub(super) pending: Option<Vec<u8>>,
    /// What the client has sent on the current data connection before its transfer began
    pub(super) held: Vec<What>,
    /// What a server whose transfers EPSV ends has not sent yet
    pub(super) rest: Option<Vec<u8>>,
    pub(super) handshake: Handshake,
    /// Number of TLS session tickets that the driver has
    pub(super) tickets: usize,
    pub(super) task: Task,
    /// Whether the download after the task was aborted
    pub(super) aborted: bool,
    /// Whether the fault after the task has occurred
    pub(super) struck: bool,
    received: BTreeMap<u32, Vec<u8>>,
    trace: String,
    traced: bool,
    pub(super) upload: Vec<u8>,
}

impl Session {
    /// Plays a session to its end
    pub fn play(case: Case, broken: Broken) -> End {
        Self::run(case, broken, false)
    }

    /// Plays a session to its end, with a trace of everything that happened
    pub fn traced(case: Case, broken: Broken) -> End {
        Self::run(case, broken, true)
    }

    fn run(case: Case, broken: Broken, traced: bool) -> End {
        let Case { profile, habit, way, task, fault, .. } = case;
        let start = Time::ZERO;
        let mut client = Client::new(case.config(broken), IpFamily::V4, start);
        let requests = Requests::new(case, broken, &mut client);
        let mut this = Self {
            client,
            server: case.server(),
            profile,
            habit,
            way,
            requests,
            control: Replies::new(fault),
            broken,
            seed: case.seed(),
            start,
            now: Duration::ZERO,
            queue: BTreeMap::new(),
            sequence: 0,
            last: [Duration::ZERO; 4],
            line: Vec::new(),
            gone: None,
            commands: 0,
            data: None,
            number: 0,
            served: 0,
            moves: BTreeMap::new(),
            pending: None,
            held: Vec::new(),
            rest: None,
            handshake: Handshake::No,
            tickets: 0,
            task,
            aborted: false,
            struck: false,
            received: BTreeMap::new(),
            trace: String::new(),
            traced,
            upload: FILE.to_vec(),
        };
        this.go()
    }

    fn go(&mut self) -> End {
        if self.way != Way::Implicit {
            self.greet();
        }
        let mut bounded = false;
        for _ in 0..STEPS {
            // A data connection opened in the turn in which a request ends belongs to the next request.
            let number = self.number;
            self.drive();
            while let Some(event) = self.client.poll_event() {
                self.note(|| format!("event {event:?}"));
                let Event::Completed(mut done) = event else { continue };
                let result = done.error().map_or(Ok(()), |error| Err(error.clone()));
                let size = self.requests.size();
                let value = size.and_then(|size| done.take(size)).and_then(Result::ok);
                let progress = Progress {
                    server: &self.server,
                    control: &self.control,
                    commands: self.commands,
                    number,
                    now: self.now,
                    dead: self.client.is_dead(),
                    tls_failed: false,
                };
                if self.requests.ended(done.op(), result, value, &progress) {
                    self.upload = OTHER.to_vec();
                    self.requests.probe(&mut self.client);
                    self.control.spare_the_proof();
                }
            }
            if self.requests.is_complete() && (self.client.is_dead() || self.client.is_idle()) {
                bounded = true;
                break;
            }
            if !self.advance() || self.now > BOUND {
                break;
            }
        }
        let (bytes, replies, commands) = self.requests.extent;
        End {
            ops: std::mem::take(&mut self.requests.ops),
            received: std::mem::take(&mut self.received),
            moves: std::mem::take(&mut self.moves),
            deeds: std::mem::take(&mut self.server.deeds),
            strays: std::mem::take(&mut self.control.strays),
            gone: self.gone,
            closing: self.control.closing,
            aborted: self.aborted,
            files: std::mem::take(&mut self.server.files),
            here: std::mem::take(&mut self.server.here),
            bounded,
            bytes,
            replies,
            commands,
            wires: [[0; 2]; 2],
            took: self.now,
            trace: std::mem::take(&mut self.trace),
        }
    }
}
