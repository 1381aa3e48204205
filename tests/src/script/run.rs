//! Runs a transcript on a client, with a virtual clock and without sockets

use std::collections::VecDeque;
use std::time::Duration;

use ftp_proto::{
    Action, Client, Completion, Config, ControlEvent, DataId, Event, Get, IpFamily, List, OpId,
    Phase, Put, ReadDir, TicketSupply, Time, TransferType,
};

use super::claim::{Claim, get, listed, put};
use super::words::{OF, data_event, is_as_written, render_action};
use super::{Script, Step};
use crate::seed::Seed;

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
            ["read-dir-all", path] => Claim::Transfer(client.read_dir(ReadDir::all(path))),
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
            ["delete-latin-1", path] => Claim::Reply(client.delete(latin_1(path))),
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

/// Plays these steps of a transcript without checking the output
pub fn play(script: &Script, config: Config, steps: &[Step]) -> Machine {
    let mut machine = Machine::new(config, script.family, Split::Whole);
    for step in steps {
        match step {
            Step::Do(words) => machine.request(words),
            Step::Server(line) => machine.server(&[line.as_slice(), b"\r\n"].concat()),
            Step::Report(words) if words[0] == "timeout" => {
                machine.timeout();
            }
            Step::Report(words) => machine.report(words),
            _ => {}
        }
    }
    machine
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

/// Encodes a path, which a transcript has in UTF-8
fn latin_1(path: &str) -> Vec<u8> {
    path.chars().map(|letter| u8::try_from(letter).expect("a letter of Latin-1")).collect()
}
