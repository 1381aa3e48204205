//! The turn: all that can be done without waiting, up to a bound

use std::io::{self, Read, Write};
use std::net::SocketAddr;

use ftp_proto::{Action, ControlEvent, Direction, Endpoints, IpFamily, Phase, Time};

use super::{Session, Work, named};
use crate::data::{Data, DataState, Stage};
use crate::error::Error;
use crate::event::Event;
use crate::link::{Begun, Control, Link};
use crate::race::RaceState;
use crate::socket::{ALLOWANCE, Socket};
use crate::time::{has_passed, later};
use crate::transport::{DialId, Transport, TransportOf};

/// The rounds of a turn. Each reads at most 1 KiB of replies; the rest waits for the next turn
const ROUNDS: usize = 16;

impl<S: Read + Write, L> Session<S, L> {
    /// Does what can be done without waiting, up to a bound: connects, reads replies and writes commands, opens,
    /// secures and closes data connections, and handles deadlines that have passed
    ///
    /// Call it after [`Self::ready`], when [`Self::deadline`] has passed, and while [`Self::has_work`]; at other times
    /// it is harmless. Afterwards take the events, and then, if a transfer is running, move data.
    ///
    /// Readiness is handled before a deadline that has passed, so a late shell does not make the server late. A
    /// session that was [cancelled](Self::cancel_flag) ends.
    pub fn turn<T>(&mut self, transport: &mut T, now: Time)
    where
        T: Transport<Stream = S, Listener = L>,
    {
        self.renew_allowance();
        if self.is_cancelled() {
            self.proto.close();
        }
        self.rounds(transport, now);
        if self.expire(now) {
            self.rounds(transport, now);
        }
        // No readiness will announce the input that a stream has left unread because of its bound.
        if self.is_exhausted() {
            self.work = Work::Left;
        }
        self.collect();
    }

    /// Renews the [allowance](crate::Options::allowance), as each turn does; a shell with a single session calls it
    /// before it reads or writes
    pub fn renew_allowance(&mut self) {
        self.credit = self.allowance;
        if let Control::Open(link) = &mut self.control {
            link.stream.set_allowance(ALLOWANCE);
        }
        if let Some(stream) = self.data.as_mut().and_then(Data::stream) {
            stream.set_allowance(self.allowance.max(ALLOWANCE));
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

    fn rounds(&mut self, transport: &mut impl TransportOf<S, L>, now: Time) {
        let mut rounds = 0..ROUNDS;
        self.work = Work::None;
        while self.round(transport, now) {
            if rounds.next().is_none() {
                self.work = Work::Left;
                break;
            }
            self.work = Work::None;
        }
    }

    /// Runs one round; returns true if something has changed
    fn round<T: TransportOf<S, L>>(&mut self, transport: &mut T, now: Time) -> bool {
        match &mut self.control {
            Control::Idle(_) => return self.shut(transport),
            Control::Connecting(_) => {
                return self.drive_race(transport, now) | self.shut(transport);
            }
            Control::Tunneling(_) => {
                return self.drive_tunneling(transport, now) | self.shut(transport);
            }
            Control::Dialing { begun, deadline } => {
                if let (Begun::Yes, None, Some(dialed)) = (*begun, *deadline, &self.dialed) {
                    *deadline = later(now, dialed.timeout);
                } else if has_passed(*deadline, now) {
                    let failure = self.unconnected(None, io::ErrorKind::TimedOut.into());
                    self.fail(failure, now);
                }
                return self.shut(transport);
            }
            Control::Open(_) | Control::Closed => {}
        }
        let mut moved = false;
        self.count_tickets();
        self.collect();
        // An order is complete once a connection was attempted, so the shell's dialing comes first.
        while !self.is_dialing() {
            let Some(action) = self.proto.poll_action() else { break };
            self.perform(action, transport, now);
            self.collect();
            moved = true;
        }
        // A refusal may be about the connection attempt or handshake that arrived with it, so that is handled first.
        if matches!(
            self.data,
            Some(Data {
                state: DataState::Connecting(..)
                    | DataState::Tunneling(..)
                    | DataState::Connected(_, Stage::Securing),
                ..
            })
        ) {
            if let Some(socket) = self.data.as_mut().and_then(Data::socket_mut) {
                transport.look(socket.io_mut());
            }
            moved |= self.drive_data(transport, now);
            self.collect();
        }
        moved |= self.drive_control(T::TRIGGER, now);
        self.collect();
        moved |= self.drive_linger(transport, now);
        moved |= self.drive_data(transport, now);
        self.collect();
        moved
    }

    fn drive_race(&mut self, transport: &mut impl TransportOf<S, L>, now: Time) -> bool {
        let Control::Connecting(race) = &mut self.control else { return false };
        match race.drive(transport, now) {
            RaceState::Undecided => return false,
            RaceState::Lost(address, error) => {
                let failure = self.unconnected(Some(address), error);
                self.fail(failure, now);
            }
            RaceState::Won(socket, peer, deadline) => match transport.local_addr(socket.io()) {
                Ok(local) => {
                    let source = race.source();
                    self.reached(socket, Some(Endpoints { local, source, peer }), deadline, now);
                }
                Err(error) => {
                    transport.close(socket.into_io());
                    let failure = self.unconnected(Some(peer), error);
                    self.fail(failure, now);
                }
            },
        }
        true
    }

    /// The error if the server or its proxy can't be reached
    fn unconnected(&self, address: Option<SocketAddr>, error: io::Error) -> Error {
        if let Some(via) = &self.via {
            return via.unreachable(&error, None).into();
        }
        let target = match address {
            Some(address) => named(self.host.as_deref(), address),
            None => {
                let host = self.host.as_deref().unwrap_or_default().escape_debug();
                format!("{host} port {}", self.dialed.map_or(0, |dialed| dialed.port))
            }
        };
        Error::Connect { target, error }
    }

    /// Continues once the control connection is open
    pub(super) fn opened(&mut self, socket: Socket<S>, endpoints: Option<Endpoints>, now: Time) {
        self.endpoints = endpoints;
        self.control = Control::Open(Link::new(socket));
        let peer = endpoints.map(|endpoints| endpoints.peer);
        self.events.push_back(Event::Connected { peer });
        let server = peer.as_ref().filter(|_| !self.is_tunneled());
        let family = server.map_or_else(|| self.proto.family(), IpFamily::of);
        self.proto.handle_control(now, ControlEvent::Connected(family));
    }

    /// Takes the connection that the shell has made for [`Self::dial_request`], with both addresses of a control
    /// connection if it has any, or the error
    ///
    /// `id` is that of the request, and `now` the time after dialing. A connection that is no longer wanted is dropped.
    pub fn dialed(&mut self, id: DialId, result: io::Result<(S, Option<Endpoints>)>, now: Time) {
        self.work = Work::Left;
        match (&self.control, id.data) {
            (Control::Dialing { begun: Begun::Yes, deadline }, None) => match result {
                Ok((io, endpoints)) => {
                    let deadline = *deadline;
                    self.reached(Socket::new(id.slot, io), endpoints, deadline, now);
                }
                Err(error) => {
                    let failure = self.unconnected(None, error);
                    self.fail(failure, now);
                }
            },
            (Control::Open(_), Some(data)) => {
                self.data_dialed(data, result.map(|(io, _)| io), now);
            }
            _ => {}
        }
    }

    /// Before there is a connection, the only possible order is to end
    fn shut<T: Transport<Stream = S>>(&mut self, transport: &mut T) -> bool {
        if !self.proto.is_dead() {
            return false;
        }
        if let Control::Connecting(race) = &mut self.control {
            race.give_up(transport);
        }
        let control = std::mem::replace(&mut self.control, Control::Closed);
        if let Control::Tunneling(tunneling) = control {
            transport.close(tunneling.socket.into_io());
        }
        true
    }

    fn perform(&mut self, action: Action, transport: &mut impl TransportOf<S, L>, now: Time) {
        match action {
            Action::SecureControl => self.begin_secure_control(now),
            Action::ClearControl => self.begin_clear_control(now),
            Action::CloseControl => {
                if let Control::Open(link) = std::mem::replace(&mut self.control, Control::Closed) {
                    transport.close(link.stream.into_inner().into_io());
                }
            }
            Action::OpenData(id, endpoint) => self.open_data(id, endpoint, transport, now),
            Action::SecureData(id) => {
                self.write_at_once(transport);
                self.begin_secure_data(id, now);
            }
            Action::Discard(id) => self.discard(id),
            Action::StartTransfer { id, op, direction, encoding } => {
                if direction == Direction::Upload {
                    self.write_at_once(transport);
                }
                self.start_transfer(id, op, direction, encoding, now);
            }
            Action::CloseData(id) => self.close_data(id, transport, now),
        }
    }

    /// Handles the machine's deadline and returns true, if it has passed. Otherwise tells the machine the time, from
    /// which the deadlines of requests and aborts since the last turn count
    fn expire(&mut self, now: Time) -> bool {
        // Until the connection is open, its deadline is checked in each round.
        if !matches!(self.control, Control::Open(_) | Control::Closed) {
            return false;
        }
        match self.proto.poll_timeout() {
            None => return false,
            Some(deadline) if deadline > now => {
                self.proto.handle_timeout(now);
                return false;
            }
            Some(_) => {}
        }
        self.count_tickets();
        let handled = match self.proto.timeout_reason() {
            Some(Phase::Transfer) => self.data_expired(now),
            Some(Phase::DataAccept) => self.accept_expired(now),
            _ => false,
        };
        if handled {
            return true;
        }
        if let Some(Phase::DataConnect | Phase::DataAccept) = self.proto.timeout_reason() {
            self.note_unopened();
            self.cancel_dialing();
        }
        self.proto.handle_timeout(now);
        true
    }
}
