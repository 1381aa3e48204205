//! A server with its login, and how to open sessions with it

use std::fs;
use std::path::Path;

use ftp_blocking::proxy::Proxy;
use ftp_blocking::{Client, Config, DataMode, Options};
use ftp_session::{Error, TlsPolicy};
use ftp_tls::{TlsConfig, Trust};
use zeroize::Zeroizing;

use crate::args::Common;
use crate::failure::Failure;
use crate::interrupt::{Interrupt, Registered};
use crate::location::Remote;
use crate::login::Logins;
use crate::netrc::Login;

/// A server, the login, and the options of the connection
#[derive(Clone, Debug)]
pub(crate) struct Site {
    host: String,
    port: u16,
    policy: TlsPolicy,
    login: Login,
    tls: Option<TlsConfig>,
    proxy: Option<Proxy>,
    common: Common,
    /// The server's name in messages
    name: String,
}

/// A logged-in session
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) client: Client,
    _registered: Registered,
}

impl Site {
    pub(crate) fn new(remote: &Remote, logins: &Logins, common: &Common) -> Result<Self, Failure> {
        let login = logins.login(remote)?;
        let origin = remote.origin();
        let policy = remote.url.policy();
        let tls = match policy {
            TlsPolicy::Plaintext => None,
            _ => Some(tls_config(common)?),
        };
        let proxy = common.proxy.as_ref().map(|url| url.proxy(logins.netrc())).transpose()?;
        let user = crate::show::bytes(&login.user);
        let host = if origin.host().contains(':') {
            format!("[{}]", origin.host())
        } else {
            origin.host().to_owned()
        };
        let name = match user.is_empty() {
            true => format!("{host}:{}", origin.port()),
            false => format!("{user}@{host}:{}", origin.port()),
        };
        let (host, port) = (remote.url.address().host().to_owned(), origin.port());
        Ok(Self { host, port, policy, login, tls, proxy, common: common.clone(), name })
    }

    /// Returns the server's name in messages
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) const fn common(&self) -> &Common {
        &self.common
    }

    pub(crate) fn failure(&self, error: Error) -> Failure {
        Failure::session(error, &self.name)
    }

    fn options(&self) -> Options {
        let mut config = Config::new(self.policy);
        if self.common.active {
            config.data_mode = DataMode::Active;
        }
        let mut options = Options::new(config).timeout(self.common.timeout);
        if let Some(tls) = &self.tls {
            options = options.tls(tls.clone());
        }
        if let Some(address) = self.common.bind {
            options = options.source_address(address);
        }
        options = options.proxy(self.proxy.clone());
        if self.common.trace {
            // The lines of a trace are escaped, with passwords masked.
            options = options.trace(|line| eprintln!("{line}"));
        }
        options
    }

    /// Connects and logs in
    pub(crate) fn open(&self, interrupt: &Interrupt) -> Result<Session, Failure> {
        interrupt.check()?;
        let address = (self.host.as_str(), self.port);
        let Login { user, password, account } = &self.login;
        let password = password.as_ref().map(|password| password.expose()).unwrap_or_default();
        let mut client = match account {
            None => Client::connect_and_login(address, self.options(), user, password),
            Some(account) => Client::connect(address, self.options()).and_then(|mut client| {
                client.login_with_account(user, password, account.expose())?;
                Ok(client)
            }),
        }
        .map_err(|error| self.failure(error))?;
        let canceller = client.canceller().map_err(|error| self.failure(Error::Local(error)))?;
        Ok(Session { client, _registered: interrupt.register(canceller) })
    }
}

fn tls_config(common: &Common) -> Result<TlsConfig, Failure> {
    let trust = match (&common.ca, common.insecure) {
        (_, true) => Trust::DangerousAnyCertificate,
        (Some(_), _) => Trust::OwnCa,
        (None, false) => Trust::WebpkiRoots,
    };
    let mut builder = TlsConfig::builder(trust);
    if let Some(path) = &common.ca {
        builder = builder.add_ca_pem(read(path)?.to_vec());
    }
    if let (Some(chain), Some(key)) = (&common.cert, &common.key) {
        let (chain, key) = (read(chain)?, read(key)?);
        builder = builder.client_auth_pem(chain.to_vec(), key.to_vec());
    }
    builder.build().map_err(|error| Failure::usage(error.to_string()).about("--ca, --cert, --key"))
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    fs::read(path).map(Zeroizing::new).map_err(|error| Failure::local(path, &error))
}
