//! Transfers between a file on the server and a local one

use std::io;

use ftp_proto::{Get, Put, Transfer, TransferType};

use super::Procedure;
use super::resume::{Download, upload};
use super::work::{Access, Io};
use crate::error::Error;

impl Procedure<Transfer> {
    /// Downloads into the local file, which is created, or overwritten from the request's offset on
    ///
    /// The local file is not touched before the server has accepted the request. After a failure it holds the bytes
    /// received so far, for [`Self::resume_download`]. It fails with [`Error::Local`] if the local file fails, if it
    /// ends before the offset, or if another program changes its length while it is written. A [text](Get::ascii) with
    /// an offset fails with [`Error::InvalidRequest`], before anything is sent.
    ///
    /// A server may accept REST and still send the file from its start. That shows only in the bytes, which
    /// [`Self::resume_download`] compares and this does not: after an [offset](Get::resume_at) it ends with a success
    /// and a wrong local file.
    #[must_use]
    pub fn download_file(get: impl Into<Get>) -> Self {
        let get = get.into();
        Self::new(|io| async move {
            let offset = get.offset();
            check_offset(get.transfer_type(), offset)?;
            let download = Download::begin(&io, get, None).await?;
            match open_from(&io, offset).await {
                Ok(()) => download.write_from(offset).await.map(|(transfer, _)| transfer),
                Err(error) => {
                    download.abort().await;
                    Err(error)
                }
            }
        })
    }

    /// Uploads the local file, from the request's offset on
    ///
    /// It fails with [`Error::Local`] if the local file can't be read, if it ends before the offset, or if it has
    /// become shorter meanwhile. The last of these aborts the transfer, and the bytes already sent stay on the server.
    /// A [text](Put::ascii) with an offset fails with [`Error::InvalidRequest`], before anything is sent.
    #[must_use]
    pub fn upload_file(put: impl Into<Put>) -> Self {
        let put = put.into();
        Self::new(|io| async move {
            let offset = put.offset();
            check_offset(put.transfer_type(), offset)?;
            let length = io.open_to_read().await?;
            if length < offset {
                return Err(too_short(offset, length));
            }
            upload(&io, put, offset, length).await
        })
    }
}

/// Refuses an offset in a text: in the local file its lines end with LF, and on the network with CRLF, so the same byte
/// has different offsets
fn check_offset(transfer_type: TransferType, offset: u64) -> Result<(), Error> {
    if transfer_type == TransferType::Ascii && offset > 0 {
        let problem = "a text can't be continued at an offset: its line endings are longer on the network than in the \
                       local file, so the same byte has another offset there; transfer the whole text, or the file \
                       unchanged, without `ascii`";
        return Err(Error::InvalidRequest { problem });
    }
    Ok(())
}

/// Opens the local file for writing from this offset on
async fn open_from(io: &Io, offset: u64) -> Result<(), Error> {
    if offset == 0 {
        return io.open(Access::Replace).await.map(drop);
    }
    match io.open(Access::Append).await?.unwrap_or(0) {
        length if length < offset => Err(too_short(offset, length)),
        _ => io.set_length(offset).await,
    }
}

fn too_short(offset: u64, length: u64) -> Error {
    let text = format!("can't resume at byte {offset} of a file of {length} bytes");
    Error::Local(io::Error::new(io::ErrorKind::InvalidInput, text))
}
