//! Plays the cases and counts

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::session::FILE;
use super::{
    Broken, Case, Extent, Fault, Habit, Profile, Session, Task, Verdict, Way, faults_of,
    few_faults_of, judge, words_of,
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
}

impl Set {
    /// All of them
    pub const ALL: [Self; 3] = [Self::Places, Self::Words, Self::Habits];
}

/// What is to be played
#[derive(Clone, Debug)]
pub struct Run<'a> {
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
                        tally.job(*job, self.broken);
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
        for &set in self.sets {
            let none = [Habit::None];
            let habits = if set == Set::Habits { self.habits } else { &none };
            for (&habit, &profile) in
                habits.iter().flat_map(|h| self.profiles.iter().map(move |p| (h, p)))
            {
                for (&way, &task) in
                    self.ways.iter().flat_map(|w| self.tasks.iter().map(move |t| (w, t)))
                {
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
    fn job(&mut self, Job { set, clean }: Job, broken: Broken) {
        let Ok(end) = catch_unwind(|| Session::play(clean, Broken::No)) else {
            return self.play("panic".into(), clean, broken);
        };
        let extent = Extent {
            bytes: end.bytes,
            replies: end.replies,
            commands: end.commands,
            data: clean.task.transfers().then_some(FILE.len()),
        };
        let faults = match set {
            Set::Places => faults_of(clean.way, extent),
            Set::Words => words_of(extent),
            Set::Habits => few_faults_of(clean.habit, clean.way, extent),
        };
        for fault in faults {
            let model = if set == Set::Habits { clean.habit.name() } else { fault.name() };
            self.play(model, Case { fault, ..clean }, broken);
        }
    }

    fn play(&mut self, model: String, case: Case, broken: Broken) {
        self.cases += 1;
        let (cases, failed) = self.models.entry(model.clone()).or_default();
        *cases += 1;
        let play = || Session::play(case, broken);
        let (count, what) = match catch_unwind(AssertUnwindSafe(play)) {
            Err(_) => (&mut self.panics, "panic".to_owned()),
            Ok(end) => match judge(case, &end) {
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
