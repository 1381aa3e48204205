//! The connections of a session whose bytes its shell carries

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;

use crate::pipe::{Begun, Operation, Pipe, WriteSide};
use crate::session::Session;
use crate::transport::{Interest, Slot, Transport, Trigger};

/// The [`Transport`] of pipes, which keeps for each pipe the connection that carries its bytes, such as a socket
///
/// It is for a session that [asks its shell](crate::Session::dialed_by_shell) for connections: for each
/// [`Session::dial_request`](crate::Session::dial_request) the shell makes a connection, [adds](Self::add) it here,
/// and passes the pipe to [`Session::dialed`](crate::Session::dialed). Such a session uses passive mode, because
/// nothing can connect to it.
///
/// The shell carries the bytes [pipe by pipe](Self::for_each), or, if reads and writes complete later, starts one
/// [operation](Self::next_operation) after another.
#[derive(Debug)]
pub struct Pipes<C> {
    wires: Vec<Wire<C>>,
    /// The number of connections so far
    count: u64,
}

/// Identifies a connection of [`Pipes`]; never reused
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PipeId(u64);

#[derive(Debug)]
struct Wire<C> {
    id: PipeId,
    slot: Slot,
    connection: C,
    /// The pipe, once the session has closed it
    closed: Option<Pipe>,
}

impl<C> Default for Pipes<C> {
    fn default() -> Self {
        Self::new()
    }
}

impl<C> Pipes<C> {
    /// A transport without connections
    #[must_use]
    pub const fn new() -> Self {
        Self { wires: Vec::new(), count: 0 }
    }

    /// Adds an open connection, and returns the session's side of it
    #[must_use]
    pub fn add(&mut self, slot: Slot, connection: C) -> Pipe {
        self.count += 1;
        let id = PipeId(self.count);
        self.wires.push(Wire { id, slot, connection, closed: None });
        let mut pipe = Pipe::new();
        pipe.slot = Some(slot);
        pipe
    }

    /// Calls the function with each connection and its pipe
    ///
    /// A pipe that its session has [closed](Pipe::is_closed) remains until its last bytes have been sent, or it has
    /// [failed](Pipe::fail); then the connection is dropped.
    pub fn for_each<L>(
        &mut self,
        session: &mut Session<Pipe, L>,
        mut each: impl FnMut(&mut C, &mut Pipe),
    ) {
        self.wires.retain_mut(|wire| {
            let pipe = match &mut wire.closed {
                Some(pipe) => pipe,
                None => match session.stream_mut(wire.slot) {
                    Some(pipe) => pipe,
                    None => return false,
                },
            };
            each(&mut wire.connection, pipe);
            !pipe.is_closed() || !pipe.unsent().is_empty() && !pipe.is_broken()
        });
    }

    /// Returns the next operation to start, with its connection; report its result with [`Self::done`]
    ///
    /// Each connection has at most one read and one write running. Ask until there is none, at least after each turn
    /// and after data was moved. A connection that its session has closed is dropped after its last operation; a read
    /// that is still running then need not be reported.
    pub fn next_operation<L>(
        &mut self,
        session: &mut Session<Pipe, L>,
    ) -> Option<(PipeId, &mut C, Operation)> {
        self.wires.retain_mut(|wire| {
            let pipe = wire.pipe(session);
            pipe.is_some_and(|pipe| !(pipe.is_closed() && pipe.writing == Begun::Last))
        });
        self.wires.iter_mut().find_map(|wire| {
            let operation = wire.pipe(session)?.next_operation()?;
            Some((wire.id, &mut wire.connection, operation))
        })
    }

    /// Reports the result of an operation
    ///
    /// # Panics
    ///
    /// If a read is reported to have returned more bytes than its buffer holds.
    pub fn done<L>(
        &mut self,
        session: &mut Session<Pipe, L>,
        id: PipeId,
        operation: Operation,
        result: io::Result<usize>,
    ) {
        let wire = self.wires.iter_mut().find(|wire| wire.id == id);
        if let Some(pipe) = wire.and_then(|wire| wire.pipe(session)) {
            pipe.done(operation, result);
        }
    }
}

impl<C> Wire<C> {
    /// The connection; `None` if the session no longer wants it
    fn pipe<'a, L>(&'a mut self, session: &'a mut Session<Pipe, L>) -> Option<&'a mut Pipe> {
        match &mut self.closed {
            Some(pipe) => Some(pipe),
            None => session.stream_mut(self.slot),
        }
    }
}

impl<C> Transport for Pipes<C> {
    type Stream = Pipe;
    type Listener = Infallible;

    /// Unread bytes stay in the pipe, which the shell reports as ready before each turn
    const TRIGGER: Trigger = Trigger::Level;

    fn connect(&mut self, _: Slot, _: SocketAddr, _: Option<SocketAddr>) -> io::Result<Pipe> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn connected(&mut self, _: Slot, _: &mut Pipe) -> io::Result<Option<Interest>> {
        Ok(None)
    }

    fn local_addr(&self, _: &Pipe) -> io::Result<SocketAddr> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn listen(&mut self, _: Slot, _: SocketAddr) -> io::Result<(Infallible, SocketAddr)> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn accept(&mut self, _: Slot, listener: &mut Infallible) -> io::Result<(Pipe, SocketAddr)> {
        match *listener {}
    }

    fn shutdown(&mut self, pipe: &mut Pipe) -> io::Result<()> {
        pipe.shut_down();
        Ok(())
    }

    fn close(&mut self, mut pipe: Pipe) {
        pipe.write_side = WriteSide::Closed;
        let mut wires = self.wires.iter_mut();
        let wire = wires.find(|wire| Some(wire.slot) == pipe.slot && wire.closed.is_none());
        if let Some(wire) = wire {
            wire.closed = Some(pipe);
        }
    }

    fn close_listener(&mut self, listener: Infallible) {
        match listener {}
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn session() -> Session<Pipe, Infallible> {
        let config = crate::Config::new(crate::TlsPolicy::Plaintext);
        Session::dialed_by_shell("host", 21, config, crate::Time::ZERO).unwrap()
    }

    #[test]
    fn a_connection_is_kept_until_its_last_bytes_are_sent() {
        let (mut session, mut pipes) = (session(), Pipes::new());
        let mut pipe = pipes.add(Slot::Data, 'a');
        pipe.write_all(b"xy").unwrap();
        pipes.close(pipe);
        // The next connection of this slot is a different one.
        let pipe = pipes.add(Slot::Data, 'b');
        pipes.close(pipe);
        let mut seen = Vec::new();
        for sent in [1, 1, 0] {
            pipes.for_each(&mut session, |name, pipe| {
                seen.push((*name, pipe.unsent().to_vec()));
                pipe.sent(sent);
            });
        }
        assert_eq!(seen, [('a', b"xy".to_vec()), ('b', vec![]), ('a', b"y".to_vec())]);
        // A connection that the session does not want is dropped at once.
        drop(pipes.add(Slot::Control, 'c'));
        pipes.for_each(&mut session, |name, _| panic!("{name}"));
    }

    #[test]
    fn the_last_operation_of_a_closed_connection_ends_its_write_side() {
        let (mut session, mut pipes) = (session(), Pipes::new());
        let mut pipe = pipes.add(Slot::Data, 'a');
        pipe.write_all(b"x").unwrap();
        pipes.close(pipe);
        let (id, name, operation) = pipes.next_operation(&mut session).unwrap();
        assert_eq!((*name, &operation), ('a', &Operation::Write(b"x".to_vec())));
        assert_eq!(pipes.next_operation(&mut session), None);
        pipes.done(&mut session, id, operation, Ok(1));
        let (id, _, operation) = pipes.next_operation(&mut session).unwrap();
        assert_eq!(operation, Operation::Shutdown);
        pipes.done(&mut session, id, operation, Ok(0));
        assert_eq!(pipes.next_operation(&mut session), None);
        assert!(pipes.wires.is_empty());
    }

    #[test]
    fn a_closed_connection_that_breaks_is_dropped() {
        let (mut session, mut pipes) = (session(), Pipes::new());
        let mut pipe = pipes.add(Slot::Data, 'a');
        pipe.write_all(b"x").unwrap();
        pipes.close(pipe);
        let (id, _, operation) = pipes.next_operation(&mut session).unwrap();
        pipes.done(&mut session, id, operation, Err(io::ErrorKind::ConnectionReset.into()));
        assert_eq!(pipes.next_operation(&mut session), None);
        assert!(pipes.wires.is_empty());
    }
}
