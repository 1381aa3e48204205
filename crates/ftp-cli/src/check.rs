//! Compares files with the server's hashes, if it offers any

use std::path::Path;

use ftp_blocking::Client;
use ftp_proto::Error as FtpError;
use ftp_proto::fields::{FileHash, HashAlgorithm, parse_hash_of, parse_size};
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

/// The answer to a request for the hash of one algorithm
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Hashed {
    Hash(FileHash),
    /// The server does not offer it; these are what HASH offers
    NotOffered(Vec<HashAlgorithm>),
}

/// Returns the server's hash of a file by this algorithm, with its HASH command (draft-bryan-ftp-hash)
pub(crate) fn server_hash_by(
    client: &mut Client,
    remote: &[u8],
    algorithm: HashAlgorithm,
) -> Result<Hashed, Error> {
    if client.features().is_none() {
        client.query_features()?;
    }
    let features = client.features();
    let offers = |algorithm| features.is_some_and(|features| features.hashes(algorithm));
    if !offers(algorithm) {
        let offered = HashAlgorithm::ALL.into_iter().filter(|other| offers(*other));
        return Ok(Hashed::NotOffered(offered.collect()));
    }
    // The hash depends on the type: this one is of the bytes as they are.
    client.command("TYPE", "I")?;
    let size = match client.command("SIZE", remote) {
        Ok(reply) => parse_size(reply.text()),
        Err(error) if error.is_fatal() => return Err(error),
        // HASH may still be answered, or its refusal says why.
        Err(_) => None,
    };
    client.opts(format!("HASH {algorithm}"))?;
    // The server reads the whole file before it answers.
    let patience = client.config().hash_timeout;
    let config = client.config_mut();
    let usual = (config.reply_timeout, config.command_timeout);
    (config.reply_timeout, config.command_timeout) = (patience, patience);
    let reply = client.command("HASH", remote);
    let config = client.config_mut();
    (config.reply_timeout, config.command_timeout) = usual;
    let reply = reply?;
    match parse_hash_of(reply.text(), algorithm, remote, size) {
        Some(hash) => Ok(Hashed::Hash(hash)),
        None => Err(FtpError::InvalidReply(reply).into()),
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
