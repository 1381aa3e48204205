//! Systems that are seldom met: OS/2, OS/400, Tandem NonStop

use super::entry::{Entry, Kind};
use super::scan::{Words, clock, number, parts, small, year};
use super::time::{Parts, month};
use crate::Timestamp;

/// OS/2: `  5000  A  11-17-98  16:07  NAME`, `0  DIR  05-12-97  16:44  NAME`
pub(super) fn os2(line: &[u8], now: Option<Timestamp>) -> Option<Entry<'_>> {
    let mut words = Words::new(line);
    let size = number(words.next()?)?;
    let mut is_dir = false;
    let date = loop {
        let word = words.next()?;
        if word == b"DIR" {
            is_dir = true;
        } else if word.iter().any(u8::is_ascii_digit) {
            break word;
        } else if word.len() > 4 || !word.iter().all(u8::is_ascii_uppercase) {
            // Attributes: A, R, H, S.
            return None;
        }
    };
    let [month, day, of] = parts::<3>(date, b'-')?;
    let time = clock(words.next()?)?;
    let parts =
        Parts { year: Some(year(of)?), month: small(month)?, day: small(day)?, time: Some(time) };
    let name = words.trimmed();
    let kind = if is_dir { Kind::Dir } else { Kind::File };
    let mut entry = Entry::new(line, name, kind);
    entry.size = (!is_dir).then_some(size);
    entry.modified = Some(parts.modified(now)?);
    (!name.is_empty()).then_some(entry)
}

/// OS/400: `QSYS  77824 02/23/00 15:09:55 *DIR /dir/`, `QPGMR  *MEM  LIB/FILE.MBR`
pub(super) fn os400(line: &[u8], now: Option<Timestamp>) -> Option<Entry<'_>> {
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
        let ([a, b, c], separator) = [b'/', b'-', b'.']
            .into_iter()
            .find_map(|separator| Some((parts::<3>(date, separator)?, separator)))?;
        let time = clock(words.next()?)?;
        // The job's date format; the separator tells which it is likely to be.
        let (year_, month, day) = match (separator, small::<u8>(a)?) {
            (b'.', _) | (b'/', 13..) if small::<u8>(b).is_some_and(|month| month <= 12) => {
                if separator == b'.' || small::<u8>(a)? <= 31 {
                    (c, b, a)
                } else {
                    (a, b, c)
                }
            }
            (b'-', _) => (a, b, c),
            _ => (c, a, b),
        };
        let parts = Parts {
            year: Some(year(year_)?),
            month: small(month)?,
            day: small(day)?,
            time: Some(time),
        };
        entry.modified = Some(parts.modified(now)?);
        words.next()?
    };
    entry.kind = match what {
        b"*DIR" | b"*DDIR" | b"*FLR" | b"*LIB" => Kind::Dir,
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
pub(super) fn nonstop(line: &[u8], now: Option<Timestamp>) -> Option<Entry<'_>> {
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
    entry.modified = Some(parts.modified(now)?);
    // Group and user: `255, 17` and `255,255`.
    let owner = words.trimmed();
    let end = memchr::memchr(b'"', owner).unwrap_or(owner.len());
    entry.owner = Some(owner[..end].trim_ascii()).filter(|owner| !owner.is_empty());
    Some(entry)
}
