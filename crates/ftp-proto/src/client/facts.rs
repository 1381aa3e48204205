//! What is known of the session

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
use crate::session::ControlSecurity;
use crate::terms::{IpFamily, Protection};

/// What is known of the session
impl Client {
    /// Whether the session is live, nothing runs, nothing is queued and nothing is owed
    #[must_use]
    pub fn is_idle(&self) -> bool {
        matches!((&self.life, &self.state), (Life::Greeted | Life::Live, State::Idle))
            && self.queue.is_empty()
    }

    /// Whether the session is over
    #[must_use]
    pub const fn is_dead(&self) -> bool {
        matches!(self.life, Life::Dead(_))
    }

    /// Why the session is over
    #[must_use]
    pub const fn error(&self) -> Option<&ConnectionError> {
        match &self.life {
            Life::Dead(error) => Some(error),
            Life::Greeting | Life::Greeted | Life::Live | Life::Leaving(_) => None,
        }
    }

    /// Whether the control connection is in TLS
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.wire.session.control == ControlSecurity::Secured
    }

    /// Protection of data connections
    #[must_use]
    pub const fn protection(&self) -> Protection {
        self.wire.session.protection
    }

    /// What FEAT brought, if it was asked since the login
    #[must_use]
    pub const fn features(&self) -> Option<&Features> {
        self.wire.session.features.as_ref()
    }

    /// What commands may have changed since [`Self::clear_effects`], or since the beginning
    #[must_use]
    pub const fn effects(&self) -> Effects {
        self.wire.control.effects
    }

    /// Forgets the [effects](Self::effects) of what was sent so far
    pub fn clear_effects(&mut self) {
        self.wire.control.effects = Effects::default();
    }

    /// The last reply, whatever it answered
    #[must_use]
    pub const fn last_reply(&self) -> Option<&Reply> {
        self.last_reply.as_ref()
    }

    /// The server's first final reply to the ABOR of the last [abort](Self::abort); `None` before it has come, and if no
    /// ABOR was needed
    #[must_use]
    pub const fn abort_reply(&self) -> Option<&Reply> {
        self.wire.session.abort_reply.as_ref()
    }

    /// Whether the running transfer has its final reply, so that only the end of its data
    /// connection is outstanding
    ///
    /// An upload's driver need not wait long then for the server to close its side.
    #[must_use]
    pub fn final_reply_came(&self) -> bool {
        self.transfer().is_some_and(|(_, transfer)| transfer.final_reply_came())
    }

    /// The request of the running transfer; `None` if there is none, or nobody waits for it
    #[must_use]
    pub fn running_transfer(&self) -> Option<OpId> {
        self.transfer().and_then(|(owner, _)| owner.op())
    }

    /// How the running listing is to be read, as far as its command tells; `None`: that is to be found
    /// out, or none runs
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

    /// What [SYST](Self::system), if it was asked, says of the server's listings
    #[must_use]
    pub const fn listing_hint(&self) -> Option<Format> {
        self.wire.session.system
    }

    /// Address family of the control connection
    #[must_use]
    pub const fn family(&self) -> IpFamily {
        self.wire.family
    }

    /// The settings
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.wire.config
    }

    /// The settings, to change: they hold for what starts from here on
    ///
    /// `tls`, `reply` and `telnet` are fixed when the client is made.
    pub fn config_mut(&mut self) -> &mut Config {
        &mut self.wire.config
    }
}
