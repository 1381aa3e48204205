//! FTP proxies: servers that speak FTP and take the real server's name during the login

use alloc::format;
use alloc::string::String;
use core::net::IpAddr;

use crate::control::command::{Argument, ArgumentError, Secret};

/// How the server's name is sent to an FTP proxy
///
/// Neither form is standardized; these two are the most common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GatewayForm {
    /// `USER user@host` or `USER user@host:port`, then PASS with the server's password
    UserAtHost,
    /// `OPEN host` or `OPEN host:port`, then a login as without a proxy
    Open,
}

/// An FTP proxy between the client and the server, for [`Config::gateway`](crate::Config::gateway)
///
/// With [`UserAtHost`](GatewayForm::UserAtHost), each [`login`](crate::Client::login) sends the name of the server to the
/// proxy, in USER. With [`Open`](GatewayForm::Open), OPEN does so before the first login; if it succeeds, later logins in
/// the session are as without a proxy. The proxy's own login, if it requires one, comes before either, once per session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gateway {
    form: GatewayForm,
    target: Argument,
    login: Option<(Argument, Secret)>,
}

impl Gateway {
    /// Creates a proxy that connects to this server; port 21 is not written
    ///
    /// # Errors
    ///
    /// Those of [`Argument::new`], and [`ArgumentError::Forbidden`] for blanks and `@`, which would end the name.
    pub fn new(form: GatewayForm, host: &str, port: u16) -> Result<Self, ArgumentError> {
        if let Some(at) = host.bytes().position(|byte| matches!(byte, b' ' | b'@')) {
            return Err(ArgumentError::Forbidden { byte: host.as_bytes()[at], at });
        }
        let host = match host.parse() {
            Ok(IpAddr::V6(address)) => format!("[{address}]"),
            _ => String::from(host),
        };
        let target = if port == 21 { host } else { format!("{host}:{port}") };
        Ok(Self { form, target: Argument::new(target)?, login: None })
    }

    /// Adds a login to the proxy itself, before the server is named
    ///
    /// # Errors
    ///
    /// Those of [`Argument::new`].
    pub fn with_login(
        mut self,
        user: impl AsRef<[u8]>,
        password: impl AsRef<[u8]>,
    ) -> Result<Self, ArgumentError> {
        self.login = Some((Argument::new(user)?, Secret::new(password)?));
        Ok(self)
    }

    pub(crate) const fn form(&self) -> GatewayForm {
        self.form
    }

    /// Returns the server in the form that the proxy requires
    pub(crate) const fn target(&self) -> &Argument {
        &self.target
    }

    pub(crate) const fn login(&self) -> Option<&(Argument, Secret)> {
        self.login.as_ref()
    }

    /// Returns the user in the form that the proxy requires
    pub(crate) fn user(&self, user: &Argument) -> Result<Argument, ArgumentError> {
        match self.form {
            GatewayForm::UserAtHost => {
                Argument::new([user.as_bytes(), b"@", self.target.as_bytes()].concat())
            }
            GatewayForm::Open => Ok(user.clone()),
        }
    }
}
