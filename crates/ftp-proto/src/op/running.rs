//! The operations, each a state machine of its own

use alloc::boxed::Box;

use crate::claim::Outcome;
use crate::control::command::{ArgumentError, Verb};
use crate::data::DataConnection;
use crate::directory::Directory;
use crate::error::{ConnectionError, Error};
use crate::op::machine::{Context, Input, Interruption, Step};
use crate::op::transfer::Missing;
use crate::op::{
    features, flush, hash, login, quit, remote, rename, secure, simple, size_and_time, transfer,
};

/// The operations, in a closed enum
///
/// Only a transfer is boxed: it is three times as large as the next, and a session keeps room for several operations. A
/// transfer takes the box of an earlier one, so neither it nor a simple command allocates.
#[derive(Debug)]
pub(crate) enum Running {
    /// It fails in its turn, because an argument can't be sent
    Invalid(Error),
    /// As `Invalid`, in place of a login
    InvalidLogin(ArgumentError),
    /// It ends at once, because the request has not chosen its first operation yet
    Nothing,
    Flush(flush::Flush),
    Secure(secure::Secure),
    Protect(secure::Protect),
    ClearControl(secure::ClearControl),
    Login(login::Login),
    Simple(simple::Simple),
    Rename(rename::Rename),
    Features(features::FeaturesOp),
    Hash(hash::Hash),
    SizeAndTime(size_and_time::SizeAndTimeOp),
    Transfer(Box<transfer::TransferOp>),
    RemotePassive(remote::RemotePassive),
    RemoteActive(remote::RemoteActive),
    RemoteTransfer(remote::RemoteTransfer),
    Quit(quit::Quit),
}

impl From<transfer::TransferOp> for Running {
    fn from(op: transfer::TransferOp) -> Self {
        Self::Transfer(Box::new(op))
    }
}

impl Running {
    #[inline]
    pub(crate) fn step(&mut self, input: Input, cx: &mut Context<'_>) -> Result<Step, Error> {
        match self {
            Self::Invalid(error) => Err(error.clone()),
            Self::InvalidLogin(error) => Err(error.clone().into()),
            Self::Nothing => Ok(Step::Done(Outcome::Unit(()))),
            Self::Flush(op) => op.step(input, cx),
            Self::Secure(op) => op.step(input, cx),
            Self::Protect(op) => op.step(input, cx),
            Self::ClearControl(op) => op.step(input, cx),
            Self::Login(op) => op.step(input, cx),
            Self::Simple(op) => op.step(input, cx),
            Self::Rename(op) => op.step(input, cx),
            Self::Features(op) => op.step(input, cx),
            Self::Hash(op) => op.step(input, cx),
            Self::SizeAndTime(op) => op.step(input, cx),
            Self::Transfer(op) => op.step(input, cx),
            Self::RemotePassive(op) => op.step(input, cx),
            Self::RemoteActive(op) => op.step(input, cx),
            Self::RemoteTransfer(op) => op.step(input, cx),
            Self::Quit(op) => op.step(input, cx),
        }
    }

    pub(crate) fn is_upload(&self) -> bool {
        matches!(self, Self::Transfer(op) if op.is_upload())
    }

    /// Whether what it does depends on the directory that the session is in
    pub(crate) fn needs(&self, working: &Directory) -> bool {
        match self {
            // A login leads into a directory of its own.
            Self::Invalid(_)
            | Self::InvalidLogin(_)
            | Self::Quit(_)
            | Self::Features(_)
            | Self::Login(_) => false,
            Self::Simple(simple) => match simple.verb() {
                // Only the caller knows what a raw command does.
                _ if simple.is_raw() => true,
                Verb::NOOP | Verb::ACCT => false,
                Verb::CWD => !simple.argument().is_some_and(|path| working.is_independent(path)),
                _ => true,
            },
            _ => true,
        }
    }

    pub(crate) const fn is_login(&self) -> bool {
        matches!(self, Self::Login(_) | Self::InvalidLogin(_))
    }

    /// Whether it begins a login, perhaps by a raw USER
    pub(crate) fn begins_login(&self) -> bool {
        self.is_login() || matches!(self, Self::Simple(simple) if simple.verb() == Verb::USER)
    }

    /// Whether it depends on who is logged in; what RFC 959 and its extensions permit before the login does not
    pub(crate) fn needs_login(&self) -> bool {
        match self {
            Self::Invalid(_)
            | Self::InvalidLogin(_)
            | Self::Flush(_)
            | Self::Secure(_)
            | Self::Protect(_)
            | Self::ClearControl(_)
            | Self::Login(_)
            | Self::Features(_)
            | Self::Quit(_) => false,
            Self::Simple(simple) => simple.needs_login(),
            Self::Nothing
            | Self::Rename(_)
            | Self::Hash(_)
            | Self::SizeAndTime(_)
            | Self::Transfer(_)
            | Self::RemotePassive(_)
            | Self::RemoteActive(_)
            | Self::RemoteTransfer(_) => true,
        }
    }

    /// Whether a part of its commands was sent before its turn
    pub(crate) fn has_begun(&self) -> bool {
        matches!(self, Self::Transfer(op) if op.has_begun())
    }

    /// Returns what a download lacks after this many bytes, if its size is known
    pub(crate) fn missing(&self, received: u64) -> Option<Missing> {
        match self {
            Self::Transfer(op) if received > 0 => op.missing(received),
            _ => None,
        }
    }

    /// Returns the request's error if the session ends now, with this data connection open
    pub(crate) fn error_at_end(
        &self,
        data: Option<&DataConnection>,
        cause: ConnectionError,
    ) -> Error {
        match self {
            Self::Transfer(op) => op.error_at_end(data, cause),
            _ => cause.into(),
        }
    }

    /// Returns the request's error if its data connection fails after the control connection has ended for this cause
    pub(crate) fn fails_at_the_end(
        &self,
        error: Error,
        data: Option<&DataConnection>,
        cause: &ConnectionError,
    ) -> Error {
        match error {
            Error::DataConnection { .. } | Error::DataTimedOut(_) => {
                self.error_at_end(data, cause.clone())
            }
            Error::Truncated { received, expected, end: None } => {
                Error::Truncated { received, expected, end: Some(Box::new(cause.clone())) }
            }
            error => error,
        }
    }

    /// Whether bytes have passed on a data connection that has been closed already
    pub(crate) fn moved(&self) -> bool {
        matches!(self, Self::Transfer(op) if op.moved())
    }

    /// Whether the operation checks by itself whether its final reply belongs to an earlier transfer
    pub(crate) fn proves_its_end(&self) -> bool {
        match self {
            Self::Transfer(op) => op.is_asked(),
            // Nothing may be sent while servers copy, and their bytes bypass the client.
            Self::RemoteTransfer(_) => true,
            _ => false,
        }
    }

    /// Whether this command of its own must be sent again if another one came between it and the one that must follow
    pub(crate) fn must_send_again(&self, command: Verb) -> bool {
        match self {
            Self::Transfer(op) => command == Verb::REST && op.restarts(),
            Self::Rename(_) => command == Verb::RNFR,
            Self::Login(op) => command == Verb::USER && op.is_one_by_one(),
            _ => false,
        }
    }

    /// Whether the operation waits for a report about TLS session tickets
    pub(crate) fn awaits_ticket(&self) -> bool {
        matches!(self, Self::Transfer(op) if op.awaits_ticket())
    }

    /// Aborts the operation, and returns how it ends
    ///
    /// A change of the session's security runs to its end, because the server has begun it; so does a login. A rename
    /// is withdrawn.
    pub(crate) fn abort(&mut self, cx: &mut Context<'_>) -> Result<Step, Error> {
        match self {
            Self::Transfer(op) => op.abort(cx),
            Self::Rename(op) => op.abort(),
            Self::RemoteTransfer(_) => Ok(Step::Interrupted(Error::Aborted, Interruption::Abort)),
            Self::Secure(_)
            | Self::Protect(_)
            | Self::ClearControl(_)
            | Self::Login(_)
            | Self::Quit(_) => Ok(Step::Pending),
            _ => Err(Error::Aborted),
        }
    }
}
