//! Whether two files are the same: sizes, and hashes where the server computes some

use ftp_proto::fields::FileHash;

use super::Procedure;
use super::work::Io;
use crate::error::{Error, Mismatch};

/// What was found to be the same
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Proof {
    /// Bytes of both files
    pub size: u64,
    /// Hash of both files; `None`: the server computes none, or none that is known here
    pub hash: Option<FileHash>,
}

impl Procedure<Proof> {
    /// Compares the local file with the server's: by size, and by the strongest hash that the server
    /// offers (XSHA256 and its kin, HASH)
    ///
    /// Settles on a new connection what became of a transfer that ended in
    /// [`Unconfirmed`](ftp_proto::Error::Unconfirmed), or in any other way. The server reads its whole
    /// file for a hash, which takes its time.
    ///
    /// It ends in [`Error::Mismatch`] if they differ; else in why the question was not answered, such as a
    /// server without SIZE.
    #[must_use]
    pub fn verify_file(remote: impl AsRef<[u8]>) -> Self {
        let remote = remote.as_ref().to_vec();
        Self::new(|io| async move { verify(&io, &remote).await })
    }
}

pub(super) async fn verify(io: &Io, remote: &[u8]) -> Result<Proof, Error> {
    let length = io.open_to_read().await?;
    let size = check_size(io, remote, length).await?;
    let Some(remote) = io.hash(remote).await? else { return Ok(Proof { size, hash: None }) };
    match io.hash_local(remote.algorithm).await? {
        Some(local) if local != remote => Err(Mismatch::Hash { local, remote }.into()),
        hash => Ok(Proof { size, hash }),
    }
}

/// The size on the server, which has to be this
pub(super) async fn check_size(io: &Io, remote: &[u8], local: u64) -> Result<u64, Error> {
    match io.size(remote).await? {
        size if size == local => Ok(size),
        remote => Err(Mismatch::Size { local, remote }.into()),
    }
}
