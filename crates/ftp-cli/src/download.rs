//! One file from the server: resumed, checked, and under its name only when it is whole

use std::io::Read as _;
use std::path::Path;
use std::time::SystemTime;

use ftp_blocking::Client;
use ftp_proto::fields::{FileHash, HashAlgorithm};
use ftp_proto::{Error as FtpError, Get};
use ftp_session::{Error, FileDigest, Mismatch, system_time};

use crate::args::TransferArgs;
use crate::check;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::partial::{Naming, Partial, STATE_FROM, Version};
use crate::rate::Rate;
use crate::report::Running;
use crate::site::Site;

/// Bytes before the end of what is there that are fetched once more and compared
const OVERLAP: u64 = 64 * 1024;

/// Bytes that are moved at a time
const BLOCK: usize = 256 * 1024;

/// What transfers have in common
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms<'a> {
    pub(crate) site: &'a Site,
    pub(crate) args: &'a TransferArgs,
    pub(crate) rate: &'a Rate,
    pub(crate) interrupt: &'a Interrupt,
}

impl Terms<'_> {
    /// End of the names of files that are not whole; `None`: they have their own
    pub(crate) fn suffix(&self) -> Option<&str> {
        (!self.args.inplace).then_some(&*self.args.temp_suffix)
    }
}

/// A file to download
#[derive(Clone, Debug)]
pub(crate) struct Job<'a> {
    pub(crate) remote: &'a [u8],
    pub(crate) local: &'a Path,
    /// What is known of it
    pub(crate) version: Version,
    /// The time that it gets
    pub(crate) modified: Option<SystemTime>,
    /// What its hash must be
    pub(crate) expected: Option<FileHash>,
}

/// What the server tells of a file, if it tells anything; that it is missing is for RETR to say
pub(crate) fn version(client: &mut Client, path: &[u8]) -> Result<Version, Error> {
    let size = known(client.size(path))?;
    let modified = known(client.mdtm(path))?;
    Ok(Version { size, modified: modified.and_then(system_time) })
}

fn known<T>(answer: Result<T, Error>) -> Result<Option<T>, Error> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_fatal() => Err(error),
        Err(_) => Ok(None),
    }
}

/// Downloads a file; returns the bytes that were transferred
pub(crate) fn download(
    client: &mut Client,
    terms: Terms<'_>,
    job: &Job<'_>,
    running: &Running<'_>,
) -> Result<u64, Failure> {
    let args = terms.args;
    let naming = if args.inplace { Naming::AtOnce } else { Naming::WhenWhole };
    let mut partial = Partial::open(job.local, &args.temp_suffix, naming)?;
    if args.no_resume || !partial.is_of(job.version) {
        // Of a small one there was nothing to note, and under the final name lies an older version.
        if !args.no_resume && naming == Naming::WhenWhole && partial.length() >= STATE_FROM {
            running.notice("what an earlier run has left is not of this version; begun anew");
        }
        clear(&mut partial)?;
    }
    let mut transfer = Transfer { client, terms, job, running, partial, moved: 0, digest: None };
    match transfer.run() {
        Ok(()) => {
            transfer.partial.finish(job.modified, terms.args.fsync)?;
            Ok(transfer.moved)
        }
        Err(failure) => {
            match failure.exit() {
                Exit::Verification => transfer.partial.remove(),
                _ => transfer.partial.give_up(),
            }
            Err(failure)
        }
    }
}

fn clear(partial: &mut Partial) -> Result<(), Failure> {
    partial.clear().map_err(|error| Failure::local(partial.path(), &error))
}

struct Transfer<'a> {
    client: &'a mut Client,
    terms: Terms<'a>,
    job: &'a Job<'a>,
    running: &'a Running<'a>,
    partial: Partial,
    moved: u64,
    digest: Option<FileDigest>,
}

impl Transfer<'_> {
    fn run(&mut self) -> Result<(), Failure> {
        let server_hash = match self.terms.args.verify {
            true => self.server_hash()?,
            false => None,
        };
        let wanted = [self.job.expected.clone(), server_hash];
        let algorithm = wanted.iter().flatten().next().map(|hash| hash.algorithm);
        if self.partial.length() == 0 || !self.go_on(algorithm)? {
            clear(&mut self.partial)?;
            self.digest = algorithm.and_then(FileDigest::new);
            self.fetch(0)?;
        }
        self.check_size()?;
        let found = self.digest.take().map(FileDigest::finish);
        for wanted in wanted.into_iter().flatten() {
            let found = match &found {
                Some(found) if found.algorithm == wanted.algorithm => found.clone(),
                _ => self.hash_of_file(wanted.algorithm)?,
            };
            if found.value != wanted.value {
                let mismatch = Mismatch::Hash { local: found, remote: wanted };
                return Err(self.failure(mismatch.into()));
            }
        }
        Ok(())
    }

    fn failure(&self, error: Error) -> Failure {
        self.terms.site.failure(error)
    }

    fn local(&self, error: &std::io::Error) -> Failure {
        Failure::local(self.partial.path(), error)
    }

    fn server_hash(&mut self) -> Result<Option<FileHash>, Failure> {
        let hash = check::server_hash(self.client, self.job.remote);
        let hash = hash.map_err(|error| self.terms.site.failure(error))?;
        if hash.is_none() {
            self.running.notice("the server has no hash of it, so its size alone is compared");
        }
        Ok(hash)
    }

    /// Goes on after what is there; false if that is no part of the server's file
    fn go_on(&mut self, algorithm: Option<HashAlgorithm>) -> Result<bool, Failure> {
        let length = self.partial.length();
        let offset = length.saturating_sub(OVERLAP);
        let mut here = vec![0; (length - offset) as usize];
        let read = self.partial.seek(offset).and_then(|()| self.partial.read_exact(&mut here));
        read.map_err(|error| self.local(&error))?;
        if let Some(algorithm) = algorithm {
            self.digest = Some(self.digest_of_file(algorithm, length)?);
        }
        let mut get = Get::new(self.job.remote).resume_at(offset);
        if let Some(size) = self.job.version.size {
            get = get.expect_size(size);
        }
        let mut download = match self.client.get(get) {
            Ok(download) => download,
            Err(error) if is_about_restarting(&error) => {
                self.running.notice("the server can't resume; begun anew");
                return Ok(false);
            }
            Err(error) => return Err(self.terms.site.failure(error)),
        };
        let mut there = vec![0; here.len()];
        let result = download.read_exact(&mut there);
        match result {
            Ok(()) if here == there => {}
            Err(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => {
                drop(download);
                return Err(self.terms.site.failure(error.into()));
            }
            _ => {
                // Whether the session survives it is for the next request to learn.
                drop(download);
                self.running.notice("what an earlier run has left is of another file; begun anew");
                return Ok(false);
            }
        }
        drop(there);
        self.running.at(length);
        self.partial.seek(length).map_err(|error| Failure::local(self.partial.path(), &error))?;
        self.partial.note(self.job.version);
        copy(download, length, &mut self.partial, self.terms, self.running, &mut self.digest)
            .map(|moved| self.moved += moved + here.len() as u64)?;
        Ok(true)
    }

    fn fetch(&mut self, at: u64) -> Result<(), Failure> {
        let mut get = Get::new(self.job.remote);
        if let Some(size) = self.job.version.size {
            get = get.expect_size(size);
        }
        self.running.at(at);
        let download = self.client.get(get).map_err(|error| self.terms.site.failure(error))?;
        self.partial.note(self.job.version);
        let moved =
            copy(download, at, &mut self.partial, self.terms, self.running, &mut self.digest)?;
        self.moved += moved;
        Ok(())
    }

    fn check_size(&self) -> Result<(), Failure> {
        let length = self.partial.length();
        match self.job.version.size {
            Some(size) if size != length => {
                Err(self.failure(Mismatch::Size { local: length, remote: size }.into()))
            }
            _ => Ok(()),
        }
    }

    fn hash_of_file(&mut self, algorithm: HashAlgorithm) -> Result<FileHash, Failure> {
        let length = self.partial.length();
        Ok(self.digest_of_file(algorithm, length)?.finish())
    }

    fn digest_of_file(
        &mut self,
        algorithm: HashAlgorithm,
        length: u64,
    ) -> Result<FileDigest, Failure> {
        let mut digest = FileDigest::new(algorithm)
            .ok_or_else(|| Failure::new(Exit::Protocol, "an unknown algorithm of hashes"))?;
        let mut block = vec![0; BLOCK];
        let mut left = length;
        self.partial.seek(0).map_err(|error| self.local(&error))?;
        while left > 0 {
            self.terms.interrupt.check()?;
            let count = left.min(BLOCK as u64) as usize;
            let read = self.partial.read_exact(&mut block[..count]);
            read.map_err(|error| self.local(&error))?;
            digest.update(&block[..count]);
            left -= count as u64;
        }
        Ok(digest)
    }
}

fn copy(
    mut download: ftp_blocking::Download<'_>,
    mut at: u64,
    partial: &mut Partial,
    terms: Terms<'_>,
    running: &Running<'_>,
    digest: &mut Option<FileDigest>,
) -> Result<u64, Failure> {
    let mut block = vec![0; BLOCK];
    let mut moved = 0;
    loop {
        let count = match download.read(&mut block) {
            Ok(0) => return Ok(moved),
            Ok(count) => count,
            Err(error) => {
                drop(download);
                return Err(terms.site.failure(error.into()));
            }
        };
        partial.write(&block[..count]).map_err(|error| Failure::local(partial.path(), &error))?;
        if let Some(digest) = digest {
            digest.update(&block[..count]);
        }
        at += count as u64;
        moved += count as u64;
        running.at(at);
        terms.rate.pass(count, terms.interrupt)?;
    }
}

/// Whether a refusal is about REST, not about the file
fn is_about_restarting(error: &Error) -> bool {
    match error {
        Error::Ftp(FtpError::Permanent(reply)) => {
            matches!(reply.code().get(), 500..=504 | 551 | 554)
        }
        _ => false,
    }
}
