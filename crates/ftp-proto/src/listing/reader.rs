//! A listing while it arrives: a buffer for its bytes, and the entries parsed from them

use alloc::boxed::Box;
use alloc::vec;
use core::fmt;

use super::format::Format;
use super::item::Item;
use super::owned::OwnedEntry;
use super::parser::ListingParser;
use super::tally::Tally;
use crate::error::Error;

/// Bytes read at a time, enough for one or two hundred entries
const ROOM: usize = 16 * 1024;

/// A [`ListingParser`] with a buffer, for drivers: they fill [`Self::room`] and take entries out
///
/// ```
/// use ftp_proto::listing::{ListingParser, ListingReader};
///
/// let mut listing = ListingReader::new(ListingParser::new());
/// let arrived = b"type=file;size=3; a\r\ntype=dir; b\r\ngarb";
/// listing.room()[..arrived.len()].copy_from_slice(arrived);
/// listing.filled(arrived.len());
/// assert_eq!(listing.next_entry().unwrap().size(), Some(3));
/// assert_eq!(listing.next_entry().unwrap().name(), b"b");
/// assert!(listing.next_entry().is_none()); // until more arrives
/// listing.end();
/// assert!(listing.next_entry().is_none());
/// assert_eq!(listing.unknown_lines(), 1);
/// ```
pub struct ListingReader {
    parser: ListingParser,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    state: State,
    tally: Tally,
}

/// Without the bytes
impl fmt::Debug for ListingReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListingReader")
            .field("unread", &(self.end - self.start))
            .field("state", &self.state)
            .field("tally", &self.tally)
            .finish_non_exhaustive()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Arriving,
    /// All bytes have arrived; the last line may have no line ending
    Ended,
    Over,
}

impl ListingReader {
    /// Creates a reader that uses this parser
    #[must_use]
    pub fn new(parser: ListingParser) -> Self {
        let buffer = vec![0; ROOM].into();
        Self { parser, buffer, start: 0, end: 0, state: State::Arriving, tally: Tally::default() }
    }

    /// Restricts the reader to lines of this format, if it is known: see
    /// [`Client::listing_format`](crate::Client::listing_format)
    pub fn set_format(&mut self, format: Option<Format>) {
        if let Some(format) = format {
            self.parser.set_format(format);
        }
    }

    /// Makes the reader try this format first, if the server's system is known: see
    /// [`Client::listing_hint`](crate::Client::listing_hint)
    pub fn set_hint(&mut self, format: Option<Format>) {
        if let Some(format) = format {
            self.parser.set_hint(format);
        }
    }

    /// Returns the buffer for the next bytes, when [`Self::next_item`] or [`Self::next_entry`] return nothing more, or
    /// [`Self::has_line`] returns false; its previous content is lost
    pub fn room(&mut self) -> &mut [u8] {
        (self.start, self.end) = (0, 0);
        &mut self.buffer
    }

    /// Reports that this many bytes have been put into [`Self::room`]
    pub fn filled(&mut self, count: usize) {
        self.end = count.min(self.buffer.len());
    }

    /// Reports that no more bytes will arrive
    pub fn end(&mut self) {
        if self.state == State::Arriving {
            self.state = State::Ended;
        }
    }

    /// Returns how many lines so far suggest that entries are missing: lines that can't be parsed, lines in which
    /// the server says what it could not read (`ls: d: Permission denied`), and entries of other directories in a
    /// recursive listing. [`Self::next_item`] returns these lines
    #[must_use]
    pub const fn unknown_lines(&self) -> u64 {
        self.tally.unknown_lines()
    }

    /// Whether names that begin with a dot may be missing; known once the listing has ended
    ///
    /// Many servers leave such names out of LIST, so a listing without any does not show whether there are some. MLSD
    /// has all names (RFC 3659 section 7.1). Use a listing with all names, see [`ReadDir::all`](crate::ReadDir::all),
    /// before you take such a name for missing.
    #[must_use]
    pub const fn may_lack_dot_names(&self) -> bool {
        !self.parser.is_mlsd() && !self.tally.has_dot_names()
    }

    /// Whether the last line lacks its line ending; known once the listing has ended
    ///
    /// Some servers leave it out in LIST. But the listing may also have been cut off within the last line, so that the
    /// last entry has only the beginning of a name. In MLSD, where each line has an ending, such a line is
    /// [unknown](Self::unknown_lines) unless it is the only one.
    #[must_use]
    pub const fn last_line_is_open(&self) -> bool {
        self.parser.last_line_is_open()
    }

    /// Whether [`Self::next_item`] can return a line without more bytes; after the [end](Self::end), that returns what
    /// is left in any case
    #[must_use]
    pub fn has_line(&mut self) -> bool {
        if self.state == State::Over {
            // The parser must not take the last line, which may be cut off, for a whole one.
            return false;
        }
        let mut input = &self.buffer[self.start..self.end];
        let has_line = self.parser.has_item(&mut input);
        self.start = self.end - input.len();
        has_line
    }

    /// Checks whether the directory could be read, once the listing has ended
    ///
    /// # Errors
    ///
    /// [`Error::UnreadableDirectory`], once, if there was no entry but `.` and `..`, and if a line contains an error
    /// of the server or can't be parsed. If a caller took this for an empty directory, it could delete what should
    /// be in it.
    pub fn complete(&mut self) -> Result<(), Error> {
        match self.state {
            State::Over => self.tally.complete(),
            State::Arriving | State::Ended => Ok(()),
        }
    }

    /// Returns the next line; `None` if more has to arrive first, or the listing has ended
    ///
    /// After a [`Note::Section`](super::Note::Section), entries may belong to another directory.
    pub fn next_item(&mut self) -> Option<Item<'_>> {
        self.advance().map(|(item, _)| item)
    }

    /// Returns the next line, and whether it is an entry of the requested directory other than `.` and `..`
    fn advance(&mut self) -> Option<(Item<'_>, bool)> {
        if self.state == State::Ended && !self.has_line() {
            self.state = State::Over;
        }
        let Self { parser, buffer, start, end, state, tally } = self;
        let mut input = &buffer[*start..*end];
        let item = if *state == State::Over {
            // A line without a line ending yields nothing yet.
            let nothing = input.is_empty() || parser.parse(&mut input).is_none();
            debug_assert!(nothing, "a line without its end");
            *start = *end;
            parser.finish()
        } else {
            let item = parser.parse(&mut input);
            *start = *end - input.len();
            item
        };
        let item = item?;
        let is_own = tally.take(&item);
        Some((item, is_own))
    }

    /// Returns the next entry except `.` and `..`; `None` if more has to arrive first, or the listing has ended
    ///
    /// Headers, totals and the like are skipped. Lines that can't be parsed, and entries of other
    /// directories, are [counted](Self::unknown_lines). After the last entry, call [`Self::complete`].
    pub fn next_entry(&mut self) -> Option<OwnedEntry> {
        loop {
            if let (Item::Entry(entry), true) = self.advance()? {
                return Some(entry.to_owned());
            }
        }
    }
}
