//! FTP proxies: servers that speak FTP and take the real server's name in the login

use alloc::format;
use alloc::string::String;
use core::net::IpAddr;

use crate::control::command::{Argument, ArgumentError, Secret};

/// How an FTP proxy is told which server is meant
///
/// Neither form is standardized; these two are the most common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GatewayForm {
    /// `USER user@host` or `USER user@host:port`, then PASS with the server's password
    UserAtHost,
    /// `OPEN host` or `OPEN host:port`, then the login as without a proxy
    Open,
}

/// An FTP proxy between the client and the server, for [`Config::gateway`](crate::Config::gateway)
///
/// Each [`login`](crate::Client::login) names the server to it. Its own login, if it wants one, goes first and is
/// made once a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gateway {
    form: GatewayForm,
    target: Argument,
    login: Option<(Argument, Secret)>,
}

impl Gateway {
    /// A proxy that is to lead to this server; the port 21 is not named
    ///
    /// # Errors
    ///
    /// As for [`Argument::new`]; [`ArgumentError::Forbidden`], too, for blanks and `@`, which would end the name.
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

    /// Logs in to the proxy itself, before the server is named
    ///
    /// # Errors
    ///
    /// As for [`Argument::new`].
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

    /// The server, as the proxy wants it named
    pub(crate) const fn target(&self) -> &Argument {
        &self.target
    }

    pub(crate) const fn login(&self) -> Option<&(Argument, Secret)> {
        self.login.as_ref()
    }

    /// The user as the proxy wants it named
    pub(crate) fn user(&self, user: &Argument) -> Result<Argument, ArgumentError> {
        match self.form {
            GatewayForm::UserAtHost => {
                Argument::new([user.as_bytes(), b"@", self.target.as_bytes()].concat())
            }
            GatewayForm::Open => Ok(user.clone()),
        }
    }
}
