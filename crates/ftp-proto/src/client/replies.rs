//! What a reply belongs to: the greeting, the running operation, an earlier transfer, or nothing

use alloc::boxed::Box;

use super::{Client, Life, State};
use crate::claim::Owner;
use crate::config::{ForeignReplies, TlsPolicy};
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
use crate::server::{Iac, Kind};
use crate::session::{Late, RestartMarker};
use crate::settle::{Leftover, Settled};
use crate::terms::Phase;
use crate::timer::Timer;

impl Client {
    /// Masks a secret in replies, errors and traces, as if this session had sent it
    ///
    /// This is for a secret that the peer may have received before the session began, for example the password of a
    /// proxy, which may repeat it in place of the server's greeting. Nothing is sent.
    pub fn mask_secret(&mut self, secret: impl AsRef<[u8]>) {
        self.wire.control.remember_secret(secret.as_ref());
    }

    /// Takes a reply
    pub(super) fn replied(&mut self, mut reply: Reply) {
        self.wire.control.mask_secrets(&mut reply);
        self.wire.trace_reply(&reply);
        self.last_reply = Some(reply.clone());
        self.wire.control.effects.replied();
        let is_closing = reply.code() == Code::SERVICE_CLOSING;
        if is_closing || self.is_last_of_vsftpd(&reply) {
            if self.is_quitting() {
                return self.quit_done(Some(reply));
            }
            if self.wire.control.expects_prefetch() {
                // It may be about the EPSV that was sent along.
                self.wire.session.ahead.give_up();
            }
            return self.leave(match is_closing {
                true => ConnectionError::ServiceClosing(reply),
                false => ConnectionError::Crashed(reply),
            });
        }
        if let Life::Greeting = self.life {
            return self.greeted(reply);
        }
        if self.is_second_greeting(&reply) {
            return;
        }
        if self.is_second_of_login(&reply) {
            self.life = Life::Live;
            return;
        }
        let Some(command) = self.asked() else {
            if self.absorbs(&reply) {
                return;
            }
            let may_refuse = may_be_late(Late::Due(1), reply.code());
            let unwritten = self.wire.control.front();
            let error = ProtocolError::UnsolicitedReply { reply, unwritten }.into();
            // A second final reply that contradicts the first: which transfer it belongs to can't be known.
            return if may_refuse { self.die(error) } else { self.leave(error) };
        };
        if reply.kind() != ReplyKind::Preliminary {
            self.life = match reply.code() {
                Code::LOGGED_IN if logs_in(command) => Life::LoggedIn,
                _ => Life::Live,
            };
        }
        self.attribute(command, reply);
    }

    /// Takes a reply that comes while the reply to this command is awaited
    fn attribute(&mut self, command: Verb, reply: Reply) {
        if self.is_foreign_beside(&reply) {
            return self.leave(ProtocolError::ForeignReply { command, reply }.into());
        }
        if let State::Settling(settling) = &mut self.state {
            let settled = settling.replied(reply, self.now, &mut self.wire);
            return self.settled(settled);
        }
        if reply.kind() == ReplyKind::Preliminary {
            self.wire.await_reply(self.now);
            return self.step_answered(Input::Reply(reply), Some(command));
        }
        if self.wire.control.sentinel_received(reply.code()) {
            return self.sentinel_answered(command, reply.code());
        }
        if self.wire.control.expects_prefetch() {
            return self.replied_to_one(command, reply);
        }
        self.replied_to(command, reply);
    }

    /// Takes a final reply to this command, unless it turns out to be another's
    pub(super) fn replied_to(&mut self, command: Verb, reply: Reply) {
        if self.wire.control.front_is_sentinel() {
            return self.before_sentinel(&reply);
        }
        if self.is_foreign(command, &reply) {
            if let Some((next, held)) = self.held_before(&reply) {
                // This reply answers the next command, whatever the operation does with its own.
                self.proven(command, held);
                return self.attribute(next, reply);
            }
            if reply.code() == Code::DATA_OPEN && self.wire.session.late != Late::None {
                self.wire.session.late = self.wire.session.late.less_one();
                return;
            }
            return self.leave(ProtocolError::ForeignReply { command, reply }.into());
        }
        self.answered(command, reply);
    }

    /// Returns the next command of a batch and the reply that is held back, if this reply answers that command: then the
    /// other one answers the first command
    fn held_before(&self, reply: &Reply) -> Option<(Verb, Reply)> {
        let held = self.held.as_ref().filter(|held| held.is_listening())?;
        let next = self.wire.control.second().filter(|next| !self.is_foreign(*next, reply))?;
        Some((next, held.reply().clone()))
    }

    /// Whether vsftpd's process exits after this reply, whatever the command was
    ///
    /// To the commands of a login it says that the server's settings are wrong, which no further attempt changes, so
    /// there it is a refusal.
    fn is_last_of_vsftpd(&self, reply: &Reply) -> bool {
        reply.code() == Code::UNRECOGNIZED
            && reply.text().get(..6).is_some_and(|start| start.eq_ignore_ascii_case(b"OOPS: "))
            && !matches!(self.life, Life::Greeting)
            && !matches!(
                self.asked(),
                Some(Verb::AUTH | Verb::HOST | Verb::USER | Verb::PASS | Verb::ACCT)
            )
    }

    fn greeted(&mut self, reply: Reply) {
        match reply.kind() {
            // 120: the service will be ready in some minutes, and a 220 follows.
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
        // The greeting of a proxy says nothing about the server.
        if self.wire.config.gateway.is_none() {
            self.wire.session.kind = Kind::of(&reply);
            self.wire.learn_iac(Iac::of_greeting(&reply));
        }
        // Under TLS, a login in clear text does not count.
        if reply.code() == Code::LOGGED_IN && self.wire.config.tls == TlsPolicy::Plaintext {
            self.wire.session.admitted = Some(reply.clone());
        }
        self.wire.events.push_back(Event::Greeting(reply));
    }

    /// Whether the reply is a second greeting, which some servers send before they answer anything
    fn is_second_greeting(&self, reply: &Reply) -> bool {
        matches!(self.life, Life::Greeted)
            && reply.code() == Code::READY
            && !matches!(self.wire.control.front(), Some(Verb::HOST | Verb::OPEN))
    }

    /// Whether the reply is a second 230 to a login, and not the answer to the next command
    fn is_second_of_login(&self, reply: &Reply) -> bool {
        matches!(self.life, Life::LoggedIn)
            && reply.code() == Code::LOGGED_IN
            && self.asked().is_none_or(|command| answers::is_foreign(command, reply.code()))
    }

    /// Returns the command that the next reply answers; `None` if none has been completely written
    fn asked(&self) -> Option<Verb> {
        // The next command may be queued already, but its bytes have not been written yet.
        self.wire.control.front().filter(|_| self.wire.control.front_written())
    }

    /// Whether a reply that no command asked for is ignored, as it may belong to a transfer
    fn absorbs(&mut self, reply: &Reply) -> bool {
        let late = self.wire.session.late;
        let runs = matches!(&self.state, State::Running(task) if matches!(task.operation, Running::Transfer(_)));
        let passes = match reply.kind() {
            ReplyKind::Preliminary | ReplyKind::Completion => runs || late != Late::None,
            ReplyKind::Transient | ReplyKind::Permanent => may_be_late(late, reply.code()),
            ReplyKind::Intermediate => false,
        };
        if passes {
            self.wire.session.ahead.give_up();
        }
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

    /// Takes the answer to a sentinel; everything before it has been answered, too
    fn sentinel_answered(&mut self, command: Verb, code: Code) {
        if code == Code::ACTION_PENDING {
            self.wire.session.marker = RestartMarker::Clear;
        }
        match &mut self.held {
            Some(held) => match held.answered(code, self.now, &mut self.wire) {
                Some(reply) if self.sends_again(command, &reply) => {}
                Some(reply) => self.proven(command, reply),
                None => self.await_proof(),
            },
            None => {
                self.wire.await_reply(self.now);
                self.step(Input::Sentinel(code));
            }
        }
    }

    /// Delivers a reply that is proven to answer the running operation's command
    fn proven(&mut self, command: Verb, reply: Reply) {
        self.end_proof();
        self.deliver(command, reply);
    }

    fn end_proof(&mut self) {
        self.held = None;
        self.wire.session.late = self.wire.session.late.proven();
        self.wire.timers.stop(Timer::Quiet);
    }

    /// Sends a command again that was granted (3yz), and that another one must follow directly: the sentinel in between
    /// may have made the server forget it, as FileZilla Server forgets a marker. Returns false if there is no need
    ///
    /// After each proof, fewer late replies are expected, so the repetition ends.
    fn sends_again(&mut self, command: Verb, reply: &Reply) -> bool {
        let State::Running(task) = &mut self.state else { return false };
        if reply.kind() != ReplyKind::Intermediate || !task.operation.must_send_again(command) {
            return false;
        }
        self.end_proof();
        self.wire.reply_received();
        self.step(Input::SendAgain);
        true
    }

    /// Takes a reply while a sentinel's answer is expected, and this reply is not that answer
    fn before_sentinel(&mut self, reply: &Reply) {
        let late = self.wire.session.late;
        if may_be_late(Late::Due(1), reply.code()) {
            self.wire.session.late = late.less_one();
            return;
        }
        self.wire.reply_received();
        self.wire.await_reply(self.now);
        self.step(Input::Sentinel(reply.code()));
    }

    pub(super) fn is_foreign(&self, command: Verb, reply: &Reply) -> bool {
        self.wire.config.foreign_replies == ForeignReplies::Reject
            && answers::is_foreign(command, reply.code())
    }

    /// Takes a final reply that may answer this command
    fn answered(&mut self, command: Verb, reply: Reply) {
        if let Some(held) = &mut self.held {
            self.wire.session.late = self.wire.session.late.less_one();
            if !held.is_listening() {
                return match held.replied(reply, self.now, &mut self.wire) {
                    Some(reply) => self.proven(command, reply),
                    None => self.await_proof(),
                };
            }
            // The reply that is held back belonged to an earlier transfer.
            self.wire.timers.stop(Timer::Quiet);
            self.held = None;
        }
        if self.must_be_proven(command, &reply) {
            let is_due = matches!(self.wire.session.late, Late::Due(1..));
            let mut held = Held::new(reply);
            let may_listen = is_due || self.wire.control.expects_a_batch();
            let is_a_transfers = answers::is_only_a_transfers(command, held.reply().code());
            if matches!(command, Verb::AUTH | Verb::CCC) || may_listen && is_a_transfers {
                held.listen(command);
            } else {
                held.ask(command, self.now, &mut self.wire);
            }
            self.held = Some(Box::new(held));
            return self.await_proof();
        }
        self.deliver(command, reply);
    }

    /// Limits the wait for the sentinel's answer, as the server may ignore the sentinel
    pub(super) fn await_proof(&mut self) {
        let wait = self.wire.config.quiet();
        self.wire.timers.set_after(Timer::Quiet, self.now, wait, Phase::Settle);
    }

    /// Passes the final reply to a command on to the running operation
    fn deliver(&mut self, command: Verb, reply: Reply) {
        self.wire.reply_received();
        if self.wire.control.prefetch_is_first() {
            // The transfer has its own deadlines until its data has ended, and only then EPSV has one (settle.rs).
            self.wire.stop_reply_timers();
        } else {
            self.wire.await_reply(self.now);
        }
        self.step_answered(Input::Reply(reply), Some(command));
    }

    /// Whether a final reply may belong to an earlier transfer
    fn must_be_proven(&self, command: Verb, reply: &Reply) -> bool {
        let State::Running(task) = &self.state else { return false };
        // After a simple command, a reply with a transfer's code must be proven as well.
        let late = match (self.wire.session.late, &task.operation) {
            (Late::None, Running::Simple(_) | Running::SizeAndTime(_)) => Late::Echo,
            (late, _) => late,
        };
        // A running transfer proves its own final reply when its data has ended.
        command != Verb::QUIT && !task.operation.proves_its_end() && may_be_late(late, reply.code())
    }

    /// Whether the running transfer waits for a report about TLS session tickets
    pub(super) fn awaits_ticket(&self) -> bool {
        matches!(&self.state, State::Running(task) if task.operation.awaits_ticket())
    }

    /// Continues after a silence of [`Config::settle_quiet`](crate::Config::settle_quiet)
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

/// Whether a 230 to this command is the end of a login
const fn logs_in(command: Verb) -> bool {
    matches!(command, Verb::USER | Verb::PASS | Verb::ACCT)
}

/// Whether a final reply with this code may belong to an earlier transfer or to ABOR
fn may_be_late(late: Late, code: Code) -> bool {
    match late {
        Late::None => false,
        // No reply is missing: only codes with which no other command is answered.
        Late::Echo | Late::Due(0) => matches!(code.get(), 225 | 226 | 425 | 426),
        Late::Due(1..) => matches!(code.get(), 225 | 226 | 250 | 425 | 426 | 450..=452 | 550..=553),
    }
}
