//! Splits pieces of input into lines, which are borrowed if they come in one piece, and collected otherwise

use alloc::vec::Vec;

/// Maximum number of bytes of a line that are used; the rest of a longer one is dropped
pub(super) const MAX_LINE: usize = 64 * 1024;

/// Whether a line came with its line ending
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Present,
    /// It is the last line, which may be cut off anywhere: after a broken connection, the listing looks the same
    Missing,
}

#[derive(Debug, Default)]
pub(super) struct Lines {
    /// The beginning of a line whose end has not come yet
    partial: Vec<u8>,
    state: State,
    /// Whether a line has come with its line ending
    has_ended_lines: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Collecting,
    /// `partial` has been returned and is to be cleared
    Given,
    /// `partial` is to be returned again
    Again,
}

impl Lines {
    /// Returns the next line without its LF or CRLF; `None` if the input has no line ending
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
        self.has_ended_lines = true;
        if self.partial.is_empty() {
            return Some(without_return(&line[..line.len().min(MAX_LINE)]));
        }
        self.collect(line);
        self.state = State::Given;
        Some(without_return(&self.partial))
    }

    /// Whether `partial` is to be returned again; if not, it is cleared
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

    /// Whether there is nothing to parse, not even the beginning of a line
    pub(super) fn is_exhausted(&self, input: &[u8]) -> bool {
        input.is_empty() && self.state != State::Again
    }

    /// Whether [`Self::next`] would return a line
    pub(super) fn has_line(&self, input: &[u8]) -> bool {
        self.state == State::Again || memchr::memchr(b'\n', input).is_some()
    }

    /// Makes [`Self::next`] return the last line again; `before` is the input before that line
    pub(super) fn again<'i>(&mut self, input: &mut &'i [u8], before: &'i [u8]) {
        match self.state {
            // The line was collected from pieces, of which the last has been consumed.
            State::Given => self.state = State::Again,
            _ => *input = before,
        }
    }

    /// Whether any line has come with its line ending
    pub(super) const fn has_ended_lines(&self) -> bool {
        self.has_ended_lines
    }

    /// Makes [`Self::finish`] return the last line again
    pub(super) fn finish_again(&mut self) {
        self.state = State::Again;
    }

    /// Returns what came after the last line ending
    pub(super) fn finish(&mut self) -> Option<&[u8]> {
        let given = core::mem::replace(&mut self.state, State::Given) == State::Given;
        (!given && !self.partial.is_empty()).then(|| without_return(&self.partial))
    }

    fn collect(&mut self, bytes: &[u8]) {
        let room = MAX_LINE.saturating_sub(self.partial.len());
        self.partial.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

/// Removes the CRs at the end; some servers send more than one
fn without_return(mut line: &[u8]) -> &[u8] {
    // The file in which macOS stores the icon of a folder has a CR in its name.
    if let Some(icon) = line.strip_suffix(b"Icon\r\r") {
        return &line[..icon.len() + 5];
    }
    while let Some(shorter) = line.strip_suffix(b"\r") {
        line = shorter;
    }
    line
}
