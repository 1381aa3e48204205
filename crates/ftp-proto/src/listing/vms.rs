//! OpenVMS: `NAME.EXT;1  2/4  10-MAR-2024 12:34:56  [GROUP,OWNER]  (RWED,RWED,RE,)`
//!
//! Long names have a line of their own, and the rest follows indented. Some servers put the columns
//! in another order or leave some out. The size is in blocks of 512 bytes, of which nobody knows how
//! full the last is: no size is told.

use super::entry::{Entry, Kind, Permissions};
use super::scan::{Words, clock, parts, small, year};
use super::time::{Dates, Parts, month};

/// Whether a line is a name whose rest is on the next one
pub(super) fn is_name(line: &[u8]) -> bool {
    let line = line.trim_ascii_end();
    memchr::memchr(b';', line).is_some()
        && !line.starts_with(b" ")
        && matches!(name(line), Some((_, Version::Told)))
}

/// As [`is_name`], in a listing that is known to be of OpenVMS: versions may be left out
pub(super) fn is_plain_name(line: &[u8]) -> bool {
    let line = line.trim_ascii_end();
    line.len() >= 16 && line.iter().all(|byte| byte.is_ascii_graphic() && *byte != b':')
}

pub(super) fn parse<'a>(line: &'a [u8], dates: &Dates) -> Option<Entry<'a>> {
    let first = line.first()?;
    if first.is_ascii_whitespace() {
        return None;
    }
    let mut words = Words::new(line);
    let (name, version) = name(words.next()?)?;
    let stem = name.len().checked_sub(4).map(|at| name.split_at(at));
    let mut entry = match stem {
        // A directory is entered without it.
        Some((stem, suffix)) if suffix.eq_ignore_ascii_case(b".DIR") && !stem.is_empty() => {
            Entry::new(line, stem, Kind::Dir)
        }
        _ => Entry::new(line, name, Kind::File),
    };
    let rest = words.trimmed();
    // `%RMS-E-PRV`, `insufficient privilege`, `no privilege for attempted operation`
    let refused = rest.starts_with(b"%") || memchr::memmem::find(rest, b"privilege").is_some();
    if refused {
        return (version == Version::Told).then_some(entry);
    }
    columns(&mut entry, words, dates)?;
    let sure = version == Version::Told || (entry.owner.is_some() && entry.permissions.is_some());
    sure.then_some(entry)
}

/// Size, date, owner and protection in any order, each at most once, the date for sure
fn columns<'a>(entry: &mut Entry<'a>, mut words: Words<'a>, dates: &Dates) -> Option<()> {
    let mut has_size = false;
    loop {
        let text = words.trimmed();
        match text {
            [] => break,
            [b'[', inside @ ..] if entry.owner.is_none() => {
                // Perhaps with blanks inside.
                let end = memchr::memchr(b']', inside)?;
                match memchr::memchr(b',', &inside[..end]) {
                    Some(at) => {
                        entry.group = Some(inside[..at].trim_ascii());
                        entry.owner = Some(inside[at + 1..end].trim_ascii());
                    }
                    None => entry.owner = Some(inside[..end].trim_ascii()),
                }
                words = Words::new(&inside[end + 1..]);
            }
            [b'(', inside @ ..] if entry.permissions.is_none() => {
                let end = memchr::memchr(b')', inside)?;
                entry.permissions = Some(protection(&inside[..end])?);
                words = Words::new(&inside[end + 1..]);
            }
            _ => {
                let word = words.next()?;
                if is_size(word) && !has_size {
                    has_size = true;
                } else if let Some([day, of, digits]) = parts::<3>(word, b'-') {
                    let mut parts = Parts {
                        year: Some(year(digits)?),
                        month: month(of)?,
                        day: small(day)?,
                        time: None,
                    };
                    let mut behind = words;
                    if let Some(word) = behind.next().filter(|word| word.contains(&b':')) {
                        parts.time = Some(clock(word)?);
                        words = behind;
                    }
                    let known = entry.modified.replace(parts.modified(dates)?);
                    known.is_none().then_some(())?;
                } else if entry.owner.is_none() && words.trimmed().starts_with(b"(") {
                    entry.owner = Some(word);
                } else {
                    return None;
                }
            }
        }
    }
    entry.modified.map(|_| ())
}

/// Blocks used, and perhaps allocated: `2/4`; asterisks where they don't fit
fn is_size(word: &[u8]) -> bool {
    let digits = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    word.iter().all(|byte| *byte == b'*')
        || digits(word)
        || parts::<2>(word, b'/').is_some_and(|both| both.into_iter().all(digits))
}

/// `RWED,RWED,RE,`: system, owner, group and world; Unix has no system and no right to delete
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

/// Some of `RWED`, each once and in this order
fn rights(class: &[u8]) -> Option<u16> {
    let mut known = [(b'R', 4), (b'W', 2), (b'E', 1), (b'D', 0)].into_iter();
    class.iter().try_fold(0, |bits, right| {
        let (_, bit) = known.find(|(letter, _)| letter == right)?;
        Some(bits | bit)
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    Told,
    LeftOut,
}

/// The name without its version, and without the directory that some servers put before it
fn name(word: &[u8]) -> Option<(&[u8], Version)> {
    let (name, version) = match memchr::memrchr(b';', word) {
        Some(at) => {
            let version = &word[at + 1..];
            let numbered = !version.is_empty() && version.iter().all(u8::is_ascii_digit);
            (numbered.then_some(&word[..at])?, Version::Told)
        }
        None => (word, Version::LeftOut),
    };
    let name = match name.strip_prefix(b"[") {
        Some(path) => &path[memchr::memchr(b']', path)? + 1..],
        None => name,
    };
    (!name.is_empty() && !name.contains(&b' ')).then_some((name, version))
}
