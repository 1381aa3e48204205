//! Times of listings: as precise as they were told, in the zone they were told for

use crate::Timestamp;

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
    pub(super) fn modified(self, now: Option<Timestamp>) -> Option<Modified> {
        let (hour, minute, second) = self.time.unwrap_or((0, 0, None));
        let precision = match self.time {
            None => Precision::Day,
            Some((_, _, None)) => Precision::Minute,
            Some((_, _, Some(_))) => Precision::Second,
        };
        let at =
            |year| Timestamp::new(year, self.month, self.day, hour, minute, second.unwrap_or(0));
        let time = match (self.year, now) {
            (Some(year), _) => at(year)?,
            (None, Some(now)) => {
                /// Clocks differ, and so do time zones
                const AHEAD: i64 = 24 * 60 * 60;
                let fits = |time: &Timestamp| time.to_unix() <= now.to_unix() + AHEAD;
                // 29 February may be eight years ago (1896, 1904).
                (0..9).filter_map(|ago| at((now.year() + 1).checked_sub(ago)?)).find(fits)?
            }
            (None, None) => {
                // 2000 has all days.
                at(2000)?;
                let Self { month, day, .. } = self;
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
fn ascii_month(head: [u8; 3], word: &[u8]) -> Option<u8> {
    Some(match &head {
        b"jui" => match word.get(3)?.to_ascii_lowercase() {
            b'n' => 6,
            b'l' => 7,
            _ => return None,
        },
        b"jan" | b"ene" | b"gen" | b"sty" => 1,
        b"feb" | b"fev" | b"lut" => 2,
        b"mar" | b"mrz" | b"maa" | b"mrt" => 3,
        b"apr" | b"avr" | b"abr" | b"kwi" => 4,
        b"may" | b"mai" | b"mei" | b"maj" | b"mag" => 5,
        b"jun" | b"giu" | b"cze" => 6,
        b"jul" | b"lug" | b"lip" => 7,
        b"aug" | b"aou" | b"ago" | b"sie" => 8,
        b"sep" | b"set" | b"wrz" => 9,
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
        "мар".as_bytes(),
        b"\xCD\xC1\xD2",
        b"\xEC\xE0\xF0",
        "Мар".as_bytes(),
        b"\xED\xC1\xD2",
        b"\xCC\xE0\xF0",
    ],
    &[
        "апр".as_bytes(),
        b"\xC1\xD0\xD2",
        b"\xE0\xEF\xF0",
        "Апр".as_bytes(),
        b"\xE1\xD0\xD2",
        b"\xC0\xEF\xF0",
    ],
    &[
        "май".as_bytes(),
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
        b"\xC9\xC0\xCE",
        b"\xE8\xFE\xED",
        "Июн".as_bytes(),
        b"\xE9\xC0\xCE",
        b"\xC8\xFE\xED",
    ],
    &[
        "июл".as_bytes(),
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
