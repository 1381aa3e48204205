//! Plays every fault at every place: `cargo run --release -p ftp-simulator`
//!
//! `--over core` plays the machine (the default), `--over engine` plays sessions of `ftp-session` on a simulated
//! network whose TLS has no cryptography, and `--over rustls` plays the same sessions with real TLS.
//!
//! `--seeds N` plays each case with N different timings (default 6, for sessions 1). `--habit NAME` plays only the
//! servers with this habit, `--set places|words|habits|wires|procedures` only this part, `--set sessions` places, wires
//! and procedures; `--task NAME`, `--way NAME` and `--server NAME` restrict the run in the same way; a name that
//! nothing has is an error. `--prefetch always` queues the next download with each task, so that its port is requested
//! meanwhile (`ftp_proto::Prefetch`), whatever the server does then. `--models` prints the number of cases and failures
//! of each model, `--traces` prints the trace of the first case of each kind of failure, and `--digest` a checksum of
//! all bytes that have crossed the simulated networks and of all results: the same for each run with the same options,
//! over real TLS too. `--broken successes|classes|shifts|believes|ragged|hangs|panics` plays a client that is broken on
//! purpose, which the run must detect.
//!
//! `--set budget` plays tasks that share the sessions to a server which limits their number, with `--over rustls` those
//! with TLS over real TLS. `--one-in N` plays one of N such runs.

use std::process::ExitCode;

use ftp_proto::Prefetch;
use ftp_simulator::{
    Broken, BudgetFailure, BudgetRun, BudgetTally, Failure, Habit, Over, Profile, Run, Set, Task,
    Tls, Way,
};

struct Options {
    over: Over,
    seeds: Option<u64>,
    tasks: Vec<Task>,
    ways: Vec<Way>,
    profiles: Vec<Profile>,
    prefetch: Prefetch,
    broken: Broken,
    sets: Vec<Set>,
    habits: Vec<Habit>,
    models: bool,
    traces: bool,
    digest: bool,
    /// Whether tasks that share sessions are played instead of single sessions
    budget: bool,
    one_in: usize,
}

fn main() -> ExitCode {
    let Some(options) = options() else {
        eprintln!(
            "usage: faults [--over core|engine|rustls] [--seeds N] \
             [--set places|words|habits|wires|procedures|sessions|budget] [--one-in N] \
             [--habit NAME] [--task NAME] \
             [--way NAME] [--server NAME] [--prefetch always] [--models] [--traces] [--digest] \
             [--broken successes|classes|shifts|believes|ragged|hangs|panics]"
        );
        return ExitCode::from(2);
    };
    if options.budget {
        return budget(&options);
    }
    if options.broken == Broken::Panics {
        std::panic::set_hook(Box::new(|_| {}));
    }
    let tally = Run {
        over: options.over,
        seeds: options.seeds.unwrap_or(if options.over == Over::Core { 6 } else { 1 }),
        sets: &options.sets,
        habits: &options.habits,
        tasks: &options.tasks,
        profiles: &options.profiles,
        ways: &options.ways,
        prefetch: options.prefetch,
        broken: options.broken,
    }
    .play();
    let most = if options.models { usize::MAX } else { 50 };
    for ((model, _), Failure { count, case, what }) in tally.failures.iter().take(most) {
        println!("{model} {count} {case:?}: {what}");
        if options.traces {
            println!("{}", options.over.play(*case, options.broken, true).end.trace);
        }
    }
    if options.models {
        for (model, (cases, failed)) in &tally.models {
            println!("{model}: cases {cases} failed {failed}");
        }
    }
    if options.digest {
        println!("digest {:016x}", tally.digest);
    }
    let (cases, hangs, false_reports, panics) =
        (tally.cases, tally.hangs, tally.false_reports, tally.panics);
    println!("cases {cases} hangs {hangs} false {false_reports} panics {panics}");
    if cases > 0 && tally.is_sound() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Plays tasks that share the sessions to a server
fn budget(options: &Options) -> ExitCode {
    let tls = match options.over {
        Over::Core => Tls::Modelled,
        Over::Engine(tls) => tls,
    };
    let seeds = options.seeds.unwrap_or(1);
    let tally = BudgetRun { tls, seeds, one_in: options.one_in }.play();
    for BudgetFailure { count, case, what } in tally.failures.values().take(50) {
        println!("{count} {case:?}: {what}");
        if options.traces {
            println!("{}", case.trace(tls));
        }
    }
    if options.digest {
        println!("digest {:016x}", tally.digest);
    }
    let BudgetTally { cases, hangs, wrong, panics, .. } = tally;
    println!("cases {cases} hangs {hangs} false {wrong} panics {panics}");
    if cases > 0 && tally.is_sound() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn options() -> Option<Options> {
    let mut options = Options {
        over: Over::Core,
        seeds: None,
        tasks: [Task::ALL.as_slice(), &Task::PROCEDURES].concat(),
        ways: Way::ALL.to_vec(),
        profiles: Profile::ALL.to_vec(),
        // The default of sessions. The modelled servers don't name themselves, so they are not sent EPSV in advance.
        prefetch: Prefetch::Known,
        broken: Broken::No,
        sets: Set::ALL.to_vec(),
        habits: Habit::all(),
        models: false,
        traces: false,
        digest: false,
        budget: false,
        one_in: 1,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--models" {
            options.models = true;
            continue;
        }
        if argument == "--traces" {
            options.traces = true;
            continue;
        }
        if argument == "--digest" {
            options.digest = true;
            continue;
        }
        match (&*argument, &*arguments.next()?) {
            ("--over", "core") => options.over = Over::Core,
            ("--over", "engine") => options.over = Over::Engine(Tls::Modelled),
            ("--over", "rustls") => options.over = Over::Engine(Tls::Rustls),
            ("--task", name) => options.tasks.retain(|task| format!("{task:?}") == name),
            ("--way", name) => options.ways.retain(|way| format!("{way:?}") == name),
            ("--server", name) => options.profiles.retain(|kind| format!("{kind:?}") == name),
            ("--seeds", number) => options.seeds = Some(number.parse().ok()?),
            ("--habit", name) => {
                options.habits.retain(|habit| habit.name() == name);
                options.sets = vec![Set::Habits];
            }
            ("--prefetch", "always") => options.prefetch = Prefetch::Always,
            ("--set", "places") => options.sets = vec![Set::Places],
            ("--set", "words") => options.sets = vec![Set::Words],
            ("--set", "wires") => options.sets = vec![Set::Wires],
            ("--set", "sessions") => options.sets = vec![Set::Places, Set::Wires, Set::Procedures],
            ("--set", "procedures") => options.sets = vec![Set::Procedures],
            ("--set", "budget") => options.budget = true,
            ("--one-in", number) => options.one_in = number.parse().ok()?,
            ("--set", "habits") => options.sets = vec![Set::Habits],
            ("--broken", "successes") => options.broken = Broken::Successes,
            ("--broken", "classes") => options.broken = Broken::Classes,
            ("--broken", "shifts") => options.broken = Broken::Shifts,
            ("--broken", "believes") => options.broken = Broken::Believes,
            ("--broken", "ragged") => options.broken = Broken::Ragged,
            ("--broken", "hangs") => options.broken = Broken::Hangs,
            ("--broken", "panics") => options.broken = Broken::Panics,
            _ => return None,
        }
    }
    let chosen = [
        options.tasks.is_empty(),
        options.ways.is_empty(),
        options.profiles.is_empty(),
        options.habits.is_empty(),
    ];
    // A name that nothing has would otherwise play no case, and succeed.
    chosen.iter().all(|is_empty| !is_empty).then_some(options)
}
