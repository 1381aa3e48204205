//! Facts about the session

use super::{Client, Life, State};
use crate::claim::{OpId, Owner};
use crate::config::Config;
use crate::control::effects::Effects;
use crate::control::features::Features;
use crate::control::reply::Reply;
use crate::error::ConnectionError;
use crate::listing::Format;
use crate::op::running::Running;
use crate::op::transfer::TransferOp;
use crate::plan::Task;
use crate::session::{Batches, ControlSecurity};
use crate::terms::{IpFamily, Protection};

/// Facts about the session
impl Client {
    /// Whether the session is live, nothing runs, nothing is queued and no reply is expected
    #[must_use]
    pub fn is_idle(&self) -> bool {
        matches!(
            (&self.life, &self.state),
            (Life::Greeted | Life::LoggedIn | Life::Live, State::Idle)
        ) && self.queue.is_empty()
    }

    /// Whether the beginning of a reply has arrived, and the rest has not
    #[must_use]
    pub fn has_partial_reply(&self) -> bool {
        self.wire.control.has_partial_reply()
    }

    /// Whether the session is over
    #[must_use]
    pub const fn is_dead(&self) -> bool {
        matches!(self.life, Life::Dead(_))
    }

    /// Returns why the session is over
    #[must_use]
    pub const fn error(&self) -> Option<&ConnectionError> {
        match &self.life {
            Life::Dead(error) => Some(error),
            Life::Greeting | Life::Greeted | Life::LoggedIn | Life::Live | Life::Leaving(_) => None,
        }
    }

    /// Whether the control connection is in TLS
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.wire.session.control == ControlSecurity::Secured
    }

    /// What the session has found out about batches, see [`Config::pipeline`](crate::Config::pipeline)
    ///
    /// While a request runs, the result is provisional. A driver that opens further sessions to the same server should
    /// switch batches off there if they [may not be sent](Batches::may_be_sent).
    #[must_use]
    pub const fn batches(&self) -> Batches {
        self.wire.session.batches
    }

    /// Returns the protection of data connections
    #[must_use]
    pub const fn protection(&self) -> Protection {
        self.wire.session.protection
    }

    /// Returns the server's answer to FEAT, if FEAT was sent since the login
    #[must_use]
    pub const fn features(&self) -> Option<&Features> {
        self.wire.session.features.as_ref()
    }

    /// Returns what the commands sent since [`Self::clear_effects`], or since the beginning, may have changed
    #[must_use]
    pub const fn effects(&self) -> Effects {
        self.wire.control.effects
    }

    /// Forgets the [effects](Self::effects) of what was sent so far
    pub fn clear_effects(&mut self) {
        self.wire.control.effects = Effects::default();
    }

    /// Returns the last reply, whatever it answered
    #[must_use]
    pub const fn last_reply(&self) -> Option<&Reply> {
        self.last_reply.as_ref()
    }

    /// Returns the server's first final reply to the ABOR of the last [abort](Self::abort); `None` until it has
    /// come, or if no ABOR was needed
    #[must_use]
    pub const fn abort_reply(&self) -> Option<&Reply> {
        self.wire.session.abort_reply.as_ref()
    }

    /// Whether the running transfer has its final reply, so that only the end of its data
    /// connection is outstanding
    ///
    /// For an upload, the driver then need not wait long for the server to close its side.
    #[must_use]
    pub fn final_reply_received(&self) -> bool {
        self.transfer().is_some_and(|(_, transfer)| transfer.final_reply_received())
    }

    /// Returns the request of the running transfer; `None` if there is none, or its result is no longer needed
    #[must_use]
    pub fn running_transfer(&self) -> Option<OpId> {
        self.transfer().and_then(|(owner, _)| owner.op())
    }

    /// Returns the format of the running listing if its command defines it; `None` if the format has to be
    /// detected, or no listing runs
    #[must_use]
    pub fn listing_format(&self) -> Option<Format> {
        self.transfer().and_then(|(_, transfer)| transfer.listing_format())
    }

    fn transfer(&self) -> Option<(Owner, &TransferOp)> {
        match &self.state {
            State::Running(Task { request, operation: Running::Transfer(transfer) }) => {
                Some((request.owner, transfer))
            }
            _ => None,
        }
    }

    /// Returns what [SYST](Self::system), if it was sent, says about the format of the server's listings
    #[must_use]
    pub const fn listing_hint(&self) -> Option<Format> {
        self.wire.session.system
    }

    /// Returns the address family of the control connection
    #[must_use]
    pub const fn family(&self) -> IpFamily {
        self.wire.family
    }

    /// Returns the settings
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.wire.config
    }

    /// Returns the settings, to change them: a change applies to everything that starts afterwards
    ///
    /// `tls`, `reply` and `telnet` can't be changed: they are fixed when the client is created.
    pub fn config_mut(&mut self) -> &mut Config {
        &mut self.wire.config
    }
}
