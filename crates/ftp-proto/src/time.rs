//! Points in time, according to the caller's clock

use core::ops::{Add, AddAssign, Sub};
use core::time::Duration;

/// A point in time, measured from an origin
///
/// The caller chooses the origin and the clock: a monotonic clock of the system, a counter of ticks,
/// a clock that a test controls. All times given to one client have the same origin. Times should not decrease; a time
/// before an earlier one makes no deadline pass.
///
/// ```
/// use core::time::Duration;
/// use ftp_proto::Time;
///
/// let begun = Time::after_origin(Duration::from_secs(5));
/// let deadline = begun + Duration::from_secs(10);
/// assert_eq!(deadline - begun, Duration::from_secs(10));
/// assert!((deadline + Duration::MAX).is_never());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(Duration);

impl Time {
    /// The origin
    pub const ZERO: Self = Self(Duration::ZERO);

    /// Never: a time that no clock reaches
    ///
    /// Additions that would exceed it return it. A deadline that would be `MAX` is not set, so a
    /// time-out of [`Duration::MAX`] never occurs, and [`Client::poll_timeout`](crate::Client::poll_timeout)
    /// never returns `MAX`.
    pub const MAX: Self = Self(Duration::MAX);

    /// Returns the time that is `duration` after the origin
    #[must_use]
    pub const fn after_origin(duration: Duration) -> Self {
        Self(duration)
    }

    /// Returns how long after the origin this time is
    #[must_use]
    pub const fn since_origin(self) -> Duration {
        self.0
    }

    /// Whether this is [`Self::MAX`]
    #[must_use]
    pub fn is_never(self) -> bool {
        self == Self::MAX
    }

    /// Returns the time `after` later; `None` if that is never
    #[must_use]
    pub fn checked_add(self, after: Duration) -> Option<Self> {
        Some(self + after).filter(|time| !time.is_never())
    }

    /// Returns how long after `earlier` this time is; zero if it is before `earlier`
    #[must_use]
    pub const fn saturating_duration_since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// Returns the time `after` later, at most [`Time::MAX`]; it never panics
impl Add<Duration> for Time {
    type Output = Self;

    fn add(self, after: Duration) -> Self {
        Self(self.0.saturating_add(after))
    }
}

/// As [`Time::add`]
impl AddAssign<Duration> for Time {
    fn add_assign(&mut self, after: Duration) {
        *self = *self + after;
    }
}

/// As [`Time::saturating_duration_since`]
impl Sub for Time {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.saturating_duration_since(earlier)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn additions_end_at_never() {
        let late = Time::after_origin(Duration::MAX - Duration::from_secs(1));
        let mut time = late + Duration::from_millis(999);
        assert!(!time.is_never());
        time += Duration::from_secs(1);
        assert_eq!(time, Time::MAX);
        assert_eq!(time + Duration::from_secs(1), Time::MAX);
        assert_eq!(late.checked_add(Duration::from_secs(1)), None);
        assert_eq!(Time::ZERO.checked_add(Duration::MAX), None);
        assert_eq!(Time::ZERO.checked_add(Duration::ZERO), Some(Time::ZERO));
    }

    #[test]
    fn nothing_is_before_an_earlier_time() {
        let second = Time::after_origin(Duration::from_secs(1));
        assert_eq!(second.saturating_duration_since(Time::ZERO), Duration::from_secs(1));
        assert_eq!(Time::ZERO - second, Duration::ZERO);
    }
}
