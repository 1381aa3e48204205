//! What a connection is made with, beside the machine's own settings

use std::fmt;
use std::sync::Mutex;
use std::time::Duration;

use ftp_proto::{Config, Trace};
use ftp_session::SourceAddress;
use ftp_session::proxy::Proxy;
use ftp_tls::TlsConfig;
use ftp_tls::rustls::pki_types::ServerName;

use crate::Dialer;

/// How [`Client::connect`](crate::Client::connect) connects
///
/// Begins with a [`Config`], whose constructor wants to know how the session is to be secured:
///
/// ```
/// use std::time::Duration;
/// use ftp_blocking::{Config, Options, TlsPolicy};
///
/// let options = Options::new(Config::new(TlsPolicy::Explicit))
///     .timeout(Duration::from_secs(20))
///     .trace(|line| eprintln!("{line}"));
/// ```
#[must_use = "options do nothing before `Client::connect`"]
pub struct Options {
    pub(crate) session: ftp_session::Options,
    pub(crate) deadline: Option<Duration>,
    pub(crate) dialer: Option<Box<dyn Dialer>>,
}

impl Options {
    /// The defaults under these settings
    pub fn new(config: Config) -> Self {
        Self { session: ftp_session::Options::new(config), deadline: None, dialer: None }
    }

    /// How long a call may take as a whole, whatever the server does; no limit
    ///
    /// A call that has not ended by then fails with [`Error::Deadline`](crate::Error::Deadline): also while
    /// the server sends a byte, a preliminary reply or a TLS record now and then, which renews the waits of
    /// [`Config`]. It bounds every method that talks to the server, and calls on
    /// [`Download`](crate::Download), [`Upload`](crate::Upload) and the like one by one, so a transfer
    /// that is read or written piece by piece may take longer. Methods that move a whole file or listing
    /// are one call each.
    ///
    /// The session goes on: what the server still owes is settled within the next call. It bounds
    /// connecting, too, except for the system's lookup of the host's name; a [`Dialer`] is told what is
    /// left. What the caller's own readers, writers and callbacks take counts, but does not interrupt
    /// them.
    ///
    /// [`Duration::MAX`] means never, here and in all other settings of time.
    pub fn deadline(mut self, deadline: impl Into<Option<Duration>>) -> Self {
        self.deadline = deadline.into();
        self
    }

    /// How long the server may be silent, wherever it is waited for: to connect, for TLS, a reply, data, the final reply
    ///
    /// Sets [`Self::connect_timeout`] and, of [`Config`], `greeting_timeout`, `reply_timeout`, `tls_timeout`,
    /// `data_connect_timeout`, `data_timeout`, `final_reply_timeout` and `settle_timeout`, which may be set one by one
    /// afterwards. Shorter waits of another kind (`batch_timeout`, `settle_quiet`) stay, but become no longer than this;
    /// bounds of whole commands (`command_timeout`, `hash_timeout`, `remote_transfer_timeout`) become no shorter.
    ///
    /// [`Duration::MAX`] means never. Zero is refused with [`Error::InvalidOption`](crate::Error::InvalidOption) by
    /// [`Client::connect`](crate::Client::connect). A call as a whole is bounded by [`Self::deadline`].
    #[doc(alias = "set_timeout")]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.session = self.session.timeout(timeout);
        self
    }

    /// How long each address of the host has to answer; 30 s
    ///
    /// Data connections have [`Config::data_connect_timeout`]. Resolving the host's name is the
    /// system's business and has its deadline.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.session = self.session.connect_timeout(timeout);
        self
    }

    /// The local address to connect from; the system's choice without
    ///
    /// Data connections leave from the control connection's local address in any case. A port
    /// other than 0 holds for the control connection alone: two connections can't share it. Of the server's addresses
    /// those of the same family are tried; see [`SourceAddress`] for a port alone.
    pub fn source_address(mut self, address: impl Into<SourceAddress>) -> Self {
        self.session = self.session.source_address(address);
        self
    }

    /// How TLS is done; without, servers' certificates are verified against the authorities that
    /// Mozilla trusts, if the crate has them (feature `webpki-roots`)
    pub fn tls(mut self, tls: impl Into<TlsConfig>) -> Self {
        self.session = self.session.tls(tls);
        self
    }

    /// The name that the server's certificate must be for; the host connected to without
    pub fn tls_server_name(mut self, name: ServerName<'static>) -> Self {
        self.session = self.session.tls_server_name(name);
        self
    }

    /// Connects through a proxy, which resolves the host's name; [`connect_timeout`](Self::connect_timeout) holds for
    /// each address of the proxy, the handshake with it included
    ///
    /// ```
    /// use ftp_blocking::proxy::{Proxy, ProxyServer};
    /// use ftp_blocking::{Config, Options, TlsPolicy};
    ///
    /// let proxy = Proxy::Socks5 { server: ProxyServer::new("127.0.0.1", 1080), login: None };
    /// let options = Options::new(Config::new(TlsPolicy::Explicit)).proxy(proxy);
    /// ```
    pub fn proxy(mut self, proxy: impl Into<Option<Proxy>>) -> Self {
        self.session = self.session.proxy(proxy);
        self
    }

    /// Makes connections in a way of the caller's; the source address is the dialer's business then
    ///
    /// With a [proxy](Self::proxy) it connects to the proxy.
    pub fn dialer(mut self, dialer: impl Dialer + 'static) -> Self {
        self.dialer = Some(Box::new(dialer));
        self
    }

    /// Calls `trace` with every line of the control connection, passwords masked
    #[doc(alias = "set_debuglevel")]
    #[doc(alias = "debugging")]
    pub fn trace(mut self, trace: impl FnMut(&Trace) + Send + 'static) -> Self {
        let trace = Mutex::new(trace);
        self.session = self.session.trace(move |line| {
            // One thread calls it, so nobody has panicked with it.
            if let Ok(mut trace) = trace.lock() {
                trace(line);
            }
        });
        self
    }
}

impl From<Config> for Options {
    fn from(config: Config) -> Self {
        Self::new(config)
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("session", &self.session)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
