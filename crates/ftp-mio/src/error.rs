//! What can go wrong, on which side of the machine

use std::fmt;
use std::io;
use std::net::SocketAddr;

use ftp_proto::{ConnectionError, DataFailure, Reply};
use ftp_tls::{ConfigError, TlsError};

use crate::failure::Described;

/// Why a request failed, or the session ended
///
/// What the server said, or the protocol forbids, is in [`Self::Ftp`]; the rest is what the machine
/// without I/O can't know. [`Self::is_fatal`] tells whether the session lives on,
/// [`Self::is_transient`] whether trying again makes sense.
///
/// `Display` says what failed; why it failed is the [`source`](std::error::Error::source).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server could not be reached
    #[error("could not connect to {address}")]
    Connect {
        /// Which of its addresses was tried last
        address: SocketAddr,
        /// What the system said
        #[source]
        error: io::Error,
    },
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
    /// An attempt that took longer than [`Config::data_connect_timeout`](crate::Config::data_connect_timeout)
    /// has an error of the kind [`TimedOut`](io::ErrorKind::TimedOut).
    #[error("{}", describe(*.failure, *.address, .reply.as_ref(), .error))]
    Data {
        /// When it failed
        failure: DataFailure,
        /// Where it was to lead, or in active mode where this side listened; `None` if it had been open
        address: Option<SocketAddr>,
        /// What the server said of it or of the next attempt, if that was a refusal
        reply: Option<Reply>,
        /// What the system or TLS said; for the latter see [`Error::tls`]
        #[source]
        error: io::Error,
    },
    /// What the server said, or what the protocol forbids
    #[error(transparent)]
    Ftp(#[from] ftp_proto::Error),
}

impl Error {
    /// The server's reply behind the error, if it was one
    #[must_use]
    pub fn reply(&self) -> Option<&Reply> {
        match self {
            Self::Ftp(error) => error.reply(),
            Self::Data { reply, .. } => reply.as_ref(),
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

    /// Whether the same may succeed later, on this session or a new one
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::Io(_) => true,
            Self::Data { .. } => self.tls().is_none(),
            Self::Ftp(error) => error.is_transient(),
            Self::Tls(_) | Self::TlsConfig(_) => false,
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

    /// Whether a deadline passed
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        match self {
            Self::Connect { error, .. } | Self::Io(error) | Self::Data { error, .. } => {
                error.kind() == io::ErrorKind::TimedOut
            }
            Self::Ftp(error) => error.is_timeout(),
            _ => false,
        }
    }

    /// Whether the session is over
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::Io(_) => true,
            // Noticed before anything was sent.
            Self::Tls(TlsError::InvalidServerName(_)) => false,
            Self::Tls(_) => true,
            Self::Ftp(error) => error.is_fatal(),
            Self::TlsConfig(_) | Self::Data { .. } => false,
        }
    }

    /// What broke the control connection
    pub(crate) fn control(error: &io::Error) -> Self {
        match TlsError::in_io(error) {
            // An end as without TLS: there are no data that could be cut short.
            Some(TlsError::Truncated) | None => Self::Io(again(error)),
            Some(error) => Self::Tls(error.clone()),
        }
    }
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

impl From<ConfigError> for Error {
    fn from(error: ConfigError) -> Self {
        Self::TlsConfig(error)
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::Connect { error, .. } | Error::Io(error) | Error::Data { error, .. } => {
                error.kind()
            }
            Error::Tls(_) => io::ErrorKind::InvalidData,
            Error::TlsConfig(_) => io::ErrorKind::InvalidInput,
            Error::Ftp(error) => Self::from(error.clone()).kind(),
        };
        Self::new(kind, error)
    }
}
