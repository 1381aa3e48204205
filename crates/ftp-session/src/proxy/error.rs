//! Errors of proxies

use std::fmt;
use std::io;

/// A connection could not be made through a proxy
///
/// `Display` names the proxy and the server that it should have connected to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyError {
    pub(super) proxy: String,
    pub(super) target: String,
    pub(super) problem: ProxyProblem,
}

/// What is wrong with a proxy, with the request to it, or with its answer
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyProblem {
    /// The proxy itself could not be reached
    #[error("{text}")]
    Unreachable {
        /// Kind of the system's error
        kind: io::ErrorKind,
        /// The system's error text
        text: String,
    },
    /// The connection to the proxy broke before the proxy answered
    #[error("the connection broke before the proxy answered: {text}")]
    Broken {
        /// Kind of the system's error
        kind: io::ErrorKind,
        /// The system's error text
        text: String,
    },
    /// The proxy closed the connection before it answered
    #[error("it closed the connection before it answered")]
    Closed,
    /// The proxy did not answer in time
    #[error("it did not answer in time")]
    TimedOut,
    /// The answer is not in the protocol of this kind of proxy
    #[error("{0}")]
    Malformed(&'static str),
    /// The proxy requires a login, and none was given, or not one of the kind that it requires
    #[error("it requires a login")]
    LoginRequired,
    /// The proxy refuses the user or the password
    #[error("it refused the user name or password")]
    LoginRefused,
    /// SOCKS5: the proxy refuses to connect, or fails to (RFC 1928 section 6)
    #[error("{text} (SOCKS5 reply {0})", text = socks_reply(*.0))]
    Socks(u8),
    /// HTTP: the proxy refuses to connect, or fails to
    #[error("HTTP status {status}{}{reason}", if .reason.is_empty() { "" } else { " " })]
    Http {
        /// The status code, 101 or 300 to 999
        status: u16,
        /// The text of the status, with the login masked, made printable and at most 200 characters long
        reason: String,
    },
    /// The server's name can't be sent to this kind of proxy, or is missing ([`Options::host`](crate::Options::host))
    #[error(
        "the host name must have 1 to 255 printable ASCII characters, none of which has a meaning in URLs"
    )]
    InvalidHost,
    /// The user or password can't be sent to this kind of proxy, see [`Proxy`](super::Proxy)
    #[error("{0}")]
    InvalidLogin(&'static str),
    /// A proxy that speaks FTP has no handshake for single connections
    #[error("it is an FTP proxy, which carries no other connections")]
    NoTunnel,
    /// Active mode is not possible through a proxy
    #[error("active mode is not possible through a proxy")]
    ActiveMode,
    /// TLS would end at the proxy
    #[error("TLS would end at the FTP proxy: use TlsPolicy::Plaintext, or a SOCKS5 or HTTP proxy")]
    Tls,
}

/// The reply codes of RFC 1928 section 6
const fn socks_reply(reply: u8) -> &'static str {
    match reply {
        1 => "general failure",
        2 => "not allowed by its rules",
        3 => "network unreachable",
        4 => "host unreachable, or its name is not known",
        5 => "connection refused",
        6 => "time to live expired",
        7 => "command not supported",
        8 => "type of address not supported",
        _ => "unknown failure",
    }
}

impl ProxyProblem {
    pub(super) fn unreachable(error: &io::Error) -> Self {
        Self::Unreachable { kind: error.kind(), text: error.to_string() }
    }

    pub(super) fn broken(error: &io::Error) -> Self {
        Self::Broken { kind: error.kind(), text: error.to_string() }
    }

    /// Whether the proxy requires other credentials
    pub(crate) const fn is_about_login(&self) -> bool {
        matches!(self, Self::LoginRequired | Self::LoginRefused)
    }

    /// The corresponding kind of I/O error
    #[must_use]
    pub const fn kind(&self) -> io::ErrorKind {
        use io::ErrorKind;
        match self {
            Self::Unreachable { kind, .. } | Self::Broken { kind, .. } => *kind,
            Self::Closed => ErrorKind::UnexpectedEof,
            Self::TimedOut => ErrorKind::TimedOut,
            Self::Malformed(_) => ErrorKind::InvalidData,
            Self::LoginRequired | Self::LoginRefused | Self::Socks(2) => {
                ErrorKind::PermissionDenied
            }
            Self::Socks(3) => ErrorKind::NetworkUnreachable,
            Self::Socks(4 | 6) => ErrorKind::HostUnreachable,
            Self::Socks(5) => ErrorKind::ConnectionRefused,
            Self::Socks(7 | 8) | Self::ActiveMode | Self::NoTunnel | Self::Tls => {
                ErrorKind::Unsupported
            }
            Self::Socks(_) | Self::Http { .. } => ErrorKind::Other,
            Self::InvalidHost | Self::InvalidLogin(_) => ErrorKind::InvalidInput,
        }
    }

    /// Whether the same request may succeed later
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Broken { .. } | Self::Closed | Self::TimedOut => true,
            Self::Socks(reply) => matches!(reply, 1 | 3..=6),
            Self::Http { status, .. } => matches!(status, 408 | 429 | 500 | 502..=504),
            Self::Malformed(_)
            | Self::LoginRequired
            | Self::LoginRefused
            | Self::InvalidHost
            | Self::InvalidLogin(_)
            | Self::ActiveMode
            | Self::NoTunnel
            | Self::Tls => false,
        }
    }
}

impl ProxyError {
    /// Host and port of the proxy
    #[must_use]
    pub fn proxy(&self) -> &str {
        &self.proxy
    }

    /// Host and port that the proxy was asked to connect to
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// What went wrong
    #[must_use]
    pub const fn problem(&self) -> &ProxyProblem {
        &self.problem
    }

    /// Returns the `ProxyError` inside an [`io::Error`], as in [`Error::Data`](crate::Error::Data)
    #[must_use]
    pub fn in_io(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use ProxyProblem::{
            ActiveMode, Http, InvalidHost, InvalidLogin, NoTunnel, Socks, Tls, Unreachable,
        };
        let Self { proxy, target, problem } = self;
        match problem {
            Unreachable { .. } => write!(f, "could not connect to the proxy {proxy}: {problem}"),
            Socks(_) | Http { .. } => {
                write!(f, "the proxy {proxy} refused to connect to {target}: {problem}")
            }
            InvalidHost | InvalidLogin(_) | ActiveMode | NoTunnel | Tls => {
                write!(f, "the proxy {proxy} can't be used for {target}: {problem}")
            }
            _ => write!(f, "the proxy {proxy} did not connect to {target}: {problem}"),
        }
    }
}

impl std::error::Error for ProxyError {}

impl From<ProxyError> for io::Error {
    fn from(error: ProxyError) -> Self {
        Self::new(error.problem.kind(), error)
    }
}
