//! Dates of `ls`, whose words come in many orders

use super::month::month;
use super::scan::{Words, clock, is_clock_shaped, number, parts, small, time_of_day, year};
use super::time::{Dates, Parts, is_date_shaped, usual_orders};

/// A date, and the name after it; the date is `None` if there is no such day or time
pub(super) type Found<'a> = (Option<Parts>, &'a [u8]);

/// The columns before a date
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    /// Links, owner, group and a size: nothing is missing
    All,
    /// Fewer columns, so a number may still be the size
    Less,
}

/// Parses a date that consists of this word and those after it, and the name after the date
pub(super) fn before_name<'a>(
    first: &'a [u8],
    mut following: Words<'a>,
    before: Before,
    dates: &mut Dates,
) -> Option<Found<'a>> {
    // The name of the month, if it has one.
    let mut of_month = None;
    // Most words are not part of a date, and their first byte shows that.
    let (mut parts, words) = if first[0].is_ascii_digit() {
        let mut after = following;
        let second = after.next();
        let named = day(first).zip(second.and_then(month));
        match named {
            Some((day, month)) => {
                of_month = second;
                with_year(month, day, after)?
            }
            None => numbers(first, following, dates)
                .or_else(|| east_asian(Numbers::new(first, following), before))?,
        }
    } else {
        match month(first) {
            // `Mar-10-2024` also begins with a month.
            Some(month) if !first.contains(&b'-') => {
                of_month = Some(first);
                with_year(month, day(following.next()?)?, following)?
            }
            _ => numbers(first, following, dates)?,
        }
    };
    let file = words.name()?;
    if let Some(name) = of_month {
        let Some(month) = dates.language.read(name, parts.month) else { return Some((None, file)) };
        parts.month = month;
    }
    Some((Some(parts), file))
}

/// As [`before_name`], for a month that is only a number, which may also be an owner: `3 10 12:34`
pub(super) fn counted_before_name<'a>(
    first: &'a [u8],
    mut following: Words<'a>,
) -> Option<Found<'a>> {
    let month = small(first).filter(|month| (1..=12).contains(month))?;
    let (parts, words) = with_year(month, day(following.next()?)?, following)?;
    Some((Some(parts), words.name()?))
}

/// Parses words in the form of a date, although no such month, day or time is known: `Foo 32 25:61`
pub(super) fn shaped_before_name<'a>(
    first: &'a [u8],
    mut following: Words<'a>,
) -> Option<Found<'a>> {
    let is_day = |word: &[u8]| word.len() <= 2 && number(word).is_some();
    let is_month = |word: &[u8]| {
        let word = word.strip_suffix(b".").unwrap_or(word);
        matches!(word.len(), 2..=12)
            && word.iter().all(|byte| byte.is_ascii_alphabetic() || !byte.is_ascii())
    };
    let is_end = |word: &[u8]| {
        let dots = parts::<2>(word, b'.').is_some_and(|both| both.iter().all(|part| is_day(part)));
        is_clock_shaped(word) || dots || matches!(word.len(), 4..=6) && number(word).is_some()
    };
    let separated = [b'-', b'/', b'.'].iter().find_map(|separator| parts::<3>(first, *separator));
    if separated.is_some_and(is_date_shaped) {
        let mut after = following;
        if after.next().is_some_and(is_clock_shaped) {
            following = after;
        }
    } else {
        let second = following.next()?;
        let last = following.next()?;
        let month_and_day = is_month(first) && is_day(second) || is_day(first) && is_month(second);
        (month_and_day && is_end(last)).then_some(())?;
    }
    Some((None, following.name()?))
}

/// Parses `Mar 10 12:34`, `Mar 10  2024`, `10 Mar 2024`, `10. Mar 12:34`, `Mar 10 12:34:56 2024`
pub(super) fn named(mut words: Words<'_>) -> Option<(Parts, Words<'_>)> {
    let (first, second) = (words.next()?, words.next()?);
    let (month, day) = month(first).zip(day(second)).or_else(|| month(second).zip(day(first)))?;
    with_year(month, day, words)
}

/// Parses what follows month and day: the time of day, or the year
fn with_year(month: u8, day: u8, mut words: Words<'_>) -> Option<(Parts, Words<'_>)> {
    let before_year = words.rest;
    let third = words.next()?;
    let mut parts = Parts { month, day, ..Parts::default() };
    if let Some(time) = time_of_day(third).or_else(|| dotted_clock(third)) {
        parts.time = Some(time);
        // On some systems, a time with seconds is followed by a year, and perhaps a time zone before it.
        let mut following = words;
        let mut word = following.next().filter(|_| time.2.is_some());
        if word.is_some_and(|zone| {
            matches!(zone.len(), 3 | 4) && zone.iter().all(u8::is_ascii_uppercase)
        }) {
            word = following.next();
        }
        if let Some(year) = word.filter(|word| word.len() == 4) {
            if let Some(year) = small::<u16>(year).filter(|year| is_year(*year)) {
                parts.year = Some(year);
                words = following;
            }
        }
    } else {
        let digits = unmarked(third);
        parts.year = Some(year(digits).filter(|year| digits.len() == 4 && is_year(*year))?);
        let one_blank = before_year.starts_with(b" ") && !before_year.starts_with(b"  ");
        let mut following = words;
        if one_blank && words.rest.starts_with(b"  ") {
            // `Mar  1 2003  name`: the column has a width of five and is padded after the year, not before it.
            words.rest = &words.rest[1..];
        } else if let Some(time) = following.next().and_then(clock).filter(|_| one_blank) {
            // In the column of `ls`, a year has two blanks before it and replaces the time. What follows is the
            // name, even `12:30 notes`.
            parts.time = Some(time);
            words = following;
        }
    }
    Some((parts, words))
}

/// Parses `09.17`, as in Italian and Finnish
fn dotted_clock(word: &[u8]) -> Option<(u8, u8, Option<u8>)> {
    let [hour, minute] = parts::<2>(word, b'.')?;
    (matches!(hour.len(), 1 | 2) && minute.len() == 2).then_some(())?;
    let (hour, minute) = (small(hour)?, small(minute)?);
    (hour < 24 && minute < 60).then_some((hour, minute, None))
}

/// Parses numbers with separators, perhaps with the name of the month: `2024-03-10 12:34`, `10.03.2024`,
/// `10-mar-24`, `Mar-10-2024`, `03-10 12:34`, `2024-03-10 12:34:56.789 +0100`
fn numbers<'a>(word: &'a [u8], words: Words<'a>, dates: &mut Dates) -> Option<(Parts, Words<'a>)> {
    let separator = *word.iter().find(|byte| matches!(byte, b'-' | b'/' | b'.'))?;
    let Some(three) = parts::<3>(word, separator) else {
        return two_numbers(word, separator, words, dates);
    };
    let [first, second, third] = three;
    let parts = if first.len() == 4 {
        let month = small(second).or_else(|| month(second))?;
        // In ISO 8601, a letter joins date and time.
        let (day, time) = match memchr::memchr(b'T', third) {
            Some(at) => (&third[..at], Some(time_of_day(&third[at + 1..])?)),
            None => (third, None),
        };
        let parts =
            Parts { year: Some(small(first)?), month, day: small(day)?, time, ..Parts::default() };
        if time.is_some() {
            return Some((parts, words));
        }
        parts
    } else if let Some(month) = month(second) {
        Parts { year: Some(year(third)?), month, day: day(first)?, ..Parts::default() }
    } else if let Some(month) = month(first) {
        Parts { year: Some(year(third)?), month, day: day(second)?, ..Parts::default() }
    } else {
        let short = first.len() <= 2 && second.len() <= 2 && matches!(third.len(), 2 | 4);
        (short && is_date_shaped(three)).then_some(())?;
        dates.arrange(three, usual_orders(separator, third.len()))?
    };
    let (parts, mut words) = with_time(parts, words);
    if separator == b'-'
        && first.len() == 4
        && parts.time.is_none()
        && words.rest.starts_with(b"  ")
    {
        // `2024-03-10  name`: `ls --time-style=iso` pads the column in which newer files have `03-10 12:34`.
        words.rest = &words.rest[1..];
    }
    Some((parts, words))
}

/// Parses what may follow a date of three numbers: a time of day, and its offset from UTC
fn with_time(mut parts: Parts, mut words: Words<'_>) -> (Parts, Words<'_>) {
    let mut following = words;
    if let Some(time) = following.next().and_then(time_of_day) {
        parts.time = Some(time);
        words = following;
        // Only `ls --full-time` writes an offset, and it writes seconds.
        if time.2.is_some() {
            parts.offset = following.next().and_then(offset);
        }
        if parts.offset.is_some() {
            words = following;
        }
    }
    (parts, words)
}

/// Parses an offset such as `+0530`, `-0300`, hours up to 14 and minutes, and returns it in seconds
fn offset(word: &[u8]) -> Option<i32> {
    let (sign, digits) = match word {
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = digits.split_at_checked(2).filter(|_| digits.len() == 4)?;
    let hours = small::<i32>(hours).filter(|hours| *hours < 15)?;
    let minutes = small::<i32>(minutes).filter(|minutes| *minutes < 60)?;
    Some(sign * (hours * 60 + minutes) * 60)
}

/// Parses `03-10 2024`, `03-10 12:34`, `10.03 12:34`
fn two_numbers<'a>(
    word: &'a [u8],
    separator: u8,
    mut words: Words<'a>,
    dates: &Dates,
) -> Option<(Parts, Words<'a>)> {
    let both = parts::<2>(word, separator)?;
    both.iter().all(|part| matches!(part.len(), 1 | 2)).then_some(())?;
    let usual = usual_orders(separator, 2).first()?;
    let (month, day) = dates.arrange_two(small(both[0])?, small(both[1])?, *usual)?;
    let mut parts = Parts { month, day, ..Parts::default() };
    let last = words.next()?;
    match time_of_day(last) {
        Some(time) => parts.time = Some(time),
        None => {
            let known = year(last).filter(|year| last.len() == 4 && is_year(*year));
            parts.year = Some(known?);
        }
    }
    Some((parts, words))
}

/// Parses East Asian dates, whose numbers are followed by a character, in any charset: with `Y`, `M` and `D` for
/// these characters, `3M 10 12:34`, `3M 10D 2024`, `3M10D 12:34`, `2024 3M 10`, `2024Y 3M 10D`
fn east_asian<'a>(mut numbers: Numbers<'a>, before: Before) -> Option<(Parts, Words<'a>)> {
    let first = numbers.next()?;
    let second = numbers.next()?;
    if first.digits == 4 && is_year(first.value) {
        let third = numbers.next()?;
        (first.mark == Mark::Some || second.mark == Mark::Some).then_some(())?;
        let (month, day) = (month_of(second)?, day_of(third)?);
        let words = numbers.end()?;
        let mut parts = Parts { year: Some(first.value), month, day, ..Parts::default() };
        if first.mark == Mark::Some {
            return Some(with_time(parts, words));
        }
        // Otherwise it may be a size before `3M 10 12:34` or `3M 10 2024`.
        let mut following = words;
        let next = following.next()?;
        let digits = unmarked(next);
        let year = digits.len() == 4 && small(digits).is_some_and(is_year);
        let other = clock(next).is_some() || year && (next != digits || before == Before::Less);
        parts.time = None;
        return (!other).then_some((parts, words));
    }
    (first.mark == Mark::Some).then_some(())?;
    with_year(month_of(first)?, day_of(second)?, numbers.end()?)
}

fn month_of(number: Number) -> Option<u8> {
    u8::try_from(number.value).ok().filter(|month| (1..=12).contains(month))
}

fn day_of(number: Number) -> Option<u8> {
    u8::try_from(number.value).ok().filter(|day| (1..=31).contains(day))
}

/// Numbers of up to four digits, each with or without a character after it; several may be in one word
#[derive(Clone, Copy)]
struct Numbers<'a> {
    word: &'a [u8],
    words: Words<'a>,
}

#[derive(Clone, Copy)]
struct Number {
    value: u16,
    digits: usize,
    mark: Mark,
}

/// The character after a number
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    Some,
    None,
}

impl<'a> Numbers<'a> {
    const fn new(word: &'a [u8], words: Words<'a>) -> Self {
        Self { word, words }
    }

    fn next(&mut self) -> Option<Number> {
        if self.word.is_empty() {
            self.word = self.words.next()?;
        }
        let is_digit = |byte: &u8| byte.is_ascii_digit();
        let digits = self.word.iter().position(|byte| !is_digit(byte)).unwrap_or(self.word.len());
        let (number, rest) = self.word.split_at(digits);
        let value = small(number).filter(|_| digits <= 4)?;
        // The second byte of a character may be ASCII.
        let marks = rest.iter().position(is_digit).unwrap_or(rest.len());
        let mark = match rest.first() {
            None => Mark::None,
            Some(byte) if !byte.is_ascii() && marks <= 6 => Mark::Some,
            Some(_) => return None,
        };
        self.word = &rest[marks..];
        Some(Number { value, digits, mark })
    }

    /// Returns the words that are left, if they begin with a whole word
    fn end(self) -> Option<Words<'a>> {
        self.word.is_empty().then_some(self.words)
    }
}

/// Whether a number in place of a year is one, as it may also be a size
pub(super) fn is_year(year: u16) -> bool {
    (1600..2200).contains(&year)
}

fn day(word: &[u8]) -> Option<u8> {
    let word = word.strip_suffix(b".").or_else(|| word.strip_suffix(b",")).unwrap_or(word);
    small(unmarked(word)).filter(|day| (1..=31).contains(day))
}

/// Returns a number without the character after it, in any charset
fn unmarked(word: &[u8]) -> &[u8] {
    let end = word.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(word.len());
    if end > 0 && word.get(end).is_some_and(|byte| !byte.is_ascii()) { &word[..end] } else { word }
}
