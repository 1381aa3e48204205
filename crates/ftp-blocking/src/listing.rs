//! Listings, line by line

use std::io::{self, Read};

use ftp_proto::{Op, Reply, Transfer};
use ftp_session::{Error, Holder, Lines};

use crate::client::Client;
use crate::entries::EntriesWith;
use crate::holder::Borrowed;
use crate::transfer::DownloadWith;

/// A listing that borrows its client: [`Client::list`]
///
/// Dropping it early reads and discards the rest, for at most
/// [`Config::settle_timeout`](crate::Config::settle_timeout): some servers would otherwise send it before the next
/// listing.
pub type Listing<'a> = ListingWith<Borrowed<'a>>;

/// A listing that owns its client, and returns it at the end: [`Client::into_list`]
///
/// Dropping it early closes the session at once, without a message to the server.
pub type OwnedListing = ListingWith<Client>;

/// A listing in progress, its lines as the server writes them: [`Listing`] or [`OwnedListing`]
///
/// As with downloads, the end is reported only after the server's final reply has confirmed it.
#[must_use = "dropping it aborts the listing"]
#[derive(Debug)]
pub struct ListingWith<C: Holder<Client>> {
    download: DownloadWith<C>,
    lines: Lines,
}

impl<C: Holder<Client>> ListingWith<C> {
    pub(crate) fn new(download: DownloadWith<C>) -> Self {
        let lines = Lines::new(download.session().inner.reading().line_limit);
        Self { download, lines }
    }

    /// Waits until the transfer has begun
    pub(crate) fn start(client: C, op: Op<Transfer>) -> Result<Self, C::Error> {
        Ok(Self::new(DownloadWith::start(client, op)?))
    }

    /// Parses the remaining lines as entries
    ///
    /// This is the listing as the server made it. [`Client::read_dir`] chooses the command, and tells an empty
    /// directory from a missing one.
    pub fn entries(self) -> EntriesWith<C> {
        EntriesWith::new(self.download, self.lines.unread())
    }

    /// Returns the next line without its line ending; `None` when the listing is complete
    ///
    /// # Errors
    ///
    /// Why the transfer failed; [`Error::LineTooLong`] beyond the [limit](Client::set_line_limit).
    pub fn next_line(&mut self) -> Result<Option<&[u8]>, Error> {
        let _call = self.download.call();
        self.fill()?;
        self.lines.next_line()
    }

    /// Returns all remaining lines, in up to 64 MiB of memory; [`Self::next_line`] returns them one by one, without a
    /// limit
    ///
    /// # Errors
    ///
    /// As [`Self::next_line`]; [`Error::ListingTooLong`] beyond 64 MiB, after which the transfer is aborted.
    pub fn collect_lines(mut self) -> Result<C::Done<Vec<Vec<u8>>>, C::Error> {
        let _call = self.download.call();
        match self.lines_left() {
            Ok(lines) => self.download.finish_with(|_| lines),
            Err(error) => Err(self.download.fail(error)),
        }
    }

    fn lines_left(&mut self) -> Result<Vec<Vec<u8>>, Error> {
        let mut lines = Vec::new();
        while self.fill()? {
            self.lines.collect(&mut lines)?;
        }
        self.lines.collect(&mut lines)?;
        Ok(lines)
    }

    /// Waits for the next line; false at the end
    fn fill(&mut self) -> Result<bool, Error> {
        if self.lines.has_line() {
            return Ok(true);
        }
        let lines = &mut self.lines;
        let filled =
            self.download.read_with(|session, now| lines.fill(session, now).then_some(()))?;
        if filled.is_none() {
            self.lines.end();
        }
        Ok(filled.is_some())
    }

    /// Ends the transfer: reads and discards the rest, and waits for the final reply
    ///
    /// # Errors
    ///
    /// Why the transfer failed.
    pub fn finish(self) -> Result<C::Done<Transfer>, C::Error> {
        self.download.finish()
    }

    /// Gives up the rest, as dropping does; the session is usable afterwards, if this succeeds
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

/// The listing's bytes
impl<C: Holder<Client>> Read for ListingWith<C> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.lines.take(buffer) {
            0 => self.download.read(buffer),
            count => Ok(count),
        }
    }
}
