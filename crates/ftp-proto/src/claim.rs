//! Claims on results: the value that a request method returns, and the identifier of the request

use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;

use crate::control::features::Features;
use crate::control::fields::{FileHash, PassiveAddress};
use crate::control::reply::Reply;
use crate::timestamp::Timestamp;

/// Identifies a request, unique among the clients whose [numbers](crate::Config::client_number) differ
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct OpId {
    client: u32,
    /// A claim is never as old as four billion requests, so it may start again from 0.
    number: u32,
}

impl OpId {
    /// Creates the identifier of a client's first request
    pub(crate) const fn first(client: u32) -> Self {
        Self { client, number: 1 }
    }

    /// Returns the identifier of the next request
    pub(crate) const fn next(self) -> Self {
        Self { client: self.client, number: self.number.wrapping_add(1) }
    }
}

/// Displays `op 7`, and `op 7 of client 3` if the client has a number
impl fmt::Debug for OpId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "op {}", self.number)?;
        match self.client {
            0 => Ok(()),
            client => write!(f, " of client {client}"),
        }
    }
}

/// A claim on the result of a request; pass it to [`Completion::take`](crate::Completion::take)
///
/// Clients with different [numbers](crate::Config::client_number) give nothing for each other's claims. Sessions of the
/// drivers have different numbers unless you choose the same one for two of them.
pub struct Op<T> {
    id: OpId,
    output: PhantomData<fn() -> T>,
}

impl<T> Op<T> {
    pub(crate) const fn new(id: OpId) -> Self {
        Self { id, output: PhantomData }
    }

    /// Returns the identifier of the request
    #[must_use]
    pub const fn id(self) -> OpId {
        self.id
    }
}

// Derived impls would require the same of T.
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

/// Who wants an operation, which decides where its result goes
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// The application
    User(OpId),
    /// The TLS policy
    Policy,
    KeepAlive,
    /// A transfer that needs a TLS session ticket
    Tickets,
    /// A request that depends on the working directory, which a listing has left
    Return,
    /// The removal of data that the server may still hold of an earlier transfer
    Flush,
    /// Nobody any more: the request was aborted while its operation had to continue
    Abandoned,
}

impl Owner {
    /// Returns the application's request, if it is one
    pub(crate) const fn op(self) -> Option<OpId> {
        match self {
            Self::User(op) => Some(op),
            _ => None,
        }
    }
}

/// The result of a transfer
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Transfer {
    /// Bytes moved by this transfer on the data connection, not counting a resumed part
    pub bytes: u64,
    /// The final reply
    pub reply: Reply,
    /// Name that the server chose for the file (STOU), if the server sent it
    pub name: Option<Vec<u8>>,
}

impl Transfer {
    /// Creates a transfer of this many bytes with this final reply, for tests of code that uses the result
    #[must_use]
    pub const fn new(bytes: u64, reply: Reply) -> Self {
        Self { bytes, reply, name: None }
    }
}

/// Size and time of a file
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SizeAndTime {
    /// In bytes; `None` if the server refuses SIZE, as it does for a file that is missing
    pub size: Option<u64>,
    /// Of the last modification, in UTC if the server follows RFC 3659; `None` if the server refuses MDTM
    pub modified: Option<Timestamp>,
}

impl SizeAndTime {
    /// Creates a size and a time, for tests of code that uses the result
    #[must_use]
    pub const fn new(size: Option<u64>, modified: Option<Timestamp>) -> Self {
        Self { size, modified }
    }
}

/// A type that the result of a request can have
pub trait Output: sealed::Output {}

mod sealed {
    use super::Outcome;

    #[expect(unnameable_types, reason = "seals the trait of the same name")]
    pub trait Output: Sized {
        fn from_outcome(outcome: Outcome) -> Result<Self, Outcome>;
    }
}

/// The result of a request before it is claimed
#[derive(Debug)]
#[expect(unnameable_types, reason = "appears only in a sealed trait")]
pub enum Outcome {
    Unit(()),
    Reply(Reply),
    MaybeReply(Option<Reply>),
    Number(u64),
    Time(Timestamp),
    Path(Vec<u8>),
    MaybePath(Option<Vec<u8>>),
    Features(Features),
    Passive(PassiveAddress),
    Hash(Option<FileHash>),
    SizeAndTime(SizeAndTime),
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
    MaybeReply(Option<Reply>),
    Number(u64),
    Time(Timestamp),
    Path(Vec<u8>),
    MaybePath(Option<Vec<u8>>),
    Features(Features),
    Passive(PassiveAddress),
    Hash(Option<FileHash>),
    SizeAndTime(SizeAndTime),
    Transfer(Transfer),
}
