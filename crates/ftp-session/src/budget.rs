//! How many sessions a server accepts from one client
//!
//! A [`Budget`] counts the sessions to one server and decides whether one more may be opened. It has no clock, does no
//! I/O and opens nothing itself: the caller asks [`Budget::admission`] before it opens a session, and reports the
//! outcome of each.
//!
//! ```text
//!                     ┌─▶ opened ──▶ ended(Orderly | Broken | Cut)
//!                     ├─▶ refused    too many sessions: the ceiling is the number that the server had accepted
//!                     └─▶ failed     anything else, a refused password included
//! ```

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::Duration;

use ftp_proto::{ConnectionError, Reply, Time};

use crate::session_limit::{is_about_ports, is_idle_timeout, stated_limit};

/// How long a refusal limits the number of sessions, before one more is tried
const CEILING_HOLDS: Duration = Duration::from_secs(600);

/// How long a session beyond the number that has been open at once may take to open before the next is tried anyway
const OPENING_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a server may count a session that has broken
const LINGER: Duration = Duration::from_millis(250);

/// How long it may count a session that it has ended itself: a process must exit after its 221
const PROCESS_EXIT: Duration = Duration::from_millis(100);

/// The first and the longest wait after a server has refused even a single session
const BACK_OFF: BackOff =
    BackOff { first: Duration::from_secs(5), longest: Duration::from_secs(60) };

/// Signs of overload within this time count as one
const ONE_EVENT: Duration = Duration::from_secs(10);

/// Data connections that fail within this time are counted together
const DATA_WINDOW: Duration = Duration::from_secs(60);

/// Minimum number of failed data connections that counts as overload
const DATA_FAILURES: usize = 3;

/// The sessions to one server: how many there are, and how many there may be
///
/// # Rules
///
/// - There are never more than the caller's maximum.
/// - If a session is refused while n others are open, n is the *ceiling*: for ten minutes no session beyond it is
///   opened. Then one more is tried. So a
///   server with a fixed limit refuses one session every ten minutes.
/// - A number that the server states ("Too many connections (8) from this IP") holds until it states another one, or
///   accepts more.
/// - Beyond the number that has been open at the same time, sessions are tried one after the other
///   ([`Self::at_once`]), because all sessions that are being opened when the limit is reached are refused.
/// - Servers count a session for a moment after it has ended, so no session is opened in its place during that moment.
/// - The ceiling is halved if the server ends open sessions with a 421 that is not about idleness, or because vsftpd
///   finds no free passive port, or if many data connections fail: as many as there are sessions, and at least
///   three, within a minute.
/// - If the only session is refused, no session is opened for 5 seconds at first and for a minute at most
///   ([`Self::back_off`]). The ceiling does not change, because such a refusal does not say how many sessions the server
///   accepts. After the wait they are tried one after the other.
/// - A refused password says nothing about the number of sessions.
///
/// All times have the same origin and don't decrease.
#[derive(Clone, Debug)]
pub struct Budget {
    most: usize,
    at_once: usize,
    live: usize,
    opening: usize,
    /// The largest number that has been open at the same time, unless the server has lowered it since
    proven: usize,
    ceiling: Option<Ceiling>,
    stated: Option<usize>,
    /// Until when the server may still count each session that has ended, the earliest first
    leaving: VecDeque<Time>,
    /// When the last session beyond the proven number was started
    tried: Time,
    /// Whether there were other sessions, or some that had just ended, when the last one was started
    had_others: bool,
    rest: Option<Time>,
    back_off: BackOff,
    /// The wait after the next refusal of the only session
    next_rest: Duration,
    halved: Option<Time>,
    data_failures: usize,
    first_data_failure: Time,
}

/// How long no session is opened after the only one has been refused; the wait doubles with each refusal
#[derive(Clone, Copy, Debug)]
struct BackOff {
    first: Duration,
    longest: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Ceiling {
    count: usize,
    until: Time,
}

/// Whether one more session may be opened
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "one may or may not")]
pub enum Admission {
    /// One more session may be opened
    Now,
    /// Not yet: ask again after the next report, or at this time; with `None`, time alone changes nothing
    Later(Option<Time>),
}

/// How an open session ended
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the server knows, or does not, or wants less")]
pub enum SessionEnd {
    /// The server knows of the end: it has answered QUIT, or closed the connection
    Orderly,
    /// The client or the network closed it: the server may notice a moment later
    Broken,
    /// The server ended it with a 421 while it was in use, or because it found no free passive port
    Cut,
}

impl SessionEnd {
    /// Classifies the end of a session by its error
    #[must_use]
    pub fn of(error: &ConnectionError) -> Self {
        match error {
            ConnectionError::ServiceClosing(reply) if !is_idle_timeout(reply) => Self::Cut,
            ConnectionError::Crashed(reply) if is_about_ports(reply) => Self::Cut,
            // This follows QUIT, or the server has closed.
            ConnectionError::LocallyClosed
            | ConnectionError::Eof
            | ConnectionError::ServiceClosing(_)
            | ConnectionError::Crashed(_)
            | ConnectionError::Refused(_) => Self::Orderly,
            _ => Self::Broken,
        }
    }
}

impl Budget {
    /// A budget without sessions, for at most `most` and at least one
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self {
            most: most.max(1),
            at_once: 1,
            live: 0,
            opening: 0,
            proven: 0,
            ceiling: None,
            stated: None,
            leaving: VecDeque::new(),
            tried: Time::ZERO,
            had_others: false,
            rest: None,
            back_off: BACK_OFF,
            next_rest: BACK_OFF.first,
            halved: None,
            data_failures: 0,
            first_data_failure: Time::ZERO,
        }
    }

    /// Sets how many sessions beyond the proven number may be opening at the same time; 1 by default and at least
    ///
    /// A higher number is faster at the start, but the server refuses that many more when its limit is reached.
    #[must_use]
    pub fn at_once(mut self, sessions: usize) -> Self {
        self.at_once = sessions.max(1);
        self
    }

    /// Sets how long no session is opened after the server has refused the only one; 5 seconds by default
    ///
    /// Each further refusal doubles the wait, up to `longest`, which is a minute by default. A caller that limits the
    /// number of its attempts sets the pauses between them here.
    #[must_use]
    pub fn back_off(mut self, first: Duration, longest: Duration) -> Self {
        self.back_off = BackOff { first, longest };
        self.next_rest = first;
        self
    }

    /// Ends the wait after refusals of the only session; the next refusal is the first one again
    ///
    /// This is for a caller that has given up, and tries again for another reason later.
    pub fn end_back_off(&mut self) {
        self.rest = None;
        self.next_rest = self.back_off.first;
    }

    /// Changes the caller's maximum, which is at least 1; open sessions stay open
    pub fn set_maximum(&mut self, most: usize) {
        self.most = most.max(1);
    }

    /// Sessions that are open or being opened
    #[must_use]
    pub const fn count(&self) -> usize {
        self.live + self.opening
    }

    /// The maximum number of sessions, as far as known
    #[must_use]
    pub fn limit(&self, now: Time) -> usize {
        self.most.min(self.servers_limit(now))
    }

    /// The number of sessions above a limit that has been lowered since; end that many soon
    #[must_use]
    pub fn excess(&self, now: Time) -> usize {
        self.count().saturating_sub(self.limit(now))
    }

    /// Whether nothing is counted or remembered that matters, so that a new budget would be equivalent
    #[must_use]
    pub fn can_be_forgotten(&self, now: Time) -> bool {
        self.count() == 0
            && self.leaving.iter().all(|until| *until <= now)
            && self.stated.is_none()
            && self.ceiling.is_none_or(|ceiling| ceiling.until <= now)
            && self.rest.is_none_or(|until| until <= now)
    }

    /// Whether one more session may be opened; if so, call [`Self::begin`] when you open it
    pub fn admission(&mut self, now: Time) -> Admission {
        self.forget(now);
        if self.rest.is_some() {
            return Admission::Later(self.rest);
        }
        let total = self.count();
        if total >= self.most {
            return Admission::Later(None);
        }
        if total + self.leaving.len() >= self.servers_limit(now) {
            // The ceiling expires, unless the server has stated it.
            let ceiling = self.ceiling.filter(|ceiling| {
                self.stated.is_none_or(|stated| ceiling.count < stated) && total < self.most
            });
            let forgotten_at = self.leaving.front().copied();
            let expires_at = ceiling.map(|ceiling| ceiling.until);
            return Admission::Later([forgotten_at, expires_at].into_iter().flatten().min());
        }
        // Sessions beyond the proven number wait while the server may still count ended ones: a refusal would be due
        // to those.
        if let Some(forgotten_at) = self.leaving.front() {
            if total + self.leaving.len() >= self.proven.saturating_add(self.at_once - 1) {
                return Admission::Later(Some(*forgotten_at));
            }
        } else if total >= self.proven.saturating_add(self.at_once) {
            // A session is already being tried, and it may hang.
            let patient = self.tried + OPENING_TIMEOUT;
            if self.opening > 0 && now < patient {
                return Admission::Later(Some(patient));
            }
        }
        Admission::Now
    }

    /// Reports that a session starts to open
    pub fn begin(&mut self, now: Time) {
        if self.count() >= self.proven {
            self.tried = now;
        }
        self.had_others = self.count() > 0 || self.leaving.iter().any(|until| *until > now);
        self.opening += 1;
    }

    /// Reports that a session is open: the server has accepted it
    pub fn opened(&mut self, _now: Time) {
        self.opening = self.opening.saturating_sub(1);
        self.live += 1;
        self.proven = self.proven.max(self.live);
        self.next_rest = self.back_off.first;
        // A smaller stated number was about something else.
        self.stated = self.stated.filter(|stated| *stated >= self.live);
    }

    /// Reports that the server has refused a session that was being opened, because there are too many
    pub fn refused(&mut self, reply: &Reply, now: Time) {
        self.forget(now);
        self.opening = self.opening.saturating_sub(1);
        if let Some(stated) = stated_limit(reply).filter(|stated| *stated >= self.live.max(1)) {
            self.stated = Some(stated);
        }
        let others = self.count();
        if others == 0 {
            self.rest = Some(now + self.next_rest);
            self.next_rest = self.next_rest.saturating_mul(2).min(self.back_off.longest);
        }
        if others == 0 && !self.had_others {
            // Other clients have all the sessions, or the server is not ready: this says nothing about their number.
            self.proven = 0;
        } else {
            self.lower(others, now);
        }
    }

    /// Reports that a session did not open for any other reason: no connection, a refused password, an attempt that
    /// was given up
    pub fn failed(&mut self, now: Time) {
        self.opening = self.opening.saturating_sub(1);
        self.leave(now + LINGER);
    }

    /// Reports that a session has ended that was [opened](Self::opened)
    pub fn ended(&mut self, end: SessionEnd, now: Time) {
        let before = self.live;
        self.live = self.live.saturating_sub(1);
        match end {
            SessionEnd::Orderly => self.leave(now + PROCESS_EXIT),
            SessionEnd::Broken => self.leave(now + LINGER),
            SessionEnd::Cut => {
                self.leave(now + PROCESS_EXIT);
                self.halve(before, now);
            }
        }
    }

    /// Reports that a data connection of an open session could not be opened, or was refused with 425
    pub fn data_failed(&mut self, now: Time) {
        if now > self.first_data_failure + DATA_WINDOW {
            self.data_failures = 0;
        }
        if self.data_failures == 0 {
            self.first_data_failure = now;
        }
        self.data_failures += 1;
        if self.data_failures >= self.live.max(DATA_FAILURES) {
            self.data_failures = 0;
            self.halve(self.live, now);
        }
    }

    /// Notes that the server may count an ended session until then
    fn leave(&mut self, until: Time) {
        let place = self.leaving.partition_point(|other| *other <= until);
        self.leaving.insert(place, until);
    }

    fn servers_limit(&self, now: Time) -> usize {
        let ceiling = self.ceiling.filter(|ceiling| ceiling.until > now);
        let ceiling = ceiling.map_or(usize::MAX, |ceiling| ceiling.count);
        ceiling.min(self.stated.unwrap_or(usize::MAX))
    }

    fn halve(&mut self, count: usize, now: Time) {
        if self.halved.is_some_and(|at| now < at + ONE_EVENT) {
            return;
        }
        self.halved = Some(now);
        self.lower(count / 2, now);
    }

    fn lower(&mut self, count: usize, now: Time) {
        let count = count.max(1).min(self.servers_limit(now));
        self.ceiling = Some(Ceiling { count, until: now + CEILING_HOLDS });
        self.proven = self.proven.min(count);
    }

    /// Forgets what has expired
    fn forget(&mut self, now: Time) {
        self.ceiling = self.ceiling.filter(|ceiling| ceiling.until > now);
        self.rest = self.rest.filter(|until| *until > now);
        while self.leaving.front().is_some_and(|until| *until <= now) {
            self.leaving.pop_front();
        }
    }
}
