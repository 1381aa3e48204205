//! A final reply that is held back until it is proven, because it may belong to an earlier transfer
//!
//! The proof is the answer to a sentinel: the 350 to `REST 0`, which can't be mistaken for another reply, or the 257
//! to PWD if the server does not know REST. Servers answer in order, so the final reply directly before the
//! sentinel's answer is the true one, however many came before it.
//!
//! A sentinel must not stand between REST and a transfer, RNFR and RNTO, or USER and PASS: if such a command is granted,
//! and the sentinel is answered, the command is sent again (`sends_again` in client/replies.rs).
//!
//! If the code of the reply only occurs after transfers, the reply can't answer SIZE or DELE. Then the client first
//! waits for the answer itself: libunftp works on several commands at once, and may answer a sentinel before the
//! command. It does so in a batch, too (op/batch.rs), where the reply before the sentinel's answer is that of the last
//! command.
//!
//! ```text
//! only a transfer's ── another reply ──▶ the true one, unless it must be proven itself
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
    /// The true reply as far as is known: the last final one that does not look like the refusal of a sentinel
    reply: Reply,
    /// The value of `reply` before the last reply came, which may have been the refusal of REST without looking like
    /// one
    before: Option<Reply>,
    refusals: Refusals,
    /// The last final reply, whatever it looks like
    last: Reply,
    proof: Proof,
}

/// Replies since the first sentinel that look like a refusal of a sentinel
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
    /// The answer to this command is awaited, and no sentinel has been sent
    Listening(Verb),
    /// `REST 0` has been sent
    Restart,
    /// `REST 0` was refused or not answered, and PWD has been sent
    Directory,
    /// PWD has been sent, and `REST 0` never was
    DirectoryAlone,
    /// PWD was answered, and `REST 0` has been sent again, to see whether it is refused again
    RestartAgain,
}

impl Held {
    pub(crate) fn new(reply: Reply) -> Self {
        let last = reply.clone();
        Self { reply, before: None, refusals: Refusals::None, last, proof: Proof::Waiting }
    }

    /// Returns the reply that is held back
    pub(crate) const fn reply(&self) -> &Reply {
        &self.reply
    }

    pub(crate) const fn is_asked(&self) -> bool {
        !matches!(self.proof, Proof::Waiting)
    }

    /// Waits for the answer to this command before it sends a sentinel
    pub(crate) const fn listen(&mut self, command: Verb) {
        self.proof = Proof::Listening(command);
    }

    /// Whether no sentinel has been sent yet, because the answer itself may come
    pub(crate) const fn is_listening(&self) -> bool {
        matches!(self.proof, Proof::Listening(_))
    }

    /// Sends the sentinel for a reply to this command
    pub(crate) fn ask(&mut self, command: Verb, now: Time, wire: &mut Wire) {
        // The sentinel's answer must not look like the command's own.
        match command {
            Verb::RNFR | Verb::REST => self.send(Proof::DirectoryAlone, Verb::PWD, now, wire),
            _ => self.send(Proof::Restart, Verb::REST, now, wire),
        }
    }

    fn send(&mut self, proof: Proof, sentinel: Verb, now: Time, wire: &mut Wire) {
        self.proof = proof;
        wire.send_sentinel(now, sentinel);
    }

    /// Takes the code with which a sentinel was answered; returns the true reply, if that is clear
    pub(crate) fn answered(&mut self, code: Code, now: Time, wire: &mut Wire) -> Option<Reply> {
        // A server that accepts `REST 0` has not refused it before.
        if code == Code::ACTION_PENDING {
            return Some(self.last.clone());
        }
        match (&self.refusals, self.proof, &self.before) {
            // The second refusal was that of REST.
            (Refusals::Two(first), ..) => Some(first.clone()),
            (Refusals::None, Proof::Directory, Some(_)) => {
                self.send(Proof::RestartAgain, Verb::REST, now, wire);
                None
            }
            _ => Some(self.reply.clone()),
        }
    }

    /// Takes another final reply, which is not yet attributed to a command; returns the true reply, if that is
    /// clear
    pub(crate) fn replied(&mut self, reply: Reply, now: Time, wire: &mut Wire) -> Option<Reply> {
        self.last = reply.clone();
        let sentinel_refused = refuses_sentinel(reply.code());
        match (self.proof, &self.before) {
            // REST was refused again, as before.
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
            // These are the refusals of the command and of both sentinels.
            Refusals::Two(first) => return Some(settled(&first, wire)),
        };
        if self.proof == Proof::Restart {
            self.send(Proof::Directory, Verb::PWD, now, wire);
        }
        None
    }

    /// Continues after a silence, as the server may have ignored the sentinel; returns the true reply if
    /// nothing more can be found out
    pub(crate) fn quiet(&mut self, now: Time, wire: &mut Wire) -> Option<Reply> {
        match (self.proof, &self.refusals, &self.before) {
            // In a batch, the reply before the sentinel's answer is that of the last command. The reply's own deadline
            // ends this wait.
            (Proof::Listening(_), ..) if wire.control.expects_a_batch() => {}
            // The server takes what follows AUTH for a TLS handshake, and after CCC the client waits for the reply.
            (Proof::Listening(Verb::AUTH | Verb::CCC), ..) => {}
            (Proof::Listening(command), ..) => self.ask(command, now, wire),
            (Proof::Restart, ..) => self.send(Proof::Directory, Verb::PWD, now, wire),
            // Each sentinel was refused in turn.
            (Proof::Directory, Refusals::Two(_), _) => return Some(settled(&self.reply, wire)),
            // A false failure is better than a false success.
            (Proof::RestartAgain, _, Some(before)) if before.kind() != ReplyKind::Completion => {
                return Some(settled(before, wire));
            }
            (Proof::RestartAgain, ..) => return Some(settled(&self.reply, wire)),
            // The reply's own deadline ends this wait.
            (Proof::Waiting | Proof::Directory | Proof::DirectoryAlone, ..) => {}
        }
        None
    }
}

/// Returns the true reply when no sentinel will be answered any more
fn settled(reply: &Reply, wire: &mut Wire) -> Reply {
    wire.control.drop_sentinels();
    reply.clone()
}

/// Whether a reply refuses a sentinel: no transfer that has begun ends with such a code
///
/// Some servers do not know REST, or not before the login (530). pyftpdlib knows it, but refuses it with 501
/// in TYPE A.
pub(crate) fn refuses_sentinel(code: Code) -> bool {
    matches!(code.get(), 500..=504 | 530)
}
