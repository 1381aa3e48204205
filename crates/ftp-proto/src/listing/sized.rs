//! Systems that put the size first: OS/2, VShell, VxWorks

use super::entry::{Entry, EntryKind};
use super::month::month;
use super::scan::{Words, clock, is_clock_shaped, number, parts, small, year};
use super::time::{DateOrder, Dates, Parts};

/// OS/2: `  5000  A  11-17-98  16:07  NAME`, `0  DIR  05-12-97  16:44  NAME`
pub(super) fn os2<'a>(line: &'a [u8], dates: &mut Dates) -> Option<Entry<'a>> {
    let mut words = Words::new(line);
    let size = number(words.next()?)?;
    let mut kind = EntryKind::File;
    let date = loop {
        let word = words.next()?;
        if word == b"DIR" {
            kind = EntryKind::Dir;
        } else if word.iter().any(u8::is_ascii_digit) {
            break word;
        } else if word.len() > 4 || !word.iter().all(u8::is_ascii_uppercase) {
            // Attributes are A, R, H and S.
            return None;
        }
    };
    let date = parts::<3>(date, b'-').filter(|[first, ..]| first.len() < 3)?;
    let date = dates.date(date, &[DateOrder::MonthFirst, DateOrder::DayFirst])?;
    let word = words.next()?;
    let time = clock(word);
    (time.is_some() || is_clock_shaped(word)).then_some(())?;
    let mut entry = Entry::new(line, words.trimmed(), kind);
    entry.size = Some(size);
    entry.modified = date.and_then(|date| date.at(time)?.modified(dates));
    (!entry.name.is_empty()).then_some(entry)
}

/// VShell: `42  Dec 12, 2002 02:13 name`, `0  Dec 12, 2002 02:13 name/`
pub(super) fn vshell<'a>(line: &'a [u8], dates: &Dates) -> Option<Entry<'a>> {
    let mut words = Words::new(line);
    let size = number(words.next()?)?;
    let parts = Parts {
        month: month(words.next()?)?,
        day: small(words.next()?.strip_suffix(b",")?)?,
        year: Some(year(words.next()?)?),
        time: Some(clock(words.next()?)?),
        offset: None,
    };
    let name = words.name()?;
    let (name, kind) = match name.strip_suffix(b"/") {
        Some(name) => (name, EntryKind::Dir),
        None => (name, EntryKind::File),
    };
    let mut entry = Entry::new(line, name, kind);
    entry.size = Some(size);
    entry.modified = parts.modified(dates);
    (!entry.name.is_empty()).then_some(entry)
}

/// VxWorks: `2048    Feb-28-1998  05:23:30   name <DIR>`
pub(super) fn vxworks<'a>(line: &'a [u8], dates: &Dates) -> Option<Entry<'a>> {
    let mut words = Words::new(line);
    let size = number(words.next()?)?;
    let [of, day, digits] = parts::<3>(words.next()?, b'-')?;
    let parts = Parts {
        month: month(of)?,
        day: small(day)?,
        year: Some(year(digits)?),
        time: Some(clock(words.next()?)?),
        offset: None,
    };
    let name = words.trimmed().trim_ascii_end();
    let (name, kind) = match name.strip_suffix(b"<DIR>") {
        Some(name) => (name.trim_ascii_end(), EntryKind::Dir),
        None => (name, EntryKind::File),
    };
    let mut entry = Entry::new(line, name, kind);
    entry.size = Some(size);
    entry.modified = parts.modified(dates);
    (!entry.name.is_empty()).then_some(entry)
}
