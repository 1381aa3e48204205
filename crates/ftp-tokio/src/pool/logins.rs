//! The pool's knowledge of the logins at one host
//!
//! ```text
//! unknown ─▶ tried ──┬─▶ accepted   as long as a session of the site lives
//!                    ├─▶ refused    for as long as the pool remembers
//!                    └─▶ unknown    the attempt has shown nothing about the login
//! ```
//!
//! An unknown login is tried by one task at a time: a wrong password is sent once, however many tasks want the site.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use ftp_session::Error;
use tokio::time::Instant;

use super::site::Site;

/// How long one attempt may delay the next: as long as a [`Budget`](ftp_session::Budget) waits for an attempt that
/// hangs
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Default)]
pub(super) struct Logins {
    /// The logins that are being tried, with the start of the last attempt; at most as many as sessions
    tried: HashMap<Site, Instant>,
    known: HashMap<Site, Login>,
    /// When refusals expire, the earliest first
    expiries: VecDeque<(Instant, Site)>,
}

/// What an attempt has shown
enum Login {
    /// The number of open sessions
    Accepted(usize),
    /// Until when, with `None` for ever
    Refused(Option<Instant>, Error),
}

impl Logins {
    /// The error of a refused login that must not be tried again
    pub(super) fn refusal(&self, site: &Site, now: Instant) -> Option<Error> {
        match self.known.get(site)? {
            Login::Refused(until, error) if is_ahead(*until, now) => Some(error.duplicate()),
            _ => None,
        }
    }

    /// Until when no other task may try this login
    pub(super) fn tried_until(&self, site: &Site, now: Instant) -> Option<Instant> {
        Some(*self.tried.get(site)? + ATTEMPT_TIMEOUT).filter(|until| *until > now)
    }

    /// The logins that no other task may try, and until when
    pub(super) fn tried(&self, now: Instant) -> impl Iterator<Item = (&Site, Instant)> {
        let until = |(site, begun): (_, &Instant)| (site, *begun + ATTEMPT_TIMEOUT);
        self.tried.iter().map(until).filter(move |(_, until)| *until > now)
    }

    /// Notes that an attempt begins
    pub(super) fn begin(&mut self, site: &Site, now: Instant) {
        if !self.has_sessions(site) {
            self.known.remove(site);
            self.tried.insert(site.clone(), now);
        }
    }

    pub(super) fn accepted(&mut self, site: &Site) {
        self.tried.remove(site);
        match self.known.get_mut(site) {
            Some(Login::Accepted(sessions)) => *sessions += 1,
            _ => {
                self.known.insert(site.clone(), Login::Accepted(1));
            }
        }
    }

    pub(super) fn refused(&mut self, site: &Site, until: Option<Instant>, error: Error) {
        self.tried.remove(site);
        self.known.insert(site.clone(), Login::Refused(until, error));
        // All refusals are remembered for the same time, so this one expires last.
        self.expiries.extend(until.map(|until| (until, site.clone())));
    }

    /// Notes that an attempt has shown nothing about the login
    pub(super) fn gave_up(&mut self, site: &Site) {
        self.tried.remove(site);
    }

    /// Notes that a session has ended
    pub(super) fn ended(&mut self, site: &Site) {
        match self.known.get_mut(site) {
            Some(Login::Accepted(1)) => {
                self.known.remove(site);
            }
            Some(Login::Accepted(sessions)) => *sessions -= 1,
            Some(Login::Refused(..)) | None => {}
        }
    }

    /// Whether nothing is known that still matters
    pub(super) fn can_be_forgotten(&self, now: Instant) -> bool {
        let is_over =
            |login: &Login| matches!(login, Login::Refused(until, _) if !is_ahead(*until, now));
        self.tried.is_empty() && self.known.values().all(is_over)
    }

    /// Forgets refusals that have expired
    pub(super) fn forget(&mut self, now: Instant) {
        while self.expiries.front().is_some_and(|(until, _)| *until <= now) {
            let Some((_, site)) = self.expiries.pop_front() else { return };
            // The login may have been tried again since.
            if self.refusal(&site, now).is_none() && !self.has_sessions(&site) {
                self.known.remove(&site);
            }
        }
    }

    fn has_sessions(&self, site: &Site) -> bool {
        matches!(self.known.get(site), Some(Login::Accepted(_)))
    }
}

fn is_ahead(until: Option<Instant>, now: Instant) -> bool {
    until.is_none_or(|until| until > now)
}
