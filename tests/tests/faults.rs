//! The simulator: the same seed gives the same trace, and a broken client is found out

use ftp_tests::sim::{Broken, Fault, Profile, Session, Task, run_all};

#[test]
fn the_same_seed_gives_the_same_trace() {
    for profile in Profile::ALL {
        let play = |seed| Session::traced(profile, Task::Get, Fault::None, seed, Broken::No).trace;
        assert!(play(7).lines().count() > 20, "the trace is missing");
        assert_eq!(play(7), play(7));
        assert_ne!(play(7), play(8), "the seed decides nothing");
    }
}

#[test]
fn a_broken_client_is_found_out() {
    let run = |broken| run_all(1, &[Task::Get], &[Profile::Vsftpd], broken);
    assert!(run(Broken::Lies).lies > 0);
    assert!(run(Broken::Hangs).hangs > 0);
    assert!(run(Broken::Panics).panics > 0);
}

#[test]
fn every_fault_at_every_place_for_one_seed() {
    let tally = run_all(1, &[Task::Get, Task::List, Task::Rename], &Profile::ALL, Broken::No);
    println!("{} cases", tally.cases);
    assert!(tally.is_sound(), "{:#?}", tally);
}
