//! Times of listings: as precise as they were told, in the zone they were told for

use super::scan::{small, year};
use crate::Timestamp;
use crate::timestamp::days_in_month;

/// When a file was modified, as far as the line tells
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Modified {
    /// A date, with or without a time of day
    At {
        /// The time; what was not told is 0
        time: Timestamp,
        /// How much was told
        precision: Precision,
        /// Which clock it is of
        zone: Zone,
    },
    /// A date without a year, and nobody said what time it is
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

/// How much of a time was told
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

/// Which clock a time is of
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Zone {
    /// UTC: MLSD, EPLF, and lines that name their offset
    Utc,
    /// The server's local time, whatever that is
    Server,
}

/// How a date of three numbers is written, where it does not say so itself
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

/// What helps to read dates that leave something out
#[derive(Clone, Copy, Debug)]
pub(super) struct Dates {
    now: Option<Timestamp>,
    /// Seconds
    ahead: i64,
    /// The latest time that a date without a year may mean: `now` and `ahead`
    latest: Option<Timestamp>,
    order: Order,
}

#[derive(Clone, Copy, Debug)]
enum Order {
    /// As the format has it, unless there is no such date
    Usual,
    /// The only one that made sense of a date before
    Seen(DateOrder),
    /// As the caller says
    Fixed(DateOrder),
}

impl Dates {
    pub(super) const fn new() -> Self {
        /// Clocks differ, and so do time zones: a day
        const AHEAD: i64 = 24 * 60 * 60;
        Self { now: None, ahead: AHEAD, latest: None, order: Order::Usual }
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

    /// Three numbers as year, month and day: in the first of these orders, or the first that makes
    /// sense
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
}

fn arranged([first, second, third]: [&[u8]; 3], order: DateOrder) -> Option<Parts> {
    let (of_year, of_month, of_day) = match order {
        // Four digits are a year, wherever that is told to stand.
        _ if first.len() == 4 => (first, second, third),
        DateOrder::YearFirst => (first, second, third),
        DateOrder::MonthFirst => (third, first, second),
        DateOrder::DayFirst => (third, second, first),
    };
    let (year, month, day) = (year(of_year)?, small(of_month)?, small(of_day)?);
    let exists = (1..=days_in_month(year, month)).contains(&day);
    exists.then_some(Parts { year: Some(year), month, day, time: None })
}

/// Date and time as they stand in a line
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Parts {
    pub(super) year: Option<u16>,
    pub(super) month: u8,
    pub(super) day: u8,
    /// Hour, minute, second
    pub(super) time: Option<(u8, u8, Option<u8>)>,
}

impl Parts {
    /// `None` if there is no such time
    pub(super) fn modified(self, dates: &Dates) -> Option<Modified> {
        let Self { year, month, day, time } = self;
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
                // 29 February may be eight years ago (1896, 1904).
                (0..9).find_map(|ago| at(year.checked_sub(ago)?))?
            }
            (None, None) => {
                // 2000 has all days.
                at(2000)?;
                return Some(Modified::Yearless { month, day, hour, minute });
            }
        };
        Some(Modified::At { time, precision, zone: Zone::Server })
    }
}

/// A month by its name in one of the languages that servers speak: 1 to 12
pub(super) fn month(word: &[u8]) -> Option<u8> {
    let word = word.strip_suffix(b".").unwrap_or(word);
    let (head, _) = word.split_first_chunk::<3>()?;
    if word.len() > 12 {
        return None;
    }
    if head.iter().all(u8::is_ascii_alphabetic) {
        return ascii_month(head.map(|byte| byte.to_ascii_lowercase()), word);
    }
    if head.is_ascii() {
        return None;
    }
    let begins =
        |name: &&[u8]| word.len() >= name.len() && word[..name.len()].eq_ignore_ascii_case(name);
    let index = OTHER_MONTHS.iter().position(|names| names.iter().any(begins))?;
    u8::try_from(index + 1).ok()
}

/// By three letters, which are enough but for the French summer
pub(super) fn ascii_month(head: [u8; 3], word: &[u8]) -> Option<u8> {
    Some(match &head {
        // Who has no more than three letters writes `jun` for June.
        b"jui" => match word.get(3).map(u8::to_ascii_lowercase) {
            Some(b'n') => 6,
            Some(b'l') | None => 7,
            Some(_) => return None,
        },
        b"jan" | b"ene" | b"gen" | b"sty" => 1,
        b"feb" | b"fev" | b"lut" => 2,
        b"mar" | b"mrz" | b"maa" | b"mrt" => 3,
        b"apr" | b"avr" | b"abr" | b"kwi" => 4,
        b"may" | b"mai" | b"mei" | b"maj" | b"mag" => 5,
        b"jun" | b"giu" | b"cze" => 6,
        b"jul" | b"lug" | b"lip" => 7,
        b"aug" | b"aou" | b"ago" | b"sie" => 8,
        b"sep" | b"set" | b"wrz" | b"sze" => 9,
        b"oct" | b"okt" | b"ott" | b"out" | b"paz" => 10,
        b"nov" | b"lis" => 11,
        b"dec" | b"dez" | b"dic" | b"des" | b"gru" => 12,
        _ => return None,
    })
}

/// By their beginnings: in UTF-8, and in the charsets that servers use, Latin-1, KOI8-R, Windows-1251
const OTHER_MONTHS: [&[&[u8]]; 12] = [
    &[
        "янв".as_bytes(),
        b"\xD1\xCE\xD7",
        b"\xFF\xED\xE2",
        "Янв".as_bytes(),
        b"\xF1\xCE\xD7",
        b"\xDF\xED\xE2",
    ],
    &[
        b"\x66\xE9\x76",
        b"\x66\xC3\xA9\x76",
        "фев".as_bytes(),
        b"\xC6\xC5\xD7",
        b"\xF4\xE5\xE2",
        "Фев".as_bytes(),
        b"\xE6\xC5\xD7",
        b"\xD4\xE5\xE2",
    ],
    &[
        b"\x6D\xE4\x72",
        b"\x6D\xC3\xA4\x72",
        b"\x6D\xE1\x72",
        b"\x6D\xC3\xA1\x72",
        "мар".as_bytes(),
        b"\xCD\xC1\xD2",
        b"\xEC\xE0\xF0",
        "Мар".as_bytes(),
        b"\xED\xC1\xD2",
        b"\xCC\xE0\xF0",
    ],
    &[
        "апр".as_bytes(),
        b"\xE1\x70\x72",
        b"\xC3\xA1\x70\x72",
        b"\xC1\xD0\xD2",
        b"\xE0\xEF\xF0",
        "Апр".as_bytes(),
        b"\xE1\xD0\xD2",
        b"\xC0\xEF\xF0",
    ],
    &[
        "май".as_bytes(),
        b"\x6D\xE1\x6A",
        b"\x6D\xC3\xA1\x6A",
        b"\xCD\xC1\xCA",
        b"\xEC\xE0\xE9",
        "Май".as_bytes(),
        b"\xED\xC1\xCA",
        b"\xCC\xE0\xE9",
        "мая".as_bytes(),
        b"\xCD\xC1\xD1",
        b"\xEC\xE0\xFF",
        "Мая".as_bytes(),
        b"\xED\xC1\xD1",
        b"\xCC\xE0\xFF",
        "маи".as_bytes(),
        b"\xCD\xC1\xC9",
        b"\xEC\xE0\xE8",
        "Маи".as_bytes(),
        b"\xED\xC1\xC9",
        b"\xCC\xE0\xE8",
    ],
    &[
        "июн".as_bytes(),
        b"\x6A\xFA\x6E",
        b"\x6A\xC3\xBA\x6E",
        b"\xC9\xC0\xCE",
        b"\xE8\xFE\xED",
        "Июн".as_bytes(),
        b"\xE9\xC0\xCE",
        b"\xC8\xFE\xED",
    ],
    &[
        "июл".as_bytes(),
        b"\x6A\xFA\x6C",
        b"\x6A\xC3\xBA\x6C",
        b"\xC9\xC0\xCC",
        b"\xE8\xFE\xEB",
        "Июл".as_bytes(),
        b"\xE9\xC0\xCC",
        b"\xC8\xFE\xEB",
    ],
    &[
        b"\x61\x6F\xFB",
        b"\x61\x6F\xC3\xBB",
        "авг".as_bytes(),
        b"\xC1\xD7\xC7",
        b"\xE0\xE2\xE3",
        "Авг".as_bytes(),
        b"\xE1\xD7\xC7",
        b"\xC0\xE2\xE3",
    ],
    &[
        "сен".as_bytes(),
        b"\xD3\xC5\xCE",
        b"\xF1\xE5\xED",
        "Сен".as_bytes(),
        b"\xF3\xC5\xCE",
        b"\xD1\xE5\xED",
    ],
    &[
        "окт".as_bytes(),
        b"\xCF\xCB\xD4",
        b"\xEE\xEA\xF2",
        "Окт".as_bytes(),
        b"\xEF\xCB\xD4",
        b"\xCE\xEA\xF2",
    ],
    &[
        "ноя".as_bytes(),
        b"\xCE\xCF\xD1",
        b"\xED\xEE\xFF",
        "Ноя".as_bytes(),
        b"\xEE\xCF\xD1",
        b"\xCD\xEE\xFF",
    ],
    &[
        b"\x64\xE9\x63",
        b"\x64\xC3\xA9\x63",
        "дек".as_bytes(),
        b"\xC4\xC5\xCB",
        b"\xE4\xE5\xEA",
        "Дек".as_bytes(),
        b"\xE4\xC5\xCB",
        b"\xC4\xE5\xEA",
    ],
];
