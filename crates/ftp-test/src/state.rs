//! The state that all threads of a server share

use std::any::Any;
use std::collections::{BTreeMap, HashMap};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::connection::{PATIENCE, prepare};
use crate::files::Files;
use crate::rule::{Action, Command, Limit};
use crate::wire::Tls;

/// The numbers of sessions of a server, since it started
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sessions {
    /// Sessions that are open and were not refused
    pub open: usize,
    /// The largest number of sessions at one time, including those that [linger](Limit::lingers)
    pub most: usize,
    /// Sessions that a [`Limit`] has refused, counted when they connect
    pub refused: usize,
    /// Replies to USER and PASS that began with 230
    pub logins: usize,
}

pub(crate) type Rule = dyn Fn(Command<'_>) -> Action + Send + Sync;

/// The state that all threads of a server share
#[derive(Debug, Default)]
pub(crate) struct Shared {
    pub(crate) files: Files,
    state: Mutex<State>,
}

pub(crate) struct State {
    pub(crate) rule: Arc<Rule>,
    pub(crate) tls: Option<Tls>,
    pub(crate) idle_timeout: Duration,
    pub(crate) limit: Limit,
    pub(crate) sessions: Sessions,
    /// The number of commands received with each verb
    pub(crate) verbs: HashMap<String, usize>,
    /// The commands and replies of all sessions: the number of the session, whether it is a reply, and the text
    pub(crate) lines: Vec<(usize, bool, String)>,
    /// The times until which ended sessions still count
    ghosts: Vec<Instant>,
    started: usize,
    pub(crate) controls: BTreeMap<usize, TcpStream>,
    /// The first panic of a rule
    pub(crate) panic: Option<Box<dyn Any + Send>>,
    pub(crate) stopping: bool,
}

impl Default for State {
    fn default() -> Self {
        Self {
            rule: Arc::new(|_: Command<'_>| Action::serve()),
            tls: None,
            idle_timeout: PATIENCE,
            limit: Limit::new(usize::MAX),
            sessions: Sessions::default(),
            verbs: HashMap::new(),
            lines: Vec::new(),
            ghosts: Vec::new(),
            started: 0,
            controls: BTreeMap::new(),
            panic: None,
            stopping: false,
        }
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("sessions", &self.sessions).finish_non_exhaustive()
    }
}

impl Shared {
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        // A poisoned lock is usable: no change can be interrupted halfway by a panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.lock().stopping
    }
}

/// The registration of a session with its server, which counts it until it ends
pub(crate) struct Stay<'a> {
    shared: &'a Shared,
    pub(crate) id: usize,
    /// The limit that refuses the session, if one does
    pub(crate) refused: Option<Limit>,
    over: bool,
}

impl<'a> Stay<'a> {
    pub(crate) fn new(shared: &'a Shared, control: &TcpStream) -> Option<Self> {
        let control = control.try_clone().and_then(|socket| prepare(&socket).map(|()| socket));
        let mut state = shared.lock();
        state.started += 1;
        let id = state.started;
        // If the socket is already unusable, there is no session to count.
        state.controls.insert(id, control.ok()?);
        state.ghosts.retain(|until| *until > Instant::now());
        let counted = state.sessions.open + state.ghosts.len();
        let refused = (counted >= state.limit.sessions).then(|| state.limit.clone());
        if refused.is_some() {
            state.sessions.refused += 1;
        } else {
            state.sessions.open += 1;
            state.sessions.most = state.sessions.most.max(counted + 1);
        }
        drop(state);
        Some(Self { shared, id, over: refused.is_some(), refused })
    }

    /// Stops counting the session; called before the client can see its end, so that the test reads the new counts
    pub(crate) fn end(&mut self) {
        if !std::mem::replace(&mut self.over, true) {
            let mut state = self.shared.lock();
            state.sessions.open -= 1;
            if !state.limit.lingers.is_zero() {
                let until = Instant::now() + state.limit.lingers;
                state.ghosts.push(until);
            }
        }
    }
}

impl Drop for Stay<'_> {
    fn drop(&mut self) {
        self.end();
    }
}
