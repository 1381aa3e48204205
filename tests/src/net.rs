//! The network of scripted servers and their clients: loopback, or this process's memory, where time is virtual
//!
//! A thread that has [entered](World::enter) a world has its servers there, and so do all threads started by it.
//! Elsewhere listeners and streams are sockets.

mod world;

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

pub use ftp_test::PATIENCE;
use ftp_test::scripted::{self, Connection, prepare};
pub(crate) use world::State;
pub use world::{End, World};

/// A connection of a script, which waits for [`PATIENCE`] at most
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a test's own")]
pub enum Stream {
    /// A socket
    Socket(TcpStream),
    /// In memory
    Memory(Arc<End>),
}

impl Stream {
    /// Connects, as a server in active mode does
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn connect(to: SocketAddr) -> io::Result<Self> {
        match World::current() {
            Some(world) => Ok(Self::Memory(Arc::new(world.connect(to, None)?))),
            None => Ok(Self::Socket(TcpStream::open(to)?)),
        }
    }

    /// Connects from another address of this host
    ///
    /// # Panics
    ///
    /// If nothing listens.
    #[must_use]
    pub fn connect_from(ip: [u8; 4], to: SocketAddr) -> Self {
        if let Some(world) = World::current() {
            return Self::Memory(Arc::new(world.connect(to, Some(ip.into())).unwrap()));
        }
        let (domain, type_) = (socket2::Domain::IPV4, socket2::Type::STREAM);
        let socket = socket2::Socket::new(domain, type_, None).unwrap();
        socket.bind(&SocketAddr::from((ip, 0)).into()).unwrap();
        socket.connect(&to.into()).unwrap();
        Self::from(TcpStream::from(socket))
    }

    /// Returns another handle of the same connection
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn try_clone(&self) -> io::Result<Self> {
        match self {
            Self::Socket(socket) => Ok(Self::Socket(socket.try_clone()?)),
            Self::Memory(end) => Ok(Self::Memory(Arc::clone(end))),
        }
    }

    /// Shuts down one direction or both
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        match self {
            Self::Socket(socket) => socket.shutdown(how),
            Self::Memory(end) => {
                end.shut_down(how);
                Ok(())
            }
        }
    }

    /// Makes closing this end reset the connection
    ///
    /// # Panics
    ///
    /// If the system does not support it.
    pub fn break_at_the_end(&self) {
        match self {
            Self::Socket(socket) => {
                socket2::SockRef::from(socket).set_linger(Some(Duration::ZERO)).unwrap();
            }
            Self::Memory(end) => end.break_at_the_end(),
        }
    }

    /// Returns the address of this end
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        match self {
            Self::Socket(socket) => socket.local_addr(),
            Self::Memory(end) => Ok(end.local()),
        }
    }

    /// Returns the address of the other end
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        match self {
            Self::Socket(socket) => socket.peer_addr(),
            Self::Memory(end) => Ok(end.peer()),
        }
    }
}

impl From<TcpStream> for Stream {
    fn from(socket: TcpStream) -> Self {
        // Fails for a socket that is broken already, which the next call tells.
        let _ = prepare(&socket);
        Self::Socket(socket)
    }
}

impl Read for &Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Socket(socket) => (&mut &*socket).read(buffer),
            Stream::Memory(end) => end.patiently(|state| state.read(end, buffer)),
        }
    }
}

impl Write for &Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Socket(socket) => (&mut &*socket).write(bytes),
            Stream::Memory(end) => end.patiently(|state| state.write(end, bytes)),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buffer)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A listener of a script, or of a client in active mode
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a test's own")]
pub enum Listener {
    /// A socket
    Socket(TcpListener),
    /// In memory
    Memory(Arc<World>, SocketAddr),
}

impl Listener {
    /// Listens on the network of this thread's servers
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn bind(on: impl ToSocketAddrs) -> io::Result<Self> {
        match World::current() {
            Some(world) => {
                let on = on.to_socket_addrs()?.next().ok_or(io::ErrorKind::NotFound)?;
                let address = world.listen(on, Some(VecDeque::new()))?;
                Ok(Self::Memory(world, address))
            }
            None => Ok(Self::Socket(TcpListener::bind(on)?)),
        }
    }

    /// Returns the address on which it listens
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        match self {
            Self::Socket(socket) => socket.local_addr(),
            Self::Memory(_, address) => Ok(*address),
        }
    }

    /// Accepts a connection within [`PATIENCE`]
    ///
    /// # Panics
    ///
    /// If nobody connects.
    #[must_use]
    pub fn accept(&self) -> Stream {
        scripted::accept(self)
    }

    /// Accepts a connection in memory without waiting
    pub(crate) fn try_accept(&self) -> io::Result<Stream> {
        let Self::Memory(world, address) = self else {
            unreachable!("sockets accept by themselves")
        };
        let accepted = world.try_accept(*address).map(Stream::Memory);
        accepted.ok_or_else(|| io::ErrorKind::WouldBlock.into())
    }
}

impl Connection for Stream {
    type Listener = Listener;
    type Thread = Thread;

    fn open(to: SocketAddr) -> io::Result<Self> {
        Self::connect(to)
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

    fn start(run: impl FnOnce() + Send + 'static) -> Thread {
        Thread::start(run)
    }

    fn join(thread: Thread) -> thread::Result<()> {
        thread.join()
    }
}

impl scripted::Listener for Listener {
    type Connection = Stream;

    fn listen(on: SocketAddr) -> io::Result<Self> {
        Self::bind(on)
    }

    fn address(&self) -> io::Result<SocketAddr> {
        self.local_addr()
    }

    fn next(&self) -> io::Result<Stream> {
        match self {
            Self::Socket(listener) => Ok(Stream::Socket(scripted::Listener::next(listener)?)),
            Self::Memory(world, address) => {
                let accepted = world.accept(*address).map(Stream::Memory);
                accepted.ok_or_else(|| io::ErrorKind::TimedOut.into())
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Self::Memory(world, address) = self {
            world.unlisten(*address);
        }
    }
}

/// Keeps its content alive as long as it lives
#[derive(Debug)]
pub struct Held {
    _listener: Listener,
    _queue: Vec<TcpStream>,
}

/// Returns a port on which connecting neither succeeds nor fails: its listener's queue is full
///
/// # Panics
///
/// If the system accepts more connections than the queue should hold.
#[must_use]
pub fn silent_port() -> (SocketAddr, Held) {
    if let Some(world) = World::current() {
        let address = world.listen((Ipv4Addr::LOCALHOST, 0).into(), None).unwrap();
        let listener = Listener::Memory(world, address);
        return (address, Held { _listener: listener, _queue: Vec::new() });
    }
    let (domain, type_) = (socket2::Domain::IPV4, socket2::Type::STREAM);
    let socket = socket2::Socket::new(domain, type_, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    socket.listen(0).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let mut queue = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(100)) {
        queue.push(stream);
        assert!(queue.len() < 100, "the queue never fills");
    }
    (address, Held { _listener: Listener::Socket(socket.into()), _queue: queue })
}

/// Waits, by the clock of this thread's servers
pub fn pause(duration: Duration) {
    match World::current() {
        Some(world) => {
            let until = world.now() + duration;
            let never: Option<()> = world.wait(Some(until), |_| None);
            assert_eq!(never, None);
        }
        None => thread::sleep(duration),
    }
}

/// The time since an arbitrary point in the past, by the clock of this thread's servers
#[must_use]
pub fn now() -> Duration {
    static BEGUN: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    match World::current() {
        Some(world) => world.now(),
        None => BEGUN.elapsed(),
    }
}

/// A thread in the same world as the thread that started it
#[derive(Debug)]
pub struct Thread {
    handle: thread::JoinHandle<()>,
    over: Arc<Mutex<bool>>,
}

impl Thread {
    /// Starts a thread
    pub fn start(run: impl FnOnce() + Send + 'static) -> Self {
        /// Removes the thread from the world, also after a panic
        struct Leave(Arc<World>, Arc<Mutex<bool>>);
        impl Drop for Leave {
            fn drop(&mut self) {
                self.0.leave(|| *self.1.lock().unwrap() = true);
            }
        }
        let (world, over) = (World::current(), Arc::<Mutex<bool>>::default());
        let leave = world.map(|world| {
            world.expect_thread();
            Leave(world, Arc::clone(&over))
        });
        let handle = thread::spawn(move || {
            if let Some(Leave(world, _)) = &leave {
                Arc::clone(world).join();
            }
            run();
            drop(leave);
        });
        Self { handle, over }
    }

    /// Waits for the thread to end
    ///
    /// # Errors
    ///
    /// What it panicked with.
    pub fn join(self) -> thread::Result<()> {
        if let Some(world) = World::current() {
            world.wait(None, |_| self.over.lock().unwrap().then_some(()));
        }
        self.handle.join()
    }
}
