//! Plays cases and counts the results

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use ftp_proto::Prefetch;

use super::session::{Ask, FILE};
use super::{
    Broken, Case, EngineEnd, Extent, Fault, Finding, Habit, Profile, Session, Task, Tls, Way,
    check, faults_of, few_faults_of, play, wire_faults_of, words_of,
};

/// A part of all cases
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
    /// Every fault at every place, without habits
    Places,
    /// Misleading replies, in place of every reply and after it
    Words,
    /// Servers with habits, with fewer faults
    Habits,
    /// The network fails at every place; only for `ftp-session`
    Wires,
    /// Procedures with local files, with every fault at every place; only for `ftp-session`
    Procedures,
}

impl Set {
    /// All parts
    pub const ALL: [Self; 5] =
        [Self::Places, Self::Words, Self::Habits, Self::Wires, Self::Procedures];
}

impl Set {
    /// Whether it applies only to `ftp-session`
    const fn is_sessions(self) -> bool {
        matches!(self, Self::Wires | Self::Procedures)
    }
}

/// The client to play
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// The machine, with a driver of the simulator's own
    Core,
    /// `ftp-session`, with a shell and a network
    Engine(Tls),
}

impl Over {
    /// Plays a session to its end; also returns an error that is wrong in every case
    #[must_use]
    pub fn play(self, case: Case, broken: Broken, traced: bool) -> EngineEnd {
        match self {
            Self::Core if traced => Session::traced(case, broken).into(),
            Self::Core => Session::play(case, broken).into(),
            Self::Engine(tls) => play(case, tls, broken, traced),
        }
    }
}

/// The cases to play
#[derive(Clone, Debug)]
pub struct Run<'a> {
    /// The client
    pub over: Over,
    /// Number of timings of each case
    pub seeds: u64,
    /// The parts
    pub sets: &'a [Set],
    /// The habits, for [`Set::Habits`]
    pub habits: &'a [Habit],
    /// The tasks
    pub tasks: &'a [Task],
    /// The kinds of servers
    pub profiles: &'a [Profile],
    /// The kinds of connections
    pub ways: &'a [Way],
    /// When ports are requested in advance
    pub prefetch: Prefetch,
    /// How the client is broken
    pub broken: Broken,
}

/// The result of a run
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Number of sessions played
    pub cases: usize,
    /// Number of sessions that did not end
    pub hangs: usize,
    /// Number of sessions with a false report
    pub false_reports: usize,
    /// Number of sessions with a panic
    pub panics: usize,
    /// A checksum of everything that has crossed the simulated networks, and when, and of the results; the same in each
    /// run with the same options
    pub digest: u64,
    /// Number of cases and failures for each model
    pub models: BTreeMap<String, (usize, usize)>,
    /// The kinds of failure of each model: their number, and the first one
    pub failures: BTreeMap<(String, String), Failure>,
}

/// A kind of failure
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Number of cases that failed in this way
    pub count: usize,
    /// The first of them
    pub case: Case,
    /// The failure of that case
    pub what: String,
}

/// One session without faults, and every fault of it
#[derive(Clone, Copy, Debug)]
struct Job {
    set: Set,
    clean: Case,
}

impl Run<'_> {
    /// Plays all cases, on as many threads as there are processors
    #[must_use]
    pub fn play(&self) -> Tally {
        let jobs = self.jobs();
        let next = AtomicUsize::new(0);
        let tallies = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
                scope.spawn(|| {
                    while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let mut tally = Tally::default();
                        tally.job(*job, self.over, self.broken);
                        tallies.lock().unwrap().push((job.clean.seed, tally));
                    }
                });
            }
        });
        let mut all = Tally::default();
        for (_, tally) in tallies.into_inner().unwrap() {
            all.add(tally);
        }
        all
    }

    fn jobs(&self) -> Vec<Job> {
        let mut jobs = Vec::new();
        let is_engine = self.over != Over::Core;
        for &set in self.sets.iter().filter(|set| is_engine || !set.is_sessions()) {
            let none = [Habit::None];
            let habits = if set == Set::Habits { self.habits } else { &none };
            for (&habit, &profile) in
                habits.iter().flat_map(|h| self.profiles.iter().map(move |p| (h, p)))
            {
                let procedures = set == Set::Procedures;
                let tasks = self.tasks.iter().filter(|task| task.is_procedure() == procedures);
                // In clear text, real and modelled TLS are the same.
                let is_real = self.over == Over::Engine(Tls::Rustls);
                let ways = self.ways.iter().filter(|way| way.is_tls() || !is_real);
                // No port is requested in advance in active mode.
                let always = self.prefetch == Prefetch::Always;
                let ways = ways.filter(|way| **way != Way::Active || !always);
                for (&way, &task) in ways.flat_map(|w| tasks.clone().map(move |t| (w, t))) {
                    let shows = habit == Habit::None || habit.shows(way, task, self.prefetch);
                    // Words and habits have half as many timings as places, because there are many more of them.
                    let seeds =
                        if set == Set::Places { self.seeds } else { self.seeds.div_ceil(6) };
                    for seed in (1..=seeds).filter(|_| shows) {
                        let (fault, prefetch) = (Fault::None, self.prefetch);
                        jobs.push(Job {
                            set,
                            clean: Case { profile, habit, way, task, fault, seed, prefetch },
                        });
                    }
                }
            }
        }
        jobs
    }
}

impl Tally {
    fn job(&mut self, Job { set, clean }: Job, over: Over, broken: Broken) {
        let Ok(EngineEnd { end, .. }) = catch_unwind(|| over.play(clean, Broken::No, false)) else {
            return self.play("panic".into(), clean, over, broken);
        };
        let extent = Extent {
            bytes: end.bytes,
            replies: end.replies,
            commands: end.commands,
            data: clean.task.transfers().then_some(FILE.len()),
            wires: end.wires,
        };
        let faults = match set {
            Set::Places => faults_of(clean.way, extent),
            Set::Words => words_of(extent),
            Set::Wires => wire_faults_of(extent),
            Set::Procedures => {
                let places = faults_of(clean.way, extent);
                places.into_iter().chain(wire_faults_of(extent)).collect()
            }
            Set::Habits => few_faults_of(clean.habit, clean.way, extent),
        };
        // What goes wrong in the listing before the task is that of other tasks.
        let begun = end.ops.iter().find(|op| op.ask == Ask::Before);
        for fault in faults.into_iter().filter(|fault| begun.is_none_or(|op| fault.follows(op))) {
            let model = if set == Set::Habits { clean.habit.name() } else { fault.name() };
            self.play(model, Case { fault, ..clean }, over, broken);
        }
    }

    fn play(&mut self, model: String, case: Case, over: Over, broken: Broken) {
        self.cases += 1;
        let (cases, failed) = self.models.entry(model.clone()).or_default();
        *cases += 1;
        let play = || over.play(case, broken, false);
        let played = catch_unwind(AssertUnwindSafe(play));
        if let Ok(EngineEnd { end, digest, .. }) = &played {
            let results = end.ops.iter().flat_map(|op| &op.results);
            let seen = results.fold(digest ^ end.took.as_micros() as u64, |seen, result| {
                seen.rotate_left(1) ^ u64::from(result.is_ok())
            });
            // A sum, because threads finish their cases in any order.
            self.digest = self.digest.wrapping_add(seen);
        }
        let (count, what) = match played {
            Err(_) => (&mut self.panics, "panic".to_owned()),
            Ok(EngineEnd { wrong: Some(what), .. }) => {
                (&mut self.false_reports, format!("lie: {what}"))
            }
            Ok(EngineEnd { end, .. }) if case.task.is_procedure() => match end.bounded {
                true => return,
                false => (&mut self.hangs, "hang: the procedure".to_owned()),
            },
            Ok(EngineEnd { end, .. }) => match check(case, &end) {
                Finding::Correct => return,
                Finding::Hang(what) => (&mut self.hangs, format!("hang: {what}")),
                Finding::FalseReport(what) => (&mut self.false_reports, format!("lie: {what}")),
            },
        };
        *count += 1;
        *failed += 1;
        let sort = what.chars().filter(|c| !c.is_ascii_digit()).collect();
        let kind = self.failures.entry((model, sort));
        kind.or_insert_with(|| Failure { count: 0, case, what }).count += 1;
    }

    fn add(&mut self, other: Self) {
        self.cases += other.cases;
        self.hangs += other.hangs;
        self.false_reports += other.false_reports;
        self.panics += other.panics;
        self.digest = self.digest.wrapping_add(other.digest);
        for (model, (cases, failed)) in other.models {
            let sum = self.models.entry(model).or_default();
            sum.0 += cases;
            sum.1 += failed;
        }
        for (kind, failure) in other.failures {
            match self.failures.get_mut(&kind) {
                Some(sum) => sum.count += failure.count,
                None => {
                    self.failures.insert(kind, failure);
                }
            }
        }
    }

    /// Whether nothing failed
    #[must_use]
    pub const fn is_sound(&self) -> bool {
        self.hangs == 0 && self.false_reports == 0 && self.panics == 0
    }
}
