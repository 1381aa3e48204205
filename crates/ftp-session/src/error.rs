//! The errors of a session, including those that the machine without I/O can't know

use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use ftp_proto::{ConnectionError, DataFailure, NameError, Reply};
use ftp_tls::{ConfigError, TlsError};

use crate::address::AddressError;
use crate::failure::Described;
use crate::local::FileError;
use crate::proxy::ProxyError;
use crate::session_limit::is_full;

mod mismatch;
mod removal;

pub use mismatch::Mismatch;
pub use removal::{Leftover, Removal};

/// Why an operation failed
///
/// [`Self::Ftp`] contains replies of the server and violations of the protocol; the other variants are errors that the
/// machine without I/O can't know. [`Self::is_fatal`] says whether the session is over, and [`Self::is_transient`]
/// whether trying again makes sense.
///
/// `Display` says what failed; the [`source`](std::error::Error::source) says why. [`Error::Local`] says both, and has no
/// source.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[doc(alias = "all_errors")]
pub enum Error {
    /// The server could not be reached
    #[error("could not connect to {target}")]
    Connect {
        /// Host and port; if the session knows no name, the address that failed first
        target: String,
        /// The system's error
        #[source]
        error: io::Error,
    },
    /// The server's address is invalid
    #[error("invalid address")]
    InvalidAddress(#[from] AddressError),
    /// An option has an invalid value
    #[error("the option {option} {problem}")]
    InvalidOption {
        /// The name of the option
        option: &'static str,
        /// What is wrong with it
        problem: &'static str,
    },
    /// The server could not be reached through the proxy, or the proxy could not be asked
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// The control connection broke or, under TLS, ended without close_notify, which most servers omit
    #[error("{}", describe_control(.0))]
    Io(#[source] io::Error),
    /// TLS failed on the control connection, or could not be started
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// TLS is required and its configuration is not usable
    #[error("TLS configuration is not usable")]
    TlsConfig(#[from] ConfigError),
    /// The data connection failed, and the server's reply, if there was one, does not say why; or the client refused
    /// its certificate, and the server's reply is not the reason
    ///
    /// If it was attempted twice, with the server's other command for passive mode, this is the error of the first
    /// attempt. An attempt that took longer than
    /// [`Config::data_connect_timeout`](ftp_proto::Config::data_connect_timeout) has an error of the kind
    /// [`TimedOut`](io::ErrorKind::TimedOut).
    #[error("{}", Described(*.failure, *.address, .reply.as_ref(), .error))]
    Data {
        /// The stage at which it failed
        failure: DataFailure,
        /// Where it was to connect to, or in active mode where this side listened; `None` if it had been open, or was
        /// to be made through a proxy or tunnel
        address: Option<SocketAddr>,
        /// The server's reply to it or to the next attempt, if that was a refusal
        reply: Option<Reply>,
        /// The error of the system or of TLS; for the latter see [`Error::tls`]
        #[source]
        error: io::Error,
    },
    /// The caller's own file, reader or writer failed; the transfer was aborted
    ///
    /// If this library opened the file, the text names its path.
    #[error("a local file, reader or writer failed: {}", with_causes(.0))]
    Local(io::Error),
    /// The call makes no sense with these arguments, so nothing was sent
    #[error("{problem}")]
    InvalidRequest {
        /// What is wrong, and what to do instead
        problem: &'static str,
    },
    /// The call took longer than its deadline permits
    ///
    /// A transfer was aborted; the outcome of any other request is unknown. The session goes on, unless the call was
    /// meant to open it.
    #[error("the call took longer than {limit:?}")]
    Deadline {
        /// The limit
        limit: Duration,
    },
    /// This side cancelled the session, for example from another thread
    ///
    /// The outcome of the request is unknown: the server may have carried it out. The session is over.
    #[error("the session was cancelled")]
    Cancelled,
    /// A listing is longer than may be held in memory at once
    #[error("the listing is longer than the limit of {limit} bytes")]
    ListingTooLong {
        /// The limit in bytes
        limit: usize,
    },
    /// The local and the remote file are not the same, or can't be the same file
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// A line of text is longer than the limit
    #[error("a line is longer than the limit of {limit} bytes")]
    LineTooLong {
        /// The limit in bytes
        limit: usize,
    },
    /// A directory is required, but the path is a file, or a link that is not followed
    #[error("not a directory: {}", .path.escape_ascii())]
    NotADirectory {
        /// The path
        path: Vec<u8>,
    },
    /// It is not known whether a path is a directory or a link to one, so nothing in it was removed
    ///
    /// The listing of its parent does not show it as a directory, and PWD does not prove that it is one. If it is a
    /// link, delete it like a file. If it is a directory, empty it first, then remove it with RMD.
    #[error(
        "may be a link to a directory, so nothing in it was removed: {}{}; delete a link like a file",
        .path.escape_ascii(), at(.working_directory.as_deref())
    )]
    MayBeLink {
        /// The path
        path: Vec<u8>,
        /// PWD's reply in it; `None` if the server did not enter it, or PWD was refused
        working_directory: Option<Vec<u8>>,
    },
    /// A name in a listing leads out of its directory, or can't be sent: it is left alone
    #[error("a name in the listing leads out of its directory: {}", .name.escape_ascii())]
    UnsafeName {
        /// The name as the server writes it
        name: Vec<u8>,
    },
    /// No command is known to have set a file's time
    #[error("the time of the file could not be set{}", because(.reply.as_ref()))]
    TimeNotSet {
        /// The server's last reply; `None` if it was known already that the server supports none of the commands
        reply: Option<Reply>,
    },
    /// Something is left of a tree that should have been removed
    #[error("{0}")]
    NotRemoved(Box<Removal>),
    /// A reply of the server, or a violation of the protocol
    #[error(transparent)]
    Ftp(#[from] ftp_proto::Error),
}

/// The server's reply after a colon, if there is one
fn because(reply: Option<&Reply>) -> String {
    reply.map_or_else(String::new, |reply| format!(": {reply}"))
}

/// The path that the server reports for a directory, if it reports one
fn at(working_directory: Option<&[u8]>) -> String {
    working_directory.map_or_else(String::new, |path| format!(" (PWD: {})", path.escape_ascii()))
}

impl Error {
    /// The server's reply that caused the error, if one did
    #[must_use]
    pub fn reply(&self) -> Option<&Reply> {
        match self {
            Self::Ftp(error) => error.reply(),
            Self::Data { reply, .. } | Self::TimeNotSet { reply } => reply.as_ref(),
            _ => None,
        }
    }

    /// The TLS error, if TLS failed on either connection
    #[must_use]
    pub fn tls(&self) -> Option<&TlsError> {
        match self {
            Self::Tls(error) => Some(error),
            Self::Io(error) | Self::Data { error, .. } => TlsError::in_io(error),
            _ => None,
        }
    }

    /// The proxy's error, if a connection could not be made through it
    #[must_use]
    pub fn proxy(&self) -> Option<&ProxyError> {
        match self {
            Self::Proxy(error) => Some(error),
            Self::Data { error, .. } => ProxyError::in_io(error),
            _ => None,
        }
    }

    /// Whether the same request may succeed later, on this session or a new one
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::Io(_) | Self::Deadline { .. } => true,
            Self::Proxy(error) => error.problem().is_transient(),
            Self::Data { .. } => {
                self.tls().is_none()
                    && self.proxy().is_none_or(|error| error.problem().is_transient())
            }
            Self::Ftp(error) => error.is_transient(),
            Self::InvalidAddress(_)
            | Self::InvalidOption { .. }
            | Self::Tls(_)
            | Self::TlsConfig(_)
            | Self::Local(_)
            | Self::InvalidRequest { .. }
            | Self::Cancelled
            | Self::Mismatch(_)
            | Self::NotADirectory { .. }
            | Self::MayBeLink { .. }
            | Self::UnsafeName { .. }
            | Self::TimeNotSet { .. }
            | Self::NotRemoved(_)
            | Self::LineTooLong { .. }
            | Self::ListingTooLong { .. } => false,
        }
    }

    /// Whether the server says that the file or directory does not exist
    ///
    /// For what to do with which error, see [`ftp_proto::Error`](ftp_proto::Error#when-to-retry-what).
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Ftp(error) if error.is_missing())
    }

    /// Whether the path is not a directory, or the server refuses a request with these words: Unix gives this reason for
    /// RMD of a link, even if it leads to a directory
    #[must_use]
    pub fn is_no_directory(&self) -> bool {
        const WORDS: &[u8] = b"not a directory";
        let says_so = |reply: &Reply| {
            reply.text().windows(WORDS.len()).any(|words| words.eq_ignore_ascii_case(WORDS))
        };
        matches!(self, Self::NotADirectory { .. }) || self.reply().is_some_and(says_so)
    }

    /// Whether the server or a proxy requires other credentials, or an account
    #[must_use]
    pub fn is_auth(&self) -> bool {
        match self {
            Self::Ftp(error) => error.is_auth(),
            Self::Proxy(error) => error.problem().is_about_login(),
            _ => false,
        }
    }

    /// The reply with which the server refused a session because there are too many, if that is the error
    ///
    /// Report it to a [`Budget`](crate::Budget) with [`Budget::refused`](crate::Budget::refused).
    #[must_use]
    pub fn too_many_sessions(&self) -> Option<&Reply> {
        let Self::Ftp(error) = self else { return None };
        let reply = error.reply()?;
        let closed = match error.connection_error() {
            Some(ConnectionError::Refused(reply)) => reply.code().get() == 421,
            _ => false,
        };
        (closed || is_full(reply)).then_some(reply)
    }

    /// Whether a deadline passed, whether this crate's, the protocol's or the system's
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        match self {
            Self::Deadline { .. } => true,
            Self::Connect { error, .. } | Self::Io(error) | Self::Data { error, .. } => {
                error.kind() == io::ErrorKind::TimedOut
            }
            Self::Proxy(error) => error.problem().kind() == io::ErrorKind::TimedOut,
            Self::Ftp(error) => error.is_timeout(),
            _ => false,
        }
    }

    /// Whether this side cancelled the session
    #[must_use]
    pub const fn is_cancelled(&self) -> bool {
        matches!(self, Self::Cancelled)
    }

    /// Whether the session is over
    ///
    /// A call that opens a session, such as `Client::connect`, leaves none if it fails, whatever this returns.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        match self {
            Self::Connect { .. }
            | Self::InvalidAddress(_)
            | Self::InvalidOption { .. }
            | Self::Proxy(_)
            | Self::Io(_)
            | Self::Cancelled => true,
            // This is found before anything is sent.
            Self::Tls(TlsError::InvalidServerName(_)) => false,
            Self::Tls(_) => true,
            Self::Ftp(error) => error.is_fatal(),
            Self::TlsConfig(_)
            | Self::Data { .. }
            | Self::Local(_)
            | Self::InvalidRequest { .. }
            | Self::Deadline { .. }
            | Self::Mismatch(_)
            | Self::NotADirectory { .. }
            | Self::MayBeLink { .. }
            | Self::UnsafeName { .. }
            | Self::TimeNotSet { .. }
            | Self::NotRemoved(_)
            | Self::LineTooLong { .. }
            | Self::ListingTooLong { .. } => false,
        }
    }

    /// Returns the `Error` inside an [`io::Error`], as transfers that are read or written as streams return it
    #[must_use]
    pub fn in_io(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }

    /// The error for a broken control connection
    pub(crate) fn control(error: io::Error) -> Self {
        match TlsError::in_io(&error) {
            // The same as an end without TLS: there is no data that could be cut short.
            Some(TlsError::Truncated) | None => Self::Io(error),
            Some(error) => Self::Tls(error.clone()),
        }
    }

    /// Returns the same error again
    ///
    /// [`io::Error`]s can't be cloned: for one that does not come from the system, only its kind and text are kept.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        match self {
            Self::Connect { target, error } => {
                Self::Connect { target: target.clone(), error: again(error) }
            }
            Self::InvalidAddress(error) => Self::InvalidAddress(error.clone()),
            Self::InvalidOption { option, problem } => Self::InvalidOption { option, problem },
            Self::Proxy(error) => Self::Proxy(error.clone()),
            Self::Io(error) => Self::Io(again(error)),
            Self::Tls(error) => Self::Tls(error.clone()),
            Self::TlsConfig(error) => Self::TlsConfig(error.clone()),
            Self::Data { failure, address, reply, error } => Self::Data {
                failure: *failure,
                address: *address,
                reply: reply.clone(),
                error: again(error),
            },
            Self::Local(error) => Self::Local(again(error)),
            Self::InvalidRequest { problem } => Self::InvalidRequest { problem },
            Self::Mismatch(mismatch) => Self::Mismatch(mismatch.clone()),
            Self::NotADirectory { path } => Self::NotADirectory { path: path.clone() },
            Self::MayBeLink { path, working_directory } => {
                Self::MayBeLink { path: path.clone(), working_directory: working_directory.clone() }
            }
            Self::UnsafeName { name } => Self::UnsafeName { name: name.clone() },
            Self::TimeNotSet { reply } => Self::TimeNotSet { reply: reply.clone() },
            Self::NotRemoved(removal) => Self::NotRemoved(Box::new(removal.duplicate())),
            Self::Deadline { limit } => Self::Deadline { limit: *limit },
            Self::Cancelled => Self::Cancelled,
            Self::LineTooLong { limit } => Self::LineTooLong { limit: *limit },
            Self::ListingTooLong { limit } => Self::ListingTooLong { limit: *limit },
            Self::Ftp(error) => Self::Ftp(error.clone()),
        }
    }
}

/// Uses the words of the same error in clear text
fn describe_control(error: &io::Error) -> &'static str {
    match TlsError::in_io(error) {
        Some(TlsError::Truncated) => "the server closed the control connection",
        _ => "the control connection broke",
    }
}

/// Returns the text of an error with those of its causes
fn with_causes(error: &io::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}

/// Returns the same error again, because [`io::Error`] can't be cloned
pub(crate) fn again(error: &io::Error) -> io::Error {
    if let Some(tls) = TlsError::in_io(error) {
        return io::Error::new(error.kind(), tls.clone());
    }
    if let Some(file) = FileError::in_io(error) {
        return file.again(again);
    }
    if let Some(proxy) = ProxyError::in_io(error) {
        return io::Error::new(error.kind(), proxy.clone());
    }
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}

impl From<ConnectionError> for Error {
    fn from(error: ConnectionError) -> Self {
        Self::Ftp(error.into())
    }
}

impl From<NameError> for Error {
    fn from(error: NameError) -> Self {
        Self::Local(error.into())
    }
}

/// Returns the `Error` inside an [`io::Error`]; any other error becomes [`Error::Local`]
impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match error.downcast() {
            Ok(error) => error,
            Err(error) => Self::Local(error),
        }
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::Connect { error, .. }
            | Error::Io(error)
            | Error::Data { error, .. }
            | Error::Local(error) => error.kind(),
            Error::Proxy(error) => error.problem().kind(),
            Error::Deadline { .. } => io::ErrorKind::TimedOut,
            Error::Cancelled => io::ErrorKind::ConnectionAborted,
            Error::Tls(_)
            | Error::Mismatch(_)
            | Error::LineTooLong { .. }
            | Error::UnsafeName { .. }
            | Error::ListingTooLong { .. } => io::ErrorKind::InvalidData,
            Error::NotADirectory { .. } => io::ErrorKind::NotADirectory,
            Error::TimeNotSet { .. } => io::ErrorKind::Unsupported,
            Error::MayBeLink { .. } | Error::NotRemoved(_) => io::ErrorKind::Other,
            Error::InvalidAddress(_)
            | Error::InvalidOption { .. }
            | Error::InvalidRequest { .. }
            | Error::TlsConfig(_) => io::ErrorKind::InvalidInput,
            Error::Ftp(error) => Self::from(error.clone()).kind(),
        };
        // With these kinds, `read_to_end` and similar functions would retry for ever.
        let kind = match kind {
            io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock => io::ErrorKind::Other,
            kind => kind,
        };
        Self::new(kind, error)
    }
}
