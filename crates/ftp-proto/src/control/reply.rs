//! Replies: a code of three digits and text, in one line or several (RFC 959 section 4.2)

mod code;
mod config;
mod error;
mod parser;

use core::{fmt, slice};

use smallvec::SmallVec;

pub use code::{Code, ReplyKind};
pub use config::{MultilineEnd, NulPolicy, ReplyConfig};
pub use error::{Banner, Excerpt, ReplyError};
pub use parser::ReplyParser;

use super::escaped::{Escaped, Readable};

/// Bytes of a reply, stored inline for an ordinary one-line reply
type Bytes = SmallVec<[u8; 80]>;

/// A server's answer to a command: a code and text
///
/// The text is bytes, because servers use any character set. Two replies are equal if their
/// codes and texts are; it makes no difference which lines repeated the code.
pub struct Reply {
    code: Code,
    /// The lines as received, joined by LF; for a reply of several lines, followed by its text
    ///
    /// The text of a single line is part of the line. So in the ordinary case nothing is stored twice
    /// and nothing is allocated.
    bytes: Bytes,
    /// The index in `bytes` where the text begins
    ///
    /// The text of a single line begins after the code and at most one separator, at 3 or 4; that of
    /// several lines after at least two codes.
    text: usize,
}

/// Copies the bytes at once; the derived one would copy them one by one
impl Clone for Reply {
    fn clone(&self) -> Self {
        Self { code: self.code, bytes: Bytes::from_slice(&self.bytes), text: self.text }
    }
}

/// Maximum index at which the text of a single line can begin
const SINGLE_LINE_TEXT: usize = 4;

impl Reply {
    /// Creates a reply, for tests and simulated servers
    ///
    /// Lines of `text` are separated by LF; a text without LF makes a single-line reply.
    #[must_use]
    pub fn new(code: Code, text: &[u8]) -> Self {
        let mut bytes = Bytes::new();
        let last = memchr::memrchr(b'\n', text).map_or(0, |at| at + 1);
        for line in text[..last].split_inclusive(|byte| *byte == b'\n') {
            bytes.extend_from_slice(&code.digits());
            bytes.push(b'-');
            bytes.extend_from_slice(line);
        }
        bytes.extend_from_slice(&code.digits());
        bytes.push(b' ');
        bytes.extend_from_slice(&text[last..]);
        match last {
            0 => Self::single_line(code, bytes),
            _ => Self::multi_line(code, code, &bytes),
        }
    }

    /// Creates a reply of one line; `line` is that line with its code
    fn single_line(code: Code, line: Bytes) -> Self {
        let text = match line.get(3) {
            Some(b' ' | b'-') => SINGLE_LINE_TEXT,
            _ => line.len().min(3),
        };
        Self { code, bytes: line, text }
    }

    /// Creates a reply of several lines joined by LF: the first has the code `opened`, the last has `code`
    fn multi_line(opened: Code, code: Code, lines: &[u8]) -> Self {
        let mut bytes = Bytes::with_capacity(lines.len() * 2);
        bytes.extend_from_slice(lines);
        let last = memchr::memrchr(b'\n', lines).map_or(0, |at| at + 1);
        for line in lines[..last].split_inclusive(|byte| *byte == b'\n') {
            bytes.extend_from_slice(without_code(opened, line));
        }
        // The parser has checked that the last line begins with `code`.
        let end = &lines[last..];
        debug_assert!(end.starts_with(&code.digits()), "a last line carries the code");
        bytes.extend_from_slice(end.get(SINGLE_LINE_TEXT..).unwrap_or_default());
        Self { code, bytes, text: lines.len() }
    }

    /// Returns the code; if the last line has another code than the first ([`MultilineEnd::AnyCode`]), that of the
    /// last line
    #[must_use]
    pub const fn code(&self) -> Code {
        self.code
    }

    /// Returns what the code's first digit means
    #[must_use]
    pub const fn kind(&self) -> ReplyKind {
        self.code.kind()
    }

    /// Returns the text without the codes, its lines joined by LF
    ///
    /// The code and the separator after it are removed from the first line, the last line, and each
    /// line in between that repeats them. Other leading spaces stay.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        &self.bytes[self.text..]
    }

    /// Whether the text contains one of these words, which are in lower case; case is ignored
    pub(crate) fn contains(&self, words: &[&str]) -> bool {
        let text = self.text().to_ascii_lowercase();
        words.iter().any(|word| memchr::memmem::find(&text, word.as_bytes()).is_some())
    }

    /// Whether the text says that something exists but is forbidden for this user
    pub(crate) fn denies(&self) -> bool {
        self.contains(&["denied", "permission", "not permitted", "not allowed", "privilege"])
    }

    /// Whether the text says that data connections must resume the control connection's TLS session
    pub(crate) fn demands_resumption(&self) -> bool {
        self.contains(&["reuse", "resum"])
    }

    /// Returns the lines of [`Self::text`]
    pub fn lines(&self) -> Lines<'_> {
        Lines(self.text().split(is_line_feed))
    }

    /// Returns the whole reply as received, with its codes, its lines joined by LF, as ftplib returns replies
    #[must_use]
    pub fn wire_text(&self) -> &[u8] {
        let end = if self.text <= SINGLE_LINE_TEXT { self.bytes.len() } else { self.text };
        &self.bytes[..end]
    }

    /// Returns the lines of [`Self::wire_text`]
    pub fn wire_lines(&self) -> Lines<'_> {
        Lines(self.wire_text().split(is_line_feed))
    }
}

/// Returns a line other than the last without its code, if it begins with `opened` and `-`
fn without_code(opened: Code, line: &[u8]) -> &[u8] {
    match line.strip_prefix(&opened.digits()) {
        Some([b'-', rest @ ..]) => rest,
        _ => line,
    }
}

fn is_line_feed(byte: &u8) -> bool {
    *byte == b'\n'
}

impl PartialEq for Reply {
    fn eq(&self, other: &Self) -> bool {
        self.code == other.code && self.text() == other.text()
    }
}

impl Eq for Reply {}

/// Displays `550 No such file`; lines are joined by ` / `, UTF-8 is unchanged, and everything that a terminal would
/// interpret is escaped
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.code, f)?;
        if self.text().is_empty() {
            return Ok(());
        }
        for (index, line) in self.lines().enumerate() {
            f.write_str(if index == 0 { " " } else { " / " })?;
            fmt::Display::fmt(&Readable(line), f)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reply({} {:?})", self.code, Escaped(self.text()))
    }
}

/// Iterator over the lines of a [`Reply`]
#[derive(Clone)]
pub struct Lines<'a>(slice::Split<'a, u8, fn(&u8) -> bool>);

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }
}

impl DoubleEndedIterator for Lines<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back()
    }
}

impl fmt::Debug for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone().map(Escaped)).finish()
    }
}
