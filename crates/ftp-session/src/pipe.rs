//! A connection made of two queues, for shells that carry its bytes themselves

use std::io::{self, Read, Write};

/// Bytes that a [`Pipe`] holds in each direction, unless it is made with another capacity: four of the
/// reads that cost least
const CAPACITY: usize = 256 * 1024;

/// A connection whose bytes the shell carries: two queues of bytes
///
/// For loops whose reads and writes complete later (io_uring, IOCP), network stacks in user space, and tests.
/// The session reads and writes it like a socket that never blocks; the shell hands over what has
/// [come](Self::receive) and takes what is [to be sent](Self::unsent). Before each turn it tells the session
/// that everything is [ready](crate::Session::ready).
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
    incoming: Queue,
    outgoing: Queue,
    capacity: usize,
    /// What follows the bytes that have come
    after: After,
    /// Whether bytes can still be written
    write_side: WriteSide,
}

#[derive(Debug, Default)]
struct Queue {
    bytes: Vec<u8>,
    start: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    /// More may come
    More,
    /// The other end has ended its write side
    End,
    /// The connection broke
    Broken(io::ErrorKind),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WriteSide {
    Open,
    ShutDown,
}

impl Queue {
    fn unread(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// Takes as many of the bytes as fit; how many
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
            incoming: Queue::default(),
            outgoing: Queue::default(),
            capacity: bytes.max(1),
            after: After::More,
            write_side: WriteSide::Open,
        }
    }

    /// Hands over bytes that have come, as many as there is [room](Self::room) for; how many
    ///
    /// The rest is to be handed over again, after the session has read.
    #[must_use]
    pub fn receive(&mut self, bytes: &[u8]) -> usize {
        self.incoming.push(bytes, self.capacity)
    }

    /// How many bytes [`Self::receive`] takes now
    #[must_use]
    pub fn room(&self) -> usize {
        self.capacity - self.incoming.unread().len()
    }

    /// The other end has ended its write side: after what has come, the session reads the end
    pub const fn receive_end(&mut self) {
        if matches!(self.after, After::More) {
            self.after = After::End;
        }
    }

    /// The connection broke: after what has come, the session reads this error, and it can't write
    pub const fn fail(&mut self, error: io::ErrorKind) {
        self.after = After::Broken(error);
    }

    /// Bytes to be sent; report what has been sent with [`Self::sent`]
    #[must_use]
    pub fn unsent(&self) -> &[u8] {
        self.outgoing.unread()
    }

    /// So many bytes of [`Self::unsent`] have been sent
    pub fn sent(&mut self, count: usize) {
        self.outgoing.consume(count);
    }

    /// Ends the write side: for [`Transport::shutdown`](crate::Transport::shutdown)
    pub const fn shut_down(&mut self) {
        self.write_side = WriteSide::ShutDown;
    }

    /// Whether the write side is to be ended as soon as everything has been sent
    #[must_use]
    pub const fn is_shut_down(&self) -> bool {
        matches!(self.write_side, WriteSide::ShutDown)
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
            (_, WriteSide::ShutDown) => return Err(io::ErrorKind::BrokenPipe.into()),
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
    fn what_came_before_the_break_is_read() {
        let mut pipe = Pipe::new();
        assert_eq!(pipe.receive(b"x"), 1);
        pipe.fail(io::ErrorKind::ConnectionReset);
        assert_eq!(pipe.read(&mut [0; 9]).unwrap(), 1);
        let broken = io::ErrorKind::ConnectionReset;
        assert_eq!(pipe.read(&mut [0; 9]).unwrap_err().kind(), broken);
        assert_eq!(pipe.write(b"x").unwrap_err().kind(), broken);
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
