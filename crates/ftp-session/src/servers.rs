//! What sessions with the same options have learned about their servers: whether they support batches, and EPSV during
//! a transfer

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ftp_proto::{Batches, Config, Prefetch};

/// What sessions with these options, or with clones of them, have learned about each server, by its host and port
///
/// It makes no difference to the equality of options, because it is knowledge, not a setting.
#[derive(Clone, Debug, Default)]
pub(crate) struct Servers(Arc<Mutex<BTreeMap<String, Known>>>);

impl PartialEq for Servers {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Servers {}

/// What is known of a server
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    batches: Batches,
    prefetch: PrefetchSupport,
}

/// Whether a server supports EPSV during a transfer
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum PrefetchSupport {
    #[default]
    Possible,
    Failed,
}

/// One session's access to [`Servers`]
#[derive(Debug)]
pub(crate) struct Report {
    servers: Servers,
    server: String,
    reported: Batches,
}

impl Servers {
    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Known>> {
        // The map stays consistent even if a thread panics while it holds the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Applies what is known of a server to the settings of a session
    ///
    /// Returns the report in which the session adds what it finds out; `None` if batches are
    /// switched off, or known to fail.
    pub(crate) fn apply(
        &self,
        host: impl FnOnce() -> String,
        port: u16,
        config: &mut Config,
    ) -> Option<Box<Report>> {
        if !config.pipeline {
            return None;
        }
        let server = format!("{}:{port}", host());
        let known = self.known().get(&server).copied().unwrap_or_default();
        config.pipeline = known.batches.may_be_sent();
        if known.prefetch == PrefetchSupport::Failed {
            config.prefetch = Prefetch::Off;
        }
        let reported = known.batches;
        config.pipeline.then(|| Box::new(Report { servers: self.clone(), server, reported }))
    }
}

impl Report {
    /// Reports whether this session's server supports batches
    ///
    /// If a session ends while a batch is unanswered, that may have other reasons, unless no batch was ever answered.
    pub(crate) fn batches(&mut self, batches: Batches) {
        if self.reported == batches {
            return;
        }
        self.reported = batches;
        let mut known = self.servers.known();
        let known = &mut known.entry(self.server.clone()).or_default().batches;
        match (*known, batches) {
            (Batches::Untried, _)
            | (Batches::EndSessions, Batches::Work)
            | (_, Batches::Refused) => *known = batches,
            _ => {}
        }
    }

    /// Reports that this session's server failed to handle EPSV during a transfer
    pub(crate) fn prefetch_failed(&self) {
        let mut known = self.servers.known();
        known.entry(self.server.clone()).or_default().prefetch = PrefetchSupport::Failed;
    }
}
