//! Names in replies: 257 to PWD and MKD, and the file created by STOU

use alloc::vec::Vec;

/// Returns the path in an answer to PWD or MKD, `257 "/a path" is current` (RFC 959 appendix II)
///
/// A `"` in the path is doubled. Text before the first quote and after the second is ignored. Some servers do not double
/// quotes, so that the path ends at the last quote of the line: Pure-FTPd, known by its words, and others if the line
/// has an odd number of quotes, or a word continues directly after the second. Without any quote, the path is what
/// follows ` = `, or a text that begins like a path or says that it is the current one. An unclosed quote is refused,
/// because the path's end is unknown. A path with control characters is refused, because it would be dangerous to show,
/// and CR and LF can't be sent back. A byte 0xFF, which some servers double, stays as it was sent.
#[must_use]
#[doc(alias = "parse257")]
pub fn parse_257(text: &[u8]) -> Option<Vec<u8>> {
    path_and_proof(text).map(|(path, _)| path)
}

/// As [`parse_257`]; if the path could be read in another way, also the bytes that the server has sent for it
///
/// A doubled quote or 0xFF may be one, or two of a server that does not double them.
pub(crate) fn path_and_proof(text: &[u8]) -> Option<(Vec<u8>, Option<&[u8]>)> {
    let (path, sent) = match lines(text).find(|line| line.contains(&b'"')) {
        Some(line) => {
            let (first, last) = (memchr::memchr(b'"', line)?, memchr::memrchr(b'"', line)?);
            (quoted(line)?, line.get(first + 1..last)?)
        }
        None => {
            let path = unquoted(lines(text).next()?)?;
            (path.to_vec(), path)
        }
    };
    if path.iter().any(u8::is_ascii_control) {
        return None;
    }
    let is_certain = sent == path && !path.windows(2).any(|two| two == [0xFF; 2]);
    Some((path, (!is_certain).then_some(sent)))
}

/// Returns the name that a server chose for STOU, from the text of its 125 or 150, 226 or 250
///
/// The name is recognized as `FILE: name` (RFC 1123 section 4.1.2.9, most servers), as `(unique file name:name)`
/// (BSD), in quotes, or as a preliminary text of one word with a digit in it (libunftp). Other texts are not used:
/// the name in `data connection for name` is just as often the one in the request.
#[must_use]
pub fn parse_stou(text: &[u8]) -> Option<Vec<u8>> {
    let name = lines(text)
        .find_map(|line| after(line, b"FILE:").or_else(|| unique_name(line)))
        .map(|name| name.trim_ascii().to_vec())
        .or_else(|| lines(text).find_map(quoted))
        .or_else(|| single_word(text).map(<[u8]>::to_vec))?;
    (!name.is_empty() && !name.iter().any(u8::is_ascii_control)).then_some(name)
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n')
}

/// Returns what is between quotes; two quotes in a row stand for one
fn quoted(line: &[u8]) -> Option<Vec<u8>> {
    let start = memchr::memchr(b'"', line)? + 1;
    let last = memchr::memrchr(b'"', line)?;
    if let Some(path) = line.get(start..last).filter(|path| is_raw(path, &line[last + 1..])) {
        return Some(path.to_vec());
    }
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
                // The server does not double quotes, so the path ends at the last quote, which is this one or a
                // later one.
                let last = memchr::memrchr(b'"', line)?;
                return Some(line[start..last].to_vec());
            }
        }
    }
}

/// Whether a path has quotes that are not doubled; in the line, the last quote and then this text follow it
fn is_raw(path: &[u8], text: &[u8]) -> bool {
    const PURE_FTPD: [&[u8]; 2] =
        [b" is your current location", b" : The directory was successfully created"];
    let runs = path.chunk_by(|a, b| (*a == b'"') == (*b == b'"'));
    let odd = runs.filter(|run| run[0] == b'"' && run.len() % 2 == 1).count();
    match text {
        _ if PURE_FTPD.contains(&text) => true,
        // The line may have been cut off after a doubled quote.
        [] if path.ends_with(b"\"") => false,
        [] | [b' ', ..] => odd % 2 == 1,
        _ => false,
    }
}

/// Returns a path without quotes
fn unquoted(line: &[u8]) -> Option<&[u8]> {
    let line = line.trim_ascii();
    if let Some(path) = after(line, b" = ") {
        return Some(path.trim_ascii());
    }
    match before(line, b" is current").or_else(|| before(line, b" is the current")) {
        Some(path) => Some(path),
        None => begins_like_a_path(line).then_some(line),
    }
}

/// Whether a line begins with `/`, `\`, `C:`, `DISK:[`, or z/OS' `'`
fn begins_like_a_path(line: &[u8]) -> bool {
    match line {
        [b'/' | b'\\' | b'\'', ..] => true,
        [drive, b':', ..] => drive.is_ascii_alphabetic(),
        _ => line.windows(2).any(|window| window == b":["),
    }
}

/// Returns the name in `… (unique file name:name).`, with or without the parentheses
fn unique_name(line: &[u8]) -> Option<&[u8]> {
    const MARK: &[u8] = b"unique file name:";
    let at = find(line, MARK)?;
    let name = &line[at + MARK.len()..];
    match line[..at].last() {
        Some(b'(') => Some(&name[..memchr::memrchr(b')', name)?]),
        _ => Some(name),
    }
}

/// Returns the only word of a text, if it has a digit, as names made up by a program do
fn single_word(text: &[u8]) -> Option<&[u8]> {
    let word = text.trim_ascii();
    let is_word = !word.iter().any(u8::is_ascii_whitespace);
    (is_word && word.iter().any(u8::is_ascii_digit)).then_some(word)
}

/// Returns what follows the first `mark`; case is ignored
fn after<'a>(line: &'a [u8], mark: &[u8]) -> Option<&'a [u8]> {
    find(line, mark).map(|at| &line[at + mark.len()..])
}

/// Returns what precedes the first `mark`; case is ignored
fn before<'a>(line: &'a [u8], mark: &[u8]) -> Option<&'a [u8]> {
    find(line, mark).map(|at| &line[..at])
}

fn find(line: &[u8], mark: &[u8]) -> Option<usize> {
    line.windows(mark.len()).position(|window| window.eq_ignore_ascii_case(mark))
}
