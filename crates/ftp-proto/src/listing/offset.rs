//! The difference between the clock in a server's listings and UTC

use super::time::{Modified, Precision, Zone, shifted};
use crate::Timestamp;

/// How far the clock in a server's listings is ahead of UTC
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UtcOffset {
    seconds: i32,
}

impl UtcOffset {
    /// Creates an offset of this many seconds, positive for eastern zones; `None` for 24 hours or more
    #[must_use]
    pub const fn from_seconds(seconds: i32) -> Option<Self> {
        const DAY: i32 = 24 * 60 * 60;
        if seconds > -DAY && seconds < DAY { Some(Self { seconds }) } else { None }
    }

    /// Returns the offset in seconds, positive for eastern zones
    #[must_use]
    pub const fn seconds(self) -> i32 {
        self.seconds
    }

    /// Computes the offset from the time in a line and the time that MDTM returns for the same file, which is UTC
    /// (RFC 3659 section 3)
    ///
    /// `None` if the difference, within the precision of the line, is not a multiple of 15 minutes from -12 to +14
    /// hours: the file has changed meanwhile, or the line contains no time of day, or a time that is not local.
    /// Choose a file that was modified in the last months, because lines contain no time of day for older ones, and
    /// remember that daylight saving time may make a difference.
    #[must_use]
    pub fn learn(listed: Modified, mdtm: Timestamp) -> Option<Self> {
        const QUARTER: i64 = 15 * 60;
        let Modified::At { time, precision, zone: Zone::Server } = listed else { return None };
        // Lines omit the seconds.
        let blur = match precision {
            Precision::Day => return None,
            Precision::Minute => 60,
            Precision::Second | Precision::Subsecond => 1,
        };
        let ahead = time.to_unix() - mdtm.to_unix();
        let quarters = (ahead + QUARTER / 2).div_euclid(QUARTER);
        let rest = ahead - quarters * QUARTER;
        let zones = -12 * 4..=14 * 4;
        if rest.abs() > blur || !zones.contains(&quarters) {
            return None;
        }
        Some(Self { seconds: i32::try_from(quarters * QUARTER).ok()? })
    }

    /// Converts a time in UTC to the server's clock
    pub(super) fn to_server(self, time: Timestamp) -> Option<Timestamp> {
        shifted(time, i64::from(self.seconds))
    }
}

impl Modified {
    /// Returns the time in UTC, if it is local and has a time of day; otherwise unchanged
    #[must_use]
    pub fn to_utc(self, offset: UtcOffset) -> Self {
        self.in_utc(offset.seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(hour: u8, minute: u8, precision: Precision, zone: Zone) -> Modified {
        let time = Timestamp::new(2026, 3, 10, hour, minute, 0).unwrap();
        Modified::At { time, precision, zone }
    }

    fn learned(hour: u8, minute: u8, mdtm: [u8; 3]) -> Option<i32> {
        let [h, m, s] = mdtm;
        let mdtm = Timestamp::new(2026, 3, 10, h, m, s).unwrap();
        let listed = listed(hour, minute, Precision::Minute, Zone::Server);
        UtcOffset::learn(listed, mdtm).map(UtcOffset::seconds)
    }

    #[test]
    fn offsets_are_learned_to_the_quarter() {
        assert_eq!(learned(12, 34, [12, 34, 56]), Some(0));
        assert_eq!(learned(13, 34, [12, 34, 56]), Some(3600));
        assert_eq!(learned(7, 34, [12, 34, 0]), Some(-5 * 3600));
        assert_eq!(learned(18, 19, [12, 34, 59]), Some(5 * 3600 + 45 * 60));
        // Something else has happened to the file.
        assert_eq!(learned(12, 40, [12, 34, 56]), None);
        assert_eq!(learned(23, 34, [2, 34, 56]), None);
    }

    #[test]
    fn nothing_is_learned_from_days_or_from_utc() {
        let mdtm = Timestamp::new(2026, 3, 10, 12, 34, 0).unwrap();
        let day = listed(0, 0, Precision::Day, Zone::Server);
        let utc = listed(12, 34, Precision::Minute, Zone::Utc);
        assert_eq!(UtcOffset::learn(day, mdtm), None);
        assert_eq!(UtcOffset::learn(utc, mdtm), None);
    }

    #[test]
    fn local_times_become_utc() {
        let offset = UtcOffset::from_seconds(2 * 3600).unwrap();
        let local = listed(1, 30, Precision::Minute, Zone::Server);
        let Modified::At { time, zone, .. } = local.to_utc(offset) else { panic!("a time") };
        let expected = Timestamp::new(2026, 3, 9, 23, 30, 0).unwrap();
        assert_eq!((time, zone), (expected, Zone::Utc));
        let day = listed(0, 0, Precision::Day, Zone::Server);
        assert_eq!(day.to_utc(offset), day);
    }
}
