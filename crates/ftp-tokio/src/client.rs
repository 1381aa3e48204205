//! The client: connecting, and one method per operation

use std::future::Future;
use std::io;

use ftp_proto::Endpoints;
use ftp_session::{Error, IntoServerAddress, Options};

use crate::dial::{Target, dialer};
use crate::io::Connection;
use crate::session::Session;

/// A session with an FTP server
///
/// Methods wait until the server has answered, a deadline of the [`Config`](crate::Config) has passed, or the connection
/// is lost. Paths are bytes, as on the wire; methods accept `&str`, `&[u8]` and `Vec<u8>`.
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

    /// Both addresses of the control connection, where the remote one is the server's or a proxy's; `None` if the
    /// caller made the connection
    #[must_use]
    pub fn endpoints(&self) -> Option<Endpoints> {
        self.session.inner.endpoints()
    }

    /// Whether the session is usable, as far as is known without asking the server
    #[must_use]
    pub fn is_connected(&self) -> bool {
        !self.session.inner.client().is_dead()
    }
}
