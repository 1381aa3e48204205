//! Ciphertext between the socket and rustls
//!
//! By itself, rustls reads a socket 4 KiB at a time, and swallows what follows a close_notify. So the socket is read
//! into this buffer, in big pieces if there is much to read, and rustls gets the right part of it: everything on
//! data connections, one record at a time on control connections.

use std::io::{self, Read};

use crate::Role;

/// The initial size, enough for a reply and for most handshakes
const SMALL: usize = 4 * 1024;

/// The final size on data connections, reached in two steps by reads that fill the buffer; a
/// bigger buffer would not lower the cost per byte any more
const BIG: usize = 64 * 1024;

/// Length of the record header of TLS: content type, version (two bytes), length (two bytes)
const HEADER: usize = 5;

/// Maximum length of a record body: 2^14 and what TLS 1.2 allows for encryption (RFC 5246 section 6.2.3)
const MAX_BODY: usize = 16_384 + 2_048;

/// What the buffer begins with
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Front {
    /// Nothing, or less than a record
    Incomplete,
    /// A record of this many bytes, including its header; or an invalid header, which
    /// rustls must see
    Record(usize),
    /// A byte that no record begins with
    Foreign,
}

#[derive(Debug)]
pub(crate) struct Inbox {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    role: Role,
    /// The size of the next allocation
    size: usize,
}

impl Inbox {
    pub(crate) fn new(role: Role) -> Self {
        Self { buffer: Vec::new(), start: 0, end: 0, role, size: SMALL }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    pub(crate) fn consume(&mut self, count: usize) {
        self.start += count;
        debug_assert!(self.start <= self.end);
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
            if self.buffer.len() != self.size || self.role == Role::Control && self.size > SMALL {
                // The buffer has been outgrown, or is bigger than an idle control connection needs.
                if self.role == Role::Control {
                    self.size = SMALL;
                }
                self.buffer = Vec::new();
            }
        }
    }

    /// Reads the source once; returns how many bytes it had
    pub(crate) fn fill(&mut self, source: &mut impl Read) -> io::Result<usize> {
        if self.end == self.buffer.len() {
            self.make_room();
        }
        let count = source.read(&mut self.buffer[self.end..])?;
        // A reader that returns more than the size of its buffer would otherwise cause a panic later.
        let count = count.min(self.buffer.len() - self.end);
        self.end += count;
        if self.role == Role::Data && count > 0 && self.end == self.buffer.len() {
            self.size = BIG.min(self.size * 4);
        }
        Ok(count)
    }

    fn make_room(&mut self) {
        if self.buffer.is_empty() {
            self.buffer = vec![0; self.size];
        } else if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        } else {
            // The buffer is full but has no complete record. Records have a maximum length, so the buffer has one, too.
            self.size = self.buffer.len() * 2;
            self.buffer.resize(self.size, 0);
        }
    }

    pub(crate) fn front(&self) -> Front {
        let (kind, length) = match *self.bytes() {
            [] => return Front::Incomplete,
            [kind, _, _, high, low, ..] => (kind, Some(u16::from_be_bytes([high, low]))),
            [kind, ..] => (kind, None),
        };
        // change_cipher_spec, alert, handshake, application_data, heartbeat
        if !(20..=24).contains(&kind) {
            return Front::Foreign;
        }
        match length.map(usize::from) {
            None => Front::Incomplete,
            Some(length) if length > MAX_BODY => Front::Record(HEADER),
            Some(length) if HEADER + length > self.bytes().len() => Front::Incomplete,
            Some(length) => Front::Record(HEADER + length),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(length: usize) -> Vec<u8> {
        let mut record = vec![23, 3, 3];
        record.extend((length as u16).to_be_bytes());
        record.resize(HEADER + length, 7);
        record
    }

    #[test]
    fn control_takes_any_record_and_shrinks_again() {
        let mut inbox = Inbox::new(Role::Control);
        let stream = [record(MAX_BODY), record(3), record(0)].concat();
        let mut source = &stream[..];
        let mut seen = Vec::new();
        while !source.is_empty() || !inbox.bytes().is_empty() {
            match inbox.front() {
                Front::Record(length) => {
                    seen.push(length);
                    inbox.consume(length);
                }
                _ => assert_ne!(inbox.fill(&mut source).unwrap(), 0),
            }
            assert!(inbox.buffer.capacity() <= 32 * 1024);
        }
        assert_eq!(seen, [HEADER + MAX_BODY, HEADER + 3, HEADER]);
        assert!(inbox.buffer.capacity() <= SMALL);
    }

    #[test]
    fn data_grows_only_when_reads_are_full() {
        let mut inbox = Inbox::new(Role::Data);
        let stream = vec![23; 1 << 20];
        let mut sizes = Vec::new();
        let mut source = &stream[..];
        for _ in 0..5 {
            sizes.push(inbox.fill(&mut source).unwrap());
            inbox.consume(inbox.bytes().len());
        }
        assert_eq!(sizes, [SMALL, 4 * SMALL, BIG, BIG, BIG]);

        let mut inbox = Inbox::new(Role::Data);
        for _ in 0..5 {
            assert_eq!(inbox.fill(&mut &stream[..100]).unwrap(), 100);
            inbox.consume(100);
        }
        assert_eq!(inbox.buffer.len(), SMALL);
    }

    #[test]
    fn fronts() {
        let front = |bytes: &[u8]| {
            let mut inbox = Inbox::new(Role::Control);
            let mut source = bytes;
            if !bytes.is_empty() {
                inbox.fill(&mut source).unwrap();
            }
            inbox.front()
        };
        assert_eq!(front(b""), Front::Incomplete);
        assert_eq!(front(b"2"), Front::Foreign);
        assert_eq!(front(&[22, 3, 3, 0]), Front::Incomplete);
        assert_eq!(front(&[22, 3, 3, 0, 1]), Front::Incomplete);
        assert_eq!(front(&[22, 3, 3, 0, 1, 0, 9]), Front::Record(6));
        assert_eq!(front(&[22, 3, 3, 0xff, 0xff]), Front::Record(5));
    }
}
