//! Walks through everything below a directory of a server

use ftp_blocking::{Client, Descent, WalkEntry, WalkOptions};

use crate::exit::Exit;
use crate::failure::Failure;

/// Visits everything below a directory, and follows no link
///
/// A subdirectory that can't be read, or lies more than 100 levels deep, is reported, and is an error at the end.
pub(super) fn visit(
    client: &mut Client,
    path: &[u8],
    visitor: &mut dyn FnMut(&WalkEntry) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut failed = None;
    let mut walk = client.walk(path, WalkOptions::new().both());
    for found in walk.by_ref() {
        match found {
            Ok(found) => {
                visitor(&found)?;
                if found.descent == Descent::TooDeep {
                    let failure =
                        Failure::new(Exit::Limit, "lies too deep; its contents are left out");
                    failed = Some(tell(failure.about(crate::show::bytes(&found.path))));
                }
            }
            Err(error) => {
                let is_root = error.path == path;
                let place = crate::show::bytes(&error.path);
                let failure = Failure::session(error.error, "").about(place);
                if is_root || failure.is_fatal() {
                    return Err(failure);
                }
                failed = Some(tell(failure));
            }
        }
    }
    match (failed, walk.unknown_lines()) {
        (Some(failure), _) => Err(failure),
        (None, 0) => Ok(()),
        (None, count) => Err(not_understood(count)),
    }
}

fn tell(failure: Failure) -> Failure {
    crate::output::message(&failure);
    failure
}

pub(super) fn not_understood(count: u64) -> Failure {
    let lines = if count == 1 { "line of a listing was" } else { "lines of listings were" };
    let message = format!("{count} {lines} not understood, or about what the server can't read");
    Failure::new(Exit::Protocol, message)
}
