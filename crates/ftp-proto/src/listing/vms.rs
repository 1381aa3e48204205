//! OpenVMS: `NAME.EXT;1  2/4  10-MAR-2024 12:34:56  [GROUP,OWNER]  (RWED,RWED,RE,)`
//!
//! Long names have a line of their own, and the rest follows indented. The size is in blocks of 512
//! bytes, of which nobody knows how full the last is: no size is told.

use super::entry::{Entry, Kind, Permissions};
use super::scan::{Words, clock, parts, small};
use super::time::{Parts, month};
use crate::Timestamp;

/// Whether a line is a name whose rest is on the next one
pub(super) fn is_name(line: &[u8]) -> bool {
    !line.starts_with(b" ") && name(line.trim_ascii_end()).is_some_and(|(_, version)| version)
}

pub(super) fn parse(line: &[u8], now: Option<Timestamp>) -> Option<Entry<'_>> {
    let mut words = Words::new(line);
    let word = words.next()?;
    if line.first()?.is_ascii_whitespace() {
        return None;
    }
    let (full, has_version) = name(word)?;
    if !has_version {
        return None;
    }
    let extension = full.len().checked_sub(4).map(|at| &full[at..]);
    let is_dir = extension.is_some_and(|extension| extension.eq_ignore_ascii_case(b".DIR"));
    let kind = if is_dir { Kind::Dir } else { Kind::File };
    let mut entry = Entry::new(line, full, kind);
    let rest = words.trimmed();
    // `%RMS-E-PRV`, `insufficient privilege`, `no privilege for attempted operation`
    let refused = rest.first().is_none_or(|byte| !byte.is_ascii_digit() && *byte != b'*');
    if refused {
        let told = rest.starts_with(b"%") || memchr::memmem::find(rest, b"privilege").is_some();
        return told.then_some(entry);
    }
    // Blocks used and allocated; asterisks where they don't fit.
    let first = words.next()?;
    let date = if first.contains(&b'-') { first } else { words.next()? };
    let [day, name, year] = parts::<3>(date, b'-')?;
    let mut time = words;
    let mut parts = Parts {
        year: Some(small(year)?),
        month: month(name)?,
        day: small(day)?,
        time: time.next().and_then(clock),
    };
    if parts.time.is_some() {
        words = time;
    } else {
        parts.time = None;
    }
    entry.modified = Some(parts.modified(now)?);
    // `[GROUP,OWNER]`, perhaps with blanks inside
    let owner = words.trimmed();
    if let Some(inside) = owner.strip_prefix(b"[") {
        let end = memchr::memchr(b']', inside)?;
        let inside = &inside[..end];
        match memchr::memchr(b',', inside) {
            Some(at) => {
                entry.group = Some(inside[..at].trim_ascii());
                entry.owner = Some(inside[at + 1..].trim_ascii());
            }
            None => entry.owner = Some(inside.trim_ascii()),
        }
    }
    entry.permissions = memchr::memrchr(b'(', line).and_then(|at| protection(&line[at + 1..]));
    Some(entry)
}

/// `RWED,RWED,RE,)`: system, owner, group and world; Unix has no system and no right to delete
fn protection(text: &[u8]) -> Option<Permissions> {
    let end = memchr::memchr(b')', text)?;
    let [_, owner, group, world] = parts::<4>(&text[..end], b',')?;
    let bits = |rights: &[u8]| {
        rights.iter().try_fold(0, |bits, right| match right {
            b'R' => Some(bits | 4),
            b'W' => Some(bits | 2),
            b'E' => Some(bits | 1),
            b'D' | b' ' => Some(bits),
            _ => None,
        })
    };
    Some(Permissions(bits(owner)? << 6 | bits(group)? << 3 | bits(world)?))
}

/// The name without its version, and whether it has one
fn name(word: &[u8]) -> Option<(&[u8], bool)> {
    let at = memchr::memrchr(b';', word);
    let Some(at) = at else { return Some((word, false)) };
    let (name, version) = (&word[..at], &word[at + 1..]);
    let numbered = !version.is_empty() && version.iter().all(u8::is_ascii_digit);
    (numbered && !name.is_empty() && !name.contains(&b' ')).then_some((name, true))
}
