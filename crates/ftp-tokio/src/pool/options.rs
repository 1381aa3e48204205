//! The settings of a pool

use std::time::Duration;

/// Settings of a [`Pool`](super::Pool)
///
/// ```
/// use std::time::Duration;
/// use ftp_tokio::Pool;
///
/// let pool = Pool::builder().sessions_per_host(4).wait_timeout(Duration::from_secs(10)).build();
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing before `build`"]
pub struct PoolBuilder {
    pub(super) sessions: usize,
    pub(super) at_once: usize,
    pub(super) wait: Duration,
    pub(super) waiters: usize,
    pub(super) idle: Duration,
    pub(super) age: Duration,
    pub(super) check_after: Duration,
    pub(super) check_timeout: Duration,
    pub(super) login_memory: Duration,
}

impl PoolBuilder {
    pub(super) const fn new() -> Self {
        Self {
            sessions: 8,
            at_once: 1,
            wait: Duration::from_secs(60),
            waiters: usize::MAX,
            // Below the idle time after which servers send 421: 60 seconds and more.
            idle: Duration::from_secs(50),
            age: Duration::MAX,
            check_after: Duration::from_secs(20),
            // Longer than any round trip; a new login takes less.
            check_timeout: Duration::from_secs(5),
            login_memory: Duration::from_secs(600),
        }
    }

    /// Sets the maximum number of sessions to one host, for all users together; 8 by default, at least 1
    ///
    /// There are fewer if the server requires it: see [`Budget`](ftp_session::Budget).
    pub fn sessions_per_host(mut self, sessions: usize) -> Self {
        self.sessions = sessions.max(1);
        self
    }

    /// Sets how many sessions to one host may be opening at the same time, in addition to the highest number that was
    /// open at once; 1 by default
    ///
    /// The first session of each [`Site`](super::Site) is opened alone. A higher number fills the pool sooner, and a
    /// server with a lower limit refuses that many more.
    pub fn open_at_once(mut self, sessions: usize) -> Self {
        self.at_once = sessions.max(1);
        self
    }

    /// Sets the maximum wait for a lease; 60 seconds by default
    ///
    /// Opening a session has its own deadlines, from the site's options.
    pub fn wait_timeout(mut self, timeout: Duration) -> Self {
        self.wait = timeout;
        self
    }

    /// Sets how many tasks may wait for leases of one host; no limit by default
    pub fn waiters_per_host(mut self, waiters: usize) -> Self {
        self.waiters = waiters;
        self
    }

    /// Sets how long an idle session is kept; 50 seconds by default
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle = timeout;
        self
    }

    /// Sets how long a session is used after it was opened; for ever by default
    pub fn max_age(mut self, age: Duration) -> Self {
        self.age = age;
        self
    }

    /// Sets the idle time after which a session must answer a NOOP before it is leased; 20 seconds by default
    ///
    /// If the server or the network has already closed the session, the pool notices that without a NOOP.
    pub fn check_after(mut self, idle: Duration) -> Self {
        self.check_after = idle;
        self
    }

    /// Sets how long a lease waits for answers to such NOOPs, for all sessions that it tries together; 5 seconds by
    /// default
    ///
    /// A refusal is an answer. A session that has not answered by then is given up. If a firewall has dropped one
    /// connection, it has also dropped those that were idle for longer.
    pub fn check_timeout(mut self, timeout: Duration) -> Self {
        self.check_timeout = timeout;
        self
    }

    /// Sets how long a login that the server has refused is not tried again; 10 minutes by default, for ever with
    /// [`Duration::MAX`]
    ///
    /// Until then every lease of that site fails with the same error, so that many tasks with one wrong password do
    /// not lock the account.
    pub fn refused_login_memory(mut self, memory: Duration) -> Self {
        self.login_memory = memory;
        self
    }
}
