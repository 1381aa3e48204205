//! Adding and comparing times, which may be as late as never

use std::time::{Duration, Instant};

/// `now` plus `after`; `None`, which is never, beyond the end of time
pub(crate) fn later(now: Instant, after: Duration) -> Option<Instant> {
    now.checked_add(after)
}

/// Whether a deadline has passed; `None` never does
pub(crate) fn has_passed(deadline: Option<Instant>, now: Instant) -> bool {
    deadline.is_some_and(|at| at <= now)
}
