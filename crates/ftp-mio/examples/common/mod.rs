//! Parses URLs: ftp:// for clear text, ftpes:// for explicit TLS, ftps:// for implicit TLS

use std::error::Error;
use std::net::{SocketAddr, ToSocketAddrs};

use ftp_mio::ftp_tls::{TlsConfig, Trust, server_name};
use ftp_mio::{Config, Options, TlsPolicy};
use ftp_session::FtpUrl;

/// The location of a file, and how to connect
pub(crate) struct Target {
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) options: Options,
    pub(crate) user: Vec<u8>,
    pub(crate) password: Vec<u8>,
    pub(crate) path: Vec<u8>,
}

impl Target {
    /// The environment variable `FTP_CA` names a file with the authority of the server's certificate, if it is not a
    /// generally trusted one
    pub(crate) fn parse(text: &str) -> Result<Self, Box<dyn Error>> {
        let url: FtpUrl = text.parse()?;
        let policy = url.policy();
        let host = url.address().host();
        let mut options = Options::new(Config::new(policy)).tls_server_name(server_name(host)?);
        if policy != TlsPolicy::Plaintext {
            let tls = match std::env::var_os("FTP_CA") {
                Some(file) => TlsConfig::builder(Trust::OwnCa).add_ca_file(file),
                None => TlsConfig::builder(Trust::WebpkiRoots),
            };
            options = options.tls(tls.build()?);
        }
        let port = url.address().port().unwrap_or_else(|| options.default_port());
        Ok(Self {
            addresses: (host, port).to_socket_addrs()?.collect(),
            options,
            user: url.user().to_vec(),
            password: url.password().to_vec(),
            path: url.path().to_vec(),
        })
    }
}
