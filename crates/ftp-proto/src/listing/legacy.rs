//! Rare systems: OS/400, Tandem NonStop, Nortel's WFFTP

use super::entry::{Entry, EntryKind};
use super::month::month;
use super::scan::{Words, clock, is_clock_shaped, number, parts, small, year};
use super::time::{DateOrder, Dates, Modified, Parts};

/// OS/400: `QSYS  77824 02/23/00 15:09:55 *DIR /dir/`, `QPGMR  *MEM  LIB/FILE.MBR`
///
/// The type of the object begins with a star. The columns before it may be missing: there is no owner for
/// anonymous users, and no size if an object has none.
pub(super) fn os400<'a>(line: &'a [u8], dates: &mut Dates) -> Option<Entry<'a>> {
    /// Maximum number of columns before the type: owner, an extra word, size, date, time
    const MOST: usize = 5;
    let mut entry = Entry::new(line, b"", EntryKind::Unknown);
    let mut words = Words::new(line);
    let mut before = [&[][..]; MOST];
    let mut count = 0;
    let kind = loop {
        let word = words.next()?;
        if word.starts_with(b"*") {
            break word;
        }
        *before.get_mut(count)? = word;
        count += 1;
    };
    let columns = &before[..count];
    let columns = match columns {
        [columns @ .., date, time] if is_clock_shaped(time) => {
            entry.modified = os400_date(date, clock(time), dates);
            columns
        }
        // This is a member, or another object without a date.
        [_] | [_, _] => columns,
        _ => return None,
    };
    match columns {
        [.., size] if columns.len() > 1 || !line[0].is_ascii_alphabetic() => {
            entry.size = number(size);
        }
        _ => {}
    }
    entry.owner = columns.first().copied().filter(|owner| owner[0].is_ascii_alphabetic());
    entry.kind = match kind {
        b"*DIR" | b"*DDIR" | b"*FLR" | b"*LIB" => EntryKind::Dir,
        b"*STMF" | b"*FILE" | b"*MEM" | b"*DSTMF" | b"*DOC" => EntryKind::File,
        b"*SYMLNK" => EntryKind::Symlink,
        [b'*', rest @ ..] if !rest.is_empty() && rest.iter().all(u8::is_ascii_uppercase) => {
            EntryKind::File
        }
        _ => return None,
    };
    let name = words.trimmed();
    entry.name = if name.len() > 1 { name.strip_suffix(b"/").unwrap_or(name) } else { name };
    (!entry.name.is_empty()).then_some(entry)
}

/// Parses a date in the format of the server's job; the separator shows which format is likely
fn os400_date(
    date: &[u8],
    time: Option<(u8, u8, Option<u8>)>,
    dates: &mut Dates,
) -> Option<Modified> {
    /// Most of the world puts the day first
    const ANY: &[DateOrder] = &[DateOrder::DayFirst, DateOrder::MonthFirst, DateOrder::YearFirst];
    let date = match parts::<3>(date, b'/').or_else(|| parts::<3>(date, b',')) {
        Some(date) => dates.arrange(date, ANY),
        None => match parts::<3>(date, b'.') {
            Some(date) => dates.arrange(date, &ANY[..1]),
            None => dates.arrange(parts::<3>(date, b'-')?, &[DateOrder::YearFirst]),
        },
    }?;
    date.at(time)?.modified(dates)
}

/// Tandem NonStop: `NAME  101  16354 18-Mar-09 15:09:12 244,  5 "nnnn"`
pub(super) fn nonstop<'a>(line: &'a [u8], dates: &Dates) -> Option<Entry<'a>> {
    let mut words = Words::new(line);
    let name = words.next()?;
    // This is the file code; `O` before or after it means that the file is open.
    let mut code = words.next()?;
    if code == b"O" {
        code = words.next()?;
    }
    number(code.strip_suffix(b"O").unwrap_or(code))?;
    let size = number(words.next()?)?;
    let [day, of, digits] = parts::<3>(words.next()?, b'-')?;
    let parts = Parts {
        year: Some(year(digits)?),
        month: month(of)?,
        day: small(day)?,
        time: Some(clock(words.next()?)?),
        offset: None,
    };
    let mut entry = Entry::new(line, name, EntryKind::File);
    entry.size = Some(size);
    entry.modified = parts.modified(dates);
    // Group and user are written as `255, 17` or `255,255`.
    let owner = words.trimmed();
    let end = memchr::memchr(b'"', owner).unwrap_or(owner.len());
    entry.owner = Some(owner[..end].trim_ascii()).filter(|owner| !owner.is_empty());
    Some(entry)
}

/// Nortel's WFFTP: `name  1014196  06/03/04  Thur.   10:20:03`
pub(super) fn wfftp<'a>(line: &'a [u8], dates: &mut Dates) -> Option<Entry<'a>> {
    let mut words = Words::new(line);
    let name = words.next()?;
    let size = number(words.next()?)?;
    let date = parts::<3>(words.next()?, b'/')?;
    let date = dates.date(date, &[DateOrder::MonthFirst, DateOrder::DayFirst])?;
    let weekday = words.next()?;
    let weekday = weekday.strip_suffix(b".").unwrap_or(weekday);
    (weekday.len() >= 3 && weekday.iter().all(u8::is_ascii_alphabetic)).then_some(())?;
    let time = Some(clock(words.next()?)?);
    let mut entry = Entry::new(line, name, EntryKind::File);
    entry.size = Some(size);
    entry.modified = date.and_then(|date| date.at(time)?.modified(dates));
    words.next().is_none().then_some(entry)
}
