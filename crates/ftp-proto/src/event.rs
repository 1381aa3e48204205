//! What comes out of the machine (actions, events) and what drivers report back

use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, SocketAddr};
use core::ops::RangeInclusive;

use crate::control::command::Verb;
use crate::control::escaped::Readable;
use crate::control::reply::Reply;
use crate::error::{ConnectionError, Error};
use crate::op::{Op, OpId, Outcome, Output};

/// An order to the driver
///
/// Exhaustive on purpose: a new duty breaks the build of every driver.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "a new duty must break the build of every driver")]
pub enum Action {
    /// Do the TLS handshake on the control connection, then report [`ControlEvent::Secured`]
    SecureControl,
    /// Exchange close_notify and go on in clear text, then report [`ControlEvent::Cleared`]
    ClearControl,
    /// Open a data connection, then report [`DataEvent::Connected`], or
    /// [`DataEvent::Listening`] at once and [`DataEvent::Accepted`] later
    OpenData(DataId, DataEndpoint),
    /// Do the TLS handshake as TLS client on the data connection, then report
    /// [`DataEvent::Secured`]
    SecureData(DataId),
    /// Move the bytes: report [`DataEvent::Progress`] as they pass, [`DataEvent::Finished`] at
    /// the end
    ///
    /// An upload is finished when its last byte was flushed and its end signalled (close_notify,
    /// half-close) and the server's end has been read or was given up. A driver may report a
    /// download's bytes before this order.
    StartTransfer(DataId, Direction, Encoding),
    /// Nobody wants the bytes of this download any more: read it to its end all the same, throw them
    /// away, and go on reporting
    ///
    /// Given for listings that are aborted, instead of closing: Pure-FTPd would send what it still had of
    /// this listing at the beginning of the next one.
    Discard(DataId),
    /// Close the data connection or listener; reports about it are ignored from here on
    CloseData(DataId),
    /// Close the control connection; the session is over
    CloseControl,
}

/// Where a data connection comes from
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
        /// Address family, the control connection's
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
    /// An address of the server's choosing; only if the caller chose to trust it
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
    /// Family of the control connection's peer
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

/// What the driver does to the bytes between the network and the user
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "part of the driver's duty")]
pub enum Encoding {
    /// Nothing: TYPE I, and listings, whose parser takes any line end
    Image,
    /// Line ends by [`AsciiDecoder`](crate::AsciiDecoder) or
    /// [`AsciiEncoder`](crate::AsciiEncoder): TYPE A
    Ascii,
}

/// Name of a data connection: late news about an old one is ignored
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct DataId(pub(crate) u32);

impl fmt::Debug for DataId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// News about the control connection, from the driver
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "part of the driver's duty")]
pub enum ControlEvent {
    /// The connection has opened only now, behind [`Client::new`](crate::Client::new), to an address
    /// of this family: the wait for the greeting begins
    ///
    /// For drivers that take requests while they connect.
    Connected(IpFamily),
    /// The TLS handshake is done and the certificate was accepted
    Secured,
    /// TLS is over and the connection goes on in clear text
    Cleared,
    /// The connection ended: EOF, reset, failed handshake
    Closed,
}

/// News about a data connection, from the driver
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "part of the driver's duty")]
pub enum DataEvent {
    /// Listening here: the control connection's local address with the port
    Listening(SocketAddr),
    /// Connected to the server
    Connected,
    /// The server has connected; the machine compares, the driver does not judge
    Accepted {
        /// Who connected
        peer: IpAddr,
        /// The other end of the control connection
        control_peer: IpAddr,
    },
    /// The TLS handshake is done
    Secured(TlsSession),
    /// This many further bytes have passed: what the network carries inside TLS, so before an
    /// ASCII download is decoded and after an ASCII upload is encoded
    Progress(u64),
    /// The end: a download's EOF (with close_notify, under TLS), an upload all sent and closed
    Finished,
    /// A download's EOF without TLS's close_notify
    Truncated,
    /// The connection could not be opened or secured, or broke
    Failed(DataFailure),
}

/// Which TLS session a data connection uses
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "part of the driver's duty")]
pub enum TlsSession {
    /// That of the control connection, or one that followed from it
    Resumed,
    /// One of its own: servers may refuse the transfer for that (Q84)
    New,
}

/// Why a data connection failed, as far as a decision may hang on it
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum DataFailure {
    /// Could not connect or listen
    #[error("it could not be opened")]
    Open,
    /// Broke while it was open
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

/// News for the application
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The server's greeting (220, or 230 where no login is needed)
    Greeting(Reply),
    /// The server has begun a transfer (1yz)
    TransferStarted {
        /// Which one
        op: OpId,
        /// Size that the reply's text tells, in bytes; a hint, servers differ in what they count
        size_hint: Option<u64>,
    },
    /// A request has ended
    Completed(Completion),
    /// A line of the control connection, if [`Config::trace`](crate::Config::trace) asks for it
    Trace(Trace),
    /// The session is over; emitted once, after the completions of all requests made before
    Closed(ConnectionError),
}

/// The end of a request: its result waits to be claimed
#[derive(Debug)]
pub struct Completion {
    pub(crate) op: OpId,
    pub(crate) result: Option<Result<Outcome, Error>>,
}

impl Completion {
    /// Which request
    #[must_use]
    pub const fn op(&self) -> OpId {
        self.op
    }

    /// The result, if `op` is the request that ended; `None` otherwise, and the second time
    pub fn take<T: Output>(&mut self, op: Op<T>) -> Option<Result<T, Error>> {
        if op.id() != self.op {
            return None;
        }
        match self.result.take()? {
            Ok(outcome) => match T::from_outcome(outcome) {
                Ok(value) => Some(Ok(value)),
                // A claim made on another client: leave the result to its owner.
                Err(outcome) => {
                    self.result = Some(Ok(outcome));
                    None
                }
            },
            Err(error) => Some(Err(error)),
        }
    }

    /// The error, if the request failed and its result was not taken yet
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        self.result.as_ref()?.as_ref().err()
    }
}

/// A line of the control connection with secrets masked
#[derive(Clone, PartialEq, Eq)]
pub struct Trace {
    pub(crate) direction: TraceDirection,
    pub(crate) line: Vec<u8>,
}

/// Which way a traced line went
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "there are two ways")]
pub enum TraceDirection {
    /// Client to server
    Sent,
    /// Server to client
    Received,
}

impl Trace {
    /// Which way the line went
    #[must_use]
    pub const fn direction(&self) -> TraceDirection {
        self.direction
    }

    /// The line without its end; PASS and ACCT show `****`
    #[must_use]
    pub fn line(&self) -> &[u8] {
        &self.line
    }
}

/// `> RETR f` or `< 226 done`, unprintable bytes escaped
impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.direction {
            TraceDirection::Sent => '>',
            TraceDirection::Received => '<',
        };
        write!(f, "{mark} {}", Readable(&self.line))
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Trace({self})")
    }
}

/// What a deadline was for
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// The greeting
    Greeting,
    /// The TLS handshake of the control connection, or its end after CCC
    ControlTls,
    /// The reply to a command
    Reply(Verb),
    /// The data connection to open, passive mode
    DataConnect,
    /// The server to connect, active mode
    DataAccept,
    /// The TLS handshake of the data connection
    DataTls,
    /// Bytes on the data connection
    Transfer,
    /// The final reply of a transfer whose data has all passed
    FinalReply,
    /// The final reply of a transfer between two servers
    RemoteTransfer,
    /// Settling after a transfer that was cut short
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
            Self::Transfer => f.write_str("bytes on the data connection"),
            Self::FinalReply => f.write_str("the final reply of the transfer"),
            Self::RemoteTransfer => f.write_str("the transfer between two servers to end"),
            Self::Settle => f.write_str("the server to settle after a cut transfer"),
            Self::KeepAlive => f.write_str("the next keep-alive"),
        }
    }
}
