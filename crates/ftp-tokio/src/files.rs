//! Whole local files in one call

use std::path::Path;

use ftp_proto::{Get, Put, Transfer};
use ftp_session::Error;
use ftp_session::procedure::{Procedure, Proof, ResumeOptions};

use crate::client::Client;
use crate::local::{File, Local};

/// Whole local files
impl Client {
    /// Downloads into a local file, which is created, or overwritten from the request's offset on
    ///
    /// The local file is not touched before the server has accepted the request. After a failure, or when the future
    /// is dropped, it holds the bytes received so far, for [`Self::resume_download`]. If the server chose its name,
    /// make the path with [`local_path`](crate::local_path).
    ///
    /// # Errors
    ///
    /// Why the transfer failed; [`Error::Local`] if the local file failed, or if it ends before the offset.
    pub async fn download_file(
        &mut self,
        get: impl Into<Get>,
        local: impl AsRef<Path>,
    ) -> Result<Transfer, Error> {
        self.perform_on(local, Procedure::download_file(get), |_| ()).await
    }

    /// Uploads a local file, from the request's offset on
    ///
    /// # Errors
    ///
    /// Why the transfer failed; [`Error::Local`] if the file can't be read, if it ends before the offset, or if it has
    /// become shorter meanwhile. The last of these aborts the transfer, and the bytes already sent stay on the server:
    /// see [`Upload`](crate::Upload).
    pub async fn upload_file(
        &mut self,
        put: impl Into<Put>,
        local: impl AsRef<Path>,
    ) -> Result<Transfer, Error> {
        self.perform_on(local, Procedure::upload_file(put), |_| ()).await
    }

    /// Resumes an interrupted download with the default options
    ///
    /// # Errors
    ///
    /// As [`Self::resume_download_with`].
    pub async fn resume_download(
        &mut self,
        remote: impl AsRef<[u8]>,
        local: impl AsRef<Path>,
    ) -> Result<Transfer, Error> {
        self.resume_download_with(remote, local, ResumeOptions::new(), |_| ()).await
    }

    /// Resumes an interrupted download: appends what the local file lacks (REST); calls `progress` with the number of
    /// bytes appended so far
    ///
    /// If there is no local file, the whole file is downloaded. [`Transfer::bytes`] includes the bytes that were
    /// compared.
    ///
    /// # Errors
    ///
    /// [`Error::Mismatch`] if the two files can't be the same file; the local one is unchanged. Otherwise, why the
    /// transfer failed; the local file holds the bytes received so far, and can be resumed again.
    pub async fn resume_download_with(
        &mut self,
        remote: impl AsRef<[u8]>,
        local: impl AsRef<Path>,
        options: ResumeOptions,
        progress: impl FnMut(u64),
    ) -> Result<Transfer, Error> {
        self.perform_on(local, Procedure::resume_download(remote, options), progress).await
    }

    /// Resumes an interrupted upload with the default options
    ///
    /// # Errors
    ///
    /// As [`Self::resume_upload_with`].
    pub async fn resume_upload(
        &mut self,
        local: impl AsRef<Path>,
        remote: impl AsRef<[u8]>,
    ) -> Result<Transfer, Error> {
        self.resume_upload_with(local, remote, ResumeOptions::new(), |_| ()).await
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

    /// Compares a local file with the server's: by size, and by the strongest hash that the server offers (XSHA256
    /// and its kin, HASH)
    ///
    /// Use it on a new connection to find out the outcome of a transfer that ended in
    /// [`Unconfirmed`](ftp_proto::Error::Unconfirmed), or in any other way. The server reads its whole file to compute
    /// a hash, which takes time.
    ///
    /// # Errors
    ///
    /// [`Error::Mismatch`] if they differ; otherwise, why they could not be compared, for example because the server
    /// does not support SIZE.
    pub async fn verify_file(
        &mut self,
        remote: impl AsRef<[u8]>,
        local: impl AsRef<Path>,
    ) -> Result<Proof, Error> {
        self.perform_on(local, Procedure::verify_file(remote), |_| ()).await
    }

    async fn perform_on<T>(
        &mut self,
        local: impl AsRef<Path>,
        procedure: Procedure<T>,
        progress: impl FnMut(u64),
    ) -> Result<T, Error> {
        let file = Local::File(File::new(local.as_ref()));
        self.session.perform(procedure, file, progress).await
    }
}
