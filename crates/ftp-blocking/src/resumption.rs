//! FTP's session-resumption policy, carried out: what comes before and after a protected transfer
//!
//! The policy is `ftp-tls`'s ([`Preparation`], [`Refusal`]); here are the listings and the waits that it asks for.

use std::time::{Duration, Instant};

use ftp_proto::{List, Protection, TicketSupply};
use ftp_tls::rustls::HandshakeKind;
use ftp_tls::{Preparation, Prepare, Refusal, TlsContext, TlsError, TransferKind};

use crate::data::DataState;
use crate::error::Error;
use crate::session::Session;
use crate::transfer::Download;
use crate::wait::{Interest, entry, poll, ready};

/// What is done for the sake of session tickets, beside what the store itself knows
#[derive(Debug, Default)]
pub(crate) struct Resumption {
    /// The file uploaded last: a listing of it is short
    uploaded: Option<Vec<u8>>,
    /// How the last data connection's handshake went
    pub(crate) last_handshake: Option<HandshakeKind>,
}

impl Session {
    /// To be called before every transfer: sees to it that its data connection can resume a session,
    /// where the server may insist on that
    pub(crate) fn prepare_transfer(&mut self, kind: TransferKind) -> Result<(), Error> {
        let mut preparation = Preparation::new(kind);
        loop {
            let Some(context) = self.protection_context() else { return Ok(()) };
            match preparation.next(context) {
                Prepare::Start { eager_handshake } => {
                    self.proto.set_ticket_supply(match eager_handshake {
                        true => TicketSupply::Ample,
                        false => TicketSupply::Scarce,
                    });
                    return Ok(());
                }
                Prepare::Harvest => self.harvest()?,
                Prepare::Refuse => return Err(TlsError::NoSessionTicket.into()),
            }
        }
    }

    /// TLS of data connections, if they are protected
    fn protection_context(&self) -> Option<&TlsContext> {
        let protected = self.proto.protection() == Protection::Private;
        self.security.context.as_ref().filter(|_| protected)
    }

    /// Gets tickets by a listing
    fn harvest(&mut self) -> Result<(), Error> {
        let path = self.resumption.uploaded.take().unwrap_or_default();
        // There is none to save.
        self.proto.set_ticket_supply(TicketSupply::Ample);
        let op = self.begin().list(List::new(path));
        match Download::start(self, op).and_then(Download::finish) {
            Err(error) if error.is_fatal() => Err(error),
            // Also a refused one may have brought tickets.
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// To be called after an upload that the server has confirmed
    pub(crate) fn uploaded(&mut self, path: Option<Vec<u8>>) {
        self.resumption.uploaded = path;
        let full = self.resumption.last_handshake == Some(HandshakeKind::Full);
        if let Some(context) = self.security.context.as_ref().filter(|_| full) {
            context.note_full_handshake_accepted();
        }
    }

    /// Says what a refused transfer was about, if that was the TLS session
    pub(crate) fn explain_transfer(&self, error: Error) -> Error {
        let Some(context) = self.protection_context() else { return error };
        let handshake = self.resumption.last_handshake;
        match error {
            Error::Ftp(ftp_proto::Error::Transient(reply) | ftp_proto::Error::Permanent(reply))
                if context.judge_refusal(reply.code().get(), handshake) != Refusal::Other =>
            {
                Error::ResumptionRequired(reply)
            }
            other => other,
        }
    }

    /// Whether a download that failed so, before anything of it had arrived, may succeed now
    pub(crate) fn is_worth_a_retry(&self, error: &Error) -> bool {
        let Error::ResumptionRequired(reply) = error else { return false };
        let (code, handshake) = (reply.code().get(), self.resumption.last_handshake);
        let worth = Refusal::ResumptionRequired { retry: true };
        !self.proto.is_dead()
            && self
                .protection_context()
                .is_some_and(|context| context.judge_refusal(code, handshake) == worth)
    }

    /// Before a protected data connection is closed: tickets that are about to come are worth a
    /// short wait if there are no others, also on a connection that the server has refused
    pub(crate) fn await_tickets(&mut self) {
        /// The server sends them in answer to the end of our handshake: a round trip
        const PATIENCE: Duration = Duration::from_millis(300);
        let Some(context) = &self.security.context else { return };
        if context.can_resume() || context.inventory().tickets_received == 0 {
            return;
        }
        let stream = match self.data.as_mut().map(|data| &mut data.state) {
            Some(DataState::Open(stream) | DataState::Securing(stream)) => stream,
            Some(DataState::Moving(moving)) => &mut moving.stream,
            Some(DataState::Connecting(_) | DataState::Listening(_)) | None => return,
        };
        let until = Instant::now() + PATIENCE;
        while stream.is_secure() && !context.can_resume() && Instant::now() < until {
            let mut entries = [entry(stream.get_ref(), Interest::READ)];
            let waited = poll(&mut entries, Some(until));
            let readable = waited.is_ok() && ready(&entries[0], Interest::READ).read;
            let more = match stream.handshake() {
                Ok(true) => matches!(stream.drain(), Ok(false)),
                Ok(false) => true,
                Err(_) => false,
            };
            if !readable || !more {
                return;
            }
        }
    }
}
