//! What a URL says: ftp:// in clear text, ftpes:// with AUTH TLS, ftps:// with TLS from the start

use std::error::Error;
use std::net::{SocketAddr, ToSocketAddrs};

use ftp_mio::ftp_tls::{TlsConfig, Trust, server_name};
use ftp_mio::{Config, Options, TlsPolicy};
use url::Url;

/// Where a file is, and how to get there
pub(crate) struct Target {
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) options: Options,
    pub(crate) user: Vec<u8>,
    pub(crate) password: Vec<u8>,
    pub(crate) path: Vec<u8>,
}

impl Target {
    /// The environment's `FTP_CA` names a file with the authority of the server's certificate, if it
    /// is not one of those that everybody trusts
    pub(crate) fn parse(text: &str) -> Result<Self, Box<dyn Error>> {
        let url = Url::parse(text)?;
        let (policy, port) = match url.scheme() {
            "ftp" => (TlsPolicy::Plaintext, 21),
            "ftpes" => (TlsPolicy::Explicit, 21),
            "ftps" => (TlsPolicy::Implicit, 990),
            other => return Err(format!("{other}:// is not one of ftp, ftpes, ftps").into()),
        };
        let host = url.host_str().ok_or("the URL names no host")?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let mut options = Options::new(Config::new(policy)).tls_server_name(server_name(host)?);
        if policy != TlsPolicy::Plaintext {
            let tls = match std::env::var_os("FTP_CA") {
                Some(file) => TlsConfig::builder(Trust::OwnCa).add_ca_file(file),
                None => TlsConfig::builder(Trust::WebpkiRoots),
            };
            options = options.tls(tls.build()?);
        }
        let addresses = (host, url.port().unwrap_or(port)).to_socket_addrs()?.collect();
        let path = url.path().strip_prefix('/').unwrap_or_else(|| url.path());
        Ok(Self {
            addresses,
            options,
            user: decode(url.username())?,
            password: decode(url.password().unwrap_or_default())?,
            path: decode(path)?,
        })
    }
}

/// Undoes percent signs
fn decode(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let mut digit = || bytes.next().and_then(|byte| char::from(byte).to_digit(16));
        match (digit(), digit()) {
            (Some(high), Some(low)) => out.push((high * 16 + low) as u8),
            _ => return Err(format!("{text}: two hexadecimal digits are due behind %")),
        }
    }
    Ok(out)
}
