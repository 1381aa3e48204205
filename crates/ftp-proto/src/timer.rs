//! Deadlines: each timer has one, the earliest comes first

use core::time::Duration;

use crate::terms::Phase;
use crate::time::Time;

/// The kind of wait that a deadline limits
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timer {
    /// Silence while a reply or a TLS handshake on the control connection is expected
    Reply,
    /// Total time of a command, however many preliminary replies come, or of a greeting
    Command,
    /// The data connection: opening, TLS handshake, or transfer of bytes
    Data,
    /// Silence long enough to take the next step of settling (a sentinel, a missing final reply)
    Quiet,
    /// Time for which an aborted listing is still read, before it is cut off
    Discard,
    /// Total time of settling, until the next request begins
    Settle,
    /// Idle time until a keep-alive is sent
    Idle,
}

const COUNT: usize = 7;

#[derive(Clone, Copy, Debug)]
struct Deadline {
    at: Time,
    phase: Phase,
    base: Base,
}

/// What a deadline counts from
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Base {
    /// The time of an input
    Input,
    /// The next input, because a request, which carries no time, has set the deadline
    NextInput,
}

/// All deadlines, each with the reason that the application sees
#[derive(Debug, Default)]
pub(crate) struct TimerTable {
    deadlines: [Option<Deadline>; COUNT],
    /// The latest known time at the first request since the last input
    requested: Option<Time>,
}

impl TimerTable {
    /// Sets the timer to `after` from `now`; a deadline beyond the end of time is not set
    pub(crate) fn set_after(&mut self, timer: Timer, now: Time, after: Duration, phase: Phase) {
        let base = if self.requested.is_some() { Base::NextInput } else { Base::Input };
        self.deadlines[timer as usize] =
            now.checked_add(after).map(|at| Deadline { at, phase, base });
    }

    /// As [`Self::set_after`], unless the timer is already running
    pub(crate) fn start(&mut self, timer: Timer, now: Time, after: Duration, phase: Phase) {
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

    /// Records a request, which has no time: deadlines set from now on count from the next input
    pub(crate) fn requested(&mut self, now: Time) {
        self.requested.get_or_insert(now);
    }

    /// Records an input at `now`
    #[inline]
    pub(crate) fn touch(&mut self, now: Time) {
        if let Some(requested) = self.requested.take() {
            self.postpone(now.saturating_duration_since(requested));
        }
    }

    /// Postpones the deadlines that count from the next input, which has come after this time
    fn postpone(&mut self, passed: Duration) {
        for slot in &mut self.deadlines {
            let Some(deadline) = slot else { continue };
            if deadline.base == Base::NextInput {
                deadline.at += passed;
                deadline.base = Base::Input;
            }
            if deadline.at.is_never() {
                *slot = None;
            }
        }
    }

    pub(crate) fn phase(&self, timer: Timer) -> Option<Phase> {
        self.deadlines[timer as usize].map(|deadline| deadline.phase)
    }

    /// Returns the earliest deadline and its reason
    #[inline]
    pub(crate) fn next(&self) -> Option<(Time, Phase)> {
        let earliest = self.deadlines.iter().flatten().min_by_key(|deadline| deadline.at);
        earliest.map(|deadline| (deadline.at, deadline.phase))
    }

    /// Stops the timer and returns its reason, if its time has come
    pub(crate) fn take_expired(&mut self, timer: Timer, now: Time) -> Option<Phase> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_that_moves_to_never_is_none() {
        let mut timers = TimerTable::default();
        let second = Duration::from_secs(1);
        timers.requested(Time::ZERO);
        timers.set_after(Timer::Reply, Time::ZERO, Duration::MAX, Phase::Settle);
        assert_eq!(timers.next(), None);
        timers.set_after(Timer::Reply, Time::ZERO, Duration::MAX - second, Phase::Settle);
        assert!(timers.next().is_some());
        timers.touch(Time::ZERO + 2 * second);
        assert_eq!(timers.next(), None);
    }
}
