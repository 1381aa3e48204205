//! The common interface of operations: their inputs, what they act on, how they end

use crate::claim::{Outcome, Owner};
use crate::control::command::{Command, Verb};
use crate::control::reply::{Code, Reply, ReplyKind};
use crate::error::Error;
use crate::op::batch::may_follow;
use crate::terms::Phase;
use crate::time::Time;
use crate::timer::Timer;
use crate::wire::Wire;

/// An input of an operation
#[derive(Debug)]
pub(crate) enum Input {
    /// The operation's turn has come: no reply is expected and no data connection is open
    Start,
    /// The command that was granted last must be [sent again](super::Running::must_send_again)
    SendAgain,
    /// A reply to its command; a final one no longer counts as expected
    Reply(Reply),
    /// The state of the data connection has changed
    Data,
    /// The driver has carried out all orders, as far as it can at once
    Performed,
    /// All commands have been written out
    Written,
    /// The sentinel that the operation has sent was answered with this code
    Sentinel(Code),
    /// A final reply of an earlier transfer has come while no command was waiting for one
    Late,
    /// The driver has reported how many TLS session tickets there are
    Tickets,
    /// TLS has started on the control connection
    Secured,
    /// TLS has ended on the control connection
    Cleared,
    /// [`Timer::Data`](crate::timer::Timer::Data) has expired
    DataTimeout(Phase),
    /// [`Timer::Quiet`](crate::timer::Timer::Quiet) has expired
    Quiet,
}

/// The state of an operation after an input
#[derive(Debug)]
pub(crate) enum Step {
    Pending,
    Done(Outcome),
    /// Start again from the beginning, after the expected replies have come
    Again,
    /// A transfer ended before its final reply: the session must be settled
    Interrupted(Error, Interruption),
}

/// How an interrupted transfer is ended
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interruption {
    /// Its data connection failed: the server knows that, and its reply may explain the failure
    Await,
    /// As `Listen`, after a final reply that may have belonged to the transfer
    AwaitNext,
    /// As `Listen`, before the 1yz, which is still to come and explains nothing
    AwaitAll,
    /// The client gave up: send ABOR
    Abort,
}

/// How an operation ended
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) result: Result<Outcome, Error>,
    /// Whether bytes passed, or may have passed, on its data connection
    pub(crate) moved: bool,
    /// The command whose reply ended it
    pub(crate) answered: Option<Verb>,
}

/// What an operation acts on
pub(crate) struct Context<'a> {
    pub(crate) now: Time,
    pub(crate) owner: Owner,
    pub(crate) wire: &'a mut Wire,
}

impl Context<'_> {
    pub(crate) fn send(&mut self, command: &Command<'_>) {
        self.wire.send(self.now, command);
    }

    /// Limits the wait for the second reply to a batch, after the first has come
    pub(crate) fn await_batch(&mut self) {
        if let Some(verb) = self.wire.control.front() {
            let config = &self.wire.config;
            // The wait for any reply would end the session.
            let wait = config.batch_timeout.min(config.reply_timeout / 4 * 3);
            self.wire.timers.set_after(Timer::Quiet, self.now, wait, Phase::Reply(verb));
        }
    }

    /// Whether a command may be sent before the last one has been answered
    ///
    /// It may not while a reply to an aborted transfer may still come: a sentinel can tell which reply is the true one
    /// for one command only (held.rs).
    pub(crate) fn may_pipeline(&self, next: Verb) -> bool {
        let last = self.wire.control.back();
        self.wire.config.permits_batches()
            && self.wire.session.batches.may_be_sent()
            && !self.wire.session.late.is_due()
            && last.is_some_and(|last| may_follow(last, next))
    }
}

/// Returns an error unless the reply is a completion (2yz)
pub(crate) fn completion(reply: Reply) -> Result<Reply, Error> {
    match reply.kind() {
        ReplyKind::Completion => Ok(reply),
        _ => Err(Error::from_reply(reply)),
    }
}
