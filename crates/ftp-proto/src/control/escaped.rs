//! Bytes as readable text

use core::fmt::{self, Write as _};

/// Shows bytes between quotes, those that are not printable ASCII escaped
pub(in crate::control) struct Escaped<'a>(pub(in crate::control) &'a [u8]);

impl fmt::Debug for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

/// Shows bytes as people want to read them: UTF-8 as it is, but nothing that a terminal obeys
///
/// Control characters, the invisible ones that change the direction of text, and bytes that are not
/// UTF-8 are escaped.
pub(crate) struct Readable<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Readable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for character in chunk.valid().chars() {
                if character.is_control() || changes_direction(character) {
                    write!(f, "{}", character.escape_default())?;
                } else {
                    f.write_char(character)?;
                }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

/// Bidirectional marks, embeddings and isolates, line and paragraph separators
const fn changes_direction(character: char) -> bool {
    matches!(character,
        '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}
