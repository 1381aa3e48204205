//! Splits a line into words, as shells do: with quotes, backslashes and comments

/// Returns the words of a line; spaces in a word are quoted by `"`, `'` or a backslash
pub(super) fn split(line: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let mut words = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut bytes = line.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b' ' | b'\t' => words.extend(word.take()),
            b'#' if word.is_none() => break,
            b'\\' => {
                let next = bytes.next().ok_or("a backslash at the end of the line")?;
                word.get_or_insert_default().push(next);
            }
            quote @ (b'"' | b'\'') => {
                let word = word.get_or_insert_default();
                loop {
                    match bytes.next().ok_or("a quote is not closed")? {
                        byte if byte == quote => break,
                        b'\\' if quote == b'"' => {
                            word.push(bytes.next().ok_or("a quote is not closed")?);
                        }
                        byte => word.push(byte),
                    }
                }
            }
            byte => word.get_or_insert_default().push(byte),
        }
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    fn split(line: &str) -> Vec<String> {
        let words = super::split(line.as_bytes()).unwrap();
        words.into_iter().map(|word| String::from_utf8(word).unwrap()).collect()
    }

    #[test]
    fn lines_are_words() {
        for (line, words) in [
            ("", &[][..]),
            ("  \t \r\n", &[]),
            ("ls -l\n", &["ls", "-l"]),
            ("get  a\tb", &["get", "a", "b"]),
            ("get 'two words' \"and two\" and\\ two", &["get", "two words", "and two", "and two"]),
            (r#"a"b'c"d'e"f'"#, &["ab'cde\"f"]),
            (r#""a\"b" 'a\b' a\\b"#, &["a\"b", r"a\b", r"a\b"]),
            ("get ''", &["get", ""]),
            ("# a comment", &[]),
            ("ls # all of it", &["ls"]),
            ("ls a#b", &["ls", "a#b"]),
        ] {
            assert_eq!(split(line), words, "{line:?}");
        }
        assert_eq!(super::split(b"\xff\\ \xfe").unwrap(), [b"\xff \xfe"]);
        for line in ["'", "a\"", "a\\", "\"\\"] {
            assert!(super::split(line.as_bytes()).is_err(), "{line:?}");
        }
    }
}
