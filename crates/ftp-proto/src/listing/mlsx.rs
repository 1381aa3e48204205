//! MLSD and MLST: `type=file;size=42;modify=20240310120000; name` (RFC 3659 section 7)

use super::entry::{Entry, Facts, Kind, OtherKind, Permissions};
use super::scan::number;
use super::time::{Modified, Precision, Zone};
use crate::control::fields::parse_time;

/// Reads a line of MLSD, or of the text of a reply to MLST
///
/// Facts end at the first blank, and everything behind it is the name. `None` if the line is none.
#[must_use]
pub fn parse_mlsx(line: &[u8]) -> Option<Entry<'_>> {
    // The blank; a few servers send a tab.
    let tab =
        |at: &usize| line[*at] == b'\t' && at.checked_sub(1).is_some_and(|at| line[at] == b';');
    let blank = memchr::memchr(b' ', line);
    let at = memchr::memchr(b'\t', &line[..blank.unwrap_or(line.len())]).filter(tab).or(blank)?;
    if at == 0 {
        // As MLST has it in its reply; without facts the blank is all there is before the name.
        let indented = parse_mlsx(&line[1..]).filter(|entry| entry.facts != Facts(&[]));
        if let Some(entry) = indented {
            return Some(Entry { raw: line, ..entry });
        }
    }
    let (facts, name) = (&line[..at], &line[at + 1..]);
    // Without facts there is still the blank (RFC 3659 section 7.2).
    if name.is_empty() || (!facts.is_empty() && !facts.contains(&b'=')) {
        return None;
    }
    // Each has a `;` behind it; servers forget the last one.
    let mut known = facts.split(|byte| *byte == b';').filter(|fact| !fact.is_empty());
    if !known.all(|fact| memchr::memchr(b'=', fact).is_some_and(|at| at > 0)) {
        return None;
    }
    if has_blanks_between(name) {
        return None;
    }
    let facts = Facts(facts);
    let mut entry = Entry::new(line, name, Kind::Unknown);
    entry.facts = facts;
    for (key, value) in facts.iter() {
        match_fact(&mut entry, key, value)?;
    }
    Some(entry)
}

/// Whether what should be the name is more facts: a damaged line, not a file
fn has_blanks_between(name: &[u8]) -> bool {
    let known = [&b"size="[..], b"modify=", b"type=", b"perm=", b"unique="];
    memchr::memchr(b';', name).is_some()
        && known
            .iter()
            .any(|fact| name.len() > fact.len() && name[..fact.len()].eq_ignore_ascii_case(fact))
}

/// `None` if the value makes no sense
fn match_fact<'a>(entry: &mut Entry<'a>, key: &[u8], value: &'a [u8]) -> Option<()> {
    let is = |name: &str| key.eq_ignore_ascii_case(name.as_bytes());
    if is("type") {
        (!value.is_empty()).then_some(())?;
        entry.kind = kind(value);
        entry.target = link_target(value);
    } else if is("size") || (is("sizd") && entry.size.is_none()) {
        // A size that is none is not one (Q43); the entry is an entry all the same.
        entry.size = number(value);
    } else if is("modify") {
        entry.modified = Some(modified(value)?);
    } else if is("unix.mode") {
        let digits = core::str::from_utf8(value).ok();
        let mode = digits.and_then(|digits| u16::from_str_radix(digits, 8).ok());
        entry.permissions = mode.map(|mode| Permissions(mode & 0o7777));
    } else if is("unix.ownername") || (is("unix.owner") || is("unix.uid")) && entry.owner.is_none()
    {
        entry.owner = Some(value);
    } else if is("unix.groupname") || (is("unix.group") || is("unix.gid")) && entry.group.is_none()
    {
        entry.group = Some(value);
    } else if is("unix.nlink") {
        entry.links = number(value);
    }
    Some(())
}

fn kind(value: &[u8]) -> Kind {
    let is = |name: &str| value.eq_ignore_ascii_case(name.as_bytes());
    let begins = |name: &str| {
        value.len() >= name.len() && value[..name.len()].eq_ignore_ascii_case(name.as_bytes())
    };
    if is("file") {
        Kind::File
    } else if is("dir") || is("cdir") || is("pdir") {
        Kind::Dir
    } else if begins("os.unix=slink") || begins("os.unix=symlink") || is("link") {
        Kind::Symlink
    } else if begins("os.unix=chr") {
        Kind::Other(OtherKind::CharDevice)
    } else if begins("os.unix=blk") {
        Kind::Other(OtherKind::BlockDevice)
    } else if begins("os.unix=fifo") || begins("os.unix=pipe") {
        Kind::Other(OtherKind::Fifo)
    } else if begins("os.unix=socket") {
        Kind::Other(OtherKind::Socket)
    } else {
        Kind::Other(OtherKind::Special)
    }
}

/// `OS.unix=slink:/target`
fn link_target(value: &[u8]) -> Option<&[u8]> {
    let at = memchr::memchr(b':', value)?;
    let target = &value[at + 1..];
    (kind(value) == Kind::Symlink && !target.is_empty()).then_some(target)
}

/// `20240310120000`, with a fraction perhaps
fn modified(value: &[u8]) -> Option<Modified> {
    let time = parse_time(value)?;
    let fraction = memchr::memchr(b'.', value).is_some_and(|at| value.len() > at + 1);
    let precision = if fraction { Precision::Subsecond } else { Precision::Second };
    Some(Modified::At { time, precision, zone: Zone::Utc })
}
