//! The errors of the pool

use std::time::Duration;

use ftp_proto::Reply;
use ftp_session::Error;

/// Why a [`Pool`](super::Pool) can't provide a session, or why an operation on one failed
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PoolError {
    /// A session could not be opened, or the operation failed
    #[error(transparent)]
    Session(#[from] Error),
    /// No session became free in time
    #[error("no session to the server became free within {limit:?}")]
    TimedOut {
        /// The limit
        limit: Duration,
        /// Why a session could not be opened: the server's refusal to this task, or otherwise the last failed attempt
        /// of any task, if none has succeeded since
        #[source]
        refusal: Option<Error>,
    },
    /// The maximum number of tasks is waiting already
    #[error("{limit} tasks are already waiting for a session to the server, which is the maximum")]
    Busy {
        /// The limit
        limit: usize,
    },
    /// The pool was closed
    #[error("the pool was closed")]
    Closed,
}

impl PoolError {
    /// The error of a session, if that is the cause
    #[must_use]
    pub const fn session(&self) -> Option<&Error> {
        match self {
            Self::Session(error) => Some(error),
            Self::TimedOut { refusal, .. } => refusal.as_ref(),
            Self::Busy { .. } | Self::Closed => None,
        }
    }

    /// The server's reply that caused the error, if one did
    #[must_use]
    pub fn reply(&self) -> Option<&Reply> {
        self.session().and_then(Error::reply)
    }

    /// Whether the same may succeed later
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Session(error) => error.is_transient(),
            Self::TimedOut { refusal, .. } => refusal.as_ref().is_none_or(Error::is_transient),
            Self::Busy { .. } => true,
            Self::Closed => false,
        }
    }

    /// Whether the server says that the file or directory does not exist
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.session().is_some_and(Error::is_missing)
    }

    /// Whether the server or a proxy requires other credentials, or an account
    #[must_use]
    pub fn is_auth(&self) -> bool {
        self.session().is_some_and(Error::is_auth)
    }

    /// Whether a deadline passed, that of the pool or of the session
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::TimedOut { .. }) || self.session().is_some_and(Error::is_timeout)
    }

    /// Whether this side cancelled the session
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.session().is_some_and(Error::is_cancelled)
    }

    /// Whether the session, or the pool itself, is over
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        match self {
            Self::Session(error) => error.is_fatal(),
            Self::TimedOut { .. } | Self::Busy { .. } => false,
            Self::Closed => true,
        }
    }
}
