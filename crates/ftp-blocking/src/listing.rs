//! Listings, line by line

use std::io::{self, BufRead, BufReader, Read};

use ftp_proto::listing::Format;
use ftp_proto::{Reply, Transfer};
use ftp_session::{Error, Holder};

use crate::client::Client;
use crate::entries::EntriesWith;
use crate::holder::Borrowed;
use crate::transfer::DownloadWith;

/// Maximum bytes of memory for the collected lines of a listing
const MAX_LISTING: usize = 64 * 1024 * 1024;

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
    lines: Lines<DownloadWith<C>>,
    format: Option<Format>,
}

impl<C: Holder<Client>> ListingWith<C> {
    pub(crate) fn new(download: DownloadWith<C>) -> Self {
        let format = download.listing_format();
        Self { lines: Lines::new(download), format }
    }

    /// Parses the remaining lines as entries
    ///
    /// This is the listing as the server made it. [`Client::read_dir`] chooses the command, and tells an empty
    /// directory from a missing one.
    pub fn entries(self) -> EntriesWith<C> {
        EntriesWith::new(self.lines.reader, self.format)
    }

    /// Returns the next line without its line ending; `None` when the listing is complete
    ///
    /// # Errors
    ///
    /// Why the transfer failed; [`Error::LineTooLong`] beyond the [limit](Client::set_line_limit).
    pub fn next_line(&mut self) -> Result<Option<&[u8]>, Error> {
        let _call = self.lines.reader.get_mut().call();
        self.lines.next()
    }

    /// Returns all remaining lines, in up to 64 MiB of memory; [`Self::next_line`] returns them one by one, without a
    /// limit
    ///
    /// # Errors
    ///
    /// As [`Self::next_line`]; [`Error::ListingTooLong`] beyond 64 MiB, after which the transfer is aborted.
    pub fn collect_lines(mut self) -> Result<C::Done<Vec<Vec<u8>>>, C::Error> {
        let _call = self.lines.reader.get_mut().call();
        match self.lines_left() {
            Ok(lines) => self.lines.into_inner().finish_with(|_| lines),
            Err(error) => Err(self.lines.into_inner().fail(error)),
        }
    }

    fn lines_left(&mut self) -> Result<Vec<Vec<u8>>, Error> {
        let (mut lines, mut held) = (Vec::new(), 0);
        while let Some(line) = self.lines.next()? {
            // Each allocation has an overhead, too.
            held += line.len() + size_of::<Vec<u8>>() + 16;
            if held > MAX_LISTING {
                return Err(Error::ListingTooLong { limit: MAX_LISTING });
            }
            lines.push(line.to_vec());
        }
        Ok(lines)
    }

    /// Ends the transfer: reads and discards the rest, and waits for the final reply
    ///
    /// # Errors
    ///
    /// Why the transfer failed.
    pub fn finish(self) -> Result<C::Done<Transfer>, C::Error> {
        self.lines.into_inner().finish()
    }

    /// Gives up the rest, as dropping does; the session is usable afterwards, if this succeeds
    ///
    /// Returns the same as [`DownloadWith::abort`]: `None` if the rest of the listing was read without an ABOR.
    ///
    /// # Errors
    ///
    /// The error that ended the session, if the server did not settle in time.
    pub fn abort(self) -> Result<C::Done<Option<Reply>>, C::Error> {
        self.lines.into_inner().abort()
    }
}

/// The listing's bytes
impl<C: Holder<Client>> Read for ListingWith<C> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.lines.reader.read(buffer)
    }
}

/// Lines of bounded length
#[derive(Debug)]
pub(crate) struct Lines<R> {
    reader: BufReader<R>,
    line: Vec<u8>,
    /// Maximum length of a line in bytes
    limit: usize,
}

impl<C: Holder<Client>> Lines<DownloadWith<C>> {
    pub(crate) fn new(download: DownloadWith<C>) -> Self {
        let limit = download.line_limit();
        Self { reader: BufReader::with_capacity(16 * 1024, download), line: Vec::new(), limit }
    }
}

impl<R: Read> Lines<R> {
    /// Returns the next line without LF or CRLF; `None` at the end
    pub(crate) fn next(&mut self) -> Result<Option<&[u8]>, Error> {
        self.line.clear();
        let mut limited = (&mut self.reader).take((self.limit as u64).saturating_add(2));
        let count = limited.read_until(b'\n', &mut self.line)?;
        if count == 0 {
            return Ok(None);
        }
        let mut line = &self.line[..];
        if let Some(text) = line.strip_suffix(b"\n") {
            line = text.strip_suffix(b"\r").unwrap_or(text);
        }
        if line.len() > self.limit {
            return Err(Error::LineTooLong { limit: self.limit });
        }
        Ok(Some(line))
    }

    pub(crate) fn into_inner(self) -> R {
        self.reader.into_inner()
    }
}
