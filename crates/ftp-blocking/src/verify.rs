//! Whether two files are the same: sizes, and hashes where the server computes some

use std::fs::File;
use std::io::Read;
use std::path::Path;

use ftp_proto::fields::{FileHash, HashAlgorithm};
use ftp_session::{Error, Mismatch};
use sha2::Digest as _;

use crate::client::Client;

/// What was found to be the same
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Proof {
    /// Bytes of both files
    pub size: u64,
    /// Hash of both files; `None`: the server computes none, or none that is known here
    pub hash: Option<FileHash>,
}

impl Client {
    /// Compares a local file with the server's: by size, and by the strongest hash that the server
    /// offers (XSHA256 and its kin, HASH)
    ///
    /// Settles on a new connection what became of a transfer that ended in
    /// [`Unconfirmed`](ftp_proto::Error::Unconfirmed), or in any other way. The server reads its whole
    /// file for a hash, which takes its time.
    ///
    /// # Errors
    ///
    /// [`Error::Mismatch`] if they differ; else why the question was not answered, such as a server
    /// without SIZE.
    pub fn verify_file(
        &mut self,
        remote: impl AsRef<[u8]>,
        local: impl AsRef<Path>,
    ) -> Result<Proof, Error> {
        let _call = self.session.clock.begin_all();
        let remote = remote.as_ref();
        let mut file = File::open(local)?;
        let size = self.check_size(remote, file.metadata()?.len())?;
        let Some(remote) = self.hash(remote)? else { return Ok(Proof { size, hash: None }) };
        match hash_of(&mut file, remote.algorithm)? {
            Some(local) if local != remote => Err(Mismatch::Hash { local, remote }.into()),
            hash => Ok(Proof { size, hash }),
        }
    }
}

/// `None`: an algorithm newer than this crate
fn hash_of(file: &mut File, algorithm: HashAlgorithm) -> std::io::Result<Option<FileHash>> {
    let value = match algorithm {
        HashAlgorithm::Sha256 => digest(file, sha2::Sha256::new())?,
        HashAlgorithm::Sha512 => digest(file, sha2::Sha512::new())?,
        HashAlgorithm::Sha1 => digest(file, sha1::Sha1::new())?,
        HashAlgorithm::Md5 => digest(file, md5::Md5::new())?,
        HashAlgorithm::Crc32 => {
            let mut crc = crc32fast::Hasher::new();
            each_block(file, |block| crc.update(block))?;
            crc.finalize().to_be_bytes().to_vec()
        }
        _ => return Ok(None),
    };
    Ok(Some(FileHash::new(algorithm, value)))
}

fn digest(file: &mut File, mut digest: impl sha2::Digest) -> std::io::Result<Vec<u8>> {
    each_block(file, |block| digest.update(block))?;
    Ok(digest.finalize().to_vec())
}

fn each_block(file: &mut File, mut block: impl FnMut(&[u8])) -> std::io::Result<()> {
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => block(&buffer[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
