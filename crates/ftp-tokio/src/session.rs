//! The session and how it is polled
//!
//! ```text
//! advance   streams learn who is to be woken · all that can be done without waiting · news       never waits
//! poll      advance; is it done? else the timer is set, and whatever is pending wakes the task
//!
//! run(op)   poll until op has completed
//! ```
//!
//! Before each turn the session is told that every connection is ready. One that is not says that it would block, without
//! a system call, and registers the task to be woken. The bytes of a transfer are tried after the turn, last, so that nothing becomes ready
//! between the attempt and the wait without a waker.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ftp_proto::listing::{ListingParser, UtcOffset};
use ftp_proto::{Ends, Op, OpId, Output, Reply, Time, Transfer};
use ftp_session::{Error, Event, Interest, IntoServerAddress, Options, Origin, Slot, system};
use tokio::net::{TcpListener, lookup_host};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::dial::{Channel, Dialer, Dialing, Target};
use crate::io::{Io, Look, Net};

/// Turns in one poll, after which other tasks have theirs: each does as much as the session's budget permits
const TURNS: usize = 4;

pub(crate) struct Session {
    pub(crate) inner: ftp_session::Session<Io, TcpListener>,
    origin: Origin,
    clock: Clock,
    /// When the session last learned the time
    told: Instant,
    timer: Option<Pin<Box<Sleep>>>,
    dialer: Option<Dialer>,
    dialing: Option<Dialing>,
    pub(crate) host: String,
    pub(crate) ends: Option<Ends>,
    pub(crate) greeting: Option<Reply>,
    /// Size that the server told of the transfer that began last
    pub(crate) size_hint: Option<u64>,
    /// Bytes that a line may have where texts and listings are read by lines
    pub(crate) line_limit: usize,
    /// How far the clock of the server's listings is ahead of UTC
    pub(crate) utc_offset: Option<UtcOffset>,
    /// The request that the current call waits for; of a call that was dropped, until the next one
    current: Option<OpId>,
    events: VecDeque<Event>,
}

/// What a session connects to, and how
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
    /// Somebody waits for the server
    Runs,
    /// A call has returned, or bytes have moved: until the next poll the user does something else
    Stands,
}

impl Session {
    /// Connects; what the server has to say is not waited for
    ///
    /// The session has some kilobytes and its options have one. Both are boxed, since every future that held them would be
    /// that much larger.
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
            clock: Clock::Runs,
            told: now,
            timer: None,
            dialer,
            dialing: None,
            host,
            ends: None,
            greeting: None,
            size_hint: None,
            // As ftplib: more than any line that makes sense, and a bound for what a server can make this side hold.
            line_limit: 8192,
            utc_offset: None,
            current: None,
            events: VecDeque::new(),
        });
        session.inner.start();
        Ok(session)
    }

    /// The user waits again: the session's clock leaves out what was the user's own time
    pub(crate) fn run_clock(&mut self) {
        if std::mem::replace(&mut self.clock, Clock::Runs) == Clock::Stands {
            self.origin = self.origin.later_by(self.told.elapsed());
        }
    }

    /// Whoever has waited has what it waited for
    pub(crate) const fn stop_clock(&mut self) {
        self.clock = Clock::Stands;
    }

    /// The present, as the session counts it
    pub(crate) fn now(&mut self) -> Time {
        self.told = Instant::now();
        self.origin.time(self.told.into_std())
    }

    /// Waits until nothing is owed and nothing open
    pub(crate) async fn rest(&mut self) -> Result<(), Error> {
        self.wait(|session| {
            let ended = session.inner.ended().map(Err);
            ended.or_else(|| session.inner.is_idle().then_some(Ok(())))
        })
        .await
    }

    /// Waits for a request to end
    pub(crate) async fn run<T: Output>(&mut self, op: Op<T>) -> Result<T, Error> {
        self.current = Some(op.id());
        self.wait(|session| session.take(op)).await
    }

    /// Waits until a transfer moves bytes; `Some` if it was over before
    pub(crate) async fn start(&mut self, op: Op<Transfer>) -> Result<Option<Transfer>, Error> {
        self.current = Some(op.id());
        self.wait(|session| {
            let over = session.take(op).map(|result| result.map(Some));
            over.or_else(|| session.is_moving().then_some(Ok(None)))
        })
        .await
    }

    /// Before a new request: aborts what a dropped call or guard has left, and hears what the server has said
    /// meanwhile, so that it is nobody's answer
    ///
    /// Whatever has to be settled with the server is settled before the request goes out.
    pub(crate) async fn begin(&mut self) -> &mut ftp_proto::Client {
        // Also if a call was dropped while it waited.
        self.stop_clock();
        self.run_clock();
        // It would go out now, late and before the caller's request.
        if self.inner.client().config().keep_alive.is_some() {
            self.inner.request().config_mut().keep_alive = None;
        }
        self.abandon();
        poll_fn(|context| {
            self.advance(context, Look::Socket);
            Poll::Ready(())
        })
        .await;
        self.events.clear();
        self.size_hint = None;
        self.inner.request()
    }

    /// Hears what the server has said meanwhile, without waiting and without sending a request
    #[cfg(feature = "pool")]
    pub(crate) fn look(&mut self) {
        let pause = self.told.elapsed();
        self.origin = self.origin.later_by(pause);
        self.advance(&mut Context::from_waker(std::task::Waker::noop()), Look::Socket);
    }

    /// Whether no request has been left half-way
    #[cfg(feature = "pool")]
    pub(crate) fn is_settled(&self) -> bool {
        self.inner.is_idle() && self.inner.client().running_transfer().is_none()
    }

    /// Aborts the request that nobody waits for any more
    pub(crate) fn abandon(&mut self) {
        if let Some(op) = self.current.take() {
            self.inner.abort(op);
        }
        if let Some(op) = self.inner.client().running_transfer() {
            self.inner.abort(op);
        }
    }

    /// Waits until there is what `done` looks for, which it does after each turn
    pub(crate) async fn wait<T>(&mut self, mut done: impl FnMut(&mut Self) -> Option<T>) -> T {
        poll_fn(|context| self.poll(context, Look::Runtime, &mut done)).await
    }

    /// As [`Self::wait`]
    pub(crate) fn poll<T>(
        &mut self,
        context: &mut Context<'_>,
        look: Look,
        mut done: impl FnMut(&mut Self) -> Option<T>,
    ) -> Poll<T> {
        self.run_clock();
        for _ in 0..TURNS {
            self.advance(context, look);
            if let Some(found) = done(self) {
                self.stop_clock();
                return Poll::Ready(found);
            }
            if !self.inner.has_work() {
                ready!(self.poll_timer(context));
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    /// Does what can be done without waiting, up to a bound
    ///
    /// What the server has said before a command goes out, or before the end of an upload, is no answer to it: there
    /// the control connection is looked at itself. Data connections always are, since what they say of a handshake
    /// comes before what the control connection says of it.
    pub(crate) fn advance(&mut self, context: &mut Context<'_>, control: Look) {
        self.attend(context, control, Look::Socket);
        self.turn(context);
        while let Some(event) = self.inner.poll_event() {
            self.note(event);
        }
        self.poll_dialing(context);
        self.attend(context, Look::Runtime, Look::Runtime);
    }

    fn turn(&mut self, context: &Context<'_>) {
        let mut net = Net::new(context.waker());
        loop {
            for slot in Slot::ALL {
                self.inner.ready(slot, Interest::BOTH);
            }
            let now = self.now();
            self.inner.turn(&mut net, now);
            // What is new has not been said to be ready, so nobody has asked it to wake the task.
            if !net.take_made() {
                break;
            }
        }
    }

    /// Has the connections wake this task from now on, and reads look here
    pub(crate) fn attend(&mut self, context: &Context<'_>, control: Look, data: Look) {
        for slot in Slot::ALL {
            if let Some(io) = self.inner.stream_mut(slot) {
                let look = if slot.is_control() { control } else { data };
                io.attend(context.waker(), look);
            }
        }
    }

    fn note(&mut self, event: Event) {
        match event {
            Event::Connected { .. } => self.ends = self.inner.ends(),
            Event::Greeting(reply) => self.greeting = Some(reply),
            Event::TransferStarted { size_hint, .. } => {
                self.size_hint = size_hint;
                self.events.push_back(event);
            }
            // Of a call that was dropped before the transfer began.
            Event::DataOpen { op, .. } if self.current != Some(op) => self.inner.abort(op),
            Event::Completed(_) => self.events.push_back(event),
            _ => {}
        }
    }

    /// Has the dialer make the connection that the session asks for
    fn poll_dialing(&mut self, context: &mut Context<'_>) {
        let told = self.origin.time(self.told.into_std());
        let Some(request) = self.inner.dial_request() else {
            // It came too late, or nobody wants it any more.
            self.dialing = None;
            return;
        };
        let slot = request.slot;
        let has_passed = request.deadline.is_some_and(|at| at <= told);
        if self.dialing.as_ref().is_none_or(|dialing| dialing.slot != slot) {
            let Some(dialer) = &mut self.dialer else { return };
            let channel = if slot.is_control() { Channel::Control } else { Channel::Data };
            let host = request.host.to_string();
            let made = dialer(Target { host, port: request.port, channel });
            self.dialing = Some(Dialing { slot, made });
        }
        let Some(dialing) = &mut self.dialing else { return };
        let made = match dialing.made.as_mut().poll(context) {
            Poll::Ready(made) => made,
            Poll::Pending if has_passed => Err(io::ErrorKind::TimedOut.into()),
            Poll::Pending => return,
        };
        self.dialing = None;
        let made = made.map(|stream| (Io::dialed(stream, context.waker()), None));
        let now = self.now();
        self.inner.dialed(slot, made, now);
    }

    /// Ready when the session is to be looked at though nothing has woken the task
    pub(crate) fn poll_timer(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(at) = self.inner.deadline().and_then(|at| self.origin.instant(at)) else {
            return Poll::Pending;
        };
        let at = Instant::from_std(at);
        if at <= self.told {
            return Poll::Ready(());
        }
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(at)));
        // Deadlines mostly move later. A timer that fires too early is set again then, which is cheaper than to move
        // it with each.
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
    /// The machine may still have to settle with the server. That goes on with the next call.
    pub(crate) fn take<T: Output>(&mut self, op: Op<T>) -> Option<Result<T, Error>> {
        while let Some(event) = self.events.pop_front() {
            if let Event::Completed(mut done) = event {
                if let Some(result) = done.take(op) {
                    self.current = None;
                    // Room for four events is a fifth of an idle session, and to make it anew is nothing beside a
                    // round trip.
                    self.events = VecDeque::new();
                    return Some(result);
                }
            }
        }
        None
    }

    /// The next event that nobody has taken
    pub(crate) fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Tells which request the current call waits for
    pub(crate) const fn watch(&mut self, op: Option<OpId>) {
        self.current = op;
    }

    pub(crate) fn is_moving(&self) -> bool {
        self.inner.data_direction().is_some()
    }

    /// For listings made now
    pub(crate) fn parser(&self) -> ListingParser {
        let parser = system::listing_parser();
        match self.utc_offset {
            Some(offset) => parser.with_offset(offset),
            None => parser,
        }
    }
}
