//! The blocking driver against real servers: `tests/run` starts them

mod bytes;
mod copies;
mod listings;
mod names;
mod operations;
mod resuming;

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use ftp_blocking::{Client, Config, DataMode, TlsPolicy};
use ftp_tests::servers::{self, Server};

/// A way to a server
#[derive(Clone, Debug)]
struct Way {
    server: Server,
    ip: &'static str,
    mode: DataMode,
}

impl Way {
    fn config(&self) -> Config {
        let mut config = Config::new(TlsPolicy::Plaintext);
        config.data_mode = self.mode;
        config
    }

    fn login(&self, config: Config) -> Client {
        let address = match self.ip.contains(':') {
            true => format!("[{}]:{}", self.ip, self.server.port),
            false => format!("{}:{}", self.ip, self.server.port),
        };
        let mut ftp = Client::connect(&address, config).unwrap();
        ftp.login(&self.server.user, &self.server.password).unwrap();
        ftp
    }

    /// Logged in, and in a new directory: as the server names it, and as this machine does
    fn enter(&self) -> (Client, String, PathBuf) {
        self.enter_with(self.config())
    }

    fn enter_with(&self, config: Config) -> (Client, String, PathBuf) {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = format!("{}-{number}", std::process::id());
        let mut ftp = self.login(config);
        ftp.cwd(&self.server.directory).unwrap();
        ftp.mkdir(&folder).unwrap();
        ftp.cwd(&folder).unwrap();
        let remote = format!("{}/{folder}", self.server.directory.trim_end_matches('/'));
        (ftp, remote, self.server.home.join(folder))
    }
}

/// Runs the test on every way to every server
#[track_caller]
fn everywhere(test: impl Fn(&Way)) {
    run(test, &["127.0.0.1", "::1"], &[DataMode::Passive, DataMode::Active]);
}

/// Runs the test on every server, on one way
#[track_caller]
fn on_each_server(test: impl Fn(&Way)) {
    run(test, &["127.0.0.1"], &[DataMode::Passive]);
}

fn run(test: impl Fn(&Way), addresses: &[&'static str], modes: &[DataMode]) {
    let mut failed = Vec::new();
    for server in servers::all() {
        for ip in addresses {
            for mode in modes {
                let way = Way { server: server.clone(), ip, mode: *mode };
                let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| test(&way)));
                if result.is_err() {
                    let name = format!("{} {} {ip} {mode:?}", server.name, server.version);
                    println!("FAILED: {name}");
                    failed.push(name);
                }
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}
