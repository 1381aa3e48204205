//! The 213 reply to MDTM, and the time in MFMT

use alloc::format;
use alloc::string::String;

use super::{leading_digits, number};
use crate::timestamp::Timestamp;

/// Number of digits of a time without its fraction: `YYYYMMDDHHMMSS`
const DIGITS: usize = 14;

/// Returns the time in an answer to MDTM, `213 YYYYMMDDHHMMSS[.fraction]` in UTC (RFC 3659 section 2.3)
///
/// What follows is ignored. If the text does not begin with a time, the first word of 14 digits is used, with its
/// fraction. Digits of the fraction beyond nanoseconds are dropped. Servers that count years
/// since 1900 after a fixed `19` send 15 digits, `19100` for 2000; this is corrected. A day or time of day
/// that does not exist is refused.
#[must_use]
pub fn parse_time(text: &[u8]) -> Option<Timestamp> {
    // Nearly all servers send exactly this many digits.
    if let Some(digits) = text.first_chunk::<DIGITS>().filter(|_| text.len() == DIGITS) {
        if digits.iter().all(u8::is_ascii_digit) {
            return exact(digits);
        }
    }
    let text = text.trim_ascii();
    let leading = leading_digits(text);
    if leading == 15 && text.starts_with(b"191") {
        return time(1900 + digits::<u16>(&text[2..5])?, &text[5..]);
    }
    if leading >= DIGITS {
        return time(digits(&text[..4])?, &text[4..]);
    }
    let mut rest = text;
    loop {
        rest = &rest[rest.iter().position(u8::is_ascii_digit)?..];
        match leading_digits(rest) {
            DIGITS => return time(digits(&rest[..4])?, &rest[4..]),
            others => rest = &rest[others..],
        }
    }
}

/// Returns a time that consists only of digits
fn exact(digits: &[u8; DIGITS]) -> Option<Timestamp> {
    let pair = |at: usize| (digits[at] - b'0') * 10 + (digits[at + 1] - b'0');
    let year = u16::from(pair(0)) * 100 + u16::from(pair(2));
    Timestamp::new(year, pair(4), pair(6), pair(8), pair(10), pair(12))
}

/// Returns a time from its year and the text after it, which begins with ten digits
fn time(year: u16, text: &[u8]) -> Option<Timestamp> {
    let pair = |at: usize| text.get(at..at + 2).and_then(digits::<u8>);
    let time = Timestamp::new(year, pair(0)?, pair(2)?, pair(4)?, pair(6)?, pair(8)?)?;
    match text.get(10..) {
        Some([b'.', fraction @ ..]) => time.with_nanosecond(nanoseconds(fraction)),
        _ => Some(time),
    }
}

fn digits<T: TryFrom<u64>>(text: &[u8]) -> Option<T> {
    T::try_from(number(text)?).ok()
}

/// Returns the first nine digits as nanoseconds, padded with zeros
fn nanoseconds(fraction: &[u8]) -> u32 {
    let digits = fraction[..leading_digits(fraction)].iter().map(|digit| u32::from(digit - b'0'));
    // A number of nine digits is less than 2^32.
    digits
        .chain(core::iter::repeat(0))
        .take(9)
        .fold(0, |nanoseconds, digit| nanoseconds * 10 + digit)
}

/// Formats a time as in MFMT and MDTM: 14 digits, and a fraction only if it is not zero
///
/// RFC 3659 section 2.3 allows any number of digits after the point, but several servers accept none. A caller that
/// does not need a fraction passes whole seconds.
#[must_use]
pub fn format_time(time: Timestamp) -> String {
    let (year, month, day) = (time.year(), time.month(), time.day());
    let (hour, minute, second) = (time.hour(), time.minute(), time.second());
    let mut text = format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}");
    if time.nanosecond() != 0 {
        let fraction = format!(".{:09}", time.nanosecond());
        text.push_str(fraction.trim_end_matches('0'));
    }
    text
}
