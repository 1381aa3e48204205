//! The real servers and proxies that `tests/run` has started

use std::path::PathBuf;

use ftp_session::proxy::{Proxy, ProxyLogin, ProxyServer};

/// A real FTP server on 127.0.0.1 and ::1
#[derive(Clone, Debug)]
pub struct Server {
    /// The name of its program
    pub name: String,
    /// Its version
    pub version: String,
    /// Its port on both addresses, for clear text and AUTH TLS
    pub port: u16,
    /// Its port for implicit TLS, if it supports that
    pub implicit_port: Option<u16>,
    /// The name of an account
    pub user: String,
    /// The account's password
    pub password: String,
    /// The directory for tests, as the server names it
    pub directory: String,
    /// The same directory on this host
    pub home: PathBuf,
    /// The PEM file with the authority of its certificate, which names localhost, 127.0.0.1, ::1 and 10.203.0.2
    pub ca_file: PathBuf,
}

impl Server {
    /// Returns the same server configured not to require that data connections resume the control connection's TLS
    /// session; `None` if there is none
    #[must_use]
    pub fn without_session_reuse(&self) -> Option<Self> {
        let port = self.port + 2;
        (self.name == "proftpd").then(|| Self { port, implicit_port: None, ..self.clone() })
    }
}

/// A real proxy on 127.0.0.1
#[derive(Clone, Debug)]
pub struct RealProxy {
    /// Its program and version
    pub name: String,
    /// Its address, protocol and login
    pub proxy: Proxy,
}

impl RealProxy {
    /// Returns its port
    #[must_use]
    pub fn port(&self) -> u16 {
        self.proxy.server().port
    }

    /// Whether it requires a login
    #[must_use]
    pub const fn wants_login(&self) -> bool {
        matches!(
            self.proxy,
            Proxy::Socks5 { login: Some(_), .. } | Proxy::HttpConnect { login: Some(_), .. }
        )
    }

    /// Returns the same proxy with another login
    ///
    /// # Panics
    ///
    /// If it is of a kind that `tests/run` does not start.
    #[must_use]
    pub fn with_login(&self, login: Option<ProxyLogin>) -> Proxy {
        match self.proxy.clone() {
            Proxy::Socks5 { server, .. } => Proxy::Socks5 { server, login },
            Proxy::HttpConnect { server, .. } => Proxy::HttpConnect { server, login },
            other => panic!("no kind of proxy that is started: {other:?}"),
        }
    }
}

/// Returns the proxies; none if `tests/run` has not started them
///
/// # Panics
///
/// If their description can't be read.
#[must_use]
pub fn proxies() -> Vec<RealProxy> {
    let Some(path) = std::env::var_os("FTP_SERVERS").map(PathBuf::from) else {
        return Vec::new();
    };
    let path = path.with_file_name("proxies.tsv");
    let text = std::fs::read_to_string(path).expect("proxies.tsv stands beside FTP_SERVERS");
    let parse = |line: &str| {
        let fields: Vec<&str> = line.split('\t').collect();
        let [kind, name, version, port, user, password] = fields[..] else {
            panic!("six fields are due: {line}");
        };
        let server = ProxyServer::new("127.0.0.1", port.parse().expect("a port"));
        let login = (user != "-").then(|| ProxyLogin::new(user, password));
        let proxy = match kind {
            "socks5" => Proxy::Socks5 { server, login },
            "connect" => Proxy::HttpConnect { server, login },
            "ftp" => Proxy::FtpUserAtHost { server, login },
            other => panic!("a kind of proxy is due: {other}"),
        };
        RealProxy { name: format!("{name} {version}"), proxy }
    };
    text.lines().map(parse).collect()
}

/// Whether tests take every kind of connection and large amounts, as `.ci/full` does: `FTP_LONG=1`
#[must_use]
pub fn takes_long() -> bool {
    std::env::var_os("FTP_LONG").is_some_and(|value| value == "1")
}

/// Returns the servers; none if `tests/run` has not started them, which the test `coverage` reports
///
/// # Panics
///
/// If their description can't be read.
#[must_use]
pub fn all() -> Vec<Server> {
    let Some(path) = std::env::var_os("FTP_SERVERS").map(PathBuf::from) else {
        return Vec::new();
    };
    let text = std::fs::read_to_string(&path).expect("FTP_SERVERS names a readable file");
    let ca_file = path.with_file_name("tls").join("ca.pem");
    text.lines().map(|line| parse(line, ca_file.clone())).collect()
}

/// Returns the servers that accept at most eight sessions, on 127.0.0.1 only; none if `tests/run` has not started them
///
/// # Panics
///
/// If their description can't be read.
#[must_use]
pub fn limited() -> Vec<Server> {
    beside("limited.tsv")
}

/// The one that lets in four sessions, on 127.0.0.1 only; none where `tests/run` has not started it
///
/// # Panics
///
/// If its description can't be read.
#[must_use]
pub fn limited_to_four() -> Vec<Server> {
    beside("four.tsv")
}

/// The one with six passive ports, on 127.0.0.1 only; none where `tests/run` has not started it
///
/// # Panics
///
/// If its description can't be read.
#[must_use]
pub fn with_few_ports() -> Vec<Server> {
    beside("narrow.tsv")
}

fn beside(file: &str) -> Vec<Server> {
    let Some(path) = std::env::var_os("FTP_SERVERS").map(PathBuf::from) else {
        return Vec::new();
    };
    let path = path.with_file_name(file);
    let text = std::fs::read_to_string(&path).expect("it stands beside FTP_SERVERS");
    let ca_file = path.with_file_name("tls").join("ca.pem");
    text.lines().map(|line| parse(line, ca_file.clone())).collect()
}

/// A server that accepts at most eight sessions in all, on 127.0.0.1 only
#[derive(Clone, Debug)]
pub struct Counted {
    /// The server
    pub server: Server,
    /// Its log of the commands of all sessions, one per line, each with its client's address
    pub log: PathBuf,
}

/// Returns the servers that accept at most eight sessions in all and log their commands; none if `tests/run` has not
/// started them
///
/// # Panics
///
/// If their description can't be read.
#[must_use]
pub fn counted() -> Vec<Counted> {
    let Some(path) = std::env::var_os("FTP_SERVERS").map(PathBuf::from) else {
        return Vec::new();
    };
    let path = path.with_file_name("counted.tsv");
    let text = std::fs::read_to_string(&path).expect("counted.tsv stands beside FTP_SERVERS");
    let ca_file = path.with_file_name("tls").join("ca.pem");
    let counted = |line: &str| {
        let (server, log) = line.rsplit_once('\t').expect("nine fields");
        Counted { server: parse(server, ca_file.clone()), log: log.into() }
    };
    text.lines().map(counted).collect()
}

fn parse(line: &str, ca_file: PathBuf) -> Server {
    let fields: Vec<&str> = line.split('\t').collect();
    let [name, version, port, implicit, user, password, directory, home] = fields[..] else {
        panic!("eight fields are due: {line}");
    };
    Server {
        name: name.to_owned(),
        version: version.to_owned(),
        port: port.parse().expect("a port"),
        implicit_port: (implicit != "-").then(|| implicit.parse().expect("a port or -")),
        user: user.to_owned(),
        password: password.to_owned(),
        directory: directory.to_owned(),
        home: home.into(),
        ca_file,
    }
}
