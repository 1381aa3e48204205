//! The client: connecting, and one method per operation

use std::net::SocketAddr;

use ftp_proto::Reply;
use ftp_session::{Error, IntoServerAddress};

use crate::canceller::Canceller;
use crate::options::Options;
use crate::session::Session;

/// A session with an FTP server
///
/// Methods wait until the server has answered, a deadline of the [`Config`](crate::Config) has passed, or the connection
/// is lost. Paths are bytes, as on the wire; methods accept `&str`, `&[u8]` and `Vec<u8>`.
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
        let _call = session.clock.go_on();
        let op = session.begin().login(user, password);
        session.run(op)?;
        Ok(Self { session })
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

    /// Closes the connection without QUIT, as dropping does
    pub fn close(self) {}
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
