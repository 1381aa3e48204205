//! How many bytes a second pass, of all transfers together

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::interrupt::Interrupt;

/// A limit that transfers share
#[derive(Debug)]
pub(crate) struct Rate {
    limit: Option<u64>,
    /// When the bytes that have passed are paid for
    due: Mutex<Instant>,
}

impl Rate {
    pub(crate) fn new(limit: Option<u64>) -> Self {
        Self { limit, due: Mutex::new(Instant::now()) }
    }

    /// Waits as long as these bytes take
    pub(crate) fn pass(&self, bytes: usize, interrupt: &Interrupt) -> Result<(), Failure> {
        let Some(limit) = self.limit else { return interrupt.check() };
        let cost = Duration::from_secs_f64(bytes as f64 / limit as f64);
        let now = Instant::now();
        let until = {
            let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
            *due = (*due).max(now) + cost;
            *due
        };
        interrupt.sleep(until.saturating_duration_since(now))
    }
}
