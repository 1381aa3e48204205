//! Directories, entry by entry

use std::io::{Read, Write};

use ftp_proto::Time;
use ftp_proto::listing::{ListingParser, ListingReader, OwnedEntry};

use crate::error::Error;
use crate::session::{Moved, Session};

/// The entries of a directory as they arrive: for requests made with `read_dir` and `list`
///
/// Use one value for each listing. `.` and `..`, headers and totals are skipped. As with every transfer, its
/// completion says whether the listing is complete; after it, take the [last](Self::last) entries.
#[derive(Debug)]
pub struct Entries {
    reader: ListingReader,
    /// What was received before, and is parsed first
    received: Vec<u8>,
}

impl Entries {
    /// Entries for a listing that has not begun
    #[must_use]
    pub fn with_parser(parser: ListingParser) -> Self {
        Self { reader: ListingReader::new(parser), received: Vec::new() }
    }

    /// Parses these bytes of the listing first, which were read from the session before
    #[must_use]
    pub fn received(mut self, bytes: Vec<u8>) -> Self {
        self.received = bytes;
        self
    }

    /// Returns the next entry; `None` if more data must arrive first
    pub fn next<S: Read + Write, L>(
        &mut self,
        session: &mut Session<S, L>,
        now: Time,
    ) -> Option<OwnedEntry> {
        loop {
            if let Some(entry) = self.next_received() {
                return Some(entry);
            }
            self.reader.set_hint(session.client().listing_hint());
            self.reader.set_format(session.client().listing_format());
            match session.read_data(self.reader.room(), now) {
                Moved::Bytes(count) => self.reader.filled(count),
                _ => return None,
            }
        }
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
        self.reader.end();
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
            if entry.is_some() || self.received.is_empty() {
                return entry;
            }
            let room = self.reader.room();
            let count = self.received.len().min(room.len());
            room[..count].copy_from_slice(&self.received[..count]);
            self.received.drain(..count);
            self.reader.filled(count);
        }
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

    /// Whether the last line lacks its line ending; known once [`last`](Self::last) has returned `None`
    ///
    /// The listing may have been cut off within the name of the last entry, but some servers always leave it out.
    #[must_use]
    pub fn last_line_is_open(&self) -> bool {
        self.reader.last_line_is_open()
    }
}
