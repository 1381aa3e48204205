//! Lines of a known format that are damaged, which must not be taken for bare names

use super::month::month;
use super::scan::{Words, is_clock_shaped, number};

/// Whether a line that no format can parse is more likely a damaged line than a name
pub(super) fn is_damaged(line: &[u8]) -> bool {
    let begins = unix(line) || dos(line) || eplf(line) || mlsx(line) || is_other_language(line);
    // All other formats have several words.
    let words = || memchr::memchr2(b' ', b'\t', line).is_some();
    begins || words() && (vms(line) || os400(line) || dated(line) || has_columns(line))
}

/// Whether a line begins like those of `ls -l` or DOS, which no heading does
pub(super) fn is_begun(line: &[u8]) -> bool {
    unix(line) || dos(line)
}

/// Whether a line without a line ending is the beginning of a line of `ls -l` or DOS
pub(super) fn is_cut(line: &[u8]) -> bool {
    let like = |shape: &[&[u8]]| {
        line.len() > 1 && line.iter().zip(shape).all(|(byte, known)| known.contains(byte))
    };
    let (r, w, x) = (&b"r-"[..], &b"w-"[..], &b"xsStTl-"[..]);
    const DIGIT: &[u8] = b"0123456789";
    const DATE: [&[u8]; 8] = [DIGIT, DIGIT, b"-/", DIGIT, DIGIT, b"-/", DIGIT, DIGIT];
    like(&[b"-dlbcpsD", r, w, x, r, w, x, r, w, x, b" +.@"])
        || line.len() > 2
            && like(&DATE)
            && line[DATE.len().min(line.len())..].iter().all(|byte| b"0123456789 ".contains(byte))
}

/// Whether a line begins with permissions, for any kind of file, or with NetWare's `- [`, even if the rest is missing
fn unix(line: &[u8]) -> bool {
    let permissions = line.len() >= 10
        && line[1..10].iter().all(|byte| b"rwxsStT-".contains(byte))
        && line.get(10).is_none_or(u8::is_ascii_whitespace);
    permissions || matches!(line, [b'-' | b'd', b' ', b'[', ..] | [b'-' | b'd', b'[', ..])
}

/// Whether a line begins with a date such as `03-10-24`
fn dos(line: &[u8]) -> bool {
    line.len() > 9
        && line[..8].iter().enumerate().all(|(index, byte)| match index {
            2 | 5 => matches!(byte, b'-' | b'/'),
            _ => byte.is_ascii_digit(),
        })
        && line[8].is_ascii_whitespace()
}

fn eplf(line: &[u8]) -> bool {
    line.starts_with(b"+") && (line.contains(&b'\t') || line.contains(&b','))
}

fn mlsx(line: &[u8]) -> bool {
    let typed =
        line.split_first_chunk::<5>().is_some_and(|(key, _)| key.eq_ignore_ascii_case(b"type="));
    if typed {
        return true;
    }
    let facts = line.split(|byte| *byte == b';').next().unwrap_or_default();
    facts.len() < line.len() && facts.contains(&b'=') && !facts.contains(&b' ')
}

/// Whether a line begins with a name with a version, and more follows
fn vms(line: &[u8]) -> bool {
    let mut words = Words::new(line);
    let name = words.next().unwrap_or_default();
    let version = memchr::memrchr(b';', name).and_then(|at| number(&name[at + 1..]));
    version.is_some() && words.any(|word| word.iter().filter(|byte| **byte == b'-').count() == 2)
}

/// Whether a line contains the type of an object
fn os400(line: &[u8]) -> bool {
    let types = [&b"*DIR"[..], b"*FILE", b"*STMF", b"*MEM", b"*LIB", b"*FLR", b"*DOC"];
    Words::new(line).skip(1).any(|word| types.contains(&word))
}

/// Whether a line contains a date with a time, or a date as on Unix after a size
fn dated(line: &[u8]) -> bool {
    let mut before = [&[][..]; 3];
    for word in Words::new(line) {
        let [size, first, second] = before;
        if is_clock_shaped(word) && numbers(second) {
            return true;
        }
        let year = is_clock_shaped(word) || (word.len() == 4 && number(word).is_some());
        if year && month(first).is_some() && number(second).is_some() && number(size).is_some() {
            return true;
        }
        before = [first, second, word];
    }
    false
}

/// Whether a word has the form of a date: `03-10-24`, `03/10`, `10-MAR-24`
fn numbers(word: &[u8]) -> bool {
    let mut parts = word.split(|byte| matches!(byte, b'-' | b'/' | b'.'));
    let shaped = |part: &[u8]| part.len() <= 4 && part.iter().all(u8::is_ascii_alphanumeric);
    let some = word.iter().any(u8::is_ascii_digit);
    some && parts.clone().count() > 1 && parts.all(shaped)
}

/// Whether a line has the columns of an unknown format: gaps between words, `<DIR>`, several numbers
fn has_columns(line: &[u8]) -> bool {
    /// No name has this many blanks in a row
    const WIDE: usize = 3;
    let text = line.trim_ascii();
    let (mut gaps, mut blanks) = (0, 0);
    for byte in text {
        match byte {
            b' ' => blanks += 1,
            b'\t' => blanks += WIDE,
            _ => {
                gaps += match blanks {
                    0 | 1 => 0,
                    WIDE.. => 2,
                    _ => 1,
                };
                blanks = 0;
            }
        }
    }
    let mut figures = 0;
    for word in Words::new(text).skip(1) {
        if matches!(word, [b'<', kind @ .., b'>'] if kind.iter().all(u8::is_ascii_uppercase)) {
            return true;
        }
        // These are sizes, dates and times.
        let shaped = |byte: &u8| byte.is_ascii_digit() || b":/-.,".contains(byte);
        let figure = word.iter().all(shaped) && word.iter().any(u8::is_ascii_digit);
        figures += usize::from(figure);
    }
    gaps > 1 || gaps > 0 && figures > 0 || figures > 2
}

/// Whether a line is markup of a web page, a JSON object, or a list of quoted values with commas
fn is_other_language(line: &[u8]) -> bool {
    let text = line.trim_ascii();
    let quoted = text.starts_with(b"\"") && memchr::memmem::find(text, b"\",").is_some();
    let object = text.starts_with(b"{\"") && text.ends_with(b"}");
    quoted || object || text.len() > 2 && text.starts_with(b"<") && text.ends_with(b">")
}
