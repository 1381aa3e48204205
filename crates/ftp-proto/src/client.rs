//! The client: its inputs and outputs, and the state machine between them
//!
//! This file contains the state machine. Its modules contain [`requests`], [`facts`] about the session, how a reply
//! is attributed to a command or transfer ([`replies`]), how one task follows another ([`tasks`]), what has to run
//! before a transfer ([`before`]), and how the next transfer's port is asked for during the running one
//! ([`prefetch`]). How a reply that may not be final is proven is in [`crate::held`].

mod before;
mod facts;
mod prefetch;
mod replies;
mod requests;
mod tasks;

use alloc::boxed::Box;
use alloc::collections::VecDeque;

use crate::claim::{OpId, Outcome, Owner};
use crate::config::{Config, TlsPolicy};
use crate::control::Barrier;
use crate::control::command::Verb;
use crate::control::reply::Reply;
use crate::error::{ConnectionError, ProtocolError};
use crate::event::{Action, ControlEvent, DataEvent, Event};
use crate::held::Held;
use crate::op::machine::{Ended, Input};
use crate::op::running::Running;
use crate::op::secure::Secure;
use crate::op::simple::{Parameter, Simple, Want};
use crate::op::transfer::TransferOp;
use crate::plan::Task;
use crate::session::{Batches, ControlSecurity};
use crate::settle::Settling;
use crate::terms::{DataId, IpFamily, Phase};
use crate::time::Time;
use crate::timer::Timer;
use crate::wire::Wire;

/// An FTP client without I/O
///
/// There are four kinds of methods. **Inputs** (`handle_*`) report what happened outside, each with the time.
/// **Levels** (`poll_*` and others on `&self`) return values that stay the same until an input or a request changes
/// them: bytes to write, the deadline, whether to read. **Edges** (`poll_*` on `&mut self`) return each action and
/// each event once. **Requests** (`login`, `get`, …) are queued and never fail when they are made; each ends in
/// exactly one [`Event::Completed`]. Any order of calls is allowed.
#[derive(Debug)]
pub struct Client {
    wire: Wire,
    life: Life,
    state: State,
    queue: VecDeque<Task>,
    /// The task after the running one, if its first commands were sent together with those of the running one
    ahead: Option<Task>,
    /// A final reply that is held back because it may belong to an earlier transfer, not to the running operation
    held: Option<Box<Held>>,
    /// The box of a transfer that has ended; the next transfer is put into it
    spare: Option<Box<TransferOp>>,
    next_op: OpId,
    last_reply: Option<Reply>,
    /// The latest time seen; it never goes back
    now: Time,
}

#[derive(Debug)]
enum Life {
    /// The server has not sent its greeting yet
    Greeting,
    /// The server has sent its greeting and answered no command yet: some servers send two greetings
    Greeted,
    /// The last reply was the 230 of a login: some servers send two
    LoggedIn,
    Live,
    /// The control connection is no longer usable, for this reason, but the running transfer has its
    /// final reply: the client waits for the end of its data
    Leaving(ConnectionError),
    Dead(ConnectionError),
}

#[derive(Debug)]
enum State {
    Idle,
    Running(Task),
    Settling(Settling),
}

impl Client {
    /// Creates a client for a control connection that has just been opened
    ///
    /// `family` is the address family of the control connection. No address is needed, so the
    /// server may be behind a proxy.
    #[must_use]
    pub fn new(config: Config, family: IpFamily, now: Time) -> Self {
        let (tls, first) = (config.tls, OpId::first(config.client_number));
        let barrier = match tls {
            TlsPolicy::Implicit => Barrier::Securing,
            TlsPolicy::Explicit | TlsPolicy::Plaintext => Barrier::Down,
        };
        let mut client = Self {
            wire: Wire::new(config, family, barrier),
            life: Life::Greeting,
            state: State::Idle,
            queue: VecDeque::new(),
            ahead: None,
            held: None,
            spare: None,
            next_op: first,
            last_reply: None,
            now,
        };
        match tls {
            TlsPolicy::Implicit => {
                client.wire.secure_control(now);
                // PBSZ and PROT are sent, too: servers differ in what implicit TLS implies (Q98).
                client
                    .queue
                    .push_back(Task::new(Owner::Policy, Running::Secure(Secure::demanded())));
            }
            TlsPolicy::Explicit => {
                client.await_greeting();
                client
                    .queue
                    .push_back(Task::new(Owner::Policy, Running::Secure(Secure::demanded())));
            }
            TlsPolicy::Plaintext => client.await_greeting(),
        }
        client
    }

    // Inputs

    /// Takes bytes read from the control connection
    ///
    /// # Errors
    ///
    /// The reason why the session ended, if these bytes or anything before ended it. The same reason
    /// comes as [`Event::Closed`].
    pub fn handle_input(&mut self, now: Time, bytes: &[u8]) -> Result<(), ConnectionError> {
        self.touch(now);
        let mut rest = bytes;
        while !rest.is_empty() {
            match &self.life {
                Life::Dead(error) => return Err(error.clone()),
                Life::Leaving(_) => return Ok(()),
                Life::Greeting | Life::Greeted | Life::LoggedIn | Life::Live => {}
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
            Life::Greeting | Life::Greeted | Life::LoggedIn | Life::Live | Life::Leaving(_) => {
                Ok(())
            }
        }
    }

    /// Reports that this many bytes of [`Self::poll_transmit`] have been written to the control connection
    ///
    /// Report a write before any input that came after it: a reply to a command that has not been reported as
    /// written [ends the session](ProtocolError::UnsolicitedReply). Where that order can't be kept, use
    /// [`Self::take_transmit`].
    ///
    /// # Panics
    ///
    /// With debug assertions, if there were fewer bytes to write: a write was reported twice, or to the wrong
    /// client.
    pub fn handle_transmit(&mut self, now: Time, written: usize) {
        self.touch(now);
        if written == 0 {
            return;
        }
        // After the session has ended there is nothing to write, but a write may still have been under way.
        debug_assert!(
            self.has_left() || written <= self.poll_transmit().unwrap_or_default().len(),
            "handle_transmit: {written} bytes were reported as written, more than there were to write",
        );
        self.wire.control.written(written);
        if self.wire.control.all_written() {
            // The reply's deadline starts once the command has been written.
            if let Some(Phase::Reply(_)) = self.wire.timers.phase(Timer::Reply) {
                self.wire.await_reply(self.now);
            }
            self.step(Input::Written);
            self.pump();
        }
    }

    /// Moves bytes to write to the control connection into `buffer`; returns their number, 0 if there is
    /// nothing to write
    ///
    /// This is for loops whose writes complete later, perhaps after the read that brings the reply. It replaces
    /// [`Self::poll_transmit`] and [`Self::handle_transmit`]. The bytes count as written when this returns, and the
    /// deadline of the reply starts. Write all of them, in this order; if that fails, report
    /// [`ControlEvent::Closed`]. They may contain passwords.
    #[must_use = "the bytes are to be written"]
    pub fn take_transmit(&mut self, now: Time, buffer: &mut [u8]) -> usize {
        let bytes = self.poll_transmit().unwrap_or_default();
        let count = bytes.len().min(buffer.len());
        buffer[..count].copy_from_slice(&bytes[..count]);
        self.handle_transmit(now, count);
        count
    }

    /// Takes an event of the control connection; an event that does not fit the state is ignored
    pub fn handle_control(&mut self, now: Time, event: ControlEvent) {
        self.touch(now);
        if self.has_left() {
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
                self.wire.stop_reply_timers();
                if let Life::Greeting = self.life {
                    self.wire.session.control = ControlSecurity::Secured;
                    self.await_greeting();
                } else {
                    self.step(Input::Secured);
                }
            }
            (ControlEvent::Cleared, Barrier::Clearing) => {
                self.wire.stop_reply_timers();
                self.step(Input::Cleared);
            }
            (ControlEvent::Closed, _) => {
                if self.is_quitting() {
                    self.quit_done(None);
                } else {
                    self.leave(ConnectionError::Eof);
                }
            }
            _ => {}
        }
        self.pump();
    }

    /// Takes an event of a data connection; events of any but the current one are ignored
    pub fn handle_data(&mut self, now: Time, id: DataId, event: DataEvent) {
        self.touch(now);
        let check_peer = self.wire.config.check_active_peer;
        let Some(data) = self.wire.data.as_mut().filter(|data| data.id == id) else { return };
        if data.record(event, check_peer) {
            self.step(Input::Data);
            self.pump();
        }
    }

    /// Reports that a deadline may have passed; calling it too early is harmless
    pub fn handle_timeout(&mut self, now: Time) {
        self.touch(now);
        let now = self.now;
        for timer in [
            Timer::Settle,
            Timer::Command,
            Timer::Reply,
            Timer::Discard,
            Timer::Data,
            Timer::Quiet,
            Timer::Idle,
        ] {
            let Some(phase) = self.wire.timers.take_expired(timer, now) else { continue };
            match timer {
                Timer::Settle | Timer::Command | Timer::Reply => {
                    self.die(ConnectionError::TimedOut(phase));
                }
                Timer::Discard | Timer::Data => self.step(Input::DataTimeout(phase)),
                Timer::Quiet => self.quiet(),
                Timer::Idle => {
                    let noop = Simple::new(Verb::NOOP, Parameter::None, Want::Completion);
                    self.queue.push_back(Task::new(Owner::KeepAlive, Running::Simple(noop)));
                }
            }
        }
        self.pump();
    }

    // Levels

    /// Returns the bytes to write to the control connection; after the write, report it with
    /// [`Self::handle_transmit`]
    #[must_use]
    #[inline]
    pub fn poll_transmit(&self) -> Option<&[u8]> {
        self.wire.control.unsent()
    }

    /// Returns when to call [`Self::handle_timeout`]; `None` if the client waits for nothing
    #[must_use]
    #[inline]
    pub fn poll_timeout(&self) -> Option<Time> {
        self.wire.timers.next().map(|(at, _)| at)
    }

    /// Returns what the earliest deadline is for
    #[must_use]
    pub fn timeout_reason(&self) -> Option<Phase> {
        self.wire.timers.next().map(|(_, phase)| phase)
    }

    /// Whether to read from the control connection: not while TLS is started or ended, nor after the session has ended
    #[must_use]
    pub fn wants_input(&self) -> bool {
        !self.has_left() && self.wire.control.barrier() == Barrier::Down
    }

    // Edges

    /// Returns the next order to the driver
    ///
    /// Carry it out before the next call, because the next call begins what depends on it. So a data connection that
    /// can't even be attempted is reported before the server receives the transfer command.
    #[must_use]
    pub fn poll_action(&mut self) -> Option<Action> {
        let action = self.wire.actions.pop_front();
        if action.is_none() && self.awaits_performance() {
            self.wire.timers.requested(self.now);
            self.step(Input::Performed);
            self.pump();
            return self.wire.actions.pop_front();
        }
        action
    }

    /// Returns the next event for the application
    #[must_use]
    #[inline]
    pub fn poll_event(&mut self) -> Option<Event> {
        self.wire.events.pop_front()
    }

    // Inside

    /// Whether the control connection is no longer usable
    const fn has_left(&self) -> bool {
        matches!(self.life, Life::Leaving(_) | Life::Dead(_))
    }

    fn awaits_performance(&self) -> bool {
        matches!(
            &self.state,
            State::Running(Task { operation: Running::Transfer(transfer), .. })
                if transfer.awaits_performance(&self.wire)
        )
    }

    /// Advances the clock
    fn touch(&mut self, now: Time) {
        self.now = self.now.max(now);
        self.wire.timers.touch(self.now);
    }

    /// Waits for a greeting, or for another one after a 120; the total time counts from the first wait
    fn await_greeting(&mut self) {
        let Config { greeting_timeout, command_timeout, .. } = self.wire.config;
        let timers = &mut self.wire.timers;
        timers.set_after(Timer::Reply, self.now, greeting_timeout, Phase::Greeting);
        if timers.phase(Timer::Command).is_none() {
            timers.set_after(Timer::Command, self.now, command_timeout, Phase::Greeting);
        }
    }

    fn is_quitting(&self) -> bool {
        matches!(&self.state, State::Running(task) if matches!(task.operation, Running::Quit(_)))
    }

    fn quit_done(&mut self, reply: Option<Reply>) {
        if let State::Running(task) = core::mem::replace(&mut self.state, State::Idle) {
            self.complete(task.request.owner, Ok(Outcome::MaybeReply(reply)));
        }
        self.die(ConnectionError::LocallyClosed);
    }

    fn break_off(&mut self, error: ProtocolError) -> Result<(), ConnectionError> {
        self.leave(error.into());
        match &self.life {
            Life::Dead(error) => Err(error.clone()),
            Life::Greeting | Life::Greeted | Life::LoggedIn | Life::Live | Life::Leaving(_) => {
                Ok(())
            }
        }
    }

    /// Ends the session because the control connection is no longer usable, except while a transfer runs that has
    /// its final reply. What came after that reply says nothing about the transfer, whose data may still be under
    /// way.
    fn leave(&mut self, error: ConnectionError) {
        if self.has_left() {
            return;
        }
        self.handle_last_refusal();
        if !self.final_reply_received() {
            return self.die(error);
        }
        self.wire.stop_reply_timers();
        self.wire.control.shut();
        self.life = Life::Leaving(error);
    }

    /// Notes that the server has ended the session when its first batch had been sent, if it has
    fn note_end_within_batch(&mut self, error: &ConnectionError) {
        let may_be_why = matches!(error, ConnectionError::Eof | ConnectionError::TimedOut(_));
        let batches = &mut self.wire.session.batches;
        if may_be_why && *batches == Batches::Untried && self.wire.control.expects_a_batch() {
            *batches = Batches::EndSessions;
        }
    }

    /// Ends the session: every request completes, then `Closed` is emitted
    fn die(&mut self, error: ConnectionError) {
        if self.is_dead() {
            return;
        }
        self.life = Life::Dead(error.clone());
        self.note_end_within_batch(&error);
        let data = self.wire.close_data();
        // Only the orders that open and close data connections are still needed, so that they stay in pairs.
        self.wire
            .actions
            .retain(|action| matches!(action, Action::OpenData(..) | Action::CloseData(_)));
        self.wire.actions.push_back(Action::CloseControl);
        self.wire.timers.stop_all();
        self.wire.control.shut();
        match core::mem::replace(&mut self.state, State::Idle) {
            State::Running(task) => {
                let end = task.operation.error_at_end(data.as_ref(), error.clone());
                self.end(task.request, Ended { result: Err(end), moved: false, answered: None });
            }
            State::Settling(mut settling) => {
                if let Some(failed) = settling.take_failed() {
                    let end = failed.error_at_end(error.clone());
                    self.complete(failed.request.owner, Err(end));
                }
            }
            State::Idle => {}
        }
        let waiting = self.ahead.take().into_iter().chain(core::mem::take(&mut self.queue));
        for task in waiting.collect::<VecDeque<_>>() {
            let result = Err(error.clone().into());
            self.end(task.request, Ended { result, moved: false, answered: None });
        }
        self.wire.events.push_back(Event::Closed(error));
    }
}
