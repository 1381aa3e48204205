//! A listing while it arrives: room for bytes, and what they say

use alloc::boxed::Box;
use alloc::vec;

use super::format::Format;
use super::item::Item;
use super::owned::OwnedEntry;
use super::parser::ListingParser;
use super::tally::Tally;
use crate::error::Error;

/// Bytes read at a time: a hundred entries or two
const ROOM: usize = 16 * 1024;

/// A [`ListingParser`] with a buffer, for drivers: they fill [`Self::room`], and entries come out
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
#[derive(Debug)]
pub struct ListingReader {
    parser: ListingParser,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    state: State,
    tally: Tally,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Arriving,
    /// All has arrived; the last line may lack its end
    Ended,
    Over,
}

impl ListingReader {
    /// Reads as this parser does
    #[must_use]
    pub fn new(parser: ListingParser) -> Self {
        let buffer = vec![0; ROOM].into();
        Self { parser, buffer, start: 0, end: 0, state: State::Arriving, tally: Tally::default() }
    }

    /// Takes lines of this format only, where it is known: see
    /// [`Client::listing_format`](crate::Client::listing_format)
    pub fn set_format(&mut self, format: Option<Format>) {
        if let Some(format) = format {
            self.parser.set_format(format);
        }
    }

    /// Asks this format first, where the server's system is known: see
    /// [`Client::listing_hint`](crate::Client::listing_hint)
    pub fn set_hint(&mut self, format: Option<Format>) {
        if let Some(format) = format {
            self.parser.set_hint(format);
        }
    }

    /// Where the next bytes go, when [`Self::next_item`] or [`Self::next_entry`] have nothing more;
    /// what was there is given up
    pub fn room(&mut self) -> &mut [u8] {
        (self.start, self.end) = (0, 0);
        &mut self.buffer
    }

    /// So many bytes have been put into [`Self::room`]
    pub fn filled(&mut self, count: usize) {
        self.end = count.min(self.buffer.len());
    }

    /// Nothing more will arrive
    pub fn end(&mut self) {
        if self.state == State::Arriving {
            self.state = State::Ended;
        }
    }

    /// Lines so far that nobody understood, or in which the server says what it could not read
    /// (`ls: d: Permission denied`), and entries of other directories in a recursive listing: entries may be
    /// missing; [`Self::next_item`] gives them
    #[must_use]
    pub const fn unknown_lines(&self) -> u64 {
        self.tally.unknown_lines()
    }

    /// Whether [`Self::next_item`] can tell of a line without more bytes
    #[must_use]
    pub fn has_line(&mut self) -> bool {
        let mut input = &self.buffer[self.start..self.end];
        let has_line = self.parser.has_item(&mut input);
        self.start = self.end - input.len();
        has_line
    }

    /// Whether the directory could be read, once the listing is over
    ///
    /// # Errors
    ///
    /// [`Error::UnreadableDirectory`], once, if there was no entry but `.` and `..`, and a line in which the
    /// server tells an error, or which nobody understands: who takes that for an empty directory deletes what
    /// should be in it.
    pub fn complete(&mut self) -> Result<(), Error> {
        match self.state {
            State::Over => self.tally.complete(),
            State::Arriving | State::Ended => Ok(()),
        }
    }

    /// What the next line is; `None` when more has to arrive first, or the listing is over
    ///
    /// After a [`Note::Section`](super::Note::Section) entries may be of another directory.
    pub fn next_item(&mut self) -> Option<Item<'_>> {
        self.advance().map(|(item, _)| item)
    }

    /// The next line, and whether it is an entry of the directory that was asked for, other than `.` and `..`
    fn advance(&mut self) -> Option<(Item<'_>, bool)> {
        if self.state == State::Ended && !self.has_line() {
            self.state = State::Over;
        }
        let Self { parser, buffer, start, end, state, tally } = self;
        let mut input = &buffer[*start..*end];
        let item = if *state == State::Over {
            // Without an end of a line nothing comes of it yet.
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

    /// The next entry but `.` and `..`; `None` when more has to arrive first, or the listing is over
    ///
    /// Headers, totals and the like are passed over; lines that nobody understands, and entries of other
    /// directories, are [counted](Self::unknown_lines). After the last one, ask [`Self::complete`].
    pub fn next_entry(&mut self) -> Option<OwnedEntry> {
        loop {
            if let (Item::Entry(entry), true) = self.advance()? {
                return Some(entry.to_owned());
            }
        }
    }
}
