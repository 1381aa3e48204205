//! The laws of a whole run
//!
//! The expectations, as docs/proofs.md has them: against a server with a constant limit, one refusal in ten minutes; a
//! number that the server states is remembered; while it accepts nothing, attempts become rare, but don't stop; a
//! refusal for the number of sessions is no error of a task; a limit that was raised is found.

use std::time::Duration;

use super::{Login, State, TaskEnd, TaskState, Verdict, World};
use crate::Fault;
use crate::engine::budget::{Caller, Course};
use crate::engine::door::Refusal;

/// How long a refusal limits the number of sessions
const CEILING_HOLDS: Duration = Duration::from_secs(600);

/// The shortest and the longest time between attempts while the server accepts no session, and the time that an attempt
/// takes itself
const BACK_OFF: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(60));
const ATTEMPT: Duration = Duration::from_secs(5);

impl World {
    /// Notes how many sessions live
    pub(super) fn watch(&mut self) {
        let live = self.members.values().filter(|member| {
            matches!(member.state, State::Busy(..) | State::Held(..) | State::Idle)
        });
        let (live, now) = (live.count(), self.now);
        let begun = self.members.len();
        let most = self.case.most;
        self.pool.law(begun <= most, || format!("{begun} sessions, above the maximum of {most}"));
        let (since, before) = std::mem::replace(&mut self.watched, (now, live));
        for (period, peak) in self.case.course.watched().iter().zip(&mut self.peaks) {
            if period.contains(&now) {
                *peak = (*peak).max(live);
            }
            if since < period.end && now >= period.start {
                *peak = (*peak).max(before);
            }
        }
    }

    /// Compares the whole run with the laws
    pub(super) fn judge(&self) -> Verdict {
        let judged = self
            .count_is_zero()
            .and_then(|()| self.passwords())
            .and_then(|()| self.refusals())
            .and_then(|()| self.back_off())
            .and_then(|()| self.places_are_used())
            .and_then(|()| self.ends_of_tasks());
        judged.map_or_else(Verdict::Wrong, |()| Verdict::Sound)
    }

    fn is_faulty(&self) -> bool {
        self.case.fault.1 != Fault::None
    }

    fn is_constant(&self) -> bool {
        self.case.course == Course::Constant
    }

    fn count_is_zero(&self) -> Result<(), String> {
        match self.pool.budget.count() {
            0 => Ok(()),
            count => Err(format!("{count} sessions are counted, and none is there")),
        }
    }

    /// A refused password is not sent again by others
    fn passwords(&self) -> Result<(), String> {
        // A session that breaks before the answer has shown nothing.
        let most = 1 + usize::from(self.is_faulty());
        match self.counter.borrow().wrong_passwords.len() {
            sent if sent > most => Err(format!("the wrong password is sent in {sent} sessions")),
            _ => Ok(()),
        }
    }

    /// Against a constant limit: one refusal in ten minutes, or as many as sessions may be opening at once; only one at
    /// all if the server has stated its limit
    fn refusals(&self) -> Result<(), String> {
        let refusal = self.case.refusal;
        if !self.is_constant() || self.case.limit == 0 || !refusal.has_words() {
            return Ok(());
        }
        let counter = self.counter.borrow();
        // While the server counts a session whose connection has fallen silent, it has a place less.
        let refusals = counter.refusals.iter().copied().filter(|at| *at > self.noticed);
        let refusals: Vec<_> = refusals.collect();
        // A refusal may be lost. If the connection falls silent instead, the session even seems to be admitted, until its
        // deadline.
        let most = self.case.at_once + 2 * usize::from(self.is_faulty());
        if refusal.is_stated() && refusals.len() > most {
            return Err(format!("a stated limit is tried at {refusals:?}"));
        }
        let mut pairs = refusals.iter().zip(refusals.iter().skip(most));
        match pairs.find(|(one, later)| **later - **one < CEILING_HOLDS) {
            Some((one, later)) => Err(format!("{} refusals from {one:?} to {later:?}", most + 1)),
            None => Ok(()),
        }
    }

    /// While the server accepts no session: attempts become rarer, within bounds, and go on
    fn back_off(&self) -> Result<(), String> {
        if self.case.limit > 0 || !self.case.refusal.has_words() || self.is_faulty() {
            return Ok(());
        }
        let until = self.case.course.changes().first().copied().unwrap_or(Duration::MAX);
        let counter = self.counter.borrow();
        let arrivals: Vec<_> = counter.arrivals.iter().take_while(|at| **at < until).collect();
        let (first, longest) = BACK_OFF;
        let together = arrivals.iter().zip(arrivals.iter().skip(self.case.at_once));
        for (one, later) in together {
            if **later - **one < first {
                return Err(format!("attempts at {one:?} and {later:?}"));
            }
        }
        let gaps: Vec<_> = arrivals.windows(2).map(|pair| *pair[1] - *pair[0]).collect();
        if let Some(gap) = gaps.iter().find(|gap| **gap > longest + ATTEMPT) {
            return Err(format!("no attempt for {gap:?}"));
        }
        let rarer = gaps.windows(2).all(|pair| pair[1] + ATTEMPT >= pair[0]);
        match rarer || self.case.at_once > 1 {
            true => Ok(()),
            false => Err(format!("attempts become more frequent: {gaps:?}")),
        }
    }

    /// The places that the server has are used, and so are those that it has after its limit was raised
    fn places_are_used(&self) -> Result<(), String> {
        let refusal = self.case.refusal;
        if self.is_faulty() || !refusal.has_words() {
            return Ok(());
        }
        for (number, (period, peak)) in
            self.case.course.watched().iter().zip(&self.peaks).enumerate()
        {
            // A number that the server has stated holds until it states another one.
            if number > 0 && refusal.is_stated() && self.case.limit > 0 {
                continue;
            }
            let wanted = self.tasks.iter().filter(|task| {
                task.login != Login::Wrong
                    && !matches!(&task.state, TaskState::Ended(TaskEnd::TimedOut(_)))
            });
            let limit = self.case.course.limit(self.case.limit, period.start);
            let places = limit.min(self.case.most).min(wanted.count());
            // A session that ends while another one is being refused does not count for the ceiling, though the server
            // may still have counted it.
            let closes = self.case.caller == Caller::Manager
                || self.tasks.iter().any(|task| task.login != Login::Usual);
            let spare = if closes { self.case.at_once.min(places.saturating_sub(1)) } else { 0 };
            let places = places - spare;
            if *peak < places {
                return Err(format!("{peak} of {places} places are used in {period:?}"));
            }
        }
        Ok(())
    }

    /// A refusal for the number of sessions is no error, until a task has waited too long
    fn ends_of_tasks(&self) -> Result<(), String> {
        let is_steady = matches!(self.case.course, Course::Constant | Course::Rises);
        for task in &self.tasks {
            let TaskState::Ended(end) = &task.state else {
                return Err("a task goes on".to_owned());
            };
            let holds = match end {
                TaskEnd::Done => self.case.limit > 0 || !self.is_constant(),
                TaskEnd::Rejected => task.login == Login::Wrong,
                TaskEnd::Failed(error) if error.is_auth() => task.login == Login::Wrong,
                TaskEnd::Failed(error) => {
                    self.is_faulty()
                        || self.case.refusal == Refusal::Closes
                        || self.case.refusal == Refusal::Data && error.reply().is_some()
                        || self.case.refusal == Refusal::Cuts && !is_steady
                }
                // Nobody else is refused where there is a place.
                TaskEnd::TimedOut(Some(refusal)) => refusal.reply().is_some(),
                TaskEnd::TimedOut(None) => true,
            };
            if !holds {
                return Err(format!("a task with {:?} ends: {end:?}", task.login));
            }
        }
        // While nothing is accepted, each attempt is a refusal of some task.
        let told = self.tasks.iter().any(|task| {
            matches!(task.state, TaskState::Ended(TaskEnd::TimedOut(Some(_)) | TaskEnd::Failed(_)))
        });
        match self.case.limit > 0
            || !self.is_constant()
            || told
            || self.case.caller == Caller::Manager
        {
            true => Ok(()),
            false => Err("no task is told why there is no session".to_owned()),
        }
    }
}
