//! The driver's part of FTP's session-resumption policy: it counts tickets, and waits for them
//!
//! What follows from their number is the machine's: see [`TicketSupply`].

use std::io::Read;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use ftp_proto::{DataEvent, Direction, OpId, Protection, TicketSupply, TlsSession};
use ftp_tls::rustls::HandshakeKind;
use ftp_tls::{Stream, UploadPermit};

use crate::clock::later;
use crate::data::{Data, DataState, is_passing};
use crate::session::Session;
use crate::wait::ALLOWANCE;

impl Session {
    /// Tells the machine how many tickets there are, before it may come to need one
    pub(crate) fn count_tickets(&mut self) {
        let Some(context) = &self.security.context else { return };
        // On a connection that is being closed some may still come.
        if self.proto.protection() != Protection::Private || self.linger.is_some() {
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

    /// Reads some of a listing that the machine has made for the sake of its tickets, or that nobody wants
    /// any more
    pub(crate) fn drive_harvest(&mut self) {
        /// Each has up to 4 KiB; then the clock and the control connection are looked at
        const MAX_READS: usize = 16;
        let mut buffer = [0; 4096];
        for _ in 0..MAX_READS {
            let Some(Data { id, state: DataState::Harvest(stream) }) = &mut self.data else {
                return;
            };
            let id = *id;
            stream.set_allowance(ALLOWANCE);
            match stream.read(&mut buffer) {
                Ok(0) => return self.tell(id, DataEvent::Finished),
                Ok(count) => self.tell(id, DataEvent::Progress(count as u64)),
                Err(error) if is_passing(&error) => return,
                Err(error) => return self.data_broke(id, error),
            }
        }
    }

    /// Takes what still comes on a closed data connection: tickets, also on one that the server has
    /// refused. If there are no others they are worth a short wait
    pub(crate) fn drive_linger(&mut self) {
        let Some(Linger { stream, until, direction }) = &mut self.linger else { return };
        stream.set_allowance(ALLOWANCE);
        let ended = match stream.handshake() {
            Ok(true) => !matches!(stream.drain(), Ok(false)),
            Ok(false) => false,
            Err(_) => true,
        };
        let has_tickets = self.security.context.as_ref().is_none_or(|context| {
            context.can_resume() || context.inventory().tickets_received == 0
        });
        let waits = until.is_none_or(|until| until > Instant::now());
        if !ended && !has_tickets && waits && self.control.is_some() {
            return;
        }
        // An upload that is closed from here was not ended: without close_notify the server can tell. To
        // a download's server it is a courtesy.
        if *direction == Some(Direction::Download) {
            let _ = stream.close_notify();
        }
        self.linger = None;
        self.count_tickets();
        if let Some(Data { id, state: DataState::AwaitingTicket(_) }) = &self.data {
            let id = *id;
            self.begin_secure_data(id);
        }
    }
}

/// A data connection that is closed but for the tickets that may come on it
pub(crate) struct Linger {
    pub(crate) stream: Stream<TcpStream>,
    pub(crate) until: Option<Instant>,
    direction: Option<Direction>,
}

impl Linger {
    pub(crate) fn new(stream: Stream<TcpStream>, direction: Option<Direction>) -> Self {
        /// The server sends tickets in answer to the end of our handshake: a round trip
        const PATIENCE: Duration = Duration::from_millis(300);
        Self { stream, until: later(Instant::now(), PATIENCE), direction }
    }
}
