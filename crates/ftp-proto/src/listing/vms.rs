//! OpenVMS: `NAME.EXT;1  2/4  10-MAR-2024 12:34:56  [GROUP,OWNER]  (RWED,RWED,RE,)`
//!
//! Long names have a line of their own, and the rest follows indented. Some servers put the columns
//! in another order or omit some. The size is in blocks of 512 bytes, and it is not known how
//! full the last block is. So no size is returned, unless it is in bytes.

use super::entry::{Entry, EntryKind, Permissions};
use super::month::month;
use super::scan::{Words, clock, half_of_day, parts, size_with_unit, small, year};
use super::time::{Dates, Parts};

/// Whether a line is a name whose rest is on the next line
pub(super) fn is_name(line: &[u8]) -> bool {
    let line = line.trim_ascii_end();
    memchr::memchr(b';', line).is_some()
        && memchr::memchr2(b' ', b'\t', line).is_none()
        && matches!(name(line), Some((_, Version::Present)))
}

/// As [`is_name`], in a listing that is known to be of OpenVMS, where versions may be omitted
pub(super) fn is_plain_name(line: &[u8]) -> bool {
    let line = line.trim_ascii_end();
    line.len() >= 16 && line.iter().all(|byte| byte.is_ascii_graphic() && *byte != b':')
}

/// Whether a name alone shows that the listing is of OpenVMS: `LOGIN.COM;1`
pub(super) fn is_typical_name(line: &[u8]) -> bool {
    let typical =
        |byte: &u8| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'$' | b'_' | b'-' | b'.' | b';');
    line.contains(&b'.') && line.iter().all(typical) && is_name(line)
}

/// Whether a line that begins with a name continues like those of OpenVMS
pub(super) fn is_continued(line: &[u8], dates: &Dates) -> bool {
    // If the caller says that a name continues, its rest must come with the next line.
    if parse(line, dates).is_none() {
        return false;
    }
    let Some((mut entry, _, words)) = begin(line) else { return false };
    let all = Columns { date: Column::Present, unknown: Column::None };
    is_refused(words) || columns(&mut entry, words, dates) == all
}

pub(super) fn parse<'a>(line: &'a [u8], dates: &Dates) -> Option<Entry<'a>> {
    let (mut entry, version, words) = begin(line)?;
    if is_refused(words) {
        return (version == Version::Present).then_some(entry);
    }
    let columns = columns(&mut entry, words, dates);
    let sure = match version {
        Version::Present => columns.date == Column::Present,
        Version::Absent => {
            columns == Columns { date: Column::Present, unknown: Column::None }
                && entry.owner.is_some()
                && entry.permissions.is_some()
        }
    };
    sure.then_some(entry)
}

/// Parses a line in a listing that is known to be of OpenVMS: the name is certain even if nothing else is
pub(super) fn member<'a>(line: &'a [u8], dates: &Dates) -> Option<Entry<'a>> {
    let (mut entry, version, words) = begin(line)?;
    columns(&mut entry, words, dates);
    let alone = words.trimmed().is_empty() && memchr::memchr(b'.', line).is_some();
    (version == Version::Present || alone).then_some(entry)
}

/// Returns the name that a line begins with
fn begin(line: &[u8]) -> Option<(Entry<'_>, Version, Words<'_>)> {
    if line.first()?.is_ascii_whitespace() {
        return None;
    }
    let mut words = Words::new(line);
    let (name, version) = name(words.next()?)?;
    let stem = name.len().checked_sub(4).map(|at| name.split_at(at));
    let entry = match stem {
        // The name that CWD takes does not have the suffix.
        Some((stem, suffix)) if suffix.eq_ignore_ascii_case(b".DIR") && !stem.is_empty() => {
            Entry::new(line, stem, EntryKind::Dir)
        }
        _ => Entry::new(line, name, EntryKind::File),
    };
    Some((entry, version, words))
}

/// Whether the rest is an error: `%RMS-E-PRV`, `insufficient privilege`, `no privilege for attempted operation`
fn is_refused(words: Words<'_>) -> bool {
    let rest = words.trimmed();
    rest.starts_with(b"%") || memchr::memmem::find(rest, b"privilege").is_some()
}

/// Which columns a line has
#[derive(Clone, Copy, PartialEq, Eq)]
struct Columns {
    date: Column,
    /// Words that belong to no column
    unknown: Column,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Column {
    None,
    Present,
}

/// Parses size, date, owner and protection in any order; other words are skipped
fn columns<'a>(entry: &mut Entry<'a>, mut words: Words<'a>, dates: &Dates) -> Columns {
    let mut columns = Columns { date: Column::None, unknown: Column::None };
    let mut has_size = false;
    loop {
        match words.trimmed() {
            [] => return columns,
            [b'[', inside @ ..] if entry.owner.is_none() => {
                // It may contain blanks, or be cut off where the next column begins.
                let end =
                    memchr::memchr(b']', inside).filter(|end| !inside[..*end].contains(&b'('));
                let cut = || inside.iter().position(|byte| matches!(byte, b' ' | b'\t' | b'('));
                let length = end.or_else(cut).unwrap_or(inside.len());
                match memchr::memchr(b',', &inside[..length]) {
                    Some(at) => {
                        entry.group = Some(inside[..at].trim_ascii());
                        entry.owner = Some(inside[at + 1..length].trim_ascii());
                    }
                    None => entry.owner = Some(inside[..length].trim_ascii()),
                }
                words = Words::new(&inside[length + usize::from(end.is_some())..]);
            }
            [b'(', inside @ ..] if entry.permissions.is_none() => {
                let end = memchr::memchr(b')', inside).unwrap_or(inside.len());
                entry.permissions = protection(&inside[..end]);
                if entry.permissions.is_none() {
                    columns.unknown = Column::Present;
                }
                words = Words::new(inside.get(end + 1..).unwrap_or_default());
            }
            _ => {
                let Some(word) = words.next() else { return columns };
                if is_size(word) && !has_size {
                    has_size = true;
                    let used = word.split(|byte| *byte == b'/').next();
                    entry.size = used.and_then(size_with_unit).flatten();
                } else if let Some(parts) = date(word).filter(|_| columns.date == Column::None) {
                    columns.date = Column::Present;
                    let parts = match time(words) {
                        Some((time, after)) => {
                            words = after;
                            parts.at(time)
                        }
                        None => Some(parts),
                    };
                    entry.modified = parts.and_then(|parts| parts.modified(dates));
                } else if entry.owner.is_none() && words.trimmed().starts_with(b"(") {
                    entry.owner = Some(word);
                } else {
                    columns.unknown = Column::Present;
                }
            }
        }
    }
}

/// Hour, minute, second
type Time = (u8, u8, Option<u8>);

/// Parses `10-MAR-2024`
fn date(word: &[u8]) -> Option<Parts> {
    let [day, of, digits] = parts::<3>(word, b'-')?;
    Some(Parts {
        year: Some(year(digits)?),
        month: month(of)?,
        day: small(day)?,
        ..Parts::default()
    })
}

/// Parses a time of day, if the next word is one; `Some((None, _))` if there is no such time
fn time(words: Words<'_>) -> Option<(Option<Time>, Words<'_>)> {
    let mut after = words;
    let word = after.next().filter(|word| word.contains(&b':'))?;
    // No server writes AM or PM here; if one does, it is not known how it counts the hours.
    let half = { after }.next().is_some_and(|word| half_of_day(word).is_some());
    Some((clock(word).filter(|_| !half), after))
}

/// Whether a word is the number of blocks used, and perhaps allocated: `2/4`, asterisks where they don't fit, or a
/// size with a unit, `2KB`
fn is_size(word: &[u8]) -> bool {
    let digits = |part: &[u8]| {
        let digits = part.iter().all(u8::is_ascii_digit);
        !part.is_empty() && (digits || size_with_unit(part).is_some())
    };
    word.iter().all(|byte| *byte == b'*')
        || digits(word)
        || parts::<2>(word, b'/').is_some_and(|both| both.into_iter().all(digits))
}

/// Parses `RWED,RWED,RE,`: system, owner, group and world; Unix has no system and no right to delete
fn protection(text: &[u8]) -> Option<Permissions> {
    let [_, owner, group, world] = {
        let classes = parts::<4>(text, b',')?;
        let mut bits = [0; 4];
        for (bits, class) in bits.iter_mut().zip(classes) {
            *bits = rights(class.trim_ascii())?;
        }
        bits
    };
    Some(Permissions(owner << 6 | group << 3 | world))
}

/// Parses some of `RWED`, each once and in this order
fn rights(class: &[u8]) -> Option<u16> {
    let mut known = [(b'R', 4), (b'W', 2), (b'E', 1), (b'D', 0)].into_iter();
    class.iter().try_fold(0, |bits, right| {
        let (_, bit) = known.find(|(letter, _)| letter == right)?;
        Some(bits | bit)
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    Present,
    Absent,
}

/// Returns the name without its version, and without the directory that some servers put before it
fn name(word: &[u8]) -> Option<(&[u8], Version)> {
    let (name, version) = match memchr::memrchr(b';', word) {
        Some(at) => {
            let version = &word[at + 1..];
            let numbered = !version.is_empty() && version.iter().all(u8::is_ascii_digit);
            (numbered.then_some(&word[..at])?, Version::Present)
        }
        None => (word, Version::Absent),
    };
    let name = match name.strip_prefix(b"[") {
        Some(path) => &path[memchr::memchr(b']', path)? + 1..],
        None => name,
    };
    (!name.is_empty() && !name.contains(&b' ')).then_some((name, version))
}
