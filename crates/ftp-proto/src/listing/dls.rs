//! `dls`, a program for public archives: names, sizes and a short description of each file
//!
//! ```text
//! README              763  Mar 10 12:34  What this is
//! pub/                  =  Mar 10  2024
//! latest               14  -> pub/of/today
//! A.LONGER.NAME.THAN.FITS
//!                   79215
//! ```
//!
//! The size ends in column 23; `-` and `=` mean that there is none.

use super::date;
use super::entry::{Entry, EntryKind};
use super::scan::{Words, number};
use super::time::Dates;

/// The column where the size ends
const SIZE_END: usize = 23;
/// Maximum length of a name before the size; longer names have a line of their own
const NAME_WIDTH: usize = 17;

/// Whether a line is a name whose rest is on the next line
pub(super) fn is_name(line: &[u8]) -> bool {
    line.len() > NAME_WIDTH && line.iter().all(u8::is_ascii_graphic)
}

/// Parses a name that had a line of its own, and whose rest is missing
pub(super) fn lone(line: &[u8]) -> Option<Entry<'_>> {
    let (name, kind) = match line.strip_suffix(b"/") {
        Some(name) => (name, EntryKind::Dir),
        None => (line, EntryKind::Unknown),
    };
    (!name.is_empty()).then(|| Entry::new(line, name, kind))
}

/// Parses a line whose first `wrapped` bytes are a name that had a line of its own
pub(super) fn parse<'a>(line: &'a [u8], wrapped: usize, dates: &Dates) -> Option<Entry<'a>> {
    let rest = &line[wrapped..];
    let (columns, after) = rest.split_at_checked(SIZE_END)?;
    let after = after.strip_prefix(b"  ")?;
    let (before, size) =
        columns.split_at(columns.trim_ascii_end().iter().rposition(|b| *b == b' ')? + 1);
    let name = if wrapped > 0 { &line[..wrapped] } else { before.trim_ascii_end() };
    let separated = wrapped > 0 && before.trim_ascii().is_empty() || before.ends_with(b"  ");
    if name.is_empty() || !separated || !name.iter().all(u8::is_ascii_graphic) {
        return None;
    }
    let (name, kind) = match name.strip_suffix(b"/") {
        Some(name) => (name, EntryKind::Dir),
        None => (name, EntryKind::File),
    };
    let mut entry = Entry::new(line, name, kind);
    entry.size = match size {
        b"-" | b"=" => None,
        digits => Some(number(digits)?),
    };
    let mut comment = after;
    if let Some((parts, words)) = date::named(Words::new(after)) {
        entry.modified = parts.modified(dates);
        comment = words.rest;
    }
    if let Some(target) = comment.trim_ascii().strip_prefix(b"-> ") {
        (entry.kind, entry.target) = (EntryKind::Symlink, Some(target));
    }
    (!entry.name.is_empty()).then_some(entry)
}
