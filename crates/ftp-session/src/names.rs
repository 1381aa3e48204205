//! Names as text, where a server does not speak UTF-8

use std::borrow::Cow;

use encoding_rs::Encoding;

/// A server's charset for names, beside UTF-8
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
    /// Names that are not UTF-8 are in this charset
    #[must_use]
    pub const fn new(charset: &'static Encoding) -> Self {
        Self(charset)
    }

    /// A name as text: UTF-8 if it is that, else in this charset; what has no meaning there becomes
    /// U+FFFD, so to name the file again use the bytes
    #[must_use]
    pub fn decode<'a>(&self, name: &'a [u8]) -> Cow<'a, str> {
        match std::str::from_utf8(name) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => self.0.decode_without_bom_handling(name).0,
        }
    }

    /// A path in this charset, for a request; `None` if it can't be written in it
    #[must_use]
    pub fn encode<'a>(&self, path: &'a str) -> Option<Cow<'a, [u8]>> {
        let (bytes, _, unmappable) = self.0.encode(path);
        (!unmappable).then_some(bytes)
    }
}
