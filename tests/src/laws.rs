//! The laws of the machine, asserted at every call
//!
//! [`Lawful`] is a client together with a driver, a server and an application that carry out [`Act`]s in any order,
//! sensible or not. Property tests choose the acts (`tests/tests/laws.rs`), and so does the fuzzer, from its input
//! (`fuzz/src/client.rs`). Law 4 needs transfers that both sides complete: `tests/tests/interleavings.rs`.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use ftp_proto::{
    Action, Client, Config, ConnectionError, ControlEvent, DataEvent, DataFailure, DataId,
    Direction, Event, Get, IpFamily, List, OpId, Protection, Put, TicketSupply, Time, TlsPolicy,
    TlsSession, TransferType,
};

/// Part of every password and account, and of nothing else
pub const SECRET: &str = "hunter2";

const SERVER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const STRANGER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 66));

/// Replies of real servers, sent in and out of place
pub const LINES: [&str; 24] = [
    "220 ready",
    "331 password",
    "230 in",
    "332 account",
    "200 ok",
    "229 go (|||5000|)",
    "227 go (127,0,0,1,19,136)",
    "150 here (5 bytes).",
    "226 done",
    "250 done",
    "350 go on",
    "213 5",
    "257 \"/d\"",
    "211-has\r\n SIZE\r\n HASH MD5*;SHA-256\r\n211 end",
    "234 go",
    "421 bye",
    "425 no",
    "426 cut",
    "450 later",
    "500 what",
    "502 no",
    "530 no",
    "550 no",
    "699 odd",
];

/// An input for the client
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// The application makes a request
    Request(u8),
    /// Bytes arrive from the server
    Server(Vec<u8>),
    /// One of [`LINES`] arrives
    Line(u8),
    /// The server answers the next command: with success, or with a refusal
    Answer(u8),
    /// The driver writes this many bytes
    Write(u8),
    /// The driver carries out all its orders successfully
    Drive,
    /// An event of the newest data connection, or of an older one
    Data(u8, u8),
    /// An event of the control connection
    Control(u8),
    /// Milliseconds pass
    Wait(u16),
    /// The next deadline passes
    Deadline,
    /// The application aborts a request
    Abort,
    /// The application closes the session
    Close,
    /// The driver reports its supply of tickets
    Tickets(u8),
}

/// A client whose laws are checked
#[derive(Debug)]
pub struct Lawful {
    client: Client,
    policy: TlsPolicy,
    keeps_alive: bool,
    start: Time,
    now: Time,
    /// The requests that were made, and how often each has completed
    requests: BTreeMap<u64, (OpId, u32)>,
    data: Vec<DataId>,
    live: Option<DataId>,
    /// Orders that the driver has not carried out yet
    duties: VecDeque<Action>,
    /// Commands that the server has not answered yet
    unanswered: VecDeque<String>,
    line: Vec<u8>,
    security: Security,
    /// The last bytes from the server
    heard: Vec<u8>,
    /// Whether they contained the secret: the fuzzer guessed it, or the server repeated a password
    blabbed: bool,
    death: Option<ConnectionError>,
    closed: u32,
    record: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Security {
    Clear,
    Securing,
    Secured,
}

impl Lawful {
    /// Creates a client at the start of its connection
    ///
    /// # Panics
    ///
    /// If a law is broken; so do all methods.
    pub fn new(mut config: Config) -> Self {
        // Small limits are exceeded by small inputs.
        (config.reply.line, config.reply.reply) = (256, 1024);
        config.trace = true;
        let now = Time::ZERO;
        let mut lawful = Self {
            policy: config.tls,
            keeps_alive: config.keep_alive.is_some(),
            client: Client::new(config, IpFamily::V4, now),
            start: now,
            now,
            requests: BTreeMap::new(),
            data: Vec::new(),
            live: None,
            duties: VecDeque::new(),
            unanswered: VecDeque::new(),
            line: Vec::new(),
            security: Security::Clear,
            heard: Vec::new(),
            blabbed: false,
            death: None,
            closed: 0,
            record: String::new(),
        };
        lawful.look();
        lawful
    }

    /// Carries out an act
    pub fn act(&mut self, act: &Act) {
        self.act_in_pieces(act, usize::MAX);
    }

    /// Carries out an act; bytes from the server arrive in pieces of this length
    pub fn act_in_pieces(&mut self, act: &Act, length: usize) {
        self.now += Duration::from_millis(1);
        match act {
            Act::Request(kind) => self.request(*kind),
            Act::Server(bytes) => self.server(bytes, length),
            Act::Line(number) => {
                let line = LINES[usize::from(*number) % LINES.len()];
                self.server(format!("{line}\r\n").as_bytes(), length);
            }
            Act::Answer(kind) => {
                let Some(command) = self.unanswered.pop_front() else { return };
                let answer = answer(&command, *kind);
                self.server(answer.as_bytes(), length);
            }
            Act::Write(count) => self.write(usize::from(*count)),
            Act::Drive => self.drive(),
            Act::Data(which, news) => {
                let Some(back) = self.data.len().checked_sub(1 + usize::from(*which % 3)) else {
                    return;
                };
                self.client.handle_data(self.now, self.data[back], data_event(*news));
            }
            Act::Control(news) => {
                let event = match news % 4 {
                    0 => ControlEvent::Connected(IpFamily::V4),
                    1 => ControlEvent::Secured,
                    2 => ControlEvent::Cleared,
                    _ => ControlEvent::Closed,
                };
                self.control(event);
            }
            Act::Wait(milliseconds) => {
                self.now += Duration::from_millis(u64::from(*milliseconds));
                self.client.handle_timeout(self.now);
            }
            Act::Deadline => {
                self.deadline();
            }
            // The oldest request that has not completed, running or queued.
            Act::Abort => {
                let open = self.requests.values().find(|(_, completed)| *completed == 0);
                if let Some((op, _)) = open.copied() {
                    self.client.abort(op);
                }
            }
            Act::Close => self.client.close(),
            Act::Tickets(kind) => self.client.set_ticket_supply(match kind % 5 {
                0 => TicketSupply::Ample,
                1 => TicketSupply::Scarce,
                2 => TicketSupply::Wanted,
                3 => TicketSupply::Unneeded,
                _ => TicketSupply::Exhausted,
            }),
        }
        self.look();
    }

    /// Lets deadlines pass until there are none, then checks the final state
    pub fn end(mut self) -> String {
        let bound = if self.keeps_alive { 50 } else { 20 + 10 * self.requests.len() };
        let mut deadlines = 0;
        while deadlines < bound && self.deadline() {
            self.look();
            deadlines += 1;
        }
        if !self.keeps_alive {
            assert!(self.client.poll_timeout().is_none(), "law 5: deadlines without an end");
        } else {
            self.client.close();
            self.look();
        }
        for (op, completions) in self.requests.values() {
            assert_eq!(*completions, 1, "law 2: {op:?} in {}", self.record);
        }
        assert_eq!(self.closed, u32::from(self.client.is_dead()), "law 9: Closed");
        if self.client.is_dead() {
            assert_eq!(self.live, None, "law 7: a data connection outlives the session");
        }
        self.keeps_the_secret(&format!("{:?}", self.client));
        self.record
    }

    fn deadline(&mut self) -> bool {
        let Some(at) = self.client.poll_timeout() else { return false };
        self.now = self.now.max(at);
        self.client.handle_timeout(self.now);
        true
    }

    fn server(&mut self, bytes: &[u8], length: usize) {
        self.heard.extend_from_slice(bytes);
        self.blabbed |= self.heard.windows(SECRET.len()).any(|word| word == SECRET.as_bytes());
        self.heard.drain(..self.heard.len().saturating_sub(SECRET.len()));
        for piece in bytes.chunks(length) {
            let result = self.client.handle_input(self.now, piece);
            assert_eq!(result.err().as_ref(), self.client.error(), "law 9: the reason of the end");
        }
    }

    fn control(&mut self, event: ControlEvent) {
        self.client.handle_control(self.now, event);
        if event == ControlEvent::Secured && self.security == Security::Securing {
            self.security = Security::Secured;
        }
    }

    fn write(&mut self, count: usize) {
        let bytes = self.client.poll_transmit().unwrap_or_default();
        let bytes = bytes[..count.min(bytes.len())].to_vec();
        self.line.extend_from_slice(&bytes);
        self.client.handle_transmit(self.now, bytes.len());
        while let Some(end) = self.line.windows(2).position(|pair| pair == b"\r\n") {
            let line: Vec<u8> = self.line.drain(..end + 2).collect();
            let line = String::from_utf8_lossy(&line[..end]).into_owned();
            if self.policy != TlsPolicy::Plaintext && self.security != Security::Secured {
                assert!(!line.starts_with("USER") && !line.starts_with("PASS"), "law 6: {line}");
            }
            let _ = writeln!(self.record, "> {line}");
            self.unanswered.push_back(line);
        }
    }

    fn drive(&mut self) {
        self.write(usize::MAX);
        while let Some(duty) = self.duties.pop_front() {
            match duty {
                Action::SecureControl => self.control(ControlEvent::Secured),
                Action::ClearControl => self.control(ControlEvent::Cleared),
                Action::OpenData(id, _) => {
                    self.client.handle_data(self.now, id, DataEvent::Connected);
                }
                Action::SecureData(id) => {
                    self.client.handle_data(self.now, id, DataEvent::Secured(TlsSession::Resumed));
                }
                Action::StartTransfer { id, direction, .. } => {
                    self.client.handle_data(self.now, id, DataEvent::Progress(5));
                    if direction == Direction::Upload {
                        self.client.handle_data(self.now, id, DataEvent::Sent);
                    }
                    self.client.handle_data(self.now, id, DataEvent::Finished);
                }
                Action::Discard(_) | Action::CloseData(_) | Action::CloseControl => {}
            }
            self.look();
        }
        self.write(usize::MAX);
    }

    fn request(&mut self, kind: u8) {
        let password = format!("p-{SECRET}");
        let client = &mut self.client;
        let op = match kind % 35 {
            0 => client.login("u", &password).id(),
            1 => client.login_with_account("u", &password, format!("a-{SECRET}")).id(),
            2 => client.account(format!("a-{SECRET}")).id(),
            3 => client.get("f").id(),
            4 => client.get(Get::new("f").resume_at(3)).id(),
            5 => client.get(Get::new("f").ascii()).id(),
            6 => client.get(Get::new("f").expect_size(5)).id(),
            7 => client.put("f").id(),
            8 => client.put(Put::new("f").append()).id(),
            9 => client.put(Put::unique()).id(),
            10 => client.list(List::new("")).id(),
            11 => client.list(List::facts("d")).id(),
            12 => client.size("f").id(),
            13 => client.mdtm("f").id(),
            14 => client.rename("a", "b").id(),
            15 => client.mkdir("d").id(),
            16 => client.pwd().id(),
            17 => client.cdup().id(),
            18 => client.query_features().id(),
            19 => client.hash("f").id(),
            20 => client.secure().id(),
            21 => client.protect(Protection::Clear).id(),
            22 => client.protect(Protection::Private).id(),
            23 => client.clear_control().id(),
            24 => client.remote_passive(TransferType::Image).id(),
            25 => client.remote_active(SocketAddr::new(SERVER, 5000), TransferType::Image).id(),
            26 => client.remote_get("f").id(),
            27 => client.command("PASS", &password).id(),
            28 => client.cwd("new\r\nline").id(),
            29 => client.read_dir("d").id(),
            30 => client.read_dir("*").id(),
            31 => client.cwd("d").id(),
            32 => client.size_and_mdtm("f").id(),
            33 => client.canonicalize("d").id(),
            _ => client.quit().id(),
        };
        let number = self.requests.len() as u64;
        let known = self.requests.values().any(|(known, _)| *known == op);
        assert!(!known, "law 2: {op:?} was given twice");
        self.requests.insert(number, (op, 0));
    }

    /// Takes the client's output and checks the laws
    fn look(&mut self) {
        while let Some(action) = self.client.poll_action() {
            let _ = writeln!(self.record, "! {action:?}");
            match &action {
                Action::OpenData(id, _) => {
                    assert_eq!(self.live, None, "law 7: two live data connections");
                    assert!(!self.data.contains(id), "law 7: {id:?} comes again");
                    self.data.push(*id);
                    self.live = Some(*id);
                }
                Action::CloseData(id) => {
                    assert_eq!(self.live, Some(*id), "law 7: closes what is not open");
                    self.live = None;
                }
                Action::SecureControl => self.security = Security::Securing,
                _ => {}
            }
            self.duties.push_back(action);
        }
        while let Some(event) = self.client.poll_event() {
            let text = format!("{event:?}");
            self.keeps_the_secret(&text);
            let _ = writeln!(self.record, "{text}");
            match event {
                Event::Completed(done) => {
                    if let Some(error) = done.error() {
                        self.keeps_the_secret(&error.to_string());
                    }
                    let request = self.requests.values_mut().find(|(op, _)| *op == done.op());
                    let (op, completions) = request.expect("law 2: a request was made");
                    *completions += 1;
                    assert_eq!(*completions, 1, "law 2: {op:?}");
                    assert_eq!(self.closed, self.closed.min(1), "law 9");
                }
                Event::Trace(trace) => self.keeps_the_secret(&trace.to_string()),
                Event::Closed(error) => {
                    self.closed += 1;
                    assert_eq!(self.closed, 1, "law 9: Closed comes once");
                    assert_eq!(Some(&error), self.client.error(), "law 9: the reason of the end");
                }
                _ => {}
            }
        }
        self.levels();
    }

    fn levels(&mut self) {
        let client = &self.client;
        let waits = client.poll_timeout();
        if let Some(error) = client.error() {
            let first = self.death.get_or_insert_with(|| error.clone());
            assert_eq!(first, error, "law 9: another reason of the end");
            assert_eq!(waits, None, "law 5: a dead client waits");
            assert!(client.poll_transmit().is_none() && !client.wants_input(), "law 9: dead");
        } else {
            assert_eq!(self.death, None, "law 9: death is sticky");
            if client.is_idle() {
                assert!(waits.is_none() || self.keeps_alive, "law 5: an idle client waits");
            } else {
                assert!(waits.is_some(), "law 5: {} without a deadline", self.record);
            }
            if self.security == Security::Securing {
                assert!(client.poll_transmit().is_none(), "law 6: bytes in clear text after 234");
                assert!(!client.wants_input(), "law 6: bytes in clear text after 234");
            }
        }
        if let Some(at) = waits {
            assert!(at > self.start, "law 5: a deadline before the beginning");
        }
    }

    fn keeps_the_secret(&self, text: &str) {
        assert!(self.blabbed || !text.contains(SECRET), "law 8: {text}");
    }
}

/// Returns the reply to a command: success, or a refusal
fn answer(command: &str, kind: u8) -> String {
    let verb = command.split(' ').next().unwrap_or_default();
    let yes = match verb {
        "USER" => "331 password",
        "PASS" => "230 in",
        "AUTH" => "234 go",
        "EPSV" => "229 go (|||5000|)",
        "PASV" => "227 go (127,0,0,1,19,136)",
        "REST" | "RNFR" => "350 go on",
        "SIZE" => "213 5",
        "MDTM" => "213 20260102030405",
        "PWD" | "MKD" => "257 \"/d\"",
        "FEAT" => "211-has\r\n XMD5\r\n211 end",
        "XMD5" => "250 d41d8cd98f00b204e9800998ecf8427e",
        "RETR" | "STOR" | "APPE" | "STOU" | "LIST" | "MLSD" => "150 here\r\n226 done",
        "QUIT" => "221 bye",
        "CWD" | "CDUP" | "RNTO" => "250 ok",
        "ABOR" => "226 aborted",
        _ => "200 ok",
    };
    match kind % 8 {
        6 => "450 not now\r\n".to_owned(),
        7 => "550 no\r\n".to_owned(),
        _ => format!("{yes}\r\n"),
    }
}

fn data_event(news: u8) -> DataEvent {
    match news % 14 {
        0 => DataEvent::Listening(SocketAddr::new(SERVER, 4000)),
        1 | 2 => DataEvent::Connected,
        3 => DataEvent::Accepted { peer: SERVER, control_peer: SERVER },
        4 => DataEvent::Accepted { peer: STRANGER, control_peer: SERVER },
        5 => DataEvent::Secured(TlsSession::New),
        6 => DataEvent::Progress(5),
        7 | 8 => DataEvent::Finished,
        9 => DataEvent::Truncated,
        10 => DataEvent::Failed(DataFailure::Open),
        11 => DataEvent::Sent,
        12 => DataEvent::Paused,
        _ => DataEvent::Failed(DataFailure::Broken),
    }
}
