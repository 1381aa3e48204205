//! The driver of a session, and the data connection between client and server

use std::time::Duration;

use ftp_proto::{Action, DataEndpoint, DataEvent, DataFailure, DataId, TicketSupply, TlsSession};

use super::api;
use super::session::{Handshake, What};
use super::{Answer, DataFault, Fault, Habit, HandshakeFault, Session, Task, Way};

impl Session {
    /// Handles the establishment of the data connection on the server's side
    pub(super) fn ready(&mut self, id: DataId) {
        let Some((live, number)) = self.data else { return };
        if live != id {
            return;
        }
        let mut out = Vec::new();
        self.server.connected(&mut out);
        self.answer(out);
        if let Some(bytes) = self.pending.take() {
            self.send(id, number, bytes);
        }
    }

    /// Handles that one side is ready for the data connection's handshake, which is made when both are
    pub(super) fn shake_hands(&mut self, side: Handshake) {
        let Some((id, _)) = self.data else { return };
        match (self.handshake, side) {
            (Handshake::No, side) => self.handshake = side,
            (Handshake::Client, Handshake::Server) | (Handshake::Server, Handshake::Client) => {
                self.handshake = Handshake::No;
                match self.control.fault {
                    Fault::DataTls(how) if self.number == 1 => match how {
                        HandshakeFault::Failed => self.later(2, What::DataSecured(id, None)),
                        HandshakeFault::Silent => {}
                    },
                    fault => {
                        let forgotten = fault == Fault::Forgotten && self.number == 1;
                        let session = match self.tickets.checked_sub(1) {
                            Some(left) => {
                                self.tickets = left;
                                if forgotten { TlsSession::New } else { TlsSession::Resumed }
                            }
                            None => TlsSession::New,
                        };
                        self.later(2, What::DataSecured(id, Some(session)));
                    }
                }
            }
            _ => {}
        }
    }

    /// Handles the end of the handshake on both sides
    pub(super) fn secured(&mut self, id: DataId, session: TlsSession, out: &mut Vec<Answer>) {
        if self.data.is_none_or(|(live, _)| live != id) {
            return;
        }
        let given = self.profile.tickets();
        if let Some((_, number)) = self.data {
            self.moves.entry(number).or_default().fresh = session == TlsSession::New;
        }
        self.tickets += if self.server.is_taking() { given.upload } else { given.download };
        let now = self.time();
        self.client.handle_data(now, id, DataEvent::Secured(session));
        match given.refusal {
            Some(code) if session == TlsSession::New => {
                self.pending = None;
                self.later(2, What::Ends(id, DataEvent::Truncated));
                self.server.spurned(code, out);
            }
            _ => self.ready(id),
        }
    }

    /// Reports the supply of tickets to the client
    pub(super) fn count_tickets(&mut self) {
        let given = self.profile.tickets();
        if self.way.is_tls() {
            self.client.set_ticket_supply(match self.tickets {
                0 if given.login == 0 || given.refusal.is_none() => TicketSupply::Unneeded,
                0 => TicketSupply::Wanted,
                1 => TicketSupply::Scarce,
                _ => TicketSupply::Ample,
            });
        }
    }

    /// Makes the server's end of a data connection, once its transfer has begun
    pub(super) fn connect(&mut self) {
        let refused = self.data_fault().is_some_and(|(how, _)| how == DataFault::Refused);
        match (self.way, self.data) {
            (Way::Tls | Way::Implicit, Some(_)) => self.shake_hands(Handshake::Server),
            (Way::Active, Some((id, _))) if !refused => self.later(2, What::Accepted(id)),
            _ => {}
        }
    }

    /// Acts as the driver: writes bytes and carries out actions
    pub(super) fn drive(&mut self) {
        self.count_tickets();
        while let Some(bytes) = self.client.poll_transmit() {
            let count = 1 + self.seed.below(bytes.len());
            self.line.extend_from_slice(&bytes[..count]);
            let now = self.time();
            self.client.handle_transmit(now, count);
            while let Some(end) = self.line.windows(2).position(|pair| pair == b"\r\n") {
                let line: Vec<u8> = self.line.drain(..end + 2).collect();
                let text = String::from_utf8_lossy(&line[..end]).into_owned();
                self.control.asked += 1;
                self.later(0, What::ToServer(text));
            }
        }
        while let Some(action) = self.client.poll_action() {
            self.note(|| format!("action {action:?}"));
            let closes = matches!(action, Action::CloseData(_));
            if let Some(id) = api::upload_begins(&action) {
                self.upload(id);
                continue;
            }
            match action {
                Action::SecureControl => match self.control.fault {
                    Fault::ControlTls(HandshakeFault::Silent) => {}
                    Fault::ControlTls(HandshakeFault::Failed) => {
                        self.later(1, What::ControlTls(false));
                    }
                    _ => self.later(1, What::ControlTls(true)),
                },
                Action::SecureData(_) => self.shake_hands(Handshake::Client),
                Action::OpenData(id, endpoint) => {
                    self.number += 1;
                    self.data = Some((id, self.number));
                    self.handshake = Handshake::No;
                    self.held.clear();
                    self.last[2] = self.now;
                    self.last[3] = self.now;
                    if let DataEndpoint::Listen { .. } = endpoint {
                        self.later(2, What::Listening(id));
                        continue;
                    }
                    // The session's second data connection, for which the command is sent before it is established.
                    let is_next =
                        self.requests.probing || self.requests.next.is_some() && self.number == 2;
                    let later = match (self.control.fault, self.requests.next) {
                        (Fault::Data(how, _), Some(op)) if is_next && !self.struck => {
                            Some((how, op))
                        }
                        _ => None,
                    };
                    match later {
                        Some((DataFault::RefusedLater, _)) => {
                            self.struck = true;
                            self.later(2, What::Connected(id, false));
                            continue;
                        }
                        Some((DataFault::AbortedLater, op)) => {
                            self.struck = true;
                            self.at(self.now + Duration::from_secs(1), What::Abort(op));
                            self.at(self.now + Duration::from_secs(5), What::Connected(id, true));
                            continue;
                        }
                        _ => {}
                    }
                    let refused =
                        self.data_fault().is_some_and(|(how, _)| how == DataFault::Refused);
                    let expired = matches!(endpoint, DataEndpoint::Connect { port: 6000, .. });
                    self.later(2, What::Connected(id, !refused && !expired));
                }
                Action::CloseData(id) => {
                    if let Some((live, number)) = self.data {
                        if live == id {
                            self.data = None;
                            self.later(3, What::ServerEnd(number));
                        }
                    }
                }
                _ => {}
            }
            if closes {
                self.count_tickets();
            }
        }
    }

    /// Returns the fault of the task's data connection, which is the first one
    pub(super) fn data_fault(&self) -> Option<(DataFault, usize)> {
        match self.control.fault {
            Fault::Data(DataFault::RefusedLater | DataFault::AbortedLater, _) => None,
            Fault::Data(how, at) if self.number == 1 => Some((how, at)),
            _ => None,
        }
    }

    pub(super) fn send(&mut self, id: DataId, number: u32, bytes: Vec<u8>) {
        let halts = matches!(self.habit, Habit::Beside(how) if how.ends_transfers());
        if halts && self.data_fault().is_none() {
            // There is something left to be cut off.
            let (now, later) = bytes.split_at(bytes.len() / 2);
            self.rest = Some(later.to_vec());
            self.later(2, What::Bytes(id, now.to_vec()));
            return self.at(self.now + Duration::from_secs(1), What::Rest(id, number));
        }
        self.send_all(id, number, &bytes);
    }

    pub(super) fn send_all(&mut self, id: DataId, number: u32, bytes: &[u8]) {
        let (mut rest, fault) = match self.data_fault() {
            Some((how, at)) => (&bytes[..at.min(bytes.len())], Some(how)),
            None => (bytes, None),
        };
        if let Habit::FinalEarly(_) = self.habit {
            // The server's early reply arrives before the first byte.
            self.last[2] = self.last[2].max(self.now + Duration::from_secs(1));
        }
        while !rest.is_empty() {
            let (chunk, tail) = rest.split_at(1 + self.seed.below(rest.len()));
            self.later(2, What::Bytes(id, chunk.to_vec()));
            rest = tail;
        }
        let mut out = Vec::new();
        match fault {
            None => {
                self.later(2, What::Ends(id, DataEvent::Finished));
                self.later(3, What::AllSent(number));
            }
            Some(DataFault::Cut) => {
                self.later(2, What::Ends(id, DataEvent::Finished));
                self.server.data_failed(&mut out);
            }
            Some(DataFault::Reset) => {
                self.later(2, What::Ends(id, DataEvent::Failed(DataFailure::Broken)));
                self.server.data_failed(&mut out);
            }
            Some(DataFault::Ragged) => {
                self.later(2, What::Ends(id, DataEvent::Truncated));
                self.server.data_failed(&mut out);
            }
            Some(DataFault::CutAndGone) => {
                self.later(2, What::Ends(id, DataEvent::Finished));
                self.gone_soon();
            }
            // These two faults are only of uploads.
            Some(DataFault::Swallowed) => {
                self.later(2, What::Ends(id, DataEvent::Failed(DataFailure::Broken)));
                self.server.swallowed(&mut out);
            }
            // The other faults affect connections that never carry anything.
            Some(_) => {}
        }
        self.answer(out);
    }

    /// Ends the control connection shortly after the data connection
    fn gone_soon(&mut self) {
        self.control.open = false;
        let after = self.last[2] + Duration::from_millis(200);
        self.at(after, What::ClientEof);
    }

    /// Writes the whole upload, ends the client's side, and reports the end when the server has closed
    pub(super) fn upload(&mut self, id: DataId) {
        let Some((live, number)) = self.data else { return };
        if live != id {
            return;
        }
        let now = self.time();
        let all = self.upload.clone();
        let (mut rest, fault) = match self.data_fault() {
            Some((DataFault::Swallowed, _)) => (all.as_slice(), Some(DataFault::Swallowed)),
            Some((how, at)) => (&all[..at.min(all.len())], Some(how)),
            None => (all.as_slice(), None),
        };
        self.moves.entry(number).or_default().bytes += rest.len();
        let mut taken = match self.data_fault() {
            Some((DataFault::Swallowed, at)) => at,
            _ => usize::MAX,
        };
        while !rest.is_empty() {
            let (chunk, tail) = rest.split_at(1 + self.seed.below(rest.len()));
            self.client.handle_data(now, id, DataEvent::Progress(chunk.len() as u64));
            let passed = taken.min(chunk.len());
            taken -= passed;
            self.later(3, What::ServerBytes(number, chunk[..passed].to_vec()));
            rest = tail;
        }
        let mut out = Vec::new();
        match fault {
            None if self.task == Task::AbortPut && !self.requests.probing => {
                api::abort(&mut self.client, self.requests.op);
            }
            Some(DataFault::Swallowed) => {
                let end = self.last[3] + Duration::from_millis(20);
                self.at(end, What::Ends(id, DataEvent::Failed(DataFailure::Broken)));
                self.at(self.last[3], What::Swallowed(number));
            }
            Some(DataFault::CutAndGone) => {
                self.later(2, What::Ends(id, DataEvent::Failed(DataFailure::Broken)));
                self.gone_soon();
            }
            // The server's early reply arrives before the last byte is sent.
            None if matches!(self.habit, Habit::FinalEarly(_)) => {
                self.at(self.now + Duration::from_secs(1), What::Sent(id, number));
            }
            None => self.later(2, What::Sent(id, number)),
            Some(DataFault::Cut | DataFault::Reset | DataFault::Ragged) => {
                self.later(2, What::Ends(id, DataEvent::Failed(DataFailure::Broken)));
                self.server.data_failed(&mut out);
            }
            // The other faults affect connections that never carry anything.
            Some(_) => {}
        }
        self.answer(out);
    }
}
