//! `ls -l` and its relatives: Unix, NetWare (`d [RWCEAFMS] …`), Mac servers (WebSTAR, NetPresenz)
//!
//! ```text
//! -rwxr-sr-x+  2 ann  staff  4096 Mar 10 12:34 name -> target
//! type   perms links owner group size  date
//! ```
//!
//! Links, group and owner may be missing, so the date is looked for, and what stands before it is
//! read from its end: the size, then group, owner and links as far as there are words.

use smallvec::SmallVec;

use super::date;
use super::entry::{Entry, Kind, OtherKind, Permissions};
use super::scan::{Words, number, parts};
use super::time::{Dates, Parts};

/// More words than this before the date have no meaning
const MAX_COLUMNS: usize = 16;

pub(super) fn parse<'a>(line: &'a [u8], dates: &Dates) -> Option<Entry<'a>> {
    let Head { kind, permissions, dialect, words } = head(line)?;
    let mut columns = Columns::new();
    // A month that is but a number may be an owner as well: only if there is no other.
    let found = columns_and_date(words, kind, &mut columns, date::before_name)
        .or_else(|| columns_and_date(words, kind, &mut columns, date::counted_before_name));
    let Some((date, name)) = found else {
        return dateless(line, kind, permissions?, &columns);
    };
    let mut entry = Entry::new(line, name, kind);
    entry.permissions = permissions;
    if dialect == Dialect::NetWare {
        // Rights, an owner and a size; several blanks before names.
        (columns.len() > 1).then_some(())?;
        entry.name = name.trim_ascii_start();
    }
    entry.modified = Some(date.modified(dates)?);
    describe(&mut entry, &columns)?;
    if kind == Kind::Symlink {
        (entry.name, entry.target) = split_link(name);
    }
    (!entry.name.is_empty()).then_some(entry)
}

/// Fills the columns up to the first place where `date` finds one; without a date, with all words
fn columns_and_date<'a>(
    mut words: Words<'a>,
    kind: Kind,
    columns: &mut Columns<'a>,
    date: impl Fn(&'a [u8], Words<'a>) -> Option<(Parts, &'a [u8])>,
) -> Option<(Parts, &'a [u8])> {
    columns.clear();
    while columns.len() < MAX_COLUMNS {
        let before = words.rest;
        let word = words.next()?;
        // A date is preceded by a size at least.
        if !columns.is_empty() {
            if let Some(found) = date(word, words) {
                return Some(found);
            }
        }
        let text = &before[before.len() - words.rest.len() - word.len()..];
        if kind == Kind::Symlink && columns.len() > 3 {
            if let Some(found) = date_behind_target(word, text) {
                return Some(found);
            }
        }
        columns.push(Column { word, text });
    }
    None
}

/// `name -> target`
pub(super) fn split_link(name: &[u8]) -> (&[u8], Option<&[u8]>) {
    match memchr::memmem::find(name, b" -> ") {
        Some(at) => (&name[..at], Some(&name[at + 4..]).filter(|target| !target.is_empty())),
        None => (name, None),
    }
}

/// A server that wrote the target of a link before its date, without a blank: `/targetMar 10  2024`
fn date_behind_target<'a>(word: &[u8], text: &'a [u8]) -> Option<(Parts, &'a [u8])> {
    let at = word.len().checked_sub(3).filter(|_| word.starts_with(b"/"))?;
    let mut behind = Words::new(&text[at..]);
    date::before_name(behind.next()?, behind)
}

/// `drwxr-xr-x 3 ann staff 512 name`: all but the date, and a name of one word to be sure
fn dateless<'a>(
    line: &'a [u8],
    kind: Kind,
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

/// Whose columns they are
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dialect {
    Unix,
    NetWare,
}

/// What a line begins with
struct Head<'a> {
    kind: Kind,
    permissions: Option<Permissions>,
    dialect: Dialect,
    words: Words<'a>,
}

/// The letter of the kind and the permissions
fn head(line: &[u8]) -> Option<Head<'_>> {
    if line.first()?.is_ascii_whitespace() {
        // Some servers indent; then permissions have to be without a doubt.
        let head = head(line.trim_ascii_start())?;
        return head.permissions.is_some().then_some(head);
    }
    let kind = match line.first()? {
        b'-' | b'f' | b'F' => Kind::File,
        b'd' => Kind::Dir,
        b'l' => Kind::Symlink,
        b'b' => Kind::Other(OtherKind::BlockDevice),
        b'c' => Kind::Other(OtherKind::CharDevice),
        b'p' => Kind::Other(OtherKind::Fifo),
        b's' => Kind::Other(OtherKind::Socket),
        b'D' => Kind::Other(OtherKind::Door),
        _ => return None,
    };
    // NetWare: `d [RWCEAFMS]`, also without the blank.
    let netware = line[1..].trim_ascii_start();
    if let Some(rights) = netware.strip_prefix(b"[") {
        let end = memchr::memchr(b']', rights)?;
        let known = rights[..end].iter().all(|right| b"RWCEAFMS-".contains(right));
        (known && matches!(kind, Kind::File | Kind::Dir)).then_some(())?;
        let words = Words::new(&rights[end + 1..]);
        return Some(Head { kind, permissions: None, dialect: Dialect::NetWare, words });
    }
    let (letters, rest) = line[1..].split_at_checked(9)?;
    let permissions = Permissions::parse(letters);
    let words = if permissions.is_some() {
        behind_marks(rest)?
    } else if let [eight @ .., b' '] = letters {
        return too_short(kind, eight, Words::new(rest));
    } else {
        // Some systems invent letters; known ones have their place.
        let strange = |byte: &u8| byte.is_ascii_alphabetic() && !b"rwxsStTlL".contains(byte);
        let shaped = letters.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b'-');
        (shaped && letters.iter().any(strange)).then_some(())?;
        behind_marks(rest).or_else(|| enterprise(rest))?
    };
    Some(Head { kind, permissions, dialect: Dialect::Unix, words })
}

/// `+`, `@`, `.`: access control lists and the like
fn behind_marks(rest: &[u8]) -> Option<Words<'_>> {
    let rest = match rest {
        [b'+' | b'@' | b'.' | b'*', rest @ ..] => rest,
        _ => rest,
    };
    // The number of links may follow at once where it is large.
    let next = rest.first()?;
    (next.is_ascii_whitespace() || next.is_ascii_digit()).then_some(Words::new(rest))
}

/// A server that forgets the last letter: `drw-r--rw`; of nine dashes nobody knows which is missing
fn too_short<'a>(kind: Kind, letters: &[u8], words: Words<'a>) -> Option<Head<'a>> {
    let mut nine = [b'-'; 9];
    nine[..8].copy_from_slice(letters);
    let permissions = Permissions::parse(&nine).filter(|all| all.mode() != 0)?;
    Some(Head { kind, permissions: Some(permissions), dialect: Dialect::Unix, words })
}

/// Connect:Enterprise: `-C--E-----FTP B owner group`: the protocol, and binary or ASCII
fn enterprise(rest: &[u8]) -> Option<Words<'_>> {
    let mut words = Words::new(rest);
    words.next().filter(|protocol| protocol.iter().all(u8::is_ascii_uppercase))?;
    words.next().filter(|mode| matches!(mode, [b'A'..=b'Z']))?;
    Some(words)
}

/// More than these are seldom
type Columns<'a> = SmallVec<[Column<'a>; 8]>;

/// A word before the date, and the line from there on
#[derive(Clone, Copy, Default)]
struct Column<'a> {
    word: &'a [u8],
    text: &'a [u8],
}

/// The columns between permissions and date, from the last to the first
fn describe<'a>(entry: &mut Entry<'a>, columns: &[Column<'a>]) -> Option<()> {
    let (mut last, mut rest) = columns.split_last()?;
    // Devices have two numbers: `1,   0` and `1,0`.
    let device = matches!(entry.kind, Kind::Other(_));
    match rest {
        [before @ .., major] if device && major.word.ends_with(b",") => {
            (last, rest) = (major, before);
        }
        _ if device && last.word.contains(&b',') => {}
        // A size that ran into the group, nobody knows where.
        [.., owner] if ends_in_digits(last.word) && size_of(last.word).is_none() => {
            entry.links = rest.first().and_then(|first| number(first.word));
            entry.owner = Some(owner.word);
            return (rest.len() == 1 + usize::from(entry.links.is_some())).then_some(());
        }
        _ => entry.size = Some(size_of(last.word)?),
    }
    let links = rest.first().and_then(|first| number(first.word));
    match rest {
        // Mac servers have `folder` where others have a group.
        [] => {}
        [one] if one.word == b"folder" => {}
        [_, one] if one.word == b"folder" => return None,
        // WebSTAR: the two forks of a file and their sum.
        [_, second] if is_sum(entry.size, links, number(second.word)) => {}
        [only] => match links {
            Some(links) => entry.links = Some(links),
            None => entry.owner = Some(only.word),
        },
        [_, owner] if links.is_some() => {
            entry.links = links;
            entry.owner = Some(owner.word);
        }
        // A number of links that ran into the owner.
        [owner, ..] if links.is_none() && owner.word[0].is_ascii_digit() => return None,
        [owner, group] => (entry.owner, entry.group) = (Some(owner.word), Some(group.word)),
        [_, owner, group] => {
            entry.links = Some(links?);
            (entry.owner, entry.group) = (Some(owner.word), Some(group.word));
        }
        // Of more words the first is the number of links.
        [_, others @ ..] => {
            entry.links = Some(links?);
            let begin = others.first()?.text;
            let names = begin[..begin.len() - last.text.len()].trim_ascii_end();
            let (owner, group) = owner_and_group(names)?;
            (entry.owner, entry.group) = (Some(owner), Some(group));
        }
    }
    Some(())
}

fn ends_in_digits(word: &[u8]) -> bool {
    word.last().is_some_and(u8::is_ascii_digit)
}

fn is_sum(sum: Option<u64>, one: Option<u64>, other: Option<u64>) -> bool {
    let total = one.zip(other).and_then(|(one, other)| one.checked_add(other));
    total.is_some() && total == sum
}

/// Both may be of several words: `john smith   Domain Users`, `maxm Domain Users`
fn owner_and_group(names: &[u8]) -> Option<(&[u8], &[u8])> {
    let first = memchr::memchr(b' ', names)?;
    let wide = memchr::memmem::find(names, b"  ");
    let only =
        wide.filter(|at| memchr::memmem::find(names[*at..].trim_ascii_start(), b"  ").is_none());
    let at = only.unwrap_or(first);
    Some((&names[..at], names[at..].trim_ascii()))
}

/// Bytes, or with the letter that `ls -h` puts behind them
fn size_of(word: &[u8]) -> Option<u64> {
    if let Some(size) = number(word) {
        return Some(size);
    }
    let (unit, digits) = word.split_last()?;
    let shift = match unit {
        b'K' | b'k' => 10,
        b'M' => 20,
        b'G' => 30,
        b'T' => 40,
        b'B' => 0,
        _ => return None,
    };
    let (whole, tenth) = match parts::<2>(digits, b'.') {
        Some([whole, tenth]) if tenth.len() == 1 => (number(whole)?, number(tenth)?),
        _ => (number(digits)?, 0),
    };
    whole.checked_mul(10)?.checked_add(tenth)?.checked_mul(1 << shift).map(|tenths| tenths / 10)
}
