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

/// The entries of a directory, of a listing that borrows its client: [`Client::read_dir`]
///
/// Dropping it before its end has the rest read and thrown away, for
/// [`Config::settle_timeout`](crate::Config::settle_timeout) at most: some servers would put it before the
/// next listing.
pub type Entries<'a> = EntriesWith<Borrowed<'a>>;

/// The entries of a directory, of a listing that has its client: [`Client::into_read_dir`]
///
/// [`finish`](EntriesWith::finish) gives the client back. Dropped before its end it closes the session at once, without a
/// word to the server.
pub type OwnedEntries = EntriesWith<Client>;

/// The entries of a directory, while they arrive: [`Entries`] or [`OwnedEntries`]
///
/// As an iterator it gives what is in the directory, without `.` and `..`, and passes over headers and
/// totals; [`Self::next_item`] gives everything. Its last item is an error unless the server has
/// confirmed that the listing is complete, or if that holds no entry, and the server's own error
/// or a line that nobody understands ([`UnreadableDirectory`](ftp_proto::Error::UnreadableDirectory)).
///
/// Names are what the server sends, `../../x` among them: to write local files under them, use
/// [`local_path`](crate::local_path).
///
/// Years that lines leave out follow from this machine's clock.
#[must_use = "dropping it aborts the listing"]
#[derive(Debug)]
pub struct EntriesWith<C: Holder<Client>> {
    download: BufReader<DownloadWith<C>>,
    reader: ListingReader,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// More may come
    Coming,
    /// All of it has come, or it has failed
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
        // The reader has a buffer already.
        Ok(Self::new(BufReader::with_capacity(0, download), format))
    }

    /// What the next line is, be it an entry or not; `None` when the listing is complete
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

    /// Lines so far that nobody understood, or in which the server says what it could not read, and entries
    /// of other directories in a recursive listing: not among the entries, perhaps files all the same. Look at it
    /// before you delete what is not listed.
    #[must_use]
    pub fn unknown_lines(&self) -> u64 {
        self.reader.unknown_lines()
    }

    /// Ends the listing: reads what is left, throwing it away, and waits for the final reply
    ///
    /// # Errors
    ///
    /// Why the listing failed.
    pub fn finish(self) -> Result<C::Done<Transfer>, C::Error> {
        self.download.into_inner().finish()
    }

    /// Gives the rest up; the session is usable afterwards, if this succeeds
    ///
    /// Returns what [`DownloadWith::abort`] does: `None` if the rest of the listing was read without an ABOR.
    ///
    /// # Errors
    ///
    /// That of the session's end, if the server did not settle in time.
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

/// For listings made now
pub(crate) fn parser(offset: Option<UtcOffset>) -> ListingParser {
    let parser = system::listing_parser();
    match offset {
        Some(offset) => parser.with_offset(offset),
        None => parser,
    }
}

/// Directories, entry by entry
impl Client {
    /// The entries of a directory, by the best command that the server has, MLSD or LIST:
    /// `read_dir("d")`, or `read_dir(ReadDir::long("d"))`; an empty path is the working directory
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
    /// An empty directory gives no entries, a missing one is
    /// [`NoDirectory`](ftp_proto::Error::NoDirectory), and one that this user may not read the server's
    /// refusal, as far as the server tells them apart. Directories with any name can be read: those that
    /// LIST would take for options or patterns are entered, and left again at the end.
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

    /// As [`Self::read_dir`], with the client inside, which [`finish`](EntriesWith::finish) gives back
    ///
    /// # Errors
    ///
    /// As [`Self::read_dir`], with the client, if the session goes on.
    pub fn into_read_dir(
        mut self,
        directory: impl Into<ReadDir>,
    ) -> Result<OwnedEntries, OwnedError> {
        let op = self.session.begin().read_dir(directory);
        EntriesWith::start(self, op)
    }

    /// Learns how far the clock of the server's listings is ahead of UTC, by MDTM for a file of the
    /// working directory: `None` if that can't be told from this one, see [`UtcOffset::learn`]
    ///
    /// From then on the times of entries are in UTC.
    ///
    /// # Errors
    ///
    /// A refusal by the server, for one because it does not know MDTM.
    pub fn learn_utc_offset(&mut self, entry: &OwnedEntry) -> Result<Option<UtcOffset>, Error> {
        let Some(listed) = entry.modified() else { return Ok(None) };
        let mdtm = self.mdtm(entry.name())?;
        let learned = UtcOffset::learn(listed, mdtm);
        if learned.is_some() {
            self.session.utc_offset = learned;
        }
        Ok(learned)
    }

    /// Tells how far the clock of the server's listings is ahead of UTC, if that is known
    pub fn set_utc_offset(&mut self, offset: Option<UtcOffset>) {
        self.session.utc_offset = offset;
    }

    /// Facts about one file or directory (MLST); its name is the path as the server writes it
    ///
    /// # Errors
    ///
    /// A refusal by the server, for one because it does not know MLST;
    /// [`InvalidReply`](ftp_proto::Error::InvalidReply) without a fact in the reply.
    #[doc(alias = "MLST")]
    pub fn facts(&mut self, path: impl AsRef<[u8]>) -> Result<OwnedEntry, Error> {
        let reply = self.mlst(path)?;
        match parse_mlst(&reply) {
            Some(entry) => Ok(entry.to_owned()),
            None => Err(ftp_proto::Error::InvalidReply(reply).into()),
        }
    }

    /// The entries of a directory over the control connection (STAT), where no data connection can be
    /// had
    ///
    /// # Errors
    ///
    /// A refusal by the server; [`UnreadableDirectory`](ftp_proto::Error::UnreadableDirectory) if the reply
    /// has no entry, and a line in which the server tells an error, or which nobody understands.
    #[doc(alias = "STAT")]
    pub fn stat_dir(&mut self, path: impl AsRef<[u8]>) -> Result<StatListing, Error> {
        let reply = self.stat(path)?;
        Ok(parse_stat(&reply, parser(self.session.utc_offset))?)
    }
}
