//! The lines of the protocol: words of any bytes, percent-encoded, with one space between two

use std::io::{self, Write as _};
use std::str;

/// What a call returns
pub(crate) type Values = Vec<Vec<u8>>;

/// Prints a line of an answer
pub(crate) fn print(kind: &str, values: &[Vec<u8>]) -> io::Result<()> {
    let mut line: Vec<&[u8]> = vec![kind.as_bytes()];
    line.extend(values.iter().map(|value| &**value));
    let mut out = io::stdout().lock();
    writeln!(out, "{}", encode(&line))?;
    out.flush()
}

/// Writes words as a line, without its end
fn encode(words: &[&[u8]]) -> String {
    let mut line = String::new();
    for (index, word) in words.iter().enumerate() {
        if index > 0 {
            line.push(' ');
        }
        for &byte in *word {
            match byte {
                b'%' | 0..=b' ' | 0x7f.. => line.push_str(&format!("%{byte:02X}")),
                _ => line.push(char::from(byte)),
            }
        }
    }
    line
}

/// Reads the words of a line; `None` if an escape is not complete
pub(crate) fn decode(line: &str) -> Option<Vec<Vec<u8>>> {
    line.split(' ').map(word).collect()
}

fn word(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2)?;
        rest = after;
        bytes.push(u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()?);
    }
    Some(bytes)
}
