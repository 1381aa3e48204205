//! Bytes as readable text

use core::fmt::{self, Write as _};

/// Displays bytes between quotes, and escapes those that are not printable ASCII
pub(in crate::control) struct Escaped<'a>(pub(in crate::control) &'a [u8]);

impl fmt::Debug for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

/// Displays bytes for people: UTF-8 unchanged, except for characters that a terminal would interpret or that can't
/// be seen
///
/// Control characters, invisible characters, those that change the direction of text, and bytes that are not UTF-8
/// are escaped. So two texts that look the same are the same, as far as the font distinguishes characters.
///
/// ```
/// use ftp_proto::Readable;
///
/// assert_eq!(Readable(b"two words \x1b[2J \xFF").to_string(), r"two words \u{1b}[2J \xff");
/// ```
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "bytes, and nothing else")]
pub struct Readable<'a>(pub &'a [u8]);

impl fmt::Display for Readable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for character in chunk.valid().chars() {
                if character.is_control() || is_invisible(character) {
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

/// Whether a character has no glyph of its own, or changes how others are laid out
///
/// These are Unicode's general categories Cf (format), Zl and Zp, and the characters with the property
/// `Default_Ignorable_Code_Point`: fillers, variation selectors, tags. The list includes the code points that are
/// reserved for more of these, so a new version of Unicode changes little here.
const fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{AD}' // soft hyphen
        | '\u{34F}' // combining grapheme joiner
        | '\u{600}'..='\u{605}' | '\u{61C}' | '\u{6DD}' | '\u{70F}' | '\u{890}' | '\u{891}' | '\u{8E2}'
        | '\u{115F}' | '\u{1160}' // Hangul fillers
        | '\u{17B4}' | '\u{17B5}' // Khmer inherent vowels
        | '\u{180B}'..='\u{180F}' // Mongolian variation selectors
        | '\u{200B}'..='\u{200F}' // zero width, marks of direction
        | '\u{2028}'..='\u{202E}' // separators, embeddings
        | '\u{2060}'..='\u{206F}' // joiners, operators, isolates
        | '\u{3164}' | '\u{FFA0}' // Hangul fillers
        | '\u{FE00}'..='\u{FE0F}' // variation selectors
        | '\u{FEFF}' // byte order mark
        | '\u{FFF0}'..='\u{FFFB}' // interlinear annotation
        | '\u{110BD}' | '\u{110CD}'
        | '\u{13430}'..='\u{1343F}' // hieroglyphs' format controls
        | '\u{1BCA0}'..='\u{1BCA3}' // shorthand
        | '\u{1D173}'..='\u{1D17A}' // musical notation
        | '\u{E0000}'..='\u{E0FFF}' // tags, variation selectors
    )
}

#[cfg(test)]
mod tests {
    use alloc::string::{String, ToString};
    use std::format;

    use super::*;

    #[test]
    fn what_cannot_be_seen_is_escaped() {
        // One or more of each kind, by their names in the Unicode character database.
        for (name, character) in [
            ("ESCAPE", '\u{1B}'),
            ("CONTROL SEQUENCE INTRODUCER", '\u{9B}'),
            ("SOFT HYPHEN", '\u{AD}'),
            ("COMBINING GRAPHEME JOINER", '\u{34F}'),
            ("ARABIC NUMBER SIGN", '\u{600}'),
            ("ARABIC LETTER MARK", '\u{61C}'),
            ("HANGUL CHOSEONG FILLER", '\u{115F}'),
            ("MONGOLIAN VOWEL SEPARATOR", '\u{180E}'),
            ("ZERO WIDTH SPACE", '\u{200B}'),
            ("ZERO WIDTH JOINER", '\u{200D}'),
            ("RIGHT-TO-LEFT MARK", '\u{200F}'),
            ("LINE SEPARATOR", '\u{2028}'),
            ("PARAGRAPH SEPARATOR", '\u{2029}'),
            ("RIGHT-TO-LEFT OVERRIDE", '\u{202E}'),
            ("WORD JOINER", '\u{2060}'),
            ("POP DIRECTIONAL ISOLATE", '\u{2069}'),
            ("NOMINAL DIGIT SHAPES", '\u{206F}'),
            ("HANGUL FILLER", '\u{3164}'),
            ("VARIATION SELECTOR-16", '\u{FE0F}'),
            ("ZERO WIDTH NO-BREAK SPACE", '\u{FEFF}'),
            ("INTERLINEAR ANNOTATION ANCHOR", '\u{FFF9}'),
            ("EGYPTIAN HIEROGLYPH VERTICAL JOINER", '\u{13430}'),
            ("MUSICAL SYMBOL BEGIN BEAM", '\u{1D173}'),
            ("LANGUAGE TAG", '\u{E0001}'),
            ("TAG LATIN SMALL LETTER A", '\u{E0061}'),
            ("CANCEL TAG", '\u{E007F}'),
            ("VARIATION SELECTOR-17", '\u{E0100}'),
        ] {
            let shown = Readable(format!("a{character}b").as_bytes()).to_string();
            assert_eq!(shown, format!("a\\u{{{:x}}}b", u32::from(character)), "{name}");
        }
    }

    #[test]
    fn what_can_be_seen_is_shown() {
        let text = "caf\u{e9} cafe\u{301} \u{65e5}\u{672c} \u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{1f600} \u{a0}\u{3000}\u{fffd} \\ \" '";
        assert_eq!(Readable(text.as_bytes()).to_string(), text);
        assert_eq!(Readable(b"\xff\xe2\x80").to_string(), r"\xff\xe2\x80");
        assert_eq!(Readable(b"").to_string(), String::new());
    }
}
