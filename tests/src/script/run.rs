//! Runs a transcript on a client, with a virtual clock and without sockets

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use ftp_proto::fields::{FileHash, PassiveAddress};
use ftp_proto::{
    Action, Client, Completion, Config, ControlEvent, DataEndpoint, DataEvent, DataFailure,
    DataHost, DataId, Event, Features, Get, IpFamily, List, Op, OpId, Phase, Protection, Put,
    ReadDir, Reply, TicketSupply, Time, Timestamp, TlsSession, Transfer, TransferType,
};

use super::{Script, Seed, Step};

/// How the server's bytes are split into inputs
#[derive(Clone, Copy, Debug)]
pub enum Split {
    /// Consecutive lines form one input
    Whole,
    /// One byte per input, one byte per write
    Bytes,
    /// At random
    Random(u64),
}

/// A client with the claims on its requests and all its output
#[derive(Debug)]
pub struct Machine {
    /// The client
    pub client: Client,
    /// The current time
    pub now: Time,
    claims: Vec<(OpId, String, Claim)>,
    /// Lines that the client has sent and the script has not checked yet
    pub sent: VecDeque<String>,
    line: Vec<u8>,
    /// Actions that the script has not checked yet
    pub actions: VecDeque<String>,
    /// Events that the script has not checked yet
    pub events: VecDeque<String>,
    /// The ids of the data connections, in the order in which they were opened
    ids: Vec<DataId>,
    split: Split,
    seed: Seed,
    /// The requests that have completed, once for each completion
    pub completions: Vec<OpId>,
    /// The number of requests made so far
    pub requests: usize,
}

macro_rules! claims {
    ($($variant:ident($output:ty)),* $(,)?) => {
        #[derive(Clone, Copy, Debug)]
        enum Claim {
            $($variant(Op<$output>)),*
        }

        $(impl From<Op<$output>> for Claim {
            fn from(op: Op<$output>) -> Self {
                Self::$variant(op)
            }
        })*

        impl Claim {
            fn id(self) -> OpId {
                match self {
                    $(Self::$variant(op) => op.id()),*
                }
            }
        }
    };
}

claims! {
    Unit(()),
    Reply(Reply),
    MaybeReply(Option<Reply>),
    Number(u64),
    Hash(Option<FileHash>),
    Time(Timestamp),
    Path(Vec<u8>),
    MaybePath(Option<Vec<u8>>),
    Features(Features),
    Transfer(Transfer),
    Passive(PassiveAddress),
}

/// An argument of a request other than text
trait Word {
    fn of(word: &str) -> Self;
}

impl Word for Timestamp {
    /// Parses seconds since 1970, with nanoseconds after a point
    fn of(word: &str) -> Self {
        let (seconds, nanoseconds) = word.split_once('.').unwrap_or((word, "0"));
        let time = Self::from_unix(seconds.parse().expect("seconds")).expect("a time");
        time.with_nanosecond(nanoseconds.parse().expect("nanoseconds")).expect("a time")
    }
}

impl Word for Protection {
    fn of(word: &str) -> Self {
        match word {
            "private" => Self::Private,
            "clear" => Self::Clear,
            other => panic!("protection {other}?"),
        }
    }
}

/// Calls a request with the next words: text unchanged, other arguments parsed as their types
macro_rules! call {
    ($client:ident.$name:ident($words:ident) [$($done:expr,)*]) => {
        $client.$name($($done),*)
    };
    ($client:ident.$name:ident($words:ident) [$($done:expr,)*]
        $argument:ident: impl AsRef<[u8]> $(, $($rest:tt)*)?) => {
        call!($client.$name($words) [$($done,)* next(&mut $words),] $($($rest)*)?)
    };
    ($client:ident.$name:ident($words:ident) [$($done:expr,)*]
        $argument:ident: &str $(, $($rest:tt)*)?) => {
        call!($client.$name($words) [$($done,)* next(&mut $words),] $($($rest)*)?)
    };
    ($client:ident.$name:ident($words:ident) [$($done:expr,)*]
        $argument:ident: $type:ty $(, $($rest:tt)*)?) => {
        call!($client.$name($words) [$($done,)* <$type>::of(next(&mut $words)),] $($($rest)*)?)
    };
}

fn next<'a>(words: &mut impl Iterator<Item = &'a &'a str>) -> &'a str {
    words.next().expect("another argument")
}

macro_rules! listed {
    ($(
        $(#[$group:meta])*
        impl {$(
            $(#[$meta:meta])*
            fn $name:ident($($arguments:tt)*) -> $output:ty { $($operation:tt)* }
        )*}
    )*) => {
        /// Makes a request of the core's list, named like its method, with hyphens
        fn listed(client: &mut Client, words: &[&str]) -> Option<Claim> {
            let mut words = words.iter();
            let name = next(&mut words).replace('-', "_");
            let claim: Claim = match name.as_str() {
                $($(stringify!($name) => call!(client.$name(words) [] $($arguments)*).into(),)*)*
                _ => return None,
            };
            assert_eq!(words.next(), None, "{name} has fewer arguments");
            Some(claim)
        }
    };
}

ftp_proto::requests!(listed);

impl Machine {
    /// Creates a client at the start of its connection
    pub fn new(config: Config, family: IpFamily, split: Split) -> Self {
        let now = Time::ZERO;
        let seed = match split {
            Split::Random(seed) => Seed(seed),
            Split::Whole | Split::Bytes => Seed(1),
        };
        let mut machine = Self {
            client: Client::new(config, family, now),
            now,
            claims: Vec::new(),
            sent: VecDeque::new(),
            line: Vec::new(),
            actions: VecDeque::new(),
            events: VecDeque::new(),
            ids: Vec::new(),
            split,
            seed,
            completions: Vec::new(),
            requests: 0,
        };
        machine.drain();
        machine
    }

    /// Handles bytes from the server, split as configured
    pub fn server(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let count = match self.split {
                Split::Whole => rest.len(),
                Split::Bytes => 1,
                Split::Random(_) => 1 + self.seed.below(rest.len()),
            };
            let (chunk, tail) = rest.split_at(count);
            rest = tail;
            self.now += Duration::from_millis(1);
            // The error is also reported as `Closed`, which scripts check.
            let _ = self.client.handle_input(self.now, chunk);
            self.drain();
        }
    }

    /// Writes at most this many bytes, then reports them
    fn report_write(&mut self, most: usize) {
        let bytes = self.client.poll_transmit().unwrap_or_default();
        let count = bytes.len().min(most);
        self.line.extend_from_slice(&bytes[..count]);
        self.client.handle_transmit(self.now, count);
    }

    /// Takes at most this many bytes, to write them later
    fn take_write(&mut self, most: usize) {
        let mut buffer = [0; 16];
        let count = self.client.take_transmit(self.now, &mut buffer[..most]);
        self.line.extend_from_slice(&buffer[..count]);
    }

    /// Collects all output of the client
    pub fn drain(&mut self) {
        self.take_actions();
        // If nothing was written, nothing is reported: a report would tell the client the time.
        while self.client.poll_transmit().is_some() {
            match self.split {
                Split::Whole => self.report_write(usize::MAX),
                Split::Bytes => self.report_write(1),
                // Half of the writes complete later.
                Split::Random(_) => {
                    let most = 1 + self.seed.below(16);
                    match self.seed.below(2) {
                        0 => self.report_write(most),
                        _ => self.take_write(most),
                    }
                }
            }
        }
        while let Some(end) = self.line.windows(2).position(|pair| pair == b"\r\n") {
            let line: Vec<u8> = self.line.drain(..end + 2).collect();
            self.sent.push_back(line[..end].escape_ascii().to_string());
        }
        // Written commands can lead to further orders.
        self.take_actions();
        while let Some(event) = self.client.poll_event() {
            let text = self.render_event(event);
            self.events.push_back(text);
        }
    }

    fn take_actions(&mut self) {
        while let Some(action) = self.client.poll_action() {
            if let Action::OpenData(id, _) = &action {
                self.ids.push(*id);
            }
            let text = match &action {
                Action::StartTransfer { op, .. } => {
                    format!("{}{OF}{}", render_action(&action), self.label(*op))
                }
                _ => render_action(&action),
            };
            self.actions.push_back(text);
        }
    }

    /// Lets the next deadline pass; false if there is none
    pub fn timeout(&mut self) -> bool {
        let Some(at) = self.client.poll_timeout() else { return false };
        self.now = self.now.max(at);
        self.client.handle_timeout(self.now);
        self.drain();
        true
    }

    /// Reports an event of the driver; `data` names the connection by its number in the script
    ///
    /// # Panics
    ///
    /// If the report can't be parsed.
    pub fn report(&mut self, words: &[String]) {
        self.now += Duration::from_millis(1);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["timeout"] => {
                assert!(self.timeout(), "no deadline is set");
            }
            ["control", what] => {
                let event = match *what {
                    "secured" => ControlEvent::Secured,
                    "connected" => ControlEvent::Connected(self.client.family()),
                    "cleared" => ControlEvent::Cleared,
                    "closed" => ControlEvent::Closed,
                    other => panic!("control {other}?"),
                };
                self.client.handle_control(self.now, event);
            }
            ["data", id, rest @ ..] => {
                let number: usize = id.trim_start_matches('#').parse().expect("#number");
                let event = data_event(rest);
                // A connection that the client has not opened can't be reported.
                if let Some(id) = self.ids.get(number - 1) {
                    self.client.handle_data(self.now, *id, event);
                }
            }
            ["tickets", supply] => self.client.set_ticket_supply(match *supply {
                "unneeded" => TicketSupply::Unneeded,
                "ample" => TicketSupply::Ample,
                "scarce" => TicketSupply::Scarce,
                "wanted" => TicketSupply::Wanted,
                "exhausted" => TicketSupply::Exhausted,
                other => panic!("tickets {other}?"),
            }),
            other => panic!("report {other:?}?"),
        }
        self.drain();
    }

    /// Makes a request of the application
    ///
    /// # Panics
    ///
    /// If the request can't be parsed.
    pub fn request(&mut self, words: &[String]) {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let client = &mut self.client;
        let claim = match words.as_slice() {
            ["abort", name @ ..] => return self.abort(name.first().copied()),
            ["close"] => {
                client.close();
                return self.drain();
            }
            ["secure"] => Claim::Unit(client.secure()),
            ["secure-control"] => Claim::MaybeReply(client.secure_control()),
            ["get", path, options @ ..] => Claim::Transfer(client.get(get(path, options))),
            ["get-command", verb, argument] => {
                Claim::Transfer(client.get(Get::command(verb, argument)))
            }
            ["put-command", verb, argument, options @ ..] => {
                Claim::Transfer(client.put(put(Put::command(verb, argument), options)))
            }
            ["put", path, options @ ..] => {
                Claim::Transfer(client.put(put(Put::new(path), options)))
            }
            ["put-unique"] => Claim::Transfer(client.put(Put::unique())),
            ["list", path] => Claim::Transfer(client.list(List::new(path))),
            ["names", path] => Claim::Transfer(client.list(List::names(path))),
            ["read-dir", path] => Claim::Transfer(client.read_dir(path)),
            ["read-dir-long", path] => Claim::Transfer(client.read_dir(ReadDir::long(path))),
            ["read-dir-names", path] => Claim::Transfer(client.read_dir(ReadDir::names(path))),
            ["facts", path] => Claim::Transfer(client.list(List::facts(path))),
            ["remote-passive"] => Claim::Passive(client.remote_passive(TransferType::Image)),
            ["remote-active", address] => {
                let address = address.parse().expect("an address");
                Claim::Reply(client.remote_active(address, TransferType::Image))
            }
            ["remote-get", path] => Claim::Transfer(client.remote_get(path)),
            ["remote-put", path] => Claim::Transfer(client.remote_put(path)),
            ["quit"] => Claim::MaybeReply(client.quit()),
            words => listed(client, words).unwrap_or_else(|| panic!("do {words:?}?")),
        };
        self.requests += 1;
        self.claims.push((claim.id(), words[0].to_owned(), claim));
        self.drain();
    }

    /// Aborts the oldest request that has not completed, with this name if one is given
    fn abort(&mut self, name: Option<&str>) {
        let open = |(id, label, _): &&(OpId, String, Claim)| {
            !self.completions.contains(id) && name.is_none_or(|name| name == label)
        };
        // Aborting a completed request does nothing: see `abort-nothing.ftp`.
        let target = self.claims.iter().find(open).or_else(|| self.claims.last());
        if let Some((op, ..)) = target {
            self.client.abort(*op);
        }
        self.drain();
    }

    /// Checks the current value of a setting or a deadline
    fn is(&self, words: &[String]) -> Result<(), String> {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let (expected, actual) = match words.as_slice() {
            ["deadline", expected @ ..] => {
                let phase = self.client.timeout_reason().map(|phase| format!("{phase:?}"));
                ((*expected != ["none"]).then(|| expected.join(" ")), phase)
            }
            ["silent"] => (None, self.sent.front().cloned()),
            ["abort-reply", expected @ ..] => {
                let reply = self.client.abort_reply().map(ToString::to_string);
                ((*expected != ["none"]).then(|| expected.join(" ")), reply)
            }
            ["keep-alive", expected] => {
                let seconds =
                    self.client.config().keep_alive.map(|idle| idle.as_secs().to_string());
                ((*expected != "none").then(|| (*expected).to_owned()), seconds)
            }
            other => panic!("is {other:?}?"),
        };
        if expected == actual {
            return Ok(());
        }
        Err(format!("{} is {actual:?}, not {expected:?}", words[0]))
    }

    /// Returns the name of a request; `nobody` if there is none
    fn label(&self, op: Option<OpId>) -> &str {
        let claim = self.claims.iter().find(|(id, ..)| Some(*id) == op);
        claim.map_or("nobody", |(_, label, _)| label)
    }

    fn render_event(&mut self, event: Event) -> String {
        match event {
            Event::Greeting(reply) => format!("Greeting {reply}"),
            Event::TransferStarted { size_hint: Some(size), .. } => {
                format!("TransferStarted size={size}")
            }
            Event::TransferStarted { .. } => "TransferStarted".to_owned(),
            Event::Completed(done) => self.render_completion(done),
            Event::Trace(trace) => format!("Trace {trace}"),
            Event::Closed(error) => format!("Closed {error}"),
            other => format!("{other:?}"),
        }
    }

    fn render_completion(&mut self, mut done: Completion) -> String {
        let id = done.op();
        self.completions.push(id);
        let Some((_, label, claim)) = self.claims.iter().find(|(op, ..)| *op == id) else {
            return format!("Completed {id:?} of nobody");
        };
        match claim.take(&mut done) {
            Ok(value) if value.is_empty() => format!("Completed {label} ok"),
            Ok(value) => format!("Completed {label} ok {value}"),
            Err(error) => format!("Completed {label} error {error}"),
        }
    }
}

impl Claim {
    fn take(self, done: &mut Completion) -> Result<String, ftp_proto::Error> {
        const CLAIMED: &str = "the claim fits the request";
        match self {
            Self::Unit(op) => done.take(op).expect(CLAIMED).map(|()| String::new()),
            Self::Reply(op) => done.take(op).expect(CLAIMED).map(|reply| reply.to_string()),
            Self::MaybeReply(op) => done
                .take(op)
                .expect(CLAIMED)
                .map(|reply| reply.map_or_else(|| "silently".to_owned(), |r| r.to_string())),
            Self::Hash(op) => done.take(op).expect(CLAIMED).map(|hash| match hash {
                Some(hash) => format!("{} {hash}", hash.algorithm),
                None => "none".to_owned(),
            }),
            Self::Number(op) => done.take(op).expect(CLAIMED).map(|number| number.to_string()),
            Self::Time(op) => done.take(op).expect(CLAIMED).map(|time| time.to_string()),
            Self::Path(op) => {
                done.take(op).expect(CLAIMED).map(|path| path.escape_ascii().to_string())
            }
            Self::MaybePath(op) => done.take(op).expect(CLAIMED).map(|path| {
                path.map_or_else(|| "untold".to_owned(), |p| p.escape_ascii().to_string())
            }),
            Self::Features(op) => done.take(op).expect(CLAIMED).map(|features| {
                let names: Vec<String> = features
                    .iter()
                    .map(|(name, _)| String::from_utf8_lossy(name).into_owned())
                    .collect();
                names.join(",")
            }),
            Self::Transfer(op) => done.take(op).expect(CLAIMED).map(|transfer| {
                let name = transfer.name.map(|name| format!(" name={}", name.escape_ascii()));
                format!("bytes={}{}", transfer.bytes, name.unwrap_or_default())
            }),
            Self::Passive(op) => done.take(op).expect(CLAIMED).map(|address| {
                let host = address.host.map_or_else(|| "peer".to_owned(), |h| h.to_string());
                format!("{host}:{}", address.port)
            }),
        }
    }
}

fn get(path: &str, options: &[&str]) -> Get {
    let mut get = Get::new(path);
    let mut options = options.iter();
    while let Some(option) = options.next() {
        get = match *option {
            "ascii" => get.ascii(),
            "resume" => get.resume_at(number(options.next())),
            "expect" => get.expect_size(number(options.next())),
            other => panic!("get … {other}?"),
        };
    }
    get
}

fn put(mut put: Put, options: &[&str]) -> Put {
    let mut options = options.iter();
    while let Some(option) = options.next() {
        put = match *option {
            "ascii" => put.ascii(),
            "append" => put.append(),
            "resume" => put.resume_at(number(options.next())),
            other => panic!("put … {other}?"),
        };
    }
    put
}

fn number(word: Option<&&str>) -> u64 {
    word.expect("a number").parse().expect("a number")
}

fn data_event(words: &[&str]) -> DataEvent {
    let ip = |text: &str| -> IpAddr { text.parse().expect("an IP address") };
    match words {
        ["connected"] => DataEvent::Connected,
        ["listening", address] => {
            DataEvent::Listening(address.parse::<SocketAddr>().expect("an address"))
        }
        ["accepted", peer, "server", server] => {
            DataEvent::Accepted { peer: ip(peer), control_peer: ip(server) }
        }
        ["secured"] => DataEvent::Secured(TlsSession::Resumed),
        ["secured", "anew"] => DataEvent::Secured(TlsSession::New),
        ["progress", count] => DataEvent::Progress(count.parse().expect("a number")),
        ["paused"] => DataEvent::Paused,
        ["sent"] => DataEvent::Sent,
        ["finished"] => DataEvent::Finished,
        ["truncated"] => DataEvent::Truncated,
        ["failed", "open"] => DataEvent::Failed(DataFailure::Open),
        ["failed", "broken"] => DataEvent::Failed(DataFailure::Broken),
        ["failed", "tls"] => DataEvent::Failed(DataFailure::Tls),
        ["failed", "unexpected"] => DataEvent::Failed(DataFailure::UnexpectedData),
        other => panic!("data {other:?}?"),
    }
}

fn render_action(action: &Action) -> String {
    match action {
        Action::OpenData(id, DataEndpoint::Connect { host, port }) => match host {
            DataHost::ControlPeer => format!("OpenData {id:?} connect peer:{port}"),
            DataHost::Address(host) => format!("OpenData {id:?} connect {host}:{port}"),
        },
        Action::OpenData(id, DataEndpoint::Listen { family, ports }) => {
            let family = match family {
                IpFamily::V4 => "v4",
                IpFamily::V6 => "v6",
            };
            match ports {
                Some(ports) => {
                    format!("OpenData {id:?} listen {family} {}-{}", ports.start(), ports.end())
                }
                None => format!("OpenData {id:?} listen {family}"),
            }
        }
        Action::Discard(id) => format!("Discard {id:?}"),
        Action::StartTransfer { id, direction, encoding, .. } => format!(
            "StartTransfer {id:?} {direction:?} {encoding:?}"
        )
        .to_lowercase()
        .replacen("starttransfer", "StartTransfer", 1),
        Action::SecureData(id) => format!("SecureData {id:?}"),
        Action::CloseData(id) => format!("CloseData {id:?}"),
        Action::SecureControl => "SecureControl".to_owned(),
        Action::ClearControl => "ClearControl".to_owned(),
        Action::CloseControl => "CloseControl".to_owned(),
    }
}

/// Separates an action from the request to which the bytes belong
const OF: &str = " of ";

/// Whether an action matches a transcript's line, which need not name the request
fn is_as_written(action: &str, line: &str) -> bool {
    action == line || action.rsplit_once(OF).is_some_and(|(order, _)| order == line)
}

/// Runs one order of a transcript's steps
///
/// # Errors
///
/// The first difference from the transcript, with its step.
pub fn run_steps(script: &Script, steps: &[Step], split: Split) -> Result<Machine, String> {
    let mut machine = Machine::new(script.config.clone(), script.family, split);
    let mut index = 0;
    while index < steps.len() {
        let wrong = |what: String| Err(format!("{}: {split:?}: step {index}: {what}", script.name));
        match &steps[index] {
            Step::Do(words) => machine.request(words),
            Step::Server(_) => {
                // Consecutive lines may arrive in one segment.
                let mut bytes = Vec::new();
                while let Some(Step::Server(line)) = steps.get(index) {
                    bytes.extend_from_slice(line);
                    bytes.extend_from_slice(b"\r\n");
                    index += 1;
                }
                machine.server(&bytes);
                continue;
            }
            Step::Report(words) => machine.report(words),
            Step::Client(line) => match machine.sent.pop_front() {
                Some(sent) if sent == *line => {}
                other => return wrong(format!("expected C: {line}\n  got {other:?}\n{machine:?}")),
            },
            Step::Action(line) => match machine.actions.pop_front() {
                Some(action) if is_as_written(&action, line) => {}
                other => return wrong(format!("expected A: {line}\n  got {other:?}\n{machine:?}")),
            },
            Step::MaybeAction(line) => {
                if machine.actions.front().is_some_and(|action| is_as_written(action, line)) {
                    machine.actions.pop_front();
                }
            }
            Step::Event(line) => match machine.events.pop_front() {
                Some(event) if event == *line => {}
                other => return wrong(format!("expected E: {line}\n  got {other:?}\n{machine:?}")),
            },
            Step::Is(words) => {
                if let Err(what) = machine.is(words) {
                    return wrong(what);
                }
            }
            Step::End(how) => {
                let stands = if machine.client.is_dead() {
                    "dead"
                } else if machine.client.is_idle() {
                    "idle"
                } else {
                    "busy"
                };
                if stands != how {
                    return wrong(format!("expected the client {how}, it is {stands}"));
                }
                let reason = machine.client.timeout_reason();
                if stands == "idle" && reason.is_some_and(|reason| reason != Phase::KeepAlive) {
                    return wrong(format!("an idle client waits for {reason:?}"));
                }
            }
        }
        index += 1;
    }
    for (what, queue) in [("C:", &machine.sent), ("A:", &machine.actions), ("E:", &machine.events)]
    {
        if !queue.is_empty() {
            return Err(format!("{}: {split:?}: left over {what} {queue:?}", script.name));
        }
    }
    Ok(machine)
}

/// Runs every order of a transcript: whole, byte by byte and split at random; returns the number of runs
///
/// # Panics
///
/// At the first difference from the transcript.
pub fn run_script(script: &Script, random: u64) -> usize {
    let mut runs = 0;
    for steps in script.orders() {
        let splits = [Split::Whole, Split::Bytes]
            .into_iter()
            .chain((1..=random).map(|seed| Split::Random(seed * 0x9E37_79B9)));
        for split in splits {
            if let Err(message) = run_steps(script, &steps, split) {
                panic!("{message}\nsteps: {steps:#?}");
            }
            runs += 1;
        }
    }
    runs
}
