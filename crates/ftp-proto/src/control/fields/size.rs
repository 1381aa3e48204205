//! The 213 reply to SIZE, and the size that some servers add to their 150

use super::{leading_digits, number};

/// Returns the size in an answer to SIZE in bytes, `213 12345` (RFC 3659 section 4)
///
/// If the text is not just a number, the last number in its last line is used: `213 file: 213, Size =51` occurs. A
/// number with a sign, a fraction or groups of digits, one next to a letter (`0x10`) or after a slash, and one above
/// `u64::MAX` are refused.
#[must_use]
pub fn parse_size(text: &[u8]) -> Option<u64> {
    let text = text.trim_ascii();
    if let Some(size) = number(text) {
        return Some(size);
    }
    let text = lines_from_last(text).next()?;
    let end = text.iter().rposition(u8::is_ascii_digit)? + 1;
    let start = text[..end].iter().rposition(|byte| !byte.is_ascii_digit()).map_or(0, |at| at + 1);
    let is_in_a_name = text.get(end).is_some_and(u8::is_ascii_alphabetic);
    match &text[..start] {
        _ if is_in_a_name => None,
        [.., b'-' | b'+' | b'.' | b',' | b'/' | b'\\'] => None,
        before if is_of_groups(before, &text[start..end]) => None,
        // The number belongs to a hexadecimal number or to a name.
        [.., before] if before.is_ascii_alphabetic() => None,
        _ => number(&text[start..end]),
    }
}

/// Whether digits are the last of several groups, `12 345 678`, or of several numbers without a word
fn is_of_groups(before: &[u8], digits: &[u8]) -> bool {
    let Some(before) = before.strip_suffix(b" ") else { return false };
    let group = before.rsplit(|byte| !byte.is_ascii_digit()).next().unwrap_or_default();
    let is_number = |byte: &u8| byte.is_ascii_digit() || *byte == b' ';
    !group.is_empty() && (digits.len() == 3 && group.len() <= 3 || before.iter().all(is_number))
}

/// Returns the size in a 125 or 150 in bytes: `Opening BINARY mode data connection for f (12345 bytes).`
///
/// Only this form is accepted: the number and `bytes` (or `byte`, `octets`) in parentheses at the end of a line,
/// where only dots and blanks may follow. Any looser rule would find numbers in file names, such as `"/data (1000
/// bytes)"`; and Pure-FTPd's `12.3 kbytes to download` is rounded.
///
/// If a reply contains no size, but a name without quotes that ends like this, the number in the name is returned.
/// If the name is known, use [`parse_size_hint_for`].
#[must_use]
pub fn parse_size_hint(text: &[u8]) -> Option<u64> {
    lines_from_last(text).find_map(|line| trailing_size(line).map(|(_, size)| size))
}

/// Like [`parse_size_hint`], where `name` is the file's name as it was sent
///
/// Servers that send no size repeat the name in their 150, and a file may be called `data (1000 bytes)`. If the name
/// ends with a size, the same number counts only if it occurs twice: `for data (1000 bytes) (1000 bytes)`.
#[must_use]
pub fn parse_size_hint_for(text: &[u8], name: &[u8]) -> Option<u64> {
    let Some((_, in_name)) = trailing_size(name) else { return parse_size_hint(text) };
    lines_from_last(text).find_map(|line| {
        let (before, size) = trailing_size(line)?;
        let twice = || trailing_size(before).is_some_and(|(_, size)| size == in_name);
        (size != in_name || twice()).then_some(size)
    })
}

/// Returns the lines of a text, the last one first; nearly always there is only one
fn lines_from_last(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(text);
    core::iter::from_fn(move || {
        let text = rest?;
        let line_feed = memchr::memrchr(b'\n', text);
        rest = line_feed.map(|at| &text[..at]);
        Some(line_feed.map_or(text, |at| &text[at + 1..]))
    })
}

/// Returns what is before a size in parentheses at the end of a line, and the size
fn trailing_size(line: &[u8]) -> Option<(&[u8], u64)> {
    let end = line.iter().rposition(|byte| !matches!(byte, b'.' | b' ' | b'\t' | b'\r'))?;
    let (line, b')') = (&line[..end], line[end]) else { return None };
    let open = memchr::memrchr(b'(', line)?;
    let inside = line[open + 1..].trim_ascii();
    let digits = leading_digits(inside);
    let unit = inside[digits..].strip_prefix(b" ")?.trim_ascii();
    let units: [&[u8]; 4] = [b"bytes", b"byte", b"octets", b"octet"];
    units.iter().any(|known| unit.eq_ignore_ascii_case(known)).then_some(())?;
    Some((&line[..open], number(&inside[..digits])?))
}
