//! The session on the application's poll: tokens and readiness; the rest is `ftp-session`'s

use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ftp_session::procedure::{Next, Procedure};
use ftp_session::{Error, Event, Interest, Options, Origin, Slot, Time};
use mio::net::{TcpListener, TcpStream};
use mio::{Registry, Token};

use crate::net::Net;

/// A session with an FTP server, on the application's poll
///
/// Requests queue and never fail; each gives an [`Op`](ftp_proto::Op), a claim on the result that
/// [`Event::Completed`] brings. They may be made at any time, also before the connection is open.
/// After requests and other calls that change something, [`Self::has_work`] is true: then
/// [`Self::turn`] is due, without waiting.
///
/// Dropped, it closes its connections without a word; [`Self::quit`] says goodbye.
pub struct Session {
    pub(crate) inner: ftp_session::Session<TcpStream, TcpListener>,
    /// The token of the first slot
    first: Token,
    origin: Origin,
    /// When the last turn was: that is the present until the next one
    now: Time,
}

impl Session {
    /// How many tokens a session takes, from its first one on
    pub const TOKENS: usize = Slot::ALL.len();

    /// A session that is connecting to the first of the server's addresses that answers
    ///
    /// It takes [`Self::TOKENS`] tokens from `first` on. Events for them are to be given to
    /// [`Self::handle_event`]; nothing else may be registered under them.
    ///
    /// # Errors
    ///
    /// As [`Self::new`].
    pub fn connect(
        registry: &Registry,
        first: Token,
        addresses: &[SocketAddr],
        options: impl Into<Options>,
    ) -> Result<Self, Error> {
        let mut session = Self::new(first, addresses, options)?;
        session.start();
        session.turn(registry, Instant::now());
        Ok(session)
    }

    /// A session that connects when it is told to [`start`](Self::start), with the first of the
    /// server's addresses that answers
    ///
    /// # Errors
    ///
    /// [`Error::TlsConfig`] and [`Error::Tls`] if TLS is wanted and can't be had;
    /// [`Error::Connect`] if there is no address, or none that the source address can reach.
    pub fn new(
        first: Token,
        addresses: &[SocketAddr],
        options: impl Into<Options>,
    ) -> Result<Self, Error> {
        let inner = ftp_session::Session::new(addresses, options, Time::ZERO)?;
        Ok(Self { inner, first, origin: Origin::new(Instant::now()), now: Time::ZERO })
    }

    /// Begins to connect, at the next turn; the second time nothing happens
    pub fn start(&mut self) {
        self.inner.start();
    }

    /// Takes note that a socket is ready; false if the event is for somebody else's token
    ///
    /// Cheap: the work is [`Self::turn`]'s.
    pub fn handle_event(&mut self, event: &mio::event::Event) -> bool {
        let index = event.token().0.checked_sub(self.first.0);
        let Some(slot) = index.and_then(|index| Slot::ALL.get(index)) else { return false };
        // An end or an error shows in the next read or write.
        self.inner.ready(
            *slot,
            Interest {
                read: event.is_readable() || event.is_read_closed() || event.is_error(),
                write: event.is_writable() || event.is_write_closed() || event.is_error(),
            },
        );
        true
    }

    /// Does what can be done without waiting, up to a bound: connects, reads replies and writes
    /// commands, opens, secures and closes data connections, and obeys deadlines that have passed
    ///
    /// Due after [`Self::handle_event`], when [`Self::deadline`] has come, and while
    /// [`Self::has_work`]; at other times it is harmless. Afterwards look for events and, if a
    /// transfer is under way, move data.
    pub fn turn(&mut self, registry: &Registry, now: Instant) {
        let now = self.advance(now);
        self.inner.turn(&mut Net { registry, first: self.first }, now);
    }

    /// When [`Self::turn`] is due although no event has come
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.inner.deadline().and_then(|at| self.origin.instant(at))
    }

    /// The session under this driver, for whatever this driver has no method for
    ///
    /// Its times are those of [`Self::now`].
    #[must_use]
    pub const fn engine(&self) -> &ftp_session::Session<TcpStream, TcpListener> {
        &self.inner
    }

    /// As [`Self::engine`], to make requests and move bytes; its connections are this driver's to wait for
    pub const fn engine_mut(&mut self) -> &mut ftp_session::Session<TcpStream, TcpListener> {
        &mut self.inner
    }

    /// The present, as the session counts it: the time of the last turn
    #[must_use]
    pub const fn now(&self) -> Time {
        self.now
    }

    fn advance(&mut self, now: Instant) -> Time {
        self.now = self.now.max(self.origin.time(now));
        self.now
    }

    /// Whether [`Self::turn`] is due at once
    ///
    /// A level: true after requests, after events, when data has been moved up to the
    /// [budget](Options::budget), and when a turn has reached its own. Data that the application
    /// does not read is no work: [`Self::can_read`] tells of it.
    #[must_use]
    pub fn has_work(&self) -> bool {
        self.inner.has_work()
    }

    /// How long to wait for events, as [`mio::Poll::poll`] takes it
    #[must_use]
    pub fn timeout(&self, now: Instant) -> Option<Duration> {
        if self.has_work() {
            return Some(Duration::ZERO);
        }
        self.deadline().map(|at| at.saturating_duration_since(now))
    }

    /// Whether there is something for the application: events, or data to move
    pub(crate) fn has_news(&self) -> bool {
        self.inner.has_events() || self.can_read() || self.can_write()
    }

    /// Goes on with a procedure as far as it can without waiting: a resumed transfer, a tree, …
    ///
    /// Due at first, after each [`Self::turn`], and after the procedure's
    /// [answers](Procedure::answer). Give it each [`Event`] of the session by [`Procedure::handle`], and make no
    /// other requests until it has ended. At [`Next::Request`] and [`Next::Wait`] go on with the loop; what
    /// [`Next::Local`] orders is done with a file of yours, or by `LocalFile` (feature `files`).
    pub fn perform<'a, T>(&mut self, procedure: &'a mut Procedure<T>, now: Instant) -> Next<'a, T> {
        let now = self.advance(now);
        procedure.turn(&mut self.inner, now)
    }

    /// The next news
    #[must_use]
    pub fn poll_event(&mut self) -> Option<Event> {
        self.inner.poll_event()
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.inner, f)
    }
}
