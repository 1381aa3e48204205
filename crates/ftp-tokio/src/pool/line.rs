//! The tasks that wait for a session of one host
//!
//! A waiter has a number, and keeps it if the session that it gets turns out to be over: the lowest number has waited
//! longest. It waits in line until it is called. What it is given stays here until it takes it, or leaves.
//!
//! Waiters for the same site differ only in their numbers, so whoever serves the line looks at the first of each site.
//! However many wait, it does not look at the others.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use ftp_session::Error;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::member::Member;
use super::site::Site;

/// An idle session
pub(super) struct Idle {
    pub(super) member: Box<Member>,
    pub(super) since: Instant,
}

/// What a waiter is given
pub(super) enum Turn {
    Session(Idle),
    /// Permission to open a session
    Open(Site),
    Rejected(Error),
    Closed,
}

struct Waiter {
    site: Site,
    /// Notified when it is called, and when it must look sooner
    notify: Arc<Notify>,
    /// When it serves the host's line even if nothing has happened
    look: Option<Instant>,
    /// Sessions that were given to later waiters while it was the first that must open one
    passed_by: usize,
}

#[derive(Default)]
pub(super) struct Line {
    waiting: BTreeMap<u64, Waiter>,
    /// The numbers of those that wait for each site
    sites: HashMap<Site, BTreeSet<u64>>,
    /// The lowest number for each site
    firsts: BTreeSet<u64>,
    called: HashMap<u64, Turn>,
    /// Waiters to notify once the lock is free
    to_notify: Vec<Arc<Notify>>,
    /// The number of waiters inspected, for tests
    #[cfg(test)]
    pub(super) looks: std::cell::Cell<usize>,
}

impl Line {
    pub(super) fn enter(&mut self, number: u64, site: Site, notify: Arc<Notify>) {
        self.file(&site, |numbers| numbers.insert(number));
        self.waiting.insert(number, Waiter { site, notify, look: None, passed_by: 0 });
    }

    fn remove(&mut self, number: u64) -> Option<Waiter> {
        let waiter = self.waiting.remove(&number)?;
        self.file(&waiter.site, |numbers| numbers.remove(&number));
        Some(waiter)
    }

    /// Changes the numbers of a site
    fn file(&mut self, site: &Site, change: impl FnOnce(&mut BTreeSet<u64>) -> bool) {
        if !self.sites.contains_key(site) {
            self.sites.insert(site.clone(), BTreeSet::new());
        }
        let Some(numbers) = self.sites.get_mut(site) else { return };
        let before = numbers.first().copied();
        change(numbers);
        let first = numbers.first().copied();
        if first != before {
            before.inspect(|number| _ = self.firsts.remove(number));
            self.firsts.extend(first);
        }
        if first.is_none() {
            self.sites.remove(site);
        }
    }

    /// The number of tasks that wait and are not called yet
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn is_waiting(&self, number: u64) -> bool {
        self.waiting.contains_key(&number)
    }

    /// Whether no task waits, and none was called that has not come yet
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.called.is_empty()
    }

    /// The first waiting task for each site, in order
    pub(super) fn firsts(&self) -> impl Iterator<Item = (u64, &Site)> {
        self.firsts.iter().filter_map(|number| {
            self.count_look();
            Some((*number, &self.waiting.get(number)?.site))
        })
    }

    /// The first task that waits for this site
    pub(super) fn first_for(&self, site: &Site) -> Option<u64> {
        self.count_look();
        self.sites.get(site)?.first().copied()
    }

    fn count_look(&self) {
        #[cfg(test)]
        self.looks.set(self.looks.get() + 1);
    }

    pub(super) fn passed_by(&self, number: u64) -> usize {
        self.waiting.get(&number).map_or(0, |waiter| waiter.passed_by)
    }

    pub(super) fn pass_by(&mut self, number: u64) {
        if let Some(waiter) = self.waiting.get_mut(&number) {
            waiter.passed_by += 1;
        }
    }

    /// Calls a waiter
    pub(super) fn call(&mut self, number: u64, turn: impl FnOnce(Site) -> Turn) {
        if let Some(waiter) = self.remove(number) {
            self.called.insert(number, turn(waiter.site));
            self.to_notify.push(waiter.notify);
        }
    }

    /// Calls all waiters, or those for one site
    pub(super) fn call_all(&mut self, site: Option<&Site>, turn: impl Fn() -> Turn) {
        let first = |line: &Self| match site {
            Some(site) => line.first_for(site),
            None => line.firsts.first().copied(),
        };
        while let Some(number) = first(self) {
            self.call(number, |_| turn());
        }
    }

    /// Makes a waiter serve the host's line at this time
    pub(super) fn look_at(&mut self, number: u64, at: Instant) {
        if let Some(waiter) = self.waiting.get_mut(&number) {
            if waiter.look.is_none_or(|look| at < look) {
                waiter.look = Some(at);
                self.to_notify.push(Arc::clone(&waiter.notify));
            }
        }
    }

    /// Notes that a waiter has looked
    pub(super) fn has_looked(&mut self, number: u64) {
        if let Some(waiter) = self.waiting.get_mut(&number) {
            waiter.look = None;
        }
    }

    /// When a waiter must look
    pub(super) fn look(&self, number: u64) -> Option<Instant> {
        self.waiting.get(&number).and_then(|waiter| waiter.look)
    }

    /// Takes what a waiter was given, if it was called
    pub(super) fn take(&mut self, number: u64) -> Option<Turn> {
        self.called.remove(&number)
    }

    /// Removes a waiter; returns what it was given and has not taken, for another task
    pub(super) fn leave(&mut self, number: u64) -> Option<Turn> {
        self.remove(number);
        self.called.remove(&number)
    }

    pub(super) fn take_to_notify(&mut self) -> Vec<Arc<Notify>> {
        std::mem::take(&mut self.to_notify)
    }
}
