//! Distributes the files of a command to the sessions with their servers

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::context::{Context, Key, key};
use crate::args::Parallel;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::location::Remote;
use crate::pool::{Lease, Pool};
use crate::report::Reporter;

/// The tasks for each server
pub(super) struct Queues<'a, T> {
    servers: BTreeMap<Key, Server<T>>,
    interrupt: &'a Interrupt,
}

struct Server<T> {
    pool: Arc<Pool>,
    waiting: Mutex<VecDeque<T>>,
}

impl<'a, T: Send> Queues<'a, T> {
    /// Sorts tasks by their servers, with at most `sessions` for each server
    pub(super) fn new(
        tasks: Vec<T>,
        remote_of: impl Fn(&T) -> &Remote,
        sessions: Parallel,
        context: &'a Context,
    ) -> Result<Self, Failure> {
        let remotes: Vec<&Remote> = tasks.iter().map(&remote_of).collect();
        let server = |(key, pool)| (key, Server { pool, waiting: Mutex::default() });
        let servers: BTreeMap<Key, Server<T>> =
            context.pools(&remotes, sessions)?.into_iter().map(server).collect();
        for task in tasks {
            if let Some(server) = servers.get(&key(remote_of(&task))) {
                server.lock().push_back(task);
            }
        }
        Ok(Self { servers, interrupt: &context.interrupt })
    }

    /// Runs `work` for all tasks, at most `at_a_time` of each server at the same time
    ///
    /// `fail` gets each task that failed or could not be started, unless the run was interrupted.
    pub(super) fn work_off(
        &self,
        at_a_time: u16,
        work: impl Fn(&mut Lease<'_>, &Pool, &T) -> Result<(), Failure> + Sync,
        fail: impl Fn(&T, &Failure) + Sync,
    ) {
        std::thread::scope(|scope| {
            for server in self.servers.values() {
                for _ in 0..server.lock().len().min(usize::from(at_a_time)) {
                    scope.spawn(|| server.work_off(self.interrupt, &work, &fail));
                }
            }
        });
    }
}

/// Writes the summary of a run; returns its exit code
pub(super) fn finish(reporter: &Reporter, interrupt: &Interrupt) -> Exit {
    let mut exits = reporter.totals().exits;
    if interrupt.is_set() {
        exits.push(Exit::Interrupted);
    }
    let exit = Exit::of_all(exits);
    reporter.summary(exit);
    exit
}

impl<T> Server<T> {
    fn lock(&self) -> MutexGuard<'_, VecDeque<T>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs one task after another over one session, until none is left
    fn work_off(
        &self,
        interrupt: &Interrupt,
        work: &(impl Fn(&mut Lease<'_>, &Pool, &T) -> Result<(), Failure> + Sync),
        fail: &(impl Fn(&T, &Failure) + Sync),
    ) {
        let mut lease = self.pool.lease();
        loop {
            match lease.open_while(&|| !self.lock().is_empty()) {
                Ok(true) => {}
                Ok(false) => return,
                Err(_) if interrupt.is_set() => return,
                Err(failure) => {
                    // No session can be opened, so all tasks that are left fail.
                    let left = std::mem::take(&mut *self.lock());
                    left.iter().for_each(|task| fail(task, &failure));
                    return;
                }
            }
            let Some(task) = self.lock().pop_front() else { return };
            if let Err(failure) = work(&mut lease, &self.pool, &task) {
                if interrupt.is_set() {
                    return;
                }
                fail(&task, &failure);
            }
        }
    }
}
