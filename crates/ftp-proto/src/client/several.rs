//! Requests that take several operations: each runs as if it had been asked for by itself
//!
//! Between two of them the session settles as always. The request completes with the last.

use super::Client;
use crate::claim::{OpId, Outcome};
use crate::error::Error;
use crate::op::read_dir::{Next, ReadDirOp};
use crate::op::running::Running;

/// What waits for its turn
#[derive(Debug)]
pub(super) enum Task {
    One(Running),
    Several(ReadDirOp),
}

impl Client {
    /// What a task begins with; `None` if it has ended before that
    pub(super) fn first_of(&mut self, op: Option<OpId>, task: Task) -> Option<Running> {
        let (id, mut several) = match (op, task) {
            (_, Task::One(running)) => return Some(running),
            (Some(id), Task::Several(several)) => (id, several),
            // The client itself makes no such requests.
            (None, Task::Several(_)) => return None,
        };
        match several.start(&self.wire.session) {
            Next::Run(running) => {
                self.several = Some((id, several));
                Some(running)
            }
            Next::Done(result) => {
                self.complete(Some(id), result);
                None
            }
        }
    }

    /// Takes the end of an operation; gives it back if it is the end of the request as well
    pub(super) fn end_of(
        &mut self,
        op: OpId,
        result: Result<Outcome, Error>,
    ) -> Option<Result<Outcome, Error>> {
        let Some((id, mut several)) = self.several.take() else { return Some(result) };
        if id != op {
            self.several = Some((id, several));
            return Some(result);
        }
        match several.next(result, &mut self.wire.session) {
            Next::Run(running) => {
                self.queue.push_front((Some(id), Task::One(running)));
                self.several = Some((id, several));
                None
            }
            Next::Done(result) => Some(result),
        }
    }
}
