//! Servers that did not bear EPSV during a transfer, which all sessions with the same options share

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ftp_proto::{Config, Prefetch};

/// The servers, by host and port, that sessions with these options and with clones of them have found
///
/// Options that differ in nothing else are equal: this is knowledge, not a setting.
#[derive(Clone, Debug, Default)]
pub(crate) struct PrefetchFailures(Arc<Mutex<BTreeSet<String>>>);

impl PartialEq for PrefetchFailures {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for PrefetchFailures {}

/// One session's access to [`PrefetchFailures`], until it has reported a failure
#[derive(Debug)]
pub(crate) struct PrefetchReport {
    failures: PrefetchFailures,
    server: String,
}

impl PrefetchFailures {
    fn servers(&self) -> MutexGuard<'_, BTreeSet<String>> {
        // A set is whole even if a thread has panicked while it had the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Applies what is known of a server to the settings of a session; returns how the session reports a failure of
    /// its own, if it may have one
    pub(crate) fn apply(
        &self,
        host: impl FnOnce() -> String,
        port: u16,
        config: &mut Config,
    ) -> Option<Box<PrefetchReport>> {
        if config.prefetch == Prefetch::Off {
            return None;
        }
        let server = format!("{}:{port}", host());
        if self.servers().contains(&server) {
            config.prefetch = Prefetch::Off;
            return None;
        }
        Some(Box::new(PrefetchReport { failures: self.clone(), server }))
    }
}

impl PrefetchReport {
    /// Reports that this session's server did not bear it
    pub(crate) fn failed(self) {
        self.failures.servers().insert(self.server);
    }
}
