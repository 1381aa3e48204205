//! Every fault at every place: `cargo run --release -p ftp-tests --bin faults`
//!
//! `--seeds N` plays each case with N different timings (6 if absent). `--habit NAME` plays the servers
//! with this habit alone, `--set places|words|habits` this part alone. `--models` prints cases and
//! failures of each model, `--traces` what happened in the first case of each kind of failure.
//! `--broken lies|classes|shifts|believes|ragged|hangs|panics` plays a client that is broken on purpose,
//! which must be found out.

use std::process::ExitCode;

use ftp_tests::sim::{Broken, Failure, Habit, Profile, Run, Session, Set, Task, Way};

struct Options {
    seeds: u64,
    broken: Broken,
    sets: Vec<Set>,
    habits: Vec<Habit>,
    models: bool,
    traces: bool,
}

fn main() -> ExitCode {
    let Some(options) = options() else {
        eprintln!(
            "usage: faults [--seeds N] [--set places|words|habits] [--habit NAME] [--models] \
             [--traces] [--broken lies|classes|shifts|believes|ragged|hangs|panics]"
        );
        return ExitCode::from(2);
    };
    if options.broken == Broken::Panics {
        std::panic::set_hook(Box::new(|_| {}));
    }
    let tally = Run {
        seeds: options.seeds,
        sets: &options.sets,
        habits: &options.habits,
        tasks: &Task::ALL,
        profiles: &Profile::ALL,
        ways: &Way::ALL,
        broken: options.broken,
    }
    .play();
    let most = if options.models { usize::MAX } else { 50 };
    for ((model, _), Failure { count, case, what }) in tally.failures.iter().take(most) {
        println!("{model} {count} {case:?}: {what}");
        if options.traces {
            println!("{}", Session::traced(*case, options.broken).trace);
        }
    }
    if options.models {
        for (model, (cases, failed)) in &tally.models {
            println!("{model}: cases {cases} failed {failed}");
        }
    }
    let (cases, hangs, lies, panics) = (tally.cases, tally.hangs, tally.lies, tally.panics);
    println!("cases {cases} hangs {hangs} lies {lies} panics {panics}");
    if tally.is_sound() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn options() -> Option<Options> {
    let mut options = Options {
        seeds: 6,
        broken: Broken::No,
        sets: Set::ALL.to_vec(),
        habits: Habit::all(),
        models: false,
        traces: false,
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
        match (&*argument, &*arguments.next()?) {
            ("--seeds", number) => options.seeds = number.parse().ok()?,
            ("--habit", name) => {
                options.habits.retain(|habit| habit.name() == name);
                options.sets = vec![Set::Habits];
            }
            ("--set", "places") => options.sets = vec![Set::Places],
            ("--set", "words") => options.sets = vec![Set::Words],
            ("--set", "habits") => options.sets = vec![Set::Habits],
            ("--broken", "lies") => options.broken = Broken::Lies,
            ("--broken", "classes") => options.broken = Broken::Classes,
            ("--broken", "shifts") => options.broken = Broken::Shifts,
            ("--broken", "believes") => options.broken = Broken::Believes,
            ("--broken", "ragged") => options.broken = Broken::Ragged,
            ("--broken", "hangs") => options.broken = Broken::Hangs,
            ("--broken", "panics") => options.broken = Broken::Panics,
            _ => return None,
        }
    }
    Some(options)
}
