//! Opens one session before it is known whether it is needed
//!
//! While the first session asks for a file's size, the second one logs in. If the file is large enough for segments, the
//! next lease takes that session; otherwise it ends with QUIT, while the first one fetches the file.
//!
//! The session is opened by a thread that is never joined: a run that ends earlier does not wait for a login that nobody
//! needs, nor for the lookup of a host's name, which can't be cancelled. That thread ends with the process.

use std::sync::{Arc, PoisonError};

use ftp_session::Admission;

use super::{Idle, Lease, Pool, Purpose, Source, State};
use crate::failure::Failure;
use crate::site::Session;

/// The session that is opened before a lease needs it
///
/// Its thread makes the first and the last transition, so there is one thread at most.
#[derive(Debug, Default)]
pub(super) enum Ahead {
    #[default]
    None,
    Opening,
    /// It is opening, and will be closed as soon as it is open
    Unwanted,
    /// The next lease takes it
    Open(Box<Idle>),
    /// Its thread is to close it
    Leaving(Box<Idle>),
    /// A lease has taken it, or its thread closes it
    Gone,
    /// It did not open, for another reason than the number of sessions
    Failed(Failure),
}

impl Ahead {
    /// Returns the open session or, for a thread without a task, the failure
    ///
    /// Only the first session has a task, and it was open already: the failure is of the attempt to open a further one.
    pub(super) fn take(&mut self, purpose: Purpose) -> Option<Source> {
        match (std::mem::take(self), purpose) {
            (Self::Open(idle), _) => {
                *self = Self::Gone;
                Some(Source::Opened(idle))
            }
            (Self::Failed(failure), Purpose::None) => Some(Source::Failed(failure)),
            (other, _) => {
                *self = other;
                None
            }
        }
    }

    fn leave(&mut self) {
        *self = match std::mem::take(self) {
            Self::Opening => Self::Unwanted,
            Self::Open(idle) => Self::Leaving(idle),
            Self::Failed(_) => Self::None,
            other => other,
        };
    }

    /// Whether the thread of a session that has been opened is about to end
    const fn is_ending(&self) -> bool {
        matches!(self, Self::Leaving(_) | Self::Gone)
    }
}

impl Pool {
    /// Begins to open a session for the next lease, if one more may be opened now
    pub(crate) fn open_ahead(self: &Arc<Self>) {
        let mut state = self.lock();
        let now = self.origin.now();
        let may_open = matches!(state.ahead, Ahead::None)
            && state.is_useful(self.work(), now)
            && state.budget.admission(now) == Admission::Now;
        if !may_open {
            return;
        }
        state.budget.begin(now);
        state.ahead = Ahead::Opening;
        drop(state);
        let opener = Opener { pool: Arc::clone(self), failure: None };
        // If no thread can be started, a lease opens its session itself.
        if std::thread::Builder::new().spawn(move || opener.run()).is_err() {
            self.report(|budget, now| budget.failed(now));
        }
    }

    /// Ends the session that was opened in advance, unless a lease has taken it; returns without waiting for the end
    pub(crate) fn leave_ahead(&self) {
        self.lock().ahead.leave();
        self.changed.notify_all();
    }

    /// Ends the session that was opened in advance; does not wait for one that is still opening
    pub(crate) fn end_ahead(&self) {
        self.leave_ahead();
        let ended = self.changed.wait_while(self.lock(), |state| state.ahead.is_ending());
        drop(ended.unwrap_or_else(PoisonError::into_inner));
    }
}

/// The thread that opens a session ahead
struct Opener {
    pool: Arc<Pool>,
    failure: Option<Failure>,
}

impl Opener {
    fn run(mut self) {
        match self.pool.open_admitted() {
            Ok(session) => self.keep(session),
            Err(failure) => {
                self.failure = Some(failure).filter(|failure| !failure.is_refused_session());
            }
        }
    }

    /// Keeps the session until a lease takes it, or closes it if none is going to
    fn keep(&self, session: Session) {
        let pool = &*self.pool;
        let idle = Box::new(Idle::new(session));
        let mut state = pool.lock();
        state.ahead = match state.ahead {
            Ahead::Opening => Ahead::Open(idle),
            _ => Ahead::Leaving(idle),
        };
        pool.changed.notify_all();
        let is_kept = |state: &mut State| matches!(state.ahead, Ahead::Open(_));
        let waited = pool.changed.wait_while(state, is_kept);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        let left = std::mem::replace(&mut state.ahead, Ahead::Gone);
        drop(state);
        if let Ahead::Leaving(idle) = left {
            Lease { pool, session: Some(idle.session) }.close();
        }
    }
}

impl Drop for Opener {
    fn drop(&mut self) {
        let mut state = self.pool.lock();
        state.ahead = match (&state.ahead, self.failure.take()) {
            (Ahead::Opening, Some(failure)) => Ahead::Failed(failure),
            _ => Ahead::None,
        };
        drop(state);
        self.pool.changed.notify_all();
    }
}
