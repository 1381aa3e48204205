//! `ls -l` and similar formats: Unix, NetWare (`d [RWCEAFMS] …`), Mac servers (WebSTAR, NetPresenz)
//!
//! ```text
//! -rwxr-sr-x+  2 ann  staff  4096 Mar 10 12:34 name -> target
//! type   perms links owner group size  date
//! ```
//!
//! Links, group and owner may be missing. So the parser searches for the date, and reads the words before it from
//! the last to the first: the size, then group, owner and links as far as there are words.

use smallvec::SmallVec;

use super::date::{self, Before, Found};
use super::entry::{Entry, EntryKind, OtherKind, Permissions};
use super::lines::End;
use super::scan::{Words, number, parts, size_with_unit};
use super::time::Dates;

/// Maximum number of words before the date; more have no meaning
const MAX_COLUMNS: usize = 16;

pub(super) fn parse<'a>(line: &'a [u8], dates: &mut Dates, end: End) -> Option<Entry<'a>> {
    let Some(Head { kind, permissions, dialect, words }) = head(line) else {
        return headless(line, dates).or_else(|| unreadable(line));
    };
    let mut columns = Columns::new();
    let Some((date, name)) = date_and_name(words, kind, &mut columns, dates) else {
        // If the line is cut off, the last word may be the beginning of a date.
        let dateless = || dateless(line, kind, permissions?, &columns);
        return (end == End::Present).then(dateless).flatten().or_else(|| unreadable(line));
    };
    if end == End::Missing && is_begun_column(line, name) {
        return None;
    }
    let mut entry = Entry::new(line, name, kind);
    entry.permissions = permissions;
    if dialect == Dialect::NetWare {
        // NetWare puts several blanks before names.
        entry.name = name.trim_ascii_start();
    }
    entry.modified = date.and_then(|date| date.modified(dates));
    describe(&mut entry, &columns);
    if kind == EntryKind::Symlink {
        (entry.name, entry.target) = split_link(name, entry.size);
        if entry.target.is_none() && end == End::Missing {
            return None;
        }
    }
    (!entry.name.is_empty()).then_some(entry)
}

/// Whether the name in a line that is cut off may be the beginning of a column: the time after `2024-03-10`, the
/// offset or the year after `12:34:56`
fn is_begun_column(line: &[u8], name: &[u8]) -> bool {
    let before = line[..line.len() - name.len()].trim_ascii_end();
    let last = before.rsplit(|byte| *byte == b' ').next().unwrap_or_default();
    let all =
        |others: &[u8]| name.iter().all(|byte| byte.is_ascii_digit() || others.contains(byte));
    let offset = || name.len() < 5 && all(b"+-");
    parts::<3>(last, b'-').is_some() && all(b":.+- ")
        || parts::<3>(last, b':').is_some() && offset()
}

/// Finds the date, with the columns before it and the name after it
///
/// Words of a date may also be owners, groups and parts of a name. So the most reliable reading of a line
/// comes first: the date is the first one that follows a size, and its month is a word.
fn date_and_name<'a>(
    words: Words<'a>,
    kind: EntryKind,
    columns: &mut Columns<'a>,
    dates: &mut Dates,
) -> Option<Found<'a>> {
    let some = |columns: &[Column<'_>]| columns.len() > 2 && is_sized(columns);
    let four = |columns: &[Column<'_>]| columns.len() == 4 && is_sized(columns);
    let before = |columns: &[Column<'_>]| if four(columns) { Before::All } else { Before::Less };
    let mut named = |word, words, columns: &[Column<'a>]| {
        date::before_name(word, words, before(columns), dates)
    };
    let counted = |word, words, _: &[Column<'a>]| date::counted_before_name(word, words);
    let shaped = |word, words, _: &[Column<'a>]| date::shaped_before_name(word, words);
    find(words, kind, columns, some, &mut named)
        .or_else(|| find(words, kind, columns, is_sized, &mut named))
        .or_else(|| find(words, kind, columns, |_| true, &mut named))
        .or_else(|| find(words, kind, columns, four, counted))
        .or_else(|| find(words, kind, columns, |_| true, counted))
        .or_else(|| find(words, kind, columns, some, shaped))
        .or_else(|| find(words, kind, columns, is_sized, shaped))
}

/// Fills the columns up to the first place where `date` finds a date; if there is none, with all words
fn find<'a>(
    mut words: Words<'a>,
    kind: EntryKind,
    columns: &mut Columns<'a>,
    after: impl Fn(&[Column<'a>]) -> bool,
    mut date: impl FnMut(&'a [u8], Words<'a>, &[Column<'a>]) -> Option<Found<'a>>,
) -> Option<Found<'a>> {
    columns.clear();
    while columns.len() < MAX_COLUMNS {
        let before = words.rest;
        let word = words.next()?;
        // A date is preceded by at least a size.
        if !columns.is_empty() && after(columns) {
            if let Some(found) = date(word, words, columns) {
                return Some(found);
            }
        }
        let text = &before[before.len() - words.rest.len() - word.len()..];
        if kind == EntryKind::Symlink && columns.len() > 3 {
            if let Some((at, after)) = end_of_target(word, text) {
                if let Some(found) = date(at, after, columns) {
                    return Some(found);
                }
            }
        }
        columns.push(Column { word, text });
    }
    None
}

/// Whether the last column is a size, or the numbers of a device
fn is_sized(columns: &[Column<'_>]) -> bool {
    let Some((last, rest)) = columns.split_last() else { return false };
    let device = || rest.last().is_some_and(|major| major.word.ends_with(b","));
    let weekday = || is_weekday(last.word) && rest.last().is_some_and(|size| is_size(size.word));
    is_size(last.word) || weekday() || device() || parts::<2>(last.word, b',').is_some()
}

/// Whether a word is a weekday such as `Tue`, which a few servers put before the date
fn is_weekday(word: &[u8]) -> bool {
    let word = word.strip_suffix(b",").unwrap_or(word);
    let days = [b"mon", b"tue", b"wed", b"thu", b"fri", b"sat", b"sun"];
    word.len() == 3 && days.iter().any(|day| word.eq_ignore_ascii_case(*day))
}

/// Whether a word is in place of a size, even if it is not a valid one: `-528`, `-`
fn is_size(word: &[u8]) -> bool {
    let digits = word.strip_prefix(b"-").unwrap_or(word);
    digits.iter().all(u8::is_ascii_digit) || size_with_unit(word).is_some()
}

/// Parses `rubbish 1 ann staff 42 Mar 10 12:34 name`: type and permissions are not readable, the rest is
fn headless<'a>(line: &'a [u8], dates: &mut Dates) -> Option<Entry<'a>> {
    // Digits may be the code of a reply.
    if line.first().is_none_or(|first| first.is_ascii_whitespace() || first.is_ascii_digit()) {
        return None;
    }
    // These are facts, and the rest is the name.
    let first = line.split(|byte| *byte == b' ').next().unwrap_or_default();
    if first.starts_with(b"+") && first.contains(&b'\t')
        || first.ends_with(b";") && first.contains(&b'=')
    {
        return None;
    }
    // No other format has a month and a name after so many columns.
    let shape = |columns: &[Column<'_>]| match columns {
        [.., _, links, _, _, size] => number(links.word).is_some() && number(size.word).is_some(),
        _ => false,
    };
    let mut columns = Columns::new();
    let find_named = |word: &'a [u8], words, _: &[Column<'a>]| {
        let named = word.iter().any(|byte| !byte.is_ascii_digit()) && !word.contains(&b'-');
        named.then(|| date::before_name(word, words, Before::All, dates)).flatten()
    };
    let (date, name) = find(Words::new(line), EntryKind::Unknown, &mut columns, shape, find_named)?;
    let mut entry = Entry::new(line, name, EntryKind::Unknown);
    entry.modified = date.and_then(|date| date.modified(dates));
    describe(&mut entry, &columns[columns.len() - 4..]);
    (!entry.name.is_empty()).then_some(entry)
}

/// Splits `name -> target`
///
/// Both may contain an arrow. Most servers show the length of the target as the size of a link, and then the size
/// tells which arrow separates them. Otherwise it is the first one.
pub(super) fn split_link(name: &[u8], size: Option<u64>) -> (&[u8], Option<&[u8]>) {
    let length = size.and_then(|size| usize::try_from(size).ok()).filter(|length| *length > 0);
    let split = length.and_then(|length| name.split_at_checked(name.len().checked_sub(length)?));
    if let Some((before, target)) = split {
        if let Some(name) = before.strip_suffix(b" -> ").filter(|name| !name.is_empty()) {
            return (name, Some(target));
        }
    }
    match memchr::memmem::find(name, b" -> ") {
        Some(at) => (&name[..at], Some(&name[at + 4..]).filter(|target| !target.is_empty())),
        None => (name, None),
    }
}

/// Finds the date after the target of a link: one server writes both without a blank, `/targetMar 10  2024`
fn end_of_target<'a>(word: &[u8], text: &'a [u8]) -> Option<(&'a [u8], Words<'a>)> {
    let at = word.len().checked_sub(3).filter(|_| word.starts_with(b"/"))?;
    let mut after = Words::new(&text[at..]);
    let month = after.next()?;
    Some((month, after))
}

/// Parses `drwxr-xr-x 3 ann staff 512 name`: everything but the date, and a name of one word, to be certain
fn dateless<'a>(
    line: &'a [u8],
    kind: EntryKind,
    permissions: Permissions,
    columns: &[Column<'a>],
) -> Option<Entry<'a>> {
    let [links, owner, group, size, name] = columns else { return None };
    let mut entry = Entry::new(line, name.word, kind);
    entry.permissions = Some(permissions);
    entry.links = Some(number(links.word)?);
    entry.size = Some(number(size.word)?);
    (entry.owner, entry.group) = (Some(owner.word), Some(group.word));
    Some(entry)
}

/// Parses `d????????? ? ? ? ?   ? name`: what `ls` writes for a file whose attributes it can't read
fn unreadable(line: &[u8]) -> Option<Entry<'_>> {
    let mut words = Words::new(line);
    let head = words.next().filter(|head| matches!(head.len(), 10 | 11))?;
    head[1..].iter().all(|byte| b"?-+.@".contains(byte)).then_some(())?;
    // Links, owner, group, size and date.
    for _ in 0..5 {
        words.next().filter(|word| *word == b"?")?;
    }
    let kind = match head[0] {
        b'd' => EntryKind::Dir,
        b'l' => EntryKind::Symlink,
        b'?' | b'-' => EntryKind::Unknown,
        _ => return None,
    };
    Some(Entry::new(line, words.name()?, kind))
}

/// The system that the columns are from
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dialect {
    Unix,
    NetWare,
}

/// The beginning of a line
struct Head<'a> {
    kind: EntryKind,
    permissions: Option<Permissions>,
    dialect: Dialect,
    words: Words<'a>,
}

/// Parses the letter of the kind and the permissions
fn head(line: &[u8]) -> Option<Head<'_>> {
    if matches!(line.first()?, b' ' | b'\t' | b'0'..=b'9') {
        // Some servers indent, or put inode and blocks first; then the permissions must be unmistakable.
        let mut words = Words::new(line);
        let mut after = words;
        for _ in 0..2 {
            if words.next().and_then(number).is_none() {
                break;
            }
            after = words;
        }
        let line = after.trimmed();
        if line.first()?.is_ascii_digit() {
            return None;
        }
        return head(line).filter(|head| head.permissions.is_some());
    }
    let letter = line.first()?;
    let kind = match letter {
        b'-' | b'f' | b'F' | b'm' | b'M' | b'C' => EntryKind::File,
        b'd' => EntryKind::Dir,
        // `e` is a link from z/OS to something outside Unix.
        b'l' | b'e' => EntryKind::Symlink,
        b'b' => EntryKind::Other(OtherKind::BlockDevice),
        b'c' => EntryKind::Other(OtherKind::CharDevice),
        b'p' => EntryKind::Other(OtherKind::Fifo),
        b's' => EntryKind::Other(OtherKind::Socket),
        b'D' => EntryKind::Other(OtherKind::Door),
        b'n' | b'w' | b'P' => EntryKind::Other(OtherKind::Special),
        _ => EntryKind::Unknown,
    };
    // NetWare writes `d [RWCEAFMS]`, also without the blank.
    let netware = line[1..].trim_ascii_start();
    if let Some(rights) = netware.strip_prefix(b"[") {
        let end = memchr::memchr(b']', rights)?;
        matches!(letter, b'-' | b'd').then_some(())?;
        let words = Words::new(&rights[end + 1..]);
        return Some(Head { kind, permissions: None, dialect: Dialect::NetWare, words });
    }
    let (letters, rest) = line[1..].split_at_checked(9)?;
    let permissions = Permissions::parse(letters);
    let words = if permissions.is_some() {
        after_marks(rest)?
    } else if kind == EntryKind::Unknown {
        return None;
    } else if let [eight @ .., b' '] = letters {
        return too_short(kind, eight, Words::new(rest));
    } else {
        // Some systems use letters of their own; the known ones have fixed positions.
        let strange = |byte: &u8| byte.is_ascii_alphabetic() && !b"rwxsStTlL".contains(byte);
        let shaped = letters.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b'-');
        (shaped && letters.iter().any(strange)).then_some(())?;
        after_marks(rest).or_else(|| enterprise(rest))?
    };
    Some(Head { kind, permissions, dialect: Dialect::Unix, words })
}

/// Skips `+`, `@`, `.`, which stand for access control lists and the like; AIX writes `-` for none
fn after_marks(rest: &[u8]) -> Option<Words<'_>> {
    let rest = match rest {
        [b'+' | b'@' | b'.' | b'*' | b'-', rest @ ..] => rest,
        _ => rest,
    };
    // A large number of links may follow without a blank.
    let next = rest.first()?;
    (next.is_ascii_whitespace() || next.is_ascii_digit()).then_some(Words::new(rest))
}

/// Parses permissions without the last letter, as one server writes them: `drw-r--rw`. In nine dashes it is not
/// known which one is missing
fn too_short<'a>(kind: EntryKind, letters: &[u8], words: Words<'a>) -> Option<Head<'a>> {
    let mut nine = [b'-'; 9];
    nine[..8].copy_from_slice(letters);
    let permissions = Permissions::parse(&nine).filter(|all| all.mode() != 0)?;
    Some(Head { kind, permissions: Some(permissions), dialect: Dialect::Unix, words })
}

/// Skips the protocol, and the letter for binary or ASCII, of Connect:Enterprise: `-C--E-----FTP B owner group`
fn enterprise(rest: &[u8]) -> Option<Words<'_>> {
    let mut words = Words::new(rest);
    words.next().filter(|protocol| protocol.iter().all(u8::is_ascii_uppercase))?;
    words.next().filter(|mode| matches!(mode, [b'A'..=b'Z']))?;
    Some(words)
}

/// More columns than these are rare
type Columns<'a> = SmallVec<[Column<'a>; 8]>;

/// A word before the date, and the line from this word on
#[derive(Clone, Copy, Default)]
struct Column<'a> {
    word: &'a [u8],
    text: &'a [u8],
}

/// Reads the columns between permissions and date, from the last to the first; columns without a valid meaning are
/// ignored
fn describe<'a>(entry: &mut Entry<'a>, columns: &[Column<'a>]) {
    let columns = match columns {
        [before @ .., day] if is_weekday(day.word) && is_sized(columns) => before,
        _ => columns,
    };
    let Some((last, rest)) = columns.split_last() else { return };
    // Devices have two numbers, `1,   0` or `1,0`, in place of a size.
    let device = matches!(entry.kind, EntryKind::Other(_));
    let links = rest.first().and_then(|first| number(first.word));
    match rest {
        [before @ .., major] if device && major.word.ends_with(b",") => {
            owners(entry, before, major.text);
        }
        _ if device && last.word.contains(&b',') => owners(entry, rest, last.text),
        _ if is_size(last.word) => {
            entry.size = size_of(last.word);
            owners(entry, rest, last.text);
        }
        // The size is joined to the group, and it is not known where it begins.
        [.., owner]
            if ends_in_digits(last.word) && rest.len() == 1 + usize::from(links.is_some()) =>
        {
            (entry.links, entry.owner) = (links, Some(owner.word));
        }
        // The word in place of the size is garbage.
        [_, _, _, ..] => owners(entry, rest, last.text),
        // There is no size; Android omits it for directories.
        _ => owners(entry, columns, &[]),
    }
}

/// Reads links, owner and group before `end`, as far as there are words
fn owners<'a>(entry: &mut Entry<'a>, columns: &[Column<'a>], end: &[u8]) {
    let links = columns.first().and_then(|first| number(first.word));
    match columns {
        // Mac servers write `folder` where others have a group.
        [] => {}
        [.., one] if one.word == b"folder" => {}
        // WebSTAR lists the two forks of a file and their sum.
        [_, second] if is_sum(entry.size, links, number(second.word)) => {}
        [only] => match links {
            Some(links) => entry.links = Some(links),
            None => entry.owner = Some(only.word),
        },
        [_, owner] if links.is_some() => {
            entry.links = links;
            entry.owner = Some(owner.word);
        }
        // The number of links is joined to the owner.
        [owner, ..] if links.is_none() && owner.word[0].is_ascii_digit() => {}
        [owner, group] => (entry.owner, entry.group) = (Some(owner.word), Some(group.word)),
        // If there are more words, the first must be the number of links, or their meaning is not known.
        _ if links.is_none() => {}
        [_, owner, group] => {
            entry.links = links;
            (entry.owner, entry.group) = (Some(owner.word), Some(group.word));
        }
        [_, others @ ..] => {
            entry.links = links;
            let names = others.first().map_or(&[][..], |first| first.text);
            let names = names[..names.len() - end.len()].trim_ascii_end();
            if let Some((owner, group)) = owner_and_group(names) {
                (entry.owner, entry.group) = (Some(owner), Some(group));
            }
        }
    }
}

fn ends_in_digits(word: &[u8]) -> bool {
    word.last().is_some_and(u8::is_ascii_digit)
}

fn is_sum(sum: Option<u64>, one: Option<u64>, other: Option<u64>) -> bool {
    let total = one.zip(other).and_then(|(one, other)| one.checked_add(other));
    total.is_some() && total == sum
}

/// Splits owner and group, each of which may have several words: `john smith   Domain Users`, `maxm Domain Users`
fn owner_and_group(names: &[u8]) -> Option<(&[u8], &[u8])> {
    let first = memchr::memchr(b' ', names)?;
    let wide = memchr::memmem::find(names, b"  ");
    let only =
        wide.filter(|at| memchr::memmem::find(names[*at..].trim_ascii_start(), b"  ").is_none());
    let at = only.unwrap_or(first);
    Some((&names[..at], names[at..].trim_ascii()))
}

/// Parses a size in bytes; one that is rounded, as by `ls -h`, is `None`
fn size_of(word: &[u8]) -> Option<u64> {
    number(word).or_else(|| size_with_unit(word).flatten())
}
