//! Listings: entry by entry, and line by line

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ftp_proto::listing::{Format, OwnedEntry, StatListing, UtcOffset, parse_mlst, parse_stat};
use ftp_proto::{List, ReadDir, Reply, Transfer};
use ftp_session::{Error, Holder};
use futures_core::Stream;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader, ReadBuf};

use crate::client::{Client, OwnedError};
use crate::transfer::Download;

/// Maximum bytes of memory for the collected lines of a listing
const MAX_LISTING: usize = 64 * 1024 * 1024;

/// A listing in progress: its lines as the server writes them
///
/// As with [`Download`], the end is reported only after the server's final reply has confirmed it. If you drop it
/// early, the next call reads and discards the rest, for at most
/// [`Config::settle_timeout`](crate::Config::settle_timeout): some servers would otherwise send it before the next
/// listing.
#[must_use = "dropping it aborts the listing"]
#[derive(Debug)]
pub struct Listing<C: Holder<Client>> {
    lines: Lines<Download<C>>,
    format: Option<Format>,
}

impl<C: Holder<Client> + Unpin> Listing<C> {
    pub(crate) fn new(download: Download<C>) -> Self {
        let (limit, format) = (download.line_limit(), download.listing_format());
        Self { lines: Lines::new(download, limit), format }
    }

    /// Parses the remaining lines as entries
    ///
    /// This is the listing as the server made it. [`Client::read_dir`] chooses the command, and tells an empty
    /// directory from a missing one.
    pub fn entries(self) -> Entries<C> {
        let received = self.lines.received();
        Entries::continued(self.lines.into_inner(), self.format, received)
    }

    /// Returns the next line without its line ending; `None` when the listing is complete
    ///
    /// # Errors
    ///
    /// Why the transfer failed; [`Error::LineTooLong`] beyond the [limit](Client::set_line_limit).
    pub async fn next_line(&mut self) -> Result<Option<&[u8]>, Error> {
        self.lines.next().await
    }

    /// Returns all remaining lines, in up to 64 MiB of memory; [`Self::next_line`] returns them one by one, without a
    /// limit
    ///
    /// # Errors
    ///
    /// As [`Self::next_line`]; [`Error::ListingTooLong`] beyond 64 MiB, after which the transfer is aborted.
    pub async fn collect_lines(mut self) -> Result<C::Done<Vec<Vec<u8>>>, C::Error> {
        match self.lines_left().await {
            Ok(lines) => self.lines.into_inner().finish_with(|_| lines).await,
            Err(error) => Err(self.lines.into_inner().fail(error).await),
        }
    }

    async fn lines_left(&mut self) -> Result<Vec<Vec<u8>>, Error> {
        let (mut lines, mut held) = (Vec::new(), 0);
        while let Some(line) = self.next_line().await? {
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
    pub async fn finish(self) -> Result<C::Done<Transfer>, C::Error> {
        self.lines.into_inner().finish().await
    }

    /// Gives up the rest; the session is usable afterwards, if this succeeds
    ///
    /// Returns the same as [`Download::abort`]: `None` if the rest of the listing was read without an ABOR.
    ///
    /// # Errors
    ///
    /// The error that ended the session, if the server did not settle in time.
    pub async fn abort(self) -> Result<C::Done<Option<Reply>>, C::Error> {
        self.lines.into_inner().abort().await
    }
}

/// The listing's bytes
impl<C: Holder<Client> + Unpin> AsyncRead for Listing<C> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.lines.reader).poll_read(context, buffer)
    }
}

/// Lines of bounded length
#[derive(Debug)]
pub(crate) struct Lines<R> {
    reader: BufReader<R>,
    line: Vec<u8>,
    /// Whether a call was dropped in the middle of a line, which the next call continues
    partial: bool,
    limit: usize,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(crate) fn new(reader: R, limit: usize) -> Self {
        let reader = BufReader::with_capacity(16 * 1024, reader);
        Self { reader, line: Vec::new(), partial: false, limit }
    }

    /// Returns the next line without LF or CRLF; `None` at the end
    pub(crate) async fn next(&mut self) -> Result<Option<&[u8]>, Error> {
        if !std::mem::replace(&mut self.partial, true) {
            self.line.clear();
        }
        let room = self.limit.saturating_add(2) - self.line.len();
        let mut limited = (&mut self.reader).take(room as u64);
        limited.read_until(b'\n', &mut self.line).await?;
        self.partial = false;
        if self.line.is_empty() {
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

    /// What was read and is no part of a line that was returned
    fn received(&self) -> Vec<u8> {
        let begun = if self.partial { &self.line[..] } else { &[] };
        [begun, self.reader.buffer()].concat()
    }

    pub(crate) fn into_inner(self) -> R {
        self.reader.into_inner()
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
    fn new(mut download: Download<C>) -> Self {
        let reader = ftp_session::Entries::with_parser(download.session().parser());
        Self { download, reader, state: EntriesState::Arriving }
    }

    /// The entries of a listing of which this was received before, and which may have ended since
    fn continued(mut download: Download<C>, format: Option<Format>, received: Vec<u8>) -> Self {
        let session = download.session();
        let (mut parser, hint) = (session.parser(), session.inner.client().listing_hint());
        if let Some(hint) = hint {
            parser = parser.with_hint(hint);
        }
        if let Some(format) = format {
            parser = parser.with_format(format);
        }
        let reader = ftp_session::Entries::with_parser(parser).received(received);
        Self { download, reader, state: EntriesState::Arriving }
    }

    /// Returns the next entry; `None` when the listing is complete
    pub async fn next(&mut self) -> Option<Result<OwnedEntry, Error>> {
        poll_fn(|context| self.poll_entry(context)).await
    }

    fn poll_entry(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<OwnedEntry, Error>>> {
        if self.state == EntriesState::Arriving {
            let reader = &mut self.reader;
            let next = self.download.poll_with(context, |session| {
                let now = session.now();
                reader.next(&mut session.inner, now)
            });
            if let Some(entry) = ready!(next) {
                return Poll::Ready(Some(Ok(entry)));
            }
            if let Some(Err(error)) = self.download.end() {
                self.state = EntriesState::Over;
                return Poll::Ready(Some(Err(error)));
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

/// Lines of listings
impl Client {
    /// Begins a listing: `list("dir")` (LIST), `list(List::names(""))` (NLST), `list(List::facts(""))` (MLSD)
    ///
    /// # Errors
    ///
    /// A refusal by the server, or the failure of the data connection.
    #[doc(alias = "dir")]
    #[doc(alias = "nlst")]
    #[doc(alias = "mlsd")]
    pub async fn list(&mut self, list: impl Into<List>) -> Result<Listing<&mut Self>, Error> {
        let op = self.session.begin().await.list(list);
        Ok(Listing::new(Download::start(self, op).await?))
    }

    /// As [`Self::list`], but the listing owns the client
    ///
    /// # Errors
    ///
    /// As [`Self::list`]; the error contains the client if the session is still usable.
    pub async fn into_list(mut self, list: impl Into<List>) -> Result<Listing<Self>, OwnedError> {
        let op = self.session.begin().await.list(list);
        Ok(Listing::new(Download::start(self, op).await?))
    }
}

/// Directories, entry by entry
impl Client {
    /// Lists a directory with the best command that the server has, MLSD or LIST: `read_dir("d")`, or
    /// `read_dir(ReadDir::long("d"))`; an empty path is the working directory
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
    /// The session is busy with the listing until its end: to download the files of a directory, collect the entries
    /// first.
    ///
    /// An empty directory has no entries, a missing one fails with [`NoDirectory`](ftp_proto::Error::NoDirectory), and
    /// one that this user may not read fails with the server's refusal, as far as the server distinguishes them.
    /// Directories of any name can be read: if LIST would take the name for options or a pattern, the client enters
    /// the directory, and returns before a request that depends on the working directory.
    ///
    /// # Errors
    ///
    /// A refusal by the server, or the failure of the data connection; also as the last item.
    #[doc(alias = "mlsd")]
    #[doc(alias = "dir")]
    #[doc(alias = "nlst")]
    pub async fn read_dir(
        &mut self,
        directory: impl Into<ReadDir>,
    ) -> Result<Entries<&mut Self>, Error> {
        let op = self.session.begin().await.read_dir(directory);
        Ok(Entries::new(Download::start(self, op).await?))
    }

    /// As [`Self::read_dir`], but the listing owns the client
    ///
    /// # Errors
    ///
    /// As [`Self::read_dir`]; the error contains the client if the session is still usable.
    pub async fn into_read_dir(
        mut self,
        directory: impl Into<ReadDir>,
    ) -> Result<Entries<Self>, OwnedError> {
        let op = self.session.begin().await.read_dir(directory);
        Ok(Entries::new(Download::start(self, op).await?))
    }

    /// Learns how far the clock of the server's listings is ahead of UTC, by MDTM for a file of the working directory;
    /// `None` if this entry can't tell, see [`UtcOffset::learn`]
    ///
    /// After that, the times of entries are in UTC.
    ///
    /// # Errors
    ///
    /// A refusal by the server, for example because it does not support MDTM.
    pub async fn learn_utc_offset(
        &mut self,
        entry: &OwnedEntry,
    ) -> Result<Option<UtcOffset>, Error> {
        let Some(listed) = entry.modified() else { return Ok(None) };
        let mdtm = self.mdtm(entry.name()).await?;
        let learned = UtcOffset::learn(listed, mdtm);
        if learned.is_some() {
            self.session.utc_offset = learned;
        }
        Ok(learned)
    }

    /// Sets how far the clock of the server's listings is ahead of UTC, if that is known
    pub fn set_utc_offset(&mut self, offset: Option<UtcOffset>) {
        self.session.utc_offset = offset;
    }

    /// Facts about one file or directory (MLST); the entry's name is the path as the server writes it
    ///
    /// # Errors
    ///
    /// A refusal by the server, for example because it does not support MLST;
    /// [`InvalidReply`](ftp_proto::Error::InvalidReply) if the reply has no facts.
    #[doc(alias = "MLST")]
    pub async fn facts(&mut self, path: impl AsRef<[u8]>) -> Result<OwnedEntry, Error> {
        let reply = self.mlst(path).await?;
        match parse_mlst(&reply) {
            Some(entry) => Ok(entry.to_owned()),
            None => Err(ftp_proto::Error::InvalidReply(reply).into()),
        }
    }

    /// Lists a directory over the control connection (STAT), for when no data connection can be made
    ///
    /// # Errors
    ///
    /// A refusal by the server; [`UnreadableDirectory`](ftp_proto::Error::UnreadableDirectory) if the reply has no
    /// entry, but has an error message of the server or an unrecognized line.
    #[doc(alias = "STAT")]
    pub async fn stat_dir(&mut self, path: impl AsRef<[u8]>) -> Result<StatListing, Error> {
        let reply = self.stat(path).await?;
        Ok(parse_stat(&reply, self.session.parser())?)
    }
}
