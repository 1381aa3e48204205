//! Measures how fast the pieces of a file arrive, and decides which of them is worth dividing; no clock, no I/O

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long a new piece takes until it arrives at full speed, as a multiple of the time until its first byte
///
/// The first byte takes four or five round trips, and slow start ten more until the window is a few MiB. On a line with
/// a round trip of 100 ms, a piece lost 3.5 times the time until its first byte.
const START: f64 = 4.0;

/// How long a rate is measured: the first bytes come in bursts, and a server may become slow later
const WINDOW: Duration = Duration::from_secs(1);

/// The pieces that are being fetched, identified by their starts
#[derive(Debug, Default)]
pub(crate) struct Paces {
    pieces: BTreeMap<u64, Pace>,
    /// The shortest time until the first byte of a piece: longer ones may include retries
    shortest: Option<Duration>,
}

#[derive(Debug)]
struct Pace {
    begun: Instant,
    window: Option<Window>,
    /// The rate of the last complete window, in bytes per second
    rate: Option<f64>,
}

/// The time since the first byte, or since the last complete window
#[derive(Clone, Copy, Debug)]
struct Window {
    since: Instant,
    bytes: u64,
}

impl Window {
    fn rate(self, now: Instant) -> Option<f64> {
        let time = now.saturating_duration_since(self.since);
        (!time.is_zero()).then(|| self.bytes as f64 / time.as_secs_f64())
    }

    fn is_complete(self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) >= WINDOW
    }
}

impl Paces {
    /// Notes that a session begins to fetch a piece
    pub(crate) fn begin(&mut self, start: u64, now: Instant) {
        self.pieces.insert(start, Pace { begun: now, window: None, rate: None });
    }

    /// Notes that `count` more bytes of a piece have been received
    pub(crate) fn received(&mut self, start: u64, count: u64, now: Instant) {
        let Some(pace) = self.pieces.get_mut(&start) else { return };
        let window = pace.window.get_or_insert_with(|| {
            let time = now.saturating_duration_since(pace.begun);
            self.shortest = Some(self.shortest.map_or(time, |shortest| shortest.min(time)));
            Window { since: now, bytes: 0 }
        });
        window.bytes += count;
        if window.is_complete(now) {
            pace.rate = window.rate(now);
            *window = Window { since: now, bytes: 0 };
        }
    }

    /// Notes that no session fetches this piece any more
    pub(crate) fn end(&mut self, start: u64) {
        self.pieces.remove(&start);
    }

    /// Returns the minimum size in bytes of each half, so that a second session ends the piece earlier than one; `None`
    /// if nothing has been received yet
    ///
    /// That is at least what the first session receives while the second one starts. It is also at least `usual`, or what
    /// the first one receives in a second if that is less, so that a small rest is divided, too, if it arrives slowly.
    pub(crate) fn least(&self, start: u64, usual: u64, now: Instant) -> Option<u64> {
        let Pace { window, rate, .. } = self.pieces.get(&start)?;
        let measured = match (*window)? {
            window if window.is_complete(now) => window.rate(now),
            _ => *rate,
        };
        let Some(rate) = measured else {
            // A burst makes this rate too high, but never too low.
            return (*window)?.rate(now).map(|rate| usual.min(rate as u64));
        };
        let to_start = rate * self.shortest?.as_secs_f64() * START;
        Some((to_start as u64).max(usual.min(rate as u64)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: u64 = 1_000_000;

    /// Figures of a file of 1 GiB at a round trip of 100 ms: a fifth piece of 10 MB ended the download 1.2 s later
    #[test]
    fn a_new_piece_must_be_worth_its_start() {
        let begun = Instant::now();
        let at = |millis| begun + Duration::from_millis(millis);
        let mut paces = Paces::default();
        let least = |paces: &Paces, start, millis| paces.least(start, 4 * MB, at(millis));
        assert_eq!(least(&paces, 0, 0), None, "nothing is known");
        paces.begin(0, at(0));
        assert_eq!(least(&paces, 0, 300), None, "nothing has arrived");
        // A retry made this one late, so its time does not count.
        paces.begin(7, at(0));
        paces.received(0, MB, at(450));
        paces.received(7, MB, at(5450));
        paces.received(0, 269 * MB, at(10_450));
        let size = least(&paces, 0, 10_450).unwrap();
        assert!((40 * MB..60 * MB).contains(&size), "{size}");
        // The other one has received a hundredth as much for each second.
        paces.received(7, MB / 4, at(10_450));
        let size = least(&paces, 7, 10_450).unwrap();
        assert!((MB / 4..MB).contains(&size), "{size}");
        paces.end(0);
        assert_eq!(least(&paces, 0, 10_450), None);
    }

    /// Regression: sessions that were ready left a file that had just begun, because its first bytes came in a burst
    #[test]
    fn a_burst_is_no_rate() {
        let begun = Instant::now();
        let at = |millis| begun + Duration::from_millis(millis);
        let mut paces = Paces::default();
        paces.begin(0, at(0));
        paces.received(0, MB, at(200));
        paces.received(0, MB, at(210));
        assert_eq!(paces.least(0, MB, at(210)), Some(MB));
        assert_eq!(paces.least(0, MB, at(1199)), Some(MB));
        assert_eq!(paces.least(0, MB, at(1200)), Some(1_600_000));
    }

    #[test]
    fn without_a_delay_nearly_every_piece_is_worth_it() {
        let begun = Instant::now();
        let mut paces = Paces::default();
        paces.begin(0, begun);
        paces.received(0, MB, begun + Duration::from_millis(1));
        paces.received(0, 999 * MB, begun + Duration::from_millis(1001));
        let least = paces.least(0, 4 * MB, begun + Duration::from_millis(1001)).unwrap();
        assert!((1..=4 * MB).contains(&least), "{least}");
    }

    #[test]
    fn a_piece_that_becomes_slow_is_divided() {
        let begun = Instant::now();
        let at = |millis| begun + Duration::from_millis(millis);
        let mut paces = Paces::default();
        paces.begin(0, at(0));
        paces.received(0, 10 * MB, at(20));
        paces.received(0, 10 * MB, at(1020));
        assert_eq!(paces.least(0, 4 * MB, at(1520)), Some(4 * MB));
        assert_eq!(paces.least(0, 4 * MB, at(2020)), Some(0), "nothing came for a second");
        paces.received(0, 1, at(2020));
        paces.received(0, 1, at(3020));
        assert_eq!(paces.least(0, 4 * MB, at(3500)), Some(1));
    }

    /// 6 MB that arrive at 50 kB a second take two minutes
    #[test]
    fn a_slow_piece_is_divided_although_it_is_small() {
        let begun = Instant::now();
        let mut paces = Paces::default();
        paces.begin(0, begun);
        paces.received(0, 1000, begun + Duration::from_millis(20));
        for (bytes, time) in [(4_000, 120), (100_000, 2_020)] {
            paces.received(0, bytes, begun + Duration::from_millis(time));
            let least = paces.least(0, 4 * MB, begun + Duration::from_millis(time)).unwrap();
            assert!((40_000..60_000).contains(&least), "{least}");
        }
    }
}
