//! Reads a line word by word

/// Words between blanks; the rest of the line is always available
#[derive(Clone, Copy, Debug)]
pub(super) struct Words<'a> {
    pub(super) rest: &'a [u8],
}

impl<'a> Words<'a> {
    pub(super) const fn new(line: &'a [u8]) -> Self {
        Self { rest: line }
    }

    /// Returns the rest without the blanks before it
    pub(super) fn trimmed(self) -> &'a [u8] {
        self.rest.trim_ascii_start()
    }

    /// Returns the rest after exactly one blank, because a name may begin with blanks
    pub(super) fn name(self) -> Option<&'a [u8]> {
        let name = self.rest.strip_prefix(b" ").or_else(|| self.rest.strip_prefix(b"\t"))?;
        (!name.is_empty()).then_some(name)
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let mut line = self.rest;
        while let [b' ' | b'\t' | b'\r', rest @ ..] = line {
            line = rest;
        }
        if line.is_empty() {
            return None;
        }
        let end =
            line.iter().position(|byte| matches!(byte, b' ' | b'\t' | b'\r')).unwrap_or(line.len());
        let (word, rest) = line.split_at(end);
        self.rest = rest;
        Some(word)
    }
}

/// Parses a decimal number without anything else
#[inline]
pub(super) fn number(digits: &[u8]) -> Option<u64> {
    /// A number of this many digits can't overflow
    const SAFE: usize = 19;
    if digits.is_empty() {
        return None;
    }
    let (safe, rest) = digits.split_at(digits.len().min(SAFE));
    let mut number = 0;
    for byte in safe {
        number = number * 10 + u64::from(digit(*byte)?);
    }
    rest.iter().try_fold(number, |number, byte| {
        number.checked_mul(10)?.checked_add(u64::from(digit(*byte)?))
    })
}

/// Parses two digits
#[inline]
pub(super) fn pair(tens: u8, ones: u8) -> Option<u8> {
    Some(digit(tens)? * 10 + digit(ones)?)
}

#[inline]
pub(super) fn digit(byte: u8) -> Option<u8> {
    let digit = byte.wrapping_sub(b'0');
    (digit < 10).then_some(digit)
}

/// Parses eight digits as four numbers of two digits
#[inline(always)]
pub(super) fn pairs(digits: &[u8; 8]) -> Option<[u8; 4]> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let word = u64::from_le_bytes(*digits);
    // Digits are 0x30 to 0x39. With 6 added to each, the upper half is still 3.
    let upper = 0xF0 * ONES;
    let digits = word & upper == 0x30 * ONES && word.wrapping_add(6 * ONES) & upper == 0x30 * ONES;
    let values = word & (0x0F * ONES);
    // Every other byte becomes ten times the byte plus the next one. It is below 100, so nothing carries.
    let [a, _, b, _, c, _, d, _] = (values * 10 + (values >> 8)).to_le_bytes();
    digits.then_some([a, b, c, d])
}

/// Parses the decimal number at the beginning of a text, and returns it with its number of digits
///
/// It processes eight digits at a time. `None` if there is no digit, if there are more than sixteen, or if the text
/// ends too soon after them.
#[inline(always)]
pub(super) fn leading_number(text: &[u8]) -> Option<(u64, usize)> {
    const POWERS: [u64; 9] =
        [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];
    let (number, length) = up_to_eight(text.first_chunk()?);
    if length < 8 {
        return (length > 0).then_some((number, length));
    }
    let rest = &text[8..];
    let (low, more) = up_to_eight(rest.first_chunk()?);
    let ended = !rest.get(more)?.is_ascii_digit();
    ended.then_some((number * POWERS[more] + low, 8 + more))
}

/// Parses the digits at the beginning of eight bytes, and returns the number and how many digits there are
#[inline(always)]
fn up_to_eight(bytes: &[u8; 8]) -> (u64, usize) {
    const ONES: u64 = 0x0101_0101_0101_0101;
    // Digits become 0 to 9. With 6 added, each of them is still below 16, and no other byte is. A carry from a
    // byte changes only bytes after the first one that is not a digit.
    let values = u64::from_le_bytes(*bytes) ^ (0x30 * ONES);
    let others = (values | values.wrapping_add(6 * ONES)) & (0xF0 * ONES);
    // The length is at most 8.
    let length = (others.trailing_zeros() / 8) as usize;
    if length == 0 {
        return (0, 0);
    }
    // Move the last digit into the highest byte, with zeros before the first.
    let values = values << (64 - 8 * length);
    // Combine them to numbers of two digits, then of four, then of eight.
    let two = (values * 10 + (values >> 8)) & 0x00FF_00FF_00FF_00FF;
    let four = (two * 100 + (two >> 16)) & 0x0000_FFFF_0000_FFFF;
    let eight = (four * 10_000 + (four >> 32)) & 0xFFFF_FFFF;
    (eight, length)
}

/// As [`number`], for small numbers
pub(super) fn small<T: TryFrom<u64>>(digits: &[u8]) -> Option<T> {
    T::try_from(number(digits)?).ok()
}

/// Splits a word at separators into exactly this many parts
pub(super) fn parts<const N: usize>(word: &[u8], separator: u8) -> Option<[&[u8]; N]> {
    let mut parts = [&[][..]; N];
    let mut split = word.split(|byte| *byte == separator);
    for part in &mut parts {
        *part = split.next()?;
    }
    split.next().is_none().then_some(parts)
}

/// Parses `12:34` or `12:34:56`; `24:00` is the end of a day
pub(super) fn clock(word: &[u8]) -> Option<(u8, u8, Option<u8>)> {
    let (hour, minute, second) = match parts::<3>(word, b':') {
        Some([hour, minute, second]) => {
            // OpenVMS has hundredths.
            let second = second.split(|byte| *byte == b'.').next()?;
            (hour, minute, Some(small::<u8>(second)?))
        }
        None => {
            let [hour, minute] = parts::<2>(word, b':')?;
            (hour, minute, None)
        }
    };
    let (hour, minute) = (small::<u8>(hour)?, small::<u8>(minute)?);
    let end_of_day = hour == 24 && minute == 0 && second.is_none_or(|second| second == 0);
    ((hour < 24 || end_of_day) && minute < 60 && second.is_none_or(|second| second < 61))
        .then_some((hour, minute, second))
}

/// As [`clock`], also with a twelve-hour clock: `01:34PM`
pub(super) fn time_of_day(word: &[u8]) -> Option<(u8, u8, Option<u8>)> {
    let letters = word.iter().position(u8::is_ascii_alphabetic).unwrap_or(word.len());
    let (digits, suffix) = word.split_at(letters);
    let time = clock(digits)?;
    if suffix.is_empty() { Some(time) } else { twelve_hours(time, half_of_day(suffix)?) }
}

/// Returns 0 for `AM` and 12 for `PM`, in all forms that servers write
pub(super) fn half_of_day(word: &[u8]) -> Option<u8> {
    let is = |names: [&str; 3]| names.iter().any(|name| word.eq_ignore_ascii_case(name.as_bytes()));
    if is(["AM", "A", "A.M."]) { Some(0) } else { is(["PM", "P", "P.M."]).then_some(12) }
}

/// Converts a time of a twelve-hour clock in one half of the day
pub(super) fn twelve_hours(
    (hour, minute, second): (u8, u8, Option<u8>),
    half: u8,
) -> Option<(u8, u8, Option<u8>)> {
    (hour <= 12).then_some((hour % 12 + half, minute, second))
}

/// Whether a word has the form of a time of day, even if there is no such time
pub(super) fn is_clock_shaped(word: &[u8]) -> bool {
    let digits = word.strip_suffix(b"M").or_else(|| word.strip_suffix(b"m")).unwrap_or(word);
    let digits = match digits {
        [digits @ .., b'A' | b'P' | b'a' | b'p'] => digits,
        _ => digits,
    };
    digits.contains(&b':')
        && digits.split(|byte| *byte == b':').all(|part| part.len() <= 2 && number(part).is_some())
}

/// Parses a size with a unit: `17B`, `2KB`, `1.5G`, `3,2MiB`; `None` without a unit
///
/// Only a whole number of bytes is exact: servers round all others, so these are `Some(None)`.
pub(super) fn size_with_unit(word: &[u8]) -> Option<Option<u64>> {
    let end = word.iter().rposition(u8::is_ascii_digit)? + 1;
    let (digits, unit) = word.split_at(end);
    let (prefix, rest) = unit.split_first()?;
    let unit = prefix.to_ascii_uppercase();
    let known = match unit {
        b'B' => rest.is_empty(),
        b'K' | b'M' | b'G' | b'T' | b'P' => matches!(rest, b"" | b"B" | b"b" | b"iB" | b"ib"),
        _ => false,
    };
    if !known {
        return None;
    }
    let point = digits.iter().position(|byte| matches!(byte, b'.' | b','));
    let (whole, fraction) = digits.split_at(point.unwrap_or(digits.len()));
    let whole = number(whole)?;
    match fraction {
        [] => Some((unit == b'B').then_some(whole)),
        [_, fraction @ ..] if fraction.len() <= 3 => number(fraction).map(|_| None),
        _ => None,
    }
}

/// Parses a year of two digits or four
pub(super) fn year(digits: &[u8]) -> Option<u16> {
    match (digits.len(), small::<u16>(digits)?) {
        (2, year) => Some(year_of_two(year)),
        // The server writes 1900 plus the number as text.
        (3, year) if year >= 100 => Some(1900 + year),
        (4, year) => Some(year),
        _ => None,
    }
}

/// Returns the year that two digits mean: 1969 to 2068, as `%y` of POSIX has it
#[inline]
pub(super) const fn year_of_two(year: u16) -> u16 {
    if year < 69 { 2000 + year } else { 1900 + year }
}

/// Returns the position of the first of these two bytes, which is expected to be near
///
/// It processes eight bytes at a time: for fields of a few bytes, a call of memchr costs more than it saves.
#[inline]
pub(super) fn either(text: &[u8], one: u8, other: u8) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = 0x8080_8080_8080_8080;
    // The lowest top bit that is set belongs to a zero byte.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & TOPS;
    let mut at = 0;
    while let Some((chunk, _)) = text[at..].split_first_chunk::<8>() {
        let word = u64::from_le_bytes(*chunk);
        let found = zeros(word ^ (ONES * u64::from(one))) | zeros(word ^ (ONES * u64::from(other)));
        if found != 0 {
            // The result is below 64.
            return Some(at + (found.trailing_zeros() / 8) as usize);
        }
        at += 8;
    }
    let rest = text[at..].iter().position(|byte| *byte == one || *byte == other)?;
    Some(at + rest)
}
