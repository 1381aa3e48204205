//! Data connections: opened, secured and closed as the machine orders

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use ftp_proto::{
    DataEndpoint, DataEvent, DataFailure, DataHost, DataId, Direction, Encoding, Ends, OpId,
    TlsSession,
};
use ftp_tls::rustls::HandshakeKind;
use ftp_tls::{Role, Stream, TlsError};

use super::{LastUpload, Session, Work};
use crate::data::{Course, Data, DataState, Found, Linger, ServerEnd, UploadStage};
use crate::event::Event;
use crate::socket::{Listener, Socket, is_passing, is_readable};
use crate::time::later;
use crate::transport::{Interest, Slot, Transport};

/// For tickets on a closed data connection: the server sends them in answer to the end of our
/// handshake, a round trip
const TICKET_PATIENCE: Duration = Duration::from_millis(300);

/// In active mode, connections of strangers that are turned away in a round
const MAX_STRANGERS: usize = 64;

impl<S: Read + Write, L> Session<S, L> {
    /// Action: a data connection
    pub(super) fn open_data<T>(
        &mut self,
        id: DataId,
        endpoint: DataEndpoint,
        transport: &mut T,
        now: Instant,
    ) where
        T: Transport<Stream = S, Listener = L>,
    {
        let op = self.proto.running_transfer();
        self.data_failure.take_if(|known| known.op != op);
        let slot = match &self.linger {
            Some(linger) if linger.stream.get_ref().slot == Slot::Data => Slot::NextData,
            _ => Slot::Data,
        };
        let (host, port) = match endpoint {
            DataEndpoint::Connect { host, port } => (host, port),
            DataEndpoint::Listen { ports, .. } => {
                return self.listen(id, slot, ports, transport, now);
            }
        };
        if self.dialed.is_some() {
            self.data = Some(Data::new(id, slot, DataState::Dialing { host, port }));
            return;
        }
        // Actions come only once the control connection is open.
        let Some(ends) = self.ends else { return };
        let mut address = match host {
            DataHost::ControlPeer => ends.peer,
            DataHost::Address(ip) => SocketAddr::new(ip, port),
        };
        address.set_port(port);
        match transport.connect(slot, address, ends.source_for(address)) {
            Ok(io) => {
                let socket = Socket::new(slot, io);
                let state = DataState::Connecting(socket, Interest::WRITE, address);
                self.data = Some(Data::new(id, slot, state));
            }
            Err(error) => self.data_failed_at(id, DataFailure::Open, Some(address), error, now),
        }
    }

    fn listen<T>(
        &mut self,
        id: DataId,
        slot: Slot,
        ports: Option<RangeInclusive<u16>>,
        transport: &mut T,
        now: Instant,
    ) where
        T: Transport<Stream = S, Listener = L>,
    {
        let Some(Ends { local, .. }) = self.ends else {
            let text = "active mode needs a control connection that has addresses";
            let error = io::Error::new(io::ErrorKind::Unsupported, text);
            return self.data_failed_at(id, DataFailure::Open, None, error, now);
        };
        let on = |port| {
            let mut address = local;
            if let SocketAddr::V6(address) = &mut address {
                address.set_flowinfo(0);
            }
            address.set_port(port);
            address
        };
        let first = ports.as_ref().map_or(0, |ports| *ports.start());
        let listening = match ports {
            None => transport.listen(slot, on(0)),
            Some(ports) => self.listen_on(ports, |port| transport.listen(slot, on(port))),
        };
        match listening {
            Ok((io, address)) => {
                let listener = Listener { io, slot, address, ready: Interest::NONE };
                self.data = Some(Data::new(id, slot, DataState::Listening(listener, None)));
                self.tell(id, DataEvent::Listening(address), now);
            }
            Err(error) => self.data_failed_at(id, DataFailure::Open, Some(on(first)), error, now),
        }
    }

    /// Listens on the first port of the range, from the one after the last transfer's on, that is free
    fn listen_on<R>(
        &mut self,
        ports: RangeInclusive<u16>,
        mut listen: impl FnMut(u16) -> io::Result<R>,
    ) -> io::Result<R> {
        // Each transfer takes the next port: a late connection for the last one finds nobody, and the
        // server's side of the last connection is still in TIME_WAIT.
        let next = self.next_port;
        let first = if ports.contains(&next) { next } else { *ports.start() };
        let mut result = Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "the range of ports for active mode is empty",
        ));
        for port in (first..=*ports.end()).chain(*ports.start()..first) {
            result = listen(port);
            match &result {
                Ok(_) => {
                    self.next_port = port.checked_add(1).unwrap_or(0);
                    break;
                }
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                Err(_) => break,
            }
        }
        result
    }

    /// Whether the machine waits for the shell to make a connection
    pub(super) fn is_dialing(&self) -> bool {
        matches!(self.data, Some(Data { state: DataState::Dialing { .. }, .. }))
            && !self.proto.is_dead()
    }

    /// Nobody waits for the shell's connection any more
    pub(super) fn cancel_dialing(&mut self) {
        self.data.take_if(|data| matches!(data.state, DataState::Dialing { .. }));
    }

    pub(super) fn data_dialed(&mut self, slot: Slot, result: io::Result<S>, now: Instant) {
        let Some(Data { id, slot: live, state: DataState::Dialing { .. } }) = self.data else {
            return;
        };
        if live != slot {
            return;
        }
        match result {
            Ok(io) => {
                let stream = Socket::new(slot, io).into_stream();
                self.data = Some(Data::new(id, slot, DataState::Open(stream)));
                self.tell(id, DataEvent::Connected, now);
            }
            Err(error) => {
                self.data = None;
                self.data_failed_at(id, DataFailure::Open, None, error, now);
            }
        }
    }

    /// Goes on with whatever the data connection is busy with; true if the machine has learned
    /// something
    pub(super) fn drive_data<T>(&mut self, transport: &mut T, now: Instant) -> bool
    where
        T: Transport<Stream = S, Listener = L>,
    {
        let Some(Data { id, slot, state }) = self.data.take() else { return false };
        let (state, event) = match state {
            DataState::Connecting(mut socket, interest, address)
                if socket.ready.intersects(interest) =>
            {
                match transport.connected(slot, socket.io_mut()) {
                    Ok(None) => (DataState::Open(socket.into_stream()), Some(DataEvent::Connected)),
                    // The shell may have been woken for nothing.
                    Ok(Some(next)) => {
                        socket.ready = socket.ready.without(next);
                        (DataState::Connecting(socket, next, address), None)
                    }
                    Err(error) => {
                        transport.close(socket.into_io());
                        self.data_failed_at(id, DataFailure::Open, Some(address), error, now);
                        return true;
                    }
                }
            }
            DataState::Listening(listener, stranger) if listener.ready.read => {
                let address = listener.address;
                match self.accept(listener, stranger, transport) {
                    Ok(accepted) => accepted,
                    Err(error) => {
                        self.data_failed_at(id, DataFailure::Open, Some(address), error, now);
                        return true;
                    }
                }
            }
            DataState::AwaitingTicket(stream) if self.linger.is_none() => {
                self.data = Some(Data::new(id, slot, DataState::Open(stream)));
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
                    self.data = Some(Data::new(id, slot, DataState::Over(stream, None)));
                    self.data_failed(id, DataFailure::Tls, error, now);
                    return true;
                }
            },
            state @ DataState::Moving(_, Course::Upload(..)) => {
                self.data = Some(Data::new(id, slot, state));
                return self.drive_upload(transport, now);
            }
            state @ DataState::Moving(_, Course::Harvest) => {
                self.data = Some(Data::new(id, slot, state));
                return self.drive_harvest(now);
            }
            other => (other, None),
        };
        self.data = Some(Data::new(id, slot, state));
        match event {
            Some(event) => {
                self.tell(id, event, now);
                true
            }
            None => false,
        }
    }

    fn accept<T>(
        &mut self,
        mut listener: Listener<L>,
        mut stranger: Option<IpAddr>,
        transport: &mut T,
    ) -> io::Result<(DataState<S, L>, Option<DataEvent>)>
    where
        T: Transport<Stream = S, Listener = L>,
    {
        // Who listens has addresses.
        let control_peer = self.ends.ok_or(io::ErrorKind::NotConnected)?.peer.ip();
        let slot = listener.slot;
        // Until the listener would block, since nothing tells again that it is ready, or it is the turn of
        // others.
        let mut tries = 0..MAX_STRANGERS;
        loop {
            if tries.next().is_none() {
                self.work = Work::Left;
                return Ok((DataState::Listening(listener, stranger), None));
            }
            match transport.accept(slot, &mut listener.io) {
                Ok((io, peer))
                    if self.proto.config().check_active_peer
                        && !same_host(peer.ip(), control_peer) =>
                {
                    // The server may be next.
                    transport.close(io);
                    stranger = Some(peer.ip());
                }
                Ok((io, peer)) => {
                    transport.close_listener(listener.io);
                    let event = DataEvent::Accepted { peer: peer.ip(), control_peer };
                    let stream = Socket::new(slot, io).into_stream();
                    return Ok((DataState::Open(stream), Some(event)));
                }
                // Somebody came and left before.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    listener.ready = Interest::NONE;
                    return Ok((DataState::Listening(listener, stranger), None));
                }
                Err(error) => {
                    transport.close_listener(listener.io);
                    return Err(error);
                }
            }
        }
    }

    /// Action: TLS on the data connection
    pub(super) fn begin_secure_data(&mut self, id: DataId, now: Instant) {
        let Some((slot, mut stream)) = self.take_open(id, now) else { return };
        if self.linger.is_some() {
            self.data = Some(Data::new(id, slot, DataState::AwaitingTicket(stream)));
            return;
        }
        let secured = match &self.security.context {
            Some(context) => stream.secure(context, Role::Data).map_err(io::Error::from),
            // The control connection was secured with one.
            None => Err(io::Error::other("TLS is not configured")),
        };
        match secured {
            Ok(()) => self.data = Some(Data::new(id, slot, DataState::Securing(stream))),
            Err(error) => {
                self.data = Some(Data::new(id, slot, DataState::Over(stream, None)));
                self.data_failed(id, DataFailure::Tls, error, now);
            }
        }
    }

    /// Action: the bytes may move
    pub(super) fn start_transfer(
        &mut self,
        id: DataId,
        op: Option<OpId>,
        direction: Direction,
        encoding: Encoding,
        now: Instant,
    ) {
        let Some((slot, stream)) = self.take_open(id, now) else { return };
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
        self.data = Some(Data::new(id, slot, DataState::Moving(stream, course)));
        self.carried = op;
        if let Some(op) = op {
            self.events.push_back(Event::DataOpen { op, direction });
        }
    }

    /// Takes the data connection for an order that needs it open
    ///
    /// If it is not, it fails, and the machine is told, unless it is not the one that the order was for.
    fn take_open(&mut self, id: DataId, now: Instant) -> Option<(Slot, Stream<Socket<S>>)> {
        match self.data.take() {
            Some(Data { id: live, slot, state: DataState::Open(stream) }) if live == id => {
                Some((slot, stream))
            }
            other => {
                let is_live = other.as_ref().is_some_and(|data| data.id == id);
                self.data = other;
                if is_live {
                    let text = "data connection was not ready for what was to be done with it";
                    self.data_failed(id, DataFailure::Broken, io::Error::other(text), now);
                }
                None
            }
        }
    }

    /// Action: nobody wants the rest
    pub(super) fn discard(&mut self, id: DataId) {
        if let Some(Data { id: live, state: DataState::Moving(_, course), .. }) = &mut self.data {
            if *live == id {
                *course = Course::Harvest;
            }
        }
    }

    /// Action: close the data connection
    pub(super) fn close_data<T>(&mut self, id: DataId, transport: &mut T, now: Instant)
    where
        T: Transport<Stream = S, Listener = L>,
    {
        let Some(data) = self.data.take_if(|data| data.id == id) else { return };
        let (stream, direction) = match data.state {
            DataState::Dialing { .. } => return,
            DataState::Connecting(socket, ..) => return transport.close(socket.into_io()),
            DataState::Listening(listener, _) => return transport.close_listener(listener.io),
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
            transport.close(old.stream.into_inner().into_io());
        }
        self.drive_linger(transport, now);
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
    pub(super) fn accept_expired(&mut self, now: Instant) -> bool {
        let Some(Data { id, state: DataState::Listening(_, Some(peer)), .. }) = &self.data else {
            return false;
        };
        let (id, peer) = (*id, *peer);
        let Some(ends) = self.ends else { return false };
        self.tell(id, DataEvent::Accepted { peer, control_peer: ends.peer.ip() }, now);
        true
    }

    /// No byte has passed for as long as is allowed; true if that is not the server's fault
    pub(super) fn data_expired(&mut self, now: Instant) -> bool {
        let ready = self.can_read() || self.can_write();
        let in_vain = self.found == Found::Nothing;
        let Some((id, _, course)) = self.moving() else { return false };
        match course {
            // The server may still be at work on the file: the wait for the final reply, which comes
            // next, is longer.
            Course::Upload(UploadStage::Draining { .. }, _) => {
                self.over(id, DataEvent::Finished, now)
            }
            // It is the user that makes a pause, unless it has found nothing in what came.
            _ if ready && in_vain => false,
            _ if ready => {
                self.proto.handle_data(now, id, DataEvent::Progress(0));
                true
            }
            _ => false,
        }
    }

    /// Tells the machine the result of a write; true if that changes anything
    pub(super) fn moved(&mut self, id: DataId, result: io::Result<usize>, now: Instant) -> bool {
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
    pub(super) fn over(&mut self, id: DataId, event: DataEvent, now: Instant) -> bool {
        self.data = self.data.take().map(|data| match data.state {
            DataState::Moving(stream, course) => {
                let direction = match course {
                    Course::Download(_) | Course::Harvest => Direction::Download,
                    Course::Upload(..) => Direction::Upload,
                };
                Data::new(data.id, data.slot, DataState::Over(stream, Some(direction)))
            }
            state => Data::new(data.id, data.slot, state),
        });
        self.tell(id, event, now);
        true
    }

    fn tell(&mut self, id: DataId, event: DataEvent, now: Instant) {
        self.count_tickets();
        self.proto.handle_data(now, id, event);
        self.work = Work::Left;
    }

    pub(super) fn data_broke(&mut self, id: DataId, error: io::Error, now: Instant) {
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

    /// As [`Self::moving`], if the bytes are those of the request that runs: when it has been aborted, its
    /// data connection is open until the next turn, and another request may have begun
    pub(super) fn moving_current(
        &mut self,
    ) -> Option<(DataId, &mut Stream<Socket<S>>, &mut Course)> {
        if self.carries_current() { self.moving() } else { None }
    }

    pub(super) fn carries_current(&self) -> bool {
        let running = self.proto.running_transfer();
        running.is_some() && running == self.carried
    }

    pub(super) fn moving(&mut self) -> Option<(DataId, &mut Stream<Socket<S>>, &mut Course)> {
        match &mut self.data {
            Some(Data { id, state: DataState::Moving(stream, course), .. }) => {
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

fn session_of<S>(stream: &Stream<S>) -> TlsSession {
    match stream.handshake_kind() {
        Some(HandshakeKind::Resumed) => TlsSession::Resumed,
        _ => TlsSession::New,
    }
}
