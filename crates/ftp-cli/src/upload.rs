//! Uploads one file under a temporary name, so that the next run can resume an interrupted upload

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;

use ftp_blocking::{Client, CopyOptions, ResumeOptions};
use ftp_proto::{Error as FtpError, Put};
use ftp_session::{Error, Mismatch, timestamp};

use crate::alone::Alone;
use crate::begun::{LocalVersion, Note};
use crate::check;
use crate::download::Terms;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::look;
use crate::ordinary::not_ordinary;
use crate::partial::STATE_FROM;
use crate::pool::Lease;
use crate::publish::{Old, publish};
use crate::report::Running;

const CANNOT_RESUME: &str = "the server can't resume, so the upload starts again";

/// A file to upload
#[derive(Clone, Debug)]
pub(crate) struct Job<'a> {
    pub(crate) local: &'a Path,
    pub(crate) remote: &'a [u8],
}

/// Whether the server has a part of the file, under its temporary name
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begun {
    No,
    /// An earlier run may have left one, of this version of the local file or of another one
    Perhaps,
    /// This run has uploaded one, of this version of the local file
    ByThisRun(LocalVersion),
}

/// What earlier attempts have left on the server
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Left {
    begun: Begun,
    old: Old,
    /// What the current attempt sends
    sends: Sends,
    /// What the last attempt sent that the server confirmed although bytes are missing, and how many bytes it has
    short: Option<(Sends, u64)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sends {
    All,
    /// What follows the part
    Rest,
}

impl Left {
    /// Lets the next attempt resume an upload that the server has confirmed although bytes are missing, as after a cut
    /// that looks like its end
    ///
    /// If the server has no more than after the attempt before, it keeps no more, for example because its disk is full.
    fn resumable(&mut self, failure: Failure) -> Failure {
        let Some(&Error::Mismatch(Mismatch::Size { local, remote })) = failure.cause() else {
            return failure;
        };
        let before = self.short.map_or(0, |(_, size)| size);
        if local < STATE_FROM || !(before + 1..local).contains(&remote) {
            return failure;
        }
        self.short = Some((self.sends, remote));
        failure.resuming().remedy("run it again, which resumes the upload")
    }
}

/// Uploads a local file, with retries; returns the bytes that were transferred
pub(crate) fn upload(
    lease: &mut Lease<'_>,
    terms: Terms<'_>,
    job: &Job<'_>,
    begun: Begun,
    running: &Running<'_>,
) -> Result<u64, Failure> {
    let temporary = temporary(job.remote, terms.suffix());
    let _alone = Alone::new(terms.site(), &temporary, job.remote)?;
    let mut left = Left { begun, old: Old::InPlace, sends: Sends::All, short: None };
    lease
        .attempt(&|| running.bytes(), |client| {
            attempt(client, terms, job, &temporary, &mut left, running)
        })
        .map_err(|failure| left.old.tell(failure, terms, job.remote))
}

/// Tries to upload a local file
///
/// `left` says what earlier attempts have left on the server, and is updated for the next one.
fn attempt(
    client: &mut Client,
    terms: Terms<'_>,
    job: &Job<'_>,
    temporary: &[u8],
    left: &mut Left,
    running: &Running<'_>,
) -> Result<u64, Failure> {
    let before = metadata(job.local)?;
    let note = Note::new(terms.site(), temporary);
    let moved = running.bytes();
    let sent = send(client, terms, job, left, (temporary, &note), &before, running);
    // Bytes are read, and the progress changes, only after the server has opened the file.
    let is_ours = sent.is_ok() || running.bytes() != moved || left.short.is_some();
    if running.bytes() != moved {
        left.begun = Begun::ByThisRun(LocalVersion::of(&before));
    }
    let result = sent
        .and_then(|moved| {
            match LocalVersion::of(&before) == LocalVersion::of(&metadata(job.local)?) {
                true => Ok(moved),
                false => Err(Failure::new(Exit::Local, "has changed while it was read")
                    .about(crate::show::path(job.local))
                    .remedy("upload it again")),
            }
        })
        .and_then(|moved| match terms.args.verify {
            true => {
                let proof = check::compare(client, temporary, job.local, before.len());
                if proof.map_err(|error| terms.site().failure(error))? == check::Proof::Size {
                    running.notice("the server has no hash of it, so only the size was compared");
                }
                Ok(moved)
            }
            false => compare_size(client, terms, temporary, before.len()).map(|()| moved),
        });
    let moved = match result {
        Ok(moved) => moved,
        // An earlier run has left the temporary file, if there is one: it may be the only complete version.
        Err(failure) if !is_ours => return Err(failure),
        Err(failure) => {
            let failure = match may_resume(terms) {
                true => left.resumable(failure),
                false => failure,
            };
            if !can_go_on(&failure) {
                note.remove();
            }
            return Err(leave(client, terms, temporary, failure));
        }
    };
    if let Some(time) = before.modified().ok().and_then(timestamp) {
        // The content has been uploaded, so a refused modification time is not reported.
        if let Err(error) = client.set_modified(temporary, time) {
            if error.is_fatal() {
                return Err(terms.site().failure(error));
            }
        }
    }
    set_mode(client, terms, temporary, &before, running)?;
    publish(client, terms, job.remote, &mut left.old, running)?;
    note.remove();
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
    match look::size(client, remote).map_err(|error| terms.site().failure(error))? {
        Some(size) if size != length => {
            Err(terms.site().failure(Mismatch::Size { local: length, remote: size }.into()))
        }
        // If the server reports no size, nothing contradicts its confirmation.
        Some(_) | None => Ok(()),
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
    let _alone = Alone::new(terms.site(), &temporary, remote)?;
    // What this upload leaves is no part of a local file.
    Note::new(terms.site(), &temporary).remove();
    match send_all(client, terms, from, Put::new(&temporary), running) {
        Ok((moved, _)) => {
            if let Err(failure) = compare_size(client, terms, &temporary, moved) {
                return Err(leave(client, terms, &temporary, failure));
            }
            let mut old = Old::InPlace;
            publish(client, terms, remote, &mut old, running)
                .map_err(|failure| old.tell(failure, terms, remote))?;
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
    let failure = |error| terms.site().failure(error);
    let (moved, name) = match way {
        Way::Append { path } => {
            let _alone = Alone::new(terms.site(), path, path)?;
            let before = size_to_append_to(client, path).map_err(failure)?;
            let sent = send_all(client, terms, from, Put::new(path).append(), running)?;
            compare_appended(client, terms, path, before, sent.0)?;
            sent
        }
        Way::Unique { folder } => {
            // STOU takes no path, so the directory is entered and then left: later paths start at the login directory.
            let home = client.pwd().map_err(failure)?;
            inside(client, &home, folder, failure, |client| {
                let (moved, name) = send_all(client, terms, from, Put::unique(), running)?;
                if let Some(name) = &name {
                    compare_size(client, terms, name, moved)
                        .map_err(|failure| failure.about(crate::show::bytes(name)))?;
                }
                Ok((moved, name))
            })?
        }
    };
    if matches!(way, Way::Unique { .. }) && name.is_none() {
        running.notice("the server does not report the name that it chose");
    }
    Ok((moved, name))
}

/// Enters a directory, works there, and returns to `home`, whatever came of the work
///
/// Paths of other requests are relative to `home`, so a session that can't return is ended with QUIT. An empty path is
/// `home` itself.
fn inside<T, E>(
    client: &mut Client,
    home: &[u8],
    path: &[u8],
    failure: impl Fn(Error) -> E,
    work: impl FnOnce(&mut Client) -> Result<T, E>,
) -> Result<T, E> {
    if path.is_empty() {
        return work(client);
    }
    client.cwd(path).map_err(&failure)?;
    let result = work(client);
    match client.cwd(home) {
        Ok(_) => result,
        Err(error) => {
            let _ = client.quit();
            result.and(Err(failure(error)))
        }
    }
}

/// Returns the size of a file to append to, 0 if there is none; `None` if the server does not tell
fn size_to_append_to(client: &mut Client, path: &[u8]) -> Result<Option<u64>, Error> {
    match client.size(path) {
        Err(error) if error.is_missing() => Ok(Some(0)),
        Ok(size) => Ok(Some(size)),
        Err(error) if error.is_fatal() => Err(error),
        Err(_) => look::size(client, path),
    }
}

/// Fails if the server reports another size for a file than it must have after `count` bytes were appended
fn compare_appended(
    client: &mut Client,
    terms: Terms<'_>,
    path: &[u8],
    before: Option<u64>,
    count: u64,
) -> Result<(), Failure> {
    let Some(size) = look::size(client, path).map_err(|error| terms.site().failure(error))? else {
        return Ok(());
    };
    // If the size before is not known, it was at least 0.
    let is_right = match before {
        Some(before) => before.checked_add(count) == Some(size),
        None => size >= count,
    };
    if is_right {
        return Ok(());
    }
    let at_least = if before.is_none() { "at least " } else { "" };
    let expected = before.unwrap_or(0).saturating_add(count);
    let message = format!(
        "after {count} bytes were appended, {at_least}{expected} bytes expected, {size} bytes on the server"
    );
    Err(Failure::new(Exit::Verification, message)
        .at(terms.site().name())
        .remedy("compare the end of the file before you append again"))
}

fn temporary(remote: &[u8], suffix: Option<&str>) -> Vec<u8> {
    [remote, suffix.unwrap_or_default().as_bytes()].concat()
}

/// Returns the metadata of an ordinary file; an error if it is something else
pub(crate) fn metadata(path: &Path) -> Result<Metadata, Failure> {
    let metadata = std::fs::metadata(path).map_err(|error| Failure::local(path, &error))?;
    match metadata.is_file() {
        true => Ok(metadata),
        false => Err(not_ordinary(path)),
    }
}

fn send(
    client: &mut Client,
    terms: Terms<'_>,
    job: &Job<'_>,
    left: &mut Left,
    (temporary, note): (&[u8], &Note),
    local: &Metadata,
    running: &Running<'_>,
) -> Result<u64, Failure> {
    let length = local.len();
    let version = LocalVersion::of(local);
    let is_part = match left.begun {
        Begun::No => false,
        Begun::Perhaps => note.is_of(version),
        Begun::ByThisRun(of) => of == version,
    };
    if may_resume(terms) && is_part {
        left.sends = Sends::Rest;
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
            // Not all of the rest has arrived.
            Err(error @ Error::Mismatch(Mismatch::Size { remote, .. })) if remote < length => {
                return Err(terms.site().failure(error));
            }
            Err(error @ Error::Mismatch(_)) => match left.short {
                // The part is what the server has made of the file.
                Some((Sends::All, _)) => return Err(terms.site().failure(error)),
                Some((Sends::Rest, _)) => running.notice(CANNOT_RESUME),
                None => running.notice(
                    "the part from an earlier run is of another file, so the upload starts again",
                ),
            },
            // The compared bytes are also those at the start of the file, from which a server sends that ignores REST.
            Err(Error::Ftp(FtpError::TooLong { .. })) => running.notice(CANNOT_RESUME),
            // The server lacks SIZE or APPE, or refuses them to this user.
            Err(error) if cannot_resume(&error) => {}
            Err(error) => return Err(terms.site().failure(error)),
        }
    }
    // The next attempt does not compare again: the comparison may have ended the session.
    left.begun = Begun::No;
    left.sends = Sends::All;
    let mut file = File::open(job.local).map_err(|error| Failure::local(job.local, &error))?;
    note.remove();
    let mut noted = Opened { from: &mut file, then: None };
    if may_resume(terms) && length >= STATE_FROM {
        noted.then = Some(|| note.write(version));
    }
    send_all(client, terms, &mut noted, Put::new(temporary), running).map(|(moved, _)| moved)
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

/// A reader that does something before the first byte is read: then the server has opened, and emptied, its file
struct Opened<'a, F> {
    from: &'a mut File,
    then: Option<F>,
}

impl<F: FnOnce()> Read for Opened<'_, F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(then) = self.then.take() {
            then();
        }
        self.from.read(buffer)
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

/// With `--inplace`, the existing file may be the old version instead of a part of the new one
fn may_resume(terms: Terms<'_>) -> bool {
    !terms.args.no_resume && !terms.args.inplace
}

fn cannot_resume(error: &Error) -> bool {
    matches!(error, Error::Ftp(FtpError::Permanent(_) | FtpError::NoDirectory(_)))
}

/// Whether a later attempt may resume an upload that has failed
fn can_go_on(failure: &Failure) -> bool {
    failure.is_transient() || failure.exit() == Exit::Interrupted
}

/// Deletes the temporary file of a failed upload, unless a later attempt can resume it
fn leave(client: &mut Client, terms: Terms<'_>, temporary: &[u8], failure: Failure) -> Failure {
    if terms.suffix().is_some() && !can_go_on(&failure) && client.is_connected() {
        // A refused deletion is not reported: usually the server has no temporary file then.
        let _ = client.delete(temporary);
    }
    failure
}
