//! Times in listings, with the precision and the time zone that the line contains

use super::month::Language;
use super::scan::{small, year};
use crate::Timestamp;
use crate::timestamp::days_in_month;

/// The time when a file was modified, as precisely as the line contains it
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Modified {
    /// A date, with or without a time of day
    At {
        /// The time; parts that the line does not contain are 0
        time: Timestamp,
        /// Which parts the line contains
        precision: Precision,
        /// Which clock the time is from
        zone: Zone,
    },
    /// A date without a year, while the current time is not known
    /// ([`ListingParser::with_now`](super::ListingParser::with_now))
    Yearless {
        /// 1 to 12
        month: u8,
        /// 1 to 31
        day: u8,
        /// 0 to 23
        hour: u8,
        /// 0 to 59
        minute: u8,
    },
}

impl Modified {
    /// Returns the time, if it is in UTC: from MLSD, from a line with an offset, or from a line of a server whose
    /// [offset](super::UtcOffset) is known. Parts that the line does not contain are 0
    #[must_use]
    pub const fn utc(self) -> Option<Timestamp> {
        match self {
            Self::At { time, zone: Zone::Utc, .. } => Some(time),
            _ => None,
        }
    }

    /// Whether it may be this time in UTC, at the precision of the line: a line with minutes matches any
    /// second of its minute
    ///
    /// `None` if the two can't be compared: the line's time is from the server's clock, or has no year.
    #[must_use]
    pub const fn matches(self, utc: Timestamp) -> Option<bool> {
        let Self::At { time, precision, zone: Zone::Utc } = self else { return None };
        let unit = match precision {
            Precision::Day => 24 * 60 * 60,
            Precision::Minute => 60,
            Precision::Second => 1,
            Precision::Subsecond => {
                let same = time.to_unix() == utc.to_unix();
                return Some(same && time.nanosecond() == utc.nanosecond());
            }
        };
        Some(time.to_unix().div_euclid(unit) == utc.to_unix().div_euclid(unit))
    }

    /// Converts a time of a clock that is this many seconds ahead of UTC; a day alone stays as it is
    pub(super) fn in_utc(self, ahead: i32) -> Self {
        match self {
            Self::At { time, precision, zone: Zone::Server } if precision > Precision::Day => {
                match shifted(time, -i64::from(ahead)) {
                    Some(time) => Self::At { time, precision, zone: Zone::Utc },
                    None => self,
                }
            }
            other => other,
        }
    }

    /// Returns the same time on the next day, for `24:00`, which ends a day
    fn a_day_later(self) -> Option<Self> {
        const DAY: i64 = 24 * 60 * 60;
        match self {
            Self::At { time, precision, zone } => {
                let time = Timestamp::from_unix(time.to_unix() + DAY)?;
                Some(Self::At { time, precision, zone })
            }
            Self::Yearless { month, day, hour, minute } => {
                // 2000 is a leap year.
                let next = Timestamp::new(2000, month, day, hour, minute, 0)?.to_unix() + DAY;
                let next = Timestamp::from_unix(next)?;
                Some(Self::Yearless { month: next.month(), day: next.day(), hour, minute })
            }
        }
    }
}

/// Returns the time this many seconds later
pub(super) fn shifted(time: Timestamp, seconds: i64) -> Option<Timestamp> {
    let moved = Timestamp::from_unix(time.to_unix().checked_add(seconds)?)?;
    moved.with_nanosecond(time.nanosecond())
}

/// How precise a time is
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Precision {
    /// The day
    Day,
    /// The minute
    Minute,
    /// The second
    Second,
    /// Fractions of a second
    Subsecond,
}

/// Which clock a time is from
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Zone {
    /// UTC: MLSD, EPLF, and lines with an offset
    Utc,
    /// The server's local time, in an unknown time zone
    Server,
}

/// The order of the numbers in a date that does not show it
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DateOrder {
    /// `24/03/10`
    YearFirst,
    /// `03/10/24`
    MonthFirst,
    /// `10/03/24`
    DayFirst,
}

/// Information that helps to parse incomplete dates, and what earlier lines have shown about later ones
#[derive(Clone, Copy, Debug)]
pub(super) struct Dates {
    now: Option<Timestamp>,
    /// Seconds
    ahead: i64,
    /// The latest time that a date without a year may mean: `now` plus `ahead`
    latest: Option<Timestamp>,
    order: Order,
    /// Number of blanks between `<DIR>` and the name, in a listing of DOS
    blanks_after_dir: Option<usize>,
    /// Of the names of months
    pub(super) language: Language,
}

#[derive(Clone, Copy, Debug)]
enum Order {
    /// The default of the format, unless that gives no valid date
    Usual,
    /// The only order in which an earlier date was valid
    Seen(DateOrder),
    /// The order that the caller has set
    Fixed(DateOrder),
}

impl Dates {
    pub(super) const fn new() -> Self {
        /// One day: clocks and time zones differ
        const AHEAD: i64 = 24 * 60 * 60;
        Self {
            now: None,
            ahead: AHEAD,
            latest: None,
            order: Order::Usual,
            blanks_after_dir: None,
            language: Language::Unknown,
        }
    }

    pub(super) fn set_now(&mut self, now: Timestamp) {
        self.now = Some(now);
        self.set_ahead(self.ahead);
    }

    pub(super) fn set_ahead(&mut self, seconds: i64) {
        self.ahead = seconds;
        let latest = |now: Timestamp| Timestamp::from_unix(now.to_unix().saturating_add(seconds));
        self.latest = self.now.and_then(latest);
    }

    pub(super) fn set_order(&mut self, order: DateOrder) {
        self.order = Order::Fixed(order);
    }

    #[inline]
    pub(super) fn blanks_after_dir(&self) -> Option<usize> {
        self.blanks_after_dir
    }

    pub(super) fn set_blanks_after_dir(&mut self, blanks: usize) {
        self.blanks_after_dir = Some(blanks);
    }

    /// Whether `03/10/24` means 10 March where that is the default, as far as is known
    #[inline]
    pub(super) fn is_month_first(&self) -> bool {
        matches!(
            self.order,
            Order::Usual | Order::Seen(DateOrder::MonthFirst) | Order::Fixed(DateOrder::MonthFirst)
        )
    }

    /// Returns three numbers as year, month and day: in the first of these orders, or else in the first one that
    /// gives a valid date
    pub(super) fn arrange(&mut self, numbers: [&[u8]; 3], orders: &[DateOrder]) -> Option<Parts> {
        let fixed;
        let orders = match self.order {
            Order::Fixed(order) => {
                fixed = [order];
                &fixed[..]
            }
            Order::Seen(order) => {
                if let Some(parts) = arranged(numbers, order) {
                    return Some(parts);
                }
                orders
            }
            Order::Usual => orders,
        };
        let (at, parts) = orders
            .iter()
            .enumerate()
            .find_map(|(at, order)| Some((at, arranged(numbers, *order)?)))?;
        if at > 0 {
            self.order = Order::Seen(orders[at]);
        }
        Some(parts)
    }

    /// As [`Self::arrange`], for a word in the position of a date: `None` if it does not even look
    /// like a date, `Some(None)` if there is no such date
    pub(super) fn date(
        &mut self,
        numbers: [&[u8]; 3],
        orders: &[DateOrder],
    ) -> Option<Option<Parts>> {
        is_date_shaped(numbers).then(|| self.arrange(numbers, orders))
    }

    /// Returns two numbers as month and day, tried in the default order first
    pub(super) fn arrange_two(&self, one: u8, other: u8, usual: DateOrder) -> Option<(u8, u8)> {
        let order = match self.order {
            Order::Fixed(order) | Order::Seen(order) => order,
            Order::Usual => usual,
        };
        let (month, day) = if order == DateOrder::DayFirst { (other, one) } else { (one, other) };
        let fits = |month: u8, day: u8| (1..=days_in_month(2000, month)).contains(&day);
        if fits(month, day) { Some((month, day)) } else { fits(day, month).then_some((day, month)) }
    }
}

/// Returns the likely orders of three numbers with this separator, the most likely first
pub(super) const fn usual_orders(separator: u8, of_year: usize) -> &'static [DateOrder] {
    const DAY: &[DateOrder] = &[DateOrder::DayFirst, DateOrder::MonthFirst, DateOrder::YearFirst];
    const MONTH: &[DateOrder] = &[DateOrder::MonthFirst, DateOrder::DayFirst, DateOrder::YearFirst];
    match (separator, of_year) {
        (b'.', _) | (b'-', 4) => DAY,
        _ => MONTH,
    }
}

/// Whether these have the form of a date of three numbers, even if there is no such date
pub(super) fn is_date_shaped(numbers: [&[u8]; 3]) -> bool {
    let shaped = |part: &&[u8]| matches!(part.len(), 1..=4) && part.iter().all(u8::is_ascii_digit);
    numbers.iter().all(shaped)
}

fn arranged([first, second, third]: [&[u8]; 3], order: DateOrder) -> Option<Parts> {
    let (of_year, of_month, of_day) = match order {
        // Four digits are a year, whatever the order.
        _ if first.len() == 4 => (first, second, third),
        DateOrder::YearFirst => (first, second, third),
        DateOrder::MonthFirst => (third, first, second),
        DateOrder::DayFirst => (third, second, first),
    };
    let (year, month, day) = (year(of_year)?, small(of_month)?, small(of_day)?);
    let exists = (1..=days_in_month(year, month)).contains(&day);
    exists.then_some(Parts { year: Some(year), month, day, ..Parts::default() })
}

/// Date and time as they are written in a line
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Parts {
    pub(super) year: Option<u16>,
    pub(super) month: u8,
    pub(super) day: u8,
    /// Hour (24 at the end of a day), minute, second
    pub(super) time: Option<(u8, u8, Option<u8>)>,
    /// How far the clock of the time is ahead of UTC, in seconds, if the line contains it
    pub(super) offset: Option<i32>,
}

impl Parts {
    /// Adds a time to the day; `None` if the time is not valid, as the day alone would claim too much precision
    pub(super) fn at(self, time: Option<(u8, u8, Option<u8>)>) -> Option<Self> {
        time.map(|time| Self { time: Some(time), ..self })
    }

    /// Converts to [`Modified`]; `None` if there is no such time, in which case the entry has none
    pub(super) fn modified(self, dates: &Dates) -> Option<Modified> {
        let modified = match self.time {
            Some((24, minute, second)) => {
                let day = Self { time: Some((0, minute, second)), ..self }.exact(dates)?;
                day.a_day_later()?
            }
            _ => self.exact(dates)?,
        };
        Some(self.offset.map_or(modified, |ahead| modified.in_utc(ahead)))
    }

    /// As [`Self::modified`], for an hour below 24 and a time without an offset
    pub(super) fn exact(self, dates: &Dates) -> Option<Modified> {
        let Self { year, month, day, time, offset: _ } = self;
        let (hour, minute, second) = time.unwrap_or((0, 0, None));
        let precision = match time {
            None => Precision::Day,
            Some((_, _, None)) => Precision::Minute,
            Some((_, _, Some(_))) => Precision::Second,
        };
        let at = |year| Timestamp::new(year, month, day, hour, minute, second.unwrap_or(0));
        let time = match (year, dates.latest) {
            (Some(year), _) => at(year)?,
            (None, Some(latest)) => {
                let end = (latest.month(), latest.day(), latest.hour(), latest.minute());
                let later = (month, day, hour, minute) > end;
                let year = latest.year() - u16::from(later);
                // 29 February may be up to eight years ago (1896, 1904).
                (0..9).find_map(|ago| at(year.checked_sub(ago)?))?
            }
            (None, None) => {
                // 2000 is a leap year.
                at(2000)?;
                return Some(Modified::Yearless { month, day, hour, minute });
            }
        };
        Some(Modified::At { time, precision, zone: Zone::Server })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_compared_as_precisely_as_they_are_known() {
        let utc = |precision, hour, minute, second| Modified::At {
            time: Timestamp::new(2026, 3, 10, hour, minute, second).unwrap(),
            precision,
            zone: Zone::Utc,
        };
        let exact = Timestamp::new(2026, 3, 10, 12, 34, 56).unwrap();
        let exact = exact.with_nanosecond(500_000_000).unwrap();
        for (listed, same) in [
            (utc(Precision::Day, 0, 0, 0), true),
            (utc(Precision::Minute, 12, 34, 0), true),
            (utc(Precision::Minute, 12, 35, 0), false),
            (utc(Precision::Second, 12, 34, 56), true),
            (utc(Precision::Second, 12, 34, 57), false),
            (utc(Precision::Subsecond, 12, 34, 56), false),
        ] {
            assert_eq!(listed.matches(exact), Some(same), "{listed:?}");
        }
        let precision = Precision::Second;
        let local = Modified::At { time: exact, precision, zone: Zone::Server };
        assert_eq!((local.matches(exact), local.utc()), (None, None));
        let without_year = Modified::Yearless { month: 3, day: 10, hour: 12, minute: 34 };
        assert_eq!((without_year.matches(exact), without_year.utc()), (None, None));
    }
}
