//! The pool's state for one host: idle sessions, waiting tasks, and how many sessions there may be
//!
//! All of this runs under the pool's lock and does no I/O: tasks to wake and sessions to close are noted, and handled
//! once the lock is free.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use ftp_proto::{Reply, Time};
use ftp_session::{Admission, Budget, Error, Origin, SessionEnd};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::events::CloseReason;
use super::line::{Idle, Line, Turn};
use super::logins::Logins;
use super::member::Member;
use super::options::PoolBuilder;
use super::site::Site;

/// How many sessions of other sites may be handed out past the first task in line, before one of them is closed to
/// make room
///
/// Reusing a session costs nothing; opening one in its place costs a login. Without any limit, users who always have a
/// task in line would keep the others out.
const PASSED_BY: usize = 8;

pub(super) struct Host {
    budget: Budget,
    origin: Origin,
    /// Sorted by last use, the most recent last
    idle: Vec<Idle>,
    pub(super) line: Line,
    logins: Logins,
    /// Sessions that are being closed, which the budget still counts
    closing: usize,
    refused: u64,
    /// Why the last attempt to open a session failed, if none has succeeded since
    last_error: Option<Error>,
    /// Sessions to close once the lock is free; `closing` counts them too
    to_close: Vec<ToClose>,
}

/// A session that will be closed
pub(super) struct ToClose {
    pub(super) member: Box<Member>,
    pub(super) reason: CloseReason,
}

/// The result of an attempt to open a session
pub(super) enum Attempt {
    Opened,
    /// The server has too many sessions
    Refused(Reply, Error),
    /// The login was refused, which is remembered for this long
    Rejected(Error, Duration),
    Failed(Error),
    /// The task gave up
    GivenUp,
}

/// How a pool uses one host
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// Sessions that are open or being opened
    pub sessions: usize,
    /// Sessions among them that are idle
    pub idle: usize,
    /// Tasks that wait for a session
    pub waiting: usize,
    /// Maximum number of sessions, from the pool's settings and what the server has said
    pub limit: usize,
    /// Sessions that the server refused because there were too many, since the pool first used the host
    pub refused: u64,
}

impl Host {
    pub(super) fn new(settings: &PoolBuilder, origin: Origin) -> Self {
        Self {
            budget: Budget::new(settings.sessions).at_once(settings.at_once),
            origin,
            idle: Vec::new(),
            line: Line::default(),
            logins: Logins::default(),
            closing: 0,
            refused: 0,
            last_error: None,
            to_close: Vec::new(),
        }
    }

    fn time(&self, now: Instant) -> Time {
        self.origin.time(now.into_std())
    }

    pub(super) fn status(&self, now: Instant) -> Status {
        Status {
            sessions: self.budget.count(),
            idle: self.idle.len(),
            waiting: self.line.len(),
            limit: self.budget.limit(self.time(now)),
            refused: self.refused,
        }
    }

    /// The error of a refused login that must not be tried again
    pub(super) fn refusal(&self, site: &Site, now: Instant) -> Option<Error> {
        self.logins.refusal(site, now)
    }

    /// Why the last attempt to open a session failed, if none has succeeded since
    pub(super) fn last_error(&self) -> Option<Error> {
        self.last_error.as_ref().map(Error::duplicate)
    }

    /// Serves the waiting tasks: the only place where that is decided
    ///
    /// Idle sessions go first, since they cost nothing. The remaining tasks open sessions as far as the budget
    /// permits. If it does not, the first task looks again when the budget may permit it, and an idle session that
    /// fits no task is closed to make room.
    pub(super) fn serve(&mut self, now: Instant) {
        let time = self.time(now);
        self.logins.forget(now);
        while self.budget.excess(time) > self.closing && self.close_oldest(CloseReason::Ceiling) {}
        self.hand_over(now);
        while let Some(first) = self.first_to_open(now) {
            match self.budget.admission(time) {
                Admission::Now => {
                    self.budget.begin(time);
                    let logins = &mut self.logins;
                    self.line.call(first, |site| {
                        logins.begin(&site, now);
                        Turn::Open(site)
                    });
                    self.hand_over(now);
                }
                Admission::Later(then) => {
                    if let Some(at) = then.and_then(|then| self.origin.instant(then)) {
                        self.line.look_at(first, Instant::from_std(at));
                    }
                    if self.lacks_room(time) {
                        self.close_oldest(CloseReason::Room);
                        self.hand_over(now);
                    }
                    break;
                }
            }
        }
        self.look_at_logins(now);
    }

    /// Gives idle sessions to tasks that wait for their site, unless the first task that must open one was overtaken
    /// too often
    fn hand_over(&mut self, now: Instant) {
        let time = self.time(now);
        while let Some((number, place)) = self.first_that_fits() {
            let passed_by = self.first_to_open(now).filter(|first| *first < number);
            let patient = |first| self.line.passed_by(first) < PASSED_BY;
            if !passed_by.is_none_or(patient) && self.lacks_room(time) {
                return;
            }
            let idle = self.idle.remove(place);
            self.line.call(number, |_| Turn::Session(idle));
            if let Some(first) = passed_by {
                self.line.pass_by(first);
            }
        }
    }

    /// Finds the first task in line that an idle session fits, and that session: the one used last, because it is the
    /// least likely to be over
    fn first_that_fits(&self) -> Option<(u64, usize)> {
        // Mostly nobody waits, and then the idle sessions need not be looked at.
        self.line.firsts().next()?;
        let fits = |(place, idle): (usize, &Idle)| {
            self.line.first_for(&idle.member.site).map(|number| (number, place))
        };
        let idle = self.idle.iter().enumerate().rev();
        idle.filter_map(fits).min_by_key(|(number, _)| *number)
    }

    /// The first task in line that may open a session as far as its login is concerned
    fn first_to_open(&self, now: Instant) -> Option<u64> {
        let mut firsts = self.line.firsts();
        let first = firsts.find(|(_, site)| self.logins.tried_until(site, now).is_none());
        first.map(|(number, _)| number)
    }

    /// Makes tasks that wait for another task's login attempt look again when that takes too long
    fn look_at_logins(&mut self, now: Instant) {
        for (site, until) in self.logins.tried(now) {
            if let Some(first) = self.line.first_for(site) {
                self.line.look_at(first, until);
            }
        }
    }

    /// Whether no session can be opened before another is closed, and none is being closed
    fn lacks_room(&self, time: Time) -> bool {
        self.closing == 0 && self.budget.count() >= self.budget.limit(time)
    }

    /// Closes the session that was idle for longest; returns false if there is none
    fn close_oldest(&mut self, reason: CloseReason) -> bool {
        if self.idle.is_empty() {
            return false;
        }
        let member = self.idle.remove(0).member;
        self.close_later(member, reason);
        true
    }

    /// Notes that a session must be closed
    pub(super) fn close_later(&mut self, member: Box<Member>, reason: CloseReason) {
        self.closing += 1;
        self.to_close.push(ToClose { member, reason });
    }

    /// Keeps a returned session as idle
    pub(super) fn keep(&mut self, member: Box<Member>, now: Instant) {
        self.idle.push(Idle { member, since: now });
    }

    /// Removes the task with this number, which is gone
    pub(super) fn leave(&mut self, number: u64, now: Instant) {
        match self.line.leave(number) {
            Some(Turn::Session(idle)) => {
                let place = self.idle.partition_point(|other| other.since <= idle.since);
                self.idle.insert(place, idle);
            }
            Some(Turn::Open(site)) => self.attempted(&site, Attempt::GivenUp, now),
            Some(Turn::Rejected(_) | Turn::Closed) | None => {}
        }
    }

    /// Handles the result of an attempt to open a session
    pub(super) fn attempted(&mut self, site: &Site, attempt: Attempt, now: Instant) {
        let time = self.time(now);
        match attempt {
            Attempt::Opened => {
                self.budget.opened(time);
                self.logins.accepted(site);
                self.last_error = None;
            }
            Attempt::Refused(reply, error) => {
                self.refused += 1;
                self.last_error = Some(error);
                self.budget.refused(&reply, time);
                self.logins.gave_up(site);
            }
            Attempt::Rejected(error, memory) => {
                self.budget.failed(time);
                self.line.call_all(Some(site), || Turn::Rejected(error.duplicate()));
                self.logins.refused(site, now.checked_add(memory), error);
            }
            Attempt::Failed(error) => {
                self.last_error = Some(error);
                self.attempted(site, Attempt::GivenUp, now);
            }
            Attempt::GivenUp => {
                self.budget.failed(time);
                self.logins.gave_up(site);
            }
        }
    }

    /// Handles the end of a session that was in use or being closed
    pub(super) fn ended(
        &mut self,
        site: &Site,
        end: SessionEnd,
        ended_while: EndedWhile,
        now: Instant,
    ) {
        if ended_while == EndedWhile::Closing {
            self.closing = self.closing.saturating_sub(1);
        }
        self.logins.ended(site);
        self.budget.ended(end, self.time(now));
    }

    pub(super) fn data_failed(&mut self, failures: u32, now: Instant) {
        let time = self.time(now);
        (0..failures).for_each(|_| self.budget.data_failed(time));
    }

    /// Closes sessions that were idle for at least `limit`; returns when the next one will have been
    pub(super) fn reap(&mut self, limit: Duration, now: Instant) -> Option<Instant> {
        // The first one has been idle for longest.
        while let Some(idle) = self.idle.first() {
            match idle.since.checked_add(limit) {
                Some(at) if at <= now => self.close_oldest(CloseReason::Idle),
                at => return at,
            };
        }
        None
    }

    /// Closes the idle sessions, and calls all waiters, because the pool is closed
    pub(super) fn close(&mut self) {
        while self.close_oldest(CloseReason::PoolClosed) {}
        self.line.call_all(None, || Turn::Closed);
    }

    /// Returns the notes of what to do once the lock is free
    pub(super) fn take_deferred(&mut self) -> Deferred {
        Deferred {
            to_notify: self.line.take_to_notify(),
            to_close: std::mem::take(&mut self.to_close),
        }
    }

    /// Whether a new host would be equivalent
    pub(super) fn is_forgettable(&self, now: Instant) -> bool {
        self.idle.is_empty()
            && self.line.is_empty()
            && self.logins.can_be_forgotten(now)
            && self.closing == 0
            && self.budget.can_be_forgotten(self.time(now))
    }
}

/// The notes made under the lock
#[derive(Default)]
#[must_use = "tasks wait for it"]
pub(super) struct Deferred {
    pub(super) to_notify: Vec<Arc<Notify>>,
    pub(super) to_close: Vec<ToClose>,
}

impl Deferred {
    pub(super) fn add(&mut self, other: Self) {
        self.to_notify.extend(other.to_notify);
        self.to_close.extend(other.to_close);
    }
}

/// Whether a session was being closed when it ended
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EndedWhile {
    InUse,
    Closing,
}
