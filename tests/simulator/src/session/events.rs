//! Virtual time, and the events in it

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use ftp_proto::{ControlEvent, DataEvent, DataFailure, DataId, Time};

use super::super::{Broken, FOREIGN, Fault, Gone, MoveEnd, REFUSALS, Session, Task, Way, api};
use super::{HOST, What};

impl Session {
    pub(super) fn greet(&mut self) {
        let mut out = Vec::new();
        self.server.greet(&mut out);
        self.answer(out);
    }

    /// Notes how a data connection ends, if it is the current one
    pub(super) fn note_end(&mut self, id: DataId, end: MoveEnd) {
        if let Some((live, number)) = self.data {
            if live == id {
                self.moves.entry(number).or_default().end.get_or_insert((end, self.now));
            }
        }
    }

    /// Whether the server has not read the command of the transfer on this connection yet
    fn has_not_begun(&self, number: u32) -> bool {
        number == self.number && self.served < number && !self.server.is_moving()
    }

    fn is_served(&self, number: u32) -> bool {
        number == self.number || number == self.served
    }

    pub(in super::super) fn time(&self) -> Time {
        self.start + self.now
    }

    pub(in super::super) fn note(&mut self, line: impl FnOnce() -> String) {
        if self.traced {
            let _ = writeln!(self.trace, "{:>12} {}", self.now.as_micros(), line());
        }
    }

    /// Lets something arrive on a channel, after everything sent there before
    pub(in super::super) fn later(&mut self, channel: usize, what: What) {
        let delay = Duration::from_micros(100 + self.seed.below(40_000) as u64);
        let at = (self.now + delay).max(self.last[channel]);
        self.last[channel] = at;
        self.at(at, what);
    }

    pub(in super::super) fn at(&mut self, at: Duration, what: What) {
        self.sequence += 1;
        self.queue.insert((at, self.sequence), what);
    }

    /// Handles the next arrival or the client's deadline, whichever is first
    pub(super) fn advance(&mut self) -> bool {
        let deadline = self
            .client
            .poll_timeout()
            .filter(|_| self.broken != Broken::Hangs)
            .map(|at| at.saturating_duration_since(self.start));
        let next = self.queue.keys().next().copied();
        match (next, deadline) {
            (Some(key), deadline) if deadline.is_none_or(|deadline| key.0 <= deadline) => {
                self.now = self.now.max(key.0);
                if let Some(what) = self.queue.remove(&key) {
                    self.note(|| format!("{what:?}"));
                    self.happen(what);
                }
            }
            (_, Some(deadline)) => {
                self.now = self.now.max(deadline);
                self.note(|| "deadline".to_owned());
                self.client.handle_timeout(self.time());
            }
            _ => return false,
        }
        true
    }

    pub(super) fn happen(&mut self, what: What) {
        let now = self.time();
        let mut out = Vec::new();
        match what {
            What::ToClient(bytes) => {
                self.control.count(bytes.len(), self.now);
                if self.client.wants_input() {
                    let _ = self.client.handle_input(now, &bytes);
                }
            }
            What::ClientEof => {
                self.gone.get_or_insert(Gone::Eof(self.now));
                self.client.handle_control(now, ControlEvent::Closed);
            }
            What::Abort(op) => {
                self.aborted = true;
                api::abort(&mut self.client, op);
            }
            What::Stray(index) => {
                let (code, text) = FOREIGN[usize::from(index)];
                self.stray(code, text);
            }
            What::ToServer(line) if self.control.open => {
                let number = self.commands;
                self.commands += 1;
                match self.control.fault {
                    // A command that waits for the end of a transfer is carried out or refused after that end.
                    Fault::Refused(index, at) if at == number && !self.server.is_moving() => {
                        let (code, text) = REFUSALS[usize::from(index)];
                        self.server.refuse(&line, code, text, &mut out);
                    }
                    _ => self.server.line(&line, &mut out),
                }
            }
            What::ToServer(_) => {}
            What::ControlTls(true) => {
                self.tickets = self.profile.tickets().login;
                self.client.handle_control(now, ControlEvent::Secured);
                if self.way == Way::Implicit {
                    self.greet();
                }
            }
            What::ControlTls(false) => {
                self.gone.get_or_insert(Gone::Eof(self.now));
                self.client.handle_control(now, ControlEvent::Closed);
            }
            What::Listening(id) => {
                let event = DataEvent::Listening(SocketAddr::new(HOST, 4000));
                self.client.handle_data(now, id, event);
            }
            What::Accepted(id) => {
                let event = DataEvent::Accepted { peer: HOST, control_peer: HOST };
                self.client.handle_data(now, id, event);
                self.ready(id);
            }
            What::DataSecured(id, Some(session)) => self.secured(id, session, &mut out),
            What::DataSecured(id, None) => {
                self.note_end(id, MoveEnd::Failed(DataFailure::Tls));
                self.client.handle_data(now, id, DataEvent::Failed(DataFailure::Tls));
                self.server.data_failed(&mut out);
            }
            // The connection was given up in the meantime.
            What::Connected(id, true) if self.data.is_none_or(|(live, _)| live != id) => {}
            What::Connected(id, true) => {
                self.client.handle_data(now, id, DataEvent::Connected);
                if !self.way.is_tls() {
                    self.ready(id);
                }
            }
            What::Connected(id, false) => {
                self.note_end(id, MoveEnd::Failed(DataFailure::Open));
                self.client.handle_data(now, id, DataEvent::Failed(DataFailure::Open));
            }
            What::Bytes(id, bytes) => {
                if let Some((live, number)) = self.data {
                    if live == id {
                        self.received.entry(number).or_default().extend_from_slice(&bytes);
                        self.moves.entry(number).or_default().bytes += bytes.len();
                        self.client.handle_data(now, id, DataEvent::Progress(bytes.len() as u64));
                        if matches!(self.task, Task::AbortGet | Task::AbortList)
                            && !self.requests.probing
                        {
                            api::abort(&mut self.client, self.requests.op);
                        }
                    }
                }
            }
            What::Ends(id, event) => {
                match event {
                    DataEvent::Finished => self.note_end(id, MoveEnd::Finished),
                    DataEvent::Truncated => self.note_end(id, MoveEnd::Ragged),
                    DataEvent::Failed(failure) => self.note_end(id, MoveEnd::Failed(failure)),
                    _ => {}
                }
                self.client.handle_data(now, id, event);
            }
            What::Sent(id, number) => {
                if self.data == Some((id, number)) {
                    self.client.handle_data(now, id, DataEvent::Sent);
                    self.later(3, What::ServerEnd(number));
                    let end = self.last[3] + Duration::from_millis(20);
                    self.at(end, What::Ends(id, DataEvent::Finished));
                }
            }
            What::Swallowed(number) if self.is_served(number) => self.server.swallowed(&mut out),
            What::AllSent(number) if self.is_served(number) => self.server.sent(&mut out),
            // The system keeps what arrives before the transfer's command.
            What::ServerBytes(number, _) if self.has_not_begun(number) => self.held.push(what),
            What::ServerEnd(number) if self.has_not_begun(number) && !self.held.is_empty() => {
                self.held.push(what);
            }
            What::ServerBytes(number, bytes) if self.is_served(number) => {
                self.server.receive(&bytes);
            }
            // The end of the connection before does not concern the one that the next transfer will use.
            What::ServerEnd(number) if number < self.number && !self.server.is_moving() => {}
            What::ServerEnd(number) if self.is_served(number) => {
                // Data that was to be sent on it is dropped with it.
                self.pending = None;
                self.server.client_closed(&mut out);
            }
            What::AcceptTimeout(number)
                if self.is_served(number) && !self.server.is_connected() =>
            {
                self.pending = None;
                self.server.data_failed(&mut out);
            }
            What::Rest(id, number) if self.is_served(number) && self.server.is_moving() => {
                if let Some(rest) = self.rest.take() {
                    self.send_all(id, number, &rest);
                }
            }
            What::Rest(..)
            | What::AllSent(_)
            | What::ServerBytes(..)
            | What::ServerEnd(_)
            | What::Swallowed(_)
            | What::AcceptTimeout(_) => {}
        }
        self.answer(out);
        if self.server.is_moving() {
            for what in std::mem::take(&mut self.held) {
                self.happen(what);
            }
        }
    }
}
