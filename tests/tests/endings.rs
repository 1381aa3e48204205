//! Every transcript, interrupted at every step in every way: nothing hangs, and no request is lost
//!
//! At each step of each transcript the server stops responding, closes, sends 421, or sends garbage. Wherever that
//! happens: every request completes exactly once, the number of deadlines until the end is limited, every data
//! connection opened is closed once, `Closed` is emitted once, and a dead client waits for nothing.

use ftp_tests::script::{Machine, Script, Step, play};

#[derive(Clone, Copy, Debug)]
enum Ending {
    /// No further byte: only deadlines can end the session
    Silence,
    /// EOF on the control connection
    Closed,
    /// 421, whatever was going on
    ServiceClosing,
    /// Bytes that are not a reply
    Garbage,
    /// A line without an end
    EndlessLine,
    /// A reply without an end
    EndlessReply,
    /// The data connection breaks, then silence
    DataBroken,
    /// Every command is refused, for ever
    Refusals,
}

const ENDINGS: [Ending; 8] = [
    Ending::Silence,
    Ending::Closed,
    Ending::ServiceClosing,
    Ending::Garbage,
    Ending::EndlessLine,
    Ending::EndlessReply,
    Ending::DataBroken,
    Ending::Refusals,
];

fn end(machine: &mut Machine, ending: Ending) {
    match ending {
        Ending::Silence => {}
        Ending::Closed => machine.report(&["control".into(), "closed".into()]),
        Ending::ServiceClosing => machine.server(b"421 closing\r\n"),
        Ending::Garbage => machine.server(b"\x01\x02 this is no reply\r\n"),
        Ending::EndlessLine => machine.server(&[b'2'; 2000]),
        Ending::EndlessReply => {
            machine.server(b"220-\r\n");
            machine.server(&b"more\r\n".repeat(1000));
        }
        Ending::DataBroken => {
            for number in 1..=3 {
                machine.report(&[
                    "data".into(),
                    format!("#{number}"),
                    "failed".into(),
                    "broken".into(),
                ]);
            }
        }
        Ending::Refusals => {
            for _ in 0..20 {
                machine.server(b"500 no\r\n");
            }
        }
    }
}

#[test]
fn every_ending_at_every_step() {
    let mut cases = 0;
    for script in Script::all() {
        for steps in script.orders() {
            for length in 0..=steps.len() {
                for ending in ENDINGS {
                    check(&script, &steps[..length], ending);
                    cases += 1;
                }
            }
        }
    }
    println!("{cases} cases");
    assert!(cases > 10_000, "only {cases} cases");
}

fn check(script: &Script, steps: &[Step], ending: Ending) {
    let place = format!("{} after {} steps, {ending:?}", script.name, steps.len());
    // Small limits are exceeded by small inputs.
    let mut config = script.config.clone();
    (config.reply.line, config.reply.reply) = (1024, 4096);
    let mut machine = play(script, config, steps);
    end(&mut machine, ending);
    // A keep-alive repeats for ever: two rounds of it are enough.
    let bound = if script.config.keep_alive.is_some() { 6 } else { 40 };
    let mut deadlines = 0;
    while deadlines < bound && machine.timeout() {
        deadlines += 1;
    }
    if script.config.keep_alive.is_none() {
        assert!(deadlines < bound, "{place}: deadlines without an end: {machine:?}");
        let waits = machine.client.poll_timeout();
        assert_eq!(waits, None, "{place}: still waits");
        let dead = machine.client.is_dead();
        assert!(dead || machine.client.is_idle(), "{place}: neither idle nor dead: {machine:?}");
        assert_eq!(
            machine.completions.len(),
            machine.requests,
            "{place}: requests and completions differ: {machine:?}"
        );
    }
    let mut ids = machine.completions.clone();
    ids.sort_by_key(|id| format!("{id:?}"));
    ids.dedup();
    assert_eq!(ids.len(), machine.completions.len(), "{place}: completed twice");
    let count =
        |name: &str| machine.actions.iter().filter(|action| action.starts_with(name)).count();
    assert_eq!(count("OpenData"), count("CloseData"), "{place}: {:?}", machine.actions);
    let closed = machine.events.iter().filter(|event| event.starts_with("Closed")).count();
    assert_eq!(closed, usize::from(machine.client.is_dead()), "{place}: Closed {closed} times");
}
