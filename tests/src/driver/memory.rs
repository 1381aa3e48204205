//! `ftp-session` itself, in the same memory as its servers, in virtual time

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::sync::Arc;

use ftp_proto::Time;
use ftp_session::{Error, Interest, Options, Session, Slot, SocketRef, Transport, Trigger};

use super::Driver;
use crate::net::{End, Listener, State, Stream, World};

/// A session in the world of its thread
#[derive(Debug)]
pub struct Memory {
    session: Session<Wire, Listener>,
    world: Arc<World>,
}

/// The state of a session's connection
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a test's own")]
pub enum Wire {
    /// It is open
    Open(Arc<End>),
    /// The server does not answer
    Silent,
    /// Nothing listens, which the client learns a moment later
    Refused,
}

impl Wire {
    fn is_ready(&self, state: &State, interest: Interest) -> bool {
        match self {
            Self::Open(end) => {
                interest.read && state.is_readable(end) || interest.write && state.is_writable(end)
            }
            Self::Silent => false,
            Self::Refused => interest.write,
        }
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Open(end) => end.try_read(buffer),
            Self::Silent | Self::Refused => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Open(end) => end.try_write(bytes),
            Self::Silent | Self::Refused => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Net(Arc<World>);

impl Transport for Net {
    type Stream = Wire;
    type Listener = Listener;

    const TRIGGER: Trigger = Trigger::Level;

    fn connect(&mut self, _: Slot, to: SocketAddr, from: Option<SocketAddr>) -> io::Result<Wire> {
        match self.0.connect(to, from.map(|from| from.ip())) {
            Ok(end) => Ok(Wire::Open(Arc::new(end))),
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock => Ok(Wire::Silent),
                io::ErrorKind::ConnectionRefused => Ok(Wire::Refused),
                _ => Err(error),
            },
        }
    }

    fn connected(&mut self, _: Slot, wire: &mut Wire) -> io::Result<Option<Interest>> {
        match wire {
            Wire::Open(_) => Ok(None),
            Wire::Silent => Ok(Some(Interest::WRITE)),
            Wire::Refused => Err(io::ErrorKind::ConnectionRefused.into()),
        }
    }

    fn local_addr(&self, wire: &Wire) -> io::Result<SocketAddr> {
        match wire {
            Wire::Open(end) => Ok(end.local()),
            Wire::Silent | Wire::Refused => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    fn listen(&mut self, _: Slot, on: SocketAddr) -> io::Result<(Listener, SocketAddr)> {
        let listener = Listener::bind(on)?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    }

    fn accept(&mut self, _: Slot, listener: &mut Listener) -> io::Result<(Wire, SocketAddr)> {
        match listener.try_accept()? {
            Stream::Memory(end) => {
                let peer = end.peer();
                Ok((Wire::Open(end), peer))
            }
            Stream::Socket(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    fn shutdown(&mut self, wire: &mut Wire) -> io::Result<()> {
        if let Wire::Open(end) = wire {
            end.shut_down(Shutdown::Write);
        }
        Ok(())
    }

    fn reset_on_close(&mut self, wire: &mut Wire) {
        if let Wire::Open(end) = wire {
            end.break_at_the_end();
        }
    }

    fn close(&mut self, _: Wire) {}

    fn close_listener(&mut self, _: Listener) {}
}

impl Memory {
    /// Returns the connections that the session waits for and that are ready
    fn ready(&self, state: &State) -> Vec<(Slot, Interest)> {
        let ready = |lent: &SocketRef<'_, Wire, Listener>, interest: Interest| match lent {
            SocketRef::Stream(wire) => wire.is_ready(state, interest),
            SocketRef::Listener(Listener::Memory(_, address)) => state.has_caller(*address),
            SocketRef::Listener(Listener::Socket(_)) => false,
        };
        let sockets = self.session.sockets().filter(|(_, lent, interest)| ready(lent, *interest));
        sockets.map(|(slot, _, interest)| (slot, interest)).collect()
    }
}

impl Driver for Memory {
    type Stream = Wire;
    type Listener = Listener;

    fn open(addresses: &[SocketAddr], options: Options) -> Result<Self, Error> {
        let world = World::enter();
        let now = Time::after_origin(world.now());
        Ok(Self { session: Session::new(addresses, options, now)?, world })
    }

    fn session(&self) -> &Session<Wire, Listener> {
        &self.session
    }

    fn session_mut(&mut self) -> &mut Session<Wire, Listener> {
        &mut self.session
    }

    fn now(&self) -> Time {
        Time::after_origin(self.world.now())
    }

    fn wait(drivers: &mut [&mut Self]) {
        let world = Arc::clone(&drivers[0].world);
        let until = drivers.iter().filter_map(|driver| match driver.session.has_work() {
            true => Some(Time::ZERO),
            false => driver.session.deadline(),
        });
        let until = until.min().map(Time::since_origin);
        let ready = world.wait(until, |state| {
            let ready: Vec<_> = drivers.iter().map(|driver| driver.ready(state)).collect();
            ready.iter().any(|ready| !ready.is_empty()).then_some(ready)
        });
        for (driver, ready) in drivers.iter_mut().zip(ready.unwrap_or_default()) {
            for (slot, interest) in ready {
                driver.session.ready(slot, interest);
            }
        }
        for driver in drivers {
            driver.session.turn(&mut Net(Arc::clone(&world)), Time::after_origin(world.now()));
        }
    }
}
