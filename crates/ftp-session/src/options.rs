//! What a session is made with, beside the machine's own settings

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use ftp_proto::{Config, TlsPolicy, Trace};
use ftp_tls::TlsConfig;
use ftp_tls::rustls::pki_types::ServerName;

use crate::address::{IntoServerAddress, SourceAddress};
use crate::error::Error;
use crate::proxy::{Proxy, ProxyError, ProxyServer, Via};

/// How a [`Session`](crate::Session) connects
///
/// Begins with a [`Config`], whose constructor wants to know how the session is to be secured:
///
/// ```
/// use std::time::Duration;
/// use ftp_session::{Config, Options, TlsPolicy};
///
/// let options = Options::new(Config::new(TlsPolicy::Explicit)).timeout(Duration::from_secs(20));
/// ```
///
/// Options are equal if all their parts are; a [`TlsConfig`] equals itself and its clones only.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "options do nothing before `Session::connect`"]
pub struct Options {
    pub(crate) config: Config,
    pub(crate) connect_timeout: Duration,
    pub(crate) source: Option<SourceAddress>,
    pub(crate) tls: Option<TlsConfig>,
    pub(crate) tls_name: Option<ServerName<'static>>,
    pub(crate) host: Option<String>,
    pub(crate) port: Option<u16>,
    pub(crate) proxy: Option<Proxy>,
    pub(crate) budget: usize,
    pub(crate) trace: Option<TraceHook>,
}

/// Callback of [`Options::trace`]
#[derive(Clone)]
pub(crate) struct TraceHook(pub(crate) Arc<dyn Fn(&Trace) + Send + Sync>);

/// Whether it is the same function
impl PartialEq for TraceHook {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for TraceHook {}

impl fmt::Debug for TraceHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TraceHook")
    }
}

impl Options {
    /// The defaults under these settings
    pub fn new(config: Config) -> Self {
        Self {
            config,
            // Above what a lost SYN or two cost, below a person's patience.
            connect_timeout: Duration::from_secs(30),
            source: None,
            tls: None,
            tls_name: None,
            host: None,
            port: None,
            proxy: None,
            // Four of the reads that cost least; well below a millisecond of work.
            budget: 256 * 1024,
            trace: None,
        }
    }

    /// Calls `trace` with every line of the control connection, passwords masked, in place of
    /// [`Event::Trace`](crate::Event::Trace)
    #[doc(alias = "set_debuglevel")]
    pub fn trace(mut self, trace: impl Fn(&Trace) + Send + Sync + 'static) -> Self {
        self.trace = Some(TraceHook(Arc::new(trace)));
        self
    }

    /// How long each address of the server has to answer; 30 s
    ///
    /// Through a proxy, each address of the proxy, the whole handshake with it included. Data connections have [`Config::data_connect_timeout`].
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long the server may be silent, wherever it is waited for: to connect, for TLS, a reply, data, the final reply
    ///
    /// Sets [`Self::connect_timeout`] and, of [`Config`], `greeting_timeout`, `reply_timeout`, `tls_timeout`,
    /// `data_connect_timeout`, `data_timeout`, `final_reply_timeout` and `settle_timeout`, which may be set one by one
    /// afterwards. Shorter waits of another kind (`batch_timeout`, `settle_quiet`) stay, but become no longer than this;
    /// bounds of whole commands (`command_timeout`, `hash_timeout`, `remote_transfer_timeout`) become no shorter.
    ///
    /// [`Duration::MAX`] means never. Zero is refused with [`Error::InvalidOption`] when the session is made.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use ftp_session::{Config, Options, TlsPolicy};
    /// let options = Options::new(Config::new(TlsPolicy::Explicit)).timeout(Duration::from_secs(20));
    /// ```
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        let config = &mut self.config;
        for wait in [
            &mut config.greeting_timeout,
            &mut config.reply_timeout,
            &mut config.tls_timeout,
            &mut config.data_connect_timeout,
            &mut config.data_timeout,
            &mut config.final_reply_timeout,
            &mut config.settle_timeout,
        ] {
            *wait = timeout;
        }
        for wait in [&mut config.batch_timeout, &mut config.settle_quiet] {
            *wait = timeout.min(*wait);
        }
        for whole in [
            &mut config.command_timeout,
            &mut config.hash_timeout,
            &mut config.remote_transfer_timeout,
        ] {
            *whole = timeout.max(*whole);
        }
        self
    }

    /// Refuses what can't have been meant
    pub(crate) fn check(&self) -> Result<(), Error> {
        let config = &self.config;
        let waits = [
            ("connect_timeout", self.connect_timeout),
            ("greeting_timeout", config.greeting_timeout),
            ("reply_timeout", config.reply_timeout),
            ("command_timeout", config.command_timeout),
            ("tls_timeout", config.tls_timeout),
            ("data_connect_timeout", config.data_connect_timeout),
            ("data_timeout", config.data_timeout),
            ("final_reply_timeout", config.final_reply_timeout),
        ];
        match waits.into_iter().find(|(_, wait)| wait.is_zero()) {
            Some((option, _)) => Err(Error::InvalidOption {
                option,
                problem: "is zero, which leaves no time to wait; Duration::MAX means for ever",
            }),
            None => Ok(()),
        }
    }

    /// The local address to connect from; the system's choice without
    ///
    /// Data connections leave from the control connection's local address in any case. A port
    /// other than 0 holds for the control connection alone: two connections can't share it. Of the server's addresses
    /// those of the same family are tried; see [`SourceAddress`] for a port alone.
    ///
    /// ```
    /// # use std::net::Ipv4Addr;
    /// # use ftp_session::{Config, Options, TlsPolicy};
    /// # let config = Config::new(TlsPolicy::Plaintext);
    /// let options = Options::new(config).source_address(Ipv4Addr::new(192, 0, 2, 7));
    /// ```
    pub fn source_address(mut self, address: impl Into<SourceAddress>) -> Self {
        self.source = Some(address.into());
        self
    }

    /// The server, as the user gave it: its [`host`](Self::host) and, if there is one, its [`port`](Self::port)
    ///
    /// # Errors
    ///
    /// [`Error::InvalidAddress`]
    pub fn server(self, address: impl IntoServerAddress) -> Result<Self, Error> {
        let address = address.into_server_address()?;
        let options = self.host(address.host());
        Ok(match address.port() {
            Some(port) => options.port(port),
            None => options,
        })
    }

    /// How TLS is done; without, servers' certificates are verified against the authorities that
    /// Mozilla trusts, if the crate has them (feature `webpki-roots`)
    ///
    /// Sessions share what they are given here. Without, each one has a list of authorities of its
    /// own, which is some hundred KiB.
    pub fn tls(mut self, tls: impl Into<TlsConfig>) -> Self {
        self.tls = Some(tls.into());
        self
    }

    /// The server's name as the user gave it, which may be an address: the server's certificate must be
    /// for it, and errors name it
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.host = Some(host.into());
        self
    }

    /// The name that the server's certificate must be for, see [`ftp_tls::server_name`]; without, it must
    /// be for the [host](Self::host), and without that for the first of the addresses
    pub fn tls_server_name(mut self, name: ServerName<'static>) -> Self {
        self.tls_name = Some(name);
        self
    }

    /// The server's port, for a [proxy](Self::proxy) to connect to; the [default](Self::default_port) without
    pub const fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// Connects through a proxy, which needs the server's [host](Self::host), and perhaps its
    /// [port](Self::port)
    ///
    /// The addresses that the session is made with are the proxy's then, see [`Self::first_hop`]: nobody on this
    /// side has to know the server's.
    pub fn proxy(mut self, proxy: impl Into<Option<Proxy>>) -> Self {
        self.proxy = proxy.into();
        self
    }

    /// The server's host and port, if a [proxy](Self::proxy) stands before it
    #[must_use]
    pub fn proxied_server(&self) -> Option<(&str, u16)> {
        let host = self.host.as_deref().filter(|_| self.proxy.is_some())?;
        Some((host, self.port.unwrap_or_else(|| self.default_port())))
    }

    /// Host and port whose addresses a session with these options is to be made with: the proxy's if there is one,
    /// else the server's; `None` if no host is known
    #[must_use]
    pub fn first_hop(&self) -> Option<(&str, u16)> {
        match &self.proxy {
            Some(proxy) => {
                let ProxyServer { host, port } = proxy.server();
                Some((host, *port))
            }
            None => Some((self.host.as_deref()?, self.port.unwrap_or_else(|| self.default_port()))),
        }
    }

    /// The error of a session whose [first hop](Self::first_hop) has no known address
    #[must_use]
    pub fn unresolved(&self, error: io::Error) -> Error {
        match self.via() {
            Ok(Some(via)) => Error::Proxy(via.unreachable(&error, None)),
            Err(error) => Error::Proxy(error),
            Ok(None) => {
                let target = match self.first_hop() {
                    Some((host, port)) => format!("{} port {port}", host.escape_debug()),
                    None => "the server".to_owned(),
                };
                Error::Connect { target, error }
            }
        }
    }

    /// The way through the proxy, if there is one
    pub(crate) fn via(&self) -> Result<Option<Via>, ProxyError> {
        let port = self.port.unwrap_or_else(|| self.default_port());
        let via = |proxy| Via::new(proxy, self.host.as_deref(), port, &self.config);
        self.proxy.clone().map(via).transpose()
    }

    /// Refuses a [keep-alive](Config::keep_alive), for shells that do nothing between two calls
    ///
    /// # Errors
    ///
    /// [`Error::InvalidOption`] if there is one.
    pub fn refuse_keep_alive(&self) -> Result<(), Error> {
        match self.config.keep_alive {
            None => Ok(()),
            Some(_) => Err(Error::InvalidOption {
                option: "keep_alive",
                problem: "needs a driver that waits between calls, which this one does not: call `noop` now and then",
            }),
        }
    }

    /// The machine's settings, to change
    pub const fn config_mut(&mut self) -> &mut Config {
        &mut self.config
    }

    /// The local address to connect from, if one was chosen
    #[must_use]
    pub const fn source(&self) -> Option<SourceAddress> {
        self.source
    }

    /// The port that the policy implies: 21, or 990 for TLS from the first byte
    #[must_use]
    pub const fn default_port(&self) -> u16 {
        match self.config.tls {
            TlsPolicy::Implicit => 990,
            TlsPolicy::Explicit | TlsPolicy::Plaintext => 21,
        }
    }

    /// Makes connecting take no longer than this
    pub fn connect_within(self, limit: Duration) -> Self {
        // That the caller has no time left is not a mistake in the options.
        let timeout = self.connect_timeout.min(limit.max(Duration::from_nanos(1)));
        self.connect_timeout(timeout)
    }

    /// Bytes of data after which a session lets others have a turn, at least one read's worth;
    /// 256 KiB
    pub fn budget(mut self, bytes: usize) -> Self {
        self.budget = bytes.max(1);
        self
    }
}

impl From<Config> for Options {
    fn from(config: Config) -> Self {
        Self::new(config)
    }
}
