//! Where scripted servers and their clients meet: on loopback, or in this process's memory, where time is virtual
//!
//! A thread that has [entered](World::enter) a world of its own has its servers there, and all threads that they
//! start. Elsewhere listeners and streams are sockets.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

/// How long a script waits for anything
pub const PATIENCE: Duration = Duration::from_secs(10);

/// What a connection in memory holds in each direction
const CAPACITY: usize = 256 * 1024;

/// How long a byte in memory is on its way: ten megabytes take a second, so that what never ends takes time
const FOR_A_BYTE: Duration = Duration::from_nanos(100);

thread_local! {
    static WORLD: RefCell<Option<Arc<World>>> = const { RefCell::new(None) };
}

/// Connections in memory, and a clock that runs when every thread waits
///
/// Time stands while a thread has something to do, but for the bytes that it sends, so nothing depends on how fast the
/// machine is.
#[derive(Debug, Default)]
pub struct World {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    now: Duration,
    /// Changes with everything that a thread could wait for
    version: u64,
    /// Threads that take part
    threads: usize,
    /// Those that wait: what they have seen, and when they give up
    waiting: BTreeMap<u64, (u64, Option<Duration>)>,
    count: u64,
    ports: u16,
    listeners: BTreeMap<SocketAddr, Backlog>,
    /// Both directions of each connection; the first is the client's to write
    connections: BTreeMap<u64, [Half; 2]>,
}

/// Who has connected and was not accepted yet; `None`: nobody ever will be
type Backlog = Option<VecDeque<Stream>>;

/// One direction of a connection
#[derive(Debug, Default)]
struct Half {
    bytes: VecDeque<u8>,
    /// The writer has ended it
    ended: bool,
    reader: Reader,
    /// It broke
    reset: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Reader {
    #[default]
    There,
    Gone,
    /// Gone, and the writer has noticed
    Missed,
}

/// An end of a connection in memory
#[derive(Debug)]
pub struct End {
    world: Arc<World>,
    id: u64,
    /// Which half it writes
    side: usize,
    local: SocketAddr,
    peer: SocketAddr,
    /// Its end is to be a break
    breaks: AtomicBool,
}

impl World {
    /// The world of this thread, made if there is none
    pub fn enter() -> Arc<Self> {
        WORLD.with_borrow_mut(|world| {
            let world = world.get_or_insert_with(|| {
                let world = Self::default();
                world.lock().threads = 1;
                Arc::new(world)
            });
            Arc::clone(world)
        })
    }

    fn current() -> Option<Arc<Self>> {
        WORLD.with_borrow(Clone::clone)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic of one thread is the test's report; the others go on to their ends.
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Changes something that others may wait for
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        state.version += 1;
        let result = change(&mut state);
        self.changed.notify_all();
        result
    }

    /// The time since it began
    pub fn now(&self) -> Duration {
        self.lock().now
    }

    /// Waits until the attempt succeeds; `None` if it has not at this time
    ///
    /// # Panics
    ///
    /// If every thread waits for another, and none for a time.
    pub(crate) fn wait<T>(
        &self,
        until: Option<Duration>,
        mut attempt: impl FnMut(&mut State) -> Option<T>,
    ) -> Option<T> {
        let me = thread_number(thread::current().id());
        let mut state = self.lock();
        loop {
            if let Some(result) = attempt(&mut state) {
                state.version += 1;
                self.changed.notify_all();
                return Some(result);
            }
            if until.is_some_and(|until| until <= state.now) {
                return None;
            }
            let version = state.version;
            state.waiting.insert(me, (version, until));
            let all = state.waiting.len() == state.threads;
            if all && state.waiting.values().all(|(seen, _)| *seen == version) {
                let next = state.waiting.values().filter_map(|(_, until)| *until).min();
                state.waiting.remove(&me);
                let Some(next) = next else { panic!("every thread waits for another") };
                state.now = next.max(state.now);
                state.version += 1;
                self.changed.notify_all();
                continue;
            }
            state = self.changed.wait(state).unwrap_or_else(std::sync::PoisonError::into_inner);
            state.waiting.remove(&me);
        }
    }

    /// Connects to a listener of this world
    ///
    /// # Errors
    ///
    /// `ConnectionRefused` if there is none; `WouldBlock` if it never answers.
    pub(crate) fn connect(
        self: &Arc<Self>,
        to: SocketAddr,
        from: Option<IpAddr>,
    ) -> io::Result<End> {
        self.change(|state| {
            let local = SocketAddr::new(from.unwrap_or_else(|| to.ip()), state.next_port());
            let id = state.count;
            state.count += 1;
            match state.listeners.get_mut(&to) {
                None => return Err(io::ErrorKind::ConnectionRefused.into()),
                Some(None) => return Err(io::ErrorKind::WouldBlock.into()),
                Some(Some(backlog)) => {
                    let world = Arc::clone(self);
                    let breaks = AtomicBool::new(false);
                    let end = End { world, id, side: 1, local: to, peer: local, breaks };
                    backlog.push_back(Stream::Memory(Arc::new(end)));
                }
            }
            state.connections.insert(id, Default::default());
            let (world, breaks) = (Arc::clone(self), AtomicBool::new(false));
            Ok(End { world, id, side: 0, local, peer: to, breaks })
        })
    }

    fn bind(self: &Arc<Self>, mut on: SocketAddr, backlog: Backlog) -> io::Result<Listener> {
        self.change(|state| {
            if on.port() == 0 {
                on.set_port(state.next_port());
            }
            if state.listeners.contains_key(&on) {
                return Err(io::ErrorKind::AddrInUse.into());
            }
            state.listeners.insert(on, backlog);
            Ok(Listener::Memory(Arc::clone(self), on))
        })
    }
}

fn thread_number(id: ThreadId) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

impl State {
    /// Whether a read of this end would not wait
    pub(crate) fn is_readable(&self, end: &End) -> bool {
        let half = &self.connections[&end.id][1 - end.side];
        !half.bytes.is_empty() || half.ended || half.reset
    }

    /// Whether a write of this end would not wait
    pub(crate) fn is_writable(&self, end: &End) -> bool {
        let half = &self.connections[&end.id][end.side];
        half.bytes.len() < CAPACITY || half.reset || half.reader != Reader::There
    }

    /// Whether somebody has connected to a listener
    pub(crate) fn has_caller(&self, address: SocketAddr) -> bool {
        matches!(self.listeners.get(&address), Some(Some(backlog)) if !backlog.is_empty())
    }

    fn next_port(&mut self) -> u16 {
        self.ports += 1;
        30_000 + self.ports
    }

    fn read(&mut self, end: &End, buffer: &mut [u8]) -> io::Result<usize> {
        let half = self.connections.get_mut(&end.id).map(|halves| &mut halves[1 - end.side]);
        let half = half.ok_or(io::ErrorKind::NotConnected)?;
        // What has arrived before the break can be read.
        match half.bytes.read(buffer)? {
            0 if half.reset => Err(io::ErrorKind::ConnectionReset.into()),
            0 if !buffer.is_empty() && !half.ended => Err(io::ErrorKind::WouldBlock.into()),
            count => Ok(count),
        }
    }

    fn write(&mut self, end: &End, bytes: &[u8]) -> io::Result<usize> {
        let half = self.connections.get_mut(&end.id).map(|halves| &mut halves[end.side]);
        let half = half.ok_or(io::ErrorKind::NotConnected)?;
        match half.reader {
            _ if half.reset => return Err(io::ErrorKind::ConnectionReset.into()),
            _ if half.ended => return Err(io::ErrorKind::BrokenPipe.into()),
            Reader::There => {}
            // As on a network, where the answer is still to come.
            Reader::Gone => {
                half.reader = Reader::Missed;
                return Ok(bytes.len());
            }
            Reader::Missed => return Err(io::ErrorKind::BrokenPipe.into()),
        }
        let count = bytes.len().min(CAPACITY - half.bytes.len());
        if count == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        half.bytes.extend(&bytes[..count]);
        self.now += FOR_A_BYTE * u32::try_from(count).expect("no more than fits");
        Ok(count)
    }

    fn end(&mut self, end: &End, how: Shutdown) {
        let Some(halves) = self.connections.get_mut(&end.id) else { return };
        if how != Shutdown::Read {
            halves[end.side].ended = true;
        }
        if how != Shutdown::Write {
            halves[1 - end.side].ended = true;
            halves[1 - end.side].reader = Reader::Gone;
        }
    }

    fn reset(&mut self, end: &End) {
        for half in self.connections.get_mut(&end.id).into_iter().flatten() {
            half.reset = true;
        }
    }
}

impl End {
    /// The other end's address
    pub(crate) const fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// This end's address
    pub(crate) const fn local(&self) -> SocketAddr {
        self.local
    }

    pub(crate) fn shut_down(&self, how: Shutdown) {
        self.world.change(|state| state.end(self, how));
    }

    /// Reads what there is, and never waits
    pub(crate) fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.world.change(|state| state.read(self, buffer))
    }

    /// Writes what there is room for, and never waits
    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.world.change(|state| state.write(self, bytes))
    }

    /// Tries for as long as scripts wait
    fn patiently<T>(&self, mut attempt: impl FnMut(&mut State) -> io::Result<T>) -> io::Result<T> {
        let until = self.world.now() + PATIENCE;
        let result = self.world.wait(Some(until), |state| match attempt(state) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
            result => Some(result),
        });
        result.unwrap_or(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.world.change(|state| {
            // As sockets do: what was sent and not read makes the end a break.
            let halves = state.connections.get(&self.id);
            let unread = halves.is_some_and(|halves| !halves[1 - self.side].bytes.is_empty());
            if unread || self.breaks.load(Ordering::Relaxed) {
                state.reset(self);
            }
            state.end(self, Shutdown::Both);
        });
    }
}

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
            None => Ok(Self::from(TcpStream::connect_timeout(&to, PATIENCE)?)),
        }
    }

    /// Connects from another address of this host
    ///
    /// # Panics
    ///
    /// If nobody listens.
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

    /// Another handle of the same connection
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

    /// Ends one direction or both
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

    /// Has the other end see a break when this one is closed, and not an end
    ///
    /// # Panics
    ///
    /// Never, on systems that have it.
    pub fn break_at_the_end(&self) {
        match self {
            Self::Socket(socket) => {
                socket2::SockRef::from(socket).set_linger(Some(Duration::ZERO)).unwrap();
            }
            Self::Memory(end) => end.breaks.store(true, Ordering::Relaxed),
        }
    }

    /// This end
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        match self {
            Self::Socket(socket) => socket.local_addr(),
            Self::Memory(end) => Ok(end.local),
        }
    }

    /// The other end
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        match self {
            Self::Socket(socket) => socket.peer_addr(),
            Self::Memory(end) => Ok(end.peer),
        }
    }
}

impl From<TcpStream> for Stream {
    fn from(socket: TcpStream) -> Self {
        let set = || {
            socket.set_nonblocking(false)?;
            socket.set_read_timeout(Some(PATIENCE))?;
            socket.set_write_timeout(Some(PATIENCE))?;
            socket.set_nodelay(true)
        };
        // Fails for a socket that is broken already, which the next call tells.
        let _ = set();
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

/// A listener of a script or of a client in active mode
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a test's own")]
pub enum Listener {
    /// A socket
    Socket(TcpListener),
    /// In memory
    Memory(Arc<World>, SocketAddr),
}

impl Listener {
    /// Listens where this thread's servers are
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn bind(on: impl ToSocketAddrs) -> io::Result<Self> {
        match World::current() {
            Some(world) => {
                let on = on.to_socket_addrs()?.next().ok_or(io::ErrorKind::NotFound)?;
                world.bind(on, Some(VecDeque::new()))
            }
            None => Ok(Self::Socket(TcpListener::bind(on)?)),
        }
    }

    /// Where it listens
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

    /// Accepts within [`PATIENCE`]
    ///
    /// # Panics
    ///
    /// If nobody comes.
    #[must_use]
    pub fn accept(&self) -> Stream {
        match self {
            Self::Socket(listener) => {
                listener.set_nonblocking(true).unwrap();
                let begun = Instant::now();
                loop {
                    match listener.accept() {
                        Ok((stream, _)) => return stream.into(),
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                            assert!(begun.elapsed() < PATIENCE, "nobody has connected");
                            thread::sleep(Duration::from_millis(1));
                        }
                        Err(error) => panic!("accept: {error}"),
                    }
                }
            }
            Self::Memory(world, address) => {
                let until = world.now() + PATIENCE;
                let stream = world.wait(Some(until), |state| state.accepted(*address));
                stream.expect("nobody has connected")
            }
        }
    }

    /// Who has connected in memory, without waiting
    pub(crate) fn try_accept(&self) -> io::Result<Stream> {
        let Self::Memory(world, address) = self else {
            unreachable!("sockets accept by themselves")
        };
        let accepted = world.change(|state| state.accepted(*address));
        accepted.ok_or_else(|| io::ErrorKind::WouldBlock.into())
    }
}

impl State {
    fn accepted(&mut self, address: SocketAddr) -> Option<Stream> {
        self.listeners.get_mut(&address)?.as_mut()?.pop_front()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Self::Memory(world, address) = self {
            // Whoever waits there is closed after the lock is free again.
            let _ = world.change(|state| state.listeners.remove(address));
        }
    }
}

/// Keeps what it has as long as it lives
#[derive(Debug)]
pub struct Held {
    _listener: Listener,
    _queue: Vec<TcpStream>,
}

/// A port where connecting neither succeeds nor fails: a listener whose queue is full
///
/// # Panics
///
/// If the system takes everybody.
#[must_use]
pub fn silent_port() -> (SocketAddr, Held) {
    if let Some(world) = World::current() {
        let listener = world.bind((Ipv4Addr::LOCALHOST, 0).into(), None).unwrap();
        let address = listener.local_addr().unwrap();
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

/// The time since any point in the past, by the clock of this thread's servers
#[must_use]
pub fn now() -> Duration {
    static BEGUN: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    match World::current() {
        Some(world) => world.now(),
        None => BEGUN.elapsed(),
    }
}

/// A thread that lives where the one that started it does
#[derive(Debug)]
pub struct Thread {
    handle: thread::JoinHandle<()>,
    over: Arc<Mutex<bool>>,
}

impl Thread {
    /// Starts one
    pub fn start(run: impl FnOnce() + Send + 'static) -> Self {
        /// Counts the thread out, also after a panic
        struct Leave(Arc<World>, Arc<Mutex<bool>>);
        impl Drop for Leave {
            fn drop(&mut self) {
                WORLD.with_borrow_mut(Option::take);
                self.0.change(|state| {
                    state.threads -= 1;
                    *self.1.lock().unwrap() = true;
                });
            }
        }
        let (world, over) = (World::current(), Arc::<Mutex<bool>>::default());
        let leave = world.map(|world| {
            world.change(|state| state.threads += 1);
            Leave(world, Arc::clone(&over))
        });
        let handle = thread::spawn(move || {
            if let Some(Leave(world, _)) = &leave {
                WORLD.set(Some(Arc::clone(world)));
            }
            run();
            drop(leave);
        });
        Self { handle, over }
    }

    /// Waits for its end
    ///
    /// # Panics
    ///
    /// If it did.
    pub fn join(self) {
        if let Some(world) = World::current() {
            world.wait(None, |_| self.over.lock().unwrap().then_some(()));
        }
        if let Err(panic) = self.handle.join() {
            std::panic::resume_unwind(panic);
        }
    }
}
