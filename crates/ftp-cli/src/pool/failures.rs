//! Failures to open a session while the run has none, among them refusals because there are too many: all threads share
//! the retries

use std::time::Duration;

use ftp_proto::Reply;
use ftp_session::Admission;

use super::{LONGEST_DELAY, Pool, State};
use crate::failure::Failure;

/// Pauses from this length on are announced
const ANNOUNCED_DELAY: Duration = Duration::from_secs(3);

impl Pool {
    /// Reports to the budget that no session could be opened, for another reason than their number
    ///
    /// While none is open, no thread makes progress, so the failures are the retries of them all; after the last one, the
    /// failure is final.
    pub(super) fn failed(&self, failure: Failure) -> Failure {
        let mut state = self.lock();
        let now = self.origin.now();
        state.budget.failed(now);
        self.changed.notify_all();
        if state.budget.count() > 0 || !failure.is_transient() {
            return failure;
        }
        let common = self.site.common();
        if state.was_last(common.retries) {
            return failure.for_good();
        }
        // The pauses of `Tries`, for all threads together.
        let doubled = 2_u32.saturating_pow(state.failures - 1);
        state.next_attempt =
            Some(now + common.retry_delay.saturating_mul(doubled).min(LONGEST_DELAY));
        failure
    }

    /// Reports to the budget that the server has refused a session because there are too many; the last refusal is final,
    /// as in [`Self::failed`]
    pub(super) fn refused(&self, reply: &Reply, failure: Failure) -> Failure {
        let mut state = self.lock();
        let now = self.origin.now();
        state.budget.refused(reply, now);
        self.changed.notify_all();
        if state.budget.count() > 0 {
            return failure;
        }
        if state.was_last(self.site.common().retries) {
            return failure.for_good();
        }
        let wait = match state.budget.admission(now) {
            Admission::Later(Some(until)) => until - now,
            _ => Duration::ZERO,
        };
        drop(state);
        self.announce(&failure, wait);
        failure
    }

    /// Tells the user why the program waits, if it does so for long
    pub(super) fn announce(&self, failure: &Failure, wait: Duration) {
        if wait >= ANNOUNCED_DELAY && !self.site.common().quiet {
            let seconds = wait.as_secs_f64().round();
            let statement = failure.statement();
            crate::output::message(format_args!(
                "{statement}; the next attempt follows in {seconds} s"
            ));
        }
    }
}

impl State {
    /// Counts a failure while there is no session; whether this many retries allow no further attempt
    const fn was_last(&mut self, retries: u32) -> bool {
        self.failures = self.failures.saturating_add(1);
        self.has_given_up(retries)
    }

    const fn has_given_up(&self, retries: u32) -> bool {
        self.failures > retries
    }

    /// Grants all retries again if there are none left: the request that failed has been reported, and this is another
    ///
    /// Threads that wait meanwhile have no further ones.
    pub(super) fn renew_retries(&mut self, retries: u32) {
        if self.has_given_up(retries) {
            self.failures = 0;
            self.next_attempt = None;
            self.budget.end_back_off();
        }
    }
}
