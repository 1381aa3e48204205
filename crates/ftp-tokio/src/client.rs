//! The client: connecting, and a line per operation

use std::fmt;
use std::future::Future;
use std::io;

use ftp_proto::{Config, DataMode, Ends, Reply};
use ftp_session::{Error, IntoServerAddress, Options};

use crate::dial::{Target, dialer};
use crate::io::Connection;
use crate::session::Session;

/// A session with an FTP server
///
/// Methods wait until the server has answered, a deadline of the [`Config`] has passed, or the connection is lost.
/// Paths are bytes, as on the wire: `&str`, `&[u8]` and `Vec<u8>` will do.
///
/// After an error the session goes on, unless [`Error::is_fatal`] says that it is over; then every further call
/// returns the reason. Dropped, it closes the connection without a word; [`Self::quit`] says goodbye.
///
/// Any future of it can be dropped: see [what that means](crate#dropping).
#[doc(alias = "FTP")]
#[doc(alias = "FTP_TLS")]
pub struct Client {
    pub(crate) session: Box<Session>,
}

/// Why a transfer that has its client failed, and the client if the session goes on
pub type OwnedError = ftp_session::OwnedError<Client>;

/// Connections
impl Client {
    /// Connects to a server and waits for its greeting and, if that is the policy, for TLS
    ///
    /// `address` is a host, or a host and a port: `"ftp.example.com"`, `"192.0.2.1:2121"`, `("2001:db8::1", 21)`, a
    /// `SocketAddr`. The port is by default 21, with [`TlsPolicy::Implicit`] 990. A host's addresses are tried in turn,
    /// IPv6 and IPv4.
    ///
    /// # Errors
    ///
    /// [`Error::Connect`] if there is no connection, [`Error::Tls`] if it can't be secured; of what the server may
    /// say, [`ConnectionError::Refused`] and [`ConnectionError::TlsRefused`].
    ///
    /// [`TlsPolicy::Implicit`]: crate::TlsPolicy::Implicit
    /// [`ConnectionError::Refused`]: ftp_proto::ConnectionError::Refused
    /// [`ConnectionError::TlsRefused`]: ftp_proto::ConnectionError::TlsRefused
    pub async fn connect(
        address: impl IntoServerAddress,
        options: impl Into<Options>,
    ) -> Result<Self, Error> {
        let session = Session::connect(address, options.into(), None).await?;
        Self::greeted(session).await
    }

    /// As [`Self::connect`], over connections that the caller makes: tunnels, streams in memory, a proxy's own TLS
    ///
    /// `dial` is called for the control connection and for each data connection of passive mode. Active mode is not
    /// possible.
    ///
    /// # Errors
    ///
    /// As [`Self::connect`]; [`Error::Connect`] holds what `dial` returned.
    pub async fn connect_with<D, F, C>(
        address: impl IntoServerAddress,
        options: impl Into<Options>,
        dial: D,
    ) -> Result<Self, Error>
    where
        D: FnMut(Target) -> F + Send + 'static,
        F: Future<Output = io::Result<C>> + Send + 'static,
        C: Connection + 'static,
    {
        let dialer = Some(dialer(dial));
        let session = Session::connect(address, options.into(), dialer).await?;
        Self::greeted(session).await
    }

    async fn greeted(mut session: Box<Session>) -> Result<Self, Error> {
        session.rest().await?;
        Ok(Self { session })
    }

    /// As [`Self::connect`] and [`Self::login`], in fewer round trips: under TLS the login goes along with the
    /// commands that protect the data connections
    ///
    /// # Errors
    ///
    /// As of both.
    pub async fn connect_and_login(
        address: impl IntoServerAddress,
        options: impl Into<Options>,
        user: impl AsRef<[u8]>,
        password: impl AsRef<[u8]>,
    ) -> Result<Self, Error> {
        let mut session = Session::connect(address, options.into(), None).await?;
        let op = session.inner.request().login(user, password);
        session.run(op).await?;
        Ok(Self { session })
    }

    /// The server's greeting
    #[must_use]
    #[doc(alias = "getwelcome")]
    pub fn welcome(&self) -> Option<&Reply> {
        self.session.greeting.as_ref()
    }

    /// Both ends of the control connection, of which the other is the server, or a proxy; `None` if the caller has
    /// made it
    #[must_use]
    pub fn ends(&self) -> Option<Ends> {
        self.session.ends
    }

    /// The settings, to change: deadlines, the mode of data connections, …
    ///
    /// `tls`, `reply` and `telnet` are fixed when the connection is made. `keep_alive` stays `None`
    /// here, since between calls nobody is there to send one: connecting with one is [`Error::InvalidOption`], and one
    /// that is set here is cleared by the next call. Call [`Self::noop`] instead.
    #[doc(alias = "timeout")]
    pub fn config_mut(&mut self) -> &mut Config {
        self.session.inner.request().config_mut()
    }

    /// How many bytes a line may have where texts and listings are read by lines; 8192
    ///
    /// As in ftplib. A longer one is an error, [`Error::LineTooLong`], so a server can't make this side hold as much as
    /// it likes.
    #[doc(alias = "maxline")]
    pub fn set_line_limit(&mut self, bytes: usize) {
        self.session.line_limit = bytes;
    }

    /// Who opens data connections from now on
    #[doc(alias = "set_pasv")]
    pub fn set_data_mode(&mut self, mode: DataMode) {
        self.config_mut().data_mode = mode;
    }

    /// Whether the session is usable, as far as is known without asking the server
    #[must_use]
    pub fn is_connected(&self) -> bool {
        !self.session.inner.client().is_dead()
    }

    /// Says goodbye (QUIT) and closes the connection; returns the server's reply, `None` if the server just went
    ///
    /// What is known of the session, such as [`Self::last_reply`], can still be asked for; every further request
    /// returns the reason of the end.
    ///
    /// # Errors
    ///
    /// A refusal, or that of the session's end; the connection is closed in any case.
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
    /// Puts a session that began in clear text into TLS: AUTH TLS, PBSZ 0, PROT P
    ///
    /// With [`TlsPolicy::Explicit`](crate::TlsPolicy::Explicit) connecting has done so already.
    ///
    /// Before the login: many servers refuse it later, and pyftpdlib forgets PROT with every login, so that
    /// [`Self::protect`] has to follow that.
    ///
    /// # Errors
    ///
    /// A refusal, after which the session goes on as far as it was secured: in clear text if AUTH was refused, with
    /// [data connections](Self::protection) in clear text if PBSZ or PROT was; [`Error::Tls`].
    pub async fn secure(&mut self) -> Result<(), Error> {
        self.session.inner.prepare_tls()?;
        let op = self.session.begin().await.secure();
        self.session.run(op).await
    }

    /// AUTH TLS alone: data connections stay in clear text until [`Self::protect`]
    ///
    /// Returns the reply to AUTH; `None` if the connection is in TLS already, and nothing was sent.
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

/// Writes the requests of the list as methods that wait for their results
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
            .field("ends", &self.session.ends)
            .field("proto", self.session.inner.client())
            .finish_non_exhaustive()
    }
}
