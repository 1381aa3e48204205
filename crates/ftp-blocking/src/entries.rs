//! Directories, entry by entry

use ftp_proto::listing::{Item, OwnedEntry};
use ftp_proto::{Op, Reply, Transfer};
use ftp_session::{Error, Holder, Time};

use crate::client::Client;
use crate::holder::Borrowed;
use crate::session::Inner;
use crate::transfer::DownloadWith;

/// The entries of a directory, from a listing that borrows its client: [`Client::read_dir`]
///
/// Dropping it early reads and discards the rest, for at most
/// [`Config::settle_timeout`](crate::Config::settle_timeout): some servers would otherwise send it before the next
/// listing.
///
/// ```no_run
/// # fn f(ftp: &mut ftp_blocking::Client) -> Result<(), ftp_blocking::Error> {
/// for entry in ftp.read_dir("pub")? {
///     let entry = entry?;
///     println!("{:?} {}", entry.size(), entry.display_name());
/// }
/// # Ok(()) }
/// ```
pub type Entries<'a> = EntriesWith<Borrowed<'a>>;

/// The entries of a directory, from a listing that owns its client: [`Client::into_read_dir`]
///
/// [`finish`](EntriesWith::finish) returns the client. Dropping it early closes the session at once, without a message
/// to the server.
pub type OwnedEntries = EntriesWith<Client>;

/// The entries of a directory as they arrive: [`Entries`] or [`OwnedEntries`]
///
/// As an iterator it returns the contents of the directory without `.` and `..`, and skips headers and totals;
/// [`Self::next_item`] returns everything. The last item is an error unless the server has confirmed that the listing
/// is complete. It is also an error if the listing has no entry, but has an error message of the server or an
/// unrecognized line ([`UnreadableDirectory`](ftp_proto::Error::UnreadableDirectory)).
///
/// Names are as the server sends them, `../../x` among them: to write local files under them, use
/// [`local_path`](crate::local_path).
///
/// If a line omits the year, it is inferred from this machine's clock.
#[must_use = "dropping it aborts the listing"]
#[derive(Debug)]
pub struct EntriesWith<C: Holder<Client>> {
    download: DownloadWith<C>,
    reader: ftp_session::Entries,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// More may arrive
    Arriving,
    /// The transfer has succeeded; the remaining lines are in memory
    Last,
    /// Nothing is left, or the transfer has failed
    Over,
}

impl<C: Holder<Client>> EntriesWith<C> {
    /// The entries of a listing of which these bytes were received before
    pub(crate) fn new(download: DownloadWith<C>, received: &[u8]) -> Self {
        let session = &download.session().inner;
        let reader = ftp_session::Entries::of(session, session.listing_parser());
        Self { download, reader: reader.received(received.to_vec()), state: State::Arriving }
    }

    /// Waits until the listing has begun
    pub(crate) fn start(client: C, op: Op<Transfer>) -> Result<Self, C::Error> {
        Ok(Self::new(DownloadWith::start(client, op)?, &[]))
    }

    /// Returns the next line, whether it is an entry or not; `None` when the listing is complete
    ///
    /// # Errors
    ///
    /// Why the listing failed; returned again if you go on.
    pub fn next_item(&mut self) -> Result<Option<Item<'_>>, Error> {
        let _call = self.download.call();
        self.arrive(|reader, session, now| reader.fill(session, now).then_some(()))?;
        match self.download.end() {
            Some(Err(error)) => Err(error),
            _ => Ok(self.reader.next_item()),
        }
    }

    /// Waits until `next` returns something; `None` once all bytes have arrived
    fn arrive<T>(
        &mut self,
        mut next: impl FnMut(&mut ftp_session::Entries, &mut Inner, Time) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        if self.state != State::Arriving {
            return Ok(None);
        }
        let reader = &mut self.reader;
        let found = self.download.read_with(|session, now| next(reader, session, now));
        match &found {
            Ok(Some(_)) => {}
            Ok(None) => {
                self.state = State::Last;
                self.reader.end();
            }
            Err(_) => self.state = State::Over,
        }
        found
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

    /// Whether the last line lacks its line ending; known once the iterator has ended
    ///
    /// The listing may have been cut off within the name of the last entry, but some servers always leave it out.
    #[must_use]
    pub fn last_line_is_open(&self) -> bool {
        self.reader.last_line_is_open()
    }

    /// Ends the listing: reads and discards the rest, and waits for the final reply
    ///
    /// # Errors
    ///
    /// Why the listing failed.
    pub fn finish(self) -> Result<C::Done<Transfer>, C::Error> {
        self.download.finish()
    }

    /// Gives up the rest; the session is usable afterwards, if this succeeds
    ///
    /// Returns the same as [`DownloadWith::abort`]: `None` if the rest of the listing was read without an ABOR.
    ///
    /// # Errors
    ///
    /// The error that ended the session, if the server did not settle in time.
    pub fn abort(self) -> Result<C::Done<Option<Reply>>, C::Error> {
        self.download.abort()
    }
}

impl<C: Holder<Client>> Iterator for EntriesWith<C> {
    type Item = Result<OwnedEntry, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let _call = self.download.call();
        match self.arrive(ftp_session::Entries::next) {
            Ok(Some(entry)) => return Some(Ok(entry)),
            Ok(None) if self.state == State::Over => return None,
            Ok(None) => {}
            Err(error) => return Some(Err(error)),
        }
        let last = self.reader.last().transpose();
        if !matches!(last, Some(Ok(_))) {
            self.state = State::Over;
        }
        last
    }
}
