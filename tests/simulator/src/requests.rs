//! The requests of a session, and the result of each

use std::time::Duration;

use ftp_proto::{Client, Error, Get, List, Op, OpId, Prefetch};

use super::session::{Ask, Broken, Case, OpEnd};
use super::{Server, Task};
use crate::replies::Replies;

/// The requests of a session: login, task, and then the requests that prove that the session is usable
#[derive(Debug)]
pub(super) struct Requests {
    task: Task,
    /// The offset of the download after the task
    next_offset: u64,
    broken: Broken,
    /// The task's request
    pub(super) op: OpId,
    /// The download made after the task
    pub(super) next: Option<OpId>,
    /// Whether the task has ended
    pub(super) probing: bool,
    asked: Vec<(Ask, OpId)>,
    size: Option<Op<u64>>,
    pub(super) ops: Vec<OpEnd>,
    last: Result<(), Error>,
    /// How far the session had come when the task ended: bytes, replies, commands
    pub(super) extent: (usize, usize, usize),
}

/// How far the whole session has come
pub(super) struct Progress<'a> {
    pub(super) server: &'a Server,
    pub(super) control: &'a Replies,
    /// Number of commands that the server has read
    pub(super) commands: usize,
    /// Number of data connections opened before the last step
    pub(super) number: u32,
    pub(super) now: Duration,
    pub(super) dead: bool,
    pub(super) tls_failed: bool,
}

impl Requests {
    /// Makes the requests for login and task, and for the download after it if its port may be requested meanwhile
    pub(super) fn new(case: Case, broken: Broken, client: &mut Client) -> Self {
        let task = case.task;
        let login = client.login("u", "p").id();
        let before = task.follows_a_listing().then(|| client.list(List::new("")).id());
        let op = task.ask(client);
        let next_offset = case.habit.next_offset() as u64;
        let next = (case.prefetch == Prefetch::Always).then(|| ask_next(client, next_offset));
        let asked = [
            Some((Ask::Login, login)),
            before.map(|id| (Ask::Before, id)),
            Some((Ask::Task, op)),
            next.map(|id| (Ask::Get, id)),
        ];
        Self {
            task,
            next_offset,
            broken,
            op,
            next,
            probing: false,
            asked: asked.into_iter().flatten().collect(),
            size: None,
            ops: Vec::new(),
            last: Ok(()),
            extent: (0, 0, 0),
        }
    }

    /// Returns the claim to the size that is requested after the task
    pub(super) const fn size(&self) -> Option<Op<u64>> {
        self.size
    }

    /// Records the end of a request; true if it was the task, so that [`probe`](Self::probe) is next
    ///
    /// # Panics
    ///
    /// If the request is unknown, or if the client is the one that is broken in this way.
    pub(super) fn ended(
        &mut self,
        op: OpId,
        mut result: Result<(), Error>,
        value: Option<u64>,
        progress: &Progress<'_>,
    ) -> bool {
        if self.broken == Broken::Panics && progress.dead {
            panic!("broken on purpose");
        }
        let Some(&(ask, _)) = self.asked.iter().find(|(_, id)| *id == op) else {
            panic!("a completion of nothing");
        };
        match (self.broken, &result) {
            (Broken::Successes, Err(_)) if ask == Ask::Task && self.task.transfers() => {
                result = Ok(());
            }
            (Broken::Classes, Err(Error::Truncated { .. })) => result = Err(Error::Aborted),
            (Broken::Shifts, _) => std::mem::swap(&mut result, &mut self.last),
            _ => {}
        }
        let since = self.ops.last().map_or(Duration::ZERO, |op| op.at);
        match self.ops.iter_mut().find(|op| op.ask == ask) {
            Some(op) => op.results.push(result),
            None => self.ops.push(OpEnd {
                ask,
                results: vec![result],
                value,
                deeds: progress.server.deeds.len(),
                delivered: progress.control.delivered,
                floor: progress.control.floor,
                number: progress.number,
                at: progress.now,
                since,
                dead: progress.dead,
                tls_failed: progress.tls_failed,
            }),
        }
        if ask != Ask::Task || self.probing {
            return false;
        }
        self.extent = (progress.control.bytes, progress.control.replies, progress.commands);
        true
    }

    /// Makes the requests that prove that the session is usable
    pub(super) fn probe(&mut self, client: &mut Client) {
        self.probing = true;
        self.asked.push((Ask::Noop, client.noop().id()));
        let size = client.size("s");
        self.size = Some(size);
        self.asked.push((Ask::Size, size.id()));
        if self.next.is_none() {
            let next = ask_next(client, self.next_offset);
            self.next = Some(next);
            self.asked.push((Ask::Get, next));
        }
        self.asked.push((Ask::Delete, client.delete("nothere").id()));
        self.asked.push((Ask::Put, client.put("after").id()));
    }

    pub(super) fn has_ended(&self, ask: Ask) -> bool {
        self.ops.iter().any(|op| op.ask == ask)
    }

    /// Whether all requests have ended
    pub(super) fn is_complete(&self) -> bool {
        self.probing && self.ops.len() == self.asked.len()
    }
}

/// Requests the download after the task
fn ask_next(client: &mut Client, offset: u64) -> OpId {
    client.get(Get::new("p").resume_at(offset)).id()
}
