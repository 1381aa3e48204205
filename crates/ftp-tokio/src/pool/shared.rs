//! The hosts of a pool, under one lock that is never held across a wait
//!
//! ```text
//! any event ─▶ change: lock · the change · serve · unlock · wake called tasks, close sessions
//! ```
//!
//! A value that takes the lock when it is dropped is never dropped while the lock is held: there, sessions are bare
//! [`Member`]s, and a permit to open one is only noted. [`Lease`](super::Lease)s and permits are made from them after
//! unlocking.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ftp_session::{Origin, SessionEnd};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use super::error::PoolError;
use super::events::{self, CloseReason};
use super::host::{Deferred, EndedWhile, Host, Status, ToClose};
use super::line::Turn;
use super::member::Member;
use super::options::PoolBuilder;
use super::site::{HostKey, Site};

/// How long a server may take to answer QUIT
const QUIT_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) struct Shared {
    pub(super) settings: PoolBuilder,
    origin: Origin,
    state: Mutex<State>,
}

struct State {
    hosts: HashMap<HostKey, Host>,
    life: Life,
    /// The number of the next waiter
    next: u64,
    /// The number of hosts at which to look for hosts that can be forgotten
    sweep_at: usize,
    reaper: Reaper,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Open,
    Closed,
}

/// Whether a task is closing sessions that were idle for too long
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reaper {
    None,
    Running,
}

impl Shared {
    pub(super) fn new(settings: PoolBuilder) -> Self {
        Self {
            settings,
            origin: Origin::new(Instant::now().into_std()),
            state: Mutex::new(State {
                hosts: HashMap::new(),
                life: Life::Open,
                next: 0,
                sweep_at: 16,
                reaper: Reaper::None,
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic runs under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state of a host, and serves its waiting tasks; `None` if the pool has no such host
    pub(super) fn change<T>(
        self: &Arc<Self>,
        key: &HostKey,
        change: impl FnOnce(&mut Host, Instant) -> T,
    ) -> Option<T> {
        let mut state = self.lock();
        let (done, deferred) = state.change(key, change)?;
        drop(state);
        self.follow(deferred);
        Some(done)
    }

    /// Carries out what was noted under the lock
    fn follow(self: &Arc<Self>, deferred: Deferred) {
        deferred.to_notify.iter().for_each(|notify| notify.notify_one());
        for ToClose { member, reason } in deferred.to_close {
            ClosingSession { shared: Arc::clone(self), member: Some(member), reason }.send_quit();
        }
    }

    /// Enters the line: with a new number, or with that of an earlier turn that gave no session
    pub(super) fn enter(
        self: &Arc<Self>,
        site: &Site,
        number: Option<u64>,
        notify: &Arc<Notify>,
    ) -> Result<u64, PoolError> {
        let now = Instant::now();
        let key = site.key();
        let mut state = self.lock();
        if state.life == Life::Closed {
            return Err(PoolError::Closed);
        }
        state.sweep(now);
        let host = state
            .hosts
            .entry(key.clone())
            .or_insert_with(|| Host::new(&self.settings, self.origin));
        if let Some(error) = host.refusal(site, now) {
            return Err(error.into());
        }
        let is_new = number.is_none();
        let number = number.unwrap_or(state.next);
        state.next += u64::from(is_new);
        let limit = self.settings.waiters;
        let entered = state.change(key, |host, now| {
            host.line.enter(number, site.clone(), Arc::clone(notify));
            host.serve(now);
            // A task that was in line before keeps its place.
            let fits = !is_new || host.line.len() <= limit || !host.line.is_waiting(number);
            if !fits {
                host.leave(number, now);
            }
            fits
        });
        drop(state);
        let Some((fits, deferred)) = entered else { return Err(PoolError::Closed) };
        self.follow(deferred);
        if fits { Ok(number) } else { Err(PoolError::Busy { limit }) }
    }

    /// What a waiter was given, or when it must look again
    pub(super) fn turn(&self, key: &HostKey, number: u64) -> Result<Turn, Option<Instant>> {
        let mut state = self.lock();
        let Some(host) = state.hosts.get_mut(key) else { return Err(None) };
        host.line.take(number).ok_or_else(|| host.line.look(number))
    }

    /// Takes back a session in its original state: the next task in line gets it, or it becomes idle
    pub(super) fn keep(self: &Arc<Self>, member: Box<Member>) {
        let is_old = member.is_older_than(self.settings.age);
        let key = member.site.key().clone();
        let mut state = self.lock();
        let is_closed = state.life == Life::Closed;
        let changed = state.change(&key, |host, now| match (is_closed, is_old) {
            (true, _) => host.close_later(member, CloseReason::PoolClosed),
            (false, true) => host.close_later(member, CloseReason::Old),
            (false, false) => host.keep(member, now),
        });
        drop(state);
        if let Some(((), deferred)) = changed {
            self.follow(deferred);
        }
    }

    /// Handles the end of a session
    pub(super) fn ended(
        self: &Arc<Self>,
        member: Box<Member>,
        end: SessionEnd,
        ended_while: EndedWhile,
        reason: CloseReason,
    ) {
        let site = member.site.clone();
        // The connection is closed before the session is counted out, so that the server can notice first.
        drop(member);
        events::closed(&site, reason);
        self.change(site.key(), |host, now| host.ended(&site, end, ended_while, now));
    }

    /// Closes the pool
    pub(super) fn close(self: &Arc<Self>) {
        let mut deferred = Deferred::default();
        let mut state = self.lock();
        state.life = Life::Closed;
        for host in state.hosts.values_mut() {
            host.close();
            deferred.add(host.take_deferred());
        }
        drop(state);
        self.follow(deferred);
    }

    /// Closes sessions that were idle for too long; returns when to look again, and unregisters the reaper if never
    pub(super) fn reap(self: &Arc<Self>) -> Option<Instant> {
        let now = Instant::now();
        let mut deferred = Deferred::default();
        let mut next = None;
        let mut state = self.lock();
        for host in state.hosts.values_mut() {
            next = host.reap(self.settings.idle, now).into_iter().chain(next).min();
            deferred.add(host.take_deferred());
        }
        if next.is_none() {
            state.reaper = Reaper::None;
        }
        drop(state);
        self.follow(deferred);
        next
    }

    /// Sets whether there is a reaper; returns whether there was one before
    pub(super) fn set_reaper(&self, reaper: Reaper) -> Reaper {
        std::mem::replace(&mut self.lock().reaper, reaper)
    }

    pub(super) fn status(&self, site: &Site) -> Status {
        let now = Instant::now();
        match self.lock().hosts.get(site.key()) {
            Some(host) => host.status(now),
            None => Status { limit: self.settings.sessions, ..Status::default() },
        }
    }
}

impl State {
    fn change<T>(
        &mut self,
        key: &HostKey,
        change: impl FnOnce(&mut Host, Instant) -> T,
    ) -> Option<(T, Deferred)> {
        // Read under the lock, so that times don't decrease.
        let now = Instant::now();
        let host = self.hosts.get_mut(key)?;
        let done = change(host, now);
        host.serve(now);
        let deferred = host.take_deferred();
        if host.is_forgettable(now) {
            self.hosts.remove(key);
        }
        Some((done, deferred))
    }

    /// Forgets hosts without any state left; runs each time their number has doubled, which costs little
    fn sweep(&mut self, now: Instant) {
        if self.hosts.len() >= self.sweep_at {
            self.hosts.retain(|_, host| !host.is_forgettable(now));
            self.sweep_at = (self.hosts.len() * 2).max(16);
        }
    }
}

/// A session that is being closed; it counts as leaving until it has ended
struct ClosingSession {
    shared: Arc<Shared>,
    member: Option<Box<Member>>,
    reason: CloseReason,
}

impl ClosingSession {
    /// Sends QUIT, in the background if there is a runtime
    fn send_quit(mut self) {
        let Ok(runtime) = Handle::try_current() else { return };
        runtime.spawn(async move {
            let Some(member) = &mut self.member else { return };
            let quit = timeout(QUIT_TIMEOUT, member.client.quit()).await;
            let end =
                if matches!(quit, Ok(Ok(_))) { SessionEnd::Orderly } else { SessionEnd::Broken };
            self.end(end);
        });
    }

    fn end(&mut self, end: SessionEnd) {
        if let Some(member) = self.member.take() {
            self.shared.ended(member, end, EndedWhile::Closing, self.reason);
        }
    }
}

impl Drop for ClosingSession {
    fn drop(&mut self) {
        self.end(SessionEnd::Broken);
    }
}
