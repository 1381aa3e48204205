//! Local files of the operating system, for procedures

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use ftp_proto::fields::{FileHash, HashAlgorithm};
use sha2::Digest as _;

use crate::local::FileError;
use crate::procedure::{Access, LocalAnswer, LocalOrder};

/// The local file of a [`Procedure`](crate::Procedure), by its path
///
/// It makes system calls that wait for the disk. Hashing reads the whole file.
#[derive(Debug)]
pub struct LocalFile {
    path: PathBuf,
    file: Option<File>,
    /// Where the next read or write begins by itself
    at: u64,
}

impl LocalFile {
    /// A file that is opened when it is ordered
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), file: None, at: 0 }
    }

    /// Carries out an order of [`Next::Local`](crate::procedure::Next::Local)
    ///
    /// # Errors
    ///
    /// Those of the system, with the path, for [`Procedure::answer`](crate::Procedure::answer).
    pub fn carry_out(&mut self, order: LocalOrder<'_>) -> io::Result<LocalAnswer> {
        let result = self.execute(order);
        result.map_err(|error| FileError::name(&self.path, error))
    }

    fn execute(&mut self, order: LocalOrder<'_>) -> io::Result<LocalAnswer> {
        match order {
            LocalOrder::Open(access) => self.open(access).map(LocalAnswer::Opened),
            LocalOrder::Read { at, into } => {
                let mut file = self.at(at)?;
                let count = loop {
                    match file.read(into) {
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        result => break result?,
                    }
                };
                self.at += count as u64;
                Ok(LocalAnswer::Read(count))
            }
            LocalOrder::Write { at, bytes } => {
                self.at(at)?.write_all(bytes)?;
                self.at += bytes.len() as u64;
                Ok(LocalAnswer::Done)
            }
            LocalOrder::SetLength(length) => {
                self.at(self.at)?.set_len(length)?;
                Ok(LocalAnswer::Done)
            }
            LocalOrder::Hash(algorithm) => {
                let file = self.at(0)?;
                let hash = hash_of(file, algorithm);
                // Where it is now depends on what went well.
                self.at = u64::MAX;
                hash.map(LocalAnswer::Hash)
            }
        }
    }

    fn open(&mut self, access: Access) -> io::Result<Option<u64>> {
        self.file = None;
        let file = match access {
            Access::Read => File::open(&self.path)?,
            Access::Create => File::create_new(&self.path)?,
            Access::Replace => File::create(&self.path)?,
            Access::Append => match OpenOptions::new().read(true).append(true).open(&self.path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                result => result?,
            },
        };
        let length = match access {
            Access::Create | Access::Replace => 0,
            Access::Read | Access::Append => file.metadata()?.len(),
        };
        (self.file, self.at) = (Some(file), 0);
        Ok(Some(length))
    }

    /// The open file, at this offset
    fn at(&mut self, offset: u64) -> io::Result<&File> {
        let Some(file) = &mut self.file else { return Err(io::ErrorKind::NotFound.into()) };
        if self.at != offset {
            file.seek(SeekFrom::Start(offset))?;
            self.at = offset;
        }
        Ok(file)
    }
}

/// `None`: an algorithm newer than this crate
fn hash_of(file: &File, algorithm: HashAlgorithm) -> io::Result<Option<FileHash>> {
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

fn digest(file: &File, mut digest: impl sha2::Digest) -> io::Result<Vec<u8>> {
    each_block(file, |block| digest.update(block))?;
    Ok(digest.finalize().to_vec())
}

fn each_block(mut file: &File, mut block: impl FnMut(&[u8])) -> io::Result<()> {
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => block(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
