//! Distributes the files of a command to the sessions with their servers

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::context::{Context, Key, key};
use crate::args::Parallel;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::location::Remote;
use crate::pool::{Lease, Pool};
use crate::report::Reporter;

/// At most this many tasks are looked up by one thread before it carries one out
const AHEAD: usize = 16;

/// How often a thread without a task checks whether another one has prepared some, or the run was interrupted
const LOOK: Duration = Duration::from_millis(100);

/// The tasks for each server, of type `T`, and what is looked up for each before it is carried out
pub(super) struct Queues<'a, T, L> {
    servers: BTreeMap<Key, Server<T, L>>,
    interrupt: &'a Interrupt,
}

struct Server<T, L> {
    pool: Arc<Pool>,
    tasks: Mutex<Tasks<T, L>>,
    changed: Condvar,
}

/// The tasks that are left
///
/// One thread looks up several tasks in a row, so that transfers follow one another directly: the session then
/// requests the port of the next transfer while one runs ([`Prefetch`](ftp_proto::Prefetch)).
struct Tasks<T, L> {
    waiting: VecDeque<T>,
    ready: VecDeque<(T, L)>,
    /// The number of threads that look up tasks
    looking: usize,
}

/// The next step of a thread
enum Next<T, L> {
    Look(VecDeque<T>),
    Do(T, L),
    Wait,
    Nothing,
}

/// What is done for the tasks of a command
pub(super) struct Work<Look, Do, Fail> {
    /// Looks up a task; `None` if nothing needs to be done
    pub(super) look: Look,
    /// Carries out a task
    pub(super) carry_out: Do,
    /// Gets each task that failed or could not be started, unless the run was interrupted
    pub(super) fail: Fail,
}

impl<'a, T: Send, L: Send> Queues<'a, T, L> {
    /// Sorts tasks by their servers, with at most `sessions` for each server
    pub(super) fn new(
        tasks: Vec<T>,
        remote_of: impl Fn(&T) -> &Remote,
        sessions: Parallel,
        context: &'a Context,
    ) -> Result<Self, Failure> {
        let remotes: Vec<&Remote> = tasks.iter().map(&remote_of).collect();
        let server = |(key, pool)| (key, Server::new(pool));
        let servers: BTreeMap<Key, Server<T, L>> =
            context.pools(&remotes, sessions)?.into_iter().map(server).collect();
        for task in tasks {
            if let Some(server) = servers.get(&key(remote_of(&task))) {
                server.lock().waiting.push_back(task);
            }
        }
        Ok(Self { servers, interrupt: &context.interrupt })
    }

    /// Returns the sessions for the only task; `None` if there are more tasks, or none
    pub(super) fn only(&self) -> Option<&Arc<Pool>> {
        let mut servers = self.servers.values();
        match (servers.next(), servers.next()) {
            (Some(server), None) if server.lock().waiting.len() == 1 => Some(&server.pool),
            _ => None,
        }
    }

    /// Does all tasks, at most `at_a_time` of each server at the same time
    pub(super) fn work_off<Look, Do, Fail>(&self, at_a_time: u16, work: &Work<Look, Do, Fail>)
    where
        Look: Fn(&mut Lease<'_>, &T) -> Result<Option<L>, Failure> + Sync,
        Do: Fn(&mut Lease<'_>, &Pool, &T, L) -> Result<(), Failure> + Sync,
        Fail: Fn(&T, &Failure) + Sync,
    {
        std::thread::scope(|scope| {
            for server in self.servers.values() {
                let threads = server.lock().waiting.len().min(usize::from(at_a_time));
                for _ in 0..threads {
                    scope.spawn(move || server.work_off(threads, self.interrupt, work));
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
    reporter.summary(Exit::of_all(exits))
}

impl<T, L> Server<T, L> {
    fn new(pool: Arc<Pool>) -> Self {
        let tasks = Tasks { waiting: VecDeque::new(), ready: VecDeque::new(), looking: 0 };
        Self { pool, tasks: Mutex::new(tasks), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Tasks<T, L>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries out one task after another over one session, until none is left
    fn work_off<Look, Do, Fail>(
        &self,
        threads: usize,
        interrupt: &Interrupt,
        work: &Work<Look, Do, Fail>,
    ) where
        Look: Fn(&mut Lease<'_>, &T) -> Result<Option<L>, Failure> + Sync,
        Do: Fn(&mut Lease<'_>, &Pool, &T, L) -> Result<(), Failure> + Sync,
        Fail: Fn(&T, &Failure) + Sync,
    {
        let mut lease = self.pool.lease();
        loop {
            match lease.open_while(&|| self.lock().are_left()) {
                Ok(true) => {}
                Ok(false) => return,
                Err(_) if interrupt.is_set() => return,
                Err(failure) => {
                    // No session can be opened, so all tasks that are left fail.
                    let left = self.lock().take_all();
                    left.iter().for_each(|task| (work.fail)(task, &failure));
                    return;
                }
            }
            let next = self.lock().next(threads);
            match next {
                Next::Look(tasks) => {
                    let _looking = Looking(self);
                    for task in tasks {
                        self.look(&mut lease, task, interrupt, work);
                    }
                }
                Next::Do(task, looked) => {
                    let result = (work.carry_out)(&mut lease, &self.pool, &task, looked);
                    match result {
                        Err(failure) if !interrupt.is_set() => (work.fail)(&task, &failure),
                        _ => {}
                    }
                }
                // The thread that looks tasks up may have lost its session, and wait for this one's place.
                Next::Wait if lease.is_open() && self.pool.is_needed() => lease.close(),
                Next::Wait => {
                    drop(self.changed.wait_timeout(self.lock(), LOOK));
                }
                Next::Nothing => return,
            }
            if interrupt.is_set() {
                return;
            }
        }
    }

    fn look<Look, Do, Fail>(
        &self,
        lease: &mut Lease<'_>,
        task: T,
        interrupt: &Interrupt,
        work: &Work<Look, Do, Fail>,
    ) where
        Look: Fn(&mut Lease<'_>, &T) -> Result<Option<L>, Failure>,
        Fail: Fn(&T, &Failure),
    {
        if interrupt.is_set() {
            return;
        }
        match (work.look)(lease, &task) {
            Ok(Some(looked)) => {
                self.lock().ready.push_back((task, looked));
                self.changed.notify_all();
            }
            Ok(None) => {}
            Err(_) if interrupt.is_set() => {}
            Err(failure) => (work.fail)(&task, &failure),
        }
    }
}

/// Ends the look-ups of a thread when dropped, also if it panics, as the others wait for it
struct Looking<'a, T, L>(&'a Server<T, L>);

impl<T, L> Drop for Looking<'_, T, L> {
    fn drop(&mut self) {
        self.0.lock().looking -= 1;
        self.0.changed.notify_all();
    }
}

impl<T, L> Tasks<T, L> {
    fn are_left(&self) -> bool {
        !self.waiting.is_empty() || !self.ready.is_empty() || self.looking > 0
    }

    /// Returns the next step of one of this many threads
    fn next(&mut self, threads: usize) -> Next<T, L> {
        if let Some((task, looked)) = self.ready.pop_front() {
            return Next::Do(task, looked);
        }
        if !self.waiting.is_empty() {
            let count = self.waiting.len().div_ceil(threads).min(AHEAD);
            self.looking += 1;
            return Next::Look(self.waiting.drain(..count).collect());
        }
        if self.looking > 0 { Next::Wait } else { Next::Nothing }
    }

    fn take_all(&mut self) -> Vec<T> {
        let ready = self.ready.drain(..).map(|(task, _)| task);
        let mut all: Vec<T> = ready.collect();
        all.extend(self.waiting.drain(..));
        all
    }
}
