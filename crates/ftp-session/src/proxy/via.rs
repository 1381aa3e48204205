//! A session's route through its proxy

use std::io;

use ftp_proto::{Config, DataHost, DataMode, Gateway, GatewayForm, TlsPolicy};
use ftp_tls::TlsError;
use zeroize::Zeroizing;

use super::error::{ProxyError, ProxyProblem};
use super::handshake::{Handshake, check_name};
use super::settings::{Proxy, ProxyLogin};
use crate::transport::Host;

/// A proxy, and the server that it connects to
#[derive(Debug)]
pub(crate) struct Via {
    proxy: Proxy,
    host: String,
    port: u16,
}

impl Via {
    /// Checks that these settings permit this route to the server
    pub(crate) fn new(
        proxy: Proxy,
        host: Option<&str>,
        port: u16,
        config: &Config,
    ) -> Result<Self, ProxyError> {
        let via = Self { proxy, host: host.unwrap_or_default().to_owned(), port };
        let checked = if via.proxy.is_tunnel() {
            match config.data_mode {
                DataMode::Active => Err(ProxyProblem::ActiveMode),
                DataMode::Passive => {
                    Handshake::new(&via.proxy, Host::new(&via.host), port).map(drop)
                }
            }
        } else {
            match config.tls {
                TlsPolicy::Plaintext => via.name_server().map(drop),
                TlsPolicy::Explicit | TlsPolicy::Implicit => Err(ProxyProblem::Tls),
            }
        };
        match checked {
            Ok(()) => Ok(via),
            Err(problem) => Err(via.failed(problem)),
        }
    }

    /// The start of the server's login, if the proxy speaks FTP
    pub(crate) fn gateway(&self) -> Result<Option<Gateway>, ProxyError> {
        self.name_server().map_err(|problem| self.failed(problem))
    }

    fn name_server(&self) -> Result<Option<Gateway>, ProxyProblem> {
        let (form, login) = match &self.proxy {
            Proxy::Socks5 { .. } | Proxy::HttpConnect { .. } => return Ok(None),
            Proxy::FtpUserAtHost { login, .. } => (GatewayForm::UserAtHost, login),
            Proxy::FtpOpen { login, .. } => (GatewayForm::Open, login),
        };
        if let Host::Name(name) = self.host() {
            check_name(name)?;
        }
        let gateway = Gateway::new(form, &self.host, self.port);
        let gateway = gateway.map_err(|_| ProxyProblem::InvalidHost)?;
        let logged_in = |login: &ProxyLogin| {
            let text =
                "for FTP, user and password can't have CR, LF or NUL, nor more than 4,081 bytes";
            let gateway = gateway.clone().with_login(login.user(), login.password());
            gateway.map_err(|_| ProxyProblem::InvalidLogin(text))
        };
        login.as_ref().map_or_else(|| Ok(gateway.clone()), logged_in).map(Some)
    }

    /// Whether each connection begins with a [`Handshake`]
    pub(crate) const fn is_tunnel(&self) -> bool {
        self.proxy.is_tunnel()
    }

    pub(crate) const fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    /// The texts that the proxy may repeat, and that nothing may show
    pub(crate) fn secrets(&self) -> impl Iterator<Item = Zeroizing<Vec<u8>>> {
        self.proxy.login().into_iter().flat_map(ProxyLogin::secrets)
    }

    /// Masks the login in the clear text that an error of TLS contains: it may come from the proxy
    pub(crate) fn without_login(&self, error: io::Error) -> io::Error {
        let Some(login) = self.proxy.login() else { return error };
        let mask = |line: &str| String::from_utf8_lossy(&login.mask(line.as_bytes())).into_owned();
        let masked = match TlsError::in_io(&error) {
            Some(TlsError::PlaintextReply { line }) => {
                TlsError::PlaintextReply { line: mask(line) }
            }
            Some(TlsError::NoLongerTls { reply: Some(reply) }) => {
                TlsError::NoLongerTls { reply: Some(mask(reply)) }
            }
            _ => return error,
        };
        io::Error::new(error.kind(), masked)
    }

    /// The server's host
    pub(crate) fn host(&self) -> Host<'_> {
        Host::new(&self.host)
    }

    /// The handshake for the control connection
    pub(crate) fn control(&self) -> Result<Handshake, ProxyError> {
        self.handshake(self.host(), self.port)
    }

    /// The handshake for a data connection
    pub(crate) fn data(&self, host: DataHost, port: u16) -> Result<Handshake, ProxyError> {
        let host = match host {
            DataHost::ControlPeer => self.host(),
            DataHost::Address(address) => Host::Address(address),
        };
        self.handshake(host, port)
    }

    fn handshake(&self, host: Host<'_>, port: u16) -> Result<Handshake, ProxyError> {
        Handshake::new(&self.proxy, host, port)
            .map_err(|problem| self.error(problem, &format!("{host} port {port}")))
    }

    /// The error of a failed connection to the server
    pub(crate) fn failed(&self, problem: ProxyProblem) -> ProxyError {
        let host = match self.host.as_str() {
            "" => "the server".to_owned(),
            host => format!("{} port {}", host.escape_debug(), self.port),
        };
        self.error(problem, &host)
    }

    /// The error of a failed connection to a target
    pub(crate) fn error(&self, problem: ProxyProblem, target: &str) -> ProxyError {
        ProxyError { proxy: self.proxy.server().to_string(), target: target.to_owned(), problem }
    }

    /// The error if the proxy itself can't be reached
    pub(crate) fn unreachable(&self, error: &io::Error, target: Option<&str>) -> ProxyError {
        let problem = ProxyProblem::unreachable(error);
        match target {
            Some(target) => self.error(problem, target),
            None => self.failed(problem),
        }
    }
}
