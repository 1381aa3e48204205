//! Asks the server for size, time and permissions of a file, in as few round trips as it allows

use ftp_blocking::{Client, OwnedEntry};
use ftp_proto::listing::{EntryKind, Modified};
use ftp_session::{Error, system_time};

use crate::args::TransferArgs;
use crate::partial::Version;

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

/// Returns size and time of a file and, if they are to be kept, its permissions
pub(crate) fn look(client: &mut Client, args: &TransferArgs, path: &[u8]) -> Result<Looked, Error> {
    look_with(client, path, args.preserve.is_some())
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
                if entry.kind() == EntryKind::File && !may_be_link(&entry) {
                    looked.version.size = entry.size();
                    let time = entry.modified().and_then(Modified::utc);
                    looked.version.modified = time.and_then(system_time);
                }
            }
            Err(error) if error.is_missing() => return Ok(looked),
            Err(error) if error.is_fatal() => return Err(error),
            Err(_) => {}
        }
    } else if wants_mode {
        looked.mode = known(client.facts(path))?.as_ref().and_then(mode);
    }
    let version = &mut looked.version;
    if version.size.is_none() {
        version.size = known(client.size(path))?;
    }
    if version.modified.is_none() {
        version.modified = known(client.mdtm(path))?.and_then(system_time);
    }
    Ok(looked)
}

/// Whether FEAT lists MLST; FEAT is sent once in a session
fn has_mlst(client: &mut Client) -> Result<bool, Error> {
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

fn known<T>(answer: Result<T, Error>) -> Result<Option<T>, Error> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_fatal() => Err(error),
        Err(_) => Ok(None),
    }
}
