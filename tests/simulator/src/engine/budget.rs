//! Tasks that share the sessions to a server which limits their number: each decides with a
//! [`Budget`](ftp_session::Budget) whether it opens one more
//!
//! The [tasks and their sessions](world) call the budget as a pool or a manager of sessions does. The server's limit,
//! how it refuses, and how the limit changes because other users come and go, are those of the [door](super::door).

mod member;
mod pool;
mod world;

use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::door::Refusal;
use super::tls::Tls;
use crate::{ControlFault, DataFault, Fault, Position, Side, Way, Which, WireFault};

use world::{Verdict, World};

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// How the limit changes, because other users come and go
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Course {
    /// It does not
    Constant,
    /// After five minutes, the server accepts three more sessions
    Rises,
    /// After 100 seconds, it accepts half as many
    Falls,
    /// Every 150 seconds, it accepts one session more or less
    Varies,
}

impl Course {
    /// All of them
    pub const ALL: [Self; 4] = [Self::Constant, Self::Rises, Self::Falls, Self::Varies];

    /// When the limit changes
    fn changes(self) -> &'static [Duration] {
        const RISES: [Duration; 1] = [seconds(300)];
        const FALLS: [Duration; 1] = [seconds(100)];
        const VARIES: [Duration; 5] =
            [seconds(150), seconds(300), seconds(450), seconds(600), seconds(750)];
        match self {
            Self::Constant => &[],
            Self::Rises => &RISES,
            Self::Falls => &FALLS,
            Self::Varies => &VARIES,
        }
    }

    /// The limit at this time
    fn limit(self, limit: usize, now: Duration) -> usize {
        match (self, self.changes().iter().filter(|at| **at <= now).count()) {
            (_, 0) | (Self::Constant, _) => limit,
            (Self::Rises, _) => limit + 3,
            (Self::Falls, _) => limit / 2,
            (Self::Varies, changes) => (limit + changes % 3).saturating_sub(1),
        }
    }

    /// When the places must be in use: before the first change, and once a limit that was raised must have been found
    fn watched(self) -> &'static [Range<Duration>] {
        const STEADY: Range<Duration> = seconds(240)..seconds(299);
        const CONSTANT: [Range<Duration>; 1] = [STEADY];
        const RISES: [Range<Duration>; 2] = [STEADY, seconds(900)..seconds(1000)];
        match self {
            Self::Constant => &CONSTANT,
            Self::Rises => &RISES,
            Self::Falls | Self::Varies => &[],
        }
    }

    /// Until when the tasks want to work
    fn work(self) -> Duration {
        match self {
            Self::Constant | Self::Rises => seconds(1300),
            Self::Falls | Self::Varies => seconds(900),
        }
    }
}

/// How the tasks use sessions
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Caller {
    /// As a pool: sessions are used again
    Pool,
    /// As a manager: each task has a session of its own, and ends it
    Manager,
}

/// One run: a server, and tasks that share its sessions
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BudgetCase {
    /// How the server refuses what exceeds its limit
    pub refusal: Refusal,
    /// Its limit at first
    pub limit: usize,
    /// How the limit changes
    pub course: Course,
    /// The number of tasks
    pub tasks: usize,
    /// The caller's maximum
    pub most: usize,
    /// How many sessions beyond the proven number may be opening at once
    pub at_once: usize,
    /// How the tasks use sessions
    pub caller: Caller,
    /// The kind of connections
    pub way: Way,
    /// The number of a session, and its fault
    pub fault: (usize, Fault),
    /// The seed
    pub seed: u64,
}

/// The runs to play
#[derive(Clone, Copy, Debug)]
pub struct BudgetRun {
    /// The cryptography of those with TLS
    pub tls: Tls,
    /// The number of timings of each
    pub seeds: u64,
    /// Plays only one of this many
    pub one_in: usize,
}

/// The result of all runs
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BudgetTally {
    /// Number of runs
    pub cases: usize,
    /// Number of runs in which a task or session did not end
    pub hangs: usize,
    /// Number of runs that broke a law
    pub wrong: usize,
    /// Number of runs with a panic
    pub panics: usize,
    /// A checksum of all runs
    pub digest: u64,
    /// The kinds of failure
    pub failures: BTreeMap<String, BudgetFailure>,
}

/// A kind of failure
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetFailure {
    /// Number of runs that failed in this way
    pub count: usize,
    /// The first of them
    pub case: BudgetCase,
    /// Its failure
    pub what: String,
}

impl BudgetCase {
    /// Plays a run, and returns its trace
    #[must_use]
    pub fn trace(self, tls: Tls) -> String {
        let mut world = World::new(self, tls, true);
        world.play();
        world.trace
    }
}

impl BudgetRun {
    /// Plays all runs, on as many threads as there are processors
    #[must_use]
    pub fn play(&self) -> BudgetTally {
        let cases: Vec<_> = self.cases().into_iter().step_by(self.one_in.max(1)).collect();
        let next = AtomicUsize::new(0);
        let all = Mutex::new(BudgetTally::default());
        std::thread::scope(|scope| {
            for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
                scope.spawn(|| {
                    let mut tally = BudgetTally::default();
                    while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                        tally.play(*case, self.tls);
                    }
                    all.lock().unwrap().add(tally);
                });
            }
        });
        all.into_inner().unwrap()
    }

    fn cases(&self) -> Vec<BudgetCase> {
        let mut all = Vec::new();
        for seed in 1..=self.seeds {
            for refusal in Refusal::ALL {
                all.extend(without_faults(refusal, seed));
                all.extend(with_faults(refusal, seed));
            }
        }
        all
    }
}

fn without_faults(refusal: Refusal, seed: u64) -> Vec<BudgetCase> {
    let mut all = Vec::new();
    for limit in [0, 1, 2, 3, 8] {
        for course in Course::ALL {
            for tasks in [1, 3, 12, 32] {
                for (most, at_once) in [(1, 1), (4, 1), (4, 3), (16, 1), (16, 3)] {
                    for caller in [Caller::Pool, Caller::Manager] {
                        // The kind of connection makes no difference to the budget.
                        let way = if tasks == 3 { Way::Tls } else { Way::Clear };
                        let fault = (0, Fault::None);
                        all.push(BudgetCase {
                            refusal,
                            limit,
                            course,
                            tasks,
                            most,
                            at_once,
                            caller,
                            way,
                            fault,
                            seed,
                        });
                    }
                }
            }
        }
    }
    all
}

/// One of the first sessions has a fault: at its greeting, its login or its transfers
fn with_faults(refusal: Refusal, seed: u64) -> Vec<BudgetCase> {
    /// About the numbers of bytes and replies of a session until its second transfer has ended
    const BYTES: usize = 300;
    const REPLIES: usize = 13;
    let mut faults = Vec::new();
    for at in (0..BYTES).step_by(11) {
        faults.push(Fault::Control(ControlFault::Cut, at));
        faults.push(Fault::Control(ControlFault::Silent, at));
        for how in [WireFault::Cut, WireFault::Reset, WireFault::Silent] {
            faults.push(Fault::Wire(how, Which::Control, Side::Server, at));
        }
        faults.push(Fault::Wire(WireFault::Reset, Which::Control, Side::Client, at / 3));
    }
    for number in 0..REPLIES {
        faults.push(Fault::Closing(Position::Before, number));
        faults.push(Fault::Closing(Position::After, number));
    }
    for at in [0, 20] {
        for how in [DataFault::Refused, DataFault::Cut, DataFault::Reset, DataFault::Silent] {
            faults.push(Fault::Data(how, at));
        }
    }
    let mut all = Vec::new();
    for (number, fault) in (0..3).flat_map(|number| faults.iter().map(move |f| (number, *f))) {
        for (limit, caller) in
            [0, 1, 2].into_iter().flat_map(|l| [(l, Caller::Pool), (l, Caller::Manager)])
        {
            all.push(BudgetCase {
                refusal,
                limit,
                course: Course::Constant,
                tasks: 4,
                most: 3,
                at_once: 1,
                caller,
                way: Way::Clear,
                fault: (number, fault),
                seed,
            });
        }
    }
    all
}

impl BudgetTally {
    fn play(&mut self, case: BudgetCase, tls: Tls) {
        self.cases += 1;
        let play = || World::new(case, tls, false).play();
        let (count, what) = match catch_unwind(AssertUnwindSafe(play)) {
            Err(_) => (&mut self.panics, "panic".to_owned()),
            Ok((verdict, digest)) => {
                // A sum, because threads finish their cases in any order.
                self.digest = self.digest.wrapping_add(digest);
                match verdict {
                    Verdict::Sound => return,
                    Verdict::Hang(what) => (&mut self.hangs, format!("hang: {what}")),
                    Verdict::Wrong(what) => (&mut self.wrong, format!("wrong: {what}")),
                }
            }
        };
        *count += 1;
        let kind = what.chars().filter(|c| !c.is_ascii_digit()).collect();
        let kind = self.failures.entry(kind);
        kind.or_insert_with(|| BudgetFailure { count: 0, case, what }).count += 1;
    }

    fn add(&mut self, other: Self) {
        self.cases += other.cases;
        self.hangs += other.hangs;
        self.wrong += other.wrong;
        self.panics += other.panics;
        self.digest = self.digest.wrapping_add(other.digest);
        for (kind, failure) in other.failures {
            let count = failure.count;
            let sum = self.failures.entry(kind);
            sum.and_modify(|sum| sum.count += count).or_insert(failure);
        }
    }

    /// Whether nothing failed
    #[must_use]
    pub const fn is_sound(&self) -> bool {
        self.hangs == 0 && self.wrong == 0 && self.panics == 0
    }
}
