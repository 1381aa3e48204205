//! Connections with readiness flags
//!
//! The shell says what a connection is ready for. The flags here remember it until the connection would block. While a
//! flag is down no call is made, so a session that stopped half-way continues later without being told again.

use std::io::{self, Read, Write};
use std::net::SocketAddr;

use ftp_tls::Stream;

use crate::transport::{Interest, Slot};

/// Bytes that a connection may receive in a turn unless it carries a transfer, see [`Stream::set_allowance`]: more
/// than any reply and its tickets
pub(crate) const ALLOWANCE: usize = 64 * 1024;

/// A connection with its readiness flags
#[derive(Debug)]
pub(crate) struct Socket<S> {
    io: S,
    pub(crate) slot: Slot,
    pub(crate) ready: Interest,
    /// Bytes that arrived with the last answer of a proxy, and are read first
    kept: Vec<u8>,
}

impl<S> Socket<S> {
    /// A connection whose readiness is not known yet
    pub(crate) const fn new(slot: Slot, io: S) -> Self {
        Self { io, slot, ready: Interest::NONE, kept: Vec::new() }
    }

    pub(crate) const fn io(&self) -> &S {
        &self.io
    }

    pub(crate) const fn io_mut(&mut self) -> &mut S {
        &mut self.io
    }

    /// Makes reads return these bytes before those of the connection
    pub(crate) fn keep(&mut self, bytes: Vec<u8>) {
        self.kept = bytes;
    }

    /// Whether a read has a result, or may have one
    pub(crate) fn is_readable(&self) -> bool {
        self.ready.read || !self.kept.is_empty()
    }

    pub(crate) fn into_io(self) -> S {
        self.io
    }

    /// Notes that the connection is open: its send buffer is empty, so it can be written
    pub(crate) const fn opened(&mut self) {
        self.ready.write = true;
    }

    /// Makes a stream of an open connection, for FTP
    pub(crate) fn into_stream(mut self) -> Stream<Self> {
        self.opened();
        let mut stream = Stream::new(self);
        stream.set_allowance(ALLOWANCE);
        stream
    }
}

impl<S: Read> Read for Socket<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.kept.is_empty() {
            let count = self.kept.as_slice().read(buffer)?;
            self.kept.drain(..count);
            return Ok(count);
        }
        if !self.ready.read {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let result = repeated(|| self.io.read(buffer));
        self.ready.read = !would_block(&result);
        result
    }
}

impl<S: Write> Write for Socket<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.ready.write {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let result = repeated(|| self.io.write(bytes));
        self.ready.write = !would_block(&result);
        taken(result, bytes.is_empty())
    }

    fn write_vectored(&mut self, buffers: &[io::IoSlice<'_>]) -> io::Result<usize> {
        if !self.ready.write {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let result = repeated(|| self.io.write_vectored(buffers));
        self.ready.write = !would_block(&result);
        taken(result, buffers.iter().all(|buffer| buffer.is_empty()))
    }

    fn flush(&mut self) -> io::Result<()> {
        repeated(|| self.io.flush())
    }
}

/// Repeats a call on a connection that a signal has interrupted: no readiness event would tell the shell to try again
///
/// A connection that never waits is rarely interrupted. One that only ever says so, which the caller's own connections
/// may do, has broken: otherwise no deadline could end the loop.
pub(crate) fn repeated<T>(call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    /// Far more often than signals arrive within one call
    const MOST: usize = 1000;
    repeated_at_most(MOST, call)
}

/// Repeats a call that a signal has interrupted, up to a number of calls
pub(crate) fn repeated_at_most<T>(
    most: usize,
    mut call: impl FnMut() -> io::Result<T>,
) -> io::Result<T> {
    for _ in 0..most {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
    Err(io::Error::other(format!("it was interrupted {most} times in a row")))
}

/// The result of a write; if a stream accepts none of some bytes, that is an error
fn taken(result: io::Result<usize>, nothing: bool) -> io::Result<usize> {
    match result {
        Ok(0) if !nothing => Err(io::ErrorKind::WriteZero.into()),
        result => result,
    }
}

/// A listener for the server in active mode
#[derive(Debug)]
pub(crate) struct Listener<L> {
    pub(crate) io: L,
    pub(crate) slot: Slot,
    pub(crate) address: SocketAddr,
    pub(crate) ready: Interest,
}

/// Whether a read may have a result, from the connection or from data that TLS holds
pub(crate) fn is_readable<S>(stream: &Stream<Socket<S>>) -> bool {
    stream.get_ref().is_readable() || stream.has_pending_input()
}

/// What a handshake, or the end of TLS, is to be waited for
///
/// What is not sent yet comes first: until then nothing is read, and a shell that is told of bytes, or of an end,
/// again and again would not wait at all.
pub(crate) fn interest_of_tls<S>(stream: &Stream<S>) -> Interest {
    match stream.wants_write() {
        true => Interest::WRITE,
        false => Interest { read: stream.wants_read(), write: false },
    }
}

fn would_block<T>(result: &io::Result<T>) -> bool {
    matches!(result, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
}

/// Whether an error means "try again later"
pub(crate) fn is_passing(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers each call with the next of these results
    struct Scripted(Vec<io::Result<usize>>);

    impl Scripted {
        fn next(&mut self) -> io::Result<usize> {
            self.0.remove(0)
        }
    }

    impl Read for Scripted {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            self.next()
        }
    }

    impl Write for Scripted {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            self.next()
        }

        fn flush(&mut self) -> io::Result<()> {
            self.next().map(drop)
        }
    }

    fn socket(answers: [io::Result<usize>; 2]) -> Socket<Scripted> {
        let mut socket = Socket::new(Slot::Data, Scripted(answers.into()));
        socket.ready = Interest::BOTH;
        socket
    }

    #[test]
    fn what_was_interrupted_is_repeated() {
        let interrupted = || Err(io::ErrorKind::Interrupted.into());
        assert_eq!(socket([interrupted(), Ok(3)]).read(&mut [0; 9]).unwrap(), 3);
        assert_eq!(socket([interrupted(), Ok(3)]).write(&[0; 9]).unwrap(), 3);
        socket([interrupted(), Ok(0)]).flush().unwrap();
    }

    #[test]
    fn what_is_interrupted_without_end_has_broken() {
        /// Never gets anything done
        struct Restless;

        impl Read for Restless {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::Interrupted.into())
            }
        }

        let mut socket = Socket::new(Slot::Data, Restless);
        socket.ready = Interest::BOTH;
        let error = socket.read(&mut [0; 9]).unwrap_err();
        assert!(error.to_string().contains("interrupted 1000 times"), "{error}");
    }

    #[test]
    fn a_stream_that_takes_nothing_has_broken() {
        let error = socket([Ok(0), Ok(0)]).write(&[0; 9]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WriteZero);
        assert_eq!(socket([Ok(0), Ok(0)]).write(&[]).unwrap(), 0);
    }
}
