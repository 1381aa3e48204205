//! Limits the rate of all transfers together

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::args::Timetable;
use crate::failure::Failure;
use crate::interrupt::Interrupt;

/// How often a waiting transfer checks whether the limit has changed
const LOOK: Duration = Duration::from_secs(1);

/// A limit that transfers share
#[derive(Debug)]
pub(crate) struct Rate {
    limit: Option<Timetable>,
    account: Mutex<Account>,
}

/// Counts the bytes transferred, and how many of them the limit has allowed so far
#[derive(Clone, Copy, Debug)]
struct Account {
    transferred: f64,
    allowed: f64,
    until: Instant,
}

impl Account {
    /// Adds the bytes that the limit allows for the time since the last call; unused time is not saved for later
    fn advance(&mut self, limit: Option<u64>, now: Instant) {
        let seconds = now.saturating_duration_since(self.until).as_secs_f64();
        self.until = now;
        self.allowed = match limit {
            Some(limit) => self.transferred.min(self.allowed + seconds * limit as f64),
            None => self.transferred,
        };
    }

    /// Returns how long it takes at this limit until `due` bytes are allowed; `None` if they are already
    fn wait(&self, due: f64, limit: Option<u64>) -> Option<Duration> {
        let limit = limit.filter(|_| due > self.allowed)?;
        // A longer time than `Duration` can hold is longer than any run.
        Some(
            Duration::try_from_secs_f64((due - self.allowed) / limit as f64)
                .unwrap_or(Duration::MAX),
        )
    }
}

impl Rate {
    pub(crate) fn new(limit: Option<&Timetable>) -> Self {
        let account = Account { transferred: 0.0, allowed: 0.0, until: Instant::now() };
        Self { limit: limit.cloned(), account: Mutex::new(account) }
    }

    /// Counts these bytes, and waits until the limit allows them
    pub(crate) fn pass(&self, bytes: usize, interrupt: &Interrupt) -> Result<(), Failure> {
        let Some(timetable) = &self.limit else { return interrupt.check() };
        let mut due = None;
        loop {
            let limit = timetable.now();
            let wait = {
                let mut account = self.account.lock().unwrap_or_else(PoisonError::into_inner);
                account.advance(limit, Instant::now());
                let due = *due.get_or_insert_with(|| {
                    account.transferred += bytes as f64;
                    account.transferred
                });
                account.wait(due, limit)
            };
            match wait {
                Some(wait) => interrupt.sleep(wait.min(LOOK))?,
                None => return interrupt.check(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_changes_holds_for_what_is_waiting() {
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        let mut account = Account { transferred: 10_000.0, allowed: 0.0, until: begun };
        let wait = |account: &Account, limit| account.wait(10_000.0, limit);
        assert_eq!(wait(&account, Some(100)), Some(Duration::from_secs(100)));
        account.advance(Some(100), at(10));
        assert_eq!(wait(&account, Some(100)), Some(Duration::from_secs(90)));
        // The limit is raised, and then removed.
        assert_eq!(wait(&account, Some(900)), Some(Duration::from_secs(10)));
        account.advance(Some(900), at(15));
        assert_eq!(wait(&account, Some(900)), Some(Duration::from_secs(5)));
        account.advance(None, at(16));
        assert_eq!(wait(&account, None), None);
        assert_eq!(wait(&account, Some(1)), None);
        // Time without transfers is not saved for later.
        account.advance(Some(100), at(1000));
        account.transferred += 100.0;
        assert_eq!(account.wait(10_100.0, Some(100)), Some(Duration::from_secs(1)));
    }
}
