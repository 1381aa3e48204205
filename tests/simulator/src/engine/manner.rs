//! The behaviour of the client's system and shell, which does not depend on the server

use crate::seed::Seed;

/// How a shell learns what is ready
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wakes {
    /// It asks before each wait, as with poll(2)
    Level,
    /// It is told once, as with epoll
    Edge,
    /// It does not know, and reports everything as possibly ready before each turn, as with pipes
    Always,
}

/// The client's side of a case, determined by its seed
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    pub(super) wakes: Wakes,
    /// Reads and writes are short, and block for no reason
    pub(super) whims: bool,
    /// Bytes to the client arrive in pieces
    pub(super) splits: bool,
    /// Maximum number of bytes in flight to the server
    pub(super) window: usize,
    /// A reset discards bytes that have arrived but were not read, as on some systems
    pub(super) reset_discards: bool,
    /// If several connections are ready, the shell reports only one of them
    pub(super) one_by_one: bool,
    /// The shell makes the connections
    pub(super) dials: bool,
    /// The shell sometimes wakes up late
    pub(super) oversleeps: bool,
    /// Bytes that the user moves at a time
    pub(super) portion: usize,
}

impl Manner {
    pub(super) fn new(seed: &mut Seed) -> Self {
        let mut one_in = |count| seed.below(count) == 0;
        // A small window and a slow shell together would exceed every deadline.
        let is_wide = !one_in(3);
        Self {
            wakes: match (one_in(3), one_in(2)) {
                (true, _) => Wakes::Always,
                (false, true) => Wakes::Edge,
                (false, false) => Wakes::Level,
            },
            whims: one_in(3),
            splits: one_in(2),
            window: if is_wide { usize::MAX } else { 7 },
            reset_discards: one_in(2),
            dials: one_in(4),
            one_by_one: one_in(3),
            oversleeps: is_wide && one_in(3),
            portion: if one_in(3) { 5 } else { 64 },
        }
    }
}
