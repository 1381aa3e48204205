//! The pool's knowledge of the logins at one host
//!
//! ```text
//! unknown ─▶ tried ──┬─▶ accepted   as long as a session of the site lives
//!                    ├─▶ refused    for as long as the pool remembers
//!                    └─▶ unknown    the attempt has shown nothing about the login
//! ```
//!
//! An unknown login is tried by one task at a time: a wrong password is sent once, however many tasks want the site.

use std::collections::HashMap;
use std::time::Duration;

use ftp_session::Error;
use tokio::time::Instant;

use super::site::Site;

/// How long one attempt may delay the next: as long as a [`Budget`](ftp_session::Budget) waits for an attempt that
/// hangs
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Default)]
pub(super) struct Logins {
    sites: HashMap<Site, Login>,
}

enum Login {
    /// When the last attempt began
    Tried(Instant),
    /// The number of open sessions
    Accepted(usize),
    /// Until when, with `None` for ever
    Refused(Option<Instant>, Error),
}

impl Logins {
    /// The error of a refused login that must not be tried again
    pub(super) fn refusal(&self, site: &Site, now: Instant) -> Option<Error> {
        match self.sites.get(site)? {
            Login::Refused(until, error) if is_ahead(*until, now) => Some(error.duplicate()),
            _ => None,
        }
    }

    /// Until when no other task may try this login
    pub(super) fn tried_until(&self, site: &Site, now: Instant) -> Option<Instant> {
        match self.sites.get(site)? {
            Login::Tried(begun) => Some(*begun + ATTEMPT_TIMEOUT).filter(|until| *until > now),
            Login::Accepted(_) | Login::Refused(..) => None,
        }
    }

    /// Notes that an attempt begins
    pub(super) fn begin(&mut self, site: &Site, now: Instant) {
        if !matches!(self.sites.get(site), Some(Login::Accepted(_))) {
            self.sites.insert(site.clone(), Login::Tried(now));
        }
    }

    pub(super) fn accepted(&mut self, site: &Site) {
        match self.sites.get_mut(site) {
            Some(Login::Accepted(sessions)) => *sessions += 1,
            _ => {
                self.sites.insert(site.clone(), Login::Accepted(1));
            }
        }
    }

    pub(super) fn refused(&mut self, site: &Site, until: Option<Instant>, error: Error) {
        self.sites.insert(site.clone(), Login::Refused(until, error));
    }

    /// Notes that an attempt has shown nothing about the login
    pub(super) fn gave_up(&mut self, site: &Site) {
        if matches!(self.sites.get(site), Some(Login::Tried(_))) {
            self.sites.remove(site);
        }
    }

    /// Notes that a session has ended
    pub(super) fn ended(&mut self, site: &Site) {
        match self.sites.get_mut(site) {
            Some(Login::Accepted(1)) => {
                self.sites.remove(site);
            }
            Some(Login::Accepted(sessions)) => *sessions -= 1,
            Some(Login::Tried(_) | Login::Refused(..)) | None => {}
        }
    }

    /// Whether nothing is known that still matters
    pub(super) fn can_be_forgotten(&self, now: Instant) -> bool {
        self.sites.values().all(|login| match login {
            Login::Refused(until, _) => !is_ahead(*until, now),
            Login::Tried(_) | Login::Accepted(_) => false,
        })
    }

    /// Forgets refusals that have expired
    pub(super) fn forget(&mut self, now: Instant) {
        self.sites.retain(|_, login| match login {
            Login::Refused(until, _) => is_ahead(*until, now),
            Login::Tried(_) | Login::Accepted(_) => true,
        });
    }
}

fn is_ahead(until: Option<Instant>, now: Instant) -> bool {
    until.is_none_or(|until| until > now)
}
