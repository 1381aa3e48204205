//! Dates of `ls`, whose words stand in many orders

use super::scan::{Words, clock, number, parts, small, year};
use super::time::{Parts, month};

/// A date of this word and those behind it, and the name behind that
pub(super) fn before_name<'a>(first: &'a [u8], mut behind: Words<'a>) -> Option<(Parts, &'a [u8])> {
    // Most words are no part of a date, and their beginning shows it.
    let (parts, words) = if !first[0].is_ascii_digit() {
        let month = month(first)?;
        with_year(month, day(behind.next()?)?, behind)?
    } else if let Some(day) = day(first) {
        let mut after = behind;
        match after.next().and_then(month) {
            Some(month) => with_year(month, day, after)?,
            None => joined(first, behind)?,
        }
    } else {
        numeric(first, behind).or_else(|| joined(first, behind))?
    };
    Some((parts, words.name()?))
}

/// As [`before_name`], of a month that is but a number, as in East Asia: it may be an owner as well
pub(super) fn counted_before_name<'a>(
    first: &'a [u8],
    mut behind: Words<'a>,
) -> Option<(Parts, &'a [u8])> {
    let second = behind.next()?;
    let (parts, words) = match year_first(first, second, behind) {
        Some(found) => found,
        None => with_year(counted(first)?, day(second)?, behind)?,
    };
    Some((parts, words.name()?))
}

/// `Mar 10 12:34`, `Mar 10  2024`, `10 Mar 2024`, `10. Mar 12:34`, `Mar 10 12:34:56 2024`, and with a
/// month by its number and a character behind it: `3M 10 12:34`, `2024 3M 10`
pub(super) fn named(mut words: Words<'_>) -> Option<(Parts, Words<'_>)> {
    let (first, second) = (words.next()?, words.next()?);
    if let Some(parts) = year_first(first, second, words) {
        return Some(parts);
    }
    let (month, day) = month(first)
        .zip(day(second))
        .or_else(|| month(second).zip(day(first)))
        .or_else(|| counted(first).zip(day(second)))?;
    with_year(month, day, words)
}

/// What stands behind month and day: the time of day, or the year
fn with_year(month: u8, day: u8, mut words: Words<'_>) -> Option<(Parts, Words<'_>)> {
    let before_year = words.rest;
    let third = words.next()?;
    let mut parts = Parts { month, day, ..Parts::default() };
    if let Some(time) = clock(third) {
        parts.time = Some(time);
        // With seconds comes a year, on some.
        let mut behind = words;
        if let Some(year) = behind.next().filter(|word| time.2.is_some() && word.len() == 4) {
            if let Some(year) = small::<u16>(year).filter(|year| is_year(*year)) {
                parts.year = Some(year);
                words = behind;
            }
        }
    } else {
        let digits = unmarked(third);
        parts.year = Some(year(digits).filter(|year| digits.len() == 4 && is_year(*year))?);
        // `Mar  1 2003  name`: a column of five that is filled up behind the year, not before it.
        let left_aligned = before_year.starts_with(b" ") && !before_year.starts_with(b"  ");
        if left_aligned && words.rest.starts_with(b"  ") {
            words.rest = &words.rest[1..];
        }
        let mut behind = words;
        if let Some(time) = behind.next().and_then(clock) {
            parts.time = Some(time);
            words = behind;
        }
    }
    Some((parts, words))
}

/// `2024 3M 10`, where `M` is not ASCII
fn year_first<'a>(first: &[u8], second: &[u8], mut words: Words<'a>) -> Option<(Parts, Words<'a>)> {
    let year = year(first).filter(|_| first.len() == 4)?;
    let month = counted(second).filter(|_| !second.is_ascii())?;
    let day = day(words.next()?)?;
    // Else it was a size before `3M 10 12:34` or `3M 10 2024Y`.
    let mut behind = words;
    let other = behind.next().is_some_and(|word| {
        clock(word).is_some() || !word.is_ascii() && small::<u16>(unmarked(word)).is_some()
    });
    (!other).then_some((Parts { year: Some(year), month, day, time: None }, words))
}

/// `2024-03-10 12:34`, `2024-03-10 12:34:56.789 +0100`, `2024/03/10`
fn numeric<'a>(word: &'a [u8], mut words: Words<'a>) -> Option<(Parts, Words<'a>)> {
    let [first, second, third] = parts::<3>(word, b'-').or_else(|| parts::<3>(word, b'/'))?;
    if first.len() != 4 {
        return None;
    }
    let mut parts =
        Parts { year: Some(small(first)?), month: small(second)?, day: small(third)?, time: None };
    let mut behind = words;
    if let Some(time) = behind.next().and_then(clock) {
        parts.time = Some(time);
        words = behind;
        let offset = |word: &[u8]| matches!(word, [b'+' | b'-', digits @ ..] if digits.len() == 4 && number(digits).is_some());
        if behind.next().is_some_and(offset) {
            words = behind;
        }
    }
    Some((parts, words))
}

/// `10-mar-24`, `03-10 2024`
fn joined<'a>(word: &'a [u8], mut words: Words<'a>) -> Option<(Parts, Words<'a>)> {
    let parts = if let Some([first, of, digits]) = parts::<3>(word, b'-') {
        Parts { year: Some(year(digits)?), month: month(of)?, day: day(first)?, time: None }
    } else {
        let [of, second] = parts::<2>(word, b'-')?;
        let digits = words.next().filter(|digits| digits.len() == 4)?;
        Parts { year: Some(year(digits)?), month: small(of)?, day: day(second)?, time: None }
    };
    Some((parts, words))
}

/// Whether a number where a year may stand is one: it may be a size as well
fn is_year(year: u16) -> bool {
    (1600..2200).contains(&year)
}

fn day(word: &[u8]) -> Option<u8> {
    let word = word.strip_suffix(b".").or_else(|| word.strip_suffix(b",")).unwrap_or(word);
    small(unmarked(word)).filter(|day| (1..=31).contains(day))
}

/// A month by its number, as in East Asia: with the character for month behind it, or without
fn counted(word: &[u8]) -> Option<u8> {
    small(unmarked(word)).filter(|month| (1..=12).contains(month))
}

/// A number without the character behind it, in whatever charset that is
fn unmarked(word: &[u8]) -> &[u8] {
    let end = word.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(word.len());
    if end > 0 && word.get(end).is_some_and(|byte| !byte.is_ascii()) { &word[..end] } else { word }
}
