//! The numbers that distinguish the requests of one session from those of all others

use std::sync::atomic::{AtomicU32, Ordering};

/// The lowest number that a session takes itself; callers choose lower ones
const FIRST: u32 = 1 << 31;

/// Returns the [number](ftp_proto::Config::client_number) of a new session: the caller's choice, or one that no other
/// session has
///
/// A number from [`FIRST`] on is that of another session, whose settings the caller has copied.
pub(crate) fn client_number(chosen: u32) -> u32 {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    match chosen {
        1..FIRST => chosen,
        // Two sessions with two billion others between them are never alive at the same time.
        _ => u32::MAX - TAKEN.fetch_add(1, Ordering::Relaxed) % FIRST,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_callers_numbers_are_kept() {
        assert_eq!([1, 7, FIRST - 1].map(client_number), [1, 7, FIRST - 1]);
        let taken = [0, 0, FIRST, u32::MAX].map(client_number);
        for (at, number) in taken.iter().enumerate() {
            assert!(*number >= FIRST && !taken[..at].contains(number), "{taken:?}");
        }
        // Settings that are copied from a session don't give its number to another.
        assert!(!taken.map(client_number).iter().any(|number| taken.contains(number)));
    }
}
