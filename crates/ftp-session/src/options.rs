//! Options of a session that this crate adds to the machine's own settings

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use ftp_proto::{Config, TlsPolicy, Trace};
use ftp_tls::TlsConfig;
use ftp_tls::rustls::pki_types::ServerName;

use crate::address::{IntoServerAddress, SourceAddress};
use crate::cancel::CancelFlag;
use crate::error::Error;
use crate::proxy::{Proxy, ProxyError, ProxyServer, Via};
use crate::servers::Servers;

/// How a [`Session`](crate::Session) connects
///
/// It starts from a [`Config`], whose constructor requires a TLS policy:
///
/// ```
/// use std::time::Duration;
/// use ftp_session::{Config, Options, TlsPolicy};
///
/// let options = Options::new(Config::new(TlsPolicy::Explicit)).timeout(Duration::from_secs(20));
/// ```
///
/// Options are equal if all their parts are; a [`TlsConfig`] equals only itself and its clones.
///
/// Clones share what sessions have found out about their servers: which did not support batches ([`Config::pipeline`])
/// or EPSV during a transfer ([`Config::prefetch`]). Later sessions with the same server do not try them again. So
/// create the options once, and clone them for each session.
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
    pub(crate) allowance: usize,
    pub(crate) trace: Option<TraceHook>,
    pub(crate) servers: Servers,
    pub(crate) cancel_flag: Option<CancelFlag>,
}

/// The callback of [`Options::trace`]
#[derive(Clone)]
pub(crate) struct TraceHook(pub(crate) Arc<dyn Fn(&Trace) + Send + Sync>);

/// Compares by identity of the function
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
    /// The defaults, with these settings
    pub fn new(config: Config) -> Self {
        Self {
            config,
            // Long enough for one or two lost SYNs, and short enough for a waiting user.
            connect_timeout: Duration::from_secs(30),
            source: None,
            tls: None,
            tls_name: None,
            host: None,
            port: None,
            proxy: None,
            // Four reads of the most efficient size; well below a millisecond of work.
            allowance: 256 * 1024,
            trace: None,
            servers: Servers::default(),
            cancel_flag: None,
        }
    }

    /// Calls `trace` with every line of the control connection, with passwords masked, instead of returning
    /// [`Event::Trace`](crate::Event::Trace)
    #[doc(alias = "set_debuglevel")]
    pub fn trace(mut self, trace: impl Fn(&Trace) + Send + Sync + 'static) -> Self {
        self.trace = Some(TraceHook(Arc::new(trace)));
        self
    }

    /// Sets how long each address of the server may take to answer; 30 s by default
    ///
    /// Through a proxy, it applies to each address of the proxy and includes the whole handshake with it. For data
    /// connections, see [`Config::data_connect_timeout`].
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets how long the server may be silent during each wait: to connect, for TLS, a reply, data, the final reply
    ///
    /// It sets [`Self::connect_timeout`] and these fields of [`Config`]: `greeting_timeout`, `reply_timeout`,
    /// `tls_timeout`, `data_connect_timeout`, `data_timeout`, `final_reply_timeout` and `settle_timeout`, which may be
    /// set one by one afterwards. `settle_quiet`, which is shorter, is only lowered to a quarter of this value, never
    /// raised; the limits of whole commands (`command_timeout`, `hash_timeout`, `remote_transfer_timeout`) are only
    /// raised to it, never lowered.
    ///
    /// [`Duration::MAX`] means never. Zero is refused with [`Error::InvalidOption`] when the session is created.
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
        config.settle_quiet = (timeout / 4).min(config.settle_quiet);
        for whole in [
            &mut config.command_timeout,
            &mut config.hash_timeout,
            &mut config.remote_transfer_timeout,
        ] {
            *whole = timeout.max(*whole);
        }
        self
    }

    /// Refuses values that can't be intended
    pub(crate) fn check(&self) -> Result<(), Error> {
        let config = &self.config;
        let waits = [
            ("connect_timeout", self.connect_timeout),
            ("greeting_timeout", config.greeting_timeout),
            ("reply_timeout", config.reply_timeout),
            ("command_timeout", config.command_timeout),
            ("batch_timeout", config.batch_timeout),
            ("tls_timeout", config.tls_timeout),
            ("data_connect_timeout", config.data_connect_timeout),
            ("data_timeout", config.data_timeout),
            ("final_reply_timeout", config.final_reply_timeout),
            ("hash_timeout", config.hash_timeout),
            ("remote_transfer_timeout", config.remote_transfer_timeout),
            ("settle_timeout", config.settle_timeout),
            ("settle_quiet", config.settle_quiet),
        ];
        if let Some((option, _)) = waits.into_iter().find(|(_, wait)| wait.is_zero()) {
            let problem = "is zero, so every wait would fail; Duration::MAX means no limit";
            return Err(Error::InvalidOption { option, problem });
        }
        if config.keep_alive.is_some_and(|idle| idle.is_zero()) {
            let problem =
                "is zero, so NOOP would be sent without a pause; None means that none is sent";
            return Err(Error::InvalidOption { option: "keep_alive", problem });
        }
        Ok(())
    }

    /// Sets the local address to connect from; by default the system chooses
    ///
    /// Data connections always use the control connection's local address. A port other than 0 applies to the control
    /// connection alone, because two connections can't share it. Only the server's addresses of the same family are
    /// tried; see [`SourceAddress`] for a port alone.
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

    /// Sets the server, as the user gave it: its [`host`](Self::host) and, if there is one, its [`port`](Self::port)
    ///
    /// # Errors
    ///
    /// [`Error::InvalidAddress`] if it is not an address.
    pub fn server(self, address: impl IntoServerAddress) -> Result<Self, Error> {
        let address = address.into_server_address()?;
        let options = self.host(address.host());
        Ok(match address.port() {
            Some(port) => options.port(port),
            None => options,
        })
    }

    /// Sets the TLS configuration; by default, certificates are verified against the authorities that Mozilla trusts,
    /// if the crate includes them (feature `webpki-roots`)
    ///
    /// Sessions share a configuration that is set here. Without one, each session has its own list of authorities,
    /// which takes some hundred KiB.
    pub fn tls(mut self, tls: impl Into<TlsConfig>) -> Self {
        self.tls = Some(tls.into());
        self
    }

    /// Sets the server's name as the user gave it, which may be an address: the server's certificate must be valid for
    /// it, and errors mention it
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.host = Some(host.into());
        self
    }

    /// Sets the name that the server's certificate must be valid for, see [`ftp_tls::server_name`]; by default the
    /// [host](Self::host), or without a host the first of the addresses
    pub fn tls_server_name(mut self, name: ServerName<'static>) -> Self {
        self.tls_name = Some(name);
        self
    }

    /// Sets the server's port, for a [proxy](Self::proxy) to connect to; the [default](Self::default_port) otherwise
    pub const fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// Connects through a proxy, which needs the server's [host](Self::host), and perhaps its [port](Self::port)
    ///
    /// The session must then be created with the proxy's addresses, see [`Self::first_hop`]; the server's are not
    /// needed on this side.
    pub fn proxy(mut self, proxy: impl Into<Option<Proxy>>) -> Self {
        self.proxy = proxy.into();
        self
    }

    /// The server's host and port, if a [proxy](Self::proxy) is used
    #[must_use]
    pub fn proxied_server(&self) -> Option<(&str, u16)> {
        let host = self.host.as_deref().filter(|_| self.proxy.is_some())?;
        Some((host, self.port.unwrap_or_else(|| self.default_port())))
    }

    /// The host and port whose addresses a session with these options must be created with: the proxy's if there is
    /// one, otherwise the server's; `None` if no host is known
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

    /// The error of a session whose [first hop](Self::first_hop) could not be resolved
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

    /// The route through the proxy, if there is one
    pub(crate) fn via(&self) -> Result<Option<Via>, ProxyError> {
        let port = self.port.unwrap_or_else(|| self.default_port());
        let via = |proxy| Via::new(proxy, self.host.as_deref(), port, &self.config);
        self.proxy.clone().map(via).transpose()
    }

    /// Refuses a [keep-alive](Config::keep_alive), for shells that do nothing between calls
    ///
    /// # Errors
    ///
    /// [`Error::InvalidOption`] if one is set.
    pub fn refuse_keep_alive(&self) -> Result<(), Error> {
        match self.config.keep_alive {
            None => Ok(()),
            Some(_) => Err(Error::InvalidOption {
                option: "keep_alive",
                problem: "is not supported by this driver, which does nothing between calls: call `noop` regularly",
            }),
        }
    }

    /// The machine's settings, for changes
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

    /// Sets a flag that ends the session, even while it connects; clones share it
    ///
    /// It does not wake a wait: the session ends at its next turn. `ftp-blocking` has `Options::canceller`, which wakes it;
    /// with ftp-mio, wake the poll; with ftp-tokio, drop the future instead.
    pub fn cancel_flag(mut self, flag: CancelFlag) -> Self {
        self.cancel_flag = Some(flag);
        self
    }

    /// Sets how many bytes of data a session moves before others get a turn, at least one read's worth; 256 KiB by
    /// default
    pub fn allowance(mut self, bytes: usize) -> Self {
        self.allowance = bytes.max(1);
        self
    }
}

impl From<Config> for Options {
    fn from(config: Config) -> Self {
        Self::new(config)
    }
}
