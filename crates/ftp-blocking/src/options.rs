//! Options of a connection that this crate adds to the machine's own settings

use std::fmt;
use std::sync::Mutex;
use std::time::Duration;

use ftp_proto::{Config, Trace};
use ftp_session::SourceAddress;
use ftp_session::proxy::Proxy;
use ftp_tls::TlsConfig;
use ftp_tls::rustls::pki_types::ServerName;

use crate::canceller::Canceller;
use crate::dial::Dialer;

/// How [`Client::connect`](crate::Client::connect) connects
///
/// It starts from a [`Config`], whose constructor requires a TLS policy:
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
    pub(crate) canceller: Option<Canceller>,
}

impl Options {
    /// The defaults, with these settings
    pub fn new(config: Config) -> Self {
        ftp_session::Options::new(config).into()
    }

    /// Sets how long a call as a whole may take, whatever the server does; no limit by default
    ///
    /// A call that has not ended by then fails with [`Error::Deadline`](crate::Error::Deadline), even if the server
    /// sends a byte, a preliminary reply or a TLS record now and then, which renews the waits of [`Config`]. The limit
    /// applies to every method that talks to the server, and to each call on [`Download`](crate::Download),
    /// [`Upload`](crate::Upload) and the like separately, so a transfer that is read or written piece by piece may
    /// take longer. Methods that move a whole file or listing are one call each.
    ///
    /// The session remains usable: replies that are still expected are awaited within the next call. Connecting is
    /// bounded too, and leaves no session then. The system's lookup of the host's name is not interrupted, and if it
    /// fails, its error is returned. A [`Dialer`] receives the time left. Time spent in the caller's own readers, writers
    /// and callbacks counts, but they are not interrupted.
    ///
    /// [`Duration::MAX`] means never, here and in all other settings of time.
    pub fn deadline(mut self, deadline: impl Into<Option<Duration>>) -> Self {
        self.deadline = deadline.into();
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
    /// [`Duration::MAX`] means never. Zero is refused with [`Error::InvalidOption`](crate::Error::InvalidOption) by
    /// [`Client::connect`](crate::Client::connect). A call as a whole is bounded by [`Self::deadline`].
    #[doc(alias = "set_timeout")]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.session = self.session.timeout(timeout);
        self
    }

    /// Sets how long each address of the host may take to answer; 30 s by default
    ///
    /// For data connections, see [`Config::data_connect_timeout`]. The system resolves the host's name, within its own
    /// time limit.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.session = self.session.connect_timeout(timeout);
        self
    }

    /// Sets the local address to connect from; by default the system chooses
    ///
    /// Data connections always use the control connection's local address. A port other than 0 applies to the control
    /// connection alone, because two connections can't share it. Only the server's addresses of the same family are
    /// tried; see [`SourceAddress`] for a port alone.
    pub fn source_address(mut self, address: impl Into<SourceAddress>) -> Self {
        self.session = self.session.source_address(address);
        self
    }

    /// Sets the TLS configuration; by default, certificates are verified against the authorities that Mozilla trusts,
    /// if the crate includes them (feature `webpki-roots`)
    pub fn tls(mut self, tls: impl Into<TlsConfig>) -> Self {
        self.session = self.session.tls(tls);
        self
    }

    /// Sets the name that the server's certificate must be valid for; by default, the host connected to
    pub fn tls_server_name(mut self, name: ServerName<'static>) -> Self {
        self.session = self.session.tls_server_name(name);
        self
    }

    /// Connects through a proxy, which resolves the host's name; [`connect_timeout`](Self::connect_timeout) applies to
    /// each address of the proxy and includes the handshake with it
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

    /// Makes connections with the caller's dialer, which then also chooses the source address
    ///
    /// With a [proxy](Self::proxy), the dialer connects to the proxy.
    pub fn dialer(mut self, dialer: impl Dialer + 'static) -> Self {
        self.dialer = Some(Box::new(dialer));
        self
    }

    /// Lets this canceller end the session, even while it connects
    ///
    /// ```no_run
    /// use ftp_blocking::{Canceller, Client, Config, Error, Options, TlsPolicy};
    ///
    /// let canceller = Canceller::new();
    /// let options = Options::new(Config::new(TlsPolicy::Explicit)).canceller(&canceller);
    /// std::thread::spawn(move || {
    ///     std::thread::sleep(std::time::Duration::from_secs(5));
    ///     canceller.cancel();
    /// });
    /// let mut ftp = Client::connect("ftp.example.org", options)?;
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// Waits for the connection to open check ten times a second whether they were cancelled; all later ones, such as
    /// those for the greeting and for TLS, end at once. The system's lookup of the host's name is not interrupted. Any
    /// number of sessions can have the same canceller, which then ends all of them.
    pub fn canceller(mut self, canceller: &Canceller) -> Self {
        self.session = self.session.cancel_flag(canceller.flag().clone());
        self.canceller = Some(canceller.clone());
        self
    }

    /// Calls `trace` with every line of the control connection, with passwords masked
    #[doc(alias = "set_debuglevel")]
    #[doc(alias = "debugging")]
    pub fn trace(mut self, trace: impl FnMut(&Trace) + Send + 'static) -> Self {
        let trace = Mutex::new(trace);
        self.session = self.session.trace(move |line| {
            // Only one thread calls it, so the lock can't be poisoned.
            if let Ok(mut trace) = trace.lock() {
                trace(line);
            }
        });
        self
    }
}

/// The options of `ftp-session`, which unlike these can be cloned, for several sessions with one server
impl From<ftp_session::Options> for Options {
    fn from(session: ftp_session::Options) -> Self {
        Self { session, deadline: None, dialer: None, canceller: None }
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
