//! `-j auto`: finds the number of sessions that gives the highest throughput
//!
//! It starts with two sessions, and adds one at a time as long as the last one raised the total throughput. One that did
//! not is closed again; the next attempt follows after a pause, which doubles after each failed attempt. It has no
//! clock and does no I/O: the caller passes the time and the amount of work done so far.

use std::time::Duration;

use ftp_session::Time;

/// Sessions at the start: a single one would leave the line idle between two files
const FIRST: usize = 2;

/// How long each number of sessions is measured: on nearly every line enough for several round trips and small files
const WINDOW: Duration = Duration::from_secs(1);

/// How long the number stays after a session did not help; then one more is tried again, since lines and files change
const PAUSE: Duration = Duration::from_secs(30);

/// The longest pause: each attempt costs a login, and a measurement during which the others share the line
const LONGEST_PAUSE: Duration = Duration::from_secs(480);

/// The work of one request, in bytes, so that small files and listings count although they move few bytes
pub(crate) const REQUEST: u64 = 4096;

/// Decides how many sessions may be open
#[derive(Debug)]
pub(crate) struct Ramp {
    most: usize,
    allowed: usize,
    phase: Phase,
    /// Work per second, in bytes, with one session fewer, if the last session is on trial
    before: Option<f64>,
    /// The next pause
    pause: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    /// Fewer sessions are open than allowed
    Opening,
    /// All allowed sessions are open, and their throughput is being measured
    Measuring { since: Time, work: u64 },
    /// The last session did not help, so it is not allowed any more, or the maximum is reached: the number stays
    Enough { until: Time },
}

impl Ramp {
    /// Creates a ramp to at most `most` sessions
    pub(crate) fn new(most: usize) -> Self {
        Self { most, allowed: FIRST.min(most), phase: Phase::Opening, before: None, pause: PAUSE }
    }

    /// Restarts the measurement because a session has logged in and begins to work
    pub(crate) fn opened(&mut self, work: u64, now: Time) {
        if let Phase::Measuring { .. } = self.phase {
            self.phase = Phase::Measuring { since: now, work };
        }
    }

    /// Returns how many sessions may be open or opening now; if more are, one is to be closed
    ///
    /// `count` is the number that are; `work` is what all of them have done so far, in bytes.
    pub(crate) fn allowed(&mut self, count: usize, work: u64, now: Time) -> usize {
        match self.phase {
            _ if count < self.allowed => self.phase = Phase::Opening,
            Phase::Opening => self.phase = Phase::Measuring { since: now, work },
            Phase::Measuring { since, work: first } if now >= since + WINDOW => {
                let seconds = now.saturating_duration_since(since).as_secs_f64();
                let rate = work.saturating_sub(first) as f64 / seconds;
                // One more session must add at least half of its proportional share.
                let gain = 1.0 + 0.5 / (self.allowed.max(2) - 1) as f64;
                let was_in_vain = self.before.is_some_and(|before| rate < before * gain);
                if was_in_vain {
                    self.allowed -= 1;
                    self.stay(now);
                } else {
                    if self.before.is_some() {
                        self.pause = PAUSE;
                    }
                    if self.allowed < self.most {
                        self.allowed += 1;
                        self.before = Some(rate);
                        self.phase = Phase::Opening;
                    } else {
                        self.stay(now);
                    }
                }
            }
            Phase::Enough { until } if now >= until => {
                self.phase = Phase::Measuring { since: now, work };
            }
            Phase::Measuring { .. } | Phase::Enough { .. } => {}
        }
        self.allowed
    }

    /// Ends the attempts for a while
    fn stay(&mut self, now: Time) {
        self.before = None;
        self.phase = Phase::Enough { until: now + self.pause };
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cmp::Ordering;

    /// Returns the number of open sessions at each tenth of a second of a run
    ///
    /// `rate(count, second)` is how many bytes per second that many sessions transfer in that second.
    fn sessions(most: usize, seconds: u64, rate: impl Fn(usize, u64) -> u64) -> Vec<usize> {
        let mut ramp = Ramp::new(most);
        let (mut count, mut work, mut all) = (0, 0, Vec::new());
        for tenth in 0..seconds * 10 {
            let now = Time::ZERO + Duration::from_millis(tenth * 100);
            work += rate(count, tenth / 10) / 10;
            match count.cmp(&ramp.allowed(count, work, now)) {
                Ordering::Less => count += 1,
                Ordering::Equal => {}
                Ordering::Greater => count -= 1,
            }
            all.push(count);
        }
        all
    }

    #[test]
    fn sessions_are_added_while_each_makes_it_faster() {
        let all = sessions(8, 20, |count, _| count as u64 * 1_000_000);
        assert_eq!((all[5], all.last()), (2, Some(&8)), "{all:?}");
        // Sessions are added one at a time, at least a second apart.
        let times: Vec<usize> =
            (3..=8).map(|count| all.iter().position(|other| *other == count).unwrap()).collect();
        assert!(times.windows(2).all(|pair| pair[1] >= pair[0] + 10), "{times:?}");
    }

    #[test]
    fn a_session_that_does_not_help_is_closed_again() {
        // Three sessions fill the line, so the fourth one does not help.
        let all = sessions(8, 25, |count, _| count.min(3) as u64 * 1_000_000);
        assert_eq!((all.iter().max(), all.last()), (Some(&4), Some(&3)));
        // More sessions make nothing faster.
        let all = sessions(8, 25, |_, _| 1_000_000);
        assert_eq!((all.iter().max(), all.last()), (Some(&3), Some(&2)));
        // The last one that is possible, too.
        let all = sessions(3, 25, |_, _| 1_000_000);
        assert_eq!((all.iter().max(), all.last()), (Some(&3), Some(&2)));
        assert_eq!(sessions(8, 25, |_, _| 0).last(), Some(&8), "nothing is known yet");
    }

    /// Regression: each half minute one more session was added, and kept
    #[test]
    fn attempts_in_vain_become_rare() {
        let all = sessions(8, 3600, |_, _| 1_000_000);
        let is_attempt = |pair: &[usize]| pair[0] == 2 && pair[1] == 3;
        let attempts: Vec<usize> =
            (1..all.len()).filter(|at| is_attempt(&all[at - 1..=*at])).map(|at| at / 10).collect();
        assert_eq!(all.iter().max(), Some(&3));
        let pauses: Vec<usize> = attempts.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(
            pauses
                .iter()
                .zip([30, 60, 120, 240, 480, 480])
                .all(|(pause, least)| (least..least + 10).contains(pause)),
            "{pauses:?}"
        );
        assert!((10..=12).contains(&attempts.len()), "{attempts:?}");
        let with_three = all.iter().filter(|count| **count == 3).count();
        assert!(with_three * 100 < all.len(), "less than a hundredth of the time: {with_three}");
    }

    #[test]
    fn a_line_that_has_become_faster_is_noticed() {
        let all = sessions(8, 60, |count, second| match second {
            0..20 => 1_000_000,
            _ => count as u64 * 1_000_000,
        });
        assert_eq!((all[199], all.last()), (2, Some(&8)));
        // After a success, the next attempt in vain is followed by a short pause again.
        let all = sessions(8, 300, |count, second| match second {
            0..70 => 1_000_000,
            70..140 => count.min(4) as u64 * 1_000_000,
            _ => count as u64 * 1_000_000,
        });
        assert_eq!((all[690], all[1390], all.last()), (2, 4, Some(&8)), "{all:?}");
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
