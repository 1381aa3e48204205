//! The session: the machine, its two connections, and the loop that drives them
//!
//! ```text
//! settle   actions ─▶ sockets, bytes ─▶ control connection, events ─▶ queue     never waits
//! wait     poll both connections until the machine's deadline, tell what came   waits, bounded
//!
//! run(op)  settle; has op completed? else wait; again
//! ```
//!
//! Sockets never block, and a wait is always for both connections: whichever decides the outcome
//! ends it.

use std::collections::VecDeque;
use std::io;
use std::net::TcpStream;
use std::time::Instant;

use ftp_proto::listing::UtcOffset;
use ftp_proto::{
    Config, ConnectionError, DataFailure, Ends, Event, IpFamily, Op, OpId, Output, Phase, Reply,
    Source, TlsSession, Transfer,
};
use ftp_tls::rustls::pki_types::ServerName;
use ftp_tls::{TlsConfig, TlsContext, TlsError, server_name};
use rustix::event::PollFd;
use smallvec::SmallVec;

use crate::clock::{Clock, earliest};
use crate::control::Control;
use crate::data::{Data, DataState};
use crate::dial::{self, Channel, Host, Target};
use crate::error::Error;
use crate::failure::FailedData;
use crate::options::{Options, TraceFn};
use crate::resumption::Linger;
use crate::wait::{Interest, entry, poll, ready};
use crate::{Dialer, TlsPolicy};

pub(crate) struct Session {
    pub(crate) proto: ftp_proto::Client,
    /// `None` when it is closed
    pub(crate) control: Option<Control>,
    /// What broke the control connection; the machine knows only that it is closed
    pub(crate) control_failure: Option<io::Error>,
    pub(crate) data: Option<Data>,
    /// A closed data connection on which tickets may still come
    pub(crate) linger: Option<Linger>,
    /// What broke the last data connection
    pub(crate) data_failure: Option<FailedData>,
    pub(crate) network: Network,
    pub(crate) security: Security,
    /// How the handshake of the last transfer's data connection went
    pub(crate) last_handshake: Option<(OpId, TlsSession)>,
    pub(crate) greeting: Option<Reply>,
    /// Size that the server told of the transfer that began last
    pub(crate) size_hint: Option<u64>,
    /// How far the clock of the server's listings is ahead of UTC
    pub(crate) utc_offset: Option<UtcOffset>,
    /// The request that the current call waits for
    current: Option<OpId>,
    pub(crate) clock: Clock,
    events: VecDeque<Event>,
    trace: Option<TraceFn>,
}

/// What data connections need to know
pub(crate) struct Network {
    pub(crate) dialer: Option<Box<dyn Dialer>>,
    /// The server as the caller named it
    pub(crate) host: String,
    /// Of the control connection
    pub(crate) ends: Ends,
    /// Where the search for a port to listen on begins
    pub(crate) next_port: u16,
}

/// What TLS needs to know
pub(crate) struct Security {
    config: Option<TlsConfig>,
    name: Option<ServerName<'static>>,
    pub(crate) context: Option<TlsContext>,
}

impl Session {
    /// Connects; what the server has to say is not waited for
    pub(crate) fn dial(address: &str, mut options: Options) -> Result<Self, Error> {
        let failed = |error| Error::Connect { target: address.escape_debug().to_string(), error };
        let (host, port) = dial::split_address(address).map_err(failed)?;
        let port = port.unwrap_or_else(|| options.default_port());
        let mut security = Security { config: options.tls, name: options.tls_name, context: None };
        // What is wrong with the configuration shows before anything is sent.
        if options.config.tls != TlsPolicy::Plaintext {
            security.prepare(host)?;
        }
        let failed = |error| Error::Connect { target: format!("{host} port {port}"), error };
        let clock = Clock::new(options.deadline);
        let timeout = clock.at_most(options.connect_timeout);
        let stream = match &mut options.dialer {
            None => dial::connect(host, port, options.source, timeout),
            Some(dialer) => {
                let target = Target { host: Host::new(host), port, channel: Channel::Control };
                dialer.connect(target, timeout)
            }
        };
        let stream = stream.map_err(|error| match clock.overdue() {
            Some(limit) => Error::Deadline { limit },
            None => failed(error),
        })?;
        let source = options.source.map_or(Source::System, |_| Source::Caller);
        let network = Network::of(&stream, source, host, options.dialer).map_err(failed)?;
        let mut config = options.config;
        config.trace |= options.trace.is_some();
        // A keep-alive needs somebody who waits; between calls nobody does.
        config.keep_alive = None;
        let family = IpFamily::of(&network.ends.peer);
        Ok(Self {
            proto: ftp_proto::Client::new(config, family, clock.now()),
            control: Some(Control::new(stream)),
            control_failure: None,
            data: None,
            linger: None,
            data_failure: None,
            network,
            security,
            last_handshake: None,
            greeting: None,
            size_hint: None,
            utc_offset: None,
            current: None,
            clock,
            events: VecDeque::new(),
            trace: options.trace,
        })
    }

    /// Waits for a request to end
    pub(crate) fn run<T: Output>(&mut self, op: Op<T>) -> Result<T, Error> {
        self.current = Some(op.id());
        loop {
            self.settle();
            if let Some(result) = self.take(op) {
                return result;
            }
            self.keep_to_deadline()?;
            self.wait(Interest::NONE, None);
            self.expire();
        }
    }

    /// Waits until a transfer moves bytes; `Some` if it was over before
    pub(crate) fn start(&mut self, op: Op<Transfer>) -> Result<Option<Transfer>, Error> {
        self.current = Some(op.id());
        loop {
            self.settle();
            if let Some(result) = self.take(op) {
                return result.map(Some);
            }
            if self.is_moving() {
                return Ok(None);
            }
            self.keep_to_deadline()?;
            self.wait(Interest::NONE, None);
            self.expire();
        }
    }

    /// Ends the call if its deadline has passed
    ///
    /// What it has begun goes on with the next call: a transfer is aborted, other requests are still
    /// waited for, but nobody learns their results.
    pub(crate) fn keep_to_deadline(&mut self) -> Result<(), Error> {
        let Some(limit) = self.clock.overdue() else { return Ok(()) };
        self.stop();
        Err(Error::Deadline { limit })
    }

    /// Aborts what runs, and does not wait for what the server says to it
    pub(crate) fn stop(&mut self) {
        if let Some(op) = self.current.take() {
            self.abort(op);
        }
        self.settle();
        self.leave();
    }

    /// The call returns: until the next one nobody hears what the machine may still wait for
    pub(crate) fn leave(&mut self) {
        if !self.proto.is_idle() && !self.proto.is_dead() {
            self.clock.pause();
        }
    }

    /// Waits until nothing is owed and nothing open
    pub(crate) fn rest(&mut self) -> Result<(), Error> {
        loop {
            self.settle();
            if let Some(error) = self.proto.error() {
                let error = error.clone();
                return Err(self.explain(error.into()));
            }
            if self.proto.is_idle() {
                return Ok(());
            }
            self.keep_to_deadline()?;
            self.wait(Interest::NONE, None);
            self.expire();
        }
    }

    /// Before a new request: hears what the server has said meanwhile, so that it is nobody's answer
    pub(crate) fn begin(&mut self) -> &mut ftp_proto::Client {
        self.clock.resume();
        self.clock.begin();
        // A transfer whose guard was forgotten, not dropped, still runs.
        if self.is_moving() {
            self.cancel();
            self.clock.resume();
        }
        self.hear();
        self.drive_linger();
        self.events.clear();
        self.size_hint = None;
        self.data_failure = None;
        self.count_tickets();
        &mut self.proto
    }

    /// Aborts the running transfer and waits until the session is usable, or over
    ///
    /// Bounded by [`Config::settle_timeout`] and the call's deadline.
    pub(crate) fn cancel(&mut self) {
        self.current = None;
        self.clock.resume();
        if let Some(op) = self.proto.running_transfer() {
            self.abort(op);
        }
        // How it ended is for the next request to learn.
        let _ = self.rest();
    }

    /// Aborts a request, from now on: where nothing is sent, the machine would hear of the time too late
    pub(crate) fn abort(&mut self, op: OpId) {
        self.proto.abort(op);
        self.proto.handle_timeout(self.clock.now());
    }

    /// Does whatever can be done without waiting
    pub(crate) fn settle(&mut self) {
        loop {
            self.count_tickets();
            let mut moved = false;
            while let Some(action) = self.proto.poll_action() {
                self.perform(action);
                moved = true;
            }
            moved |= self.transmit();
            if !moved {
                break;
            }
        }
        while let Some(event) = self.proto.poll_event() {
            match event {
                Event::Greeting(reply) => self.greeting = Some(reply),
                Event::Trace(line) => {
                    if let Some(trace) = &mut self.trace {
                        trace(&line);
                    }
                }
                Event::TransferStarted { size_hint, .. } => {
                    self.size_hint = size_hint;
                    self.events.push_back(event);
                }
                event => self.events.push_back(event),
            }
        }
    }

    /// The next event that has not been dealt with here
    pub(crate) fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The result of a request, if it has ended
    ///
    /// The machine may still have to settle with the server. That goes on with the next call: the caller
    /// of this one has waited long enough.
    pub(crate) fn take<T: Output>(&mut self, op: Op<T>) -> Option<Result<T, Error>> {
        while let Some(event) = self.events.pop_front() {
            if let Event::Completed(mut done) = event {
                if let Some(result) = done.take(op) {
                    self.current = None;
                    self.leave();
                    return Some(result.map_err(|error| self.explain(error)));
                }
            }
        }
        None
    }

    /// Waits for either connection, the machine's deadline, or `until`; true if the data
    /// connection is ready for what `moving` asks of it
    ///
    /// What comes on the control connection, and what happens to a data connection that is being
    /// opened or secured, is told to the machine. Moving bytes is the caller's business, who says
    /// with `moving` what to wait for.
    pub(crate) fn wait(&mut self, moving: Interest, until: Option<Instant>) -> bool {
        let plan = self.plan(moving);
        let mut entries = Entries::new();
        self.enter(&plan, &mut entries);
        let polled = poll(&mut entries, earliest(plan.deadline, until));
        let ready = plan.outcome(&mut entries.iter());
        drop(entries);
        match polled {
            Ok(()) => self.act(ready),
            Err(error) => {
                self.control_failed(error);
                false
            }
        }
    }

    /// What to wait for
    pub(crate) fn plan(&self, moving: Interest) -> Plan {
        let mut deadline = earliest(self.machine_deadline(), self.clock.deadline());
        if let Some(control) = &self.control {
            deadline = earliest(deadline, control.patience());
        }
        if let Some(linger) = &self.linger {
            deadline = earliest(deadline, linger.until);
        }
        if self.has_unread_control() || self.has_unread_data() {
            deadline = Some(Instant::now());
        }
        let (control, data) = (self.control_interest(), self.data_interest(moving));
        let linger = if self.linger.is_some() { Interest::READ } else { Interest::NONE };
        Plan { control, data, linger, deadline }
    }

    /// When the machine wants to be told that time has passed
    pub(crate) fn machine_deadline(&self) -> Option<Instant> {
        self.proto.poll_timeout().and_then(|at| self.clock.real(at))
    }

    pub(crate) fn enter<'a>(&'a self, plan: &Plan, entries: &mut Entries<'a>) {
        if let Some(control) = self.control.as_ref().filter(|_| !plan.control.is_none()) {
            entries.push(entry(control.socket(), plan.control));
        }
        if let Some(data) = self.data.as_ref().filter(|_| !plan.data.is_none()) {
            entries.push(data.entry(plan.data));
        }
        if let Some(linger) = self.linger.as_ref().filter(|_| !plan.linger.is_none()) {
            entries.push(entry(linger.stream.get_ref(), plan.linger));
        }
    }

    /// Acts on what is ready; true if it is the data connection whose bytes the caller moves
    pub(crate) fn act(&mut self, ready: Ready) -> bool {
        self.count_tickets();
        // A refusal may be about the connect or the handshake that came with it: then that was first.
        let opening = matches!(
            self.data,
            Some(Data { state: DataState::Connecting(..) | DataState::Securing(_), .. })
        );
        if opening && (!ready.data.is_none() || self.has_unread_data()) {
            self.data_ready();
            self.control_ready(ready.control);
            return false;
        }
        self.control_ready(ready.control);
        self.drive_linger();
        if ready.data.is_none() && !self.has_unread_data() {
            return false;
        }
        if self.is_moving() {
            return true;
        }
        self.data_ready();
        false
    }

    /// Tells the machine that a deadline has passed, if one has
    pub(crate) fn expire(&mut self) {
        let now = self.clock.now();
        if self.proto.poll_timeout().is_some_and(|deadline| deadline <= now) {
            self.count_tickets();
            match self.proto.timeout_reason() {
                Some(Phase::DataAccept) if self.accept_expired() => return,
                Some(Phase::DataAccept | Phase::DataConnect) => self.note_unopened(),
                _ => {}
            }
            self.proto.handle_timeout(now);
        }
    }

    /// Puts the machine's error together with what the driver knows about it
    pub(crate) fn explain(&mut self, error: ftp_proto::Error) -> Error {
        match (&error, &self.control_failure) {
            (ftp_proto::Error::Connection(ConnectionError::Eof), Some(failure)) => {
                return Error::control(failure);
            }
            (ftp_proto::Error::DataConnection { failure, reply }, _) => {
                let of_this = |known: &mut FailedData| known.failure == *failure;
                if let Some(known) = self.data_failure.take_if(of_this) {
                    let FailedData { failure, address, error, .. } = known;
                    return Error::Data { failure, address, reply: reply.clone(), error };
                }
            }
            (ftp_proto::Error::DataTimedOut(Phase::DataConnect | Phase::DataAccept), _) => {
                let unopened = |known: &mut FailedData| {
                    matches!(known.failure, DataFailure::Open | DataFailure::NeverOpened)
                };
                if let Some(known) = self.data_failure.take_if(unopened) {
                    let FailedData { failure, address, error, .. } = known;
                    return Error::Data { failure, address, reply: None, error };
                }
            }
            // That the server then had to give up says less than why.
            (refusal, _) if refusal.reply().is_some() && !refusal.is_fatal() => {
                let refused = |known: &mut FailedData| {
                    TlsError::in_io(&known.error).is_some_and(TlsError::is_certificate)
                };
                if let Some(FailedData { failure, address, error, .. }) =
                    self.data_failure.take_if(refused)
                {
                    let reply = refusal.reply().cloned();
                    return Error::Data { failure, address, reply, error };
                }
            }
            _ => {}
        }
        Error::Ftp(error)
    }

    /// Makes TLS possible; to be called before a request that puts it on
    pub(crate) fn prepare_tls(&mut self) -> Result<(), Error> {
        self.security.prepare(&self.network.host)
    }

    pub(crate) fn config(&self) -> &Config {
        self.proto.config()
    }

    /// Whether a request is of a call that has ended at its deadline
    pub(crate) fn is_abandoned(&self, op: OpId) -> bool {
        self.current != Some(op)
    }

    pub(crate) fn is_moving(&self) -> bool {
        matches!(self.data, Some(Data { state: DataState::Moving(_), .. }))
    }
}

/// What a session waits for
pub(crate) struct Plan {
    control: Interest,
    data: Interest,
    linger: Interest,
    pub(crate) deadline: Option<Instant>,
}

/// What a session has waited for successfully
pub(crate) struct Ready {
    control: Interest,
    data: Interest,
}

/// Enough for two sessions
pub(crate) type Entries<'a> = SmallVec<[PollFd<'a>; 6]>;

impl Plan {
    /// Reads the entries that [`Session::enter`] has made, in their order
    pub(crate) fn outcome<'a>(&self, entries: &mut impl Iterator<Item = &'a PollFd<'a>>) -> Ready {
        let mut next = |interest: Interest| {
            let entry = if interest.is_none() { None } else { entries.next() };
            entry.map_or(Interest::NONE, |entry| ready(entry, interest))
        };
        let ready = Ready { control: next(self.control), data: next(self.data) };
        // What lingers is looked at in any case; its entry is one to be passed over.
        next(self.linger);
        ready
    }
}

impl Network {
    fn of(
        stream: &TcpStream,
        source: Source,
        host: &str,
        dialer: Option<Box<dyn Dialer>>,
    ) -> io::Result<Self> {
        dial::adopt(stream)?;
        dial::keep_alive(stream);
        Ok(Self {
            dialer,
            host: host.to_owned(),
            ends: Ends { local: stream.local_addr()?, source, peer: stream.peer_addr()? },
            next_port: 0,
        })
    }
}

impl Security {
    fn prepare(&mut self, host: &str) -> Result<(), Error> {
        if self.context.is_some() {
            return Ok(());
        }
        let config = match &self.config {
            Some(config) => config,
            None => self.config.insert(default_tls()?),
        };
        let name = match &self.name {
            Some(name) => name.clone(),
            None => server_name(host)?,
        };
        self.context = Some(TlsContext::new(config, name));
        Ok(())
    }
}

#[cfg(feature = "webpki-roots")]
fn default_tls() -> Result<TlsConfig, Error> {
    Ok(TlsConfig::builder(ftp_tls::Trust::WebpkiRoots).build()?)
}

#[cfg(not(feature = "webpki-roots"))]
fn default_tls() -> Result<TlsConfig, Error> {
    // Says that there is nothing to trust.
    Ok(TlsConfig::builder(ftp_tls::Trust::OwnCa).build()?)
}
