//! Failures of local files, with their paths

use std::io;
use std::path::{Path, PathBuf};

/// A local file that failed; its source says why
#[derive(Debug, thiserror::Error)]
// Quoted, because a path may contain anything.
#[error("{path:?}")]
pub(crate) struct FileError {
    path: PathBuf,
    #[source]
    error: io::Error,
}

impl FileError {
    pub(crate) fn in_io(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }

    /// Adds the path to an error, unless it has one already
    pub(crate) fn name(path: &Path, error: io::Error) -> io::Error {
        if path.as_os_str().is_empty() || Self::in_io(&error).is_some() {
            return error;
        }
        io::Error::new(error.kind(), Self { path: path.to_owned(), error })
    }

    /// Returns the same error again, as [`crate::Error::again`]
    pub(crate) fn again(&self, again: fn(&io::Error) -> io::Error) -> io::Error {
        Self::name(&self.path, again(&self.error))
    }
}
