//! The next transfer's port, asked for during the running transfer ([`Prefetch`](crate::Prefetch))
//!
//! ```text
//! RETR a  EPSV          one flight: EPSV goes out as soon as the data connection of `a` is open
//! 150 … 226  229        the two final replies come together, and the next transfer connects at once
//! ```
//!
//! While both replies are expected, they are a set and not a queue, because servers differ in when they read EPSV:
//!
//! ```text
//! 229                   is EPSV's, by its code
//! 425, 426              are the transfer's, by their codes
//! 2yz and a refusal     in either order: EPSV was refused, unless the 2yz reports an abort
//! a refusal and 229     in this order: the transfer failed. After 229, every reply is the transfer's
//! two refusals          the transfer failed
//! 2yz and silence       EPSV was lost: a sentinel settles it (settle.rs)
//! a refusal, or 229, and silence    the transfer failed; a sentinel shows first whether nothing else comes
//! ```
//!
//! A server that answers EPSV before the transfer may have dropped the transfer for it, as pyftpdlib does. Any
//! sequence other than `2yz 229` or `4yz 229` counts as a failure, after which no further port is requested in advance.

use core::time::Duration;

use crate::control::command::Verb;
use crate::control::fields;
use crate::control::reply::{Code, Reply};
use crate::time::Time;

/// What is known of the next transfer's port
#[derive(Debug, Default)]
pub(crate) enum Ahead {
    /// Nothing: the last request was no transfer, or did not end as expected, so EPSV is only sent during a transfer
    /// if the next one is queued already
    #[default]
    Cold,
    /// Nothing: the last request was a transfer that ended as expected, so another one is likely after the next
    Warm,
    /// EPSV has been sent during a transfer, and no refusal has come
    Asked,
    /// EPSV has been sent during a transfer, and one refusal has come, which is the answer to either of them
    Refused(Reply),
    /// EPSV was answered before the transfer, whose final reply may never come
    Early,
    /// The port, and when the server announced it
    Port(u16, Time),
    /// The server does not tolerate it, so no port is requested in advance for the rest of this session
    Off,
}

impl Ahead {
    /// Whether one of two final replies has come that needs the other to be understood
    pub(crate) const fn awaits_other_reply(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::Early)
    }

    /// Gives up for the rest of the session
    pub(crate) fn give_up(&mut self) {
        *self = Self::Off;
    }

    /// Takes the answer to EPSV that came in time
    pub(crate) fn answered(&mut self, reply: &Reply, now: Time) {
        let address =
            (reply.code() == Code::EXTENDED_PASSIVE).then(|| fields::parse_passive(reply));
        *self = match (&*self, address.flatten()) {
            (Self::Off, _) | (_, None) => Self::Off,
            (_, Some(address)) => Self::Port(address.port, now),
        };
    }

    /// Takes the refusal that has come, if any; EPSV is still unanswered
    pub(crate) fn take_refusal(&mut self) -> Option<Reply> {
        match core::mem::replace(self, Self::Off) {
            Self::Refused(reply) => Some(reply),
            other => {
                *self = other;
                None
            }
        }
    }

    /// Takes the port and when it was announced, unless that was too long ago; used or not, it is gone
    pub(crate) fn take_port(&mut self, now: Time, longest: Duration) -> Option<(u16, Time)> {
        let Self::Port(port, since) = *self else { return None };
        // Another one may be asked for during the transfer that uses it.
        *self = Self::Warm;
        (now.saturating_duration_since(since) <= longest).then_some((port, since))
    }

    /// Forgets the port before a command that may invalidate it
    pub(crate) fn sends(&mut self, verb: Verb) {
        if matches!(self, Self::Port(..)) && !leaves_ports_alone(verb) {
            *self = Self::Cold;
        }
    }

    /// Records the end of a transfer that was the user's, and whether it ended as expected
    pub(crate) fn transfer_ended(&mut self, well: bool) {
        match (&*self, well) {
            (Self::Cold, true) => *self = Self::Warm,
            (Self::Warm, false) => *self = Self::Cold,
            (Self::Early, _) => *self = Self::Off,
            _ => {}
        }
    }

    /// Records the end of another operation
    pub(crate) fn other_ended(&mut self) {
        if let Self::Warm = self {
            *self = Self::Cold;
        }
    }
}

/// Whether a reply with this code answers EPSV, whatever else is expected; some servers send the reply of the other
/// passive command
pub(crate) const fn is_passive(code: Code) -> bool {
    matches!(code.get(), 227..=229)
}

/// Whether a refusal looks like that of EPSV: it is that of a command, or it names EPSV, as ProFTPD's does
pub(crate) fn looks_like_refusal_of_epsv(refusal: &Reply) -> bool {
    matches!(refusal.code().get(), 500..=504)
        || memchr::memmem::find(refusal.text(), b"EPSV").is_some()
}

/// Whether a port that was announced before this command is still the next transfer's afterwards
fn leaves_ports_alone(verb: Verb) -> bool {
    matches!(
        verb,
        Verb::APPE
            | Verb::CDUP
            | Verb::CWD
            | Verb::DELE
            | Verb::FEAT
            | Verb::LIST
            | Verb::MDTM
            | Verb::MFMT
            | Verb::MKD
            | Verb::MLSD
            | Verb::MLST
            | Verb::NLST
            | Verb::NOOP
            | Verb::PWD
            | Verb::RETR
            | Verb::RMD
            | Verb::RNFR
            | Verb::RNTO
            | Verb::SIZE
            | Verb::STOR
            | Verb::TYPE
    )
}
