//! The client: connecting, and one method per operation

use std::fmt;
use std::future::Future;
use std::io;

use ftp_proto::{Config, DataMode, Endpoints, Reply};
use ftp_session::{Error, IntoServerAddress, Options};

use crate::dial::{Target, dialer};
use crate::io::Connection;
use crate::session::Session;

/// A session with an FTP server
///
/// Methods wait until the server has answered, a deadline of the [`Config`] has passed, or the connection is lost.
/// Paths are bytes, as on the wire; methods accept `&str`, `&[u8]` and `Vec<u8>`.
///
/// The session remains usable after an error, unless [`Error::is_fatal`] says that it is over; after that, every call
/// returns the reason. Dropping the client closes the connection without QUIT; [`Self::quit`] sends it.
///
/// Any of its futures can be dropped: see [what that means](crate#dropping).
#[doc(alias = "FTP")]
#[doc(alias = "FTP_TLS")]
pub struct Client {
    pub(crate) session: Box<Session>,
}

/// Why a transfer that owns its client failed, with the client if the session is still usable
pub type OwnedError = ftp_session::OwnedError<Client>;

/// Connections
impl Client {
    /// Connects to a server and waits for its greeting and, if the policy requires it, for TLS
    ///
    /// `address` is a host, or a host and a port: `"ftp.example.com"`, `"192.0.2.1:2121"`, `("2001:db8::1", 21)`, a
    /// `SocketAddr`. The default port is 21, or 990 with [`TlsPolicy::Implicit`]. A host's addresses, IPv6 and IPv4,
    /// are tried in turn.
    ///
    /// # Errors
    ///
    /// [`Error::Connect`] if no connection can be made; [`Error::Tls`] if it can't be secured;
    /// [`ConnectionError::Refused`] and [`ConnectionError::TlsRefused`] if the server refuses.
    ///
    /// [`TlsPolicy::Implicit`]: crate::TlsPolicy::Implicit
    /// [`ConnectionError::Refused`]: ftp_proto::ConnectionError::Refused
    /// [`ConnectionError::TlsRefused`]: ftp_proto::ConnectionError::TlsRefused
    pub fn connect(
        address: impl IntoServerAddress,
        options: impl Into<Options>,
    ) -> impl Future<Output = Result<Self, Error>> {
        Self::greeted(Session::connect(address, options.into(), None))
    }

    /// As [`Self::connect`], over connections that the caller makes: tunnels, in-memory streams, TLS to a proxy
    ///
    /// `dial` is called for the control connection and for each data connection of passive mode. Active mode is not
    /// possible.
    ///
    /// # Errors
    ///
    /// As [`Self::connect`]; [`Error::Connect`] contains the error that `dial` returned.
    pub fn connect_with<D, F, C>(
        address: impl IntoServerAddress,
        options: impl Into<Options>,
        dial: D,
    ) -> impl Future<Output = Result<Self, Error>>
    where
        D: FnMut(Target) -> F + Send + 'static,
        F: Future<Output = io::Result<C>> + Send + 'static,
        C: Connection + 'static,
    {
        Self::greeted(Session::connect(address, options.into(), Some(dialer(dial))))
    }

    async fn greeted(
        connecting: impl Future<Output = Result<Box<Session>, Error>>,
    ) -> Result<Self, Error> {
        let mut session = connecting.await?;
        session.rest().await?;
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
    ) -> impl Future<Output = Result<Self, Error>> {
        let connecting = Session::connect(address, options.into(), None);
        async move {
            let mut session = connecting.await?;
            let op = session.inner.request().login(user, password);
            session.run(op).await?;
            Ok(Self { session })
        }
    }

    /// The server's greeting
    #[must_use]
    #[doc(alias = "getwelcome")]
    pub fn welcome(&self) -> Option<&Reply> {
        self.session.greeting.as_ref()
    }

    /// Both addresses of the control connection, where the remote one is the server's or a proxy's; `None` if the
    /// caller made the connection
    #[must_use]
    pub fn endpoints(&self) -> Option<Endpoints> {
        self.session.endpoints
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

    /// Sets the maximum length of a line, in bytes, where texts and listings are read by lines; 8192 by default, as in
    /// ftplib
    ///
    /// A longer line fails with [`Error::LineTooLong`], so a server can't make the client use unlimited memory.
    #[doc(alias = "maxline")]
    pub fn set_line_limit(&mut self, bytes: usize) {
        self.session.line_limit = bytes;
    }

    /// Sets which side opens data connections from now on
    #[doc(alias = "set_pasv")]
    pub fn set_data_mode(&mut self, mode: DataMode) {
        self.config_mut().data_mode = mode;
    }

    /// Whether the session is usable, as far as is known without asking the server
    #[must_use]
    pub fn is_connected(&self) -> bool {
        !self.session.inner.client().is_dead()
    }

    /// Sends QUIT and closes the connection; returns the server's reply, or `None` if the server closed without one
    ///
    /// What is known of the session, such as [`Self::last_reply`], is still available; every further request returns
    /// the reason for the end.
    ///
    /// # Errors
    ///
    /// A refusal, or the error that ended the session; the connection is closed in any case.
    pub async fn quit(&mut self) -> Result<Option<Reply>, Error> {
        let op = self.session.begin().await.quit();
        let result = self.session.run(op).await;
        self.session.inner.request().close();
        self.session.wait(|session| session.inner.ended()).await;
        result
    }
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
    pub async fn secure(&mut self) -> Result<(), Error> {
        self.session.inner.prepare_tls()?;
        let op = self.session.begin().await.secure();
        self.session.run(op).await
    }

    /// Sends AUTH TLS alone: data connections stay in clear text until [`Self::protect`]
    ///
    /// Returns the reply to AUTH, or `None` if the connection uses TLS already and nothing was sent.
    ///
    /// # Errors
    ///
    /// As [`Self::secure`].
    #[doc(alias = "auth")]
    pub async fn secure_control(&mut self) -> Result<Option<Reply>, Error> {
        self.session.inner.prepare_tls()?;
        let op = self.session.begin().await.secure_control();
        self.session.run(op).await
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
            pub async fn $name(&mut self, $($argument: $type),*) -> Result<$output, Error> {
                let op = self.session.begin().await.$name($($argument),*);
                self.session.run(op).await
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
            .field("endpoints", &self.session.endpoints)
            .field("proto", self.session.inner.client())
            .finish_non_exhaustive()
    }
}
