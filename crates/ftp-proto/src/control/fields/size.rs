//! 213 to SIZE, and the size that some servers add to their 150

use super::{leading_digits, number};

/// The size in an answer to SIZE, `213 12345` (RFC 3659 section 4)
///
/// If the text is not a number alone, the last number in it: `213 file: 213, Size =51` is seen
/// (server-quirks Q42). A number with a sign, a
/// fraction or groups of digits, and one above `u64::MAX`, are refused (Q43, Q44).
#[must_use]
pub fn parse_size(text: &[u8]) -> Option<u64> {
    let text = text.trim_ascii();
    if let Some(size) = number(text) {
        return Some(size);
    }
    let end = text.iter().rposition(u8::is_ascii_digit)? + 1;
    let start = text[..end].iter().rposition(|byte| !byte.is_ascii_digit()).map_or(0, |at| at + 1);
    match start.checked_sub(1).map(|before| text[before]) {
        Some(b'-' | b'+' | b'.' | b',') => None,
        _ => number(&text[start..end]),
    }
}

/// The size in a 125 or 150: `Opening BINARY mode data connection for f (12345 bytes).`
///
/// Only this form: the number and `bytes` (or `byte`, `octets`) in parentheses, at the end of a
/// line but for punctuation. Anything looser would take numbers out of file names; and Pure-FTPd's
/// `12.3 kbytes to download` is rounded. A file's own name may still look like this, so it is a
/// hint and no more.
#[must_use]
pub fn parse_size_hint(text: &[u8]) -> Option<u64> {
    text.split(|byte| *byte == b'\n').rev().find_map(|line| {
        let close = line.iter().rposition(|byte| *byte == b')')?;
        let open = memchr::memrchr(b'(', &line[..close])?;
        if line[close + 1..].iter().any(u8::is_ascii_alphanumeric) {
            return None;
        }
        let inside = line[open + 1..close].trim_ascii();
        let digits = leading_digits(inside);
        let unit = inside[digits..].strip_prefix(b" ")?.trim_ascii();
        let units: [&[u8]; 4] = [b"bytes", b"byte", b"octets", b"octet"];
        units.iter().any(|known| unit.eq_ignore_ascii_case(known)).then_some(())?;
        number(&inside[..digits])
    })
}
