//! Whole files and texts in one call

use ftp_proto::{Get, List, Put, Transfer};
use ftp_session::{Buffer, Error, Holder};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufWriter};

use crate::client::Client;
use crate::listing::Lines;
use crate::transfer::{Download, Upload};

/// The largest block in bytes: larger ones don't lower the cost per byte
const BLOCK: usize = 256 * 1024;

/// The first block in bytes: enough for most small files, and there may be thousands of them
const FIRST: usize = 16 * 1024;

/// Enlarges the block for the next round if this round has filled it
fn grow(block: &mut Buffer, filled: usize) {
    if filled == block.len() {
        block.resize((filled * 4).min(BLOCK));
    }
}

impl<C: Holder<Client> + Unpin> Download<C> {
    /// Copies the rest to a writer and ends the transfer; calls `progress` with the number of bytes so far
    ///
    /// # Errors
    ///
    /// Why the transfer failed; [`Error::Local`] if the writer failed, which aborts the transfer.
    pub async fn copy_to(
        mut self,
        writer: &mut (impl AsyncWrite + Unpin + ?Sized),
        mut progress: impl FnMut(u64),
    ) -> Result<C::Done<Transfer>, C::Error> {
        let mut block = Buffer::new(FIRST);
        let mut total = 0;
        // An error here is the transfer's own; `finish` returns it, with the client.
        while let Ok(count @ 1..) = self.read(&mut block).await {
            writer.write_all(&block[..count]).await.map_err(Error::Local)?;
            total += count as u64;
            progress(total);
            grow(&mut block, count);
        }
        writer.flush().await.map_err(Error::Local)?;
        self.finish().await
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
        mut self,
        reader: &mut (impl AsyncRead + Unpin + ?Sized),
        mut progress: impl FnMut(u64),
    ) -> Result<C::Done<Transfer>, C::Error> {
        let mut block = Buffer::new(FIRST);
        let mut total = 0;
        loop {
            let count = match reader.read(&mut block).await.map_err(Error::Local)? {
                0 => break,
                count => count,
            };
            if self.write_all(&block[..count]).await.is_err() {
                break;
            }
            total += count as u64;
            progress(total);
            grow(&mut block, count);
        }
        self.finish().await
    }
}

/// Whole files
///
/// To see the progress, use [`Download::copy_to`] and [`Upload::copy_from`].
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
        let limit = self.session.line_limit;
        let mut lines = Lines::new(self.get(get.into().ascii()).await?, limit);
        while let Some(text) = lines.next().await? {
            line(text);
        }
        lines.into_inner().finish().await
    }

    /// Uploads a text (TYPE A), line by line; this method appends the line endings
    ///
    /// A CR at the end of a line becomes part of its CRLF, so lines split from a text with CRLF need no special care.
    /// An LF within a line ends the line there. For the whole text of a reader, use [`Self::upload_from`] with
    /// [`Put::ascii`](ftp_proto::Put::ascii).
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
        let upload = self.put(put.into().ascii()).await?;
        let mut upload = BufWriter::with_capacity(64 * 1024, upload);
        for line in lines {
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
