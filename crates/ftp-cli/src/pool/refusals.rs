//! Refusals of a session because there are too many, while this run has none: they are its retries

use std::time::Duration;

use ftp_proto::Reply;
use ftp_session::Admission;

use super::{Pool, State};
use crate::failure::Failure;

/// Pauses from this length on are announced
const ANNOUNCED_DELAY: Duration = Duration::from_secs(3);

impl Pool {
    /// Reports to the budget that the server has refused a session for their number
    ///
    /// While none is open, no thread makes progress, so the refusals are the retries of them all; after the last one, the
    /// failure is final.
    pub(super) fn refused(&self, reply: &Reply, failure: Failure) -> Failure {
        let mut state = self.lock();
        let now = self.origin.now();
        state.budget.refused(reply, now);
        self.changed.notify_all();
        if state.budget.count() > 0 {
            return failure;
        }
        state.refusals = state.refusals.saturating_add(1);
        if state.has_given_up(self.site.common().retries) {
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
    /// Whether the server has refused a session once more than this many retries allow
    const fn has_given_up(&self, retries: u32) -> bool {
        self.refusals > retries
    }

    /// Grants all retries again if there are none left: the request that failed has been reported, and this is another
    ///
    /// Threads that wait meanwhile have no further ones.
    pub(super) fn renew_retries(&mut self, retries: u32) {
        if self.has_given_up(retries) {
            self.refusals = 0;
            self.budget.end_back_off();
        }
    }
}
