//! Many sessions on one thread: which session gets a turn, and when
//!
//! ```text
//! handle_event ─▶ the session of the token ─▶ queue of those with work ◀─ deadlines that passed
//! turn            each of the queue once, then the clock                     (one ordered set)
//! poll_ready      sessions that have events, or data to move
//! ```
//!
//! A wake-up costs in proportion to the sessions that are ready, however many there are.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::fmt;
use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ftp_proto::ConnectionError;
use ftp_session::{Admission, Budget, Error, Options, Origin, SessionEnd};
use mio::{Registry, Token};

use crate::session::{Session, no_tokens};

/// Identifies a session in a [`Manager`]; never reused, and different from the keys of all other managers
///
/// Keys of the same manager are in the order in which their sessions were added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    manager: usize,
    generation: u64,
    index: usize,
}

/// Any number of sessions on one poll
///
/// Sessions take tokens from the first one on, [`Session::TOKENS`] each. The application's own sockets use the tokens
/// below.
///
/// # Servers that limit connections
///
/// Each server has a [`Budget`]. When a server says that there are too many connections (421 or 530 with such a text),
/// the number of sessions to it is limited for ten minutes to the number it has accepted, and further ones wait until
/// one of these has ended. The refused session itself is over, or without a login: to try again, connect again; the
/// new session waits in line, without a deadline. A server that refuses the only session is left alone for 5 s, then for
/// twice as long each time, up to a minute.
///
/// Sessions that are being opened when the limit is reached are all refused; [`Self::open_at_once`] reduces their
/// number.
pub struct Manager {
    /// Distinguishes its keys from those of other managers
    number: usize,
    first: usize,
    slots: Vec<Option<Box<Entry>>>,
    free: Vec<usize>,
    generation: u64,
    timers: BTreeSet<(Instant, Timer)>,
    /// Sessions that have work, each once
    queue: VecDeque<usize>,
    /// Sessions that had a turn and have something for the application, each once
    ready: VecDeque<Key>,
    servers: HashMap<Site, Server>,
    limit: usize,
    at_once: usize,
    origin: Origin,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    Session(usize),
    Server(Site),
}

/// Identifies the server whose limits apply to a session
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Site {
    /// A server, identified by the first address of its sessions
    Address(SocketAddr),
    /// A server reached through a proxy, identified by host and port, because the addresses are the proxy's
    Proxied(Arc<str>, u16),
}

struct Entry {
    session: Session,
    generation: u64,
    /// The instant of its entry in `timers`: its deadline or earlier
    timer: Option<Instant>,
    queued: Queued,
    reported: Reported,
    server: Site,
    state: BudgetState,
    /// The number of failed data connections reported to the budget
    data_failures: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Queued {
    No,
    Yes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reported {
    No,
    Queued,
}

/// The state of a session with regard to its server's limit
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BudgetState {
    /// Not started
    Waiting,
    /// Counts as one of the server's sessions, but has neither been idle yet nor begun a transfer
    Opening,
    /// Counts as one of the server's sessions
    Open,
    /// No longer counts: over, or refused because of the server's limit
    Released,
}

/// The state kept for a server
#[derive(Debug)]
struct Server {
    budget: Budget,
    /// The sessions that wait for the budget; keys are in the order in which sessions were added
    waiting: BTreeSet<Key>,
}

impl Manager {
    /// Creates a manager without sessions; their tokens begin at `first`
    #[must_use]
    pub fn new(first: Token) -> Self {
        static MANAGERS: AtomicUsize = AtomicUsize::new(0);
        Self {
            number: MANAGERS.fetch_add(1, Ordering::Relaxed),
            first: first.0,
            slots: Vec::new(),
            free: Vec::new(),
            generation: 0,
            timers: BTreeSet::new(),
            queue: VecDeque::new(),
            ready: VecDeque::new(),
            servers: HashMap::new(),
            limit: usize::MAX,
            at_once: usize::MAX,
            origin: Origin::new(Instant::now()),
        }
    }

    /// Sets how many sessions to one server there may be before the server itself sets a limit; no limit by default,
    /// because the application knows best
    #[must_use]
    pub fn limit_per_server(mut self, sessions: usize) -> Self {
        self.limit = sessions.max(1);
        self
    }

    /// Sets how many sessions to one server may be opening at the same time, in addition to the highest number that
    /// was open at once; no limit by default
    ///
    /// With 1, a server refuses only one session when its limit is reached. A session counts as open when it is idle
    /// for the first time, or when its first transfer begins.
    #[must_use]
    pub fn open_at_once(mut self, sessions: usize) -> Self {
        self.at_once = sessions.max(1);
        self
    }

    /// Adds a session, which connects as soon as the server's limit permits
    ///
    /// You can make requests at once. Sessions with the same first address count as sessions to the same server;
    /// through a [proxy](Options::proxy), sessions with the same host and port do.
    ///
    /// # Errors
    ///
    /// As [`Session::new`]; [`Error::InvalidRequest`] if the tokens from the manager's first one on are used up.
    pub fn connect(
        &mut self,
        addresses: &[SocketAddr],
        options: impl Into<Options>,
    ) -> Result<Key, Error> {
        let index = self.free.last().copied().unwrap_or(self.slots.len());
        let offset = index.checked_mul(Session::TOKENS);
        let token = offset.and_then(|offset| self.first.checked_add(offset));
        let options = options.into();
        let proxied = options.proxied_server();
        let proxied = proxied.map(|(host, port)| Site::Proxied(host.into(), port));
        let generation = self.generation + 1;
        let session = Session::new(Token(token.ok_or_else(no_tokens)?), addresses, options)?;
        // A session has at least one address.
        let server = proxied.unwrap_or_else(|| Site::Address(addresses[0]));
        self.generation = generation;
        let entry = Box::new(Entry {
            session,
            generation,
            timer: None,
            queued: Queued::No,
            reported: Reported::No,
            server: server.clone(),
            state: BudgetState::Waiting,
            data_failures: 0,
        });
        match self.free.pop() {
            Some(index) => self.slots[index] = Some(entry),
            None => self.slots.push(Some(entry)),
        }
        let key = Key { manager: self.number, generation, index };
        let (limit, at_once) = (self.limit, self.at_once);
        let new =
            || Server { budget: Budget::new(limit).at_once(at_once), waiting: BTreeSet::new() };
        self.servers.entry(server.clone()).or_insert_with(new).waiting.insert(key);
        self.admit(&server, Instant::now());
        Ok(key)
    }

    /// Removes a session and closes its connections without QUIT; returns false if there is no such session
    pub fn remove(&mut self, key: Key) -> bool {
        if self.entry(key).is_none() {
            return false;
        }
        let Some(entry) = self.slots[key.index].take() else { return false };
        if let Some(at) = entry.timer {
            self.timers.remove(&(at, Timer::Session(key.index)));
        }
        self.free.push(key.index);
        let now = Instant::now();
        let time = self.origin.time(now);
        match entry.state {
            BudgetState::Opening => self.report(&entry.server, now, |budget| budget.failed(time)),
            BudgetState::Open => {
                let end = SessionEnd::Broken;
                self.report(&entry.server, now, |budget| budget.ended(end, time));
            }
            BudgetState::Waiting => {
                if let Some(server) = self.servers.get_mut(&entry.server) {
                    server.waiting.remove(&key);
                }
            }
            BudgetState::Released => {}
        }
        true
    }

    /// Returns a session, to make requests, take its events and move its data
    pub fn session(&mut self, key: Key) -> Option<SessionMut<'_>> {
        self.entry(key)?;
        Some(SessionMut { manager: self, index: key.index })
    }

    /// The number of sessions, in whatever state
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Whether there are no sessions
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a session waits for its server's limit
    #[must_use]
    pub fn is_waiting(&self, key: Key) -> bool {
        self.entry(key).is_some_and(|entry| entry.state == BudgetState::Waiting)
    }

    /// Notes that a socket is ready; returns false if the event belongs to none of the sessions
    pub fn handle_event(&mut self, event: &mio::event::Event) -> bool {
        let Some(place) = event.token().0.checked_sub(self.first) else { return false };
        let index = place / Session::TOKENS;
        match self.slots.get_mut(index) {
            Some(Some(entry)) => {
                entry.session.handle_event(event);
                self.enqueue(index);
                true
            }
            // An event may still arrive after its session was removed.
            Some(None) => true,
            None => false,
        }
    }

    /// Gives a turn to each session that has work
    ///
    /// Call it after events, when [`Self::deadline`] has passed, and while [`Self::has_work`]. Afterwards
    /// [`Self::poll_ready`] says which sessions to look at.
    pub fn turn(&mut self, registry: &Registry, now: Instant) {
        while let Some((_, timer)) = self.timers.first().cloned().filter(|(at, _)| *at <= now) {
            self.timers.pop_first();
            match timer {
                Timer::Session(index) => {
                    if let Some(Some(entry)) = self.slots.get_mut(index) {
                        entry.timer = None;
                    }
                    self.enqueue(index);
                }
                Timer::Server(address) => self.admit(&address, now),
            }
        }
        // Sessions that are queued during this loop wait for the next turn, so that each gets one turn only.
        for _ in 0..self.queue.len() {
            let Some(index) = self.queue.pop_front() else { break };
            let Some(Some(entry)) = self.slots.get_mut(index) else { continue };
            entry.queued = Queued::No;
            entry.session.turn(registry, now);
            if entry.session.is_ready() && entry.reported == Reported::No {
                entry.reported = Reported::Queued;
                let generation = entry.generation;
                self.ready.push_back(Key { manager: self.number, generation, index });
            }
            self.count(index, now);
            self.schedule(index);
        }
    }

    /// Returns a session that has events or data to move since its last turn
    ///
    /// Take all its events, and then move data until it is [`NotReady`](crate::Moved::NotReady): the session is not
    /// returned again before its next turn.
    pub fn poll_ready(&mut self) -> Option<Key> {
        while let Some(key) = self.ready.pop_front() {
            if let Some(Some(entry)) = self.slots.get_mut(key.index) {
                if entry.generation == key.generation {
                    entry.reported = Reported::No;
                    return Some(key);
                }
            }
        }
        None
    }

    /// When [`Self::turn`] is due even if no event arrives
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// Whether [`Self::turn`] is due at once
    #[must_use]
    pub fn has_work(&self) -> bool {
        !self.queue.is_empty() || !self.ready.is_empty()
    }

    /// How long to wait for events, as [`mio::Poll::poll`] takes it
    #[must_use]
    pub fn timeout(&self, now: Instant) -> Option<Duration> {
        if self.has_work() {
            return Some(Duration::ZERO);
        }
        self.deadline().map(|at| at.saturating_duration_since(now))
    }

    fn entry(&self, key: Key) -> Option<&Entry> {
        let entry = self.slots.get(key.index)?.as_deref()?;
        (key.manager == self.number && entry.generation == key.generation).then_some(entry)
    }

    fn enqueue(&mut self, index: usize) {
        if let Some(Some(entry)) = self.slots.get_mut(index) {
            if entry.queued == Queued::No {
                entry.queued = Queued::Yes;
                self.queue.push_back(index);
            }
        }
    }

    /// Updates the session's timer, and queues it if it has work
    fn schedule(&mut self, index: usize) {
        let Some(Some(entry)) = self.slots.get_mut(index) else { return };
        // Deadlines move with every byte. A timer that fires too early is set again then, which costs less than moving
        // it each time.
        let deadline = entry.session.deadline();
        let stays = match (entry.timer, deadline) {
            (Some(timer), Some(deadline)) => timer <= deadline,
            (None, None) => true,
            _ => false,
        };
        if !stays {
            if let Some(at) = entry.timer.take() {
                self.timers.remove(&(at, Timer::Session(index)));
            }
            if let Some(at) = deadline {
                entry.timer = Some(at);
                self.timers.insert((at, Timer::Session(index)));
            }
        }
        if entry.session.has_work() {
            self.enqueue(index);
        }
    }

    /// Reports the session's state to the server's budget
    fn count(&mut self, index: usize, now: Instant) {
        let Some(Some(entry)) = self.slots.get_mut(index) else { return };
        let opening = match entry.state {
            BudgetState::Opening => true,
            BudgetState::Open => false,
            BudgetState::Waiting | BudgetState::Released => return,
        };
        let time = self.origin.time(now);
        let inner = &entry.session.inner;
        let failures = inner.data_failures();
        let failed = failures - std::mem::replace(&mut entry.data_failures, failures);
        let refused = inner.too_many_sessions().cloned();
        let error = inner.client().error();
        let ended = error.map(SessionEnd::of);
        // The session was closed before it was ever idle, but the server had accepted it.
        let quit = matches!(error, Some(ConnectionError::LocallyClosed));
        let is_accepted = inner.is_idle() || inner.data_direction().is_some();
        entry.state = match (&refused, ended) {
            (None, None) if opening && is_accepted => BudgetState::Open,
            (None, None) => entry.state,
            _ => BudgetState::Released,
        };
        let opened = opening && entry.state == BudgetState::Open;
        if !opened && failed == 0 && entry.state != BudgetState::Released {
            return;
        }
        let address = entry.server.clone();
        self.report(&address, now, |budget| {
            (0..failed).for_each(|_| budget.data_failed(time));
            match (refused, ended) {
                (Some(reply), _) => {
                    if !opening {
                        // The server accepted the connection, but refused the login.
                        budget.ended(SessionEnd::Orderly, time);
                        budget.begin(time);
                    }
                    budget.refused(&reply, time);
                }
                (None, Some(SessionEnd::Orderly)) if opening && quit => {
                    budget.opened(time);
                    budget.ended(SessionEnd::Orderly, time);
                }
                (None, Some(_)) if opening => budget.failed(time),
                (None, Some(end)) => budget.ended(end, time),
                (None, None) if opened => budget.opened(time),
                (None, None) => {}
            }
        });
    }

    fn report(&mut self, address: &Site, now: Instant, report: impl FnOnce(&mut Budget)) {
        if let Some(server) = self.servers.get_mut(address) {
            report(&mut server.budget);
            if server.waiting.is_empty() && server.budget.can_be_forgotten(self.origin.time(now)) {
                self.servers.remove(address);
            }
        }
        self.admit(address, now);
    }

    /// Starts waiting sessions as far as the server's budget permits
    fn admit(&mut self, address: &Site, now: Instant) {
        let time = self.origin.time(now);
        while let Some(server) = self.servers.get_mut(address) {
            if server.waiting.is_empty() {
                return;
            }
            if let Admission::Later(then) = server.budget.admission(time) {
                if let Some(at) = then.and_then(|then| self.origin.instant(then)) {
                    self.timers.insert((at, Timer::Server(address.clone())));
                }
                return;
            }
            let Some(key) = server.waiting.pop_first() else { return };
            server.budget.begin(time);
            // Removed sessions have left the queue already.
            if let Some(Some(entry)) = self.slots.get_mut(key.index) {
                entry.state = BudgetState::Opening;
                entry.session.start();
            }
            self.enqueue(key.index);
        }
    }
}

/// A session in a [`Manager`], which schedules the session again when this is dropped
pub struct SessionMut<'a> {
    manager: &'a mut Manager,
    index: usize,
}

impl Deref for SessionMut<'_> {
    type Target = Session;

    fn deref(&self) -> &Session {
        match &self.manager.slots[self.index] {
            Some(entry) => &entry.session,
            None => unreachable!("the manager is borrowed, so nobody removes the session"),
        }
    }
}

impl DerefMut for SessionMut<'_> {
    fn deref_mut(&mut self) -> &mut Session {
        match &mut self.manager.slots[self.index] {
            Some(entry) => &mut entry.session,
            None => unreachable!("the manager is borrowed, so nobody removes the session"),
        }
    }
}

impl Drop for SessionMut<'_> {
    fn drop(&mut self) {
        self.manager.schedule(self.index);
    }
}

impl fmt::Debug for SessionMut<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl fmt::Debug for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Manager")
            .field("sessions", &self.len())
            .field("with_work", &self.queue.len())
            .field("with_events", &self.ready.len())
            .field("deadlines", &self.timers.len())
            .field("servers", &self.servers)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_a_removed_session_is_invalid() {
        let address = [SocketAddr::from(([127, 0, 0, 1], 1))];
        let config = || ftp_proto::Config::new(ftp_proto::TlsPolicy::Plaintext);
        let mut manager = Manager::new(Token(5)).limit_per_server(1);
        let first = manager.connect(&address, config()).unwrap();
        let second = manager.connect(&address, config()).unwrap();
        assert!(!manager.is_waiting(first) && manager.is_waiting(second));
        assert!(manager.remove(first) && !manager.remove(first));
        assert!(manager.session(first).is_none());
        // The next waiting session is started, and the next new one gets the tokens.
        assert!(!manager.is_waiting(second));
        let third = manager.connect(&address, config()).unwrap();
        assert!(first != third && manager.is_waiting(third) && manager.len() == 2);
        assert!(manager.session(first).is_none() && manager.session(third).is_some());
    }
}
