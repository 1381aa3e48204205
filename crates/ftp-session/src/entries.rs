//! Directories, entry by entry

use std::io::{Read, Write};

use ftp_proto::Time;
use ftp_proto::listing::{Item, ListingParser, ListingReader, OwnedEntry};

use crate::error::Error;
use crate::session::{Moved, Session};

/// Maximum number of bytes that may arrive without an entry, or without a line for callers that take lines
const MAX_BARREN: usize = 64 * 1024 * 1024;

/// The entries of a directory as they arrive: for requests made with `read_dir` and `list`
///
/// Use one value for each listing. `.` and `..`, headers and totals are skipped. As with every transfer, its
/// completion says whether the listing is complete; after it, take the [last](Self::last) entries.
#[derive(Debug)]
pub struct Entries {
    reader: ListingReader,
    /// What was received before, and is parsed first
    received: Vec<u8>,
    arrival: Arrival,
    /// The number of bytes that have arrived since the last entry or line
    barren: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arrival {
    /// More may arrive
    More,
    /// The transfer has succeeded; what is left is in memory
    Over,
    /// The last item was returned
    Done,
}

impl Entries {
    /// Entries for a listing that has not begun
    #[must_use]
    pub fn with_parser(parser: ListingParser) -> Self {
        let reader = ListingReader::new(parser);
        Self { reader, received: Vec::new(), arrival: Arrival::More, barren: 0 }
    }

    /// Entries for the session's running listing, which may end before they are read
    #[must_use]
    pub fn of<S: Read + Write, L>(session: &Session<S, L>, parser: ListingParser) -> Self {
        let mut entries = Self::with_parser(parser);
        entries.note_format(session);
        entries
    }

    /// Parses these bytes of the listing first, which were read from the session before
    #[must_use]
    pub fn received(mut self, bytes: Vec<u8>) -> Self {
        self.received = bytes;
        self
    }

    /// Returns the next entry; `None` if more data must arrive first
    ///
    /// # Errors
    ///
    /// [`Error::ListingTooLong`] if 64 MiB have arrived without an entry, as in a line without an end. The transfer goes
    /// on: abort it.
    pub fn next<S: Read + Write, L>(
        &mut self,
        session: &mut Session<S, L>,
        now: Time,
    ) -> Result<Option<OwnedEntry>, Error> {
        loop {
            let entry = self.next_received();
            if entry.is_some() {
                self.barren = 0;
            }
            if entry.is_some() || !self.read(session, now)? {
                return Ok(entry);
            }
        }
    }

    /// Reads until [`Self::next_item`] has something to return; false if more data must arrive first
    ///
    /// # Errors
    ///
    /// [`Error::ListingTooLong`] if 64 MiB have arrived without the end of a line. The transfer goes on: abort it.
    pub fn fill<S: Read + Write, L>(
        &mut self,
        session: &mut Session<S, L>,
        now: Time,
    ) -> Result<bool, Error> {
        while !self.has_line() {
            if !self.read(session, now)? {
                return Ok(false);
            }
        }
        self.barren = 0;
        Ok(true)
    }

    /// Returns the next line, whether it is an entry or not; `None` if more data must arrive first, or at the end
    pub fn next_item(&mut self) -> Option<Item<'_>> {
        self.has_line();
        self.reader.next_item()
    }

    /// Reports that the transfer has succeeded: what is left is the last line, which may lack its line ending
    pub fn end(&mut self) {
        self.arrival = Arrival::Over;
        self.end_reader();
    }

    /// Reports that the transfer has failed, whose error is the last item
    pub const fn fail(&mut self) {
        self.arrival = Arrival::Done;
    }

    /// Whether entries may still arrive, so that [`Self::next`] must be waited for
    #[must_use]
    pub fn is_arriving(&self) -> bool {
        self.arrival == Arrival::More
    }

    /// Returns the next item of an iterator over the entries, for shells that have one; `None` at the end
    ///
    /// As long as entries [may arrive](Self::is_arriving), `awaited` is the result of waiting for [`Self::next`]: an
    /// entry, or `None` if the transfer has succeeded, or why it failed. After that it is `None`.
    pub fn item(
        &mut self,
        awaited: Option<Result<Option<OwnedEntry>, Error>>,
    ) -> Option<Result<OwnedEntry, Error>> {
        match awaited {
            Some(Ok(Some(entry))) => return Some(Ok(entry)),
            Some(Err(error)) => {
                self.fail();
                return Some(Err(error));
            }
            _ if self.arrival == Arrival::Done => return None,
            _ => {}
        }
        let last = self.last().transpose();
        if !matches!(last, Some(Ok(_))) {
            self.arrival = Arrival::Done;
        }
        last
    }

    fn end_reader(&mut self) {
        if self.arrival != Arrival::More && self.received.is_empty() {
            self.reader.end();
        }
    }

    fn read<S: Read + Write, L>(
        &mut self,
        session: &mut Session<S, L>,
        now: Time,
    ) -> Result<bool, Error> {
        if self.barren > MAX_BARREN {
            return Err(Error::ListingTooLong { limit: MAX_BARREN });
        }
        self.note_format(session);
        let Moved::Bytes(count) = session.read_data(self.reader.room(), now) else {
            return Ok(false);
        };
        self.reader.filled(count);
        self.barren += count;
        Ok(true)
    }

    /// Notes what the session knows of the running listing's format
    fn note_format<S: Read + Write, L>(&mut self, session: &Session<S, L>) {
        self.reader.set_hint(session.client().listing_hint());
        self.reader.set_format(session.client().listing_format());
    }

    /// Returns the next of the last entries: call it after the completion, until it returns `None`
    ///
    /// The last line may lack its line ending, and the line before it may have had to wait for it.
    ///
    /// # Errors
    ///
    /// [`UnreadableDirectory`](ftp_proto::Error::UnreadableDirectory) if there was no entry, but an error message of
    /// the server or an unrecognized line.
    pub fn last(&mut self) -> Result<Option<OwnedEntry>, Error> {
        if let Some(entry) = self.next_received() {
            return Ok(Some(entry));
        }
        self.end();
        let last = self.reader.next_entry();
        if last.is_none() {
            self.reader.complete()?;
        }
        Ok(last)
    }

    /// Returns the next entry among what has arrived
    fn next_received(&mut self) -> Option<OwnedEntry> {
        loop {
            let entry = self.reader.next_entry();
            if entry.is_some() || !self.parse_received() {
                return entry;
            }
        }
    }

    fn has_line(&mut self) -> bool {
        while !self.reader.has_line() {
            if !self.parse_received() {
                return false;
            }
        }
        true
    }

    /// Passes more of what was received before to the reader, which has parsed all that it had
    fn parse_received(&mut self) -> bool {
        if self.received.is_empty() {
            return false;
        }
        let room = self.reader.room();
        let count = self.received.len().min(room.len());
        room[..count].copy_from_slice(&self.received[..count]);
        self.received.drain(..count);
        self.reader.filled(count);
        self.end_reader();
        true
    }

    /// The number of lines so far that were not recognized, or in which the server reports what it could not read, and
    /// of entries of other directories in a recursive listing
    ///
    /// None of these is among the entries, yet each may stand for a file. Check the number before you delete what is
    /// not listed.
    #[must_use]
    pub fn unknown_lines(&self) -> u64 {
        self.reader.unknown_lines()
    }

    /// Whether names that begin with a dot may be missing; known once [`last`](Self::last) has returned `None`
    ///
    /// Many servers leave such names out of LIST, so a listing without any does not show whether there are some. MLSD
    /// has all names.
    #[must_use]
    pub fn may_lack_dot_names(&self) -> bool {
        self.reader.may_lack_dot_names()
    }

    /// Whether the last line lacks its line ending; known once [`last`](Self::last) has returned `None`
    ///
    /// The listing may have been cut off within the name of the last entry, but some servers always leave it out.
    #[must_use]
    pub fn last_line_is_open(&self) -> bool {
        self.reader.last_line_is_open()
    }
}
