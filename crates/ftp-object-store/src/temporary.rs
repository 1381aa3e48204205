//! Files that are deleted in the background unless they are kept

use std::sync::Arc;
use std::time::Duration;

use ftp_tokio::{Lease, Reply};

use crate::inner::Inner;
use crate::name;

/// A file under a name of the store's own; it is deleted in the background when this is dropped, unless it is kept
#[derive(Debug)]
pub(crate) struct Temporary {
    inner: Arc<Inner>,
    path: Vec<u8>,
    state: State,
    confirmation: Option<Reply>,
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
        Self { inner: Arc::clone(inner), path, state: State::Unwanted, confirmation: None }
    }

    pub(crate) fn path(&self) -> &[u8] {
        &self.path
    }

    /// Notes that there is nothing to delete
    pub(crate) fn keep(&mut self) {
        self.state = State::Kept;
    }

    /// Notes the reply that has confirmed the upload
    pub(crate) fn confirm(&mut self, reply: Reply) {
        self.confirmation = Some(reply);
    }

    /// The reply that has confirmed the upload, for an error: it may contain the name of the file
    pub(crate) fn confirmed_with(&self) -> String {
        let text = |reply: &Reply| format!("; the upload was confirmed with: {reply}");
        self.confirmation.as_ref().map(text).unwrap_or_default()
    }

    /// Deletes the file now; if that fails, in the background
    pub(crate) async fn delete(mut self, ftp: &mut Lease) {
        self.try_delete(ftp).await;
    }

    /// Deletes the file, and returns whether the server has confirmed that
    async fn try_delete(&mut self, ftp: &mut Lease) -> bool {
        let deleted = ftp.delete(&self.path).await.is_ok();
        if deleted {
            self.keep();
        }
        deleted
    }

    /// Deletes a file that has one of two names; if that fails, in the background
    pub(crate) async fn delete_either(mut self, mut other: Self, ftp: &mut Lease) {
        // Some servers also confirm that they have deleted a file that was not there.
        let deleted = [self.try_delete(ftp).await, other.try_delete(ftp).await];
        if deleted.contains(&true) {
            self.keep();
            other.keep();
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
            #[cfg(feature = "tracing")]
            tracing::warn!(target: "ftp::store", server = %inner.server, path = %path.escape_ascii(), "not deleted");
        });
    }
}
