//! Reports the pool's actions as `tracing` events with the target `ftp::pool`
//!
//! They contain the host, never the user or the password.

use std::fmt;

use ftp_session::SessionEnd;

use super::site::Site;

/// Why a session was closed, or is over
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CloseReason {
    /// Nobody has used it for too long
    Idle,
    Old,
    /// Its user has changed something that can't be reset
    Changed,
    /// It could not be prepared, or an unfinished request could not be settled
    Unsettled,
    /// It did not answer a NOOP
    Unanswered,
    /// It makes room for a session of another site
    Room,
    /// The server accepts fewer sessions now
    Ceiling,
    PoolClosed,
    /// The server or the network has ended it
    Over(SessionEnd),
    /// Nothing could settle it or send QUIT: there was no runtime, or it was shut down
    Dropped,
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Idle => "idle for too long",
            Self::Old => "too old",
            Self::Changed => "changed by its user",
            Self::Unsettled => "not settled",
            Self::Unanswered => "no answer to NOOP",
            Self::Room => "to make room for another site",
            Self::Ceiling => "more than the server accepts",
            Self::PoolClosed => "the pool is closed",
            Self::Over(SessionEnd::Cut) => "ended by the server while in use",
            Self::Over(SessionEnd::Orderly) => "ended by the server",
            Self::Over(SessionEnd::Broken) => "broken",
            Self::Dropped => "dropped",
        })
    }
}

#[cfg(feature = "tracing")]
mod report {
    use ftp_session::Error;

    use super::{CloseReason, Site};

    pub(in crate::pool) fn opened(site: &Site) {
        tracing::debug!(target: "ftp::pool", host = site.host(), port = site.port(), "opened");
    }

    pub(in crate::pool) fn reused(site: &Site) {
        tracing::debug!(target: "ftp::pool", host = site.host(), port = site.port(), "reused");
    }

    pub(in crate::pool) fn refused(site: &Site, error: &Error) {
        tracing::debug!(target: "ftp::pool", host = site.host(), port = site.port(), %error, "refused");
    }

    pub(in crate::pool) fn closed(site: &Site, reason: CloseReason) {
        tracing::debug!(target: "ftp::pool", host = site.host(), port = site.port(), %reason, "closed");
    }
}

#[cfg(not(feature = "tracing"))]
mod report {
    use ftp_session::Error;

    use super::{CloseReason, Site};

    pub(in crate::pool) const fn opened(_: &Site) {}

    pub(in crate::pool) const fn reused(_: &Site) {}

    pub(in crate::pool) const fn refused(_: &Site, _: &Error) {}

    pub(in crate::pool) const fn closed(_: &Site, _: CloseReason) {}
}

pub(super) use report::{closed, opened, refused, reused};
