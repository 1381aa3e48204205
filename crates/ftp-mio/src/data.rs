//! Data connections: opened, secured and closed as the machine orders

use std::fmt;
use std::io::{self, Read};
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use ftp_proto::{
    DataEndpoint, DataEvent, DataFailure, DataHost, DataId, Direction, Encoding, Ends, OpId,
    TlsSession,
};
use ftp_tls::rustls::HandshakeKind;
use ftp_tls::{Role, Stream, TlsError};
use mio::{Registry, Token};

use crate::event::Event;
use crate::failure::FailedData;
use crate::net;
use crate::session::{Control, Session, Work};
use crate::socket::{Listener, Readiness, Socket, is_passing, is_readable, stream};
use crate::text::{TextIn, TextOut};
use crate::time::later;
use crate::upload::{LastUpload, ServerEnd, UploadStage};

/// For tickets on a closed data connection: the server sends them in answer to the end of our
/// handshake, a round trip
const TICKET_PATIENCE: Duration = Duration::from_millis(300);

/// In active mode, connections of strangers that are turned away in a round
const MAX_STRANGERS: usize = 64;

pub(crate) struct Data {
    pub(crate) id: DataId,
    pub(crate) state: DataState,
}

pub(crate) enum DataState {
    /// Passive: not writable yet
    Connecting(Socket, SocketAddr),
    /// Active: the server has not come yet, though perhaps somebody else
    Listening(Listener, Option<IpAddr>),
    /// Open, and the machine's next order is due
    Open(Stream<Socket>),
    /// To be secured as soon as a ticket has come, or none will
    AwaitingTicket(Stream<Socket>),
    Securing(Stream<Socket>),
    Moving(Stream<Socket>, Course),
    /// The machine knows that it is over, and will have it closed
    Over(Stream<Socket>, Option<Direction>),
}

/// What the application has found since bytes came last
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Bytes,
    /// Records without a byte of the file
    Nothing,
}

/// Which way the bytes flow, and how far they are
pub(crate) enum Course {
    Download(Option<Box<TextIn>>),
    /// A listing whose bytes nobody wants, only the tickets that come with it
    Harvest,
    Upload(UploadStage, Option<Box<TextOut>>),
}

/// A data connection that is closed but for the tickets that may come on it
pub(crate) struct Linger {
    pub(crate) stream: Stream<Socket>,
    pub(crate) until: Option<Instant>,
    direction: Option<Direction>,
}

impl Data {
    pub(crate) fn readiness(&mut self) -> Option<&mut Readiness> {
        Some(match &mut self.state {
            DataState::Connecting(socket, _) => &mut socket.ready,
            DataState::Listening(listener, _) => &mut listener.ready,
            DataState::Open(stream)
            | DataState::AwaitingTicket(stream)
            | DataState::Securing(stream)
            | DataState::Moving(stream, _)
            | DataState::Over(stream, _) => &mut stream.get_mut().ready,
        })
    }

    /// Where bytes flow, or may before long
    pub(crate) fn stream(&mut self) -> Option<&mut Stream<Socket>> {
        match &mut self.state {
            DataState::Connecting(..) | DataState::Listening(..) => None,
            DataState::Open(stream)
            | DataState::AwaitingTicket(stream)
            | DataState::Securing(stream)
            | DataState::Moving(stream, _)
            | DataState::Over(stream, _) => Some(stream),
        }
    }

    pub(crate) const fn patience(&self) -> Option<Instant> {
        match self.state {
            DataState::Moving(_, Course::Upload(UploadStage::Draining { until }, _)) => until,
            _ => None,
        }
    }
}

impl Session {
    /// Action: a data connection
    pub(crate) fn open_data(
        &mut self,
        id: DataId,
        endpoint: DataEndpoint,
        registry: &Registry,
        now: Instant,
    ) {
        let op = self.proto.running_transfer();
        self.data_failure.take_if(|known| known.op != op);
        // Actions come only once the control connection is open.
        let Some(ends) = self.ends else { return };
        let (mut address, port) = match &endpoint {
            DataEndpoint::Connect { host: DataHost::ControlPeer, port } => (ends.peer, *port),
            DataEndpoint::Connect { host: DataHost::Address(ip), port } => {
                (SocketAddr::new(*ip, *port), *port)
            }
            DataEndpoint::Listen { ports, .. } => {
                (ends.local, ports.as_ref().map_or(0, |ports| *ports.start()))
            }
        };
        address.set_port(port);
        let opened = match endpoint {
            DataEndpoint::Connect { .. } => self.connect_to(address, ends, registry),
            DataEndpoint::Listen { ports, .. } => self.listen_on(ports, ends, registry),
        };
        let (state, event) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                return self.data_failed_at(id, DataFailure::Open, Some(address), error, now);
            }
        };
        self.data = Some(Data { id, state });
        if let Some(event) = event {
            self.tell(id, event, now);
        }
    }

    fn connect_to(
        &self,
        address: SocketAddr,
        ends: Ends,
        registry: &Registry,
    ) -> io::Result<(DataState, Option<DataEvent>)> {
        let socket = net::begin_connect(address, ends.source_for(address))?;
        let socket = Socket::register(socket, registry, self.data_token())?;
        Ok((DataState::Connecting(socket, address), None))
    }

    fn listen_on(
        &mut self,
        ports: Option<RangeInclusive<u16>>,
        ends: Ends,
        registry: &Registry,
    ) -> io::Result<(DataState, Option<DataEvent>)> {
        let listener = net::listen(ends.local, ports, &mut self.next_port)?;
        let address = listener.local_addr()?;
        let listener = Listener::register(listener, registry, self.data_token())?;
        Ok((DataState::Listening(listener, None), Some(DataEvent::Listening(address))))
    }

    const fn data_token(&self) -> Token {
        Token(self.tokens.0 + 1)
    }

    /// Goes on with whatever the data connection is busy with; true if the machine has learned
    /// something
    pub(crate) fn drive_data(&mut self, registry: &Registry, now: Instant) -> bool {
        let Some(Data { id, state }) = self.data.take() else { return false };
        let (state, event) = match state {
            DataState::Connecting(mut socket, address) if socket.ready.writable => {
                match net::end_connect(socket.io()) {
                    Ok(true) => (DataState::Open(stream(socket)), Some(DataEvent::Connected)),
                    // mio may wake for nothing.
                    Ok(false) => {
                        socket.ready.writable = false;
                        (DataState::Connecting(socket, address), None)
                    }
                    Err(error) => {
                        socket.deregister(registry);
                        self.data_failed_at(id, DataFailure::Open, Some(address), error, now);
                        return true;
                    }
                }
            }
            DataState::Listening(listener, stranger) if listener.ready.readable => {
                let address = listener.local_addr();
                match self.accept(listener, stranger, registry) {
                    Ok(accepted) => accepted,
                    Err(error) => {
                        self.data_failed_at(id, DataFailure::Open, address, error, now);
                        return true;
                    }
                }
            }
            DataState::AwaitingTicket(stream) if self.linger.is_none() => {
                self.data = Some(Data { id, state: DataState::Open(stream) });
                self.begin_secure_data(id, now);
                return true;
            }
            DataState::Securing(mut stream) => match stream.handshake() {
                Ok(true) => {
                    let event = DataEvent::Secured(session_of(&stream));
                    (DataState::Open(stream), Some(event))
                }
                Ok(false) => (DataState::Securing(stream), None),
                Err(error) => {
                    self.data = Some(Data { id, state: DataState::Over(stream, None) });
                    self.data_failed(id, DataFailure::Tls, error, now);
                    return true;
                }
            },
            DataState::Moving(stream, Course::Upload(stage, text)) => {
                let course = Course::Upload(stage, text);
                self.data = Some(Data { id, state: DataState::Moving(stream, course) });
                return self.drive_upload(now);
            }
            DataState::Moving(stream, Course::Harvest) => {
                self.data = Some(Data { id, state: DataState::Moving(stream, Course::Harvest) });
                return self.drive_harvest(now);
            }
            other => (other, None),
        };
        self.data = Some(Data { id, state });
        match event {
            Some(event) => {
                self.tell(id, event, now);
                true
            }
            None => false,
        }
    }

    fn accept(
        &mut self,
        mut listener: Listener,
        mut stranger: Option<IpAddr>,
        registry: &Registry,
    ) -> io::Result<(DataState, Option<DataEvent>)> {
        let control_peer = self.ends.ok_or(io::ErrorKind::NotConnected)?.peer.ip();
        // Until the listener would block, since nothing tells again that it is ready, or it is the turn of
        // others.
        let mut tries = 0..MAX_STRANGERS;
        let (socket, peer) = loop {
            if tries.next().is_none() {
                self.work = Work::Left;
                return Ok((DataState::Listening(listener, stranger), None));
            }
            match listener.accept() {
                Ok((_, peer))
                    if self.proto.config().check_active_peer
                        && !same_host(peer.ip(), control_peer) =>
                {
                    // The server may be next.
                    stranger = Some(peer.ip());
                }
                Ok(accepted) => break accepted,
                // Somebody came and left before.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Ok((DataState::Listening(listener, stranger), None));
                }
                Err(error) => {
                    listener.deregister(registry);
                    return Err(error);
                }
            }
        };
        listener.deregister(registry);
        socket.set_nodelay(true)?;
        let socket = Socket::register(socket, registry, self.data_token())?;
        let event = DataEvent::Accepted { peer: peer.ip(), control_peer };
        Ok((DataState::Open(stream(socket)), Some(event)))
    }

    /// Action: TLS on the data connection
    pub(crate) fn begin_secure_data(&mut self, id: DataId, now: Instant) {
        let mut stream = match self.data.take() {
            Some(Data { id: live, state: DataState::Open(stream) }) if live == id => stream,
            other => return self.misfit(id, other, now),
        };
        if self.linger.is_some() {
            self.data = Some(Data { id, state: DataState::AwaitingTicket(stream) });
            return;
        }
        let secured = match &self.security.context {
            Some(context) => stream.secure(context, Role::Data).map_err(io::Error::from),
            // The control connection was secured with one.
            None => Err(io::Error::other("TLS is not configured")),
        };
        match secured {
            Ok(()) => self.data = Some(Data { id, state: DataState::Securing(stream) }),
            Err(error) => {
                self.data = Some(Data { id, state: DataState::Over(stream, None) });
                self.data_failed(id, DataFailure::Tls, error, now);
            }
        }
    }

    /// Action: the bytes may move
    pub(crate) fn start_transfer(
        &mut self,
        id: DataId,
        op: Option<OpId>,
        direction: Direction,
        encoding: Encoding,
        now: Instant,
    ) {
        let stream = match self.data.take() {
            Some(Data { id: live, state: DataState::Open(stream) }) if live == id => stream,
            other => return self.misfit(id, other, now),
        };
        self.found = Found::Bytes;
        let ascii = encoding == Encoding::Ascii;
        let course = match direction {
            Direction::Download if op.is_none() => Course::Harvest,
            Direction::Download => Course::Download(ascii.then(Box::default)),
            Direction::Upload => {
                let stage = UploadStage::Writing(ServerEnd::Open);
                Course::Upload(stage, ascii.then(Box::default))
            }
        };
        if let (Some(op), Direction::Upload) = (op, direction) {
            self.last_upload = Some(LastUpload { op, handshake: stream.handshake_kind() });
        }
        self.data = Some(Data { id, state: DataState::Moving(stream, course) });
        self.carried = op;
        if let Some(op) = op {
            self.events.push_back(Event::DataOpen { op, direction });
        }
    }

    /// An order came for a data connection that is not open: it fails, and the machine is told, unless it is
    /// not the one that the order was for
    fn misfit(&mut self, id: DataId, data: Option<Data>, now: Instant) {
        let is_live = data.as_ref().is_some_and(|data| data.id == id);
        self.data = data;
        if is_live {
            let error =
                io::Error::other("data connection was not ready for what was to be done with it");
            self.data_failed(id, DataFailure::Broken, error, now);
        }
    }

    /// Action: nobody wants the rest
    pub(crate) fn discard(&mut self, id: DataId) {
        if let Some(Data { id: live, state: DataState::Moving(_, course) }) = &mut self.data {
            if *live == id {
                *course = Course::Harvest;
            }
        }
    }

    /// Action: close the data connection
    pub(crate) fn close_data(&mut self, id: DataId, registry: &Registry, now: Instant) {
        let Some(data) = self.data.take_if(|data| data.id == id) else { return };
        let (stream, direction) = match data.state {
            DataState::Connecting(socket, _) => return socket.deregister(registry),
            DataState::Listening(listener, _) => return listener.deregister(registry),
            DataState::Open(stream)
            | DataState::AwaitingTicket(stream)
            | DataState::Securing(stream) => (stream, None),
            DataState::Moving(stream, Course::Download(_) | Course::Harvest) => {
                (stream, Some(Direction::Download))
            }
            DataState::Moving(stream, Course::Upload(..)) => (stream, Some(Direction::Upload)),
            DataState::Over(stream, direction) => (stream, direction),
        };
        let until = later(now, TICKET_PATIENCE);
        if let Some(old) = self.linger.replace(Linger { stream, until, direction }) {
            old.stream.into_inner().deregister(registry);
        }
        self.drive_linger(registry, now);
    }

    /// Takes what still comes on a closed data connection: tickets, also on one that the server has
    /// refused. If there are no others they are worth a short wait
    pub(crate) fn drive_linger(&mut self, registry: &Registry, now: Instant) -> bool {
        let Some(Linger { stream, until, direction }) = &mut self.linger else { return false };
        if stream.is_secure() {
            let ended = match stream.handshake() {
                Ok(true) => !matches!(stream.drain(), Ok(false)),
                Ok(false) => false,
                Err(_) => true,
            };
            let has_tickets = self.security.context.as_ref().is_none_or(|context| {
                context.can_resume() || context.inventory().tickets_received == 0
            });
            let open = matches!(self.control, Control::Open(_));
            let waits = until.is_none_or(|until| until > now);
            if !ended && !has_tickets && waits && open {
                return false;
            }
            // An upload that is closed from here was not ended: without close_notify the server can
            // tell. To a download's server it is a courtesy.
            if *direction == Some(Direction::Download) {
                let _ = stream.close_notify();
            }
        }
        if let Some(linger) = self.linger.take() {
            linger.stream.into_inner().deregister(registry);
        }
        true
    }

    /// Reads what nobody wants, a little each round
    fn drive_harvest(&mut self, now: Instant) -> bool {
        let Some((id, stream, Course::Harvest)) = self.moving() else { return false };
        if !is_readable(stream) {
            return false;
        }
        match stream.read(&mut [0; 4096]) {
            Ok(0) => self.over(id, DataEvent::Finished, now),
            Ok(count) => {
                self.proto.handle_data(now, id, DataEvent::Progress(count as u64));
                true
            }
            Err(error) if is_passing(&error) => false,
            Err(error) => {
                self.data_broke(id, error, now);
                true
            }
        }
    }

    /// The server has not come for as long as is allowed; true if somebody else has
    pub(crate) fn accept_expired(&mut self, now: Instant) -> bool {
        let Some(Data { id, state: DataState::Listening(_, Some(peer)) }) = &self.data else {
            return false;
        };
        let (id, peer) = (*id, *peer);
        let Some(ends) = self.ends else { return false };
        self.tell(id, DataEvent::Accepted { peer, control_peer: ends.peer.ip() }, now);
        true
    }

    /// No byte has passed for as long as is allowed; true if that is not the server's fault
    pub(crate) fn data_expired(&mut self, now: Instant) -> bool {
        let ready = self.can_read() || self.can_write();
        let in_vain = self.found == Found::Nothing;
        let Some((id, ..)) = self.moving() else { return false };
        // It is the application that makes a pause, unless it has found nothing in what came.
        if !ready || in_vain {
            return false;
        }
        self.proto.handle_data(now, id, DataEvent::Progress(0));
        true
    }

    /// Tells the machine what a write has come to; true if that changes anything
    pub(crate) fn moved(&mut self, id: DataId, result: io::Result<usize>, now: Instant) -> bool {
        match result {
            Ok(0) => false,
            Ok(count) => {
                self.proto.handle_data(now, id, DataEvent::Progress(count as u64));
                false
            }
            Err(error) if is_passing(&error) => false,
            Err(error) => {
                self.data_broke(id, error, now);
                true
            }
        }
    }

    /// The data connection has ended, and the machine will have it closed; always true
    pub(crate) fn over(&mut self, id: DataId, event: DataEvent, now: Instant) -> bool {
        self.data = self.data.take().map(|data| match data.state {
            DataState::Moving(stream, course) => {
                let direction = match course {
                    Course::Download(_) | Course::Harvest => Direction::Download,
                    Course::Upload(..) => Direction::Upload,
                };
                Data { id: data.id, state: DataState::Over(stream, Some(direction)) }
            }
            state => Data { id: data.id, state },
        });
        self.tell(id, event, now);
        true
    }

    fn tell(&mut self, id: DataId, event: DataEvent, now: Instant) {
        self.count_tickets();
        self.proto.handle_data(now, id, event);
        self.work = Work::Left;
    }

    pub(crate) fn data_broke(&mut self, id: DataId, error: io::Error, now: Instant) {
        match TlsError::in_io(&error) {
            Some(TlsError::Truncated) => {
                self.over(id, DataEvent::Truncated, now);
            }
            Some(_) => self.data_failed(id, DataFailure::Tls, error, now),
            None => self.data_failed(id, DataFailure::Broken, error, now),
        }
    }

    fn data_failed(&mut self, id: DataId, failure: DataFailure, error: io::Error, now: Instant) {
        self.data_failed_at(id, failure, None, error, now);
    }

    fn data_failed_at(
        &mut self,
        id: DataId,
        failure: DataFailure,
        address: Option<SocketAddr>,
        error: io::Error,
        now: Instant,
    ) {
        self.note_failure(failure, address, error);
        self.over(id, DataEvent::Failed(failure), now);
    }

    /// Keeps the first cause: what fails later in the same way is but an attempt to do without
    fn note_failure(
        &mut self,
        failure: DataFailure,
        address: Option<SocketAddr>,
        error: io::Error,
    ) {
        let op = self.proto.running_transfer();
        if !self.data_failure.as_ref().is_some_and(|known| known.comes_before(op, failure)) {
            self.data_failure = Some(FailedData { op, failure, address, error });
        }
    }

    /// The data connection has not opened for as long as is allowed: notes where
    pub(crate) fn note_unopened(&mut self) {
        let (failure, address) = match self.data.as_ref().map(|data| &data.state) {
            Some(DataState::Connecting(_, address)) => (DataFailure::Open, Some(*address)),
            Some(DataState::Listening(listener, _)) => {
                (DataFailure::NeverOpened, listener.local_addr())
            }
            _ => return,
        };
        self.note_failure(failure, address, io::ErrorKind::TimedOut.into());
    }

    /// As [`Self::moving`], if the bytes are those of the request that runs: when it has been aborted, its
    /// data connection is open until the next turn, and another request may have begun
    pub(crate) fn moving_current(&mut self) -> Option<(DataId, &mut Stream<Socket>, &mut Course)> {
        let running = self.proto.running_transfer();
        if running.is_some() && running == self.carried { self.moving() } else { None }
    }

    pub(crate) fn moving(&mut self) -> Option<(DataId, &mut Stream<Socket>, &mut Course)> {
        match &mut self.data {
            Some(Data { id, state: DataState::Moving(stream, course) }) => {
                Some((*id, stream, course))
            }
            _ => None,
        }
    }
}

/// Whether two addresses are one host's, of which one may be an IPv4 address in IPv6 form
fn same_host(one: IpAddr, other: IpAddr) -> bool {
    one.to_canonical() == other.to_canonical()
}

fn session_of(stream: &Stream<Socket>) -> TlsSession {
    match stream.handshake_kind() {
        Some(HandshakeKind::Resumed) => TlsSession::Resumed,
        _ => TlsSession::New,
    }
}

impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            DataState::Connecting(..) => "connecting",
            DataState::Listening(..) => "listening",
            DataState::Open(_) => "open",
            DataState::AwaitingTicket(_) => "awaiting a ticket",
            DataState::Securing(_) => "securing",
            DataState::Moving(_, Course::Download(_)) => "download",
            DataState::Moving(_, Course::Upload(..)) => "upload",
            DataState::Moving(_, Course::Harvest) => "harvest",
            DataState::Over(..) => "over",
        };
        write!(f, "{:?} {state}", self.id)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;
    use std::thread::JoinHandle;

    use ftp_proto::{Config, TlsPolicy};
    use mio::{Events, Poll};

    use super::*;
    use crate::Options;

    /// Answers what is due until a data connection can be opened; gives the command that comes then
    fn serve(listener: &TcpListener) -> String {
        let (control, _) = listener.accept().unwrap();
        let passive = format!("229 (|||{}|)", listener.local_addr().unwrap().port());
        let mut lines = BufReader::new(control.try_clone().unwrap()).lines();
        let reply = |line: &str| (&control).write_all(format!("{line}\r\n").as_bytes()).unwrap();
        reply("220 ready");
        for answer in ["331 password", "230 welcome", "200 binary", &passive] {
            lines.next().unwrap().unwrap();
            reply(answer);
        }
        lines.next().unwrap().unwrap()
    }

    /// A session whose data connection is being opened
    fn connecting() -> (Session, Poll, DataId, JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || serve(&listener));
        let mut config = Config::new(TlsPolicy::Plaintext);
        config.pipeline = false;
        let mut poll = Poll::new().unwrap();
        let mut session =
            Session::connect(poll.registry(), Token(0), &[address], Options::new(config)).unwrap();
        session.login("u", "p");
        session.get("f");
        loop {
            session.turn(poll.registry(), Instant::now());
            if let Some(Data { id, state: DataState::Connecting(..) }) = &session.data {
                let id = *id;
                return (session, poll, id, server);
            }
            wait(&mut session, &mut poll);
        }
    }

    fn wait(session: &mut Session, poll: &mut Poll) {
        let mut events = Events::with_capacity(8);
        poll.poll(&mut events, Some(Duration::from_millis(10))).unwrap();
        for event in &events {
            session.handle_event(event);
        }
    }

    /// An order that comes too early closes the data connection, and the machine knows
    #[test]
    fn an_order_that_does_not_fit_is_reported() {
        type Order = fn(&mut Session, DataId);
        let orders: [Order; 2] = [
            |session, id| session.begin_secure_data(id, Instant::now()),
            |session, id| {
                let (direction, encoding) = (Direction::Download, Encoding::Image);
                session.start_transfer(id, None, direction, encoding, Instant::now());
            },
        ];
        for order in orders {
            let (mut session, mut poll, id, server) = connecting();
            order(&mut session, id);
            let known = session.data_failure.take();
            assert!(known.is_some_and(|known| known.failure == DataFailure::Broken));
            session.turn(poll.registry(), Instant::now());
            // Closed, and the next way is tried, as after any connection that could not be opened.
            assert!(session.data.is_none());
            while !server.is_finished() {
                wait(&mut session, &mut poll);
                session.turn(poll.registry(), Instant::now());
            }
            assert_eq!(server.join().unwrap(), "PASV");
        }
    }
}
