//! Resuming local files, with options and progress

use std::path::Path;

use ftp_proto::Transfer;
use ftp_session::Error;
use ftp_session::procedure::{Procedure, ResumeOptions};

use crate::client::Client;

/// Resuming with options
impl Client {
    /// Resumes an interrupted download: appends what the local file lacks (REST); calls `progress` with the number of
    /// bytes appended so far
    ///
    /// If there is no local file, the whole file is downloaded. [`Transfer::bytes`] includes the bytes that were
    /// compared.
    ///
    /// # Errors
    ///
    /// [`Error::Mismatch`] if the two files can't be the same file; the local one is unchanged. [`Error::Local`] if the
    /// local file fails, or if another program changes its length meanwhile. Otherwise, why the transfer failed; the
    /// local file holds the bytes received so far, and can be resumed again.
    pub async fn resume_download_with(
        &mut self,
        remote: impl AsRef<[u8]>,
        local: impl AsRef<Path>,
        options: ResumeOptions,
        progress: impl FnMut(u64),
    ) -> Result<Transfer, Error> {
        self.perform_on(local, Procedure::resume_download(remote, options), progress).await
    }

    /// Resumes an interrupted upload: appends what the server's file lacks (APPE); calls `progress` with the number of
    /// bytes sent so far
    ///
    /// If there is no file on the server (550), the whole file is uploaded.
    ///
    /// # Errors
    ///
    /// [`Error::Mismatch`] if the two files can't be the same file, in which case nothing was written, or if the
    /// server's file has the wrong size at the end. Otherwise, why the transfer failed, or that the server does not
    /// report the size.
    pub async fn resume_upload_with(
        &mut self,
        local: impl AsRef<Path>,
        remote: impl AsRef<[u8]>,
        options: ResumeOptions,
        progress: impl FnMut(u64),
    ) -> Result<Transfer, Error> {
        self.perform_on(local, Procedure::resume_upload(remote, options), progress).await
    }

    async fn perform_on<T>(
        &mut self,
        local: impl AsRef<Path>,
        procedure: Procedure<T>,
        progress: impl FnMut(u64),
    ) -> Result<T, Error> {
        self.session.perform(procedure, Some(local.as_ref()), progress).await
    }
}
