use proptest::prelude::*;

use super::*;

/// Small values, so that every case occurs
fn cuts() -> impl Strategy<Value = Cut> {
    (0_u64..6, 0_u64..6, 0_u64..6, 0_u64..8).prop_map(|(overlap, seam, least, tail)| Cut {
        overlap,
        seam,
        least,
        tail,
    })
}

/// A session that fetches a piece
#[derive(Clone, Debug)]
struct Worker {
    start: u64,
    /// The offset in the file of the next byte that the session receives
    offset: u64,
}

/// A file that several sessions fetch, with the bytes received so far
struct Model {
    ranges: Ranges,
    there: Vec<u8>,
    workers: Vec<Worker>,
}

fn byte(at: u64) -> u8 {
    (at % 251) as u8
}

fn hash(bytes: &[u8]) -> String {
    format!("{bytes:?}")
}

impl Model {
    fn new(size: u64, prefix: u64, cut: Cut) -> Self {
        let mut there = vec![255; size as usize];
        for at in 0..prefix {
            there[at as usize] = byte(at);
        }
        Self { ranges: Ranges::new(size, prefix, cut), there, workers: Vec::new() }
    }

    fn begin(&mut self, task: Option<Task>) {
        let Some(Task { start, at, offset }) = task else { return };
        assert!(
            self.workers.iter().all(|other| other.start != start),
            "two sessions fetch one piece"
        );
        assert!(offset <= at && (at == start || offset >= start));
        let bytes: Vec<u8> = (offset..at).map(byte).collect();
        match at == start {
            true => self.ranges.set_seam(start, hash(&bytes)),
            // The bytes that are compared when a piece is resumed have been received.
            false => assert_eq!(bytes, self.there[offset as usize..at as usize]),
        }
        self.workers.push(Worker { start, offset: at });
    }

    /// Lets a session receive up to `count` bytes of its piece
    fn receive(&mut self, worker: usize, count: u64) {
        if self.workers.is_empty() {
            return;
        }
        let at = worker % self.workers.len();
        let start = self.workers[at].start;
        let (place, room) = self.ranges.room(start);
        assert_eq!(place, self.workers[at].offset, "its bytes do not follow each other");
        let count = count.min(room);
        for place in place..place + count {
            assert_eq!(self.there[place as usize], 255, "byte {place} was written twice");
            self.there[place as usize] = byte(place);
        }
        self.ranges.advance(start, count);
        self.workers[at].offset += count;
        if self.ranges.room(start).1 == 0 {
            self.ranges.release(start);
            self.workers.remove(at);
        }
    }

    fn lose(&mut self, worker: usize) {
        if !self.workers.is_empty() {
            let at = worker % self.workers.len();
            self.ranges.release(self.workers.remove(at).start);
        }
    }

    fn compare(&mut self) {
        while let Some(Comparison { from, to, hash: wanted }) = self.ranges.comparison() {
            assert_eq!(hash(&self.there[from as usize..to as usize]), wanted);
            self.ranges.same(to);
        }
    }

    /// Ends all sessions, and continues from the state file as another run would
    fn restart(&mut self) {
        self.workers.clear();
        let Ranges { size, cut, .. } = self.ranges;
        let ranges = Ranges::from_json(&self.ranges.to_json(), size, size, cut).unwrap();
        assert_eq!(ranges.done(), self.ranges.done());
        self.ranges = ranges;
    }

    fn check(&self) {
        let pieces = &self.ranges.pieces;
        assert_eq!(pieces[0].start, 0);
        assert_eq!(pieces.last().unwrap().end, self.ranges.size);
        assert!(pieces.windows(2).all(|pair| pair[0].end == pair[1].start));
        let there = self.there.iter().filter(|byte| **byte != 255).count();
        assert_eq!(self.ranges.done(), there as u64);
        let prefix = self.there.iter().take_while(|byte| **byte != 255).count();
        assert!(self.ranges.prefix() <= prefix as u64);
    }
}

#[derive(Clone, Debug)]
enum Event {
    First,
    Tail,
    Take,
    Receive(usize, u64),
    Lose(usize),
    Compare,
    Restart,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        2 => Just(Event::First),
        1 => Just(Event::Tail),
        4 => Just(Event::Take),
        9 => (0_usize..8, 1_u64..9).prop_map(|(worker, count)| Event::Receive(worker, count)),
        1 => (0_usize..8).prop_map(Event::Lose),
        2 => Just(Event::Compare),
        1 => Just(Event::Restart),
    ];
    prop::collection::vec(event, 0..80)
}

proptest! {
    /// Whatever happens in whatever order, each byte is written once, and the file is completed
    #[test]
    fn every_byte_comes_once(cut in cuts(), size in 1_u64..200, prefix in 0_u64..200, events in events()) {
        let mut model = Model::new(size, prefix.min(size), cut);
        for event in events {
            match event {
                Event::First => {
                    let task = model.ranges.take_first();
                    model.begin(task);
                }
                Event::Tail => {
                    let task = model.ranges.take_tail();
                    model.begin(task);
                }
                Event::Take => {
                    let has_task = model.ranges.has_task(|_| None);
                    let task = model.ranges.take(|_| None);
                    prop_assert_eq!(has_task, task.is_some());
                    model.begin(task);
                }
                Event::Receive(worker, count) => model.receive(worker, count),
                Event::Lose(worker) => model.lose(worker),
                Event::Compare => model.compare(),
                Event::Restart => model.restart(),
            }
            model.check();
        }
        for _ in 0..2 * size + 10 {
            model.receive(0, 5);
            if model.workers.is_empty() {
                let task = model.ranges.take(|_| None);
                model.begin(task);
            }
            model.check();
        }
        prop_assert!(!model.ranges.is_open());
        model.compare();
        prop_assert!(model.ranges.is_whole(), "{:?}", model.ranges);
        prop_assert!(model.there.iter().enumerate().all(|(at, found)| *found == byte(at as u64)));
    }

    /// One session can fetch the rest, wherever the others were stopped
    #[test]
    fn one_session_continues_alone(cut in cuts(), size in 1_u64..200, blocks in prop::collection::vec((0_usize..8, 1_u64..9), 0..60)) {
        let mut model = Model::new(size, 0, cut);
        for (worker, count) in blocks {
            let task = model.ranges.take(|_| None);
            model.begin(task);
            model.receive(worker, count);
        }
        let before = model.ranges.prefix();
        model.compare();
        model.ranges.alone();
        prop_assert!(model.ranges.prefix() >= before);
        for piece in &model.ranges.pieces {
            prop_assert!(piece.end == size || piece.at == piece.end, "{:?}", model.ranges);
        }
    }

    /// A state file may contain anything
    #[test]
    fn an_impossible_state_is_not_used(
        cut in cuts(),
        size in 1_u64..100,
        length in 0_u64..120,
        pieces in prop::collection::vec((0_u64..110, 0_u64..110, 0_u8..4), 0..6),
    ) {
        let value: Value = pieces
            .iter()
            .map(|(start, at, seam)| json!([start, at, match seam {
                0 => Value::Null,
                1 => true.into(),
                2 => "ab".into(),
                _ => 7.into(),
            }]))
            .collect();
        if let Some(ranges) = Ranges::from_json(&value, size, length, cut) {
            prop_assert!(ranges.pieces.windows(2).all(|pair| pair[0].end == pair[1].start));
            prop_assert!(ranges.pieces.iter().all(|piece| piece.start <= piece.at && piece.at <= piece.end));
            prop_assert!(ranges.done() <= size && ranges.prefix() <= length.min(size));
        }
    }
}

#[test]
fn a_shortened_file_has_lost_its_ranges() {
    let cut = Cut { overlap: 2, seam: 2, least: 4, tail: 5 };
    let state = json!([[0, 40, true], [50, 60, "ab"], [95, 100, true]]);
    let ranges = Ranges::from_json(&state, 100, 40, cut).unwrap();
    assert_eq!((ranges.done(), ranges.prefix(), ranges.has_tail()), (40, 40, false));
    let ranges = Ranges::from_json(&state, 100, 100, cut).unwrap();
    assert_eq!((ranges.done(), ranges.prefix(), ranges.has_tail()), (55, 40, true));
    for value in [
        json!(7),
        json!([]),
        json!([[1, 1, true]]),
        json!([[0, 1]]),
        json!([[0, 90, true], [80, 85, "ab"]]),
    ] {
        assert_eq!(Ranges::from_json(&value, 100, 100, cut), None, "{value}");
    }
}

/// Where the halves of the largest remainder would be too small, another one is divided
#[test]
fn a_piece_is_divided_only_where_it_is_worth_it() {
    let cut = Cut { overlap: 2, seam: 2, least: 4, tail: 0 };
    let mut ranges = Ranges::new(100, 0, cut);
    let mut take = |least: [u64; 2]| {
        let task = ranges.take(|start| Some(least[usize::from(start > 0)]));
        task.map(|task| task.start)
    };
    assert_eq!(take([0, 0]), Some(0), "the whole is free");
    assert_eq!(take([51, 0]), None);
    assert_eq!(take([50, 0]), Some(50));
    assert_eq!(take([26, 26]), None);
    assert_eq!(take([25, 26]), Some(25));
    // The pieces are 0 to 25, 25 to 50, 50 to 100.
    assert_eq!(take([12, 26]), Some(13));
    assert_eq!(take([26, 25]), Some(75));
}
