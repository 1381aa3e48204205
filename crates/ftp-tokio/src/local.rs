//! What procedures order of local files
//!
//! By `tokio::fs`, which waits for the disk on other threads.

#[cfg(feature = "files")]
pub(crate) use file::LocalFile;

use std::io;

use ftp_session::procedure::{LocalAnswer, LocalOrder};

/// What a procedure's orders for its local file go to
pub(crate) enum Local {
    /// It gives none
    None,
    #[cfg(feature = "files")]
    File(LocalFile),
}

impl Local {
    #[cfg_attr(
        not(feature = "files"),
        expect(clippy::needless_pass_by_ref_mut, reason = "files change when they are read")
    )]
    pub(crate) async fn carry_out(&mut self, order: LocalOrder<'_>) -> io::Result<LocalAnswer> {
        match self {
            #[cfg(feature = "files")]
            Self::File(file) => file.carry_out(order).await,
            Self::None => Err(io::Error::other(format!("no file was given for {order:?}"))),
        }
    }
}

#[cfg(feature = "files")]
mod file {
    use std::io::{self, SeekFrom};
    use std::path::{Path, PathBuf};

    use ftp_proto::fields::{FileHash, HashAlgorithm};
    use ftp_session::procedure::{Access, LocalAnswer, LocalOrder};
    use ftp_session::{FileDigest, file_error};
    use tokio::fs::{File, OpenOptions};
    use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};

    /// A local file by its path, opened when it is ordered
    pub(crate) struct LocalFile {
        path: PathBuf,
        file: Option<File>,
        /// Where the next read or write begins by itself
        at: u64,
    }

    impl LocalFile {
        pub(crate) fn new(path: &Path) -> Self {
            Self { path: path.to_owned(), file: None, at: 0 }
        }

        pub(crate) async fn carry_out(&mut self, order: LocalOrder<'_>) -> io::Result<LocalAnswer> {
            let result = self.execute(order).await;
            result.map_err(|error| file_error(&self.path, error))
        }

        async fn execute(&mut self, order: LocalOrder<'_>) -> io::Result<LocalAnswer> {
            match order {
                LocalOrder::Open(access) => self.open(access).await.map(LocalAnswer::Opened),
                LocalOrder::Read { at, into } => {
                    let count = self.at(at).await?.read(into).await?;
                    self.at += count as u64;
                    Ok(LocalAnswer::Read(count))
                }
                LocalOrder::Write { at, bytes } => {
                    let file = self.at(at).await?;
                    file.write_all(bytes).await?;
                    // What is written must be in the file when the answer says so.
                    file.flush().await?;
                    self.at += bytes.len() as u64;
                    Ok(LocalAnswer::Done)
                }
                LocalOrder::SetLength(length) => {
                    self.at(self.at).await?.set_len(length).await?;
                    Ok(LocalAnswer::Done)
                }
                LocalOrder::Hash(algorithm) => {
                    let file = self.at(0).await?;
                    let hash = hash_of(file, algorithm).await;
                    // Where it is now depends on what went well.
                    self.at = u64::MAX;
                    hash.map(LocalAnswer::Hash)
                }
            }
        }

        async fn open(&mut self, access: Access) -> io::Result<Option<u64>> {
            self.file = None;
            let file = match access {
                Access::Read => File::open(&self.path).await?,
                Access::Create => File::create_new(&self.path).await?,
                Access::Replace => {
                    OpenOptions::new()
                        .read(true)
                        .write(true)
                        .create(true)
                        .truncate(true)
                        .open(&self.path)
                        .await?
                }
                // Not by the system's append: a write of a call that was dropped may still be under way, and must fall on
                // the same bytes as the one that repeats it.
                Access::Append => {
                    match OpenOptions::new().read(true).write(true).open(&self.path).await {
                        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                        result => result?,
                    }
                }
            };
            let length = match access {
                Access::Create | Access::Replace => 0,
                Access::Read | Access::Append => file.metadata().await?.len(),
            };
            (self.file, self.at) = (Some(file), 0);
            Ok(Some(length))
        }

        /// The open file, at this offset
        async fn at(&mut self, offset: u64) -> io::Result<&mut File> {
            let Some(file) = &mut self.file else { return Err(io::ErrorKind::NotFound.into()) };
            if self.at != offset {
                file.seek(SeekFrom::Start(offset)).await?;
                self.at = offset;
            }
            Ok(file)
        }
    }

    async fn hash_of(file: &mut File, algorithm: HashAlgorithm) -> io::Result<Option<FileHash>> {
        let Some(mut digest) = FileDigest::new(algorithm) else { return Ok(None) };
        let mut buffer = vec![0; 256 * 1024];
        loop {
            match file.read(&mut buffer).await? {
                0 => return Ok(Some(digest.finish())),
                count => digest.update(&buffer[..count]),
            }
        }
    }
}
