//! OS-9: `20.20 24/03/10 1234 d-ewrewr 2650 85920 name`
//!
//! The columns are group and user of the owner, date, time, attributes (directory, single user, and the rights of
//! others and the owner), sector, size, and name.

use super::entry::{Entry, EntryKind};
use super::scan::{Words, number, parts, small};
use super::time::{DateOrder, Dates};

pub(super) fn parse<'a>(line: &'a [u8], dates: &mut Dates) -> Option<Entry<'a>> {
    let mut words = Words::new(line);
    let ids = words.next()?;
    let [group, user] = parts::<2>(ids, b'.')?;
    (number(group).is_some() && number(user).is_some()).then_some(())?;
    let date = parts::<3>(words.next()?, b'/')?;
    let time = words.next().filter(|time| time.len() == 4)?;
    let kind = match words.next()? {
        [b'd', rest @ ..] if is_attributes(rest) => EntryKind::Dir,
        [b'-', rest @ ..] if is_attributes(rest) => EntryKind::File,
        _ => return None,
    };
    // This is the sector.
    words.next()?.iter().all(u8::is_ascii_hexdigit).then_some(())?;
    let size = number(words.next()?)?;
    let date = dates.date(date, &[DateOrder::YearFirst, DateOrder::MonthFirst])?;
    let time = Some((small(&time[..2])?, small(&time[2..])?, None));
    let mut entry = Entry::new(line, words.trimmed(), kind);
    (entry.owner, entry.group, entry.size) = (Some(user), Some(group), Some(size));
    entry.modified = date.and_then(|date| date.at(time)?.modified(dates));
    (!entry.name.is_empty()).then_some(entry)
}

/// Whether a text is attributes such as `-ewrewr`
fn is_attributes(rest: &[u8]) -> bool {
    rest.len() == 7
        && rest.iter().zip(b"sewrewr").all(|(byte, letter)| byte == letter || *byte == b'-')
}
