//! IIS and other Windows servers: `03-10-24  12:34PM  <DIR>  name`

use super::entry::{Entry, Kind};
use super::scan::{Words, clock, parts};
use super::time::{DateOrder, Dates};

pub(super) fn parse<'a>(line: &'a [u8], dates: &mut Dates) -> Option<Entry<'a>> {
    let mut words = Words::new(line);
    let date = words.next()?;
    let date = [b'-', b'/', b':'].iter().find_map(|separator| parts::<3>(date, *separator))?;
    let mut parts = dates.arrange(date, &[DateOrder::MonthFirst, DateOrder::DayFirst])?;
    parts.time = Some(time(&mut words)?);
    let what = words.next()?;
    let (kind, size) = match what {
        b"<DIR>" => (Kind::Dir, None),
        b"<JUNCTION>" | b"<SYMLINKD>" | b"<SYMLINK>" => (Kind::Symlink, None),
        digits => (Kind::File, Some(size(digits)?)),
    };
    // One blank behind a size, ten behind `<DIR>`, where a name with a blank before it can't be told.
    let name = if size.is_some() { words.name()? } else { words.trimmed() };
    let name =
        if size.is_some() && name.starts_with(b" ") { name.trim_ascii_start() } else { name };
    let mut entry = Entry::new(line, name, kind);
    entry.size = size;
    entry.modified = Some(parts.modified(dates)?);
    if kind == Kind::Symlink {
        (entry.name, entry.target) = link(name);
    }
    (!entry.name.is_empty()).then_some(entry)
}

/// `name [target]`, `name => target`, `name -> target`
fn link(name: &[u8]) -> (&[u8], Option<&[u8]>) {
    let open = memchr::memmem::rfind(name, b" [").filter(|_| name.ends_with(b"]"));
    if let Some(at) = open {
        return (&name[..at], Some(&name[at + 2..name.len() - 1]));
    }
    let arrow = |arrow: &[u8]| memchr::memmem::find(name, arrow);
    match arrow(b" => ").or_else(|| arrow(b" -> ")) {
        Some(at) => (&name[..at], Some(&name[at + 4..])),
        None => (name, None),
    }
}

/// `12:34PM`, `12:34 PM`, `23:34`
fn time(words: &mut Words<'_>) -> Option<(u8, u8, Option<u8>)> {
    let word = words.next()?;
    let half = |word: &[u8]| {
        if word.eq_ignore_ascii_case(b"PM") || word.eq_ignore_ascii_case(b"P") {
            Some(12)
        } else {
            (word.eq_ignore_ascii_case(b"AM") || word.eq_ignore_ascii_case(b"A")).then_some(0)
        }
    };
    let letters = word.iter().position(u8::is_ascii_alphabetic).unwrap_or(word.len());
    let (digits, suffix) = word.split_at(letters);
    let (hour, minute, second) = clock(digits)?;
    let mut behind = *words;
    let afternoon = match suffix {
        b"" => {
            let half = behind.next().and_then(half);
            if half.is_some() {
                *words = behind;
            }
            half
        }
        suffix => Some(half(suffix)?),
    };
    let hour = match afternoon {
        None => hour,
        Some(_) if hour > 12 => return None,
        Some(half) => hour % 12 + half,
    };
    Some((hour, minute, second))
}

/// With separators between the thousands, as some servers write them
fn size(word: &[u8]) -> Option<u64> {
    let mut size = 0_u64;
    let mut any = false;
    for byte in word {
        match byte {
            b'0'..=b'9' => {
                any = true;
                size = size.checked_mul(10)?.checked_add(u64::from(byte - b'0'))?;
            }
            b',' | b'.' if any => {}
            _ => return None,
        }
    }
    any.then_some(size)
}
