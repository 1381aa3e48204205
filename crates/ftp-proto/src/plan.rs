//! The plan: what is done next, in which order, and for whom

use alloc::boxed::Box;

use crate::claim::{Outcome, Owner};
use crate::directory::Directory;
use crate::error::Error;
use crate::op::machine::{Context, Ended};
use crate::op::read_dir::{Next, ReadDirOp};
use crate::op::running::Running;
use crate::session::{LastListing, Session};

/// A request: its owner, and what it does after its current operation
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) owner: Owner,
    /// The directory that the request reads, operation by operation
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
pub(crate) enum Follows {
    /// The request goes on with another operation
    Task(Task),
    /// The request has ended
    End(Owner, Result<Outcome, Error>),
}

/// What has to run before a task
#[derive(Debug)]
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

    /// Creates a task that reads a directory; its first operation is chosen in its turn
    fn directory(owner: Owner, directory: ReadDirOp) -> Self {
        let directory = Some(Box::new(directory));
        Self { request: Request { owner, directory }, operation: Running::Nothing }
    }

    /// Whether the task cleans up after an earlier request
    pub(crate) const fn settles(&self) -> bool {
        matches!(self.request.owner, Owner::Abandoned | Owner::Flush)
    }

    /// Whether the request begins with this task and depends on the working directory, which the session has left
    pub(crate) fn needs(&self, directory: &Directory, listing: LastListing) -> bool {
        match (&self.request.directory, &self.operation) {
            (None, operation) => operation.needs(directory),
            // A listing that discards the rest of an earlier one runs first. The listed directory may be gone by now.
            (Some(_), Running::Nothing) if listing == LastListing::Cut => true,
            (Some(read_dir), Running::Nothing) => read_dir.needs(directory),
            // It has begun.
            (Some(_), _) => false,
        }
    }
}

/// What a request does
pub(crate) trait Work {
    fn task(self, owner: Owner) -> Task;
}

impl Work for Running {
    fn task(self, owner: Owner) -> Task {
        Task::new(owner, self)
    }
}

impl Work for ReadDirOp {
    fn task(self, owner: Owner) -> Task {
        Task::directory(owner, self)
    }
}

/// What can't be sent fails in its turn, so that results keep their order
impl<W: Work> Work for Result<W, Error> {
    fn task(self, owner: Owner) -> Task {
        match self {
            Ok(work) => work.task(owner),
            Err(error) => Task::new(owner, Running::Invalid(error)),
        }
    }
}

impl Request {
    /// Decides what follows the end of an operation of this request
    pub(crate) fn follows(mut self, ended: Ended, session: &mut Session) -> Follows {
        let Some(directory) = &mut self.directory else {
            return Follows::End(self.owner, ended.result);
        };
        match directory.next(ended, session) {
            Next::Run(operation) => Follows::Task(Task { request: self, operation }),
            Next::Done(result) => Follows::End(self.owner, result),
        }
    }

    /// Whether the request reads a directory, operation by operation
    pub(crate) const fn reads_directory(&self) -> bool {
        self.directory.is_some()
    }

    /// Sends EPSV together with the CWD that has just been sent, if the request goes on with a listing
    pub(crate) fn begin_listing(&mut self, cx: &mut Context<'_>) {
        if let Some(directory) = &mut self.directory {
            directory.begin_listing(cx);
        }
    }

    /// Marks that the result is no longer needed; what has to be cleaned up on the server still runs
    pub(crate) fn abandon(&mut self) {
        self.owner = Owner::Abandoned;
        if let Some(directory) = &mut self.directory {
            directory.abandon();
        }
    }
}
