//! Resumes interrupted transfers of whole files, after the last bytes of the existing part were compared

use std::io;

use ftp_proto::listing::OwnedEntry;
use ftp_proto::{Error as FtpError, Get, Put, ReadDir, Transfer};

use super::Procedure;
use super::path::sendable;
use super::verify::{check_size, verify};
use super::work::{Access, Begin, Io, Received, Sink, unless_refused};
use crate::error::{Error, Mismatch};

/// How an interrupted transfer is resumed
#[must_use = "options do nothing by themselves"]
#[derive(Clone, Copy, Debug)]
pub struct ResumeOptions {
    overlap: u64,
    verify: Verify,
    block_size: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verify {
    No,
    WholeFiles,
}

impl ResumeOptions {
    /// Compares 64 KiB but no hashes
    pub const fn new() -> Self {
        // This detects an offset that the server ignores, another file under the same name, and an end that a crash
        // has left empty. Most connections transfer it within one round trip.
        Self { overlap: 64 * 1024, verify: Verify::No, block_size: super::BLOCK }
    }

    /// Sets how many bytes before the break are transferred again and compared; use 0 for servers that let nobody read
    /// what was uploaded
    pub const fn overlap(mut self, bytes: u64) -> Self {
        self.overlap = bytes;
        self
    }

    /// Compares the whole files at the end: [`Procedure::verify_file`]
    ///
    /// Without this, two versions of a file that differ only before the [compared bytes](Self::overlap) are joined.
    pub const fn verify(mut self) -> Self {
        self.verify = Verify::WholeFiles;
        self
    }

    /// Sets the largest block in bytes, at least 1; 256 KiB by default. The first blocks are smaller
    pub const fn block_size(mut self, bytes: usize) -> Self {
        self.block_size = if bytes == 0 { 1 } else { bytes };
        self
    }
}

impl Default for ResumeOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl Procedure<Transfer> {
    /// Resumes an interrupted download: appends what the local file lacks (REST)
    ///
    /// If there is no local file, the whole file is downloaded. [`Transfer::bytes`] includes the bytes that were
    /// compared.
    ///
    /// It fails with [`Error::Mismatch`] if the two files can't be the same file; the local one is unchanged. It fails
    /// with [`Error::Local`] if the local file fails, or if another program changes its length meanwhile.
    /// Otherwise its error is why the transfer failed; the local file holds the bytes received so far, and can be
    /// resumed again.
    #[must_use]
    pub fn resume_download(remote: impl AsRef<[u8]>, options: ResumeOptions) -> Self {
        let remote = remote.as_ref().to_vec();
        let work = |io| async move {
            sendable(&remote)?;
            resume_download(&io, &remote, options).await
        };
        Self::new(work).block_size(options.block_size)
    }

    /// Resumes an interrupted upload: appends what the server's file lacks (APPE)
    ///
    /// If there is no file on the server, the whole file is uploaded. A server may refuse SIZE (550) for other
    /// reasons, or say only that there is no size. Then the directory is listed; unless the listing shows that there
    /// is no such file, the refusal is the error.
    ///
    /// It fails with [`Error::Mismatch`] if the two files can't be the same file, in which case nothing was written,
    /// or if the server's file has the wrong size at the end. Otherwise its error is why the transfer failed, or that
    /// the server does not report the size. If there was no file, a refusal of SIZE (550) after the upload is no error: a
    /// directory for uploads may not show its files, or the server may have taken the file away.
    #[must_use]
    pub fn resume_upload(remote: impl AsRef<[u8]>, options: ResumeOptions) -> Self {
        let remote = remote.as_ref().to_vec();
        let work = |io| async move {
            sendable(&remote)?;
            resume_upload(&io, &remote, options).await
        };
        Self::new(work).block_size(options.block_size)
    }
}

async fn resume_download(
    io: &Io,
    remote: &[u8],
    options: ResumeOptions,
) -> Result<Transfer, Error> {
    let local = io.open(Access::Append).await?;
    let size = match io.size(remote).await {
        Ok(size) => Some(size),
        Err(error) if error.is_fatal() => return Err(error),
        // Not every server supports SIZE, and RETR reports a missing file.
        Err(_) => None,
    };
    let transfer = match local {
        Some(length) => append_rest(io, remote, length, size, options.overlap).await?,
        None => {
            let download = Download::begin(io, expecting(Get::new(remote), size), size).await?;
            match io.open(Access::Create).await {
                Ok(_) => {
                    let (transfer, written) = download.write_from(0).await?;
                    check_length(io, None, written).await?;
                    transfer
                }
                Err(error) => {
                    download.abort().await;
                    return Err(error);
                }
            }
        }
    };
    if options.verify == Verify::WholeFiles {
        verify(io, remote).await?;
    }
    Ok(transfer)
}

async fn append_rest(
    io: &Io,
    remote: &[u8],
    length: u64,
    size: Option<u64>,
    overlap: u64,
) -> Result<Transfer, Error> {
    if let Some(remote) = size.filter(|size| *size < length) {
        return Err(Mismatch::Size { local: length, remote }.into());
    }
    let offset = length.saturating_sub(overlap);
    let rest = size.map(|size| size - offset);
    let get = expecting(Get::new(remote).resume_at(offset), size);
    let mut download = Download::begin(io, get, rest).await?;
    match download.compare(offset, length).await? {
        Compared::Same => {}
        // The offset is after the end.
        Compared::Shorter(0) if offset > 0 => {
            return Err(Mismatch::Shorter { local: length, most: offset }.into());
        }
        Compared::Shorter(compared) => {
            return Err(Mismatch::Size { local: length, remote: offset + compared }.into());
        }
        Compared::Different => {
            // The next request reports whether the session survives this.
            download.abort().await;
            return Err(Mismatch::Content { from: offset, to: length }.into());
        }
    }
    match download.write_from(length).await {
        // The file was too long: if all its bytes are alike, an ignored offset shows only here.
        Err(Error::Ftp(error @ FtpError::TooLong { .. })) => {
            io.set_length(length).await?;
            Err(error.into())
        }
        Err(error) => Err(error),
        Ok((transfer, written)) => {
            check_length(io, Some(length), written).await?;
            Ok(transfer)
        }
    }
}

/// Checks that the local file has what was written and no more: another program may have changed its length meanwhile
///
/// `before` is the length that it had, if there was one.
async fn check_length(io: &Io, before: Option<u64>, written: u64) -> Result<(), Error> {
    let length = io.open(Access::Append).await?.unwrap_or(0);
    // A device has no length, neither before nor after.
    if length == written || (length, before) == (0, Some(0)) {
        return Ok(());
    }
    let text =
        format!("another program changed the file: it has {length} bytes instead of {written}");
    Err(Error::Local(io::Error::new(io::ErrorKind::InvalidData, text)))
}

async fn resume_upload(io: &Io, remote: &[u8], options: ResumeOptions) -> Result<Transfer, Error> {
    let length = io.open_to_read().await?;
    let size = match io.size(remote).await {
        Ok(size) => Some(size),
        Err(error) if error.is_missing() => None,
        Err(error) if has_no_size(&error) && is_absent(io, remote).await? => None,
        Err(error) => return Err(error),
    };
    let transfer = match size {
        Some(size) => {
            if length < size {
                return Err(Mismatch::Size { local: length, remote: size }.into());
            }
            compare_tail(io, remote, size, options.overlap).await?;
            // More servers support APPE than REST before STOR, and none of them truncates.
            upload(io, Put::new(remote).append(), size, length).await?
        }
        None => upload(io, Put::new(remote), 0, length).await?,
    };
    match options.verify {
        Verify::WholeFiles => verify(io, remote).await.map(drop)?,
        Verify::No => match check_size(io, remote, length).await {
            // The server shows no files of this directory, or has taken the file away to process it.
            Err(error) if size.is_none() && has_no_size(&error) => {}
            checked => checked.map(drop)?,
        },
    }
    Ok(transfer)
}

fn has_no_size(error: &Error) -> bool {
    error.reply().is_some_and(|reply| reply.code().get() == 550)
}

/// Whether a listing of the directory shows that there is no such file
async fn is_absent(io: &Io, path: &[u8]) -> Result<bool, Error> {
    let (parent, name) = match path.iter().rposition(|byte| *byte == b'/') {
        None => (&b""[..], path),
        Some(0) => (&b"/"[..], &path[1..]),
        Some(at) => (&path[..at], &path[at + 1..]),
    };
    if name.is_empty() {
        return Ok(false);
    }
    let listed = unless_refused(io.list(ReadDir::new(parent)).await)?;
    let Some(listed) = listed else { return Ok(false) };
    // Some servers treat `F` and `f` as the same name.
    let is_it = |entry: &OwnedEntry| entry.name().eq_ignore_ascii_case(name);
    let has_all =
        listed.unknown_lines == 0 && !(listed.may_lack_dot_names && name.starts_with(b"."));
    Ok(has_all && !listed.entries.iter().any(is_it))
}

/// Fetches the last bytes of the server's file and compares them with the local ones
async fn compare_tail(io: &Io, remote: &[u8], size: u64, overlap: u64) -> Result<(), Error> {
    let offset = size.saturating_sub(overlap);
    if offset == size {
        return Ok(());
    }
    let get = Get::new(remote).resume_at(offset).expect_size(size);
    let mut tail = Download::begin(io, get, None).await?;
    let compared = tail.compare(offset, size).await?;
    // The rest is short, so reading it is faster than an abort.
    let rest = tail.pass_over().await;
    match compared {
        // However the download ends: a server that ignores REST sends more than expected.
        Compared::Different => Err(Mismatch::Content { from: offset, to: size }.into()),
        Compared::Same | Compared::Shorter(_) => rest.map(|_| ()),
    }
}

/// Uploads the local file from this offset on
pub(super) async fn upload(io: &Io, put: Put, from: u64, length: u64) -> Result<Transfer, Error> {
    if io.begin(Begin::Put(put)).await?.is_some() {
        return Err(Error::Local(io::ErrorKind::BrokenPipe.into()));
    }
    let mut at = from;
    loop {
        match io.send(at).await? {
            // If the file has become shorter meanwhile, its end would be taken for the end of the upload.
            0 if at < length => {
                // It may be shorter than what was sent.
                let text = format!(
                    "the file became shorter during the upload: bytes {at} to {length} are gone"
                );
                return io.give_up(io::Error::new(io::ErrorKind::UnexpectedEof, text)).await;
            }
            0 => return io.finish().await,
            count => at += count,
        }
    }
}

fn expecting(get: Get, size: Option<u64>) -> Get {
    match size {
        Some(size) => get.expect_size(size),
        None => get,
    }
}

enum Compared {
    Same,
    /// The download had only this many bytes
    Shorter(u64),
    Different,
}

/// A download, perhaps over already, with an optional limit on its length
pub(super) struct Download<'a> {
    io: &'a Io,
    over: Option<Transfer>,
    limit: Limit,
}

#[derive(Clone, Copy)]
enum Limit {
    None,
    Bytes {
        most: u64,
        /// Bytes within the limit that have not arrived yet
        left: u64,
        /// Bytes beyond the limit that were discarded
        beyond: u64,
    },
}

impl<'a> Download<'a> {
    /// Begins a download of which at most `most` bytes are used; `None`: no limit
    ///
    /// A few bytes more are discarded, so that the transfer can end normally; it then fails with
    /// [`TooLong`](FtpError::TooLong) if the machine was told the size. If even more bytes arrive, the transfer is
    /// aborted and fails with that error in any case.
    pub(super) async fn begin(io: &'a Io, get: Get, most: Option<u64>) -> Result<Self, Error> {
        let limit = most.map_or(Limit::None, |most| Limit::Bytes { most, left: most, beyond: 0 });
        Ok(Self { io, over: io.begin(Begin::Get(get)).await?, limit })
    }

    async fn receive(&mut self, most: u64, sink: Sink) -> Result<Received, Error> {
        /// Bytes beyond the limit that are read to see the transfer's end
        const BEYOND: u64 = 64 * 1024;
        loop {
            if let Some(transfer) = &self.over {
                return Ok(Received::End(transfer.clone()));
            }
            let (most, sink) = match self.limit {
                Limit::Bytes { left: 0, .. } => (u64::MAX, Sink::Nowhere),
                Limit::Bytes { left, .. } => (most.min(left), sink),
                Limit::None => (most, sink),
            };
            let received = self.io.receive(most, sink).await?;
            match (&received, &mut self.limit) {
                (Received::End(transfer), _) => self.over = Some(transfer.clone()),
                (Received::Bytes(count), Limit::Bytes { most, left: 0, beyond }) => {
                    *beyond += count;
                    if *beyond > BEYOND {
                        let (received, expected) = (*most + *beyond, *most);
                        self.io.abort().await;
                        return Err(FtpError::TooLong { received, expected }.into());
                    }
                    continue;
                }
                (Received::Bytes(count), Limit::Bytes { left, .. }) => *left -= count,
                (Received::Bytes(_) | Received::Different, _) => {}
            }
            return Ok(received);
        }
    }

    /// Compares the arriving bytes with the local ones from `from` to `to`
    async fn compare(&mut self, from: u64, to: u64) -> Result<Compared, Error> {
        let mut at = from;
        while at < to {
            match self.receive(to - at, Sink::Compare(at)).await? {
                Received::Bytes(count) => at += count,
                Received::Different => return Ok(Compared::Different),
                Received::End(_) => return Ok(Compared::Shorter(at - from)),
            }
        }
        Ok(Compared::Same)
    }

    /// Writes the rest to the local file, from this offset on; also returns the length that the file then has
    pub(super) async fn write_from(mut self, from: u64) -> Result<(Transfer, u64), Error> {
        let mut at = from;
        loop {
            match self.receive(u64::MAX, Sink::Write(at)).await? {
                Received::Bytes(count) => at += count,
                Received::End(transfer) => return Ok((transfer, at)),
                Received::Different => unreachable!("nothing is compared"),
            }
        }
    }

    /// Reads and discards the rest
    async fn pass_over(mut self) -> Result<Transfer, Error> {
        loop {
            if let Received::End(transfer) = self.receive(u64::MAX, Sink::Nowhere).await? {
                return Ok(transfer);
            }
        }
    }

    pub(super) async fn abort(self) {
        if self.over.is_none() {
            self.io.abort().await;
        }
    }
}
