//! What the pool knows of each host, under one lock that is never held while anybody waits
//!
//! ```text
//! obtain ─▶ queue ─▶ serve ─▶ message to the waiter: a session, or leave to open one
//!                      ▲
//!        whatever is reported to the budget, whatever comes back
//! ```

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use ftp_proto::{Reply, Time};
use ftp_session::{Admission, Budget, Error, Origin, SessionEnd};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep_until};

use super::error::PoolError;
use super::lease::{Lease, Use};
use super::member::{Fate, Held, Keeper, Member, Stay};
use super::options::PoolBuilder;
use super::site::{HostKey, Site};

/// How many sessions of other sites may pass by whoever is first in line, before one of them is closed to make room
///
/// To reuse a session costs nothing, to open one in its place costs a login. Without any limit, users who always have
/// somebody in line would keep the others out.
const PASSED_BY: usize = 8;

pub(super) struct Shared {
    pub(super) settings: PoolBuilder,
    origin: Origin,
    state: Mutex<State>,
}

struct State {
    hosts: HashMap<HostKey, Host>,
    life: Life,
    reaper: Reaper,
    next: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Open,
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reaper {
    None,
    Running,
}

struct Host {
    budget: Budget,
    /// Used last comes last
    idle: Vec<Idle>,
    waiters: VecDeque<Waiter>,
    /// Sessions that are being closed in the background, which the budget still counts
    leaving: usize,
    refused: u64,
    rejected: Vec<Rejected>,
}

/// A login that the server has refused
struct Rejected {
    site: Site,
    /// Until when it is not tried again; `None`: never
    until: Option<Instant>,
    error: Error,
}

impl Rejected {
    fn holds(&self, now: Instant) -> bool {
        self.until.is_none_or(|until| until > now)
    }
}

struct Idle {
    member: Box<Member>,
    since: Instant,
}

struct Waiter {
    number: u64,
    site: Site,
    messages: UnboundedSender<Message>,
    /// The last time at which it was told to have the queue served: a waiter that is not polled gets no heap of those
    look: Option<Instant>,
    /// Sessions that those behind it were given while it was first
    passed_by: usize,
}

/// What a waiter is told
pub(super) enum Message {
    Session(Lease, Instant),
    Open(Permit),
    /// To have the queue served at this time
    Look(Instant),
    Rejected(Error),
    Closed,
}

/// How a pool is used with regard to one host
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// Sessions that are open or being opened
    pub sessions: usize,
    /// Those of them that nobody uses
    pub idle: usize,
    /// Tasks that wait for one
    pub waiting: usize,
    /// How many sessions there may be, by the pool's settings and by what the server has said
    pub limit: usize,
    /// Sessions that the server has refused because there were too many, since the pool knows of the host
    pub refused: u64,
}

impl Shared {
    pub(super) fn new(settings: PoolBuilder) -> Self {
        Self {
            settings,
            origin: Origin::new(Instant::now().into_std()),
            state: Mutex::new(State {
                hosts: HashMap::new(),
                life: Life::Open,
                reaper: Reaper::None,
                next: 0,
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No invariant is broken half-way: what can panic is done outside.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn time(&self) -> Time {
        self.origin.time(Instant::now().into_std())
    }

    /// Tells the budget something, which may let somebody in
    pub(super) fn report(self: &Arc<Self>, key: &HostKey, report: impl FnOnce(&mut Budget, Time)) {
        let now = self.time();
        let mut state = self.lock();
        if let Some(host) = state.hosts.get_mut(key) {
            report(&mut host.budget, now);
        }
        let left = self.serve(&mut state, key, now);
        drop(state);
        Self::say_goodbye(left);
    }

    pub(super) fn serve_now(self: &Arc<Self>, key: &HostKey) {
        self.report(key, |_, _| ());
    }

    /// Gives waiters what there is; returns idle sessions that are to be closed: one to make room, and those for which a
    /// ceiling that was lowered leaves none
    #[must_use]
    fn serve(self: &Arc<Self>, state: &mut State, key: &HostKey, now: Time) -> Vec<Held> {
        let closed = state.life == Life::Closed;
        let mut left = Vec::new();
        let Some(host) = state.hosts.get_mut(key) else { return left };
        host.waiters.retain(|waiter| !waiter.messages.is_closed());
        if closed {
            for waiter in host.waiters.drain(..) {
                drop(waiter.messages.send(Message::Closed));
            }
        }
        host.hand_over(self, now);
        while let Some(front) = host.waiters.front_mut() {
            match host.budget.admission(now) {
                Admission::Now => {
                    host.budget.begin(now);
                    let permit = Permit { shared: Arc::clone(self), key: Some(key.clone()) };
                    if let Err(unsent) = front.messages.send(Message::Open(permit)) {
                        unsent.0.disarm();
                        host.budget.failed(now);
                    }
                    host.waiters.pop_front();
                    host.hand_over(self, now);
                }
                Admission::Later(then) => {
                    if let Some(at) = then.and_then(|then| self.origin.instant(then)) {
                        front.look_at(Instant::from_std(at));
                    }
                    if host.lacks_room(now) {
                        left.extend(host.give_up_idle(self));
                        host.hand_over(self, now);
                    }
                    break;
                }
            }
        }
        while host.budget.excess(now) > host.leaving {
            let Some(held) = host.give_up_idle(self) else { break };
            left.push(held);
        }
        let moment = Instant::now();
        host.rejected.retain(|rejected| rejected.holds(moment));
        if host.is_forgettable(now) {
            state.hosts.remove(key);
        }
        left
    }

    /// Closes sessions that [`Self::serve`] has returned
    ///
    /// Not under the lock, which their end takes.
    fn say_goodbye(left: Vec<Held>) {
        left.into_iter().for_each(Held::close);
    }

    /// Gets in line
    pub(super) fn enqueue(
        self: &Arc<Self>,
        site: &Site,
        place: Place,
    ) -> Result<Queued, PoolError> {
        let key = site.key().clone();
        let now = self.time();
        let moment = Instant::now();
        let (sender, messages) = unbounded_channel();
        let mut state = self.lock();
        if state.life == Life::Closed {
            return Err(PoolError::Closed);
        }
        let number = state.next;
        state.next += 1;
        let PoolBuilder { sessions, at_once, waiters: limit, .. } = self.settings;
        let host = state.hosts.entry(key.clone()).or_insert_with(|| Host {
            budget: Budget::new(sessions).at_once(at_once),
            idle: Vec::new(),
            waiters: VecDeque::new(),
            leaving: 0,
            refused: 0,
            rejected: Vec::new(),
        });
        let mut rejected = host.rejected.iter();
        if let Some(rejected) = rejected.find(|other| other.site == *site && other.holds(moment)) {
            return Err(rejected.error.again().into());
        }
        let waiter =
            Waiter { number, site: site.clone(), messages: sender, look: None, passed_by: 0 };
        match place {
            Place::Front => host.waiters.push_front(waiter),
            Place::Back => host.waiters.push_back(waiter),
        }
        let left = self.serve(&mut state, &key, now);
        let queued = Queued { shared: Arc::clone(self), key: key.clone(), number, messages };
        let waiting = state.hosts.get(&key).map_or(0, |host| host.waiters.len());
        let still = state.hosts.get(&key).is_some_and(|host| host.has(number));
        drop(state);
        Self::say_goodbye(left);
        if still && place == Place::Back && waiting > limit {
            return Err(PoolError::Busy { limit });
        }
        Ok(queued)
    }

    /// A clean session becomes somebody's or idle
    fn keep(self: &Arc<Self>, mut held: Held) {
        let now = self.time();
        let old = held.member().is_older_than(self.settings.age);
        let key = held.member().site.key().clone();
        let mut state = self.lock();
        let closed = state.life == Life::Closed;
        let host = state.hosts.get_mut(&key);
        let Some(host) =
            host.filter(|host| !old && !closed && host.budget.excess(now) <= host.leaving)
        else {
            drop(state);
            return held.close();
        };
        let Some(mut member) = held.take() else { return };
        member.reset();
        host.idle.push(Idle { member, since: Instant::now() });
        let left = self.serve(&mut state, &key, now);
        let reaper = std::mem::replace(&mut state.reaper, Reaper::Running);
        drop(state);
        Self::say_goodbye(left);
        if reaper == Reaper::None {
            self.start_reaper();
        }
    }

    /// Has idle sessions closed when their time has come
    fn start_reaper(self: &Arc<Self>) {
        let running = Running(Arc::downgrade(self));
        // Outside any runtime the next session that comes back starts it.
        let Ok(runtime) = Handle::try_current() else { return };
        runtime.spawn(async move {
            // The pool is not kept for the sake of this.
            while let Some(at) = running.0.upgrade().and_then(|shared| shared.reap()) {
                sleep_until(at).await;
            }
        });
    }

    /// Closes what was idle for too long; returns when to look again
    fn reap(self: &Arc<Self>) -> Option<Instant> {
        let moment = Instant::now();
        let limit = self.settings.idle;
        let mut left = Vec::new();
        let mut next: Option<Instant> = None;
        let mut state = self.lock();
        for host in state.hosts.values_mut() {
            // The first one has been idle for longest.
            while let Some(idle) = host.idle.first() {
                match idle.since.checked_add(limit) {
                    Some(at) if at <= moment => left.extend(host.give_up_idle(self)),
                    at => {
                        next = next.into_iter().chain(at).min();
                        break;
                    }
                }
            }
        }
        if next.is_none() {
            state.reaper = Reaper::None;
        }
        drop(state);
        Self::say_goodbye(left);
        next
    }

    /// Ends the pool
    pub(super) fn close(self: &Arc<Self>) {
        let now = self.time();
        let mut state = self.lock();
        state.life = Life::Closed;
        let mut left = Vec::new();
        let keys: Vec<HostKey> = state.hosts.keys().cloned().collect();
        for key in keys {
            if let Some(host) = state.hosts.get_mut(&key) {
                left.extend(std::iter::from_fn(|| host.give_up_idle(self)));
            }
            left.extend(self.serve(&mut state, &key, now));
        }
        drop(state);
        Self::say_goodbye(left);
    }

    pub(super) fn status(&self, site: &Site) -> Status {
        let now = self.time();
        let state = self.lock();
        match state.hosts.get(site.key()) {
            Some(host) => Status {
                sessions: host.budget.count(),
                idle: host.idle.len(),
                waiting: host.waiters.len(),
                limit: host.budget.limit(now),
                refused: host.refused,
            },
            None => Status { limit: self.settings.sessions, ..Status::default() },
        }
    }
}

impl Keeper for Shared {
    fn leaves(&self, site: &Site) {
        if let Some(host) = self.lock().hosts.get_mut(site.key()) {
            host.leaving += 1;
        }
    }

    fn ended(self: Arc<Self>, site: &Site, end: SessionEnd, stay: Stay) {
        if stay == Stay::Leaving {
            if let Some(host) = self.lock().hosts.get_mut(site.key()) {
                host.leaving = host.leaving.saturating_sub(1);
            }
        }
        self.report(site.key(), |budget, now| budget.ended(end, now));
    }

    fn give_back(self: Arc<Self>, mut held: Held) {
        let key = held.member().site.key().clone();
        let failures = held.member_mut().take_data_failures();
        let fate = held.member_mut().look();
        if failures > 0 {
            self.report(&key, |budget, now| (0..failures).for_each(|_| budget.data_failed(now)));
        }
        match fate {
            Fate::Dead(end) => held.end(end),
            Fate::Close => held.close(),
            Fate::Clean => self.keep(held),
            Fate::Settle => {
                // Without a runtime nobody can settle it.
                if let Ok(runtime) = Handle::try_current() {
                    runtime.spawn(async move {
                        if held.member_mut().settle().await.is_ok() {
                            match held.member_mut().look() {
                                Fate::Clean => self.keep(held),
                                Fate::Dead(end) => held.end(end),
                                Fate::Settle | Fate::Close => held.close(),
                            }
                        }
                    });
                }
            }
        }
    }
}

impl Waiter {
    /// Has it serve the queue at this time, unless it will sooner
    fn look_at(&mut self, at: Instant) {
        let moment = Instant::now();
        if self.look.is_none_or(|look| at < look || look <= moment) {
            self.look = Some(at);
            drop(self.messages.send(Message::Look(at)));
        }
    }
}

impl Host {
    fn has(&self, number: u64) -> bool {
        self.waiters.iter().any(|waiter| waiter.number == number)
    }

    /// Whether nobody else's session can be opened before one is closed, and none is being closed
    fn lacks_room(&self, now: Time) -> bool {
        self.leaving == 0 && self.budget.count() >= self.budget.limit(now)
    }

    /// The session that nobody has used for longest, which is counted as one that leaves from now on
    fn give_up_idle(&mut self, shared: &Arc<Shared>) -> Option<Held> {
        if self.idle.is_empty() {
            return None;
        }
        self.leaving += 1;
        Some(Held::leaving(shared.clone(), self.idle.remove(0).member))
    }

    /// Gives idle sessions to those who wait for one of their site, unless the first in line has waited for long
    fn hand_over(&mut self, shared: &Arc<Shared>, now: Time) {
        let mut index = 0;
        while let Some(waiter) = self.waiters.get(index) {
            if index > 0 && self.waiters[0].passed_by >= PASSED_BY && self.lacks_room(now) {
                return;
            }
            let fits = |idle: &Idle| idle.member.site == waiter.site;
            let Some(place) = self.idle.iter().rposition(fits) else {
                index += 1;
                continue;
            };
            let Idle { member, since } = self.idle.remove(place);
            let lease = Lease::new(Held::new(shared.clone(), member), Use::Again);
            if let Err(unsent) = waiter.messages.send(Message::Session(lease, since)) {
                // Its task is gone. The session must not be given back here, where the lock is held.
                if let Message::Session(mut lease, since) = unsent.0 {
                    let member = lease.take();
                    self.idle.extend(member.map(|member| Idle { member, since }));
                }
            }
            self.waiters.remove(index);
            if index > 0 {
                self.waiters[0].passed_by += 1;
            }
        }
    }

    fn is_forgettable(&self, now: Time) -> bool {
        self.idle.is_empty()
            && self.waiters.is_empty()
            && self.rejected.is_empty()
            && self.leaving == 0
            && self.budget.is_blank(now)
    }
}

/// Where to stand in line
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Of somebody who stood there before
    Front,
    Back,
}

/// A place in the line, which its drop gives up
pub(super) struct Queued {
    shared: Arc<Shared>,
    key: HostKey,
    number: u64,
    pub(super) messages: UnboundedReceiver<Message>,
}

impl Drop for Queued {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        let host = state.hosts.get_mut(&self.key);
        let place = host.and_then(|host| {
            let place = host.waiters.iter().position(|waiter| waiter.number == self.number)?;
            host.waiters.remove(place)
        });
        drop(state);
        // Whoever is first now has to know when to look.
        if place.is_some() {
            self.shared.serve_now(&self.key);
        }
    }
}

/// Leave to open a session, of which the budget hears what becomes
pub(super) struct Permit {
    shared: Arc<Shared>,
    key: Option<HostKey>,
}

impl Permit {
    fn report(mut self, report: impl FnOnce(&mut Budget, Time)) {
        if let Some(key) = self.key.take() {
            self.shared.report(&key, report);
        }
    }

    pub(super) fn opened(self) {
        self.report(|budget, now| budget.opened(now));
    }

    pub(super) fn refused(self, reply: &Reply) {
        if let Some(key) = &self.key {
            if let Some(host) = self.shared.lock().hosts.get_mut(key) {
                host.refused += 1;
            }
        }
        self.report(|budget, now| budget.refused(reply, now));
    }

    /// The login is refused: nobody else is to try it
    pub(super) fn rejected(mut self, site: &Site, error: &Error) {
        let Some(key) = self.key.take() else { return };
        let until = Instant::now().checked_add(self.shared.settings.login_memory);
        let mut state = self.shared.lock();
        if let Some(host) = state.hosts.get_mut(&key) {
            host.waiters.retain(|waiter| {
                let others = waiter.site != *site;
                if !others {
                    drop(waiter.messages.send(Message::Rejected(error.again())));
                }
                others
            });
            host.rejected.push(Rejected { site: site.clone(), until, error: error.again() });
        }
        drop(state);
        self.shared.report(&key, |budget, now| budget.failed(now));
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            self.shared.report(&key, |budget, now| budget.failed(now));
        }
    }
}

impl Message {
    /// Of a permit that was not sent, and is not reported under the lock
    fn disarm(self) {
        if let Self::Open(mut permit) = self {
            permit.key = None;
        }
    }
}

/// The reaper runs as long as this is there, which a runtime that is shut down drops
///
/// It has said so itself if it found nothing to wait for; a second one that was started since then is harmless.
struct Running(Weak<Shared>);

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(shared) = self.0.upgrade() {
            shared.lock().reaper = Reaper::None;
        }
    }
}

/// How a lease's session ended, as the budget has it
pub(super) const fn idle_end(end: SessionEnd) -> SessionEnd {
    match end {
        // Nobody has used it.
        SessionEnd::Cut => SessionEnd::Orderly,
        SessionEnd::Orderly | SessionEnd::Broken => end,
    }
}
