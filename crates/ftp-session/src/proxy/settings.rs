//! What is to be known of a proxy

use std::fmt;

use zeroize::Zeroizing;

/// A proxy through which a session reaches its server
///
/// ```
/// use ftp_session::{Config, Options, TlsPolicy};
/// use ftp_session::proxy::{Proxy, ProxyLogin, ProxyServer};
///
/// let login = ProxyLogin::new("me", "secret");
/// let proxy = Proxy::Socks5 { server: ProxyServer::new("127.0.0.1", 1080), login: Some(login) };
/// let options = Options::new(Config::new(TlsPolicy::Explicit)).host("ftp.example.org").proxy(proxy);
/// ```
///
/// Active mode is not possible through [`Socks5`](Self::Socks5) and [`HttpConnect`](Self::HttpConnect): the server
/// could not connect to this side. TLS is not possible with the two FTP forms: it would end at the proxy, which would
/// read everything.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Proxy {
    /// SOCKS version 5 (RFC 1928), which resolves the server's name
    Socks5 {
        /// Where it listens, usually on port 1080
        server: ProxyServer,
        /// User and password (RFC 1929), of 1 to 255 bytes each; the proxy may do without them
        login: Option<ProxyLogin>,
    },
    /// HTTP with the method CONNECT (RFC 9110 section 9.3.6), which resolves the server's name
    ///
    /// Such proxies often permit port 443 only; for FTP they have to permit the control connection's port and those
    /// of the server's passive mode.
    HttpConnect {
        /// Where it listens, often on port 3128 or 8080
        server: ProxyServer,
        /// User and password for the scheme Basic (RFC 7617): the user has no colon, neither has control characters
        login: Option<ProxyLogin>,
    },
    /// A server that speaks FTP and is logged in to with `USER user@host` or `USER user@host:port`
    ///
    /// The password is the real server's. The port 21 is not named.
    FtpUserAtHost {
        /// Where it listens, usually on port 21
        server: ProxyServer,
        /// What it is logged in to with before that (USER, PASS)
        login: Option<ProxyLogin>,
    },
    /// A server that speaks FTP and is told `OPEN host` or `OPEN host:port` before the login
    FtpOpen {
        /// Where it listens, usually on port 21
        server: ProxyServer,
        /// What it is logged in to with before that (USER, PASS)
        login: Option<ProxyLogin>,
    },
}

impl Proxy {
    /// Where it listens
    #[must_use]
    pub const fn server(&self) -> &ProxyServer {
        match self {
            Self::Socks5 { server, .. }
            | Self::HttpConnect { server, .. }
            | Self::FtpUserAtHost { server, .. }
            | Self::FtpOpen { server, .. } => server,
        }
    }

    /// Whether it carries any connection: then it is asked for each with a [`Handshake`](super::Handshake)
    #[must_use]
    pub const fn is_tunnel(&self) -> bool {
        matches!(self, Self::Socks5 { .. } | Self::HttpConnect { .. })
    }
}

/// Where a proxy listens
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a host and a port, no more")]
pub struct ProxyServer {
    /// Name or address; it is this side that resolves it
    pub host: String,
    /// TCP port
    pub port: u16,
}

impl ProxyServer {
    /// A proxy on this host and port
    #[must_use]
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self { host: host.into(), port }
    }
}

impl fmt::Display for ProxyServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} port {}", self.host.escape_debug(), self.port)
    }
}

/// User and password for a proxy
///
/// The password is not shown, and it is overwritten when this is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyLogin {
    user: Box<[u8]>,
    password: Zeroizing<Box<[u8]>>,
}

impl ProxyLogin {
    /// What each kind of proxy permits, [`Proxy`] tells; it is checked when the session is made
    #[must_use]
    pub fn new(user: impl AsRef<[u8]>, password: impl AsRef<[u8]>) -> Self {
        Self { user: user.as_ref().into(), password: Zeroizing::new(password.as_ref().into()) }
    }

    /// The user
    #[must_use]
    pub fn user(&self) -> &[u8] {
        &self.user
    }

    pub(crate) fn password(&self) -> &[u8] {
        &self.password
    }
}

impl fmt::Debug for ProxyLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} with a password", self.user.escape_ascii().to_string())
    }
}
