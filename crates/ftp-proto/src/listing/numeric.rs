//! Unix listings with numbers only: `0100644  500  101  12345  123456789  name`
//!
//! The columns are the mode in octal with the type of the file, owner, group, size, seconds since 1970, and name.

use super::entry::{Entry, EntryKind, OtherKind, Permissions};
use super::scan::{Words, number};
use super::time::{Modified, Precision, Zone};
use crate::Timestamp;

pub(super) fn parse(line: &[u8]) -> Option<Entry<'_>> {
    let mut words = Words::new(line);
    let digits = words.next().filter(|word| matches!(word.len(), 6 | 7))?;
    let mode = core::str::from_utf8(digits).ok()?;
    let mode = u32::from_str_radix(mode, 8).ok()?;
    let kind = match mode >> 12 {
        0o10 => EntryKind::File,
        0o04 => EntryKind::Dir,
        0o12 => EntryKind::Symlink,
        0o01 => EntryKind::Other(OtherKind::Fifo),
        0o02 => EntryKind::Other(OtherKind::CharDevice),
        0o06 => EntryKind::Other(OtherKind::BlockDevice),
        0o14 => EntryKind::Other(OtherKind::Socket),
        _ => return None,
    };
    let (owner, group) = (words.next()?, words.next()?);
    let (size, seconds) = (number(words.next()?)?, number(words.next()?)?);
    let mut entry = Entry::new(line, words.trimmed(), kind);
    // Only twelve bits are left.
    entry.permissions = Some(Permissions((mode & 0o7777) as u16));
    (entry.owner, entry.group, entry.size) = (Some(owner), Some(group), Some(size));
    let time = i64::try_from(seconds).ok().and_then(Timestamp::from_unix);
    let (precision, zone) = (Precision::Second, Zone::Utc);
    entry.modified = time.map(|time| Modified::At { time, precision, zone });
    (!entry.name.is_empty()).then_some(entry)
}
