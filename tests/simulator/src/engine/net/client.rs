//! The client's system and its ends of connections

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ftp_proto::DataFailure;
use ftp_session::Slot;

use super::{Link, Listener, Net, Plain, Segment, Timer};
use crate::{DataFault, Fault, Gone, MoveEnd, Which};

/// The client's side
impl Net {
    pub(super) fn add(&mut self, slot: Slot, to: SocketAddr, number: u32) -> usize {
        let window = self.manner.window;
        let mut link = Link::new(slot, to, number, window);
        link.fails = match self.control.fault {
            Fault::Wire(how, Which::Control, side, at) if number == 0 => Some((how, side, at)),
            Fault::Wire(how, Which::Data, side, at) if number == 1 => Some((how, side, at)),
            _ => None,
        };
        self.links.push(link);
        self.links.len() - 1
    }

    /// Begins a connection
    pub(in super::super) fn connect(&mut self, slot: Slot, to: SocketAddr) -> io::Result<usize> {
        if !slot.is_control() {
            self.number += 1;
        }
        let number = if slot.is_control() { 0 } else { self.number };
        let link = self.add(slot, to, number);
        match self.next.take_if(|_| !slot.is_control()) {
            Some(DataFault::AbortedLater) => {
                // The first segment is late.
                self.links[link].last[1] = self.now + Duration::from_secs(5);
                self.due(self.now + Duration::from_secs(1), Timer::AbortNext);
            }
            Some(_) => {
                self.send_to_client(link, Segment::Refused);
                return Ok(link);
            }
            None => {}
        }
        self.send_to_server(link, Segment::Syn);
        Ok(link)
    }

    /// Refuses a connection because nothing listens on the port
    pub(in super::super) fn refuse(&mut self, link: usize) {
        self.send_to_client(link, Segment::Refused);
    }

    /// Notes how a data connection, or the control connection, ends for the client
    pub(super) fn note_end(&mut self, link: usize, end: MoveEnd) {
        let number = self.links[link].number;
        if number == 0 {
            self.gone.get_or_insert(Gone::Eof(self.now));
        } else {
            self.moves.entry(number).or_default().end.get_or_insert((end, self.now));
        }
    }

    pub(super) fn listen(&mut self, slot: Slot, mut on: SocketAddr) -> SocketAddr {
        self.number += 1;
        if on.port() == 0 {
            on.set_port(40_000 + self.number as u16);
        }
        self.listener = Some(Listener { slot, address: on, queue: VecDeque::new() });
        on
    }

    pub(super) fn accept(&mut self) -> Option<usize> {
        self.listener.as_mut()?.queue.pop_front()
    }

    pub(super) fn opened_by_server(&mut self, link: usize, slot: Slot) {
        self.tell(link);
        let link = &mut self.links[link];
        link.open = true;
        link.slot = slot;
    }

    pub(super) fn stop_listening(&mut self) {
        if let Some(listener) = self.listener.take() {
            for link in listener.queue {
                self.links[link].closed = true;
                self.send_to_server(link, Segment::Reset);
            }
        }
    }

    pub(super) fn shut_down(&mut self, link: usize) {
        if !std::mem::replace(&mut self.links[link].shut, true) {
            self.send_to_server(link, Segment::End);
        }
    }

    pub(super) fn reset_on_close(&mut self, link: usize) {
        self.links[link].resets = true;
    }

    pub(in super::super) fn close(&mut self, link: usize) {
        let end = &mut self.links[link];
        if std::mem::replace(&mut end.closed, true) || end.refused {
            return;
        }
        // Closing with unread bytes sends a reset (RFC 2525 section 2.17).
        if end.resets || !end.inbox.is_empty() {
            self.send_to_server(link, Segment::Reset);
        } else if !end.shut {
            self.send_to_server(link, Segment::End);
        }
    }

    pub(in super::super) fn close_all(&mut self) {
        self.stop_listening();
        (0..self.links.len()).for_each(|link| self.close(link));
    }

    pub(super) fn read(&mut self, link: usize, buffer: &mut [u8]) -> io::Result<usize> {
        let manner = self.manner;
        if manner.whims && self.seed.below(8) == 0 && !self.links[link].inbox.is_empty() {
            let soon = self.now + Duration::from_millis(1);
            self.due(soon, Timer::Tell(link));
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let end = &mut self.links[link];
        let is_lost = end.reset && manner.reset_discards;
        if !(end.inbox.is_empty() || is_lost) {
            let most = buffer.len().min(end.inbox.len());
            let count = if manner.whims { 1 + self.seed.below(most) } else { most };
            let end = &mut self.links[link];
            for (to, byte) in buffer.iter_mut().zip(end.inbox.drain(..count)) {
                *to = byte;
            }
            let plain = end.has_read(count);
            let promised = end.promised.filter(|(at, _)| *at <= end.read);
            if end.number == 0 && plain > 0 {
                self.control.asked = self.asked.load(Ordering::Relaxed);
                self.control.count(plain, self.now);
            }
            if let Some((_, promised)) = promised {
                self.note_end(link, promised);
            }
            return Ok(count);
        }
        if end.reset {
            self.note_end(link, MoveEnd::Failed(DataFailure::Broken));
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        if end.ended {
            let end = end.at_end;
            self.note_end(link, end);
            return Ok(0);
        }
        Err(io::ErrorKind::WouldBlock.into())
    }

    pub(super) fn write(&mut self, link: usize, bytes: &[u8]) -> io::Result<usize> {
        let whims = self.manner.whims;
        if whims && self.seed.below(8) == 0 {
            let soon = self.now + Duration::from_millis(1);
            self.due(soon, Timer::Tell(link));
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let end = &self.links[link];
        if end.reset {
            self.note_end(link, MoveEnd::Failed(DataFailure::Broken));
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let most = end.room().min(bytes.len());
        if most == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = if whims { 1 + self.seed.below(most) } else { most };
        let end = &mut self.links[link];
        end.flying += count;
        end.written += count;
        self.send_to_server(link, Segment::Bytes(bytes[..count].to_vec(), Plain::Each));
        Ok(count)
    }
}
