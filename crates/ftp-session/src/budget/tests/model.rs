//! A model of a server with a limit, for sessions that come and go in any order
//!
//! The model behaves as real servers do: vsftpd (`max_per_ip`), Pure-FTPd (`-c`, `-C`) and ProFTPD (`MaxClients`)
//! decide at the connection or at the login, refuse with the texts below, and count a session until its process has
//! exited.

use ftp_proto::{Code, Reply, Time};
use proptest::prelude::*;

use crate::budget::*;

/// Longer than any wait for an answer of the model
const ANSWERS_WITHIN: Duration = Duration::from_secs(9);

/// How long the server counts a broken connection, at most
const NOTICES_WITHIN: Duration = Duration::from_millis(200);

/// How long the server counts a session after its 221, at most: the process must exit
const ENDS_WITHIN: Duration = Duration::from_millis(80);

/// How a server words its refusal; two of them state their limit
#[derive(Clone, Copy, Debug)]
enum Words {
    Vsftpd,
    PureFtpd,
    ProFtpd,
}

impl Words {
    fn refusal(self, limit: usize) -> Reply {
        let (code, text) = match self {
            Self::Vsftpd => {
                (421, "There are too many connections from your internet address.".into())
            }
            Self::PureFtpd => (421, format!("Too many connections ({limit}) from this IP")),
            Self::ProFtpd => (
                530,
                format!(
                    "Sorry, the maximum number of clients ({limit}) from your host are already connected."
                ),
            ),
        };
        Reply::new(Code::new(code).unwrap(), text.as_bytes())
    }

    const fn state_the_limit(self) -> bool {
        !matches!(self, Self::Vsftpd)
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    /// Opens a session, if the budget permits; the answer takes this many milliseconds
    Open(u64),
    /// As `Open`, but the answer is that the password is refused
    OpenInVain(u64),
    /// Gives up a session that is opening
    GiveUp(usize),
    /// Ends an open session, which the server counts for this many milliseconds more
    End(SessionEnd, u64),
    /// A data connection fails
    DataFails,
    /// Lets this many milliseconds pass
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let answer = || 0..ANSWERS_WITHIN.as_millis() as u64;
    let ends = || 0..=ENDS_WITHIN.as_millis() as u64;
    prop_oneof![
        6 => answer().prop_map(Step::Open),
        1 => answer().prop_map(Step::OpenInVain),
        1 => any::<usize>().prop_map(Step::GiveUp),
        1 => ends().prop_map(|counted| Step::End(SessionEnd::Orderly, counted)),
        1 => (0..=NOTICES_WITHIN.as_millis() as u64)
            .prop_map(|counted| Step::End(SessionEnd::Broken, counted)),
        1 => ends().prop_map(|counted| Step::End(SessionEnd::Cut, counted)),
        1 => Just(Step::DataFails),
        3 => (0..1000_u64).prop_map(Step::Pass),
        2 => (0..700_000_u64).prop_map(Step::Pass),
    ]
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Admitted,
    Refused,
    /// Accepted, until the password turns out to be wrong
    Rejected,
}

struct World {
    now: Time,
    budget: Budget,
    limit: usize,
    words: Words,
    most: usize,
    opening: Vec<(Time, Answer)>,
    live: usize,
    /// Until when the server still counts each ended session
    ghosts: Vec<Time>,
    refusals: Vec<Time>,
}

impl World {
    fn new(limit: usize, most: usize, words: Words) -> Self {
        Self {
            now: Time::ZERO,
            budget: Budget::new(most),
            limit,
            words,
            most,
            opening: Vec::new(),
            live: 0,
            ghosts: Vec::new(),
            refusals: Vec::new(),
        }
    }

    fn counted(&self) -> usize {
        let opening = self.opening.iter().filter(|(_, answer)| *answer != Answer::Refused);
        self.live + opening.count() + self.ghosts.iter().filter(|until| **until > self.now).count()
    }

    fn open(&mut self, answer_in: Duration, welcome: Answer) -> bool {
        if self.budget.admission(self.now) != Admission::Now {
            return false;
        }
        let admitted = self.counted() < self.limit;
        let answer = if admitted { welcome } else { Answer::Refused };
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
                Answer::Rejected => {
                    self.ghosts.push(due + ENDS_WITHIN);
                    self.budget.failed(due);
                }
            }
        }
        self.now = then;
    }

    fn refuse(&mut self, now: Time) {
        self.refusals.push(now);
        self.budget.refused(&self.words.refusal(self.limit), now);
        let others = self.live + self.opening.len();
        // Without other sessions, only the time until the next attempt follows from it.
        assert!(others == 0 || self.budget.limit(now) <= others, "a refusal that teaches nothing");
        assert_ne!(self.budget.admission(now), Admission::Now, "as if nothing had been refused");
    }

    fn apply(&mut self, step: Step) {
        match step {
            Step::Open(milliseconds) => {
                self.open(Duration::from_millis(milliseconds), Answer::Admitted);
            }
            Step::OpenInVain(milliseconds) => {
                self.open(Duration::from_millis(milliseconds), Answer::Rejected);
            }
            Step::GiveUp(index) if !self.opening.is_empty() => {
                let (_, answer) = self.opening.swap_remove(index % self.opening.len());
                if answer != Answer::Refused {
                    self.ghosts.push(self.now + NOTICES_WITHIN);
                }
                self.budget.failed(self.now);
            }
            Step::End(end, counted) if self.live > 0 => {
                self.live -= 1;
                self.ghosts.push(self.now + Duration::from_millis(counted));
                self.budget.ended(end, self.now);
            }
            Step::DataFails if self.live > 0 => self.budget.data_failed(self.now),
            Step::GiveUp(_) | Step::End(..) | Step::DataFails => {}
            Step::Pass(milliseconds) => self.pass(Duration::from_millis(milliseconds)),
        }
    }
}

impl World {
    /// Whatever came before: the server refuses once in ten minutes, and in the end each place is taken
    fn look_at_the_end(mut self) {
        for pair in self.refusals.windows(2) {
            assert!(pair[1] - pair[0] >= CEILING_HOLDS, "{:?}", self.refusals);
        }
        if self.words.state_the_limit() {
            assert!(self.refusals.len() <= 1, "{:?}", self.refusals);
        }

        self.pass(ANSWERS_WITHIN);
        if self.live > 0 {
            self.apply(Step::End(SessionEnd::Broken, 0));
            self.pass(LINGER);
            // There are more than fit if a 421 has lowered the ceiling.
            let fits = self.budget.count() < self.budget.limit(self.now);
            assert_eq!(self.open(Duration::ZERO, Answer::Admitted), fits, "{:?}", self.budget);
            self.pass(Duration::ZERO);
        }
        let before = self.refusals.len();
        for _ in 0..40 {
            match self.budget.admission(self.now) {
                Admission::Now => {
                    self.open(Duration::ZERO, Answer::Admitted);
                    self.pass(Duration::ZERO);
                }
                Admission::Later(Some(then)) => {
                    assert!(then > self.now && then - self.now <= CEILING_HOLDS);
                    let wait = then - self.now;
                    self.pass(wait);
                }
                Admission::Later(None) => break,
            }
        }
        let reachable = self.limit.min(self.most);
        assert_eq!(self.live, reachable, "{:?}", self.budget);
        // Forty rounds take at most forty times ten minutes.
        assert!(self.refusals.len() - before <= 40);
    }
}

/// Every fault at every step of all short sequences
#[test]
fn every_fault_at_every_place() {
    const STEPS: [Step; 11] = [
        Step::Open(0),
        Step::Open(500),
        Step::OpenInVain(0),
        Step::GiveUp(0),
        Step::End(SessionEnd::Orderly, 80),
        Step::End(SessionEnd::Broken, 200),
        Step::End(SessionEnd::Cut, 80),
        Step::DataFails,
        Step::Pass(0),
        Step::Pass(90),
        Step::Pass(600_000),
    ];
    const LENGTH: u32 = 4;
    const BEFORE: [Step; 5] = [
        Step::Open(0),
        Step::Open(0),
        Step::Open(0),
        Step::End(SessionEnd::Orderly, 80),
        Step::Pass(300),
    ];
    for story in 0..STEPS.len().pow(LENGTH) {
        // Start with no session, after a refusal, and after one session has left again.
        for (before, words) in [(0, Words::Vsftpd), (3, Words::PureFtpd), (5, Words::Vsftpd)] {
            let mut world = World::new(2, 3, words);
            for step in &BEFORE[..before] {
                world.apply(*step);
                world.pass(Duration::ZERO);
            }
            let mut rest = story;
            for _ in 0..LENGTH {
                world.apply(STEPS[rest % STEPS.len()]);
                world.pass(Duration::ZERO);
                rest /= STEPS.len();
                assert_eq!(world.budget.count(), world.live + world.opening.len());
            }
            world.look_at_the_end();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn a_server_with_a_limit_refuses_once_in_ten_minutes(
        limit in 1_usize..12,
        most in 1_usize..16,
        words in prop::sample::select(vec![Words::Vsftpd, Words::PureFtpd, Words::ProFtpd]),
        steps in prop::collection::vec(step(), 1..200),
    ) {
        let mut world = World::new(limit, most, words);
        for step in steps {
            world.apply(step);
            prop_assert_eq!(world.budget.count(), world.live + world.opening.len());
        }
        world.look_at_the_end();
    }

    /// Whatever is reported, in whatever order, each wait ends
    #[test]
    fn no_report_stops_all_sessions_for_ever(
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
        prop_assert!(waited <= BACK_OFF.longest + LINGER, "{waited:?}");
    }
}
