//! What scripted servers do with connections, and how sockets do it

use std::fmt::Debug;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long a server waits for its client to connect, to send a command, or to take or send data: 10 seconds
///
/// Longer than a machine under load needs for loopback, and short enough that a test which is stuck ends by itself.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// A connection of a scripted server: a socket, or one of a network of your own
///
/// It is implemented for [`TcpStream`]. Implement it for the connections of a simulated network, and the same scripts
/// run there. Reading and writing wait for [`PATIENCE`] at most and then fail.
pub trait Connection: Read + Write + Debug + Send + Sized + 'static {
    /// What accepts such connections
    type Listener: Listener<Connection = Self>;
    /// A thread in which a script runs
    type Thread: Debug + Send;

    /// Connects, as a server does in active mode
    ///
    /// # Errors
    ///
    /// Those of the network, and `TimedOut` after [`PATIENCE`].
    fn open(to: SocketAddr) -> io::Result<Self>;

    /// Another handle of the same connection
    ///
    /// # Errors
    ///
    /// Those of the network.
    fn duplicate(&self) -> io::Result<Self>;

    /// Ends one direction or both
    ///
    /// # Errors
    ///
    /// Those of the network.
    fn end(&self, how: Shutdown) -> io::Result<()>;

    /// The server's address
    ///
    /// # Errors
    ///
    /// Those of the network.
    fn local_address(&self) -> io::Result<SocketAddr>;

    /// Starts a thread in which such connections can be used
    fn start(run: impl FnOnce() + Send + 'static) -> Self::Thread;

    /// Waits until a thread ends
    ///
    /// # Errors
    ///
    /// What the thread panicked with.
    fn join(thread: Self::Thread) -> thread::Result<()>;
}

/// A listener of a scripted server
pub trait Listener: Send + Sized + 'static {
    /// What it accepts
    type Connection: Connection<Listener = Self>;

    /// Listens on an address; port 0 is any
    ///
    /// # Errors
    ///
    /// Those of the network.
    fn listen(on: SocketAddr) -> io::Result<Self>;

    /// Its address, with the port
    ///
    /// # Errors
    ///
    /// Those of the network.
    fn address(&self) -> io::Result<SocketAddr>;

    /// The next connection
    ///
    /// # Errors
    ///
    /// `TimedOut` after [`PATIENCE`], and those of the network.
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

/// The next connection, unless the wait is to end before; `TimedOut` after [`PATIENCE`]
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

/// Has reads and writes of a socket wait for [`PATIENCE`] at most, and sends without delay
///
/// # Errors
///
/// Those of the system.
pub fn prepare(stream: &TcpStream) -> io::Result<()> {
    // Some systems let an accepted socket inherit this from its listener.
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)
}
