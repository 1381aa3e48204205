//! Every fault at every place: `cargo run --release -p ftp-tests --bin faults`
//!
//! `--broken lies|hangs|panics` plays a client that is broken on purpose, which must be found out.

use std::process::ExitCode;

use ftp_tests::sim::{Broken, Profile, Task, run_all};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let broken = match words.as_slice() {
        [] => Broken::No,
        ["--broken", "lies"] => Broken::Lies,
        ["--broken", "hangs"] => Broken::Hangs,
        ["--broken", "panics"] => Broken::Panics,
        _ => {
            eprintln!("usage: faults [--broken lies|hangs|panics]");
            return ExitCode::from(2);
        }
    };
    if broken == Broken::Panics {
        std::panic::set_hook(Box::new(|_| {}));
    }
    let tally = run_all(8, &Task::ALL, &Profile::ALL, broken);
    for failure in &tally.failures {
        println!("{failure}");
    }
    let (cases, hangs, lies, panics) = (tally.cases, tally.hangs, tally.lies, tally.panics);
    println!("cases {cases} hangs {hangs} lies {lies} panics {panics}");
    if tally.is_sound() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
