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
    let blank = memchr::memchr(b' ', line);
    let tab = memchr::memchr(b'\t', &line[..blank.unwrap_or(line.len())]);
    let at = tab.filter(|at| line[..*at].ends_with(b";")).or(blank)?;
    if at == 0 {
        // As MLST has it in its reply; without facts the blank is all there is before the name.
        let indented = parse_mlsx(&line[1..]).filter(|entry| entry.facts != Facts(&[]));
        if let Some(entry) = indented {
            return Some(Entry { raw: line, ..entry });
        }
    }
    let (facts, name) = (&line[..at], &line[at + 1..]);
    if name.is_empty() || is_more_facts(name) {
        return None;
    }
    let mut entry = Entry::new(line, name, Kind::Unknown);
    entry.facts = Facts(facts);
    let mut rest = facts;
    // Each fact has a `;` behind it; servers forget the last one. Without facts there is still the blank
    // (RFC 3659 section 7.2).
    while !rest.is_empty() {
        let at = rest.iter().position(|byte| matches!(byte, b'=' | b';'))?;
        let (key, behind) = (&rest[..at], &rest[at + 1..]);
        if rest[at] == b';' {
            // Two in a row, but not all of them.
            if !key.is_empty() || facts.len() == 1 {
                return None;
            }
            rest = behind;
            continue;
        }
        if key.is_empty() {
            return None;
        }
        let end = behind.iter().position(|byte| *byte == b';').unwrap_or(behind.len());
        match_fact(&mut entry, key.trim_ascii(), &behind[..end])?;
        rest = behind.get(end + 1..).unwrap_or_default();
    }
    Some(entry)
}

/// Whether what should be the name is more facts: a damaged line, not a file
fn is_more_facts(name: &[u8]) -> bool {
    let known = [&b"size="[..], b"modify=", b"type=", b"perm=", b"unique="];
    memchr::memchr(b';', name).is_some()
        && known
            .iter()
            .any(|fact| name.len() > fact.len() && name[..fact.len()].eq_ignore_ascii_case(fact))
}

/// `None` if the value makes no sense
fn match_fact<'a>(entry: &mut Entry<'a>, key: &[u8], value: &'a [u8]) -> Option<()> {
    // By their length first: most are short.
    match key.len() {
        4 => match &lower::<4>(key)? {
            b"type" => {
                (!value.is_empty()).then_some(())?;
                entry.kind = kind(value);
                if entry.kind == Kind::Symlink {
                    entry.target = link_target(value);
                }
            }
            // A size that is none is not one (Q43); the entry is an entry all the same.
            b"size" => entry.size = number(value),
            b"sizd" if entry.size.is_none() => entry.size = number(value),
            _ => {}
        },
        6 if lower(key)? == *b"modify" => entry.modified = Some(modified(value)?),
        8 => match &lower::<8>(key)? {
            b"unix.uid" if entry.owner.is_none() => entry.owner = Some(value),
            b"unix.gid" if entry.group.is_none() => entry.group = Some(value),
            _ => {}
        },
        9 if lower(key)? == *b"unix.mode" => {
            let digits = core::str::from_utf8(value).ok();
            let mode = digits.and_then(|digits| u16::from_str_radix(digits, 8).ok());
            entry.permissions = mode.map(|mode| Permissions(mode & 0o7777));
        }
        10 => match &lower::<10>(key)? {
            b"unix.owner" if entry.owner.is_none() => entry.owner = Some(value),
            b"unix.group" if entry.group.is_none() => entry.group = Some(value),
            b"unix.nlink" => entry.links = number(value),
            _ => {}
        },
        14 => match &lower::<14>(key)? {
            b"unix.ownername" => entry.owner = Some(value),
            b"unix.groupname" => entry.group = Some(value),
            _ => {}
        },
        _ => {}
    }
    Some(())
}

fn lower<const N: usize>(key: &[u8]) -> Option<[u8; N]> {
    let mut lower = *key.first_chunk::<N>()?;
    lower.make_ascii_lowercase();
    Some(lower)
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
    (!target.is_empty()).then_some(target)
}

/// `20240310120000`, with a fraction perhaps
fn modified(value: &[u8]) -> Option<Modified> {
    let time = parse_time(value)?;
    let fraction = memchr::memchr(b'.', value).is_some_and(|at| value.len() > at + 1);
    let precision = if fraction { Precision::Subsecond } else { Precision::Second };
    Some(Modified::At { time, precision, zone: Zone::Utc })
}
