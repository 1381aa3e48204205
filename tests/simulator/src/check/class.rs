//! Classes of results

use ftp_proto::{ConnectionError, Error};

use super::super::api;

/// The class of a result
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Success
    Done,
    /// Aborted by the application
    Aborted,
    /// A refusal with this code
    Refused(u16),
    /// A reply of the wrong class
    Unexpected,
    /// A reply whose text can't be parsed
    Invalid,
    /// No such directory
    NoDirectory,
    /// Fewer bytes than expected
    Truncated,
    /// More bytes than expected
    TooLong,
    /// All bytes were moved, but the final reply never came
    Unconfirmed,
    /// The data connection failed
    DataFailed,
    /// The data connection timed out
    DataTimedOut,
    /// TLS: a data connection that did not resume, or no ticket left
    Resumption,
    /// The server requires TLS, or an account
    Demand,
    /// The session: closed by the server
    Lost,
    /// The session: 421
    Closing,
    /// The session: the greeting refuses service
    NotServed,
    /// The session: no reply in time
    TimedOut,
    /// The session: TLS refused
    TlsRefused,
    /// The session: the server violated the protocol
    Protocol,
    /// The session: TLS failed on the control connection
    TlsFailed,
    /// The session: ended by this side
    Local,
    /// None of these
    Other,
}

impl Class {
    /// Returns the class of a result
    #[must_use]
    pub fn of(result: &Result<(), Error>) -> Self {
        let error = match result {
            Ok(()) => return Self::Done,
            Err(error) => error,
        };
        match error {
            Error::Aborted => Self::Aborted,
            Error::Transient(reply) | Error::Permanent(reply) => Self::Refused(reply.code().get()),
            Error::UnexpectedReply(_) => Self::Unexpected,
            Error::InvalidReply(_) => Self::Invalid,
            Error::NoDirectory(_) => Self::NoDirectory,
            Error::Truncated { .. } => Self::Truncated,
            Error::TooLong { .. } => Self::TooLong,
            Error::Unconfirmed { .. } => Self::Unconfirmed,
            Error::DataTimedOut(_) => Self::DataTimedOut,
            Error::ResumptionRequired { .. } | Error::NoSessionTicket => Self::Resumption,
            Error::TlsRequired(_) | Error::AccountRequired(_) | Error::GatewayRefused(_) => {
                Self::Demand
            }
            Error::Connection(cause) => match cause {
                ConnectionError::Eof => Self::Lost,
                ConnectionError::LocallyClosed => Self::Local,
                ConnectionError::ServiceClosing(_) | ConnectionError::Crashed(_) => Self::Closing,
                ConnectionError::Refused(_) => Self::NotServed,
                ConnectionError::TimedOut(_) => Self::TimedOut,
                ConnectionError::TlsRefused(_) => Self::TlsRefused,
                ConnectionError::Protocol(_) => Self::Protocol,
                _ => Self::Other,
            },
            error if api::is_data_connection(error) => Self::DataFailed,
            _ => Self::Other,
        }
    }
}
