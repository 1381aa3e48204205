//! Every fault at every place: `cargo run --release -p ftp-tests --bin faults`
//!
//! `--seeds N` plays each case with N different timings (6 if absent). `--broken lies|hangs|panics`
//! plays a client that is broken on purpose, which must be found out.

use std::process::ExitCode;

use ftp_tests::sim::{Broken, Profile, Task, Way, run_all};

fn main() -> ExitCode {
    let Some((seeds, broken)) = arguments() else {
        eprintln!("usage: faults [--seeds N] [--broken lies|hangs|panics]");
        return ExitCode::from(2);
    };
    if broken == Broken::Panics {
        std::panic::set_hook(Box::new(|_| {}));
    }
    let tally = run_all(seeds, &Task::ALL, &Profile::ALL, &Way::ALL, broken);
    for failure in &tally.failures {
        println!("{failure}");
    }
    let (cases, hangs, lies, panics) = (tally.cases, tally.hangs, tally.lies, tally.panics);
    println!("cases {cases} hangs {hangs} lies {lies} panics {panics}");
    if tally.is_sound() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn arguments() -> Option<(u64, Broken)> {
    let (mut seeds, mut broken) = (6, Broken::No);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match (&*argument, &*arguments.next()?) {
            ("--seeds", number) => seeds = number.parse().ok()?,
            ("--broken", "lies") => broken = Broken::Lies,
            ("--broken", "hangs") => broken = Broken::Hangs,
            ("--broken", "panics") => broken = Broken::Panics,
            _ => return None,
        }
    }
    Some((seeds, broken))
}
