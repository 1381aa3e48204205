//! What sessions with the same options have learned of their servers: whether they bear batches, and EPSV during a
//! transfer

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ftp_proto::{Batches, Config, Prefetch};

/// The servers, by host and port, of which sessions with these options and with clones of them know something
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
    prefetch: Bears,
}

/// Whether a server bears EPSV during a transfer
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Bears {
    #[default]
    Perhaps,
    No,
}

/// One session's access to [`Servers`]
#[derive(Debug)]
pub(crate) struct Report {
    servers: Servers,
    server: String,
    told: Batches,
}

impl Servers {
    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Known>> {
        // A map is whole even if a thread has panicked while it had the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Applies what is known of a server to the settings of a session
    ///
    /// Returns the report in which the session adds what it finds out; `None` if the settings leave nothing to find out.
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
        config.pipeline = known.batches.are_borne();
        if known.prefetch == Bears::No {
            config.prefetch = Prefetch::Off;
        }
        let told = known.batches;
        config.pipeline.then(|| Box::new(Report { servers: self.clone(), server, told }))
    }
}

impl Report {
    /// Reports whether this session's server bears batches
    ///
    /// That a session ended while one was unanswered may have other reasons, unless none was ever answered.
    pub(crate) fn batches(&mut self, batches: Batches) {
        if self.told == batches {
            return;
        }
        self.told = batches;
        let mut known = self.servers.known();
        let known = &mut known.entry(self.server.clone()).or_default().batches;
        match (*known, batches) {
            (Batches::Untried, _)
            | (Batches::EndSessions, Batches::Work)
            | (_, Batches::Refused) => *known = batches,
            _ => {}
        }
    }

    /// Reports that this session's server did not bear EPSV during a transfer
    pub(crate) fn prefetch_failed(&self) {
        let mut known = self.servers.known();
        known.entry(self.server.clone()).or_default().prefetch = Bears::No;
    }
}
