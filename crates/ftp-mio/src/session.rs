//! The session: the machine, its two connections, and the turn that moves them
//!
//! ```text
//! handle_event   marks a socket as ready                                      no system call
//! turn           deadlines · actions ─▶ sockets · control connection · data   never waits, bounded
//! poll_event     news, each once
//! read_data …    the bytes of a transfer, straight to and from the caller
//! ```

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ftp_proto::{
    Action, ConnectionError, ControlEvent, DataFailure, Ends, IpFamily, OpId, Phase, Protection,
    TicketSupply, TlsPolicy,
};
use ftp_tls::rustls::HandshakeKind;
use ftp_tls::rustls::pki_types::ServerName;
use ftp_tls::{TlsConfig, TlsContext, TlsError, UploadPermit};
use mio::{Registry, Token};

use crate::control::Link;
use crate::data::{Data, DataState, Found, Linger};
use crate::error::{Error, again};
use crate::event::{Cause, Completion, Event, explain};
use crate::failure::FailedData;
use crate::manager::is_full;
use crate::options::Options;
use crate::race::{Race, Standing};
use crate::socket::ALLOWANCE;
use crate::upload::LastUpload;

/// A session with an FTP server, on the application's poll
///
/// Requests queue and never fail; each gives an [`Op`](ftp_proto::Op), a claim on the result that
/// [`Event::Completed`] brings. They may be made at any time, also before the connection is open.
/// After requests and other calls that change something, [`Self::has_work`] is true: then
/// [`Self::turn`] is due, without waiting.
///
/// Dropped, it closes its connections without a word; [`Self::quit`] says goodbye.
pub struct Session {
    pub(crate) proto: ftp_proto::Client,
    pub(crate) control: Control,
    pub(crate) data: Option<Data>,
    /// The request whose bytes the data connection carries, or carried last
    pub(crate) carried: Option<OpId>,
    /// A closed data connection on which tickets may still come
    pub(crate) linger: Option<Linger>,
    /// What broke the control connection; the machine knows only that it is closed
    failure: Option<Failure>,
    /// What broke the last data connection
    pub(crate) data_failure: Option<FailedData>,
    pub(crate) found: Found,
    pub(crate) security: Security,
    pub(crate) last_upload: Option<LastUpload>,
    pub(crate) ends: Option<Ends>,
    /// Where the search for a port to listen on begins
    pub(crate) next_port: u16,
    pub(crate) tokens: Token,
    pub(crate) events: VecDeque<Event>,
    pub(crate) work: Work,
    budget: usize,
    /// What is left of it until the next turn
    pub(crate) credit: usize,
    /// Whether the server has refused a request because there are too many sessions
    pub(crate) crowded: Crowded,
}

pub(crate) enum Control {
    /// Waits for [`Session::start`]
    Idle(Box<Race>),
    Connecting(Box<Race>),
    Open(Link),
    Closed,
}

/// Whether the server has said that there are too many sessions
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crowded {
    No,
    Yes,
}

/// Whether there is something to do that no event will announce
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    None,
    Left,
}

enum Failure {
    Connect(SocketAddr, io::Error),
    Control(io::Error),
}

/// What TLS needs to know
pub(crate) struct Security {
    config: Option<TlsConfig>,
    name: ServerName<'static>,
    pub(crate) context: Option<TlsContext>,
}

impl Session {
    /// How many tokens a session takes, from its first one on
    pub const TOKENS: usize = 2;

    /// A session that is connecting to the first of the server's addresses that answers
    ///
    /// It takes the tokens `first` and the next one. Events for them are to be given to
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
        let options = options.into();
        let Some(race) = Race::new(addresses, options.source, options.connect_timeout) else {
            let text = "the server has no address that can be used";
            let address = addresses.first().copied();
            let address = address.unwrap_or_else(|| SocketAddr::from(([0, 0, 0, 0], 0)));
            let error = io::Error::new(io::ErrorKind::InvalidInput, text);
            return Err(Error::Connect { address, error });
        };
        // The race has at least one.
        let ip = addresses[0].ip();
        let name = options.tls_name.unwrap_or_else(|| ServerName::IpAddress(ip.into()));
        let mut security = Security { config: options.tls, name, context: None };
        // What is wrong with the configuration shows before anything is sent.
        if options.config.tls != TlsPolicy::Plaintext {
            security.prepare()?;
        }
        let family = IpFamily::of(&addresses[0]);
        Ok(Self {
            proto: ftp_proto::Client::new(options.config, family, Instant::now()),
            control: Control::Idle(Box::new(race)),
            data: None,
            carried: None,
            linger: None,
            failure: None,
            data_failure: None,
            found: Found::Bytes,
            crowded: Crowded::No,
            security,
            last_upload: None,
            ends: None,
            next_port: 0,
            tokens: first,
            events: VecDeque::new(),
            work: Work::None,
            budget: options.budget,
            credit: options.budget,
        })
    }

    /// Begins to connect, at the next turn; the second time nothing happens
    pub fn start(&mut self) {
        self.control = match std::mem::replace(&mut self.control, Control::Closed) {
            Control::Idle(race) => Control::Connecting(race),
            other => other,
        };
        self.work = Work::Left;
    }

    /// Takes note that a socket is ready; false if the event is for somebody else's token
    ///
    /// Cheap: the work is [`Self::turn`]'s.
    pub fn handle_event(&mut self, event: &mio::event::Event) -> bool {
        let Some(place) = event.token().0.checked_sub(self.tokens.0) else { return false };
        match (place, &mut self.control) {
            (0 | 1, Control::Connecting(race)) => race.note(place, event),
            (0, Control::Open(link)) => link.stream.get_mut().ready.note(event),
            (1, _) => {
                if let Some(ready) = self.data.as_mut().and_then(Data::readiness) {
                    ready.note(event);
                }
                if let Some(linger) = &mut self.linger {
                    linger.stream.get_mut().ready.note(event);
                }
            }
            // An event may have been under way when its socket was closed.
            (0, _) => {}
            _ => return false,
        }
        self.work = Work::Left;
        true
    }

    /// Does what can be done without waiting, up to a bound: connects, reads replies and writes
    /// commands, opens, secures and closes data connections, and obeys deadlines that have passed
    ///
    /// Due after [`Self::handle_event`], when [`Self::deadline`] has come, and while
    /// [`Self::has_work`]; at other times it is harmless. Afterwards look for events and, if a
    /// transfer is under way, move data.
    pub fn turn(&mut self, registry: &Registry, now: Instant) {
        /// Each reads 4 KiB of replies at most. What is more than this at once has to wait
        const ROUNDS: usize = 16;
        self.credit = self.budget;
        self.grant();
        self.expire(now);
        let mut rounds = 0..ROUNDS;
        self.work = Work::None;
        while self.round(registry, now) {
            if rounds.next().is_none() {
                self.work = Work::Left;
                break;
            }
            self.work = Work::None;
        }
        // No event will tell of what a stream has not come to.
        if self.is_exhausted() {
            self.work = Work::Left;
        }
        self.collect();
    }

    /// What each stream may receive in this turn
    fn grant(&mut self) {
        if let Control::Open(link) = &mut self.control {
            link.stream.set_allowance(ALLOWANCE);
        }
        if let Some(stream) = self.data.as_mut().and_then(Data::stream) {
            stream.set_allowance(self.budget.max(ALLOWANCE));
        }
        if let Some(linger) = &mut self.linger {
            linger.stream.set_allowance(ALLOWANCE);
        }
    }

    fn is_exhausted(&mut self) -> bool {
        let control = match &self.control {
            Control::Open(link) => link.stream.is_exhausted(),
            _ => false,
        };
        let data = self.data.as_mut().and_then(Data::stream);
        control
            || data.is_some_and(|stream| stream.is_exhausted())
            || self.linger.as_ref().is_some_and(|linger| linger.stream.is_exhausted())
    }

    /// One round; true if something has changed
    fn round(&mut self, registry: &Registry, now: Instant) -> bool {
        match &mut self.control {
            Control::Idle(_) => return self.shut(registry),
            Control::Connecting(_) => return self.drive_race(registry, now) | self.shut(registry),
            Control::Open(_) | Control::Closed => {}
        }
        let mut moved = false;
        self.count_tickets();
        self.collect();
        while let Some(action) = self.proto.poll_action() {
            self.perform(action, registry, now);
            self.collect();
            moved = true;
        }
        // A refusal may be about the connect or the handshake that came with it: then that was first.
        if matches!(
            self.data,
            Some(Data { state: DataState::Connecting(..) | DataState::Securing(_), .. })
        ) {
            moved |= self.drive_data(registry, now);
            self.collect();
        }
        moved |= self.drive_control(now);
        self.collect();
        moved |= self.drive_linger(registry, now);
        moved |= self.drive_data(registry, now);
        self.collect();
        moved
    }

    /// Tells the machine how many tickets there are, before it may come to need one
    pub(crate) fn count_tickets(&mut self) {
        let Some(context) = &self.security.context else { return };
        // On a connection that is being closed some may still come.
        if self.proto.protection() != Protection::Private || self.linger.is_some() {
            return;
        }
        let supply = match context.upload_permit() {
            UploadPermit::Harvest => TicketSupply::Wanted,
            UploadPermit::Reconnect => TicketSupply::Exhausted,
            UploadPermit::Go if !context.can_resume() => TicketSupply::Unneeded,
            UploadPermit::Go if context.can_spare_ticket() => TicketSupply::Ample,
            UploadPermit::Go => TicketSupply::Scarce,
        };
        self.proto.set_ticket_supply(supply);
    }

    fn drive_race(&mut self, registry: &Registry, now: Instant) -> bool {
        let Control::Connecting(race) = &mut self.control else { return false };
        let (socket, peer) = match race.drive(registry, self.tokens, now) {
            Standing::Undecided => return false,
            Standing::Won(socket, peer) => (socket, peer),
            Standing::Lost(address, error) => {
                self.fail(Failure::Connect(address, error), now);
                return true;
            }
        };
        crate::net::keep_alive(socket.io());
        match socket.io().local_addr() {
            Ok(local) => {
                let source = race.source();
                self.ends = Some(Ends { local, source, peer });
                self.control = Control::Open(Link::new(socket));
                self.events.push_back(Event::Connected { peer });
                let family = IpFamily::of(&peer);
                self.proto.handle_control(now, ControlEvent::Connected(family));
            }
            Err(error) => {
                socket.deregister(registry);
                self.fail(Failure::Connect(peer, error), now);
            }
        }
        true
    }

    /// While there is no connection, the only order there can be is to end
    fn shut(&mut self, registry: &Registry) -> bool {
        if !self.proto.is_dead() {
            return false;
        }
        if let Control::Connecting(race) = &mut self.control {
            race.give_up(registry);
        }
        self.control = Control::Closed;
        true
    }

    fn perform(&mut self, action: Action, registry: &Registry, now: Instant) {
        match action {
            Action::SecureControl => self.begin_secure_control(now),
            Action::ClearControl => self.begin_clear_control(now),
            Action::CloseControl => {
                if let Control::Open(link) = std::mem::replace(&mut self.control, Control::Closed) {
                    link.stream.into_inner().deregister(registry);
                }
            }
            Action::OpenData(id, endpoint) => self.open_data(id, endpoint, registry, now),
            Action::SecureData(id) => self.begin_secure_data(id, now),
            Action::Discard(id) => self.discard(id),
            Action::StartTransfer { id, op, direction, encoding } => {
                self.start_transfer(id, op, direction, encoding, now);
            }
            Action::CloseData(id) => self.close_data(id, registry, now),
        }
    }

    /// Obeys the machine's deadline, if it has passed
    fn expire(&mut self, now: Instant) {
        if matches!(self.control, Control::Idle(_) | Control::Connecting(_)) {
            return;
        }
        match self.proto.poll_timeout() {
            None => return,
            // The deadlines of what was requested or aborted since the last turn count from now.
            Some(deadline) if deadline > now => return self.proto.handle_timeout(now),
            Some(_) => {}
        }
        let handled = match self.proto.timeout_reason() {
            Some(Phase::Transfer) => self.data_expired(now),
            Some(Phase::DataAccept) => self.accept_expired(now),
            _ => false,
        };
        if handled {
            return;
        }
        if let Some(Phase::DataConnect | Phase::DataAccept) = self.proto.timeout_reason() {
            self.note_unopened();
        }
        self.proto.handle_timeout(now);
    }

    /// When [`Self::turn`] is due although no event has come
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        match &self.control {
            Control::Idle(_) => None,
            Control::Connecting(race) => race.deadline(),
            Control::Open(link) => {
                let data = self.data.as_ref().and_then(Data::patience);
                let linger = self.linger.as_ref().and_then(|linger| linger.until);
                let patience = [link.patience(), data, linger, self.proto.poll_timeout()];
                patience.into_iter().flatten().min()
            }
            Control::Closed => None,
        }
    }

    /// Whether [`Self::turn`] is due at once
    ///
    /// A level: true after requests, after events, when data has been moved up to the
    /// [budget](Options::budget), and when a turn has reached its own. Data that the application
    /// does not read is no work: [`Self::can_read`] tells of it.
    #[must_use]
    pub fn has_work(&self) -> bool {
        self.work == Work::Left
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
    pub(crate) fn has_news(&mut self) -> bool {
        !self.events.is_empty() || self.can_read() || self.can_write()
    }

    /// The next news
    #[must_use]
    pub fn poll_event(&mut self) -> Option<Event> {
        self.collect();
        self.events.pop_front()
    }

    /// Takes the machine's news as soon as it has some: what the driver knows about it may change
    pub(crate) fn collect(&mut self) {
        use ftp_proto::Event as Proto;
        while let Some(event) = self.proto.poll_event() {
            let event = match event {
                Proto::Greeting(reply) => Event::Greeting(reply),
                Proto::TransferStarted { op, size_hint } => {
                    Event::TransferStarted { op, size_hint }
                }
                Proto::Trace(trace) => Event::Trace(trace),
                Proto::Completed(done) => {
                    self.note_upload(&done);
                    self.note_refusal(&done);
                    let op = done.op();
                    let cause = done.error().and_then(|error| self.cause(Some(op), &error.clone()));
                    Event::Completed(Completion::new(done, cause))
                }
                Proto::Closed(error) => {
                    let error = ftp_proto::Error::from(error);
                    let cause = self.cause(None, &error);
                    Event::Closed(explain(error, cause))
                }
                // What a newer core tells, this driver has no words for.
                _ => continue,
            };
            self.events.push_back(event);
        }
    }

    /// An upload that was confirmed although its handshake was a full one tells that the server
    /// does not insist on resumption
    fn note_upload(&mut self, done: &ftp_proto::Completion) {
        let Some(upload) = self.last_upload.take_if(|upload| upload.op == done.op()) else {
            return;
        };
        if done.error().is_none()
            && upload.handshake.is_some_and(|kind| kind != HandshakeKind::Resumed)
        {
            if let Some(context) = &self.security.context {
                context.note_full_handshake_accepted();
            }
        }
    }

    /// Looks once at each refusal whether it is about the number of sessions
    fn note_refusal(&mut self, done: &ftp_proto::Completion) {
        let reply = done.error().and_then(ftp_proto::Error::reply);
        if reply.is_some_and(|reply| reply.code().get() == 530 && is_full(reply)) {
            self.crowded = Crowded::Yes;
        }
    }

    /// What the driver knows about an error
    fn cause(&mut self, op: Option<OpId>, error: &ftp_proto::Error) -> Option<Cause> {
        match error {
            ftp_proto::Error::Connection(ConnectionError::Eof) => match self.failure.as_ref()? {
                Failure::Connect(address, error) => Some(Cause::Connect(*address, again(error))),
                Failure::Control(error) => Some(Cause::Control(again(error))),
            },
            ftp_proto::Error::DataConnection { failure, .. } => {
                let of_this = |known: &mut FailedData| known.failure == *failure;
                self.data_failure.take_if(of_this).map(Cause::Data)
            }
            ftp_proto::Error::DataTimedOut(Phase::DataConnect | Phase::DataAccept) => {
                let unopened = |known: &mut FailedData| {
                    matches!(known.failure, DataFailure::Open | DataFailure::NeverOpened)
                };
                self.data_failure.take_if(unopened).map(Cause::Data)
            }
            // That the server then had to give up says less than why.
            refusal if refusal.reply().is_some() && !refusal.is_fatal() => {
                let refused = |known: &mut FailedData| {
                    known.op == op
                        && TlsError::in_io(&known.error).is_some_and(TlsError::is_certificate)
                };
                self.data_failure.take_if(refused).map(Cause::Data)
            }
            _ => None,
        }
    }

    /// The control connection broke: the session is over
    pub(crate) fn control_failed(&mut self, error: io::Error, now: Instant) {
        if let Control::Open(link) = &mut self.control {
            link.give_up();
        }
        self.fail(Failure::Control(error), now);
    }

    fn fail(&mut self, failure: Failure, now: Instant) {
        if self.failure.is_none() && !self.proto.is_dead() {
            self.failure = Some(failure);
        }
        self.proto.handle_control(now, ControlEvent::Closed);
    }

    /// Makes TLS possible; to be called before a request that puts it on
    pub(crate) fn prepare_tls(&mut self) -> Result<(), Error> {
        self.security.prepare()
    }
}

impl Security {
    fn prepare(&mut self) -> Result<(), Error> {
        if self.context.is_some() {
            return Ok(());
        }
        let config = match &self.config {
            Some(config) => config,
            None => self.config.insert(default_tls()?),
        };
        self.context = Some(TlsContext::new(config, self.name.clone()));
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

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("peer", &self.ends.map(|ends| ends.peer))
            .field("proto", &self.proto)
            .field("data", &self.data)
            .field("work", &self.work)
            .finish_non_exhaustive()
    }
}
