//! Formats names and numbers for messages

use std::borrow::Cow;
use std::ffi::OsStr;
use std::io::IsTerminal as _;
use std::path::Path;

use ftp_proto::Readable;
use serde_json::{Map, Value};

/// Formats a server's name or path, with control characters escaped
pub(crate) fn bytes(bytes: &[u8]) -> String {
    Readable(bytes).to_string()
}

/// Formats a text, with control characters escaped
pub(crate) fn text(text: &str) -> String {
    bytes(text.as_bytes())
}

/// Formats an argument that is a URL, or may be meant as one: masks its password, and escapes control characters
pub(crate) fn argument(word: &[u8]) -> String {
    bytes(&without_password(word))
}

/// Masks the password in a word that may be a URL, also one without a scheme or its colon: `ftp://USER:PASSWORD@HOST`,
/// `USER:PASSWORD@HOST`, `ftp//USER:PASSWORD@HOST`
///
/// A password may contain any character, so it ends at the last `@`.
pub(crate) fn without_password(word: &[u8]) -> Cow<'_, [u8]> {
    let place = |byte: u8| word.iter().position(|other| *other == byte);
    let after = |start: usize| Some(start + word[start..].iter().position(|byte| *byte == b':')?);
    let colon = match (place(b':'), place(b'/')) {
        (Some(at), _) if word[at..].starts_with(b"://") => after(at + 3),
        (_, Some(slash)) if word[slash..].starts_with(b"//") => after(slash + 2),
        (Some(at), Some(slash)) if slash < at => None,
        (colon, _) => colon,
    };
    let end = word.iter().rposition(|byte| *byte == b'@');
    match colon.zip(end) {
        Some((colon, end)) if colon < end => {
            [&word[..=colon], b"***", &word[end..]].concat().into()
        }
        _ => word.into(),
    }
}

/// Formats a local path, with control characters escaped; a relative one may be a URL that was taken for a path
pub(crate) fn path(path: &Path) -> String {
    let name = path.as_os_str().as_encoded_bytes();
    if path.is_absolute() { bytes(name) } else { argument(name) }
}

/// Returns the bytes of a local name, as they are sent to a server
pub(crate) fn os_bytes(name: &OsStr) -> &[u8] {
    name.as_encoded_bytes()
}

/// Formats bytes as hexadecimal digits, for JSON, whose strings can't hold names that are not UTF-8
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Adds a name or path to a JSON object as `key`, and as `key_hex` if it is not UTF-8
pub(crate) fn insert_name(object: &mut Map<String, Value>, key: &str, name: &[u8]) {
    object.insert(key.into(), String::from_utf8_lossy(name).into_owned().into());
    if std::str::from_utf8(name).is_err() {
        object.insert(format!("{key}_hex"), hex(name).into());
    }
}

/// Whether standard output is a terminal, so that control characters must be escaped
pub(crate) fn stdout_is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// Formats a number of bytes, such as `1.5 MiB`
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1023.95 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    #[test]
    fn sizes() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1024 * 1024 - 1, "1.0 MiB"),
            (1_610_612_736, "1.5 GiB"),
            (u64::MAX, "16.0 EiB"),
        ] {
            assert_eq!(super::size(bytes), text);
        }
    }

    #[test]
    fn passwords_are_masked_up_to_the_last_at() {
        for (word, shown) in [
            ("ftp://u:secret@h/f", "ftp://u:***@h/f"),
            ("ftp://u:ab/secret@h/f", "ftp://u:***@h/f"),
            ("ftp://u:a@b:c@h", "ftp://u:***@h"),
            ("ftp://:secret@h", "ftp://:***@h"),
            ("u:secret@h/a", "u:***@h/a"),
            ("ftp//u:secret@h/a", "ftp//u:***@h/a"),
            ("//u:secret@h", "//u:***@h"),
            ("u:s/e//c://ret@h", "u:***@h"),
            ("ftp:/u:secret@h", "ftp:***@h"),
            ("--proxy=http://u:secret@h", "--proxy=http://u:***@h"),
            ("ftp://u@h:21/f", "ftp://u@h:21/f"),
            ("ftp://h:21/f", "ftp://h:21/f"),
            ("me@h", "me@h"),
            ("here/a:b@c", "here/a:b@c"),
        ] {
            assert_eq!(super::argument(word.as_bytes()), shown, "{word}");
        }
    }

    #[test]
    fn what_terminals_obey_is_escaped() {
        assert_eq!(super::bytes(b"a\x1b]0;x\x07b\xff"), r"a\u{1b}]0;x\u{7}b\xff");
    }
}
