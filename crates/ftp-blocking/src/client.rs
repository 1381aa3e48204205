//! The client: connecting, and a line per operation

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use ftp_proto::{Config, DataMode, Reply};
use ftp_session::{Error, IntoServerAddress, Lent};

use crate::canceller::{Cancel, Canceller};
use crate::options::Options;
use crate::session::Session;

/// A session with an FTP server
///
/// Methods wait until the server has answered, a deadline of the [`Config`] has passed, or the
/// connection is lost. Paths are bytes, as on the wire: `&str`, `&[u8]` and `Vec<u8>` will do.
///
/// After an error the session goes on, unless [`Error::is_fatal`] says that it is over; then every
/// further call returns the reason. Dropped, it closes the connection without a word;
/// [`Self::quit`] says goodbye.
#[doc(alias = "FTP")]
#[doc(alias = "FTP_TLS")]
pub struct Client {
    pub(crate) session: Session,
}

/// Connections
impl Client {
    /// Connects to a server and waits for its greeting and, if that is the policy, for TLS
    ///
    /// `address` is a host, or a host and a port, as text or otherwise: `"ftp.example.com"`, `"192.0.2.1:2121"`,
    /// `("2001:db8::1", 21)`, a [`SocketAddr`]; see [`IntoServerAddress`]. The port is by default 21, with
    /// [`TlsPolicy::Implicit`] 990. A host's addresses are tried in turn, IPv6 and IPv4.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidAddress`]; [`Error::Connect`] if there is no connection, [`Error::Tls`] if it can't be secured; of what
    /// the server may say, [`ConnectionError::Refused`] and [`ConnectionError::TlsRefused`].
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

    /// As [`Self::connect`] and [`Self::login`], in fewer round trips: under TLS the login goes along with
    /// the commands that protect the data connections
    ///
    /// # Errors
    ///
    /// As of both.
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

    /// Other end of the control connection: the server, or a proxy
    #[must_use]
    pub fn peer_addr(&self) -> SocketAddr {
        self.session.ends.peer
    }

    /// This end of the control connection
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.session.ends.local
    }

    /// The settings, to change: deadlines, the mode of data connections, …
    ///
    /// `tls`, `reply` and `telnet` are fixed when the connection is made. `keep_alive` stays
    /// `None` here, since between calls nobody is there to send one: connecting with one is
    /// [`Error::InvalidOption`], and one that is set here is cleared by the next call. Call [`Self::noop`] instead.
    #[doc(alias = "timeout")]
    pub fn config_mut(&mut self) -> &mut Config {
        self.session.inner.request().config_mut()
    }

    /// Who opens data connections from now on
    #[doc(alias = "set_pasv")]
    pub fn set_data_mode(&mut self, mode: DataMode) {
        self.config_mut().data_mode = mode;
    }

    /// How many bytes a line may have where texts and listings are read by lines; 8192
    ///
    /// A bound for what a server can make this side hold. Entries have their own, and replies
    /// [`Config::reply`].
    #[doc(alias = "maxline")]
    pub fn set_line_limit(&mut self, bytes: usize) {
        self.session.line_limit = bytes;
    }

    /// Ends what still runs of earlier calls, and waits until the server has settled; returns the server's first final
    /// reply to ABOR
    ///
    /// That is a transfer whose guard was forgotten, or a call that has ended at its
    /// [deadline](Options::deadline). `None` if no ABOR was needed: if nothing runs, none is sent. Transfers have an
    /// [`abort`](crate::DownloadWith::abort) of their own, and a [`Canceller`](crate::Canceller) stops a call from another thread.
    ///
    /// # Errors
    ///
    /// That of the session's end, if the server did not settle in time.
    #[doc(alias = "ABOR")]
    pub fn abort(&mut self) -> Result<Option<Reply>, Error> {
        self.session.abort()
    }

    /// Whether the session is usable, as far as is known without asking the server
    #[must_use]
    pub fn is_connected(&self) -> bool {
        !self.session.inner.client().is_dead() && !self.session.is_cancelled()
    }

    /// Says goodbye (QUIT) and closes the connection; returns the server's reply, `None` if the server just went
    ///
    /// What is known of the session, such as [`Self::last_reply`], can still be asked for; every further request
    /// returns the reason of the end.
    ///
    /// # Errors
    ///
    /// A refusal, or that of the session's end; the connection is closed in any case.
    pub fn quit(&mut self) -> Result<Option<Reply>, Error> {
        let op = self.session.begin().quit();
        let result = self.session.run(op);
        self.session.inner.request().close();
        self.session.settle();
        result
    }

    /// Closes the connection without a word; as dropping does
    pub fn close(self) {}
}

/// TLS
impl Client {
    /// Puts a session that began in clear text into TLS: AUTH TLS, PBSZ 0, PROT P
    ///
    /// With [`TlsPolicy::Explicit`](crate::TlsPolicy::Explicit) connecting has done so already.
    ///
    /// Before the login: many servers refuse it later, and pyftpdlib forgets PROT with every login,
    /// so that [`Self::protect`] has to follow that.
    ///
    /// # Errors
    ///
    /// A refusal, after which the session goes on as far as it was secured: in clear text if AUTH was refused, with
    /// [data connections](Self::protection) in clear text if PBSZ or PROT was; [`Error::Tls`].
    pub fn secure(&mut self) -> Result<(), Error> {
        self.session.inner.prepare_tls()?;
        let op = self.session.begin().secure();
        self.session.run(op)
    }

    /// AUTH TLS alone: data connections stay in clear text until [`Self::protect`]
    ///
    /// Returns the reply to AUTH; `None` if the connection is in TLS already, and nothing was sent.
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
    /// What cancels this session from another thread
    ///
    /// The first time it duplicates the descriptor of the control connection.
    ///
    /// # Errors
    ///
    /// Those of the system, such as that there are no descriptors left;
    /// [`NotConnected`](io::ErrorKind::NotConnected) if the session is over.
    pub fn canceller(&mut self) -> io::Result<Canceller> {
        let session = &mut self.session;
        let cancel = match &session.cancel {
            Some(cancel) => cancel,
            None => {
                let mut sockets = session.inner.sockets();
                let control = sockets.find_map(|(slot, socket, _)| match socket {
                    Lent::Stream(stream) if slot.is_control() => Some(stream.try_clone()),
                    _ => None,
                });
                let control = control.unwrap_or(Err(io::ErrorKind::NotConnected.into()))?;
                drop(sockets);
                let flag = session.inner.cancel_flag();
                session.cancel.insert(Arc::new(Cancel::new(flag, control)))
            }
        };
        Ok(Canceller(Arc::downgrade(cancel)))
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
            .field("peer", &self.session.ends.peer)
            .field("proto", self.session.inner.client())
            .finish_non_exhaustive()
    }
}
