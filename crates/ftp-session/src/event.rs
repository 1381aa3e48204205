//! The events of a session

use std::io;
use std::net::SocketAddr;

use ftp_proto::{ConnectionError, Direction, Op, OpId, Output, Reply, Trace};

use crate::error::Error;
use crate::failure::FailedData;
use crate::proxy::ProxyError;

/// An event for the application, returned once by [`Session::poll_event`](crate::Session::poll_event)
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The control connection is open
    Connected {
        /// The address that answered, which may be a proxy's; `None` if the shell made the connection and it has no
        /// address
        peer: Option<SocketAddr>,
    },
    /// The server's greeting
    Greeting(Reply),
    /// The server has begun a transfer (1yz)
    TransferStarted {
        /// The transfer
        op: OpId,
        /// The size in bytes that the reply's text announces; a hint, because servers differ in what they count
        size_hint: Option<u64>,
    },
    /// Bytes can move from now on, with [`Session::read_data`](crate::Session::read_data), or with
    /// [`Session::write_data`](crate::Session::write_data) and
    /// [`Session::finish_upload`](crate::Session::finish_upload)
    ///
    /// This event comes twice for a download or listing that was refused for lack of a TLS session before any of its
    /// data arrived, and is then repeated.
    DataOpen {
        /// The transfer
        op: OpId,
        /// The direction of the data
        direction: Direction,
    },
    /// A request has ended
    Completed(Completion),
    /// A line of the control connection, if [`Config::trace`](ftp_proto::Config::trace) is set
    Trace(Trace),
    /// The session is over; returned once, after all earlier requests have ended. Later requests end at once, for the
    /// same reason
    Closed(Error),
}

/// The end of a request, with its result
#[derive(Debug)]
pub struct Completion {
    pub(crate) inner: ftp_proto::Completion,
    /// What the session knows in addition to the machine
    pub(crate) cause: Option<Cause>,
}

/// The cause of a connection failure, with the system's error
#[derive(Debug)]
pub(crate) enum Cause {
    Connect(String, io::Error),
    Proxy(ProxyError),
    Control(io::Error),
    Data(FailedData),
    Cancelled,
}

impl Completion {
    pub(crate) const fn new(inner: ftp_proto::Completion, cause: Option<Cause>) -> Self {
        Self { inner, cause }
    }

    /// The request
    #[must_use]
    pub const fn op(&self) -> OpId {
        self.inner.op()
    }

    /// Returns the result, if `op` is the request that ended; `None` otherwise, and on a second call
    pub fn take<T: Output>(&mut self, op: Op<T>) -> Option<Result<T, Error>> {
        let result = self.inner.take(op)?;
        Some(result.map_err(|error| explain(error, self.cause.take())))
    }

    /// Returns the error, if the request failed and its result was not taken yet
    pub fn take_error(&mut self) -> Option<Error> {
        let error = self.inner.error()?.clone();
        Some(explain(error, self.cause.take()))
    }

    /// The error, if the request failed and its result was not taken yet
    #[must_use]
    pub fn error(&self) -> Option<&ftp_proto::Error> {
        self.inner.error()
    }
}

/// Combines the machine's error with what the session knows about it
pub(crate) fn explain(error: ftp_proto::Error, cause: Option<Cause>) -> Error {
    match (error, cause) {
        (_, Some(Cause::Cancelled)) => Error::Cancelled,
        (
            ftp_proto::Error::Connection(ConnectionError::Eof),
            Some(Cause::Connect(target, error)),
        ) => Error::Connect { target, error },
        (ftp_proto::Error::Connection(ConnectionError::Eof), Some(Cause::Proxy(error))) => {
            Error::Proxy(error)
        }
        (ftp_proto::Error::Connection(ConnectionError::Eof), Some(Cause::Control(error))) => {
            Error::control(&error)
        }
        // If the machine's deadline passed there is no reply, and if this side refused a certificate, the server's
        // reply does not say so.
        (error, Some(Cause::Data(known))) => Error::Data {
            failure: known.failure,
            address: known.address,
            reply: error.reply().cloned(),
            error: known.error,
        },
        (error, _) => Error::Ftp(error),
    }
}
