//! What can go wrong, with what the machine without I/O can't know

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use ftp_proto::fields::FileHash;
use ftp_proto::{ConnectionError, DataFailure, NameError, Reply};
use ftp_tls::{ConfigError, TlsError};

use crate::address::AddressError;
use crate::crowd::is_full;
use crate::failure::Described;
use crate::local::FileError;
use crate::proxy::ProxyError;

/// Why an operation failed
///
/// What the server said, or the protocol forbids, is in [`Self::Ftp`]; the rest is what the machine
/// without I/O can't know. [`Self::is_fatal`] tells whether the session lives on,
/// [`Self::is_transient`] whether trying again makes sense.
///
/// `Display` says what failed; why it failed is the [`source`](std::error::Error::source).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[doc(alias = "all_errors")]
pub enum Error {
    /// The server could not be reached
    #[error("could not connect to {target}")]
    Connect {
        /// Host and port; the address that failed first, if the session knows no name
        target: String,
        /// What the system said
        #[source]
        error: io::Error,
    },
    /// What was given as the server's address is none
    #[error("invalid address")]
    InvalidAddress(#[source] AddressError),
    /// An option that makes no sense
    #[error("the option {option} {problem}")]
    InvalidOption {
        /// Which
        option: &'static str,
        /// What is wrong with it
        problem: &'static str,
    },
    /// The server could not be reached through the proxy, or not be asked to be
    #[error(transparent)]
    Proxy(ProxyError),
    /// The control connection broke, or ended without TLS's close_notify, as most servers end it
    #[error("{}", describe_control(.0))]
    Io(#[source] io::Error),
    /// TLS failed on the control connection, or could not be begun
    #[error(transparent)]
    Tls(TlsError),
    /// TLS is wanted and its configuration is not usable
    #[error("TLS configuration is not usable")]
    TlsConfig(#[source] ConfigError),
    /// The data connection failed, and the server's reply, if there was one, does not say why; or its
    /// certificate was refused here, whatever the server then said
    ///
    /// Of several attempts to open it, with the server's other command for passive mode, this is the first.
    /// An attempt that took longer than [`Config::data_connect_timeout`](ftp_proto::Config::data_connect_timeout)
    /// has an error of the kind [`TimedOut`](io::ErrorKind::TimedOut).
    #[error("{}", describe(*.failure, *.address, .reply.as_ref(), .error))]
    Data {
        /// When it failed
        failure: DataFailure,
        /// Where it was to lead, or in active mode where this side listened; `None` if it had been open, or
        /// was to be made through a proxy or tunnel
        address: Option<SocketAddr>,
        /// What the server said of it or of the next attempt, if that was a refusal
        reply: Option<Reply>,
        /// What the system or TLS said; for the latter see [`Error::tls`]
        #[source]
        error: io::Error,
    },
    /// The caller's own file, reader or writer failed; the transfer was aborted
    ///
    /// Of a file that was opened here, the cause names the path.
    #[error("local file, reader or writer failed")]
    Local(#[source] io::Error),
    /// The call took longer than its deadline permits
    ///
    /// A transfer was aborted; what became of another request is not known. The session goes on, unless
    /// the call was to begin it.
    #[error("the call took longer than {limit:?}")]
    Deadline {
        /// How long a call may take
        limit: Duration,
    },
    /// The session was cancelled by this side, such as from another thread
    ///
    /// What became of the request is not known: the server may have done it. The session is over.
    #[error("the session was cancelled")]
    Cancelled,
    /// A listing is longer than what is held in memory at once
    #[error("listing of more than {limit} bytes")]
    ListingTooLong {
        /// Bytes that may be held
        limit: usize,
    },
    /// The local and the remote file are not the same, or not of one origin
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// A line of text is longer than what is taken for one
    #[error("line of more than {limit} bytes")]
    LineTooLong {
        /// Bytes that a line may have
        limit: usize,
    },
    /// A directory is needed, and there is a file, or a link that is not followed
    #[error("not a directory: {}", .path.escape_ascii())]
    NotADirectory {
        /// Where
        path: Vec<u8>,
    },
    /// A name in a listing that leads out of its directory, or can't be sent: it is left alone
    #[error("name in a listing that leads elsewhere: {}", .name.escape_ascii())]
    UnsafeName {
        /// The name as the server writes it
        name: Vec<u8>,
    },
    /// No command is known to have set a file's time
    #[error("the time of the file could not be set{}", Because(.reply.as_ref()))]
    TimeNotSet {
        /// What the server said last; `None`: it knows none of the commands, as was learned before
        reply: Option<Reply>,
    },
    /// Of a tree that was to be removed, something is left
    #[error("{0}")]
    NotRemoved(Box<Removal>),
    /// What the server said, or what the protocol forbids
    #[error(transparent)]
    Ftp(#[from] ftp_proto::Error),
}

/// What was removed of a tree, and what was not
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Removal {
    /// Files, links and the like that were deleted
    pub files: u64,
    /// Directories that were removed
    pub directories: u64,
    /// What could not be removed, without the directories that it is in; the first thousand
    pub left: Vec<Left>,
    /// How many there are
    pub left_count: u64,
    /// Lines of listings that nobody understood: perhaps files that are left
    pub unknown_lines: u64,
}

impl Removal {
    /// How many of those that are left are held
    pub(crate) const MOST: usize = 1000;

    fn again(&self) -> Self {
        let left = |left: &Left| Left { path: left.path.clone(), error: left.error.again() };
        Self { left: self.left.iter().map(left).collect(), ..*self }
    }
}

impl fmt::Display for Removal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { files, directories, left_count, .. } = self;
        write!(f, "{files} files and {directories} directories removed, {left_count} left")?;
        match self.left.first() {
            Some(Left { path, error }) => write!(f, "; {}: {error}", path.escape_ascii()),
            None => Ok(()),
        }
    }
}

/// Something that could not be removed
#[derive(Debug)]
#[non_exhaustive]
pub struct Left {
    /// Its path; of something with a name that leads elsewhere, the directory that it is in
    pub path: Vec<u8>,
    /// Why
    pub error: Error,
}

/// The server's words, if there are any
struct Because<'a>(Option<&'a Reply>);

impl fmt::Display for Because<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |reply| write!(f, ": {reply}"))
    }
}

impl Error {
    /// The server's reply behind the error, if it was one
    #[must_use]
    pub fn reply(&self) -> Option<&Reply> {
        match self {
            Self::Ftp(error) => error.reply(),
            Self::Data { reply, .. } | Self::TimeNotSet { reply } => reply.as_ref(),
            _ => None,
        }
    }

    /// What TLS has to say, if it failed on either connection
    #[must_use]
    pub fn tls(&self) -> Option<&TlsError> {
        match self {
            Self::Tls(error) => Some(error),
            Self::Io(error) | Self::Data { error, .. } => TlsError::in_io(error),
            _ => None,
        }
    }

    /// What a proxy has to say, if a connection could not be made through it
    #[must_use]
    pub fn proxy(&self) -> Option<&ProxyError> {
        match self {
            Self::Proxy(error) => Some(error),
            Self::Data { error, .. } => ProxyError::in_io(error),
            _ => None,
        }
    }

    /// Whether the same may succeed later, on this session or a new one
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
            | Self::Cancelled
            | Self::Mismatch(_)
            | Self::NotADirectory { .. }
            | Self::UnsafeName { .. }
            | Self::TimeNotSet { .. }
            | Self::NotRemoved(_)
            | Self::LineTooLong { .. }
            | Self::ListingTooLong { .. } => false,
        }
    }

    /// Whether the server says that the file or directory does not exist
    ///
    /// What to do with which error: [`ftp_proto::Error`](ftp_proto::Error#when-to-retry-what).
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Ftp(error) if error.is_missing())
    }

    /// Whether the server wants other credentials, or an account
    #[must_use]
    pub fn is_auth(&self) -> bool {
        matches!(self, Self::Ftp(error) if error.is_auth())
    }

    /// The reply with which the server has turned a session away because there are too many, if that is the error
    ///
    /// A [`Budget`](crate::Budget) wants to know, see [`Budget::refused`](crate::Budget::refused).
    #[must_use]
    pub fn turned_away(&self) -> Option<&Reply> {
        let Self::Ftp(error) = self else { return None };
        let reply = error.reply()?;
        let closed = match error.connection_error() {
            Some(ConnectionError::Refused(reply)) => reply.code().get() == 421,
            _ => false,
        };
        (closed || is_full(reply)).then_some(reply)
    }

    /// Whether a deadline passed, be it this crate's, the protocol's or the system's
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

    /// Whether it was this side that cancelled the session
    #[must_use]
    pub const fn is_cancelled(&self) -> bool {
        matches!(self, Self::Cancelled)
    }

    /// Whether the session is over
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        match self {
            Self::Connect { .. }
            | Self::InvalidAddress(_)
            | Self::InvalidOption { .. }
            | Self::Proxy(_)
            | Self::Io(_)
            | Self::Cancelled => true,
            // Noticed before anything was sent.
            Self::Tls(TlsError::InvalidServerName(_)) => false,
            Self::Tls(_) => true,
            Self::Ftp(error) => error.is_fatal(),
            Self::TlsConfig(_)
            | Self::Data { .. }
            | Self::Local(_)
            | Self::Deadline { .. }
            | Self::Mismatch(_)
            | Self::NotADirectory { .. }
            | Self::UnsafeName { .. }
            | Self::TimeNotSet { .. }
            | Self::NotRemoved(_)
            | Self::LineTooLong { .. }
            | Self::ListingTooLong { .. } => false,
        }
    }

    /// The `Error` inside an [`io::Error`], as transfers that are read or written as streams return it
    #[must_use]
    pub fn in_io(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }

    /// What broke the control connection
    pub(crate) fn control(error: &io::Error) -> Self {
        match TlsError::in_io(error) {
            // An end as without TLS: there are no data that could be cut short.
            Some(TlsError::Truncated) | None => Self::Io(again(error)),
            Some(error) => Self::Tls(error.clone()),
        }
    }

    /// The same error once more, for those who ask twice
    ///
    /// [`io::Error`]s can't be cloned: of one that the system has not made, its text is kept.
    #[must_use]
    pub fn again(&self) -> Self {
        match self {
            Self::Connect { target, error } => {
                Self::Connect { target: target.clone(), error: again(error) }
            }
            Self::InvalidAddress(error) => Self::InvalidAddress(error.clone()),
            Self::InvalidOption { option, problem } => Self::InvalidOption { option, problem },
            Self::Proxy(error) => Self::Proxy(error.clone()),
            Self::Io(error) => Self::Io(again(error)),
            Self::Tls(error) => Self::Tls(error.clone()),
            Self::TlsConfig(error) => Self::Local(io::Error::other(error.to_string())),
            Self::Data { failure, address, reply, error } => Self::Data {
                failure: *failure,
                address: *address,
                reply: reply.clone(),
                error: again(error),
            },
            Self::Local(error) => Self::Local(again(error)),
            Self::Mismatch(mismatch) => Self::Mismatch(mismatch.clone()),
            Self::NotADirectory { path } => Self::NotADirectory { path: path.clone() },
            Self::UnsafeName { name } => Self::UnsafeName { name: name.clone() },
            Self::TimeNotSet { reply } => Self::TimeNotSet { reply: reply.clone() },
            Self::NotRemoved(removal) => Self::NotRemoved(Box::new(removal.again())),
            Self::Deadline { limit } => Self::Deadline { limit: *limit },
            Self::Cancelled => Self::Cancelled,
            Self::LineTooLong { limit } => Self::LineTooLong { limit: *limit },
            Self::ListingTooLong { limit } => Self::ListingTooLong { limit: *limit },
            Self::Ftp(error) => Self::Ftp(error.clone()),
        }
    }
}

/// In what a local and a remote file differ
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Mismatch {
    /// In size: the copy can't be completed, or is not complete
    #[error("local and remote file differ: {local} bytes here, {remote} bytes on the server")]
    Size {
        /// Bytes of the local file
        local: u64,
        /// Bytes of the server's file
        remote: u64,
    },
    /// In the bytes before the break: another file, an offset that the server ignored, or a damaged
    /// tail; shorten or remove the copy
    #[error("local and remote file differ: bytes {from} to {to} are not the same on both sides")]
    Content {
        /// First byte that was compared
        from: u64,
        /// The first byte after the last one that was compared
        to: u64,
    },
    /// In content, at the same size
    #[error(
        "local and remote file differ: {} is {local} here, {remote} on the server", .local.algorithm
    )]
    Hash {
        /// Of the local file
        local: FileHash,
        /// Of the server's
        remote: FileHash,
    },
}

fn describe<'a>(
    failure: DataFailure,
    address: Option<SocketAddr>,
    reply: Option<&'a Reply>,
    error: &'a io::Error,
) -> impl fmt::Display + 'a {
    Described { failure, address, reply, error }
}

/// In the words that the same has in clear text
fn describe_control(error: &io::Error) -> &'static str {
    match TlsError::in_io(error) {
        Some(TlsError::Truncated) => "server closed the control connection",
        _ => "control connection broke",
    }
}

/// [`io::Error`] can't be cloned
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

impl From<TlsError> for Error {
    fn from(error: TlsError) -> Self {
        Self::Tls(error)
    }
}

impl From<AddressError> for Error {
    fn from(error: AddressError) -> Self {
        Self::InvalidAddress(error)
    }
}

impl From<ProxyError> for Error {
    fn from(error: ProxyError) -> Self {
        Self::Proxy(error)
    }
}

impl From<ConfigError> for Error {
    fn from(error: ConfigError) -> Self {
        Self::TlsConfig(error)
    }
}

impl From<NameError> for Error {
    fn from(error: NameError) -> Self {
        Self::Local(error.into())
    }
}

/// An `Error` that travelled in an [`io::Error`] comes out again, any other is [`Error::Local`]
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
            Error::NotRemoved(_) => io::ErrorKind::Other,
            Error::InvalidAddress(_) | Error::InvalidOption { .. } | Error::TlsConfig(_) => {
                io::ErrorKind::InvalidInput
            }
            Error::Ftp(error) => Self::from(error.clone()).kind(),
        };
        // `read_to_end` and friends would try again for ever.
        let kind = match kind {
            io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock => io::ErrorKind::Other,
            kind => kind,
        };
        Self::new(kind, error)
    }
}
