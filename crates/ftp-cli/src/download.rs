//! Downloads one file: resumes it, checks it, and gives it its name only when it is complete

use std::io::Read;
use std::path::Path;
use std::time::SystemTime;

use ftp_blocking::Client;
use ftp_proto::fields::{FileHash, HashAlgorithm};
use ftp_proto::{Error as FtpError, Get};
use ftp_session::{Buffer, Error, FileDigest, Mismatch};

use crate::args::TransferArgs;
use crate::check;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::look;
use crate::partial::{Naming, Partial, STATE_FROM, Version};
use crate::pool::Pool;
use crate::ranges::{CUT, OVERLAP};
use crate::rate::Rate;
use crate::report::Running;
use crate::site::Site;

/// The size of a block that is read and written at a time, in bytes
pub(crate) const BLOCK: usize = 256 * 1024;

const CANNOT_RESUME: &str = "the server can't resume, so the download starts again";

/// What all transfers of a run have in common
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms<'a> {
    pub(crate) pool: &'a Pool,
    pub(crate) args: &'a TransferArgs,
    pub(crate) rate: &'a Rate,
    pub(crate) interrupt: &'a Interrupt,
}

impl<'a> Terms<'a> {
    pub(crate) const fn site(&self) -> &'a Site {
        self.pool.site()
    }

    /// Counts transferred bytes, and waits as long as the rate limit requires
    pub(crate) fn pass(&self, bytes: usize) -> Result<(), Failure> {
        self.pool.count(bytes as u64);
        self.rate.pass(bytes, self.interrupt)
    }

    /// Returns the suffix of the names of incomplete files; `None` if they have their final names
    pub(crate) fn suffix(&self) -> Option<&str> {
        (!self.args.inplace).then_some(&*self.args.temp_suffix)
    }
}

/// A file to download
#[derive(Clone, Debug)]
pub(crate) struct Job<'a> {
    pub(crate) remote: &'a [u8],
    pub(crate) local: &'a Path,
    /// The file's version, as far as it is known
    pub(crate) version: Version,
    pub(crate) source: Source,
    /// The modification time that the local file gets
    pub(crate) modified: Option<SystemTime>,
    /// The permissions that the local file gets, if they are kept
    pub(crate) mode: Option<u32>,
    /// The hash that the file must have
    pub(crate) expected: Option<FileHash>,
}

/// Where the version of a file comes from
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// From the server: [`look::version`] reports the same unless the file changes
    Request,
    /// From a listing, whose times may be less precise, or of another time zone
    Listing,
    /// The size is what a list of the user requires; the time is from the server, as with [`Self::Request`]
    List,
}

/// What the next attempt to download a file does with the part that is there
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Part {
    #[default]
    Resume,
    /// An attempt found that it can't be resumed, and ended before the server sent the file from its start
    Replace,
}

/// Downloads a file; returns the bytes that were transferred
///
/// `part` is updated for the next attempt.
pub(crate) fn download(
    client: &mut Client,
    terms: Terms<'_>,
    job: &Job<'_>,
    running: &Running<'_>,
    part: &mut Part,
) -> Result<u64, Failure> {
    let partial = open(terms, job, running)?;
    let (moved, digest) = (0, None);
    let mut transfer = Transfer { client, terms, job, running, partial, part, moved, digest };
    let result = transfer.run();
    let (partial, moved) = (transfer.partial, transfer.moved);
    let result = result.map_err(|failure| explain(client, job, failure));
    close(partial, terms, job, result).map(|()| moved)
}

/// Returns the failure, or that the file has changed, if the server's file now has another size or time, or that it is not
/// the one that a list describes
pub(crate) fn explain(client: &mut Client, job: &Job<'_>, failure: Failure) -> Failure {
    let version = match job.source {
        Source::List => return look::explain_listed(client, job.remote, job.version, failure),
        Source::Request => job.version,
        // Its time may be less precise than the one that is asked for now.
        Source::Listing => Version { modified: None, ..job.version },
    };
    look::explain(client, job.remote, version, failure)
}

/// Opens the partial file that an earlier run left, and empties it unless it can be resumed; with `--inplace`, an older
/// file stays until the server sends the new one
pub(crate) fn open(
    terms: Terms<'_>,
    job: &Job<'_>,
    running: &Running<'_>,
) -> Result<Partial, Failure> {
    let args = terms.args;
    let naming = if args.inplace { Naming::AtOnce } else { Naming::WhenWhole };
    let source = terms.site().place(job.remote);
    let mut partial = Partial::open(job.local, &args.temp_suffix, naming, source)?;
    if args.no_resume || !partial.is_of(job.version) {
        // No notice for small files, which have no state file, nor with --inplace, where the file is an older version.
        if !args.no_resume && naming == Naming::WhenWhole && partial.length() >= STATE_FROM {
            running.notice(
                "the part from an earlier run is of another version or file, so the download starts again",
            );
        }
        partial.disregard().map_err(|error| Failure::local(partial.path(), &error))?;
    }
    Ok(partial)
}

/// Gives a complete file its name; keeps an incomplete one if a later run can resume it
pub(crate) fn close(
    partial: Partial,
    terms: Terms<'_>,
    job: &Job<'_>,
    result: Result<(), Failure>,
) -> Result<(), Failure> {
    let Err(failure) = result else {
        return partial.finish(job.modified, job.mode, terms.args.fsync);
    };
    match failure.exit() {
        Exit::Verification => partial.remove(),
        _ if failure.is_change() => partial.remove(),
        _ => partial.give_up(),
    }
    Err(failure)
}

pub(crate) fn clear(partial: &mut Partial) -> Result<(), Failure> {
    partial.clear().map_err(|error| Failure::local(partial.path(), &error))
}

/// Returns the hashes that the file must have: that of the job, and with --verify the server's
pub(crate) fn wanted_hashes(
    client: &mut Client,
    terms: Terms<'_>,
    job: &Job<'_>,
    running: &Running<'_>,
) -> Result<Vec<FileHash>, Failure> {
    let mut wanted: Vec<FileHash> = job.expected.iter().cloned().collect();
    if terms.args.verify {
        let hash = check::server_hash(client, job.remote);
        match hash.map_err(|error| terms.site().failure(error))? {
            Some(hash) => wanted.push(hash),
            None => {
                let compared = match job.version.size {
                    Some(_) => "only the size was compared",
                    None => "nothing was compared, as its size is not known either",
                };
                running.notice(&format!("the server has no hash of it, so {compared}"));
            }
        }
    }
    Ok(wanted)
}

/// Compares size and hashes of a complete file; `found` is the hash that was computed during the download
pub(crate) fn check_whole(
    partial: &mut Partial,
    terms: Terms<'_>,
    job: &Job<'_>,
    wanted: Vec<FileHash>,
    found: Option<FileHash>,
) -> Result<(), Failure> {
    let length = partial.length();
    if let Some(size) = job.version.size.filter(|size| *size != length) {
        let mismatch = Mismatch::Size { local: length, remote: size };
        return Err(terms.site().failure(mismatch.into()));
    }
    for wanted in wanted {
        let found = match &found {
            Some(found) if found.algorithm == wanted.algorithm => found.clone(),
            _ => digest_of(partial, length, terms.interrupt, wanted.algorithm)?.finish(),
        };
        if found.value != wanted.value && job.expected.as_ref() == Some(&wanted) {
            let message = format!("{} is {found}, not {wanted} as expected", wanted.algorithm);
            return Err(Failure::new(Exit::Verification, message));
        }
        if found.value != wanted.value {
            let mismatch = Mismatch::Hash { local: found, remote: wanted };
            return Err(terms.site().failure(mismatch.into()));
        }
    }
    Ok(())
}

/// Computes the hash of the first `length` bytes of the partial file
fn digest_of(
    partial: &mut Partial,
    length: u64,
    interrupt: &Interrupt,
    algorithm: HashAlgorithm,
) -> Result<FileDigest, Failure> {
    let mut digest = FileDigest::new(algorithm)
        .ok_or_else(|| Failure::new(Exit::Protocol, "an unknown algorithm of hashes"))?;
    let mut block = Buffer::new(BLOCK);
    let mut left = length;
    partial.seek(0).map_err(|error| Failure::local(partial.path(), &error))?;
    while left > 0 {
        interrupt.check()?;
        let count = left.min(BLOCK as u64) as usize;
        let read = partial.read_exact(&mut block[..count]);
        read.map_err(|error| Failure::local(partial.path(), &error))?;
        digest.update(&block[..count]);
        left -= count as u64;
    }
    Ok(digest)
}

struct Transfer<'a> {
    client: &'a mut Client,
    terms: Terms<'a>,
    job: &'a Job<'a>,
    running: &'a Running<'a>,
    partial: Partial,
    part: &'a mut Part,
    moved: u64,
    digest: Option<FileDigest>,
}

impl Transfer<'_> {
    fn run(&mut self) -> Result<(), Failure> {
        let wanted = wanted_hashes(self.client, self.terms, self.job, self.running)?;
        let algorithm = wanted.first().map(|hash| hash.algorithm);
        let length = self.partial.prefix(self.job.version, CUT);
        let may_resume = length > 0 && *self.part == Part::Resume;
        if !may_resume || !self.go_on(length, algorithm)? {
            // Breaking off the download that showed it may have ended the session.
            *self.part = Part::Replace;
            self.digest = algorithm.and_then(FileDigest::new);
            self.fetch()?;
        }
        // A smaller file is sent at once, and not worth a round trip.
        if self.partial.length() >= STATE_FROM {
            let (site, Job { remote, version, .. }) = (self.terms.site(), self.job);
            look::check_version(self.client, site, remote, *version)?;
        }
        let found = self.digest.take().map(FileDigest::finish);
        check_whole(&mut self.partial, self.terms, self.job, wanted, found)
    }

    fn local(&self, error: &std::io::Error) -> Failure {
        Failure::local(self.partial.path(), error)
    }

    /// Resumes after the first `length` bytes; returns false if the download has to start again
    fn go_on(&mut self, length: u64, algorithm: Option<HashAlgorithm>) -> Result<bool, Failure> {
        let offset = length.saturating_sub(OVERLAP);
        let mut here = vec![0; (length - offset) as usize];
        let read = self.partial.seek(offset).and_then(|()| self.partial.read_exact(&mut here));
        read.map_err(|error| self.local(&error))?;
        if offset > 0 && self.is_at_the_start_too(&here)? && !self.honours_rest()? {
            self.running.notice(CANNOT_RESUME);
            return Ok(false);
        }
        if let Some(algorithm) = algorithm {
            let interrupt = self.terms.interrupt;
            self.digest = Some(digest_of(&mut self.partial, length, interrupt, algorithm)?);
        }
        let get = Get::new(self.job.remote).resume_at(offset);
        let get = self.job.version.expected_of(get);
        let mut download = match self.client.get(get) {
            Ok(download) => download,
            Err(error) if is_about_restarting(&error) => {
                self.running.notice(CANNOT_RESUME);
                return Ok(false);
            }
            Err(error) => return Err(self.terms.site().failure(error)),
        };
        let mut there = vec![0; here.len()];
        let (count, result) = fill(&mut download, &mut there);
        let fits = here[..count] == there[..count];
        match result {
            Ok(()) if fits => {}
            // A transfer that ends early says nothing about the bytes that did not come.
            Err(error) if fits || !is_short(&error) => {
                drop(download);
                return Err(self.terms.site().failure(counted_from(offset, error.into())));
            }
            _ => {
                // If aborting the transfer has ended the session, the next request fails and reports it.
                drop(download);
                self.running.notice(
                    "the part from an earlier run is of another file, so the download starts again",
                );
                return Ok(false);
            }
        }
        drop(there);
        self.running.at(length);
        // Not before: if the server refuses to resume, a later run with segments may still use the pieces that follow.
        let shortened = self.partial.shorten(self.job.version, length);
        shortened
            .and_then(|()| self.partial.seek(length))
            .map_err(|error| Failure::local(self.partial.path(), &error))?;
        let positions = Positions { offset, at: length };
        copy(download, positions, &mut self.partial, self.terms, self.running, &mut self.digest)
            .map(|moved| self.moved += moved + here.len() as u64)?;
        Ok(true)
    }

    /// Whether the file begins with these bytes, so that they do not show that the server honours REST: one that ignores
    /// it sends the file from its start
    fn is_at_the_start_too(&mut self, bytes: &[u8]) -> Result<bool, Failure> {
        let mut start = vec![0; bytes.len()];
        let read = self.partial.seek(0).and_then(|()| self.partial.read_exact(&mut start));
        read.map_err(|error| self.local(&error))?;
        Ok(start == bytes)
    }

    /// Whether the server is shown to honour REST in this session; without the file's size, nothing shows it
    fn honours_rest(&mut self) -> Result<bool, Failure> {
        let Some(size) = self.job.version.size else { return Ok(false) };
        match fetch_end(self.client, self.job.remote, size).map_err(Error::from) {
            Ok(bytes) => {
                self.moved += bytes;
                Ok(true)
            }
            Err(error) if is_about_restarting(&error) => Ok(false),
            Err(error) => {
                let failure = self.terms.site().failure(error);
                if failure.is_about_size() { Ok(false) } else { Err(failure) }
            }
        }
    }

    /// Fetches the whole file
    fn fetch(&mut self) -> Result<(), Failure> {
        let get = self.job.version.expected_of(Get::new(self.job.remote));
        self.running.at(0);
        let download = self.client.get(get).map_err(|error| self.terms.site().failure(error))?;
        // Not before the server has begun to send it: if it refuses, a later run may still resume the part.
        clear(&mut self.partial)?;
        *self.part = Part::Resume;
        self.partial.note(self.job.version, None);
        let start = Positions { offset: 0, at: 0 };
        let moved =
            copy(download, start, &mut self.partial, self.terms, self.running, &mut self.digest)?;
        self.moved += moved;
        Ok(())
    }
}

/// Where a transfer begins in the file, and where its next byte belongs
#[derive(Clone, Copy)]
struct Positions {
    offset: u64,
    at: u64,
}

fn copy(
    mut download: ftp_blocking::Download<'_>,
    Positions { offset, mut at }: Positions,
    partial: &mut Partial,
    terms: Terms<'_>,
    running: &Running<'_>,
    digest: &mut Option<FileDigest>,
) -> Result<u64, Failure> {
    let mut block = Buffer::new(BLOCK);
    let mut moved = 0;
    loop {
        let count = match download.read(&mut block) {
            Ok(0) => return Ok(moved),
            Ok(count) => count,
            Err(error) => {
                drop(download);
                return Err(terms.site().failure(counted_from(offset, error.into())));
            }
        };
        partial.write(&block[..count]).map_err(|error| Failure::local(partial.path(), &error))?;
        if let Some(digest) = digest {
            digest.update(&block[..count]);
        }
        at += count as u64;
        moved += count as u64;
        running.at(at);
        terms.pass(count)?;
    }
}

/// Fetches the end of a file: if it has as many bytes as expected, the server honours REST in this session
///
/// Returns the number of bytes; in the errors, they are counted from the offset [`end_of`].
pub(crate) fn fetch_end(client: &mut Client, remote: &[u8], size: u64) -> std::io::Result<u64> {
    let mut download = client.get(Get::new(remote).resume_at(end_of(size)).expect_size(size))?;
    std::io::copy(&mut download, &mut std::io::sink())
}

/// Returns where [`fetch_end`] begins in a file of this size
pub(crate) const fn end_of(size: u64) -> u64 {
    size.saturating_sub(CUT.tail)
}

/// Fills a buffer; returns how many bytes have come, also if there are no more
fn fill(from: &mut impl Read, buffer: &mut [u8]) -> (usize, std::io::Result<()>) {
    let mut count = 0;
    while count < buffer.len() {
        match from.read(&mut buffer[count..]) {
            Ok(0) => return (count, Err(std::io::ErrorKind::UnexpectedEof.into())),
            Ok(more) => count += more,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return (count, Err(error)),
        }
    }
    (count, Ok(()))
}

/// Whether the transfer ended normally but too early; a broken connection does not count
pub(crate) fn is_short(error: &std::io::Error) -> bool {
    match Error::in_io(error) {
        Some(error) => matches!(error, Error::Ftp(FtpError::Truncated { end: None, .. })),
        None => error.kind() == std::io::ErrorKind::UnexpectedEof,
    }
}

/// Returns the error of a transfer that began at `offset`, with its bytes counted from the start of the file
pub(crate) fn counted_from(offset: u64, error: Error) -> Error {
    let whole = |bytes: u64| bytes.saturating_add(offset);
    match error {
        Error::Ftp(FtpError::Truncated { received, expected, end }) => {
            let (received, expected) = (whole(received), expected.map(whole));
            Error::Ftp(FtpError::Truncated { received, expected, end })
        }
        Error::Ftp(FtpError::TooLong { received, expected }) => {
            let (received, expected) = (whole(received), whole(expected));
            Error::Ftp(FtpError::TooLong { received, expected })
        }
        error => error,
    }
}

/// Whether a refusal may be about REST, so that a download from the start may succeed
///
/// A 550 may be about the file as well, unless it says that the file is missing: then the download from the start is
/// refused, too. A 4yz says that the same request may succeed later.
pub(crate) fn is_about_restarting(error: &Error) -> bool {
    match error {
        Error::Ftp(FtpError::Permanent(reply)) => match reply.code().get() {
            500..=504 | 551 | 554 => true,
            550 => !error.is_missing(),
            _ => false,
        },
        _ => false,
    }
}
