//! z/OS: data sets, members of partitioned data sets, load modules, jobs
//!
//! ```text
//! Volume Unit    Referred Ext Used Recfm Lrecl BlkSz Dsorg Dsname
//! WRK001 3390   2024/03/10  1   15  VB   27994 27998  PS  DATA.SET
//! Migrated                                                OLD.DATA
//! MEMBER    01.05 2024/03/09 2024/03/10 12:34    10     8     0 OWNER
//! JOBNAME  JOB01234 OUTPUT    3 Spool Files
//! ```

use super::entry::{Entry, Kind, OtherKind};
use super::scan::{Words, clock, number, parts, small};
use super::time::{Dates, Parts};

pub(super) fn parse<'a>(line: &'a [u8], dates: &Dates) -> Option<Entry<'a>> {
    data_set(line, dates).or_else(|| member(line, dates)).or_else(|| job(line))
}

fn date(word: &[u8]) -> Option<Parts> {
    let [year, month, day] = parts::<3>(word, b'/')?;
    (year.len() == 4).then_some(())?;
    Some(Parts { year: Some(small(year)?), month: small(month)?, day: small(day)?, time: None })
}

fn data_set<'a>(line: &'a [u8], dates: &Dates) -> Option<Entry<'a>> {
    let mut words = Words::new(line);
    let volume = words.next()?;
    let away = volume.eq_ignore_ascii_case(b"Migrated") || volume.eq_ignore_ascii_case(b"ARCIVE");
    if away || volume == b"Pseudo" {
        let name = if away {
            // `ARCIVE Not Direct Access Device  NAME`
            words.trimmed().strip_prefix(b"Not Direct Access Device").unwrap_or(words.rest)
        } else {
            words.trimmed().strip_prefix(b"Directory")?
        };
        let mut words = Words::new(name);
        let (name, end) = (words.next()?, words.next());
        let kind = if away { Kind::File } else { Kind::Dir };
        return end.is_none().then(|| Entry::new(line, name, kind));
    }
    // Unit and date of the last reference; then it is told by its organisation, the last but one.
    let unit = words.next().filter(|unit| unit.iter().all(u8::is_ascii_alphanumeric))?;
    let referred = words.next()?;
    let mut last = [&[][..], referred];
    let mut accessed = None;
    if referred != b"VSAM" {
        let date = date(referred);
        (date.is_some() || referred == b"**NONE**").then_some(())?;
        accessed = date.and_then(|date| date.modified(dates));
    } else if number(unit).is_none() {
        return None;
    }
    for word in words {
        last = [last[1], word];
    }
    let kind = match last[0] {
        b"PO" | b"PO-E" => Kind::Dir,
        b"PS" | b"PS-E" | b"DA" | b"VSAM" | b"VS" => Kind::File,
        _ => return None,
    };
    let mut entry = Entry::new(line, last[1], kind);
    entry.accessed = accessed;
    Some(entry)
}

/// A member without statistics is its name alone, which tells a member only where they are expected
pub(super) fn bare_member(line: &[u8]) -> Option<Entry<'_>> {
    let mut words = Words::new(line);
    let name = words.next()?;
    let plain = |byte: &u8| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'@' | b'#' | b'$' | b'-');
    let sure = line.starts_with(name) && name.iter().all(plain) && words.next().is_none();
    sure.then(|| Entry::new(line, name, Kind::File))
}

fn member<'a>(line: &'a [u8], dates: &Dates) -> Option<Entry<'a>> {
    let mut words = Words::new(line);
    let name = words.next()?;
    let version = words.next()?;
    parts::<2>(version, b'.').filter(|both| both.iter().all(|part| number(part).is_some()))?;
    date(words.next()?)?;
    let mut changed = date(words.next()?)?;
    changed.time = Some(clock(words.next()?)?);
    let mut entry = Entry::new(line, name, Kind::File);
    entry.modified = Some(changed.modified(dates)?);
    // Records now, at first, and changed; bytes are not told.
    for _ in 0..3 {
        number(words.next()?)?;
    }
    entry.owner = words.next();
    Some(entry)
}

fn job(line: &[u8]) -> Option<Entry<'_>> {
    let mut words = Words::new(line);
    let name = words.next()?;
    let number = words.next()?;
    let is_id = matches!(number, [b'J', b'O', b'B', digits @ ..] | [b'T', b'S', b'U', digits @ ..]
        | [b'S', b'T', b'C', digits @ ..] if digits.iter().all(u8::is_ascii_digit));
    let mut state = words;
    let known = [&b"OUTPUT"[..], b"INPUT", b"ACTIVE", b"HELD"];
    let has_state = state.any(|word| known.contains(&word));
    (is_id && has_state).then(|| {
        let mut entry = Entry::new(line, number, Kind::Other(OtherKind::Special));
        entry.owner = Some(name);
        entry
    })
}
