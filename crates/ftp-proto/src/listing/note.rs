//! Lines that tell of no file: totals, headers, sections, errors

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

pub(super) fn of(line: &[u8]) -> Option<Note<'_>> {
    let text = line.trim_ascii();
    if text.is_empty() {
        return Some(Note::Blank);
    }
    let begins =
        |word: &[u8]| text.len() >= word.len() && text[..word.len()].eq_ignore_ascii_case(word);
    let contains = |words: &[u8]| memchr::memmem::find(text, words).is_some();
    let digit_behind =
        |word: &[u8]| text[word.len()..].trim_ascii_start().first().is_some_and(u8::is_ascii_digit);
    for total in [&b"total"[..], b"gesamt", b"insgesamt", b"totaal"] {
        if begins(total) && digit_behind(total) {
            return Some(Note::Total(line));
        }
    }
    if begins(b"total of ") || begins(b"grand total") {
        return Some(Note::Total(line));
    }
    // OpenVMS, z/OS, NonStop and NetWare put titles first.
    let header = begins(b"directory ") && contains(b"[")
        || begins(b"volume ") && contains(b"dsname") | contains(b"Dsname")
        || begins(b"name ") && (contains(b"VV.MM") || contains(b"Created") || contains(b"Size"))
        || begins(b"file ") && contains(b"Code") && contains(b"EOF")
        || begins(b"jobname")
        || contains(b"Volume in drive")
        || contains(b" File(s)")
        || contains(b" Dir(s)")
        || line.starts_with(b"$") && line[1..].contains(&b'.')
        || is_disk_header(text);
    if header {
        return Some(Note::Header(line));
    }
    let error = begins(b"ls: ")
        || begins(b"/bin/ls: ")
        || contains(b": Permission denied")
        || contains(b": No such file or directory")
        || contains(b": Not a directory");
    if error {
        return Some(Note::Error(line));
    }
    let section = text.strip_suffix(b":").filter(|name| !name.is_empty());
    section.filter(|_| !line.starts_with(b" ")).map(Note::Section)
}

/// OpenVMS: `DISK$USER:[DIRECTORY]` alone on its line
fn is_disk_header(text: &[u8]) -> bool {
    text.ends_with(b"]") && !text.contains(&b' ') && memchr::memmem::find(text, b":[").is_some()
}
