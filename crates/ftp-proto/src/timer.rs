//! Deadlines: one slot per timer, the earliest wins

use core::time::Duration;
use std::time::Instant;

use crate::terms::Phase;

/// What a deadline guards
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timer {
    /// Silence while a reply is due, or a TLS handshake on the control connection
    Reply,
    /// The whole of a command, however many preliminary replies come; the whole of a greeting
    Command,
    /// The data connection: being opened, secured, or moving bytes
    Data,
    /// Silence long enough to take the next step of settling (a sentinel, a missing final reply)
    Quiet,
    /// How long an aborted listing may be read on, before it is cut off
    Discard,
    /// The whole of settling, until the next request begins
    Settle,
    /// Nothing to do for so long that a keep-alive is due
    Idle,
}

const COUNT: usize = 7;

#[derive(Clone, Copy, Debug)]
struct Deadline {
    at: Instant,
    phase: Phase,
    base: Base,
}

/// What a deadline counts from
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Base {
    /// The time of an input
    Input,
    /// The next input: a request, which carries no time, has set it
    NextInput,
}

/// Deadlines with the reason that the application is told
#[derive(Debug, Default)]
pub(crate) struct TimerTable {
    deadlines: [Option<Deadline>; COUNT],
    /// The latest known time when requests came in since the last input
    requested: Option<Instant>,
}

impl TimerTable {
    /// Sets the timer `after` from `now`; a deadline beyond the end of time is none
    pub(crate) fn set_after(&mut self, timer: Timer, now: Instant, after: Duration, phase: Phase) {
        let base = if self.requested.is_some() { Base::NextInput } else { Base::Input };
        self.deadlines[timer as usize] =
            now.checked_add(after).map(|at| Deadline { at, phase, base });
    }

    /// As [`Self::set_after`], unless the timer runs already
    pub(crate) fn start(&mut self, timer: Timer, now: Instant, after: Duration, phase: Phase) {
        if self.phase(timer).is_none() {
            self.set_after(timer, now, after, phase);
        }
    }

    pub(crate) fn stop(&mut self, timer: Timer) {
        self.deadlines[timer as usize] = None;
    }

    pub(crate) fn stop_all(&mut self) {
        self.deadlines = [None; COUNT];
    }

    /// A request comes in, without a time: deadlines set from here on count from the next input
    pub(crate) fn requested(&mut self, now: Instant) {
        self.requested.get_or_insert(now);
    }

    /// An input comes in at `now`
    pub(crate) fn touch(&mut self, now: Instant) {
        let Some(requested) = self.requested.take() else { return };
        let passed = now.saturating_duration_since(requested);
        for deadline in self.deadlines.iter_mut().flatten() {
            if deadline.base == Base::NextInput {
                deadline.at = deadline.at.checked_add(passed).unwrap_or(deadline.at);
                deadline.base = Base::Input;
            }
        }
    }

    pub(crate) fn phase(&self, timer: Timer) -> Option<Phase> {
        self.deadlines[timer as usize].map(|deadline| deadline.phase)
    }

    /// The earliest deadline and its reason
    pub(crate) fn next(&self) -> Option<(Instant, Phase)> {
        let earliest = self.deadlines.iter().flatten().min_by_key(|deadline| deadline.at);
        earliest.map(|deadline| (deadline.at, deadline.phase))
    }

    /// Stops the timer and tells its reason if its time has come
    pub(crate) fn take_expired(&mut self, timer: Timer, now: Instant) -> Option<Phase> {
        let slot = &mut self.deadlines[timer as usize];
        match *slot {
            Some(Deadline { at, phase, .. }) if at <= now => {
                *slot = None;
                Some(phase)
            }
            _ => None,
        }
    }
}
