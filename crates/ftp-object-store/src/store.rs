//! The store

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use ftp_tokio::{Pool, Site};
use futures_util::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
};

use crate::inner::Inner;

/// A directory of an FTP server as an [`ObjectStore`]; cheap to clone
///
/// The [crate's documentation](crate) describes what each operation does, and what FTP can't promise.
#[derive(Clone)]
pub struct FtpStore {
    pub(crate) inner: Arc<Inner>,
}

/// Entries that listings of a store have skipped so far
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Skipped {
    /// Names for which there is no [`Path`]
    pub names: u64,
    /// Links that lead to a directory or to nothing
    pub links: u64,
    /// Devices, sockets and the like
    pub special: u64,
}

impl FtpStore {
    /// The entries that its listings have skipped so far: a number other than zero means that some data may not be
    /// readable
    #[must_use]
    pub fn skipped(&self) -> Skipped {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let counts = &self.inner.skipped;
        Skipped {
            names: load(&counts.names),
            links: load(&counts.links),
            special: load(&counts.special),
        }
    }

    /// The pool of the store's sessions
    #[must_use]
    pub fn pool(&self) -> &Pool {
        &self.inner.pool
    }

    /// The server and the login
    #[must_use]
    pub fn site(&self) -> &Site {
        &self.inner.site
    }
}

#[async_trait]
impl ObjectStore for FtpStore {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> Result<PutResult> {
        self.inner.put(location, payload, opts).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.multipart(location, &opts.attributes)
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.ranges(location, ranges).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_all(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix, None)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix, Some(offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_one(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy(from, to, options.mode).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.inner.rename(from, to, options.target_mode).await
    }
}

/// The server and the directory, without the password
impl fmt::Display for FtpStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { server, root, .. } = &*self.inner;
        write!(f, "FtpStore({server}/{})", root.escape_ascii())
    }
}

/// The same as `Display`
impl fmt::Debug for FtpStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
