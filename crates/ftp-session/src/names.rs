//! Names as text, for servers that do not use UTF-8

use std::borrow::Cow;

use encoding_rs::Encoding;

/// The charset of a server's names, in addition to UTF-8
///
/// ```
/// use ftp_session::NameEncoding;
/// use ftp_session::encoding_rs::WINDOWS_1252;
///
/// let names = NameEncoding::new(WINDOWS_1252);
/// assert_eq!(names.decode(b"caf\xE9"), "café");
/// assert_eq!(names.decode("café".as_bytes()), "café");
/// assert_eq!(names.encode("café").as_deref(), Some(&b"caf\xE9"[..]));
/// assert_eq!(names.encode("日本"), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameEncoding(&'static Encoding);

impl NameEncoding {
    /// Uses this charset for names that are not UTF-8
    #[must_use]
    pub const fn new(charset: &'static Encoding) -> Self {
        Self(charset)
    }

    /// Converts a name to text: from UTF-8 if it is valid, otherwise from this charset. Bytes without a meaning there
    /// become U+FFFD, so use the original bytes to refer to the file again
    #[must_use]
    pub fn decode<'a>(&self, name: &'a [u8]) -> Cow<'a, str> {
        match std::str::from_utf8(name) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => self.0.decode_without_bom_handling(name).0,
        }
    }

    /// Converts a path to this charset, for a request; `None` if the charset can't represent it
    #[must_use]
    pub fn encode<'a>(&self, path: &'a str) -> Option<Cow<'a, [u8]>> {
        let (bytes, _, unmappable) = self.0.encode(path);
        (!unmappable).then_some(bytes)
    }
}
