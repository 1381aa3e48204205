//! Deadlines: one slot per timer, the earliest wins

use crate::terms::Phase;
use core::time::Duration;
use std::time::Instant;

/// What a deadline guards
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timer {
    /// A reply, or a TLS handshake on the control connection
    Reply,
    /// The data connection: being opened, secured, or moving bytes
    Data,
    /// Silence long enough to take the next step of settling (a sentinel, a missing final reply)
    Quiet,
    /// The whole of settling a cut transfer
    Settle,
    /// Nothing to do for so long that a keep-alive is due
    Idle,
}

const COUNT: usize = 5;

/// Deadlines with the reason that the application is told
#[derive(Debug, Default)]
pub(crate) struct TimerTable([Option<(Instant, Phase)>; COUNT]);

impl TimerTable {
    pub(crate) fn set(&mut self, timer: Timer, at: Instant, phase: Phase) {
        self.0[timer as usize] = Some((at, phase));
    }

    /// Sets the timer `after` from `now`; a deadline beyond the end of time is none
    pub(crate) fn set_after(&mut self, timer: Timer, now: Instant, after: Duration, phase: Phase) {
        match now.checked_add(after) {
            Some(at) => self.set(timer, at, phase),
            None => self.stop(timer),
        }
    }

    pub(crate) fn stop(&mut self, timer: Timer) {
        self.0[timer as usize] = None;
    }

    pub(crate) fn stop_all(&mut self) {
        self.0 = Default::default();
    }

    /// Moves every deadline by this much
    pub(crate) fn shift(&mut self, by: Duration) {
        for (at, _) in self.0.iter_mut().flatten() {
            *at = at.checked_add(by).unwrap_or(*at);
        }
    }

    pub(crate) fn phase(&self, timer: Timer) -> Option<Phase> {
        self.0[timer as usize].map(|(_, phase)| phase)
    }

    /// The earliest deadline and its reason
    pub(crate) fn next(&self) -> Option<(Instant, Phase)> {
        self.0.iter().flatten().min_by_key(|(at, _)| *at).copied()
    }

    /// Stops the timer and tells its reason if its time has come
    pub(crate) fn take_expired(&mut self, timer: Timer, now: Instant) -> Option<Phase> {
        let slot = &mut self.0[timer as usize];
        match *slot {
            Some((at, phase)) if at <= now => {
                *slot = None;
                Some(phase)
            }
            _ => None,
        }
    }
}
