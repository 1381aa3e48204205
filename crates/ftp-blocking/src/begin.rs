//! How transfers begin: those that borrow the client, and those that own it

use ftp_proto::{Get, List, Put};
use ftp_session::Error;

use crate::client::Client;
use crate::holder::{Borrowed, OwnedError};
use crate::listing::{Listing, ListingWith, OwnedListing};
use crate::transfer::{Download, DownloadWith, OwnedDownload, OwnedUpload, Upload, UploadWith};

/// Transfers; whole files are easier with [`Self::download_to`] and the like
impl Client {
    /// Begins a download: `get("f")`, or `get(Get::new("f").resume_at(n).ascii())`
    ///
    /// # Errors
    ///
    /// A refusal by the server, or the failure of the data connection.
    #[doc(alias = "RETR")]
    #[doc(alias = "retrbinary")]
    #[doc(alias = "transfercmd")]
    #[doc(alias = "ntransfercmd")]
    pub fn get(&mut self, get: impl Into<Get>) -> Result<Download<'_>, Error> {
        let op = self.session.begin().get(get);
        DownloadWith::start(Borrowed(self), op)
    }

    /// Begins an upload: `put("f")`, `put(Put::new("f").append())`, `put(Put::unique())`
    ///
    /// The file is complete once [`finish`](UploadWith::finish) has succeeded. The upload borrows the client;
    /// [`Self::into_put`] makes one that owns it.
    ///
    /// # Errors
    ///
    /// A refusal by the server, or the failure of the data connection.
    #[doc(alias = "STOR")]
    #[doc(alias = "APPE")]
    #[doc(alias = "STOU")]
    #[doc(alias = "storbinary")]
    pub fn put(&mut self, put: impl Into<Put>) -> Result<Upload<'_>, Error> {
        let op = self.session.begin().put(put);
        UploadWith::start(Borrowed(self), op)
    }

    /// Begins a listing: `list("dir")` (LIST), `list(List::names(""))` (NLST),
    /// `list(List::facts(""))` (MLSD)
    ///
    /// # Errors
    ///
    /// A refusal by the server, or the failure of the data connection.
    #[doc(alias = "dir")]
    #[doc(alias = "nlst")]
    #[doc(alias = "mlsd")]
    pub fn list(&mut self, list: impl Into<List>) -> Result<Listing<'_>, Error> {
        let op = self.session.begin().list(list);
        Ok(ListingWith::new(DownloadWith::start(Borrowed(self), op)?))
    }
}

/// Transfers that own their client: `'static`, so they can move to another thread or into a structure
///
/// Their [`finish`](DownloadWith::finish) returns the client. An [`OwnedError`] contains it too, if the session is
/// still usable.
///
/// ```no_run
/// # fn f(ftp: ftp_blocking::Client) -> Result<(), ftp_blocking::Error> {
/// let mut download = ftp.into_get("big.iso")?;
/// let thread = std::thread::spawn(move || {
///     std::io::copy(&mut download, &mut std::io::sink())?;
///     Ok::<_, ftp_blocking::Error>(download.finish()?)
/// });
/// let (transfer, ftp) = thread.join().expect("no panic")?;
/// # drop((transfer, ftp));
/// # Ok(()) }
/// ```
impl Client {
    /// Begins a download as [`Self::get`] does
    ///
    /// # Errors
    ///
    /// As [`Self::get`]; the error contains the client if the session is still usable.
    #[doc(alias = "transfercmd")]
    #[doc(alias = "ntransfercmd")]
    pub fn into_get(mut self, get: impl Into<Get>) -> Result<OwnedDownload, OwnedError> {
        let op = self.session.begin().get(get);
        DownloadWith::start(self, op)
    }

    /// Begins an upload as [`Self::put`] does
    ///
    /// # Errors
    ///
    /// As [`Self::put`]; the error contains the client if the session is still usable.
    #[doc(alias = "transfercmd")]
    pub fn into_put(mut self, put: impl Into<Put>) -> Result<OwnedUpload, OwnedError> {
        let op = self.session.begin().put(put);
        UploadWith::start(self, op)
    }

    /// Begins a listing as [`Self::list`] does
    ///
    /// # Errors
    ///
    /// As [`Self::list`]; the error contains the client if the session is still usable.
    pub fn into_list(mut self, list: impl Into<List>) -> Result<OwnedListing, OwnedError> {
        let op = self.session.begin().list(list);
        Ok(ListingWith::new(DownloadWith::start(self, op)?))
    }
}
