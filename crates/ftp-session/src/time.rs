//! Adds and compares times, which may be never, and has the origin of a shell's times

use std::time::{Duration, Instant};

use ftp_proto::Time;

/// The time `after` past `now`; `None` means never, if it can't be represented
pub(crate) fn later(now: Time, after: Duration) -> Option<Time> {
    now.checked_add(after)
}

/// Whether a deadline has passed; `None` never passes
pub(crate) fn has_passed(deadline: Option<Time>, now: Time) -> bool {
    deadline.is_some_and(|at| at <= now)
}

/// The [`Instant`] that a shell's [`Time`]s count from
///
/// A session accepts times of one origin only, so keep it with the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin(Instant);

impl Origin {
    /// The origin of all times from this instant on
    #[must_use]
    pub const fn new(instant: Instant) -> Self {
        Self(instant)
    }

    /// The present, from the system's clock
    #[must_use]
    pub fn now(self) -> Time {
        self.time(Instant::now())
    }

    /// The time at an instant; [`Time::ZERO`] for instants before the origin
    #[must_use]
    pub fn time(self, instant: Instant) -> Time {
        Time::after_origin(instant.saturating_duration_since(self.0))
    }

    /// Returns an origin that leaves out a pause: instants after it get times that are earlier by the length of the
    /// pause
    ///
    /// Between two calls of its user nothing reads a session's connections, so its deadlines must not expire then.
    #[must_use]
    pub fn later_by(self, pause: Duration) -> Self {
        Self(self.0.checked_add(pause).unwrap_or(self.0))
    }

    /// The instant of a time; `None`, which is never, for [`Time::MAX`] and any other time that the system's clock
    /// can't represent
    #[must_use]
    pub fn instant(self, time: Time) -> Option<Instant> {
        self.0.checked_add(time.since_origin()).filter(|_| !time.is_never())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_left_out() {
        let second = Duration::from_secs(1);
        let begun = Instant::now();
        let origin = Origin::new(begun);
        let time = origin.time(begun + 2 * second);
        let origin = origin.later_by(5 * second);
        assert_eq!(origin.time(begun + 7 * second), time);
        assert_eq!(origin.instant(time), Some(begun + 7 * second));
    }

    #[test]
    fn instants_and_times_are_the_same() {
        let second = Duration::from_secs(1);
        let begun = Instant::now();
        let origin = Origin::new(begun + second);
        assert_eq!(origin.time(begun), Time::ZERO);
        assert_eq!(origin.time(begun + 3 * second), Time::ZERO + 2 * second);
        assert_eq!(origin.instant(Time::ZERO + 2 * second), Some(begun + 3 * second));
        assert_eq!(origin.instant(Time::MAX), None);
        assert_eq!(origin.instant(Time::after_origin(Duration::MAX - second)), None);
    }
}
