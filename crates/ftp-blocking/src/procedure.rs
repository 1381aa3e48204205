//! Procedures on files: runs them by waiting for the session, with local files of this system

use std::path::Path;

use ftp_proto::Transfer;
use ftp_session::procedure::{self, Procedure, ProcedureStep};
use ftp_session::{Error, LocalFile, Time};

use crate::client::Client;
use crate::session::Session;
use crate::streams::CopyOptions;

/// How an interrupted transfer is resumed
#[must_use = "options do nothing by themselves"]
#[derive(Debug, Default)]
pub struct ResumeOptions<'a> {
    inner: procedure::ResumeOptions,
    copy: CopyOptions<'a>,
}

impl<'a> ResumeOptions<'a> {
    /// Compares 64 KiB but no hashes, and reports no progress
    pub const fn new() -> Self {
        Self { inner: procedure::ResumeOptions::new(), copy: CopyOptions::new() }
    }

    /// Sets how many bytes before the break are transferred again and compared; use 0 for servers that do not let
    /// uploaded files be read
    pub const fn overlap(mut self, bytes: u64) -> Self {
        self.inner = self.inner.overlap(bytes);
        self
    }

    /// Compares the whole files at the end: [`Client::verify_file`]
    ///
    /// Without this, two versions of a file that differ only before the [compared bytes](Self::overlap) are joined.
    pub const fn verify(mut self) -> Self {
        self.inner = self.inner.verify();
        self
    }

    /// Sets the block size and progress callback for what is transferred after the break
    pub fn copy(mut self, options: CopyOptions<'a>) -> Self {
        self.inner = self.inner.block_size(options.block_size);
        self.copy = options;
        self
    }
}

impl Session {
    /// Runs a procedure to its end
    pub(crate) fn perform<T>(
        &mut self,
        mut procedure: Procedure<T>,
        file: Option<&Path>,
        mut progress: Option<&mut dyn FnMut(u64)>,
    ) -> Result<T, Error> {
        let _call = self.call();
        let mut file = LocalFile::new(file.unwrap_or_else(|| Path::new("")));
        let (mut moved, mut events, mut now) = (0, Events::Unseen, self.now());
        loop {
            self.inner.look_for_data();
            self.inner.renew_allowance();
            match procedure.turn(&mut self.inner, now) {
                ProcedureStep::Request => {
                    self.begin();
                    now = self.now();
                }
                ProcedureStep::Local(order) => {
                    let answer = file.carry_out(order);
                    procedure.answer(answer);
                    events = Events::Unseen;
                    // A disk may be slow.
                    now = self.now();
                }
                ProcedureStep::Wait => {
                    if events == Events::Handled {
                        self.wait();
                    }
                    now = self.handle_events(&mut procedure);
                    events = Events::Handled;
                }
                ProcedureStep::Done(result) => {
                    self.leave();
                    return result;
                }
            }
            self.keep_to_deadline()?;
            if let Some(progress) = progress.as_mut().filter(|_| procedure.moved() > moved) {
                moved = procedure.moved();
                progress(moved);
            }
        }
    }

    /// Does what can be done without waiting, and passes the events to the procedure; returns the time before that
    fn handle_events<T>(&mut self, procedure: &mut Procedure<T>) -> Time {
        self.current = procedure.current();
        let now = self.settle();
        while let Some(mut event) = self.inner.poll_event() {
            if procedure.handle(&mut event) {
                self.current = None;
                self.leave();
            }
        }
        now
    }
}

/// Whether events may have arrived since the procedure's last turn
#[derive(Clone, Copy, PartialEq, Eq)]
enum Events {
    /// They may have
    Unseen,
    /// The procedure has handled all events and had a turn since, so the next event must be waited for
    Handled,
}

/// Turns each operation of the list into a method that waits for its result
macro_rules! methods {
    ($(
        $(#[$group:meta])*
        impl ($local:expr) {$(
            $(#[$meta:meta])*
            fn $name:ident($($argument:ident: $type:ty),*) -> $output:ty { $procedure:expr }
        )*}
    )*) => {$(
        $(#[$group])*
        impl Client {$(
            $(#[$meta])*
            pub fn $name(&mut self, $($argument: $type),*) -> Result<$output, Error> {
                self.session.perform($procedure, $local, None)
            }
        )*}
    )*};
}

ftp_session::operations!(methods);
ftp_session::file_operations!(methods);

/// Resuming with options
impl Client {
    /// Resumes an interrupted download: appends what the local file lacks (REST)
    ///
    /// If there is no local file, the whole file is downloaded. [`Transfer::bytes`] includes the bytes that were
    /// compared.
    ///
    /// # Errors
    ///
    /// [`Error::Mismatch`] if the two files can't be the same file; the local one is unchanged. [`Error::Local`] if the
    /// local file fails, or if another program changes its length meanwhile. Otherwise, why the transfer failed; the
    /// local file holds the bytes received so far, and can be resumed again.
    pub fn resume_download_with(
        &mut self,
        remote: impl AsRef<[u8]>,
        local: impl AsRef<Path>,
        options: ResumeOptions<'_>,
    ) -> Result<Transfer, Error> {
        let procedure = Procedure::resume_download(remote, options.inner);
        self.session.perform(procedure, Some(local.as_ref()), options.copy.progress)
    }

    /// Resumes an interrupted upload: appends what the server's file lacks (APPE)
    ///
    /// If there is no file on the server, the whole file is uploaded. If SIZE is refused (550) without saying that the
    /// file is missing, the directory is listed; unless the listing shows that there is no such file, the refusal is
    /// the error.
    ///
    /// # Errors
    ///
    /// [`Error::Mismatch`] if the two files can't be the same file, in which case nothing was written, or if the
    /// server's file has the wrong size at the end. Otherwise, why the transfer failed, or that the server does not
    /// report the size.
    pub fn resume_upload_with(
        &mut self,
        local: impl AsRef<Path>,
        remote: impl AsRef<[u8]>,
        options: ResumeOptions<'_>,
    ) -> Result<Transfer, Error> {
        let procedure = Procedure::resume_upload(remote, options.inner);
        self.session.perform(procedure, Some(local.as_ref()), options.copy.progress)
    }
}
