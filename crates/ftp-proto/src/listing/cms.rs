//! VM/CMS: `NAME  TYPE  A1 V  80  12  1  9/16/91  15:10:32`
//!
//! ```text
//! name     type    mode format length records blocks date time owner
//! NOTES    SCRIPT  A1   V          71      26      1  3/09/26 08:15:42
//! NOTES    SCRIPT       F          80      26      1 2026-03-09 08:15:42 ANN
//! PLANS                 DIR         -       -      - 2026-03-09 08:15:42 -
//! ```
//!
//! Entries of minidisks have a mode, directories of the shared file system have none. Records of format `F` all
//! have the same length, so the size is known; records of format `V` have at most that length.
//!
//! The byte file system puts the name last, in quotes:
//!
//! ```text
//! 03/09/2026 08:15:42 F 1 65758 'notes.txt'
//! 03/09/2026 08:15:42 D - -     'plans'
//! ```

use super::entry::{Entry, EntryKind};
use super::scan::{Words, clock, is_clock_shaped, number, parts};
use super::time::{DateOrder, Dates, Modified};

/// As in the United States, unless there is no such date
const ORDERS: &[DateOrder] = &[DateOrder::MonthFirst, DateOrder::DayFirst];

/// Whether a name consists of two words that [`join`] has to combine
pub(super) fn is_split(entry: &Entry<'_>, dates: &mut Dates) -> bool {
    let of_two = entry.name.contains(&b' ') && entry.raw.starts_with(entry.name);
    of_two && record_file(entry.raw, dates).is_some()
}

/// Parses a line; name and type are returned with the blanks between them: see [`is_split`]
pub(super) fn parse<'a>(line: &'a [u8], dates: &mut Dates) -> Option<Entry<'a>> {
    record_file(line, dates).or_else(|| byte_file(line, dates))
}

/// Parses a line of a minidisk or of the shared file system
fn record_file<'a>(line: &'a [u8], dates: &mut Dates) -> Option<Entry<'a>> {
    let mut words = Words::new(line);
    let name = words.next()?;
    if !line.starts_with(name) {
        return None;
    }
    let mut end = name.len();
    let mut word = words.next()?;
    // A type or a mode may also be `V`, but then a format follows.
    let mut after = words;
    let next = after.next()?;
    if kind(next).is_some() || kind(word).is_none() {
        if !is_mode(word) || is_mode(next) {
            end = line.len() - words.rest.len();
        }
        (word, words) = (next, after);
        if kind(word).is_none() {
            is_mode(word).then_some(())?;
            word = words.next()?;
        }
    }
    let mut entry = Entry::new(line, &line[..end], kind(word)?);
    let [length, records, blocks] = [words.next()?, words.next()?, words.next()?];
    if entry.kind == EntryKind::Dir {
        [length, records, blocks].iter().all(|word| *word == b"-").then_some(())?;
    } else {
        number(blocks)?;
        let (length, records) = (number(length)?, number(records)?);
        entry.size = length.checked_mul(records).filter(|_| word == b"F");
    }
    entry.modified = date_and_time(&mut words, dates)?;
    entry.owner = words.next().filter(|owner| *owner != b"-");
    words.next().is_none().then_some(entry)
}

/// Parses a line of the byte file system
fn byte_file<'a>(line: &'a [u8], dates: &mut Dates) -> Option<Entry<'a>> {
    let mut words = Words::new(line);
    let modified = date_and_time(&mut words, dates)?;
    let kind = match words.next()? {
        b"F" => EntryKind::File,
        b"D" => EntryKind::Dir,
        b"S" => EntryKind::Symlink,
        _ => return None,
    };
    // This is the number of records.
    words.next()?;
    let size = words.next()?;
    let name = words.trimmed().trim_ascii_end().strip_prefix(b"'")?;
    let name = name.strip_suffix(b"'")?;
    let mut entry = Entry::new(line, name, kind);
    entry.modified = modified;
    entry.size = number(size).filter(|_| kind == EntryKind::File);
    (!name.is_empty()).then_some(entry)
}

/// Parses date and time; `Some(None)` if they look right but are not valid
fn date_and_time(words: &mut Words<'_>, dates: &mut Dates) -> Option<Option<Modified>> {
    let date = words.next()?;
    let date = parts::<3>(date, b'/').or_else(|| parts::<3>(date, b'-'))?;
    let date = dates.date(date, ORDERS)?;
    let word = words.next().filter(|word| is_clock_shaped(word))?;
    Some(date.and_then(|date| date.at(clock(word))?.modified(dates)))
}

/// Returns the kind according to the format of the records
fn kind(format: &[u8]) -> Option<EntryKind> {
    match format {
        b"F" | b"V" => Some(EntryKind::File),
        b"DIR" => Some(EntryKind::Dir),
        _ => None,
    }
}

/// Whether a word is a mode such as `A1`: a disk and a number
fn is_mode(word: &[u8]) -> bool {
    matches!(word, [disk, number] if disk.is_ascii_uppercase() && number.is_ascii_digit())
}

/// Writes `NAME.TYPE` for `NAME  TYPE`
pub(super) fn join(name: &[u8], into: &mut alloc::vec::Vec<u8>) {
    into.clear();
    for word in Words::new(name) {
        if !into.is_empty() {
            into.push(b'.');
        }
        into.extend_from_slice(word);
    }
}
