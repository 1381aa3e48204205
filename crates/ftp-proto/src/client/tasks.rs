//! How tasks follow one another: which one runs, what its end means for the session, and what comes next

use alloc::boxed::Box;

use super::{Client, Life, State};
use crate::claim::{Outcome, Owner};
use crate::control::command::Verb;
use crate::data::DataConnection;
use crate::error::Error;
use crate::event::{Completion, Event};
use crate::op::machine::{Context, Ended, Input, Step};
use crate::op::running::Running;
use crate::plan::{Before, Follows, Request, Task};
use crate::session::{KeepAlive, LastListing, Late};
use crate::settle::{Contact, Failed, Settling};
use crate::terms::Phase;
use crate::timer::Timer;

impl Client {
    /// Passes an input to the running operation and applies the resulting step
    pub(super) fn step(&mut self, input: Input) {
        self.step_answered(input, None);
    }

    /// As [`Self::step`], where the input is a reply to this command
    pub(super) fn step_answered(&mut self, input: Input, answered: Option<Verb>) {
        let State::Running(task) = &mut self.state else { return };
        let owner = task.request.owner;
        let mut cx = Context { now: self.now, owner, wire: &mut self.wire };
        match task.operation.step(input, &mut cx) {
            Ok(Step::Pending) => {
                self.send_ahead();
                self.send_prefetch();
            }
            result => self.apply(result, answered),
        }
    }

    /// Applies a result: the running operation has ended, or begins again
    pub(super) fn apply(&mut self, result: Result<Step, Error>, answered: Option<Verb>) {
        let data = self.wire.close_data();
        for timer in [Timer::Data, Timer::Quiet, Timer::Discard] {
            self.wire.timers.stop(timer);
        }
        // An operation can end while its reply is still expected.
        if self.wire.control.expects_nothing() {
            self.wire.stop_reply_timers();
        }
        // The reply that was held back may have been the command's own, so that no other one comes.
        if self.held.take().is_some_and(|held| held.is_listening()) {
            self.await_proof();
        }
        let State::Running(task) = core::mem::replace(&mut self.state, State::Idle) else {
            return;
        };
        let received = data.as_ref().map_or(0, |data| data.bytes);
        let established = data.as_ref().is_some_and(|data| data.established);
        let moved = data.as_ref().is_some_and(DataConnection::moved) || task.operation.moved();
        let contact = match established {
            false => Contact::Never,
            true if moved && !task.operation.is_upload() => Contact::Served,
            true => Contact::Established,
        };
        let result = match (result, &self.life) {
            (Err(error), Life::Leaving(cause)) => {
                Err(task.operation.fails_at_the_end(error, data.as_ref(), cause))
            }
            (result, _) => result,
        };
        self.note_end(&task, &result, moved);
        if let (true, Err(error)) = (task.operation.is_login(), &result) {
            self.refuse_queued(0, error);
        }
        match result {
            Ok(Step::Pending) => {}
            Ok(Step::Done(outcome)) => {
                if let (Running::Quit(_), Outcome::MaybeReply(reply)) = (&task.operation, &outcome)
                {
                    let reply = reply.clone();
                    self.state = State::Running(task);
                    return self.quit_done(reply);
                }
                self.recycle(task.operation);
                self.end(task.request, Ended { result: Ok(outcome), moved, answered });
                self.after_end();
            }
            Ok(Step::Again) => {
                if let Some(ahead) = self.ahead.take() {
                    self.queue.push_front(ahead);
                }
                self.queue.push_front(task);
                self.await_rest();
            }
            Ok(Step::Interrupted(error, interruption)) => {
                let missing = task.operation.missing(received);
                self.recycle(task.operation);
                let failed = Failed { request: task.request, error, moved, missing };
                let (settling, failed) =
                    Settling::cut(failed, interruption, contact, self.now, &mut self.wire);
                self.state = State::Settling(settling);
                self.fail(failed);
            }
            Err(Error::Connection(error)) => {
                let ended = Err(error.clone().into());
                self.end(task.request, Ended { result: ended, moved, answered });
                self.die(error);
            }
            Err(error) => {
                self.recycle(task.operation);
                self.end(task.request, Ended { result: Err(error), moved, answered });
                self.after_end();
            }
        }
    }

    /// Makes the requests that wait for a login, which begin here in the queue, fail in their turn, up to the next login
    ///
    /// They are meant for the user of that login. Some servers keep the one who was logged in before, or need no login,
    /// so the commands might reach other files; all others would refuse them without saying why.
    pub(super) fn refuse_queued(&mut self, first: usize, error: &Error) {
        let same_login = |task: &&mut Task| !task.operation.begins_login();
        for task in self.queue.iter_mut().skip(first).take_while(same_login) {
            if let (Owner::User(_), true) = (task.request.owner, task.operation.needs_login()) {
                let refused = Running::Invalid(Error::LoginFailed(Box::new(error.clone())));
                *task = Task::new(task.request.owner, refused);
            }
        }
    }

    /// Keeps the box of a transfer that has ended, so that the next one allocates nothing
    #[inline]
    fn recycle(&mut self, operation: Running) {
        if let Running::Transfer(transfer) = operation {
            self.spare = Some(transfer);
        }
    }

    /// Records what the session remembers of an operation that has ended
    fn note_end(&mut self, task: &Task, result: &Result<Step, Error>, moved: bool) {
        let session = &mut self.wire.session;
        let is_users = matches!(task.request.owner, Owner::User(_));
        match (&task.operation, result) {
            (Running::Transfer(_), Ok(Step::Again)) => {}
            (Running::Transfer(_), Ok(Step::Done(_))) if is_users => {
                session.ahead.transfer_ended(true);
            }
            (Running::Transfer(_), _) => session.ahead.transfer_ended(false),
            _ => session.ahead.other_ended(),
        }
        match &task.operation {
            Running::Transfer(transfer) => {
                if !matches!(result, Ok(Step::Again)) {
                    session.late = session.late.and_due(0);
                }
                let failed = matches!(result, Ok(Step::Interrupted(..)) | Err(_));
                let shown = matches!(task.request.owner, Owner::User(_) | Owner::Abandoned);
                if failed && moved && shown && transfer.is_listing() {
                    session.listing = LastListing::Cut;
                }
            }
            Running::RemoteTransfer(_) => session.late = session.late.and_due(0),
            // Before the reply to a command that was aborted, it may still come.
            _ if session.late == Late::Echo && self.wire.control.expects_nothing() => {
                session.late = Late::None;
            }
            _ => {}
        }
    }

    /// Continues after the end of an operation: with the task whose commands were sent already, or else by settling
    fn after_end(&mut self) {
        if let Life::Leaving(error) = &self.life {
            let error = error.clone();
            return self.die(error);
        }
        match self.ahead.take() {
            Some(task) => {
                if let Running::Transfer(_) = &task.operation {
                    let owner = task.request.owner;
                    Context { now: self.now, owner, wire: &mut self.wire }.await_batch();
                }
                self.state = State::Running(task);
            }
            None => self.await_rest(),
        }
    }

    /// Waits for the replies that are still expected after an operation has ended, and drops them
    fn await_rest(&mut self) {
        if let Some(verb) = self.wire.control.sentinel() {
            let sentinel = Settling::sentinel(verb, self.now, &mut self.wire);
            self.state = State::Settling(sentinel);
        } else if self.wire.control.is_uncertain() {
            self.state = State::Settling(Settling::resynchronize(self.now, &mut self.wire));
        } else if self.wire.control.prefetch_is_first() {
            self.state = State::Settling(Settling::prefetch(self.now, &mut self.wire));
        } else if !self.wire.control.expects_nothing() {
            // A command that was aborted keeps its deadline.
            if self.wire.timers.phase(Timer::Reply).is_none() {
                self.wire.await_reply(self.now);
            }
            self.state = State::Settling(Settling::Count);
        }
    }

    /// Starts the next request, unless something has to be waited for first
    #[inline]
    pub(super) fn pump(&mut self) {
        if let State::Idle = self.state {
            self.start_requests();
        }
    }

    fn start_requests(&mut self) {
        while let (Life::Greeted | Life::LoggedIn | Life::Live, State::Idle) =
            (&self.life, &self.state)
        {
            let Some(mut task) = self.queue.pop_front() else { return self.rest() };
            self.wire.timers.stop(Timer::Idle);
            if !task.settles() {
                self.wire.timers.stop(Timer::Settle);
            }
            match self.goes_before(&task) {
                Before::Nothing => {}
                Before::Operation(before) => {
                    self.queue.push_front(core::mem::replace(&mut task, before));
                }
                Before::Refusal(error) => {
                    let ended = Ended { result: Err(error), moved: false, answered: None };
                    self.end(task.request, ended);
                    continue;
                }
            }
            self.state = State::Running(task);
            self.step(Input::Start);
        }
    }

    /// Sends what comes next in one batch with what runs: EPSV for a listing with CWD, a login with the commands that
    /// the TLS policy requires
    fn send_ahead(&mut self) {
        let may_begin_listing = self.listings_need_nothing();
        let State::Running(Task { request, .. }) = &mut self.state else { return };
        let owner = request.owner;
        if may_begin_listing && request.reads_directory() {
            let mut cx = Context { now: self.now, owner, wire: &mut self.wire };
            request.begin_listing(&mut cx);
        }
        let is_login = |task: &Task| task.operation.is_login();
        if owner != Owner::Policy
            || self.ahead.is_some()
            || !self.queue.front().is_some_and(is_login)
        {
            return;
        }
        let Some(mut task) = self.queue.pop_front() else { return };
        let mut cx = Context { now: self.now, owner: task.request.owner, wire: &mut self.wire };
        if !cx.may_pipeline(Verb::USER) {
            return self.queue.push_front(task);
        }
        match task.operation.step(Input::Start, &mut cx) {
            Ok(Step::Pending) => self.ahead = Some(task),
            // Nothing was sent; in its turn, the task will have the same result again.
            _ => self.queue.push_front(task),
        }
    }

    /// Starts the keep-alive's timer, as there is nothing to do
    fn rest(&mut self) {
        self.wire.timers.stop(Timer::Settle);
        let wait = match self.wire.session.keep_alive {
            KeepAlive::Untried => self.wire.config.keep_alive,
            KeepAlive::Refused => None,
        };
        if let (Some(wait), None) = (wait, self.wire.timers.phase(Timer::Idle)) {
            self.wire.timers.set_after(Timer::Idle, self.now, wait, Phase::KeepAlive);
        }
    }

    /// Takes the end of an operation: its request continues with another one, or completes
    pub(super) fn end(&mut self, request: Request, ended: Ended) {
        match request.follows(ended, &mut self.wire.session) {
            Follows::Task(task) if task.operation.has_begun() => self.ahead = Some(task),
            Follows::Task(task) => self.queue.push_front(task),
            Follows::End(owner, result) => self.complete(owner, result),
        }
    }

    pub(super) fn complete(&mut self, owner: Owner, result: Result<Outcome, Error>) {
        match owner {
            Owner::User(op) => {
                // Also where the request has tried to return by itself.
                if let Err(Error::WorkingDirectoryLost(_)) = result {
                    self.wire.control.effects.directory_lost();
                }
                let result = Some(result);
                self.wire.events.push_back(Event::Completed(Completion { op, result }));
            }
            Owner::KeepAlive if result.is_err() => {
                self.wire.session.keep_alive = KeepAlive::Refused;
            }
            Owner::Return => {
                // Also where another login is needed first, or nobody waits any more.
                if result.is_err() {
                    self.wire.control.effects.directory_lost();
                }
                let session = &mut self.wire.session;
                session.directory.returned(result.map(drop));
                let waits = |task: &Task| task.needs(&session.directory, session.listing);
                if !self.queue.front().is_some_and(waits) {
                    session.directory.forget_refusal();
                }
            }
            Owner::KeepAlive | Owner::Policy | Owner::Tickets | Owner::Flush | Owner::Abandoned => {
            }
        }
    }

    /// Ends a request that waited for the server's explanation, whether one came or not
    pub(super) fn fail(&mut self, failed: Option<Failed>) {
        let Some(Failed { request, error, moved, .. }) = failed else { return };
        self.end(request, Ended { result: Err(error), moved, answered: None });
    }
}
