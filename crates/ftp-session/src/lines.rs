//! Texts and listings, line by line

use std::fmt;
use std::io::{Read, Write};

use ftp_proto::Time;
use memchr::memchr;

use crate::error::Error;
use crate::session::{Moved, Session};

/// Bytes that are read at once
const ROOM: usize = 16 * 1024;

/// Maximum bytes of memory for [collected](Lines::collect) lines
const MAX_COLLECTED: usize = 64 * 1024 * 1024;

/// The lines of a download as they arrive, each of bounded length
///
/// Use one value for each transfer. As with every transfer, its completion says whether the text is complete; tell it
/// of that with [`Self::end`].
pub struct Lines {
    buffer: Vec<u8>,
    /// The bytes of the buffer that were not returned yet
    start: usize,
    end: usize,
    line: Line,
    /// Maximum length of a line in bytes
    limit: usize,
    arrival: Arrival,
    /// Bytes of memory for the lines collected so far
    held: usize,
}

/// What is known of the next line
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    /// The first bytes, this many, contain no line ending
    Partial(usize),
    /// The length with its line ending
    Whole(usize),
    /// It is too long; this many of its bytes are skipped
    TooLong(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arrival {
    More,
    Over,
}

impl Lines {
    /// Lines of at most `limit` bytes, without their line endings
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            end: 0,
            line: Line::Partial(0),
            limit,
            arrival: Arrival::More,
            held: 0,
        }
    }

    /// Reads until [`Self::next_line`] has something to return; false if more data must arrive first
    pub fn fill<S: Read + Write, L>(&mut self, session: &mut Session<S, L>, now: Time) -> bool {
        while !self.has_line() {
            match session.read_data(self.room(), now) {
                Moved::Bytes(count) => self.end += count,
                _ => return false,
            }
        }
        true
    }

    /// Reports that the transfer has succeeded: what is left is the last line, which may lack its line ending
    pub fn end(&mut self) {
        self.arrival = Arrival::Over;
    }

    /// Returns the next line without LF or CRLF; `None` if more data must arrive first, or at the end
    ///
    /// # Errors
    ///
    /// [`Error::LineTooLong`]; what follows in this line is then taken for a line of its own.
    pub fn next_line(&mut self) -> Result<Option<&[u8]>, Error> {
        let _ = self.has_line();
        let (Line::Whole(length) | Line::TooLong(length)) = self.line else { return Ok(None) };
        let line = &self.buffer[self.start..][..length];
        self.start += length;
        match std::mem::replace(&mut self.line, Line::Partial(0)) {
            Line::Whole(_) => Ok(Some(text(line))),
            _ => Err(Error::LineTooLong { limit: self.limit }),
        }
    }

    /// Moves the lines that have arrived to the end of `lines`
    ///
    /// # Errors
    ///
    /// As [`Self::next_line`]; [`Error::ListingTooLong`] if all lines collected by this value take more than 64 MiB of
    /// memory.
    pub fn collect(&mut self, lines: &mut Vec<Vec<u8>>) -> Result<(), Error> {
        while let Some(line) = self.next_line()?.map(<[u8]>::to_vec) {
            // Each allocation has an overhead, too.
            self.held += line.len() + size_of::<Vec<u8>>() + 16;
            if self.held > MAX_COLLECTED {
                return Err(Error::ListingTooLong { limit: MAX_COLLECTED });
            }
            lines.push(line);
        }
        Ok(())
    }

    /// The bytes that were read and are no part of a line that was returned
    #[must_use]
    pub fn unread(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Moves [unread](Self::unread) bytes to `buffer`; returns how many
    pub fn take(&mut self, buffer: &mut [u8]) -> usize {
        let count = buffer.len().min(self.unread().len());
        buffer[..count].copy_from_slice(&self.unread()[..count]);
        self.start += count;
        self.line = Line::Partial(0);
        count
    }

    /// Whether [`Self::next_line`] has something to return
    #[must_use]
    pub fn has_line(&mut self) -> bool {
        let Line::Partial(searched) = self.line else { return true };
        let unread = &self.buffer[self.start..self.end];
        let most = self.limit.saturating_add(2);
        let within = &unread[..unread.len().min(most)];
        let length = match memchr(b'\n', &within[searched..]) {
            Some(place) => searched + place + 1,
            None if within.len() == most => most,
            None if self.arrival == Arrival::Over && !within.is_empty() => within.len(),
            None => {
                self.line = Line::Partial(within.len());
                return false;
            }
        };
        let is_short = text(&within[..length]).len() <= self.limit;
        self.line = if is_short { Line::Whole(length) } else { Line::TooLong(length) };
        true
    }

    /// Room for further bytes after the unread ones
    fn room(&mut self) -> &mut [u8] {
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        let length = self.end + ROOM;
        if self.buffer.len() < length {
            self.buffer.resize(length, 0);
        }
        &mut self.buffer[self.end..]
    }
}

/// Without the text, which may be long, and a secret
impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines")
            .field("unread", &self.unread().len())
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

/// A line without its LF or CRLF
///
/// In a text (TYPE A) the session has made LF of the network's CRLF before. A CR that is left is that of a file whose
/// own lines end with CRLF, on a server that makes CRLF of each LF.
fn text(line: &[u8]) -> &[u8] {
    let Some(text) = line.strip_suffix(b"\n") else { return line };
    text.strip_suffix(b"\r").unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn arrive(lines: &mut Lines, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = lines.room();
            let count = room.len().min(bytes.len());
            room[..count].copy_from_slice(&bytes[..count]);
            lines.end += count;
            bytes = &bytes[count..];
        }
    }

    /// The lines of a text that arrives in these pieces; each error as "too long"
    fn read(pieces: &[&[u8]], limit: usize) -> Vec<Vec<u8>> {
        let mut lines = Lines::new(limit);
        let mut found = Vec::new();
        let mut take = |lines: &mut Lines| {
            loop {
                match lines.next_line() {
                    Ok(Some(line)) => found.push(line.to_vec()),
                    Ok(None) => break,
                    Err(error) => {
                        assert!(matches!(error, Error::LineTooLong { limit: l } if l == limit));
                        found.push(b"too long".to_vec());
                    }
                }
            }
        };
        for piece in pieces {
            arrive(&mut lines, piece);
            take(&mut lines);
        }
        lines.end();
        take(&mut lines);
        assert_eq!(lines.unread(), b"");
        found
    }

    #[test]
    fn what_ends_a_line() {
        assert_eq!(read(&[b"a\r\nb\n\r\n\nc"], 9), [&b"a"[..], b"b", b"", b"", b"c"]);
        assert_eq!(read(&[b"a\r", b"\n", b"b\r"], 9), [&b"a"[..], b"b\r"]);
        // Of several CRs one belongs to the line ending.
        assert_eq!(read(&[b"a\r\r\n\r\r\r\n"], 9), [&b"a\r"[..], b"\r\r"]);
        assert_eq!(read(&[], 9), [[0; 0]; 0]);
    }

    #[test]
    fn the_limit_is_that_of_a_line_without_its_ending() {
        assert_eq!(read(&[b"abc\r\nabc\nabc"], 3), [b"abc", b"abc", b"abc"]);
        assert_eq!(read(&[b"abcd\nx"], 3), [&b"too long"[..], b"x"]);
        assert_eq!(read(&[b"abcd"], 3), [b"too long"]);
        // Two further bytes may be the line's end, no more.
        assert_eq!(read(&[b"abc\r", b"xy\nz"], 3), [&b"too long"[..], b"y", b"z"]);
        assert_eq!(read(&[b"\n\r\n\r\r\n"], 0), [&b""[..], b"", b"too long", b""]);
        assert_eq!(read(&[b"abc\n"], usize::MAX), [b"abc"]);
    }

    #[test]
    fn collected_lines_are_bounded() {
        let mut lines = Lines::new(8192);
        let mut found = Vec::new();
        let text = [b'\n'; ROOM];
        let error = loop {
            arrive(&mut lines, &text);
            if let Err(error) = lines.collect(&mut found) {
                break error;
            }
        };
        assert!(matches!(error, Error::ListingTooLong { limit: MAX_COLLECTED }));
        assert!(found.len() * size_of::<Vec<u8>>() < MAX_COLLECTED);
    }

    /// Lines count though one among them is too long, for callers that go on after that
    #[test]
    fn lines_that_are_too_long_do_not_lift_the_bound() {
        let mut lines = Lines::new(8);
        let mut found = Vec::new();
        let text = b"a line\n".repeat(1000);
        for _ in 0..2000 {
            arrive(&mut lines, &text);
            arrive(&mut lines, b"one that is too long\n");
            while let Err(error) = lines.collect(&mut found) {
                if let Error::ListingTooLong { .. } = error {
                    assert!(found.len() * size_of::<Vec<u8>>() < MAX_COLLECTED);
                    return;
                }
            }
        }
        panic!("{} lines", found.len());
    }

    #[test]
    fn bytes_that_were_read_ahead_can_be_taken() {
        let mut lines = Lines::new(9);
        arrive(&mut lines, b"a\nbc\nd");
        assert_eq!(lines.next_line().unwrap(), Some(&b"a"[..]));
        assert!(lines.has_line());
        let mut buffer = [0; 2];
        assert_eq!((lines.take(&mut buffer), buffer), (2, *b"bc"));
        assert_eq!(lines.unread(), b"\nd");
        assert_eq!(lines.next_line().unwrap(), Some(&b""[..]));
    }

    proptest! {
        /// Where a text is cut makes no difference
        #[test]
        fn pieces_make_the_same_lines(
            text in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), Just(b'x')], 0..40),
            cuts in proptest::collection::vec(0..40_usize, 0..6),
            limit in 0..12_usize,
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut rest = &text[..];
            let mut at = 0;
            for cut in cuts {
                let (piece, others) = rest.split_at(cut - at);
                pieces.push(piece);
                (rest, at) = (others, cut);
            }
            pieces.push(rest);
            prop_assert_eq!(read(&pieces, limit), read(&[&text], limit));
        }
    }
}
