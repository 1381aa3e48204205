//! Files that are deleted in the background unless they are kept

use std::sync::Arc;
use std::time::Duration;

use ftp_tokio::Lease;

use crate::inner::Inner;
use crate::name;

/// A file under a name of the store's own; it is deleted in the background when this is dropped, unless it is kept
#[derive(Debug)]
pub(crate) struct Temporary {
    inner: Arc<Inner>,
    path: Vec<u8>,
    state: State,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    /// The file may be on the server, and is not wanted
    Unwanted,
    /// The file is wanted, or it is gone
    Kept,
}

impl Temporary {
    /// Makes a new name beside the target
    pub(crate) fn new(inner: &Arc<Inner>, target: &[u8]) -> Self {
        Self::at(inner, name::temporary(target))
    }

    /// The file of this name, which must be one of the store's own
    pub(crate) fn at(inner: &Arc<Inner>, path: Vec<u8>) -> Self {
        Self { inner: Arc::clone(inner), path, state: State::Unwanted }
    }

    pub(crate) fn path(&self) -> &[u8] {
        &self.path
    }

    /// Notes that there is nothing to delete
    pub(crate) fn keep(&mut self) {
        self.state = State::Kept;
    }

    /// Deletes the file now; if that fails, in the background
    pub(crate) async fn delete(mut self, ftp: &mut Lease) {
        if ftp.delete(&self.path).await.is_ok() {
            self.keep();
        }
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if self.state == State::Kept {
            return;
        }
        let (inner, path) = (Arc::clone(&self.inner), std::mem::take(&mut self.path));
        runtime.spawn(async move {
            // The server may still be busy with the upload.
            for pause in [0, 1, 5] {
                tokio::time::sleep(Duration::from_secs(pause)).await;
                let delete = |mut ftp: Lease| {
                    let path = &path;
                    async move { ftp.delete(path).await.map(drop) }
                };
                if inner.pool.run(&inner.site, delete).await.is_ok() {
                    return;
                }
            }
        });
    }
}
