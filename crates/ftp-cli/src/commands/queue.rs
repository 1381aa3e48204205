//! Files of one or more servers, each server's worked off by several sessions at the same time

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::context::{Key, key};
use crate::args::{Common, Parallel};
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::location::Remote;
use crate::login::Logins;
use crate::pool::{Lease, Pool};
use crate::site::Site;

/// What is to be done on each server
pub(super) struct Queues<'a, T> {
    servers: BTreeMap<Key, Server<T>>,
    interrupt: &'a Interrupt,
}

struct Server<T> {
    pool: Pool,
    waiting: Mutex<VecDeque<T>>,
}

impl<'a, T: Send> Queues<'a, T> {
    /// Sorts tasks by their servers, each of which gets so many sessions at most
    pub(super) fn new(
        tasks: Vec<T>,
        remote_of: impl Fn(&T) -> &Remote,
        common: &Common,
        sessions: Parallel,
        interrupt: &'a Interrupt,
    ) -> Result<Self, Failure> {
        let logins = Logins::new(common, &tasks.iter().map(&remote_of).collect::<Vec<_>>())?;
        let mut servers = BTreeMap::<Key, Server<T>>::new();
        for task in tasks {
            let remote = remote_of(&task);
            let key = key(remote);
            if !servers.contains_key(&key) {
                let site = Site::new(remote, &logins, common)?;
                let pool = Pool::new(site, sessions, interrupt);
                servers.insert(key.clone(), Server { pool, waiting: Mutex::default() });
            }
            if let Some(server) = servers.get_mut(&key) {
                server.lock().push_back(task);
            }
        }
        Ok(Self { servers, interrupt })
    }

    /// Does all of it, so many tasks of each server at a time; `fail` is told what was not done, unless that was because
    /// of an interruption
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

impl<T> Server<T> {
    fn lock(&self) -> MutexGuard<'_, VecDeque<T>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does one thing after the other with one session
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
                Err(failure) => {
                    // What is left can't be had from this server.
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
