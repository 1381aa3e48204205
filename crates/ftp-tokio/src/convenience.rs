//! Whole files and texts in one call

use std::io;

use ftp_proto::{Get, List, Put, Transfer};
use ftp_session::{Buffer, Error, Holder};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufWriter};

use crate::client::Client;
use crate::listing::Listing;
use crate::transfer::{Download, Upload};

/// How [`Download::copy_to_with`] and [`Upload::copy_from_with`] copy
#[derive(Clone, Copy, Debug)]
#[must_use = "options do nothing by themselves"]
pub struct CopyOptions {
    block_size: usize,
}

impl CopyOptions {
    /// Blocks of 256 KiB
    pub const fn new() -> Self {
        // Larger blocks don't lower the cost per byte.
        Self { block_size: 256 * 1024 }
    }

    /// Sets the largest block in bytes, at least 1; the first blocks are smaller
    #[doc(alias = "blocksize")]
    pub const fn block_size(mut self, bytes: usize) -> Self {
        self.block_size = if bytes == 0 { 1 } else { bytes };
        self
    }
}

impl Default for CopyOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl<C: Holder<Client> + Unpin> Download<C> {
    /// Copies the rest to a writer and ends the transfer; calls `progress` with the number of bytes so far
    ///
    /// # Errors
    ///
    /// Why the transfer failed; [`Error::Local`] if the writer failed, which aborts the transfer.
    pub async fn copy_to(
        self,
        writer: &mut (impl AsyncWrite + Unpin + ?Sized),
        progress: impl FnMut(u64),
    ) -> Result<C::Done<Transfer>, C::Error> {
        self.copy_to_with(writer, CopyOptions::new(), progress).await
    }

    /// As [`Self::copy_to`], with options
    ///
    /// # Errors
    ///
    /// As [`Self::copy_to`].
    pub async fn copy_to_with(
        mut self,
        writer: &mut (impl AsyncWrite + Unpin + ?Sized),
        options: CopyOptions,
        mut progress: impl FnMut(u64),
    ) -> Result<C::Done<Transfer>, C::Error> {
        let mut block = Buffer::default();
        block.grow(0, options.block_size);
        let mut total = 0;
        // An error here is the transfer's own; `finish` returns it, with the client.
        while let Ok(count @ 1..) = self.read(&mut block).await {
            if let Err(error) = writer.write_all(&block[..count]).await {
                return Err(self.fail(Error::Local(error)).await);
            }
            total += count as u64;
            progress(total);
            block.grow(count, options.block_size);
        }
        match writer.flush().await {
            Ok(()) => self.finish().await,
            Err(error) => Err(self.fail(Error::Local(error)).await),
        }
    }
}

impl<C: Holder<Client> + Unpin> Upload<C> {
    /// Copies from a reader until its end, then ends the transfer; calls `progress` with the number of bytes so far
    ///
    /// # Errors
    ///
    /// Why the transfer failed; [`Error::Local`] if the reader failed, which aborts the transfer. Bytes already sent
    /// stay on the server: see [`Upload`].
    pub async fn copy_from(
        self,
        reader: &mut (impl AsyncRead + Unpin + ?Sized),
        progress: impl FnMut(u64),
    ) -> Result<C::Done<Transfer>, C::Error> {
        self.copy_from_with(reader, CopyOptions::new(), progress).await
    }

    /// As [`Self::copy_from`], with options
    ///
    /// # Errors
    ///
    /// As [`Self::copy_from`].
    pub async fn copy_from_with(
        mut self,
        reader: &mut (impl AsyncRead + Unpin + ?Sized),
        options: CopyOptions,
        mut progress: impl FnMut(u64),
    ) -> Result<C::Done<Transfer>, C::Error> {
        let mut block = Buffer::default();
        block.grow(0, options.block_size);
        let mut total = 0;
        loop {
            let count = match reader.read(&mut block).await {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) => return Err(self.fail(Error::Local(error)).await),
            };
            if self.write_all(&block[..count]).await.is_err() {
                break;
            }
            total += count as u64;
            progress(total);
            block.grow(count, options.block_size);
        }
        self.finish().await
    }
}

/// Whole files
///
/// To see the progress, use [`Download::copy_to`] and [`Upload::copy_from`]; to choose the block size, too,
/// [`Download::copy_to_with`] and [`Upload::copy_from_with`].
impl Client {
    /// Downloads a file into a writer
    ///
    /// # Errors
    ///
    /// Why the transfer failed; [`Error::Local`] if the writer failed, which aborts the transfer.
    #[doc(alias = "retrbinary")]
    pub async fn download_to(
        &mut self,
        get: impl Into<Get>,
        writer: &mut (impl AsyncWrite + Unpin + ?Sized),
    ) -> Result<Transfer, Error> {
        self.get(get).await?.copy_to(writer, |_| ()).await
    }

    /// Uploads everything that a reader returns; with [`Put::ascii`](ftp_proto::Put::ascii) it is sent as text
    ///
    /// # Errors
    ///
    /// Why the transfer failed; [`Error::Local`] if the reader failed, which aborts the transfer. Bytes already sent
    /// stay on the server: see [`Upload`].
    #[doc(alias = "storbinary")]
    #[doc(alias = "storlines")]
    pub async fn upload_from(
        &mut self,
        put: impl Into<Put>,
        reader: &mut (impl AsyncRead + Unpin + ?Sized),
    ) -> Result<Transfer, Error> {
        self.put(put).await?.copy_from(reader, |_| ()).await
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
    pub async fn get_lines(
        &mut self,
        get: impl Into<Get>,
        mut line: impl FnMut(&[u8]),
    ) -> Result<Transfer, Error> {
        let mut listing = Listing::new(self.get(get.into().ascii()).await?);
        while let Some(text) = listing.next_line().await? {
            line(text);
        }
        listing.finish().await
    }

    /// Uploads a text (TYPE A), line by line; this method appends the line endings
    ///
    /// A CR at the end of a line becomes part of its CRLF, so lines split from a text with CRLF need no special care.
    /// An LF within a line ends the line there.
    ///
    /// Use [`Self::try_put_lines`] for lines whose source may fail, and [`Self::upload_from`] with
    /// [`Put::ascii`](ftp_proto::Put::ascii) for the whole text of a reader.
    ///
    /// # Errors
    ///
    /// Why the transfer failed.
    #[doc(alias = "storlines")]
    pub async fn put_lines<L: AsRef<[u8]>>(
        &mut self,
        put: impl Into<Put>,
        lines: impl IntoIterator<Item = L>,
    ) -> Result<Transfer, Error> {
        self.try_put_lines(put, lines.into_iter().map(Ok)).await
    }

    /// Uploads a text (TYPE A) from a source of lines that may fail; line endings are as in [`Self::put_lines`]
    ///
    /// The source is asked for its lines in the task of the caller, so it should not wait long: read a local file with
    /// [`Self::upload_from`], or collect its lines before.
    ///
    /// # Errors
    ///
    /// Why the transfer failed; [`Error::Local`] with the source's error if the source fails, which aborts the
    /// transfer. The lines before it, or some of them, stay on the server under the file's name and may look like a
    /// complete file: upload again, or delete them.
    #[doc(alias = "storlines")]
    pub async fn try_put_lines<L: AsRef<[u8]>>(
        &mut self,
        put: impl Into<Put>,
        lines: impl IntoIterator<Item = io::Result<L>>,
    ) -> Result<Transfer, Error> {
        let upload = self.put(put.into().ascii()).await?;
        let mut upload = BufWriter::with_capacity(64 * 1024, upload);
        for line in lines {
            let line = match line {
                Ok(line) => line,
                // What is buffered is not sent any more.
                Err(error) => return Err(upload.into_inner().fail(Error::Local(error)).await),
            };
            upload.write_all(line.as_ref()).await?;
            upload.write_all(b"\n").await?;
        }
        upload.flush().await?;
        upload.into_inner().finish().await
    }

    /// The names in a directory (NLST); an empty path is the working directory
    ///
    /// The names may take up to 64 MiB of memory. [`Self::list`] has no such limit: it returns them one by one.
    ///
    /// # Errors
    ///
    /// Why the listing failed; many servers answer 450 or 550 for an empty directory.
    #[doc(alias = "nlst")]
    pub async fn names(&mut self, path: impl AsRef<[u8]>) -> Result<Vec<Vec<u8>>, Error> {
        self.list(List::names(path)).await?.collect_lines().await
    }
}
