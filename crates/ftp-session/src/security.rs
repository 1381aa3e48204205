//! The data for TLS: its configuration, the server's name, the stored sessions

use std::fmt;
use std::net::IpAddr;

use ftp_tls::rustls::pki_types::ServerName;
use ftp_tls::{TlsConfig, TlsContext, server_name};

use crate::error::Error;

/// The name that the server's certificate must be valid for
pub(crate) enum Name {
    Given(ServerName<'static>),
    /// The host as the user named it
    Host(String),
    Address(IpAddr),
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given(name) => f.write_str(&name.to_str()),
            Self::Host(host) => f.write_str(host),
            Self::Address(ip) => ip.fmt(f),
        }
    }
}

pub(crate) struct Security {
    config: Option<TlsConfig>,
    name: Name,
    pub(crate) context: Option<TlsContext>,
}

impl Security {
    pub(crate) const fn new(config: Option<TlsConfig>, name: Name) -> Self {
        Self { config, name, context: None }
    }

    /// Returns the TLS context, which the first call creates
    pub(crate) fn prepare(&mut self) -> Result<&TlsContext, Error> {
        let context = match self.context.take() {
            Some(context) => context,
            None => self.new_context()?,
        };
        Ok(self.context.insert(context))
    }

    fn new_context(&mut self) -> Result<TlsContext, Error> {
        let config = match &self.config {
            Some(config) => config,
            None => self.config.insert(default_tls()?),
        };
        let name = match &self.name {
            Name::Given(name) => name.clone(),
            Name::Host(host) => server_name(host)?,
            Name::Address(ip) => ServerName::IpAddress((*ip).into()),
        };
        Ok(TlsContext::new(config, name))
    }
}

#[cfg(feature = "webpki-roots")]
fn default_tls() -> Result<TlsConfig, Error> {
    Ok(TlsConfig::builder(ftp_tls::Trust::WebpkiRoots).build()?)
}

#[cfg(not(feature = "webpki-roots"))]
fn default_tls() -> Result<TlsConfig, Error> {
    Err(ftp_tls::ConfigError::NoTrust.into())
}
