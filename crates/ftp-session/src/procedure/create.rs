//! Makes a directory with its parents
//!
//! ```text
//! MKD a/b/c ── made ──▶ done                                                           one round trip
//!    └ refused: (PWD) CWD a/b/c, PWD ── entered: it exists ──▶ done
//!         └ MKD a/b, MKD a … until one is made, or exists ──▶ then downwards again
//!              └ none, or refused again: the refusal to make the first missing directory is the error
//! ```

use super::Procedure;
use super::path::{prefixes, sendable};
use super::work::{Io, unless_refused};
use crate::error::Error;

impl Procedure<usize> {
    /// Makes a directory and any missing parents (MKD); returns how many it made
    ///
    /// Directories that exist already are no error, even if another client makes them meanwhile. The working directory
    /// is the same afterwards. Components of the path are separated by `/`; an empty path is the working directory.
    ///
    /// It fails with [`Error::NotADirectory`] if a file is in the way, otherwise with the server's refusal to make the
    /// first missing directory.
    #[must_use]
    pub fn create_dir_all(path: impl AsRef<[u8]>) -> Self {
        let path = path.as_ref().to_vec();
        Self::new(|io| async move {
            sendable(&path)?;
            Create { io }.all(&prefixes(&path)).await
        })
    }
}

struct Create {
    io: Io,
}

impl Create {
    async fn all(self, paths: &[Vec<u8>]) -> Result<usize, Error> {
        let Some((whole, parents)) = paths.split_last() else { return Ok(0) };
        let Some(mut refusal) = self.make(whole).await? else { return Ok(1) };
        if self.is_directory(whole).await? {
            return Ok(0);
        }
        for (at, parent) in parents.iter().enumerate().rev() {
            match self.make(parent).await? {
                None => return self.downwards(&paths[at + 1..], 1).await,
                Some(error) => {
                    if self.is_directory(parent).await? {
                        // Another client may have made the parent since the next directory was refused, so that is
                        // tried once more.
                        return self.downwards(&paths[at + 1..], 0).await;
                    }
                    refusal = error;
                }
            }
        }
        // The parent of the first one is the root, or the working directory.
        Err(self.why(&paths[0], refusal).await?)
    }

    /// Makes the remaining directories from top to bottom
    async fn downwards(&self, paths: &[Vec<u8>], mut made: usize) -> Result<usize, Error> {
        for path in paths {
            match self.make(path).await? {
                None => made += 1,
                // Another client may have made it meanwhile.
                Some(_) if self.is_directory(path).await? => {}
                Some(refusal) => return Err(self.why(path, refusal).await?),
            }
        }
        Ok(made)
    }

    /// Makes one directory; returns the server's refusal, if it refuses
    async fn make(&self, path: &[u8]) -> Result<Option<Error>, Error> {
        match self.io.mkdir(path).await {
            Ok(()) => Ok(None),
            Err(error) if error.reply().is_none() || error.is_fatal() || error.is_auth() => {
                Err(error)
            }
            Err(refusal) => Ok(Some(refusal)),
        }
    }

    /// Whether this is a directory that can be entered
    async fn is_directory(&self, path: &[u8]) -> Result<bool, Error> {
        Ok(self.io.canonicalize(path).await?.is_some())
    }

    /// Why a directory whose parent exists could not be made: a file in its place, or the server's refusal
    async fn why(&self, path: &[u8], refusal: Error) -> Result<Error, Error> {
        let size = unless_refused(self.io.size(path).await)?;
        Ok(size.map_or(refusal, |_| Error::NotADirectory { path: path.to_vec() }))
    }
}
