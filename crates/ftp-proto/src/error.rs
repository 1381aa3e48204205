//! What can go wrong, and whether the session lives on
//!
//! Two families, as in quinn: [`Error`] ends one request, [`ConnectionError`] ends the session
//! and everything queued in it. [`Error::is_fatal`] tells which.

#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use core::net::IpAddr;

use crate::control::command::{ArgumentError, Verb};
use crate::control::escaped::Readable;
use crate::control::reply::{Code, Reply, ReplyError, ReplyKind};
use crate::terms::{DataFailure, Phase};

/// Why a request failed
///
/// The session is usable afterwards, unless [`Self::is_fatal`] says otherwise.
///
/// # When to retry what
///
/// `transient` is [`Self::is_transient`], and so on. Where both `auth` and `transient` could be said, it is
/// `auth`: a wrong password that is tried again and again locks the account. A session that is over
/// (`fatal`) has to be replaced first.
///
/// | Error | transient | fatal | missing | auth | timeout | What to do |
/// |---|---|---|---|---|---|---|
/// | `Transient` | yes | | | | | wait a little, then again |
/// | `Transient`: 430, 530, 532 | | | | yes | | other credentials |
/// | `Permanent` | | | | | | nothing: the server will say the same |
/// | `Permanent`: 530, 532 | | | | yes | | log in, or other credentials |
/// | `Permanent`: 550 that says so | | | yes | | | the file is not there |
/// | `UnexpectedReply` | | | | | | report it: server and client understand the command differently |
/// | `InvalidReply` | | | | | | the same |
/// | `NoDirectory` | | | yes | | | the directory is not there |
/// | `UnreadableDirectory` | | | | | | the server's operator: rights, or a program that is missing |
/// | `InvalidArgument` | | | | | | another argument; nothing was sent |
/// | `TlsRequired` | | | | | | connect with another [`TlsPolicy`](crate::TlsPolicy) |
/// | `AccountRequired` | | | | yes | | log in with an account |
/// | `GatewayRefused` with 4yz | yes | | | | | wait a little, then again |
/// | `GatewayRefused`: 430, 530, 532 | | | | yes | | other credentials for the proxy |
/// | `GatewayRefused` with 5yz | | | | | | ask the proxy's operator |
/// | `NoSessionTicket` | yes | | | | | again after a login on a new connection |
/// | `ResumptionRequired` | yes | | | | | the same |
/// | `ResumptionRequired` with `end` | yes | yes | | | | the same |
/// | `DataConnection` | yes | | | | | again; if it never opens: firewall, [`DataMode`](crate::DataMode) |
/// | `DataConnection`: `Tls` | | | | | | look at the certificate: somebody may intercept |
/// | `DataTimedOut` | yes | | | | yes | again, a download with an offset |
/// | `ForeignPeer` | | | | | | passive mode |
/// | `Truncated` | yes | | | | | [resume](crate::Get::resume_at) after the bytes received |
/// | `Truncated` with `end` | yes | yes | | | | resume on a new connection |
/// | `Truncated` with `end`: `TimedOut` | yes | yes | | | yes | the same |
/// | `TooLong` | | | | | | the file is not the one that was expected: ask for its size again |
/// | `Unconfirmed` | | yes | | | | compare size or [hash](crate::Client::hash) on a new connection |
/// | `Unconfirmed`: `TimedOut` | | yes | | | yes | the same |
/// | `Aborted` | | | | | | nothing: the caller wanted it |
/// | `ProtectedRemote` | | | | | | [`Protection::Clear`](crate::Protection::Clear) first |
/// | `Connection`: `Eof` | yes | yes | | | | again on a new connection |
/// | `Connection`: `LocallyClosed` | | yes | | | | nothing: the caller wanted it |
/// | `Connection`: `ServiceClosing` | yes | yes | | | | wait a little, then on a new connection |
/// | `Connection`: `Refused` with 4yz | yes | yes | | | | the same |
/// | `Connection`: `Refused` with 5yz | | yes | | | | nothing: the server will say the same |
/// | `Connection`: `Refused` with 530 | | yes | | yes | | ask the server's operator for access |
/// | `Connection`: `TimedOut` | yes | yes | | | yes | again on a new connection |
/// | `Connection`: `TlsRefused` | | yes | | | | clear text, if that is acceptable at all |
/// | `Connection`: `Protocol` | | yes | | | | report it |
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// 4yz: refused for now, the same request may succeed later (ftplib's `error_temp`)
    #[error("refused for now: {0}")]
    #[doc(alias = "error_temp")]
    Transient(Reply),
    /// 5yz: refused (ftplib's `error_perm`)
    #[error("refused: {0}")]
    #[doc(alias = "error_perm")]
    Permanent(Reply),
    /// 1yz to 3yz where another class was due (ftplib's `error_reply`)
    #[error("unexpected reply: {0}")]
    #[doc(alias = "error_reply")]
    UnexpectedReply(Reply),
    /// A reply of the right class whose text makes no sense, such as a 227 without an address
    #[error("reply makes no sense: {0}")]
    InvalidReply(Reply),
    /// There is no such directory, or none that this user may enter: where servers tell the two apart,
    /// the latter is [`Self::Permanent`]
    #[error("no such directory: {0}")]
    NoDirectory(Reply),
    /// A listing came that holds the server's own error in place of entries, or a line that nobody
    /// understands: the directory is not known to be empty, it could not be read
    #[error("the directory could not be read: {}", Readable(.line))]
    UnreadableDirectory {
        /// The server's error (`ls: .: Permission denied`), or else the first line that nobody understands;
        /// 512 bytes of it at most
        line: Box<[u8]>,
    },
    /// An argument that can't be sent; nothing was sent
    #[error("invalid argument: {0}")]
    InvalidArgument(#[from] ArgumentError),
    /// The server wants TLS before this (Q23): connect with another
    /// [`TlsPolicy`](crate::TlsPolicy)
    #[error("server requires TLS; use explicit or implicit TLS: {0}")]
    TlsRequired(Reply),
    /// The server wants an account (332) and none was given
    #[error("server requires an account (ACCT): {0}")]
    AccountRequired(Reply),
    /// The FTP proxy refused its own login, or to connect to the server ([`Config::gateway`](crate::Config::gateway))
    #[error("the FTP proxy refused: {0}")]
    GatewayRefused(Reply),
    /// There is no TLS session ticket for the data connection of an upload, and a server that insists
    /// on one would destroy the remote file (Q140): log in anew
    #[error(
        "no TLS session ticket is left and the server gives no new ones, so an upload might destroy \
         the remote file; log in on a new connection, or allow only TLS 1.2"
    )]
    NoSessionTicket,
    /// The server wants data connections to resume the control connection's TLS session (425, 522),
    /// and this one could not (Q84)
    ///
    /// A download or listing of which nothing had come has been tried again, if there was a new ticket
    /// by then. An upload that ends so may have emptied the remote file; where that can be foreseen it
    /// does not begin: [`Self::NoSessionTicket`].
    #[error(
        "the server demands that data connections resume the control connection's TLS session, and \
         this one could not; log in on a new connection, or allow only TLS 1.2, whose session can be \
         used again and again: {reply}"
    )]
    ResumptionRequired {
        /// The refusal
        reply: Reply,
        /// Why the session ended, if the server did not leave it at that
        #[source]
        end: Option<Box<ConnectionError>>,
    },
    /// The data connection failed; what the server said, if anything, did not explain it
    #[error("data connection failed: {failure}{}", AlsoSaid(.reply.as_ref()))]
    DataConnection {
        /// What happened to it
        failure: DataFailure,
        /// What the server said of it or of the next attempt, if that was a refusal
        reply: Option<Reply>,
    },
    /// The data connection stood still for too long
    #[error("timed out waiting for {0}")]
    DataTimedOut(Phase),
    /// In active mode a stranger connected to the data port; the connection was closed
    #[error("data connection came from {actual}, not from the server {expected}")]
    ForeignPeer {
        /// The server
        expected: IpAddr,
        /// Who connected
        actual: IpAddr,
    },
    /// Fewer bytes than announced, or an end without TLS's close_notify: resume it
    ///
    /// [`Config::truncation`](crate::Config::truncation) can accept the latter.
    #[error("download was cut off after {received} bytes{}", Expected(*.expected))]
    Truncated {
        /// Bytes received by this transfer
        received: u64,
        /// Bytes announced for it, if known
        expected: Option<u64>,
        /// Why the session ended, if it did
        #[source]
        end: Option<Box<ConnectionError>>,
    },
    /// More bytes than the caller expected
    #[error("received {received} bytes where {expected} were expected")]
    TooLong {
        /// Bytes received by this transfer
        received: u64,
        /// Bytes the caller expected
        expected: u64,
    },
    /// The data connection ended in order and nothing is known to be missing, but the session ended
    /// before the final reply: routers drop idle control connections during long transfers
    ///
    /// Compare sizes, or [hashes](crate::Client::hash), on a new connection before transferring again.
    #[error(
        "{bytes} bytes went through and the data connection ended in order, but the session ended \
         before the server confirmed them; compare the file's size or hash on a new connection"
    )]
    Unconfirmed {
        /// Bytes transferred
        bytes: u64,
        /// Why the reply never came
        #[source]
        cause: ConnectionError,
    },
    /// The transfer was aborted by the application
    ///
    /// An aborted upload leaves a part of the file on the server, which may look complete.
    #[error("aborted")]
    Aborted,
    /// A copy between servers while data connections are protected: both servers would play the
    /// TLS server; switch to [`Protection::Clear`](crate::Protection::Clear) first
    #[error("copies between servers need clear data connections (PROT C)")]
    ProtectedRemote,
    /// The session is over
    #[error(transparent)]
    Connection(#[from] ConnectionError),
}

struct Expected(Option<u64>);

impl core::fmt::Display for Expected {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.0 {
            Some(expected) => write!(f, " of {expected}"),
            None => f.write_str(" (no close_notify; the size is not known)"),
        }
    }
}

/// What the server said besides
struct AlsoSaid<'a>(Option<&'a Reply>);

impl core::fmt::Display for AlsoSaid<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.map_or(Ok(()), |reply| write!(f, "; the server said: {reply}"))
    }
}

impl Error {
    /// The error of a failed data connection, for drivers that know more of the failure and show both
    #[must_use]
    pub const fn data_connection(failure: DataFailure, reply: Option<Reply>) -> Self {
        Self::DataConnection { failure, reply }
    }

    /// A data connection that failed
    pub(crate) const fn data(failure: DataFailure) -> Self {
        Self::data_connection(failure, None)
    }

    /// The error of a reply that refuses, or that is of a class nobody waits for
    pub(crate) fn from_reply(reply: Reply) -> Self {
        match reply.kind() {
            ReplyKind::Transient => Self::Transient(reply),
            ReplyKind::Permanent => Self::Permanent(reply),
            ReplyKind::Preliminary | ReplyKind::Completion | ReplyKind::Intermediate => {
                Self::UnexpectedReply(reply)
            }
        }
    }

    /// The server's reply that led to the error, if one did
    #[must_use]
    pub fn reply(&self) -> Option<&Reply> {
        match self {
            Self::Transient(reply)
            | Self::Permanent(reply)
            | Self::UnexpectedReply(reply)
            | Self::InvalidReply(reply)
            | Self::NoDirectory(reply)
            | Self::TlsRequired(reply)
            | Self::ResumptionRequired { reply, .. }
            | Self::AccountRequired(reply)
            | Self::GatewayRefused(reply) => Some(reply),
            Self::DataConnection { reply, .. } => reply.as_ref(),
            Self::Truncated { .. } | Self::Unconfirmed { .. } | Self::Connection(_) => {
                self.connection_error()?.reply()
            }
            Self::InvalidArgument(_)
            | Self::UnreadableDirectory { .. }
            | Self::NoSessionTicket
            | Self::DataTimedOut(_)
            | Self::ForeignPeer { .. }
            | Self::TooLong { .. }
            | Self::Aborted
            | Self::ProtectedRemote => None,
        }
    }

    /// Why the session is over, if it is
    #[must_use]
    pub fn connection_error(&self) -> Option<&ConnectionError> {
        match self {
            Self::Connection(error) | Self::Unconfirmed { cause: error, .. } => Some(error),
            Self::Truncated { end, .. } | Self::ResumptionRequired { end, .. } => end.as_deref(),
            _ => None,
        }
    }

    /// Whether the session is over: the next attempt needs a new connection
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        self.connection_error().is_some()
    }

    /// Whether the same request may succeed when it is made again as it is, on this session or, if
    /// [`Self::is_fatal`], on a new one
    ///
    /// What to do with which error is in [a table](Self#when-to-retry-what).
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            // A wrong password that is tried again and again locks the account.
            Self::Transient(_) => !self.is_auth(),
            Self::GatewayRefused(reply) => reply.kind() == ReplyKind::Transient && !self.is_auth(),
            Self::DataTimedOut(_)
            | Self::Truncated { .. }
            | Self::NoSessionTicket
            | Self::ResumptionRequired { .. } => true,
            // A certificate that was refused once is refused again, and an interception must not be
            // answered by further attempts.
            Self::DataConnection { failure, .. } => *failure != DataFailure::Tls,
            Self::Connection(error) => error.is_transient(),
            Self::Permanent(_)
            | Self::UnexpectedReply(_)
            | Self::InvalidReply(_)
            | Self::NoDirectory(_)
            | Self::UnreadableDirectory { .. }
            | Self::InvalidArgument(_)
            | Self::TlsRequired(_)
            | Self::AccountRequired(_)
            | Self::ForeignPeer { .. }
            | Self::TooLong { .. }
            | Self::Unconfirmed { .. }
            | Self::Aborted
            | Self::ProtectedRemote => false,
        }
    }

    /// Whether the server says that the file or directory does not exist
    ///
    /// FTP has one code, 550, for missing and for forbidden; where that is all, the words decide. Words
    /// that say neither or both, or that a program is missing, are no statement that the file is.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        const WORDS: [&str; 7] = [
            "no such",
            "not found",
            "not exist",
            "n't exist",
            "cannot find",
            "could not find",
            "couldn't find",
        ];
        match self {
            Self::NoDirectory(_) => true,
            Self::Permanent(reply) if reply.code() == Code::FILE_UNAVAILABLE => {
                reply.contains(&WORDS) && !reply.denies() && !reply.contains(&["bin/", "command"])
            }
            _ => false,
        }
    }

    /// Whether the server wants other credentials, or an account: 430, 530, 532
    #[must_use]
    pub fn is_auth(&self) -> bool {
        let code = match self {
            Self::AccountRequired(_) => return true,
            Self::Permanent(reply) | Self::Transient(reply) | Self::GatewayRefused(reply) => {
                reply.code()
            }
            Self::Connection(ConnectionError::Refused(reply)) => reply.code(),
            _ => return false,
        };
        matches!(code.get(), 430 | 530 | 532)
    }

    /// Whether a deadline passed
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::DataTimedOut(_))
            || matches!(self.connection_error(), Some(ConnectionError::TimedOut(_)))
    }
}

/// Why a session ended; sticky: every later request fails with the first one
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectionError {
    /// The server closed the control connection without a word (ftplib's `EOFError`)
    #[error("server closed the control connection")]
    Eof,
    /// This side ended the session: QUIT or close
    #[error("session was closed by this side")]
    LocallyClosed,
    /// 421: the server is closing, whatever was asked
    #[error("server ends the session: {0}")]
    ServiceClosing(Reply),
    /// A greeting that is a refusal
    #[error("server refused the connection: {0}")]
    Refused(Reply),
    /// A deadline passed and replies can no longer be matched to commands
    #[error("timed out waiting for {}{}", .0, silence_hint(*.0))]
    TimedOut(Phase),
    /// TLS was demanded and the server refused AUTH or PROT
    #[error("server refused TLS, and clear text was not allowed: {0}")]
    TlsRefused(Reply),
    /// The server broke the protocol (ftplib's `error_proto`)
    #[error(transparent)]
    #[doc(alias = "error_proto")]
    Protocol(#[from] ProtocolError),
}

const fn silence_hint(phase: Phase) -> &'static str {
    match phase {
        Phase::Greeting => {
            "; where TLS is expected from the first byte (mostly port 990) none comes: try TlsPolicy::Implicit"
        }
        _ => "",
    }
}

impl ConnectionError {
    /// The server's reply behind the error, if it was one
    #[must_use]
    pub const fn reply(&self) -> Option<&Reply> {
        match self {
            Self::ServiceClosing(reply)
            | Self::Refused(reply)
            | Self::TlsRefused(reply)
            | Self::Protocol(
                ProtocolError::UnsolicitedReply { reply, .. }
                | ProtocolError::ForeignReply { reply, .. },
            ) => Some(reply),
            _ => None,
        }
    }

    /// Whether a new connection may do better
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Eof | Self::ServiceClosing(_) | Self::TimedOut(_) => true,
            Self::Refused(reply) => reply.kind() == ReplyKind::Transient,
            Self::LocallyClosed | Self::TlsRefused(_) | Self::Protocol(_) => false,
        }
    }
}

/// How the server broke the protocol
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// Bytes that are no reply
    #[error(transparent)]
    Reply(#[from] ReplyError),
    /// A reply that nothing asked for
    #[error("reply that no command asked for{}: {reply}", Unwritten(*.unwritten))]
    UnsolicitedReply {
        /// What came
        reply: Reply,
        /// The next command, if it has not been reported as written
        ///
        /// Some servers speak unasked. But a driver that does not call
        /// [`Client::handle_transmit`](crate::Client::handle_transmit) after a write, or calls it only after
        /// the input that came next, gets this for the first answer.
        unwritten: Option<Verb>,
    },
    /// A reply whose code belongs to another command than the one that it came for
    ///
    /// [`Config::foreign_replies`](crate::Config::foreign_replies) can accept such replies.
    #[error("{command} was answered with another command's reply, session given up: {reply}")]
    ForeignReply {
        /// The command that was waiting for a reply
        command: Verb,
        /// What came
        reply: Reply,
    },
    /// Clear text between AUTH's 234 and the TLS handshake: somebody may be injecting replies
    /// (Q79)
    #[error("clear text behind the reply to AUTH: possible injection, session given up")]
    PlaintextAfterAuth,
    /// Bytes between CCC's reply and the end of TLS
    #[error("bytes between the reply to CCC and the end of TLS")]
    BytesDuringClear,
}

/// What a message says of a command that has not been reported as written
struct Unwritten(Option<Verb>);

impl core::fmt::Display for Unwritten {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.0 {
            Some(verb) => write!(f, ", {verb} has not been reported as written"),
            None => Ok(()),
        }
    }
}

#[cfg(feature = "std")]
impl From<Error> for std::io::Error {
    fn from(error: Error) -> Self {
        use std::io::ErrorKind;
        let kind = match &error {
            Error::InvalidArgument(_) => ErrorKind::InvalidInput,
            Error::DataTimedOut(_) | Error::Connection(ConnectionError::TimedOut(_)) => {
                ErrorKind::TimedOut
            }
            Error::Truncated { .. } | Error::Connection(ConnectionError::Eof) => {
                ErrorKind::UnexpectedEof
            }
            Error::InvalidReply(_)
            | Error::UnexpectedReply(_)
            | Error::Connection(ConnectionError::Protocol(_)) => ErrorKind::InvalidData,
            // Not `Interrupted`: `read_to_end` and friends would try again for ever.
            Error::Aborted => ErrorKind::ConnectionAborted,
            Error::ForeignPeer { .. } => ErrorKind::PermissionDenied,
            Error::ResumptionRequired { .. } => ErrorKind::ConnectionRefused,
            Error::NoDirectory(_) => ErrorKind::NotFound,
            _ => ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}

#[cfg(feature = "std")]
impl From<ConnectionError> for std::io::Error {
    fn from(error: ConnectionError) -> Self {
        Error::Connection(error).into()
    }
}
