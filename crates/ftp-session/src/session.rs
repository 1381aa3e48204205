//! The session: the machine, its connections, and what is known beside the machine
//!
//! This file makes a session and tells its state. Beside it: the turn that moves it ([`turn`]), the control
//! connection ([`control`]), data connections ([`opening`], [`data`], their tickets in [`tickets`], uploads in
//! [`upload`]), the way through a proxy ([`tunnel`]), the bytes that its user moves ([`transfer`]), and the causes of errors ([`causes`]).

mod causes;
mod control;
mod data;
mod opening;
mod tickets;
mod transfer;
mod tunnel;
mod turn;
mod upload;

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use ftp_proto::{
    ConnectionError, DataHost, Ends, IpFamily, Op, OpId, Output, Reply, Time, TlsPolicy,
};
use ftp_tls::Inventory;
use ftp_tls::rustls::HandshakeKind;

pub use transfer::Moved;

use crate::cancel::CancelFlag;
use crate::crowd::is_full;
use crate::data::{Attempt, Data, DataState, Linger};
use crate::error::Error;
use crate::event::Event;
use crate::failure::FailedData;
use crate::info::TlsInfo;
use crate::learned::TimeCommands;
use crate::link::{Begun, Control};
use crate::options::{Options, TraceHook};
use crate::proxy::{ProxyError, Via, waits_for};
use crate::race::Race;
use crate::security::{Name, Security};
use crate::socket::Socket;
use crate::transport::{DialRequest, Host, Interest, Lent, Slot};

/// A session with an FTP server, over connections of the types `S` and, in active mode, `L`
///
/// It never waits, makes no system calls and has no clock. A shell moves it:
///
/// ```text
/// ready          tells what a connection is ready for
/// turn           deadlines · actions ─▶ connections · control connection · data connection
/// poll_event     news, each once
/// read_data …    the bytes of a transfer, straight to and from the user
/// ```
///
/// and waits, whenever there is no [work](Self::has_work), for its [connections](Self::sockets) and its
/// [deadline](Self::deadline).
///
/// Requests queue and never fail; each gives an [`Op`](ftp_proto::Op), a claim on the result that
/// [`Event::Completed`] brings. They may be made at any time, also before the connection is open.
///
/// Dropped, it drops its connections without a word.
pub struct Session<S, L> {
    proto: ftp_proto::Client,
    control: Control<S>,
    data: Option<Data<S, L>>,
    /// The request whose bytes the data connection carries, or carried last
    carried: Option<OpId>,
    /// A closed data connection on which tickets may still come
    linger: Option<Linger<S>>,
    /// Why the control connection is closed; the machine knows only that it is
    failure: Option<Failure>,
    /// Why the last data connection failed
    data_failure: Option<FailedData>,
    attempt: Attempt,
    security: Security,
    last_upload: Option<LastUpload>,
    ends: Option<Ends>,
    /// The proxy, if there is one
    via: Option<Via>,
    /// How the server, or the proxy, is reached if the shell makes all connections
    dialed: Option<Dialed>,
    /// The host as its user names it
    host: Option<String>,
    /// Where the search for a port to listen on begins
    next_port: u16,
    events: VecDeque<Event>,
    trace: Option<TraceHook>,
    work: Work,
    budget: usize,
    /// What is left of it until the next turn
    credit: usize,
    /// A 530 that was about the number of sessions
    refusal: Option<Reply>,
    data_failures: u32,
    cancelled: Option<CancelFlag>,
    pub(crate) time_commands: TimeCommands,
}

/// Where the shell's connections lead
#[derive(Clone, Copy, Debug)]
struct Dialed {
    port: u16,
    timeout: Duration,
}

/// Whether there is something to do that no event will announce
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    None,
    Left,
}

#[derive(Debug)]
enum Failure {
    /// Where to, and why not
    Connect(String, io::Error),
    Proxy(ProxyError),
    Control(io::Error),
}

/// The last upload, whose success may tell that the server accepts full handshakes
#[derive(Debug)]
struct LastUpload {
    op: OpId,
    handshake: Option<HandshakeKind>,
}

/// Making a session
impl<S: Read + Write, L> Session<S, L> {
    /// A session that connects to the first of the server's addresses that answers, when it is told to
    /// [`start`](Self::start); with a [proxy](Options::proxy), to the first of the proxy's
    ///
    /// # Errors
    ///
    /// [`Error::InvalidOption`]; [`Error::TlsConfig`] and [`Error::Tls`] if TLS is wanted and can't be had; [`Error::Connect`] if there
    /// is no address, or none that the source address can reach; [`Error::Proxy`] if the proxy can't be used in
    /// this way.
    pub fn new(
        addresses: &[SocketAddr],
        options: impl Into<Options>,
        now: Time,
    ) -> Result<Self, Error> {
        let options = options.into();
        options.check()?;
        let via = options.via()?;
        let first = addresses.first().copied();
        let race = Race::new(addresses, options.source, options.connect_timeout);
        let (Some(first), Some(race)) = (first, race) else {
            let target = match (&options.host, first) {
                (Some(host), _) => host.clone(),
                (None, Some(address)) => named(None, address),
                (None, None) => "the server".to_owned(),
            };
            let text = "the host has no address that can be used";
            let error = io::Error::new(io::ErrorKind::NotFound, text);
            if let Some(via) = via {
                return Err(via.unreachable(&error, None).into());
            }
            return Err(Error::Connect { target, error });
        };
        let control = Control::Idle(Box::new(race));
        let family = family_of(via.as_ref(), first);
        let name = Name::Address(first.ip());
        Self::with(control, family, name, via, options, now)
    }

    /// A session whose connections its shell makes, such as through a tunnel; it asks for them as
    /// [dial requests](Self::dial_request) once it is told to [`start`](Self::start)
    ///
    /// With a [proxy](Options::proxy) the dial requests are for connections to the proxy, such as over TLS.
    ///
    /// Active mode needs a control connection that has [addresses](Ends).
    ///
    /// # Errors
    ///
    /// [`Error::TlsConfig`] and [`Error::Tls`] if TLS is wanted and can't be had; [`Error::Proxy`] if the proxy
    /// can't be used in this way.
    pub fn dialed_by_shell(
        host: &str,
        port: u16,
        options: impl Into<Options>,
        now: Time,
    ) -> Result<Self, Error> {
        let options = options.into().host(host).port(port);
        options.check()?;
        let via = options.via()?;
        let family = match Host::new(host) {
            Host::Address(ip) => IpFamily::of(&SocketAddr::new(ip, port)),
            Host::Name(_) => IpFamily::V4,
        };
        let control = Control::Dialing { begun: Begun::No, deadline: None };
        let port = via.as_ref().map_or(port, |via| via.proxy().server().port);
        let dialed = Dialed { port, timeout: options.connect_timeout };
        let name = Name::Host(host.to_owned());
        let mut session = Self::with(control, family, name, via, options, now)?;
        session.dialed = Some(dialed);
        Ok(session)
    }

    fn with(
        control: Control<S>,
        family: IpFamily,
        name: Name,
        via: Option<Via>,
        mut options: Options,
        now: Time,
    ) -> Result<Self, Error> {
        let name = match (options.tls_name, &options.host) {
            (Some(name), _) => Name::Given(name),
            (None, Some(host)) => Name::Host(host.clone()),
            (None, None) => name,
        };
        if let Some(via) = &via {
            options.config.gateway = via.gateway()?;
        }
        options.config.trace |= options.trace.is_some();
        let mut security = Security::new(options.tls, name);
        // What is wrong with the configuration shows before anything is sent.
        if options.config.tls != TlsPolicy::Plaintext {
            security.prepare()?;
        }
        Ok(Self {
            proto: ftp_proto::Client::new(options.config, family, now),
            control,
            data: None,
            carried: None,
            linger: None,
            failure: None,
            data_failure: None,
            attempt: Attempt::Moved,
            security,
            last_upload: None,
            ends: None,
            via,
            dialed: None,
            host: options.host,
            next_port: 0,
            events: VecDeque::new(),
            trace: options.trace,
            work: Work::None,
            budget: options.budget,
            credit: options.budget,
            refusal: None,
            data_failures: 0,
            cancelled: None,
            time_commands: TimeCommands::default(),
        })
    }

    /// Begins to connect, at the next turn; the second time nothing happens
    pub fn start(&mut self) {
        self.control = match std::mem::replace(&mut self.control, Control::Closed) {
            Control::Idle(race) => Control::Connecting(race),
            Control::Dialing { deadline, .. } => Control::Dialing { begun: Begun::Yes, deadline },
            other => other,
        };
        self.work = Work::Left;
    }
}

/// Requests
impl<S: Read + Write, L> Session<S, L> {
    /// The machine, to make a request of it: `session.request().get("f")`
    ///
    /// Only requests and settings are of use here. What drives the machine (`poll_*`, `handle_*`) is the
    /// session's; a shell that calls it breaks the session.
    pub fn request(&mut self) -> &mut ftp_proto::Client {
        self.work = Work::Left;
        &mut self.proto
    }

    /// A turn is due, though nothing has been requested yet
    pub(crate) const fn want_turn(&mut self) {
        self.work = Work::Left;
    }

    /// Makes TLS possible; to be called before a request that puts it on, of a session that began in clear
    ///
    /// # Errors
    ///
    /// [`Error::TlsConfig`] and [`Error::Tls`] if the configuration is not usable; [`Error::Proxy`] if TLS would
    /// end at a proxy.
    pub fn prepare_tls(&mut self) -> Result<(), Error> {
        self.may_secure()?;
        self.security.prepare()
    }

    /// Aborts a request, which completes with [`Aborted`](ftp_proto::Error::Aborted) at once; the session
    /// settles afterwards
    pub fn abort(&mut self, op: OpId) {
        self.work = Work::Left;
        if self.proto.running_transfer() == Some(op) {
            self.cancel_dialing();
        }
        self.proto.abort(op);
    }

    /// What ends the session from anywhere, such as from another thread
    pub fn cancel_flag(&mut self) -> CancelFlag {
        self.cancelled.get_or_insert_default().clone()
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.as_ref().is_some_and(CancelFlag::is_set)
    }
}

/// The state of a session
impl<S: Read + Write, L> Session<S, L> {
    /// The machine, to look at what it knows
    #[must_use]
    pub const fn client(&self) -> &ftp_proto::Client {
        &self.proto
    }

    /// Whether the session is live, nothing runs, nothing is queued and nothing is owed
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.proto.is_idle()
    }

    /// Why the session is over, if it is
    #[must_use]
    pub fn ended(&self) -> Option<Error> {
        let error = ftp_proto::Error::from(self.proto.error()?.clone());
        Some(self.explain_end(error))
    }

    /// Both ends of the control connection, once it is open; `None`, too, of one that has no addresses
    ///
    /// Through a proxy these are the ends of the connection to the proxy.
    #[must_use]
    pub const fn ends(&self) -> Option<Ends> {
        self.ends
    }

    /// The TLS sessions in stock, and how many data connections have resumed one so far; `None`
    /// if there has been no TLS
    #[must_use]
    pub fn tls_inventory(&self) -> Option<Inventory> {
        self.security.context.as_ref().map(ftp_tls::TlsContext::inventory)
    }

    /// What TLS has agreed on for the control connection, and the server's certificate; `None` in
    /// clear text
    #[must_use]
    pub fn tls(&self) -> Option<TlsInfo<'_>> {
        match &self.control {
            Control::Open(link) if link.stream.is_secure() => Some(TlsInfo::of(&link.stream)),
            _ => None,
        }
    }

    /// The reply with which the server has turned the session away because there are too many, if it has
    ///
    /// A [`Budget`](crate::Budget) wants to know.
    #[must_use]
    pub fn turned_away(&self) -> Option<&Reply> {
        match self.proto.error() {
            Some(ConnectionError::Refused(reply))
                if reply.code().get() == 421 || is_full(reply) =>
            {
                Some(reply)
            }
            Some(ConnectionError::ServiceClosing(reply)) if is_full(reply) => Some(reply),
            _ => self.refusal.as_ref(),
        }
    }

    /// How many data connections could not be opened so far, or were refused with 425
    #[must_use]
    pub const fn data_failures(&self) -> u32 {
        self.data_failures
    }
}

/// Waiting
impl<S: Read + Write, L> Session<S, L> {
    /// Takes note of what a connection is ready for, or may be: what it is asked next is answered or would
    /// block
    ///
    /// Cheap: the work is [`Self::turn`]'s. If there is nothing in this slot, nothing happens.
    pub fn ready(&mut self, slot: Slot, ready: Interest) {
        self.work = Work::Left;
        if slot.is_control() {
            let socket = match &mut self.control {
                Control::Connecting(race) => race.socket_mut(slot),
                Control::Tunneling(tunneling) => {
                    Some(&mut tunneling.socket).filter(|socket| socket.slot == slot)
                }
                Control::Open(link) => Some(link.stream.get_mut()).filter(|s| s.slot == slot),
                Control::Idle(_) | Control::Dialing { .. } | Control::Closed => None,
            };
            if let Some(socket) = socket {
                socket.ready = socket.ready | ready;
            }
            return;
        }
        if let Some(data) = self.data.as_mut().filter(|data| data.slot == slot) {
            if let Some(known) = data.readiness() {
                *known = *known | ready;
            }
        } else if let Some(linger) = &mut self.linger {
            let socket = linger.stream.get_mut();
            if socket.slot == slot {
                socket.ready = socket.ready | ready;
            }
        }
    }

    /// Takes note that all connections may be ready, for shells that are told of nothing in particular
    ///
    /// Costs each turn a read of every connection.
    pub fn ready_all(&mut self) {
        for slot in Slot::ALL {
            self.ready(slot, Interest::BOTH);
        }
    }

    /// The connections with what each is to be waited for, which may be nothing
    ///
    /// An end or an error of a connection counts as being ready for both. What is waited for changes with
    /// every call, so a shell with level-triggered events asks before each wait. Of a download whose bytes
    /// its user does not read, none of them is told.
    pub fn sockets(&self) -> impl Iterator<Item = (Slot, Lent<'_, S, L>, Interest)> {
        fn lend<S, L>(socket: &Socket<S>, interest: Interest) -> (Slot, Lent<'_, S, L>, Interest) {
            (socket.slot, Lent::Stream(socket.io()), interest)
        }
        let (attempts, link) = match &self.control {
            Control::Connecting(race) => (Some(race.sockets()), None),
            Control::Tunneling(tunneling) => {
                let interest = waits_for(&tunneling.handshake);
                (None, Some(lend(&tunneling.socket, interest)))
            }
            Control::Open(link) => {
                (None, Some(lend(link.stream.get_ref(), self.interest_in(link))))
            }
            Control::Idle(_) | Control::Dialing { .. } | Control::Closed => (None, None),
        };
        let attempts = attempts.into_iter().flatten();
        let linger = self.linger.as_ref();
        attempts
            .map(|(socket, interest)| lend(socket, interest))
            .chain(link)
            .chain(self.data.as_ref().and_then(Data::lent))
            .chain(linger.map(|linger| lend(linger.stream.get_ref(), linger.interest())))
    }

    /// The connection in a slot, for shells that carry its bytes themselves
    pub fn stream_mut(&mut self, slot: Slot) -> Option<&mut S> {
        let socket = match &mut self.control {
            Control::Connecting(race) if slot.is_control() => race.socket_mut(slot),
            Control::Tunneling(tunneling) if slot.is_control() => Some(&mut tunneling.socket),
            Control::Open(link) if slot.is_control() => Some(link.stream.get_mut()),
            _ if slot.is_control() => None,
            _ => match &mut self.data {
                Some(data) if data.slot == slot => data.socket_mut(),
                _ => self.linger.as_mut().map(|linger| linger.stream.get_mut()),
            },
        };
        Some(socket.filter(|socket| socket.slot == slot)?.io_mut())
    }

    /// When [`Self::turn`] is due although nothing is ready; `None`: never
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        match &self.control {
            Control::Idle(_) | Control::Closed => None,
            Control::Connecting(race) => race.deadline(),
            Control::Dialing { deadline, .. } => *deadline,
            Control::Tunneling(tunneling) => tunneling.deadline,
            Control::Open(link) => {
                let data = self.data.as_ref().and_then(Data::patience);
                let linger = self.linger.as_ref().and_then(|linger| linger.until);
                let patience = [link.patience(), data, linger, self.proto.poll_timeout()];
                patience.into_iter().flatten().min()
            }
        }
    }

    /// Whether [`Self::turn`] is due at once
    ///
    /// A level: true after requests, after [`Self::ready`], when data has been moved up to the
    /// [budget](Options::budget), and when a turn has reached its own. Data that the user does not read
    /// is no work: [`Self::can_read`] tells of it.
    #[must_use]
    pub fn has_work(&self) -> bool {
        self.work == Work::Left
    }

    /// How long the next wait may be: not at all while there is [work](Self::has_work), else until the
    /// [deadline](Self::deadline); `None`: until a connection is ready
    #[must_use]
    pub fn timeout(&self, now: Time) -> Option<Duration> {
        if self.has_work() {
            return Some(Duration::ZERO);
        }
        self.deadline().map(|at| at.saturating_duration_since(now))
    }

    /// The connection that the shell is to make, if there is one; answered by [`Self::dialed`]
    ///
    /// A level. The shell may block while it makes it: before a transfer's command, which is when data
    /// connections are made, the server has nothing to say.
    #[must_use]
    pub fn dial_request(&self) -> Option<DialRequest<'_>> {
        let Dialed { port, .. } = self.dialed?;
        let server = match &self.via {
            Some(via) => Host::new(&via.proxy().server().host),
            None => Host::new(self.host.as_deref().unwrap_or_default()),
        };
        match (&self.control, &self.data) {
            (Control::Dialing { begun: Begun::Yes, deadline }, _) => {
                Some(DialRequest { slot: Slot::Control, host: server, port, deadline: *deadline })
            }
            (_, Some(Data { slot, state: DataState::Dialing { host, port: data_port }, .. })) => {
                let (host, port) = match host {
                    _ if self.is_tunneled() => (server, port),
                    DataHost::ControlPeer => (server, *data_port),
                    DataHost::Address(address) => (Host::Address(*address), *data_port),
                };
                let deadline = self.proto.poll_timeout();
                Some(DialRequest { slot: *slot, host, port, deadline })
            }
            _ => None,
        }
    }

    /// Whether [`Self::poll_event`] has news
    ///
    /// Certain after a turn; requests made since then may have brought some.
    #[must_use]
    pub fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// The next news
    #[must_use]
    pub fn poll_event(&mut self) -> Option<Event> {
        self.collect();
        self.events.pop_front()
    }

    /// The result of a request, once it has ended; for callers who wait for one request after another
    ///
    /// With the result all news up to it is dropped. If a connection breaks, that is the result of each request
    /// that has not ended.
    pub fn completed<T: Output>(&mut self, op: Op<T>) -> Option<Result<T, Error>> {
        self.collect();
        let (index, result) = self.events.iter_mut().enumerate().find_map(|(index, event)| {
            let Event::Completed(done) = event else { return None };
            Some((index, done.take(op)?))
        })?;
        self.events.drain(..=index);
        Some(result)
    }
}

/// The family that decides which commands for data connections there are: that of the server
fn family_of(via: Option<&Via>, first: SocketAddr) -> IpFamily {
    match via.filter(|via| via.is_tunnel()).map(Via::host) {
        Some(Host::Address(ip)) => IpFamily::of(&SocketAddr::new(ip, 0)),
        // Which one the proxy takes nobody knows; with this one there are all commands.
        Some(Host::Name(_)) => IpFamily::V4,
        None => IpFamily::of(&first),
    }
}

/// How errors call an address
fn named(host: Option<&str>, address: SocketAddr) -> String {
    match host {
        Some(host) => format!("{} port {}", host.escape_debug(), address.port()),
        None => format!("{} port {}", address.ip(), address.port()),
    }
}

impl<S, L> fmt::Debug for Session<S, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("peer", &self.ends.map(|ends| ends.peer))
            .field("proto", &self.proto)
            .field("data", &self.data)
            .field("work", &self.work)
            .finish_non_exhaustive()
    }
}
