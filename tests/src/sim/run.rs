//! Plays the cases and counts

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::session::FILE;
use super::{
    Broken, Case, EngineEnd, Extent, Fault, Habit, Profile, Session, Task, Tls, Verdict, Way,
    faults_of, few_faults_of, judge, play, wire_faults_of, words_of,
};

/// A part of all cases
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
    /// Every fault at every place, no habits
    Places,
    /// Words that mean something else, in place of every reply and after it
    Words,
    /// Servers with habits, fewer faults
    Habits,
    /// The network fails at every place, for `ftp-session` alone
    Wires,
    /// Procedures with local files, for `ftp-session` alone: every fault at every place
    Errands,
}

impl Set {
    /// All of them
    pub const ALL: [Self; 5] =
        [Self::Places, Self::Words, Self::Habits, Self::Wires, Self::Errands];
}

impl Set {
    /// Whether it is of `ftp-session` alone
    const fn is_sessions(self) -> bool {
        matches!(self, Self::Wires | Self::Errands)
    }
}

/// Whose session is played
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// The machine's, with a driver of the simulator's own
    Core,
    /// That of `ftp-session`, with a shell and a network
    Engine(Tls),
}

impl Over {
    /// Plays a session to its end; with what was wrong with it whatever was to be expected
    #[must_use]
    pub fn play(self, case: Case, broken: Broken, traced: bool) -> EngineEnd {
        match self {
            Self::Core if traced => Session::traced(case, broken).into(),
            Self::Core => Session::play(case, broken).into(),
            Self::Engine(tls) => play(case, tls, broken, traced),
        }
    }
}

/// What is to be played
#[derive(Clone, Debug)]
pub struct Run<'a> {
    /// Over what
    pub over: Over,
    /// Timings of each case
    pub seeds: u64,
    /// Which parts
    pub sets: &'a [Set],
    /// Which habits, for [`Set::Habits`]
    pub habits: &'a [Habit],
    /// Which tasks
    pub tasks: &'a [Task],
    /// Which kinds of servers
    pub profiles: &'a [Profile],
    /// Which kinds of connections
    pub ways: &'a [Way],
    /// How the client is broken
    pub broken: Broken,
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
    /// Cases and failures of each model
    pub models: BTreeMap<String, (usize, usize)>,
    /// Each model's kinds of failure: how many, and the first
    pub failures: BTreeMap<(String, String), Failure>,
}

/// A kind of failure
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// How many cases failed so
    pub count: usize,
    /// The first of them
    pub case: Case,
    /// What was wrong with it
    pub what: String,
}

/// One session without faults, and every fault on top of it
#[derive(Clone, Copy, Debug)]
struct Job {
    set: Set,
    clean: Case,
}

impl Run<'_> {
    /// Plays all of it, on as many threads as there are processors
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
                let errands = set == Set::Errands;
                let tasks = self.tasks.iter().filter(|task| task.is_errand() == errands);
                // In clear text real TLS is no other than the modelled one.
                let is_real = self.over == Over::Engine(Tls::Rustls);
                let ways = self.ways.iter().filter(|way| way.is_tls() || !is_real);
                for (&way, &task) in ways.flat_map(|w| tasks.clone().map(move |t| (w, t))) {
                    let shows = habit == Habit::None || habit.shows(way, task);
                    // One timing of words and habits for two of places: there are many more of them.
                    let seeds =
                        if set == Set::Places { self.seeds } else { self.seeds.div_ceil(6) };
                    for seed in (1..=seeds).filter(|_| shows) {
                        let fault = Fault::None;
                        jobs.push(Job {
                            set,
                            clean: Case { profile, habit, way, task, fault, seed },
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
            Set::Errands => {
                let places = faults_of(clean.way, extent);
                places.into_iter().chain(wire_faults_of(extent)).collect()
            }
            Set::Habits => few_faults_of(clean.habit, clean.way, extent),
        };
        for fault in faults {
            let model = if set == Set::Habits { clean.habit.name() } else { fault.name() };
            self.play(model, Case { fault, ..clean }, over, broken);
        }
    }

    fn play(&mut self, model: String, case: Case, over: Over, broken: Broken) {
        self.cases += 1;
        let (cases, failed) = self.models.entry(model.clone()).or_default();
        *cases += 1;
        let play = || over.play(case, broken, false);
        let (count, what) = match catch_unwind(AssertUnwindSafe(play)) {
            Err(_) => (&mut self.panics, "panic".to_owned()),
            Ok(EngineEnd { wrong: Some(what), .. }) => (&mut self.lies, format!("lie: {what}")),
            Ok(EngineEnd { end, wrong: None }) if case.task.is_errand() => match end.bounded {
                true => return,
                false => (&mut self.hangs, "hang: the procedure".to_owned()),
            },
            Ok(EngineEnd { end, wrong: None }) => match judge(case, &end) {
                Verdict::Sound => return,
                Verdict::Hang(what) => (&mut self.hangs, format!("hang: {what}")),
                Verdict::Lie(what) => (&mut self.lies, format!("lie: {what}")),
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
        self.lies += other.lies;
        self.panics += other.panics;
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
        self.hangs == 0 && self.lies == 0 && self.panics == 0
    }
}
