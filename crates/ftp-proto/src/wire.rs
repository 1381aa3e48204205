//! What operations act on: both connections, what is known of the server, deadlines, the queues

use alloc::collections::VecDeque;
use std::time::Instant;

use crate::config::{Config, DataHandshake};
use crate::control::command::Command;
use crate::control::reply::Reply;
use crate::control::{Barrier, Control};
use crate::data::{DataConnection, DataState};
use crate::event::{Action, Event, Trace, TraceDirection};
use crate::session::{Carried, Session, TicketSupply};
use crate::terms::{DataEndpoint, DataId, Direction, Encoding, IpFamily, Phase, Protection};
use crate::timer::{Timer, TimerTable};

#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) config: Config,
    pub(crate) family: IpFamily,
    pub(crate) control: Control,
    pub(crate) data: Option<DataConnection>,
    pub(crate) session: Session,
    pub(crate) timers: TimerTable,
    pub(crate) actions: VecDeque<Action>,
    pub(crate) events: VecDeque<Event>,
    next_data: u32,
}

impl Wire {
    pub(crate) fn new(config: Config, family: IpFamily, barrier: Barrier) -> Self {
        Self {
            control: Control::new(config.reply, config.telnet, barrier),
            config,
            family,
            data: None,
            session: Session::new(),
            timers: TimerTable::default(),
            actions: VecDeque::new(),
            events: VecDeque::new(),
            next_data: 1,
        }
    }

    /// Sends a command and waits for its reply
    pub(crate) fn send(&mut self, now: Instant, command: &Command<'_>) {
        if self.config.trace {
            // `Display` of a command masks, which makes it the one way to text.
            let line = alloc::format!("{command}").into_bytes();
            self.events.push_back(Event::Trace(Trace { direction: TraceDirection::Sent, line }));
        }
        self.control.send(command);
        self.await_reply(now);
    }

    /// (Re)starts the wait for the reply that comes next
    pub(crate) fn await_reply(&mut self, now: Instant) {
        match self.control.front() {
            Some(verb) => {
                let wait = self.config.reply_timeout;
                self.timers.set_after(Timer::Reply, now, wait, Phase::Reply(verb));
            }
            None => self.timers.stop(Timer::Reply),
        }
    }

    pub(crate) fn trace_reply(&mut self, reply: &Reply) {
        if self.config.trace {
            let line = alloc::format!("{reply}").into_bytes();
            self.events
                .push_back(Event::Trace(Trace { direction: TraceDirection::Received, line }));
        }
    }

    /// From here on not a byte in clear, in either direction
    pub(crate) fn raise_barrier(&mut self) {
        self.control.set_barrier(Barrier::Securing);
    }

    /// Raises the barrier and orders the TLS handshake of the control connection
    pub(crate) fn secure_control(&mut self, now: Instant) {
        self.raise_barrier();
        self.actions.push_back(Action::SecureControl);
        self.await_control_tls(now);
    }

    /// (Re)starts the wait for TLS on the control connection
    pub(crate) fn await_control_tls(&mut self, now: Instant) {
        self.timers.set_after(Timer::Reply, now, self.config.tls_timeout, Phase::ControlTls);
    }

    /// Raises the barrier and orders the end of TLS on the control connection
    pub(crate) fn clear_control(&mut self, now: Instant) {
        self.control.set_barrier(Barrier::Clearing);
        self.actions.push_back(Action::ClearControl);
        self.await_control_tls(now);
    }

    pub(crate) fn open_data(&mut self, now: Instant, endpoint: DataEndpoint) {
        // Law 7: one live data connection, ids never repeat.
        self.close_data();
        let id = DataId(self.next_data);
        self.next_data = self.next_data.wrapping_add(1);
        let state = match endpoint {
            DataEndpoint::Connect { .. } => DataState::Connecting,
            DataEndpoint::Listen { .. } => DataState::Binding,
        };
        self.data = Some(DataConnection::new(id, state));
        self.actions.push_back(Action::OpenData(id, endpoint));
        self.data_deadline(now, self.config.data_connect_timeout, Phase::DataConnect);
    }

    pub(crate) fn secure_data(&mut self, now: Instant) {
        if let Some(data) = &mut self.data {
            data.state = DataState::Securing;
            self.actions.push_back(Action::SecureData(data.id));
            self.data_deadline(now, self.config.tls_timeout, Phase::DataTls);
        }
    }

    pub(crate) fn start_transfer(
        &mut self,
        now: Instant,
        direction: Direction,
        encoding: Encoding,
    ) {
        if let Some(data) = &mut self.data {
            data.state = DataState::Moving;
            self.actions.push_back(Action::StartTransfer(data.id, direction, encoding));
            self.data_deadline(now, self.config.data_timeout, Phase::Transfer);
        }
    }

    /// Closes the data connection, if there is one, and gives back what is known of it
    pub(crate) fn close_data(&mut self) -> Option<DataConnection> {
        let data = self.data.take()?;
        self.session.carried = match data.state {
            DataState::Moving => Carried::Something,
            _ if data.bytes > 0 => Carried::Something,
            _ => Carried::Nothing,
        };
        self.timers.stop(Timer::Data);
        self.actions.push_back(Action::CloseData(data.id));
        Some(data)
    }

    pub(crate) fn data_state(&self) -> Option<DataState> {
        self.data.as_ref().map(|data| data.state)
    }

    pub(crate) fn data_deadline(
        &mut self,
        now: Instant,
        after: core::time::Duration,
        phase: Phase,
    ) {
        self.timers.set_after(Timer::Data, now, after, phase);
    }

    /// Whether a data connection's handshake waits for the preliminary reply
    pub(crate) fn handshake_waits(&self) -> bool {
        self.config.data_handshake == DataHandshake::AfterPreliminary
            || self.session.tickets == TicketSupply::Scarce
    }

    pub(crate) fn protects_data(&self) -> bool {
        self.session.protection == Protection::Private
    }
}
