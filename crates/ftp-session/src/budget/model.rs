//! A server with a limit, and whatever order sessions may come and go in

use ftp_proto::{Code, Reply, Time};
use proptest::prelude::*;

use super::*;

/// Longer than any wait for an answer of the model's
const ANSWERS_WITHIN: Duration = Duration::from_secs(9);

/// How long the server counts a connection that has broken, at most
const NOTICES_WITHIN: Duration = Duration::from_millis(200);

/// How long the server counts a session that it has said goodbye to, at most: its process has to end
const ENDS_WITHIN: Duration = Duration::from_millis(80);

#[derive(Clone, Copy, Debug)]
enum Step {
    /// Opens a session, if that may be; the answer takes so many milliseconds
    Open(u64),
    /// An opening session is given up
    GiveUp(usize),
    /// A living session ends
    End(SessionEnd),
    /// So many milliseconds pass
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..ANSWERS_WITHIN.as_millis() as u64).prop_map(Step::Open),
        1 => any::<usize>().prop_map(Step::GiveUp),
        2 => any::<bool>().prop_map(|orderly| {
            let end = if orderly { SessionEnd::Orderly } else { SessionEnd::Broken };
            Step::End(end)
        }),
        3 => (0..1000_u64).prop_map(Step::Pass),
        2 => (0..700_000_u64).prop_map(Step::Pass),
    ]
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Admitted,
    Refused,
}

struct World {
    now: Time,
    budget: Budget,
    limit: usize,
    states: bool,
    most: usize,
    opening: Vec<(Time, Answer)>,
    live: usize,
    /// What the server still counts, and until when
    ghosts: Vec<Time>,
    refusals: Vec<Time>,
}

impl World {
    fn counted(&self) -> usize {
        let opening = self.opening.iter().filter(|(_, answer)| *answer == Answer::Admitted);
        self.live + opening.count() + self.ghosts.iter().filter(|until| **until > self.now).count()
    }

    fn open(&mut self, answer_in: Duration) -> bool {
        if self.budget.admission(self.now) != Admission::Now {
            return false;
        }
        let admitted = self.counted() < self.limit;
        let answer = if admitted { Answer::Admitted } else { Answer::Refused };
        self.budget.begin(self.now);
        self.opening.push((self.now + answer_in, answer));
        assert!(self.live + self.opening.len() <= self.most, "above the user's maximum");
        true
    }

    fn pass(&mut self, duration: Duration) {
        let then = self.now + duration;
        while let Some(index) = (0..self.opening.len()).min_by_key(|index| self.opening[*index].0) {
            let (due, answer) = self.opening[index];
            if due > then {
                break;
            }
            self.opening.swap_remove(index);
            self.now = due;
            match answer {
                Answer::Admitted => {
                    self.live += 1;
                    self.budget.opened(due);
                }
                Answer::Refused => self.refuse(due),
            }
        }
        self.now = then;
    }

    fn refuse(&mut self, now: Time) {
        self.refusals.push(now);
        let text = match self.states {
            true => format!("Too many connections ({}) from this IP", self.limit),
            false => "There are too many connected users.".to_owned(),
        };
        self.budget.refused(&Reply::new(Code::SERVICE_CLOSING, text.as_bytes()), now);
    }

    fn apply(&mut self, step: Step) {
        match step {
            Step::Open(milliseconds) => {
                self.open(Duration::from_millis(milliseconds));
            }
            Step::GiveUp(index) if !self.opening.is_empty() => {
                let (_, answer) = self.opening.swap_remove(index % self.opening.len());
                if answer == Answer::Admitted {
                    self.ghosts.push(self.now + NOTICES_WITHIN);
                }
                self.budget.failed(self.now);
            }
            Step::End(end) if self.live > 0 => {
                self.live -= 1;
                let counted = match end {
                    SessionEnd::Broken => NOTICES_WITHIN,
                    _ => ENDS_WITHIN,
                };
                self.ghosts.push(self.now + counted);
                self.budget.ended(end, self.now);
            }
            Step::GiveUp(_) | Step::End(_) => {}
            Step::Pass(milliseconds) => self.pass(Duration::from_millis(milliseconds)),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn a_server_with_a_limit_refuses_once_in_ten_minutes(
        limit in 1_usize..12,
        most in 1_usize..16,
        states in any::<bool>(),
        steps in prop::collection::vec(step(), 1..200),
    ) {
        let mut world = World {
            now: Time::ZERO,
            budget: Budget::new(most),
            limit,
            states,
            most,
            opening: Vec::new(),
            live: 0,
            ghosts: Vec::new(),
            refusals: Vec::new(),
        };
        for step in steps {
            world.apply(step);
            prop_assert_eq!(world.budget.count(), world.live + world.opening.len());
        }
        for pair in world.refusals.windows(2) {
            prop_assert!(pair[1] - pair[0] >= CEILING_HOLDS, "{:?}", world.refusals);
        }
        if states {
            prop_assert!(world.refusals.len() <= 1, "{:?}", world.refusals);
        }

        // Nobody is stuck: whatever came before, a place that becomes free is taken, and in the end all are.
        world.pass(ANSWERS_WITHIN);
        if world.live > 0 {
            world.apply(Step::End(SessionEnd::Broken));
            world.pass(LINGER);
            prop_assert!(world.open(Duration::ZERO), "a free place stays empty: {:?}", world.budget);
            world.pass(Duration::ZERO);
        }
        let before = world.refusals.len();
        for _ in 0..40 {
            match world.budget.admission(world.now) {
                Admission::Now => {
                    world.open(Duration::ZERO);
                    world.pass(Duration::ZERO);
                }
                Admission::Later(Some(then)) => {
                    prop_assert!(then > world.now && then - world.now <= CEILING_HOLDS);
                    let wait = then - world.now;
                    world.pass(wait);
                }
                Admission::Later(None) => break,
            }
        }
        let reachable = limit.min(most);
        prop_assert!(world.live == reachable, "{} of {reachable}: {:?}", world.live, world.budget);
        // Forty rounds are at most as many times ten minutes.
        prop_assert!(world.refusals.len() - before <= 40);
    }

    /// Whatever is reported, in whatever order, there is an end to each wait
    #[test]
    fn nothing_that_is_reported_locks_anybody_out(
        reports in prop::collection::vec((0_u8..8, 0_u64..100_000), 1..200),
    ) {
        let mut budget = Budget::new(8);
        let mut now = Time::ZERO;
        let full = Reply::new(Code::SERVICE_CLOSING, b"Too many connections (3)");
        for (report, milliseconds) in reports {
            now += Duration::from_millis(milliseconds);
            match report {
                0 => budget.begin(now),
                1 => budget.opened(now),
                2 => budget.refused(&full, now),
                3 => budget.failed(now),
                4 => budget.ended(SessionEnd::Orderly, now),
                5 => budget.ended(SessionEnd::Broken, now),
                6 => budget.ended(SessionEnd::Cut, now),
                _ => budget.data_failed(now),
            }
            prop_assert!(budget.limit(now) >= 1);
        }
        while budget.count() > 0 {
            budget.failed(now);
            budget.ended(SessionEnd::Orderly, now);
        }
        let mut waited = Duration::ZERO;
        while let Admission::Later(then) = budget.admission(now) {
            let Some(then) = then else { panic!("locked out: {budget:?}") };
            waited += then - now;
            now = then;
        }
        prop_assert!(waited <= BACK_OFF.1 + LINGER, "{waited:?}");
    }
}
