//! What a session may come to: no hang, no lie, no panic

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::session::FILE;
use super::{Broken, DataFault, End, Fault, Profile, ReplyFault, Session, Task, faults_of};

/// The judgement on one session
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be
    Sound,
    /// Something never ended, or ended more than once
    Hang(String),
    /// Something was reported that is not so
    Lie(String),
}

/// What a run came to
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Sessions played
    pub cases: usize,
    /// Sessions that did not end
    pub hangs: usize,
    /// Sessions with a false report
    pub lies: usize,
    /// Sessions with a panic
    pub panics: usize,
    /// The first few that failed
    pub failures: Vec<String>,
}

/// Judges how a session came out
pub fn judge(task: Task, fault: Fault, end: &End) -> Verdict {
    if !end.bounded {
        return Verdict::Hang(format!("no end after {:?}", end.took));
    }
    if end.task.len() != 1 || end.probe.len() != 2 {
        return Verdict::Hang(format!("{} and {} ends", end.task.len(), end.probe.len()));
    }
    // A false reply of the right class can't be seen through where nothing else tells.
    let told_otherwise = matches!(fault, Fault::Reply(ReplyFault::Replaced(2 | 3), _));
    match &end.task[0] {
        Ok(()) => {
            let files = &end.files;
            let true_ = match task {
                Task::Get => end.received == FILE,
                Task::Resume => end.received == FILE[10..],
                Task::Put => files.get("new").is_some_and(|file| file == FILE),
                Task::Append => files.get("g").is_some_and(|file| *file == [b"old", FILE].concat()),
                Task::List => end.received == b"f\r\ng\r\n",
                Task::Delete => !files.contains_key("g") || told_otherwise,
                Task::Rename => files.contains_key("h") || told_otherwise,
                Task::Size | Task::Mkdir | Task::Features | Task::Pwd => true,
            };
            if !true_ {
                return Verdict::Lie(format!("{task:?} reported done and is not"));
            }
        }
        Err(error) if fault == Fault::None => return Verdict::Lie(format!("refused: {error}")),
        Err(error) if matches!(fault, Fault::Data(how, _) if how != DataFault::Silent) => {
            if error.is_fatal() {
                return Verdict::Lie(format!("a data connection's failure was fatal: {error}"));
            }
        }
        Err(_) => {}
    }
    if !end.dead {
        if let Some(error) = end.probe.iter().find_map(|result| result.as_ref().err()) {
            return Verdict::Lie(format!("says it is usable, but: {error}"));
        }
        if end.probe_received != FILE {
            return Verdict::Lie("usable, but its next download is wrong".into());
        }
    }
    Verdict::Sound
}

/// Plays every fault at every place, for every operation and every kind of server
pub fn run_all(seeds: u64, tasks: &[Task], profiles: &[Profile], broken: Broken) -> Tally {
    let mut tally = Tally::default();
    for &profile in profiles {
        for &task in tasks {
            for seed in 1..=seeds {
                let clean = Session::play(profile, task, Fault::None, seed, Broken::No);
                let data = task.transfers().then_some(FILE.len());
                for fault in faults_of(clean.bytes, clean.replies, data) {
                    tally.play(profile, task, fault, seed, broken);
                }
            }
        }
    }
    tally
}

impl Tally {
    fn play(&mut self, profile: Profile, task: Task, fault: Fault, seed: u64, broken: Broken) {
        self.cases += 1;
        let play = || Session::play(profile, task, fault, seed, broken);
        let (count, what) = match catch_unwind(AssertUnwindSafe(play)) {
            Err(_) => (&mut self.panics, "panic".to_owned()),
            Ok(end) => match judge(task, fault, &end) {
                Verdict::Sound => return,
                Verdict::Hang(what) => (&mut self.hangs, format!("hang: {what}")),
                Verdict::Lie(what) => (&mut self.lies, format!("lie: {what}")),
            },
        };
        *count += 1;
        if self.failures.len() < 50 {
            self.failures.push(format!("{profile:?} {task:?} {fault:?} seed {seed}: {what}"));
        }
    }

    /// Whether nothing failed
    pub const fn is_sound(&self) -> bool {
        self.hangs == 0 && self.lies == 0 && self.panics == 0
    }
}
