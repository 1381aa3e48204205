//! Directories, entry by entry

use std::time::SystemTime;

use ftp_proto::Timestamp;
use ftp_proto::listing::{ListingParser, ListingReader, OwnedEntry};

use crate::error::Error;
use crate::session::Session;
use crate::transfer::Moved;

/// The entries of a directory, while they arrive: for [`Session::read_dir`] and [`Session::list`]
///
/// One a listing. `.` and `..` are left out, headers and totals passed over. Whether the listing is
/// complete is told by its completion, as with every transfer:
///
/// ```no_run
/// # fn turn(ftp: &mut ftp_mio::Session, entries: &mut ftp_mio::Entries,
/// #     directory: ftp_mio::Op<ftp_mio::Transfer>) -> Result<(), ftp_mio::Error> {
/// // In each turn, where else `read_data` would be called:
/// while let Some(entry) = entries.next(ftp) {
///     println!("{}", entry.display_name());
/// }
/// while let Some(event) = ftp.poll_event() {
///     if let ftp_mio::Event::Completed(mut done) = event {
///         if let Some(result) = done.take(directory) {
///             result?;
///             while let Some(entry) = entries.last()? {
///                 println!("{}", entry.display_name());
///             }
///         }
///     }
/// }
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Entries {
    reader: ListingReader,
}

impl Default for Entries {
    fn default() -> Self {
        Self::new()
    }
}

impl Entries {
    /// For a listing that has not begun
    ///
    /// Years that lines leave out follow from this machine's clock.
    #[must_use]
    pub fn new() -> Self {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok();
        let now = now.and_then(|now| Timestamp::from_unix(now.as_secs().try_into().ok()?));
        let parser = ListingParser::new();
        Self::with_parser(match now {
            Some(now) => parser.with_now(now),
            None => parser,
        })
    }

    /// With a parser that knows more
    #[must_use]
    pub fn with_parser(parser: ListingParser) -> Self {
        Self { reader: ListingReader::new(parser) }
    }

    /// The next entry; `None` if more has to arrive first
    pub fn next(&mut self, session: &mut Session) -> Option<OwnedEntry> {
        loop {
            if let Some(entry) = self.reader.next_entry() {
                return Some(entry);
            }
            self.reader.set_hint(session.listing_hint());
            self.reader.set_format(session.listing_format());
            match session.read_data(self.reader.room()) {
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
    /// of other directories in a recursive listing: not among the entries, perhaps files all the same. Who deletes what is not listed has to look at it first.
    #[must_use]
    pub fn unknown_lines(&self) -> u64 {
        self.reader.unknown_lines()
    }
}
