//! A final reply that is held back, since it may be an earlier transfer's, until it is proven
//!
//! The proof is a sentinel: `REST 0`, whose 350 nothing else can be mistaken for, or PWD and its 257
//! where REST is not known. Servers answer in order, so the final reply directly before the sentinel's
//! answer is the true one, however many came before it.
//!
//! A reply that only transfers have is no answer to SIZE or DELE, so the answer itself is awaited first: libunftp
//! works on several commands at once, and may answer a sentinel before the command.
//!
//! ```text
//! only a transfer's ── another reply ──▶ the true one, if it is in no doubt itself
//!   └─ quiet ──▶ REST 0
//! REST 0 ── 350 ──▶ proven
//!   └─ refused, or quiet ──▶ PWD ── 257 ──▶ proven, if it is clear what REST 0 was answered
//!                                    └─ a refusal may be REST's or the command's ──▶ REST 0 again
//! ```

use crate::control::command::Verb;
use crate::control::reply::{Code, Reply, ReplyKind};
use crate::time::Time;
use crate::wire::Wire;

#[derive(Debug)]
pub(crate) struct Held {
    /// The true reply as far as is known: the last final one that does not look like a sentinel's refusal
    reply: Reply,
    /// The same before the last reply came: that may have been REST's refusal, though it does not look so
    before: Option<Reply>,
    refusals: Refusals,
    /// The last final reply, whatever it looks like
    last: Reply,
    proof: Proof,
}

/// Replies since the first sentinel that look like a refusal of it
#[derive(Debug)]
enum Refusals {
    None,
    One(Reply),
    /// The first of two
    Two(Reply),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proof {
    /// The sentinel can't be sent yet
    Waiting,
    /// The answer to this command is awaited, and no sentinel is out
    Listening(Verb),
    /// `REST 0` is out
    Restart,
    /// `REST 0` was refused or not answered, and PWD is out
    Directory,
    /// PWD is out, and `REST 0` never was
    DirectoryAlone,
    /// PWD was answered, and `REST 0` is out again: is it refused once more?
    RestartAgain,
}

impl Held {
    pub(crate) fn new(reply: Reply) -> Self {
        let last = reply.clone();
        Self { reply, before: None, refusals: Refusals::None, last, proof: Proof::Waiting }
    }

    /// The reply that is held
    pub(crate) const fn reply(&self) -> &Reply {
        &self.reply
    }

    pub(crate) const fn is_asked(&self) -> bool {
        !matches!(self.proof, Proof::Waiting)
    }

    /// Awaits the answer to this command before a sentinel is sent
    pub(crate) const fn listen(&mut self, command: Verb) {
        self.proof = Proof::Listening(command);
    }

    /// Whether no sentinel is out yet, since the answer itself may come
    pub(crate) const fn is_listening(&self) -> bool {
        matches!(self.proof, Proof::Listening(_))
    }

    /// Sends the sentinel, for a reply to this command
    pub(crate) fn ask(&mut self, command: Verb, now: Time, wire: &mut Wire) {
        // Not the one whose answer looks like the command's own.
        match command {
            Verb::RNFR | Verb::REST => self.send(Proof::DirectoryAlone, Verb::PWD, now, wire),
            _ => self.send(Proof::Restart, Verb::REST, now, wire),
        }
    }

    fn send(&mut self, proof: Proof, sentinel: Verb, now: Time, wire: &mut Wire) {
        self.proof = proof;
        wire.send_sentinel(now, sentinel);
    }

    /// A sentinel has been answered with this code; gives the true reply, if that is clear
    pub(crate) fn answered(&mut self, code: Code, now: Time, wire: &mut Wire) -> Option<Reply> {
        // Who answers `REST 0` has not refused it before.
        if code == Code::ACTION_PENDING {
            return Some(self.last.clone());
        }
        match (&self.refusals, self.proof, &self.before) {
            // The second was REST's.
            (Refusals::Two(first), ..) => Some(first.clone()),
            (Refusals::None, Proof::Directory, Some(_)) => {
                self.send(Proof::RestartAgain, Verb::REST, now, wire);
                None
            }
            _ => Some(self.reply.clone()),
        }
    }

    /// A further final reply has come, for which nothing has been paid; gives the true one, if that is
    /// clear
    pub(crate) fn replied(&mut self, reply: Reply, now: Time, wire: &mut Wire) -> Option<Reply> {
        self.last = reply.clone();
        let sentinel_refused = refuses_sentinel(reply.code());
        match (self.proof, &self.before) {
            // Refused as it was before.
            (Proof::RestartAgain, Some(before)) => return Some(settled(before, wire)),
            (Proof::DirectoryAlone, _) if sentinel_refused => {
                return Some(settled(&self.reply, wire));
            }
            _ => {}
        }
        if !sentinel_refused {
            let before = core::mem::replace(&mut self.reply, reply);
            if matches!(self.refusals, Refusals::None) {
                self.before = Some(before);
            }
            return None;
        }
        self.refusals = match core::mem::replace(&mut self.refusals, Refusals::None) {
            Refusals::None => Refusals::One(reply),
            Refusals::One(first) => Refusals::Two(first),
            // The command's own, and those of both sentinels.
            Refusals::Two(first) => return Some(settled(&first, wire)),
        };
        if self.proof == Proof::Restart {
            self.send(Proof::Directory, Verb::PWD, now, wire);
        }
        None
    }

    /// Nothing has come for a while, and the sentinel may have been swallowed; gives the true reply if
    /// no more can be found out
    pub(crate) fn quiet(&mut self, now: Time, wire: &mut Wire) -> Option<Reply> {
        match (self.proof, &self.refusals, &self.before) {
            (Proof::Listening(command), ..) => self.ask(command, now, wire),
            (Proof::Restart, ..) => self.send(Proof::Directory, Verb::PWD, now, wire),
            // Each sentinel was refused in its turn.
            (Proof::Directory, Refusals::Two(_), _) => return Some(settled(&self.reply, wire)),
            // Rather a failure that was none than a success that was none.
            (Proof::RestartAgain, _, Some(before)) if before.kind() != ReplyKind::Completion => {
                return Some(settled(before, wire));
            }
            (Proof::RestartAgain, ..) => return Some(settled(&self.reply, wire)),
            // The deadline of the reply has the last word.
            (Proof::Waiting | Proof::Directory | Proof::DirectoryAlone, ..) => {}
        }
        None
    }
}

/// The true reply, when no sentinel will be answered any more
fn settled(reply: &Reply, wire: &mut Wire) -> Reply {
    wire.control.drop_sentinels();
    reply.clone()
}

/// Whether a reply refuses a sentinel: no transfer that has begun ends with such a code
///
/// Some servers do not know REST, or not before the login (530). pyftpdlib knows it, and refuses it with 501
/// under TYPE A.
pub(crate) fn refuses_sentinel(code: Code) -> bool {
    matches!(code.get(), 500..=504 | 530)
}
