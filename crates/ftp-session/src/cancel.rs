//! Cancelling a session from outside, such as from another thread

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Ends a session from anywhere: [`Session::cancel_flag`](crate::Session::cancel_flag)
///
/// The session looks at it at each turn, and then ends: what runs fails with [`Error::Cancelled`](crate::Error::Cancelled), and
/// so does what is requested later. The shell has to see to it that there is a turn, such as by a wake-up of its
/// poll.
#[derive(Clone, Debug, Default)]
pub struct CancelFlag(Arc<AtomicBool>);

impl CancelFlag {
    /// Ends the session with its next turn; there is no way back
    pub fn set(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether it was set
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
