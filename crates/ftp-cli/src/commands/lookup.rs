//! Looks for a file or directory on the server

use std::time::SystemTime;

use ftp_blocking::{Client, EntryKind, OwnedEntry};
use ftp_proto::{Error as FtpError, ReadDir, Timestamp};
use ftp_session::{Error, system_time};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::listing::bounded;
use crate::location::join;
use crate::look;
use crate::mirror;

/// The result of looking for a name in a listing
#[derive(Debug)]
pub(super) enum Found {
    Entry(OwnedEntry),
    Absent,
    /// The server refuses to list the directory, or has lines in it that were not understood
    Unknown,
}

/// Looks for a file or directory in the listing of the directory that contains it
pub(super) fn in_parent(client: &mut Client, path: &[u8]) -> Result<Found, Error> {
    let (parent, name) = split(path);
    find(client, ReadDir::new(parent), parent, name)
}

/// As [`in_parent`], by LIST: MLSD of some servers shows a link as what it leads to
pub(super) fn in_parent_by_list(client: &mut Client, path: &[u8]) -> Result<Found, Error> {
    let (parent, name) = split(path);
    find(client, ReadDir::long(parent), parent, name)
}

fn find(
    client: &mut Client,
    directory: ReadDir,
    parent: &[u8],
    name: &[u8],
) -> Result<Found, Error> {
    if name.is_empty() {
        return Ok(Found::Unknown);
    }
    let mut entries = match client.read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.is_fatal() => return Err(error),
        Err(error) if error.is_missing() => return Ok(Found::Absent),
        Err(_) => return Ok(Found::Unknown),
    };
    let mut found = None;
    for entry in bounded(entries.by_ref()) {
        let entry = entry?;
        // Some servers list whole paths.
        if entry.name() == name || entry.name() == join(parent, name) {
            found = Some(entry);
        }
    }
    Ok(match found {
        Some(entry) => Found::Entry(entry),
        None if entries.unknown_lines() > 0 => Found::Unknown,
        None => Found::Absent,
    })
}

/// Returns whether a file or directory exists; an error if the server does not make it clear
pub(super) fn exists(client: &mut Client, path: &[u8]) -> Result<bool, Error> {
    let refusal = match client.size(path) {
        Ok(_) => return Ok(true),
        Err(error) if error.is_missing() => return Ok(false),
        Err(error) if error.is_fatal() || error.is_auth() => return Err(error),
        // A directory, a server without SIZE, or one that gives no reason, as vsftpd.
        Err(error) => error,
    };
    match client.facts(path) {
        Ok(_) => return Ok(true),
        Err(error) if error.is_missing() => return Ok(false),
        Err(error) if error.is_fatal() => return Err(error),
        Err(_) => {}
    }
    let is_hidden = has_dot(path) && !is_about_file(&refusal);
    match in_parent(client, path)? {
        Found::Entry(_) => Ok(true),
        Found::Absent if !is_hidden => Ok(false),
        Found::Absent | Found::Unknown => Err(refusal),
    }
}

/// When a file on the server was last changed
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Changed {
    At(SystemTime),
    /// There is no such file
    Absent,
    /// There is one, and nothing shows its time in UTC
    Unknown,
}

/// Asks for the time of a file with MLST, MDTM and a listing; an error if it is not clear whether there is one
///
/// A refusal that may be temporary is an error, too: the next attempt may be answered.
pub(super) fn changed(client: &mut Client, path: &[u8]) -> Result<Changed, Error> {
    if look::has_mlst(client)? {
        match client.facts(path).map(|entry| look::version_of(&entry).modified) {
            Ok(Some(time)) => return Ok(Changed::At(time)),
            Ok(None) => {}
            Err(error) if error.is_missing() => return Ok(Changed::Absent),
            Err(error) if ends_attempt(&error) => return Err(error),
            Err(_) => {}
        }
    }
    let refusal = match client.mdtm(path) {
        Ok(time) => return Ok(system_time(time).map_or(Changed::Unknown, Changed::At)),
        Err(error) if error.is_missing() => return Ok(Changed::Absent),
        Err(error) if ends_attempt(&error) => return Err(error),
        Err(error) => error,
    };
    match in_parent(client, path)? {
        Found::Entry(entry) => Ok(listed_time(&entry).map_or(Changed::Unknown, Changed::At)),
        // SIZE may show what the listing hides.
        Found::Absent if has_dot(path) => Ok(match exists(client, path)? {
            true => Changed::Unknown,
            false => Changed::Absent,
        }),
        Found::Absent => Ok(Changed::Absent),
        Found::Unknown => Err(refusal),
    }
}

fn ends_attempt(error: &Error) -> bool {
    error.is_fatal() || error.is_auth() || error.is_transient()
}

/// Returns the last second at which a file may have been changed, given the precision of its listing
fn listed_time(entry: &OwnedEntry) -> Option<SystemTime> {
    let is_file = matches!(entry.kind(), EntryKind::File | EntryKind::Unknown);
    let modified = entry.modified().filter(|modified| is_file && modified.utc().is_some())?;
    let last = Timestamp::from_unix(mirror::stamp(modified)?.end() - 1)?;
    system_time(last)
}

/// The failure of a dry run for a file or directory that does not exist
pub(super) fn absent() -> Failure {
    Failure::new(Exit::Refused, "does not exist").remedy("`rftp ls` shows what is there")
}

/// Whether a path is a directory, as far as the server says
pub(super) fn is_directory(client: &mut Client, path: &[u8]) -> Result<bool, Error> {
    let entry = match client.facts(path) {
        Ok(entry) => Some(entry),
        Err(error) if error.is_fatal() => return Err(error),
        Err(_) => match in_parent(client, path) {
            Ok(Found::Entry(entry)) => Some(entry),
            Err(error) if error.is_fatal() => return Err(error),
            Ok(_) | Err(_) => None,
        },
    };
    Ok(entry.is_some_and(|entry| entry.kind() == EntryKind::Dir))
}

/// The failure of a dry run for a path that is a directory, where a file is needed
pub(super) fn not_a_file() -> Failure {
    Failure::new(Exit::Refused, "is a directory").remedy("`rftp mirror` takes directories")
}

/// Whether a name begins with a dot: many servers do not list such names
fn has_dot(path: &[u8]) -> bool {
    split(path).1.starts_with(b".")
}

/// Whether a refusal is about this file rather than the command
fn is_about_file(error: &Error) -> bool {
    matches!(error, Error::Ftp(FtpError::Permanent(reply)) if reply.code().get() == 550)
}

/// Splits a path into the directory and the name in it
fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        None => (b"", path),
        Some(0) => (b"/", &path[1..]),
        Some(at) => (&path[..at], &path[at + 1..]),
    }
}
