//! Directories, entry by entry

use std::io::{Read, Write};

use ftp_proto::Time;
use ftp_proto::listing::{ListingParser, ListingReader, OwnedEntry};

use crate::error::Error;
use crate::session::{Moved, Session};

/// The entries of a directory, while they arrive: for requests of `read_dir` and `list`
///
/// One a listing. `.` and `..` are left out, headers and totals passed over. Whether the listing is
/// complete is told by its completion, as with every transfer; then come the [last](Self::last) entries.
#[derive(Debug)]
pub struct Entries {
    reader: ListingReader,
}

impl Entries {
    /// For a listing that has not begun
    #[must_use]
    pub fn with_parser(parser: ListingParser) -> Self {
        Self { reader: ListingReader::new(parser) }
    }

    /// The next entry; `None` if more has to arrive first
    pub fn next<S: Read + Write, L>(
        &mut self,
        session: &mut Session<S, L>,
        now: Time,
    ) -> Option<OwnedEntry> {
        loop {
            if let Some(entry) = self.reader.next_entry() {
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

    /// The next of the last entries: to be called after the completion, until it returns `None`
    ///
    /// The last line may have come without its end, and a line before it may have had to wait for it.
    ///
    /// # Errors
    ///
    /// [`UnreadableDirectory`](ftp_proto::Error::UnreadableDirectory) if there was no entry, and a line in
    /// which the server tells an error, or which nobody understands.
    pub fn last(&mut self) -> Result<Option<OwnedEntry>, Error> {
        self.reader.end();
        let last = self.reader.next_entry();
        if last.is_none() {
            self.reader.complete()?;
        }
        Ok(last)
    }

    /// Lines so far that nobody understood, or in which the server says what it could not read, and entries
    /// of other directories in a recursive listing: not among the entries, perhaps files all the same. Look at it
    /// before you delete what is not listed.
    #[must_use]
    pub fn unknown_lines(&self) -> u64 {
        self.reader.unknown_lines()
    }
}
