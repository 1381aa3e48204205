//! A socket that knows whether it is ready
//!
//! mio tells once that a socket has become ready. The flags here remember it until the socket
//! itself says that it would block, and only then: whoever stops half-way goes on later without
//! being told again. While a flag is down no system call is made.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};

use ftp_tls::Stream;
use mio::event::Event;
use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry, Token};

/// What is known of a socket's readiness
#[derive(Clone, Copy, Debug)]
pub(crate) struct Readiness {
    pub(crate) readable: bool,
    pub(crate) writable: bool,
}

impl Readiness {
    /// mio will tell
    const UNKNOWN: Self = Self { readable: false, writable: false };

    /// An end or an error shows in the next read or write
    pub(crate) fn note(&mut self, event: &Event) {
        self.readable |= event.is_readable() || event.is_read_closed() || event.is_error();
        self.writable |= event.is_writable() || event.is_write_closed() || event.is_error();
    }
}

/// What a control connection, or one that is being closed, may receive in a turn, see
/// [`Stream::set_allowance`]: more than any reply and its tickets
pub(crate) const ALLOWANCE: usize = 64 * 1024;

/// A stream that gives way to others
pub(crate) fn stream(socket: Socket) -> Stream<Socket> {
    let mut stream = Stream::new(socket);
    stream.set_allowance(ALLOWANCE);
    stream
}

#[derive(Debug)]
pub(crate) struct Socket {
    io: TcpStream,
    pub(crate) ready: Readiness,
}

impl Socket {
    /// Registers the socket for everything it can become: once, so nothing is ever changed there
    pub(crate) fn register(
        mut io: TcpStream,
        registry: &Registry,
        token: Token,
    ) -> io::Result<Self> {
        registry.register(&mut io, token, Interest::READABLE | Interest::WRITABLE)?;
        Ok(Self { io, ready: Readiness::UNKNOWN })
    }

    pub(crate) fn move_to(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.reregister(&mut self.io, token, Interest::READABLE | Interest::WRITABLE)
    }

    pub(crate) fn deregister(mut self, registry: &Registry) {
        // It is closed next, which does the same where this fails.
        let _ = registry.deregister(&mut self.io);
    }

    pub(crate) fn io(&self) -> &TcpStream {
        &self.io
    }

    pub(crate) fn shutdown_write(&self) -> io::Result<()> {
        self.io.shutdown(Shutdown::Write)
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.ready.readable {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let result = self.io.read(buffer);
        if would_block(&result) {
            self.ready.readable = false;
        }
        result
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.ready.writable {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let result = self.io.write(bytes);
        if would_block(&result) {
            self.ready.writable = false;
        }
        result
    }

    fn write_vectored(&mut self, buffers: &[io::IoSlice<'_>]) -> io::Result<usize> {
        if !self.ready.writable {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let result = self.io.write_vectored(buffers);
        if would_block(&result) {
            self.ready.writable = false;
        }
        result
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Waits for the server in active mode
#[derive(Debug)]
pub(crate) struct Listener {
    io: TcpListener,
    pub(crate) ready: Readiness,
}

impl Listener {
    pub(crate) fn register(
        mut io: TcpListener,
        registry: &Registry,
        token: Token,
    ) -> io::Result<Self> {
        registry.register(&mut io, token, Interest::READABLE)?;
        Ok(Self { io, ready: Readiness::UNKNOWN })
    }

    pub(crate) fn local_addr(&self) -> Option<SocketAddr> {
        self.io.local_addr().ok()
    }

    pub(crate) fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        if !self.ready.readable {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let result = self.io.accept();
        if would_block(&result) {
            self.ready.readable = false;
        }
        result
    }

    pub(crate) fn deregister(mut self, registry: &Registry) {
        // As with a socket.
        let _ = registry.deregister(&mut self.io);
    }
}

/// Whether a read may come to a result: the socket's, or one that TLS holds
pub(crate) fn is_readable(stream: &Stream<Socket>) -> bool {
    stream.get_ref().ready.readable || stream.has_pending_input()
}

fn would_block<T>(result: &io::Result<T>) -> bool {
    matches!(result, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
}

/// Errors that mean "later"
pub(crate) fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}
