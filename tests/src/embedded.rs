//! The server of the embedding examples: the one named on the command line, or one of their own on loopback

use std::collections::BTreeMap;
use std::error::Error;
use std::net::{SocketAddr, ToSocketAddrs};

use ftp_session::ftp_tls::{TlsConfig, TlsVersion, Trust};
use ftp_session::{Config, Options, TlsPolicy};
use ftp_test::Server;
use ftp_test::tls::Tls;

use crate::tls::trusting;

/// The result of an example
pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A server, and the files to transfer
#[derive(Clone, Debug)]
pub struct Target {
    /// The server's addresses
    pub addresses: Vec<SocketAddr>,
    /// The server's name
    pub host: String,
    /// Its port
    pub port: u16,
    /// Explicit TLS, with the server's name and the authorities to trust
    pub options: Options,
    /// Name of the account
    pub user: String,
    /// Its password
    pub password: String,
    /// The file to download
    pub download: String,
    /// The file to upload
    pub upload: String,
}

/// What a session has downloaded
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Brought {
    /// The listing of the login directory
    pub listing: Vec<u8>,
    /// The file
    pub file: Vec<u8>,
}

/// The content to upload
pub const CONTENT: &[u8] = b"uploaded by an example\n";

/// An FTPS server on loopback, for one session
#[derive(Debug)]
pub struct Embedded(Server);

impl Target {
    /// Runs the session of an example with the server of the command line, or with a server of its own; prints what was
    /// downloaded to standard output
    ///
    /// # Errors
    ///
    /// Those of the session, and an error if the command line is invalid.
    pub fn visit(session: impl FnOnce(&Self) -> Result<Brought>) -> Result<()> {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let brought = match &arguments[..] {
            [] => {
                let (server, target) = Embedded::start();
                let brought = session(&target)?;
                server.join();
                brought
            }
            [server, user, password, download, upload, ca @ ..] if ca.len() <= 1 => {
                let (host, port) = server.rsplit_once(':').unwrap_or((server, "21"));
                let port = port.parse()?;
                let tls = match ca.first() {
                    Some(file) => TlsConfig::builder(Trust::OwnCa).add_ca_file(file),
                    None => TlsConfig::builder(Trust::WebpkiRoots),
                };
                let options = Options::new(Config::new(TlsPolicy::Explicit));
                session(&Self {
                    addresses: (host, port).to_socket_addrs()?.collect(),
                    host: host.to_owned(),
                    port,
                    options: options.host(host).tls(tls.build()?),
                    user: user.clone(),
                    password: password.clone(),
                    download: download.clone(),
                    upload: upload.clone(),
                })?
            }
            _ => {
                return Err(
                    "arguments: [HOST[:PORT] USER PASSWORD DOWNLOAD UPLOAD [CA-FILE]]".into()
                );
            }
        };
        brought.print();
        Ok(())
    }
}

impl Brought {
    /// Prints it to standard output: the listing, and the length of the file
    pub fn print(&self) {
        print!("{}", String::from_utf8_lossy(&self.listing));
        println!("{} bytes downloaded, {} uploaded", self.file.len(), CONTENT.len());
    }
}

impl Embedded {
    /// Starts the server, with a file to download
    ///
    /// # Panics
    ///
    /// If no port is available.
    #[must_use]
    pub fn start() -> (Self, Target) {
        let server = Server::with_files([("file", file())]);
        server.set_tls(Tls::new());
        let address = server.address();
        let tls = trusting(TlsVersion::Tls13).build().unwrap();
        let options = Options::new(Config::new(TlsPolicy::Explicit)).host("localhost").tls(tls);
        let target = Target {
            addresses: vec![address],
            host: "localhost".into(),
            port: address.port(),
            options,
            user: "u".into(),
            password: "p".into(),
            download: "file".into(),
            upload: "new file".into(),
        };
        (Self(server), target)
    }

    /// A file, if there is one of this name
    #[must_use]
    pub fn file(&self, name: &str) -> Option<Vec<u8>> {
        self.0.files().get(name)
    }

    /// The session has to be over
    ///
    /// # Panics
    ///
    /// If the client did not protect its session, or has not ended it with QUIT.
    pub fn join(self) {
        let counts = ["AUTH", "PROT", "QUIT"].map(|verb| self.0.count(verb));
        assert_eq!(counts, [1; 3], "{}", self.0.transcript());
    }
}

/// The content of the file to download: more than the connections' buffers hold
pub(crate) fn file() -> Vec<u8> {
    (0..3_000_000_u32).map(|i| (i / 7) as u8).collect()
}

/// Formats lines as `ls -l` does
pub(crate) fn listing(files: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    let line = |(name, bytes): (&String, &Vec<u8>)| {
        format!("-rw-r--r-- 1 ftp ftp {} Feb 29 2024 {name}\r\n", bytes.len())
    };
    files.iter().map(line).collect::<String>().into_bytes()
}
