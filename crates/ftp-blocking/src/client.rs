//! The client: connecting, and one method per operation

use std::fmt;
use std::net::SocketAddr;

use ftp_proto::{Config, DataMode, Reply};
use ftp_session::{Error, IntoServerAddress};

use crate::canceller::Canceller;
use crate::options::Options;
use crate::session::Session;

/// A session with an FTP server
///
/// Methods wait until the server has answered, a deadline of the [`Config`] has passed, or the connection is lost.
/// Paths are bytes, as on the wire; methods accept `&str`, `&[u8]` and `Vec<u8>`.
///
/// The session remains usable after an error, unless [`Error::is_fatal`] says that it is over; after that, every call
/// returns the reason. Dropping the client closes the connection without QUIT; [`Self::quit`] sends it.
#[doc(alias = "FTP")]
#[doc(alias = "FTP_TLS")]
pub struct Client {
    pub(crate) session: Session,
}

/// Connections
impl Client {
    /// Connects to a server and waits for its greeting and, if the policy requires it, for TLS
    ///
    /// `address` is a host, or a host and a port, as text or otherwise: `"ftp.example.com"`, `"192.0.2.1:2121"`,
    /// `("2001:db8::1", 21)`, a [`SocketAddr`]; see [`IntoServerAddress`]. The default port is 21, or 990 with
    /// [`TlsPolicy::Implicit`]. A host's addresses, IPv6 and IPv4, are tried in turn.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidAddress`]; [`Error::Connect`] if no connection can be made; [`Error::Tls`] if it can't be
    /// secured; [`ConnectionError::Refused`] and [`ConnectionError::TlsRefused`] if the server refuses.
    ///
    /// [`TlsPolicy::Implicit`]: crate::TlsPolicy::Implicit
    /// [`ConnectionError::Refused`]: ftp_proto::ConnectionError::Refused
    /// [`ConnectionError::TlsRefused`]: ftp_proto::ConnectionError::TlsRefused
    pub fn connect(
        address: impl IntoServerAddress,
        options: impl Into<Options>,
    ) -> Result<Self, Error> {
        let mut session = Session::dial(address, options.into())?;
        session.rest()?;
        Ok(Self { session })
    }

    /// Connects and logs in with fewer round trips than [`Self::connect`] and [`Self::login`]: under TLS the login is
    /// sent together with the commands that protect the data connections
    ///
    /// # Errors
    ///
    /// Those of both methods.
    pub fn connect_and_login(
        address: impl IntoServerAddress,
        options: impl Into<Options>,
        user: impl AsRef<[u8]>,
        password: impl AsRef<[u8]>,
    ) -> Result<Self, Error> {
        let mut session = Session::dial(address, options.into())?;
        let op = session.begin().login(user, password);
        session.run(op)?;
        Ok(Self { session })
    }

    /// The server's greeting
    #[must_use]
    #[doc(alias = "getwelcome")]
    pub fn welcome(&self) -> Option<&Reply> {
        self.session.greeting.as_ref()
    }

    /// The remote address of the control connection: the server's, or a proxy's
    #[must_use]
    pub fn peer_addr(&self) -> SocketAddr {
        self.session.endpoints.peer
    }

    /// The local address of the control connection
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.session.endpoints.local
    }

    /// The settings, for changes: deadlines, the mode of data connections, …
    ///
    /// `tls`, `reply` and `telnet` are fixed once the connection is made. `keep_alive` must stay `None` here, because
    /// nothing runs between calls that could send one: connecting with one fails with [`Error::InvalidOption`], and
    /// one that is set here is cleared by the next call. Call [`Self::noop`] instead.
    #[doc(alias = "timeout")]
    pub fn config_mut(&mut self) -> &mut Config {
        self.session.inner.request().config_mut()
    }

    /// Sets which side opens data connections from now on
    #[doc(alias = "set_pasv")]
    pub fn set_data_mode(&mut self, mode: DataMode) {
        self.config_mut().data_mode = mode;
    }

    /// Sets the maximum length of a line, in bytes, where texts and listings are read by lines; 8192 by default
    ///
    /// It bounds the memory that a server can make the client use. Entries have a limit of their own, and replies have
    /// [`Config::reply`].
    #[doc(alias = "maxline")]
    pub fn set_line_limit(&mut self, bytes: usize) {
        self.session.line_limit = bytes;
    }

    /// Aborts whatever earlier calls left running, and waits until the server has settled; returns the server's first
    /// final reply to ABOR
    ///
    /// Something is left running if a transfer's guard was forgotten, or if a call ended at its
    /// [deadline](Options::deadline). The result is `None` if no ABOR was needed: if nothing runs, none is sent.
    /// Transfers have their own [`abort`](crate::DownloadWith::abort), and a [`Canceller`](crate::Canceller) stops a
    /// call from another thread.
    ///
    /// # Errors
    ///
    /// The error that ended the session, if the server did not settle in time.
    #[doc(alias = "ABOR")]
    pub fn abort(&mut self) -> Result<Option<Reply>, Error> {
        self.session.abort()
    }

    /// Whether the session is usable, as far as is known without asking the server
    #[must_use]
    pub fn is_connected(&self) -> bool {
        !self.session.inner.client().is_dead() && !self.session.is_cancelled()
    }

    /// Sends QUIT and closes the connection; returns the server's reply, or `None` if the server closed without one
    ///
    /// What is known of the session, such as [`Self::last_reply`], is still available; every further request returns
    /// the reason for the end.
    ///
    /// # Errors
    ///
    /// A refusal, or the error that ended the session; the connection is closed in any case.
    pub fn quit(&mut self) -> Result<Option<Reply>, Error> {
        let op = self.session.begin().quit();
        let result = self.session.run(op);
        self.session.inner.request().close();
        self.session.settle();
        result
    }

    /// Closes the connection without QUIT, as dropping does
    pub fn close(self) {}
}

/// TLS
impl Client {
    /// Secures a session that began in clear text: AUTH TLS, PBSZ 0, PROT P
    ///
    /// With [`TlsPolicy::Explicit`](crate::TlsPolicy::Explicit), connecting has already done so.
    ///
    /// Call it before the login: many servers refuse it later, and pyftpdlib forgets PROT with every login, so that
    /// [`Self::protect`] must be called again.
    ///
    /// # Errors
    ///
    /// A refusal, after which the session goes on as far as it was secured: in clear text if AUTH was refused, with
    /// [data connections](Self::protection) in clear text if PBSZ or PROT was refused. [`Error::Tls`] if the handshake
    /// fails.
    pub fn secure(&mut self) -> Result<(), Error> {
        self.session.inner.prepare_tls()?;
        let op = self.session.begin().secure();
        self.session.run(op)
    }

    /// Sends AUTH TLS alone: data connections stay in clear text until [`Self::protect`]
    ///
    /// Returns the reply to AUTH, or `None` if the connection uses TLS already and nothing was sent.
    ///
    /// # Errors
    ///
    /// As [`Self::secure`].
    #[doc(alias = "auth")]
    pub fn secure_control(&mut self) -> Result<Option<Reply>, Error> {
        self.session.inner.prepare_tls()?;
        let op = self.session.begin().secure_control();
        self.session.run(op)
    }
}

/// Cancelling
impl Client {
    /// Returns a handle that cancels this session from another thread; to cancel it while it connects, see
    /// [`Options::canceller`]
    ///
    /// The first call duplicates the descriptor of the control connection. If no descriptor is left, waits check ten
    /// times a second whether the session was cancelled.
    ///
    /// # Errors
    ///
    /// The reason why the session is over, if it is.
    pub fn canceller(&mut self) -> Result<Canceller, Error> {
        self.session.canceller()
    }
}

/// Turns each request of the list into a method that waits for its result
macro_rules! methods {
    ($(
        $(#[$group:meta])*
        impl {$(
            $(#[$meta:meta])*
            fn $name:ident($($argument:ident: $type:ty),*) -> $output:ty { $($operation:tt)* }
        )*}
    )*) => {$(
        $(#[$group])*
        ///
        /// All of these fail if the server refuses, and if the session ends: see [`Error`].
        #[expect(clippy::missing_errors_doc, reason = "said once for all")]
        impl Client {$(
            $(#[$meta])*
            pub fn $name(&mut self, $($argument: $type),*) -> Result<$output, Error> {
                let op = self.session.begin().$name($($argument),*);
                self.session.run(op)
            }
        )*}
    )*};
}

ftp_proto::requests!(methods);

ftp_session::known!(Client, client => client.session.inner);

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("host", &self.session.host)
            .field("peer", &self.session.endpoints.peer)
            .field("proto", self.session.inner.client())
            .finish_non_exhaustive()
    }
}
