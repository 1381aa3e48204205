//! The session on the application's poll: tokens and readiness; `ftp-session` does the rest

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ftp_session::procedure::{Procedure, ProcedureStep};
use ftp_session::{Error, Event, Interest, Options, Origin, Slot, Time};
use mio::net::{TcpListener, TcpStream};
use mio::{Registry, Token};

use crate::net::Net;

/// A session with an FTP server, on the application's poll
///
/// Making a request never fails: it is queued, and returns an [`Op`](ftp_proto::Op), which claims the result that
/// [`Event::Completed`] brings. Requests may be made at any time, even before the connection is open. After requests
/// and other calls that change something, [`Self::has_work`] is true: call [`Self::turn`] then, without waiting.
///
/// Dropping the session closes its connections without QUIT; [`Self::quit`] sends it.
pub struct Session {
    pub(crate) inner: ftp_session::Session<TcpStream, TcpListener>,
    /// The token of the first slot
    first: Token,
    origin: Origin,
    /// The time of the last turn, used as the present until the next one
    now: Time,
}

impl Session {
    /// The number of tokens that a session takes, from its first one on
    pub const TOKENS: usize = Slot::ALL.len();

    /// Creates a session that connects to the first of the server's addresses that answers
    ///
    /// It takes [`Self::TOKENS`] tokens from `first` on. Pass events for them to [`Self::handle_event`]; nothing else
    /// may be registered under them.
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

    /// Creates a session that connects when [`start`](Self::start) is called, to the first of the server's addresses
    /// that answers
    ///
    /// # Errors
    ///
    /// [`Error::TlsConfig`] and [`Error::Tls`] if TLS is required but not available; [`Error::Connect`] if there is no
    /// address, or none that the source address can reach; [`Error::InvalidRequest`] if there are fewer than
    /// [`Self::TOKENS`] tokens from `first` on.
    pub fn new(
        first: Token,
        addresses: &[SocketAddr],
        options: impl Into<Options>,
    ) -> Result<Self, Error> {
        if first.0.checked_add(Self::TOKENS - 1).is_none() {
            return Err(no_tokens());
        }
        let inner = ftp_session::Session::new(addresses, options, Time::ZERO)?;
        Ok(Self { inner, first, origin: Origin::new(Instant::now()), now: Time::ZERO })
    }

    /// Starts connecting at the next turn; a second call does nothing
    pub fn start(&mut self) {
        self.inner.start();
    }

    /// Notes that a socket is ready; returns false if the token is not one of the session's
    ///
    /// It is cheap: [`Self::turn`] does the work.
    pub fn handle_event(&mut self, event: &mio::event::Event) -> bool {
        let index = event.token().0.checked_sub(self.first.0);
        let Some(slot) = index.and_then(|index| Slot::ALL.get(index)) else { return false };
        // The next read or write reports a closed connection or an error.
        self.inner.ready(
            *slot,
            Interest {
                read: event.is_readable() || event.is_read_closed() || event.is_error(),
                write: event.is_writable() || event.is_write_closed() || event.is_error(),
            },
        );
        true
    }

    /// Does what can be done without waiting, up to a bound: connects, reads replies and writes commands, opens,
    /// secures and closes data connections, and handles deadlines that have passed
    ///
    /// Call it after [`Self::handle_event`], when [`Self::deadline`] has passed, and while [`Self::has_work`]; at
    /// other times it is harmless. Afterwards take the events, and then, if a transfer is running, move data.
    pub fn turn(&mut self, registry: &Registry, now: Instant) {
        let now = self.advance(now);
        self.inner.turn(&mut Net { registry, first: self.first }, now);
    }

    /// When [`Self::turn`] is due even if no event arrives
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.inner.deadline().and_then(|at| self.origin.instant(at))
    }

    /// The underlying session, for whatever this driver has no method for
    ///
    /// Its times are on the clock of [`Self::now`].
    #[must_use]
    pub const fn engine(&self) -> &ftp_session::Session<TcpStream, TcpListener> {
        &self.inner
    }

    /// As [`Self::engine`], to make requests and move bytes; this driver still waits for its connections
    pub const fn engine_mut(&mut self) -> &mut ftp_session::Session<TcpStream, TcpListener> {
        &mut self.inner
    }

    /// The present on the session's clock: the time of the last turn
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
    /// This is level-triggered: true after requests, after events, when data has been moved up to the
    /// [allowance](Options::allowance), when a turn has reached its own limit, and after
    /// [`Event::DataOpen`] until data is moved. Data that the application does not read is not work:
    /// [`Self::can_read`] reports it.
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

    /// Whether the application has something to do: events, or data to move
    pub(crate) fn is_ready(&self) -> bool {
        self.inner.has_events() || self.can_read() || self.can_write()
    }

    /// Advances a procedure as far as it can go without waiting: a resumed transfer, a tree, …
    ///
    /// Call it at the start, after each [`Self::turn`], and after the procedure's [answers](Procedure::answer). Pass
    /// each [`Event`] of the session to [`Procedure::handle`], and make no other requests until the procedure has
    /// ended. At [`ProcedureStep::Request`] and [`ProcedureStep::Wait`], continue with the loop. Carry out the order of
    /// [`ProcedureStep::Local`] on your own file, or with `LocalFile` (feature `files`).
    pub fn perform<'a, T>(
        &mut self,
        procedure: &'a mut Procedure<T>,
        now: Instant,
    ) -> ProcedureStep<'a, T> {
        let now = self.advance(now);
        procedure.turn(&mut self.inner, now)
    }

    /// Returns the next event
    ///
    /// After a transfer's [`Event::DataOpen`] its bytes can be moved.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<Event> {
        self.inner.poll_event()
    }
}

/// The error of a session whose tokens would be beyond the last one
pub(crate) const fn no_tokens() -> Error {
    let problem = "no tokens are left for the session: choose a lower first token";
    Error::InvalidRequest { problem }
}
