//! What a session tells its user

use std::io;
use std::net::SocketAddr;

use ftp_proto::{ConnectionError, Direction, Op, OpId, Output, Reply, Trace};

use crate::error::Error;
use crate::failure::FailedData;
use crate::proxy::ProxyError;

/// News for the application, each given once by [`Session::poll_event`](crate::Session::poll_event)
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The control connection is open
    Connected {
        /// The address that answered, which may be a proxy's; `None`: the shell made the connection, and it has
        /// none
        peer: Option<SocketAddr>,
    },
    /// The server's greeting
    Greeting(Reply),
    /// The server has begun a transfer (1yz)
    TransferStarted {
        /// Which one
        op: OpId,
        /// Size that the reply's text tells, in bytes; a hint, servers differ in what they count
        size_hint: Option<u64>,
    },
    /// From here on bytes can move:
    /// [`Session::read_data`](crate::Session::read_data) or
    /// [`Session::write_data`](crate::Session::write_data) and
    /// [`Session::finish_upload`](crate::Session::finish_upload)
    ///
    /// Twice for a download or listing that was refused, before anything of it had come, for want of a
    /// TLS session, and is made again.
    DataOpen {
        /// Which transfer
        op: OpId,
        /// Which way
        direction: Direction,
    },
    /// A request has ended
    Completed(Completion),
    /// A line of the control connection, if [`Config::trace`](ftp_proto::Config::trace) asks for it
    Trace(Trace),
    /// The session is over; given once, after all that had been requested before has ended. What is requested later ends at
    /// once, with the same reason
    Closed(Error),
}

/// The end of a request: its result waits to be claimed
#[derive(Debug)]
pub struct Completion {
    pub(crate) inner: ftp_proto::Completion,
    /// What the session knows beside the machine
    pub(crate) cause: Option<Cause>,
}

/// What the machine calls a failure of a connection, in the system's words
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

    /// Which request
    #[must_use]
    pub const fn op(&self) -> OpId {
        self.inner.op()
    }

    /// The result, if `op` is the request that ended; `None` otherwise, and the second time
    pub fn take<T: Output>(&mut self, op: Op<T>) -> Option<Result<T, Error>> {
        let result = self.inner.take(op)?;
        Some(result.map_err(|error| explain(error, self.cause.take())))
    }

    /// The error, if the request failed and its result was not taken yet
    pub fn take_error(&mut self) -> Option<Error> {
        let error = self.inner.error()?.clone();
        Some(explain(error, self.cause.take()))
    }

    /// Whether the request failed, as far as its result was not taken yet
    #[must_use]
    pub fn error(&self) -> Option<&ftp_proto::Error> {
        self.inner.error()
    }
}

/// Puts the machine's error together with what the session knows about it
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
        // Its deadline has no reply, and where a certificate was refused here, the server's word does not
        // tell it.
        (error, Some(Cause::Data(known))) => Error::Data {
            failure: known.failure,
            address: known.address,
            reply: error.reply().cloned(),
            error: known.error,
        },
        (error, _) => Error::Ftp(error),
    }
}
