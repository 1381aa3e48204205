//! The caller's dialer for a site, shared by all of its sessions

use std::hash::{Hash, Hasher};
use std::io;
use std::sync::Arc;

use crate::dial::{Dialer, Making, Target, making};
use crate::io::Connection;

/// A dialer, equal only to its clones: whether two closures lead to the same server can't be known
#[derive(Clone)]
pub(super) struct SharedDialer(Arc<dyn Fn(Target) -> Making + Send + Sync>);

impl SharedDialer {
    pub(super) fn new<D, F, C>(dial: D) -> Self
    where
        D: Fn(Target) -> F + Send + Sync + 'static,
        F: Future<Output = io::Result<C>> + Send + 'static,
        C: Connection + 'static,
    {
        Self(Arc::new(move |target| making(dial(target))))
    }

    /// Returns the dialer for one session
    pub(super) fn dialer(&self) -> Dialer {
        let Self(dial) = self.clone();
        Box::new(move |target| dial(target))
    }

    fn address(&self) -> *const () {
        Arc::as_ptr(&self.0).cast()
    }
}

impl PartialEq for SharedDialer {
    fn eq(&self, other: &Self) -> bool {
        self.address() == other.address()
    }
}

impl Eq for SharedDialer {}

impl Hash for SharedDialer {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.address().hash(state);
    }
}
