//! What is known of a server from the name in its greeting

use crate::control::features::Features;
use crate::control::reply::Reply;

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

/// Whether the greeting is that of a server that does not handle Telnet's IAC in names
pub(crate) fn sends_iac_single(greeting: &Reply) -> bool {
    let text = greeting.wire_text().to_ascii_lowercase();
    [&b"vsftpd"[..], b"pure-ftpd"].iter().any(|name| memchr::memmem::find(&text, name).is_some())
}

/// Whether this answer to USER is that of such a server, whose greeting may be another one
pub(crate) fn asks_as_iac_single(prompt: &Reply) -> bool {
    let text = prompt.text();
    text == b"Please specify the password."
        || text.starts_with(b"User ") && text.ends_with(b" OK. Password required")
}
