//! The connections to test: address family, data mode, TLS

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::driver::ftp_tls::{TlsConfig, TlsVersion, Trust};
use crate::driver::{Client, Config, DataMode, Options, TlsPolicy};
use ftp_tests::servers::{self, Server, takes_long};

/// A kind of connection to a server
#[derive(Clone, Debug)]
pub(crate) struct Way {
    pub(crate) server: Server,
    pub(crate) ip: &'static str,
    pub(crate) mode: DataMode,
    pub(crate) security: Security,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Security {
    Clear,
    Explicit(TlsVersion),
    Implicit(TlsVersion),
}

pub(crate) const ADDRESSES: [&str; 2] = ["127.0.0.1", "::1"];
pub(crate) const MODES: [DataMode; 2] = [DataMode::Passive, DataMode::Active];
pub(crate) const SECURITIES: [Security; 5] = [
    Security::Clear,
    Security::Explicit(TlsVersion::Tls12),
    Security::Explicit(TlsVersion::Tls13),
    Security::Implicit(TlsVersion::Tls12),
    Security::Implicit(TlsVersion::Tls13),
];

impl Way {
    pub(crate) fn name(&self) -> String {
        let Server { name, version, .. } = &self.server;
        format!("{name} {version} {} {:?} {:?}", self.ip, self.mode, self.security)
    }

    pub(crate) fn config(&self) -> Config {
        let mut config = Config::new(match self.security {
            Security::Clear => TlsPolicy::Plaintext,
            Security::Explicit(_) => TlsPolicy::Explicit,
            Security::Implicit(_) => TlsPolicy::Implicit,
        });
        config.data_mode = self.mode;
        // pyftpdlib does not answer an aborted transfer; the server is on the same host, so replies arrive quickly.
        config.settle_quiet = Duration::from_millis(500);
        config
    }

    pub(crate) fn options(&self, config: Config) -> Options {
        let mut options = Options::new(config);
        // Shows the server's replies with `--nocapture`.
        if std::env::var_os("FTP_TRACE").is_some() {
            options = options.trace(|line| eprintln!("{line}"));
        }
        let (Security::Explicit(version) | Security::Implicit(version)) = self.security else {
            return options;
        };
        let tls = TlsConfig::builder(Trust::OwnCa)
            .add_ca_file(&self.server.ca_file)
            .min_version(version)
            .max_version(version);
        options.tls(tls.build().unwrap())
    }

    pub(crate) fn address(&self) -> String {
        let port = match self.security {
            Security::Clear | Security::Explicit(_) => self.server.port,
            Security::Implicit(_) => self.server.implicit_port.unwrap(),
        };
        match self.ip.contains(':') {
            true => format!("[{}]:{port}", self.ip),
            false => format!("{}:{port}", self.ip),
        }
    }

    pub(crate) fn login(&self, config: Config) -> Client {
        self.login_with(self.options(config))
    }

    pub(crate) fn login_with(&self, options: Options) -> Client {
        let address = self.address();
        let Server { user, password, .. } = &self.server;
        if self.ip == ADDRESSES[0] {
            return Client::connect_and_login(&address, options, user, password).unwrap();
        }
        let mut ftp = Client::connect(&address, options).unwrap();
        ftp.login(user, password).unwrap();
        ftp
    }

    /// Logs in and enters a new directory; returns it as the server names it, and as this host does
    pub(crate) fn enter(&self) -> (Client, String, PathBuf) {
        self.enter_with(self.config())
    }

    pub(crate) fn enter_with(&self, config: Config) -> (Client, String, PathBuf) {
        self.enter_by(self.login(config))
    }

    /// Makes a folder on the server and a local one for this session
    pub(crate) fn enter_by(&self, mut ftp: Client) -> (Client, String, PathBuf) {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = format!("{}-{number}", std::process::id());
        ftp.cwd(&self.server.directory).unwrap();
        ftp.mkdir(&folder).unwrap();
        ftp.cwd(&folder).unwrap();
        let remote = format!("{}/{folder}", self.server.directory.trim_end_matches('/'));
        (ftp, remote, self.server.home.join(folder))
    }
}

/// Runs the test with every server in clear text and with each kind of TLS, each of these over another address family and
/// data mode; with `FTP_LONG=1`, over all of them
#[track_caller]
pub(crate) fn everywhere(test: impl Fn(&Way)) {
    run(test, &ADDRESSES, &MODES, &SECURITIES);
}

/// Runs the test with every server, with and without TLS, over one kind of connection each
#[track_caller]
pub(crate) fn on_each_server(test: impl Fn(&Way)) {
    let securities = [Security::Clear, Security::Explicit(TlsVersion::Tls13)];
    run(test, &ADDRESSES[..1], &MODES[..1], &securities);
}

/// Runs the test with every server and both versions of TLS, over one kind of connection each
#[track_caller]
pub(crate) fn securely(test: impl Fn(&Way)) {
    run(test, &ADDRESSES[..1], &MODES[..1], &SECURITIES[1..3]);
}

#[track_caller]
pub(crate) fn run(
    test: impl Fn(&Way),
    addresses: &[&'static str],
    modes: &[DataMode],
    tls: &[Security],
) {
    let mut failed = Vec::new();
    for (nth, server) in servers::all().into_iter().enumerate() {
        for (shift, security) in tls.iter().enumerate() {
            if matches!(security, Security::Implicit(_)) && server.implicit_port.is_none() {
                continue;
            }
            for (row, ip) in addresses.iter().enumerate() {
                for (column, mode) in modes.iter().enumerate() {
                    let (mode, security) = (*mode, *security);
                    // Each server with each security; addresses and modes take turns.
                    let turn = (nth + shift) % (addresses.len() * modes.len());
                    if !takes_long() && row * modes.len() + column != turn {
                        continue;
                    }
                    let way = Way { server: server.clone(), ip, mode, security };
                    let begun = Instant::now();
                    let passed = catch_unwind(AssertUnwindSafe(|| test(&way))).is_ok();
                    let verdict = if passed { "passed" } else { "FAILED" };
                    println!("{verdict}: {:60} {:6.2?}", way.name(), begun.elapsed());
                    if !passed {
                        failed.push(way.name());
                    }
                }
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}
