//! Lines out of pieces: borrowed where one came whole, collected where it did not

use alloc::vec::Vec;

/// Bytes of a line that are looked at; the rest of a longer one is dropped
pub(super) const MAX_LINE: usize = 64 * 1024;

/// Whether a line came with its end
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Told,
    /// It is the last one, perhaps cut anywhere: a connection that breaks may end as a listing does
    Missing,
}

#[derive(Debug, Default)]
pub(super) struct Lines {
    /// The beginning of a line whose end has not come
    partial: Vec<u8>,
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Collecting,
    /// `partial` was given out and is to be cleared
    Given,
    /// `partial` is to be given out again
    Again,
}

impl Lines {
    /// The next line without its end, LF or CRLF; `None` when the input has no end of a line
    #[inline(always)]
    pub(super) fn next<'p, 'i: 'p>(&'p mut self, input: &mut &'i [u8]) -> Option<&'p [u8]> {
        if self.state != State::Collecting && self.is_again() {
            return Some(without_return(&self.partial));
        }
        let Some(end) = memchr::memchr(b'\n', input) else {
            self.collect(input);
            *input = &[];
            return None;
        };
        let (line, rest) = (&input[..end], &input[end + 1..]);
        *input = rest;
        if self.partial.is_empty() {
            return Some(without_return(&line[..line.len().min(MAX_LINE)]));
        }
        self.collect(line);
        self.state = State::Given;
        Some(without_return(&self.partial))
    }

    /// Whether `partial` is to be given out again; if not, it is cleared
    fn is_again(&mut self) -> bool {
        let again = self.state == State::Again;
        if again {
            self.state = State::Given;
        } else {
            self.partial.clear();
            self.state = State::Collecting;
        }
        again
    }

    /// Whether there is nothing to look at, not even the beginning of a line
    pub(super) fn is_exhausted(&self, input: &[u8]) -> bool {
        input.is_empty() && self.state != State::Again
    }

    /// Whether [`Self::next`] gives a line
    pub(super) fn has_line(&self, input: &[u8]) -> bool {
        self.state == State::Again || memchr::memchr(b'\n', input).is_some()
    }

    /// Has [`Self::next`] give the last line again; `before` is what the input was then
    pub(super) fn again<'i>(&mut self, input: &mut &'i [u8], before: &'i [u8]) {
        match self.state {
            // It was put together from pieces, of which the last is used up.
            State::Given => self.state = State::Again,
            _ => *input = before,
        }
    }

    /// Has [`Self::finish`] give the last line again
    pub(super) fn finish_again(&mut self) {
        self.state = State::Again;
    }

    /// What came behind the last end of a line
    pub(super) fn finish(&mut self) -> Option<&[u8]> {
        let given = core::mem::replace(&mut self.state, State::Given) == State::Given;
        (!given && !self.partial.is_empty()).then(|| without_return(&self.partial))
    }

    fn collect(&mut self, bytes: &[u8]) {
        let room = MAX_LINE.saturating_sub(self.partial.len());
        self.partial.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

/// Some servers send more than one CR
fn without_return(mut line: &[u8]) -> &[u8] {
    // One of them is a part of the name of the file where macOS has the icon of a folder.
    if let Some(icon) = line.strip_suffix(b"Icon\r\r") {
        return &line[..icon.len() + 5];
    }
    while let Some(shorter) = line.strip_suffix(b"\r") {
        line = shorter;
    }
    line
}
