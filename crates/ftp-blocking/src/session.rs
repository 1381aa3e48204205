//! The session and the loop that drives it
//!
//! ```text
//! settle   all that can be done without waiting, and events                       never waits
//! wait     poll both connections until the deadline, note what is ready          waits, bounded
//!
//! run(op)  settle; has op completed? otherwise wait; again
//! ```
//!
//! Sockets never block, and a wait always covers both connections, so it ends with whichever decides the outcome.

use std::io;
use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ftp_proto::{Endpoints, Op, OpId, Output, Reply, SourceSelection, Transfer};
use ftp_session::system::{self, Sockets, adopt};
use ftp_session::{Channel, Error, Interest, IntoServerAddress, Slot, SocketRef, Time};

use crate::canceller::Canceller;
use crate::clock::{Call, Clock, earliest};
use crate::dial::{Dialer, Target};
use crate::options::Options;
use crate::wait::{Entries, Slots, enter, outcome, poll};

/// The session of `ftp-session`, on sockets of this system
pub(crate) type Inner = ftp_session::Session<TcpStream, TcpListener>;

pub(crate) struct Session {
    pub(crate) inner: Inner,
    net: Sockets,
    dialer: Option<Box<dyn Dialer>>,
    /// Both addresses of the control connection, and who has chosen the local one
    pub(crate) endpoints: Endpoints,
    /// The request that the current call waits for
    pub(crate) current: Option<OpId>,
    pub(crate) clock: Clock,
    /// Set once there is a canceller, until the session is over
    canceller: Option<Canceller>,
    /// A duplicate of the control connection, by which the canceller ends a wait
    wake: Option<Arc<TcpStream>>,
}

/// How often a session checks whether it was cancelled while it does not wait for its control connection
const CANCEL_INTERVAL: Duration = Duration::from_millis(100);

impl Session {
    /// Connects, without waiting for the greeting
    pub(crate) fn dial(address: impl IntoServerAddress, options: Options) -> Result<Self, Error> {
        let address = address.into_server_address()?;
        let host = address.host();
        let Options { session, deadline, dialer, canceller } = options;
        let port = address.port().unwrap_or_else(|| session.default_port());
        let clock = Clock::new(deadline);
        session.refuse_keep_alive()?;
        let source = session.source().map_or(SourceSelection::System, |_| SourceSelection::Caller);
        let session = session.host(host).port(port);
        let inner = if dialer.is_some() {
            ftp_session::Session::dialed_by_shell(host, port, session, clock.now())?
        } else {
            // The server's, or a proxy's.
            let hop = session.first_hop().unwrap_or((host, port));
            let addresses = hop.to_socket_addrs().map_err(|error| session.unresolved(error))?;
            ftp_session::Session::new(&addresses.collect::<Vec<_>>(), session, clock.now())?
        };
        let unspecified = ([0, 0, 0, 0], 0).into();
        let mut session = Self {
            inner,
            net: Sockets::default(),
            dialer,
            endpoints: Endpoints { local: unspecified, source, peer: unspecified },
            current: None,
            clock,
            canceller,
            wake: None,
        };
        session.inner.start();
        session.endpoints = session.until(|session| {
            session.inner.discard_events();
            let endpoints = session.inner.endpoints().map(Ok);
            endpoints.or_else(|| session.inner.ended().map(Err))
        })?;
        session.watch_control();
        Ok(session)
    }

    /// Returns the session's canceller, or a new one
    pub(crate) fn canceller(&mut self) -> Result<Canceller, Error> {
        if let Some(error) = self.inner.ended() {
            return Err(error);
        }
        let flag = self.inner.cancel_flag();
        let canceller = self.canceller.get_or_insert_with(|| Canceller::of(flag)).clone();
        self.watch_control();
        Ok(canceller)
    }

    /// Lets the canceller, if there is one, end waits for the control connection
    fn watch_control(&mut self) {
        let (Some(canceller), None) = (&self.canceller, &self.wake) else { return };
        let control = self.inner.sockets().find_map(|(slot, socket, _)| match socket {
            SocketRef::Stream(stream) if slot.is_control() => Some(stream),
            _ => None,
        });
        self.wake = control.and_then(|control| canceller.watch(control));
    }

    /// Whether a canceller has ended the session
    pub(crate) fn is_cancelled(&self) -> bool {
        self.canceller.as_ref().is_some_and(|canceller| canceller.flag().is_set())
    }

    /// Makes all calls one, with one deadline, until the result is dropped
    pub(crate) fn call(&mut self) -> Call {
        self.clock.begin();
        self.clock.go_on()
    }

    /// The present on the machine's clock
    pub(crate) fn now(&self) -> Time {
        self.clock.now()
    }

    /// Waits for a request to end
    pub(crate) fn run<T: Output>(&mut self, op: Op<T>) -> Result<T, Error> {
        self.current = Some(op.id());
        self.until(|session| session.take(op))
    }

    /// Waits until a transfer can move bytes; `Some` if it has ended already
    pub(crate) fn start(&mut self, op: Op<Transfer>) -> Result<Option<Transfer>, Error> {
        self.current = Some(op.id());
        self.until(|session| {
            let over = session.take(op).map(|result| result.map(Some));
            over.or_else(|| session.inner.data_direction().is_some().then_some(Ok(None)))
        })
    }

    /// Waits until `done` returns a result; it is called after each turn
    fn until<T>(
        &mut self,
        mut done: impl FnMut(&mut Self) -> Option<Result<T, Error>>,
    ) -> Result<T, Error> {
        loop {
            self.settle();
            if let Some(result) = done(self) {
                return result.map_err(|error| self.clock.explain(error));
            }
            self.keep_to_deadline()?;
            self.wait();
        }
    }

    /// Ends the call if its deadline has passed, or if the session was cancelled
    ///
    /// After the deadline, the requests of the call continue within the next call: a transfer is aborted; other
    /// requests are still waited for, but their results are discarded.
    pub(crate) fn keep_to_deadline(&mut self) -> Result<(), Error> {
        if self.is_cancelled() {
            self.stop();
            return Err(Error::Cancelled);
        }
        let Some(limit) = self.clock.overdue() else { return Ok(()) };
        self.stop();
        Err(Error::Deadline { limit })
    }

    /// Aborts the running request, without waiting for the server's replies to that
    pub(crate) fn stop(&mut self) {
        if let Some(op) = self.current.take() {
            self.inner.abort(op);
        }
        self.settle();
        self.leave();
    }

    /// Ends a call: until the next one, nothing reads what the machine may still wait for
    pub(crate) fn leave(&mut self) {
        if !self.inner.is_idle() && !self.inner.client().is_dead() {
            self.clock.pause();
        }
    }

    /// Waits until no reply is expected and no data connection is open
    pub(crate) fn rest(&mut self) -> Result<(), Error> {
        self.until(|session| session.inner.rested())
    }

    /// Closes the connection
    pub(crate) fn close(&mut self) {
        self.inner.request().close();
        self.settle();
    }

    /// Prepares for a new request: first reads what the server has sent meanwhile, so that it is not taken for an
    /// answer
    pub(crate) fn begin(&mut self) -> &mut ftp_proto::Client {
        self.clock.resume();
        self.clock.begin();
        self.inner.stop_keep_alive();
        // A transfer whose guard was forgotten, not dropped, is still running.
        if self.inner.data_direction().is_some() {
            self.abandon();
            self.clock.resume();
        }
        for slot in [Slot::Control, Slot::SecondControl] {
            self.inner.ready(slot, Interest::READ);
        }
        self.settle();
        self.inner.discard_events();
        self.inner.request()
    }

    /// Aborts the transfer of the current call if it is still running, and waits as [`Self::abandon`] does
    pub(crate) fn give_up(&mut self) {
        if self.current.is_some() {
            self.abandon();
        }
    }

    /// Aborts the running transfer and waits until the session is usable or over
    ///
    /// Bounded by [`Config::settle_timeout`] and the call's deadline.
    pub(crate) fn abandon(&mut self) {
        self.current = None;
        self.clock.resume();
        if let Some(op) = self.inner.client().running_transfer() {
            self.inner.abort(op);
        }
        // The next request reports how the session ended.
        let _ = self.rest();
    }

    /// As [`Self::abandon`], as a call of its own; returns the reply to ABOR, if it was sent and answered
    pub(crate) fn abort(&mut self) -> Result<Option<Reply>, Error> {
        self.clock.begin();
        let runs = self.inner.client().running_transfer().is_some();
        self.abandon();
        self.keep_to_deadline()?;
        let reply = self.inner.client().abort_reply().filter(|_| runs).cloned();
        self.inner.ended().map_or(Ok(reply), Err)
    }

    /// Does what can be done without waiting, up to a bound; returns the time at which it began
    pub(crate) fn settle(&mut self) -> Time {
        let mut now = self.now();
        self.inner.turn(&mut self.net, now);
        while self.dial_requested() {
            now = self.now();
            self.inner.turn(&mut self.net, now);
        }
        // The connection closes only once its duplicate is closed, too.
        if self.inner.client().is_dead() {
            self.wake = None;
            self.canceller = None;
        }
        now
    }

    /// Lets the dialer make the connection that the session asks for; returns false if it asks for none
    fn dial_requested(&mut self) -> bool {
        let Some(request) = self.inner.dial_request() else { return false };
        let Some(dialer) = &mut self.dialer else { return false };
        let left = request.deadline.map(|at| at.saturating_duration_since(self.clock.now()));
        let timeout = self.clock.at_most(left.unwrap_or(Duration::MAX));
        let id = request.id;
        let channel = id.slot().channel();
        let target = Target { host: request.host, port: request.port, channel };
        // TcpStream::connect_timeout, for example, refuses a time limit of zero as an invalid argument.
        let stream = match timeout {
            Duration::ZERO => Err(io::ErrorKind::TimedOut.into()),
            timeout => dialer.connect(target, timeout),
        };
        let result = stream.and_then(|stream| {
            adopt(&stream)?;
            if channel == Channel::Data {
                return Ok((stream, None));
            }
            system::keep_alive(&stream);
            let (local, peer) = (stream.local_addr()?, stream.peer_addr()?);
            Ok((stream, Some(Endpoints { local, peer, ..self.endpoints })))
        });
        self.inner.dialed(id, result, self.clock.now());
        true
    }

    /// The result of a request, if it has ended
    ///
    /// The machine may still have to settle with the server. It does so within the next call, because this caller has
    /// waited long enough.
    pub(crate) fn take<T: Output>(&mut self, op: Op<T>) -> Option<Result<T, Error>> {
        let result = self.inner.completed(op)?;
        self.current = None;
        self.leave();
        Some(result)
    }

    /// Waits until a connection is ready or a deadline has passed; [`Self::settle`] then does the work
    pub(crate) fn wait(&mut self) {
        wait_for(&mut [self]);
    }

    /// When the session needs a turn even though no socket is ready
    fn deadline(&self) -> Option<Instant> {
        // No socket becomes ready for bytes that TLS has already buffered.
        if self.inner.has_work() || self.inner.can_read() {
            return Some(Instant::now());
        }
        let machine = self.inner.deadline().and_then(|at| self.clock.real(at));
        let deadline = earliest(machine, self.clock.deadline);
        let mut sockets = self.inner.sockets();
        let mut is_watched =
            || sockets.any(|(slot, _, interest)| slot.is_control() && !interest.is_none());
        if self.canceller.is_none() || self.wake.is_some() && is_watched() {
            return deadline;
        }
        // No socket can wake the wait: the control connection is not open yet, or the server has closed it.
        earliest(deadline, Instant::now().checked_add(CANCEL_INTERVAL))
    }
}

/// Waits until a connection of one of the sessions is ready, or the first deadline has passed
pub(crate) fn wait_for(sessions: &mut [&mut Session]) {
    let mut entries = Entries::new();
    let mut slots: [Slots; 2] = Default::default();
    let mut deadline = None;
    for (session, slots) in sessions.iter().zip(&mut slots) {
        *slots = enter(session.inner.sockets(), &mut entries);
        deadline = earliest(deadline, session.deadline());
    }
    let polled = poll(&mut entries, deadline);
    let mut polled_entries = entries.iter();
    for slots in &mut slots {
        outcome(slots, &mut polled_entries);
    }
    drop(entries);
    for (session, slots) in sessions.iter_mut().zip(slots) {
        if let Err(error) = &polled {
            session.inner.control_lost(error.kind().into(), session.clock.now());
        }
        for (slot, ready, found) in slots {
            if !ready.is_none() {
                session.net.polled(slot, found);
                session.inner.ready(slot, ready);
            }
        }
    }
}
