//! The client: inputs, levels, edges, and what happens between them
//!
//! This file moves the machine. Beside it: [`requests`], [`facts`], whose a reply is ([`replies`]), and
//! what goes before a request or follows it ([`tickets`], [`remnants`], [`several`]).

mod facts;
mod remnants;
mod replies;
mod requests;
mod several;
mod tickets;

use alloc::collections::VecDeque;
use std::time::Instant;

use crate::claim::{OpId, Outcome};
use crate::config::{Config, TlsPolicy};
use crate::control::Barrier;
use crate::control::command::Verb;
use crate::control::reply::Reply;
use crate::error::{ConnectionError, Error, ProtocolError};
use crate::event::{Action, Completion, ControlEvent, DataEvent, Event};
use crate::op::machine::{Context, Input, Step};
use crate::op::read_dir::ReadDirOp;
use crate::op::running::Running;
use crate::op::secure::Secure;
use crate::op::simple::{Parameter, Simple, Want};
use crate::op::transfer::TransferOp;
use crate::session::ControlSecurity;
use crate::settle::{Failed, Settling};
use crate::terms::{DataId, IpFamily, Phase};
use crate::timer::Timer;
use crate::wire::Wire;
use several::Task;
use tickets::Tickets;

/// An FTP client without I/O
///
/// Methods come in four kinds. **Inputs** (`handle_*`) tell what happened outside, each with the
/// time. **Levels** (`poll_*` and others on `&self`) hold until an input or a request changes
/// them: bytes to write, the deadline, whether to read. **Edges** (`poll_*` on `&mut self`) give
/// each action and each event once. **Requests** (`login`, `get`, …) queue and never fail; each
/// ends in exactly one [`Event::Completed`]. Any order of calls is legal.
#[derive(Debug)]
pub struct Client {
    wire: Wire,
    life: Life,
    doing: Doing,
    queue: VecDeque<(Option<OpId>, Task)>,
    /// The request that takes several operations, while one of them runs
    several: Option<(OpId, ReadDirOp)>,
    next_op: u64,
    /// What ended last, for replies that nobody waits for
    last: Last,
    last_reply: Option<Reply>,
    /// The latest time seen; it never goes back
    now: Instant,
    /// When a request or an abort came in between inputs: its deadlines count from the next input
    request_at: Option<Instant>,
}

#[derive(Debug)]
enum Life {
    /// The server has not greeted yet
    Greeting,
    Live,
    Dead(ConnectionError),
}

#[derive(Debug)]
enum Doing {
    Nothing,
    Running(Option<OpId>, Running),
    Settling(Settling),
    /// The server has refused a transfer for want of a TLS session, and the driver looks whether there
    /// is a ticket for another try
    AwaitingTicket(Option<OpId>, TransferOp),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    Transfer,
    Other,
}

impl Client {
    /// A client for a control connection that has just been opened
    ///
    /// `family` is the address family of the control connection; no address is needed, the
    /// server may sit behind a proxy.
    #[must_use]
    pub fn new(config: Config, family: IpFamily, now: Instant) -> Self {
        let tls = config.tls;
        let barrier = match tls {
            TlsPolicy::Implicit => Barrier::Securing,
            TlsPolicy::Explicit | TlsPolicy::Plaintext => Barrier::Down,
        };
        let mut client = Self {
            wire: Wire::new(config, family, barrier),
            life: Life::Greeting,
            doing: Doing::Nothing,
            queue: VecDeque::new(),
            several: None,
            next_op: 1,
            last: Last::Other,
            last_reply: None,
            now,
            request_at: None,
        };
        match tls {
            TlsPolicy::Implicit => {
                client.wire.secure_control(now);
                // PBSZ and PROT all the same: servers differ in what implicit TLS implies (Q98).
                client.queue.push_back((None, Task::One(Running::Secure(Secure::demanded()))));
            }
            TlsPolicy::Explicit => {
                client.await_greeting();
                client.queue.push_back((None, Task::One(Running::Secure(Secure::demanded()))));
            }
            TlsPolicy::Plaintext => client.await_greeting(),
        }
        client
    }

    // Inputs

    /// Bytes from the control connection
    ///
    /// # Errors
    ///
    /// The reason of the session's end, if these bytes or anything before ended it; the same
    /// comes as [`Event::Closed`].
    pub fn handle_input(&mut self, now: Instant, bytes: &[u8]) -> Result<(), ConnectionError> {
        self.touch(now);
        let mut rest = bytes;
        while !rest.is_empty() {
            if let Life::Dead(error) = &self.life {
                return Err(error.clone());
            }
            match self.wire.control.barrier() {
                Barrier::Down => {}
                Barrier::Securing => return self.break_off(ProtocolError::PlaintextAfterAuth),
                Barrier::Clearing => return self.break_off(ProtocolError::BytesDuringClear),
            }
            match self.wire.control.receive(rest) {
                Ok((consumed, reply)) => {
                    rest = &rest[consumed..];
                    if let Some(reply) = reply {
                        self.replied(reply);
                        self.pump();
                    }
                }
                Err(error) => return self.break_off(error.into()),
            }
        }
        match &self.life {
            Life::Dead(error) => Err(error.clone()),
            Life::Greeting | Life::Live => Ok(()),
        }
    }

    /// So many bytes of [`Self::poll_transmit`] have been written to the control connection
    ///
    /// Report a write before any input that came after it.
    pub fn handle_transmit(&mut self, now: Instant, written: usize) {
        self.touch(now);
        if written == 0 || self.is_dead() {
            return;
        }
        self.wire.control.written(written);
        if self.wire.control.all_written() {
            // A reply can't be late before its command has left.
            if let Some(Phase::Reply(_)) = self.wire.timers.phase(Timer::Reply) {
                self.wire.await_reply(self.now);
            }
            self.step(Input::Written);
            self.pump();
        }
    }

    /// News about the control connection; what doesn't fit the state is ignored
    pub fn handle_control(&mut self, now: Instant, event: ControlEvent) {
        self.touch(now);
        if self.is_dead() {
            return;
        }
        match (event, self.wire.control.barrier()) {
            (ControlEvent::Connected(family), barrier) => {
                if let Life::Greeting = self.life {
                    self.wire.family = family;
                    if barrier == Barrier::Securing {
                        self.wire.await_control_tls(self.now);
                    } else {
                        self.await_greeting();
                    }
                }
            }
            (ControlEvent::Secured, Barrier::Securing) => {
                self.wire.control.set_barrier(Barrier::Down);
                self.wire.timers.stop(Timer::Reply);
                if let Life::Greeting = self.life {
                    self.wire.session.control = ControlSecurity::Secured;
                    self.await_greeting();
                } else {
                    self.take_login_along();
                    self.step(Input::Secured);
                }
            }
            (ControlEvent::Cleared, Barrier::Clearing) => {
                self.wire.timers.stop(Timer::Reply);
                self.step(Input::Cleared);
            }
            (ControlEvent::Closed, _) => {
                if let Doing::Running(op, Running::Quit(_)) = self.doing {
                    self.quit_done(op, None);
                } else {
                    self.die(ConnectionError::Eof);
                }
            }
            _ => {}
        }
        self.pump();
    }

    /// News about a data connection; about any but the live one it is ignored
    pub fn handle_data(&mut self, now: Instant, id: DataId, event: DataEvent) {
        self.touch(now);
        let check_peer = self.wire.config.check_active_peer;
        let Some(data) = self.wire.data.as_mut().filter(|data| data.id == id) else { return };
        if data.record(event, check_peer) {
            self.step(Input::Data);
            self.pump();
        }
    }

    /// A deadline may have passed; too early is harmless
    pub fn handle_timeout(&mut self, now: Instant) {
        self.touch(now);
        let now = self.now;
        for timer in [Timer::Settle, Timer::Reply, Timer::Data, Timer::Quiet, Timer::Idle] {
            let Some(phase) = self.wire.timers.take_expired(timer, now) else { continue };
            match timer {
                Timer::Settle | Timer::Reply => self.die(ConnectionError::TimedOut(phase)),
                Timer::Data => self.step(Input::DataTimeout(phase)),
                Timer::Quiet => match &mut self.doing {
                    Doing::Settling(settling) => settling.quiet(now, &mut self.wire),
                    Doing::Running(..) => self.step(Input::Quiet),
                    Doing::AwaitingTicket(..) => self.try_again(false),
                    Doing::Nothing => {}
                },
                Timer::Idle => {
                    let noop = Simple::new(Verb::NOOP, Parameter::None, Want::Any);
                    self.queue.push_back((None, Task::One(Running::Simple(noop))));
                }
            }
        }
        self.pump();
    }

    // Levels

    /// Bytes to write to the control connection: write, then report with
    /// [`Self::handle_transmit`]
    #[must_use]
    pub fn poll_transmit(&self) -> Option<&[u8]> {
        self.wire.control.unsent()
    }

    /// When to call [`Self::handle_timeout`]; `None`: nothing is waited for
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.wire.timers.next().map(|(at, _)| at)
    }

    /// What the earliest deadline is for
    #[must_use]
    pub fn timeout_reason(&self) -> Option<Phase> {
        self.wire.timers.next().map(|(_, phase)| phase)
    }

    /// Whether to read from the control connection: not while TLS is put on or taken off, nor
    /// after the end
    #[must_use]
    pub fn wants_input(&self) -> bool {
        !self.is_dead() && self.wire.control.barrier() == Barrier::Down
    }

    // Edges

    /// The next order to the driver
    #[must_use]
    pub fn poll_action(&mut self) -> Option<Action> {
        self.wire.actions.pop_front()
    }

    /// The next news for the application
    #[must_use]
    pub fn poll_event(&mut self) -> Option<Event> {
        self.wire.events.pop_front()
    }

    // Inside

    /// Takes note of the time
    fn touch(&mut self, now: Instant) {
        self.now = self.now.max(now);
        if let Some(asked) = self.request_at.take() {
            self.wire.timers.shift(self.now.saturating_duration_since(asked));
        }
    }

    fn await_greeting(&mut self) {
        let wait = self.wire.config.greeting_timeout;
        self.wire.timers.set_after(Timer::Reply, self.now, wait, Phase::Greeting);
    }

    /// Gives the running operation an input and takes what it makes of it
    fn step(&mut self, input: Input) {
        let Doing::Running(op, running) = &mut self.doing else { return };
        let op = *op;
        let mut cx = Context { now: self.now, op, wire: &mut self.wire };
        let result = running.step(input, &mut cx);
        self.apply(op, result);
    }

    fn apply(&mut self, op: Option<OpId>, result: Result<Step, Error>) {
        if let Ok(Step::Pending) = result {
            return;
        }
        self.wire.close_data();
        for timer in [Timer::Data, Timer::Quiet] {
            self.wire.timers.stop(timer);
        }
        // A reply can be given up that is still waited for.
        if self.wire.control.owes_nothing() {
            self.wire.timers.stop(Timer::Reply);
        }
        let ended = core::mem::replace(&mut self.doing, Doing::Nothing);
        let is_quit = matches!(ended, Doing::Running(_, Running::Quit(_)));
        self.note_listing(&ended, &result);
        self.last = match ended {
            Doing::Running(_, Running::Transfer(_) | Running::RemoteTransfer(_)) => Last::Transfer,
            _ => Last::Other,
        };
        match result {
            Ok(Step::Pending) => {}
            Ok(Step::Done(Outcome::LastReply(reply))) if is_quit => self.quit_done(op, reply),
            Ok(Step::Done(outcome)) => {
                self.complete(op, Ok(outcome));
                self.count_rest();
            }
            Ok(Step::Again) => {
                if let Doing::Running(op, running) = ended {
                    self.queue.push_front((op, Task::One(running)));
                }
                self.wire.control.doubt();
                self.count_rest();
            }
            Ok(Step::Retry) => {
                if let Doing::Running(op, Running::Transfer(transfer)) = ended {
                    self.await_ticket(op, transfer);
                }
            }
            Ok(Step::Cut(error, farewell)) => {
                let (settling, failed) =
                    Settling::cut((op, error), farewell, self.now, &mut self.wire);
                self.doing = Doing::Settling(settling);
                self.fail(failed);
            }
            Err(error) => {
                self.fail(Some((op, error)));
                self.count_rest();
            }
        }
    }

    /// What is still owed after an operation has ended is awaited and dropped
    fn count_rest(&mut self) {
        if self.is_dead() {
            return;
        }
        if self.wire.control.in_doubt() {
            self.doing = Doing::Settling(Settling::doubt(self.now, &mut self.wire));
        } else if !self.wire.control.owes_nothing() {
            self.wire.await_reply(self.now);
            self.doing = Doing::Settling(Settling::Count);
        }
    }

    /// Starts what is next, if nothing stands before it
    fn pump(&mut self) {
        while let (Life::Live, Doing::Nothing) = (&self.life, &self.doing) {
            let Some((op, task)) = self.queue.pop_front() else {
                return self.rest();
            };
            self.wire.timers.stop(Timer::Idle);
            let Some(running) = self.first_of(op, task) else { continue };
            if self.has_remnants(op, &running) {
                self.queue.push_front((op, Task::One(running)));
                self.doing = Doing::Running(None, Running::Transfer(TransferOp::harvest(None)));
                self.step(Input::Start);
                continue;
            }
            let (op, running) = match self.look_for_tickets(op, &running) {
                Tickets::Enough => (op, running),
                Tickets::First(harvest) => {
                    self.queue.push_front((op, Task::One(running)));
                    (None, Running::Transfer(harvest))
                }
                Tickets::None => {
                    self.complete(op, Err(Error::NoSessionTicket));
                    continue;
                }
            };
            self.doing = Doing::Running(op, running);
            self.take_login_along();
            self.step(Input::Start);
        }
    }

    /// A login that is next in the queue goes into one batch with the protection that the policy
    /// demands
    fn take_login_along(&mut self) {
        let Doing::Running(op @ None, Running::Secure(secure)) = &mut self.doing else { return };
        if !self.wire.config.pipeline {
            return;
        }
        match self.queue.pop_front() {
            Some((id, Task::One(Running::Login(login)))) => {
                *op = id;
                secure.take_along(login);
            }
            Some(other) => self.queue.push_front(other),
            None => {}
        }
    }

    /// Nothing to do: the keep-alive's time
    fn rest(&mut self) {
        if let (Some(wait), None) =
            (self.wire.config.keep_alive, self.wire.timers.phase(Timer::Idle))
        {
            self.wire.timers.set_after(Timer::Idle, self.now, wait, Phase::KeepAlive);
        }
    }

    fn complete(&mut self, op: Option<OpId>, result: Result<Outcome, Error>) {
        let Some(op) = op else { return };
        if let Some(result) = self.end_of(op, result) {
            let result = Some(result);
            self.wire.events.push_back(Event::Completed(Completion { op, result }));
        }
    }

    fn fail(&mut self, failed: Option<Failed>) {
        match failed {
            Some((op, Error::Connection(error))) => {
                self.complete(op, Err(error.clone().into()));
                self.die(error);
            }
            Some((Some(op), error)) => self.complete(Some(op), Err(error)),
            // A listing for its tickets, which a refused one may have brought, too, or one that nobody
            // wants any more.
            Some((None, _)) if self.last == Last::Transfer => {}
            // The keep-alive is not liked here (Q109): leave it.
            Some((None, _)) => self.wire.config.keep_alive = None,
            None => {}
        }
    }

    fn quit_done(&mut self, op: Option<OpId>, reply: Option<Reply>) {
        self.doing = Doing::Nothing;
        self.complete(op, Ok(Outcome::LastReply(reply)));
        self.die(ConnectionError::LocallyClosed);
    }

    fn break_off(&mut self, error: ProtocolError) -> Result<(), ConnectionError> {
        let error = ConnectionError::from(error);
        self.die(error.clone());
        Err(error)
    }

    /// The end: everything asked for completes, then `Closed`
    fn die(&mut self, error: ConnectionError) {
        if self.is_dead() {
            return;
        }
        self.life = Life::Dead(error.clone());
        // Nothing follows any more: the end of what runs is the end of the request.
        self.several = None;
        self.wire.close_data();
        // Only what keeps a data connection's account straight is still of use.
        self.wire
            .actions
            .retain(|action| matches!(action, Action::OpenData(..) | Action::CloseData(_)));
        self.wire.actions.push_back(Action::CloseControl);
        self.wire.timers.stop_all();
        self.wire.control.shut();
        match core::mem::replace(&mut self.doing, Doing::Nothing) {
            Doing::Running(op, Running::Transfer(transfer)) => {
                let result = Err(transfer.dies_with(error.clone()));
                self.complete(op, result);
            }
            Doing::AwaitingTicket(op, transfer) => {
                let result = Err(transfer.dies_with(error.clone()));
                self.complete(op, result);
            }
            Doing::Running(op, _)
            | Doing::Settling(Settling::Cut { failed: Some((op, _)), .. }) => {
                self.complete(op, Err(error.clone().into()));
            }
            Doing::Settling(_) | Doing::Nothing => {}
        }
        while let Some((op, _)) = self.queue.pop_front() {
            self.complete(op, Err(error.clone().into()));
        }
        self.wire.events.push_back(Event::Closed(error));
    }
}
