//! The network: connections whose bytes take time and arrive in pieces, as the client's system presents them

mod client;
mod link;
mod sock;

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use ftp_proto::{DataFailure, Endpoints, SourceSelection};
use ftp_session::{Interest, Slot};

use super::manner::Manner;
use crate::replies::Replies;
use crate::seed::Seed;
use crate::{DataFault, Gone, Move, MoveEnd, Side, WireFault};

pub(super) use link::{Handshake, Link};
pub(super) use sock::{Edge, Level, Listening, Sock};

/// The client's address
pub(super) const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
/// The server's address
pub(super) const THERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 9));
/// The port of the server's control connections
pub(super) const PORT: u16 = 21;

/// Returns the address of the client's end of a connection
fn local(link: usize) -> SocketAddr {
    SocketAddr::new(HERE, 30_000 + link as u16)
}

/// A segment in flight
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    /// The first one; the server decides about its answer
    Syn,
    /// The connection is open
    Open,
    /// Nothing listens there
    Refused,
    /// Bytes, with the plaintext in them
    Bytes(Vec<u8>, Plain),
    /// The end of one direction
    End,
    /// The end of both directions at once
    Reset,
}

/// The plaintext in a segment's bytes
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plain {
    /// Each byte is one of plaintext
    Each,
    /// With the last byte, this many bytes of plaintext are complete
    Whole(usize),
}

/// A timer of the server or of the client's user
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timer {
    /// The server has waited long enough for this data connection
    AcceptTimeout(u32),
    /// A reply that answers no command
    Stray(u16),
    /// All of a download has been sent
    AllSent(u32),
    /// The server notices that this data connection has broken
    Broken(u32),
    /// The server treats what has arrived of an upload as complete
    Swallowed(u32),
    /// The control connection ends
    ControlEnd,
    /// The user aborts the download after the task
    AbortNext,
    /// The user continues
    Resume,
    /// The readiness of this connection is reported, again or for the first time
    Tell(usize),
}

/// An event
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Happening {
    /// A segment has arrived at the client's end of this connection
    ToClient(usize, Interest),
    /// A connection has been made to the client's listener in this slot
    ToListener(Slot),
    /// A segment has arrived at the server
    ToServer(usize, Segment),
    /// A timer has expired
    Due(Timer),
}

#[derive(Clone, Debug)]
enum Arrival {
    Client(usize, Segment),
    Server(usize, Segment),
    Due(Timer),
}

/// The client's listener
#[derive(Debug)]
struct Listener {
    slot: Slot,
    address: SocketAddr,
    queue: VecDeque<usize>,
}

/// All connections, and the record of what they carried
#[derive(Debug)]
pub(super) struct Net {
    pub(super) now: Duration,
    pub(super) seed: Seed,
    pub(super) manner: Manner,
    /// The record of the control connection
    pub(super) control: Replies,
    queue: BTreeMap<(Duration, u64), Arrival>,
    sequence: u64,
    links: Vec<Link>,
    listener: Option<Listener>,
    /// Number of data connections begun
    pub(super) number: u32,
    pub(super) moves: BTreeMap<u32, Move>,
    pub(super) received: BTreeMap<u32, Vec<u8>>,
    pub(super) gone: Option<Gone>,
    /// The fault of the next data connection
    pub(super) next: Option<DataFault>,
    /// Number of commands that the session has sent, plus one for the greeting
    pub(super) asked: Arc<AtomicUsize>,
    /// Bytes on the wire while the task was running
    pub(super) wires: [[usize; 2]; 2],
    /// A checksum of everything that has crossed the network, and when
    pub(super) digest: u64,
    /// The trace, one event per line
    pub(super) trace: Option<String>,
}

/// Shared by both ends of all connections
pub(super) type Shared = Rc<RefCell<Net>>;

impl Net {
    pub(super) fn new(seed: Seed, manner: Manner, control: Replies) -> Self {
        Self {
            now: Duration::ZERO,
            seed,
            manner,
            control,
            queue: BTreeMap::new(),
            sequence: 0,
            links: Vec::new(),
            listener: None,
            number: 0,
            moves: BTreeMap::new(),
            received: BTreeMap::new(),
            gone: None,
            next: None,
            asked: Arc::default(),
            wires: [[0; 2]; 2],
            digest: 0,
            trace: None,
        }
    }

    pub(super) fn link(&self, link: usize) -> &Link {
        &self.links[link]
    }

    pub(super) fn note(&mut self, line: impl FnOnce() -> String) {
        let now = self.now.as_micros();
        if let Some(trace) = &mut self.trace {
            let _ = writeln!(trace, "{now:>12} {}", line());
        }
    }

    /// Returns both addresses of a connection
    pub(super) fn endpoints(&self, link: usize) -> Endpoints {
        let peer = self.links[link].to;
        Endpoints { local: local(link), source: SourceSelection::System, peer }
    }

    fn latency(&mut self) -> Duration {
        Duration::from_micros(100 + self.seed.below(40_000) as u64)
    }

    fn at(&mut self, at: Duration, arrival: Arrival) {
        self.sequence += 1;
        self.queue.insert((at, self.sequence), arrival);
    }

    pub(super) fn due(&mut self, at: Duration, timer: Timer) {
        self.at(at, Arrival::Due(timer));
    }

    /// Reports the readiness of a connection to the shell, as epoll does when a socket is registered
    pub(super) fn tell(&mut self, link: usize) {
        self.due(self.now, Timer::Tell(link));
    }

    /// Sends to the client; returns when it arrives
    fn send_to_client(&mut self, link: usize, segment: Segment) -> Duration {
        self.carry(link, Side::Server, segment)
    }

    fn send_to_server(&mut self, link: usize, segment: Segment) {
        self.carry(link, Side::Client, segment);
    }

    fn carry(&mut self, link: usize, side: Side, segment: Segment) -> Duration {
        if self.links[link].severed {
            return self.now;
        }
        let mut segment = segment;
        let mut fault = None;
        if let Segment::Bytes(bytes, _) = &mut segment {
            let (passed, fails) = self.links[link].passes(side, bytes.len());
            bytes.truncate(passed);
            fault = fails;
        } else if segment == Segment::End {
            fault = self.links[link].passes(side, 0).1;
        }
        let at = (self.now + self.latency()).max(self.links[link].last[side as usize]);
        self.links[link].last[side as usize] = at;
        let arrive = match side {
            Side::Server => Arrival::Client,
            Side::Client => Arrival::Server,
        };
        self.record(link, side, &segment, at);
        match fault {
            None => self.at(at, arrive(link, segment)),
            Some(how) => {
                if matches!(&segment, Segment::Bytes(bytes, _) if !bytes.is_empty()) {
                    self.at(at, arrive(link, segment));
                }
                self.fail(link, at, how);
            }
        }
        at
    }

    /// Adds a segment to the trace and to the checksum
    fn record(&mut self, link: usize, side: Side, segment: &Segment, at: Duration) {
        self.note(|| format!("  {side:?} {link} sends {segment:?}, which arrives at {at:?}"));
        let bytes = match segment {
            Segment::Bytes(bytes, _) => bytes.as_slice(),
            Segment::Syn => b"syn",
            Segment::Open => b"open",
            Segment::Refused => b"refused",
            Segment::End => b"end",
            Segment::Reset => b"reset",
        };
        let mut add = |number: u64| {
            self.digest = (self.digest.rotate_left(5) ^ number).wrapping_mul(0x517C_C1B7_2722_0A95);
        };
        add(at.as_micros() as u64);
        add((link * 2 + side as usize) as u64);
        add(bytes.len() as u64);
        for word in bytes.chunks(8) {
            let mut whole = [0; 8];
            whole[..word.len()].copy_from_slice(word);
            add(u64::from_le_bytes(whole));
        }
    }

    /// Lets the network fail
    fn fail(&mut self, link: usize, at: Duration, how: WireFault) {
        let end = &mut self.links[link];
        end.severed = true;
        let both = end.last[0].max(end.last[1]).max(at);
        let to_client = match how {
            WireFault::Silent => return,
            WireFault::Reset => Segment::Reset,
            WireFault::Cut => {
                end.at_end = match end.tls {
                    Handshake::None => MoveEnd::Finished,
                    Handshake::Begun => MoveEnd::Failed(DataFailure::Tls),
                    Handshake::Done => MoveEnd::Ragged,
                };
                Segment::End
            }
        };
        self.at(both, Arrival::Client(link, to_client));
        self.at(both, Arrival::Server(link, Segment::Reset));
    }

    /// Notes how many bytes the control and the first data connection have carried
    pub(super) fn note_wires(&mut self) {
        for (number, wires) in self.wires.iter_mut().enumerate() {
            let link = self.links.iter().find(|link| link.number as usize == number);
            *wires = link.map_or([0; 2], |link| link.carried);
        }
    }

    /// Notes the state of a connection's TLS
    pub(super) fn note_tls(&mut self, link: usize, handshake: Handshake) {
        self.links[link].tls = handshake;
    }

    /// The time of the next event
    pub(super) fn next_arrival(&self) -> Option<Duration> {
        self.queue.keys().next().map(|(at, _)| *at)
    }

    /// Returns the next event; the clock may be ahead of it
    pub(super) fn advance(&mut self) -> Option<Happening> {
        let ((at, _), arrival) = self.queue.pop_first()?;
        self.now = self.now.max(at);
        match arrival {
            Arrival::Due(timer) => {
                if let Timer::Tell(link) = timer {
                    return Some(Happening::ToClient(link, self.links[link].readiness()));
                }
                Some(Happening::Due(timer))
            }
            Arrival::Client(link, segment) => {
                if self.links[link].is_called() && segment == Segment::Open {
                    return Some(self.called(link));
                }
                let interest = self.links[link].arrive(segment);
                Some(Happening::ToClient(link, interest))
            }
            Arrival::Server(link, segment) => {
                let end = &mut self.links[link];
                if let Segment::Bytes(bytes, _) = &segment {
                    end.flying -= bytes.len();
                    if end.closed_there {
                        // The client no longer reads it.
                        self.reset(link);
                    }
                }
                Some(Happening::ToServer(link, segment))
            }
        }
    }

    /// Handles a connection of the server that has reached, or missed, the client's listener
    fn called(&mut self, link: usize) -> Happening {
        let to = self.links[link].to;
        match self.listener.as_mut().filter(|listener| listener.address == to) {
            Some(listener) => {
                listener.queue.push_back(link);
                Happening::ToListener(listener.slot)
            }
            None => {
                self.links[link].closed = true;
                self.send_to_server(link, Segment::Reset);
                Happening::ToClient(link, Interest::NONE)
            }
        }
    }

    /// Whether writing has become possible again
    pub(super) fn unblocks(&self, link: usize) -> bool {
        let link = &self.links[link];
        !link.closed && link.room() > 0
    }

    /// Returns the readiness of a connection for the client
    pub(super) fn readiness(&self, link: usize) -> Interest {
        self.links[link].readiness()
    }

    pub(super) fn listener_is_ready(&self) -> bool {
        self.listener.as_ref().is_some_and(|listener| !listener.queue.is_empty())
    }
}

/// The server's side
impl Net {
    /// Accepts a connection
    pub(super) fn open(&mut self, link: usize) {
        self.send_to_client(link, Segment::Open);
    }

    /// Sends nothing until this time
    pub(super) fn pause(&mut self, link: usize, until: Duration) {
        self.links[link].last[0] = self.links[link].last[0].max(until);
    }

    /// Sends bytes
    pub(super) fn send(&mut self, link: usize, bytes: Vec<u8>, plain: Plain) -> Duration {
        self.links[link].sent += bytes.len();
        let mut rest = bytes;
        while self.manner.splits && rest.len() > 1 {
            let tail = rest.split_off(1 + self.seed.below(rest.len() - 1));
            let incomplete = match plain {
                Plain::Each => Plain::Each,
                Plain::Whole(_) => Plain::Whole(0),
            };
            self.send_to_client(link, Segment::Bytes(rest, incomplete));
            rest = tail;
            if self.seed.below(2) == 0 {
                break;
            }
        }
        self.send_to_client(link, Segment::Bytes(rest, plain))
    }

    /// Sets the end that the client must be told once it has read this far: the end of TLS
    pub(super) fn promise(&mut self, link: usize, end: MoveEnd) {
        let link = &mut self.links[link];
        link.promised = Some((link.sent, end));
    }

    /// Ends the direction to the client; without a [promise](Self::promise) this is its end
    pub(super) fn end(&mut self, link: usize, end: MoveEnd) -> Duration {
        self.links[link].at_end = end;
        self.send_to_client(link, Segment::End)
    }

    /// Closes the server's end: what arrives is answered with a reset
    pub(super) fn close_there(&mut self, link: usize) {
        self.links[link].closed_there = true;
    }

    /// Resets a connection; returns when the client learns of it
    pub(super) fn reset(&mut self, link: usize) -> Duration {
        self.links[link].closed_there = true;
        self.send_to_client(link, Segment::Reset)
    }

    /// Accepts at most this many bytes in total
    pub(super) fn limit(&mut self, link: usize, most: usize) {
        let link = &mut self.links[link];
        link.most = Some(link.written + most);
    }

    /// Connects to the client's listener; returns the connection and when it is open on this side, `None` if nothing
    /// listens
    pub(super) fn call(&mut self, to: SocketAddr) -> Option<(usize, Duration)> {
        let listener = self.listener.as_ref().filter(|listener| listener.address == to)?;
        let (slot, number) = (listener.slot, self.number);
        let link = self.add(slot, to, number);
        let at = self.send_to_client(link, Segment::Open);
        Some((link, at))
    }
}
