//! Connections made of two queues, for shells that carry the bytes themselves

use std::convert::Infallible;
use std::io::{self, Read, Write};
use std::net::SocketAddr;

use crate::session::Session;
use crate::transport::{Interest, Slot, Transport, Trigger};

/// The default capacity of a [`Pipe`] in each direction, in bytes: four reads of the most efficient size
const CAPACITY: usize = 256 * 1024;

/// The largest read or write, in bytes, that the shell is asked for
const AT_A_TIME: usize = 64 * 1024;

/// A connection whose bytes the shell carries: two queues of bytes
///
/// It is for loops whose reads and writes complete later (io_uring, IOCP), network stacks in user space, and tests.
/// The session reads and writes it like a non-blocking socket. The shell passes in the bytes that it has
/// [received](Self::receive) and takes the bytes [to send](Self::unsent). Before each turn it tells the session that
/// everything is [ready](crate::Session::ready_all).
///
/// If reads and writes take buffers of their own and complete later, [`Pipes::next_operation`] says which to start.
///
/// ```
/// use std::io::{Read, Write};
/// use ftp_session::Pipe;
///
/// let mut pipe = Pipe::new();
/// // The session's side:
/// pipe.write_all(b"NOOP\r\n")?;
/// // The shell's side:
/// assert_eq!(pipe.unsent(), b"NOOP\r\n");
/// pipe.sent(6);
/// assert_eq!(pipe.receive(b"200 yes\r\n"), 9);
/// // The session's side:
/// let mut buffer = [0; 64];
/// assert_eq!(pipe.read(&mut buffer)?, 9);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Pipe {
    /// Its slot in the session, if it belongs to [`Pipes`]
    slot: Option<Slot>,
    incoming: Queue,
    outgoing: Queue,
    capacity: usize,
    /// What follows the received bytes
    after: After,
    /// Whether bytes can still be written
    write_side: WriteSide,
    reading: Begun,
    writing: Begun,
}

#[derive(Debug, Default)]
struct Queue {
    bytes: Vec<u8>,
    start: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    /// More may arrive
    More,
    /// The other side has closed its write side
    End,
    /// The connection broke
    Broken(io::ErrorKind),
}

/// What the shell has started in one direction
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begun {
    Nothing,
    /// An operation that has not completed yet
    Operation,
    /// The last operation of this direction
    Last,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WriteSide {
    Open,
    ShutDown,
    /// The whole connection is closed
    Closed,
}

impl Queue {
    fn unread(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// Appends as many of the bytes as fit; returns how many
    fn push(&mut self, bytes: &[u8], capacity: usize) -> usize {
        let count = bytes.len().min(capacity.saturating_sub(self.unread().len()));
        if self.start > 0 && self.bytes.len() + count > self.bytes.capacity() {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        self.bytes.extend_from_slice(&bytes[..count]);
        count
    }

    fn consume(&mut self, count: usize) {
        self.start = self.bytes.len().min(self.start.saturating_add(count));
        if self.start == self.bytes.len() {
            self.bytes.clear();
            self.start = 0;
        }
    }
}

impl Default for Pipe {
    fn default() -> Self {
        Self::new()
    }
}

impl Pipe {
    /// An open connection that holds up to 256 KiB in each direction
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(CAPACITY)
    }

    /// An open connection that holds up to this many bytes in each direction, at least 1
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        Self {
            slot: None,
            incoming: Queue::default(),
            outgoing: Queue::default(),
            capacity: bytes.max(1),
            after: After::More,
            write_side: WriteSide::Open,
            reading: Begun::Nothing,
            writing: Begun::Nothing,
        }
    }

    /// Passes in received bytes, as many as there is [room](Self::room) for; returns how many
    ///
    /// Pass the rest again after the session has read.
    #[must_use]
    pub fn receive(&mut self, bytes: &[u8]) -> usize {
        self.incoming.push(bytes, self.capacity)
    }

    /// How many bytes [`Self::receive`] accepts now; none after the [end](Self::receive_end)
    #[must_use]
    pub fn room(&self) -> usize {
        match self.after {
            After::More => self.capacity - self.incoming.unread().len(),
            After::End | After::Broken(_) => 0,
        }
    }

    /// The other side has closed its write side: after the received bytes, the session reads the end
    pub const fn receive_end(&mut self) {
        if matches!(self.after, After::More) {
            self.after = After::End;
        }
    }

    /// The connection broke: after the received bytes, the session reads this error, and it can't write
    pub const fn fail(&mut self, error: io::ErrorKind) {
        self.after = After::Broken(error);
    }

    /// Bytes to send; report what was sent with [`Self::sent`]
    #[must_use]
    pub fn unsent(&self) -> &[u8] {
        self.outgoing.unread()
    }

    /// Reports that this many bytes of [`Self::unsent`] have been sent
    pub fn sent(&mut self, count: usize) {
        self.outgoing.consume(count);
    }

    /// Whether to close the connection's write side now: everything has been sent, and nothing follows
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.is_shut_down() && self.outgoing.unread().is_empty()
    }

    /// The next operation on the connection
    fn next_operation(&mut self) -> Option<Operation> {
        if self.reading == Begun::Nothing && self.room() > 0 && !self.is_closed() {
            self.reading = Begun::Operation;
            return Some(Operation::Read(vec![0; self.room().min(AT_A_TIME)]));
        }
        if self.writing != Begun::Nothing {
            return None;
        }
        let unsent = self.outgoing.unread();
        if !unsent.is_empty() {
            self.writing = Begun::Operation;
            return Some(Operation::Write(unsent[..unsent.len().min(AT_A_TIME)].to_vec()));
        }
        if self.is_shut_down() {
            self.writing = Begun::Last;
            return Some(Operation::Shutdown);
        }
        None
    }

    fn done(&mut self, operation: Operation, result: io::Result<usize>) {
        match (operation, result) {
            (Operation::Read(bytes), Ok(count)) => {
                self.reading = Begun::Nothing;
                match &bytes[..count] {
                    [] => self.receive_end(),
                    // There was room for them when the read started, and nothing else fills it.
                    bytes => _ = self.receive(bytes),
                }
            }
            (Operation::Write(_), Ok(count)) => {
                self.writing = Begun::Nothing;
                self.sent(count);
            }
            (Operation::Shutdown, Ok(_)) => {}
            (_, Err(error)) => {
                (self.reading, self.writing) = (Begun::Last, Begun::Last);
                self.fail(error.kind());
            }
        }
    }

    const fn is_broken(&self) -> bool {
        matches!(self.after, After::Broken(_))
    }

    /// Closes the write side: for [`Transport::shutdown`](crate::Transport::shutdown)
    pub const fn shut_down(&mut self) {
        self.write_side = WriteSide::ShutDown;
    }

    /// Whether the write side must be closed as soon as everything has been sent
    #[must_use]
    pub const fn is_shut_down(&self) -> bool {
        matches!(self.write_side, WriteSide::ShutDown | WriteSide::Closed)
    }

    /// Whether its session has closed it, so that only the unsent bytes are left; set for pipes of [`Pipes`]
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self.write_side, WriteSide::Closed)
    }
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.incoming.unread().read(buffer)?;
        if count > 0 || buffer.is_empty() {
            self.incoming.consume(count);
            return Ok(count);
        }
        match self.after {
            After::More => Err(io::ErrorKind::WouldBlock.into()),
            After::End => Ok(0),
            After::Broken(error) => Err(error.into()),
        }
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match (self.after, self.write_side) {
            (After::Broken(error), _) => return Err(error.into()),
            (_, WriteSide::ShutDown | WriteSide::Closed) => {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            (After::More | After::End, WriteSide::Open) => {}
        }
        match self.outgoing.push(bytes, self.capacity) {
            0 if !bytes.is_empty() => Err(io::ErrorKind::WouldBlock.into()),
            count => Ok(count),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

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

/// An operation on a connection of [`Pipes`], for systems that take a buffer and report the result later
#[derive(Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a stream of bytes can do no more")]
pub enum Operation {
    /// Read into this buffer, all of which may be used; the result is the number of bytes, 0 at the end
    Read(Vec<u8>),
    /// Write these bytes; the result is the number of bytes sent
    Write(Vec<u8>),
    /// Close the write side; the number in the result is ignored
    Shutdown,
}

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
    use super::*;

    fn would_block<T: std::fmt::Debug>(result: io::Result<T>) -> bool {
        result.unwrap_err().kind() == io::ErrorKind::WouldBlock
    }

    #[test]
    fn a_pipe_takes_what_it_has_room_for() {
        let mut pipe = Pipe::with_capacity(4);
        let mut buffer = [0; 3];
        assert!(would_block(pipe.read(&mut buffer)));
        assert_eq!(pipe.receive(b"abcdef"), 4);
        assert_eq!((pipe.read(&mut buffer).unwrap(), &buffer), (3, b"abc"));
        assert_eq!((pipe.room(), pipe.receive(b"ef")), (3, 2));
        pipe.receive_end();
        assert_eq!((pipe.read(&mut buffer).unwrap(), &buffer), (3, b"def"));
        assert_eq!(pipe.read(&mut buffer).unwrap(), 0);

        assert_eq!(pipe.write(b"12345").unwrap(), 4);
        assert!(would_block(pipe.write(b"5")));
        pipe.sent(1);
        assert_eq!(pipe.write(b"56").unwrap(), 1);
        assert_eq!(pipe.unsent(), b"2345");
    }

    #[test]
    fn bytes_before_the_break_are_read() {
        let mut pipe = Pipe::new();
        assert_eq!(pipe.receive(b"x"), 1);
        pipe.fail(io::ErrorKind::ConnectionReset);
        assert_eq!(pipe.read(&mut [0; 9]).unwrap(), 1);
        let broken = io::ErrorKind::ConnectionReset;
        assert_eq!(pipe.read(&mut [0; 9]).unwrap_err().kind(), broken);
        assert_eq!(pipe.write(b"x").unwrap_err().kind(), broken);
    }

    #[test]
    fn one_read_and_one_write_are_in_progress_at_a_time() {
        let mut pipe = Pipe::with_capacity(8);
        assert_eq!(pipe.next_operation(), Some(Operation::Read(vec![0; 8])));
        assert_eq!(pipe.next_operation(), None);
        pipe.done(Operation::Read(b"12345678".to_vec()), Ok(8));
        // There is no room before the session has read.
        assert_eq!(pipe.next_operation(), None);
        assert_eq!(pipe.read(&mut [0; 5]).unwrap(), 5);
        assert_eq!(pipe.next_operation(), Some(Operation::Read(vec![0; 5])));
        pipe.done(Operation::Read(vec![0; 5]), Ok(0));
        assert_eq!(pipe.next_operation(), None);

        pipe.write_all(b"abcd").unwrap();
        assert_eq!(pipe.next_operation(), Some(Operation::Write(b"abcd".to_vec())));
        pipe.write_all(b"ef").unwrap();
        assert_eq!(pipe.next_operation(), None);
        pipe.shut_down();
        pipe.done(Operation::Write(b"abcd".to_vec()), Ok(3));
        assert_eq!(pipe.next_operation(), Some(Operation::Write(b"def".to_vec())));
        pipe.done(Operation::Write(b"def".to_vec()), Ok(3));
        assert_eq!(pipe.next_operation(), Some(Operation::Shutdown));
        assert_eq!(pipe.next_operation(), None);
    }

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

    #[test]
    fn nothing_is_written_after_the_end() {
        let mut pipe = Pipe::new();
        pipe.write_all(b"x").unwrap();
        pipe.shut_down();
        assert_eq!(pipe.write(b"y").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        assert!(pipe.is_shut_down() && pipe.unsent() == b"x");
    }
}
