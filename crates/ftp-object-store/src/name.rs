//! Translates between names of objects and names on the server

use std::sync::atomic::{AtomicU64, Ordering};

use object_store::path::{Path, PathPart};

/// The beginning of the names that the store uses itself
const BEGINS: &str = ".ftp-store-";
/// The end of the temporary name of an unfinished upload
const UNFINISHED: &str = ".tmp";
/// The end of the name of an old object while a new one takes its place
const REPLACED: &str = ".old";
/// Hexadecimal digits between the two
const DIGITS: usize = 16;

/// The server's name for one segment of a [`Path`]
///
/// A segment made by [`encoded`] stands for the bytes it was made from; any other stands for itself.
pub(crate) fn decoded(segment: &str) -> Vec<u8> {
    let bytes = replace_escapes(segment.as_bytes());
    if escape(&bytes) == segment { bytes } else { segment.as_bytes().to_vec() }
}

/// The segment of a [`Path`] for a name on the server; `None` if no segment decodes to that name
///
/// A name stands for itself. Bytes that are not UTF-8 and control characters can't be part of a `Path`, so they are
/// written as `%XX`. The only names without a segment are those that contain such an escape literally.
pub(crate) fn encoded(name: &[u8]) -> Option<String> {
    let segment = escape(name);
    (PathPart::parse(&segment).is_ok() && !segment.is_empty() && decoded(&segment) == name)
        .then_some(segment)
}

/// Writes bytes that a [`Path`] can't hold as `%XX`
fn escape(name: &[u8]) -> String {
    let mut text = String::with_capacity(name.len());
    for chunk in name.utf8_chunks() {
        for letter in chunk.valid().chars() {
            if letter.is_ascii_control() {
                text.push_str(&format!("%{:02X}", u32::from(letter)));
            } else {
                text.push(letter);
            }
        }
        for byte in chunk.invalid() {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

/// Replaces each `%XX` that [`escape`] may have written with its byte
fn replace_escapes(text: &[u8]) -> Vec<u8> {
    let digit = |at: usize| {
        let byte = *text.get(at)?;
        // `escape` writes only upper case.
        (!byte.is_ascii_lowercase()).then(|| char::from(byte).to_digit(16))?
    };
    let mut bytes = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let escaped = digit(at + 1).zip(digit(at + 2)).map(|(high, low)| (high * 16 + low) as u8);
        match escaped {
            Some(byte) if text[at] == b'%' && (!byte.is_ascii() || byte.is_ascii_control()) => {
                bytes.push(byte);
                at += 3;
            }
            _ => {
                bytes.push(text[at]);
                at += 1;
            }
        }
    }
    bytes
}

/// The path on the server of an object or directory below `root`
pub(crate) fn remote(root: &[u8], location: &Path) -> Vec<u8> {
    let mut path = root.to_vec();
    for part in location.parts() {
        push(&mut path, &decoded(part.as_ref()));
    }
    path
}

/// Appends a name to a path on the server
pub(crate) fn push(path: &mut Vec<u8>, name: &[u8]) {
    if path.is_empty() {
        // Servers take `~` for a home directory, and drop a space after the command.
        if !name.first().is_some_and(u8::is_ascii_alphanumeric) {
            path.extend(b"./");
        }
    } else if path.last() != Some(&b'/') {
        path.push(b'/');
    }
    path.extend(name);
}

/// Splits a path on the server into its directory and its name; without a slash the directory is empty, which is the
/// working directory
pub(crate) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(0) => (b"/", &path[1..]),
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (b"", path),
    }
}

/// Makes a new temporary name, beside `path`, for an unfinished upload
pub(crate) fn temporary(path: &[u8]) -> Vec<u8> {
    unique(path, UNFINISHED)
}

/// Makes a new name, beside `path`, for the old object there while a new one takes its place
pub(crate) fn replaced(path: &[u8]) -> Vec<u8> {
    unique(path, REPLACED)
}

/// Makes a name beside `path` that no file has
fn unique(path: &[u8], ends: &str) -> Vec<u8> {
    let (directory, _) = split(path);
    let mut path = directory.to_vec();
    push(&mut path, format!("{BEGINS}{}{ends}", digits()).as_bytes());
    path
}

/// Sixteen hexadecimal digits, different for each name that the store makes
fn digits() -> String {
    use std::hash::{BuildHasher, Hasher, RandomState};
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    // The hasher's keys are random, so two processes don't choose the same name.
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u64(NUMBER.fetch_add(1, Ordering::Relaxed));
    format!("{:016x}", hasher.finish())
}

/// Whether a path is one word, and so arrives as it is in an argument of SITE
pub(crate) fn is_one_word(path: &[u8]) -> bool {
    let divides =
        |byte: &u8| byte.is_ascii_whitespace() || byte.is_ascii_control() || *byte == b'"';
    !path.iter().any(divides)
}

/// What in a name makes some servers store a file under another name
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Risks(u8);

impl Risks {
    pub(crate) const NONE: Self = Self(0);

    /// The risks of the name in a path: blanks at its ends and control characters (Pure-FTPd), bytes that are not UTF-8
    /// (pyftpdlib), and what means something else on Windows
    pub(crate) fn of(path: &[u8]) -> Self {
        let (directory, name) = split(path);
        // Pure-FTPd keeps a blank after a directory.
        let at_home = matches!(directory, b"" | b".");
        let windows = |byte: &u8| matches!(byte, b'\\' | b':');
        let risks = [
            name.iter().any(u8::is_ascii_control),
            std::str::from_utf8(name).is_err(),
            name.starts_with(b" ") && at_home,
            name.starts_with(b" ") && !at_home,
            name.ends_with(b" "),
            name.ends_with(b"."),
            name.iter().any(windows),
        ];
        let bits = risks.iter().enumerate().map(|(bit, risk)| u8::from(*risk) << bit);
        Self(bits.fold(0, |all, bit| all | bit))
    }

    pub(crate) const fn bits(self) -> u8 {
        self.0
    }

    pub(crate) const fn are_among(self, known: u8) -> bool {
        self.0 & !known == 0
    }
}

/// A name that no file has, with everything in it that is unusual in this one, and the digits by which it can be
/// recognized if the server changes it
pub(crate) fn alike(name: &[u8]) -> (Vec<u8>, String) {
    let digits = digits();
    let middle = format!("ftp-store-{digits}");
    let (first, rest) = match name {
        [first] => (std::slice::from_ref(first), std::slice::from_ref(first)),
        [first, rest @ ..] if first.is_ascii() => (std::slice::from_ref(first), rest),
        _ => (&[][..], name),
    };
    ([first, middle.as_bytes(), rest].concat(), digits)
}

/// Whether this is a name that the store uses itself: of an unfinished upload, or of an old object
pub(crate) fn is_reserved(name: &[u8]) -> bool {
    let digits = name.strip_prefix(BEGINS.as_bytes()).and_then(|rest| {
        [UNFINISHED, REPLACED].iter().find_map(|ends| rest.strip_suffix(ends.as_bytes()))
    });
    digits.is_some_and(|digits| digits.len() == DIGITS && digits.iter().all(u8::is_ascii_hexdigit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_themselves() {
        for (name, segment) in [
            (&b"plain.csv"[..], "plain.csv"),
            (b"two words", "two words"),
            ("na\u{ef}ve \u{1f600}".as_bytes(), "na\u{ef}ve \u{1f600}"),
            (b"latin-\xE9.csv", "latin-%E9.csv"),
            (b"line\nbreak", "line%0Abreak"),
            (b"100%", "100%"),
            (b"%48%45", "%48%45"),
            (b"a%2Fb", "a%2Fb"),
            // Not the escape that would be written for it, so it stands for itself.
            (b"%C3%A9", "%C3%A9"),
            (b"%e9", "%e9"),
            (b"back\\slash", "back\\slash"),
        ] {
            assert_eq!(encoded(name).as_deref(), Some(segment), "{}", name.escape_ascii());
            assert_eq!(decoded(segment), name, "{segment}");
        }
    }

    #[test]
    fn names_without_a_segment() {
        for name in [&b"latin-%E9.csv"[..], b"line%0Abreak", b".", b"..", b"a/b", b""] {
            assert_eq!(encoded(name), None, "{}", name.escape_ascii());
        }
    }

    #[test]
    fn whatever_is_put_is_listed_under_its_name() {
        let alphabet = ["%", "E", "9", "C", "3", "A", "\u{e9}", "a", "2", "5", "0"];
        let mut segments = vec![String::new()];
        for _ in 0..5 {
            let longer =
                segments.iter().flat_map(|one| alphabet.map(|next| format!("{one}{next}")));
            segments = longer.collect();
            for segment in &segments {
                assert_eq!(encoded(&decoded(segment)).as_ref(), Some(segment));
            }
        }
    }

    #[test]
    fn paths_on_the_server() {
        for (root, location, path) in [
            ("", "a/b.csv", "a/b.csv"),
            ("/", "a", "/a"),
            ("/pub", "a/b", "/pub/a/b"),
            ("pub/", "a", "pub/a"),
            ("", "~root", "./~root"),
            ("", " x", "./ x"),
            ("", "", ""),
        ] {
            let location = Path::parse(location).unwrap();
            assert_eq!(remote(root.as_bytes(), &location), path.as_bytes(), "{location}");
        }
        assert_eq!(split(b"/pub/a"), (&b"/pub"[..], &b"a"[..]));
        assert_eq!(split(b"/a"), (&b"/"[..], &b"a"[..]));
        assert_eq!(split(b"a"), (&b""[..], &b"a"[..]));
    }

    #[test]
    fn words() {
        for path in ["/pub/a", "/pub/caf\u{e9}#1", "a\\b"] {
            assert!(is_one_word(path.as_bytes()), "{path}");
        }
        for path in ["/a ", " a", "/my data/a", "/a\tb", "/a\u{b}b", "/a\"b", "/a\u{7f}"] {
            assert!(!is_one_word(path.as_bytes()), "{path}");
        }
    }

    #[test]
    fn reserved_names_are_known_again() {
        for make in [temporary, replaced] {
            let one = make(b"/pub/a.csv");
            assert_ne!(one, make(b"/pub/a.csv"));
            let (directory, name) = split(&one);
            assert_eq!(directory, b"/pub");
            assert!(is_reserved(name));
        }
        for name in [".ftp-store-.tmp", ".ftp-store-0123456789abcdef", "a.csv", ".tmp"] {
            assert!(!is_reserved(name.as_bytes()), "{name}");
        }
    }
}
