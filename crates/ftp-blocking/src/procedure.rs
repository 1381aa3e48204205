//! Procedures on files: carried out by waiting for the session, with local files of this system

use std::path::Path;

use ftp_proto::Transfer;
use ftp_session::procedure::{self, Next, Procedure, Proof};
use ftp_session::{Error, LocalFile};

use crate::client::Client;
use crate::convenience::CopyOptions;
use crate::session::Session;

/// How an interrupted transfer is taken up again
#[must_use = "options do nothing by themselves"]
#[derive(Debug)]
pub struct ResumeOptions<'a> {
    inner: procedure::ResumeOptions,
    copy: CopyOptions<'a>,
}

impl<'a> ResumeOptions<'a> {
    /// 64 KiB are compared, hashes are not, nobody is told
    pub const fn new() -> Self {
        Self { inner: procedure::ResumeOptions::new(), copy: CopyOptions::new() }
    }

    /// How many bytes before the break are transferred once more and compared; 0: none, for servers
    /// that let nobody read what was uploaded
    pub const fn overlap(mut self, bytes: u64) -> Self {
        self.inner = self.inner.overlap(bytes);
        self
    }

    /// Compares the whole files at the end: [`Client::verify_file`]
    pub const fn verify(mut self) -> Self {
        self.inner = self.inner.verify();
        self
    }

    /// Block size and progress of what is transferred after the break
    pub fn copy(mut self, options: CopyOptions<'a>) -> Self {
        self.inner = self.inner.block_size(options.block_size);
        self.copy = options;
        self
    }
}

impl Default for ResumeOptions<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl Session {
    /// Carries a procedure out
    pub(crate) fn perform<T>(
        &mut self,
        mut procedure: Procedure<T>,
        file: Option<&Path>,
        mut progress: Option<&mut dyn FnMut(u64)>,
    ) -> Result<T, Error> {
        let _call = self.clock.begin_all();
        let mut file = LocalFile::new(file.unwrap_or_else(|| Path::new("")));
        let (mut moved, mut heard) = (0, Heard::Before);
        loop {
            self.inner.look_for_data();
            self.inner.renew_budget();
            match procedure.turn(&mut self.inner, self.clock.now()) {
                Next::Request => {
                    self.begin();
                }
                Next::Local(order) => {
                    let answer = file.carry_out(order);
                    procedure.answer(answer);
                    heard = Heard::Before;
                }
                Next::Wait => {
                    if heard == Heard::Now {
                        self.wait();
                    }
                    self.hear(&mut procedure);
                    heard = Heard::Now;
                }
                Next::Done(result) => {
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

    /// Does what can be done without waiting, and hands the news over
    fn hear<T>(&mut self, procedure: &mut Procedure<T>) {
        self.watch(procedure.current());
        self.settle();
        while let Some(mut event) = self.next_event() {
            if procedure.handle(&mut event) {
                self.watch(None);
                self.leave();
            }
        }
    }
}

/// Whether there can be news since the procedure's last turn
#[derive(Clone, Copy, PartialEq, Eq)]
enum Heard {
    /// There can
    Before,
    /// It has had a turn since it was told of all news: the next is to be waited for
    Now,
}

/// Resuming
impl Client {
    /// Goes on with a download that was interrupted, with the default options
    ///
    /// # Errors
    ///
    /// As [`Self::resume_download_with`].
    pub fn resume_download(
        &mut self,
        remote: impl AsRef<[u8]>,
        local: impl AsRef<Path>,
    ) -> Result<Transfer, Error> {
        self.resume_download_with(remote, local, ResumeOptions::new())
    }

    /// Goes on with a download that was interrupted: appends what the local file lacks (REST)
    ///
    /// Without a local file the whole is downloaded. [`Transfer::bytes`] counts the bytes that were
    /// compared, too.
    ///
    /// # Errors
    ///
    /// [`Error::Mismatch`] if the two files can't be of one origin; the local one is as it was. Else
    /// why the transfer failed; the local file holds what has come, and can be resumed again.
    pub fn resume_download_with(
        &mut self,
        remote: impl AsRef<[u8]>,
        local: impl AsRef<Path>,
        options: ResumeOptions<'_>,
    ) -> Result<Transfer, Error> {
        let procedure = Procedure::resume_download(remote, options.inner);
        self.session.perform(procedure, Some(local.as_ref()), options.copy.progress)
    }

    /// Goes on with an upload that was interrupted, with the default options
    ///
    /// # Errors
    ///
    /// As [`Self::resume_upload_with`].
    pub fn resume_upload(
        &mut self,
        local: impl AsRef<Path>,
        remote: impl AsRef<[u8]>,
    ) -> Result<Transfer, Error> {
        self.resume_upload_with(local, remote, ResumeOptions::new())
    }

    /// Goes on with an upload that was interrupted: appends what the server's file lacks (APPE)
    ///
    /// Without a file on the server the whole is uploaded. If SIZE is refused (550) in words that do not say so, a listing
    /// of the directory has to show it, else the refusal is the error.
    ///
    /// # Errors
    ///
    /// [`Error::Mismatch`] if the two files can't be of one origin, in which case nothing was written,
    /// or if the server's file does not have the right size in the end. Else why the transfer failed,
    /// also if the server does not tell the size.
    pub fn resume_upload_with(
        &mut self,
        local: impl AsRef<Path>,
        remote: impl AsRef<[u8]>,
        options: ResumeOptions<'_>,
    ) -> Result<Transfer, Error> {
        let procedure = Procedure::resume_upload(remote, options.inner);
        self.session.perform(procedure, Some(local.as_ref()), options.copy.progress)
    }

    /// Compares a local file with the server's: by size, and by the strongest hash that the server
    /// offers (XSHA256 and its kin, HASH)
    ///
    /// Settles on a new connection what became of a transfer that ended in
    /// [`Unconfirmed`](ftp_proto::Error::Unconfirmed), or in any other way. The server reads its whole
    /// file for a hash, which takes its time.
    ///
    /// # Errors
    ///
    /// [`Error::Mismatch`] if they differ; else why the question was not answered, such as a server
    /// without SIZE.
    pub fn verify_file(
        &mut self,
        remote: impl AsRef<[u8]>,
        local: impl AsRef<Path>,
    ) -> Result<Proof, Error> {
        self.session.perform(Procedure::verify_file(remote), Some(local.as_ref()), None)
    }
}
