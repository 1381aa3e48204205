//! The plan: what is to be done, in order, and for whom

use alloc::boxed::Box;

use crate::claim::{Outcome, Owner};
use crate::error::Error;
use crate::op::machine::Ended;
use crate::op::read_dir::{Next, ReadDirOp};
use crate::op::running::Running;
use crate::session::Session;

/// A request: its owner, and what it has to do after its current operation
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) owner: Owner,
    /// The directory that it reads, operation by operation
    directory: Option<Box<ReadDirOp>>,
}

/// A request with the operation that runs or comes next
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) request: Request,
    pub(crate) operation: Running,
}

/// What follows from the end of an operation
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "taken apart at once")]
pub(crate) enum Follows {
    /// The request goes on with another operation
    Task(Task),
    /// The request is over
    End(Owner, Result<Outcome, Error>),
}

/// What has to run before a task
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "taken apart at once")]
pub(crate) enum Before {
    Nothing,
    Operation(Task),
    /// The task can't begin
    Refusal(Error),
}

impl Task {
    pub(crate) const fn new(owner: Owner, operation: Running) -> Self {
        Self { request: Request { owner, directory: None }, operation }
    }

    /// Whether it puts right what an earlier request has left on the server
    pub(crate) const fn settles(&self) -> bool {
        matches!(self.request.owner, Owner::Abandoned | Owner::Flush)
    }

    /// Reads a directory, whose first operation is chosen when its turn comes
    pub(crate) fn directory(owner: Owner, directory: ReadDirOp) -> Self {
        let directory = Some(Box::new(directory));
        Self { request: Request { owner, directory }, operation: Running::Nothing }
    }
}

impl Request {
    /// Takes the end of an operation of this request
    pub(crate) fn follows(mut self, ended: Ended, session: &mut Session) -> Follows {
        let Some(directory) = &mut self.directory else {
            return Follows::End(self.owner, ended.result);
        };
        match directory.next(ended, session) {
            Next::Run(operation) => Follows::Task(Task { request: self, operation }),
            Next::Done(result) => Follows::End(self.owner, result),
        }
    }

    /// Nobody waits for the result any more; what has to be put right on the server still runs
    pub(crate) fn abandon(&mut self) {
        self.owner = Owner::Abandoned;
        if let Some(directory) = &mut self.directory {
            directory.abandon();
        }
    }
}
