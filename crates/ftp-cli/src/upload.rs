//! Uploads one file under a temporary name, so that the next run can resume an interrupted upload

use std::cmp::Ordering;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;
use std::time::SystemTime;

use ftp_blocking::{Client, CopyOptions, ResumeOptions};
use ftp_proto::{Error as FtpError, Put};
use ftp_session::{Error, Mismatch, timestamp};

use crate::check;
use crate::download::Terms;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::report::Running;

/// A file to upload
#[derive(Clone, Debug)]
pub(crate) struct Job<'a> {
    pub(crate) local: &'a Path,
    pub(crate) remote: &'a [u8],
}

/// Identifies a version of a local file: its length in bytes, and its modification time
type Stamp = (u64, Option<SystemTime>);

/// Whether the server has a part of the file, under its temporary name
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begun {
    No,
    /// An earlier run may have left one, of this version of the local file or of an older one
    Perhaps,
    /// This run has uploaded one, of this version of the local file
    ByThisRun(Stamp),
}

/// Uploads a local file; returns the bytes that were transferred
///
/// `begun` says what this attempt may resume, and is updated for the next one.
pub(crate) fn upload(
    client: &mut Client,
    terms: Terms<'_>,
    job: &Job<'_>,
    begun: &mut Begun,
    running: &Running<'_>,
) -> Result<u64, Failure> {
    let before = metadata(job.local)?;
    let temporary = temporary(job.remote, terms.suffix());
    let moved = running.bytes();
    let sent = send(client, terms, job, *begun, &temporary, &before, running);
    // Bytes are read, and the progress changes, only after the server has opened the file.
    if running.bytes() != moved {
        *begun = Begun::ByThisRun(stamp(&before));
    }
    let result = sent
        .and_then(|moved| match stamp(&before) == stamp(&metadata(job.local)?) {
            true => Ok(moved),
            false => Err(Failure::new(Exit::Local, "has changed while it was read")
                .about(crate::show::path(job.local))
                .remedy("upload it again")),
        })
        .and_then(|moved| match terms.args.verify {
            true => {
                let proof = check::compare(client, &temporary, job.local, before.len());
                if proof.map_err(|error| terms.site().failure(error))? == check::Proof::Size {
                    running.notice("the server has no hash of it, so only the size was compared");
                }
                Ok(moved)
            }
            false => compare_size(client, terms, &temporary, before.len()).map(|()| moved),
        });
    let moved = match result {
        Ok(moved) => moved,
        Err(failure) => return Err(leave(client, terms, &temporary, failure)),
    };
    if let Some(time) = before.modified().ok().and_then(timestamp) {
        // The content has been uploaded, so a refused modification time is not reported.
        if let Err(error) = client.set_modified(&temporary, time) {
            if error.is_fatal() {
                return Err(terms.site().failure(error));
            }
        }
    }
    set_mode(client, terms, &temporary, &before, running)?;
    publish(client, terms, &temporary, job.remote)?;
    Ok(moved)
}

/// Fails if the server reports another size for an uploaded file: some confirm a file that they have stored in part,
/// for example because the disk was full
fn compare_size(
    client: &mut Client,
    terms: Terms<'_>,
    remote: &[u8],
    length: u64,
) -> Result<(), Failure> {
    match client.size(remote) {
        Ok(size) if size != length => {
            Err(terms.site().failure(Mismatch::Size { local: length, remote: size }.into()))
        }
        Err(error) if error.is_fatal() => Err(terms.site().failure(error)),
        // Without SIZE, or if it is refused, nothing contradicts the server's confirmation.
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Gives a file on the server the permissions of the local one, if they are to be kept
#[cfg(unix)]
fn set_mode(
    client: &mut Client,
    terms: Terms<'_>,
    remote: &[u8],
    local: &Metadata,
    running: &Running<'_>,
) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt as _;
    if terms.args.preserve.is_none() {
        return Ok(());
    }
    let mode = local.permissions().mode() & 0o777;
    match client.site([format!("CHMOD {mode:03o} ").as_bytes(), remote].concat()) {
        Ok(_) => Ok(()),
        Err(error) if error.is_fatal() => Err(terms.site().failure(error)),
        Err(_) => {
            running.notice("the server did not set its permissions (SITE CHMOD)");
            Ok(())
        }
    }
}

#[cfg(not(unix))]
fn set_mode(
    _: &mut Client,
    _: Terms<'_>,
    _: &[u8],
    _: &Metadata,
    _: &Running<'_>,
) -> Result<(), Failure> {
    Ok(())
}

/// Uploads from a reader such as standard input, which can't be resumed; returns the bytes that were transferred
pub(crate) fn upload_stream(
    client: &mut Client,
    terms: Terms<'_>,
    from: &mut dyn Read,
    remote: &[u8],
    running: &Running<'_>,
) -> Result<u64, Failure> {
    let temporary = temporary(remote, terms.suffix());
    match send_all(client, terms, from, Put::new(&temporary), running) {
        Ok((moved, _)) => {
            if let Err(failure) = compare_size(client, terms, &temporary, moved) {
                return Err(leave(client, terms, &temporary, failure));
            }
            publish(client, terms, &temporary, remote)?;
            Ok(moved)
        }
        Err(failure) => {
            if terms.suffix().is_some() {
                let _ = client.delete(&temporary);
            }
            Err(failure)
        }
    }
}

/// How to upload a stream when the upload can't be retried
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way<'a> {
    /// To the end of a file
    Append { path: &'a [u8] },
    /// To a file whose name the server chooses, in this directory or, if it is empty, in the login directory
    Unique { folder: &'a [u8] },
}

/// Uploads from a reader; returns the bytes transferred, and the name that the server chose, if it reports one
pub(crate) fn add_stream(
    client: &mut Client,
    terms: Terms<'_>,
    from: &mut dyn Read,
    way: Way<'_>,
    running: &Running<'_>,
) -> Result<(u64, Option<Vec<u8>>), Failure> {
    let (moved, name) = match way {
        Way::Append { path } => send_all(client, terms, from, Put::new(path).append(), running)?,
        Way::Unique { folder } => {
            let failure = |error| terms.site().failure(error);
            // STOU takes no path, so the directory is entered and then left: later paths start at the login directory.
            let home = client.pwd().map_err(failure)?;
            if !folder.is_empty() {
                client.cwd(folder).map_err(failure)?;
            }
            let sent = send_all(client, terms, from, Put::unique(), running)?;
            client.cwd(&home).map_err(failure)?;
            sent
        }
    };
    if matches!(way, Way::Unique { .. }) && name.is_none() {
        running.notice("the server does not report the name that it chose");
    }
    Ok((moved, name))
}

fn temporary(remote: &[u8], suffix: Option<&str>) -> Vec<u8> {
    [remote, suffix.unwrap_or_default().as_bytes()].concat()
}

/// Returns the metadata of an ordinary file; an error if it is something else
pub(crate) fn metadata(path: &Path) -> Result<Metadata, Failure> {
    let metadata = std::fs::metadata(path).map_err(|error| Failure::local(path, &error))?;
    match metadata.is_file() {
        true => Ok(metadata),
        false => {
            Err(Failure::new(Exit::Local, "is not an ordinary file").about(crate::show::path(path)))
        }
    }
}

fn stamp(metadata: &Metadata) -> Stamp {
    (metadata.len(), metadata.modified().ok())
}

fn send(
    client: &mut Client,
    terms: Terms<'_>,
    job: &Job<'_>,
    begun: Begun,
    temporary: &[u8],
    local: &Metadata,
    running: &Running<'_>,
) -> Result<u64, Failure> {
    let length = local.len();
    // With --inplace, the existing file may be the old version instead of a part of the new one.
    let may_resume = !terms.args.no_resume && !terms.args.inplace;
    if may_resume && is_a_part(client, terms, begun, temporary, local)? {
        let mut moved = 0;
        let mut stop = None;
        let mut progress = |bytes| {
            let more = bytes - moved;
            moved = bytes;
            // The transfer counts only its own bytes; how many the server had before is known only at the end.
            running.at(bytes.min(length));
            if let Err(failure) = terms.pass(more as usize) {
                stop = Some(failure);
            }
        };
        let options = ResumeOptions::new().copy(CopyOptions::new().progress(&mut progress));
        match client.resume_upload_with(job.local, temporary, options) {
            Ok(transfer) => {
                running.at(length);
                return Ok(transfer.bytes);
            }
            Err(_) if stop.is_some() => return Err(Failure::interrupted()),
            Err(Error::Mismatch(_)) => {
                running.notice(
                    "the part from an earlier run is of another file, so the upload starts again",
                );
            }
            // The server lacks SIZE or APPE, or refuses them to this user.
            Err(error) if cannot_resume(&error) => {}
            Err(error) => return Err(terms.site().failure(error)),
        }
    }
    let mut file = File::open(job.local).map_err(|error| Failure::local(job.local, &error))?;
    send_all(client, terms, &mut file, Put::new(temporary), running).map(|(moved, _)| moved)
}

/// Whether the file under the temporary name is a part of this version of the local file
///
/// Comparing the last bytes is not enough: an older version may differ in earlier ones. Therefore a part that an
/// earlier run left must be newer, by the server's clock, than the last change of the local file.
fn is_a_part(
    client: &mut Client,
    terms: Terms<'_>,
    begun: Begun,
    temporary: &[u8],
    local: &Metadata,
) -> Result<bool, Failure> {
    match begun {
        Begun::No => return Ok(false),
        Begun::ByThisRun(of) => return Ok(of == stamp(local)),
        Begun::Perhaps => {}
    }
    match client.mdtm(temporary) {
        Ok(left) => {
            let Some(changed) = local.modified().ok().and_then(timestamp) else { return Ok(false) };
            match changed.to_unix().cmp(&left.to_unix()) {
                Ordering::Less => Ok(true),
                // Complete: it has got the time of the local file, and lacks only its name.
                Ordering::Equal => match client.size(temporary) {
                    Ok(size) => Ok(size == local.len()),
                    Err(error) if error.is_fatal() => Err(terms.site().failure(error)),
                    Err(_) => Ok(false),
                },
                Ordering::Greater => Ok(false),
            }
        }
        Err(error) if error.is_fatal() => Err(terms.site().failure(error)),
        // There is no part, or the server does not support MDTM.
        Err(_) => Ok(false),
    }
}

fn send_all(
    client: &mut Client,
    terms: Terms<'_>,
    from: &mut dyn Read,
    put: Put,
    running: &Running<'_>,
) -> Result<(u64, Option<Vec<u8>>), Failure> {
    let mut reader = Paced { from, terms, running, moved: 0 };
    let upload = client.put(put).map_err(|error| terms.site().failure(error))?;
    let result = upload.copy_from(&mut reader, CopyOptions::new());
    match result {
        Ok(transfer) => Ok((reader.moved, transfer.name)),
        Err(_) if terms.interrupt.is_set() => Err(Failure::interrupted()),
        Err(error) => Err(terms.site().failure(error)),
    }
}

/// A reader that counts the bytes read, and keeps to the rate limit
struct Paced<'a> {
    from: &'a mut dyn Read,
    terms: Terms<'a>,
    running: &'a Running<'a>,
    moved: u64,
}

impl Read for Paced<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(buffer)?;
        self.moved += count as u64;
        self.running.at(self.moved);
        match self.terms.pass(count) {
            Ok(()) => Ok(count),
            Err(_) => Err(io::ErrorKind::Other.into()),
        }
    }
}

fn cannot_resume(error: &Error) -> bool {
    matches!(error, Error::Ftp(FtpError::Permanent(_) | FtpError::NoDirectory(_)))
}

/// Deletes the temporary file of a failed upload, unless a later attempt can resume it
fn leave(client: &mut Client, terms: Terms<'_>, temporary: &[u8], failure: Failure) -> Failure {
    let can_go_on = failure.is_transient() || failure.exit() == Exit::Interrupted;
    if terms.suffix().is_some() && !can_go_on && client.is_connected() {
        // A refused deletion is not reported: usually the server has no temporary file then.
        let _ = client.delete(temporary);
    }
    failure
}

/// Renames the uploaded temporary file to its final name
fn publish(
    client: &mut Client,
    terms: Terms<'_>,
    temporary: &[u8],
    remote: &[u8],
) -> Result<(), Failure> {
    if terms.suffix().is_none() {
        return Ok(());
    }
    let Err(error) = client.rename(temporary, remote) else { return Ok(()) };
    if error.is_transient() || error.is_fatal() {
        return Err(terms.site().failure(error));
    }
    // Some servers refuse to rename onto an existing file.
    if client.delete(remote).is_err() {
        let _ = client.delete(temporary);
        return Err(terms.site().failure(error).remedy("--inplace uploads without renaming"));
    }
    client.rename(temporary, remote).map(|_| ()).map_err(|error| {
        // The old file is gone, so the new one stays.
        let failure = terms.site().failure(error);
        failure
            .about(crate::show::bytes(temporary))
            .remedy("rename this file by hand: it is complete")
    })
}
