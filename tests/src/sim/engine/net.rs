//! The network: connections whose bytes take their time and come in pieces, as the client's system shows them

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

use ftp_proto::{DataFailure, Ends, Source};
use ftp_session::{Interest, Slot};

use super::manner::Manner;
use crate::script::Seed;
use crate::sim::replies::Replies;
use crate::sim::{DataFault, Gone, Move, MoveEnd, Side, WireFault};

pub(super) use link::{Handshake, Link};
pub(super) use sock::{Edge, Level, Listening, Sock};

/// The client
pub(super) const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
/// The server
pub(super) const THERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 9));
/// Where the server takes sessions
pub(super) const PORT: u16 = 21;

/// The client's end of a connection
fn local(link: usize) -> SocketAddr {
    SocketAddr::new(HERE, 30_000 + link as u16)
}

/// What is on its way
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    /// The first; what it comes to is the server's
    Syn,
    /// The connection is open
    Open,
    /// There is nobody
    Refused,
    /// Bytes, with what they are
    Bytes(Vec<u8>, Plain),
    /// The end of one direction
    End,
    /// The end of both, at once
    Reset,
}

/// What of the plaintext bytes carry
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plain {
    /// Each is one
    Each,
    /// With the last of them so many are complete
    Whole(usize),
}

/// What becomes due on the server or with the client's user
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timer {
    /// The server has waited long enough for this data connection
    AcceptTimeout(u32),
    /// A reply that answers nothing
    Stray(u16),
    /// All of a download has been sent
    AllSent(u32),
    /// The server notices that this data connection has broken
    Broken(u32),
    /// The server takes what has come of an upload for all of it
    Swallowed(u32),
    /// The control connection ends
    ControlEnd,
    /// The user gives up the download after the task
    AbortNext,
    /// The user goes on
    Resume,
    /// What this connection is ready for is told, once more or for the first time
    Tell(usize),
}

/// What has happened
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Happening {
    /// Something has come to the client's end of this connection
    ToClient(usize, Interest),
    /// Somebody has connected to the client's listener in this slot
    ToListener(Slot),
    /// Something has come to the server
    ToServer(usize, Segment),
    /// Something is due
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

/// All connections, and the book of what they brought
#[derive(Debug)]
pub(super) struct Net {
    pub(super) now: Duration,
    pub(super) seed: Seed,
    pub(super) manner: Manner,
    /// The control connection's book
    pub(super) control: Replies,
    queue: BTreeMap<(Duration, u64), Arrival>,
    sequence: u64,
    links: Vec<Link>,
    listener: Option<Listener>,
    /// Data connections that were begun
    pub(super) number: u32,
    pub(super) moves: BTreeMap<u32, Move>,
    pub(super) received: BTreeMap<u32, Vec<u8>>,
    pub(super) gone: Option<Gone>,
    /// What befalls the next data connection
    pub(super) next: Option<DataFault>,
    /// Commands that the session has said so far, and one for the greeting
    pub(super) asked: Arc<AtomicUsize>,
    /// Bytes on the wire while the task was under way
    pub(super) wires: [[usize; 2]; 2],
    /// What happened, a line each
    pub(super) trace: Option<String>,
}

/// Shared by all ends
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

    /// Both ends of a connection
    pub(super) fn ends(&self, link: usize) -> Ends {
        let peer = self.links[link].to;
        Ends { local: local(link), source: Source::System, peer }
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

    /// Has the shell told what a connection is ready for, as epoll does when a socket is registered
    pub(super) fn tell(&mut self, link: usize) {
        self.due(self.now, Timer::Tell(link));
    }

    /// Sends to the client; when it comes
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

    /// The network fails
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

    /// How much has gone over the control and the first data connection so far
    pub(super) fn note_wires(&mut self) {
        for (number, wires) in self.wires.iter_mut().enumerate() {
            let link = self.links.iter().find(|link| link.number as usize == number);
            *wires = link.map_or([0; 2], |link| link.carried);
        }
    }

    /// How far the TLS of a connection is
    pub(super) fn note_tls(&mut self, link: usize, handshake: Handshake) {
        self.links[link].tls = handshake;
    }

    /// When the next thing happens
    pub(super) fn next_arrival(&self) -> Option<Duration> {
        self.queue.keys().next().map(|(at, _)| *at)
    }

    /// The next thing happens; the clock may be ahead of it
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
                        // Nobody reads that any more.
                        self.reset(link);
                    }
                }
                Some(Happening::ToServer(link, segment))
            }
        }
    }

    /// The server's connection has come to where the client listens, or did
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

    /// What the client sees of a connection
    pub(super) fn readiness(&self, link: usize) -> Interest {
        self.links[link].readiness()
    }

    pub(super) fn listener_is_ready(&self) -> bool {
        self.listener.as_ref().is_some_and(|listener| !listener.queue.is_empty())
    }
}

/// The server's side
impl Net {
    /// Takes a connection
    pub(super) fn open(&mut self, link: usize) {
        self.send_to_client(link, Segment::Open);
    }

    /// Sends nothing for so long
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

    /// What the client is told when it has read so far: the end that TLS has
    pub(super) fn promise(&mut self, link: usize, end: MoveEnd) {
        let link = &mut self.links[link];
        link.promised = Some((link.sent, end));
    }

    /// Ends the direction to the client; an end without a [promise](Self::promise) is this one
    pub(super) fn end(&mut self, link: usize, end: MoveEnd) -> Duration {
        self.links[link].at_end = end;
        self.send_to_client(link, Segment::End)
    }

    /// The server has closed its end: what comes is answered with a reset
    pub(super) fn close_there(&mut self, link: usize) {
        self.links[link].closed_there = true;
    }

    /// Breaks a connection; when the client is told
    pub(super) fn reset(&mut self, link: usize) -> Duration {
        self.links[link].closed_there = true;
        self.send_to_client(link, Segment::Reset)
    }

    /// Takes no more than so many bytes from now on
    pub(super) fn limit(&mut self, link: usize, most: usize) {
        let link = &mut self.links[link];
        link.most = Some(link.written + most);
    }

    /// Connects to the client's listener; `None` if there is none, else the connection and when it is open here, too
    pub(super) fn call(&mut self, to: SocketAddr) -> Option<(usize, Duration)> {
        let listener = self.listener.as_ref().filter(|listener| listener.address == to)?;
        let (slot, number) = (listener.slot, self.number);
        let link = self.add(slot, to, number);
        let at = self.send_to_client(link, Segment::Open);
        Some((link, at))
    }
}
