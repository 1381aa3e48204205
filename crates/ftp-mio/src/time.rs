//! Adding times, which may be as long as never

use std::time::{Duration, Instant};

/// `now` and `after`; `None`, which is never, beyond the end of time
pub(crate) fn later(now: Instant, after: Duration) -> Option<Instant> {
    now.checked_add(after)
}
