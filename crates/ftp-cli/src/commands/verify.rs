//! `verify`: compares local files with a list, or two directories

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use ftp_proto::fields::{FileHash, HashAlgorithm};
use ftp_session::{Buffer, FileDigest, Mismatch, local_path};

use crate::args::{Common, VerifyArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::location::Remote;
use crate::manifest::{Entry, is_url, local_name, read};
use crate::report::Reporter;

pub(super) fn verify(
    args: &VerifyArgs,
    common: &Common,
    interrupt: &Interrupt,
) -> Result<Exit, Failure> {
    let manifest = match &*args.operands {
        [source, target] => {
            let places = [source.clone(), target.clone()];
            return super::mirror::compare(args, places, common, interrupt);
        }
        [manifest] => Path::new(manifest),
        // Not reached: the command line has one or two operands.
        _ => return Err(Failure::usage("expected a list or two directories")),
    };
    let reporter = Reporter::new(common);
    for entry in read(manifest)? {
        interrupt.check()?;
        let remote = entry.sources.first().filter(|source| is_url(source));
        let remote = remote.map(|source| Remote::parse(source.as_ref())).transpose()?;
        let name = local_name(&entry, remote.as_ref());
        let result = local_path(&args.output_dir, &name)
            .map_err(|error| Failure::new(Exit::Usage, error.to_string()))
            .and_then(|local| check(&local, &entry, interrupt));
        match result {
            Ok(()) => reporter.kept(),
            Err(failure) => reporter.fail(&name, &failure.about(crate::show::bytes(&name))),
        }
    }
    let exit = Exit::of_all(reporter.totals().exits);
    Ok(reporter.summary(exit))
}

/// Whether a local file has the size and hash of its entry; false if the entry has neither
pub(super) fn is_right(
    local: &Path,
    entry: &Entry,
    interrupt: &Interrupt,
) -> Result<bool, Failure> {
    if entry.size.is_none() && entry.hash.is_none() || !local.is_file() {
        return Ok(false);
    }
    match check(local, entry, interrupt) {
        Ok(()) => Ok(true),
        Err(failure) if failure.exit() == Exit::Verification => Ok(false),
        Err(failure) => Err(failure),
    }
}

fn check(local: &Path, entry: &Entry, interrupt: &Interrupt) -> Result<(), Failure> {
    let length = std::fs::metadata(local).map_err(|error| Failure::local(local, &error))?.len();
    if let Some(size) = entry.size.filter(|size| *size != length) {
        let message = format!("has {length} bytes, and should have {size}");
        return Err(Failure::new(Exit::Verification, message));
    }
    match &entry.hash {
        Some(wanted) => compare(local, wanted, "in the list", interrupt),
        None => Ok(()),
    }
}

/// Compares the hash of a local file with another one, which is `place`: "on the server", for example
pub(super) fn compare(
    local: &Path,
    wanted: &FileHash,
    place: &str,
    interrupt: &Interrupt,
) -> Result<(), Failure> {
    let found = File::open(local)
        .and_then(|mut file| hash(&mut file, wanted.algorithm, interrupt))
        .map_err(|error| Failure::local(local, &error))?;
    interrupt.check()?;
    match found {
        Some(found) if found != *wanted => {
            let mismatch = Mismatch::Hash { local: found, remote: wanted.clone() }.to_string();
            Err(Failure::new(Exit::Verification, mismatch.replace("on the server", place)))
        }
        _ => Ok(()),
    }
}

/// Computes the hash of a local file; `None` if interrupted
fn hash(
    file: &mut File,
    algorithm: HashAlgorithm,
    interrupt: &Interrupt,
) -> std::io::Result<Option<FileHash>> {
    let Some(mut digest) = FileDigest::new(algorithm) else { return Ok(None) };
    let mut block = Buffer::new(256 * 1024);
    while !interrupt.is_set() {
        match file.read(&mut block)? {
            0 => return Ok(Some(digest.finish())),
            count => digest.update(&block[..count]),
        }
    }
    Ok(None)
}
