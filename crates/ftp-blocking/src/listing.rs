//! Listings, line by line and entry by entry

use std::io::{self, Read};

use ftp_proto::listing::{Item, OwnedEntry};
use ftp_session::{Error, Holder, Lines};

use crate::client::Client;
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
}

ftp_session::listing_methods! { Client, [], []; DownloadWith, ListingWith, EntriesWith }

/// The listing's bytes
impl<C: Holder<Client>> Read for ListingWith<C> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.lines.take(buffer) {
            0 => self.download.read(buffer),
            count => Ok(count),
        }
    }
}

/// The lines of the directory
impl<C: Holder<Client>> EntriesWith<C> {
    /// Returns the next line, whether it is an entry or not; `None` when the listing is complete
    ///
    /// # Errors
    ///
    /// Why the listing failed; returned again if you go on.
    pub fn next_item(&mut self) -> Result<Option<Item<'_>>, Error> {
        let _call = self.download.session_mut().call();
        let reader = &mut self.reader;
        if reader.is_arriving() {
            let filled = self.download.read_with(|session, now| {
                reader.fill(session, now).map(|is_filled| is_filled.then_some(())).transpose()
            });
            let filled = self.download.parsed(filled);
            if filled.inspect_err(|_| reader.fail())?.is_none() {
                reader.end();
            }
        }
        self.download.end().transpose()?;
        Ok(self.reader.next_item())
    }
}

impl<C: Holder<Client>> Iterator for EntriesWith<C> {
    type Item = Result<OwnedEntry, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let _call = self.download.session_mut().call();
        let reader = &mut self.reader;
        let awaited = reader.is_arriving().then(|| {
            let next =
                self.download.read_with(|session, now| reader.next(session, now).transpose());
            self.download.parsed(next)
        });
        self.reader.item(awaited)
    }
}
