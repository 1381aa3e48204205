//! Listings: entry by entry, and line by line

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ftp_proto::listing::OwnedEntry;
use ftp_proto::{Op, Reply, Transfer};
use ftp_session::{Error, Holder, Lines};
use futures_core::Stream;
use tokio::io::{AsyncRead, ReadBuf};

use crate::client::Client;
use crate::transfer::Download;

/// A listing in progress: its lines as the server writes them
///
/// As with [`Download`], the end is reported only after the server's final reply has confirmed it. If you drop it
/// early, the next call reads and discards the rest, for at most
/// [`Config::settle_timeout`](crate::Config::settle_timeout): some servers would otherwise send it before the next
/// listing.
#[must_use = "dropping it aborts the listing"]
#[derive(Debug)]
pub struct Listing<C: Holder<Client>> {
    download: Download<C>,
    lines: Lines,
}

impl<C: Holder<Client>> Listing<C> {
    pub(crate) fn new(download: Download<C>) -> Self {
        let lines = Lines::new(download.inner().reading().line_limit);
        Self { download, lines }
    }

    /// Waits until the transfer has begun
    pub(crate) async fn start(client: C, op: Op<Transfer>) -> Result<Self, C::Error> {
        Ok(Self::new(Download::start(client, op).await?))
    }

    /// Parses the remaining lines as entries
    ///
    /// This is the listing as the server made it. [`Client::read_dir`] chooses the command, and tells an empty
    /// directory from a missing one.
    pub fn entries(self) -> Entries<C> {
        Entries::new(self.download, self.lines.unread())
    }

    /// Returns the next line without its line ending; `None` when the listing is complete
    ///
    /// # Errors
    ///
    /// Why the transfer failed; [`Error::LineTooLong`] beyond the [limit](Client::set_line_limit).
    pub async fn next_line(&mut self) -> Result<Option<&[u8]>, Error> {
        self.fill().await?;
        self.lines.next_line()
    }

    /// Returns all remaining lines, in up to 64 MiB of memory; [`Self::next_line`] returns them one by one, without a
    /// limit
    ///
    /// # Errors
    ///
    /// As [`Self::next_line`]; [`Error::ListingTooLong`] beyond 64 MiB, after which the transfer is aborted.
    pub async fn collect_lines(mut self) -> Result<C::Done<Vec<Vec<u8>>>, C::Error> {
        match self.lines_left().await {
            Ok(lines) => self.download.finish_with(|_| lines).await,
            Err(error) => Err(self.download.fail(error).await),
        }
    }

    async fn lines_left(&mut self) -> Result<Vec<Vec<u8>>, Error> {
        let mut lines = Vec::new();
        while self.fill().await? {
            self.lines.collect(&mut lines)?;
        }
        self.lines.collect(&mut lines)?;
        Ok(lines)
    }

    /// Waits for the next line; false at the end
    async fn fill(&mut self) -> Result<bool, Error> {
        if self.lines.has_line() {
            return Ok(true);
        }
        let Self { download, lines } = self;
        let filled = poll_fn(|context| {
            download.poll_with(context, |session, now| lines.fill(session, now).then_some(()))
        });
        let filled = filled.await?;
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
    pub async fn finish(self) -> Result<C::Done<Transfer>, C::Error> {
        self.download.finish().await
    }

    /// Gives up the rest; the session is usable afterwards, if this succeeds
    ///
    /// Returns the same as [`Download::abort`]: `None` if the rest of the listing was read without an ABOR.
    ///
    /// # Errors
    ///
    /// The error that ended the session, if the server did not settle in time.
    pub async fn abort(self) -> Result<C::Done<Option<Reply>>, C::Error> {
        self.download.abort().await
    }
}

/// The listing's bytes
impl<C: Holder<Client> + Unpin> AsyncRead for Listing<C> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.lines.take(buffer.initialize_unfilled()) {
            0 => Pin::new(&mut self.download).poll_read(context, buffer),
            count => {
                buffer.advance(count);
                Poll::Ready(Ok(()))
            }
        }
    }
}

/// The entries of a directory as they arrive
///
/// A [`Stream`] of the contents of the directory, without `.` and `..`, headers and totals; [`Self::next`] returns the
/// same. The last item is an error unless the server has confirmed that the listing is complete. It is also an error
/// if the listing has no entry, but has an error message of the server or an unrecognized line
/// ([`UnreadableDirectory`](ftp_proto::Error::UnreadableDirectory)). If you drop it early, the next call reads and
/// discards the rest, for at most [`Config::settle_timeout`](crate::Config::settle_timeout): some servers would
/// otherwise send it before the next listing.
///
/// ```no_run
/// # async fn f(ftp: &mut ftp_tokio::Client) -> Result<(), ftp_tokio::Error> {
/// let mut entries = ftp.read_dir("pub").await?;
/// while let Some(entry) = entries.next().await {
///     let entry = entry?;
///     println!("{:?} {}", entry.size(), entry.display_name());
/// }
/// # Ok(()) }
/// ```
///
/// Names are as the server sends them, `../../x` among them.
///
/// If a line omits the year, it is inferred from this machine's clock.
#[must_use = "dropping it aborts the listing"]
#[derive(Debug)]
pub struct Entries<C: Holder<Client>> {
    download: Download<C>,
    reader: ftp_session::Entries,
    state: EntriesState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EntriesState {
    Arriving,
    /// The transfer has succeeded; the remaining lines are in memory
    Last,
    Over,
}

impl<C: Holder<Client>> Entries<C> {
    /// The entries of a listing of which these bytes were received before
    fn new(download: Download<C>, received: &[u8]) -> Self {
        let session = download.inner();
        let reader = ftp_session::Entries::of(session, session.listing_parser());
        let reader = reader.received(received.to_vec());
        Self { download, reader, state: EntriesState::Arriving }
    }

    /// Waits until the listing has begun
    pub(crate) async fn start(client: C, op: Op<Transfer>) -> Result<Self, C::Error> {
        Ok(Self::new(Download::start(client, op).await?, &[]))
    }

    /// Returns the next entry; `None` when the listing is complete
    pub async fn next(&mut self) -> Option<Result<OwnedEntry, Error>> {
        poll_fn(|context| self.poll_entry(context)).await
    }

    fn poll_entry(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<OwnedEntry, Error>>> {
        if self.state == EntriesState::Arriving {
            let reader = &mut self.reader;
            let next = self.download.poll_with(context, |session, now| reader.next(session, now));
            match ready!(next) {
                Ok(Some(entry)) => return Poll::Ready(Some(Ok(entry))),
                Ok(None) => {}
                Err(error) => {
                    self.state = EntriesState::Over;
                    return Poll::Ready(Some(Err(error)));
                }
            }
            self.state = EntriesState::Last;
        }
        if self.state == EntriesState::Over {
            return Poll::Ready(None);
        }
        let last = self.reader.last().transpose();
        if !matches!(last, Some(Ok(_))) {
            self.state = EntriesState::Over;
        }
        Poll::Ready(last)
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

    /// Whether the last line lacks its line ending; known once [`next`](Self::next) has returned `None`
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
    pub async fn finish(self) -> Result<C::Done<Transfer>, C::Error> {
        self.download.finish().await
    }

    /// Gives up the rest; the session is usable afterwards, if this succeeds
    ///
    /// Returns the same as [`Download::abort`]: `None` if the rest of the listing was read without an ABOR.
    ///
    /// # Errors
    ///
    /// The error that ended the session, if the server did not settle in time.
    pub async fn abort(self) -> Result<C::Done<Option<Reply>>, C::Error> {
        self.download.abort().await
    }
}

impl<C: Holder<Client> + Unpin> Stream for Entries<C> {
    type Item = Result<OwnedEntry, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_entry(context)
    }
}
