//! VM/CMS: `NAME  TYPE  A1 V  80  12  1  9/16/91  15:10:32`
//!
//! ```text
//! name     type    mode format length records blocks date time owner
//! ```
//!
//! Records of format `F` all have the same length, so the size is known; those of `V` have that
//! length at most.

use super::entry::{Entry, Kind};
use super::scan::{Words, clock, number, parts};
use super::time::{DateOrder, Dates};

/// Name and type are told with the blanks between them: [`join`] makes a name of the two
pub(super) fn parse<'a>(line: &'a [u8], dates: &mut Dates) -> Option<Entry<'a>> {
    let mut words = Words::new(line);
    let name = words.next()?;
    if !line.starts_with(name) {
        return None;
    }
    let mut end = name.len();
    let mut word = words.next()?;
    if !is_mode(word) {
        end = line.len() - words.rest.len();
        word = words.next()?;
    }
    if is_mode(word) {
        word = words.next()?;
    }
    let kind = match word {
        b"F" | b"V" => Kind::File,
        b"DIR" => Kind::Dir,
        _ => return None,
    };
    let mut entry = Entry::new(line, &line[..end], kind);
    let [length, records, blocks] = [words.next()?, words.next()?, words.next()?];
    if kind == Kind::Dir {
        [length, records, blocks].iter().all(|word| *word == b"-").then_some(())?;
    } else {
        number(blocks)?;
        let size = number(length)?.checked_mul(number(records)?)?;
        entry.size = Some(size).filter(|_| word == b"F");
    }
    let date = words.next()?;
    let date = parts::<3>(date, b'/').or_else(|| parts::<3>(date, b'-'))?;
    let mut parts = dates.arrange(date, &[DateOrder::MonthFirst, DateOrder::DayFirst])?;
    parts.time = Some(clock(words.next()?)?);
    entry.modified = Some(parts.modified(dates)?);
    entry.owner = words.next();
    words.next().is_none().then_some(entry)
}

/// `A1`: a disk and a number
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
