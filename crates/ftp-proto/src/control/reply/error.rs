//! What can be wrong with the bytes of a reply

use alloc::boxed::Box;
use core::fmt;

use thiserror::Error;

use crate::control::escaped::Escaped;
use crate::control::secrets::Secrets;

/// Why the bytes from the server are not a reply
///
/// After such an error, the session can't continue, because it is not known where the next reply begins.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReplyError {
    /// A line in place of a reply's first line has no code from 100 to 599
    #[error(
        "not an FTP reply: {line}; the server does not speak FTP on this port, or replies and commands \
         are out of step"
    )]
    NotAReply {
        /// The beginning of the line
        line: Excerpt,
    },
    /// The first line of the connection belongs to another protocol
    #[error("not an FTP server, {protocol}; it began with {line}")]
    NotFtp {
        /// Which protocol the line belongs to
        protocol: Banner,
        /// The beginning of the line
        line: Excerpt,
    },
    /// A line is longer than [`ReplyConfig::line`](super::ReplyConfig::line)
    #[error(
        "reply line longer than {limit} bytes; if such lines are expected, raise `ReplyConfig::line`"
    )]
    LineTooLong {
        /// The limit in bytes
        limit: usize,
    },
    /// A reply is longer than [`ReplyConfig::reply`](super::ReplyConfig::reply)
    #[error(
        "reply longer than {limit} bytes; if such replies are expected, raise `ReplyConfig::reply`"
    )]
    ReplyTooLong {
        /// The limit in bytes
        limit: usize,
    },
    /// A NUL in a reply
    #[error("NUL in a reply; if the server is known to pad its replies, use `NulPolicy::Strip`")]
    Nul,
    /// A reply protected by a security mechanism, 6yz (RFC 2228)
    #[error(
        "protected reply {0}: the server uses a security mechanism of RFC 2228 that was not \
         requested"
    )]
    Protected(u16),
}

/// A protocol other than FTP, recognized by the first bytes of a connection
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Banner {
    /// `SSH-`: SFTP is not FTP
    Ssh,
    /// `HTTP/` or HTML
    Http,
    /// `220` with the word `SMTP` or `ESMTP`
    Smtp,
    /// `+OK` or `-ERR`
    Pop3,
    /// `* OK`, `* PREAUTH` or `* BYE`
    Imap,
    /// A TLS handshake or alert record
    Tls,
}

impl fmt::Display for Banner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ssh => "but SSH: use an SFTP client, or FTP's own port (21)",
            Self::Http => "but HTTP: check host and port, and whether a proxy is in between",
            Self::Smtp => "but SMTP (mail): check host and port",
            Self::Pop3 => "but POP3 (mail): check host and port",
            Self::Imap => "but IMAP (mail): check host and port",
            Self::Tls => "but TLS: the port expects implicit TLS",
        })
    }
}

/// The beginning of an unexpected line: at most 80 bytes, escaped when shown
///
/// The rest is omitted so that an error stays small, whatever the server sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Excerpt {
    bytes: Box<[u8]>,
    cut: bool,
}

impl ReplyError {
    /// Returns the error with a mask in place of each secret that the line repeats
    pub(crate) fn without(self, secrets: &Secrets) -> Self {
        match self {
            Self::NotAReply { line } => Self::NotAReply { line: line.without(secrets) },
            Self::NotFtp { protocol, line } => {
                Self::NotFtp { protocol, line: line.without(secrets) }
            }
            other => other,
        }
    }
}

impl Excerpt {
    const LEN: usize = 80;

    fn without(self, secrets: &Secrets) -> Self {
        let mut bytes = secrets.mask(&self.bytes).unwrap_or_else(|| self.bytes.to_vec());
        // The end of the excerpt may be the beginning of a secret.
        if self.cut {
            bytes.truncate(secrets.len_without_beginning(&bytes));
        }
        Self { bytes: bytes.into(), cut: self.cut }
    }

    pub(super) fn new(line: &[u8]) -> Self {
        let kept = line.get(..Self::LEN).unwrap_or(line);
        Self { bytes: kept.into(), cut: kept.len() < line.len() }
    }

    /// Returns the first bytes of the line
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = if self.cut { "…" } else { "" };
        write!(f, "{:?}{end}", Escaped(&self.bytes))
    }
}

impl fmt::Debug for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
