//! Outputs of the state machine (actions, events) and the events that drivers report

use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, SocketAddr};

use crate::claim::{Op, OpId, Outcome, Output};
use crate::control::escaped::Readable;
use crate::control::reply::Reply;
use crate::error::{ConnectionError, Error};
use crate::terms::{DataEndpoint, DataFailure, DataId, Direction, Encoding, IpFamily, TlsSession};

/// An order to the driver
///
/// A [table](crate#orders) in the crate's documentation says for each action when it may come, what ends it, and
/// what to report if it can't be done. The enum is exhaustive on purpose: a new action breaks the build of every
/// driver.
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
    /// Move the bytes: report [`DataEvent::Progress`] as they pass and [`DataEvent::Finished`] at
    /// the end
    ///
    /// The end of an upload is reported twice: [`DataEvent::Sent`] when its last byte was flushed and its end
    /// signalled (close_notify, half-close), and [`DataEvent::Finished`] when the server's end has been read or the
    /// driver stops waiting for it. A driver may report a download's bytes before this order.
    StartTransfer {
        /// The data connection
        id: DataId,
        /// The request that the bytes belong to; `None`: there is none, so read them to the end and
        /// discard them
        op: Option<OpId>,
        /// Which way the bytes go
        direction: Direction,
        /// How the bytes are converted
        encoding: Encoding,
    },
    /// Nobody wants the bytes of this download any more: read it to its end all the same, discard
    /// them, and keep reporting
    ///
    /// This comes when a listing is aborted, instead of `CloseData`: Pure-FTPd would send the rest of
    /// this listing at the beginning of the next one.
    Discard(DataId),
    /// Close the data connection or listener; reports about it are ignored from now on
    CloseData(DataId),
    /// Close the control connection; the session is over
    CloseControl,
}

/// An event of the control connection, reported by the driver
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "part of the driver's duty")]
pub enum ControlEvent {
    /// The connection has opened only now, after [`Client::new`](crate::Client::new), to an address
    /// of this family: the wait for the greeting begins
    ///
    /// This is for drivers that accept requests while they connect.
    Connected(IpFamily),
    /// The TLS handshake is done and the certificate was accepted
    Secured,
    /// TLS has ended, and the connection continues in clear text
    Cleared,
    /// The connection ended: EOF, reset, failed handshake
    Closed,
}

/// An event of a data connection, reported by the driver
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "part of the driver's duty")]
pub enum DataEvent {
    /// The driver listens at this address: the control connection's local address with the port
    Listening(SocketAddr),
    /// The connection to the server has been established
    Connected,
    /// The server has connected; the client compares the addresses, the driver does not
    Accepted {
        /// The address that connected
        peer: IpAddr,
        /// The other end of the control connection
        control_peer: IpAddr,
    },
    /// The TLS handshake is done
    Secured(TlsSession),
    /// This many more bytes have passed, counted as the network carries them inside TLS: before an
    /// ASCII download is decoded and after an ASCII upload is encoded
    Progress(u64),
    /// No byte passes because the user reads none of a download or provides none of an upload: the time that the
    /// server has ([`Config::data_timeout`](crate::Config::data_timeout)) starts again
    ///
    /// Report it when that time is over but the server could have sent or received bytes, and when a user continues
    /// after such a pause.
    Paused,
    /// All of an upload and its end (close_notify, half-close) have been passed to the system; report it
    /// before anything that is read afterwards
    ///
    /// A final reply that was read earlier can't confirm what had not been sent yet (RFC 959 section 3.4.1: the
    /// end of the file is the close of the connection). A driver that does not wait for the server's end
    /// may omit this event: [`Self::Finished`] implies it.
    Sent,
    /// The end: the EOF of a download (under TLS with close_notify), or an upload that was sent completely and closed
    Finished,
    /// A download's EOF without TLS's close_notify, or an upload under TLS that was [sent](Self::Sent) but whose
    /// connection then broke
    ///
    /// Servers that close without reading the upload's close_notify reset the connection. Under TLS, a server that
    /// lacks bytes knows it and refuses the upload. But a final reply that came before the connection's end does not
    /// confirm the upload.
    Truncated,
    /// The connection could not be opened or secured, or broke
    Failed(DataFailure),
}

/// An event for the application
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The server's greeting (220, or 230 if no login is needed)
    Greeting(Reply),
    /// The server has begun a transfer (1yz)
    TransferStarted {
        /// Its request
        op: OpId,
        /// Size in the reply's text, in bytes; only a hint, because servers differ in what they count
        size_hint: Option<u64>,
    },
    /// A request has ended
    Completed(Completion),
    /// A line of the control connection, if [`Config::trace`](crate::Config::trace) asks for it
    Trace(Trace),
    /// The session is over; emitted once, after the completions of all requests made before
    Closed(ConnectionError),
}

/// The end of a request, with the result to be claimed
#[derive(Debug)]
pub struct Completion {
    pub(crate) op: OpId,
    pub(crate) result: Option<Result<Outcome, Error>>,
}

impl Completion {
    /// Returns which request has ended
    #[must_use]
    pub const fn op(&self) -> OpId {
        self.op
    }

    /// Returns the result if `op` is the request that ended; `None` otherwise, and on a second call
    ///
    /// So a claim on another client gets nothing, and leaves the result where it is, if the two clients have different
    /// [numbers](crate::Config::client_number).
    pub fn take<T: Output>(&mut self, op: Op<T>) -> Option<Result<T, Error>> {
        if op.id() != self.op {
            return None;
        }
        match self.result.take()? {
            Ok(outcome) => match T::from_outcome(outcome) {
                Ok(value) => Some(Ok(value)),
                // Another client without a number of its own has made the claim: leave the result to its owner.
                Err(outcome) => {
                    self.result = Some(Ok(outcome));
                    None
                }
            },
            Err(error) => Some(Err(error)),
        }
    }

    /// Returns the error, if the request failed and its result has not been taken yet
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
    /// Returns which way the line went
    #[must_use]
    pub const fn direction(&self) -> TraceDirection {
        self.direction
    }

    /// Returns the line without its line end; PASS and ACCT show `****`
    #[must_use]
    pub fn line(&self) -> &[u8] {
        &self.line
    }
}

/// Displays `> RETR f` or `< 226 done`, with unprintable bytes escaped
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

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    /// Returns the variants of an enum in this file
    fn variants(name: &str) -> Vec<&'static str> {
        let begin = std::format!("pub enum {name} {{\n");
        let (_, rest) = include_str!("event.rs").split_once(&begin).expect("an enum of that name");
        let (body, _) = rest.split_once("\n}\n").expect("its end");
        let is_name = |letter: char| letter.is_ascii_alphanumeric();
        body.lines()
            .filter_map(|line| line.strip_prefix("    "))
            .filter(|line| line.starts_with(|letter: char| letter.is_ascii_uppercase()))
            .map(|line| line.split(|letter| !is_name(letter)).next().expect("a first part"))
            .collect()
    }

    /// Returns the cells of the documentation's table of orders
    fn rows() -> Vec<Vec<&'static str>> {
        let (_, rest) = include_str!("lib.rs").split_once("//! # Orders\n").expect("the section");
        let (section, _) = rest.split_once("//! # ").expect("the next section");
        let rows = section.lines().filter_map(|line| line.strip_prefix("//! | ["));
        rows.map(|row| row.trim_end_matches(" |").split(" | ").collect()).collect()
    }

    #[test]
    fn every_order_is_in_the_table_of_orders() {
        let actions = variants("Action");
        assert_eq!(actions.len(), 8, "{actions:?}");
        let rows = rows();
        for action in &actions {
            let link = std::format!("{action}`](Action::{action})");
            assert!(rows.iter().any(|row| row[0].contains(&link)), "{action} is not in the table");
        }
        for row in &rows {
            assert_eq!(row.len(), 4, "{row:?}");
            let link = row[0].split_once("Action::").expect("a link").1;
            let name = link.split_once(')').expect("its end").0;
            assert!(actions.contains(&name), "{name} is no order");
        }
    }

    #[test]
    fn every_event_is_in_the_section_of_orders() {
        let (_, rest) = include_str!("lib.rs").split_once("//! # Orders\n").expect("the section");
        let (section, _) = rest.split_once("//! # ").expect("the next section");
        for (name, count) in [("ControlEvent", 4), ("DataEvent", 10)] {
            let news = variants(name);
            assert_eq!(news.len(), count, "{news:?}");
            for variant in news {
                let link = std::format!("{name}::{variant}");
                assert!(section.contains(&link), "{link} is not in the table");
            }
        }
    }
}
