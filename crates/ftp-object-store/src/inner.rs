//! The state that all parts of a store share: the pool, the server's features, counts

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use ftp_tokio::{Error as FtpError, Lease, Pool, Site};
use object_store::path::Path;
use tokio::sync::Mutex;

use crate::error::Subject;
use crate::name;

/// The settings of a store; the builder documents each
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) coalesce: Option<u64>,
    pub(crate) resumptions: u8,
    pub(crate) weak_create: bool,
    pub(crate) server_copies: bool,
    pub(crate) sessions: usize,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) pool: Pool,
    pub(crate) site: Site,
    /// The directory that the store's paths are relative to; an empty one is the login directory
    pub(crate) root: Vec<u8>,
    /// The server, as error messages name it
    pub(crate) server: String,
    pub(crate) settings: Settings,
    pub(crate) skipped: Counts,
    pub(crate) costs: Costs,
    /// The risks of names that the server stores unchanged, as [`name::Risks::bits`]
    pub(crate) kept_names: AtomicU8,
    /// Whether RNTO is refused if its target exists
    pub(crate) keeps_targets: Knowledge,
    /// Held by the copy that needs two sessions
    pub(crate) large_copy: Mutex<()>,
    /// The number of multipart uploads that hold a session
    uploads: AtomicUsize,
    /// Whether transfers can begin in the middle of a file (REST)
    pub(crate) resumes: Knowledge,
    mlst: Knowledge,
    site_copy: Knowledge,
}

/// Counts a multipart upload while it holds a session
#[derive(Debug)]
pub(crate) struct CountedUpload(Arc<Inner>);

impl CountedUpload {
    pub(crate) fn new(inner: &Arc<Inner>) -> Self {
        inner.uploads.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(inner))
    }
}

impl Drop for CountedUpload {
    fn drop(&mut self) {
        self.0.uploads.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whether the server supports a command, as far as known
#[derive(Debug, Default)]
pub(crate) struct Knowledge(AtomicU8);

impl Knowledge {
    const YES: u8 = 1;
    const NO: u8 = 2;

    pub(crate) fn get(&self) -> Option<bool> {
        match self.0.load(Ordering::Relaxed) {
            Self::YES => Some(true),
            Self::NO => Some(false),
            _ => None,
        }
    }

    pub(crate) fn set(&self, known: bool) {
        self.0.store(if known { Self::YES } else { Self::NO }, Ordering::Relaxed);
    }
}

/// How many entries listings have skipped
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) names: AtomicU64,
    pub(crate) links: AtomicU64,
    pub(crate) special: AtomicU64,
}

impl Inner {
    pub(crate) fn new(
        pool: Pool,
        site: Site,
        root: Vec<u8>,
        server: String,
        settings: Settings,
    ) -> Self {
        Self {
            pool,
            site,
            root,
            server,
            settings,
            skipped: Counts::default(),
            costs: Costs::default(),
            kept_names: AtomicU8::new(name::Risks::NONE.bits()),
            keeps_targets: Knowledge::default(),
            large_copy: Mutex::new(()),
            uploads: AtomicUsize::new(0),
            resumes: Knowledge::default(),
            mlst: Knowledge::default(),
            site_copy: Knowledge::default(),
        }
    }

    pub(crate) fn remote(&self, location: &Path) -> Vec<u8> {
        name::remote(&self.root, location)
    }

    pub(crate) fn subject<'a>(&'a self, action: &'static str, location: &'a Path) -> Subject<'a> {
        Subject { action, location, to: None, server: &self.server, uploads: &self.uploads }
    }

    /// Whether a task waits for a session
    pub(crate) fn somebody_waits(&self) -> bool {
        self.pool.status(&self.site).waiting > 0
    }

    /// Whether a task waits for a session, and a read that gives its session up can continue on another one
    pub(crate) fn session_is_needed(&self) -> bool {
        self.resumes.get() == Some(true) && self.somebody_waits()
    }

    /// Whether the server has MLST; determined once per store
    pub(crate) async fn has_mlst(&self, ftp: &mut Lease) -> Result<bool, FtpError> {
        self.learn(ftp).await?;
        Ok(self.mlst.get().unwrap_or(false))
    }

    /// Notes that MLST is announced but not supported
    pub(crate) fn lacks_mlst(&self) {
        self.mlst.set(false);
    }

    /// Whether the server can copy files itself: SITE CPFR and CPTO
    pub(crate) async fn has_site_copy(&self, ftp: &mut Lease) -> Result<bool, FtpError> {
        self.learn(ftp).await?;
        Ok(self.site_copy.get().unwrap_or(false))
    }

    async fn learn(&self, ftp: &mut Lease) -> Result<(), FtpError> {
        if self.mlst.get().is_some() && self.site_copy.get().is_some() {
            return Ok(());
        }
        let features = match ftp.features() {
            Some(features) => features.clone(),
            None => ftp.query_features().await?,
        };
        self.mlst.set(features.has("MLST"));
        let copies = features.iter().any(|(name, parameters)| {
            name.eq_ignore_ascii_case(b"SITE") && parameters.eq_ignore_ascii_case(b"COPY")
        });
        self.site_copy.set(copies);
        if features.has("REST") {
            self.resumes.set(true);
        }
        Ok(())
    }
}

/// The measured cost of a request and of a byte
#[derive(Debug, Default)]
pub(crate) struct Costs {
    /// Nanoseconds from a request to the first byte of its file; 0: not measured
    first: AtomicU64,
    /// Bytes per second
    rate: AtomicU64,
}

impl Costs {
    /// Bounds in bytes of the gap between two ranges up to which it is cheaper to get them as one
    const LEAST: u64 = 64 << 10;
    const MOST: u64 = 16 << 20;
    /// The gap before anything was measured, as in `object_store`
    const UNKNOWN: u64 = 1 << 20;
    /// A transfer of fewer bytes says nothing about the rate
    const TELLING: u64 = 256 << 10;

    /// Records the cost of one transfer
    pub(crate) fn learn(&self, first: Duration, bytes: u64, moving: Duration) {
        let mean = |old: &AtomicU64, new: u64| {
            let before = old.load(Ordering::Relaxed);
            let after = if before == 0 { new } else { before / 4 * 3 + new / 4 };
            old.store(after.max(1), Ordering::Relaxed);
        };
        mean(&self.first, u64::try_from(first.as_nanos()).unwrap_or(u64::MAX));
        if bytes >= Self::TELLING {
            let nanos = moving.as_nanos().max(1);
            let rate = u128::from(bytes) * 1_000_000_000 / nanos;
            mean(&self.rate, u64::try_from(rate).unwrap_or(u64::MAX));
        }
    }

    /// The number of bytes that arrive in the time of one more request
    pub(crate) fn gap(&self) -> u64 {
        let (first, rate) = (self.first.load(Ordering::Relaxed), self.rate.load(Ordering::Relaxed));
        if first == 0 || rate == 0 {
            return Self::UNKNOWN;
        }
        let bytes = u128::from(first) * u128::from(rate) / 1_000_000_000;
        u64::try_from(bytes).unwrap_or(Self::MOST).clamp(Self::LEAST, Self::MOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gap_is_what_is_transferred_during_one_request() {
        let costs = Costs::default();
        assert_eq!(costs.gap(), Costs::UNKNOWN);
        // 100 ms until the first byte, 10 MB/s: 1 MB.
        costs.learn(Duration::from_millis(100), 10_000_000, Duration::from_secs(1));
        assert_eq!(costs.gap(), 1_000_000);
        // Far away and fast, near and slow.
        let far = Costs::default();
        far.learn(Duration::from_secs(1), 1 << 30, Duration::from_secs(1));
        assert_eq!(far.gap(), Costs::MOST);
        let near = Costs::default();
        near.learn(Duration::from_micros(10), 1 << 20, Duration::from_secs(1));
        assert_eq!(near.gap(), Costs::LEAST);
        // Small files say nothing of the rate.
        let small = Costs::default();
        small.learn(Duration::from_millis(1), 10, Duration::from_millis(1));
        assert_eq!(small.gap(), Costs::UNKNOWN);
    }
}
