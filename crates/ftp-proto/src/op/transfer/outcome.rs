//! The result of a transfer: complete, cut off, refused, or unconfirmed

use alloc::boxed::Box;

use super::control_side::Begun;
use super::{Stage, TransferKind, TransferOp};
use crate::claim::{Outcome, Owner, Transfer};
use crate::config::Truncation;
use crate::control::command::Argument;
use crate::control::reply::{Code, Reply};
use crate::data::{DataConnection, DataState, End};
use crate::error::{ConnectionError, Error};
use crate::op::machine::{Context, Step};
use crate::session::{RestartMarker, TicketSupply};
use crate::terms::{DataFailure, Phase, TlsSession, TransferType};
use crate::timer::Timer;
use crate::wire::Wire;

/// Whether a refusal may be because of TLS
///
/// vsftpd sends 522. ProFTPD, FileZilla Server and others send 425, which otherwise means that there is no data
/// connection; but there was one.
pub(super) const fn is_by_tls(code: Code) -> bool {
    matches!(code, Code::NO_DATA_CONNECTION | Code::PROTOCOL_NOT_SUPPORTED)
}

/// A download that has received fewer bytes than its known size
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Missing {
    received: u64,
    expected: u64,
}

impl Missing {
    /// Returns the error, if the session has ended for this cause
    pub(crate) fn cut_off(self, cause: Option<ConnectionError>) -> Error {
        let Self { received, expected } = self;
        Error::Truncated { received, expected: Some(expected), end: cause.map(Box::new) }
    }
}

impl TransferOp {
    /// Handles a refusal, which is because of TLS if the data connection has a new session
    pub(super) fn refused(
        &mut self,
        reply: Reply,
        bytes: u64,
        cx: &mut Context<'_>,
    ) -> Result<Step, Error> {
        let by_tls = is_by_tls(reply.code());
        match self.session {
            Some(TlsSession::New) if by_tls => {}
            // The refusal came in the middle of the handshake.
            None if by_tls && cx.wire.protects_data() && reply.demands_resumption() => {
                return Err(Error::ResumptionRequired { reply, end: None });
            }
            _ => return Err(Error::from_reply(reply)),
        }
        if self.kind == TransferKind::Upload || bytes > 0 || self.refusal.is_some() {
            return Err(Error::ResumptionRequired { reply, end: None });
        }
        self.refusal = Some(reply);
        self.hint = None;
        self.stage = Stage::AwaitTicket;
        cx.wire.close_data();
        // This is for drivers that never report tickets.
        let wait = cx.wire.config.quiet();
        cx.wire.timers.set_after(Timer::Quiet, cx.now, wait, Phase::Settle);
        Ok(Step::Pending)
    }

    /// Continues after the driver has reported how many tickets there are
    pub(super) fn tickets_reported(&mut self, cx: &Context<'_>) -> Result<Step, Error> {
        match cx.wire.session.tickets {
            // A listing that is made for tickets has done its work.
            TicketSupply::Ample | TicketSupply::Scarce if cx.owner != Owner::Tickets => {
                self.stage = Stage::Type;
                Ok(Step::Again)
            }
            _ => Err(self.without_ticket()),
        }
    }

    /// Returns the error if there is no ticket for another attempt
    pub(super) fn without_ticket(&mut self) -> Error {
        match self.refusal.take() {
            Some(reply) => Error::ResumptionRequired { reply, end: None },
            // Only refused transfers wait for tickets.
            None => Error::NoSessionTicket,
        }
    }

    /// Returns the request's error if the session ends now, with this data connection open
    pub(crate) fn error_at_end(
        &self,
        data: Option<&DataConnection>,
        cause: ConnectionError,
    ) -> Error {
        let (received, finished) = match (&self.stage, data) {
            (Stage::AwaitFinal { end, bytes, .. }, _) => (*bytes, *end == End::Finished),
            (_, Some(data)) => (data.bytes, data.state == DataState::Sent),
            (_, None) => (0, false),
        };
        if let (Some(reply), false) = (&self.refusal, received > 0) {
            // vsftpd sends this refusal and closes the connection.
            let end = Some(Box::new(cause));
            return Error::ResumptionRequired { reply: reply.clone(), end };
        }
        if let Some(missing) = self.missing(received).filter(|_| received > 0 || finished) {
            return missing.cut_off(Some(cause));
        }
        // A server that has broken the protocol has sent a reply, although a wrong one.
        let silent = !matches!(cause, ConnectionError::Protocol(_));
        if finished && silent {
            return Error::Unconfirmed { bytes: received, cause };
        }
        Error::Connection(cause)
    }

    /// Returns what a download lacks after this many bytes, if its size is known
    pub(crate) fn missing(&self, received: u64) -> Option<Missing> {
        let expected = self.due(received)?;
        (received < expected).then_some(Missing { received, expected })
    }

    /// Checks the result after both connections are done
    pub(super) fn finish(
        &mut self,
        end: End,
        bytes: u64,
        reply: Reply,
        cx: &mut Context<'_>,
    ) -> Result<Step, Error> {
        cx.wire.session.marker = RestartMarker::Clear;
        match self.kind {
            TransferKind::Upload => {
                let name = || self.name.as_ref().and_then(|name| Argument::new(name).ok());
                cx.wire.session.uploaded = self.argument.clone().or_else(name);
            }
            TransferKind::Download | TransferKind::Listing => self.check_size(end, bytes, cx)?,
        }
        let name = self.name.take();
        Ok(Step::Done(Outcome::Transfer(Transfer { bytes, reply, name })))
    }

    /// Returns the minimum number of bytes that must come, if the caller or the 1yz has given a size
    fn least(&self) -> Option<u64> {
        // In TYPE A, the network carries another number of bytes than the file has.
        if self.kind != TransferKind::Download || self.type_ != TransferType::Image {
            return None;
        }
        if let Some(size) = self.expected {
            return Some(size.saturating_sub(self.offset));
        }
        // Some servers send the size of the whole file, some that of the rest. A size below the offset
        // can only be that of the rest.
        let hint = self.hint?;
        Some(hint.checked_sub(self.offset).unwrap_or(hint))
    }

    /// As [`Self::least`], after this many bytes. If more came than the rest of the whole file would be, but fewer
    /// than the hint, the hint was the size of the rest, and the rest is not complete
    fn due(&self, received: u64) -> Option<u64> {
        let least = self.least()?;
        match self.hint {
            Some(hint) if self.expected.is_none() && received > least && received < hint => {
                Some(hint)
            }
            _ => Some(least),
        }
    }

    fn check_size(&self, end: End, received: u64, cx: &Context<'_>) -> Result<(), Error> {
        let least = self.due(received);
        let cut = || Error::Truncated { received, expected: least, end: None };
        match (end, least) {
            (_, Some(least)) if received < least => Err(cut()),
            // The caller's size is exact. A file may grow after its 1yz.
            (_, Some(expected)) if self.expected.is_some() && received > expected => {
                Err(Error::TooLong { received, expected })
            }
            (End::Truncated, _) if cx.wire.config.truncation == Truncation::Accept => Ok(()),
            (End::Truncated, Some(least)) if received == least || self.hint == Some(received) => {
                Ok(())
            }
            (End::Truncated, _) => Err(cut()),
            _ => Ok(()),
        }
    }

    /// Handles a 226 without a data connection in active mode
    ///
    /// Some servers send it without a 1yz when there is nothing to list. After a 1yz, or under TLS, which has to prove
    /// that a list is empty, the connection was lost.
    pub(super) fn never_opened(
        &self,
        begun: Begun,
        reply: Reply,
        wire: &Wire,
    ) -> Result<Step, Error> {
        match (self.kind, begun) {
            (TransferKind::Listing, Begun::No) if !wire.protects_data() => {
                let transfer = Transfer { bytes: 0, reply, name: None };
                Ok(Step::Done(Outcome::Transfer(transfer)))
            }
            _ => Err(Error::data(DataFailure::NeverOpened)),
        }
    }
}
