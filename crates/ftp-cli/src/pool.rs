//! Opens the sessions with one server, limits their number, and retries what may succeed later

mod ahead;
mod failures;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ftp_blocking::{Client, UtcOffset};
use ftp_session::{Admission, Budget, Error, Origin, SessionEnd, Time};

use self::ahead::Ahead;
use crate::args::Parallel;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::ramp::{REQUEST, Ramp};
use crate::site::{Session, Site};

/// How often a thread that waits for a session checks whether it still needs one
const LOOK: Duration = Duration::from_millis(100);

/// How long a session may be idle before NOOP checks whether the server has ended it: shorter than any server's idle timeout
const FRESH: Duration = Duration::from_secs(10);

/// The longest pause before a retry
const LONGEST_DELAY: Duration = Duration::from_secs(60);

/// The sessions with one server, shared by all threads
#[derive(Debug)]
pub(crate) struct Pool {
    site: Site,
    /// Whether a session is kept open for the next lease
    keeps: bool,
    interrupt: Interrupt,
    origin: Origin,
    state: Mutex<State>,
    changed: Condvar,
    /// The work done so far: bytes transferred, plus [`REQUEST`] bytes for each request
    work: AtomicU64,
}

#[derive(Debug)]
struct State {
    budget: Budget,
    /// How often no session could be opened while none was open or opening, since the last one opened
    failures: u32,
    /// When the next session may be opened after such a failure
    next_attempt: Option<Time>,
    /// With `-j auto`: allows only as many sessions as make the run faster
    ramp: Option<Ramp>,
    utc_offset: Option<UtcOffset>,
    /// The number of threads that wait for a session to continue a task
    needy: usize,
    /// The number of sessions that are being closed because they did not make the run faster
    closing: usize,
    /// The idle session for the next lease
    kept: Option<Idle>,
    /// The session that is opened before a lease needs it
    ahead: Ahead,
}

/// A session that no lease has
#[derive(Debug)]
struct Idle {
    session: Session,
    since: Instant,
}

impl Idle {
    fn new(session: Session) -> Self {
        Self { session, since: Instant::now() }
    }
}

/// How a thread that needs a session gets it
enum Source {
    /// It opens one, which the budget has admitted
    Free,
    /// It takes the one that was opened in advance
    Opened(Box<Idle>),
    /// Its first attempt was the one in advance, which failed
    Failed(Failure),
    /// It needs none any more
    Unwanted,
}

/// Why a thread needs a session
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    /// To continue a task that it has begun, which no other thread will do
    Task,
    /// To take its next task
    None,
}

/// The session of one thread; it is opened on first use, and reopened after it has broken
#[derive(Debug)]
pub(crate) struct Lease<'a> {
    pool: &'a Pool,
    session: Option<Session>,
}

impl Pool {
    pub(crate) fn new(site: Site, sessions: Parallel, interrupt: &Interrupt) -> Self {
        let most = usize::from(sessions.most().min(site.common().max_sessions));
        let delay = site.common().retry_delay;
        // The pauses of `Tries`: if there is no session at all, the user decides how long the server is left alone.
        let budget = Budget::new(most).back_off(delay, LONGEST_DELAY);
        let ramp = (sessions == Parallel::Auto).then(|| Ramp::new(most));
        Self {
            site,
            keeps: false,
            interrupt: interrupt.clone(),
            origin: Origin::new(Instant::now()),
            state: Mutex::new(State {
                budget,
                failures: 0,
                next_attempt: None,
                ramp,
                utc_offset: None,
                needy: 0,
                closing: 0,
                kept: None,
                ahead: Ahead::None,
            }),
            changed: Condvar::new(),
            work: AtomicU64::new(0),
        }
    }

    /// Returns the same pool, which keeps one session open between leases until [`Self::end_kept`]
    pub(crate) fn keeping(mut self) -> Self {
        self.keeps = true;
        self
    }

    /// Ends the kept session, if there is one
    pub(crate) fn end_kept(&self) {
        let kept = self.lock().kept.take();
        if let Some(Idle { session, .. }) = kept {
            Lease { pool: self, session: Some(session) }.close();
        }
    }

    /// Takes the kept session, unless the server has ended it since
    fn take_kept(&self) -> Option<Session> {
        let idle = self.lock().kept.take()?;
        self.still_open(idle)
    }

    /// Returns an idle session, unless the server has ended it since
    fn still_open(&self, Idle { session, since }: Idle) -> Option<Session> {
        let mut lease = Lease { pool: self, session: Some(session) };
        if since.elapsed() >= FRESH {
            // If NOOP fails, the session is dropped, and the caller opens another one.
            let _ = lease.once(|client| client.noop().map_err(|error| self.site.failure(error)));
        }
        lease.session.take()
    }

    pub(crate) const fn site(&self) -> &Site {
        &self.site
    }

    pub(crate) const fn lease(&self) -> Lease<'_> {
        Lease { pool: self, session: None }
    }

    /// Adds transferred bytes to the work done
    pub(crate) fn count(&self, bytes: u64) {
        self.work.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Returns how many sessions the server allows, as far as is known
    pub(crate) fn limit(&self) -> usize {
        self.lock().budget.limit(self.origin.now())
    }

    /// Whether a thread waits for a session to continue a task; a thread without a task should then close its own
    pub(crate) fn is_needed(&self) -> bool {
        self.lock().needy > 0
    }

    /// Sets how far the clock of the server's listings is ahead of UTC
    pub(crate) fn set_utc_offset(&self, offset: Option<UtcOffset>) {
        self.lock().utc_offset = offset;
    }

    pub(crate) fn utc_offset(&self) -> Option<UtcOffset> {
        self.lock().utc_offset
    }

    fn work(&self) -> u64 {
        self.work.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn report(&self, report: impl FnOnce(&mut Budget, Time)) {
        report(&mut self.lock().budget, self.origin.now());
        self.changed.notify_all();
    }

    /// Waits until a session was opened in advance or one more may be opened, or until `is_wanted` returns false
    fn source(&self, purpose: Purpose, is_wanted: &dyn Fn() -> bool) -> Result<Source, Failure> {
        let is_needy = usize::from(purpose == Purpose::Task);
        self.lock().needy += is_needy;
        let result = self.wait_for_source(purpose, is_wanted);
        self.lock().needy -= is_needy;
        result
    }

    fn wait_for_source(
        &self,
        purpose: Purpose,
        is_wanted: &dyn Fn() -> bool,
    ) -> Result<Source, Failure> {
        loop {
            self.interrupt.check()?;
            // Not under the lock: the closure takes locks of its own.
            if !is_wanted() {
                return Ok(Source::Unwanted);
            }
            let mut state = self.lock();
            if let Some(source) = state.ahead.take(purpose) {
                drop(state);
                self.changed.notify_all();
                return Ok(source);
            }
            let now = self.origin.now();
            // Threads with a task come first: the others may wait for the results of these tasks.
            let is_its_turn =
                purpose == Purpose::Task || state.needy == 0 && state.is_useful(self.work(), now);
            let until = match state.budget.admission(now) {
                Admission::Now if state.next_attempt.is_some_and(|at| now < at) => {
                    state.next_attempt.and_then(|at| self.origin.instant(at))
                }
                Admission::Now if is_its_turn => {
                    state.budget.begin(now);
                    return Ok(Source::Free);
                }
                Admission::Now => None,
                Admission::Later(at) => at.and_then(|at| self.origin.instant(at)),
            };
            let wait =
                until.map_or(LOOK, |at| at.saturating_duration_since(Instant::now()).min(LOOK));
            let wait = wait.max(Duration::from_millis(1));
            drop(self.changed.wait_timeout(state, wait));
        }
    }

    /// Opens a session as soon as one more is allowed; `None` once `is_wanted` returns false
    fn open(
        &self,
        purpose: Purpose,
        is_wanted: &dyn Fn() -> bool,
    ) -> Result<Option<Session>, Failure> {
        let mut tries = Tries::new(self);
        self.lock().renew_retries(self.site.common().retries);
        loop {
            let failure = match self.source(purpose, is_wanted)? {
                Source::Unwanted => return Ok(None),
                Source::Opened(idle) => match self.still_open(*idle) {
                    Some(session) => return Ok(Some(session)),
                    None => continue,
                },
                Source::Failed(failure) => failure,
                Source::Free => match self.open_admitted() {
                    Ok(session) => return Ok(Some(session)),
                    Err(failure) => failure,
                },
            };
            // The budget knows when the next session may open.
            if !failure.is_refused_session() {
                tries.again(failure)?;
            }
        }
    }

    /// Opens a session that the budget has admitted, and reports the result to the budget
    fn open_admitted(&self) -> Result<Session, Failure> {
        match self.site.open(&self.interrupt) {
            Ok(session) => {
                let mut state = self.lock();
                state.failures = 0;
                state.next_attempt = None;
                if let Some(ramp) = &mut state.ramp {
                    ramp.opened(self.work(), self.origin.now());
                }
                drop(state);
                self.report(|budget, now| budget.opened(now));
                Ok(session)
            }
            Err(failure) => match failure.cause().and_then(Error::too_many_sessions).cloned() {
                Some(reply) => Err(self.refused(&reply, failure)),
                None => Err(self.failed(failure)),
            },
        }
    }
}

impl State {
    /// Whether one more session may make the run faster
    fn is_useful(&mut self, work: u64, now: Time) -> bool {
        let count = self.count();
        self.ramp.as_mut().is_none_or(|ramp| count < ramp.allowed(count, work, now))
    }

    /// Whether one session fewer would do, which the caller then closes
    fn begin_to_close(&mut self, work: u64, now: Time) -> bool {
        let count = self.count();
        let ramp = self.ramp.as_mut();
        let is_useless = ramp.is_some_and(|ramp| count > ramp.allowed(count, work, now));
        self.closing += usize::from(is_useless);
        is_useless
    }

    /// Returns how many sessions are open or opening, without those that are being closed
    fn count(&self) -> usize {
        self.budget.count().saturating_sub(self.closing)
    }
}

/// How many bytes further attempts must get for the count of retries to be reset: a server that sends one byte more each
/// time would have no end
pub(crate) const PROGRESS: u64 = 64 * 1024;

/// The retries left for one request, and the pause before the next one
#[derive(Debug)]
pub(crate) struct Tries<'a> {
    pool: &'a Pool,
    left: u32,
    delay: Duration,
}

impl<'a> Tries<'a> {
    pub(crate) fn new(pool: &'a Pool) -> Self {
        let common = pool.site.common();
        Self { pool, left: common.retries, delay: common.retry_delay }
    }

    /// Waits before the next attempt; returns the failure if there is none left
    pub(crate) fn again(&mut self, failure: Failure) -> Result<(), Failure> {
        self.pool.interrupt.check()?;
        if self.left == 0 || !(failure.is_transient() || failure.is_refused_session()) {
            return Err(failure);
        }
        self.left -= 1;
        self.pool.announce(&failure, self.delay);
        self.pool.interrupt.sleep(self.delay)?;
        self.delay = (self.delay * 2).min(LONGEST_DELAY);
        Ok(())
    }
}

impl Lease<'_> {
    /// Returns the session, after opening it if there is none
    pub(crate) fn client(&mut self) -> Result<&mut Client, Failure> {
        if self.session.is_none() {
            self.session = self.pool.take_kept();
        }
        if self.session.is_none() {
            self.session = self.pool.open(Purpose::Task, &|| true)?;
        }
        match &mut self.session {
            Some(session) => Ok(&mut session.client),
            // Not reached: it was opened, or that was an error.
            None => Err(Failure::interrupted()),
        }
    }

    /// Opens a session for the next task if there is none; returns false once `is_wanted` does
    ///
    /// With `-j auto` a session that did not make the run faster is closed first.
    pub(crate) fn open_while(&mut self, is_wanted: &dyn Fn() -> bool) -> Result<bool, Failure> {
        let pool = self.pool;
        if self.session.is_some() && pool.lock().begin_to_close(pool.work(), pool.origin.now()) {
            self.close();
            pool.lock().closing -= 1;
        }
        if self.session.is_none() {
            self.session = self.pool.take_kept();
        }
        if self.session.is_none() {
            self.session = self.pool.open(Purpose::None, is_wanted)?;
        }
        Ok(self.session.is_some())
    }

    /// Runs `work` once
    pub(crate) fn once<T>(
        &mut self,
        work: impl FnOnce(&mut Client) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        match work(self.client()?) {
            Ok(value) => {
                self.pool.count(REQUEST);
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

    /// Runs `work`, and retries it after a failure that may be temporary, on a new session if this one has ended
    ///
    /// `moved` returns the bytes transferred so far: attempts that get [`PROGRESS`] further reset the count of retries.
    pub(crate) fn attempt<T>(
        &mut self,
        moved: &dyn Fn() -> u64,
        mut work: impl FnMut(&mut Client) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut tries = Tries::new(self.pool);
        let mut furthest = moved();
        loop {
            // It has retries of its own, which must not be multiplied by these.
            self.client()?;
            let failure = match self.once(&mut work) {
                Ok(value) => return Ok(value),
                Err(failure) => failure,
            };
            // One that starts again from the first byte, and is cut earlier, has made no progress.
            if moved() >= furthest.saturating_add(PROGRESS) {
                furthest = moved();
                tries = Tries::new(self.pool);
            }
            tries.again(failure)?;
        }
    }

    /// Runs a request that transfers no file content, with retries
    pub(crate) fn request<T>(
        &mut self,
        mut work: impl FnMut(&mut Client) -> Result<T, Error>,
    ) -> Result<T, Failure> {
        let pool = self.pool;
        self.attempt(&|| 0, |client| work(client).map_err(|error| pool.site.failure(error)))
    }

    /// Tells the budget of sessions about a failure, and drops the session if the failure has ended it
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

    /// Drops the session if it has ended, for example because a transfer was aborted
    fn drop_if_over(&mut self) {
        if self.session.as_ref().is_some_and(|session| !session.client.is_connected()) {
            self.drop_session(SessionEnd::Broken);
        }
    }

    /// Whether this lease has a session
    pub(crate) const fn is_open(&self) -> bool {
        self.session.is_some()
    }

    /// Ends the session with QUIT; the next use opens another one
    pub(crate) fn close(&mut self) {
        if let Some(session) = &mut self.session {
            let end = match session.client.is_connected() && session.client.quit().is_ok() {
                true => SessionEnd::Orderly,
                false => SessionEnd::Broken,
            };
            self.drop_session(end);
        }
    }

    fn drop_session(&mut self, end: SessionEnd) {
        if self.session.take().is_some() {
            self.pool.report(|budget, now| budget.ended(end, now));
        }
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        self.drop_if_over();
        if self.pool.keeps {
            let mut state = self.pool.lock();
            if state.kept.is_none() {
                state.kept = self.session.take().map(Idle::new);
            }
        }
        self.close();
    }
}
