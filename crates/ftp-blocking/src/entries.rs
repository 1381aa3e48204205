//! Directories, entry by entry

use std::io::{BufReader, Read};

use ftp_proto::listing::{
    Format, Item, ListingParser, ListingReader, OwnedEntry, StatListing, UtcOffset, parse_mlst,
    parse_stat,
};
use ftp_proto::{ReadDir, Reply};
use ftp_session::{Error, system};

use crate::client::Client;
use crate::transfer::Download;

/// The entries of a directory, while they arrive
///
/// As an iterator it gives what is in the directory, without `.` and `..`, and passes over headers and
/// totals; [`Self::next_item`] gives everything. Its last item is an error unless the server has
/// confirmed that the listing is complete, or if that holds no entry, and the server's own error
/// or a line that nobody understands ([`UnreadableDirectory`](ftp_proto::Error::UnreadableDirectory)).
/// Dropping it earlier has the rest read and thrown away, for
/// [`Config::settle_timeout`](crate::Config::settle_timeout) at most: some servers would put it before the
/// next listing.
///
/// Names are what the server sends, `../../x` among them: to write local files under them, use
/// [`local_path`](crate::local_path).
///
/// Years that lines leave out follow from this machine's clock.
#[must_use = "dropping it aborts the listing"]
#[derive(Debug)]
pub struct Entries<'a> {
    /// `None` when it is over
    download: Option<BufReader<Download<'a>>>,
    reader: ListingReader,
}

impl<'a> Entries<'a> {
    pub(crate) fn new(download: BufReader<Download<'a>>, format: Option<Format>) -> Self {
        let mut reader = ListingReader::new(parser(download.get_ref().utc_offset()));
        reader.set_hint(download.get_ref().listing_hint());
        reader.set_format(format);
        Self { download: Some(download), reader }
    }

    /// What the next line is, be it an entry or not; `None` when the listing is complete
    ///
    /// # Errors
    ///
    /// Why the listing failed.
    pub fn next_item(&mut self) -> Result<Option<Item<'_>>, Error> {
        let _call = self.download.as_mut().map(|download| download.get_mut().call());
        while !self.reader.has_line() && self.download.is_some() {
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

    /// Gives the rest up, as dropping does; the session is usable afterwards, if this succeeds
    ///
    /// Returns what [`Download::abort`](crate::Download::abort) does: `None` if the rest of the listing was read
    /// without an ABOR.
    ///
    /// # Errors
    ///
    /// That of the session's end, if the server did not settle in time.
    pub fn abort(self) -> Result<Option<Reply>, Error> {
        self.download.map_or(Ok(None), |download| download.into_inner().abort())
    }

    fn fill(&mut self) -> Result<(), Error> {
        let Some(download) = &mut self.download else { return Ok(()) };
        match download.read(self.reader.room()) {
            Ok(0) => {
                self.download = None;
                self.reader.end();
                Ok(())
            }
            Ok(count) => {
                self.reader.filled(count);
                Ok(())
            }
            Err(error) => {
                self.download = None;
                Err(error.into())
            }
        }
    }
}

impl Iterator for Entries<'_> {
    type Item = Result<OwnedEntry, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let _call = self.download.as_mut().map(|download| download.get_mut().call());
        loop {
            if let Some(entry) = self.reader.next_entry() {
                return Some(Ok(entry));
            }
            if self.download.is_none() {
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
        let download = Download::start(&mut self.session, op)?;
        let format = download.listing_format();
        // The reader has a buffer already.
        Ok(Entries::new(BufReader::with_capacity(0, download), format))
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
