//! What can go wrong, and whether the session is still usable afterwards
//!
//! There are two families, as in quinn: [`Error`] ends one request, [`ConnectionError`] ends the session
//! and everything queued in it. [`Error::is_fatal`] distinguishes them.

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
/// The column `transient` stands for [`Self::is_transient`], and so on. An error that could be both `auth` and
/// `transient` counts as `auth`, because retrying a wrong password locks the account. After a `fatal` error the
/// session is over: connect again before you retry.
///
/// | Error | transient | fatal | missing | auth | timeout | What to do |
/// |---|---|---|---|---|---|---|
/// | `Transient` | yes | | | | | wait a little, then again |
/// | `Transient`: 430, 530, 532 | | | | yes | | use other credentials |
/// | `Permanent` | | | | | | nothing: the server will say the same |
/// | `Permanent`: 530, 532 | | | | yes | | log in, or use other credentials |
/// | `Permanent`: 550 that says so | | | yes | | | the file is not there |
/// | `UnexpectedReply` | | | | | | report it: server and client understand the command differently |
/// | `InvalidReply` | | | | | | the same |
/// | `NoDirectory` | | | yes | | | the directory is not there |
/// | `UnreadableDirectory` | | | | | | ask the server's operator: rights are wrong, or a program is missing |
/// | `WorkingDirectoryLost` with 4yz | yes | | | | | wait a little, then again |
/// | `WorkingDirectoryLost` with 5yz | | | | | | change to a directory by its absolute path |
/// | `LoginFailed` with 4yz | | | | | | log in again, then the same |
/// | `LoginFailed`: 430, 530, 532 | | | | yes | | use other credentials |
/// | `LoginFailed` with 5yz | | | | | | nothing: the server will say the same |
/// | `InvalidArgument` | | | | | | use another argument; nothing was sent |
/// | `TlsRequired` | | | | | | connect with another [`TlsPolicy`](crate::TlsPolicy) |
/// | `AccountRequired` | | | | yes | | log in with an account |
/// | `GatewayRefused` with 4yz | yes | | | | | wait a little, then again |
/// | `GatewayRefused`: 430, 530, 532 | | | | yes | | use other credentials for the proxy |
/// | `GatewayRefused` with 5yz | | | | | | ask the proxy's operator |
/// | `NoSessionTicket` | yes | | | | | again, but only after a login on a new connection |
/// | `ResumptionRequired` | yes | | | | | the same |
/// | `ResumptionRequired` with `end` | yes | yes | | | | the same |
/// | `DataConnection` | yes | | | | | again; if it never opens: firewall, [`DataMode`](crate::DataMode) |
/// | `DataConnection`: `Tls` | | | | | | check the certificate: an attacker may intercept |
/// | `DataTimedOut` | yes | | | | yes | again, a download with an offset |
/// | `ForeignPeer` | | | | | | use passive mode |
/// | `Truncated` | yes | | | | | [resume](crate::Get::resume_at) after the bytes received |
/// | `Truncated` with `end` | yes | yes | | | | resume on a new connection |
/// | `Truncated` with `end`: `TimedOut` | yes | yes | | | yes | the same |
/// | `TooLong` | | | | | | the file is not the one that was expected: ask for its size again |
/// | `Unconfirmed` | | yes | | | | compare size or [hash](crate::Client::hash) on a new connection |
/// | `Unconfirmed`: `TimedOut` | | yes | | | yes | the same |
/// | `Aborted` | | | | | | nothing: the caller wanted it |
/// | `ProtectedRemote` | | | | | | set [`Protection::Clear`](crate::Protection::Clear) first |
/// | `Connection`: `Eof` | yes | yes | | | | again on a new connection |
/// | `Connection`: `LocallyClosed` | | yes | | | | nothing: the caller wanted it |
/// | `Connection`: `ServiceClosing` | yes | yes | | | | wait a little, then on a new connection |
/// | `Connection`: `Crashed` | yes | yes | | | | again on a new connection |
/// | `Connection`: `Refused` with 4yz | yes | yes | | | | the same |
/// | `Connection`: `Refused` with 5yz | | yes | | | | nothing: the server will say the same |
/// | `Connection`: `Refused` with 530 | | yes | | yes | | ask the server's operator for access |
/// | `Connection`: `TimedOut` | yes | yes | | | yes | again on a new connection |
/// | `Connection`: `TlsRefused` | | yes | | | | use clear text, if that is acceptable at all |
/// | `Connection`: `Protocol` | | yes | | | | report it |
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// 4yz: refused for now; the same request may succeed later (ftplib's `error_temp`)
    #[error("refused for now: {0}")]
    #[doc(alias = "error_temp")]
    Transient(Reply),
    /// 5yz: refused (ftplib's `error_perm`)
    #[error("refused: {0}")]
    #[doc(alias = "error_perm")]
    Permanent(Reply),
    /// 1yz to 3yz where a reply of another class was expected (ftplib's `error_reply`)
    #[error("unexpected reply: {0}")]
    #[doc(alias = "error_reply")]
    UnexpectedReply(Reply),
    /// A reply of the right class whose text makes no sense, such as a 227 without an address
    #[error("could not parse the reply: {0}")]
    InvalidReply(Reply),
    /// The directory does not exist, or this user may not enter it: where servers distinguish the two,
    /// the latter is [`Self::Permanent`]
    #[error("no such directory: {0}")]
    NoDirectory(Reply),
    /// The listing contains the server's own error instead of entries, or a line that can't be
    /// parsed: the directory could not be read, so it is not known to be empty
    #[error("the directory could not be read: {}", Readable(.line))]
    UnreadableDirectory {
        /// The server's error (`ls: .: Permission denied`), or else the first line that can't be parsed;
        /// at most its first 512 bytes
        line: Box<[u8]>,
    },
    /// The request was not sent, because it depends on the working directory, and the server refuses to return to it
    /// after a [listing](crate::Client::read_dir) of another one, or PWD (257) shows that the session is elsewhere
    #[error("could not return to the working directory: {0}")]
    WorkingDirectoryLost(Reply),
    /// The request was not sent, because it waited for a login, and the login failed
    ///
    /// The user it was meant for is not logged in, and another one may be. Later requests are sent.
    #[error("not sent, because the login failed: {0}")]
    LoginFailed(Box<Self>),
    /// An argument that can't be sent; nothing was sent
    #[error("invalid argument: {0}")]
    InvalidArgument(ArgumentError),
    /// The server wants TLS before this: connect with another [`TlsPolicy`](crate::TlsPolicy)
    #[error("the server requires TLS; use explicit or implicit TLS: {0}")]
    TlsRequired(Reply),
    /// The server wants an account (332) and none was given
    #[error("the server requires an account (ACCT): {0}")]
    AccountRequired(Reply),
    /// The FTP proxy refused its own login, or to connect to the server ([`Config::gateway`](crate::Config::gateway))
    #[error("the FTP proxy refused: {0}")]
    GatewayRefused(Reply),
    /// There is no TLS session ticket for the data connection of an upload, and a server that insists
    /// on one would destroy the remote file: log in on a new connection
    #[error(
        "no TLS session ticket is left and the server issues no new ones, so an upload might destroy \
         the remote file; log in on a new connection, or allow only TLS 1.2"
    )]
    NoSessionTicket,
    /// The server wants data connections to resume the control connection's TLS session (425, 522),
    /// and this one could not
    ///
    /// A download or listing that had received no data was retried, if there was a new ticket by then. An
    /// upload that fails this way may have emptied the remote file; if that can be foreseen, it fails
    /// with [`Self::NoSessionTicket`] before it begins.
    #[error(
        "the server requires that data connections resume the control connection's TLS session, and \
         this one could not; log in on a new connection, or allow only TLS 1.2, whose session can be \
         resumed any number of times: {reply}"
    )]
    ResumptionRequired {
        /// The server's refusal
        reply: Reply,
        /// Why the session ended, if it did
        #[source]
        end: Option<Box<ConnectionError>>,
    },
    /// The data connection failed, and the server's replies, if any, did not explain why
    #[error("data connection failed: {failure}{}", WithReply(.reply.as_ref()))]
    DataConnection {
        /// What happened to the connection
        failure: DataFailure,
        /// What the server said about it or about the next attempt, if that was a refusal
        reply: Option<Reply>,
    },
    /// No data passed on the data connection for too long
    #[error("timed out waiting for {0}")]
    DataTimedOut(Phase),
    /// In active mode, a host other than the server connected to the data port; the connection was closed
    #[error("data connection came from {actual}, not from the server {expected}")]
    ForeignPeer {
        /// The server's address
        expected: IpAddr,
        /// The address that connected
        actual: IpAddr,
    },
    /// Fewer bytes came than announced, or the data ended without TLS's close_notify: resume the download
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
    /// More bytes came than the caller expected
    #[error(
        "the server sent {received} bytes instead of the expected {expected}; ask for the file's size again"
    )]
    TooLong {
        /// Bytes received by this transfer
        received: u64,
        /// Bytes the caller expected
        expected: u64,
    },
    /// The data connection ended properly and nothing is known to be missing, but the session ended
    /// before the final reply: routers drop idle control connections during long transfers
    ///
    /// Compare sizes, or [hashes](crate::Client::hash), on a new connection before transferring again.
    #[error(
        "{bytes} bytes were transferred and the data connection ended in order, but the session ended \
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
    #[error("the request was aborted by the caller")]
    Aborted,
    /// A copy between servers was requested while data connections are protected: both servers would act as
    /// TLS servers; switch to [`Protection::Clear`](crate::Protection::Clear) first
    #[error("copies between servers need unprotected data connections: switch to PROT C first")]
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

/// Appends what the server said, if anything
struct WithReply<'a>(Option<&'a Reply>);

impl core::fmt::Display for WithReply<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.map_or(Ok(()), |reply| write!(f, "; the server said: {reply}"))
    }
}

impl Error {
    /// Creates the error of a failed data connection, for drivers that know more about the failure and show both
    #[must_use]
    pub const fn data_connection(failure: DataFailure, reply: Option<Reply>) -> Self {
        Self::DataConnection { failure, reply }
    }

    /// As [`Self::data_connection`], without a reply
    pub(crate) const fn data(failure: DataFailure) -> Self {
        Self::data_connection(failure, None)
    }

    /// Creates the error of a reply that is a refusal or has an unexpected class
    pub(crate) fn from_reply(reply: Reply) -> Self {
        match reply.kind() {
            ReplyKind::Transient => Self::Transient(reply),
            ReplyKind::Permanent => Self::Permanent(reply),
            ReplyKind::Preliminary | ReplyKind::Completion | ReplyKind::Intermediate => {
                Self::UnexpectedReply(reply)
            }
        }
    }

    /// Returns the server's reply that led to the error, if one did
    ///
    /// It answers the request, so it is `None` for [`Self::WorkingDirectoryLost`] and [`Self::LoginFailed`], where the
    /// request was not sent.
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
            | Self::WorkingDirectoryLost(_)
            | Self::LoginFailed(_)
            | Self::NoSessionTicket
            | Self::DataTimedOut(_)
            | Self::ForeignPeer { .. }
            | Self::TooLong { .. }
            | Self::Aborted
            | Self::ProtectedRemote => None,
        }
    }

    /// Returns why the session is over, if it is
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

    /// Whether the same request may succeed if it is repeated unchanged, on this session or, if
    /// [`Self::is_fatal`], on a new one
    ///
    /// After [`Self::NoSessionTicket`] and [`Self::ResumptionRequired`] it can succeed on a new session only, although
    /// this one has not ended.
    ///
    /// [A table](Self#when-to-retry-what) says what to do about each error.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            // Retrying a wrong password locks the account.
            Self::Transient(_) => !self.is_auth(),
            Self::GatewayRefused(reply) => reply.kind() == ReplyKind::Transient && !self.is_auth(),
            Self::WorkingDirectoryLost(reply) => reply.kind() == ReplyKind::Transient,
            Self::DataTimedOut(_)
            | Self::Truncated { .. }
            | Self::NoSessionTicket
            | Self::ResumptionRequired { .. } => true,
            // A certificate that was refused once will be refused again, and an interception must not be
            // met with further attempts.
            Self::DataConnection { failure, .. } => *failure != DataFailure::Tls,
            Self::Connection(error) => error.is_transient(),
            Self::Permanent(_)
            | Self::UnexpectedReply(_)
            | Self::InvalidReply(_)
            | Self::NoDirectory(_)
            | Self::UnreadableDirectory { .. }
            // Repeated without a new login, it might reach another user's files.
            | Self::LoginFailed(_)
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
    /// FTP has one code, 550, for both missing and forbidden. For this code, the words of the reply decide. If they say
    /// neither or both, or that a program is missing, the file does not count as missing.
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
            Self::LoginFailed(error) => return error.is_auth(),
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

/// Why a session ended; every later request fails with the same error
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectionError {
    /// The server closed the control connection without a reply (ftplib's `EOFError`)
    #[error("the server closed the control connection")]
    Eof,
    /// The client ended the session, by QUIT or by closing the connection
    #[error("the session was closed by the client")]
    LocallyClosed,
    /// 421: the server ends the session, whatever the command was
    #[error("the server ended the session: {0}")]
    ServiceClosing(Reply),
    /// vsftpd's `500 OOPS`: its process has exited; the command may have been carried out before that
    #[error("the server's process has exited: {0}")]
    Crashed(Reply),
    /// The greeting was a refusal
    #[error("the server refused the connection: {0}")]
    Refused(Reply),
    /// A deadline passed, so replies can no longer be matched to commands
    #[error("timed out waiting for {}{}", .0, silence_hint(*.0))]
    TimedOut(Phase),
    /// TLS was required, and the server refused AUTH or PROT
    #[error("the server refused TLS, and clear text is not allowed: {0}")]
    TlsRefused(Reply),
    /// The server broke the protocol (ftplib's `error_proto`)
    #[error(transparent)]
    #[doc(alias = "error_proto")]
    Protocol(#[from] ProtocolError),
}

const fn silence_hint(phase: Phase) -> &'static str {
    match phase {
        Phase::Greeting => {
            "; a server that expects implicit TLS (usually on port 990) sends none: try TlsPolicy::Implicit"
        }
        _ => "",
    }
}

impl ConnectionError {
    /// Returns the server's reply that led to the error, if one did
    #[must_use]
    pub const fn reply(&self) -> Option<&Reply> {
        match self {
            Self::ServiceClosing(reply)
            | Self::Crashed(reply)
            | Self::Refused(reply)
            | Self::TlsRefused(reply)
            | Self::Protocol(
                ProtocolError::UnsolicitedReply { reply, .. }
                | ProtocolError::ForeignReply { reply, .. },
            ) => Some(reply),
            _ => None,
        }
    }

    /// Whether a new connection may succeed
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Eof | Self::ServiceClosing(_) | Self::Crashed(_) | Self::TimedOut(_) => true,
            Self::Refused(reply) => reply.kind() == ReplyKind::Transient,
            Self::LocallyClosed | Self::TlsRefused(_) | Self::Protocol(_) => false,
        }
    }
}

/// How the server broke the protocol
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// Bytes that are not a reply
    #[error(transparent)]
    Reply(#[from] ReplyError),
    /// A reply that no command asked for
    #[error("received a reply that no command asked for{}, session closed: {reply}", Unwritten(*.unwritten))]
    UnsolicitedReply {
        /// The reply
        reply: Reply,
        /// The next command, if it has not been reported as written
        ///
        /// Some servers send replies unasked. But if a driver does not call
        /// [`Client::handle_transmit`](crate::Client::handle_transmit) after a write, or calls it only after
        /// the input that came next, the first reply leads to this error.
        unwritten: Option<Verb>,
    },
    /// A reply whose code belongs to a command other than the one it answers
    ///
    /// [`Config::foreign_replies`](crate::Config::foreign_replies) can accept such replies.
    #[error("{command} was answered with another command's reply, session closed: {reply}")]
    ForeignReply {
        /// The command that was waiting for a reply
        command: Verb,
        /// The reply
        reply: Reply,
    },
    /// Clear text between AUTH's 234 and the TLS handshake: an attacker may be injecting replies
    #[error("received clear text after the reply to AUTH: possible injection, session closed")]
    PlaintextAfterAuth,
    /// Bytes between CCC's reply and the end of TLS
    #[error(
        "received bytes between the reply to CCC and the end of TLS: possible injection, session closed"
    )]
    BytesDuringClear,
}

/// The part of the message about a command that has not been reported as written
struct Unwritten(Option<Verb>);

impl core::fmt::Display for Unwritten {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.0 {
            Some(verb) => write!(f, ", {verb} has not been reported as written"),
            None => Ok(()),
        }
    }
}

// Not derived by `#[from]`, which would make the cause the source: the text contains it already.
impl From<ArgumentError> for Error {
    fn from(error: ArgumentError) -> Self {
        Self::InvalidArgument(error)
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
            // Not `Interrupted`: `read_to_end` and similar functions would retry forever.
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
