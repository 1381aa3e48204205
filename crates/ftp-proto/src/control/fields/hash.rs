//! Hashes of files: answers to HASH (draft-bryan-ftp-hash), XSHA256, XMD5, XCRC and similar commands

use alloc::vec::Vec;
use core::fmt;

use super::number;

/// How a file's hash is computed, the strongest first
///
/// All of them detect damage. Only SHA-2 shows that a file has not been forged, and only if the
/// control connection is in TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum HashAlgorithm {
    /// SHA-256: 32 bytes
    Sha256,
    /// SHA-512: 64 bytes; after SHA-256, which costs less and is strong enough
    Sha512,
    /// SHA-1: 20 bytes
    Sha1,
    /// MD5: 16 bytes
    Md5,
    /// CRC-32 as in Ethernet and zip: 4 bytes, the most significant first
    Crc32,
}

impl HashAlgorithm {
    /// All algorithms, the strongest first
    pub const ALL: [Self; 5] = [Self::Sha256, Self::Sha512, Self::Sha1, Self::Md5, Self::Crc32];

    /// Returns the name in HASH and OPTS HASH (draft-bryan-ftp-hash section 3.2)
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "SHA-256",
            Self::Sha512 => "SHA-512",
            Self::Sha1 => "SHA-1",
            Self::Md5 => "MD5",
            Self::Crc32 => "CRC32",
        }
    }

    /// Returns the length of a hash in bytes
    #[must_use]
    pub const fn size(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha512 => 64,
            Self::Sha1 => 20,
            Self::Md5 => 16,
            Self::Crc32 => 4,
        }
    }
}

impl fmt::Display for HashAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The hash of a file, as the server computed it; displayed in hexadecimal
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct FileHash {
    /// How it was computed
    pub algorithm: HashAlgorithm,
    /// [`HashAlgorithm::size`] bytes
    pub value: Vec<u8>,
}

impl FileHash {
    /// Creates a hash that was computed elsewhere, for comparison
    #[must_use]
    pub const fn new(algorithm: HashAlgorithm, value: Vec<u8>) -> Self {
        Self { algorithm, value }
    }
}

impl fmt::Display for FileHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Returns the hash in an answer to HASH, XSHA256 and similar commands
///
/// Examples are `213 SHA-256 0-49 6029… name`, `250 92C5AAD6`, `251 name 1598…`. The hash is the first word of the
/// last line that has exactly as many hexadecimal digits as the algorithm produces. If a CRC stands alone, missing
/// leading zeros are added.
#[must_use]
pub fn parse_hash(text: &[u8], algorithm: HashAlgorithm) -> Option<FileHash> {
    let line = last_line(text);
    let digits = algorithm.size() * 2;
    let is_hex = |word: &&[u8]| word.iter().all(u8::is_ascii_hexdigit);
    let mut words = line.split(u8::is_ascii_whitespace).filter(is_hex);
    let word = words.find(|word| word.len() == digits).or_else(|| {
        (algorithm == HashAlgorithm::Crc32 && is_hex(&line) && (1..=digits).contains(&line.len()))
            .then_some(line)
    })?;
    let nibble = |digit: u8| match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit - b'A' + 10,
    };
    let padding = digits - word.len();
    let digit = |at: usize| at.checked_sub(padding).map_or(0, |at| nibble(word[at]));
    let value = (0..algorithm.size()).map(|at| digit(2 * at) << 4 | digit(2 * at + 1)).collect();
    Some(FileHash { algorithm, value })
}

/// Returns the hash in an answer to `HASH path`, unless the answer is about something else
///
/// An example is `213 SHA-256 0-49 6029… name` (draft-bryan-ftp-hash section 3.1). `None` if the answer names another
/// algorithm, a range that is not the whole file, or a file whose name is not the last component of `path`. Each may be
/// missing, and then an answer is read as by [`parse_hash`].
///
/// `size` is the size of the file in bytes. Without it the end of the range is not checked. The draft's end is the last
/// byte, so a file of 50 bytes is `0-49`; ProFTPD sends the size, `0-50`. Both are accepted.
#[must_use]
pub fn parse_hash_of(
    text: &[u8],
    algorithm: HashAlgorithm,
    path: &[u8],
    size: Option<u64>,
) -> Option<FileHash> {
    let (first, rest) = word(last_line(text));
    let (second, after_second) = word(rest);
    let range = range(second);
    if range.is_none() && !is_algorithm(first) {
        return parse_hash(text, algorithm);
    }
    if !is_name_of(algorithm, first) || range.is_some_and(|range| !is_whole(range, size)) {
        return None;
    }
    let (digits, name) = word(if range.is_some() { after_second } else { rest });
    if !name.is_empty() && last_component(name) != last_component(path) {
        return None;
    }
    parse_hash(digits, algorithm)
}

/// Returns the last line, in which servers send the hash
fn last_line(text: &[u8]) -> &[u8] {
    let text = text.trim_ascii_end();
    let start = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    text[start..].trim_ascii()
}

/// Returns the first word, and what follows the white space after it
fn word(line: &[u8]) -> (&[u8], &[u8]) {
    let end = line.iter().position(u8::is_ascii_whitespace).unwrap_or(line.len());
    (&line[..end], line[end..].trim_ascii_start())
}

/// Returns both numbers of a range such as `0-49`
fn range(word: &[u8]) -> Option<(u64, u64)> {
    let at = word.iter().position(|byte| *byte == b'-')?;
    Some((number(&word[..at])?, number(&word[at + 1..])?))
}

/// Whether a range is a whole file of this size, if that is known; its end is the last byte or the size
fn is_whole((start, end): (u64, u64), size: Option<u64>) -> bool {
    start == 0 && size.is_none_or(|size| end == size || end.checked_add(1) == Some(size))
}

/// Whether a word is the name of an algorithm rather than a hash: MD5, SHA-512/256, CRC32
fn is_algorithm(word: &[u8]) -> bool {
    word.len() < 16
        && word.iter().any(|byte| !byte.is_ascii_hexdigit())
        && word.iter().any(u8::is_ascii_digit)
}

/// Compares names of algorithms without regard to case and hyphens: some servers write SHA256
fn is_name_of(algorithm: HashAlgorithm, word: &[u8]) -> bool {
    let letters = |name: &[u8]| -> Vec<u8> {
        name.iter().filter(|byte| **byte != b'-').map(u8::to_ascii_uppercase).collect()
    };
    letters(word) == letters(algorithm.name().as_bytes())
}

/// Returns what follows the last separator of a path, also of Windows, without the white space around it
fn last_component(path: &[u8]) -> &[u8] {
    let start = path.iter().rposition(|byte| matches!(byte, b'/' | b'\\')).map_or(0, |at| at + 1);
    path[start..].trim_ascii()
}
