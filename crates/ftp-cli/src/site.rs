//! A server with its login, and how to open sessions with it

use std::fs;
use std::path::Path;

use ftp_blocking::{Canceller, Client, Config, DataMode};
use ftp_session::{Error, Options, TlsPolicy};
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
    login: Login,
    /// The same for all sessions, so that each knows what the others have learned about the server
    options: Options,
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
        let mut options = options(remote.url.policy(), common)?;
        if let Some(url) = &common.proxy {
            options = options.proxy(url.proxy(logins.netrc())?);
        }
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
        Ok(Self { host, port, login, options, common: common.clone(), name })
    }

    /// Returns the server's name in messages
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns what identifies a file or directory on the server: the login, the server and the path
    pub(crate) fn place(&self, path: &[u8]) -> String {
        format!("{} {}", self.name, crate::show::bytes(path))
    }

    pub(crate) const fn common(&self) -> &Common {
        &self.common
    }

    pub(crate) fn failure(&self, error: Error) -> Failure {
        Failure::session(error, &self.name)
    }

    /// Connects and logs in; an interruption ends this at once, except while the system looks up the host's name
    pub(crate) fn open(&self, interrupt: &Interrupt) -> Result<Session, Failure> {
        interrupt.check()?;
        let canceller = Canceller::new();
        let registered = interrupt.register(canceller.clone());
        let client = self.connect(&canceller).map_err(|failure| match interrupt.is_set() {
            true => Failure::interrupted(),
            false => failure,
        })?;
        Ok(Session { client, _registered: registered })
    }

    fn connect(&self, canceller: &Canceller) -> Result<Client, Failure> {
        let address = (self.host.as_str(), self.port);
        let options = ftp_blocking::Options::from(self.options.clone()).canceller(canceller);
        let Login { user, password, account } = &self.login;
        let password = password.as_ref().map(|password| password.expose()).unwrap_or_default();
        let mut client = match account {
            None => Client::connect_and_login(address, options, user, password),
            Some(account) => Client::connect(address, options).and_then(|mut client| {
                client.login_with_account(user, password, account.expose())?;
                Ok(client)
            }),
        }
        .map_err(|error| self.failure(error).of_login())?;
        // It returns an error if the server has ended the session right after the login.
        client.canceller().map_err(|error| self.failure(error))?;
        Ok(client)
    }
}

fn options(policy: TlsPolicy, common: &Common) -> Result<Options, Failure> {
    let mut config = Config::new(policy);
    config.prefetch = common.prefetch.into();
    if common.active {
        config.data_mode = DataMode::Active;
    }
    let mut options = Options::new(config).timeout(common.timeout);
    if policy != TlsPolicy::Plaintext {
        options = options.tls(tls_config(common)?);
    }
    if let Some(address) = common.bind {
        options = options.source_address(address);
    }
    if common.trace {
        // The lines of a trace are escaped, with passwords masked.
        options = options.trace(|line| crate::output::error_line(line));
    }
    Ok(options)
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
