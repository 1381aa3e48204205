//! The settings of a proxy

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
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
/// Active mode is not possible through [`Socks5`](Self::Socks5) and [`HttpConnect`](Self::HttpConnect), because the
/// server could not connect to this side. TLS is not possible with the two FTP forms, because it would end at the
/// proxy, which would read everything.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Proxy {
    /// SOCKS version 5 (RFC 1928), which resolves the server's name
    Socks5 {
        /// The proxy's address, usually with port 1080
        server: ProxyServer,
        /// User and password (RFC 1929), of 1 to 255 bytes each; sent only if the proxy asks for them
        login: Option<ProxyLogin>,
    },
    /// HTTP with the method CONNECT (RFC 9110 section 9.3.6), which resolves the server's name
    ///
    /// Such proxies often permit port 443 only; for FTP they must permit the control connection's port and the ports
    /// of the server's passive mode.
    HttpConnect {
        /// The proxy's address, often with port 3128 or 8080
        server: ProxyServer,
        /// User and password for the scheme Basic (RFC 7617): the user has no colon, and neither has control
        /// characters
        login: Option<ProxyLogin>,
    },
    /// A server that speaks FTP and takes the login `USER user@host` or `USER user@host:port`
    ///
    /// The password is the real server's. Port 21 is omitted.
    FtpUserAtHost {
        /// The proxy's address, usually with port 21
        server: ProxyServer,
        /// The proxy's own login, sent before that (USER, PASS)
        login: Option<ProxyLogin>,
    },
    /// A server that speaks FTP and takes `OPEN host` or `OPEN host:port` before the login
    FtpOpen {
        /// The proxy's address, usually with port 21
        server: ProxyServer,
        /// The proxy's own login, sent before that (USER, PASS)
        login: Option<ProxyLogin>,
    },
}

impl Proxy {
    /// The proxy's address
    #[must_use]
    pub const fn server(&self) -> &ProxyServer {
        match self {
            Self::Socks5 { server, .. }
            | Self::HttpConnect { server, .. }
            | Self::FtpUserAtHost { server, .. }
            | Self::FtpOpen { server, .. } => server,
        }
    }

    /// Whether it carries any connection; if so, each connection begins with a [`Handshake`](super::Handshake)
    #[must_use]
    pub const fn is_tunnel(&self) -> bool {
        matches!(self, Self::Socks5 { .. } | Self::HttpConnect { .. })
    }

    pub(super) const fn login(&self) -> Option<&ProxyLogin> {
        match self {
            Self::Socks5 { login, .. }
            | Self::HttpConnect { login, .. }
            | Self::FtpUserAtHost { login, .. }
            | Self::FtpOpen { login, .. } => login.as_ref(),
        }
    }
}

/// The address of a proxy
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a host and a port, no more")]
pub struct ProxyServer {
    /// Name or address; a name is resolved on this side
    pub host: String,
    /// TCP port
    pub port: u16,
}

impl ProxyServer {
    /// A proxy at this host and port
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
/// The password is never shown, also if the proxy repeats it, alone or in base64, in a refusal or in place of the
/// server's replies ([`ftp_proto::mask`] has the rule for short ones). It is overwritten when this is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyLogin {
    user: Box<[u8]>,
    password: Zeroizing<Box<[u8]>>,
}

impl ProxyLogin {
    /// Creates a login; [`Proxy`] says what each kind of proxy permits, which is checked when the session is created
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

    /// Returns user and password as HTTP sends them (RFC 7617 section 2)
    pub(super) fn in_base64(&self) -> Zeroizing<String> {
        let (user, password) = (self.user(), self.password());
        // Allocated in full, because growing would leave copies of the password behind.
        let mut pair = Zeroizing::new(Vec::with_capacity(user.len() + 1 + password.len()));
        pair.extend_from_slice(user);
        pair.push(b':');
        pair.extend_from_slice(password);
        let mut encoded = Zeroizing::new(String::with_capacity(pair.len().div_ceil(3) * 4));
        STANDARD.encode_string(&*pair, &mut encoded);
        encoded
    }

    /// Returns the texts that no error, reply or trace may contain
    pub(super) fn secrets(&self) -> [Zeroizing<Vec<u8>>; 2] {
        // The padding says nothing, and a proxy may omit it.
        let encoded = self.in_base64().trim_end_matches('=').into();
        [Zeroizing::new(self.password().into()), Zeroizing::new(encoded)]
    }

    /// Masks the login in a text
    pub(super) fn mask<'text>(&self, text: &'text [u8]) -> Cow<'text, [u8]> {
        let [password, encoded] = &self.secrets();
        ftp_proto::mask(text, &[password, encoded])
    }
}

impl fmt::Debug for ProxyLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} with a password", self.user.escape_ascii().to_string())
    }
}
