//! The simulator: the same seed gives the same trace, habits show, and a broken client is found out

use ftp_proto::Error;
use ftp_tests::sim::{
    Ask, Broken, Case, End, Fault, Habit, Profile, Run, Session, Set, Tally, Task, Way,
};

fn case(profile: Profile, way: Way, task: Task, seed: u64) -> Case {
    Case { profile, habit: Habit::None, way, task, fault: Fault::None, seed }
}

fn run(sets: &[Set], tasks: &[Task], profiles: &[Profile], broken: Broken) -> Tally {
    let habits = Habit::all();
    Run { seeds: 1, sets, habits: &habits, tasks, profiles, ways: &[Way::Clear], broken }.play()
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for (profile, way) in Profile::ALL.into_iter().flat_map(|p| Way::ALL.map(|way| (p, way))) {
        let play = |seed| Session::traced(case(profile, way, Task::Get, seed), Broken::No).trace;
        assert!(play(7).lines().count() > 20, "the trace is missing");
        assert_eq!(play(7), play(7));
        assert_ne!(play(7), play(8), "the seed decides nothing");
    }
}

/// A model that does nothing finds nothing
#[test]
fn every_habit_shows() {
    for habit in Habit::all() {
        let shows = |(way, task, profile)| {
            let plain = case(profile, way, task, 3);
            let play = |case| Session::traced(case, Broken::No).trace;
            habit.shows(way, task) && play(Case { habit, ..plain }) != play(plain)
        };
        let mut all = Way::ALL.into_iter().flat_map(|way| Task::ALL.map(|task| (way, task)));
        assert!(
            all.any(|(way, task)| Profile::ALL.iter().any(|p| shows((way, task, *p))))
                // These show when something fails as well.
                || matches!(habit, Habit::Oblivious),
            "{habit:?}"
        );
    }
}

/// The judge has to find more in each broken client than in a sound one
#[test]
fn a_broken_client_is_found_out() {
    let tasks = [Task::Get, Task::GetKnown, Task::List];
    let run = |sets: &[Set], broken| {
        Run {
            seeds: 1,
            sets,
            habits: &[],
            tasks: &tasks,
            profiles: &[Profile::Vsftpd],
            ways: &Way::ALL,
            broken,
        }
        .play()
    };
    let sound = run(&[Set::Places], Broken::No);
    for broken in [Broken::Lies, Broken::Classes, Broken::Shifts] {
        assert!(run(&[Set::Places], broken).lies > sound.lies, "{broken:?}");
    }
    assert!(run(&[Set::Places], Broken::Hangs).hangs > sound.hangs);
    assert!(run(&[Set::Places], Broken::Panics).panics > sound.panics);
    let sound = run(&[Set::Words], Broken::No);
    assert!(run(&[Set::Words], Broken::Believes).lies > sound.lies);
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

/// The second try of a download is part of what is played
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
