//! Cancels a session from outside, for example from another thread

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Ends a session from anywhere: [`Session::cancel_flag`](crate::Session::cancel_flag), or
/// [`Options::cancel_flag`](crate::Options::cancel_flag) before there is one
///
/// The session checks it at each turn, and then ends: the running request fails with
/// [`Error::Cancelled`](crate::Error::Cancelled), and so does every later one. The shell must make sure that a turn
/// follows, for example by waking its poll.
#[derive(Clone, Debug, Default)]
pub struct CancelFlag(Arc<AtomicBool>);

/// Compares by identity: flags are equal if setting one sets the other
impl PartialEq for CancelFlag {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for CancelFlag {}

impl CancelFlag {
    /// Ends the session at its next turn; this can't be undone
    pub fn set(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether it was set
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
