//! `ls -l` and its relatives: Unix, NetWare (`d [RWCEAFMS] …`), Mac servers (WebSTAR, NetPresenz)
//!
//! ```text
//! -rwxr-sr-x+  2 ann  staff  4096 Mar 10 12:34 name -> target
//! type   perms links owner group size  date
//! ```
//!
//! Links, group and owner may be missing, so the date is looked for, and what stands before it is
//! read from its end: the size, then group, owner and links as far as there are words.

use super::entry::{Entry, Kind, OtherKind, Permissions};
use super::scan::{Words, clock, number, parts, small, year};
use super::time::{Parts, month};
use crate::Timestamp;

/// More words than this before the date have no meaning
const MAX_COLUMNS: usize = 8;

pub(super) fn parse(line: &[u8], now: Option<Timestamp>) -> Option<Entry<'_>> {
    let (kind, permissions, words) = head(line)?;
    let mut columns = [Column::default(); MAX_COLUMNS];
    // A month that is but a number may be an owner as well: only if there is no other.
    let (date, name, count) = columns_and_date(words, &mut columns, date)
        .or_else(|| columns_and_date(words, &mut columns, counted))?;
    let mut entry = Entry::new(line, name, kind);
    entry.permissions = permissions;
    if permissions.is_none() && line.contains(&b'[') {
        // NetWare puts several blanks before names.
        entry.name = name.trim_ascii_start();
    }
    entry.modified = Some(date.modified(now)?);
    describe(&mut entry, &columns[..count])?;
    if kind == Kind::Symlink {
        if let Some(at) = memchr::memmem::find(name, b" -> ") {
            entry.name = &name[..at];
            entry.target = Some(&name[at + 4..]).filter(|target| !target.is_empty());
        }
    }
    (!entry.name.is_empty()).then_some(entry)
}

/// A date as it was found, and the name behind it
type Found<'a> = (Parts, &'a [u8]);

/// Fills the columns up to the first place where `date` finds one
fn columns_and_date<'a>(
    mut words: Words<'a>,
    columns: &mut [Column<'a>; MAX_COLUMNS],
    date: impl Fn(&'a [u8], Words<'a>) -> Option<Found<'a>>,
) -> Option<(Parts, &'a [u8], usize)> {
    let mut count = 0;
    loop {
        let before = words.rest;
        let word = words.next()?;
        // A date is preceded by a size at least.
        if count > 0 {
            if let Some((date, name)) = date(word, words) {
                return Some((date, name, count));
            }
        }
        let text = &before[before.len() - words.rest.len() - word.len()..];
        *columns.get_mut(count)? = Column { word, text };
        count += 1;
    }
}

/// The letter of the kind and the permissions
fn head(line: &[u8]) -> Option<(Kind, Option<Permissions>, Words<'_>)> {
    let kind = match line.first()? {
        b'-' | b'f' | b'F' => Kind::File,
        b'd' => Kind::Dir,
        b'l' => Kind::Symlink,
        b'b' => Kind::Other(OtherKind::BlockDevice),
        b'c' => Kind::Other(OtherKind::CharDevice),
        b'p' => Kind::Other(OtherKind::Fifo),
        b's' => Kind::Other(OtherKind::Socket),
        b'D' => Kind::Other(OtherKind::Door),
        _ => return None,
    };
    // NetWare: `d [RWCEAFMS]`, also without the blank.
    let netware = line[1..].trim_ascii_start();
    if let Some(rights) = netware.strip_prefix(b"[") {
        let end = memchr::memchr(b']', rights)?;
        return Some((kind, None, Words::new(&rights[end + 1..])));
    }
    let permissions = line.get(1..10)?;
    let mode = Permissions::parse(permissions);
    // Some systems invent letters; the shape is what counts.
    let shaped = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'-';
    if mode.is_none() && !permissions.iter().all(shaped) {
        return None;
    }
    // `+`, `@`, `.`: access control lists and the like.
    let rest = line.get(10..)?;
    let rest = match rest.first() {
        Some(b'+' | b'@' | b'.' | b'*') => &rest[1..],
        _ => rest,
    };
    // The number of links may follow at once where it is large.
    let next = rest.first()?;
    (next.is_ascii_whitespace() || next.is_ascii_digit()).then_some((kind, mode, Words::new(rest)))
}

/// A word before the date, and the line from there on
#[derive(Clone, Copy, Default)]
struct Column<'a> {
    word: &'a [u8],
    text: &'a [u8],
}

/// The columns between permissions and date, from the last to the first
fn describe<'a>(entry: &mut Entry<'a>, columns: &[Column<'a>]) -> Option<()> {
    let (mut last, mut rest) = columns.split_last()?;
    // Devices have two numbers: `1,   0` and `1,0`.
    let device = matches!(entry.kind, Kind::Other(_));
    match rest {
        [before @ .., major] if device && major.word.ends_with(b",") => {
            (last, rest) = (major, before);
        }
        _ if device && last.word.contains(&b',') => {}
        _ => entry.size = Some(size_of(last.word)?),
    }
    let links = rest.first().and_then(|first| number(first.word));
    match rest {
        // Mac servers have `folder` where others have a group.
        [] => {}
        [one] | [_, one] if one.word == b"folder" => {}
        // WebSTAR: the two forks of a file and their sum.
        [_, second] if is_sum(entry.size, links, number(second.word)) => {}
        [only] => match links {
            Some(links) => entry.links = Some(links),
            None => entry.owner = Some(only.word),
        },
        [_, owner] if links.is_some() => {
            entry.links = links;
            entry.owner = Some(owner.word);
        }
        [owner, group] => (entry.owner, entry.group) = (Some(owner.word), Some(group.word)),
        [_, owner, group] if links.is_some() => {
            entry.links = links;
            (entry.owner, entry.group) = (Some(owner.word), Some(group.word));
        }
        [first, others @ ..] => {
            entry.links = links;
            let names = if links.is_some() { others } else { rest };
            let begin = names.first().unwrap_or(first).text;
            let names = begin[..begin.len() - last.text.len()].trim_ascii_end();
            let (owner, group) = owner_and_group(names)?;
            (entry.owner, entry.group) = (Some(owner), Some(group));
        }
    }
    Some(())
}

fn is_sum(sum: Option<u64>, one: Option<u64>, other: Option<u64>) -> bool {
    let total = one.zip(other).and_then(|(one, other)| one.checked_add(other));
    total.is_some() && total == sum
}

/// Both may be of several words: `john smith   Domain Users`, `maxm Domain Users`
fn owner_and_group(names: &[u8]) -> Option<(&[u8], &[u8])> {
    let first = memchr::memchr(b' ', names)?;
    let wide = memchr::memmem::find(names, b"  ");
    let only =
        wide.filter(|at| memchr::memmem::find(names[*at..].trim_ascii_start(), b"  ").is_none());
    let at = only.unwrap_or(first);
    Some((&names[..at], names[at..].trim_ascii()))
}

/// Bytes, or with the letter that `ls -h` puts behind them
fn size_of(word: &[u8]) -> Option<u64> {
    if let Some(size) = number(word) {
        return Some(size);
    }
    let (unit, digits) = word.split_last()?;
    let shift = match unit {
        b'K' | b'k' => 10,
        b'M' => 20,
        b'G' => 30,
        b'T' => 40,
        b'B' => 0,
        _ => return None,
    };
    let (whole, tenth) = match parts::<2>(digits, b'.') {
        Some([whole, tenth]) if tenth.len() == 1 => (number(whole)?, number(tenth)?),
        _ => (number(digits)?, 0),
    };
    whole.checked_mul(10)?.checked_add(tenth)?.checked_mul(1 << shift).map(|tenths| tenths / 10)
}

/// A date of this word and those behind it
fn date<'a>(first: &'a [u8], mut behind: Words<'a>) -> Option<Found<'a>> {
    // Most words are no part of a date, and their beginning shows it.
    if !first[0].is_ascii_digit() {
        let month = month(first)?;
        return named(month, day(behind.next()?)?, behind);
    }
    if let Some(day) = day(first) {
        return named(month(behind.next()?)?, day, behind);
    }
    numeric(first, behind)
}

/// `3月 10日 12:34`: a month by its number, as in East Asia, with the character for month behind it, or
/// without
fn counted<'a>(first: &'a [u8], mut words: Words<'a>) -> Option<Found<'a>> {
    let second = words.next()?;
    let month = small(unmarked(first)).filter(|month| (1..=12).contains(month))?;
    named(month, day(second)?, words)
}

/// `Mar 10 12:34`, `Mar 10  2024`, `10 Mar 2024`, `10. Mar 12:34`, `Mar 10 12:34:56 2024`: what stands
/// behind month and day
fn named(month: u8, day: u8, mut words: Words<'_>) -> Option<Found<'_>> {
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
    Some((parts, words.name()?))
}

/// `2024-03-10 12:34`, `2024-03-10 12:34:56.789 +0100`, `2024/03/10`
fn numeric<'a>(word: &'a [u8], mut words: Words<'a>) -> Option<Found<'a>> {
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
    Some((parts, words.name()?))
}

fn day(word: &[u8]) -> Option<u8> {
    let word = word.strip_suffix(b".").or_else(|| word.strip_suffix(b",")).unwrap_or(word);
    small(unmarked(word)).filter(|day| (1..=31).contains(day))
}

/// Whether a number where a year may stand is one: it may be a size as well
fn is_year(year: u16) -> bool {
    (1600..2200).contains(&year)
}

/// A number without the character behind it, in whatever charset that is
fn unmarked(word: &[u8]) -> &[u8] {
    let end = word.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(word.len());
    if end > 0 && word.get(end).is_some_and(|byte| !byte.is_ascii()) { &word[..end] } else { word }
}
