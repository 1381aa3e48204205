//! The simulator: the same seed gives the same trace, and a broken client is found out

use ftp_proto::Error;
use ftp_tests::sim::{Broken, Case, Fault, Profile, Session, Task, Way, run_all};

#[test]
fn the_same_seed_gives_the_same_trace() {
    for (profile, way) in Profile::ALL.into_iter().flat_map(|p| Way::ALL.map(|way| (p, way))) {
        let play = |seed| {
            let case = Case { profile, way, task: Task::Get, fault: Fault::None, seed };
            Session::traced(case, Broken::No).trace
        };
        assert!(play(7).lines().count() > 20, "the trace is missing");
        assert_eq!(play(7), play(7));
        assert_ne!(play(7), play(8), "the seed decides nothing");
    }
}

#[test]
fn a_broken_client_is_found_out() {
    let run = |broken| run_all(1, &[Task::Get], &[Profile::Vsftpd], &Way::ALL, broken);
    assert!(run(Broken::Lies).lies > 0);
    assert!(run(Broken::Hangs).hangs > 0);
    assert!(run(Broken::Panics).panics > 0);
}

#[test]
fn every_fault_at_every_place_for_one_seed() {
    let tally = run_all(1, &Task::ALL, &Profile::ALL, &[Way::Clear], Broken::No);
    println!("{} cases", tally.cases);
    assert!(tally.is_sound(), "{:#?}", tally);
}

/// The second try of a download is part of what is played
#[test]
fn a_server_that_has_forgotten_its_sessions() {
    for profile in [Profile::Vsftpd, Profile::Proftpd, Profile::FileZilla] {
        for seed in 1..50 {
            let play = |task| {
                let case = Case { profile, way: Way::Tls, task, fault: Fault::Forgotten, seed };
                Session::play(case, Broken::No)
            };
            let downloaded = play(Task::Get);
            assert_eq!(downloaded.task, [Ok(())], "{profile:?}");
            let uploaded = play(Task::Put);
            let refusal = uploaded.task[0].as_ref().expect_err("refused");
            assert!(matches!(refusal, Error::ResumptionRequired { .. }), "{profile:?}: {refusal}");
            assert!(!uploaded.dead);
        }
    }
}
