//! Lines at the beginning of a listing whose meaning depends on the next line
//!
//! In place of the entries, a server may send a message of its operating system, a total in an unknown language, or
//! the heading of a recursive listing. But a file may have such a name, too. If entries in columns follow, or
//! nothing at all, the line is not a file; if bare names follow, it is one. Any other line that no format can parse is
//! a file unless entries in columns follow.

use super::format::Format;
use super::item::Item;
use super::note::{self, Note};
use super::scan::{Words, number};

/// What a line may be, if it is not a name
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ambiguity {
    /// A message of the server: `Permission denied`
    Message,
    /// `total 8`, in any language
    Total,
    /// `d:`
    Heading,
    /// Anything else that no format can parse
    Name,
}

/// What follows a line
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing: it was the last line
    End,
    /// An entry in columns
    Entry(Format),
    /// Another heading
    Heading,
    /// What may be a bare name
    Name,
    /// A line that can't be a file
    Other,
}

/// Returns why a line that is not an entry may not be a name either
pub(super) fn ambiguity(line: &[u8]) -> Option<Ambiguity> {
    match note::of(line) {
        // A path is not a name.
        Some((Note::Section(name), None)) if name != b"." && !name.contains(&b'/') => {
            Some(Ambiguity::Heading)
        }
        Some(_) => None,
        None if is_message(line) => Some(Ambiguity::Message),
        None if is_total(line) => Some(Ambiguity::Total),
        None => Some(Ambiguity::Name),
    }
}

/// Returns the item of an ambiguous line; `None` if it is a name
pub(super) fn resolve(line: &[u8], ambiguity: Ambiguity, next: Next) -> Option<Item<'_>> {
    match (ambiguity, next) {
        (Ambiguity::Message, Next::Name | Next::Heading) => None,
        (Ambiguity::Message, _) => Some(Item::Note(Note::Error(line))),
        (Ambiguity::Total, Next::Entry(Format::Unix)) => Some(Item::Note(Note::Total(line))),
        // If it is a total, the directory is empty.
        (Ambiguity::Total, Next::End) if line.trim_ascii_end().ends_with(b" 0") => {
            Some(Item::Unknown(line))
        }
        // A listing has columns or bare names, not both.
        (Ambiguity::Name, Next::Entry(_)) => Some(Item::Unknown(line)),
        (Ambiguity::Total | Ambiguity::Name, _) | (Ambiguity::Heading, Next::Heading) => None,
        // This is `ls -R` of an empty directory, or a file; it can't be decided.
        (Ambiguity::Heading, Next::End) => Some(Item::Unknown(line)),
        (Ambiguity::Heading, _) => note::of(line).map(|(note, _)| Item::Note(note)),
    }
}

/// Returns the item of a line that no format can parse
pub(super) fn unknown(line: &[u8]) -> Item<'_> {
    if is_message(line) { Item::Note(Note::Error(line)) } else { Item::Unknown(line) }
}

/// Whether a line is a message that servers, shells and systems send in place of a listing
fn is_message(line: &[u8]) -> bool {
    const ENDS: [&[u8]; 18] = [
        b"permission denied",
        b"access denied",
        b"access is denied",
        b" unreadable",
        b"no such file or directory",
        b"not a directory",
        b"no files found",
        b"file not found",
        b"command not found",
        b"insufficient privilege",
        b"cannot allocate memory",
        b"input/output error",
        b"open directory",
        b"resource temporarily unavailable",
        b"too many open files",
        b"stale file handle",
        b"cannot find the path specified",
        b"cannot find the file specified",
    ];
    let text = line.trim_ascii();
    let sentence = text.strip_suffix(b".").unwrap_or(text);
    let ends = |words: &&[u8]| {
        let end = sentence.len().checked_sub(words.len()).map(|at| &sentence[at..]);
        end.is_some_and(|end| end.eq_ignore_ascii_case(words))
    };
    is_reply(text) || is_of_shell(text) || is_of_vms(text) || ENDS.iter().any(ends)
}

/// Whether a text is a reply that came as data: `451 Local error in processing`, with a code that LIST may have
/// (RFC 959 section 5.4)
fn is_reply(text: &[u8]) -> bool {
    const CODES: [&[u8]; 14] = [
        b"421", b"425", b"426", b"450", b"451", b"500", b"501", b"502", b"503", b"504", b"530",
        b"550", b"551", b"552",
    ];
    text.split_first_chunk::<3>().is_some_and(|(code, rest)| {
        CODES.contains(&&code[..]) && matches!(rest, [b' ' | b'-', words @ ..] if !words.is_empty())
    })
}

/// Whether a text is an error message of a shell that was to start the listing program: `sh: ls: command not found`
fn is_of_shell(text: &[u8]) -> bool {
    const SHELLS: [&[u8]; 8] = [b"sh", b"bash", b"dash", b"ash", b"ksh", b"zsh", b"csh", b"tcsh"];
    let Some(end) = memchr::memmem::find(text, b": ") else { return false };
    let program = text[..end].rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    SHELLS.contains(&program)
}

/// Whether a text is a message of OpenVMS, `%DIRECT-E-OPENIN, error opening …`, or the one that explains it,
/// `-RMS-E-PRV, …`: facility, severity and name of the message
fn is_of_vms(text: &[u8]) -> bool {
    let [b'%' | b'-', message @ ..] = text else { return false };
    let Some(end) = memchr::memmem::find(message, b", ") else { return false };
    let mut parts = message[..end].split(|byte| *byte == b'-');
    let is_name = |part: Option<&[u8]>| {
        let letter = |byte: &u8| byte.is_ascii_uppercase() || b"0123456789$_".contains(byte);
        part.is_some_and(|part| !part.is_empty() && part.iter().all(letter))
    };
    is_name(parts.next())
        && matches!(parts.next(), Some([b'S' | b'I' | b'W' | b'E' | b'F']))
        && is_name(parts.next())
        && parts.next().is_none()
}

/// Whether a line has the form of the total of `ls`: one or two words and a number, which may have a unit
fn is_total(line: &[u8]) -> bool {
    let mut words = Words::new(line);
    let Some(first) = words.next().filter(|word| line.starts_with(word)) else { return false };
    let (Some(second), third) = (words.next(), words.next()) else { return false };
    let is_word =
        |word: &[u8]| word.iter().all(|byte| byte.is_ascii_alphabetic() || !byte.is_ascii());
    let size = match third {
        Some(third) if is_word(second) => third,
        Some(_) => return false,
        None => second,
    };
    let digits = match size {
        [digits @ .., b'K' | b'M' | b'G' | b'T' | b'P'] => digits,
        _ => size,
    };
    let mut parts = digits.split(|byte| matches!(byte, b'.' | b','));
    let is_size = parts.clone().count() < 3 && parts.all(|part| number(part).is_some());
    is_word(first.strip_suffix(b":").unwrap_or(first)) && is_size && words.next().is_none()
}
