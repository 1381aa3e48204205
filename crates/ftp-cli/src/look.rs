//! Asks the server for size, time and permissions of a file, in as few round trips as it allows

use ftp_blocking::{Client, OwnedEntry, SizeAndTime};
use ftp_proto::listing::{EntryKind, Modified};
use ftp_session::{Error, system_time};

use crate::args::TransferArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::partial::Version;
use crate::site::Site;

/// What the server reports about a file
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Looked {
    pub(crate) version: Version,
    /// The permissions, if they are to be kept and the server reports them
    pub(crate) mode: Option<u32>,
}

/// Returns size and time of a file, if the server reports them
pub(crate) fn version(client: &mut Client, path: &[u8]) -> Result<Version, Error> {
    look_with(client, path, false).map(|looked| looked.version)
}

/// Returns the size of a file by SIZE or, if that is refused, by MLST
pub(crate) fn size(client: &mut Client, path: &[u8]) -> Result<Option<u64>, Error> {
    if let Some(size) = known(client.size(path))? {
        return Ok(Some(size));
    }
    if !has_mlst(client)? {
        return Ok(None);
    }
    let entry = known(client.facts(path))?;
    let file = entry.filter(|entry| entry.kind() == EntryKind::File && !may_be_link(entry));
    Ok(file.and_then(|entry| entry.size()))
}

/// Returns size and time of a file and, if they are to be kept, its permissions
pub(crate) fn look(client: &mut Client, args: &TransferArgs, path: &[u8]) -> Result<Looked, Error> {
    look_with(client, path, args.preserve.is_some())
}

/// Asks the server whether a file is still of the version that was downloaded
///
/// Some servers send a mixture of two versions if a file is rewritten in place meanwhile, and it may have the right size.
pub(crate) fn check_version(
    client: &mut Client,
    site: &Site,
    path: &[u8],
    before: Version,
) -> Result<(), Failure> {
    if before == Version::default() {
        return Ok(());
    }
    let now = version(client, path).map_err(|error| site.failure(error))?;
    match now.is_another_than(before) {
        true => Err(Failure::changed()),
        false => Ok(()),
    }
}

/// Returns the failure of a download, or, if that is why it has another size than expected, that the file has changed
pub(crate) fn explain(
    client: &mut Client,
    path: &[u8],
    before: Version,
    failure: Failure,
) -> Failure {
    let has_changed = failure.is_about_size()
        && version(client, path).is_ok_and(|now| now.is_another_than(before));
    if has_changed { Failure::changed() } else { failure }
}

/// Returns the failure of a download whose size a list names; if the server's file has another size, the failure says so,
/// and is not retried
pub(crate) fn explain_listed(
    client: &mut Client,
    path: &[u8],
    listed: Version,
    failure: Failure,
) -> Failure {
    let Some(size) = listed.size.filter(|_| failure.is_about_size()) else { return failure };
    let message = match version(client, path).map(|now| now.size) {
        // The file is right, and the transfer was incomplete.
        Ok(Some(now)) if now == size => return failure,
        Ok(Some(now)) => format!("has {now} bytes on the server, and {size} in the list"),
        Ok(None) => format!("does not have {size} bytes, as in the list"),
        // The next attempt may tell.
        Err(_) => return failure,
    };
    Failure::new(Exit::Verification, message).for_good()
}

/// Asks with MLST if the server has it, which takes one round trip, and otherwise with SIZE and MDTM
///
/// A missing file is no error here: RETR reports it.
fn look_with(client: &mut Client, path: &[u8], wants_mode: bool) -> Result<Looked, Error> {
    let mut looked = Looked::default();
    if has_mlst(client)? {
        match client.facts(path) {
            Ok(entry) => {
                looked.mode = mode(&entry).filter(|_| wants_mode);
                looked.version = version_of(&entry);
            }
            Err(error) if error.is_missing() => return Ok(looked),
            Err(error) if error.is_fatal() => return Err(error),
            Err(_) => {}
        }
    } else if wants_mode {
        looked.mode = known(client.facts(path))?.as_ref().and_then(mode);
    }
    let Version { size, modified } = looked.version;
    let found = match (size, modified) {
        (None, None) => known(client.size_and_mdtm(path))?.unwrap_or_default(),
        (None, _) => SizeAndTime::new(known(client.size(path))?, None),
        (_, None) => SizeAndTime::new(None, known(client.mdtm(path))?),
        (Some(_), Some(_)) => return Ok(looked),
    };
    looked.version.size = size.or(found.size);
    looked.version.modified = modified.or_else(|| found.modified.and_then(system_time));
    Ok(looked)
}

/// Returns size and time of a file that MLST describes, unless they may be those of a link
pub(crate) fn version_of(entry: &OwnedEntry) -> Version {
    if entry.kind() != EntryKind::File || may_be_link(entry) {
        return Version::default();
    }
    let time = entry.modified().and_then(Modified::utc);
    Version { size: entry.size(), modified: time.and_then(system_time) }
}

/// Whether FEAT lists MLST; FEAT is sent once in a session
pub(crate) fn has_mlst(client: &mut Client) -> Result<bool, Error> {
    if client.features().is_none() {
        known(client.query_features())?;
    }
    Ok(client.features().is_some_and(|features| features.has("MLST")))
}

fn mode(entry: &OwnedEntry) -> Option<u32> {
    Some(u32::from(entry.entry().permissions?.mode()))
}

/// Whether size and time may be those of a link, as with ProFTPD 1.3.8, whose type is that of the link's target
fn may_be_link(entry: &OwnedEntry) -> bool {
    entry.entry().facts.get("UNIX.mode").is_some_and(|mode| mode.ends_with(b"777"))
}

/// Returns the answer, or `None` if the request was refused; an error that has ended the session stays one
pub(crate) fn known<T>(answer: Result<T, Error>) -> Result<Option<T>, Error> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_fatal() => Err(error),
        Err(_) => Ok(None),
    }
}
