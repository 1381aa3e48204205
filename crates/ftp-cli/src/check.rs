//! Compares files with the server's hashes, if it offers any

use std::path::Path;

use ftp_blocking::Client;
use ftp_proto::Error as FtpError;
use ftp_proto::fields::FileHash;
use ftp_session::{Error, Mismatch};

/// What shows that two files are the same
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// Size and hash are equal
    Hash,
    /// The sizes are equal; the server has no hash of this file
    Size,
}

/// Returns the server's hash of a file; `None` if it offers none, or refuses it for this file
pub(crate) fn server_hash(client: &mut Client, remote: &[u8]) -> Result<Option<FileHash>, Error> {
    if client.features().is_none() {
        client.query_features()?;
    }
    match client.hash(remote) {
        Err(error) if is_refusal(&error) => Ok(None),
        result => result,
    }
}

/// Compares a local file of this length with the server's file
pub(crate) fn compare(
    client: &mut Client,
    remote: &[u8],
    local: &Path,
    length: u64,
) -> Result<Proof, Error> {
    if client.features().is_none() {
        client.query_features()?;
    }
    match client.verify_file(remote, local) {
        Ok(proof) if proof.hash.is_some() => Ok(Proof::Hash),
        Ok(_) => Ok(Proof::Size),
        // ProFTPD refuses to hash empty files, and files whose name ends like a range of bytes.
        Err(error) if is_refusal(&error) => match client.size(remote)? {
            size if size == length => Ok(Proof::Size),
            size => Err(Mismatch::Size { local: length, remote: size }.into()),
        },
        Err(error) => Err(error),
    }
}

fn is_refusal(error: &Error) -> bool {
    matches!(error, Error::Ftp(FtpError::Permanent(_)))
}
