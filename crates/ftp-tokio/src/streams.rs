//! Copying between a transfer and a local reader or writer

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::Poll;

use ftp_proto::Transfer;
use ftp_session::{Buffer, Error, Holder};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};

use crate::client::Client;
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
        let mut block = Buffer::first(self.size_hint(), options.block_size);
        let mut total = 0;
        // An error here is the transfer's own; `finish` returns it, with the client.
        while let Ok(count @ 1..) = self.read_more(&mut block).await {
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

    /// Waits for bytes, and reads as many as can be read without waiting: each write of tokio's files takes another
    /// thread, and over TLS a read returns 64 KiB at most
    async fn read_more(&mut self, block: &mut [u8]) -> io::Result<usize> {
        let mut buffer = ReadBuf::new(block);
        poll_fn(|context| {
            loop {
                let before = buffer.filled().len();
                let read = Pin::new(&mut *self).poll_read(context, &mut buffer);
                let filled = buffer.filled().len();
                match read {
                    Poll::Ready(Ok(())) if filled > before && buffer.remaining() > 0 => {}
                    Poll::Ready(Err(error)) if filled == 0 => return Poll::Ready(Err(error)),
                    Poll::Pending if filled == 0 => return Poll::Pending,
                    // The next read repeats an error.
                    _ => return Poll::Ready(Ok(filled)),
                }
            }
        })
        .await
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
        let mut block = Buffer::first(None, options.block_size);
        let mut total = 0;
        loop {
            let read = poll_fn(|context| {
                let mut buffer = ReadBuf::new(&mut block);
                match Pin::new(&mut *reader).poll_read(context, &mut buffer) {
                    Poll::Ready(read) => Poll::Ready(read.map(|()| buffer.filled().len())),
                    // The server may refuse the rest, or end the session.
                    Poll::Pending => self.poll_over(context).map(|()| Ok(0)),
                }
            });
            let count = match read.await {
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
