//! `.mirrorinfo`, the state file of ftpmirror.py: a Python dictionary literal from names to versions
//!
//! The file is never evaluated: the parser accepts only a dictionary of strings.

use std::collections::BTreeMap;

/// The names in a directory, each with its words in the listing when the file was fetched
pub(super) type Versions = BTreeMap<Vec<u8>, Vec<u8>>;

/// Parses a file; `None` if it is not a dictionary of strings
pub(super) fn parse(text: &[u8]) -> Option<Versions> {
    let mut input = Input { text, at: 0 };
    let mut versions = Versions::new();
    input.expect(b'{')?;
    loop {
        if input.peek()? == b'}' {
            input.at += 1;
            break;
        }
        let name = input.string()?;
        input.expect(b':')?;
        versions.insert(name, input.string()?);
        match input.peek()? {
            b',' => input.at += 1,
            b'}' => {}
            _ => return None,
        }
    }
    // Nothing may follow.
    input.peek().is_none().then_some(versions)
}

/// Returns the content of a file, which Python can read as well
pub(super) fn print(versions: &Versions) -> Vec<u8> {
    let mut text = b"{".to_vec();
    for (at, (name, version)) in versions.iter().enumerate() {
        text.extend_from_slice(if at > 0 { b", " } else { b"" });
        push(&mut text, name);
        text.extend_from_slice(b": ");
        push(&mut text, version);
    }
    text.extend_from_slice(b"}\n");
    text
}

fn push(text: &mut Vec<u8>, value: &[u8]) {
    text.push(b'\'');
    for byte in value {
        match byte {
            b'\'' | b'\\' => text.extend_from_slice(&[b'\\', *byte]),
            b' '..=b'~' => text.push(*byte),
            other => text.extend_from_slice(format!("\\x{other:02x}").as_bytes()),
        }
    }
    text.push(b'\'');
}

struct Input<'a> {
    text: &'a [u8],
    at: usize,
}

impl Input<'_> {
    /// Skips white space, and returns the next byte without consuming it
    fn peek(&mut self) -> Option<u8> {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn take(&mut self) -> Option<u8> {
        let byte = *self.text.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn string(&mut self) -> Option<Vec<u8>> {
        let quote = self.peek().filter(|byte| matches!(byte, b'\'' | b'"'))?;
        self.at += 1;
        let mut value = Vec::new();
        loop {
            match self.take()? {
                byte if byte == quote => return Some(value),
                b'\\' => value.push(self.escape()?),
                b'\n' => return None,
                byte => value.push(byte),
            }
        }
    }

    fn escape(&mut self) -> Option<u8> {
        Some(match self.take()? {
            byte @ (b'\\' | b'\'' | b'"') => byte,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'x' => {
                let digits = std::str::from_utf8(self.text.get(self.at..self.at + 2)?).ok()?;
                self.at += 2;
                u8::from_str_radix(digits, 16).ok()?
            }
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_python_writes_is_read() {
        let text = b"{'README': ['12', 'x']}\n";
        assert_eq!(parse(text), None, "only strings are versions");
        let text = br#"{'a b': '12 Jan 1 2020', "it's": 'x\x41\n', 'c\\d': ''}
"#;
        let versions = parse(text).unwrap();
        assert_eq!(versions[&b"a b"[..]], b"12 Jan 1 2020");
        assert_eq!(versions[&b"it's"[..]], b"xA\n");
        assert_eq!(versions[&b"c\\d"[..]], b"");
        assert_eq!(parse(b"{}").unwrap().len(), 0);
    }

    #[test]
    fn what_is_no_dictionary_of_strings_is_not_evaluated() {
        for text in [
            &b""[..],
            b"{",
            b"{'a'}",
            b"{'a': 'b'",
            b"{'a': 'b'} + x",
            b"__import__('os').system('true')",
            b"{'a': open('/etc/passwd')}",
            b"{'a': 'b' 'c'}",
            b"{'a': 'b\nc'}",
            b"{'a': '\\N{DASH}'}",
        ] {
            assert_eq!(parse(text), None, "{}", text.escape_ascii());
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let all: Vec<u8> = (0..=255).collect();
        let versions = Versions::from([(all.clone(), all), (vec![], vec![])]);
        assert_eq!(parse(&print(&versions)), Some(versions));
    }
}
