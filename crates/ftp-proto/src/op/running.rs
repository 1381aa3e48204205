//! The operations, each a machine of its own

use crate::error::Error;
use crate::op::machine::{Context, Input, Step};
use crate::op::{features, hash, login, quit, remote, rename, secure, simple, transfer};

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
