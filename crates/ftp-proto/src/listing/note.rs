//! Lines that tell of no file: totals, headers, sections, errors

use super::parser::Format;

/// What a line is that is no entry
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note<'a> {
    /// Nothing on it
    Blank,
    /// `total 42`, `Total of 3 files, 8 blocks`
    Total(&'a [u8]),
    /// Titles of columns, or of the whole
    Header(&'a [u8]),
    /// `dir:` before the entries of a subdirectory (`ls -lR`)
    Section(&'a [u8]),
    /// A name whose entry comes with the next line (OpenVMS)
    Continued(&'a [u8]),
    /// What the server could not read, in its words
    Error(&'a [u8]),
}

/// What a line is that is no entry, and whose it is if it is a title of one format only
pub(super) fn of(line: &[u8]) -> Option<(Note<'_>, Option<Format>)> {
    let text = line.trim_ascii();
    if text.is_empty() {
        return Some((Note::Blank, None));
    }
    if is_total(text) {
        return Some((Note::Total(line), None));
    }
    if let Some(format) = header(text) {
        return Some((Note::Header(line), format));
    }
    let begins = |word: &[u8]| begins(text, word);
    let contains = |words: &[u8]| contains(text, words);
    let error = begins(b"ls: ")
        || begins(b"/bin/ls: ")
        || contains(b": Permission denied")
        || contains(b": No such file or directory")
        || contains(b": Not a directory");
    if error {
        return Some((Note::Error(line), None));
    }
    let section = text.strip_suffix(b":").filter(|name| !name.is_empty());
    section.filter(|_| !line.starts_with(b" ")).map(|name| (Note::Section(name), None))
}

fn begins(text: &[u8], word: &[u8]) -> bool {
    text.len() >= word.len() && text[..word.len()].eq_ignore_ascii_case(word)
}

fn contains(text: &[u8], words: &[u8]) -> bool {
    memchr::memmem::find(text, words).is_some()
}

fn is_total(text: &[u8]) -> bool {
    let digit_behind =
        |word: &[u8]| text[word.len()..].trim_ascii_start().first().is_some_and(u8::is_ascii_digit);
    let totals = [&b"total"[..], b"gesamt", b"insgesamt", b"totaal"];
    totals.iter().any(|total| begins(text, total) && digit_behind(total))
        || begins(text, b"total of ")
        || begins(text, b"grand total")
}

/// Titles of the whole or of its columns, and of which format if that is sure
fn header(text: &[u8]) -> Option<Option<Format>> {
    let begins = |word: &[u8]| begins(text, word);
    let contains = |words: &[u8]| contains(text, words);
    if begins(b"directory ") && contains(b"[") || is_disk_header(text) {
        return Some(Some(Format::Vms));
    }
    let data_sets = begins(b"volume ") && (contains(b"dsname") || contains(b"Dsname"));
    if data_sets || begins(b"name ") && contains(b"VV.MM") {
        return Some(Some(Format::Mvs));
    }
    if begins(b"file ") && contains(b"Code") && contains(b"EOF") {
        return Some(Some(Format::NonStop));
    }
    if begins(b"filename ") && contains(b"Lrecl") {
        return Some(Some(Format::Cms));
    }
    // Answers to STAT: `211-Status of /:`, `211 End of status`
    let status = matches!(text, [b'2', b'1', b'1'..=b'3', b'-' | b' ', ..]);
    let other = status
        || begins(b"name ") && (contains(b"Created") || contains(b"Size"))
        || begins(b"size ") && contains(b"date") && contains(b"name")
        || begins(b"jobname")
        || contains(b"Volume in drive")
        || contains(b" File(s)")
        || contains(b" Dir(s)")
        || text.starts_with(b"$") && text[1..].contains(&b'.');
    other.then_some(None)
}

/// OpenVMS: `DISK$USER:[DIRECTORY]` alone on its line
fn is_disk_header(text: &[u8]) -> bool {
    text.ends_with(b"]") && !text.contains(&b' ') && memchr::memmem::find(text, b":[").is_some()
}
