//! The real servers that `tests/run` has started

use std::path::PathBuf;

/// A real FTP server on 127.0.0.1 and ::1
#[derive(Clone, Debug)]
pub struct Server {
    /// Its program
    pub name: String,
    /// Its version
    pub version: String,
    /// Its port, the same on both addresses: in clear text, or AUTH TLS
    pub port: u16,
    /// Its port for TLS from the first byte, if it can do that
    pub implicit_port: Option<u16>,
    /// An account
    pub user: String,
    /// The account's password
    pub password: String,
    /// Where a session may work, as the server names it
    pub directory: String,
    /// The same place on this machine
    pub home: PathBuf,
    /// The authority of its certificate for localhost, 127.0.0.1 and ::1, PEM
    pub ca_file: PathBuf,
}

/// The servers; none where `tests/run` has not started them, which the test `coverage` tells loudly
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
