//! Gives a complete upload its name, so that the server always has a complete version of the file
//!
//! RNTO replaces an existing file on most servers. The others refuse it, as they refuse it for other reasons. There
//! the old file is renamed aside, and deleted only when the new one has its name:
//!
//! ```text
//! RNFR part ─┬─ refused ──▶ error: the old file is not the reason
//!            └─ RNTO name ─┬─ 2yz ──▶ done
//!                          └─ 550 or 553, and there is a file of this name
//!   RNFR name, RNTO aside ─▶ RNFR part, RNTO name ─┬─ 2yz ──▶ DELE aside ─▶ done
//!                                                  └─ refused ──▶ RNFR aside, RNTO name ─▶ error
//! ```
//!
//! Nothing deletes a part that could not be renamed: it may be the only complete version.

use ftp_blocking::{Client, EntryKind};
use ftp_proto::{Error as FtpError, ReplyKind};
use ftp_session::Error;

use crate::download::Terms;
use crate::failure::Failure;
use crate::report::Running;

/// What the name of the old file gets in addition to that of a part while the new one replaces it
const ASIDE: &[u8] = b".old";

/// Where this run has left the old file
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Old {
    /// Under its name, if there is one
    InPlace,
    Aside,
    /// Under either name: the session was lost while it was renamed
    Unknown,
}

impl Old {
    /// Adds to the failure of an upload where the old file is, if it has lost its name
    pub(crate) fn tell(self, failure: Failure, terms: Terms<'_>, name: &[u8]) -> Failure {
        let aside = crate::show::bytes(&aside(name, terms.suffix().unwrap_or_default()));
        match self {
            Self::InPlace => failure,
            Self::Aside => failure.adding(&format!("the old version is {aside}")),
            Self::Unknown => failure.adding(&format!("the old version may be {aside}")),
        }
    }
}

/// Returns the name of the old file while the new one replaces it
pub(crate) fn aside(name: &[u8], suffix: &str) -> Vec<u8> {
    [name, suffix.as_bytes(), ASIDE].concat()
}

/// Which of the two commands of a rename failed
pub(crate) enum Refused {
    From(Error),
    To(Error),
}

impl Refused {
    const fn error(&self) -> &Error {
        match self {
            Self::From(error) | Self::To(error) => error,
        }
    }

    pub(crate) fn into_error(self) -> Error {
        match self {
            Self::From(error) | Self::To(error) => error,
        }
    }
}

/// A complete upload, and the names that belong to it
struct Upload<'a> {
    part: &'a [u8],
    name: &'a [u8],
    aside: Vec<u8>,
    terms: Terms<'a>,
}

/// Renames a complete upload to its final name, which may be that of an older file; with --inplace it has that name
///
/// `old` says where an earlier attempt of this run has left that file, and is updated for the next one.
pub(crate) fn publish(
    client: &mut Client,
    terms: Terms<'_>,
    name: &[u8],
    old: &mut Old,
    running: &Running<'_>,
) -> Result<(), Failure> {
    let Some(suffix) = terms.suffix() else { return Ok(()) };
    let part = &*[name, suffix.as_bytes()].concat();
    let upload = Upload { part, name, aside: aside(name, suffix), terms };
    match rename(client, part, name) {
        Ok(()) => {}
        Err(Refused::To(refusal)) if may_be_about_target(&refusal) => {
            upload.replace(client, refusal, old)?;
        }
        Err(refused) => return Err(upload.refused(refused)),
    }
    if *old != Old::InPlace {
        *old = Old::InPlace;
        match client.delete(&upload.aside) {
            Ok(_) => {}
            Err(error) if error.is_missing() => {}
            Err(_) => running.notice(&format!(
                "the old version could not be deleted, and is now {}",
                crate::show::bytes(&upload.aside)
            )),
        }
    }
    Ok(())
}

impl Upload<'_> {
    /// Renames the old file aside and the new one into its place; if that fails, the old one gets its name back
    fn replace(&self, client: &mut Client, refusal: Error, old: &mut Old) -> Result<(), Failure> {
        match is_file(client, self.name) {
            Ok(true) => {}
            // The name is refused for another reason, or nothing shows that a file has it.
            Ok(false) => return Err(self.failure(refusal)),
            Err(error) => return Err(self.failure(error)),
        }
        self.set_aside(client, refusal, old)?;
        let Err(refused) = rename(client, self.part, self.name) else { return Ok(()) };
        if !refused.error().is_fatal() && rename(client, &self.aside, self.name).is_ok() {
            *old = Old::InPlace;
        }
        Err(self.refused(refused))
    }

    /// Renames the old file aside
    fn set_aside(&self, client: &mut Client, refusal: Error, old: &mut Old) -> Result<(), Failure> {
        let renamed = match rename(client, self.name, &self.aside) {
            // The file that an earlier run has left there is older than the one that has the name now.
            Err(Refused::To(error)) if may_be_about_target(&error) => {
                match is_file(client, &self.aside) {
                    Ok(true) => client.delete(&self.aside).and_then(|_| {
                        rename(client, self.name, &self.aside).map_err(Refused::into_error)
                    }),
                    Ok(false) => Err(error),
                    Err(error) => Err(error),
                }
            }
            renamed => renamed.map_err(Refused::into_error),
        };
        match renamed {
            Ok(()) => {
                *old = Old::Aside;
                Ok(())
            }
            Err(error) if error.is_fatal() => {
                *old = Old::Unknown;
                Err(self.failure(error))
            }
            // The reason that counts is why the new file does not get its name.
            Err(_) => Err(self.failure(refusal)),
        }
    }

    /// The failure of a rename of the part: tells where the new version is, unless the server says that it is gone
    fn refused(&self, refused: Refused) -> Failure {
        match refused {
            Refused::From(error) if error.is_missing() => {
                let part = crate::show::bytes(self.part);
                let failure = self.terms.site().failure(error);
                failure
                    .adding(&format!("{part} was uploaded, and is not on the server any more"))
                    .remedy("another client may have renamed or deleted it: upload the file again")
            }
            refused => self.failure(refused.into_error()),
        }
    }

    /// The failure of a rename: tells where the new version is
    fn failure(&self, error: Error) -> Failure {
        let is_lost = error.is_fatal();
        let failure = self.terms.site().failure(error);
        if is_lost {
            return failure;
        }
        let part = crate::show::bytes(self.part);
        let failure = failure.adding(&format!("the upload is complete as {part}"));
        match failure.is_transient() {
            true => failure,
            false => failure.remedy("rename it by hand, or upload without renaming (--inplace)"),
        }
    }
}

/// Renames a file; the error tells which of the two names was refused
pub(crate) fn rename(client: &mut Client, from: &[u8], to: &[u8]) -> Result<(), Refused> {
    client.command("RNFR", from).map_err(Refused::From)?;
    let reply = client.command("RNTO", to).map_err(Refused::To)?;
    match reply.kind() {
        ReplyKind::Completion => Ok(()),
        _ => Err(Refused::To(FtpError::UnexpectedReply(reply).into())),
    }
}

/// Whether RNTO may have been refused because its target exists
fn may_be_about_target(error: &Error) -> bool {
    matches!(error, Error::Ftp(FtpError::Permanent(reply)) if matches!(reply.code().get(), 550 | 553))
}

/// Whether the server shows that a path is an ordinary file: a directory must not be renamed for a file
fn is_file(client: &mut Client, path: &[u8]) -> Result<bool, Error> {
    match client.facts(path) {
        Ok(entry) => return Ok(entry.kind() == EntryKind::File),
        Err(error) if error.is_fatal() => return Err(error),
        Err(_) => {}
    }
    match client.size(path) {
        Ok(_) => Ok(true),
        Err(error) if error.is_fatal() => Err(error),
        Err(_) => Ok(false),
    }
}
