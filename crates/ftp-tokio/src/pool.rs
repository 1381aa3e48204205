//! Sessions that many tasks share, as many as a server lets in
//!
//! For those who know hyper's or reqwest's pool: the key is a [`Site`], which is everything that identifies a session,
//! not host and port alone; a session is one task's at a time, so [`Pool::lease`] waits in line where those open one
//! more connection. For those who know bb8 or deadpool: there is one pool for any number of hosts and logins; a returned
//! session is looked at without a round trip; how many there are is learned from the server.
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
//! Each host has a [`Budget`](ftp_session::Budget). A session that the server refuses because there are too many is no
//! error: whoever wanted it waits for another one, and for ten minutes there are no more than the server had let in.
//! Sessions beyond those that a host has had are opened one by one, so a server refuses once. All users of a host share
//! its budget; an idle session of one makes room for another's, and idle sessions are closed if the server wants fewer.
//! Whoever has a session that fits may pass by those who wait for one that has to be opened, eight times; then room is
//! made for the first of those.
//!
//! A refused login is an error, for all that wait for a session of the same [`Site`] and for those that come within ten
//! minutes ([`PoolBuilder::refused_login_memory`]). While no session of a site is open, one task at a time tries its
//! login (another after ten seconds without an answer), so a wrong password is tried once.
//!
//! # What becomes of a session
//!
//! | when its [`Lease`] is dropped | the session is |
//! |---|---|
//! | at rest | somebody else's at once, or idle |
//! | with a transfer or request half-way | settled in the background, as the next call would |
//! | in another working directory | brought back to the login's, in the background |
//! | after USER, REIN, PROT, CCC, OPTS, SITE, EPSV ALL or a command that is not known | closed: it is not what it was |
//! | over | forgotten |
//!
//! The settings of the client ([`Client::config_mut`](crate::Client::config_mut)) are put back. In the background means in
//! a task on the runtime in which the lease is dropped; outside any runtime such a session is closed, and so it is when
//! that runtime is shut down.
//! Idle sessions are closed with QUIT after [`PoolBuilder::idle_timeout`].
//!
//! Before it is leased again a session is looked at: if bytes wait on the control connection, it is over, or the server
//! has said 421. This takes no round trip. After [`PoolBuilder::check_after`] without use it has to answer a NOOP within
//! [`PoolBuilder::check_timeout`], since a connection that a firewall has forgotten looks well. What still can go wrong,
//! that the server ends the session just when the first command is on its way, [`Pool::run`] makes good.
//!
//! With the feature `tracing` there is an event for each session that is opened, refused, reused or closed, and why; the
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
use events::Why;
use held::{Grant, Held, Permit, Ticket};
use lease::{Use, Verdict};
use member::{Fate, Member, Unopened};
use shared::Shared;

/// Sessions that many tasks share; cheap to clone
///
/// When the last clone is dropped, the pool is [closed](Self::close). See the [module](self).
#[derive(Clone)]
pub struct Pool {
    owner: Arc<Owner>,
}

/// Ends the pool with its last clone; leases keep what is shared, not this
struct Owner {
    shared: Arc<Shared>,
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl PoolBuilder {
    /// The pool
    #[must_use]
    pub fn build(self) -> Pool {
        Pool { owner: Arc::new(Owner { shared: Arc::new(Shared::new(self)) }) }
    }
}

/// What became of an attempt to open a session
enum Opened {
    Session(Held),
    /// The server has enough
    Crowded(Error),
    Failed(Error),
}

impl Pool {
    /// A pool with up to 8 sessions a host
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// The settings of a pool
    pub const fn builder() -> PoolBuilder {
        PoolBuilder::new()
    }

    /// A session for this site: an idle one, a new one, or the next that comes back
    ///
    /// Those who wait for the same site are served in their order. Dropping the future gives up the place in line, and
    /// closes the session that it is opening.
    ///
    /// # Errors
    ///
    /// [`PoolError::TimedOut`] and [`PoolError::Busy`] if no session becomes free; [`PoolError::Session`] if a new one
    /// can't be opened or logged in.
    pub async fn lease(&self, site: &Site) -> Result<Lease, PoolError> {
        self.lease_checked(site, self.owner.shared.settings.check_after).await
    }

    /// Does something on a session, once more if the session proves to be over before the server has begun any of it
    ///
    /// That happens to a session that was idle, if the server ends it just when the first command is on its way. The
    /// second attempt has a session that was opened for it, or that has just answered a NOOP. `operation` is called
    /// again only if the server has answered nothing, or a 421 in the place of its first answer; in the first case only
    /// if no command was sent that changes something. Any other failure is returned. It must have dropped the lease
    /// when it fails.
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
        let verdict = Arc::new(Verdict::default());
        match operation(lease.observed(&verdict)).await {
            Err(error) if error.is_fatal() && reused && verdict.is_untouched() => {}
            result => return Ok(result?),
        }
        let lease = self.lease_checked(site, Duration::ZERO).await?;
        Ok(operation(lease).await?)
    }

    /// How many sessions there are to a site's host, for all users, and how many wait
    #[must_use]
    pub fn status(&self, site: &Site) -> Status {
        self.owner.shared.status(site)
    }

    /// Ends the pool: idle sessions are closed with QUIT in the background, leased ones when they come back, and whoever
    /// waits gets [`PoolError::Closed`]
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
                    Opened::Crowded(error) => refusal = Some(error),
                    Opened::Failed(error) => return Err(error.into()),
                },
                None => {
                    let refusal = refusal.or_else(|| ticket.trouble());
                    return Err(PoolError::TimedOut { limit, refusal });
                }
            }
            ticket.again(site)?;
        }
    }

    /// Opens a session, and tells the budget
    async fn open(permit: Box<Permit>, site: &Site) -> Opened {
        let member = match Member::log_in(site).await {
            Ok(member) => member,
            Err(Unopened { error, refusal: Some(reply) }) => {
                events::refused(site, &error);
                permit.refused(reply, error.again());
                return Opened::Crowded(error);
            }
            Err(Unopened { error, refusal: None }) => {
                match error.is_auth() {
                    true => permit.rejected(error.again()),
                    false => permit.failed(error.again()),
                }
                return Opened::Failed(error);
            }
        };
        events::opened(site);
        // The next one may be tried from now on.
        let mut held = permit.opened(member);
        match held.member_mut().prepare().await {
            Ok(()) => Opened::Session(held),
            Err(error) => {
                held.discard(Why::Unsettled);
                Opened::Failed(error)
            }
        }
    }

    /// The session, if it is well
    async fn checked(&self, mut held: Held, since: Instant, check: &mut Check) -> Option<Lease> {
        let settings = &self.owner.shared.settings;
        let idle = since.elapsed();
        let why = match held.member_mut().look() {
            Fate::Dead(end) => {
                // Nobody has used it: that the server has ended it is no sign of too many.
                let end = if end == SessionEnd::Cut { SessionEnd::Orderly } else { end };
                held.end(end, Why::Over(end));
                return None;
            }
            Fate::Settle | Fate::Close => Why::Changed,
            Fate::Clean if idle > settings.idle => Why::Idle,
            Fate::Clean if held.member().is_older_than(settings.age) => Why::Old,
            Fate::Clean => {
                // As a lease: whoever gives up meanwhile has it settled.
                let mut lease = Lease::new(held, Use::Again);
                if idle >= check.after && !check.answers(&mut lease).await {
                    lease.into_held()?.end(SessionEnd::Broken, Why::Unanswered);
                    return None;
                }
                lease.session.inner.request().clear_effects();
                events::reused(Lease::site(&lease));
                return Some(lease);
            }
        };
        held.discard(why);
        None
    }
}

/// How idle sessions have to prove that they live
struct Check {
    /// Sessions that were idle for so long have to
    after: Duration,
    /// How long those that are tried may take to answer, all together
    patience: Duration,
}

impl Check {
    /// Whether the server answers, be it with a refusal
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

/// Looked at by the compiler: everything can be moved between threads, and what is shared can be shared
#[cfg(test)]
mod send {
    use super::*;

    fn is_send<T: Send>(value: T) -> T {
        value
    }

    fn is_static<T: Send + Sync + Clone + 'static>() {}

    #[expect(dead_code, reason = "compiles or does not")]
    async fn all(pool: Pool, site: Site) -> Result<(), PoolError> {
        is_static::<Pool>();
        is_static::<Site>();
        is_send::<Result<(), PoolError>>(Ok(()))?;
        let mut lease = is_send(is_send(pool.lease(&site)).await?);
        is_send(lease.noop()).await?;
        let download = is_send(is_send(lease.into_get("f")).await?);
        let (_, lease) = is_send(download.finish()).await?;
        drop(lease);
        let name = String::from("f");
        let other = pool.clone();
        let size = |mut ftp: Lease| {
            let name = name.clone();
            async move { ftp.size(name).await }
        };
        is_send(other.run(&site, size)).await?;
        Ok(())
    }
}
