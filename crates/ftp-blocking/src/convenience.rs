//! Whole files and texts in one call

use std::fmt;
use std::io::{self, Read, Write};

use ftp_proto::{Get, List, Put, Transfer};
use ftp_session::{Buffer, Error, Holder};

use crate::client::Client;
use crate::listing::ListingWith;
use crate::transfer::{DownloadWith, UploadWith};

/// How [`DownloadWith::copy_to`] and [`UploadWith::copy_from`] copy
///
/// ```no_run
/// # fn f(ftp: &mut ftp_blocking::Client) -> Result<(), ftp_blocking::Error> {
/// use ftp_blocking::CopyOptions;
///
/// let mut report = |bytes| eprint!("\r{bytes} bytes");
/// let options = CopyOptions::new().progress(&mut report);
/// ftp.get("big.iso")?.copy_to(&mut std::io::sink(), options)?;
/// # Ok(()) }
/// ```
#[must_use = "options do nothing by themselves"]
pub struct CopyOptions<'a> {
    pub(crate) block_size: usize,
    pub(crate) progress: Option<&'a mut dyn FnMut(u64)>,
}

impl<'a> CopyOptions<'a> {
    /// Blocks of 256 KiB, no progress reports
    pub const fn new() -> Self {
        // Larger blocks don't lower the cost per byte; 8 KiB, the size that others use, doubles it.
        Self { block_size: 256 * 1024, progress: None }
    }

    /// Sets the largest block in bytes, at least 1; the first blocks are smaller
    #[doc(alias = "blocksize")]
    pub const fn block_size(mut self, bytes: usize) -> Self {
        self.block_size = if bytes == 0 { 1 } else { bytes };
        self
    }

    /// Calls `progress` after each block with the number of bytes so far, not counting a resumed part
    pub fn progress(mut self, progress: &'a mut dyn FnMut(u64)) -> Self {
        self.progress = Some(progress);
        self
    }
}

impl Default for CopyOptions<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for CopyOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CopyOptions").field("block_size", &self.block_size).finish_non_exhaustive()
    }
}

impl<C: Holder<Client>> DownloadWith<C> {
    /// Copies the rest to a writer and ends the transfer
    ///
    /// # Errors
    ///
    /// Why the transfer failed; [`Error::Local`] if the writer failed, which aborts the transfer.
    pub fn copy_to(
        mut self,
        writer: &mut (impl Write + ?Sized),
        options: CopyOptions<'_>,
    ) -> Result<C::Done<Transfer>, C::Error> {
        let _call = self.session_mut().call();
        match copy(&mut self, writer, options) {
            Ok(()) => self.finish(),
            Err(Failed::Reading(error)) => Err(self.fail(error.into())),
            Err(Failed::Writing(error)) => Err(self.fail(Error::Local(error))),
        }
    }
}

impl<C: Holder<Client>> UploadWith<C> {
    /// Copies from a reader until its end, then ends the transfer
    ///
    /// # Errors
    ///
    /// Why the transfer failed; [`Error::Local`] if the reader failed, which aborts the transfer. Bytes already sent
    /// stay on the server: see [`UploadWith`].
    pub fn copy_from(
        mut self,
        reader: &mut (impl Read + ?Sized),
        options: CopyOptions<'_>,
    ) -> Result<C::Done<Transfer>, C::Error> {
        let _call = self.session_mut().call();
        match copy(reader, &mut self, options) {
            Ok(()) => self.finish(),
            Err(Failed::Reading(error)) => Err(self.fail(Error::Local(error))),
            Err(Failed::Writing(error)) => Err(self.fail(error.into())),
        }
    }
}

/// Which end of a copy failed
///
/// The other end may be a transfer of another session, whose [`Error`] is not this one's.
enum Failed {
    Reading(io::Error),
    Writing(io::Error),
}

fn copy(
    from: &mut (impl Read + ?Sized),
    to: &mut (impl Write + ?Sized),
    mut options: CopyOptions<'_>,
) -> Result<(), Failed> {
    let mut block = Buffer::default();
    block.grow(0, options.block_size);
    let mut total = 0;
    loop {
        let count = match from.read(&mut block) {
            Ok(0) => return to.flush().map_err(Failed::Writing),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Failed::Reading(error)),
        };
        to.write_all(&block[..count]).map_err(Failed::Writing)?;
        total += count as u64;
        if let Some(progress) = &mut options.progress {
            progress(total);
        }
        block.grow(count, options.block_size);
    }
}

/// Whole files
///
/// To choose the block size or see the progress, use [`DownloadWith::copy_to`] and [`UploadWith::copy_from`].
impl Client {
    /// Downloads a file into a writer
    ///
    /// # Errors
    ///
    /// Why the transfer failed; [`Error::Local`] if the writer failed, which aborts the transfer.
    #[doc(alias = "retrbinary")]
    pub fn download_to(
        &mut self,
        get: impl Into<Get>,
        writer: &mut (impl Write + ?Sized),
    ) -> Result<Transfer, Error> {
        let _call = self.session.call();
        self.get(get)?.copy_to(writer, CopyOptions::new())
    }

    /// Uploads everything that a reader returns; with [`Put::ascii`](ftp_proto::Put::ascii) it is sent as text
    ///
    /// # Errors
    ///
    /// Why the transfer failed; [`Error::Local`] if the reader failed, which aborts the transfer. Bytes already sent
    /// stay on the server: see [`UploadWith`].
    #[doc(alias = "storbinary")]
    #[doc(alias = "storlines")]
    pub fn upload_from(
        &mut self,
        put: impl Into<Put>,
        reader: &mut (impl Read + ?Sized),
    ) -> Result<Transfer, Error> {
        let _call = self.session.call();
        self.put(put)?.copy_from(reader, CopyOptions::new())
    }
}

/// Texts
impl Client {
    /// Downloads a text (TYPE A) and calls `line` with each line, without its line ending: the LF and any CRs before
    /// it
    ///
    /// # Errors
    ///
    /// Why the transfer failed; [`Error::LineTooLong`] beyond the [limit](Self::set_line_limit).
    #[doc(alias = "retrlines")]
    pub fn get_lines(
        &mut self,
        get: impl Into<Get>,
        mut line: impl FnMut(&[u8]),
    ) -> Result<Transfer, Error> {
        let _call = self.session.call();
        let mut listing = ListingWith::new(self.get(get.into().ascii())?);
        while let Some(text) = listing.next_line()? {
            line(text);
        }
        listing.finish()
    }

    /// Uploads a text (TYPE A), line by line; this method appends the line endings
    ///
    /// A CR at the end of a line becomes part of its CRLF, so lines split from a text with CRLF need no special care.
    /// An LF within a line ends the line there.
    ///
    /// Use [`Self::try_put_lines`] for lines whose reading may fail, and [`Self::upload_from`] with
    /// [`Put::ascii`](ftp_proto::Put::ascii) for the whole text of a reader.
    ///
    /// # Errors
    ///
    /// Why the transfer failed.
    #[doc(alias = "storlines")]
    pub fn put_lines<L: AsRef<[u8]>>(
        &mut self,
        put: impl Into<Put>,
        lines: impl IntoIterator<Item = L>,
    ) -> Result<Transfer, Error> {
        self.try_put_lines(put, lines.into_iter().map(Ok))
    }

    /// Uploads a text (TYPE A) from a source of lines that may fail; line endings are as in [`Self::put_lines`]
    ///
    /// ```no_run
    /// # fn f(ftp: &mut ftp_blocking::Client) -> Result<(), ftp_blocking::Error> {
    /// use std::io::BufRead as _;
    ///
    /// let file = std::io::BufReader::new(std::fs::File::open("notes.txt")?);
    /// ftp.try_put_lines("notes.txt", file.split(b'\n'))?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Why the transfer failed; [`Error::Local`] with the source's error if the source fails, which aborts the
    /// transfer. The lines before it, or some of them, stay on the server under the file's name and may look like a
    /// complete file: upload again, or delete them.
    #[doc(alias = "storlines")]
    pub fn try_put_lines<L: AsRef<[u8]>>(
        &mut self,
        put: impl Into<Put>,
        lines: impl IntoIterator<Item = io::Result<L>>,
    ) -> Result<Transfer, Error> {
        let _call = self.session.call();
        let mut upload = io::BufWriter::with_capacity(64 * 1024, self.put(put.into().ascii())?);
        for line in lines {
            let line = match line {
                Ok(line) => line,
                Err(error) => {
                    // Drops the writer without sending its buffer, which aborts the transfer at once.
                    drop(upload.into_parts());
                    return Err(Error::Local(error));
                }
            };
            upload.write_all(line.as_ref())?;
            upload.write_all(b"\n")?;
        }
        // `into_inner` flushes; its error also contains the writer.
        upload.into_inner().map_err(io::IntoInnerError::into_error)?.finish()
    }

    /// The names in a directory (NLST); an empty path is the working directory
    ///
    /// The names may take up to 64 MiB of memory. [`Self::list`] has no such limit: it returns them one by one.
    ///
    /// # Errors
    ///
    /// Why the listing failed; many servers answer 450 or 550 for an empty directory.
    #[doc(alias = "nlst")]
    pub fn names(&mut self, path: impl AsRef<[u8]>) -> Result<Vec<Vec<u8>>, Error> {
        let _call = self.session.call();
        self.list(List::names(path))?.collect_lines()
    }
}
