//! What a shell waits for: which connections, how long, and which it must make

use std::io::{Read, Write};
use std::time::Duration;

use ftp_proto::{DataHost, Time};

use super::{Dialed, Session, Work};
use crate::data::{Data, DataState};
use crate::link::{Begun, Control};
use crate::proxy::waits_for;
use crate::socket::Socket;
use crate::transport::{DialId, DialRequest, Host, Interest, Slot, SocketRef};

/// Waiting
impl<S: Read + Write, L> Session<S, L> {
    /// Notes what a connection is ready for, or may be: the session's next read or write then succeeds or would block
    ///
    /// It is cheap: [`Self::turn`] does the work. If there is no connection in this slot, nothing happens.
    pub fn ready(&mut self, slot: Slot, ready: Interest) {
        self.work = Work::Left;
        match &mut self.data {
            Some(Data { state: DataState::Listening(listener, _), .. })
                if listener.slot == slot =>
            {
                listener.ready = listener.ready | ready;
            }
            _ => {
                if let Some(socket) = self.socket_mut(slot) {
                    socket.ready = socket.ready | ready;
                }
            }
        }
    }

    /// Notes that all connections may be ready, for shells without readiness events
    ///
    /// It makes each turn read every connection.
    pub fn ready_all(&mut self) {
        for slot in Slot::ALL {
            self.ready(slot, Interest::BOTH);
        }
    }

    /// The connections, with what to wait for on each, which may be nothing
    ///
    /// A closed or failed connection counts as ready for both reading and writing. What to wait for changes with every
    /// call, so a shell with level-triggered events asks before each wait. If the user does not read a download that
    /// has bytes, its connection is not waited for.
    pub fn sockets(&self) -> impl Iterator<Item = (Slot, SocketRef<'_, S, L>, Interest)> {
        fn socket_ref<S, L>(
            socket: &Socket<S>,
            interest: Interest,
        ) -> (Slot, SocketRef<'_, S, L>, Interest) {
            (socket.slot, SocketRef::Stream(socket.io()), interest)
        }
        let (attempts, link) = match &self.control {
            Control::Connecting(race) => (Some(race.sockets()), None),
            Control::Tunneling(tunneling) => {
                let interest = waits_for(&tunneling.handshake);
                (None, Some(socket_ref(&tunneling.socket, interest)))
            }
            Control::Open(link) => {
                (None, Some(socket_ref(link.stream.get_ref(), self.interest_in(link))))
            }
            Control::Idle(_) | Control::Dialing { .. } | Control::Closed => (None, None),
        };
        let attempts = attempts.into_iter().flatten();
        let linger = self.linger.as_ref();
        attempts
            .map(|(socket, interest)| socket_ref(socket, interest))
            .chain(link)
            .chain(self.data.as_ref().and_then(Data::socket_ref))
            .chain(linger.map(|linger| socket_ref(linger.stream.get_ref(), linger.interest())))
    }

    /// Returns the connection in a slot, for shells that carry its bytes themselves
    pub fn stream_mut(&mut self, slot: Slot) -> Option<&mut S> {
        self.socket_mut(slot).map(Socket::io_mut)
    }

    fn socket_mut(&mut self, slot: Slot) -> Option<&mut Socket<S>> {
        let socket = if slot.is_control() {
            match &mut self.control {
                Control::Connecting(race) => race.socket_mut(slot),
                Control::Tunneling(tunneling) => Some(&mut tunneling.socket),
                Control::Open(link) => Some(link.stream.get_mut()),
                Control::Idle(_) | Control::Dialing { .. } | Control::Closed => None,
            }
        } else {
            match &mut self.data {
                Some(data) if data.slot == slot => data.socket_mut(),
                _ => self.linger.as_mut().map(|linger| linger.stream.get_mut()),
            }
        };
        socket.filter(|socket| socket.slot == slot)
    }

    /// When [`Self::turn`] is due even if nothing is ready; `None`: never
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        match &self.control {
            Control::Idle(_) | Control::Closed => None,
            Control::Connecting(race) => race.deadline(),
            Control::Dialing { deadline, .. } => *deadline,
            Control::Tunneling(tunneling) => tunneling.deadline,
            Control::Open(link) => {
                let data = self.data.as_ref().and_then(Data::close_deadline);
                let linger = self.linger.as_ref().and_then(|linger| linger.until);
                let deadlines = [link.close_deadline(), data, linger, self.proto.poll_timeout()];
                deadlines.into_iter().flatten().min()
            }
        }
    }

    /// Whether [`Self::turn`] is due at once
    ///
    /// This is level-triggered: true after requests, after [`Self::ready`], when data has been moved up to the
    /// [allowance](crate::Options::allowance), when a turn has reached its own limit, and after
    /// [`Event::DataOpen`](crate::Event::DataOpen) until data is moved. Data that the user does not read is not work:
    /// [`Self::can_read`] reports it.
    #[must_use]
    pub fn has_work(&self) -> bool {
        self.work != Work::None
    }

    /// How long the next wait may be: zero while there is [work](Self::has_work), otherwise until the
    /// [deadline](Self::deadline); `None`: until a connection is ready
    #[must_use]
    pub fn timeout(&self, now: Time) -> Option<Duration> {
        if self.has_work() {
            return Some(Duration::ZERO);
        }
        self.deadline().map(|at| at.saturating_duration_since(now))
    }

    /// The connection that the shell must make, if any; answer it with [`Self::dialed`]
    ///
    /// The answer stays the same until then. The shell may block while it connects: data connections are made before
    /// the transfer's command, when the server has nothing to say.
    #[must_use]
    pub fn dial_request(&self) -> Option<DialRequest<'_>> {
        let Dialed { port, .. } = self.dialed?;
        let server = match &self.via {
            Some(via) => Host::new(&via.proxy().server().host),
            None => Host::new(self.host.as_deref().unwrap_or_default()),
        };
        match (&self.control, &self.data) {
            (Control::Dialing { begun: Begun::Yes, deadline }, _) => {
                let id = DialId { slot: Slot::Control, data: None };
                Some(DialRequest { id, host: server, port, deadline: *deadline })
            }
            (_, Some(Data { id, slot, state: DataState::Dialing { host, port: data_port } })) => {
                let (host, port) = match host {
                    _ if self.is_tunneled() => (server, port),
                    DataHost::ControlPeer => (server, *data_port),
                    DataHost::Address(address) => (Host::Address(*address), *data_port),
                };
                let deadline = self.proto.poll_timeout();
                let id = DialId { slot: *slot, data: Some(*id) };
                Some(DialRequest { id, host, port, deadline })
            }
            _ => None,
        }
    }
}
