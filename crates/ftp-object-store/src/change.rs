//! Deleting, renaming and copying objects

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ftp_tokio::{Error as FtpError, Lease};
use futures_util::future::{Either, select};
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{CopyMode, GetOptions, PutPayload, RenameTargetMode, Result};

use crate::error::{Subject, is_refusal};
use crate::inner::Inner;
use crate::name;
use crate::place::Source;
use crate::temporary::Temporary;

/// The largest file in bytes that one session copies through memory
const IN_MEMORY: u64 = 8 << 20;
/// How often a copy that waits for its sessions checks whether there can be two
const CHECKS: Duration = Duration::from_millis(100);

impl Inner {
    async fn delete(&self, location: &Path) -> Result<()> {
        let subject = self.subject("delete", location);
        let path = self.remote(location);
        let delete = |mut ftp: Lease| {
            let path = &path;
            async move { ftp.delete(path).await.map(drop) }
        };
        match self.pool.run(&self.site, delete).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.explain(subject, error).await),
        }
    }

    pub(crate) fn delete_all(
        self: &Arc<Self>,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let inner = Arc::clone(self);
        let at_once = self.settings.sessions;
        let delete = move |location: Result<Path>| {
            let inner = Arc::clone(&inner);
            async move {
                let location = location?;
                inner.delete(&location).await?;
                Ok(location)
            }
        };
        locations.map(delete).buffered(at_once).boxed()
    }

    pub(crate) async fn rename(
        self: &Arc<Self>,
        from: &Path,
        to: &Path,
        mode: RenameTargetMode,
    ) -> Result<()> {
        let target = self.target(to, self.subject("rename to", to))?;
        let source = self.remote(from);
        let subject = self.subject("rename", from).to(to);
        // Without this check, a directory, which is not an object, could be renamed.
        let found = self.look_up(&source).await.map_err(|error| subject.error(error))?;
        found.into_file(subject)?;
        if mode == RenameTargetMode::Create {
            self.check_absent("rename to", to).await?;
        }
        if source == target {
            return Ok(());
        }
        let ftp = self.pool.lease(&self.site).await.map_err(|error| subject.error(error))?;
        self.place(ftp, Source::Object(source), &target, subject).await
    }

    pub(crate) async fn copy(
        self: &Arc<Self>,
        from: &Path,
        to: &Path,
        mode: CopyMode,
    ) -> Result<()> {
        let target = self.target(to, self.subject("copy to", to))?;
        let source = self.remote(from);
        let subject = self.subject("copy", from);
        let found = self.look_up(&source).await.map_err(|error| subject.error(error))?;
        let version = found.into_file(subject)?;
        if mode == CopyMode::Create {
            self.check_absent("copy to", to).await?;
        }
        if source == target || self.copied_by_server(&source, version.size, &target, to).await? {
            return Ok(());
        }
        if version.size <= IN_MEMORY {
            let bytes: Bytes = self.get(from, GetOptions::default()).await?.bytes().await?;
            return self.write(to, &PutPayload::from(bytes)).await;
        }
        // Several copies could each hold one session and wait for a second one.
        let _alone = self.large_copy.lock().await;
        self.wait_for_two_sessions(self.subject("get two sessions to copy", from)).await?;
        let mut pieces = self.get(from, GetOptions::default()).await?.into_stream();
        let mut upload = self.multipart(to, &object_store::Attributes::new())?;
        while let Some(piece) = pieces.try_next().await? {
            upload.put_part(piece.into()).await?;
        }
        upload.complete().await.map(drop)
    }

    /// Waits until two sessions are free at the same time; fails at once if there can't be two
    async fn wait_for_two_sessions(&self, subject: Subject<'_>) -> Result<()> {
        let only_one = pin!(async {
            while self.pool.status(&self.site).limit > 1 {
                tokio::time::sleep(CHECKS).await;
            }
        });
        let both = pin!(async {
            let _first = self.pool.lease(&self.site).await?;
            self.pool.lease(&self.site).await.map(drop)
        });
        match select(only_one, both).await {
            Either::Left(_) => {
                Err(subject.generic("the settings or the server allow only one at the moment"))
            }
            Either::Right((result, _)) => result.map_err(|error| subject.error(error)),
        }
    }

    /// Asks the server to copy a file; returns false if it can't or must not, or if it might copy a different file
    async fn copied_by_server(
        self: &Arc<Self>,
        from: &[u8],
        size: u64,
        to: &[u8],
        location: &Path,
    ) -> Result<bool> {
        let (directory, _) = name::split(to);
        if !self.settings.server_copies {
            return Ok(false);
        }
        if !(name::is_one_word(from) && name::is_one_word(directory)) {
            return Ok(false);
        }
        let subject = self.subject("copy to", location);
        let convert = |error: FtpError| subject.error(error);
        let mut ftp = self.pool.lease(&self.site).await.map_err(|error| subject.error(error))?;
        if !self.has_site_copy(&mut ftp).await.map_err(convert)? {
            return Ok(false);
        }
        let temporary = Temporary::new(self, to);
        let words = |verb: &str, path: &[u8]| [verb.as_bytes(), path].concat();
        let copy = async {
            ftp.command("SITE", words("CPFR ", from)).await?;
            ftp.command("SITE", words("CPTO ", temporary.path())).await
        };
        match copy.await {
            Ok(_) => {}
            // The copy through this machine then succeeds, or reports what is wrong.
            Err(error) if is_refusal(&error) => return Ok(false),
            Err(error) => return Err(convert(error)),
        }
        self.place_whole(ftp, size, temporary, to, subject).await?;
        Ok(true)
    }
}
