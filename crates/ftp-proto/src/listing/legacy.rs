//! Systems that are seldom met: OS/400, Tandem NonStop, Nortel's WFFTP

use super::entry::{Entry, Kind};
use super::scan::{Words, clock, number, parts, small, year};
use super::time::{DateOrder, Dates, Parts, month};

/// OS/400: `QSYS  77824 02/23/00 15:09:55 *DIR /dir/`, `QPGMR  *MEM  LIB/FILE.MBR`
pub(super) fn os400<'a>(line: &'a [u8], dates: &mut Dates) -> Option<Entry<'a>> {
    /// Most of the world puts the day first
    const ANY: &[DateOrder] = &[DateOrder::DayFirst, DateOrder::MonthFirst, DateOrder::YearFirst];
    let mut words = Words::new(line);
    let owner = words.next()?;
    let second = words.next()?;
    let mut entry = Entry::new(line, b"", Kind::Unknown);
    entry.owner = Some(owner);
    let what = if second.starts_with(b"*") {
        second
    } else {
        entry.size = Some(number(second)?);
        let date = words.next()?;
        // The job's date format; the separator tells which it is likely to be.
        let (date, orders) = match parts::<3>(date, b'/') {
            Some(date) => (date, ANY),
            None => match parts::<3>(date, b'.') {
                Some(date) => (date, &ANY[..1]),
                None => (parts::<3>(date, b'-')?, &[DateOrder::YearFirst][..]),
            },
        };
        let mut parts = dates.arrange(date, orders)?;
        parts.time = Some(clock(words.next()?)?);
        entry.modified = Some(parts.modified(dates)?);
        words.next()?
    };
    entry.kind = match what {
        b"*DIR" | b"*DDIR" | b"*FLR" | b"*LIB" => Kind::Dir,
        // A member has neither size nor time.
        b"*MEM" if entry.size.is_some() => return None,
        b"*STMF" | b"*FILE" | b"*MEM" | b"*DSTMF" | b"*DOC" => Kind::File,
        b"*SYMLNK" => Kind::Symlink,
        [b'*', rest @ ..] if !rest.is_empty() && rest.iter().all(u8::is_ascii_uppercase) => {
            Kind::File
        }
        _ => return None,
    };
    let name = words.trimmed();
    entry.name = if name.len() > 1 { name.strip_suffix(b"/").unwrap_or(name) } else { name };
    (!entry.name.is_empty()).then_some(entry)
}

/// Tandem NonStop: `NAME  101  16354 18-Mar-09 15:09:12 244,  5 "nnnn"`
pub(super) fn nonstop<'a>(line: &'a [u8], dates: &Dates) -> Option<Entry<'a>> {
    let mut words = Words::new(line);
    let name = words.next()?;
    // The file code; `O` behind it: open.
    let code = words.next()?;
    number(code.strip_suffix(b"O").unwrap_or(code))?;
    let size = number(words.next()?)?;
    let [day, of, digits] = parts::<3>(words.next()?, b'-')?;
    let parts = Parts {
        year: Some(year(digits)?),
        month: month(of)?,
        day: small(day)?,
        time: Some(clock(words.next()?)?),
    };
    let mut entry = Entry::new(line, name, Kind::File);
    entry.size = Some(size);
    entry.modified = Some(parts.modified(dates)?);
    // Group and user: `255, 17` and `255,255`.
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
    let mut parts = dates.arrange(date, &[DateOrder::MonthFirst, DateOrder::DayFirst])?;
    let weekday = words.next()?;
    let weekday = weekday.strip_suffix(b".").unwrap_or(weekday);
    (weekday.len() >= 3 && weekday.iter().all(u8::is_ascii_alphabetic)).then_some(())?;
    parts.time = Some(clock(words.next()?)?);
    let mut entry = Entry::new(line, name, Kind::File);
    entry.size = Some(size);
    entry.modified = Some(parts.modified(dates)?);
    words.next().is_none().then_some(entry)
}
