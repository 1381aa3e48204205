//! Directories, entry by entry

use ftp_proto::listing::{ListingParser, OwnedEntry};
use ftp_session::{Error, system};

use crate::session::Session;

/// The entries of a directory as they arrive: for [`Session::read_dir`] and [`Session::list`]
///
/// Use one value for each listing. `.` and `..`, headers and totals are skipped. As with every transfer, its
/// completion says whether the listing is complete:
///
/// ```no_run
/// # fn turn(ftp: &mut ftp_mio::Session, entries: &mut ftp_mio::Entries,
/// #     directory: ftp_mio::Op<ftp_mio::Transfer>) -> Result<(), ftp_mio::Error> {
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
/// // After each turn, where else `read_data` would be called:
/// while let Some(entry) = entries.next(ftp)? {
///     println!("{}", entry.display_name());
/// }
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Entries {
    inner: ftp_session::Entries,
}

impl Default for Entries {
    fn default() -> Self {
        Self::new()
    }
}

impl Entries {
    /// Entries for a listing that has not begun
    ///
    /// If a line omits the year, it is inferred from this machine's clock.
    #[must_use]
    pub fn new() -> Self {
        Self::with_parser(system::listing_parser())
    }

    /// Entries read by a parser with settings of its own, such as the server's offset from UTC
    #[must_use]
    pub fn with_parser(parser: ListingParser) -> Self {
        Self { inner: ftp_session::Entries::with_parser(parser) }
    }

    /// Returns the next entry; `None` if more data must arrive first
    ///
    /// # Errors
    ///
    /// [`Error::ListingTooLong`] if 64 MiB have arrived without an entry, as in a line without an end. The transfer goes
    /// on: abort it.
    pub fn next(&mut self, session: &mut Session) -> Result<Option<OwnedEntry>, Error> {
        let now = session.now();
        self.inner.next(&mut session.inner, now)
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
        self.inner.last()
    }

    /// The number of lines so far that were not recognized, or in which the server reports what it could not read, and
    /// of entries of other directories in a recursive listing
    ///
    /// None of these is among the entries, yet each may stand for a file. Check the number before you delete what is
    /// not listed.
    #[must_use]
    pub fn unknown_lines(&self) -> u64 {
        self.inner.unknown_lines()
    }

    /// Whether the last line lacks its line ending; known once [`last`](Self::last) has returned `None`
    ///
    /// The listing may have been cut off within the name of the last entry, but some servers always leave it out.
    #[must_use]
    pub fn last_line_is_open(&self) -> bool {
        self.inner.last_line_is_open()
    }
}
