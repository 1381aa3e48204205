//! One connection

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use ftp_session::{Interest, Slot};

use super::{HERE, Plain, Segment};
use crate::sim::{MoveEnd, Side, WireFault};

/// How far the TLS of a connection is
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Handshake {
    /// There is none
    None,
    /// It has begun, or is to begin
    Begun,
    /// It is done
    Done,
}

/// A connection, as its client's end has it, and what is under way
#[derive(Debug)]
pub(in super::super) struct Link {
    pub(in super::super) slot: Slot,
    pub(in super::super) to: SocketAddr,
    /// Which data connection it is; 0: the control connection
    pub(in super::super) number: u32,
    pub(in super::super) open: bool,
    pub(super) refused: bool,
    /// What has come and was not read
    pub(super) inbox: VecDeque<u8>,
    /// Where plaintext is complete among the bytes that come, and how much
    plain: VecDeque<(usize, Plain)>,
    arrived: usize,
    pub(super) read: usize,
    /// Bytes sent to the client
    pub(super) sent: usize,
    /// What the client learns when it has read so far
    pub(super) promised: Option<(usize, MoveEnd)>,
    /// What it learns at the end
    pub(super) at_end: MoveEnd,
    pub(super) ended: bool,
    pub(super) reset: bool,
    /// By the client
    pub(super) closed: bool,
    pub(super) shut: bool,
    /// By the server
    pub(super) closed_there: bool,
    /// Bytes to the server that have not come there
    pub(super) flying: usize,
    window: usize,
    pub(super) written: usize,
    /// Bytes that the server will take, ever
    pub(super) most: Option<usize>,
    /// Bytes that the network has carried: the server's, the client's
    pub(super) carried: [usize; 2],
    /// Where it fails, and how
    pub(super) fails: Option<(WireFault, Side, usize)>,
    /// Nothing passes any more
    pub(super) severed: bool,
    /// Whether TLS is under way, and its handshake done
    pub(super) tls: Handshake,
    /// When the last that was sent comes: to the client, to the server
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

    /// Something has come to the client; what its end has become ready for
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

    /// How many of the next bytes pass, and what happens then
    pub(super) fn passes(&mut self, side: Side, count: usize) -> (usize, Option<WireFault>) {
        let carried = &mut self.carried[side as usize];
        match self.fails {
            // Behind the last byte it fails when the end is sent.
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

    /// The client has read so many bytes more; how many of plaintext that makes
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

    /// Whether it is the server that connects
    pub(super) fn is_called(&self) -> bool {
        self.to.ip() == HERE
    }

    pub(in super::super) const fn is_closed(&self) -> bool {
        self.closed
    }

    /// Bytes that can be written
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
