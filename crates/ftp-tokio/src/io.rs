//! Adapts tokio's connections to a session: reads and writes that never wait
//!
//! A stream holds the waker of the task that polls the session. A pending operation registers that waker and returns
//! [`WouldBlock`](io::ErrorKind::WouldBlock), so the session needs to know nothing of polling.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use ftp_session::{Interest, Slot, Transport, Trigger, system};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// A connection that a [dialer](crate::Client::connect_with) makes
///
/// Any type that reads and writes implements it: a tunnel, a TLS stream, tokio's `DuplexStream`.
pub trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

/// One of a session's connections
pub(crate) struct Io {
    stream: Stream,
    waker: Waker,
    look: Look,
}

/// Where a read looks for bytes
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// In the runtime's record of what is ready
    Runtime,
    /// In the socket itself, which the runtime may not have polled yet, until a read would block
    Socket,
}

enum Stream {
    Tcp(TcpStream),
    Dialed(Box<dyn Connection>),
}

impl Stream {
    fn get(&mut self) -> Pin<&mut dyn Connection> {
        match self {
            Self::Tcp(stream) => Pin::new(stream),
            Self::Dialed(stream) => Pin::new(&mut **stream),
        }
    }
}

impl Io {
    pub(crate) fn dialed(stream: Box<dyn Connection>, waker: &Waker) -> Self {
        Self::new(Stream::Dialed(stream), waker)
    }

    fn new(stream: Stream, waker: &Waker) -> Self {
        Self { stream, waker: waker.clone(), look: Look::Runtime }
    }

    /// Sets the task to wake from now on, and where reads look
    pub(crate) fn attend(&mut self, waker: &Waker, look: Look) {
        self.waker.clone_from(waker);
        self.look = look;
    }

    fn poll<T>(
        &mut self,
        poll: impl FnOnce(Pin<&mut dyn Connection>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> io::Result<T> {
        let mut context = Context::from_waker(&self.waker);
        or_would_block(poll(self.stream.get(), &mut context))
    }
}

fn or_would_block<T>(poll: Poll<io::Result<T>>) -> io::Result<T> {
    match poll {
        Poll::Ready(result) => result,
        Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
    }
}

impl Read for Io {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let (Stream::Tcp(stream), Look::Socket) = (&self.stream, self.look) {
            match system::read_now(stream, buffer) {
                // Polled below, so that the runtime wakes the task.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.look = Look::Runtime;
                }
                result => return result,
            }
        }
        self.poll(|stream, context| {
            let mut buffer = ReadBuf::new(buffer);
            ready!(stream.poll_read(context, &mut buffer))?;
            Poll::Ready(Ok(buffer.filled().len()))
        })
    }
}

impl Write for Io {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.poll(|stream, context| stream.poll_write(context, bytes))
    }

    fn write_vectored(&mut self, bytes: &[io::IoSlice<'_>]) -> io::Result<usize> {
        self.poll(|stream, context| stream.poll_write_vectored(context, bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.poll(|stream, context| stream.poll_flush(context))
    }
}

impl fmt::Debug for Io {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.stream {
            Stream::Tcp(stream) => stream.fmt(f),
            Stream::Dialed(_) => f.write_str("Dialed"),
        }
    }
}

/// The connections of a session during one turn, with the waker of the task
#[derive(Debug)]
pub(crate) struct Net<'a> {
    waker: &'a Waker,
    /// Whether there is a new connection or listener that does not wake the task yet
    made: bool,
}

impl<'a> Net<'a> {
    pub(crate) const fn new(waker: &'a Waker) -> Self {
        Self { waker, made: false }
    }

    /// Whether there is a connection or a listener, made since the last call, that does not wake the task yet
    pub(crate) fn take_made(&mut self) -> bool {
        std::mem::take(&mut self.made)
    }
}

impl Transport for Net<'_> {
    type Stream = Io;
    type Listener = TcpListener;

    // A pending stream is not polled again before it has woken the task.
    const TRIGGER: Trigger = Trigger::Edge;

    fn connect(&mut self, _: Slot, to: SocketAddr, from: Option<SocketAddr>) -> io::Result<Io> {
        let stream = TcpStream::from_std(system::begin_connect(to, from)?)?;
        // From now on it wakes the task, so that no other turn is needed for that.
        if stream.poll_write_ready(&mut Context::from_waker(self.waker)).is_ready() {
            self.made = true;
        }
        Ok(Io::new(Stream::Tcp(stream), self.waker))
    }

    fn connected(&mut self, slot: Slot, io: &mut Io) -> io::Result<Option<Interest>> {
        let Stream::Tcp(stream) = &mut io.stream else { return Ok(None) };
        match stream.poll_write_ready(&mut Context::from_waker(self.waker)) {
            Poll::Pending => return Ok(Some(Interest::WRITE)),
            Poll::Ready(result) => result?,
        }
        match stream.take_error()? {
            Some(error) => return Err(error),
            // On Linux, `take_error` reports why a connection failed.
            None if cfg!(target_os = "linux") => {}
            // Elsewhere the socket may be writable without a peer: it was connected and lost at once.
            None => {
                stream.peer_addr()?;
            }
        }
        if slot.is_control() {
            stream.set_nodelay(true)?;
            system::keep_alive(stream);
        }
        Ok(None)
    }

    fn no_delay(&mut self, io: &mut Io) {
        if let Stream::Tcp(stream) = &io.stream {
            // Without it the connection is slower, but works.
            let _ = stream.set_nodelay(true);
        }
    }

    fn look(&mut self, io: &mut Io) {
        io.look = Look::Socket;
    }

    fn local_addr(&self, io: &Io) -> io::Result<SocketAddr> {
        match &io.stream {
            Stream::Tcp(stream) => stream.local_addr(),
            Stream::Dialed(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    fn listen(&mut self, _: Slot, on: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
        self.made = true;
        let listener = TcpListener::from_std(system::listen(on)?)?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    }

    fn accept(&mut self, _: Slot, listener: &mut TcpListener) -> io::Result<(Io, SocketAddr)> {
        let mut context = Context::from_waker(self.waker);
        let (stream, peer) = or_would_block(listener.poll_accept(&mut context))?;
        self.made = true;
        Ok((Io::new(Stream::Tcp(stream), self.waker), peer))
    }

    fn shutdown(&mut self, io: &mut Io) -> io::Result<()> {
        io.poll(|stream, context| stream.poll_shutdown(context))
    }

    fn reset_on_close(&mut self, io: &mut Io) {
        if let Stream::Tcp(stream) = &io.stream {
            system::reset_on_close(stream);
        }
    }

    fn close(&mut self, _: Io) {}

    fn close_listener(&mut self, _: TcpListener) {}
}
