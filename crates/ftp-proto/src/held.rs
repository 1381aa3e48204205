//! A final reply that is held back, since it may be an earlier transfer's, until it is proven
//!
//! The proof is a sentinel: `REST 0`, whose 350 nothing else can be mistaken for, or PWD and its 257
//! where REST is not known. If the sentinel is answered next, the held reply was the true one. If
//! another final reply comes first, that is the true one.

use std::time::Instant;

use crate::control::command::Verb;
use crate::control::reply::{Code, Reply};
use crate::wire::Wire;

#[derive(Debug)]
pub(crate) struct Held {
    reply: Reply,
    proof: Proof,
}

#[derive(Debug)]
enum Proof {
    /// The sentinel can't be sent yet
    Waiting,
    /// The sentinel is out
    Asked(Verb),
    /// `REST 0` was refused with this reply, or not answered, and PWD is out
    AskedAgain(Option<Reply>),
}

/// What a further final reply shows
#[derive(Debug)]
pub(crate) enum Heard {
    /// Nothing yet
    Pending,
    /// The held reply is the true one
    Proven(Reply),
    /// The held reply was another's, and this is the true one
    Other(Reply),
}

impl Held {
    pub(crate) const fn new(reply: Reply) -> Self {
        Self { reply, proof: Proof::Waiting }
    }

    /// The reply that is held
    pub(crate) const fn reply(&self) -> &Reply {
        &self.reply
    }

    pub(crate) const fn is_asked(&self) -> bool {
        !matches!(self.proof, Proof::Waiting)
    }

    /// Sends the sentinel, for a reply to this command
    pub(crate) fn ask(&mut self, command: Verb, now: Instant, wire: &mut Wire) {
        // Not the one whose answer looks like the command's own.
        let own = matches!(command, Verb::RNFR | Verb::REST);
        let sentinel = if own { Verb::PWD } else { Verb::REST };
        self.proof = Proof::Asked(sentinel);
        wire.send_sentinel(now, sentinel);
    }

    /// Nothing has answered the sentinel for a while: it may have been swallowed
    pub(crate) fn ask_again(&mut self, now: Instant, wire: &mut Wire) {
        if let Proof::Asked(Verb::REST) = self.proof {
            self.proof = Proof::AskedAgain(None);
            wire.send_sentinel(now, Verb::PWD);
        }
    }

    /// The sentinel has been answered with this code: gives the true reply
    pub(crate) fn proven(self, code: Code) -> Reply {
        match self.proof {
            // So it was not `REST 0` that was refused.
            Proof::AskedAgain(Some(refusal)) if code == Code::ACTION_PENDING => refusal,
            _ => self.reply,
        }
    }

    /// A further final reply has come, for which nothing has been paid
    pub(crate) fn replied(&mut self, reply: Reply, now: Instant, wire: &mut Wire) -> Heard {
        let unknown = refuses_sentinel(reply.code());
        match &self.proof {
            Proof::Asked(Verb::REST) if unknown => {
                self.proof = Proof::AskedAgain(Some(reply));
                wire.send_sentinel(now, Verb::PWD);
                Heard::Pending
            }
            // Each sentinel was refused in its turn.
            Proof::AskedAgain(_) | Proof::Asked(_) if unknown => {
                wire.control.drop_sentinels();
                Heard::Proven(self.reply.clone())
            }
            _ => Heard::Other(reply),
        }
    }
}

/// Whether a reply refuses a sentinel: no transfer ends with such a code
///
/// Some servers do not know REST. pyftpdlib knows it, and refuses it with 501 under TYPE A.
pub(crate) fn refuses_sentinel(code: Code) -> bool {
    matches!(code.get(), 500..=504)
}
