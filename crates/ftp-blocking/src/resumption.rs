//! The driver's part of FTP's session-resumption policy: it counts tickets, and waits for them
//!
//! What follows from their number is the machine's: see [`TicketSupply`].

use std::io::Read;
use std::time::{Duration, Instant};

use ftp_proto::{DataEvent, OpId, Protection, TicketSupply, TlsSession};
use ftp_tls::UploadPermit;
use ftp_tls::rustls::HandshakeKind;

use crate::data::{Data, DataState, is_passing};
use crate::session::Session;
use crate::wait::{Interest, entry, poll, ready};

impl Session {
    /// Tells the machine how many tickets there are, before it may come to need one
    pub(crate) fn count_tickets(&mut self) {
        let Some(context) = &self.security.context else { return };
        if self.proto.protection() != Protection::Private {
            return;
        }
        let supply = match context.upload_permit() {
            UploadPermit::Harvest => TicketSupply::Wanted,
            UploadPermit::Reconnect => TicketSupply::Exhausted,
            UploadPermit::Go if !context.can_resume() => TicketSupply::Unneeded,
            UploadPermit::Go if context.can_spare_ticket() => TicketSupply::Ample,
            UploadPermit::Go => TicketSupply::Scarce,
        };
        self.proto.set_ticket_supply(supply);
    }

    /// What a handshake that has just been completed came to
    pub(crate) fn data_secured(&mut self, kind: Option<HandshakeKind>) -> DataEvent {
        let session = match kind {
            Some(HandshakeKind::Resumed) => TlsSession::Resumed,
            _ => TlsSession::New,
        };
        self.last_handshake = self.proto.running_transfer().map(|op| (op, session));
        DataEvent::Secured(session)
    }

    /// An upload was confirmed: if its handshake was a full one, the server does not insist on
    /// resumption
    pub(crate) fn upload_confirmed(&self, op: OpId) {
        if self.last_handshake == Some((op, TlsSession::New)) {
            if let Some(context) = &self.security.context {
                context.note_full_handshake_accepted();
            }
        }
    }

    /// Reads a listing that the machine has made for the sake of its tickets
    pub(crate) fn drive_harvest(&mut self) {
        let mut buffer = [0; 4096];
        while let Some(Data { id, state: DataState::Harvest(stream) }) = &mut self.data {
            let id = *id;
            match stream.read(&mut buffer) {
                Ok(0) => return self.tell(id, DataEvent::Finished),
                Ok(count) => self.tell(id, DataEvent::Progress(count as u64)),
                Err(error) if is_passing(&error) => return,
                Err(error) => return self.data_broke(id, error),
            }
        }
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
            Some(
                DataState::Open(stream) | DataState::Securing(stream) | DataState::Harvest(stream),
            ) => stream,
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
