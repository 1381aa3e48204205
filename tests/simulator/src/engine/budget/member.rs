//! A session to the host, with its shell

use std::time::Duration;

use ftp_proto::{ConnectionError, Direction, OpId, Reply};
use ftp_session::{Error, Event, Moved, SessionEnd};

use super::pool::Login;
use crate::engine::door::WRONG;
use crate::engine::shell::Shell;

/// What a session is doing
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It logs in, for this task
    Opening(usize, OpId),
    /// It downloads a file for this task
    Busy(usize, OpId),
    /// This task keeps it until then, without a request
    Held(usize, Duration),
    /// Nobody uses it
    Idle,
    /// It was sent QUIT, and is closed at this time at the latest
    Leaving(OpId, Duration),
}

/// A session
pub(super) struct Member {
    pub(super) shell: Shell,
    pub(super) login: Login,
    pub(super) state: State,
    /// The number of failed data connections that were reported to the budget
    data_failures: u32,
}

impl Member {
    /// Begins to log in
    pub(super) fn new(mut shell: Shell, login: Login, task: usize) -> Self {
        let (user, password) = match login {
            Login::Usual => ("usual", "p"),
            Login::Other => ("other", "p"),
            Login::Wrong => ("usual", WRONG),
        };
        let op = shell.session.request().login(user, password).id();
        Self { shell, login, state: State::Opening(task, op), data_failures: 0 }
    }

    /// Does all that can be done at once; returns the end of the request that was running, if it has ended
    pub(super) fn turn(&mut self, now: Duration) -> Option<Result<(), Error>> {
        self.shell.catch_up(now);
        self.shell.turn();
        let mut result = self.hear();
        if self.shell.session.data_direction() == Some(Direction::Download) {
            let time = self.shell.now();
            let mut buffer = [0; 64];
            while let Moved::Bytes(_) = self.shell.session.read_data(&mut buffer, time) {}
            result = self.hear().or(result);
        }
        result
    }

    fn hear(&mut self) -> Option<Result<(), Error>> {
        let mut result = None;
        while let Some(event) = self.shell.session.poll_event() {
            self.shell.note(|| format!("event {event:?}"));
            let Event::Completed(mut done) = event else { continue };
            let (State::Opening(_, op) | State::Busy(_, op) | State::Leaving(op, _)) = self.state
            else {
                continue;
            };
            if done.op() == op {
                result = Some(done.take_error().map_or(Ok(()), Err));
            }
        }
        result
    }

    pub(super) fn get(&mut self, task: usize) {
        let op = self.shell.session.request().get("f").id();
        self.state = State::Busy(task, op);
    }

    pub(super) fn quit(&mut self, until: Duration) {
        let op = self.shell.session.request().quit().id();
        self.state = State::Leaving(op, until);
    }

    /// The reply with which the server has refused the session because it has too many
    pub(super) fn refusal(&self) -> Option<Reply> {
        let session = &self.shell.session;
        let closing = match session.client().error() {
            // During a login the 421 can't be about idleness.
            Some(ConnectionError::ServiceClosing(reply)) => Some(reply),
            _ => None,
        };
        session.too_many_sessions().or(closing).cloned()
    }

    /// How the session has ended, if it has
    pub(super) fn end(&self) -> Option<SessionEnd> {
        self.shell.session.client().error().map(SessionEnd::of)
    }

    /// The number of data connections that have failed since the last call
    pub(super) fn take_data_failures(&mut self) -> u32 {
        let failures = self.shell.session.data_failures();
        failures - std::mem::replace(&mut self.data_failures, failures)
    }
}
