//! Connections that know whether they are ready
//!
//! The shell tells what a connection is ready for; the flags here remember it until the connection says
//! that it would block. While a flag is down no call is made, so a session that has stopped half-way goes
//! on later without being told again.

use std::io::{self, Read, Write};
use std::net::SocketAddr;

use ftp_tls::Stream;

use crate::transport::{Interest, Slot};

/// What a connection may receive in a turn unless it carries a transfer, see [`Stream::set_allowance`]:
/// more than any reply and its tickets
pub(crate) const ALLOWANCE: usize = 64 * 1024;

/// A connection with what is known of its readiness
#[derive(Debug)]
pub(crate) struct Socket<S> {
    io: S,
    pub(crate) slot: Slot,
    pub(crate) ready: Interest,
    /// Bytes that came with the last answer of a proxy, and are read first
    kept: Vec<u8>,
}

impl<S> Socket<S> {
    /// A connection of which nothing is known yet
    pub(crate) const fn new(slot: Slot, io: S) -> Self {
        Self { io, slot, ready: Interest::NONE, kept: Vec::new() }
    }

    pub(crate) const fn io(&self) -> &S {
        &self.io
    }

    pub(crate) const fn io_mut(&mut self) -> &mut S {
        &mut self.io
    }

    /// Has these bytes read before what the connection has
    pub(crate) fn keep(&mut self, bytes: Vec<u8>) {
        self.kept = bytes;
    }

    /// Whether a read has a result, or the connection may have one
    pub(crate) fn is_readable(&self) -> bool {
        self.ready.read || !self.kept.is_empty()
    }

    pub(crate) fn into_io(self) -> S {
        self.io
    }

    /// The connection is open: what is written to it goes into an empty buffer
    pub(crate) const fn opened(&mut self) {
        self.ready.write = true;
    }

    /// An open connection, for FTP
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
        let result = self.io.read(buffer);
        self.ready.read = !would_block(&result);
        result
    }
}

impl<S: Write> Write for Socket<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.ready.write {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let result = self.io.write(bytes);
        self.ready.write = !would_block(&result);
        result
    }

    fn write_vectored(&mut self, buffers: &[io::IoSlice<'_>]) -> io::Result<usize> {
        if !self.ready.write {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let result = self.io.write_vectored(buffers);
        self.ready.write = !would_block(&result);
        result
    }

    fn flush(&mut self) -> io::Result<()> {
        self.io.flush()
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

/// Whether a read may have a result: the connection's, or one that TLS holds
pub(crate) fn is_readable<S>(stream: &Stream<Socket<S>>) -> bool {
    stream.get_ref().is_readable() || stream.has_pending_input()
}

fn would_block<T>(result: &io::Result<T>) -> bool {
    matches!(result, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
}

/// Errors that mean "later"
pub(crate) fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}
