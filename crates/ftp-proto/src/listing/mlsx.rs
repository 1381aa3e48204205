//! MLSD and MLST: `type=file;size=42;modify=20240310120000; name` (RFC 3659 section 7)

use super::entry::{Entry, EntryKind, Facts, OtherKind, Permissions};
use super::scan::{self, number};
use super::time::{Modified, Precision, Zone};
use crate::Timestamp;
use crate::control::fields::parse_time;

/// Parses a line of MLSD, or of the text of a reply to MLST
///
/// The facts end at the first blank, and everything after it is the name, unless that blank is in the target of a link.
/// Returns `None` if the line is in another format.
#[must_use]
pub fn parse_mlsx(line: &[u8]) -> Option<Entry<'_>> {
    let [b' ', name @ ..] = line else { return facts_and_name(line) };
    if name.is_empty() {
        return None;
    }
    // The line is indented as in MLST's reply; without facts, only the blank precedes the name (RFC 3659 section 7.2).
    let indented = facts_and_name(line.trim_ascii_start());
    let entry = indented.unwrap_or_else(|| Entry::new(line, name, EntryKind::Unknown));
    Some(Entry { raw: line, ..entry })
}

/// Parses a line that is not indented, in one pass, because a listing may have a million of these
#[inline(always)]
pub(super) fn facts_and_name(line: &[u8]) -> Option<Entry<'_>> {
    let mut common = CommonFacts::new();
    let mut unix = UnixFacts::default();
    let mut rest = line;
    // The byte before `rest`.
    let mut last = b'=';
    let name = loop {
        match rest {
            [b' ', name @ ..] => break name,
            // A few servers send a tab instead of the blank.
            [b'\t', name @ ..] if last == b';' => break name,
            // Each fact is followed by one; some servers omit the last one.
            [b';', after @ ..] => (last, rest) = (b';', after),
            _ => {
                if let Some(after) = common.read_usual(rest) {
                    (last, rest) = (b';', after);
                    continue;
                }
                rest = &rest[common.read(rest, &mut unix)?..];
                last = b'=';
                if let [b';', after @ ..] = rest {
                    (last, rest) = (b';', after);
                }
            }
        }
    };
    let facts = &line[..line.len() - name.len() - 1];
    let has_facts = facts.iter().any(|byte| *byte != b';');
    if name.is_empty() || !has_facts || has_blanks_between(facts, name) {
        return None;
    }
    let CommonFacts { kind, target, size, time } = common;
    let UnixFacts { permissions, owner, group, links } = unix;
    Some(Entry {
        name,
        kind,
        size,
        // Parsed here and not with its fact: moving a time takes longer than parsing it.
        modified: modified(time),
        accessed: None,
        permissions,
        owner,
        group,
        links,
        target,
        facts: Facts(facts),
        raw: line,
    })
}

/// The facts that all servers send
struct CommonFacts<'a> {
    kind: EntryKind,
    target: Option<&'a [u8]>,
    size: Option<u64>,
    /// Time of the last modification, as it is written; empty if there is none
    time: &'a [u8],
}

/// The facts that only some servers send
#[derive(Default)]
struct UnixFacts<'a> {
    permissions: Option<Permissions>,
    owner: Option<&'a [u8]>,
    group: Option<&'a [u8]>,
    links: Option<u64>,
}

/// Whether the text in place of the name is more facts: a damaged line, not a file
///
/// Everything after the first blank is the name (RFC 3659 section 7.2), even `size=3; x`. But no name begins with
/// two facts, nor with one if the semicolon before it is missing, unless the facts before the name contain the same
/// fact.
fn has_blanks_between(facts: &[u8], name: &[u8]) -> bool {
    let [_, _, _, _, four, _, six, ..] = name else { return false };
    (*four == b'=' || *six == b'=')
        && facts_in_name(name) > usize::from(facts.ends_with(b";"))
        && !has_fact(facts, name)
}

/// Whether the facts contain the fact that a name begins with
#[cold]
fn has_fact(facts: &[u8], name: &[u8]) -> bool {
    let key = name.split(|byte| *byte == b'=').next().unwrap_or_default();
    Facts(facts).iter().any(|(known, _)| known.eq_ignore_ascii_case(key))
}

/// Counts the facts at the beginning of a name that all servers send
#[cold]
fn facts_in_name(name: &[u8]) -> usize {
    const KNOWN: [&[u8]; 5] = [b"size", b"modify", b"type", b"perm", b"unique"];
    let (mut rest, mut count) = (name, 0);
    while let Some(end) = memchr::memchr(b';', rest) {
        let key = rest[..end].split(|byte| *byte == b'=').next().unwrap_or_default();
        let is_fact = key.len() < end && KNOWN.iter().any(|known| key.eq_ignore_ascii_case(known));
        if !is_fact {
            break;
        }
        count += 1;
        rest = rest[end + 1..].trim_ascii_start();
    }
    count
}

/// Whether a name looks like a fact, in which case other evidence must show that the line is in MLSD's format
pub(super) fn is_fact(name: &[u8]) -> bool {
    facts_in_name(name) > 0
}

impl<'a> CommonFacts<'a> {
    const fn new() -> Self {
        Self { kind: EntryKind::Unknown, target: None, size: None, time: &[] }
    }

    fn is_known(&self) -> bool {
        self.kind != EntryKind::Unknown || self.size.is_some() || modified(self.time).is_some()
    }

    /// Parses a fact that all servers send, in its most common form, and returns what
    /// follows its `;`; `None` leaves the fact to [`Self::read`]
    #[inline(always)]
    fn read_usual(&mut self, text: &'a [u8]) -> Option<&'a [u8]> {
        let ([a, b, c, d, fifth], value) = text.split_first_chunk::<5>()?;
        match (lower([*a, *b, *c, *d]), *fifth) {
            (TYPE, b'=') => {
                let ([a, b, c, d, fifth], _) = value.split_first_chunk::<5>()?;
                let (kind, length) = match (lower([*a, *b, *c, *d]), d, fifth) {
                    (FILE, _, b';') => (EntryKind::File, 5),
                    (DIR, b';', _) => (EntryKind::Dir, 4),
                    _ => return None,
                };
                (self.kind, self.target) = (kind, None);
                Some(&value[length..])
            }
            (SIZE, b'=') => {
                let (size, length) = scan::leading_number(value)?;
                let rest = value[length..].strip_prefix(b";")?;
                self.size = Some(size);
                Some(rest)
            }
            (MODI, b'f' | b'F') => {
                let ([y, equals, .., end], rest) = value.split_first_chunk::<17>()?;
                matches!((y, equals, end), (b'y' | b'Y', b'=', b';')).then_some(())?;
                self.time = &value[2..16];
                Some(rest)
            }
            _ => None,
        }
    }

    /// Parses a fact and returns its length; `None` if it is not a fact
    #[inline(always)]
    fn read(&mut self, text: &'a [u8], unix: &mut UnixFacts<'a>) -> Option<usize> {
        let fact = &text[..scan::either(text, b';', b' ')?];
        // These three facts are sent by all servers.
        match fact {
            [a, b, c, d, b'=', value @ ..] => match lower([*a, *b, *c, *d]) {
                // Without a value and a semicolon, this is not the end of the facts.
                TYPE if value.is_empty() && text.get(fact.len()) != Some(&b';') => return None,
                TYPE => {
                    (self.kind, self.target) = kind_and_target(value);
                    if self.target.is_some() && text.get(fact.len()) == Some(&b' ') {
                        return Some(self.read_rest_of_target(text, fact.len()));
                    }
                }
                // An invalid size is ignored (Q43), but the entry is still valid.
                SIZE => self.size = number(value),
                SIZD if self.size.is_none() => self.size = number(value),
                _ => {}
            },
            [a, b, c, d, b'f' | b'F', b'y' | b'Y', b'=', value @ ..]
                if lower([*a, *b, *c, *d]) == MODI =>
            {
                self.time = value;
            }
            _ => {
                let Some(at) = memchr::memchr(b'=', fact).filter(|at| *at > 0) else {
                    // Garbage between facts invalidates none of them.
                    let between = text.get(fact.len()) == Some(&b';') && self.is_known();
                    return between.then_some(fact.len());
                };
                let (key, value) = fact.split_at(at);
                if let Some((system, key)) = key.split_first_chunk::<5>() {
                    if system.eq_ignore_ascii_case(b"unix.") {
                        unix.read(key, &value[1..]);
                    }
                }
            }
        }
        Some(fact.len())
    }

    /// Reads a target that may go on after a blank, and returns the length of the fact
    ///
    /// ProFTPD does not escape the targets of links: `type=OS.unix=slink:/My Files/x;unique=1; name`. Each fact ends
    /// with a semicolon (RFC 3659 section 7.2), so a blank without one before it is part of the target if a blank that
    /// has one follows. The first of those ends the facts, because a name may contain more. Without any, the server
    /// omits the last semicolon.
    #[cold]
    fn read_rest_of_target(&mut self, text: &'a [u8], blank: usize) -> usize {
        let Some(end) = memchr::memmem::find(&text[blank..], b"; ") else { return blank };
        let facts = &text[..blank + end];
        let length = memchr::memchr(b';', facts).unwrap_or(facts.len());
        if facts[length..].contains(&b' ') {
            // The target contains semicolons, too, so it is not known where it ends.
            self.target = None;
            return facts.len();
        }
        self.target = link_target(&facts[b"type=".len()..length]);
        length
    }
}

const TYPE: u32 = lower(*b"type");
const SIZE: u32 = lower(*b"size");
const SIZD: u32 = lower(*b"sizd");
const MODI: u32 = lower(*b"modi");
const DIR: u32 = lower(*b"dir;");
const FILE: u32 = lower(*b"file");
const CDIR: u32 = lower(*b"cdir");
const PDIR: u32 = lower(*b"pdir");

/// Converts four letters at once to lower case; other bytes may change, but not into letters
#[inline]
const fn lower(letters: [u8; 4]) -> u32 {
    u32::from_le_bytes(letters) | 0x2020_2020
}

impl<'a> UnixFacts<'a> {
    /// Parses a fact by its key after `UNIX.`
    fn read(&mut self, key: &[u8], value: &'a [u8]) {
        let is = |name: &str| key.eq_ignore_ascii_case(name.as_bytes());
        if is("mode") {
            let digits = core::str::from_utf8(value).ok();
            let mode = digits.and_then(|digits| u16::from_str_radix(digits, 8).ok());
            self.permissions = mode.map(|mode| Permissions(mode & 0o7777));
        } else if is("ownername") || (is("owner") || is("uid")) && self.owner.is_none() {
            self.owner = Some(value);
        } else if is("groupname") || (is("group") || is("gid")) && self.group.is_none() {
            self.group = Some(value);
        } else if is("nlink") {
            self.links = number(value);
        }
    }
}

#[inline]
fn kind_and_target(value: &[u8]) -> (EntryKind, Option<&[u8]>) {
    let kind = match *value {
        [] => EntryKind::Unknown,
        [b'd' | b'D', b'i' | b'I', b'r' | b'R'] => EntryKind::Dir,
        [a, b, c, d] => match lower([a, b, c, d]) {
            FILE => EntryKind::File,
            CDIR | PDIR => EntryKind::Dir,
            _ => other_kind(value),
        },
        _ => other_kind(value),
    };
    (kind, if kind == EntryKind::Symlink { link_target(value) } else { None })
}

fn other_kind(value: &[u8]) -> EntryKind {
    let is = |name: &str| value.eq_ignore_ascii_case(name.as_bytes());
    let begins = |name: &str| {
        value.len() >= name.len() && value[..name.len()].eq_ignore_ascii_case(name.as_bytes())
    };
    if begins("os.unix=slink") || begins("os.unix=symlink") || is("link") {
        EntryKind::Symlink
    } else if begins("os.unix=chr") {
        EntryKind::Other(OtherKind::CharDevice)
    } else if begins("os.unix=blk") {
        EntryKind::Other(OtherKind::BlockDevice)
    } else if begins("os.unix=fifo") || begins("os.unix=pipe") {
        EntryKind::Other(OtherKind::Fifo)
    } else if begins("os.unix=socket") {
        EntryKind::Other(OtherKind::Socket)
    } else {
        EntryKind::Other(OtherKind::Special)
    }
}

/// Returns the target in `OS.unix=slink:/target`
fn link_target(value: &[u8]) -> Option<&[u8]> {
    let at = memchr::memchr(b':', value)?;
    let target = &value[at + 1..];
    (!target.is_empty()).then_some(target)
}

/// Parses a time; an invalid one is ignored
#[inline(always)]
fn modified(value: &[u8]) -> Option<Modified> {
    match value.try_into() {
        Ok(digits) => plain_time(digits).map(in_utc),
        Err(_) => fractional_time(value),
    }
}

/// Parses `20240310120000`, perhaps with a fraction
#[inline(never)]
fn fractional_time(value: &[u8]) -> Option<Modified> {
    let time = parse_time(value)?;
    let fraction = memchr::memchr(b'.', value).is_some_and(|at| value.len() > at + 1);
    let precision = if fraction { Precision::Subsecond } else { Precision::Second };
    Some(Modified::At { time, precision, zone: Zone::Utc })
}

fn in_utc(time: Timestamp) -> Modified {
    Modified::At { time, precision: Precision::Second, zone: Zone::Utc }
}

#[inline(always)]
fn plain_time(digits: &[u8; 14]) -> Option<Timestamp> {
    let (date, time) = (digits.first_chunk()?, digits.last_chunk()?);
    let ([century, year, month, day], [_, hour, minute, second]) =
        (scan::pairs(date)?, scan::pairs(time)?);
    let year = u16::from(century) * 100 + u16::from(year);
    Timestamp::new(year, month, day, hour, minute, second)
}
