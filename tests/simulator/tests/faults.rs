//! Tests of the simulator: the same seed gives the same trace, habits show, and a broken client is detected

use ftp_proto::{Error, Prefetch};
use ftp_simulator::{
    Ask, Broken, BudgetRun, Case, ControlFault, DataFault, End, EngineEnd, Fault, Finding, Habit,
    Next, Over, Profile, Run, Session, Set, Side, Tally, Task, Tls, Way, Which, WireFault, check,
};

const MODELLED: Over = Over::Engine(Tls::Modelled);

fn case(profile: Profile, way: Way, task: Task, seed: u64) -> Case {
    let (habit, fault, prefetch) = (Habit::None, Fault::None, Prefetch::Off);
    Case { profile, habit, way, task, fault, seed, prefetch }
}

fn run(sets: &[Set], tasks: &[Task], profiles: &[Profile], broken: Broken) -> Tally {
    let habits = Habit::all();
    let (ways, prefetch) = (&[Way::Clear], Prefetch::Off);
    let habits = &habits;
    Run { over: Over::Core, seeds: 1, sets, habits, tasks, profiles, ways, prefetch, broken }.play()
}

/// Cases of `ftp-session` with one kind of server
fn sessions(tls: Tls, set: Set, task: Task, way: Way, broken: Broken) -> Tally {
    let habits = [
        Habit::FinalEarly(Next::Whole),
        Habit::FinalFirst(226),
        Habit::Queue,
        Habit::BadPasswordAndClose(530),
    ];
    Run {
        over: Over::Engine(tls),
        seeds: 1,
        sets: &[set],
        habits: &habits,
        tasks: &[task],
        profiles: &[Profile::Vsftpd],
        ways: &[way],
        prefetch: Prefetch::Off,
        broken,
    }
    .play()
}

#[track_caller]
fn are_sound(tls: Tls, set: Set, task: Task, way: Way) {
    let tally = sessions(tls, set, task, way, Broken::No);
    println!("{} cases", tally.cases);
    assert!(tally.cases > 100 && tally.is_sound(), "{tally:#?}");
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for (profile, way) in Profile::ALL.into_iter().flat_map(|p| Way::ALL.map(|way| (p, way))) {
        for over in [Over::Core, MODELLED, Over::Engine(Tls::Rustls)] {
            let case = |seed| case(profile, way, Task::Get, seed);
            let play = |seed| over.play(case(seed), Broken::No, true).end.trace;
            assert!(play(7).lines().count() > 20, "the trace is missing");
            assert_eq!(play(7), play(7));
            assert_ne!(play(7), play(8), "the seed decides nothing");
        }
    }
}

/// Real TLS sends the same bytes in the same records at the same times, whatever its thread has played before
#[test]
fn the_same_seed_gives_the_same_bytes_of_real_tls() {
    let tasks = [Task::Get, Task::Put, Task::ReadDir, Task::AbortGet, Task::ResumeUpload];
    let faults = [
        Fault::None,
        Fault::Forgotten,
        Fault::Control(ControlFault::Cut, 60),
        Fault::Data(DataFault::Reset, 7),
        Fault::Wire(WireFault::Cut, Which::Control, Side::Server, 900),
    ];
    let mut cases = Vec::new();
    for (profile, task) in Profile::ALL.into_iter().flat_map(|p| tasks.map(|task| (p, task))) {
        for (way, fault) in
            [Way::Tls, Way::Implicit].into_iter().flat_map(|w| faults.map(|f| (w, f)))
        {
            cases.push(Case { fault, ..case(profile, way, task, 7) });
        }
    }
    let play = |case: &Case| {
        let EngineEnd { end, digest, .. } = Over::Engine(Tls::Rustls).play(*case, Broken::No, true);
        (end.trace, digest)
    };
    let (forwards, mut backwards) = std::thread::scope(|scope| {
        let forwards = scope.spawn(|| cases.iter().map(play).collect::<Vec<_>>());
        let backwards = scope.spawn(|| cases.iter().rev().map(play).collect::<Vec<_>>());
        (forwards.join().unwrap(), backwards.join().unwrap())
    });
    backwards.reverse();
    for (case, (one, other)) in cases.iter().zip(forwards.iter().zip(&backwards)) {
        let lines = one.0.lines().zip(other.0.lines());
        let differs = lines.into_iter().find(|(one, other)| one != other);
        assert_eq!(differs, None, "{case:?}");
        assert_eq!(one, other, "{case:?}");
    }
    let handshakes = forwards.iter().filter(|(trace, _)| trace.contains("Bytes([22, 3, ")).count();
    assert_eq!(handshakes, cases.len(), "the bytes are not in the trace");
}

/// A reply in many small TLS records uses up the allowance of a turn, and an unsolicited one follows it
#[test]
fn replies_that_have_arrived_are_read_before_the_next_command_is_written() {
    for (profile, fault) in [
        (Profile::Vsftpd, Fault::Stray(18, 5, false)),
        (Profile::Proftpd, Fault::Stray(17, 2, true)),
    ] {
        let plain = case(profile, Way::Tls, Task::Mkdir, 1);
        let case = Case { fault, prefetch: Prefetch::Known, ..plain };
        let end = MODELLED.play(case, Broken::No, false).end;
        assert_eq!(check(case, &end), Finding::Correct, "{case:?}");
    }
}

/// A model that does nothing would find nothing
#[test]
fn every_habit_shows() {
    for habit in Habit::all() {
        let shows = |(way, task, profile)| {
            let prefetch = match habit {
                Habit::Beside(_) => Prefetch::Always,
                _ => Prefetch::Off,
            };
            let plain = Case { prefetch, ..case(profile, way, task, 3) };
            let play = |case| Session::traced(case, Broken::No).trace;
            habit.shows(way, task, prefetch) && play(Case { habit, ..plain }) != play(plain)
        };
        let mut all = Way::ALL.into_iter().flat_map(|way| Task::ALL.map(|task| (way, task)));
        assert!(
            all.any(|(way, task)| Profile::ALL.iter().any(|p| shows((way, task, *p))))
                // These also show when something fails.
                || matches!(habit, Habit::Oblivious),
            "{habit:?}"
        );
    }
}

/// EPSV during a transfer, with every fault at every place, and each way in which a server treats it
#[test]
fn ports_asked_for_ahead() {
    let habits: Vec<_> =
        Habit::all().into_iter().filter(|habit| matches!(habit, Habit::Beside(_))).collect();
    let run = Run {
        over: Over::Core,
        seeds: 1,
        sets: &[Set::Places, Set::Habits],
        habits: &habits,
        tasks: &[Task::Get, Task::GetKnown, Task::Put, Task::AbortGet],
        profiles: &[Profile::Vsftpd, Profile::Proftpd],
        ways: &[Way::Clear, Way::Tls],
        prefetch: Prefetch::Always,
        broken: Broken::No,
    };
    let tally = run.play();
    println!("{} cases", tally.cases);
    assert!(tally.cases > 10_000 && tally.is_sound(), "{tally:#?}");
}

/// Each broken client must have more failures than the correct one
#[test]
fn a_broken_client_is_detected() {
    let tasks = [Task::Get, Task::GetKnown, Task::List];
    let run = |sets: &[Set], broken| {
        Run {
            over: Over::Core,
            seeds: 1,
            sets,
            habits: &[],
            tasks: &tasks,
            profiles: &[Profile::Vsftpd],
            ways: &Way::ALL,
            prefetch: Prefetch::Off,
            broken,
        }
        .play()
    };
    let sound = run(&[Set::Places], Broken::No);
    for broken in [Broken::Successes, Broken::Classes, Broken::Shifts] {
        assert!(run(&[Set::Places], broken).false_reports > sound.false_reports, "{broken:?}");
    }
    assert!(run(&[Set::Places], Broken::Hangs).hangs > sound.hangs);
    assert!(run(&[Set::Places], Broken::Panics).panics > sound.panics);
    let sound = run(&[Set::Words], Broken::No);
    assert!(run(&[Set::Words], Broken::Believes).false_reports > sound.false_reports);
}

/// The same for `ftp-session`
#[test]
fn a_session_of_a_broken_client_is_detected() {
    let run = |set, broken| sessions(Tls::Modelled, set, Task::GetKnown, Way::Clear, broken);
    let sound = run(Set::Places, Broken::No);
    assert!(sound.is_sound(), "{sound:#?}");
    for broken in [Broken::Successes, Broken::Classes, Broken::Shifts] {
        assert!(run(Set::Places, broken).false_reports > 0, "{broken:?}");
    }
    assert!(run(Set::Places, Broken::Hangs).hangs > 0);
    assert!(run(Set::Words, Broken::Believes).false_reports > 0);
}

#[test]
fn sessions_that_upload_in_clear_text() {
    are_sound(Tls::Modelled, Set::Places, Task::Put, Way::Clear);
}

#[test]
fn sessions_that_upload_under_tls() {
    are_sound(Tls::Modelled, Set::Places, Task::Put, Way::Tls);
}

#[test]
fn sessions_that_download_in_active_mode() {
    are_sound(Tls::Modelled, Set::Places, Task::Get, Way::Active);
}

#[test]
fn sessions_that_give_up_under_tls() {
    are_sound(Tls::Modelled, Set::Places, Task::AbortGet, Way::Implicit);
}

#[test]
fn sessions_through_rustls() {
    are_sound(Tls::Rustls, Set::Places, Task::Names, Way::Tls);
}

#[test]
fn sessions_with_servers_that_have_habits() {
    are_sound(Tls::Modelled, Set::Habits, Task::Put, Way::Clear);
}

/// A login that fails, its requests that are not sent, and the end of the session may all come from one read
#[test]
fn sessions_in_which_words_mean_something_else() {
    are_sound(Tls::Modelled, Set::Words, Task::List, Way::Clear);
}

#[test]
fn sessions_over_a_network_that_fails() {
    are_sound(Tls::Modelled, Set::Wires, Task::Get, Way::Clear);
    are_sound(Tls::Modelled, Set::Wires, Task::Put, Way::Tls);
}

#[test]
fn procedures_that_resume_a_file() {
    are_sound(Tls::Modelled, Set::Procedures, Task::ResumeDownload, Way::Clear);
    are_sound(Tls::Modelled, Set::Procedures, Task::ResumeUpload, Way::Clear);
}

/// One run in 47, because that is no multiple of any number of choices
#[test]
fn tasks_that_share_the_sessions_to_a_server() {
    let tally = BudgetRun { tls: Tls::Modelled, seeds: 1, one_in: 47 }.play();
    println!("{} cases", tally.cases);
    assert!(tally.cases > 500 && tally.is_sound(), "{tally:#?}");
}

#[test]
fn tasks_that_share_sessions_have_the_same_run_with_the_same_seed() {
    let play = |seeds, one_in| BudgetRun { tls: Tls::Rustls, seeds, one_in }.play();
    let (one, other) = (play(1, 491), play(1, 491));
    assert!(one.cases > 50 && one == other, "{one:#?} {other:#?}");
    assert_ne!(one.digest, play(2, 2 * 491).digest, "the seed decides nothing");
}

#[test]
fn every_fault_at_every_place_for_one_seed() {
    let tally = run(&[Set::Places], &Task::ALL, &Profile::ALL, Broken::No);
    println!("{} cases", tally.cases);
    assert!(tally.is_sound(), "{tally:#?}");
}

#[test]
fn words_that_mean_something_else() {
    let tally = run(&[Set::Words], &Task::ALL, &[Profile::Vsftpd], Broken::No);
    println!("{} cases", tally.cases);
    assert!(tally.is_sound(), "{tally:#?}");
}

#[test]
fn servers_with_habits() {
    let tasks = [
        Task::Get,
        Task::GetNamed,
        Task::GetNamedMore,
        Task::ResumeLate,
        Task::AbortGet,
        Task::Put,
        Task::AbortPut,
        Task::ReadDir,
    ];
    let tally = run(&[Set::Habits], &tasks, &[Profile::Vsftpd], Broken::No);
    println!("{} cases", tally.cases);
    assert!(tally.is_sound(), "{tally:#?}");
}

/// The second attempt at a download is covered, too
#[test]
fn a_server_that_has_forgotten_its_sessions() {
    fn task(end: &End) -> &Result<(), Error> {
        let op = end.ops.iter().find(|op| op.ask == Ask::Task).expect("it ended");
        assert_eq!(op.results.len(), 1);
        &op.results[0]
    }
    for profile in [Profile::Vsftpd, Profile::Proftpd, Profile::FileZilla] {
        for seed in 1..50 {
            let play = |task| {
                let plain = case(profile, Way::Tls, task, seed);
                Session::play(Case { fault: Fault::Forgotten, ..plain }, Broken::No)
            };
            assert_eq!(task(&play(Task::Get)), &Ok(()), "{profile:?}");
            let uploaded = play(Task::Put);
            let refusal = task(&uploaded).as_ref().expect_err("refused");
            assert!(matches!(refusal, Error::ResumptionRequired { .. }), "{profile:?}: {refusal}");
            assert!(uploaded.ops.iter().all(|op| !op.dead));
        }
    }
}
