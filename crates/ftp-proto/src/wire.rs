//! The state that operations act on: both connections, facts about the server, deadlines, the queues

use alloc::collections::VecDeque;
use core::time::Duration;

use crate::claim::OpId;
use crate::config::{Config, DataHandshake, Telnet};
use crate::control::answers::{Answer, answer, is_only_a_transfers};
use crate::control::command::{Command, Verb};
use crate::control::reply::{Reply, ReplyKind};
use crate::control::{Barrier, Control};
use crate::data::{DataConnection, DataState};
use crate::event::{Action, Event, Trace, TraceDirection};
use crate::prefetch::{Ahead, is_passive};
use crate::server::Iac;
use crate::session::{Session, TicketSupply};
use crate::terms::{DataEndpoint, DataId, Direction, Encoding, IpFamily, Phase, Protection};
use crate::time::Time;
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
            control: Control::new(config.reply, config.telnet != Telnet::Single, barrier),
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

    /// Takes what a reply says about the server's treatment of Telnet's IAC
    pub(crate) fn learn_iac(&mut self, iac: Iac) {
        if iac == Iac::Unknown {
            return;
        }
        self.session.iac = iac;
        if self.config.telnet == Telnet::ByServer && iac.is_sent_single() {
            self.control.send_iac_single();
        }
    }

    /// Sends a command and starts the wait for its reply
    pub(crate) fn send(&mut self, now: Time, command: &Command<'_>) {
        self.trace_command(command);
        self.session.ahead.sends(command.verb());
        self.control.send(command);
        self.await_reply(now);
    }

    /// Sends EPSV during the running transfer, whose deadlines stay as they are
    pub(crate) fn send_prefetch(&mut self) {
        let command = Command::bare(Verb::EPSV);
        self.trace_command(&command);
        self.control.send_prefetch(&command);
        self.session.ahead = Ahead::Asked;
    }

    /// Takes a reply after the transfer during which EPSV was sent has been answered; returns whether it answers EPSV
    pub(crate) fn answers_prefetch(&mut self, reply: &Reply, now: Time) -> bool {
        match (reply.kind(), reply.code()) {
            // Some servers answer a transfer twice.
            (ReplyKind::Preliminary, _) => return false,
            (_, code) if is_only_a_transfers(Verb::EPSV, code) => return false,
            (ReplyKind::Completion, code) if answer(Verb::RETR, code) == Answer::Own => {
                return false;
            }
            (_, code) if is_passive(code) => self.session.ahead.answered(reply, now),
            _ => self.session.ahead.give_up(),
        }
        self.control.prefetch_answered();
        true
    }

    /// Sends `REST 0` or PWD, whose answer shows that everything before it has been answered
    pub(crate) fn send_sentinel(&mut self, now: Time, verb: Verb) {
        let command =
            if verb == Verb::REST { Command::number(verb, 0) } else { Command::bare(verb) };
        self.trace_command(&command);
        self.control.send_sentinel(&command);
        self.await_reply(now);
    }

    #[inline]
    fn trace_command(&mut self, command: &Command<'_>) {
        if self.config.trace {
            // The text comes from `Display` of a command, which masks secrets.
            let line = alloc::format!("{command}").into_bytes();
            self.events.push_back(Event::Trace(Trace { direction: TraceDirection::Sent, line }));
        }
    }

    /// Records a final reply to the first command that waits for one
    ///
    /// For a transfer it need not be the last reply; the wait for that one has a single deadline.
    pub(crate) fn reply_received(&mut self) {
        self.control.reply_received();
        if self.timers.phase(Timer::Command) != Some(Phase::FinalReply) {
            self.timers.stop(Timer::Command);
        }
    }

    /// (Re)starts the wait for the next reply, within the total time of its command
    pub(crate) fn await_reply(&mut self, now: Time) {
        let Some(verb) = self.control.front() else { return self.stop_reply_timers() };
        let phase = Phase::Reply(verb);
        self.timers.set_after(Timer::Reply, now, self.config.reply_timeout, phase);
        if self.timers.phase(Timer::Command).is_none() {
            self.timers.set_after(Timer::Command, now, self.config.command_timeout, phase);
        }
    }

    /// Starts the one deadline from an interruption until the session is ready for the next request, however many
    /// steps that takes
    pub(crate) fn start_settling(&mut self, now: Time) {
        self.timers.start(Timer::Settle, now, self.config.settle_timeout, Phase::Settle);
    }

    /// Leaves the next reply without a deadline of its own
    pub(crate) fn stop_reply_timers(&mut self) {
        self.timers.stop(Timer::Reply);
        self.timers.stop(Timer::Command);
    }

    /// Gives the next reply this much time, which preliminary replies don't renew
    pub(crate) fn await_reply_for(&mut self, now: Time, wait: Duration, phase: Phase) {
        self.timers.stop(Timer::Reply);
        self.timers.set_after(Timer::Command, now, wait, phase);
    }

    #[inline]
    pub(crate) fn trace_reply(&mut self, reply: &Reply) {
        if self.config.trace {
            let line = alloc::format!("{reply}").into_bytes();
            self.events
                .push_back(Event::Trace(Trace { direction: TraceDirection::Received, line }));
        }
    }

    /// From now on, forbids clear text in both directions
    pub(crate) fn raise_barrier(&mut self) {
        self.control.set_barrier(Barrier::Securing);
    }

    /// Raises the barrier and orders the TLS handshake of the control connection
    pub(crate) fn secure_control(&mut self, now: Time) {
        self.raise_barrier();
        self.actions.push_back(Action::SecureControl);
        self.await_control_tls(now);
    }

    /// (Re)starts the wait for TLS on the control connection
    pub(crate) fn await_control_tls(&mut self, now: Time) {
        self.timers.set_after(Timer::Reply, now, self.config.tls_timeout, Phase::ControlTls);
    }

    /// Raises the barrier and orders the end of TLS on the control connection
    pub(crate) fn clear_control(&mut self, now: Time) {
        self.control.set_barrier(Barrier::Clearing);
        self.actions.push_back(Action::ClearControl);
        self.await_control_tls(now);
    }

    pub(crate) fn open_data(&mut self, now: Time, endpoint: DataEndpoint) {
        // There is at most one data connection at a time, and ids never repeat.
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

    pub(crate) fn secure_data(&mut self, now: Time) {
        if let Some(data) = &mut self.data {
            data.state = DataState::Securing;
            self.actions.push_back(Action::SecureData(data.id));
            self.data_deadline(now, self.config.tls_timeout, Phase::DataTls);
        }
    }

    pub(crate) fn start_transfer(
        &mut self,
        now: Time,
        op: Option<OpId>,
        direction: Direction,
        encoding: Encoding,
    ) {
        if let Some(data) = &mut self.data {
            data.state = DataState::Moving;
            self.actions.push_back(Action::StartTransfer { id: data.id, op, direction, encoding });
            self.data_deadline(now, self.config.data_timeout, Phase::Transfer);
        }
    }

    /// Closes the data connection, if there is one, and returns its state
    pub(crate) fn close_data(&mut self) -> Option<DataConnection> {
        let data = self.data.take()?;
        self.timers.stop(Timer::Data);
        self.actions.push_back(Action::CloseData(data.id));
        Some(data)
    }

    pub(crate) fn data_state(&self) -> Option<DataState> {
        self.data.as_ref().map(|data| data.state)
    }

    pub(crate) fn data_deadline(&mut self, now: Time, after: Duration, phase: Phase) {
        self.timers.set_after(Timer::Data, now, after, phase);
    }

    /// Whether a data connection's TLS handshake waits for the preliminary reply
    pub(crate) fn handshake_waits(&self) -> bool {
        self.config.data_handshake == DataHandshake::AfterPreliminary
            || self.session.tickets == TicketSupply::Scarce
    }

    pub(crate) fn protects_data(&self) -> bool {
        self.session.protection == Protection::Private
    }
}
