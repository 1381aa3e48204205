//! Local files of the operating system, for procedures

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use ftp_proto::fields::{FileHash, HashAlgorithm};
use sha2::Digest as _;

use crate::buffer::Buffer;
use crate::local::FileError;
use crate::procedure::{Access, LocalAnswer, LocalOrder};
use crate::socket::repeated_at_most;

/// The local file of a [`Procedure`](crate::Procedure), by its path
///
/// It makes system calls that wait for the disk. Hashing reads the whole file.
#[derive(Debug)]
pub struct LocalFile {
    path: PathBuf,
    file: Option<File>,
    /// The offset at which the next read or write starts unless it seeks
    at: u64,
}

impl LocalFile {
    /// Names a file, which is opened when a procedure orders it
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), file: None, at: 0 }
    }

    /// Carries out an order of [`ProcedureStep::Local`](crate::procedure::ProcedureStep::Local)
    ///
    /// # Errors
    ///
    /// The system's error, with the path, for [`Procedure::answer`](crate::Procedure::answer).
    pub fn carry_out(&mut self, order: LocalOrder<'_>) -> io::Result<LocalAnswer> {
        let result = self.execute(order);
        result.map_err(|error| FileError::name(&self.path, error))
    }

    fn execute(&mut self, order: LocalOrder<'_>) -> io::Result<LocalAnswer> {
        match order {
            LocalOrder::Open(access) => self.open(access).map(LocalAnswer::Opened),
            LocalOrder::Read { at, into } => {
                let mut file = self.at(at)?;
                let count = without_end(|| file.read(into))?;
                self.at += count as u64;
                Ok(LocalAnswer::Read(count))
            }
            LocalOrder::Write { at, from, length } => {
                let mut file = self.at(at)?;
                // If it is shorter, the write would leave a hole; if it is longer, its end is not the download's.
                if at > 0 {
                    check_length(file, at)?;
                }
                file.write_all(&from[..length])?;
                self.at += length as u64;
                Ok(LocalAnswer::Done)
            }
            LocalOrder::SetLength(length) => {
                self.at(self.at)?.set_len(length)?;
                Ok(LocalAnswer::Done)
            }
            LocalOrder::Hash(algorithm) => {
                let file = self.at(0)?;
                let hash = hash_of(file, algorithm);
                // The offset depends on how far the hashing got.
                self.at = u64::MAX;
                hash.map(LocalAnswer::Hash)
            }
        }
    }

    fn open(&mut self, access: Access) -> io::Result<Option<u64>> {
        self.file = None;
        let file = match access {
            Access::Read => open_to_read(&self.path)?,
            Access::Create => File::create_new(&self.path)?,
            Access::Replace => File::create(&self.path)?,
            // This does not use the system's append mode: in a shell that waits for the disk on another thread, a
            // write of a dropped call may still be running, and it must write the same bytes at the same place as the
            // write that repeats it.
            Access::Append => match OpenOptions::new().read(true).write(true).open(&self.path) {
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

    /// The open file, positioned at this offset
    fn at(&mut self, offset: u64) -> io::Result<&File> {
        let Some(file) = &mut self.file else { return Err(io::ErrorKind::NotFound.into()) };
        if self.at != offset {
            file.seek(SeekFrom::Start(offset))?;
            self.at = offset;
        }
        Ok(file)
    }
}

/// Checks that only this process has written to the file; a device has no length
fn check_length(file: &File, expected: u64) -> io::Result<()> {
    let metadata = file.metadata()?;
    let length = metadata.len();
    if !metadata.is_file() || length == expected {
        return Ok(());
    }
    let text = format!(
        "another program changed the file during the download: it has {length} bytes instead of {expected}"
    );
    Err(io::Error::new(io::ErrorKind::InvalidData, text))
}

/// Opens a file whose bytes can be read: a directory can be opened, and an upload would have emptied the server's file
/// before the first read fails
fn open_to_read(path: &Path) -> io::Result<File> {
    let is_directory = || Err(io::ErrorKind::IsADirectory.into());
    match File::open(path) {
        Ok(file) if file.metadata()?.is_dir() => is_directory(),
        // Windows does not open directories, and calls that a lack of permission.
        Err(_) if path.is_dir() => is_directory(),
        result => result,
    }
}

/// Reads although signals interrupt it: a pipe may be waited for as long as they arrive
fn without_end(read: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    repeated_at_most(usize::MAX, read)
}

fn hash_of(mut file: &File, algorithm: HashAlgorithm) -> io::Result<Option<FileHash>> {
    let Some(mut digest) = FileDigest::new(algorithm) else { return Ok(None) };
    let mut buffer = Buffer::new(256 * 1024);
    loop {
        match without_end(|| file.read(&mut buffer))? {
            0 => return Ok(Some(digest.finish())),
            count => digest.update(&buffer[..count]),
        }
    }
}

/// A hash of a local file's bytes, for shells that read the file themselves: the answer to
/// [`LocalOrder::Hash`]
#[derive(Clone, Debug)]
pub struct FileDigest(Digest);

#[derive(Clone, Debug)]
enum Digest {
    Sha256(sha2::Sha256),
    Sha512(sha2::Sha512),
    Sha1(sha1::Sha1),
    Md5(md5::Md5),
    Crc32(crc32fast::Hasher),
}

impl FileDigest {
    /// Starts a hash; `None` if the algorithm is newer than this crate
    #[must_use]
    pub fn new(algorithm: HashAlgorithm) -> Option<Self> {
        Some(Self(match algorithm {
            HashAlgorithm::Sha256 => Digest::Sha256(sha2::Sha256::new()),
            HashAlgorithm::Sha512 => Digest::Sha512(sha2::Sha512::new()),
            HashAlgorithm::Sha1 => Digest::Sha1(sha1::Sha1::new()),
            HashAlgorithm::Md5 => Digest::Md5(md5::Md5::new()),
            HashAlgorithm::Crc32 => Digest::Crc32(crc32fast::Hasher::new()),
            _ => return None,
        }))
    }

    /// Adds the next bytes
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            Digest::Sha256(digest) => digest.update(bytes),
            Digest::Sha512(digest) => digest.update(bytes),
            Digest::Sha1(digest) => digest.update(bytes),
            Digest::Md5(digest) => digest.update(bytes),
            Digest::Crc32(digest) => digest.update(bytes),
        }
    }

    /// Returns the hash of all bytes
    #[must_use]
    pub fn finish(self) -> FileHash {
        let (algorithm, value) = match self.0 {
            Digest::Sha256(digest) => (HashAlgorithm::Sha256, digest.finalize().to_vec()),
            Digest::Sha512(digest) => (HashAlgorithm::Sha512, digest.finalize().to_vec()),
            Digest::Sha1(digest) => (HashAlgorithm::Sha1, digest.finalize().to_vec()),
            Digest::Md5(digest) => (HashAlgorithm::Md5, digest.finalize().to_vec()),
            Digest::Crc32(digest) => {
                (HashAlgorithm::Crc32, digest.finalize().to_be_bytes().to_vec())
            }
        };
        FileHash::new(algorithm, value)
    }
}
