//! IIS and other Windows servers: `03-10-24  12:34PM  <DIR>  name`

use super::entry::{Entry, EntryKind, Facts};
use super::scan::{
    Words, half_of_day, is_clock_shaped, leading_number, pair, parts, time_of_day, twelve_hours,
    year_of_two,
};
use super::time::{DateOrder, Dates, Modified, Precision, Zone};
use crate::Timestamp;

/// Parses `03-10-24  12:34PM       <DIR>          name`, the form of IIS, in one pass
///
/// A listing may have a million of these. Lines in any other form are left to [`parse`].
#[inline(always)]
pub(super) fn common<'a>(line: &'a [u8], dates: &mut Dates) -> Option<Entry<'a>> {
    let (head, rest) = line.split_first_chunk::<18>()?;
    let [m0, m1, b'-', d0, d1, b'-', y0, y1, b' ', b' ', h0, h1, b':', n0, n1, half, b'M', b' '] =
        *head
    else {
        return None;
    };
    dates.is_month_first().then_some(())?;
    let (month, day, year) = (pair(m0, m1)?, pair(d0, d1)?, pair(y0, y1)?);
    let half = match half {
        b'A' => 0,
        b'P' => 12,
        _ => return None,
    };
    let hour = pair(h0, h1).filter(|hour| *hour <= 12)?;
    let minute = pair(n0, n1)?;
    let rest = &rest[rest.iter().position(|byte| *byte != b' ')?..];
    let (kind, size, name) = match rest {
        [b'<', b'D', b'I', b'R', b'>', name @ ..] => (EntryKind::Dir, None, name),
        _ => {
            let (size, length) = leading_number(rest)?;
            (EntryKind::File, Some(size), &rest[length..])
        }
    };
    name.starts_with(b" ").then_some(())?;
    let name = name_after(line, name, kind, dates);
    if name.is_empty() {
        return None;
    }
    let time = Timestamp::new(year_of_two(year.into()), month, day, hour % 12 + half, minute, 0)?;
    Some(Entry {
        name,
        kind,
        size,
        modified: Some(Modified::At { time, precision: Precision::Minute, zone: Zone::Server }),
        accessed: None,
        permissions: None,
        owner: None,
        group: None,
        links: None,
        target: None,
        facts: Facts(&[]),
        raw: line,
    })
}

pub(super) fn parse<'a>(line: &'a [u8], dates: &mut Dates) -> Option<Entry<'a>> {
    let mut words = Words::new(line);
    let date = words.next()?;
    let date = match [b'-', b'/', b':'].iter().find_map(|separator| parts::<3>(date, *separator)) {
        Some(date) => dates.date(date, &[DateOrder::MonthFirst, DateOrder::DayFirst])?,
        None => dates.date(parts::<3>(date, b'.')?, &[DateOrder::DayFirst])?,
    };
    let time = time(&mut words)?;
    let what = words.next()?;
    let (kind, size) = match what {
        b"<DIR>" => (EntryKind::Dir, None),
        b"<JUNCTION>" | b"<SYMLINKD>" | b"<SYMLINK>" => (EntryKind::Symlink, None),
        [b'<', word @ .., b'>'] => (kind(word)?, None),
        digits => (EntryKind::File, size(digits)?),
    };
    let name = name_after(line, words.rest, kind, dates);
    let mut entry = Entry::new(line, name, kind);
    entry.size = size;
    entry.modified = date.and_then(|date| date.at(time)?.modified(dates));
    if kind == EntryKind::Symlink {
        (entry.name, entry.target) = link(name);
    }
    (!entry.name.is_empty()).then_some(entry)
}

/// Returns the name in what follows a size or `<DIR>`
///
/// In the columns of IIS and of `dir`, a size ends one character before the name, so more blanks belong to the name.
/// Other servers pad as they like. After `<DIR>`, some pad with one blank more, so it is not known whether a blank
/// belongs to the name of a directory, unless an earlier line has shown where names begin.
#[inline(always)]
fn name_after<'a>(line: &'a [u8], rest: &'a [u8], kind: EntryKind, dates: &mut Dates) -> &'a [u8] {
    match rest {
        [b' ', name @ ..]
            if kind == EntryKind::File && COLUMNS.contains(&(line.len() - name.len())) =>
        {
            name
        }
        _ if kind == EntryKind::Dir => name_of_directory(line, rest, dates),
        _ => rest.trim_ascii_start(),
    }
}

/// The column where names begin, with a year of two digits, or of four
const COLUMNS: [usize; 2] = [39, 41];

#[inline(always)]
fn name_of_directory<'a>(line: &'a [u8], rest: &'a [u8], dates: &mut Dates) -> &'a [u8] {
    let name = rest.trim_ascii_start();
    let blanks = rest.len() - name.len();
    match dates.blanks_after_dir() {
        Some(fill) if fill < blanks => &rest[fill..],
        None if COLUMNS.contains(&(line.len() - name.len())) => {
            dates.set_blanks_after_dir(blanks);
            name
        }
        _ => name,
    }
}

/// Returns the kind for the word in angle brackets that replaces a size, in any case and also in French
#[cold]
fn kind(word: &[u8]) -> Option<EntryKind> {
    let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
    let letters = !word.is_empty() && word.iter().all(u8::is_ascii_alphabetic);
    letters.then_some(if is("DIR") || is("REP") {
        EntryKind::Dir
    } else if is("JUNCTION") || is("SYMLINKD") || is("SYMLINK") {
        EntryKind::Symlink
    } else {
        EntryKind::Unknown
    })
}

/// Splits `name [target]`, `name => target`, `name -> target`
///
/// Name and target may contain brackets, too. Only a target begins like a path from a drive, a host or a directory;
/// if none does, the last bracket separates them.
fn link(name: &[u8]) -> (&[u8], Option<&[u8]>) {
    let begins_path = |at: &usize| {
        matches!(&name[at + 2..], [b'\\', ..] | [b'.', b'.', b'\\', ..])
            || matches!(&name[at + 2..], [drive, b':', ..] if drive.is_ascii_alphabetic())
    };
    let brackets = || memchr::memmem::find_iter(name, b" [");
    let open = brackets().find(begins_path).or_else(|| brackets().last());
    if let Some(at) = open.filter(|_| name.ends_with(b"]")) {
        return (&name[..at], Some(&name[at + 2..name.len() - 1]));
    }
    let arrow = |arrow: &[u8]| memchr::memmem::find(name, arrow);
    match arrow(b" => ").or_else(|| arrow(b" -> ")) {
        Some(at) => (&name[..at], Some(&name[at + 4..])),
        None => (name, None),
    }
}

/// Parses `12:34PM`, `12:34 PM`, `23:34`, in East Asia also with the half of the day before it; `Some(None)` is not
/// a valid time, although it looks like one
fn time(words: &mut Words<'_>) -> Option<Option<(u8, u8, Option<u8>)>> {
    let mut word = words.next()?;
    let mut half = None;
    if !word.is_ascii() {
        half = Some(half_before(word)?);
        word = words.next()?;
    }
    let mut after = *words;
    if half.is_none() && word.last().is_some_and(u8::is_ascii_digit) {
        half = after.next().and_then(half_of_day);
        if half.is_some() {
            *words = after;
        }
    }
    match (time_of_day(word), half) {
        (Some(time), Some(half)) => Some(twelve_hours(time, half)),
        (None, _) => is_clock_shaped(word).then_some(None),
        (time, None) => Some(time),
    }
}

/// Returns the half of the day in Chinese, Japanese and Korean: 0 or 12 hours
#[cold]
fn half_before(word: &[u8]) -> Option<u8> {
    match core::str::from_utf8(word).ok()? {
        "\u{4e0a}\u{5348}" | "\u{5348}\u{524d}" | "\u{c624}\u{c804}" => Some(0),
        "\u{4e0b}\u{5348}" | "\u{5348}\u{5f8c}" | "\u{c624}\u{d6c4}" => Some(12),
        _ => None,
    }
}

/// Parses a size, with the separators between the thousands that some servers write; `Some(None)` is a number that
/// can't be a size
fn size(word: &[u8]) -> Option<Option<u64>> {
    let mut size = Some(0_u64);
    let mut any = false;
    let digits = word.strip_prefix(b"-").unwrap_or(word);
    for byte in digits {
        match byte {
            b'0'..=b'9' => {
                any = true;
                let next = |size: u64| size.checked_mul(10)?.checked_add(u64::from(byte - b'0'));
                size = size.and_then(next);
            }
            b',' | b'.' if any => {}
            _ => return None,
        }
    }
    any.then_some(size.filter(|_| digits.len() == word.len()))
}
