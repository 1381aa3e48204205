//! Connections made of two queues, for shells that carry the bytes themselves

use std::io::{self, Read, Write};

use crate::transport::Slot;

mod pipes;

pub use pipes::{PipeId, Pipes};

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

    #[test]
    fn nothing_is_written_after_the_end() {
        let mut pipe = Pipe::new();
        pipe.write_all(b"x").unwrap();
        pipe.shut_down();
        assert_eq!(pipe.write(b"y").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        assert!(pipe.is_shut_down() && pipe.unsent() == b"x");
    }
}
