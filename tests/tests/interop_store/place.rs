//! A separate directory on each server, in clear text and under TLS

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ftp_object_store::ftp_tokio::ftp_tls::{TlsConfig, Trust};
use ftp_object_store::ftp_tokio::{Config, Options, TlsPolicy};
use ftp_object_store::{FtpStore, FtpStoreBuilder};
use ftp_tests::servers::{self, Server};

#[derive(Clone, Debug)]
pub(crate) struct TestFolder {
    pub(crate) server: Server,
    policy: TlsPolicy,
    /// The directory as the server names it
    root: String,
    /// The same directory on this host
    pub(crate) local: PathBuf,
    logins: Arc<AtomicUsize>,
    copies: Arc<AtomicUsize>,
}

impl TestFolder {
    fn new(server: &Server, policy: TlsPolicy) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("store-{}-{number}", std::process::id());
        let root = format!("{}/{name}", server.directory.trim_end_matches('/'));
        let local = server.home.join(name);
        Self {
            server: server.clone(),
            policy,
            root,
            local,
            logins: Arc::default(),
            copies: Arc::default(),
        }
    }

    pub(crate) fn name(&self) -> String {
        format!("{} {} {:?}", self.server.name, self.server.version, self.policy)
    }

    pub(crate) fn builder(&self) -> FtpStoreBuilder {
        let Server { port, user, password, ca_file, .. } = &self.server;
        let scheme = match self.policy {
            TlsPolicy::Explicit => "ftpes",
            _ => "ftp",
        };
        let mut config = Config::new(self.policy);
        // pyftpdlib does not answer an aborted transfer; the server is on the same host, so replies arrive quickly.
        config.settle_quiet = Duration::from_millis(500);
        let (logins, copies) = (Arc::clone(&self.logins), Arc::clone(&self.copies));
        // Shows the server's replies with `--nocapture`.
        let shown = std::env::var_os("FTP_TRACE").is_some();
        let options = Options::new(config).trace(move |line| {
            let line = line.to_string();
            logins.fetch_add(usize::from(line.contains("USER ")), Ordering::Relaxed);
            copies.fetch_add(usize::from(line.contains("CPTO ")), Ordering::Relaxed);
            if shown {
                eprintln!("{line}");
            }
        });
        let tls = TlsConfig::builder(Trust::OwnCa).add_ca_file(ca_file).build().unwrap();
        FtpStore::builder()
            .url(format!("{scheme}://127.0.0.1:{port}/"))
            .connection(options.tls(tls))
            .login(user, password)
            .root(&self.root)
    }

    /// Number of logins of its stores
    pub(crate) fn logins(&self) -> usize {
        self.logins.load(Ordering::Relaxed)
    }

    /// Number of files that the server has copied for its stores
    pub(crate) fn copies(&self) -> usize {
        self.copies.load(Ordering::Relaxed)
    }

    pub(crate) fn store(&self) -> FtpStore {
        self.builder().build().unwrap()
    }
}

/// Runs a test in a new directory of each server, in clear text and under TLS
#[track_caller]
pub(crate) fn everywhere<F: Future<Output = ()>>(test: impl Fn(TestFolder) -> F) {
    let mut failed = Vec::new();
    for server in servers::all() {
        for policy in [TlsPolicy::Plaintext, TlsPolicy::Explicit] {
            let place = TestFolder::new(&server, policy);
            std::fs::create_dir(&place.local).unwrap();
            // The servers run as other users.
            let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
            std::fs::set_permissions(&place.local, open).unwrap();
            let (name, begun) = (place.name(), Instant::now());
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .unwrap();
            let run = || runtime.block_on(test(place));
            let passed = catch_unwind(AssertUnwindSafe(run)).is_ok();
            let verdict = if passed { "passed" } else { "FAILED" };
            println!("{verdict}: {name} {:.2?}", begun.elapsed());
            if !passed {
                failed.push(name);
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}
