//! Sessions shared by many tasks, as many as a server accepts
//!
//! If you know the pools of hyper or reqwest: the key is a [`Site`], which is everything that identifies a session,
//! not host and port alone. One task at a time uses a session, so [`Pool::lease`] waits in line where those pools open
//! one more connection. If you know bb8 or deadpool: one pool serves any number of hosts and logins, a returned
//! session is checked without a round trip, and the number of sessions is learned from the server.
//!
//! ```no_run
//! use ftp_tokio::{Config, Pool, PoolError, Site, TlsPolicy};
//!
//! # async fn f(names: Vec<String>) -> Result<(), PoolError> {
//! let pool = Pool::new();
//! let site = Site::new("ftp.example.org", Config::new(TlsPolicy::Explicit))?.login("user", "password");
//! for name in names {
//!     let (pool, site) = (pool.clone(), site.clone());
//!     tokio::spawn(async move {
//!         let mut ftp = pool.lease(&site).await?;
//!         ftp.download_to(&name, &mut tokio::io::sink()).await?;
//!         Ok::<_, PoolError>(())
//!     });
//! }
//! # Ok(()) }
//! ```
//!
//! # How many sessions
//!
//! Each host has a [`Budget`](ftp_session::Budget). If the server refuses a session because there are too many, that
//! is not an error: the task waits for another session, and for ten minutes there are no more than the server had
//! accepted. Sessions beyond the number that a host has accepted before are opened one by one, so a server refuses
//! only once. All users of a host share its budget. An idle session of one user makes room for another's, and idle
//! sessions are closed if the server wants fewer. A task for which an idle session fits may overtake a task that must
//! open one, up to eight times; then the pool makes room for that task.
//!
//! A refused login is an error for all tasks that wait for a session of the same [`Site`], and for all that ask within
//! ten minutes ([`PoolBuilder::refused_login_memory`]). While no session of a site is open, one task at a time tries
//! its login (another task may after ten seconds without an answer), so a wrong password is tried only once.
//!
//! # When a lease is dropped
//!
//! | when its [`Lease`] is dropped | the session is |
//! |---|---|
//! | idle | given to the next task in line at once, or kept idle |
//! | in the middle of a transfer or request | settled in the background, as the next call would do |
//! | in another working directory, by `cwd` | returned to the login directory, in the background |
//! | changed by USER, PROT, CCC, OPTS, SITE, EPSV ALL or an unknown command | closed, because it may differ from a new session |
//! | after [`command("RNFR", …)`](crate::Client::command) without RNTO | closed, because some servers accept only RNTO then |
//! | over | forgotten |
//!
//! The client's settings ([`Client::config_mut`](crate::Client::config_mut)) are restored. Background work is a task
//! on the runtime in which the lease is dropped. Outside any runtime such a session is closed instead, and so it is
//! when that runtime shuts down. Idle sessions are closed with QUIT after [`PoolBuilder::idle_timeout`].
//!
//! Before a session is leased again, it is checked without a round trip: if a reply or a part of one is waiting on the
//! control connection, mostly a 421, the session is not used. A session that was idle for
//! [`PoolBuilder::check_after`] must also answer a NOOP within [`PoolBuilder::check_timeout`], because a connection
//! that a firewall has dropped still looks healthy. One failure remains: the server may end the session just as the
//! first command is sent. [`Pool::run`] retries then.
//!
//! With the feature `tracing`, an event reports each session that is opened, refused, reused or closed, and why; the
//! target is `ftp::pool`.

mod dial;
mod error;
mod events;
mod held;
mod host;
mod lease;
mod line;
mod logins;
mod member;
mod options;
mod reaper;
mod shared;
mod site;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ftp_session::{Error, SessionEnd};
use tokio::time::{Instant, timeout};

pub use error::PoolError;
pub use host::Status;
pub use lease::Lease;
pub use options::PoolBuilder;
pub use site::Site;

use crate::client::Client;
use events::CloseReason;
use held::{Grant, Held, Permit, Ticket};
use lease::{Untouched, Use};
use member::{Member, MemberState, Unopened};
use shared::Shared;

/// A pool of sessions shared by many tasks; cheap to clone
///
/// When the last clone is dropped, the pool is [closed](Self::close). See the [module](self).
#[derive(Clone)]
pub struct Pool {
    owner: Arc<Owner>,
}

/// Closes the pool when its last clone is dropped; leases keep `Shared` alive, but not this
struct Owner {
    shared: Arc<Shared>,
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl PoolBuilder {
    /// Creates the pool
    #[must_use]
    pub fn build(self) -> Pool {
        Pool { owner: Arc::new(Owner { shared: Arc::new(Shared::new(self)) }) }
    }
}

/// The result of an attempt to open a session
enum Opened {
    Session(Held),
    /// The server has too many sessions
    TooManySessions(Error),
    Failed(Error),
}

impl Pool {
    /// Creates a pool with up to 8 sessions per host
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Returns a builder for the settings of a pool
    pub const fn builder() -> PoolBuilder {
        PoolBuilder::new()
    }

    /// Leases a session for this site: an idle one, a new one, or the next that is returned
    ///
    /// Tasks that wait for the same site are served in order. Dropping the future gives up its place in line, and
    /// closes a session that it is opening.
    ///
    /// # Errors
    ///
    /// [`PoolError::TimedOut`] and [`PoolError::Busy`] if no session becomes free; [`PoolError::Session`] if a new one
    /// can't be opened or logged in.
    pub async fn lease(&self, site: &Site) -> Result<Lease, PoolError> {
        self.lease_checked(site, self.owner.shared.settings.check_after).await
    }

    /// Runs an operation on a session, and repeats it if the session turns out to be over before the server has begun
    /// any of it
    ///
    /// That happens to an idle session if the server ends it just as the first command is sent. The second attempt
    /// gets a session that was opened for it, or that has just answered a NOOP. `operation` is repeated only if the
    /// server has answered nothing, or a 421 in place of its first answer; in the first case, only if no command that
    /// changes something was sent. Any other failure is returned. `operation` must have dropped the lease when it
    /// fails.
    ///
    /// ```no_run
    /// # async fn f(pool: ftp_tokio::Pool, site: ftp_tokio::Site) -> Result<(), ftp_tokio::PoolError> {
    /// let size = pool.run(&site, |mut ftp| async move {
    ///     ftp.size("pub/README").await
    /// }).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Self::lease`], and [`PoolError::Session`] with what `operation` returns.
    pub async fn run<T, F>(
        &self,
        site: &Site,
        mut operation: impl FnMut(Lease) -> F,
    ) -> Result<T, PoolError>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let lease = self.lease(site).await?;
        let reused = Lease::is_reused(&lease);
        let untouched = Arc::new(Untouched::default());
        match operation(lease.observed(&untouched)).await {
            Err(error) if error.is_fatal() && reused && untouched.is_untouched() => {}
            result => return Ok(result?),
        }
        let lease = self.lease_checked(site, Duration::ZERO).await?;
        Ok(operation(lease).await?)
    }

    /// Returns how many sessions there are to a site's host, for all users, and how many tasks wait
    #[must_use]
    pub fn status(&self, site: &Site) -> Status {
        self.owner.shared.status(site)
    }

    /// Closes the pool: idle sessions are closed with QUIT in the background, leased ones when they are returned, and
    /// waiting tasks get [`PoolError::Closed`]
    pub fn close(&self) {
        self.owner.shared.close();
    }

    async fn lease_checked(&self, site: &Site, check: Duration) -> Result<Lease, PoolError> {
        let limit = self.owner.shared.settings.wait;
        let deadline = Instant::now().checked_add(limit);
        let mut check = Check { after: check, patience: self.owner.shared.settings.check_timeout };
        let mut refusal = None;
        let ticket = Ticket::new(&self.owner.shared, site)?;
        loop {
            match ticket.called(deadline).await? {
                Some(Grant::Session(held, since)) => {
                    if let Some(lease) = self.checked(held, since, &mut check).await {
                        return Ok(lease);
                    }
                }
                Some(Grant::Open(permit)) => match Self::open(permit, site).await {
                    Opened::Session(held) => return Ok(Lease::new(held, Use::First)),
                    Opened::TooManySessions(error) => refusal = Some(error),
                    Opened::Failed(error) => return Err(error.into()),
                },
                None => {
                    let refusal = refusal.or_else(|| ticket.last_error());
                    return Err(PoolError::TimedOut { limit, refusal });
                }
            }
            ticket.again(site)?;
        }
    }

    /// Opens a session, and reports the result to the budget
    async fn open(permit: Box<Permit>, site: &Site) -> Opened {
        let member = match Member::log_in(site).await {
            Ok(member) => member,
            Err(Unopened { error, refusal: Some(reply) }) => {
                events::refused(site, &error);
                permit.refused(reply, error.duplicate());
                return Opened::TooManySessions(error);
            }
            Err(Unopened { error, refusal: None }) => {
                match error.is_auth() {
                    true => permit.rejected(error.duplicate()),
                    false => permit.failed(error.duplicate()),
                }
                return Opened::Failed(error);
            }
        };
        events::opened(site);
        // This permits the next attempt.
        let mut held = permit.opened(member);
        match held.member_mut().prepare().await {
            Ok(()) => Opened::Session(held),
            Err(error) => {
                held.discard(CloseReason::Unsettled);
                Opened::Failed(error)
            }
        }
    }

    /// Returns a lease of the session, if it is still usable
    async fn checked(&self, mut held: Held, since: Instant, check: &mut Check) -> Option<Lease> {
        let settings = &self.owner.shared.settings;
        let idle = since.elapsed();
        let reason = match held.member_mut().look() {
            MemberState::Dead(end) => {
                // The session was idle, so its end does not mean that the server has too many.
                let end = if end == SessionEnd::Cut { SessionEnd::Orderly } else { end };
                held.end(end, CloseReason::Over(end));
                return None;
            }
            MemberState::Settle | MemberState::Close => CloseReason::Changed,
            MemberState::Clean if idle > settings.idle => CloseReason::Idle,
            MemberState::Clean if held.member().is_older_than(settings.age) => CloseReason::Old,
            MemberState::Clean => {
                // Held as a lease: if the caller gives up meanwhile, dropping it settles the session.
                let mut lease = Lease::new(held, Use::Again);
                if idle >= check.after && !check.answers(&mut lease).await {
                    lease.into_held()?.end(SessionEnd::Broken, CloseReason::Unanswered);
                    return None;
                }
                lease.session.inner.request().clear_effects();
                events::reused(Lease::site(&lease));
                return Some(lease);
            }
        };
        held.discard(reason);
        None
    }
}

/// How idle sessions must prove that they are alive
struct Check {
    /// Sessions that were idle at least this long must answer a NOOP
    after: Duration,
    /// The time left for answers, for all sessions that are tried together
    patience: Duration,
}

impl Check {
    /// Whether the server answers, even with a refusal
    async fn answers(&mut self, client: &mut Client) -> bool {
        if self.patience.is_zero() {
            return false;
        }
        let begun = Instant::now();
        let answer = timeout(self.patience, client.noop()).await;
        self.patience = self.patience.saturating_sub(begun.elapsed());
        match answer {
            Ok(Ok(_)) => true,
            Ok(Err(error)) => !error.is_fatal(),
            Err(_) => {
                self.patience = Duration::ZERO;
                false
            }
        }
    }
}

impl Default for Pool {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("settings", &self.owner.shared.settings)
            .finish_non_exhaustive()
    }
}
