//! Time: how long a call may take, and the machine's clock, which is paused between calls
//!
//! Between two calls nothing reads the connections, so the machine's deadlines must not expire then: the server may
//! have answered long ago. The machine therefore gets a clock that leaves these pauses out.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ftp_session::{Error, Origin, Time};

#[derive(Debug)]
pub(crate) struct Clock {
    /// The origin of the machine's clock, moved later by the length of each pause
    origin: Origin,
    /// When the current pause began
    since: Option<Instant>,
    /// [`Options::deadline`](crate::Options::deadline)
    limit: Option<Duration>,
    /// When the current call must end; `None`: no limit, or a time that can't be represented
    pub(crate) deadline: Option<Instant>,
    /// Shared with the open calls that consist of several calls
    open: Arc<()>,
}

/// A call that consists of several: they share its deadline for as long as this value lives
pub(crate) struct Call(#[expect(dead_code, reason = "it is counted")] Arc<()>);

/// The earlier of two times, where `None` means never
pub(crate) fn earliest(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    [one, other].into_iter().flatten().min()
}

impl Clock {
    pub(crate) fn new(limit: Option<Duration>) -> Self {
        let mut clock = Self {
            origin: Origin::new(Instant::now()),
            since: None,
            limit,
            deadline: None,
            open: Arc::default(),
        };
        clock.begin();
        clock
    }

    /// Begins a call: it gets a deadline of its own, unless it is part of another call
    pub(crate) fn begin(&mut self) {
        if Arc::strong_count(&self.open) == 1 {
            self.deadline = self.limit.and_then(|limit| Instant::now().checked_add(limit));
        }
    }

    /// Makes the calls that follow parts of the call that has begun
    pub(crate) fn go_on(&self) -> Call {
        Call(Arc::clone(&self.open))
    }

    /// The limit on a call, if its deadline has passed
    pub(crate) fn overdue(&self) -> Option<Duration> {
        self.limit.filter(|_| self.deadline.is_some_and(|at| at <= Instant::now()))
    }

    /// The time left for the call, at most `timeout`
    pub(crate) fn at_most(&self, timeout: Duration) -> Duration {
        let left = self.deadline.map(|at| at.saturating_duration_since(Instant::now()));
        left.map_or(timeout, |left| left.min(timeout))
    }

    /// Returns the error of the call: `Deadline` if a connection timed out because the call's deadline had passed
    pub(crate) fn explain(&self, error: Error) -> Error {
        let is_connecting =
            matches!(error, Error::Connect { .. } | Error::Proxy(_) | Error::Data { .. });
        match self.overdue() {
            Some(limit) if is_connecting && error.is_timeout() => Error::Deadline { limit },
            _ => error,
        }
    }

    /// The present on the machine's clock
    pub(crate) fn now(&self) -> Time {
        self.origin.now()
    }

    /// Converts a time of the machine's to an instant; `None`: never
    pub(crate) fn real(&self, machine: Time) -> Option<Instant> {
        self.origin.instant(machine)
    }

    /// Stops the machine's clock
    pub(crate) fn pause(&mut self) {
        self.since = self.since.or_else(|| Some(Instant::now()));
    }

    /// Restarts the machine's clock
    pub(crate) fn resume(&mut self) {
        if let Some(since) = self.since.take() {
            self.origin = self.origin.later_by(since.elapsed());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_left_out() {
        let mut clock = Clock::new(None);
        let begun = clock.now();
        clock.pause();
        std::thread::sleep(Duration::from_millis(30));
        clock.resume();
        assert!(clock.now() - begun < Duration::from_millis(25));
    }

    #[test]
    fn a_call_that_makes_others_has_one_deadline() {
        let mut clock = Clock::new(Some(Duration::from_secs(60)));
        clock.begin();
        let call = clock.go_on();
        let deadline = clock.deadline;
        std::thread::sleep(Duration::from_millis(2));
        clock.begin();
        assert_eq!(clock.deadline, deadline);
        drop(call);
        clock.begin();
        assert!(clock.deadline > deadline);
        assert_eq!(clock.overdue(), None);
    }

    #[test]
    fn the_longest_time_is_never() {
        let mut clock = Clock::new(Some(Duration::MAX));
        clock.begin();
        assert_eq!((clock.deadline, clock.overdue()), (None, None));
        assert_eq!(clock.at_most(Duration::MAX), Duration::MAX);
    }
}
