//! Every order in which the events of the two connections can reach the client
//!
//! Each channel keeps its own order, and an event happens only when it can: a reply after its command, an event of a
//! data connection after the order to open it. The test runs every order that these rules permit. Each must have the
//! same result, and leave a session on which another transfer works.

use ftp_proto::{Config, DataMode, IpFamily, TlsPolicy};
use ftp_tests::script::{Machine, Split};

/// An event that happens once its condition is met
#[derive(Clone, Copy, Debug)]
struct Step {
    /// A command (`C: …`) or action (`A: …`) that the client must have emitted; empty if there is no condition
    after: &'static str,
    /// A reply (`S: …`), a report of the driver (`> …`) or a request (`do …`)
    what: &'static str,
}

const fn step(after: &'static str, what: &'static str) -> Step {
    Step { after, what }
}

/// The events, one list per channel
#[derive(Clone, Debug)]
struct Scenario {
    name: &'static str,
    mode: DataMode,
    request: &'static str,
    channels: Vec<Vec<Step>>,
    /// The allowed results: beginnings of the request's completion
    ends: &'static [&'static str],
}

const CONNECTED: Step = step("A: OpenData #1", "> data #1 connected");
const LISTENING: Step = step("A: OpenData #1", "> data #1 listening 127.0.0.1:4000");
const ACCEPTED: Step = step("C: PORT", "> data #1 accepted 127.0.0.1 server 127.0.0.1");
const TYPE: Step = step("C: TYPE", "S: 200 type");
const EPSV: Step = step("C: EPSV", "S: 229 go (|||5000|)");
const PORT: Step = step("C: PORT", "S: 200 port");
const SENT: Step = step("A: StartTransfer", "> data #1 progress 5");
const FINISHED: Step = step("A: StartTransfer", "> data #1 finished");

fn scenarios() -> Vec<Scenario> {
    let passive = |command: &'static str, replies: &[&'static str]| {
        let mut control = vec![TYPE, EPSV];
        control.extend(replies.iter().map(|reply| step(command, reply)));
        control
    };
    let active = |command: &'static str, replies: &[&'static str]| {
        let mut control = vec![TYPE, PORT];
        control.extend(replies.iter().map(|reply| step(command, reply)));
        control
    };
    let done = &["S: 150 here", "S: 226 done"];
    // A download's bytes may be reported as soon as the connection is open.
    let came = |after| [step(after, "> data #1 progress 2"), step(after, "> data #1 progress 3")];
    let [first, second] = came("A: OpenData #1");
    let mut all = Vec::new();
    for (name, request, command) in [
        ("download", "get f", "C: RETR f"),
        ("listing", "list d", "C: LIST d"),
        ("names", "names d", "C: NLST d"),
        ("facts", "facts d", "C: MLSD d"),
    ] {
        all.push(Scenario {
            name,
            mode: DataMode::Passive,
            request,
            channels: vec![passive(command, done), vec![CONNECTED, first, second, FINISHED]],
            ends: &["ok bytes=5"],
        });
        all.push(Scenario {
            name,
            mode: DataMode::Active,
            request,
            channels: vec![
                active(command, done),
                vec![LISTENING, ACCEPTED, first, second, FINISHED],
            ],
            ends: &["ok bytes=5"],
        });
    }
    for (name, request, command) in [
        ("upload", "put f", "C: STOR f"),
        ("appending", "put f append", "C: APPE f"),
        ("unique", "put-unique", "C: STOU"),
    ] {
        all.push(Scenario {
            name,
            mode: DataMode::Passive,
            request,
            channels: vec![passive(command, done), vec![CONNECTED, SENT, FINISHED]],
            ends: &["ok bytes=5"],
        });
        all.push(Scenario {
            name,
            mode: DataMode::Active,
            request,
            channels: vec![active(command, done), vec![LISTENING, ACCEPTED, SENT, FINISHED]],
            ends: &["ok bytes=5"],
        });
    }
    for (name, replies) in [
        ("refused", &["S: 550 no"][..]),
        ("refused for now", &["S: 450 busy"]),
        ("no data connection", &["S: 150 here", "S: 425 no connection"]),
        ("broken by the server", &["S: 150 here", "S: 426 broken"]),
        ("not stored", &["S: 150 here", "S: 552 disk full"]),
    ] {
        for (request, command) in [("get f", "C: RETR f"), ("put f", "C: STOR f")] {
            for end in ["> data #1 finished", "> data #1 failed broken"] {
                all.push(Scenario {
                    name,
                    mode: DataMode::Passive,
                    request,
                    channels: vec![
                        passive(command, replies),
                        vec![CONNECTED, step("A: OpenData #1", end)],
                    ],
                    ends: &["error"],
                });
            }
        }
    }
    // The possible answers to ABOR, and to the sentinel that settles it.
    for (name, answers) in [
        ("aborted", &["S: 426 aborted", "S: 226 abort done"][..]),
        ("aborted, both fine", &["S: 226 done", "S: 226 abort done"]),
        ("aborted, 225", &["S: 226 done", "S: 225 nothing to abort"]),
        ("aborted, one answer", &["S: 426 aborted"]),
    ] {
        for (request, command) in [("get f", "C: RETR f"), ("put f", "C: STOR f")] {
            let mut control = passive(command, &["S: 150 here"]);
            control.extend(answers.iter().map(|answer| step("C: ABOR", answer)));
            control.push(step("C: REST 0", "S: 350 at 0"));
            all.push(Scenario {
                name,
                mode: DataMode::Passive,
                request,
                channels: vec![
                    control,
                    vec![CONNECTED, SENT], // At any time, also before the command is out.
                    vec![step("", "do abort")],
                ],
                ends: &["error the request was aborted by the caller"],
            });
        }
    }
    all
}

/// How commands are sent
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    /// Each after the answer to the one before
    OneByOne,
    /// In batches
    Batches,
    /// In batches, after a successful transfer: the command does not wait for the connection
    Proven,
}

/// One merge: `path` says which channel continues at each step; after its end, the first that can
struct Run {
    machine: Machine,
    next: Vec<usize>,
    /// Number of the data connection that `#1` stands for
    connection: u32,
    /// All output, for the conditions
    out: Vec<String>,
    order: Vec<&'static str>,
}

impl Run {
    fn new(scenario: &Scenario, flow: Flow) -> Self {
        let mut config = Config::new(TlsPolicy::Plaintext);
        config.data_mode = scenario.mode;
        config.pipeline = flow != Flow::OneByOne;
        let mut run = Self {
            machine: Machine::new(config, IpFamily::V4, Split::Whole),
            next: vec![0; scenario.channels.len()],
            connection: 1,
            out: Vec::new(),
            order: Vec::new(),
        };
        run.act("S: 220 ready");
        run.act("do login u p");
        run.act("S: 331 password");
        run.act("S: 230 welcome");
        if flow == Flow::Proven {
            run.transfer(scenario.request);
        }
        run.out.clear();
        run.machine.events.clear();
        run.act(&format!("do {}", scenario.request));
        run
    }

    /// Plays a transfer that succeeds
    fn transfer(&mut self, request: &str) {
        self.out.clear();
        self.act(&format!("do {request}"));
        let mut seen = 0;
        while let Some(line) = self.out.get(seen).cloned() {
            seen += 1;
            match line.split(' ').nth(1).expect("two words") {
                "TYPE" | "PORT" => self.act("S: 200 fine"),
                "EPSV" => self.act("S: 229 go (|||4999|)"),
                "OpenData" => match line.contains("listen") {
                    true => self.act("> data #1 listening 127.0.0.1:3999"),
                    false => self.act("> data #1 connected"),
                },
                "StartTransfer" => self.act("> data #1 finished"),
                "CloseData" => self.act("S: 226 done"),
                _ => {
                    self.act("S: 150 here");
                    self.act("> data #1 accepted 127.0.0.1 server 127.0.0.1");
                }
            }
        }
        assert!(self.machine.client.is_idle(), "{:?}", self.machine);
        self.connection = 2;
    }

    fn act(&mut self, what: &str) {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        match what.split_once(' ') {
            Some(("S:", line)) => self.machine.server(format!("{line}\r\n").as_bytes()),
            Some((">", report)) => {
                let report = report.replace("#1", &format!("#{}", self.connection));
                self.machine.report(&words(&report));
            }
            Some(("do", request)) => self.machine.request(&words(request)),
            _ => panic!("{what}?"),
        }
        let sent = self.machine.sent.drain(..).map(|line| format!("C: {line}"));
        self.out.extend(sent);
        let number = format!("#{}", self.connection);
        let actions = self.machine.actions.drain(..);
        self.out.extend(actions.map(|action| format!("A: {}", action.replace(&number, "#1"))));
    }

    /// Returns the channels that can continue
    fn ready(&self, scenario: &Scenario) -> Vec<usize> {
        let closed = self.out.iter().any(|line| line.starts_with("A: CloseData"));
        (0..scenario.channels.len())
            .filter(|&channel| {
                let Some(step) = scenario.channels[channel].get(self.next[channel]) else {
                    return false;
                };
                // There are no events of a closed connection.
                let gone = closed && step.what.starts_with("> data");
                !gone
                    && (step.after.is_empty()
                        || self.out.iter().any(|line| line.starts_with(step.after)))
            })
            .collect()
    }

    fn go_on(&mut self, scenario: &Scenario, channel: usize) {
        let what = scenario.channels[channel][self.next[channel]].what;
        self.next[channel] += 1;
        self.order.push(what);
        self.act(what);
    }
}

/// Runs every merge; returns their number
fn enumerate(scenario: &Scenario, flow: Flow) -> usize {
    // The choice at each step, and the number of choices: an odometer.
    let mut path: Vec<(usize, usize)> = Vec::new();
    let mut runs = 0;
    loop {
        let mut run = Run::new(scenario, flow);
        let mut depth = 0;
        loop {
            let ready = run.ready(scenario);
            if ready.is_empty() {
                break;
            }
            if depth == path.len() {
                path.push((0, ready.len()));
            }
            assert_eq!(path[depth].1, ready.len(), "the same path, the same choices");
            run.go_on(scenario, ready[path[depth].0]);
            depth += 1;
        }
        check(scenario, flow, run);
        runs += 1;
        while path.last().is_some_and(|(choice, choices)| choice + 1 == *choices) {
            path.pop();
        }
        match path.last_mut() {
            Some((choice, _)) => *choice += 1,
            None => return runs,
        }
    }
}

fn check(scenario: &Scenario, flow: Flow, mut run: Run) {
    let place = format!("{} ({}), {flow:?}: {:#?}", scenario.name, scenario.request, run.order);
    // A transfer that broke on the client's side is settled after it.
    for settles in [step("C: ABOR", "S: 225 nothing to abort"), step("C: REST 0", "S: 350 at 0")] {
        let answered = scenario.channels[0].iter().any(|step| step.after == settles.after);
        if !answered && run.out.iter().any(|line| line.starts_with(settles.after)) {
            run.act(settles.what);
        }
    }
    let events: Vec<String> = run.machine.events.drain(..).collect();
    let ends: Vec<&String> = events.iter().filter(|event| event.starts_with("Completed")).collect();
    let [end] = ends[..] else { panic!("{place}\n{events:?}") };
    assert!(scenario.ends.iter().any(|expected| end.contains(expected)), "{place}\n{end}");
    assert!(run.machine.client.is_idle(), "{place}\n{:?}", run.machine);
    assert_eq!(run.machine.client.poll_timeout(), None, "{place}");
    // The session continues.
    run.machine.sent.clear();
    run.machine.request(&["noop".to_owned()]);
    assert_eq!(run.machine.sent.pop_front().as_deref(), Some("NOOP"), "{place}");
    run.machine.server(b"200 yes\r\n");
    assert_eq!(
        run.machine.events.pop_front().as_deref(),
        Some("Completed noop ok 200 yes"),
        "{place}"
    );
}

#[test]
fn every_order_has_the_same_result() {
    let mut total = 0;
    for mut scenario in scenarios() {
        for flow in [Flow::OneByOne, Flow::Batches, Flow::Proven] {
            if flow == Flow::Proven {
                // By then the type is known.
                scenario.channels[0].retain(|step| step.after != TYPE.after);
            }
            let runs = enumerate(&scenario, flow);
            let Scenario { name, mode, request, .. } = &scenario;
            println!("{runs:6} orders: {name}, {mode:?}, {request}, {flow:?}");
            assert!(runs > 1, "{scenario:?} has one order only");
            total += runs;
        }
    }
    println!("{total:6} orders");
}
