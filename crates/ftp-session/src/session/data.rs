//! Data connections: secured, moved and closed as the machine orders

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use ftp_proto::{DataEvent, DataFailure, DataId, Direction, Encoding, OpId, Time, TlsSession};
use ftp_tls::rustls::HandshakeKind;
use ftp_tls::{Role, Stream, TlsError};

use super::{LastUpload, Session, Work};
use crate::data::{
    Attempt, Data, DataState, Linger, Route, ServerEnd, Stage, TransferState, UploadStage,
};
use crate::event::Event;
use crate::socket::{Socket, is_passing, is_readable};
use crate::time::later;
use crate::transport::{Slot, Transport, TransportOf};

/// How long to wait for tickets on a closed data connection: the server sends them in answer to the end of this side's
/// handshake, one round trip later
const TICKET_TIMEOUT: Duration = Duration::from_millis(300);

impl<S: Read + Write, L> Session<S, L> {
    /// Advances whatever the data connection is doing; returns true if the machine has learned something
    pub(super) fn drive_data(&mut self, transport: &mut impl TransportOf<S, L>, now: Time) -> bool {
        // Looking costs less than moving the state, and mostly there is nothing to do.
        if self.data.as_ref().is_none_or(Data::is_at_rest) {
            return false;
        }
        if let Some(Data { state: DataState::Connected(..), .. }) = self.data {
            return self.drive_connected(transport, now);
        }
        let Some(Data { id, slot, state }) = self.data.take() else { return false };
        let (state, event) = match state {
            DataState::Tunneling(socket, handshake) => {
                return self.drive_data_tunneling(id, socket, handshake, transport, now);
            }
            DataState::Connecting(mut socket, interest, route)
                if socket.ready.intersects(interest) =>
            {
                match transport.connected(slot, socket.io_mut()) {
                    Ok(None) => match route {
                        Route::Direct(_) => (DataState::open(socket), Some(DataEvent::Connected)),
                        Route::Proxy(handshake) => {
                            socket.opened();
                            let state = DataState::Tunneling(socket, handshake);
                            self.data = Some(Data::new(id, slot, state));
                            return self.drive_data(transport, now);
                        }
                    },
                    // The shell may have reported readiness spuriously.
                    Ok(Some(next)) => {
                        socket.ready = socket.ready.without(next);
                        (DataState::Connecting(socket, next, route), None)
                    }
                    Err(error) => {
                        transport.close(socket.into_io());
                        self.data_unreachable(id, &route, error, now);
                        return true;
                    }
                }
            }
            DataState::Listening(listener, stranger) if listener.ready.read => {
                let address = listener.address;
                match self.accept(listener, stranger, transport) {
                    Ok(accepted) => accepted,
                    Err(error) => {
                        self.data_failed_at(id, DataFailure::Open, Some(address), error, now);
                        return true;
                    }
                }
            }
            other => (other, None),
        };
        self.data = Some(Data::new(id, slot, state));
        match event {
            Some(event) => {
                self.tell(id, event, now);
                true
            }
            None => false,
        }
    }

    /// As [`Self::drive_data`], once the data connection has been opened
    fn drive_connected(&mut self, transport: &mut impl TransportOf<S, L>, now: Time) -> bool {
        let Some(Data { id, state: DataState::Connected(stream, stage), .. }) = &mut self.data
        else {
            return false;
        };
        let id = *id;
        match stage {
            Stage::AwaitingTicket if self.linger.is_none() => {
                *stage = Stage::Open;
                self.begin_secure_data(id, now);
                true
            }
            Stage::Securing => match stream.handshake() {
                Ok(true) => {
                    *stage = Stage::Open;
                    let event = DataEvent::Secured(session_of(stream));
                    self.tell(id, event, now);
                    true
                }
                Ok(false) => false,
                Err(error) => {
                    *stage = Stage::Over(None);
                    self.data_failed(id, DataFailure::Tls, error, now);
                    true
                }
            },
            Stage::Moving(TransferState::Upload(..)) => self.drive_upload(transport, now),
            Stage::Moving(TransferState::TicketListing) => self.drive_ticket_listing(now),
            Stage::AwaitingTicket
            | Stage::Open
            | Stage::Moving(TransferState::Download(_))
            | Stage::Over(_) => false,
        }
    }

    /// Prepares the open data connection for writing; under TLS that happened with the handshake
    pub(super) fn write_at_once(&mut self, transport: &mut impl Transport<Stream = S>) {
        if let Some(Data { state: DataState::Connected(stream, Stage::Open), .. }) = &mut self.data
        {
            if !stream.is_secure() {
                transport.no_delay(stream.get_mut().io_mut());
            }
        }
    }

    /// Action: switches TLS on for the data connection
    pub(super) fn begin_secure_data(&mut self, id: DataId, now: Time) {
        let Some((slot, mut stream)) = self.take_open(id, now) else { return };
        if self.linger.is_some() {
            let state = DataState::Connected(stream, Stage::AwaitingTicket);
            self.data = Some(Data::new(id, slot, state));
            return;
        }
        // If a server accepts PROT P on a control connection in clear text, nothing has prepared TLS before.
        let context = self.may_secure().and_then(|()| self.security.prepare());
        let secured = context
            .map_err(io::Error::from)
            .and_then(|context| stream.secure(context, Role::Data).map_err(io::Error::from));
        let stage = if secured.is_ok() { Stage::Securing } else { Stage::Over(None) };
        self.data = Some(Data::new(id, slot, DataState::Connected(stream, stage)));
        if let Err(error) = secured {
            self.data_failed(id, DataFailure::Tls, error, now);
        }
    }

    /// Action: lets the bytes move
    pub(super) fn start_transfer(
        &mut self,
        id: DataId,
        op: Option<OpId>,
        direction: Direction,
        encoding: Encoding,
        now: Time,
    ) {
        let Some((slot, stream)) = self.take_open(id, now) else { return };
        self.attempt = Attempt::Moved;
        let ascii = encoding == Encoding::Ascii;
        let transfer = match direction {
            Direction::Download if op.is_none() => TransferState::TicketListing,
            Direction::Download => TransferState::Download(ascii.then(Box::default)),
            Direction::Upload => {
                let stage = UploadStage::Writing(ServerEnd::Open);
                TransferState::Upload(stage, ascii.then(Box::default))
            }
        };
        if let (Some(op), Direction::Upload) = (op, direction) {
            self.last_upload = Some(LastUpload { op, handshake: stream.handshake_kind() });
        }
        let state = DataState::Connected(stream, Stage::Moving(transfer));
        self.data = Some(Data::new(id, slot, state));
        self.carried = op;
        if let Some(op) = op {
            self.events.push_back(Event::DataOpen { op, direction });
        }
    }

    /// Takes the data connection for an order that needs it open
    ///
    /// If it is not open, it fails and the machine is told, unless the order was for another connection.
    fn take_open(&mut self, id: DataId, now: Time) -> Option<(Slot, Stream<Socket<S>>)> {
        match self.data.take() {
            Some(Data { id: live, slot, state: DataState::Connected(stream, Stage::Open) })
                if live == id =>
            {
                Some((slot, stream))
            }
            other => {
                let is_live = other.as_ref().is_some_and(|data| data.id == id);
                self.data = other;
                if is_live {
                    let text = "data connection was not ready for what was to be done with it";
                    self.data_failed(id, DataFailure::Broken, io::Error::other(text), now);
                }
                None
            }
        }
    }

    /// Action: discards the rest
    pub(super) fn discard(&mut self, id: DataId) {
        if let Some((live, _, transfer)) = self.moving() {
            if live == id {
                *transfer = TransferState::TicketListing;
            }
        }
    }

    /// Action: closes the data connection
    pub(super) fn close_data(
        &mut self,
        id: DataId,
        transport: &mut impl TransportOf<S, L>,
        now: Time,
    ) {
        let Some(data) = self.data.take_if(|data| data.id == id) else { return };
        let (stream, direction) = match data.state {
            DataState::Dialing { .. } => return,
            DataState::Connecting(socket, ..) | DataState::Tunneling(socket, _) => {
                return transport.close(socket.into_io());
            }
            DataState::Listening(listener, _) => return transport.close_listener(listener.io),
            DataState::Connected(stream, Stage::Over(direction)) => (stream, direction),
            DataState::Connected(mut stream, Stage::Moving(transfer)) => {
                let direction = transfer.direction();
                // In clear text the server may not have accepted the connection yet. pyftpdlib would not notice that it
                // was closed, and send the file on the next one (Q146).
                if direction == Direction::Download && stream.is_secure() {
                    transport.reset_on_close(stream.get_mut().io_mut());
                }
                (stream, Some(direction))
            }
            DataState::Connected(stream, Stage::Open | Stage::AwaitingTicket | Stage::Securing) => {
                (stream, None)
            }
        };
        let until = later(now, TICKET_TIMEOUT);
        if let Some(old) = self.linger.replace(Linger { stream, until, direction }) {
            transport.close(old.stream.into_inner().into_io());
        }
        self.drive_linger(transport, now);
    }

    /// Reads and discards a few bytes each round
    fn drive_ticket_listing(&mut self, now: Time) -> bool {
        let Some((id, stream, TransferState::TicketListing)) = self.moving() else { return false };
        if !is_readable(stream) {
            return false;
        }
        match stream.read(&mut [0; 4096]) {
            Ok(0) => self.over(id, DataEvent::Finished, now),
            Ok(count) => {
                self.proto.handle_data(now, id, DataEvent::Progress(count as u64));
                true
            }
            Err(error) if is_passing(&error) => false,
            Err(error) => self.data_broke(id, error, now),
        }
    }

    /// Handles a transfer whose bytes have not moved for the permitted time; returns true if the server is not at fault
    pub(super) fn data_expired(&mut self, now: Time) -> bool {
        let holds = self.holds_data();
        if !holds && !self.can_read() && !self.can_write() {
            return false;
        }
        let Some((id, ..)) = self.moving() else { return false };
        if holds {
            // The user could not move them yet, so the server is not at fault.
            self.proto.handle_data(now, id, DataEvent::Paused);
            return true;
        }
        match self.attempt {
            Attempt::Refuted => return false,
            // The user can make an attempt before the next turn; otherwise the user is pausing.
            Attempt::Blocked => self.attempt = Attempt::Due,
            Attempt::Moved | Attempt::Due => {
                self.proto.handle_data(now, id, DataEvent::Paused);
            }
        }
        true
    }

    /// Reports the result of a write to the machine; returns true if it changes anything
    pub(super) fn moved(&mut self, id: DataId, result: io::Result<usize>, now: Time) -> bool {
        match result {
            Ok(0) => false,
            Ok(count) => {
                self.proto.handle_data(now, id, DataEvent::Progress(count as u64));
                false
            }
            Err(error) if is_passing(&error) => false,
            Err(error) => self.data_broke(id, error, now),
        }
    }

    /// Handles the end of the data connection, which the machine will close; always returns true
    pub(super) fn over(&mut self, id: DataId, event: DataEvent, now: Time) -> bool {
        if let Some(Data { state: DataState::Connected(_, stage), .. }) = &mut self.data {
            if let Stage::Moving(transfer) = stage {
                *stage = Stage::Over(Some(transfer.direction()));
            }
        }
        self.tell(id, event, now);
        true
    }

    pub(super) fn tell(&mut self, id: DataId, event: DataEvent, now: Time) {
        self.count_tickets();
        self.proto.handle_data(now, id, event);
        self.work = Work::Left;
    }

    /// As [`Self::over`], with the error that ended it
    pub(super) fn data_broke(&mut self, id: DataId, error: io::Error, now: Time) -> bool {
        let failure = match TlsError::in_io(&error) {
            Some(TlsError::Truncated) => return self.over(id, DataEvent::Truncated, now),
            Some(_) => DataFailure::Tls,
            None => DataFailure::Broken,
        };
        self.data_failed(id, failure, error, now);
        true
    }

    fn data_failed(&mut self, id: DataId, failure: DataFailure, error: io::Error, now: Time) {
        self.data_failed_at(id, failure, None, error, now);
    }

    pub(super) fn data_failed_at(
        &mut self,
        id: DataId,
        failure: DataFailure,
        address: Option<SocketAddr>,
        error: io::Error,
        now: Time,
    ) {
        self.note_failure(failure, address, error);
        self.over(id, DataEvent::Failed(failure), now);
    }

    /// As [`Self::moving`], but only if the bytes belong to the running request, and the user knows that: after an abort
    /// its data connection stays open until the next turn, and another request may have begun
    pub(super) fn moving_current(
        &mut self,
    ) -> Option<(DataId, &mut Stream<Socket<S>>, &mut TransferState)> {
        if self.carries_current() { self.moving() } else { None }
    }

    pub(super) fn carries_current(&self) -> bool {
        self.carries_running() && self.carried == self.opened
    }

    /// Whether the bytes of the data connection are the running request's, but the user has not taken the event that
    /// says so
    ///
    /// The user may still believe that the transfer before it is running, and would take these bytes for that
    /// transfer's. The session itself sends what is left of an upload that the user has ended.
    pub(super) fn holds_data(&self) -> bool {
        let Some(Data { state: DataState::Connected(_, Stage::Moving(transfer)), .. }) = &self.data
        else {
            return false;
        };
        let is_users = matches!(
            transfer,
            TransferState::Download(_) | TransferState::Upload(UploadStage::Writing(_), _)
        );
        is_users && self.carries_running() && self.carried != self.opened
    }

    fn carries_running(&self) -> bool {
        let running = self.proto.running_transfer();
        running.is_some() && running == self.carried
    }

    pub(super) fn moving(
        &mut self,
    ) -> Option<(DataId, &mut Stream<Socket<S>>, &mut TransferState)> {
        match &mut self.data {
            Some(Data {
                id, state: DataState::Connected(stream, Stage::Moving(transfer)), ..
            }) => Some((*id, stream, transfer)),
            _ => None,
        }
    }
}

fn session_of<S>(stream: &Stream<S>) -> TlsSession {
    match stream.handshake_kind() {
        Some(HandshakeKind::Resumed) => TlsSession::Resumed,
        _ => TlsSession::New,
    }
}

#[cfg(test)]
mod tests;
