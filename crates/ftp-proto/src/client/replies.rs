//! Whose a reply is: the greeting, the running operation's, that of something past, or nobody's

use super::{Client, Doing, Last, Life};
use crate::config::TlsPolicy;
use crate::control::reply::{Kind, Reply};
use crate::error::{ConnectionError, ProtocolError};
use crate::event::Event;
use crate::op::machine::Input;
use crate::op::running::Running;
use crate::session::LateFinal;
use crate::settle::Settled;
use crate::timer::Timer;

impl Client {
    /// A reply has come
    pub(super) fn replied(&mut self, reply: Reply) {
        self.wire.trace_reply(&reply);
        self.last_reply = Some(reply.clone());
        if reply.code().get() == 421 {
            match self.doing {
                Doing::Running(op, Running::Quit(_)) => self.quit_done(op, Some(reply)),
                _ => self.die(ConnectionError::ServiceClosing(reply)),
            }
            return;
        }
        if let Life::Greeting = self.life {
            return self.greeted(reply);
        }
        if self.is_late_final(&reply) {
            self.wire.session.late = LateFinal::No;
            return;
        }
        if self.nobody_asked() {
            if self.absorbs(&reply) {
                return;
            }
            return self.die(ProtocolError::UnsolicitedReply(reply).into());
        }
        match &mut self.doing {
            Doing::Settling(settling) => {
                if let Settled::Yes(failed) = settling.replied(reply, self.now, &mut self.wire) {
                    self.doing = Doing::Nothing;
                    self.fail(failed);
                }
            }
            Doing::Running(..) | Doing::AwaitingTicket(..) | Doing::Nothing => {
                if reply.kind() != Kind::Preliminary {
                    self.wire.control.pay();
                }
                self.wire.await_reply(self.now);
                self.step(Input::Reply(reply));
            }
        }
    }

    fn greeted(&mut self, reply: Reply) {
        match reply.kind() {
            // 120: service ready in some minutes, 220 follows.
            Kind::Preliminary => return self.await_greeting(),
            Kind::Completion => {}
            Kind::Transient | Kind::Permanent => {
                return self.die(ConnectionError::Refused(reply));
            }
            Kind::Intermediate => return self.die(ProtocolError::UnsolicitedReply(reply).into()),
        }
        self.life = Life::Live;
        self.wire.timers.stop(Timer::Reply);
        // Under TLS a login in clear text is not one.
        if reply.code().get() == 230 && self.wire.config.tls == TlsPolicy::Plaintext {
            self.wire.session.admitted = Some(reply.clone());
        }
        self.wire.events.push_back(Event::Greeting(reply));
    }

    /// Whether the reply is an aborted transfer's, behind everything that was to settle it: by its
    /// code it can't be meant for another command
    fn is_late_final(&self, reply: &Reply) -> bool {
        let possible = self.wire.session.late == LateFinal::Possible;
        match (&self.doing, reply.code().get()) {
            (Doing::Running(_, Running::Transfer(transfer)), code) => {
                possible && code == 426 && !transfer.has_begun()
            }
            (Doing::Settling(_) | Doing::Running(_, Running::RemoteTransfer(_)), _) => false,
            // What answers a command of the server's own is the server's to choose.
            (Doing::Running(_, Running::Simple(simple)), 225 | 226) if simple.is_servers_own() => {
                possible
            }
            // Or of a transfer that had been refused, and went on all the same.
            (_, 225 | 226 | 425 | 426) => possible || self.last == Last::Transfer,
            _ => false,
        }
    }

    /// Whether the reply belongs to no command
    fn nobody_asked(&self) -> bool {
        let control = &self.wire.control;
        // The next command may be queued already, but its bytes have not left.
        control.owes_nothing() || !control.front_written()
    }

    /// Whether a reply that nobody asked for is let pass: an echo of a transfer
    fn absorbs(&self, reply: &Reply) -> bool {
        let transfer = self.last == Last::Transfer
            || matches!(self.doing, Doing::Running(_, Running::Transfer(_)));
        transfer && matches!(reply.kind(), Kind::Preliminary | Kind::Completion)
    }
}
