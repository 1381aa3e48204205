//! Going on with interrupted transfers of whole files, never with a splice

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use ftp_proto::{Error as FtpError, Get, Put, Transfer};
use ftp_session::{Error, Mismatch};

use crate::client::Client;
use crate::convenience::{CopyOptions, Whole};

/// How an interrupted transfer is taken up again
#[must_use = "options do nothing by themselves"]
#[derive(Debug)]
pub struct ResumeOptions<'a> {
    overlap: u64,
    verify: bool,
    copy: CopyOptions<'a>,
}

impl<'a> ResumeOptions<'a> {
    /// 64 KiB are compared, hashes are not, nobody is told
    pub const fn new() -> Self {
        // Finds an offset that the server ignores, another file under the same name, and a tail that a
        // crash has left empty; most lines carry it in the time of a round trip.
        Self { overlap: 64 * 1024, verify: false, copy: CopyOptions::new() }
    }

    /// How many bytes before the break are transferred once more and compared; 0: none, for servers
    /// that let nobody read what was uploaded
    pub const fn overlap(mut self, bytes: u64) -> Self {
        self.overlap = bytes;
        self
    }

    /// Compares the whole files at the end: [`Client::verify_file`]
    pub const fn verify(mut self) -> Self {
        self.verify = true;
        self
    }

    /// Block size and progress of what is transferred behind the break
    pub fn copy(mut self, options: CopyOptions<'a>) -> Self {
        self.copy = options;
        self
    }
}

impl Default for ResumeOptions<'_> {
    fn default() -> Self {
        Self::new()
    }
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
        let _call = self.session.clock.begin_all();
        let (remote, local) = (remote.as_ref(), local.as_ref());
        let file = match OpenOptions::new().read(true).append(true).open(local) {
            Ok(file) => Some(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error.into()),
        };
        let size = match self.size(remote) {
            Ok(size) => Some(size),
            Err(error) if error.is_fatal() => return Err(error),
            // Not every server knows SIZE, and a missing file is for RETR to tell.
            Err(_) => None,
        };
        let transfer = match file {
            Some(file) => self.append_rest(remote, file, size, options.overlap, options.copy)?,
            None => {
                let download = self.get(expecting(Get::new(remote), size))?.at_most(size);
                download.copy_to(&mut File::create_new(local)?, options.copy)?
            }
        };
        if options.verify {
            self.verify_file(remote, local)?;
        }
        Ok(transfer)
    }

    fn append_rest(
        &mut self,
        remote: &[u8],
        mut file: File,
        size: Option<u64>,
        overlap: u64,
        options: CopyOptions<'_>,
    ) -> Result<Transfer, Error> {
        let length = file.metadata()?.len();
        if let Some(remote) = size.filter(|size| *size < length) {
            return Err(Mismatch::Size { local: length, remote }.into());
        }
        let offset = length.saturating_sub(overlap);
        file.seek(SeekFrom::Start(offset))?;
        let rest = size.map(|size| size - offset);
        let download = self.get(expecting(Get::new(remote).resume_at(offset), size))?;
        let mut download = download.at_most(rest);
        match compare(&mut (&file).take(length - offset), &mut download, length - offset) {
            Ok(compared) if compared == length - offset => {}
            // The end came early: the transfer knows best whether that is its fault.
            Ok(compared) => {
                download.finish()?;
                let remote = offset + compared;
                return Err(Mismatch::Size { local: length, remote }.into());
            }
            Err(Different::Content) => {
                // Whether the session survives it is for the next request to learn.
                let _ = download.abort();
                return Err(Mismatch::Content { from: offset, to: length }.into());
            }
            Err(Different::Failed(error)) => return Err(error.into()),
        }
        match download.copy_to(&mut file, options) {
            // More than the whole: where all bytes are alike, an ignored offset shows here alone.
            Err(Error::Ftp(error @ FtpError::TooLong { .. })) => {
                file.set_len(length)?;
                Err(error.into())
            }
            result => result,
        }
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
    /// Without a file on the server (550) the whole is uploaded.
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
        let _call = self.session.clock.begin_all();
        let (local, remote) = (local.as_ref(), remote.as_ref());
        let mut file = File::open(local)?;
        let length = file.metadata()?.len();
        let size = match self.size(remote) {
            Ok(size) => Some(size),
            Err(error) if error.reply().is_some_and(|reply| reply.code().get() == 550) => None,
            Err(error) => return Err(error),
        };
        let transfer = match size {
            Some(size) => {
                if length < size {
                    return Err(Mismatch::Size { local: length, remote: size }.into());
                }
                self.compare_tail(remote, &mut file, size, options.overlap)?;
                file.seek(SeekFrom::Start(size))?;
                // More servers know APPE than REST before STOR, and none truncates (Q52).
                let mut rest = Whole::new(file, length - size);
                self.put(Put::new(remote).append())?.copy_from(&mut rest, options.copy)?
            }
            None => {
                let mut whole = Whole::new(file, length);
                self.put(Put::new(remote))?.copy_from(&mut whole, options.copy)?
            }
        };
        if options.verify {
            self.verify_file(remote, local)?;
        } else if size.is_some() {
            self.check_size(remote, length)?;
        }
        Ok(transfer)
    }

    /// Fetches the last bytes of the server's file and compares them with the local ones
    fn compare_tail(
        &mut self,
        remote: &[u8],
        file: &mut File,
        size: u64,
        overlap: u64,
    ) -> Result<(), Error> {
        let offset = size.saturating_sub(overlap);
        if offset == size {
            return Ok(());
        }
        file.seek(SeekFrom::Start(offset))?;
        let mut tail = self.get(Get::new(remote).resume_at(offset).expect_size(size))?;
        match compare(file, &mut tail, size - offset) {
            Ok(_) => tail.finish().map(drop),
            Err(Different::Content) => {
                // Short as it is, the rest is sooner read than aborted.
                tail.copy_to(&mut io::sink(), CopyOptions::new())?;
                Err(Mismatch::Content { from: offset, to: size }.into())
            }
            Err(Different::Failed(error)) => Err(error.into()),
        }
    }

    /// The size on the server, which has to be this
    pub(crate) fn check_size(&mut self, remote: &[u8], local: u64) -> Result<u64, Error> {
        match self.size(remote)? {
            size if size == local => Ok(size),
            remote => Err(Mismatch::Size { local, remote }.into()),
        }
    }
}

fn expecting(get: Get, size: Option<u64>) -> Get {
    match size {
        Some(size) => get.expect_size(size),
        None => get,
    }
}

enum Different {
    Content,
    Failed(io::Error),
}

impl From<io::Error> for Different {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

/// Reads so many bytes from both and compares them; fewer if `remote` ends before
fn compare(local: &mut impl Read, remote: &mut impl Read, count: u64) -> Result<u64, Different> {
    let mut blocks = [[0; 8 * 1024]; 2];
    let [theirs, ours] = &mut blocks;
    let mut compared = 0;
    while compared < count {
        let wanted = usize::try_from(count - compared).unwrap_or(usize::MAX).min(theirs.len());
        let read = match remote.read(&mut theirs[..wanted]) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        };
        local.read_exact(&mut ours[..read])?;
        if ours[..read] != theirs[..read] {
            return Err(Different::Content);
        }
        compared += read as u64;
    }
    Ok(compared)
}
