//! Data connections: opened, secured, closed as the machine orders; bytes as the caller moves them

use std::io::{self, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::ops::RangeInclusive;
use std::time::Instant;

use ftp_proto::{
    Action, DataEndpoint, DataEvent, DataFailure, DataHost, DataId, Direction, Encoding, OpId,
};
use ftp_tls::{Role, Stream, TlsError};
use rustix::event::PollFd;

use crate::dial::{self, Channel, Host, Target};
use crate::failure::FailedData;
use crate::resumption::Linger;
use crate::session::{Network, Session};
use crate::wait::{ALLOWANCE, Interest, entry};

pub(crate) struct Data {
    pub(crate) id: DataId,
    pub(crate) state: DataState,
}

pub(crate) enum DataState {
    /// Passive: not writable yet
    Connecting(TcpStream, SocketAddr),
    /// Active: the server has not come yet, though perhaps somebody else
    Listening(TcpListener, Option<IpAddr>),
    /// Open, and the machine's next order is due
    Open(Stream<TcpStream>),
    /// To be secured as soon as a ticket has come, or none will
    AwaitingTicket(Stream<TcpStream>),
    Securing(Stream<TcpStream>),
    /// A listing whose bytes nobody wants, only the tickets that come with it
    Harvest(Stream<TcpStream>),
    Moving(Moving),
}

/// A data connection whose bytes may flow
pub(crate) struct Moving {
    pub(crate) stream: Stream<TcpStream>,
    pub(crate) direction: Direction,
    pub(crate) encoding: Encoding,
}

impl Data {
    pub(crate) fn entry(&self, interest: Interest) -> PollFd<'_> {
        match &self.state {
            DataState::Listening(listener, _) => entry(listener, interest),
            DataState::Connecting(socket, _) => entry(socket, interest),
            DataState::Open(stream)
            | DataState::AwaitingTicket(stream)
            | DataState::Securing(stream)
            | DataState::Harvest(stream)
            | DataState::Moving(Moving { stream, .. }) => entry(stream.get_ref(), interest),
        }
    }
}

/// What became of an attempt to move bytes
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moved {
    /// So many bytes
    Bytes(usize),
    /// The stream would block
    Nothing,
    /// The machine was told that the data connection has ended, or there is none
    Ended,
}

impl Session {
    /// Carries an order of the machine out
    pub(crate) fn perform(&mut self, action: Action) {
        match action {
            Action::SecureControl => self.begin_secure_control(),
            Action::ClearControl => self.begin_clear_control(),
            Action::CloseControl => self.control = None,
            Action::OpenData(id, endpoint) => self.open_data(id, endpoint),
            Action::SecureData(id) => self.begin_secure_data(id),
            Action::StartTransfer { id, op, direction, encoding } => {
                self.start_transfer(id, op, direction, encoding);
            }
            Action::Discard(id) => {
                self.data = match self.data.take() {
                    Some(Data { id: live, state: DataState::Moving(moving) }) if live == id => {
                        Some(Data { id, state: DataState::Harvest(moving.stream) })
                    }
                    other => other,
                };
                self.drive_harvest();
            }
            Action::CloseData(id) => {
                self.close_data(id);
                self.count_tickets();
            }
        }
    }

    fn open_data(&mut self, id: DataId, endpoint: DataEndpoint) {
        let op = self.proto.running_transfer();
        self.data_failure.take_if(|known| known.op != op);
        let address = self.address_of(&endpoint);
        let opened = match endpoint {
            DataEndpoint::Connect { host, port } => self.open_passive(host, port, address),
            DataEndpoint::Listen { ports, .. } => self.open_active(ports),
        };
        match opened {
            Ok((state, event)) => {
                self.data = Some(Data { id, state });
                if let Some(event) = event {
                    self.tell(id, event);
                }
            }
            Err(error) => self.data_failed_at(id, DataFailure::Open, address, error),
        }
    }

    /// Where a data connection leads, or where this side is going to listen; `None` if a dialer makes it
    fn address_of(&self, endpoint: &DataEndpoint) -> Option<SocketAddr> {
        let Network { dialer, ends, .. } = &self.network;
        let (mut address, port) = match endpoint {
            DataEndpoint::Connect { .. } if dialer.is_some() => return None,
            DataEndpoint::Connect { host: DataHost::ControlPeer, port } => (ends.peer, *port),
            DataEndpoint::Connect { host: DataHost::Address(ip), port } => {
                (SocketAddr::new(*ip, *port), *port)
            }
            DataEndpoint::Listen { ports, .. } => {
                (ends.local, ports.as_ref().map_or(0, |ports| *ports.start()))
            }
        };
        address.set_port(port);
        Some(address)
    }

    fn open_active(
        &mut self,
        ports: Option<RangeInclusive<u16>>,
    ) -> io::Result<(DataState, Option<DataEvent>)> {
        let local = self.network.ends.local;
        let next = &mut self.network.next_port;
        let listener = dial::listen(local.ip(), scope_of(local), ports, next)?;
        let address = listener.local_addr()?;
        let event = Some(DataEvent::Listening(address));
        Ok((DataState::Listening(listener, None), event))
    }

    fn open_passive(
        &mut self,
        host: DataHost,
        port: u16,
        address: Option<SocketAddr>,
    ) -> io::Result<(DataState, Option<DataEvent>)> {
        let now = self.clock.now();
        let left = self.proto.poll_timeout().map(|at| at.saturating_duration_since(now));
        let timeout = left.unwrap_or_else(|| self.config().data_connect_timeout);
        let timeout = self.clock.at_most(timeout);
        let network = &mut self.network;
        if let Some(dialer) = &mut network.dialer {
            let host = match host {
                DataHost::ControlPeer => Host::new(&network.host),
                DataHost::Address(address) => Host::Address(address),
            };
            let stream = dialer.connect(Target { host, port, channel: Channel::Data }, timeout)?;
            dial::adopt(&stream)?;
            return Ok((DataState::Open(Stream::new(stream)), Some(DataEvent::Connected)));
        }
        // Only a dialer's connection has no address.
        let address = address.ok_or(io::ErrorKind::AddrNotAvailable)?;
        let stream = dial::begin_connect(address, network.ends.source_for(address))?;
        Ok((DataState::Connecting(stream, address), None))
    }

    /// What a data connection that does not move bytes yet waits for; `moving` if it does
    pub(crate) fn data_interest(&self, moving: Interest) -> Interest {
        match self.data.as_ref().map(|data| &data.state) {
            None | Some(DataState::Open(_) | DataState::AwaitingTicket(_)) => Interest::NONE,
            Some(DataState::Connecting(..)) => Interest::WRITE,
            Some(DataState::Listening(..) | DataState::Harvest(_)) => Interest::READ,
            Some(DataState::Securing(stream)) => {
                Interest { read: stream.wants_read(), write: stream.wants_write() }
            }
            Some(DataState::Moving(_)) => moving,
        }
    }

    /// Goes on opening or securing the data connection
    pub(crate) fn data_ready(&mut self) {
        let Some(Data { id, state }) = self.data.take() else { return };
        let (state, event) = match state {
            DataState::Connecting(socket, address) => match dial::end_connect(&socket) {
                Ok(()) => (DataState::Open(Stream::new(socket)), Some(DataEvent::Connected)),
                Err(error) => {
                    return self.data_failed_at(id, DataFailure::Open, Some(address), error);
                }
            },
            DataState::Listening(listener, stranger) => match listener.accept() {
                Ok((socket, peer)) => {
                    let control_peer = self.network.ends.peer.ip();
                    let event = DataEvent::Accepted { peer: peer.ip(), control_peer };
                    if self.config().check_active_peer && !same_host(peer.ip(), control_peer) {
                        // The server may be next.
                        (DataState::Listening(listener, Some(peer.ip())), None)
                    } else if let Err(error) = dial::adopt(&socket) {
                        return self.data_failed(id, DataFailure::Open, error);
                    } else {
                        (DataState::Open(Stream::new(socket)), Some(event))
                    }
                }
                // Aborted: somebody came and left before.
                Err(error)
                    if is_passing(&error) || error.kind() == io::ErrorKind::ConnectionAborted =>
                {
                    (DataState::Listening(listener, stranger), None)
                }
                Err(error) => {
                    let address = listener.local_addr().ok();
                    return self.data_failed_at(id, DataFailure::Open, address, error);
                }
            },
            DataState::Securing(mut stream) => {
                stream.set_allowance(ALLOWANCE);
                match stream.handshake() {
                    Ok(true) => {
                        let event = self.data_secured(stream.handshake_kind());
                        (DataState::Open(stream), Some(event))
                    }
                    Ok(false) => (DataState::Securing(stream), None),
                    Err(error) => return self.data_failed(id, DataFailure::Tls, error),
                }
            }
            DataState::Harvest(stream) => {
                self.data = Some(Data { id, state: DataState::Harvest(stream) });
                return self.drive_harvest();
            }
            other @ (DataState::Open(_) | DataState::AwaitingTicket(_) | DataState::Moving(_)) => {
                (other, None)
            }
        };
        self.data = Some(Data { id, state });
        if let Some(event) = event {
            self.tell(id, event);
        }
    }

    pub(crate) fn begin_secure_data(&mut self, id: DataId) {
        let mut stream = match self.data.take() {
            Some(Data {
                id: live,
                state: DataState::Open(stream) | DataState::AwaitingTicket(stream),
            }) if live == id => stream,
            other => return self.misfit(id, other),
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
            Ok(()) => {
                self.data = Some(Data { id, state: DataState::Securing(stream) });
                self.data_ready();
            }
            Err(error) => self.data_failed(id, DataFailure::Tls, error),
        }
    }

    fn start_transfer(
        &mut self,
        id: DataId,
        op: Option<OpId>,
        direction: Direction,
        encoding: Encoding,
    ) {
        let stream = match self.data.take() {
            Some(Data { id: live, state: DataState::Open(stream) }) if live == id => stream,
            other => return self.misfit(id, other),
        };
        let state = match direction {
            Direction::Download if op.is_none() => DataState::Harvest(stream),
            _ => DataState::Moving(Moving { stream, direction, encoding }),
        };
        self.data = Some(Data { id, state });
        if let Some(op) = op.filter(|op| self.is_abandoned(*op)) {
            self.abort(op);
        }
        // What TLS holds already no socket will announce.
        self.drive_harvest();
    }

    /// An order came for a data connection that is not open: it fails, and the machine is told, unless it is
    /// not the one that the order was for
    fn misfit(&mut self, id: DataId, data: Option<Data>) {
        let is_live = data.as_ref().is_some_and(|data| data.id == id);
        self.data = data;
        if is_live {
            let error =
                io::Error::other("data connection was not ready for what was to be done with it");
            self.data_failed(id, DataFailure::Broken, error);
        }
    }

    fn close_data(&mut self, id: DataId) {
        let live = self.data.take_if(|data| data.id == id);
        let (stream, direction) = match live.map(|data| data.state) {
            Some(DataState::Moving(moving)) => (moving.stream, Some(moving.direction)),
            Some(DataState::Harvest(stream)) => (stream, Some(Direction::Download)),
            Some(
                DataState::Open(stream)
                | DataState::AwaitingTicket(stream)
                | DataState::Securing(stream),
            ) => (stream, None),
            Some(DataState::Connecting(..) | DataState::Listening(..)) | None => return,
        };
        if stream.is_secure() {
            self.linger = Some(Linger::new(stream, direction));
            self.drive_linger();
        }
    }

    /// Reads what a download has, straight into the caller's buffer
    pub(crate) fn receive(&mut self, buffer: &mut [u8]) -> Moved {
        let Some((id, moving)) = self.moving() else { return Moved::Ended };
        moving.stream.set_allowance(ALLOWANCE);
        match moving.stream.read(buffer) {
            Ok(0) => {
                self.tell(id, DataEvent::Finished);
                Moved::Ended
            }
            Ok(count) => {
                self.tell(id, DataEvent::Progress(count as u64));
                Moved::Bytes(count)
            }
            Err(error) if is_passing(&error) => Moved::Nothing,
            Err(error) => {
                self.data_broke(id, error);
                Moved::Ended
            }
        }
    }

    /// Writes what an upload takes
    pub(crate) fn send(&mut self, bytes: &[u8]) -> Moved {
        let Some((id, moving)) = self.moving() else { return Moved::Ended };
        match moving.stream.write(bytes) {
            Ok(count) => {
                self.tell(id, DataEvent::Progress(count as u64));
                Moved::Bytes(count)
            }
            Err(error) if is_passing(&error) => Moved::Nothing,
            Err(error) => {
                self.data_broke(id, error);
                Moved::Ended
            }
        }
    }

    /// Sends what TLS holds back; `Bytes(0)` when nothing is left
    pub(crate) fn flush_data(&mut self) -> Moved {
        let Some((id, moving)) = self.moving() else { return Moved::Ended };
        match moving.stream.flush() {
            Ok(()) => Moved::Bytes(0),
            Err(error) if is_passing(&error) => Moved::Nothing,
            Err(error) => {
                self.data_broke(id, error);
                Moved::Ended
            }
        }
    }

    /// Signals an upload's end: close_notify, half-close; `Bytes(0)` when that is done
    pub(crate) fn end_upload(&mut self) -> Moved {
        let Some((id, moving)) = self.moving() else { return Moved::Ended };
        let ended = moving.stream.close_notify().and_then(|done| {
            if done {
                moving.stream.get_ref().shutdown(Shutdown::Write)?;
            }
            Ok(done)
        });
        match ended {
            Ok(true) => {
                self.tell(id, DataEvent::Sent);
                Moved::Bytes(0)
            }
            Ok(false) => Moved::Nothing,
            Err(error) if is_passing(&error) => Moved::Nothing,
            Err(error) => {
                self.data_broke(id, error);
                Moved::Ended
            }
        }
    }

    /// Looks whether the server sends on an upload's connection, where it has nothing to send;
    /// `Ended` when it has closed, and when the transfer has failed
    ///
    /// A connection that breaks has lost bytes, whatever the final reply says: in clear text the server
    /// can't tell a broken upload from a complete one.
    pub(crate) fn listen_to_upload(&mut self) -> Moved {
        let mut buffer = [0; 256];
        let Some((id, moving)) = self.moving() else { return Moved::Ended };
        moving.stream.set_allowance(ALLOWANCE);
        match moving.stream.read(&mut buffer) {
            Ok(0) => Moved::Ended,
            Ok(_) => {
                self.tell(id, DataEvent::Failed(DataFailure::UnexpectedData));
                Moved::Ended
            }
            Err(error) if is_passing(&error) => Moved::Nothing,
            // Nothing more comes from there; whether the server reads on, the next write tells.
            Err(error) if TlsError::in_io(&error).is_some() => Moved::Ended,
            Err(error) => {
                self.data_broke(id, error);
                Moved::Ended
            }
        }
    }

    /// An upload's bytes and end are out: throws away what the server still sends until it closes;
    /// `Ended` when it has
    pub(crate) fn drain_upload(&mut self) -> Moved {
        let Some((id, moving)) = self.moving() else { return Moved::Ended };
        if !moving.stream.is_secure() {
            return self.listen_to_upload();
        }
        moving.stream.set_allowance(ALLOWANCE);
        match moving.stream.drain() {
            Ok(false) => Moved::Nothing,
            Ok(true) => Moved::Ended,
            Err(error) if is_passing(&error) => Moved::Nothing,
            // Everything was sent. A server that closes without reading our close_notify resets the
            // connection; one that lacks it knows that the file is not complete, and says so.
            Err(_) => {
                self.tell(id, DataEvent::Truncated);
                Moved::Ended
            }
        }
    }

    /// An upload is over as far as its data connection goes
    pub(crate) fn upload_finished(&mut self) {
        if let Some((id, _)) = self.moving() {
            self.tell(id, DataEvent::Finished);
        }
    }

    /// Waits until bytes can be moved in one of these directions, or the control connection decides
    pub(crate) fn wait_to_move(&mut self, direction: Interest, until: Option<Instant>) -> bool {
        let interest = match self.moving() {
            // The stream has given way: is it time, does the control connection have news?
            Some((_, moving)) if direction.read && moving.stream.is_exhausted() => {
                self.wait(Interest::NONE, Some(Instant::now()));
                self.expire();
                return self.is_moving();
            }
            // TLS holds bytes that the socket will not announce.
            Some((_, moving)) if direction.read && moving.stream.has_pending_input() => {
                return true;
            }
            Some((_, moving)) => Interest {
                read: direction.read,
                write: direction.write || moving.stream.wants_write(),
            },
            None => Interest::NONE,
        };
        self.wait(interest, until)
    }

    /// The server has not come for as long as is allowed; true if somebody else has
    pub(crate) fn accept_expired(&mut self) -> bool {
        let Some(Data { id, state: DataState::Listening(_, Some(peer)) }) = &self.data else {
            return false;
        };
        let event = DataEvent::Accepted { peer: *peer, control_peer: self.network.ends.peer.ip() };
        self.tell(*id, event);
        true
    }

    /// Whether TLS holds something that the socket will not announce, on a connection that is read here
    pub(crate) fn has_unread_data(&self) -> bool {
        match self.data.as_ref().map(|data| &data.state) {
            Some(DataState::Harvest(stream)) => stream.has_pending_input(),
            Some(DataState::Securing(stream)) => stream.is_exhausted(),
            _ => false,
        }
    }

    pub(crate) fn moving(&mut self) -> Option<(DataId, &mut Moving)> {
        match &mut self.data {
            Some(Data { id, state: DataState::Moving(moving) }) => Some((*id, moving)),
            _ => None,
        }
    }

    pub(crate) fn tell(&mut self, id: DataId, event: DataEvent) {
        self.count_tickets();
        self.proto.handle_data(self.clock.now(), id, event);
    }

    pub(crate) fn data_broke(&mut self, id: DataId, error: io::Error) {
        match TlsError::in_io(&error) {
            Some(TlsError::Truncated) => self.tell(id, DataEvent::Truncated),
            Some(_) => self.data_failed(id, DataFailure::Tls, error),
            None => self.data_failed(id, DataFailure::Broken, error),
        }
    }

    fn data_failed(&mut self, id: DataId, failure: DataFailure, error: io::Error) {
        self.data_failed_at(id, failure, None, error);
    }

    fn data_failed_at(
        &mut self,
        id: DataId,
        failure: DataFailure,
        address: Option<SocketAddr>,
        error: io::Error,
    ) {
        self.note_failure(failure, address, error);
        self.data = None;
        self.tell(id, DataEvent::Failed(failure));
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
                (DataFailure::NeverOpened, listener.local_addr().ok())
            }
            _ => return,
        };
        self.note_failure(failure, address, io::ErrorKind::TimedOut.into());
    }
}

/// Errors that mean "later"
pub(crate) fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

/// Whether two addresses are one host's, of which one may be an IPv4 address in IPv6 form
fn same_host(one: IpAddr, other: IpAddr) -> bool {
    one.to_canonical() == other.to_canonical()
}

/// The zone of a link-local address
fn scope_of(address: SocketAddr) -> u32 {
    match address {
        SocketAddr::V4(_) => 0,
        SocketAddr::V6(address) => address.scope_id(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufRead;
    use std::net::TcpListener;
    use std::thread::JoinHandle;

    use ftp_proto::{Config, TlsPolicy};

    use super::*;
    use crate::Options;

    /// Answers what is due until a data connection can be opened; gives the command that comes then
    fn serve(listener: &TcpListener) -> String {
        let (control, _) = listener.accept().unwrap();
        let passive = format!("229 (|||{}|)", listener.local_addr().unwrap().port());
        let mut lines = io::BufReader::new(control.try_clone().unwrap()).lines();
        let reply = |line: &str| (&control).write_all(format!("{line}\r\n").as_bytes()).unwrap();
        reply("220 ready");
        for answer in ["331 password", "230 welcome", "200 binary", &passive] {
            lines.next().unwrap().unwrap();
            reply(answer);
        }
        lines.next().unwrap().unwrap()
    }

    /// A session whose data connection is being opened
    fn connecting() -> (Session, DataId, JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = std::thread::spawn(move || serve(&listener));
        let mut config = Config::new(TlsPolicy::Plaintext);
        config.pipeline = false;
        let mut session = Session::dial(&address, Options::new(config)).unwrap();
        let login = session.begin().login("u", "p");
        session.run(login).unwrap();
        session.begin().get("f");
        loop {
            session.settle();
            if let Some(Data { id, state: DataState::Connecting(..) }) = &session.data {
                let id = *id;
                return (session, id, server);
            }
            session.wait(Interest::NONE, None);
        }
    }

    /// An order that comes too early closes the data connection, and the machine knows
    #[test]
    fn an_order_that_does_not_fit_is_reported() {
        let start = |id| {
            let (direction, encoding) = (Direction::Download, Encoding::Image);
            Action::StartTransfer { id, op: None, direction, encoding }
        };
        for order in [Action::SecureData, start] {
            let (mut session, id, server) = connecting();
            session.perform(order(id));
            assert!(session.data.is_none());
            let known = session.data_failure.take();
            assert!(known.is_some_and(|known| known.failure == DataFailure::Broken));
            session.settle();
            // As after any connection that could not be opened.
            assert_eq!(server.join().unwrap(), "PASV");
        }
    }
}
