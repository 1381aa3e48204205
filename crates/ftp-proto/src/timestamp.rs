//! Calendar date and time, as FTP servers write them: without a time zone, proleptic Gregorian

use core::fmt;

/// A date and time with nanoseconds, without a time zone
///
/// Times in MDTM, MFMT and MLSx are UTC (RFC 3659 section 2.3); times in LIST are usually the
/// server's local time. The value does not store which of the two it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    year: u16,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
    nanosecond: u32,
}

impl Timestamp {
    /// Creates a date and time; `None` if there is no such day or time of day
    ///
    /// Years run from 1 to 9999. A `second` of 60 is a leap second and accepted (RFC 3659
    /// section 2.3); it counts as the first second of the next minute in [`Self::to_unix`].
    #[must_use]
    #[inline(always)]
    pub const fn new(
        year: u16,
        month: u8,
        day: u8,
        hour: u8,
        minute: u8,
        second: u8,
    ) -> Option<Self> {
        let valid = year >= 1
            && year <= 9999
            && day >= 1
            && day <= days_in_month(year, month)
            && hour <= 23
            && minute <= 59
            && second <= 60;
        if !valid {
            return None;
        }
        Some(Self { year, month, day, hour, minute, second, nanosecond: 0 })
    }

    /// Returns the same second with a fraction in nanoseconds; `None` above 999,999,999
    #[must_use]
    pub const fn with_nanosecond(self, nanosecond: u32) -> Option<Self> {
        if nanosecond > 999_999_999 {
            return None;
        }
        Some(Self { nanosecond, ..self })
    }

    /// Returns the time this many seconds after (before, if negative) 1970-01-01 00:00:00
    ///
    /// `None` outside the years 1 to 9999.
    #[must_use]
    pub const fn from_unix(seconds: i64) -> Option<Self> {
        let days = seconds.div_euclid(86_400);
        let of_day = seconds.rem_euclid(86_400);
        // Howard Hinnant's civil_from_days, in eras of 400 years that begin on 1 March.
        let z = days + 719_468;
        let era = z.div_euclid(146_097);
        let day_of_era = z.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        let year = year_of_era + era * 400 + (month <= 2) as i64;
        if year < 1 || year > 9999 {
            return None;
        }
        Self::new(
            year as u16,
            month as u8,
            day as u8,
            (of_day / 3600) as u8,
            (of_day / 60 % 60) as u8,
            (of_day % 60) as u8,
        )
    }

    /// Returns the seconds since 1970-01-01 00:00:00, negative before it; the fraction is dropped
    ///
    /// Takes the value as UTC: for a local time subtract the zone's offset.
    #[must_use]
    pub const fn to_unix(self) -> i64 {
        let year = self.year as i64 - (self.month <= 2) as i64;
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let month = self.month as i64;
        let shifted = if month > 2 { month - 3 } else { month + 9 };
        let day_of_year = (153 * shifted + 2) / 5 + self.day as i64 - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let days = era * 146_097 + day_of_era - 719_468;
        days * 86_400 + self.hour as i64 * 3600 + self.minute as i64 * 60 + self.second as i64
    }

    /// Returns the year, 1 to 9999
    #[must_use]
    pub const fn year(self) -> u16 {
        self.year
    }

    /// Returns the month, 1 to 12
    #[must_use]
    pub const fn month(self) -> u8 {
        self.month
    }

    /// Returns the day of the month, 1 to 31
    #[must_use]
    pub const fn day(self) -> u8 {
        self.day
    }

    /// Returns the hour, 0 to 23
    #[must_use]
    pub const fn hour(self) -> u8 {
        self.hour
    }

    /// Returns the minute, 0 to 59
    #[must_use]
    pub const fn minute(self) -> u8 {
        self.minute
    }

    /// Returns the second, 0 to 60
    #[must_use]
    pub const fn second(self) -> u8 {
        self.second
    }

    /// Returns the fraction of the second in nanoseconds, 0 to 999,999,999
    #[must_use]
    pub const fn nanosecond(self) -> u32 {
        self.nanosecond
    }
}

/// Returns the number of days in a month, 0 if there is no such month
#[inline]
pub(crate) const fn days_in_month(year: u16, month: u8) -> u8 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 0,
    }
}

/// Displays ISO 8601 without a zone: `2026-01-31T12:00:00`, followed by `.250` or more digits if there is a fraction
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { year, month, day, hour, minute, second, nanosecond } = *self;
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        match nanosecond {
            0 => Ok(()),
            n if n % 1_000_000 == 0 => write!(f, ".{:03}", n / 1_000_000),
            n if n % 1_000 == 0 => write!(f, ".{:06}", n / 1_000),
            n => write!(f, ".{n:09}"),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unix_seconds_round_trip() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00"),
            (-1, "1969-12-31T23:59:59"),
            (951_782_400, "2000-02-29T00:00:00"),
            (1_769_860_800, "2026-01-31T12:00:00"),
            (4_107_542_399, "2100-02-28T23:59:59"),
        ] {
            let time = Timestamp::from_unix(seconds).unwrap();
            assert_eq!(std::format!("{time}"), text);
            assert_eq!(time.to_unix(), seconds);
        }
        assert_eq!(Timestamp::from_unix(i64::MAX / 4), None);
    }

    #[test]
    fn days_that_do_not_exist_are_refused() {
        assert!(Timestamp::new(2024, 2, 29, 0, 0, 0).is_some());
        assert_eq!(Timestamp::new(2025, 2, 29, 0, 0, 0), None);
        assert_eq!(Timestamp::new(1900, 2, 29, 0, 0, 0), None);
        assert_eq!(Timestamp::new(2025, 13, 1, 0, 0, 0), None);
        assert_eq!(Timestamp::new(2025, 0, 1, 0, 0, 0), None);
        assert_eq!(Timestamp::new(2025, 1, 1, 24, 0, 0), None);
        assert!(Timestamp::new(2016, 12, 31, 23, 59, 60).is_some());
    }
}
