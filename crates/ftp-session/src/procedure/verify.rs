//! Checks whether two files are the same: by size, and by hash if the server computes one

use ftp_proto::fields::FileHash;

use super::Procedure;
use super::path::sendable;
use super::work::Io;
use crate::error::{Error, Mismatch};

/// What was found to be the same
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verification {
    /// Size of both files in bytes
    pub size: u64,
    /// Hash of both files; `None` if the server computes none, or none that this crate supports
    pub hash: Option<FileHash>,
}

impl Procedure<Verification> {
    /// Compares the local file with the server's: by size, and by the strongest hash that the server
    /// offers (XSHA256 and similar commands, or HASH)
    ///
    /// Use it on a new connection to find out the outcome of a transfer that ended in
    /// [`Unconfirmed`](ftp_proto::Error::Unconfirmed), or in any other way. The server reads its whole file to compute
    /// a hash, which takes time.
    ///
    /// It fails with [`Error::Mismatch`] if they differ; otherwise its error is why they could not be compared, for
    /// example because the server does not support SIZE.
    #[must_use]
    pub fn verify_file(remote: impl AsRef<[u8]>) -> Self {
        let remote = remote.as_ref().to_vec();
        Self::new(|io| async move {
            sendable(&remote)?;
            verify(&io, &remote).await
        })
    }
}

pub(super) async fn verify(io: &Io, remote: &[u8]) -> Result<Verification, Error> {
    let length = io.open_to_read().await?;
    let size = check_size(io, remote, length).await?;
    let Some(remote) = io.hash(remote).await? else { return Ok(Verification { size, hash: None }) };
    match io.hash_local(remote.algorithm).await? {
        Some(local) if local != remote => Err(Mismatch::Hash { local, remote }.into()),
        hash => Ok(Verification { size, hash }),
    }
}

/// Returns the size on the server, which must be this one
pub(super) async fn check_size(io: &Io, remote: &[u8], local: u64) -> Result<u64, Error> {
    match io.size(remote).await? {
        size if size == local => Ok(size),
        remote => Err(Mismatch::Size { local, remote }.into()),
    }
}
