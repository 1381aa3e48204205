//! Names in replies: 257 to PWD and MKD, the file that STOU made

use alloc::vec::Vec;

/// The path in an answer to PWD or MKD, `257 "/a path" is current` (RFC 959 appendix II)
///
/// A `"` of the path is doubled. Text before the first quote and behind the second is ignored; if
/// the quote that should be the last goes on in a word, the server does not double them and the
/// last quote of the line is taken (server-quirks Q29). Without any quote: what follows ` = `, or
/// a text that begins like a path or says that it is the current one. An unclosed quote is refused,
/// the path's end being unknown, and so is a path with control characters, which would be dangerous
/// to show and of which CR and LF cannot be sent back.
#[must_use]
#[doc(alias = "parse257")]
pub fn parse_257(text: &[u8]) -> Option<Vec<u8>> {
    let line = lines(text).find(|line| line.contains(&b'"'));
    let path = match line {
        Some(line) => quoted(line)?,
        None => unquoted(lines(text).next()?)?.to_vec(),
    };
    (!path.iter().any(u8::is_ascii_control)).then_some(path)
}

/// The name that a server chose for STOU, from the text of its 125 or 150, 226 or 250
///
/// `FILE: name` (RFC 1123 section 4.1.2.9, most servers), `(unique file name:name)` (BSD), a name
/// in quotes, or a preliminary text of one word with a digit in it (libunftp). Other texts are
/// not guessed at: the name in `data connection for name` is as often that of the request.
#[must_use]
pub fn parse_stou(text: &[u8]) -> Option<Vec<u8>> {
    let name = lines(text)
        .find_map(|line| behind(line, b"FILE:").or_else(|| unique_name(line)))
        .map(|name| name.trim_ascii().to_vec())
        .or_else(|| lines(text).find_map(quoted))
        .or_else(|| single_word(text).map(<[u8]>::to_vec))?;
    (!name.is_empty() && !name.iter().any(u8::is_ascii_control)).then_some(name)
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n')
}

/// What is between quotes, two of them standing for one
fn quoted(line: &[u8]) -> Option<Vec<u8>> {
    let start = memchr::memchr(b'"', line)? + 1;
    let mut path = Vec::new();
    let mut at = start;
    loop {
        let quote = at + memchr::memchr(b'"', &line[at..])?;
        path.extend_from_slice(&line[at..quote]);
        match line.get(quote + 1) {
            Some(b'"') => {
                path.push(b'"');
                at = quote + 2;
            }
            None | Some(b' ' | b'\t' | b'.' | b',' | b';' | b':' | b')') => return Some(path),
            Some(_) => {
                // Not doubled, then: up to the last one, which is this one or a later one.
                let last = memchr::memrchr(b'"', line)?;
                return Some(line[start..last].to_vec());
            }
        }
    }
}

/// A path without quotes
fn unquoted(line: &[u8]) -> Option<&[u8]> {
    let line = line.trim_ascii();
    if let Some(path) = behind(line, b" = ") {
        return Some(path.trim_ascii());
    }
    match before(line, b" is current").or_else(|| before(line, b" is the current")) {
        Some(path) => Some(path),
        None => begins_like_a_path(line).then_some(line),
    }
}

/// `/`, `\`, `C:`, `DISK:[`, and z/OS' `'`
fn begins_like_a_path(line: &[u8]) -> bool {
    match line {
        [b'/' | b'\\' | b'\'', ..] => true,
        [drive, b':', ..] => drive.is_ascii_alphabetic(),
        _ => line.windows(2).any(|window| window == b":["),
    }
}

/// `… (unique file name:name).`, with or without the parentheses
fn unique_name(line: &[u8]) -> Option<&[u8]> {
    const MARK: &[u8] = b"unique file name:";
    let at = find(line, MARK)?;
    let name = &line[at + MARK.len()..];
    match line[..at].last() {
        Some(b'(') => Some(&name[..memchr::memrchr(b')', name)?]),
        _ => Some(name),
    }
}

/// The only word of a text, if it has a digit: names made up by a program do
fn single_word(text: &[u8]) -> Option<&[u8]> {
    let word = text.trim_ascii();
    let is_word = !word.iter().any(u8::is_ascii_whitespace);
    (is_word && word.iter().any(u8::is_ascii_digit)).then_some(word)
}

/// What follows the first `mark`, in any case
fn behind<'a>(line: &'a [u8], mark: &[u8]) -> Option<&'a [u8]> {
    find(line, mark).map(|at| &line[at + mark.len()..])
}

/// What precedes the first `mark`, in any case
fn before<'a>(line: &'a [u8], mark: &[u8]) -> Option<&'a [u8]> {
    find(line, mark).map(|at| &line[..at])
}

fn find(line: &[u8], mark: &[u8]) -> Option<usize> {
    line.windows(mark.len()).position(|window| window.eq_ignore_ascii_case(mark))
}
