//! The connections and listeners of scripted servers, and their implementation for sockets

use std::fmt::Debug;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// The time limit of each read, each write and each wait for a data connection: 10 seconds
///
/// A loaded machine needs less than this on loopback, and a test that is stuck soon ends by itself.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// A connection of a scripted server: a socket, or one of a network of your own
///
/// It is implemented for [`TcpStream`]. To run the same scripts in a simulated network, implement it for the
/// connections of that network. Reads and writes of the connections that [`open`](Self::open) and [`Listener::next`]
/// return must fail after [`PATIENCE`].
pub trait Connection: Read + Write + Debug + Send + Sized + 'static {
    /// The listener that accepts these connections
    type Listener: Listener<Connection = Self>;
    /// The handle of a thread that runs a script
    type Thread: Debug + Send;

    /// Connects to a client that listens, as a server does in active mode
    ///
    /// # Errors
    ///
    /// Errors of the network; `TimedOut` after [`PATIENCE`].
    fn open(to: SocketAddr) -> io::Result<Self>;

    /// Returns another handle of the same connection
    ///
    /// # Errors
    ///
    /// Errors of the network.
    fn duplicate(&self) -> io::Result<Self>;

    /// Shuts down one direction of the connection, or both
    ///
    /// # Errors
    ///
    /// Errors of the network.
    fn end(&self, how: Shutdown) -> io::Result<()>;

    /// Returns the server's address on this connection
    ///
    /// # Errors
    ///
    /// Errors of the network.
    fn local_address(&self) -> io::Result<SocketAddr>;

    /// Starts a thread that can use these connections
    fn start(run: impl FnOnce() + Send + 'static) -> Self::Thread;

    /// Waits until a thread has ended
    ///
    /// # Errors
    ///
    /// The payload of the thread's panic, if it panicked.
    fn join(thread: Self::Thread) -> thread::Result<()>;
}

/// A listener of a scripted server
pub trait Listener: Send + Sized + 'static {
    /// The connections that it accepts
    type Connection: Connection<Listener = Self>;

    /// Starts to listen on an address; port 0 selects a free port
    ///
    /// # Errors
    ///
    /// Errors of the network.
    fn listen(on: SocketAddr) -> io::Result<Self>;

    /// Returns the address that it listens on, with the actual port
    ///
    /// # Errors
    ///
    /// Errors of the network.
    fn address(&self) -> io::Result<SocketAddr>;

    /// Accepts the next connection
    ///
    /// # Errors
    ///
    /// `TimedOut` after [`PATIENCE`]; errors of the network.
    fn next(&self) -> io::Result<Self::Connection>;
}

impl Connection for TcpStream {
    type Listener = TcpListener;
    type Thread = JoinHandle<()>;

    fn open(to: SocketAddr) -> io::Result<Self> {
        let stream = Self::connect_timeout(&to, PATIENCE)?;
        prepare(&stream)?;
        Ok(stream)
    }

    fn duplicate(&self) -> io::Result<Self> {
        self.try_clone()
    }

    fn end(&self, how: Shutdown) -> io::Result<()> {
        self.shutdown(how)
    }

    fn local_address(&self) -> io::Result<SocketAddr> {
        self.local_addr()
    }

    fn start(run: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
        thread::spawn(run)
    }

    fn join(thread: JoinHandle<()>) -> thread::Result<()> {
        thread.join()
    }
}

impl Listener for TcpListener {
    type Connection = TcpStream;

    fn listen(on: SocketAddr) -> io::Result<Self> {
        Self::bind(on)
    }

    fn address(&self) -> io::Result<SocketAddr> {
        self.local_addr()
    }

    fn next(&self) -> io::Result<TcpStream> {
        accept_unless(self, || false)
    }
}

/// Accepts the next connection; fails with `ConnectionAborted` once `over` returns true, or `TimedOut` after
/// [`PATIENCE`]
pub(crate) fn accept_unless(
    listener: &TcpListener,
    mut over: impl FnMut() -> bool,
) -> io::Result<TcpStream> {
    listener.set_nonblocking(true)?;
    let begun = Instant::now();
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                prepare(&stream)?;
                return Ok(stream);
            }
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
            Err(_) if over() => return Err(io::ErrorKind::ConnectionAborted.into()),
            Err(_) if begun.elapsed() > PATIENCE => {
                let text = format!("nobody has connected within {PATIENCE:?}");
                return Err(io::Error::new(io::ErrorKind::TimedOut, text));
            }
            Err(_) => thread::sleep(Duration::from_millis(1)),
        }
    }
}

/// Makes a socket blocking, limits its reads and writes to [`PATIENCE`], and disables Nagle's algorithm
///
/// # Errors
///
/// Errors of the system.
pub fn prepare(stream: &TcpStream) -> io::Result<()> {
    // On some systems an accepted socket inherits the non-blocking mode of its listener.
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)
}
