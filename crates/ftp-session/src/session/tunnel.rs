//! The route through a proxy: the handshake before each connection belongs to the server

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr};

use ftp_proto::{DataEvent, DataFailure, DataHost, DataId, Endpoints, Time};

use super::Session;
use crate::data::{Data, DataState, Route};
use crate::error::Error;
use crate::link::{Control, Tunneling};
use crate::proxy::{Handshake, HandshakeState, ProxyError, ProxyProblem, drive};
use crate::socket::Socket;
use crate::time::has_passed;
use crate::transport::{Host, Transport};

impl<S: Read + Write, L> Session<S, L> {
    /// Whether each connection begins with a handshake
    pub(super) fn is_tunneled(&self) -> bool {
        self.via.as_ref().is_some_and(|via| via.is_tunnel())
    }

    /// The server's address, if the control connection is open and it is known
    pub(crate) fn server_ip(&self) -> Option<IpAddr> {
        let endpoints = self.endpoints?;
        match self.via.as_ref().filter(|via| via.is_tunnel()).map(|via| via.host()) {
            None => Some(endpoints.peer.ip()),
            Some(Host::Address(address)) => Some(address),
            Some(Host::Name(_)) => None,
        }
    }

    /// Refuses TLS if it would end at a proxy that speaks FTP
    pub(super) fn may_secure(&self) -> Result<(), Error> {
        match &self.via {
            Some(via) if !via.is_tunnel() => Err(via.failed(ProxyProblem::Tls).into()),
            _ => Ok(()),
        }
    }

    /// Continues once the first connection is open, to the server or its proxy
    pub(super) fn reached(
        &mut self,
        mut socket: Socket<S>,
        endpoints: Option<Endpoints>,
        deadline: Option<Time>,
        now: Time,
    ) {
        match self.via.as_ref().filter(|via| via.is_tunnel()).map(|via| via.control()) {
            None => self.opened(socket, endpoints, now),
            Some(Ok(handshake)) => {
                socket.opened();
                let tunneling = Tunneling { socket, endpoints, handshake, deadline };
                self.control = Control::Tunneling(Box::new(tunneling));
            }
            Some(Err(error)) => self.fail(error.into(), now),
        }
    }

    /// Advances the handshake of the control connection; returns true if something has changed
    pub(super) fn drive_tunneling(
        &mut self,
        transport: &mut impl Transport<Stream = S>,
        now: Time,
    ) -> bool {
        let Control::Tunneling(tunneling) = &mut self.control else { return false };
        let result = match drive(&mut tunneling.socket, &mut tunneling.handshake) {
            Ok(HandshakeState::Pending) if has_passed(tunneling.deadline, now) => {
                Err(ProxyProblem::TimedOut)
            }
            result => result,
        };
        if let Ok(HandshakeState::Pending) = result {
            return false;
        }
        let control = std::mem::replace(&mut self.control, Control::Closed);
        let Control::Tunneling(tunneling) = control else { return false };
        match result {
            Ok(_) => self.opened(tunneling.socket, tunneling.endpoints, now),
            Err(problem) => {
                transport.close(tunneling.socket.into_io());
                if let Some(via) = &self.via {
                    self.fail(via.failed(problem).into(), now);
                }
            }
        }
        true
    }

    /// The handshake for a data connection, if it needs one
    pub(super) fn data_handshake(
        &self,
        host: DataHost,
        port: u16,
    ) -> Option<Result<Handshake, ProxyError>> {
        let via = self.via.as_ref().filter(|via| via.is_tunnel())?;
        Some(via.data(host, port))
    }

    /// Advances the handshake of a data connection; returns true if the machine has learned something
    pub(super) fn drive_data_tunneling(
        &mut self,
        id: DataId,
        mut socket: Socket<S>,
        mut handshake: Box<Handshake>,
        transport: &mut impl Transport<Stream = S>,
        now: Time,
    ) -> bool {
        let slot = socket.slot;
        match drive(&mut socket, &mut handshake) {
            Ok(HandshakeState::Pending) => {
                let state = DataState::Tunneling(socket, handshake);
                self.data = Some(Data::new(id, slot, state));
                false
            }
            Ok(HandshakeState::Open) => {
                self.data = Some(Data::new(id, slot, DataState::open(socket)));
                self.tell(id, DataEvent::Connected, now);
                true
            }
            Err(problem) => {
                transport.close(socket.into_io());
                if let Some(error) = self.proxy_error(problem, &handshake) {
                    self.data_failed_at(id, DataFailure::Open, None, error.into(), now);
                }
                true
            }
        }
    }

    /// Handles a failure to open the connection to the server, or to the proxy
    pub(super) fn data_unreachable(
        &mut self,
        id: DataId,
        route: &Route,
        error: io::Error,
        now: Time,
    ) {
        let (address, error) = self.route_failed(route, error);
        self.data_failed_at(id, DataFailure::Open, address, error, now);
    }

    /// The address and the error of a connection that could not be opened by this route
    pub(super) fn route_failed(
        &self,
        route: &Route,
        error: io::Error,
    ) -> (Option<SocketAddr>, io::Error) {
        match route {
            Route::Direct(address) => (Some(*address), error),
            Route::Proxy(handshake) => (None, self.proxy_unreachable(error, handshake.target())),
        }
    }

    /// The error for a proxy that can't be reached; without a proxy, the error itself
    pub(super) fn proxy_unreachable(&self, error: io::Error, target: &str) -> io::Error {
        match &self.via {
            Some(via) => via.unreachable(&error, Some(target)).into(),
            None => error,
        }
    }

    pub(super) fn proxy_error(
        &self,
        problem: ProxyProblem,
        handshake: &Handshake,
    ) -> Option<ProxyError> {
        Some(self.via.as_ref()?.error(problem, handshake.target()))
    }
}
