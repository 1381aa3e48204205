//! Parses and checks the values of options

use std::time::Duration;

use crate::plan::Sizes;

pub(crate) fn mode(text: &str) -> Result<String, String> {
    let is_octal =
        (3..=4).contains(&text.len()) && text.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
    match is_octal {
        true => Ok(text.to_owned()),
        false => Err("expected three or four octal digits, such as 644".into()),
    }
}

pub(crate) fn time(text: &str) -> Result<ftp_proto::Timestamp, String> {
    let parsed = match text.parse::<jiff::Timestamp>() {
        Ok(time) => Some(time.as_second()),
        // A time without a zone is UTC, as in FTP.
        Err(_) => text.parse::<jiff::civil::DateTime>().ok().and_then(|time| {
            Some(time.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second())
        }),
    };
    parsed
        .and_then(ftp_proto::Timestamp::from_unix)
        .ok_or_else(|| "expected a time, such as 2026-11-26T12:34:56Z".to_owned())
}

/// A range of bytes of a file
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Range {
    /// From this offset to the end of the file or, if given, to that offset inclusive
    From(u64, Option<u64>),
    /// This many bytes at the end of the file
    Last(u64),
}

pub(crate) fn range(text: &str) -> Result<Range, String> {
    let number = |text: &str| {
        // `parse` alone would accept a plus sign.
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u64>().ok().filter(|_| is_number)
    };
    let range = match text.split_once('-') {
        Some(("", count)) => number(count).filter(|count| *count > 0).map(Range::Last),
        Some((from, "")) => number(from).map(|from| Range::From(from, None)),
        Some((from, to)) => number(from)
            .zip(number(to))
            .filter(|(from, to)| from <= to)
            .map(|(from, to)| Range::From(from, Some(to))),
        None => None,
    };
    range.ok_or_else(|| "expected FROM-TO, FROM- or -COUNT, in bytes counted from 0".to_owned())
}

/// How many files are transferred at the same time, each over its own session
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parallel {
    Number(u16),
    /// As many as raise the throughput, up to eight
    Auto,
}

impl Parallel {
    pub(crate) const fn most(self) -> u16 {
        match self {
            Self::Number(number) => number,
            // Few servers allow more sessions, and some block clients that open so many.
            Self::Auto => 8,
        }
    }

    /// Returns the same or, if a number was given, at most the number of files
    pub(crate) fn of_files(self, files: usize) -> Self {
        match self {
            Self::Number(number) => {
                Self::Number(number.min(u16::try_from(files).unwrap_or(u16::MAX)))
            }
            Self::Auto => Self::Auto,
        }
    }

    /// Returns the same or, if a number was given, at least the number of segments
    pub(crate) fn for_segments(self, segments: Segments) -> Self {
        match self {
            Self::Number(number) => Self::Number(number.max(segments.most())),
            Self::Auto => Self::Auto,
        }
    }
}

pub(crate) fn parallel(text: &str) -> Result<Parallel, String> {
    match text.parse() {
        Ok(number @ 1..=256) => Ok(Parallel::Number(number)),
        _ if text == "auto" => Ok(Parallel::Auto),
        _ => Err("expected a number from 1 to 256, or auto".into()),
    }
}

/// How many sessions fetch one file together
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segments {
    most: u16,
    /// Smaller files, in bytes, are fetched by one session
    from: u64,
}

impl Segments {
    /// One session
    pub(crate) const ONE: Self = Self { most: 1, from: 0 };

    /// Returns the number of sessions for a large file
    pub(crate) const fn most(self) -> u16 {
        self.most
    }

    /// Returns the number of sessions for a file of this size, in bytes
    pub(crate) const fn of(self, size: u64) -> u16 {
        if size >= self.from { self.most } else { 1 }
    }
}

pub(crate) fn segments(text: &str) -> Result<Segments, String> {
    const MIB: u64 = 1024 * 1024;
    if text == "auto" {
        // Four logins take less than a second with nearly every server, which is little compared with such a transfer.
        return Ok(Segments { most: 4, from: 64 * MIB });
    }
    match text.parse() {
        // For smaller files, further logins take longer than they save.
        Ok(most @ 1..=16) => Ok(Segments { most, from: 8 * MIB }),
        _ => Err("expected a number from 1 to 16, or auto".into()),
    }
}

/// Parses a time, or an age such as `3d`; returns seconds since 1970
pub(crate) fn moment(text: &str) -> Result<i64, String> {
    let units = [("min", 60), ("h", 3600), ("d", 24 * 3600), ("w", 7 * 24 * 3600)];
    for (unit, seconds) in units {
        if let Some(count) = text.strip_suffix(unit).and_then(|count| count.parse::<u32>().ok()) {
            let now = jiff::Timestamp::now().as_second();
            return Ok(now - i64::from(count) * seconds);
        }
    }
    match time(text) {
        Ok(time) => Ok(time.to_unix()),
        Err(error) => Err(format!("{error}, or an age: 90min, 12h, 3d, 2w")),
    }
}

/// One of `count` shares of the files
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shard {
    /// The number of the share, counted from 0
    index: u64,
    count: u64,
}

impl Shard {
    /// Whether a path is in this share; the result is the same on every machine
    pub(crate) fn has(self, path: &[u8]) -> bool {
        // FNV-1a is even enough, and the same in every version.
        let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        path.iter().fold(0xcbf2_9ce4_8422_2325, step) % self.count == self.index
    }
}

pub(crate) fn shard(text: &str) -> Result<Shard, String> {
    let numbers = text
        .split_once('/')
        .and_then(|(index, count)| Some((index.parse::<u64>().ok()?, count.parse::<u64>().ok()?)));
    match numbers {
        Some((index @ 1.., count)) if index <= count => Ok(Shard { index: index - 1, count }),
        _ => Err("expected two numbers, such as 1/4 to 4/4".into()),
    }
}

pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "expected a number of seconds".to_owned())?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err("expected more than 0 seconds".into()),
    }
}

/// Parses a number of bytes with a unit that is a power of 1024: `1500`, `500k`, `10M`, `1.5G`, `10M/s`
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    let text = text.strip_suffix("/s").unwrap_or(text);
    let text = text.strip_suffix("iB").or_else(|| text.strip_suffix('B')).unwrap_or(text);
    let (number, power) = match text.char_indices().next_back() {
        Some((at, unit)) if unit.is_ascii_alphabetic() => {
            let power = "kmgt".find(unit.to_ascii_lowercase());
            (&text[..at], power.map(|power| power + 1))
        }
        _ => (text, Some(0)),
    };
    let number: Option<f64> = number.parse().ok().filter(|number: &f64| *number > 0.0);
    let (Some(number), Some(power)) = (number, power) else {
        return Err("expected a number of bytes, such as 1500, 500k, 10M, 1.5G".into());
    };
    let bytes = number * 1024_f64.powi(i32::try_from(power).unwrap_or(0));
    if bytes < 1.0 || bytes > u64::MAX as f64 {
        return Err("out of range".into());
    }
    Ok(bytes as u64)
}

/// Parses bounds of file sizes: `+10M` is at least, `-10M` at most, `10M` exactly this size
pub(crate) fn sizes(text: &str) -> Result<Sizes, String> {
    // `bytes` rejects 0, since a transfer at that rate would never end; but a file may be empty.
    let size = |text: &str| if text == "0" { Ok(0) } else { bytes(text) };
    match (text.strip_prefix('+'), text.strip_prefix('-')) {
        (Some(text), _) => Ok(Sizes { least: size(text)?, ..Sizes::ALL }),
        (None, Some(text)) => Ok(Sizes { most: size(text)?, ..Sizes::ALL }),
        (None, None) => size(text).map(|size| Sizes { least: size, most: size }),
    }
}

pub(crate) fn suffix(text: &str) -> Result<String, String> {
    let fits = |byte: u8| byte.is_ascii_graphic() && !b"/\\:*?\"<>|".contains(&byte);
    match !text.is_empty() && text.bytes().all(fits) {
        true => Ok(text.to_owned()),
        false => Err("expected printable ASCII without separators, such as .part".into()),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn each_file_is_in_one_share() {
        let shares = ["1/3", "2/3", "3/3"].map(|text| super::shard(text).unwrap());
        let mut counts = [0; 3];
        for file in 0..300 {
            let path = format!("d/file-{file}");
            let has = shares.map(|shard| usize::from(shard.has(path.as_bytes())));
            assert_eq!(has.iter().sum::<usize>(), 1);
            counts.iter_mut().zip(has).for_each(|(count, has)| *count += has);
        }
        assert!(counts.iter().all(|count| *count > 50), "{counts:?}");
        for text in ["", "0/3", "4/3", "1", "1/0", "a/b"] {
            assert!(super::shard(text).is_err(), "{text}");
        }
    }

    #[test]
    fn moments_are_times_or_ages() {
        assert_eq!(super::moment("1970-01-02"), Ok(86400));
        assert_eq!(super::moment("1970-01-01T00:00:05Z"), Ok(5));
        let day = super::moment("0d").unwrap() - super::moment("1d").unwrap();
        assert!((day - 86400).abs() < 10, "{day}");
        for text in ["", "d", "-1d", "3m", "soon"] {
            assert!(super::moment(text).is_err(), "{text}");
        }
    }

    #[test]
    fn ranges() {
        use super::Range;
        for (text, range) in [
            ("0-99", Range::From(0, Some(99))),
            ("5-5", Range::From(5, Some(5))),
            ("100-", Range::From(100, None)),
            ("-7", Range::Last(7)),
        ] {
            assert_eq!(super::range(text), Ok(range), "{text}");
        }
        for text in ["", "-", "5", "5-4", "-0", "a-b", "+1-2", "1-2-3", "18446744073709551616-"] {
            assert!(super::range(text).is_err(), "{text}");
        }
    }

    #[test]
    fn bounds_of_sizes() {
        for (text, least, most) in [
            ("+10k", 10_240, u64::MAX),
            ("-1M", 0, 1 << 20),
            ("7", 7, 7),
            ("0", 0, 0),
            ("-0", 0, 0),
        ] {
            assert_eq!(super::sizes(text), Ok(super::Sizes { least, most }), "{text}");
        }
        for text in ["", "+", "-", "+-1", "--1", "1x"] {
            assert!(super::sizes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn rates_and_sizes() {
        for (text, bytes) in [
            ("1500", 1500),
            ("500k", 512_000),
            ("10M/s", 10 << 20),
            ("1.5G", 1_610_612_736),
            ("2MiB", 2 << 20),
            ("7B", 7),
        ] {
            assert_eq!(super::bytes(text), Ok(bytes), "{text}");
        }
        for text in ["", "0", "-1", "M", "1x", "1e400", "nan"] {
            assert!(super::bytes(text).is_err(), "{text}");
        }
    }
}
