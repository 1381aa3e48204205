//! EPLF, Easily Parsed List Format (anonftpd, publicfile): `+i8388621.29609,m824255902,/,<TAB>name`

use super::entry::{Entry, EntryKind, Permissions};
use super::scan::number;
use super::time::{Modified, Precision, Zone};
use crate::Timestamp;

pub(super) fn parse(line: &[u8]) -> Option<Entry<'_>> {
    let body = line.strip_prefix(b"+")?;
    let at = memchr::memchr(b'\t', body)?;
    let (facts, name) = (&body[..at], &body[at + 1..]);
    if name.is_empty() {
        return None;
    }
    let mut entry = Entry::new(line, name, EntryKind::Unknown);
    for fact in facts.split(|byte| *byte == b',').filter(|fact| !fact.is_empty()) {
        match fact {
            b"/" => entry.kind = EntryKind::Dir,
            b"r" => entry.kind = EntryKind::File,
            [b's', digits @ ..] => entry.size = number(digits),
            [b'm', digits @ ..] => {
                let seconds = number(digits).and_then(|seconds| i64::try_from(seconds).ok());
                let (precision, zone) = (Precision::Second, Zone::Utc);
                entry.modified = seconds.and_then(Timestamp::from_unix).map(|time| Modified::At {
                    time,
                    precision,
                    zone,
                });
            }
            [b'u', b'p', digits @ ..] => {
                let mode = core::str::from_utf8(digits).ok();
                let mode = mode.and_then(|digits| u16::from_str_radix(digits, 8).ok());
                entry.permissions = mode.map(|mode| Permissions(mode & 0o7777));
            }
            // These are an identifier, and facts of future versions.
            _ => {}
        }
    }
    // According to the format's author, an entry that can be neither fetched nor entered is of no use.
    (entry.kind != EntryKind::Unknown).then_some(entry)
}
