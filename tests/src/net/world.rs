//! Connections in memory, and a clock that runs when every thread waits

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Read};
use std::net::{IpAddr, Shutdown, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, ThreadId};
use std::time::Duration;

use super::PATIENCE;

/// Capacity of a connection in memory, in each direction
const CAPACITY: usize = 256 * 1024;

/// Virtual time that a byte takes: ten megabytes take a second, so that endless data takes endless time
const FOR_A_BYTE: Duration = Duration::from_nanos(100);

thread_local! {
    static WORLD: RefCell<Option<Arc<World>>> = const { RefCell::new(None) };
}

/// Connections in memory, and a clock that advances when every thread waits
///
/// While a thread is working, time advances only by the bytes that it sends, so no result depends on the speed of the
/// machine.
#[derive(Debug, Default)]
pub struct World {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    now: Duration,
    /// Incremented by every change that a thread could wait for
    version: u64,
    /// The number of threads that take part
    threads: usize,
    /// The waiting threads: the version that each has seen, and when it gives up
    waiting: BTreeMap<u64, (u64, Option<Duration>)>,
    count: u64,
    ports: u16,
    listeners: BTreeMap<SocketAddr, Backlog>,
    /// Both directions of each connection; the client writes the first
    connections: BTreeMap<u64, [Half; 2]>,
}

/// Connections that were not accepted yet; `None` if none will ever be accepted
pub(super) type Backlog = Option<VecDeque<Arc<End>>>;

/// One direction of a connection
#[derive(Debug, Default)]
struct Half {
    bytes: VecDeque<u8>,
    /// The writer has ended it
    ended: bool,
    reader: Reader,
    /// It was reset
    reset: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Reader {
    #[default]
    There,
    Gone,
    /// The reader is gone, and the writer has noticed
    Missed,
}

/// One end of a connection in memory
#[derive(Debug)]
pub struct End {
    world: Arc<World>,
    id: u64,
    /// The index of the half that it writes
    side: usize,
    local: SocketAddr,
    peer: SocketAddr,
    /// Whether closing it resets the connection
    breaks: AtomicBool,
}

impl World {
    /// Returns the world of this thread; creates it if there is none
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

    pub(super) fn current() -> Option<Arc<Self>> {
        WORLD.with_borrow(Clone::clone)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The test reports the panic of one thread; the others run to their end.
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Changes something that other threads may wait for
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        state.version += 1;
        let result = change(&mut state);
        self.changed.notify_all();
        result
    }

    /// The time since the world was created
    pub fn now(&self) -> Duration {
        self.lock().now
    }

    /// Waits until the attempt succeeds; `None` if it has not succeeded at this time
    ///
    /// # Panics
    ///
    /// If every thread waits for another one, and none for a time.
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
    /// `ConnectionRefused` if there is none; `WouldBlock` if it never accepts.
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
                    backlog.push_back(Arc::new(end));
                }
            }
            state.connections.insert(id, Default::default());
            let (world, breaks) = (Arc::clone(self), AtomicBool::new(false));
            Ok(End { world, id, side: 0, local, peer: to, breaks })
        })
    }

    /// Listens on an address, where port 0 means any; returns the address with the port
    pub(super) fn listen(&self, mut on: SocketAddr, backlog: Backlog) -> io::Result<SocketAddr> {
        self.change(|state| {
            if on.port() == 0 {
                on.set_port(state.next_port());
            }
            if state.listeners.contains_key(&on) {
                return Err(io::ErrorKind::AddrInUse.into());
            }
            state.listeners.insert(on, backlog);
            Ok(on)
        })
    }

    /// Ends a listener, and drops the connections that it has not accepted
    pub(super) fn unlisten(&self, address: SocketAddr) {
        // The connections are closed after the lock is released.
        let _ = self.change(|state| state.listeners.remove(&address));
    }

    /// Accepts a connection without waiting
    pub(super) fn try_accept(&self, address: SocketAddr) -> Option<Arc<End>> {
        self.change(|state| state.accepted(address))
    }

    /// Accepts a connection within [`PATIENCE`]
    pub(super) fn accept(&self, address: SocketAddr) -> Option<Arc<End>> {
        let until = self.now() + PATIENCE;
        self.wait(Some(until), |state| state.accepted(address))
    }

    /// Counts one more thread from now on
    pub(super) fn expect_thread(&self) {
        self.change(|state| state.threads += 1);
    }

    /// Makes this thread take part
    pub(super) fn join(self: Arc<Self>) {
        WORLD.set(Some(self));
    }

    /// Removes this thread; `last` runs before any other thread notices
    pub(super) fn leave(&self, last: impl FnOnce()) {
        WORLD.with_borrow_mut(Option::take);
        self.change(|state| {
            state.threads -= 1;
            last();
        });
    }
}

fn thread_number(id: ThreadId) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

impl State {
    /// Whether a read of this end would not block
    pub(crate) fn is_readable(&self, end: &End) -> bool {
        let half = &self.connections[&end.id][1 - end.side];
        !half.bytes.is_empty() || half.ended || half.reset
    }

    /// Whether a write to this end would not block
    pub(crate) fn is_writable(&self, end: &End) -> bool {
        let half = &self.connections[&end.id][end.side];
        half.bytes.len() < CAPACITY || half.reset || half.reader != Reader::There
    }

    /// Whether a connection to this listener is waiting to be accepted
    pub(crate) fn has_caller(&self, address: SocketAddr) -> bool {
        matches!(self.listeners.get(&address), Some(Some(backlog)) if !backlog.is_empty())
    }

    fn accepted(&mut self, address: SocketAddr) -> Option<Arc<End>> {
        self.listeners.get_mut(&address)?.as_mut()?.pop_front()
    }

    fn next_port(&mut self) -> u16 {
        self.ports += 1;
        30_000 + self.ports
    }

    pub(super) fn read(&mut self, end: &End, buffer: &mut [u8]) -> io::Result<usize> {
        let half = self.connections.get_mut(&end.id).map(|halves| &mut halves[1 - end.side]);
        let half = half.ok_or(io::ErrorKind::NotConnected)?;
        // Bytes that arrived before the reset can be read.
        match half.bytes.read(buffer)? {
            0 if half.reset => Err(io::ErrorKind::ConnectionReset.into()),
            0 if !buffer.is_empty() && !half.ended => Err(io::ErrorKind::WouldBlock.into()),
            count => Ok(count),
        }
    }

    pub(super) fn write(&mut self, end: &End, bytes: &[u8]) -> io::Result<usize> {
        let half = self.connections.get_mut(&end.id).map(|halves| &mut halves[end.side]);
        let half = half.ok_or(io::ErrorKind::NotConnected)?;
        match half.reader {
            _ if half.reset => return Err(io::ErrorKind::ConnectionReset.into()),
            _ if half.ended => return Err(io::ErrorKind::BrokenPipe.into()),
            Reader::There => {}
            // As on a network, where the RST is still on its way.
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

    /// Makes closing this end reset the connection
    pub(crate) fn break_at_the_end(&self) {
        self.breaks.store(true, Ordering::Relaxed);
    }

    pub(crate) fn shut_down(&self, how: Shutdown) {
        self.world.change(|state| state.end(self, how));
    }

    /// Reads without waiting
    pub(crate) fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.world.change(|state| state.read(self, buffer))
    }

    /// Writes without waiting
    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.world.change(|state| state.write(self, bytes))
    }

    /// Tries for as long as scripts wait
    pub(super) fn patiently<T>(
        &self,
        mut attempt: impl FnMut(&mut State) -> io::Result<T>,
    ) -> io::Result<T> {
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
            // As with sockets: bytes that were received but not read turn the close into a reset.
            let halves = state.connections.get(&self.id);
            let unread = halves.is_some_and(|halves| !halves[1 - self.side].bytes.is_empty());
            if unread || self.breaks.load(Ordering::Relaxed) {
                state.reset(self);
            }
            state.end(self, Shutdown::Both);
        });
    }
}
