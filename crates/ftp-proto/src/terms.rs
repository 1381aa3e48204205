//! The terms that every layer uses: data connections, directions, protection, phases

use core::fmt;
use core::net::{IpAddr, SocketAddr};
use core::ops::RangeInclusive;

use crate::control::command::Verb;

/// How a data connection is established
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "part of the driver's duty")]
pub enum DataEndpoint {
    /// Connect to the server
    Connect {
        /// Which host
        host: DataHost,
        /// TCP port, never 0
        port: u16,
    },
    /// Listen on the local address of the control connection
    Listen {
        /// Address family of the control connection
        family: IpFamily,
        /// Ports to choose from; `None`: any
        ports: Option<RangeInclusive<u16>>,
    },
}

/// The host of a passive data connection
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "part of the driver's duty")]
pub enum DataHost {
    /// The host that the control connection goes to, through the same proxy if there is one
    ControlPeer,
    /// An address that the server chose; only if the caller has chosen to trust it
    Address(IpAddr),
}

/// Address family of the control connection
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "RFC 2428 has these two")]
pub enum IpFamily {
    /// IPv4, and IPv4 addresses mapped into IPv6
    V4,
    /// IPv6
    V6,
}

impl IpFamily {
    /// Returns the family of the control connection's peer
    #[must_use]
    pub const fn of(address: &SocketAddr) -> Self {
        match address {
            SocketAddr::V4(_) => Self::V4,
            SocketAddr::V6(v6) if v6.ip().to_ipv4_mapped().is_some() => Self::V4,
            SocketAddr::V6(_) => Self::V6,
        }
    }
}

/// Which way the bytes of a transfer go
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "there are two ways")]
pub enum Direction {
    /// Server to client: RETR and the listings
    Download,
    /// Client to server: STOR, APPE, STOU
    Upload,
}

/// How the driver converts the bytes between the network and the user
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "part of the driver's duty")]
pub enum Encoding {
    /// Not at all: TYPE I, and listings, whose parser accepts any line ending
    Image,
    /// Line endings are converted by [`AsciiDecoder`](crate::AsciiDecoder) or
    /// [`AsciiEncoder`](crate::AsciiEncoder): TYPE A
    Ascii,
}

/// Identifies a data connection, so that late events of an earlier one are ignored
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct DataId(pub(crate) u32);

impl fmt::Debug for DataId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// Which TLS session a data connection uses
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "part of the driver's duty")]
pub enum TlsSession {
    /// The session of the control connection, or one derived from it
    Resumed,
    /// A new session: servers may refuse the transfer for that reason
    New,
}

/// Why a data connection failed, in as much detail as decisions depend on
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum DataFailure {
    /// It could not connect or listen
    #[error("it could not be opened")]
    Open,
    /// It broke while it was open
    #[error("it broke")]
    Broken,
    /// The TLS handshake or a record failed
    #[error("TLS failed on it")]
    Tls,
    /// The server sent bytes during an upload
    #[error("the server sent data during an upload")]
    UnexpectedData,
    /// The server announced success without ever having opened it (active mode)
    #[error("the server never opened it")]
    NeverOpened,
}

/// What the client was waiting for when a deadline passed
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// The greeting
    Greeting,
    /// The TLS handshake of the control connection, or its end after CCC
    ControlTls,
    /// The reply to a command
    Reply(Verb),
    /// The data connection to open, in passive mode
    DataConnect,
    /// The server to connect, in active mode
    DataAccept,
    /// The TLS handshake of the data connection
    DataTls,
    /// Bytes on the data connection
    Transfer,
    /// The final reply of a transfer whose data has all been transferred
    FinalReply,
    /// The final reply of a transfer between two servers
    RemoteTransfer,
    /// Settling after a transfer that was interrupted
    Settle,
    /// The keep-alive of an idle session
    KeepAlive,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Greeting => f.write_str("the greeting"),
            Self::ControlTls => f.write_str("TLS on the control connection"),
            Self::Reply(verb) => write!(f, "the reply to {verb}"),
            Self::DataConnect => f.write_str("the data connection to open"),
            Self::DataAccept => f.write_str("the server to open the data connection"),
            Self::DataTls => f.write_str("TLS on the data connection"),
            Self::Transfer => f.write_str("progress on the data connection"),
            Self::FinalReply => f.write_str("the final reply of the transfer"),
            Self::RemoteTransfer => f.write_str("the transfer between two servers to end"),
            Self::Settle => f.write_str("the server to settle after an interrupted transfer"),
            Self::KeepAlive => f.write_str("the next keep-alive"),
        }
    }
}

/// Representation type of transfers (RFC 959 section 3.1.1)
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "EBCDIC and local byte sizes are out of scope")]
pub enum TransferType {
    /// TYPE I: the bytes are transferred unchanged
    Image,
    /// TYPE A: text, with CRLF line endings on the network
    Ascii,
}

/// Protection level of data connections (RFC 2228 section 3, RFC 4217 section 9)
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "TLS knows no other level, RFC 4217 section 9")]
pub enum Protection {
    /// PROT C: clear text
    Clear,
    /// PROT P: TLS
    Private,
}
