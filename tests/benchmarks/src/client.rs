//! The tasks of clients, and the names of files

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};

use crate::Result;

/// The server's address, and the login
pub(crate) struct At<'a> {
    /// Host and port
    pub(crate) address: &'a str,
    pub(crate) user: &'a str,
    pub(crate) password: &'a str,
    /// `None` for clear text
    pub(crate) tls: Option<Tls<'a>>,
}

/// The TLS parameters: always AES-128-GCM, so that all clients do the same work
#[derive(Clone, Copy)]
pub(crate) struct Tls<'a> {
    /// PEM file with the authority of the server's certificate
    pub(crate) authority: &'a str,
    pub(crate) version: &'static SupportedProtocolVersion,
}

impl<'a> Tls<'a> {
    /// `1.2:FILE` or `1.3:FILE`
    fn parse(text: &'a str) -> Result<Self> {
        let version = match text.split_once(':') {
            Some(("1.2", _)) => &TLS12,
            Some(("1.3", _)) => &TLS13,
            _ => return Err(format!("{text}: neither 1.2:FILE nor 1.3:FILE").into()),
        };
        Ok(Self { authority: &text[4..], version })
    }

    /// Returns the configuration for programs that use rustls directly
    pub(crate) fn config(&self) -> Result<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.authority)?)?;
        Ok(ClientConfig::builder_with_provider(provider().into())
            .with_protocol_versions(&[self.version])?
            .with_root_certificates(roots)
            .with_no_client_auth())
    }
}

/// Returns a provider with AES-128-GCM only
pub(crate) fn provider() -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    provider.cipher_suites.retain(|suite| format!("{suite:?}").contains("AES_128_GCM"));
    provider
}

pub(crate) enum Task<'a> {
    Down {
        path: &'a str,
        file: Option<&'a str>,
    },
    Up {
        file: &'a str,
        path: &'a str,
    },
    /// With `fresh`, no TLS session of an earlier connection is resumed
    Login {
        count: usize,
        fresh: bool,
    },
    Again {
        path: &'a str,
        count: usize,
    },
    /// Logs in, and keeps the sessions until the standard input ends
    Idle {
        count: usize,
    },
    Files {
        folder: &'a str,
        count: usize,
        into: &'a str,
        sessions: usize,
    },
}

pub(crate) fn parse<'a>(arguments: &[&'a str]) -> Result<(At<'a>, Task<'a>)> {
    let [address, user, password, tls, task @ ..] = arguments else {
        return Err("ADDRESS:PORT USER PASSWORD TLS TASK are due".into());
    };
    let tls = Some(*tls).filter(|tls| *tls != "-").map(Tls::parse).transpose()?;
    let task = match *task {
        ["down", path, file] => Task::Down { path, file: Some(file).filter(|file| *file != "-") },
        ["up", file, path] => Task::Up { file, path },
        ["login", count] => Task::Login { count: count.parse()?, fresh: false },
        ["login-fresh", count] => Task::Login { count: count.parse()?, fresh: true },
        ["again", path, count] => Task::Again { path, count: count.parse()? },
        ["idle", count] => Task::Idle { count: count.parse()? },
        ["files", folder, count, into, sessions] => {
            Task::Files { folder, count: count.parse()?, into, sessions: sessions.parse()? }
        }
        _ => return Err(format!("{task:?}: not a task").into()),
    };
    Ok((At { address, user, password, tls }, task))
}

/// Keeps the sessions of [`Task::Idle`] open until standard input ends: the starting program measures the memory meanwhile
pub(crate) fn hold<T>(sessions: Vec<T>) -> Result<()> {
    println!("ready");
    io::stdin().read_to_end(&mut Vec::new())?;
    drop(sessions);
    Ok(())
}

/// Returns the name of a small file in a folder on the server
pub(crate) fn name(number: usize) -> String {
    format!("f{number:05}")
}

pub(crate) fn remote(folder: &str, number: usize) -> String {
    format!("{folder}/{}", name(number))
}

pub(crate) fn local(into: &str, number: usize) -> PathBuf {
    Path::new(into).join(name(number))
}

/// Returns the host of an address
pub(crate) fn host(address: &str) -> &str {
    address.rsplit_once(':').map_or(address, |(host, _)| host)
}
