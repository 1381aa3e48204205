//! Copying between a transfer and a local reader or writer

use std::fmt;
use std::io::{self, Read, Write};

use ftp_proto::Transfer;
use ftp_session::{Buffer, Error, Holder};

use crate::client::Client;
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
        let expected = self.size_hint();
        match copy(&mut self, writer, expected, options) {
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
        match copy(reader, &mut self, None, options) {
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

/// Copies all bytes, of which so many are expected if that is known
fn copy(
    from: &mut (impl Read + ?Sized),
    to: &mut (impl Write + ?Sized),
    expected: Option<u64>,
    mut options: CopyOptions<'_>,
) -> Result<(), Failed> {
    let mut block = Buffer::first(expected, options.block_size);
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
