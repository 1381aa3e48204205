//! The real servers that `tests/run` has started

use std::path::PathBuf;

/// A real FTP server on 127.0.0.1 and ::1
#[derive(Clone, Debug)]
pub struct Server {
    /// Its program
    pub name: String,
    /// Its version
    pub version: String,
    /// Its port, the same on both addresses
    pub port: u16,
    /// An account
    pub user: String,
    /// The account's password
    pub password: String,
    /// Where a session may work, as the server names it
    pub directory: String,
    /// The same place on this machine
    pub home: PathBuf,
}

/// The servers; none, and a loud word about it, where `tests/run` has not started them
///
/// # Panics
///
/// If their description can't be read.
pub fn all() -> Vec<Server> {
    let Some(path) = std::env::var_os("FTP_SERVERS") else {
        eprintln!(
            "\n*** LEFT OUT: the tests against real servers. `tests/run` starts the servers and \
             runs them. ***\n"
        );
        return Vec::new();
    };
    let text = std::fs::read_to_string(&path).expect("FTP_SERVERS names a readable file");
    text.lines().map(parse).collect()
}

fn parse(line: &str) -> Server {
    let fields: Vec<&str> = line.split('\t').collect();
    let [name, version, port, user, password, directory, home] = fields[..] else {
        panic!("seven fields are due: {line}");
    };
    Server {
        name: name.to_owned(),
        version: version.to_owned(),
        port: port.parse().expect("a port"),
        user: user.to_owned(),
        password: password.to_owned(),
        directory: directory.to_owned(),
        home: home.into(),
    }
}
