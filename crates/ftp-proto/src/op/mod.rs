//! Operations: one small machine each
//!
//! A machine takes an [`Input`], acts on the [`Wire`](crate::wire::Wire) through its
//! [`Context`], and says with a [`Step`] whether it is done. Machines contain one another
//! ([`set_type`] and [`open`] inside [`transfer`]). To add an operation: a file or a row in
//! [`simple`], an arm of [`Running`], a method of [`Client`](crate::Client), a transcript.

pub(crate) mod batch;
pub(crate) mod features;
pub(crate) mod hash;
pub(crate) mod login;
pub(crate) mod open;
pub(crate) mod quit;
pub(crate) mod read_dir;
pub(crate) mod remote;
pub(crate) mod rename;
pub(crate) mod request;
pub(crate) mod secure;
pub(crate) mod set_type;
pub(crate) mod simple;
pub(crate) mod transfer;

use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;
use std::time::Instant;

use crate::Timestamp;
use crate::control::command::{Command, Verb};
use crate::control::features::Features;
use crate::control::fields::{FileHash, PassiveAddress};
use crate::control::reply::Reply;
use crate::error::Error;
use crate::event::Phase;
use crate::op::batch::Batches;
use crate::timer::Timer;
use crate::wire::Wire;

/// Name of a request, unique within its client
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct OpId(pub(crate) u64);

impl fmt::Debug for OpId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "op {}", self.0)
    }
}

/// A claim on the result of a request; give it to [`Completion::take`](crate::Completion::take)
pub struct Op<T> {
    id: OpId,
    output: PhantomData<fn() -> T>,
}

impl<T> Op<T> {
    pub(crate) const fn new(id: OpId) -> Self {
        Self { id, output: PhantomData }
    }

    /// Name of the request
    #[must_use]
    pub const fn id(self) -> OpId {
        self.id
    }
}

// Derived impls would ask the same of T.
impl<T> Clone for Op<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Op<T> {}

impl<T> fmt::Debug for Op<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.id, f)
    }
}

/// What a transfer has brought about
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Transfer {
    /// Bytes moved by this transfer on the data connection, not counting a resumed part
    pub bytes: u64,
    /// The final reply
    pub reply: Reply,
    /// Name that the server chose for the file (STOU), if it told
    pub name: Option<Vec<u8>>,
}

/// A result that a request can have
pub trait Output: sealed::Output {}

mod sealed {
    use super::Outcome;

    #[expect(unnameable_types, reason = "seals the trait of the same name")]
    pub trait Output: Sized {
        fn from_outcome(outcome: Outcome) -> Result<Self, Outcome>;
    }
}

/// Every kind of result, before its request claims it
#[derive(Debug)]
#[expect(unnameable_types, reason = "appears only in a sealed trait")]
pub enum Outcome {
    Unit(()),
    Reply(Reply),
    LastReply(Option<Reply>),
    Number(u64),
    Time(Timestamp),
    Path(Vec<u8>),
    MaybePath(Option<Vec<u8>>),
    Features(Features),
    Passive(PassiveAddress),
    Hash(Option<FileHash>),
    Transfer(Transfer),
}

macro_rules! outputs {
    ($($variant:ident($type:ty)),* $(,)?) => {$(
        impl Output for $type {}

        impl sealed::Output for $type {
            fn from_outcome(outcome: Outcome) -> Result<Self, Outcome> {
                match outcome {
                    Outcome::$variant(value) => Ok(value),
                    other => Err(other),
                }
            }
        }
    )*};
}

outputs! {
    Unit(()),
    Reply(Reply),
    LastReply(Option<Reply>),
    Number(u64),
    Time(Timestamp),
    Path(Vec<u8>),
    MaybePath(Option<Vec<u8>>),
    Features(Features),
    Passive(PassiveAddress),
    Hash(Option<FileHash>),
    Transfer(Transfer),
}

/// What an operation is told
#[derive(Debug)]
pub(crate) enum Input {
    /// Its turn has come: nothing is owed and no data connection is open
    Start,
    /// A reply to its command; final ones are already paid off
    Reply(Reply),
    /// The state of the data connection has changed
    Data,
    /// All commands have been written out
    Written,
    /// The control connection is in TLS
    Secured,
    /// The control connection is out of TLS
    Cleared,
    /// [`Timer::Data`](crate::timer::Timer::Data) has expired
    DataTimeout(Phase),
    /// [`Timer::Quiet`](crate::timer::Timer::Quiet) has expired
    Quiet,
}

/// Where an operation stands
#[derive(Debug)]
pub(crate) enum Step {
    Pending,
    Done(Outcome),
    /// Once more from the beginning, when the session has been settled
    Again,
    /// The server has refused for want of a TLS session: once more, if there is a ticket for it now
    Retry,
    /// A transfer ended before its final reply: the session must be settled
    Cut(Error, Farewell),
}

/// How a cut transfer is taken leave of
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Farewell {
    /// Its data connection failed: the server knows, and its reply may explain the failure
    Listen,
    /// The same, before the 1yz: that is still to come, and means nothing more
    ListenEarly,
    /// This side gave up: ABOR
    Abort,
}

/// What an operation may act on
pub(crate) struct Context<'a> {
    pub(crate) now: Instant,
    /// `None` for the client's own operations
    pub(crate) op: Option<OpId>,
    pub(crate) wire: &'a mut Wire,
}

impl Context<'_> {
    pub(crate) fn send(&mut self, command: &Command<'_>) {
        self.wire.send(self.now, command);
    }

    /// The first command of a batch has been answered: how long the next may take
    pub(crate) fn await_batch(&mut self) {
        if let Some(verb) = self.wire.control.front() {
            let wait = self.wire.config.batch_timeout;
            self.wire.timers.set_after(Timer::Quiet, self.now, wait, Phase::Reply(verb));
        }
    }

    /// Whether a command may be sent before the last one has been answered
    pub(crate) fn may_send_behind(&self, next: Verb) -> bool {
        let last = self.wire.control.back();
        self.wire.config.pipeline
            && self.wire.session.batches == Batches::Trusted
            && last.is_some_and(|last| batch::may_follow(last, next))
    }
}

/// The operations; closed, so that no request is boxed
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "transfers are what most requests are")]
pub(crate) enum Running {
    /// Fails at its turn: an argument that can't be sent
    Invalid(Error),
    Secure(secure::Secure),
    Protect(secure::Protect),
    ClearControl(secure::ClearControl),
    Login(login::Login),
    Simple(simple::Simple),
    Rename(rename::Rename),
    Features(features::FeaturesOp),
    Hash(hash::Hash),
    Transfer(transfer::TransferOp),
    RemotePassive(remote::RemotePassive),
    RemoteActive(remote::RemoteActive),
    RemoteTransfer(remote::RemoteTransfer),
    Quit(quit::Quit),
}

impl Running {
    pub(crate) fn step(&mut self, input: Input, cx: &mut Context<'_>) -> Result<Step, Error> {
        match self {
            Self::Invalid(error) => Err(error.clone()),
            Self::Secure(op) => op.step(input, cx),
            Self::Protect(op) => op.step(input, cx),
            Self::ClearControl(op) => op.step(input, cx),
            Self::Login(op) => op.step(input, cx),
            Self::Simple(op) => op.step(input, cx),
            Self::Rename(op) => op.step(input, cx),
            Self::Features(op) => op.step(input, cx),
            Self::Hash(op) => op.step(input, cx),
            Self::Transfer(op) => op.step(input, cx),
            Self::RemotePassive(op) => op.step(input, cx),
            Self::RemoteActive(op) => op.step(input, cx),
            Self::RemoteTransfer(op) => op.step(input, cx),
            Self::Quit(op) => op.step(input, cx),
        }
    }
}

/// Only a completion (2yz) will do
pub(crate) fn completion(reply: Reply) -> Result<Reply, Error> {
    match reply.kind() {
        crate::Kind::Completion => Ok(reply),
        _ => Err(Error::from_reply(reply)),
    }
}
