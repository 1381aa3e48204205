//! Addresses of servers, as users give them

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::str::FromStr;

/// A server's host and, if one was given, its port
///
/// ```
/// use ftp_session::ServerAddress;
///
/// let address: ServerAddress = "[2001:db8::1]:2121".parse()?;
/// assert_eq!((address.host(), address.port()), ("2001:db8::1", Some(2121)));
/// # Ok::<(), ftp_session::AddressError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerAddress {
    host: String,
    port: Option<u16>,
}

impl ServerAddress {
    /// The host: a name or an address, without brackets
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, if one was given
    #[must_use]
    pub const fn port(&self) -> Option<u16> {
        self.port
    }

    /// Makes an address from a host, which may be in brackets, and the port after it
    fn new(host: &str, port: Option<u16>, text: &str) -> Result<Self, AddressError> {
        let invalid = || AddressError::Malformed { text: shown(text) };
        let bare = match host.strip_prefix('[') {
            Some(rest) => rest.strip_suffix(']').ok_or_else(invalid)?,
            None => host,
        };
        let unfit = |byte: u8| byte <= b' ' || byte == 0x7f || b"[]/@".contains(&byte);
        if bare.is_empty() || bare.bytes().any(unfit) {
            return Err(invalid());
        }
        // A host with a colon is an IPv6 address, which may have a zone.
        let address = bare.split_once('%').map_or(bare, |(address, _)| address);
        if bare.contains(':') && address.parse::<Ipv6Addr>().is_err() {
            return Err(invalid());
        }
        Ok(Self { host: bare.to_owned(), port })
    }
}

/// `host`, `host:port`, `::1`, `[::1]`, `[::1]:port`
impl FromStr for ServerAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if let Some((scheme, rest)) = text.split_once("://") {
            return Err(AddressError::of_url(scheme, rest));
        }
        let invalid = || AddressError::Malformed { text: shown(text) };
        if text.contains('@') {
            return Err(AddressError::NamesUser);
        }
        let after_bracket = text.rfind(']').unwrap_or(0);
        let (host, port) = match text[after_bracket..].split_once(':') {
            // With several colons it is an IPv6 address without brackets.
            Some((_, port)) if port.contains(':') => (text, None),
            Some((host, port)) => (&text[..after_bracket + host.len()], Some(port)),
            None => (text, None),
        };
        // `parse` alone would accept a sign.
        let port = match port {
            Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(port.parse().map_err(|_| invalid())?)
            }
            Some(_) => return Err(invalid()),
            None => None,
        };
        Self::new(host, port, text)
    }
}

/// Types that name a server: a host or an address, with or without a port
///
/// | type | example |
/// |---|---|
/// | `&str`, `String` | `"ftp.example.org"`, `"ftp.example.org:2121"`, `"::1"`, `"[::1]"`, `"[::1]:2121"` |
/// | `(host, port)` | `("ftp.example.org", 2121)`, `("::1", 21)`, `(Ipv4Addr::LOCALHOST, 21)` |
/// | [`IpAddr`] and its kinds | `Ipv6Addr::LOCALHOST` |
/// | [`SocketAddr`] and its kinds | `listener.local_addr()?` |
/// | [`ServerAddress`] | an address that was parsed before |
///
/// A URL is rejected, and the error says what to give instead.
pub trait IntoServerAddress {
    /// The host, and the port if there is one
    ///
    /// # Errors
    ///
    /// The text is not an address.
    fn into_server_address(self) -> Result<ServerAddress, AddressError>;
}

impl IntoServerAddress for ServerAddress {
    fn into_server_address(self) -> Result<ServerAddress, AddressError> {
        Ok(self)
    }
}

/// Makes an address from a host that must not contain a port
fn host_and_port(host: &str, port: u16) -> Result<ServerAddress, AddressError> {
    if let Some((scheme, rest)) = host.split_once("://") {
        return Err(AddressError::of_url(scheme, rest));
    }
    if host.contains('@') {
        return Err(AddressError::NamesUser);
    }
    ServerAddress::new(host, Some(port), host)
}

macro_rules! of_texts {
    ($($text:ty),*) => {$(
        impl IntoServerAddress for $text {
            fn into_server_address(self) -> Result<ServerAddress, AddressError> {
                self.parse()
            }
        }

        impl IntoServerAddress for ($text, u16) {
            fn into_server_address(self) -> Result<ServerAddress, AddressError> {
                host_and_port(&self.0, self.1)
            }
        }
    )*};
}

of_texts!(&str, String, &String);

macro_rules! of_addresses {
    ($($address:ty),*) => {$(
        impl IntoServerAddress for $address {
            fn into_server_address(self) -> Result<ServerAddress, AddressError> {
                Ok(ServerAddress { host: self.to_string(), port: None })
            }
        }

        impl IntoServerAddress for ($address, u16) {
            fn into_server_address(self) -> Result<ServerAddress, AddressError> {
                Ok(ServerAddress { host: self.0.to_string(), port: Some(self.1) })
            }
        }
    )*};
}

of_addresses!(IpAddr, Ipv4Addr, Ipv6Addr);

impl IntoServerAddress for SocketAddr {
    fn into_server_address(self) -> Result<ServerAddress, AddressError> {
        match self {
            Self::V4(address) => address.into_server_address(),
            Self::V6(address) => address.into_server_address(),
        }
    }
}

impl IntoServerAddress for SocketAddrV4 {
    fn into_server_address(self) -> Result<ServerAddress, AddressError> {
        (*self.ip(), self.port()).into_server_address()
    }
}

/// Keeps the zone, which a link-local address needs
impl IntoServerAddress for SocketAddrV6 {
    fn into_server_address(self) -> Result<ServerAddress, AddressError> {
        let host = match self.scope_id() {
            0 => self.ip().to_string(),
            zone => format!("{}%{zone}", self.ip()),
        };
        Ok(ServerAddress { host, port: Some(self.port()) })
    }
}

/// Text that is not the address of a server
///
/// The message never shows a part that may be a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// The text is neither a host nor a host and a port
    #[error(
        "{text:?} is not a host, or a host and a port, such as ftp.example.org:21 or [2001:db8::1]:21"
    )]
    Malformed {
        /// The text
        text: String,
    },
    /// The text is a URL
    #[error("{}", Url(.scheme, .host))]
    Url {
        /// The scheme: the text before `://`
        scheme: String,
        /// Its host, with the port if it has one; empty if it has no host
        host: String,
    },
    /// The text contains an `@`
    #[error(
        "the address contains a user name: pass only the host, and the name and password to the login"
    )]
    NamesUser,
}

impl AddressError {
    fn of_url(scheme: &str, rest: &str) -> Self {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host = authority.rsplit('@').next().unwrap_or_default();
        Self::Url { scheme: shown(scheme), host: shown(host) }
    }
}

/// The part of a text that is short enough for an error message
fn shown(text: &str) -> String {
    text.chars().take(256).collect()
}

struct Url<'a>(&'a str, &'a str);

impl fmt::Display for Url<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(scheme, host) = *self;
        write!(f, "a URL ({}://…) instead of an address: ", scheme.escape_debug())?;
        let policy = match &*scheme.to_ascii_lowercase() {
            "ftp" => "",
            "ftps" => {
                ", with TlsPolicy::Implicit, or TlsPolicy::Explicit if the server's port is 21"
            }
            "ftpes" => ", with TlsPolicy::Explicit",
            "sftp" | "scp" => {
                return f.write_str("SFTP is a part of SSH, which this client does not support");
            }
            _ => {
                return f
                    .write_str("the scheme is not one of FTP; pass a host, or a host and a port");
            }
        };
        match host {
            "" => f.write_str("give the host, or the host and the port")?,
            host => write!(f, "give {host:?}")?,
        }
        write!(f, "{policy}; user and path go to the login and the requests")
    }
}

/// A local address to connect from; port 0 means any port
///
/// An unspecified address (`0.0.0.0`, `::`) with a port stands for any address of either family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceAddress(pub(crate) SocketAddr);

impl SourceAddress {
    /// The address to bind for a connection to `to`; `None` if it is of another family
    pub(crate) fn towards(self, to: SocketAddr) -> Option<SocketAddr> {
        let Self(source) = self;
        if source.is_ipv4() == to.is_ipv4() {
            return Some(source);
        }
        let any: IpAddr = match to {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        source.ip().is_unspecified().then(|| SocketAddr::new(any, source.port()))
    }
}

macro_rules! sources {
    ($given:ident => $source:expr, $($address:ty),*) => {$(
        impl From<$address> for SourceAddress {
            fn from($given: $address) -> Self {
                Self($source.into())
            }
        }
    )*};
}

sources!(address => (address, 0), IpAddr, Ipv4Addr, Ipv6Addr);
sources!(address => address, SocketAddr, SocketAddrV4, SocketAddrV6);

#[cfg(test)]
mod tests;
