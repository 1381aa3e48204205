//! Lines that describe no file: totals, headers, sections, errors

use super::format::Format;
use super::scan::Words;

/// A line that is not an entry
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note<'a> {
    /// An empty line
    Blank,
    /// `total 42`, `Total of 3 files, 8 blocks`
    Total(&'a [u8]),
    /// Titles of columns, or of the whole listing
    Header(&'a [u8]),
    /// `dir:`, `Directory DKA0:[DIR]` or `Directory of C:\dir` before the entries of another directory
    /// (`ls -lR`), or at the beginning, before those of the directory itself
    Section(&'a [u8]),
    /// A name whose entry continues in the next line (OpenVMS)
    Continued(&'a [u8]),
    /// What the server could not read, in its own words
    Error(&'a [u8]),
}

/// Returns the note in a line that is not an entry, and its format if it is a title of one format only
pub(super) fn of(line: &[u8]) -> Option<(Note<'_>, Option<Format>)> {
    let text = line.trim_ascii();
    if text.is_empty() {
        return Some((Note::Blank, None));
    }
    if is_total(text) {
        return Some((Note::Total(line), None));
    }
    if let Some((name, format)) = directory(text) {
        return Some((Note::Section(name), Some(format)));
    }
    if let Some(format) = header(text) {
        return Some((Note::Header(line), format));
    }
    let contains = |words: &[u8]| contains(text, words);
    let error = is_of_ls(text)
        || contains(b": Permission denied")
        || contains(b": No such file or directory")
        || contains(b": Not a directory");
    if error {
        return Some((Note::Error(line), None));
    }
    let section = text.strip_suffix(b":").filter(|name| !name.is_empty());
    section.filter(|_| !line.starts_with(b" ")).map(|name| (Note::Section(name), None))
}

/// Whether a text is an error message of `ls`, in any form of its name: `ls: …`, `/bin/ls: …`, `UX:ls: …`
fn is_of_ls(text: &[u8]) -> bool {
    let program = text.split(|byte| *byte == b' ').next().unwrap_or_default();
    [&b"ls:"[..], b"UX:ls:"].contains(&program) || program.ends_with(b"/ls:")
}

fn begins(text: &[u8], word: &[u8]) -> bool {
    text.len() >= word.len() && text[..word.len()].eq_ignore_ascii_case(word)
}

fn contains(text: &[u8], words: &[u8]) -> bool {
    memchr::memmem::find(text, words).is_some()
}

/// Whether a text is `total 42`, `total 8.0K`, `Total of 3 files, 8 blocks`, `Total 6 files`; a file may be called
/// `total 2.txt`
fn is_total(text: &[u8]) -> bool {
    let begins = |word: &[u8]| begins(text, word);
    let number = |words: &mut Words<'_>| {
        let word = words.next()?;
        let size = word.first().is_some_and(u8::is_ascii_digit);
        let (digits, unit) = word.split_at(word.len() - usize::from(!ends_in_digit(word)));
        let size = size && digits.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b','));
        (size && matches!(unit, [] | [b'K' | b'M' | b'G' | b'T' | b'P' | b'B'])).then_some(())
    };
    let mut words = Words::new(text);
    if begins(b"grand total of ") || begins(b"total of ") {
        return words
            .by_ref()
            .find(|word| *word == b"of")
            .and_then(|_| number(&mut words))
            .is_some();
    }
    let Some(at) = TOTALS.iter().position(|total| {
        begins(total.as_bytes()) && matches!(text.get(total.len()), Some(b' ' | b'\t' | b':'))
    }) else {
        return is_total_elsewhere(text, number);
    };
    let mut words = Words::new(&text[TOTALS[at].len()..]);
    words.rest = words.rest.strip_prefix(b":").unwrap_or(words.rest);
    number(&mut words).is_some()
        && words.next().is_none_or(|unit| {
            let units = [&b"files"[..], b"file", b"blocks", b"block"];
            units.contains(&unit.strip_suffix(b",").unwrap_or(unit))
        })
}

fn ends_in_digit(word: &[u8]) -> bool {
    word.last().is_some_and(u8::is_ascii_digit)
}

/// The word that `ls` uses for its total in other languages
const TOTALS: [&str; 51] = [
    "total",
    "totale",
    "totalt",
    "gesamt",
    "insgesamt",
    "totaal",
    "summa",
    "sammenlagt",
    "i alt",
    "razem",
    "suma",
    "celkem",
    "celkom",
    "toplam",
    "yhteens\u{e4}",
    "\u{f6}sszesen",
    "kokku",
    "ukupno",
    "skupaj",
    "\u{438}\u{442}\u{43e}\u{433}\u{43e}",
    "\u{432}\u{441}\u{435}\u{433}\u{43e}",
    "\u{603b}\u{7528}\u{91cf}",
    "\u{603b}\u{8ba1}",
    "\u{7e3d}\u{8a08}",
    "\u{5408}\u{8a08}",
    "\u{d569}\u{acc4}",
    "sveukupno",
    "skupno",
    "viso",
    "guztira",
    "ioml\u{e1}n",
    "totalo",
    "jumlah",
    "omugatte",
    "\u{437}\u{430}\u{433}\u{430}\u{43b}\u{43e}\u{43c}",
    "\u{443}\u{441}\u{44c}\u{43e}\u{433}\u{43e}",
    "\u{3c3}\u{3cd}\u{3bd}\u{3bf}\u{3bb}\u{3bf}",
    "\u{43e}\u{431}\u{449}\u{43e}",
    "\u{443}\u{43a}\u{443}\u{43f}\u{43d}\u{43e}",
    "\u{443}\u{441}\u{44f}\u{433}\u{43e}",
    "\u{7e3d}\u{7528}\u{91cf}",
    "\u{432}\u{441}\u{44c}\u{43e}\u{433}\u{43e}",
    "\u{7dcf}\u{8a08}",
    "samtals",
    "t\u{1ed5}ng c\u{1ed9}ng",
    "t\u{1ed5}ng",
    "gjithsej",
    "i\u{161} viso",
    "\u{627}\u{644}\u{645}\u{62c}\u{645}\u{648}\u{639}",
    "\u{5e1}\u{5d4}\"\u{5db}",
    "kop\u{101}",
];

/// As [`TOTALS`], in other charsets: GBK, Big5, EUC-JP, Shift-JIS, EUC-KR, KOI8-R, Windows-1251
fn is_total_elsewhere(text: &[u8], number: impl Fn(&mut Words<'_>) -> Option<()>) -> bool {
    const TOTALS: [&[u8]; 9] = [
        b"\xD7\xDC\xD3\xC3\xC1\xBF",
        b"\xD7\xDC\xBC\xC6",
        b"\xC1\x60\xAD\x70",
        b"\xB9\xE7\xB7\xD7",
        b"\x8D\x87\x8C\x76",
        b"\xC7\xD5\xB0\xE8",
        b"\xC9\xD4\xCF\xC7\xCF",
        b"\xE8\xF2\xEE\xE3\xEE",
        b"yhteens\xE4",
    ];
    let mut words = Words::new(text);
    let known = words.next().is_some_and(|word| TOTALS.contains(&word));
    known && number(&mut words).is_some() && words.next().is_none()
}

/// Returns the name in the heading of a directory, for headings other than those of `ls`
fn directory(text: &[u8]) -> Option<(&[u8], Format)> {
    let after = |words: &[u8]| begins(text, words).then(|| text[words.len()..].trim_ascii_start());
    let dos = |name: &&[u8]| contains(name, b":\\") || contains(name, b":/");
    let vms = |name: &&[u8]| name.ends_with(b"]") && contains(name, b":[");
    if let Some(name) = after(b"Directory of ").filter(dos) {
        return Some((name, Format::Dos));
    }
    let name = after(b"Directory ").filter(vms).or_else(|| is_disk(text).then_some(text));
    name.map(|name| (name, Format::Vms))
}

/// Whether a text is a title of the listing or its columns, and of which format, if that is certain
fn header(text: &[u8]) -> Option<Option<Format>> {
    let begins = |word: &[u8]| begins(text, word);
    let contains = |words: &[u8]| contains(text, words);
    // This is a directory without files, not an error.
    if begins(b"%DIRECT-W-NOFILES") {
        return Some(Some(Format::Vms));
    }
    let data_sets = begins(b"volume ") && (contains(b"dsname") || contains(b"Dsname"));
    let members = begins(b"name ") && (contains(b"VV.MM") || contains(b"Alias-of"));
    if data_sets || members {
        return Some(Some(Format::Mvs));
    }
    if begins(b"file ") && contains(b"Code") && contains(b"EOF") {
        return Some(Some(Format::NonStop));
    }
    if begins(b"filename ") && contains(b"Lrecl") {
        return Some(Some(Format::Cms));
    }
    let other = is_status(text)
        || begins(b"name ") && contains(b"  ") && (contains(b"Created") || contains(b"Size"))
        || begins(b"size ") && contains(b"date") && contains(b"name")
        || begins(b"jobname ") && contains(b"JOBID")
        || begins(b"No jobs found on ")
        || begins(b"No members found")
        || begins(b"No data sets found")
        || begins(b"Volume in drive ")
        || begins(b"Volume Serial Number is ")
        || is_count(text, b"File(s)")
        || is_count(text, b"Dir(s)");
    other.then_some(None)
}

/// Whether a line underlines the titles of columns: `--------    ------  ----`
pub(super) fn is_underline(line: &[u8]) -> bool {
    let is_dashes = |word: &[u8]| word.iter().all(|byte| *byte == b'-');
    Words::new(line).count() > 1 && Words::new(line).all(is_dashes)
}

/// Whether a text is a count of files such as `12 File(s)  4711 bytes`
fn is_count(text: &[u8], of: &[u8]) -> bool {
    let mut words = Words::new(text);
    words.next().is_some_and(|word| word.iter().all(u8::is_ascii_digit)) && words.next() == Some(of)
}

/// Whether a text is the first or last line of a reply to STAT: `211-Status of /:`, `213 End of status`
fn is_status(text: &[u8]) -> bool {
    let [b'2', b'1', b'1'..=b'3', b'-' | b' ', rest @ ..] = text else { return false };
    text[3] == b'-'
        || [&b"tatus"[..], b"nd of", b"nd.", b"End"].iter().any(|word| contains(rest, word))
}

/// Whether a text is a directory of OpenVMS alone on its line: `DISK$USER:[DIRECTORY]`
fn is_disk(text: &[u8]) -> bool {
    text.ends_with(b"]") && !text.contains(&b' ') && memchr::memmem::find(text, b":[").is_some()
}
