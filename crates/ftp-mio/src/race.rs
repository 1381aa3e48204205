//! Connecting to a server with several addresses ("Happy Eyeballs", RFC 8305)
//!
//! The next address is tried as soon as one fails, or besides it when it keeps silent, so a broken
//! IPv6 path costs a moment, no more. At most two attempts are under way, because a session has
//! two tokens.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ftp_proto::Source;
use mio::event::Event;
use mio::{Registry, Token};

use crate::net;
use crate::socket::Socket;
use crate::time::later;

/// RFC 8305 section 5's recommendation
const HEAD_START: Duration = Duration::from_millis(250);

#[derive(Debug)]
pub(crate) struct Race {
    /// Those not yet tried, the next one last
    waiting: Vec<SocketAddr>,
    attempts: [Option<Attempt>; 2],
    next_start: Option<Instant>,
    source: Option<SocketAddr>,
    timeout: Duration,
    failure: Option<(SocketAddr, io::Error)>,
}

#[derive(Debug)]
struct Attempt {
    socket: Socket,
    address: SocketAddr,
    deadline: Option<Instant>,
}

/// How a race stands
#[derive(Debug)]
pub(crate) enum Standing {
    Undecided,
    Won(Socket, SocketAddr),
    Lost(SocketAddr, io::Error),
}

impl Race {
    /// `None` if there is no address that can be used
    pub(crate) fn new(
        addresses: &[SocketAddr],
        source: Option<SocketAddr>,
        timeout: Duration,
    ) -> Option<Self> {
        let usable = |address: &&SocketAddr| {
            source.is_none_or(|source| source.is_ipv4() == address.is_ipv4())
        };
        let addresses: Vec<_> = addresses.iter().filter(usable).copied().collect();
        let mut waiting = interleave(&addresses);
        waiting.reverse();
        let some = !waiting.is_empty();
        some.then_some(Self {
            waiting,
            attempts: [None, None],
            next_start: None,
            source,
            timeout,
            failure: None,
        })
    }

    /// Who chooses the local address
    pub(crate) fn source(&self) -> Source {
        self.source.map_or(Source::System, |_| Source::Caller)
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        let next = self
            .next_start
            .filter(|_| !self.waiting.is_empty() && self.attempts.iter().any(Option::is_none));
        let attempts = self.attempts.iter().flatten().filter_map(|attempt| attempt.deadline);
        attempts.chain(next).min()
    }

    /// An event for the token in this place of the session's range
    pub(crate) fn note(&mut self, place: usize, event: &Event) {
        if let Some(Some(attempt)) = self.attempts.get_mut(place) {
            attempt.socket.ready.note(event);
        }
    }

    pub(crate) fn drive(&mut self, registry: &Registry, tokens: Token, now: Instant) -> Standing {
        for place in 0..self.attempts.len() {
            let Some(attempt) = &mut self.attempts[place] else { continue };
            let result = if attempt.socket.ready.writable {
                net::end_connect(attempt.socket.io())
            } else if attempt.deadline.is_some_and(|deadline| deadline <= now) {
                Err(io::ErrorKind::TimedOut.into())
            } else {
                Ok(false)
            };
            match result {
                Ok(true) => {
                    if let Some(standing) = self.won(place, registry, tokens) {
                        return standing;
                    }
                }
                // mio may wake for nothing.
                Ok(false) => attempt.socket.ready.writable = false,
                Err(error) => self.failed(place, registry, error, now),
            }
        }
        loop {
            let idle = self.attempts.iter().all(Option::is_none);
            let due = idle || self.next_start.is_some_and(|at| at <= now);
            let Some(place) = self.attempts.iter().position(Option::is_none).filter(|_| due) else {
                return Standing::Undecided;
            };
            let Some(address) = self.waiting.pop() else {
                return match self.failure.take().filter(|_| idle) {
                    Some((address, error)) => Standing::Lost(address, error),
                    None => Standing::Undecided,
                };
            };
            let token = Token(tokens.0 + place);
            let socket = net::begin_connect(address, self.source)
                .and_then(|socket| Socket::register(socket, registry, token));
            match socket {
                Ok(socket) => {
                    let deadline = later(now, self.timeout);
                    self.attempts[place] = Some(Attempt { socket, address, deadline });
                    self.next_start = later(now, HEAD_START);
                }
                Err(error) => self.failure = Some((address, error)),
            }
        }
    }

    /// `None` if the winner could not be kept after all
    fn won(&mut self, place: usize, registry: &Registry, tokens: Token) -> Option<Standing> {
        let Attempt { mut socket, address, .. } = self.attempts[place].take()?;
        if place > 0 {
            if let Err(error) = socket.move_to(registry, tokens) {
                self.failure = Some((address, error));
                socket.deregister(registry);
                return None;
            }
        }
        self.give_up(registry);
        Some(Standing::Won(socket, address))
    }

    fn failed(&mut self, place: usize, registry: &Registry, error: io::Error, now: Instant) {
        if let Some(attempt) = self.attempts[place].take() {
            attempt.socket.deregister(registry);
            self.failure = Some((attempt.address, error));
            self.next_start = Some(now);
        }
    }

    pub(crate) fn give_up(&mut self, registry: &Registry) {
        for attempt in self.attempts.iter_mut().filter_map(Option::take) {
            attempt.socket.deregister(registry);
        }
    }
}

/// One address of each family in turn, beginning with the first one's
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
        let source = |text: &str| Some(text.parse::<SocketAddr>().unwrap());
        let timeout = Duration::from_secs(1);
        assert!(Race::new(&address, source("[::1]:0"), timeout).is_none());
        assert!(Race::new(&address, source("127.0.0.1:0"), timeout).is_some());
        assert!(Race::new(&[], None, timeout).is_none());
    }
}
