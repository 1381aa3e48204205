//! How the client's system and shell are, whatever the server is

use crate::script::Seed;

/// How a shell learns what is ready
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wakes {
    /// It asks before each wait, as with poll(2)
    Level,
    /// It is told once, as with epoll
    Edge,
    /// It knows nothing, and says before each turn that everything may be ready, as with pipes
    Always,
}

/// The client's side of a case, which its seed decides
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    pub(super) wakes: Wakes,
    /// Reads and writes are short, and would block for no reason
    pub(super) whims: bool,
    /// What is sent to the client comes in pieces
    pub(super) splits: bool,
    /// Bytes to the server that may be under way
    pub(super) window: usize,
    /// What has come and was not read is lost with a reset, as on some systems
    pub(super) reset_discards: bool,
    /// Of several connections that are ready, the shell is told of one
    pub(super) one_by_one: bool,
    /// The shell makes the connections
    pub(super) dials: bool,
    /// The shell sometimes comes late
    pub(super) oversleeps: bool,
    /// Bytes that the user moves at a time
    pub(super) portion: usize,
}

impl Manner {
    pub(super) fn new(seed: &mut Seed) -> Self {
        let mut one_in = |count| seed.below(count) == 0;
        // A narrow way and a sleepy shell together would be slower than any deadline.
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
