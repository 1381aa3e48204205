//! Tracks which bytes of a file have been received, and assigns the missing ones to sessions; no I/O
//!
//! The file is divided into pieces without gaps. A piece is fetched from its start to its end, by one session at a
//! time. A piece that is being fetched can be halved: its end moves, and its session stops there. Each piece except the
//! first has a seam: the bytes just before its start are fetched twice, by its own session and by that of the previous
//! piece. The file is complete when all bytes have been received and both copies of the bytes at each seam are equal.

use serde_json::{Value, json};

/// How many of the last received bytes a resumed download fetches again and compares
pub(crate) const OVERLAP: u64 = 64 * 1024;

pub(crate) const CUT: Cut = Cut {
    overlap: OVERLAP,
    // Together with the tail less than a server sends before it waits for the first acknowledgement (ten packets).
    seam: 8 * 1024,
    tail: 4 * 1024,
    // Starting a piece costs some round trips, and stopping one early wastes the bytes in flight: on lines with a
    // long delay, about this many bytes.
    least: 4 * 1024 * 1024,
};

/// Maximum number of pieces of a file; a state file with more is rejected
const MOST: usize = 1024;

/// How a file is divided into pieces; all values are in bytes
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    /// How much of a partly received piece is fetched again and compared when the piece is resumed
    pub(crate) overlap: u64,
    /// How much is fetched before the start of a piece, and compared with the end of the previous one
    pub(crate) seam: u64,
    /// The usual minimum size of each half when a piece is halved
    pub(crate) least: u64,
    /// The size of the last piece, which is fetched early to test whether the server honours REST
    pub(crate) tail: u64,
}

/// The pieces of a file, in order
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ranges {
    size: u64,
    cut: Cut,
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Piece {
    start: u64,
    /// The first byte that is missing
    at: u64,
    end: u64,
    /// Whether a session is fetching the piece
    is_taken: bool,
    seam: Seam,
}

impl Piece {
    /// Returns half of what is missing
    const fn half(&self) -> u64 {
        (self.end - self.at) / 2
    }
}

/// What is known about the bytes just before the start of a piece
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seam {
    /// The session of this piece has not received them yet
    Unknown,
    /// The hash of the bytes that the session of this piece received
    Hash(String),
    /// The session of the previous piece received the same bytes, or there is no previous piece
    Same,
}

/// A piece for a session to fetch, identified by its start, which never changes
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Task {
    pub(crate) start: u64,
    /// The first byte that is missing
    pub(crate) at: u64,
    /// Where the download begins: some bytes before `at`, which are compared
    pub(crate) offset: u64,
}

/// Received bytes that must be compared with those that the next piece's session received
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Comparison {
    pub(crate) from: u64,
    /// Where the next piece starts
    pub(crate) to: u64,
    /// The hash of the bytes that the next piece's session received
    pub(crate) hash: String,
}

impl Ranges {
    /// Creates the pieces of a file of `size` bytes, of which the first `prefix` have been received
    pub(crate) fn new(size: u64, prefix: u64, cut: Cut) -> Self {
        let middle = size.saturating_sub(cut.tail);
        let piece = |start, at, end, seam| Piece { start, at, end, is_taken: false, seam };
        let pieces = match prefix < middle && middle < size {
            true => vec![
                piece(0, prefix, middle, Seam::Same),
                piece(middle, middle, size, Seam::Unknown),
            ],
            // A piece that began at the prefix would compare no more than a seam with it.
            false => vec![piece(0, prefix, size, Seam::Same)],
        };
        Self { size, cut, pieces }
    }

    fn index(&self, start: u64) -> Option<usize> {
        self.pieces.binary_search_by_key(&start, |piece| piece.start).ok()
    }

    fn piece(&mut self, start: u64) -> Option<&mut Piece> {
        self.index(start).map(|at| &mut self.pieces[at])
    }

    /// Returns how many bytes have been received
    pub(crate) fn done(&self) -> u64 {
        self.pieces.iter().map(|piece| piece.at - piece.start).sum()
    }

    /// Returns how many bytes from the start of the file have been received and compared without a gap
    pub(crate) fn prefix(&self) -> u64 {
        let open =
            self.pieces.iter().find(|piece| piece.at < piece.end || piece.seam != Seam::Same);
        open.map_or(
            self.size,
            |piece| if piece.seam == Seam::Same { piece.at } else { piece.start },
        )
    }

    /// Whether all bytes have been received, and those at each seam compared
    pub(crate) fn is_whole(&self) -> bool {
        self.prefix() == self.size
    }

    /// Whether bytes are missing
    pub(crate) fn is_open(&self) -> bool {
        self.pieces.iter().any(|piece| piece.at < piece.end)
    }

    /// Notes that the end of a piece is to be fetched again, for example because it was not confirmed
    pub(crate) fn lose_end(&mut self, start: u64) {
        if let Some(piece) = self.piece(start) {
            piece.at = piece.at.saturating_sub(1).max(piece.start);
        }
    }

    /// If no byte is missing, lets the last ones count as missing: what an earlier run received is only compared with the
    /// server's file where a piece is resumed
    ///
    /// The last piece may be shorter than what is compared, so the one before it is resumed, too.
    pub(crate) fn reopen(&mut self) {
        if self.is_open() {
            return;
        }
        let starts: Vec<u64> = self.pieces.iter().rev().take(2).map(|piece| piece.start).collect();
        starts.into_iter().for_each(|start| self.lose_end(start));
    }

    /// Whether the last piece has been received
    pub(crate) fn has_tail(&self) -> bool {
        self.pieces.last().is_some_and(|piece| piece.at == self.size)
    }

    fn task_of(&self, piece: &Piece) -> Task {
        let Piece { start, at, .. } = *piece;
        let offset = match at > start {
            // The bytes before the piece may not have been received yet.
            true => at.saturating_sub(self.cut.overlap).max(start),
            false => at.saturating_sub(self.cut.seam),
        };
        Task { start, at, offset }
    }

    /// Takes the first incomplete piece that no session is fetching
    pub(crate) fn take_first(&mut self) -> Option<Task> {
        let at = self.pieces.iter().position(|piece| !piece.is_taken && piece.at < piece.end)?;
        self.pieces[at].is_taken = true;
        Some(self.task_of(&self.pieces[at]))
    }

    /// Takes the last piece of the file, unless it is the only one or has been started
    pub(crate) fn take_tail(&mut self) -> Option<Task> {
        let is_fresh =
            |piece: &&mut Piece| !piece.is_taken && piece.start > 0 && piece.at == piece.start;
        self.pieces.last_mut().filter(is_fresh)?.is_taken = true;
        self.pieces.last().map(|piece| self.task_of(piece))
    }

    /// Takes the first free incomplete piece or, if there is none, half of the largest remainder of a piece in progress
    ///
    /// `least` returns the minimum size of each half of the piece that starts at this offset, if it is not that of the
    /// cut.
    pub(crate) fn take(&mut self, least: impl Fn(u64) -> Option<u64>) -> Option<Task> {
        self.take_first().or_else(|| self.halve(least))
    }

    /// Whether [`Self::take`] would return a task
    pub(crate) fn has_task(&self, least: impl Fn(u64) -> Option<u64>) -> bool {
        let is_free = |piece: &Piece| !piece.is_taken && piece.at < piece.end;
        self.pieces.iter().any(is_free) || self.worth_halving(least).is_some()
    }

    /// Returns the index of the piece with the largest remainder of those that are worth dividing
    fn worth_halving(&self, least: impl Fn(u64) -> Option<u64>) -> Option<usize> {
        if self.pieces.len() >= MOST {
            return None;
        }
        let least = |start| least(start).unwrap_or(self.cut.least).max(1);
        let is_worth_it = |piece: &Piece| piece.half() >= least(piece.start);
        let pieces = self.pieces.iter().enumerate();
        let worth_it = pieces.filter(|(_, piece)| is_worth_it(piece));
        worth_it.max_by_key(|(_, piece)| piece.half()).map(|(at, _)| at)
    }

    fn halve(&mut self, least: impl Fn(u64) -> Option<u64>) -> Option<Task> {
        let at = self.worth_halving(least)?;
        let piece = &mut self.pieces[at];
        let (start, end) = (piece.end - piece.half(), piece.end);
        piece.end = start;
        let piece = Piece { start, at: start, end, is_taken: true, seam: Seam::Unknown };
        let task = self.task_of(&piece);
        self.pieces.insert(at + 1, piece);
        Some(task)
    }

    /// Returns what is still missing of a piece; `None` if it is complete
    pub(crate) fn task(&self, start: u64) -> Option<Task> {
        let piece = &self.pieces[self.index(start)?];
        (piece.at < piece.end).then(|| self.task_of(piece))
    }

    /// Returns the offset at which the session of a piece writes next, and how many bytes it may write there
    ///
    /// A session that has completed its piece continues with the next one if no session has started that.
    pub(crate) fn room(&mut self, start: u64) -> (u64, u64) {
        let Some(at) = self.index(start) else { return (self.size, 0) };
        let is_fresh = |next: &Piece| !next.is_taken && next.at == next.start;
        let is_done = self.pieces[at].at == self.pieces[at].end;
        if is_done && self.pieces.get(at + 1).is_some_and(is_fresh) {
            self.pieces[at].end = self.pieces.remove(at + 1).end;
        }
        let piece = &self.pieces[at];
        (piece.at, piece.end - piece.at)
    }

    /// Notes that `count` more bytes of a piece have been received
    pub(crate) fn advance(&mut self, start: u64, count: u64) {
        if let Some(piece) = self.piece(start) {
            piece.at = piece.at.saturating_add(count).min(piece.end);
        }
    }

    /// Notes the hash of the bytes that the session of a new piece received before its start
    pub(crate) fn set_seam(&mut self, start: u64, hash: String) {
        if let Some(piece) = self.piece(start).filter(|piece| piece.start > 0) {
            piece.seam = Seam::Hash(hash);
        }
    }

    /// Releases a piece, so that any session may fetch the rest of it
    pub(crate) fn release(&mut self, start: u64) {
        if let Some(piece) = self.piece(start) {
            piece.is_taken = false;
        }
    }

    /// Returns a seam of which both copies have been received
    ///
    /// The caller compares them, and calls [`Self::same`] if they are equal.
    pub(crate) fn comparison(&self) -> Option<Comparison> {
        self.pieces.iter().find_map(|piece| {
            let Seam::Hash(hash) = &piece.seam else { return None };
            let (from, to) = (piece.start.saturating_sub(self.cut.seam), piece.start);
            self.has(from, to).then(|| Comparison { from, to, hash: hash.clone() })
        })
    }

    fn has(&self, from: u64, to: u64) -> bool {
        let mut between = self.pieces.iter().filter(|piece| piece.start < to && piece.end > from);
        between.all(|piece| piece.at >= piece.end.min(to))
    }

    /// Notes that both copies of the bytes before the piece that starts at this offset are equal
    pub(crate) fn same(&mut self, at: u64) {
        if let Some(piece) = self.piece(at) {
            piece.seam = Seam::Same;
        }
    }

    /// Lets one session fetch everything after the first incomplete piece's received bytes; later pieces are dropped
    pub(crate) fn alone(&mut self) {
        let open = self.pieces.iter().position(|piece| piece.at < piece.end);
        if let Some(at) = open {
            self.pieces.truncate(at + 1);
            self.pieces[at].end = self.size;
        }
    }

    /// Returns the value for a state file: start, first missing byte and seam of each piece
    pub(crate) fn to_json(&self) -> Value {
        let piece = |piece: &Piece| {
            let seam = match &piece.seam {
                Seam::Unknown => Value::Null,
                Seam::Hash(hash) => hash.clone().into(),
                Seam::Same => true.into(),
            };
            json!([piece.start, piece.at, seam])
        };
        self.pieces.iter().map(piece).collect()
    }

    /// Reads a state file's pieces of a file of this size; `None` if they are inconsistent
    ///
    /// `length` is that of the local file: bytes beyond it count as missing.
    pub(crate) fn from_json(value: &Value, size: u64, length: u64, cut: Cut) -> Option<Self> {
        let values = value.as_array().filter(|values| (1..=MOST).contains(&values.len()))?;
        let mut pieces = Vec::with_capacity(values.len());
        for (number, value) in values.iter().enumerate() {
            let (start, at) = (value.get(0)?.as_u64()?, value.get(1)?.as_u64()?);
            let end = match values.get(number + 1) {
                Some(next) => next.get(0)?.as_u64()?,
                None => size,
            };
            let seam = match value.get(2)? {
                Value::Bool(true) => Seam::Same,
                Value::String(hash) => Seam::Hash(hash.clone()),
                _ => Seam::Unknown,
            };
            let piece = match at > length {
                true if start == 0 => Piece { start, at: 0, end, is_taken: false, seam },
                true => Piece { start, at: start, end, is_taken: false, seam: Seam::Unknown },
                false => Piece { start, at, end, is_taken: false, seam },
            };
            let is_first = number == 0;
            let is_sound = start <= piece.at && piece.at <= end && start < end
                && is_first == (start == 0)
                && (!is_first || piece.seam == Seam::Same)
                // Without a seam, nothing shows that the bytes of a piece are of the same file.
                && (piece.at == start || piece.seam != Seam::Unknown);
            if !is_sound {
                return None;
            }
            pieces.push(piece);
        }
        Some(Self { size, cut, pieces })
    }
}

#[cfg(test)]
mod tests;
