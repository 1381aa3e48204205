//! Every request of every transcript, aborted at every step: once the server has answered what it was sent, the session
//! is usable, and no deadline has to pass but the short one of settling

use std::time::Duration;

use ftp_proto::{Phase, TlsPolicy};
use ftp_tests::script::{Script, Step, play};

/// Longest silence that settling may need; the transcripts' configuration has 2 s
const QUIET: Duration = Duration::from_secs(2);

/// How many steps of settling may end by silence
const MOST: usize = 3;

/// Connections that are made and end, at most, until the session is usable
const CONNECTIONS: usize = 4;

#[test]
fn every_abort_at_every_step() {
    let (mut cases, mut silent) = (0, 0);
    let mut wrong = Vec::new();
    for script in Script::all().iter().filter(|script| is_proper(script)) {
        for steps in script.orders() {
            for length in 0..=steps.len() {
                match check(script, &steps, length) {
                    None => {}
                    Some(Ok(silences)) => {
                        cases += 1;
                        silent += usize::from(silences > 0);
                    }
                    Some(Err(what)) => wrong.push(what),
                }
            }
        }
    }
    println!("{cases} cases, {silent} of them with a silence, {} wrong", wrong.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(cases > 5000, "only {cases} cases");
}

/// Whether the server of the transcript answers everything, so that it can be expected to go on like that
fn is_proper(script: &Script) -> bool {
    script.config.tls == TlsPolicy::Plaintext
        && script.orders().iter().flatten().all(|step| match step {
            Step::Report(words) => words[0] != "timeout" && words[0] != "control",
            Step::Event(line) => !line.starts_with("Closed"),
            _ => true,
        })
}

/// Returns how often the session needed a silence; `None` if there is no request to abort
fn check(script: &Script, steps: &[Step], length: usize) -> Option<Result<usize, String>> {
    let mut machine = play(script, script.config.clone(), &steps[..length]);
    if machine.client.is_dead() || machine.completions.len() == machine.requests {
        return None;
    }
    let before = machine.sent.len();
    while machine.completions.len() < machine.requests && !machine.client.is_dead() {
        let open = machine.completions.len();
        machine.request(&["abort".to_owned()]);
        if machine.completions.len() == open {
            break;
        }
    }
    let place = format!("{} after {length} steps", script.name);
    let written = steps[..length].iter().filter(|step| matches!(step, Step::Client(_))).count();
    let mut ahead = before.saturating_sub(written);
    for step in &steps[length..] {
        match step {
            Step::Client(_) if ahead == 0 => break,
            Step::Client(_) => ahead -= 1,
            Step::Server(line) => machine.server(&[line.as_slice(), b"\r\n"].concat()),
            _ => {}
        }
    }
    let (mut silences, mut connections) = (0, 0);
    let mut answered = before;
    loop {
        while let Some(line) = machine.sent.get(answered) {
            let reply = answer(line);
            answered += 1;
            machine.server(reply);
        }
        if machine.client.is_dead() || machine.client.is_idle() {
            break;
        }
        // The driver makes the connection, and a listing is read to its end.
        let reports = match machine.client.timeout_reason() {
            Some(Phase::DataConnect | Phase::DataAccept | Phase::Transfer) => {
                ["connected", "finished"].as_slice()
            }
            Some(Phase::Settle) => &[],
            other => return Some(Err(format!("{place}: waits for {other:?}"))),
        };
        let now = machine.now;
        if !reports.is_empty() && connections < CONNECTIONS {
            let opened = machine.actions.iter().filter(|action| action.starts_with("OpenData"));
            let number = format!("#{}", opened.count());
            for report in reports {
                machine.report(&["data", &number, report].map(str::to_owned));
            }
            connections += 1;
        } else if silences == MOST || !machine.timeout() || machine.now > now + QUIET {
            return Some(Err(format!("{place}: {:?}", machine.client)));
        } else {
            silences += 1;
        }
    }
    if machine.client.is_dead() {
        return Some(Err(format!("{place}: {:?}", machine.events.back())));
    }
    machine.request(&["noop".to_owned()]);
    machine.server(b"200 usable\r\n");
    Some(match machine.events.back() {
        Some(event) if event == "Completed noop ok 200 usable" => Ok(silences),
        other => Err(format!("{place}: {other:?}")),
    })
}

/// The reply of a server to a command that is sent after the abort
fn answer(line: &str) -> &'static [u8] {
    match line.split(' ').next().unwrap_or_default() {
        "ABOR" => b"226 aborted\r\n",
        "REST" => b"350 at 0\r\n",
        "PWD" => b"257 \"/\"\r\n",
        "CWD" => b"250 there\r\n",
        "RNTO" => b"501 a name is missing\r\n",
        "PASS" => b"230 welcome\r\n",
        _ => b"200 ok\r\n",
    }
}
