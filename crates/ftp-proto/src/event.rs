//! What comes out of the machine (actions, events) and what drivers report back

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
/// The crate's documentation has a [table](crate#orders) of what may come before each, what ends it, and what to
/// report if it can't be done. Exhaustive on purpose: a new duty breaks the build of every driver.
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
    /// An upload's end is two: [`DataEvent::Sent`] when its last byte was flushed and its end signalled
    /// (close_notify, half-close), and [`DataEvent::Finished`] when the server's end has been read or was
    /// given up. A driver may report a
    /// download's bytes before this order.
    StartTransfer {
        /// The data connection
        id: DataId,
        /// The request that the bytes belong to; `None`: nobody wants them, read them to the end and
        /// throw them away
        op: Option<OpId>,
        /// Which way they go
        direction: Direction,
        /// What is done to them
        encoding: Encoding,
    },
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
    /// No byte passes because the user takes none of a download or gives none of an upload: the time that the
    /// server has ([`Config::data_timeout`](crate::Config::data_timeout)) begins anew
    ///
    /// Report it when that time is over and bytes could pass, and when a user goes on after such a pause.
    Paused,
    /// All of an upload and its end (close_notify, half-close) have been given to the system; report it
    /// before anything that is read afterwards
    ///
    /// A final reply that was read before can't confirm what was not sent yet (RFC 959 section 3.4.1: the
    /// end of the file is the close of the connection). A driver that does not wait for the server's end
    /// may leave this out: [`Self::Finished`] says the same.
    Sent,
    /// The end: a download's EOF (with close_notify, under TLS), an upload all sent and closed
    Finished,
    /// A download's EOF without TLS's close_notify; an upload under TLS that was [sent](Self::Sent), and whose
    /// connection then broke
    ///
    /// Servers that close without reading the upload's close_notify reset the connection. One that lacks bytes
    /// knows so under TLS, and refuses; but a final reply from before the end is not taken for its last word.
    Truncated,
    /// The connection could not be opened or secured, or broke
    Failed(DataFailure),
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

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    /// The variants of an enum in this file
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

    /// Cells of the documentation's table of orders
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
    fn all_news_is_in_the_section_of_orders() {
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
