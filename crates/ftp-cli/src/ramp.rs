//! `-j auto`: how many sessions are worth having
//!
//! Two at first, and one more as long as the last one made the whole faster. No clock and no I/O: the caller says what
//! time it is, and how much work has been done.

use std::time::Duration;

use ftp_session::Time;

/// Sessions at the beginning: with one, the time between two files is lost
const FIRST: usize = 2;

/// How long each number of sessions is measured: several round trips and several small files, on nearly every line
const WINDOW: Duration = Duration::from_secs(1);

/// How long the number stays once one more was of no use: lines and files change
const PAUSE: Duration = Duration::from_secs(30);

/// The work of a request, in bytes: what passes in the time that small files and listings take anyway
pub(crate) const REQUEST: u64 = 4096;

/// How many sessions may be open
#[derive(Debug)]
pub(crate) struct Ramp {
    most: usize,
    allowed: usize,
    phase: Phase,
    /// Work a second with one session less, if that was measured
    before: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    /// Fewer sessions are open than may be
    Opening,
    /// As many are open as may be
    Measuring { since: Time, work: u64 },
    /// One more was of no use
    Enough { until: Time },
}

impl Ramp {
    /// A ramp to at most so many sessions
    pub(crate) fn new(most: usize) -> Self {
        Self { most, allowed: FIRST.min(most), phase: Phase::Opening, before: None }
    }

    /// A session has logged in, and begins to work
    pub(crate) fn opened(&mut self, work: u64, now: Time) {
        if let Phase::Measuring { .. } = self.phase {
            self.phase = Phase::Measuring { since: now, work };
        }
    }

    /// How many sessions may be open or opening now, of which `count` are; `work` is what all of them have done so far, in bytes
    pub(crate) fn allowed(&mut self, count: usize, work: u64, now: Time) -> usize {
        match self.phase {
            _ if count < self.allowed => self.phase = Phase::Opening,
            Phase::Opening => self.phase = Phase::Measuring { since: now, work },
            Phase::Measuring { since, work: first } if now >= since + WINDOW => {
                let seconds = now.saturating_duration_since(since).as_secs_f64();
                let rate = work.saturating_sub(first) as f64 / seconds;
                // At least half of what a session adds if nothing holds them up.
                let gain = 1.0 + 0.5 / (self.allowed.max(2) - 1) as f64;
                let is_faster = self.before.is_none_or(|before| rate >= before * gain);
                if is_faster && self.allowed < self.most {
                    self.allowed += 1;
                    self.before = Some(rate);
                    self.phase = Phase::Opening;
                } else {
                    self.before = None;
                    self.phase = Phase::Enough { until: now + PAUSE };
                }
            }
            Phase::Enough { until } if now >= until => {
                self.phase = Phase::Measuring { since: now, work };
            }
            Phase::Measuring { .. } | Phase::Enough { .. } => {}
        }
        self.allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The most sessions of a run of so many seconds on a line where n sessions do `rate(n)` bytes a second
    fn sessions(most: usize, seconds: u64, rate: impl Fn(usize, u64) -> u64) -> Vec<usize> {
        let mut ramp = Ramp::new(most);
        let (mut count, mut work, mut all) = (0, 0, Vec::new());
        for tenth in 0..seconds * 10 {
            let now = Time::ZERO + Duration::from_millis(tenth * 100);
            work += rate(count, tenth / 10) / 10;
            if count < ramp.allowed(count, work, now) {
                count += 1;
            }
            all.push(count);
        }
        all
    }

    #[test]
    fn sessions_are_added_while_each_makes_it_faster() {
        let all = sessions(8, 20, |count, _| count as u64 * 1_000_000);
        assert_eq!((all[5], all.last()), (2, Some(&8)), "{all:?}");
        // One at a time, and each for a second at least.
        let times: Vec<usize> =
            (3..=8).map(|count| all.iter().position(|other| *other == count).unwrap()).collect();
        assert!(times.windows(2).all(|pair| pair[1] >= pair[0] + 10), "{times:?}");
    }

    #[test]
    fn a_full_line_gets_no_more_sessions() {
        // Three sessions fill it: the fourth one is of no use.
        let all = sessions(8, 25, |count, _| count.min(3) as u64 * 1_000_000);
        assert_eq!(all.last(), Some(&4));
        // Nothing gets faster by more sessions.
        assert_eq!(sessions(8, 25, |_, _| 1_000_000).last(), Some(&3));
        assert_eq!(sessions(8, 25, |_, _| 0).last(), Some(&8), "nothing is known yet");
    }

    #[test]
    fn a_line_that_has_become_faster_is_noticed() {
        let all = sessions(8, 60, |count, second| match second {
            0..20 => 1_000_000,
            _ => count as u64 * 1_000_000,
        });
        assert_eq!((all[199], all.last()), (3, Some(&8)));
    }

    #[test]
    fn the_time_of_a_login_is_not_measured() {
        let mut ramp = Ramp::new(8);
        let at = |seconds| Time::ZERO + Duration::from_secs(seconds);
        assert_eq!(ramp.allowed(2, 0, at(0)), 2);
        assert_eq!(ramp.allowed(2, 2000, at(1)), 3);
        // The third one takes long to log in.
        assert_eq!(ramp.allowed(3, 2000, at(1)), 3);
        ramp.opened(5800, at(3));
        assert_eq!(ramp.allowed(3, 5800, at(3)), 3);
        assert_eq!(ramp.allowed(3, 8800, at(4)), 4, "3000 a second, where it was 2000");
    }

    #[test]
    fn there_are_never_more_than_the_maximum() {
        assert_eq!(sessions(1, 20, |count, _| count as u64).last(), Some(&1));
        assert_eq!(sessions(3, 90, |count, _| count as u64 * 1000).last(), Some(&3));
    }
}
