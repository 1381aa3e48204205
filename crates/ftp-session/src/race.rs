//! Connecting to a server with several addresses ("Happy Eyeballs", RFC 8305)
//!
//! The next address is tried as soon as one fails, or in parallel if it does not respond, so a broken IPv6 path costs
//! only a moment. At most two attempts run at a time, because a control connection has two slots. While further
//! addresses wait, a silent attempt is ended after a while, and repeated when all have been tried.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use ftp_proto::{SourceSelection, Time};

use crate::address::SourceAddress;
use crate::socket::Socket;
use crate::time::{has_passed, later};
use crate::transport::{Interest, Slot, Transport};

/// The delay that RFC 8305 section 5 recommends
const HEAD_START: Duration = Duration::from_millis(250);

/// How long an attempt may be silent while untried addresses wait: enough for a SYN to be sent twice
const SILENCE_LIMIT: Duration = Duration::from_secs(2);

const SLOTS: [Slot; 2] = [Slot::Control, Slot::SecondControl];

#[derive(Debug)]
pub(crate) struct Race<S> {
    /// The addresses to try, the next one last
    waiting: Vec<Candidate>,
    attempts: [Option<Attempt<S>>; 2],
    next_start: Option<Time>,
    source: Option<SourceAddress>,
    timeout: Duration,
    failures: Vec<(SocketAddr, io::Error)>,
}

#[derive(Clone, Copy, Debug)]
struct Candidate {
    address: SocketAddr,
    trial: Trial,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trial {
    First,
    /// It was ended early to make room for other addresses, and now gets its full time
    Second,
}

#[derive(Debug)]
struct Attempt<S> {
    socket: Socket<S>,
    /// The readiness to wait for
    interest: Interest,
    candidate: Candidate,
    deadline: Option<Time>,
    /// When it ends to make room for untried addresses
    yields_at: Option<Time>,
}

/// The state of a race after a step
#[derive(Debug)]
pub(crate) enum RaceState<S> {
    Undecided,
    /// The connection, its address, and the attempt's deadline
    Won(Socket<S>, SocketAddr, Option<Time>),
    /// The address that failed first, and the error
    Lost(SocketAddr, io::Error),
}

impl<S: Read + Write> Race<S> {
    /// Creates a race; `None` if no address can be used
    pub(crate) fn new(
        addresses: &[SocketAddr],
        source: Option<SourceAddress>,
        timeout: Duration,
    ) -> Option<Self> {
        let usable =
            |address: &&SocketAddr| source.is_none_or(|source| source.towards(**address).is_some());
        let addresses: Vec<_> = addresses.iter().filter(usable).copied().collect();
        let mut waiting = interleave(&addresses);
        waiting.reverse();
        let trial = Trial::First;
        let waiting: Vec<_> =
            waiting.into_iter().map(|address| Candidate { address, trial }).collect();
        let some = !waiting.is_empty();
        some.then_some(Self {
            waiting,
            attempts: [None, None],
            next_start: None,
            source,
            timeout,
            failures: Vec::new(),
        })
    }

    /// Who chooses the local address
    pub(crate) fn source(&self) -> SourceSelection {
        self.source.map_or(SourceSelection::System, |_| SourceSelection::Caller)
    }

    /// When the next address is due, or an attempt takes too long
    pub(crate) fn deadline(&self) -> Option<Time> {
        let next = self
            .next_start
            .filter(|_| !self.waiting.is_empty() && self.attempts.iter().any(Option::is_none));
        let attempts = self.attempts.iter().flatten();
        let ends = attempts.filter_map(|attempt| {
            let yields_at = attempt.yields_at.filter(|_| self.is_waited_for());
            [attempt.deadline, yields_at].into_iter().flatten().min()
        });
        ends.chain(next).min()
    }

    /// Whether an untried address waits for a slot
    fn is_waited_for(&self) -> bool {
        self.attempts.iter().all(Option::is_some)
            && self.waiting.iter().any(|candidate| candidate.trial == Trial::First)
    }

    pub(crate) fn sockets(&self) -> impl Iterator<Item = (&Socket<S>, Interest)> {
        self.attempts.iter().flatten().map(|attempt| (&attempt.socket, attempt.interest))
    }

    pub(crate) fn socket_mut(&mut self, slot: Slot) -> Option<&mut Socket<S>> {
        let attempts = self.attempts.iter_mut().flatten();
        attempts.map(|attempt| &mut attempt.socket).find(|socket| socket.slot == slot)
    }

    pub(crate) fn drive(
        &mut self,
        transport: &mut impl Transport<Stream = S>,
        now: Time,
    ) -> RaceState<S> {
        for index in 0..self.attempts.len() {
            let Some(Attempt { socket, interest, deadline, .. }) = &mut self.attempts[index] else {
                continue;
            };
            let result = if socket.ready.intersects(*interest) {
                transport.connected(socket.slot, socket.io_mut())
            } else {
                Ok(Some(*interest))
            };
            match result {
                Ok(None) => {
                    let Some(won) = self.attempts[index].take() else { continue };
                    self.give_up(transport);
                    return RaceState::Won(won.socket, won.candidate.address, won.deadline);
                }
                // The deadline holds even if the shell reports at every turn that it may be open.
                Ok(Some(_)) if has_passed(*deadline, now) => {
                    self.failed(index, transport, io::ErrorKind::TimedOut.into(), now);
                }
                // The shell may have reported readiness spuriously.
                Ok(Some(next)) => {
                    socket.ready = socket.ready.without(next);
                    *interest = next;
                }
                Err(error) => self.failed(index, transport, error, now),
            }
        }
        self.give_way(transport, now);
        loop {
            let idle = self.attempts.iter().all(Option::is_none);
            let due = idle || has_passed(self.next_start, now);
            let Some(index) = self.attempts.iter().position(Option::is_none).filter(|_| due) else {
                return RaceState::Undecided;
            };
            let Some(candidate) = self.waiting.pop() else {
                if !idle || self.failures.is_empty() {
                    return RaceState::Undecided;
                }
                let failures = std::mem::take(&mut self.failures);
                return RaceState::Lost(failures[0].0, all_failed(failures));
            };
            let address = candidate.address;
            let source = self.source.and_then(|source| source.towards(address));
            match transport.connect(SLOTS[index], address, source) {
                Ok(io) => {
                    self.attempts[index] = Some(Attempt {
                        socket: Socket::new(SLOTS[index], io),
                        interest: Interest::WRITE,
                        candidate,
                        deadline: later(now, self.timeout),
                        yields_at: match candidate.trial {
                            Trial::First => later(now, SILENCE_LIMIT),
                            Trial::Second => None,
                        },
                    });
                    self.next_start = later(now, HEAD_START);
                }
                Err(error) => self.failures.push((address, error)),
            }
        }
    }

    /// Ends one attempt that has been silent for long, to make room for an untried address
    fn give_way(&mut self, transport: &mut impl Transport<Stream = S>, now: Time) {
        if !self.is_waited_for() {
            return;
        }
        let silent = |attempt: &mut Attempt<S>| has_passed(attempt.yields_at, now);
        let Some(attempt) = self.attempts.iter_mut().find_map(|slot| slot.take_if(silent)) else {
            return;
        };
        transport.close(attempt.socket.into_io());
        let address = attempt.candidate.address;
        self.waiting.insert(0, Candidate { address, trial: Trial::Second });
    }

    fn failed(
        &mut self,
        index: usize,
        transport: &mut impl Transport<Stream = S>,
        error: io::Error,
        now: Time,
    ) {
        if let Some(attempt) = self.attempts[index].take() {
            transport.close(attempt.socket.into_io());
            self.failures.push((attempt.candidate.address, error));
            self.next_start = Some(now);
        }
    }

    pub(crate) fn give_up(&mut self, transport: &mut impl Transport<Stream = S>) {
        for attempt in self.attempts.iter_mut().filter_map(Option::take) {
            transport.close(attempt.socket.into_io());
        }
    }
}

/// Combines all failures into one error
fn all_failed(mut failures: Vec<(SocketAddr, io::Error)>) -> io::Error {
    if failures.len() == 1 {
        return failures.remove(0).1;
    }
    let kind = failures[0].1.kind();
    let texts: Vec<_> =
        failures.iter().map(|(address, error)| format!("{address}: {error}")).collect();
    io::Error::new(kind, texts.join("; "))
}

/// Returns one address of each family in turn, starting with the family of the first one
fn interleave(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let Some(first) = addresses.first() else { return Vec::new() };
    let of_first = |address: &&SocketAddr| address.is_ipv4() == first.is_ipv4();
    let mut preferred = addresses.iter().filter(of_first);
    let mut others = addresses.iter().filter(|address| !of_first(address));
    let mut order = Vec::with_capacity(addresses.len());
    while order.len() < addresses.len() {
        order.extend(preferred.next());
        order.extend(others.next());
    }
    order
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn families_take_turns() {
        let address = |text: &str| text.parse::<SocketAddr>().unwrap();
        let [a, b, c] = ["192.0.2.1:21", "192.0.2.2:21", "192.0.2.3:21"].map(address);
        let [x, y] = ["[2001:db8::1]:21", "[2001:db8::2]:21"].map(address);
        assert_eq!(interleave(&[a, b, c, x]), [a, x, b, c]);
        assert_eq!(interleave(&[x, a, y, b]), [x, a, y, b]);
        assert_eq!(interleave(&[]), []);
    }

    #[test]
    fn a_source_address_rules_the_other_family_out() {
        let address = ["192.0.2.1:21".parse().unwrap()];
        let source = |text: &str| Some(text.parse::<SocketAddr>().unwrap().into());
        let new = |addresses: &[_], source| {
            Race::<Cursor<Vec<u8>>>::new(addresses, source, Duration::from_secs(1))
        };
        assert!(new(&address, source("[::1]:0")).is_none());
        assert!(new(&address, source("127.0.0.1:0")).is_some());
        assert!(new(&address, source("[::]:20")).is_some());
        assert!(new(&[], None).is_none());
    }

    #[test]
    fn each_failure_is_reported() {
        let failure = |last: u8, kind: io::ErrorKind| {
            (SocketAddr::from(([192, 0, 2, last], 21)), io::Error::from(kind))
        };
        let one = vec![failure(1, io::ErrorKind::TimedOut)];
        assert_eq!(all_failed(one).kind(), io::ErrorKind::TimedOut);
        let two =
            vec![failure(1, io::ErrorKind::TimedOut), failure(2, io::ErrorKind::ConnectionRefused)];
        let error = all_failed(two);
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(error.to_string(), "192.0.2.1:21: timed out; 192.0.2.2:21: connection refused");
    }
}
