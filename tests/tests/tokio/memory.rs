//! Connections in memory, with a SOCKS5 proxy or without; each reads or writes only once per poll of the task, and only
//! a few bytes

use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use ftp_session::{Options, Slot};
use ftp_tests::memory::Server;
use ftp_tokio::{Channel, Client, Error, Target};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Maximum number of bytes of a read or write
const PORTION: usize = 100;

/// Name of the proxy
pub(crate) const PROXY: &str = "proxy";

thread_local! {
    /// Counts the polls of the task
    static POLLS: Cell<u64> = const { Cell::new(0) };
}

/// Runs a task whose connections do one thing in each of its polls
pub(crate) async fn slowly<T>(task: impl Future<Output = T>) -> T {
    let mut task = pin!(task);
    poll_fn(|context| {
        POLLS.set(POLLS.get() + 1);
        task.as_mut().poll(context)
    })
    .await
}

/// A server, and the tasks that wait for its output
#[derive(Clone)]
pub(crate) struct World(Arc<Mutex<State>>);

struct State {
    server: Server,
    readers: BTreeMap<Slot, Waker>,
    /// The slot of the next data connection
    next: Slot,
}

impl World {
    pub(crate) fn new(server: Server) -> Self {
        let state = State { server, readers: BTreeMap::new(), next: Slot::Data };
        Self(Arc::new(Mutex::new(state)))
    }

    pub(crate) fn server<T>(&self, look: impl FnOnce(&mut Server) -> T) -> T {
        look(&mut self.lock().server)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Connects, through a proxy if the options have one
    pub(crate) async fn connect(&self, options: Options) -> Result<Client, Error> {
        let world = self.clone();
        let is_proxied = options.first_hop().is_some_and(|(host, _)| host == PROXY);
        Client::connect_with("localhost", options, move |target: Target| {
            let stream = world.open(target.channel, is_proxied.then(Tunnel::default));
            async move { Ok(stream) }
        })
        .await
    }

    fn open(&self, channel: Channel, tunnel: Option<Tunnel>) -> Stream {
        let mut state = self.lock();
        let slot = match channel {
            Channel::Control => Slot::Control,
            Channel::Data => state.next,
        };
        if channel == Channel::Data {
            state.next = if slot == Slot::Data { Slot::NextData } else { Slot::Data };
        }
        state.server.gone(slot);
        if tunnel.is_none() {
            state.server.opened(slot);
        }
        state.wake();
        drop(state);
        Stream { world: self.clone(), slot, tunnel, poll: POLLS.get() }
    }
}

impl State {
    /// Any event may concern every task
    fn wake(&mut self) {
        for (_, reader) in std::mem::take(&mut self.readers) {
            reader.wake();
        }
    }
}

/// The client's end of a connection
struct Stream {
    world: World,
    slot: Slot,
    /// The proxy, until its client has read all that it answers
    tunnel: Option<Tunnel>,
    /// The last poll in which it did something
    poll: u64,
}

/// A proxy that connects to the server, whatever target is requested
#[derive(Default)]
struct Tunnel {
    asked: Vec<u8>,
    answer: VecDeque<u8>,
    is_connected: bool,
}

impl Tunnel {
    /// Returns whether the server is to be connected now
    fn hear(&mut self, bytes: &[u8]) -> bool {
        self.asked.extend_from_slice(bytes);
        // The method "none", then a name, with its length, and a port.
        match *self.asked {
            [5, 1, 0] => {
                self.answer.extend([5, 0]);
                false
            }
            [5, 1, 0, 5, 1, 0, 3, length, ..]
                if self.asked.len() == 8 + usize::from(length) + 2 =>
            {
                self.answer.extend([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
                self.is_connected = true;
                true
            }
            _ => false,
        }
    }
}

impl Stream {
    fn delay(&mut self, context: &Context<'_>) -> Poll<()> {
        if self.poll == POLLS.get() {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.poll = POLLS.get();
        Poll::Ready(())
    }

    fn read_answer(
        &mut self,
        context: &Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.delay(context).is_pending() {
            return Poll::Pending;
        }
        let Some(tunnel) = &mut self.tunnel else { return Poll::Pending };
        let count = tunnel.answer.len().min(buffer.remaining());
        buffer.put_slice(&tunnel.answer.drain(..count).collect::<Vec<u8>>());
        if tunnel.is_connected && tunnel.answer.is_empty() {
            self.tunnel = None;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let slot = self.slot;
        let world = self.world.clone();
        if let Some(tunnel) = &self.tunnel {
            if tunnel.answer.is_empty() {
                // The task is woken by the next thing that it waits for.
                world.lock().readers.insert(slot, context.waker().clone());
                return Poll::Pending;
            }
            return self.read_answer(context, buffer);
        }
        let mut state = world.lock();
        if !state.server.has(slot) {
            return Poll::Ready(Ok(()));
        }
        let there = state.server.outgoing(slot).len();
        if there == 0 && state.server.is_closing(slot) {
            return Poll::Ready(Ok(()));
        }
        if there == 0 {
            state.readers.insert(slot, context.waker().clone());
            return Poll::Pending;
        }
        if self.delay(context).is_pending() {
            return Poll::Pending;
        }
        let count = there.min(buffer.remaining()).min(PORTION);
        let bytes: Vec<u8> = state.server.outgoing(slot).drain(..count).collect();
        buffer.put_slice(&bytes);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.delay(context).is_pending() {
            return Poll::Pending;
        }
        let count = bytes.len().min(PORTION);
        let slot = self.slot;
        let world = self.world.clone();
        let mut state = world.lock();
        if let Some(tunnel) = &mut self.tunnel {
            if tunnel.hear(&bytes[..count]) {
                state.server.opened(slot);
            }
            state.wake();
            return Poll::Ready(Ok(count));
        }
        if !state.server.has(self.slot) {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        state.server.received(self.slot, &bytes[..count]);
        state.wake();
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.delay(context).is_pending() {
            return Poll::Pending;
        }
        let mut state = self.world.lock();
        state.server.ended(self.slot);
        state.wake();
        Poll::Ready(Ok(()))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let mut state = self.world.lock();
        state.server.gone(self.slot);
        state.wake();
    }
}
