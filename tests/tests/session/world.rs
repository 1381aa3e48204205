//! A session and a server in one memory, with a clock that advances when nothing moves

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use ftp_proto::Time;
use ftp_session::{
    Event, Interest, Op, Output, Pipe, Session, Slot, SocketRef, Transport, Trigger,
};

use crate::relay::Relay;
use ftp_tests::memory::Server;

/// A pipe that knows its slot
pub(crate) struct Wire {
    slot: Slot,
    /// Its target, unless that is the server in this memory
    to: Option<SocketAddr>,
    pub(crate) pipe: Pipe,
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.pipe.read(buffer)
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pipe.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An address that connects in active mode
pub(crate) type Caller = SocketAddr;

/// The session's connections
#[derive(Default)]
pub(crate) struct Net {
    orders: VecDeque<Order>,
    /// Capacity of connections in each direction
    pub(crate) capacity: usize,
    /// Ports already in use
    pub(crate) taken: Vec<u16>,
    /// The addresses that connect to a listener, the first one last
    pub(crate) callers: Vec<Caller>,
    /// Addresses that do not answer
    pub(crate) silent: Vec<SocketAddr>,
    /// The targets of all connections
    pub(crate) connected: Vec<SocketAddr>,
    /// Number of write sides that were shut down
    pub(crate) shut_down: usize,
    /// Number of data connections with TCP_NODELAY
    pub(crate) no_delay: usize,
    /// The listeners that were created
    pub(crate) listeners: Vec<SocketAddr>,
}

enum Order {
    Open(Slot),
    Close(Wire),
}

impl Net {
    pub(crate) fn wire(&mut self, slot: Slot) -> Wire {
        self.orders.push_back(Order::Open(slot));
        Wire { slot, to: None, pipe: Pipe::with_capacity(self.capacity) }
    }
}

impl Transport for Net {
    type Stream = Wire;
    type Listener = ();

    const TRIGGER: Trigger = Trigger::Level;

    fn connect(&mut self, slot: Slot, to: SocketAddr, _: Option<SocketAddr>) -> io::Result<Wire> {
        self.connected.push(to);
        if self.silent.contains(&to) {
            let pipe = Pipe::with_capacity(self.capacity);
            return Ok(Wire { slot, to: Some(to), pipe });
        }
        Ok(self.wire(slot))
    }

    fn connected(&mut self, _: Slot, wire: &mut Wire) -> io::Result<Option<Interest>> {
        Ok(wire.to.map(|_| Interest::WRITE))
    }

    fn no_delay(&mut self, _: &mut Wire) {
        self.no_delay += 1;
    }

    fn local_addr(&self, _: &Wire) -> io::Result<SocketAddr> {
        Ok(SocketAddr::from(([192, 0, 2, 1], 40_000)))
    }

    fn listen(&mut self, _: Slot, mut on: SocketAddr) -> io::Result<((), SocketAddr)> {
        if self.taken.contains(&on.port()) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        if on.port() == 0 {
            on.set_port(50_000);
        }
        self.listeners.push(on);
        Ok(((), on))
    }

    fn accept(&mut self, slot: Slot, (): &mut ()) -> io::Result<(Wire, SocketAddr)> {
        let caller = self.callers.pop().ok_or(io::ErrorKind::WouldBlock)?;
        // A connection from another address is closed before anything is carried.
        Ok((Wire { slot, to: None, pipe: Pipe::with_capacity(self.capacity) }, caller))
    }

    fn shutdown(&mut self, wire: &mut Wire) -> io::Result<()> {
        wire.pipe.shut_down();
        self.shut_down += 1;
        Ok(())
    }

    fn close(&mut self, wire: Wire) {
        self.orders.push_back(Order::Close(wire));
    }

    fn close_listener(&mut self, (): ()) {}
}

/// The session, its connections and the server
pub(crate) struct World {
    pub(crate) session: Session<Wire, ()>,
    pub(crate) net: Net,
    pub(crate) server: Server,
    /// The proxy between the two, if there is one
    pub(crate) relay: Option<Relay>,
    pub(crate) now: Time,
    /// Whether the server has stopped reading its data connections
    pub(crate) deaf: bool,
    begun: Time,
    /// Number of bytes carried at a time in each direction
    portion: usize,
    pub(crate) events: VecDeque<Event>,
}

impl World {
    pub(crate) fn new(session: impl FnOnce(Time) -> Session<Wire, ()>, portion: usize) -> Self {
        let now = Time::ZERO;
        let mut session = session(now);
        session.start();
        let net = Net { capacity: portion.max(16), ..Net::default() };
        let (server, events) = (Server::new(), VecDeque::new());
        Self { session, net, server, relay: None, now, deaf: false, begun: now, portion, events }
    }

    /// The time since the beginning
    pub(crate) fn elapsed(&self) -> Duration {
        self.now - self.begun
    }

    /// Gives the session a turn and moves all bytes that can be moved then; false if nothing has moved
    pub(crate) fn step(&mut self) -> bool {
        for slot in Slot::ALL {
            self.session.ready(slot, Interest::BOTH);
        }
        let dials = self.session.dial_request().is_some();
        self.session.turn(&mut self.net, self.now);
        let mut moved = self.session.has_work();
        // The shell has work to do.
        moved |= !dials && self.session.dial_request().is_some();
        while let Some(event) = self.session.poll_event() {
            moved = true;
            self.events.push_back(event);
        }
        while let Some(order) = self.net.orders.pop_front() {
            moved = true;
            match order {
                Order::Open(slot) => match &mut self.relay {
                    Some(relay) => relay.opened(slot),
                    None => self.server.opened(slot),
                },
                Order::Close(wire) => {
                    self.server.received(wire.slot, wire.pipe.unsent());
                    self.server.gone(wire.slot);
                    if let Some(relay) = &mut self.relay {
                        relay.gone(wire.slot);
                    }
                }
            }
        }
        if let Some(relay) = &mut self.relay {
            relay.drip(self.now);
        }
        for slot in Slot::ALL {
            moved |= (self.is_relayed(slot) || self.server.has(slot)) && self.carry(slot);
        }
        moved
    }

    /// Whether a connection still ends at the proxy
    fn is_relayed(&self, slot: Slot) -> bool {
        self.relay.as_ref().is_some_and(|relay| relay.has(slot))
    }

    fn carry(&mut self, slot: Slot) -> bool {
        let Some(wire) = self.session.stream_mut(slot) else { return false };
        let deaf = self.deaf && !slot.is_control();
        let unsent = if deaf { &[] } else { wire.pipe.unsent() };
        let bytes = unsent[..unsent.len().min(self.portion)].to_vec();
        wire.pipe.sent(bytes.len());
        let shut_down = wire.pipe.is_shut_down() && wire.pipe.unsent().is_empty();
        let relay = self.relay.as_mut();
        match relay.filter(|relay| relay.has(slot)) {
            Some(relay) => {
                // The output of the proxy and of the server is then sent together.
                if relay.received(slot, &bytes) {
                    self.server.opened(slot);
                }
            }
            None if bytes.is_empty() => {}
            None => self.server.received(slot, &bytes),
        }
        if shut_down {
            self.server.ended(slot);
        }
        let mut room = self.portion;
        let mut carried = 0;
        let relay = self.relay.as_mut();
        let relayed = relay.as_ref().is_some_and(|relay| relay.has(slot));
        let said = relay.and_then(|relay| relay.outgoing(slot));
        let server = if relayed { None } else { Some(self.server.outgoing(slot)) };
        for to_send in said.into_iter().chain(server) {
            let count = wire.pipe.receive(&to_send[..to_send.len().min(room)]);
            to_send.drain(..count);
            room -= count;
            carried += count;
        }
        let closing = match &self.relay {
            Some(relay) if relayed => relay.is_closing(slot),
            _ => self.server.is_closing(slot),
        };
        if closing {
            wire.pipe.receive_end();
        }
        carried > 0 || !bytes.is_empty()
    }

    /// Runs until nothing moves, then advances the clock to the next deadline; false if there is none
    pub(crate) fn go(&mut self) -> bool {
        if self.step() {
            return true;
        }
        let dripping = self.relay.as_ref().and_then(Relay::deadline);
        let deadlines = [self.session.deadline(), dripping];
        let Some(deadline) = deadlines.into_iter().flatten().min() else { return false };
        self.now = self.now.max(deadline);
        true
    }

    /// Returns what the shell would wait for
    pub(crate) fn interests(&self) -> Vec<(Slot, Interest)> {
        let waits = |(slot, lent, interest)| {
            assert!(matches!(lent, SocketRef::Stream(_) | SocketRef::Listener(())));
            (slot, interest)
        };
        self.session.sockets().map(waits).collect()
    }

    /// Returns the result of a request
    pub(crate) fn run<T: Output>(&mut self, op: Op<T>) -> Result<T, ftp_session::Error> {
        self.run_with(op, |_| {})
    }

    /// As [`Self::run`], with an action between the steps
    pub(crate) fn run_with<T: Output>(
        &mut self,
        op: Op<T>,
        mut each: impl FnMut(&mut Self),
    ) -> Result<T, ftp_session::Error> {
        for _ in 0..200_000 {
            for event in &mut self.events {
                if let Event::Completed(done) = event {
                    if let Some(result) = done.take(op) {
                        return result;
                    }
                }
            }
            each(self);
            assert!(self.go(), "nothing moves, and nothing is waited for");
        }
        panic!("it does not end");
    }
}
