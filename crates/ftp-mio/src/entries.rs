//! Directories, entry by entry

use ftp_proto::listing::{ListingParser, OwnedEntry};
use ftp_session::{Error, system};

use crate::session::Session;

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
    inner: ftp_session::Entries,
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
        Self::with_parser(system::listing_parser())
    }

    /// With a parser that knows more
    #[must_use]
    pub fn with_parser(parser: ListingParser) -> Self {
        Self { inner: ftp_session::Entries::with_parser(parser) }
    }

    /// The next entry; `None` if more has to arrive first
    pub fn next(&mut self, session: &mut Session) -> Option<OwnedEntry> {
        let now = session.now();
        self.inner.next(&mut session.inner, now)
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
        self.inner.last()
    }

    /// Lines so far that nobody understood, or in which the server says what it could not read, and entries
    /// of other directories in a recursive listing: not among the entries, perhaps files all the same. Look at it
    /// before you delete what is not listed.
    #[must_use]
    pub fn unknown_lines(&self) -> u64 {
        self.inner.unknown_lines()
    }
}
