//! z/OS: data sets, members of partitioned data sets, load modules, jobs
//!
//! ```text
//! Volume Unit    Referred Ext Used Recfm Lrecl BlkSz Dsorg Dsname
//! WRK001 3390   2024/03/10  1   15  VB   27994 27998  PS  DATA.SET
//! WRK002 Tape                                             DATA.DUMP
//!                                                    GDG  DATA.GROUP
//! Migrated                                                OLD.DATA
//!  Name     VV.MM   Created       Changed      Size  Init   Mod   Id
//! MEMBER    01.05 2024/03/09 2024/03/10 12:34    10     8     0 OWNER
//!  Name      Size     TTR   Alias-of AC --------- Attributes --------- Amode Rmode
//! MODULE    0003B0 002C1D          00 FO             RN RU            31    ANY
//! JOBNAME  JOB01234 OUTPUT    3 Spool Files
//! ```
//!
//! Old systems write years of two digits: month first for data sets, year first for members. Sizes are
//! tracks, records, or the memory that a module needs, so no size is returned.

use super::entry::{Entry, EntryKind, OtherKind};
use super::scan::{Words, clock, number, parts};
use super::time::{DateOrder, Dates, Parts};

/// The column where the names of data sets begin
const NAME_COLUMN: usize = 56;

pub(super) fn parse<'a>(line: &'a [u8], dates: &mut Dates) -> Option<Entry<'a>> {
    let before = *dates;
    data_set(line, dates)
        .or_else(|| without_attributes(line))
        .or_else(|| {
            // A line that is not a data set shows nothing about the order of dates.
            *dates = before;
            member(line, dates)
        })
        .or_else(|| module(line))
        .or_else(|| job(line))
}

/// Parses a line in a listing that is known to be of z/OS
pub(super) fn known(line: &[u8]) -> Option<Entry<'_>> {
    in_its_column(line).or_else(|| bare_member(line))
}

/// Parses `2024/03/10`, `03/10/24`, `24/03/10`
fn date(word: &[u8], orders: &[DateOrder], dates: &mut Dates) -> Option<Option<Parts>> {
    dates.date(parts::<3>(word, b'/')?, orders)
}

/// Parses a data set on a disk, recognized by its organisation, the last word but one
fn data_set<'a>(line: &'a [u8], dates: &mut Dates) -> Option<Entry<'a>> {
    const ORDERS: &[DateOrder] =
        &[DateOrder::MonthFirst, DateOrder::DayFirst, DateOrder::YearFirst];
    let mut words = Words::new(line);
    let _volume = words.next().filter(|volume| volume.len() <= 6)?;
    let unit = words.next()?;
    let mut last = [unit, words.next()?];
    let mut accessed = None;
    let mut known = false;
    // A listing of level 2 has no units.
    for word in last {
        // From a hundred extents on, their number follows without a blank.
        let day = word.split_at_checked(10).filter(|(day, _)| parts::<3>(day, b'/').is_some());
        let day = day.map_or(word, |(day, _)| day);
        if let Some(date) = date(day, ORDERS, dates) {
            accessed = date.and_then(|date| date.modified(dates));
            known = true;
        }
        known |= word == b"**NONE**";
    }
    // Before the organisation are the lengths of records and of blocks.
    let mut lengths = [&[][..]; 2];
    for word in words {
        lengths = [lengths[1], last[0]];
        last = [last[1], word];
    }
    known |= lengths.iter().all(|length| number(length).is_some());
    let is_vsam = last[0] == b"VSAM" && number(unit).is_some();
    let kind = organisation(last[0]).filter(|_| known || is_vsam)?;
    let mut entry = Entry::new(line, last[1], kind);
    entry.accessed = accessed;
    Some(entry)
}

/// Returns the kind of a data set according to its organisation
fn organisation(word: &[u8]) -> Option<EntryKind> {
    match word {
        // Generations are listed like members.
        b"PO" | b"PO-E" | b"POU" | b"GDG" => Some(EntryKind::Dir),
        b"PS" | b"PS-E" | b"PS-L" | b"PSU" | b"PS-B" | b"DA" | b"DAU" | b"IS" | b"VSAM" | b"VS"
        | b"HFS" | b"ZFS" | b"PATH" => Some(EntryKind::File),
        _ => None,
    }
}

/// Parses a data set with only a few words instead of attributes, perhaps after its volume
fn without_attributes(line: &[u8]) -> Option<Entry<'_>> {
    const WORDS: [(&[u8], EntryKind); 14] = [
        (b"Migrated", EntryKind::File),
        (b"MIGRATED", EntryKind::File),
        (b"MIGRAT", EntryKind::File),
        (b"Pseudo Directory", EntryKind::Dir),
        (b"PSEUDO DIRECTORY", EntryKind::Dir),
        (b"User catalog connector", EntryKind::Other(OtherKind::Special)),
        (b"Error determining attributes", EntryKind::Unknown),
        (b"Not Direct Access Device", EntryKind::File),
        (b"Not a DASD device", EntryKind::File),
        (b"Not Mounted", EntryKind::File),
        (b"File not on volume", EntryKind::File),
        (b"Tape", EntryKind::File),
        (b"GDG", EntryKind::Dir),
        (b"VSAM", EntryKind::File),
    ];
    let after = |text: &[u8]| {
        let (words, kind) = WORDS.iter().find(|(words, _)| text.starts_with(words))?;
        Some((text.len() - words.len(), *kind))
    };
    let text = line.trim_ascii();
    let mut words = Words::new(text);
    let volume = words.next()?;
    let after_volume = || {
        let only = volume == b"ARCIVE" && !words.trimmed().contains(&b' ');
        let known = after(words.trimmed()).filter(|_| volume.len() <= 6);
        known.or_else(|| only.then_some((words.rest.len(), EntryKind::File)))
    };
    let (length, kind) = after(text).or_else(after_volume)?;
    one_word(line, &text[text.len() - length..], kind)
}

/// Returns a name with blanks before it and nothing after it
fn one_word<'a>(line: &'a [u8], text: &'a [u8], kind: EntryKind) -> Option<Entry<'a>> {
    let mut words = Words::new(text);
    // One blank is not enough: `Tape recordings` may be a file.
    let separated = matches!(text, [b'\t', ..] | [b' ', b' ' | b'\t', ..]);
    let name = words.next().filter(|_| separated)?;
    words.next().is_none().then(|| Entry::new(line, name, kind))
}

/// Parses a name in the column of the names of data sets, whatever precedes it
fn in_its_column(line: &[u8]) -> Option<Entry<'_>> {
    let (columns, name) = line.trim_ascii_end().split_at_checked(NAME_COLUMN)?;
    let apart = columns.ends_with(b" ") && !name.is_empty() && !name.contains(&b' ');
    let organised = Words::new(columns).last().and_then(organisation);
    apart.then(|| Entry::new(line, name, organised.unwrap_or(EntryKind::Unknown)))
}

fn is_member_name(name: &[u8]) -> bool {
    let plain = |byte: &u8| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'@' | b'#' | b'$' | b'-');
    name.iter().all(plain)
}

/// Parses a member without statistics, which is only its name, so it counts only where members are expected
fn bare_member(line: &[u8]) -> Option<Entry<'_>> {
    let mut words = Words::new(line);
    let name = words.next()?;
    let sure = line.starts_with(name) && is_member_name(name) && words.next().is_none();
    sure.then(|| Entry::new(line, name, EntryKind::File))
}

fn member<'a>(line: &'a [u8], dates: &mut Dates) -> Option<Entry<'a>> {
    const ORDERS: &[DateOrder] = &[DateOrder::YearFirst, DateOrder::MonthFirst];
    let mut words = Words::new(line);
    let name = words.next()?;
    let version = words.next()?;
    parts::<2>(version, b'.').filter(|both| both.iter().all(|part| number(part).is_some()))?;
    date(words.next()?, ORDERS, dates)?;
    let changed = date(words.next()?, ORDERS, dates)?;
    let time = clock(words.next()?);
    let mut entry = Entry::new(line, name, EntryKind::File);
    entry.modified = changed.and_then(|day| day.at(time)?.modified(dates));
    // These are the current, initial and modified records; the size in bytes is not listed.
    for _ in 0..3 {
        number(words.next()?)?;
    }
    entry.owner = words.next();
    Some(entry)
}

/// Parses a load module, or an alias of one
fn module(line: &[u8]) -> Option<Entry<'_>> {
    let mut words = Words::new(line);
    let name = words.next().filter(|name| line.starts_with(name) && name.len() <= 8)?;
    let is_hex = |word: &[u8]| {
        matches!(word.len(), 6..=8)
            && word.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F'))
    };
    let (size, place) = (words.next()?, words.next()?);
    (is_member_name(name) && is_hex(size) && is_hex(place)).then_some(())?;
    // Where it may be in memory is at the end of the line.
    let is_mode = |word: &[u8]| matches!(word, b"24" | b"31" | b"64" | b"ANY" | b"MIN");
    let mut last = [&[][..]; 2];
    for word in words {
        last = [last[1], word];
    }
    last.iter().all(|word| is_mode(word)).then(|| Entry::new(line, name, EntryKind::File))
}

fn job(line: &[u8]) -> Option<Entry<'_>> {
    let mut words = Words::new(line);
    let name = words.next()?;
    let number = words.next()?;
    let ([b'J', b'O', b'B', digits @ ..]
    | [b'T', b'S', b'U', digits @ ..]
    | [b'S', b'T', b'C', digits @ ..]
    | [b'J' | b'T' | b'S', digits @ ..]) = number
    else {
        return None;
    };
    let is_id = digits.len() >= 4 && digits.iter().all(u8::is_ascii_digit);
    let mut state = words;
    let known = [&b"OUTPUT"[..], b"INPUT", b"ACTIVE", b"HELD"];
    let has_state = state.any(|word| known.contains(&word));
    (is_id && has_state).then(|| {
        let mut entry = Entry::new(line, number, EntryKind::Other(OtherKind::Special));
        entry.owner = Some(name);
        entry
    })
}
