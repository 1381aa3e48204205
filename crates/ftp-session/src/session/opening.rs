//! Data connections: how this side, the server or the shell opens them

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;

use ftp_proto::{DataEndpoint, DataEvent, DataFailure, DataHost, DataId, Endpoints, Time};

use super::{Session, Work};
use crate::data::{Data, DataState, Route};
use crate::proxy::ProxyProblem;
use crate::socket::{Listener, Socket};
use crate::transport::{Interest, Slot, TransportOf};

/// In active mode, maximum number of connections from other hosts that are refused in a round
const MAX_STRANGERS: usize = 64;

impl<S: Read + Write, L> Session<S, L> {
    /// Action: opens a data connection
    pub(super) fn open_data(
        &mut self,
        id: DataId,
        endpoint: DataEndpoint,
        transport: &mut impl TransportOf<S, L>,
        now: Time,
    ) {
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
        let Some(endpoints) = self.endpoints else { return };
        let mut address = match host {
            DataHost::Address(ip) if !self.is_tunneled() => SocketAddr::new(ip, port),
            DataHost::ControlPeer | DataHost::Address(_) => endpoints.peer,
        };
        let route = match self.data_handshake(host, port) {
            None => {
                address.set_port(port);
                Route::Direct(address)
            }
            Some(Ok(handshake)) => Route::Proxy(Box::new(handshake)),
            Some(Err(error)) => {
                return self.data_failed_at(id, DataFailure::Open, None, error.into(), now);
            }
        };
        match transport.connect(slot, address, endpoints.source_for(address)) {
            Ok(io) => {
                let socket = Socket::new(slot, io);
                let state = DataState::Connecting(socket, Interest::WRITE, route);
                self.data = Some(Data::new(id, slot, state));
            }
            Err(error) => self.data_unreachable(id, &route, error, now),
        }
    }

    fn listen(
        &mut self,
        id: DataId,
        slot: Slot,
        ports: Option<RangeInclusive<u16>>,
        transport: &mut impl TransportOf<S, L>,
        now: Time,
    ) {
        if let Some(via) = self.via.as_ref().filter(|via| via.is_tunnel()) {
            let error = via.failed(ProxyProblem::ActiveMode).into();
            return self.data_failed_at(id, DataFailure::Open, None, error, now);
        }
        let Some(Endpoints { local, .. }) = self.endpoints else {
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

    /// Listens on the first free port of the range, starting after the port of the last transfer
    fn listen_on<R>(
        &mut self,
        ports: RangeInclusive<u16>,
        mut listen: impl FnMut(u16) -> io::Result<R>,
    ) -> io::Result<R> {
        // Each transfer uses the next port: a late connection for the last transfer then finds no listener, and the
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

    /// Gives up the shell's pending connection
    pub(super) fn cancel_dialing(&mut self) {
        self.data.take_if(|data| matches!(data.state, DataState::Dialing { .. }));
    }

    pub(super) fn data_dialed(&mut self, dialed: DataId, result: io::Result<S>, now: Time) {
        let Some(Data { id, slot, state: DataState::Dialing { host, port } }) = self.data else {
            return;
        };
        if id != dialed {
            return;
        }
        let handshake = match self.data_handshake(host, port).transpose() {
            Ok(handshake) => handshake,
            Err(error) => {
                self.data = None;
                return self.data_failed_at(id, DataFailure::Open, None, error.into(), now);
            }
        };
        match (result, handshake) {
            (Ok(io), Some(handshake)) => {
                let mut socket = Socket::new(slot, io);
                socket.opened();
                let state = DataState::Tunneling(socket, Box::new(handshake));
                self.data = Some(Data::new(id, slot, state));
            }
            (Ok(io), None) => {
                self.data = Some(Data::new(id, slot, DataState::open(Socket::new(slot, io))));
                self.tell(id, DataEvent::Connected, now);
            }
            (Err(error), handshake) => {
                self.data = None;
                let error = match handshake {
                    Some(handshake) => self.proxy_unreachable(error, handshake.target()),
                    None => error,
                };
                self.data_failed_at(id, DataFailure::Open, None, error, now);
            }
        }
    }

    pub(super) fn accept(
        &mut self,
        mut listener: Listener<L>,
        mut stranger: Option<IpAddr>,
        transport: &mut impl TransportOf<S, L>,
    ) -> io::Result<(DataState<S, L>, Option<DataEvent>)> {
        // A listener has addresses.
        let control_peer = self.endpoints.ok_or(io::ErrorKind::NotConnected)?.peer.ip();
        let slot = listener.slot;
        // Accepts until the listener would block, because its readiness is not reported again, or until others get
        // their turn.
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
                    // The next connection may be the server's.
                    transport.close(io);
                    stranger = Some(peer.ip());
                }
                Ok((io, peer)) => {
                    transport.close_listener(listener.io);
                    let event = DataEvent::Accepted { peer: peer.ip(), control_peer };
                    return Ok((DataState::open(Socket::new(slot, io)), Some(event)));
                }
                // The connection was closed before it was accepted.
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

    /// Handles the expired wait for the server's connection; returns true if another host has connected
    pub(super) fn accept_expired(&mut self, now: Time) -> bool {
        let Some(Data { id, state: DataState::Listening(_, Some(peer)), .. }) = &self.data else {
            return false;
        };
        let (id, peer) = (*id, *peer);
        let Some(endpoints) = self.endpoints else { return false };
        self.tell(id, DataEvent::Accepted { peer, control_peer: endpoints.peer.ip() }, now);
        true
    }
}

/// Whether two addresses are the same host's, where one may be an IPv4 address in IPv6 form
fn same_host(one: IpAddr, other: IpAddr) -> bool {
    one.to_canonical() == other.to_canonical()
}
