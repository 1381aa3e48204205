//! The features that a server claims in its reply to FEAT (RFC 2389)

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use super::escaped::Escaped;
use super::fields::HashAlgorithm;
use super::reply::{Reply, ReplyKind};

/// The features that a server lists in its reply to FEAT
///
/// These are claims: servers omit features that they have and list features that they lack, so
/// an absent feature may still be tried. The list is as long as the reply, which
/// [`ReplyConfig::reply`](crate::ReplyConfig::reply) limits.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Features {
    entries: Vec<Feature>,
}

#[derive(Clone, PartialEq, Eq)]
struct Feature {
    /// Name in upper case, SP, parameters
    line: Box<[u8]>,
    /// Length of the name
    name: usize,
}

impl Feature {
    fn new(line: &[u8]) -> Self {
        let name = line.iter().position(u8::is_ascii_whitespace).unwrap_or(line.len());
        let mut line: Box<[u8]> = line.into();
        line[..name].make_ascii_uppercase();
        Self { line, name }
    }

    fn name(&self) -> &[u8] {
        &self.line[..self.name]
    }

    fn parameters(&self) -> &[u8] {
        self.line[self.name..].trim_ascii_start()
    }
}

impl Features {
    /// Parses the reply to FEAT; `None` if the reply is not a completion (2yz)
    ///
    /// A reply of one line lists nothing. In a longer reply, each line between the
    /// first and the last is a feature, whether or not it is indented or repeats the code.
    #[must_use]
    pub fn parse(reply: &Reply) -> Option<Self> {
        if reply.kind() != ReplyKind::Completion {
            return None;
        }
        let mut lines = reply.lines();
        let (_heading, _end) = (lines.next(), lines.next_back());
        // OpenVMS ends each line with a dot.
        let without_dot = |line| <[u8]>::strip_suffix(line, b".").unwrap_or(line);
        let lines = lines.map(<[u8]>::trim_ascii).map(without_dot).filter(|line| !line.is_empty());
        Some(Self { entries: lines.map(Feature::new).collect() })
    }

    /// Whether a feature is listed; the case of `name` is ignored
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.parameters(name).is_some()
    }

    /// Returns the parameters of the first line with this name, empty if it has none; the case of `name` is ignored
    #[must_use]
    pub fn parameters(&self, name: &str) -> Option<&[u8]> {
        self.iter()
            .find(|(listed, _)| listed.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, parameters)| parameters)
    }

    /// Returns names in upper case and raw parameters, in the server's order
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> + Clone {
        self.entries.iter().map(|feature| (feature.name(), feature.parameters()))
    }

    /// Returns the facts that MLST and MLSD support: `size*;modify*;type*;` (RFC 3659 section 7.8)
    #[must_use]
    pub fn mlst(&self) -> Option<&[u8]> {
        self.parameters("MLST")
    }

    /// Whether names are in UTF-8 (RFC 2640)
    #[must_use]
    pub fn utf8(&self) -> bool {
        self.has("UTF8")
    }

    /// Whether REST works in stream mode (RFC 3659 section 5.4)
    #[must_use]
    pub fn rest_stream(&self) -> bool {
        self.lists("REST", b"STREAM")
    }

    /// Whether AUTH TLS is offered, as `AUTH TLS` or in a list such as `AUTH SSL;TLS-C;TLS;` (RFC 4217)
    #[must_use]
    pub fn auth_tls(&self) -> bool {
        self.lists("AUTH", b"TLS") || self.lists("AUTH", b"TLS-C")
    }

    /// Whether HASH supports this algorithm: `HASH SHA-256;SHA-1*;MD5` (draft-bryan-ftp-hash section 3.3)
    #[must_use]
    pub fn hashes(&self, algorithm: HashAlgorithm) -> bool {
        self.lists("HASH", algorithm.name().as_bytes())
    }

    /// Whether a line with this name has this word among its parameters
    fn lists(&self, name: &str, word: &[u8]) -> bool {
        self.iter().filter(|(listed, _)| *listed == name.as_bytes()).any(|(_, parameters)| {
            parameters
                .split(|byte| matches!(byte, b' ' | b'\t' | b';' | b','))
                // A star marks the current choice of several.
                .map(|listed| listed.strip_suffix(b"*").unwrap_or(listed))
                .any(|listed| listed.eq_ignore_ascii_case(word))
        })
    }
}

impl fmt::Debug for Features {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.entries.iter().map(|feature| Escaped(&feature.line));
        f.debug_list().entries(lines).finish()
    }
}
