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
use super::time::Parts;
use crate::Timestamp;

pub(super) fn parse(line: &[u8], now: Option<Timestamp>) -> Option<Entry<'_>> {
    data_set(line, now).or_else(|| member(line, now)).or_else(|| job(line))
}

fn date(word: &[u8]) -> Option<Parts> {
    let [year, month, day] = parts::<3>(word, b'/')?;
    (year.len() == 4).then_some(())?;
    Some(Parts { year: Some(small(year)?), month: small(month)?, day: small(day)?, time: None })
}

fn data_set(line: &[u8], now: Option<Timestamp>) -> Option<Entry<'_>> {
    let mut words = Words::new(line);
    let volume = words.next()?;
    let special =
        volume.eq_ignore_ascii_case(b"Migrated") || volume.eq_ignore_ascii_case(b"ARCIVE");
    if special || (volume == b"Pseudo" && words.next()? == b"Directory") {
        let name = words.next()?;
        if words.next().is_some() {
            return None;
        }
        let kind = if volume == b"Pseudo" { Kind::Dir } else { Kind::File };
        return Some(Entry::new(line, name, kind));
    }
    // Unit and date of the last reference; then it is told by its organisation, the last but one.
    let unit = words.next()?;
    let referred = words.next()?;
    let known = date(referred).is_some() || referred == b"**NONE**";
    if !known || number(unit).is_none() && !unit.iter().all(u8::is_ascii_alphanumeric) {
        return None;
    }
    let mut last = [&[][..]; 2];
    for word in words {
        last = [last[1], word];
    }
    let kind = match last[0] {
        b"PO" | b"PO-E" => Kind::Dir,
        b"PS" | b"PS-E" | b"DA" | b"VSAM" | b"VS" => Kind::File,
        _ => return None,
    };
    let mut entry = Entry::new(line, last[1], kind);
    // When it was used last, which is not when it was changed: checked, and not told.
    let _ = now;
    entry.size = None;
    Some(entry)
}

fn member(line: &[u8], now: Option<Timestamp>) -> Option<Entry<'_>> {
    let mut words = Words::new(line);
    let name = words.next()?;
    let version = words.next()?;
    parts::<2>(version, b'.').filter(|both| both.iter().all(|part| number(part).is_some()))?;
    date(words.next()?)?;
    let mut changed = date(words.next()?)?;
    changed.time = Some(clock(words.next()?)?);
    let mut entry = Entry::new(line, name, Kind::File);
    entry.modified = Some(changed.modified(now)?);
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
