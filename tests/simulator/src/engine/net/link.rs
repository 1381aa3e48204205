//! One connection

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use ftp_session::{Interest, Slot};

use super::{HERE, Plain, Segment};
use crate::{MoveEnd, Side, WireFault};

/// The state of a connection's TLS
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Handshake {
    /// There is none
    None,
    /// It has begun, or is about to
    Begun,
    /// The handshake is done
    Done,
}

/// A connection: the client's end, and what is in flight
#[derive(Debug)]
pub(in super::super) struct Link {
    pub(in super::super) slot: Slot,
    pub(in super::super) to: SocketAddr,
    /// The number of the data connection; 0 for the control connection
    pub(in super::super) number: u32,
    pub(in super::super) open: bool,
    pub(super) refused: bool,
    /// Bytes that have arrived and were not read
    pub(super) inbox: VecDeque<u8>,
    /// For each TLS record: the position in the received bytes where it ends, and its plaintext
    plain: VecDeque<(usize, Plain)>,
    arrived: usize,
    pub(super) read: usize,
    /// Number of bytes sent to the client
    pub(super) sent: usize,
    /// The end that the client must be told once it has read this far
    pub(super) promised: Option<(usize, MoveEnd)>,
    /// The end that the client is told when the connection ends
    pub(super) at_end: MoveEnd,
    pub(super) ended: bool,
    pub(super) reset: bool,
    /// Whether the client's close resets it
    pub(super) resets: bool,
    /// Whether the client has closed it
    pub(super) closed: bool,
    pub(super) shut: bool,
    /// Whether the server has closed it
    pub(super) closed_there: bool,
    /// Number of bytes in flight to the server
    pub(super) flying: usize,
    window: usize,
    pub(super) written: usize,
    /// Maximum number of bytes that the server accepts in total
    pub(super) most: Option<usize>,
    /// Number of bytes that the network has carried: from the server, from the client
    pub(super) carried: [usize; 2],
    /// Where the network fails, and how
    pub(super) fails: Option<(WireFault, Side, usize)>,
    /// Whether the network has stopped carrying it
    pub(super) severed: bool,
    /// The state of TLS
    pub(super) tls: Handshake,
    /// When the last segment sent arrives: at the client, at the server
    pub(super) last: [Duration; 2],
}

impl Link {
    pub(super) const fn new(slot: Slot, to: SocketAddr, number: u32, window: usize) -> Self {
        Self {
            slot,
            to,
            number,
            open: false,
            refused: false,
            inbox: VecDeque::new(),
            plain: VecDeque::new(),
            arrived: 0,
            read: 0,
            sent: 0,
            promised: None,
            at_end: MoveEnd::Finished,
            ended: false,
            reset: false,
            resets: false,
            closed: false,
            shut: false,
            closed_there: false,
            flying: 0,
            window,
            written: 0,
            most: None,
            carried: [0; 2],
            fails: None,
            severed: false,
            tls: Handshake::None,
            last: [Duration::ZERO; 2],
        }
    }

    /// Handles a segment that arrives at the client; returns the readiness that it causes
    pub(super) fn arrive(&mut self, segment: Segment) -> Interest {
        match segment {
            _ if self.closed => return Interest::NONE,
            Segment::Syn => return Interest::NONE,
            Segment::Open => {
                self.open = true;
                return Interest::WRITE;
            }
            Segment::Refused => {
                self.refused = true;
                return Interest::BOTH;
            }
            Segment::Bytes(bytes, plain) => {
                self.arrived += bytes.len();
                self.inbox.extend(bytes);
                self.plain.push_back((self.arrived, plain));
            }
            Segment::End => self.ended = true,
            Segment::Reset => {
                self.reset = true;
                return Interest::BOTH;
            }
        }
        Interest::READ
    }

    /// Returns how many of the next bytes pass, and the failure after them
    pub(super) fn passes(&mut self, side: Side, count: usize) -> (usize, Option<WireFault>) {
        let carried = &mut self.carried[side as usize];
        match self.fails {
            // After the last byte, the failure occurs when the end is sent.
            Some((how, which, at)) if which == side && (*carried + count > at || count == 0) => {
                let passed = at.saturating_sub(*carried).min(count);
                *carried += passed;
                if *carried < at {
                    return (passed, None);
                }
                self.fails = None;
                (passed, Some(how))
            }
            _ => {
                *carried += count;
                (count, None)
            }
        }
    }

    /// Records that the client has read more bytes; returns how many bytes of plaintext they contain
    pub(super) fn has_read(&mut self, count: usize) -> usize {
        let before = self.read;
        self.read += count;
        let mut plain = 0;
        let mut from = before;
        while let Some(&(to, kind)) = self.plain.front() {
            if let Plain::Each = kind {
                plain += to.min(self.read) - from;
            }
            if to > self.read {
                break;
            }
            if let Plain::Whole(count) = kind {
                plain += count;
            }
            from = to;
            self.plain.pop_front();
        }
        plain
    }

    /// Whether the server makes the connection
    pub(super) fn is_called(&self) -> bool {
        self.to.ip() == HERE
    }

    pub(in super::super) const fn is_closed(&self) -> bool {
        self.closed
    }

    /// Number of bytes that can be written
    pub(super) fn room(&self) -> usize {
        let most = self.most.map_or(usize::MAX, |most| most.saturating_sub(self.written));
        self.window.saturating_sub(self.flying).min(most)
    }

    pub(super) fn readiness(&self) -> Interest {
        if self.refused || self.reset {
            return Interest::BOTH;
        }
        Interest { read: !self.inbox.is_empty() || self.ended, write: self.open && self.room() > 0 }
    }
}
