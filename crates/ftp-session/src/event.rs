//! The events of a session

use std::net::SocketAddr;

use ftp_proto::{Direction, Op, OpId, Output, Reply, Trace};

use crate::error::Error;

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
    /// [`Session::finish_upload`](crate::Session::finish_upload); until this event was taken, they are held back
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
    /// The error, if the session knows more about it than the machine
    pub(crate) explained: Option<Error>,
}

impl Completion {
    pub(crate) const fn new(inner: ftp_proto::Completion, explained: Option<Error>) -> Self {
        Self { inner, explained }
    }

    /// The request
    #[must_use]
    pub const fn op(&self) -> OpId {
        self.inner.op()
    }

    /// Returns the result, if `op` is the request that ended; `None` otherwise, and on a second call
    pub fn take<T: Output>(&mut self, op: Op<T>) -> Option<Result<T, Error>> {
        let result = self.inner.take(op)?;
        Some(result.map_err(|error| self.explained.take().unwrap_or(Error::Ftp(error))))
    }

    /// Returns the error, if the request failed and its result was not taken yet
    pub fn take_error(&mut self) -> Option<Error> {
        let error = self.inner.error()?.clone();
        Some(self.explained.take().unwrap_or(Error::Ftp(error)))
    }

    /// The error, if the request failed and its result was not taken yet
    #[must_use]
    pub fn error(&self) -> Option<&ftp_proto::Error> {
        self.inner.error()
    }
}
