//! Whose a reply is: the greeting, the running operation's, that of an earlier transfer, or nobody's

use alloc::boxed::Box;

use super::{Client, Life, State};
use crate::claim::Owner;
use crate::config::{ForeignReplies, Telnet, TlsPolicy};
use crate::control::answers;
use crate::control::command::Verb;
use crate::control::reply::{Code, Reply, ReplyKind};
use crate::error::{ConnectionError, ProtocolError};
use crate::event::Event;
use crate::held::Held;
use crate::op::flush::Flush;
use crate::op::machine::Input;
use crate::op::running::Running;
use crate::plan::Task;
use crate::session::{Late, RestartMarker};
use crate::settle::{Leftover, Settled};
use crate::terms::Phase;
use crate::timer::Timer;

impl Client {
    /// A reply has come
    pub(super) fn replied(&mut self, reply: Reply) {
        self.wire.trace_reply(&reply);
        self.last_reply = Some(reply.clone());
        self.wire.control.effects.replied();
        if reply.code() == Code::SERVICE_CLOSING {
            if self.is_quitting() {
                return self.quit_done(Some(reply));
            }
            return self.leave(ConnectionError::ServiceClosing(reply));
        }
        if let Life::Greeting = self.life {
            return self.greeted(reply);
        }
        if self.is_second_greeting(&reply) {
            return;
        }
        let Some(command) = self.asked() else {
            if self.absorbs(&reply) {
                return;
            }
            let may_refuse = may_be_late(Late::Due(1), reply.code());
            let unwritten = self.wire.control.front();
            let error = ProtocolError::UnsolicitedReply { reply, unwritten }.into();
            // A second final reply that takes back the first: whose it is can't be told.
            return if may_refuse { self.die(error) } else { self.leave(error) };
        };
        if reply.kind() != ReplyKind::Preliminary {
            self.life = Life::Live;
        }
        if let State::Settling(settling) = &mut self.state {
            let settled = settling.replied(reply, self.now, &mut self.wire);
            return self.settled(settled);
        }
        if reply.kind() == ReplyKind::Preliminary {
            self.wire.await_reply(self.now);
            return self.step_answered(Input::Reply(reply), Some(command));
        }
        if self.wire.control.pay_sentinel(reply.code()) {
            return self.sentinel_answered(command, reply.code());
        }
        if self.wire.control.front_is_sentinel() {
            return self.before_sentinel(&reply);
        }
        if self.is_foreign(command, &reply) {
            if reply.code() == Code::DATA_OPEN && self.wire.session.late != Late::None {
                self.wire.session.late = self.wire.session.late.less_one();
                return;
            }
            return self.leave(ProtocolError::ForeignReply { command, reply }.into());
        }
        self.answered(command, reply);
    }

    fn greeted(&mut self, reply: Reply) {
        match reply.kind() {
            // 120: service ready in some minutes, 220 follows.
            ReplyKind::Preliminary => return self.await_greeting(),
            ReplyKind::Completion => {}
            ReplyKind::Transient | ReplyKind::Permanent => {
                return self.die(ConnectionError::Refused(reply));
            }
            ReplyKind::Intermediate => {
                let error = ProtocolError::UnsolicitedReply { reply, unwritten: None };
                return self.die(error.into());
            }
        }
        self.life = Life::Greeted;
        self.wire.stop_reply_timers();
        let config = &self.wire.config;
        // The greeting of a proxy says nothing of the server.
        if config.telnet == Telnet::ByServer && config.gateway.is_none() && sends_iac_single(&reply)
        {
            self.wire.control.send_iac_single();
        }
        // Under TLS a login in clear text is not one.
        if reply.code() == Code::LOGGED_IN && self.wire.config.tls == TlsPolicy::Plaintext {
            self.wire.session.admitted = Some(reply.clone());
        }
        self.wire.events.push_back(Event::Greeting(reply));
    }

    /// Whether the server greets once more, which some do before they answer anything
    fn is_second_greeting(&self, reply: &Reply) -> bool {
        matches!(self.life, Life::Greeted)
            && reply.code() == Code::READY
            && !matches!(self.wire.control.front(), Some(Verb::HOST | Verb::OPEN))
    }

    /// The command that the next reply answers; `None` while none has been written out
    fn asked(&self) -> Option<Verb> {
        // The next command may be queued already, but its bytes have not left.
        self.wire.control.front().filter(|_| self.wire.control.front_written())
    }

    /// Whether a reply that nobody asked for is let pass, as it may be a transfer's
    fn absorbs(&mut self, reply: &Reply) -> bool {
        let late = self.wire.session.late;
        let runs = matches!(&self.state, State::Running(task) if matches!(task.operation, Running::Transfer(_)));
        let passes = match reply.kind() {
            ReplyKind::Preliminary | ReplyKind::Completion => runs || late != Late::None,
            ReplyKind::Transient | ReplyKind::Permanent => may_be_late(late, reply.code()),
            ReplyKind::Intermediate => false,
        };
        if passes && reply.kind() != ReplyKind::Preliminary {
            self.wire.session.late = late.less_one();
            self.step(Input::Late);
        }
        passes
    }

    fn settled(&mut self, settled: Settled) {
        let Settled::Yes(failed, leftover) = settled else { return };
        self.state = State::Idle;
        if leftover == Leftover::Transfer {
            self.queue.push_front(Task::new(Owner::Flush, Running::Flush(Flush::new())));
        }
        self.fail(failed);
    }

    /// A sentinel has been answered, and so has everything before it
    fn sentinel_answered(&mut self, command: Verb, code: Code) {
        if code == Code::ACTION_PENDING {
            self.wire.session.marker = RestartMarker::Clear;
        }
        match &mut self.held {
            Some(held) => match held.answered(code, self.now, &mut self.wire) {
                Some(reply) => self.proven(command, reply),
                None => self.await_proof(),
            },
            None => {
                self.wire.await_reply(self.now);
                self.step(Input::Sentinel(code));
            }
        }
    }

    /// This is the reply to the command of the running operation
    fn proven(&mut self, command: Verb, reply: Reply) {
        self.held = None;
        self.wire.session.late = self.wire.session.late.proven();
        self.wire.timers.stop(Timer::Quiet);
        self.deliver(command, reply);
    }

    /// The sentinel comes next, and this is not the answer that it wants
    fn before_sentinel(&mut self, reply: &Reply) {
        let late = self.wire.session.late;
        if may_be_late(Late::Due(1), reply.code()) {
            self.wire.session.late = late.less_one();
            return;
        }
        self.wire.pay();
        self.wire.await_reply(self.now);
        self.step(Input::Sentinel(reply.code()));
    }

    fn is_foreign(&self, command: Verb, reply: &Reply) -> bool {
        self.wire.config.foreign_replies == ForeignReplies::Reject
            && answers::is_foreign(command, reply.code())
    }

    /// A final reply that may answer this command
    fn answered(&mut self, command: Verb, reply: Reply) {
        if let Some(held) = &mut self.held {
            self.wire.session.late = self.wire.session.late.less_one();
            if !held.is_listening() {
                return match held.replied(reply, self.now, &mut self.wire) {
                    Some(reply) => self.proven(command, reply),
                    None => self.await_proof(),
                };
            }
            // The one that is held was an earlier transfer's.
            self.wire.timers.stop(Timer::Quiet);
            self.held = None;
        }
        if self.is_doubtful(command, &reply) {
            let is_due = matches!(self.wire.session.late, Late::Due(1..));
            let mut held = Held::new(reply);
            if is_due && answers::is_only_a_transfers(command, held.reply().code()) {
                held.listen(command);
            } else {
                held.ask(command, self.now, &mut self.wire);
            }
            self.held = Some(Box::new(held));
            return self.await_proof();
        }
        self.deliver(command, reply);
    }

    /// The sentinel may be swallowed
    fn await_proof(&mut self) {
        let wait = self.wire.config.settle_quiet;
        self.wire.timers.set_after(Timer::Quiet, self.now, wait, Phase::Settle);
    }

    /// Gives the running operation the final reply to its command
    fn deliver(&mut self, command: Verb, reply: Reply) {
        self.wire.pay();
        self.wire.await_reply(self.now);
        self.step_answered(Input::Reply(reply), Some(command));
    }

    /// Whether a final reply may be an earlier transfer's
    fn is_doubtful(&self, command: Verb, reply: &Reply) -> bool {
        let State::Running(task) = &self.state else { return false };
        // What transfers nothing does not end like a transfer.
        let late = match (self.wire.session.late, &task.operation) {
            (Late::None, Running::Simple(_)) => Late::Echo,
            (late, _) => late,
        };
        // A transfer that runs proves its own final reply, when its data has ended.
        command != Verb::QUIT && !task.operation.proves_its_end() && may_be_late(late, reply.code())
    }

    /// Whether the running transfer waits to be told of TLS session tickets
    pub(super) fn awaits_ticket(&self) -> bool {
        matches!(&self.state, State::Running(task) if task.operation.awaits_ticket())
    }

    /// Nothing was heard for a while after the sentinel
    pub(super) fn quiet(&mut self) {
        match (&mut self.held, &mut self.state) {
            (Some(held), _) => {
                let reply = held.quiet(self.now, &mut self.wire);
                if let (Some(reply), Some(command)) = (reply, self.wire.control.front()) {
                    self.proven(command, reply);
                }
            }
            (None, State::Settling(settling)) => {
                let failed = settling.quiet(self.now, &mut self.wire);
                self.fail(failed);
            }
            (None, State::Running(_)) => self.step(Input::Quiet),
            (None, State::Idle) => self.wire.timers.stop(Timer::Quiet),
        }
    }
}

/// Whether a final reply of this code may be an earlier transfer's, or ABOR's
fn may_be_late(late: Late, code: Code) -> bool {
    match late {
        Late::None => false,
        // Nothing is missing: only what no other command is answered with.
        Late::Echo | Late::Due(0) => matches!(code.get(), 225 | 226 | 425 | 426),
        Late::Due(1..) => matches!(code.get(), 225 | 226 | 250 | 425 | 426 | 450..=452 | 550..=553),
    }
}

/// Whether the greeting is one of the servers that do not know Telnet's IAC in names
fn sends_iac_single(greeting: &Reply) -> bool {
    let text = greeting.wire_text().to_ascii_lowercase();
    [&b"vsftpd"[..], b"pure-ftpd"].iter().any(|name| memchr::memmem::find(&text, name).is_some())
}
