//! Directories, entry by entry

use std::io::{BufReader, Read};

use ftp_proto::listing::{
    Format, Item, ListingParser, ListingReader, OwnedEntry, StatListing, UtcOffset, parse_mlst,
    parse_stat,
};
use ftp_proto::{Op, ReadDir, Reply, Transfer};
use ftp_session::{Error, Holder, system};

use crate::client::Client;
use crate::holder::{Borrowed, OwnedError};
use crate::transfer::DownloadWith;

/// The entries of a directory, from a listing that borrows its client: [`Client::read_dir`]
///
/// Dropping it early reads and discards the rest, for at most
/// [`Config::settle_timeout`](crate::Config::settle_timeout): some servers would otherwise send it before the next
/// listing.
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
    download: BufReader<DownloadWith<C>>,
    reader: ListingReader,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// More may arrive
    Coming,
    /// The listing is complete, or has failed
    Over,
}

impl<C: Holder<Client>> EntriesWith<C> {
    pub(crate) fn new(download: BufReader<DownloadWith<C>>, format: Option<Format>) -> Self {
        let mut reader = ListingReader::new(parser(download.get_ref().utc_offset()));
        reader.set_hint(download.get_ref().listing_hint());
        reader.set_format(format);
        Self { download, reader, state: State::Coming }
    }

    fn start(client: C, op: Op<Transfer>) -> Result<Self, C::Error> {
        let download = DownloadWith::start(client, op)?;
        let format = download.listing_format();
        // The reader has its own buffer.
        Ok(Self::new(BufReader::with_capacity(0, download), format))
    }

    /// Returns the next line, whether it is an entry or not; `None` when the listing is complete
    ///
    /// # Errors
    ///
    /// Why the listing failed.
    pub fn next_item(&mut self) -> Result<Option<Item<'_>>, Error> {
        let _call = self.download.get_mut().call();
        while !self.reader.has_line() && self.state == State::Coming {
            self.fill()?;
        }
        Ok(self.reader.next_item())
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
        self.download.into_inner().finish()
    }

    /// Gives up the rest; the session is usable afterwards, if this succeeds
    ///
    /// Returns the same as [`DownloadWith::abort`]: `None` if the rest of the listing was read without an ABOR.
    ///
    /// # Errors
    ///
    /// The error that ended the session, if the server did not settle in time.
    pub fn abort(self) -> Result<C::Done<Option<Reply>>, C::Error> {
        self.download.into_inner().abort()
    }

    fn fill(&mut self) -> Result<(), Error> {
        match self.download.read(self.reader.room()) {
            Ok(0) => {
                self.state = State::Over;
                self.reader.end();
                Ok(())
            }
            Ok(count) => {
                self.reader.filled(count);
                Ok(())
            }
            Err(error) => {
                self.state = State::Over;
                Err(error.into())
            }
        }
    }
}

impl<C: Holder<Client>> Iterator for EntriesWith<C> {
    type Item = Result<OwnedEntry, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let _call = self.download.get_mut().call();
        loop {
            if let Some(entry) = self.reader.next_entry() {
                return Some(Ok(entry));
            }
            if self.state == State::Over {
                return self.reader.complete().err().map(|error| Err(error.into()));
            }
            if let Err(error) = self.fill() {
                return Some(Err(error));
            }
        }
    }
}

/// A parser for listings made now
pub(crate) fn parser(offset: Option<UtcOffset>) -> ListingParser {
    let parser = system::listing_parser();
    match offset {
        Some(offset) => parser.with_offset(offset),
        None => parser,
    }
}

/// Directories, entry by entry
impl Client {
    /// Lists a directory with the best command that the server has, MLSD or LIST: `read_dir("d")`, or
    /// `read_dir(ReadDir::long("d"))`; an empty path is the working directory
    ///
    /// ```no_run
    /// # fn f(ftp: &mut ftp_blocking::Client) -> Result<(), ftp_blocking::Error> {
    /// for entry in ftp.read_dir("pub")? {
    ///     let entry = entry?;
    ///     println!("{:?} {}", entry.size(), entry.display_name());
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// The entries arrive while they are read, so the client is borrowed until then: to make requests for them,
    /// [`collect`](Iterator::collect) them first, or take [`walk`](Self::walk), which does that for each directory.
    ///
    /// An empty directory has no entries, a missing one fails with [`NoDirectory`](ftp_proto::Error::NoDirectory), and
    /// one that this user may not read fails with the server's refusal, as far as the server distinguishes them.
    /// Directories of any name can be read: if LIST would take the name for options or a pattern, the client enters
    /// the directory, and returns before a request that depends on the working directory.
    ///
    /// # Errors
    ///
    /// A refusal by the server, or the failure of the data connection; also as the iterator's last item.
    #[doc(alias = "mlsd")]
    #[doc(alias = "dir")]
    #[doc(alias = "nlst")]
    pub fn read_dir(&mut self, directory: impl Into<ReadDir>) -> Result<Entries<'_>, Error> {
        let op = self.session.begin().read_dir(directory);
        EntriesWith::start(Borrowed(self), op)
    }

    /// As [`Self::read_dir`], but owns the client; [`finish`](EntriesWith::finish) returns it
    ///
    /// # Errors
    ///
    /// As [`Self::read_dir`]; the error contains the client if the session is still usable.
    pub fn into_read_dir(
        mut self,
        directory: impl Into<ReadDir>,
    ) -> Result<OwnedEntries, OwnedError> {
        let op = self.session.begin().read_dir(directory);
        EntriesWith::start(self, op)
    }

    /// Learns how far the clock of the server's listings is ahead of UTC, by MDTM for a file of the working directory;
    /// `None` if this entry can't tell, see [`UtcOffset::learn`]
    ///
    /// After that, the times of entries are in UTC. An entry does not know its directory: for a file elsewhere, give the
    /// result of [`mdtm`](Self::mdtm) for its path to [`UtcOffset::learn`], and what that returns to
    /// [`Self::set_utc_offset`].
    ///
    /// # Errors
    ///
    /// A refusal by the server, for example because it does not support MDTM.
    pub fn learn_utc_offset(&mut self, entry: &OwnedEntry) -> Result<Option<UtcOffset>, Error> {
        let Some(listed) = entry.modified() else { return Ok(None) };
        let mdtm = self.mdtm(entry.name())?;
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
    pub fn facts(&mut self, path: impl AsRef<[u8]>) -> Result<OwnedEntry, Error> {
        let reply = self.mlst(path)?;
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
    pub fn stat_dir(&mut self, path: impl AsRef<[u8]>) -> Result<StatListing, Error> {
        let reply = self.stat(path)?;
        Ok(parse_stat(&reply, parser(self.session.utc_offset))?)
    }
}
