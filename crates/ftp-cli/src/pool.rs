//! The sessions with one server: how many there may be, and what is tried again

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ftp_blocking::{Client, UtcOffset};
use ftp_session::{Admission, Budget, Error, Origin, SessionEnd};

use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::site::{Session, Site};

/// How often a wait looks whether it is still wanted
const LOOK: Duration = Duration::from_millis(100);

/// The longest pause before a further try
const LONGEST_DELAY: Duration = Duration::from_secs(60);

/// The sessions with one server, shared by all threads
#[derive(Debug)]
pub(crate) struct Pool {
    site: Site,
    interrupt: Interrupt,
    origin: Origin,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    budget: Budget,
    utc_offset: Option<UtcOffset>,
}

/// A session that one thread has; it is opened when it is used, and again after it has broken
#[derive(Debug)]
pub(crate) struct Lease<'a> {
    pool: &'a Pool,
    session: Option<Session>,
}

impl Pool {
    pub(crate) fn new(site: Site, most: usize, interrupt: &Interrupt) -> Self {
        let budget = Budget::new(most);
        Self {
            site,
            interrupt: interrupt.clone(),
            origin: Origin::new(Instant::now()),
            state: Mutex::new(State { budget, utc_offset: None }),
            changed: Condvar::new(),
        }
    }

    pub(crate) const fn site(&self) -> &Site {
        &self.site
    }

    pub(crate) const fn lease(&self) -> Lease<'_> {
        Lease { pool: self, session: None }
    }

    /// How many sessions there may be, as far as is known
    pub(crate) fn limit(&self) -> usize {
        self.lock().budget.limit(self.origin.now())
    }

    /// Tells how far the clock of the server's listings is ahead of UTC
    pub(crate) fn set_utc_offset(&self, offset: Option<UtcOffset>) {
        self.lock().utc_offset = offset;
    }

    pub(crate) fn utc_offset(&self) -> Option<UtcOffset> {
        self.lock().utc_offset
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn report(&self, report: impl FnOnce(&mut Budget, ftp_session::Time)) {
        report(&mut self.lock().budget, self.origin.now());
        self.changed.notify_all();
    }

    /// Waits until one more session may be opened; false if that is no longer wanted
    fn admitted(&self, is_wanted: &dyn Fn() -> bool) -> Result<bool, Failure> {
        let mut state = self.lock();
        loop {
            self.interrupt.check()?;
            if !is_wanted() {
                return Ok(false);
            }
            let now = self.origin.now();
            match state.budget.admission(now) {
                Admission::Now => {
                    state.budget.begin(now);
                    return Ok(true);
                }
                Admission::Later(at) => {
                    let until = at.and_then(|at| self.origin.instant(at));
                    let wait = until
                        .map_or(LOOK, |at| at.saturating_duration_since(Instant::now()).min(LOOK));
                    let wait = wait.max(Duration::from_millis(1));
                    state = self
                        .changed
                        .wait_timeout(state, wait)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0;
                }
            }
        }
    }

    /// Opens a session as soon as the server lets one more in; `None` if that is no longer wanted
    fn open(&self, is_wanted: &dyn Fn() -> bool) -> Result<Option<Session>, Failure> {
        let mut tries = Tries::new(self);
        while self.admitted(is_wanted)? {
            let failure = match self.site.open(&self.interrupt) {
                Ok(session) => {
                    self.report(|budget, now| budget.opened(now));
                    return Ok(Some(session));
                }
                Err(failure) => failure,
            };
            let refusal = failure.cause().and_then(Error::turned_away);
            match refusal {
                Some(reply) => self.report(|budget, now| budget.refused(reply, now)),
                None => self.report(|budget, now| budget.failed(now)),
            }
            let is_one_of_several = refusal.is_some() && self.lock().budget.count() > 0;
            if !is_one_of_several {
                tries.again(failure)?;
            }
        }
        Ok(None)
    }
}

/// Counts how often something was tried in vain
#[derive(Debug)]
struct Tries<'a> {
    pool: &'a Pool,
    left: u32,
    delay: Duration,
}

impl<'a> Tries<'a> {
    fn new(pool: &'a Pool) -> Self {
        let common = pool.site.common();
        Self { pool, left: common.retries, delay: common.retry_delay }
    }

    /// Waits before the next try; the failure, if there is to be none
    fn again(&mut self, failure: Failure) -> Result<(), Failure> {
        self.pool.interrupt.check()?;
        let is_turned_away = failure.cause().is_some_and(|cause| cause.turned_away().is_some());
        if self.left == 0 || !(failure.is_transient() || is_turned_away) {
            return Err(failure);
        }
        self.left -= 1;
        self.pool.interrupt.sleep(self.delay)?;
        self.delay = (self.delay * 2).min(LONGEST_DELAY);
        Ok(())
    }
}

impl Lease<'_> {
    /// The session of this lease, which is opened first if there is none
    pub(crate) fn client(&mut self) -> Result<&mut Client, Failure> {
        self.open_while(&|| true)?;
        match &mut self.session {
            Some(session) => Ok(&mut session.client),
            // Not reached: it was opened, or that was an error.
            None => Err(Failure::interrupted()),
        }
    }

    /// Opens a session if there is none; false if none was opened because it is no longer wanted
    pub(crate) fn open_while(&mut self, is_wanted: &dyn Fn() -> bool) -> Result<bool, Failure> {
        if self.session.is_none() {
            self.session = self.pool.open(is_wanted)?;
        }
        Ok(self.session.is_some())
    }

    /// Does something once, as [`Self::attempt`]
    pub(crate) fn once<T>(
        &mut self,
        work: impl FnOnce(&mut Client) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        match work(self.client()?) {
            Ok(value) => {
                self.drop_if_over();
                Ok(value)
            }
            Err(failure) => {
                self.note(&failure);
                Err(match self.pool.interrupt.is_set() {
                    true => Failure::interrupted(),
                    false => failure.at(self.pool.site.name()),
                })
            }
        }
    }

    /// Does something, again if it may succeed then, on a new session if this one is over
    ///
    /// `moved` tells how far it has come: tries that move bytes are not counted.
    pub(crate) fn attempt<T>(
        &mut self,
        moved: &dyn Fn() -> u64,
        mut work: impl FnMut(&mut Client) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut tries = Tries::new(self.pool);
        loop {
            let before = moved();
            let failure = match self.once(&mut work) {
                Ok(value) => return Ok(value),
                Err(failure) => failure,
            };
            if moved() > before {
                tries = Tries::new(self.pool);
            }
            tries.again(failure)?;
        }
    }

    /// A request that moves no bytes of files
    pub(crate) fn request<T>(
        &mut self,
        mut work: impl FnMut(&mut Client) -> Result<T, Error>,
    ) -> Result<T, Failure> {
        let pool = self.pool;
        self.attempt(&|| 0, |client| work(client).map_err(|error| pool.site.failure(error)))
    }

    /// Reports what a failure says of the session
    fn note(&mut self, failure: &Failure) {
        match failure.cause() {
            Some(Error::Data { .. }) => self.pool.report(|budget, now| budget.data_failed(now)),
            Some(Error::Ftp(error)) if failure.is_fatal() => {
                let end = error.connection_error().map_or(SessionEnd::Broken, SessionEnd::of);
                return self.drop_session(end);
            }
            _ => {}
        }
        match failure.is_fatal() {
            true => self.drop_session(SessionEnd::Broken),
            false => self.drop_if_over(),
        }
    }

    /// A transfer that was given up may have ended the session
    fn drop_if_over(&mut self) {
        if self.session.as_ref().is_some_and(|session| !session.client.is_connected()) {
            self.drop_session(SessionEnd::Broken);
        }
    }

    fn drop_session(&mut self, end: SessionEnd) {
        if self.session.take().is_some() {
            self.pool.report(|budget, now| budget.ended(end, now));
        }
    }
}

/// Says goodbye
impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if let Some(session) = &mut self.session {
            let end = match session.client.is_connected() && session.client.quit().is_ok() {
                true => SessionEnd::Orderly,
                false => SessionEnd::Broken,
            };
            self.drop_session(end);
        }
    }
}
