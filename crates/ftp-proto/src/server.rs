//! What is known of a server from the name in its greeting

use alloc::vec::Vec;

use crate::control::features::Features;
use crate::control::reply::Reply;
use crate::control::telnet::{may_be_escaped, unescape};

/// A server whose treatment of EPSV or ABOR during a transfer has been tried out
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    #[default]
    Other,
    /// vsftpd reads no command before it has answered the last one, in clear text and under TLS
    Vsftpd,
    /// ProFTPD does so while it sends in clear text, but refuses EPSV during an upload or under TLS
    Proftpd,
    /// pyftpdlib may keep a transfer that was aborted before it accepted the data connection
    Pyftpdlib,
}

impl Kind {
    /// Recognizes a server by its greeting
    pub(crate) fn of(greeting: &Reply) -> Self {
        let text = greeting.wire_text().to_ascii_lowercase();
        let names = |name: &[u8]| memchr::memmem::find(&text, name).is_some();
        if names(b"(vsftpd 3.") {
            Self::Vsftpd
        } else if names(b"proftpd") {
            Self::Proftpd
        } else if names(b"pyftpdlib") {
            Self::Pyftpdlib
        } else {
            Self::Other
        }
    }

    /// Whether the answer to FEAT, if there was one, may be this server's
    ///
    /// A greeting is what an administrator has written. vsftpd has no MLST, which ProFTPD has had since 2011.
    pub(crate) fn is_likely(self, features: Option<&Features>) -> bool {
        features.is_none_or(|features| match self {
            Self::Vsftpd => features.has("EPSV") && !features.has("MLST"),
            Self::Proftpd | Self::Pyftpdlib => features.has("EPSV") && features.has("MLST"),
            Self::Other => false,
        })
    }
}

/// How a server treats the byte 0xFF in names, where it is Telnet's IAC
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Iac {
    #[default]
    Unknown,
    /// vsftpd takes arguments as they are, and doubles the byte in replies
    Vsftpd,
    /// ProFTPD wants it doubled in arguments, and does not double it in replies
    Proftpd,
    /// Pure-FTPd doubles it nowhere
    PureFtpd,
}

impl Iac {
    /// Recognizes a server by its greeting
    pub(crate) fn of_greeting(greeting: &Reply) -> Self {
        let text = greeting.wire_text().to_ascii_lowercase();
        let names = |name: &[u8]| memchr::memmem::find(&text, name).is_some();
        if names(b"vsftpd") {
            Self::Vsftpd
        } else if names(b"pure-ftpd") {
            Self::PureFtpd
        } else if names(b"proftpd") {
            Self::Proftpd
        } else {
            Self::Unknown
        }
    }

    /// Recognizes a server by its answer to USER: its greeting may be the administrator's, but these words are in its
    /// code
    pub(crate) fn of_prompt(prompt: &Reply) -> Self {
        let text = prompt.text();
        if text == b"Please specify the password." {
            Self::Vsftpd
        } else if text.starts_with(b"User ") && text.ends_with(b" OK. Password required") {
            Self::PureFtpd
        } else {
            Self::Unknown
        }
    }

    /// Whether the byte is sent as it is in arguments
    pub(crate) const fn is_sent_single(self) -> bool {
        matches!(self, Self::Vsftpd | Self::PureFtpd)
    }

    /// Returns the name that a server's reply means by these bytes
    ///
    /// An unknown server is taken to double the byte, as RFC 959 section 2.3 requires, if it seems to.
    pub(crate) fn name(self, sent: Vec<u8>) -> Vec<u8> {
        match self {
            Self::Unknown | Self::Vsftpd if may_be_escaped(&sent) => unescape(&sent),
            _ => sent,
        }
    }
}
