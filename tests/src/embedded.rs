//! The server of the embedding examples: the one named on the command line, or one of their own on loopback

use std::collections::BTreeMap;
use std::error::Error;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex};

use ftp_session::ftp_tls::{TlsConfig, TlsVersion, Trust};
use ftp_session::{Config, Options, TlsPolicy};

use crate::net::Listener;
use crate::scripted::{Peer, Server};
use crate::tls::{Secured, Tls, trusting};

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

type Files = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

/// A small FTPS server on loopback, for one session
#[derive(Debug)]
pub struct Embedded {
    server: Server,
    files: Files,
}

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
        let files = Files::default();
        files.lock().unwrap().insert("file".into(), file());
        let served = Arc::clone(&files);
        let server = Server::start(move |peer| serve(peer, &served));
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
        (Self { server, files }, target)
    }

    /// Returns the file of this name, if there is one
    ///
    /// # Panics
    ///
    /// If the server panicked.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<Vec<u8>> {
        self.files.lock().unwrap().get(name).cloned()
    }

    /// Waits for the end of the session
    ///
    /// # Panics
    ///
    /// If the server panicked.
    pub fn join(self) {
        self.server.join();
    }
}

/// The content of the file to download: more than the connections' buffers hold
pub(crate) fn file() -> Vec<u8> {
    (0..3_000_000_u32).map(|i| (i / 7) as u8).collect()
}

/// Formats lines as `ls -l` does
pub(crate) fn listing(files: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    let line = |(name, bytes): (&String, &Vec<u8>)| {
        format!("-rw-r--r-- 1 ftp ftp {} Jan 1 2025 {name}\r\n", bytes.len())
    };
    files.iter().map(line).collect::<String>().into_bytes()
}

fn serve(peer: &mut Peer, files: &Files) {
    let tls = Tls::new();
    let mut control = tls.auth(peer);
    let mut listener = None;
    loop {
        let command = control.command();
        let (verb, argument) = command.split_once(' ').unwrap_or((&command, ""));
        let mut transfer = |control: &mut Secured| {
            let mut data = tls.accept(&listener.take().expect("EPSV comes first"));
            control.reply("150 go on");
            data.handshake();
            data
        };
        match verb {
            "USER" => control.reply("331 password, please"),
            "PASS" => control.reply("230 welcome"),
            "EPSV" => listener = Some(offer(peer, &mut control)),
            "LIST" | "RETR" => {
                let bytes = match verb {
                    "LIST" => Some(listing(&files.lock().unwrap())),
                    _ => files.lock().unwrap().get(argument).cloned(),
                };
                let mut data = transfer(&mut control);
                data.send(&bytes.unwrap_or_default());
                data.close();
                control.reply("226 done");
            }
            "STOR" => {
                let mut data = transfer(&mut control);
                files.lock().unwrap().insert(argument.into(), data.read_all());
                data.close();
                control.reply("226 done");
            }
            "QUIT" => {
                control.reply("221 bye");
                return control.close();
            }
            _ => control.reply("200 fine"),
        }
    }
}

fn offer(peer: &Peer, control: &mut Secured) -> Listener {
    let listener = Listener::bind((peer.ip(), 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    control.reply(&format!("229 entering extended passive mode (|||{port}|)"));
    listener
}
