//! The session: the machine, its connections, and what the session knows in addition to the machine
//!
//! This file creates a session and reports its state. The other files have what a shell waits for ([`waiting`]), the
//! turn that drives the session ([`turn`]), the control connection ([`control`]), data connections ([`opening`],
//! [`data`], their tickets in [`tickets`], uploads in [`upload`]), the route through a proxy ([`tunnel`]), the events
//! ([`events`]), the bytes that its user moves ([`transfer`]), and the causes of errors ([`causes`]).

mod causes;
mod control;
mod data;
mod events;
mod opening;
mod tickets;
mod transfer;
mod tunnel;
mod turn;
mod upload;
mod waiting;

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use ftp_proto::{ConnectionError, Endpoints, IpFamily, OpId, Reply, Time, TlsPolicy};
use ftp_tls::TlsStats;
use ftp_tls::rustls::HandshakeKind;

pub use transfer::Moved;

use crate::cancel::CancelFlag;
use crate::client_number::client_number;
use crate::data::{Attempt, Data, Linger};
use crate::error::Error;
use crate::event::Event;
use crate::failure::FailedData;
use crate::info::TlsInfo;
use crate::learned::TimeCommands;
use crate::link::{Begun, Control};
use crate::options::{Options, TraceHook};
use crate::proxy::Via;
use crate::race::Race;
use crate::reading::Reading;
use crate::security::{Name, Security};
use crate::servers::Report;
use crate::session_limit::is_full;
use crate::transport::Host;

/// A session with an FTP server, over connections of the types `S` and, in active mode, `L`
///
/// It never waits, makes no system calls and has no clock. A shell drives it with these calls:
///
/// ```text
/// ready          says what a connection is ready for
/// turn           deadlines · actions ─▶ connections · control connection · data connection
/// poll_event     events, each once
/// read_data …    the bytes of a transfer, straight to and from the user
/// ```
///
/// Whenever there is no [work](Self::has_work), the shell waits for the session's [connections](Self::sockets) until
/// its [deadline](Self::deadline).
///
/// Making a request never fails: it is queued, and returns an [`Op`](ftp_proto::Op), which claims the result that
/// [`Event::Completed`] brings. Requests may be made at any time, even before the connection is open.
///
/// Dropping the session drops its connections without QUIT.
pub struct Session<S, L> {
    proto: ftp_proto::Client,
    control: Control<S>,
    data: Option<Data<S, L>>,
    /// The request whose bytes the data connection carries, or carried last
    carried: Option<OpId>,
    /// The transfer that the user knows to be open; the bytes of any other are held back
    opened: Option<OpId>,
    /// A closed data connection on which tickets may still arrive
    linger: Option<Linger<S>>,
    /// Why the control connection is closed; the machine knows only that it is
    failure: Option<Error>,
    /// Why the last data connection failed
    data_failure: Option<FailedData>,
    attempt: Attempt,
    security: Security,
    last_upload: Option<LastUpload>,
    endpoints: Option<Endpoints>,
    /// The proxy, if there is one
    via: Option<Via>,
    /// How the shell reaches the server or the proxy, if it makes all connections
    dialed: Option<Dialed>,
    /// The host, as the user named it
    host: Option<String>,
    /// The port at which the search for a free port starts, in active mode
    next_port: u16,
    events: VecDeque<Event>,
    greeting: Option<Reply>,
    /// The size that the server announced for the latest transfer
    size_hint: Option<(OpId, u64)>,
    pub(crate) reading: Reading,
    trace: Option<TraceHook>,
    work: Work,
    allowance: usize,
    /// The part of the allowance that is left until the next turn
    credit: usize,
    /// A 530 reply that was about the number of sessions
    refusal: Option<Reply>,
    data_failures: u32,
    cancelled: Option<CancelFlag>,
    pub(crate) time_commands: TimeCommands,
    /// Reports to later sessions what the server does with batches, and with EPSV during a transfer
    report: Option<Box<Report>>,
}

/// Where the shell's connections go
#[derive(Clone, Copy, Debug)]
struct Dialed {
    port: u16,
    timeout: Duration,
}

/// Whether there is work that no readiness will announce
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    None,
    /// Bytes that were held back may move. A user who tried to move them before has to try again, after the next turn
    Released,
    Left,
}

/// The last upload; its success may show that the server accepts full handshakes
#[derive(Debug)]
struct LastUpload {
    op: OpId,
    handshake: Option<HandshakeKind>,
}

/// Creation
impl<S: Read + Write, L> Session<S, L> {
    /// Creates a session that connects when [`start`](Self::start) is called, to the first of the server's addresses
    /// that answers; with a [proxy](Options::proxy), to the first of the proxy's
    ///
    /// # Errors
    ///
    /// [`Error::InvalidOption`]; [`Error::TlsConfig`] and [`Error::Tls`] if TLS is required but not available;
    /// [`Error::Connect`] if there is no address, or none that the source address can reach; [`Error::Proxy`] if the
    /// proxy can't be used in this way.
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
        let port = options.port.unwrap_or_else(|| first.port());
        Self::with(control, family, (name, port), via, options, now)
    }

    /// Creates a session whose connections are made by the shell, for example through a tunnel; after
    /// [`start`](Self::start) it asks for them as [dial requests](Self::dial_request)
    ///
    /// With a [proxy](Options::proxy) the dial requests are for connections to the proxy, which the shell may make
    /// over TLS, for example.
    ///
    /// Active mode needs a control connection that has [addresses](Endpoints).
    ///
    /// # Errors
    ///
    /// [`Error::TlsConfig`] and [`Error::Tls`] if TLS is required but not available; [`Error::Proxy`] if the proxy
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
        let first_port = via.as_ref().map_or(port, |via| via.proxy().server().port);
        let dialed = Dialed { port: first_port, timeout: options.connect_timeout };
        let server = (Name::Host(host.to_owned()), port);
        let mut session = Self::with(control, family, server, via, options, now)?;
        session.dialed = Some(dialed);
        Ok(session)
    }

    fn with(
        control: Control<S>,
        family: IpFamily,
        (name, port): (Name, u16),
        via: Option<Via>,
        mut options: Options,
        now: Time,
    ) -> Result<Self, Error> {
        let host = || options.host.clone().unwrap_or_else(|| name.to_string());
        let report = options.servers.apply(host, port, &mut options.config);
        let name = match (options.tls_name, &options.host) {
            (Some(name), _) => Name::Given(name),
            (None, Some(host)) => Name::Host(host.clone()),
            (None, None) => name,
        };
        if let Some(via) = &via {
            options.config.gateway = via.gateway()?;
        }
        options.config.trace |= options.trace.is_some();
        options.config.client_number = client_number(options.config.client_number);
        let mut security = Security::new(options.tls, name);
        // Errors of the configuration must show before anything is sent.
        if options.config.tls != TlsPolicy::Plaintext {
            security.prepare()?;
        }
        let mut proto = ftp_proto::Client::new(options.config, family, now);
        for secret in via.iter().flat_map(Via::secrets) {
            proto.mask_secret(&*secret);
        }
        Ok(Self {
            proto,
            control,
            data: None,
            carried: None,
            opened: None,
            linger: None,
            failure: None,
            data_failure: None,
            attempt: Attempt::Moved,
            security,
            last_upload: None,
            endpoints: None,
            via,
            dialed: None,
            host: options.host,
            next_port: 0,
            events: VecDeque::new(),
            greeting: None,
            size_hint: None,
            reading: Reading::default(),
            trace: options.trace,
            work: Work::None,
            allowance: options.allowance,
            credit: options.allowance,
            refusal: None,
            data_failures: 0,
            cancelled: options.cancel_flag,
            time_commands: TimeCommands::default(),
            report,
        })
    }

    /// Starts connecting at the next turn; a second call does nothing
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
    /// The machine, to make a request: `session.request().get("f")`
    ///
    /// Use only requests and settings. The session itself calls the methods that drive the machine (`poll_*`,
    /// `handle_*`); a shell that calls them breaks the session.
    pub fn request(&mut self) -> &mut ftp_proto::Client {
        self.work = Work::Left;
        &mut self.proto
    }

    /// Makes a turn due even if nothing has been requested yet
    pub(crate) const fn want_turn(&mut self) {
        self.work = Work::Left;
    }

    /// Prepares TLS; call it before a request that secures a session that began in clear text
    ///
    /// # Errors
    ///
    /// [`Error::TlsConfig`] and [`Error::Tls`] if the configuration is not usable; [`Error::Proxy`] if TLS would end
    /// at a proxy.
    pub fn prepare_tls(&mut self) -> Result<(), Error> {
        self.may_secure()?;
        self.security.prepare()?;
        Ok(())
    }

    /// How texts and listings are read, for changes
    pub const fn reading_mut(&mut self) -> &mut Reading {
        &mut self.reading
    }

    /// Switches [`Config::keep_alive`](ftp_proto::Config::keep_alive) off, for shells that do nothing between calls: it
    /// would be sent within the next call, before the request
    pub fn stop_keep_alive(&mut self) {
        if self.proto.config().keep_alive.is_some() {
            self.request().config_mut().keep_alive = None;
        }
    }

    /// Aborts a request, which completes with [`Aborted`](ftp_proto::Error::Aborted) at once; the session settles
    /// afterwards
    pub fn abort(&mut self, op: OpId) {
        self.work = Work::Left;
        if self.proto.running_transfer() == Some(op) {
            self.cancel_dialing();
        }
        self.proto.abort(op);
    }

    /// Returns a flag that ends the session from anywhere, for example from another thread
    pub fn cancel_flag(&mut self) -> CancelFlag {
        self.cancelled.get_or_insert_default().clone()
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.as_ref().is_some_and(CancelFlag::is_set)
    }
}

/// The state of a session
impl<S: Read + Write, L> Session<S, L> {
    /// The machine, to read its state
    #[must_use]
    pub const fn client(&self) -> &ftp_proto::Client {
        &self.proto
    }

    /// Whether the session is live, nothing runs or is queued, and no reply is expected
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.proto.is_idle()
    }

    /// The error that ended the session, if it is over
    #[must_use]
    pub fn ended(&self) -> Option<Error> {
        let error = ftp_proto::Error::from(self.proto.error()?.clone());
        Some(self.explain_end(error))
    }

    /// The server's greeting, once it has arrived
    #[must_use]
    pub const fn greeting(&self) -> Option<&Reply> {
        self.greeting.as_ref()
    }

    /// The size in bytes that the server announced when this transfer began, if it did; a hint, because servers differ
    /// in what they count
    #[must_use]
    pub fn size_hint(&self, op: OpId) -> Option<u64> {
        self.size_hint.filter(|(known, _)| *known == op).map(|(_, size)| size)
    }

    /// How texts and listings are read
    #[must_use]
    pub const fn reading(&self) -> &Reading {
        &self.reading
    }

    /// Both addresses of the control connection, once it is open; also `None` if it has no addresses
    ///
    /// Through a proxy these are the addresses of the connection to the proxy.
    #[must_use]
    pub const fn endpoints(&self) -> Option<Endpoints> {
        self.endpoints
    }

    /// The number of TLS sessions available, and of data connections that have resumed one so far; `None` if TLS was
    /// never used
    #[must_use]
    pub fn tls_stats(&self) -> Option<TlsStats> {
        self.security.context.as_ref().map(ftp_tls::TlsContext::stats)
    }

    /// What TLS has negotiated for the control connection, with the server's certificate; `None` in clear text
    #[must_use]
    pub fn tls(&self) -> Option<TlsInfo<'_>> {
        match &self.control {
            Control::Open(link) if link.stream.is_secure() => Some(TlsInfo::of(&link.stream)),
            _ => None,
        }
    }

    /// The reply with which the server refused the session because there are too many, if it did
    ///
    /// Report it to a [`Budget`](crate::Budget).
    #[must_use]
    pub fn too_many_sessions(&self) -> Option<&Reply> {
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

    /// The number of data connections that could not be opened so far, or were refused with 425
    #[must_use]
    pub const fn data_failures(&self) -> u32 {
        self.data_failures
    }
}

/// The IP family of the server, which decides which commands for data connections exist
fn family_of(via: Option<&Via>, first: SocketAddr) -> IpFamily {
    match via.filter(|via| via.is_tunnel()).map(Via::host) {
        Some(Host::Address(ip)) => IpFamily::of(&SocketAddr::new(ip, 0)),
        // The family that the proxy uses is unknown; IPv4 has all commands.
        Some(Host::Name(_)) => IpFamily::V4,
        None => IpFamily::of(&first),
    }
}

/// The text for an address in errors
fn named(host: Option<&str>, address: SocketAddr) -> String {
    match host {
        Some(host) => format!("{} port {}", host.escape_debug(), address.port()),
        None => format!("{} port {}", address.ip(), address.port()),
    }
}

impl<S, L> fmt::Debug for Session<S, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("host", &self.host)
            .field("peer", &self.endpoints.map(|endpoints| endpoints.peer))
            .field("proto", &self.proto)
            .field("data", &self.data)
            .field("work", &self.work)
            .finish_non_exhaustive()
    }
}
