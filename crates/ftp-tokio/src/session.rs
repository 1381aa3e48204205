//! The session and how it is polled
//!
//! ```text
//! advance   set the streams' waker · all that can be done without waiting · events                never waits
//! poll      advance; is it done? otherwise the timer is set, and whatever is pending wakes the task
//!
//! run(op)   poll until op has completed
//! ```
//!
//! Before each turn the session is told that every connection is ready. One that is not returns `WouldBlock`, without
//! a system call, and registers the task's waker. The bytes of a transfer are tried last, after the turn, so that
//! nothing can become ready between the attempt and the wait without a registered waker.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use ftp_proto::{Op, OpId, Output, Time, Transfer};
use ftp_session::{Error, Interest, IntoServerAddress, Options, Origin, Slot};
use tokio::net::{TcpListener, lookup_host};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::dial::{Dialer, Dialing, Target};
use crate::io::{Io, Look, Net};

/// Turns in one poll before other tasks get theirs; each does as much as the session's budget permits
const TURNS: usize = 4;

/// How long a deadline that has passed waits for the runtime, which has not looked at the connections while the task was
/// blocked; the shortest time of its timers
const MOMENT: Duration = Duration::from_millis(1);

/// The session of `ftp-session`, on tokio's connections
pub(crate) type Inner = ftp_session::Session<Io, TcpListener>;

pub(crate) struct Session {
    pub(crate) inner: Inner,
    origin: Origin,
    clock: Clock,
    /// When the session last learned the time
    last_now: Instant,
    timer: Option<Pin<Box<Sleep>>>,
    dialer: Option<Dialer>,
    dialing: Option<Dialing>,
    /// The request that the current call waits for; a dropped call leaves it here until the next call
    pub(crate) current: Option<OpId>,
    /// Those that work for its calls, and for calls that were dropped
    pub(crate) threads: crate::local::Threads,
}

/// The server that a session connects to, with the options
struct Destination {
    host: String,
    port: u16,
    options: Options,
}

impl Destination {
    fn new(address: impl IntoServerAddress, options: Options) -> Result<Self, Error> {
        let address = address.into_server_address()?;
        let host = address.host();
        let port = address.port().unwrap_or_else(|| options.default_port());
        options.refuse_keep_alive()?;
        let options = options.host(host).port(port);
        #[cfg(feature = "tracing")]
        let options = match tracing::enabled!(target: "ftp", tracing::Level::DEBUG) {
            true => options.trace(|line| tracing::debug!(target: "ftp", "{line}")),
            false => options,
        };
        Ok(Self { host: host.to_owned(), port, options })
    }

    /// The addresses of the server, or of a proxy
    async fn look_up(&self) -> Result<Vec<SocketAddr>, Error> {
        let hop = self.options.first_hop().unwrap_or((&self.host, self.port));
        let found = lookup_host(hop).await.map_err(|error| self.options.unresolved(error))?;
        Ok(found.collect())
    }
}

/// Whether the session's clock runs
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Clock {
    /// A call is waiting for the server
    Running,
    /// A call has returned, or bytes have moved: until the next poll the user does something else
    Stopped,
}

/// Several calls that are one
pub(crate) struct Call;

impl Session {
    /// Connects, without waiting for the greeting
    ///
    /// The session takes some kilobytes and its options take one. Both are boxed, because otherwise every future that
    /// holds them would be that much larger.
    pub(crate) fn connect(
        address: impl IntoServerAddress,
        options: Options,
        dialer: Option<Dialer>,
    ) -> impl Future<Output = Result<Box<Self>, Error>> {
        let destination = Destination::new(address, options).map(Box::new);
        async move {
            let destination = destination?;
            let begun = Instant::now();
            let addresses = match &dialer {
                Some(_) => None,
                None => Some(destination.look_up().await?),
            };
            Self::new(*destination, addresses, dialer, begun)
        }
    }

    fn new(
        destination: Destination,
        addresses: Option<Vec<SocketAddr>>,
        dialer: Option<Dialer>,
        now: Instant,
    ) -> Result<Box<Self>, Error> {
        let Destination { host, port, options } = destination;
        let origin = Origin::new(now.into_std());
        let time = origin.time(now.into_std());
        let inner = match addresses {
            Some(addresses) => ftp_session::Session::new(&addresses, options, time)?,
            None => ftp_session::Session::dialed_by_shell(&host, port, options, time)?,
        };
        let mut session = Box::new(Self {
            inner,
            origin,
            clock: Clock::Running,
            last_now: now,
            timer: None,
            dialer,
            dialing: None,
            current: None,
            threads: crate::local::Threads::default(),
        });
        session.inner.start();
        Ok(session)
    }

    /// Makes all calls one, until the result is dropped: nothing to do here, where the caller bounds the time of calls
    #[expect(
        clippy::unused_self,
        clippy::needless_pass_by_ref_mut,
        reason = "ftp-blocking has a deadline for calls"
    )]
    pub(crate) const fn call(&mut self) -> Call {
        Call
    }

    /// Reads the session's clock, and restarts it if it was stopped: the time that the user spent is left out
    pub(crate) fn run_clock(&mut self) {
        let now = Instant::now();
        if std::mem::replace(&mut self.clock, Clock::Running) == Clock::Stopped {
            self.origin = self.origin.later_by(now.saturating_duration_since(self.last_now));
        }
        self.last_now = now;
    }

    /// Stops the session's clock: the current wait is over
    pub(crate) const fn stop_clock(&mut self) {
        self.clock = Clock::Stopped;
    }

    /// The present on the session's clock
    pub(crate) fn now(&mut self) -> Time {
        self.last_now = Instant::now();
        self.last_time()
    }

    /// The time on the session's clock when it was last read
    pub(crate) fn last_time(&self) -> Time {
        self.origin.time(self.last_now.into_std())
    }

    /// Waits until no reply is expected and no data connection is open
    pub(crate) async fn rest(&mut self) -> Result<(), Error> {
        self.wait(|session| session.inner.rested()).await
    }

    /// Waits for a request to end
    pub(crate) async fn run<T: Output>(&mut self, op: Op<T>) -> Result<T, Error> {
        self.current = Some(op.id());
        self.wait(|session| session.take(op)).await
    }

    /// Waits until a transfer can move bytes; `Some` if it has ended already
    pub(crate) async fn start(&mut self, op: Op<Transfer>) -> Result<Option<Transfer>, Error> {
        self.current = Some(op.id());
        self.wait(|session| {
            let over = session.take(op).map(|result| result.map(Some));
            over.or_else(|| session.inner.data_direction().is_some().then_some(Ok(None)))
        })
        .await
    }

    /// Prepares for a new request: aborts what a dropped call or guard has left, and reads what the server has sent
    /// meanwhile, so that it is not taken for an answer
    ///
    /// Anything unsettled is settled with the server before the request is sent.
    pub(crate) async fn begin(&mut self) -> &mut ftp_proto::Client {
        self.resume();
        self.inner.stop_keep_alive();
        self.settle().await;
        self.inner.discard_events();
        self.inner.request()
    }

    /// Does what can be done without waiting, on connections that are read first and that wake this task
    async fn settle(&mut self) {
        poll_fn(|context| {
            self.attend(context, Look::Socket);
            self.advance(context);
            Poll::Ready(())
        })
        .await;
    }

    /// Begins a call: leaves out the time since the last one, and aborts what that has left
    pub(crate) fn resume(&mut self) {
        self.skip_pause();
        // A call may have been dropped between the two polls.
        self.abandon();
    }

    /// Reads the clock, which leaves out the time since the last call, and runs from now on
    fn skip_pause(&mut self) {
        // It may still run, if a call was dropped while it waited.
        self.stop_clock();
        self.run_clock();
    }

    /// Reads what the server has sent meanwhile, without waiting and without sending a request
    #[cfg(feature = "pool")]
    pub(crate) fn look(&mut self) {
        self.skip_pause();
        self.stop_clock();
        let context = &mut Context::from_waker(std::task::Waker::noop());
        self.attend(context, Look::Socket);
        self.advance(context);
    }

    /// Whether no request is unfinished
    #[cfg(feature = "pool")]
    pub(crate) fn is_settled(&self) -> bool {
        self.inner.is_idle() && self.inner.client().running_transfer().is_none()
    }

    /// Aborts the request that no caller waits for any more
    pub(crate) fn abandon(&mut self) {
        if let Some(op) = self.current.take() {
            self.inner.abort(op);
        }
        if let Some(op) = self.inner.client().running_transfer() {
            self.inner.abort(op);
        }
    }

    /// Waits until `done` returns a value; it is called after each turn
    pub(crate) async fn wait<T>(&mut self, mut done: impl FnMut(&mut Self) -> Option<T>) -> T {
        poll_fn(|context| self.poll(context, &mut done)).await
    }

    /// As [`Self::wait`]
    pub(crate) fn poll<T>(
        &mut self,
        context: &mut Context<'_>,
        done: impl FnMut(&mut Self) -> Option<T>,
    ) -> Poll<T> {
        self.run_clock();
        ready!(self.poll_attend(context));
        self.poll_attended(context, done)
    }

    /// [Attends](Self::attend) to the connections. If a deadline has passed, first waits for the runtime to look at them
    ///
    /// Read the clock before. If the task was blocked, the runtime may not know yet of bytes that arrived in time: with one
    /// thread, it looks at its connections only when no task runs, and before it lets timers fire.
    pub(crate) fn poll_attend(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let deadline = self.inner.deadline().filter(|at| *at <= self.last_time());
        let Some(deadline) = deadline.and_then(|at| self.origin.instant(at)) else {
            self.attend(context, Look::Runtime);
            return Poll::Ready(());
        };
        let has_fired =
            |timer: &Pin<Box<Sleep>>| timer.is_elapsed() && deadline <= timer.deadline().into_std();
        if !self.timer.as_ref().is_some_and(has_fired) {
            let soon = self.last_now + MOMENT;
            let fires = |timer: &Pin<Box<Sleep>>| !timer.is_elapsed() && timer.deadline() <= soon;
            if !self.timer.as_ref().is_some_and(fires) {
                self.timer = None;
            }
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(soon)));
            ready!(timer.as_mut().poll(context));
        }
        // A runtime with other threads may still be looking.
        self.attend(context, Look::Socket);
        Poll::Ready(())
    }

    /// As [`Self::poll`], for callers that have read the clock and [attended](Self::poll_attend) to the connections
    pub(crate) fn poll_attended<T>(
        &mut self,
        context: &mut Context<'_>,
        mut done: impl FnMut(&mut Self) -> Option<T>,
    ) -> Poll<T> {
        for _ in 0..TURNS {
            self.advance(context);
            if let Some(found) = done(self) {
                self.stop_clock();
                return Poll::Ready(found);
            }
            if !self.inner.has_work() {
                ready!(self.poll_timer(context));
            }
            self.now();
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    /// Does what can be done without waiting, up to a bound, on connections that [wake the task](Self::attend)
    ///
    /// Deadlines are compared with the clock as it was last read.
    pub(crate) fn advance(&mut self, context: &mut Context<'_>) {
        self.turn(context);
        self.poll_dialing(context);
    }

    fn turn(&mut self, context: &Context<'_>) {
        let mut net = Net::new(context.waker());
        loop {
            for slot in Slot::ALL {
                self.inner.ready(slot, Interest::BOTH);
            }
            let now = self.last_time();
            self.inner.turn(&mut net, now);
            // New listeners and accepted connections were not reported as ready, so nothing has registered the waker
            // with them yet.
            if !net.take_made() {
                break;
            }
        }
    }

    /// Makes the connections wake this task from now on, and sets where reads look first
    ///
    /// What the server sent before a command is not the answer to it, so before a request the sockets are read
    /// directly. Where else the sockets must be read, the session calls
    /// [`look`](ftp_session::Transport::look).
    pub(crate) fn attend(&mut self, context: &Context<'_>, look: Look) {
        for slot in Slot::ALL {
            if let Some(io) = self.inner.stream_mut(slot) {
                io.attend(context.waker(), look);
            }
        }
    }

    /// Lets the dialer make the connection that the session asks for
    fn poll_dialing(&mut self, context: &mut Context<'_>) {
        let Some(request) = self.inner.dial_request() else {
            // The connection came too late, or is no longer wanted.
            self.dialing = None;
            return;
        };
        let id = request.id;
        if self.dialing.as_ref().is_none_or(|dialing| dialing.id != id) {
            let Some(dialer) = &mut self.dialer else { return };
            let host = request.host.to_string();
            let made = dialer(Target { host, port: request.port, channel: id.slot().channel() });
            self.dialing = Some(Dialing { id, made });
        }
        let Some(dialing) = &mut self.dialing else { return };
        let made = match dialing.made.as_mut().poll(context) {
            Poll::Ready(made) => made,
            Poll::Pending => return,
        };
        self.dialing = None;
        let made = made.map(|stream| (Io::dialed(stream, context.waker()), None));
        let now = self.now();
        self.inner.dialed(id, made, now);
    }

    /// Becomes ready when the session needs a turn even though nothing has woken the task
    pub(crate) fn poll_timer(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(at) = self.inner.deadline().and_then(|at| self.origin.instant(at)) else {
            return Poll::Pending;
        };
        let at = Instant::from_std(at);
        if at <= self.last_now {
            return Poll::Ready(());
        }
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(at)));
        // Only a runtime that is shut down lets its timers fire early. Polling one of them would panic.
        if timer.is_elapsed() && Instant::now() < timer.deadline() {
            let now = self.now();
            self.inner.control_lost(io::Error::other("the runtime was shut down"), now);
            return Poll::Ready(());
        }
        // Deadlines mostly move later. A timer that fires too early is set again then, which costs less than moving it
        // each time.
        if at < timer.deadline() {
            timer.as_mut().reset(at);
        }
        while timer.as_mut().poll(context).is_ready() {
            if at <= Instant::now() {
                return Poll::Ready(());
            }
            timer.as_mut().reset(at);
        }
        Poll::Pending
    }

    /// The result of a request, if it has ended
    ///
    /// The machine may still have to settle with the server. It does so within the next call.
    pub(crate) fn take<T: Output>(&mut self, op: Op<T>) -> Option<Result<T, Error>> {
        let result = self.inner.completed(op)?;
        self.release();
        Some(result)
    }

    /// Closes the connection
    pub(crate) async fn close(&mut self) {
        self.inner.request().close();
        self.wait(|session| session.inner.ended()).await;
    }

    /// Ends a call that waits for no request any more
    pub(crate) fn release(&mut self) {
        self.current = None;
        // An idle session needs none: it would wake the task. Allocating it again costs little compared with a round
        // trip.
        self.timer = None;
    }
}
