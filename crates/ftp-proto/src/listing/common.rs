//! Lines of `ls -l` in the most common form, parsed in one pass
//!
//! A listing may have a million of these. Lines in any other form are left to [`unix`](super::unix),
//! which is more thorough.

use super::date::is_year;
use super::entry::{Entry, EntryKind, Facts, Permissions};
use super::month::ascii_month;
use super::scan::{digit, leading_number, pair};
use super::time::{Dates, Parts};
use super::unix;

/// Parses `-rw-r--r--   1 ann  staff  4096 Mar 10 12:34 name`
#[inline(always)]
pub(super) fn parse<'a>(line: &'a [u8], dates: &Dates) -> Option<Entry<'a>> {
    let (head, rest) = line.split_first_chunk::<10>()?;
    let kind = match head[0] {
        b'-' => EntryKind::File,
        b'd' => EntryKind::Dir,
        b'l' => EntryKind::Symlink,
        _ => return None,
    };
    let permissions = Permissions::parse(&head[1..])?;
    let mut columns = Columns { rest };
    let links = columns.number()?;
    let owner = columns.word()?;
    let group = columns.word()?;
    let size = columns.number()?;
    let (date, name) = date(columns.rest)?;
    let (name, target) = match kind {
        EntryKind::Symlink => unix::split_link(name, Some(size)),
        _ => (name, None),
    };
    if name.is_empty() {
        return None;
    }
    Some(Entry {
        name,
        kind,
        size: Some(size),
        modified: Some(date.exact(dates)?),
        accessed: None,
        permissions: Some(permissions),
        owner: Some(owner),
        group: Some(group),
        links: Some(links),
        target,
        facts: Facts(&[]),
        raw: line,
    })
}

/// Parses ` Mar 10 12:34 name` and ` Mar 10  2024 name`
fn date(rest: &[u8]) -> Option<(Parts, &[u8])> {
    let (columns, name) = rest.split_first_chunk::<14>()?;
    let [b' ', m0, m1, m2, b' ', d0, d1, b' ', y0, y1, y2, y3, y4, b' '] = *columns else {
        return None;
    };
    let month = ascii_month([m0, m1, m2].map(|byte| byte.to_ascii_lowercase()), &[m0, m1, m2])?;
    let day = if d0 == b' ' { digit(d1)? } else { pair(d0, d1)? };
    let mut parts = Parts { month, day, ..Parts::default() };
    if y2 == b':' {
        let hour = pair(y0, y1)?;
        parts.time = Some((hour, pair(y3, y4)?, None));
    } else if y0 == b' ' {
        let century = pair(y1, y2)?;
        let year = u16::from(century) * 100 + u16::from(pair(y3, y4)?);
        if !is_year(year) {
            return None;
        }
        parts.year = Some(year);
    } else {
        return None;
    }
    Some((parts, name))
}

/// Words with blanks before them
struct Columns<'a> {
    rest: &'a [u8],
}

impl<'a> Columns<'a> {
    fn word(&mut self) -> Option<&'a [u8]> {
        let begin = self.begin()?;
        let word = &self.rest[begin..];
        let length = word.iter().position(|byte| *byte <= b' ').filter(|end| word[*end] == b' ')?;
        self.rest = &word[length..];
        Some(&word[..length])
    }

    /// Parses up to sixteen digits
    #[inline(always)]
    fn number(&mut self) -> Option<u64> {
        let digits = &self.rest[self.begin()?..];
        let (number, length) = leading_number(digits)?;
        self.rest = &digits[length..];
        self.rest.starts_with(b" ").then_some(number)
    }

    /// Returns where the next word begins, after at least one blank
    fn begin(&self) -> Option<usize> {
        self.rest.iter().position(|byte| *byte != b' ').filter(|blanks| *blanks > 0)
    }
}
