//! Looks up a path: the size and time of a file, or why there is none

use chrono::{DateTime, Utc};
use ftp_tokio::ftp_proto::listing::Modified;
use ftp_tokio::{EntryKind, Error as FtpError, Lease, OwnedEntry, PoolError, Reply, Timestamp};
use object_store::path::Path;
use object_store::{ObjectMeta, Result};

use crate::error::{Cause, Subject, is_refusal, is_unknown_command};
use crate::inner::Inner;
use crate::name;

/// A file that was changed less than this many seconds before it was looked up may change again without a different
/// time, because times count seconds
const SETTLED: i64 = 2;

/// What distinguishes one version of a file from the next, as far as FTP can tell
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) size: u64,
    pub(crate) modified: Option<DateTime<Utc>>,
}

impl Version {
    /// Whether a change of the file from now on would show in its time
    pub(crate) fn shows_changes(&self) -> bool {
        let settled = |time: DateTime<Utc>| (Utc::now() - time).num_seconds() >= SETTLED;
        self.modified.is_some_and(settled)
    }
}

/// What a path refers to
#[derive(Debug)]
pub(crate) enum Found {
    File(Version),
    /// A directory, which is no object, or nothing
    Missing(Cause),
    /// The server refuses to say
    Refused(FtpError),
    /// Its directory exists, but may not be entered
    Closed(FtpError),
}

impl Found {
    /// Returns the file, or the error for its absence
    pub(crate) fn into_file(self, subject: Subject<'_>) -> Result<Version> {
        match self {
            Self::File(version) => Ok(version),
            Self::Missing(cause) => Err(subject.not_found(cause)),
            Self::Refused(error) => Err(subject.error(error)),
            Self::Closed(error) => Err(subject.denied(error)),
        }
    }

    /// Whether it is still this version of the file
    pub(crate) fn is(&self, version: Version) -> bool {
        matches!(self, Self::File(now) if *now == version)
    }

    /// Returns the error for a read of another version that can't go on after byte `at`
    pub(crate) fn changed(self, subject: Subject<'_>, at: u64) -> object_store::Error {
        subject.generic(match self {
            Self::Refused(error) => return subject.error(error),
            Self::Closed(error) => return subject.denied(error),
            Self::Missing(_) => format!("the file disappeared while it was read, after byte {at}"),
            Self::File(_) => format!("the file changed while it was read, after byte {at}"),
        })
    }

    /// Fails if another version has replaced the one that was read up to byte `at`
    ///
    /// What was read is complete, even if the file is gone by now.
    pub(crate) fn check_read(self, version: Version, subject: Subject<'_>, at: u64) -> Result<()> {
        match self {
            Self::File(now) if now != version => Err(self.changed(subject, at)),
            Self::File(_) | Self::Missing(_) | Self::Refused(_) | Self::Closed(_) => Ok(()),
        }
    }
}

pub(crate) fn meta(location: Path, version: Version) -> ObjectMeta {
    ObjectMeta {
        location,
        // For servers that report no time.
        last_modified: version.modified.unwrap_or(DateTime::UNIX_EPOCH),
        size: version.size,
        e_tag: None,
        version: None,
    }
}

pub(crate) fn date(time: Timestamp) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(time.to_unix(), time.nanosecond())
}

/// The time of an entry; the server's local time is taken for UTC
pub(crate) fn entry_date(entry: &OwnedEntry) -> Option<DateTime<Utc>> {
    match entry.modified()? {
        Modified::At { time, .. } => date(time),
        _ => None,
    }
}

/// Whether MLST may be describing a link: ProFTPD 1.3.8 returns the type of the link's target, but the size and mode
/// of the link itself
fn may_be_link(entry: &OwnedEntry) -> bool {
    entry.entry().facts.get("UNIX.mode").is_some_and(|mode| mode.ends_with(b"777"))
}

impl Inner {
    /// Looks up a path with MLST, or SIZE and MDTM, or the listing of its directory, whichever answers
    pub(crate) async fn look(&self, ftp: &mut Lease, path: &[u8]) -> Result<Found, FtpError> {
        if self.has_mlst(ftp).await? {
            match ftp.facts(path).await {
                Ok(entry) => match (entry.kind(), entry.size()) {
                    (EntryKind::File, Some(size)) if !may_be_link(&entry) => {
                        let modified = entry_date(&entry);
                        return Ok(Found::File(Version { size, modified }));
                    }
                    (EntryKind::Dir, _) => return Ok(Found::Missing("it is a directory".into())),
                    // It is a link, or the server reports too little.
                    _ => {}
                },
                Err(error) if is_unknown_command(&error) => self.lacks_mlst(),
                Err(error) if error.is_missing() => return Ok(Found::Missing(error.into())),
                Err(error) if is_refusal(&error) => {
                    return self.look_in_parent(ftp, path, error).await;
                }
                Err(FtpError::Ftp(ftp_tokio::ftp_proto::Error::InvalidReply(_))) => {}
                Err(error) => return Err(error),
            }
        }
        let size = match ftp.size(path).await {
            Ok(size) => size,
            Err(error) if error.is_missing() => return Ok(Found::Missing(error.into())),
            Err(error) if is_refusal(&error) => return self.look_in_parent(ftp, path, error).await,
            Err(error) => return Err(error),
        };
        let modified = match ftp.mdtm(path).await {
            Ok(time) => date(time),
            Err(error) if is_refusal(&error) => None,
            Err(error) => return Err(error),
        };
        Ok(Found::File(Version { size, modified }))
    }

    /// Looks up a path in the listing of its directory, after the server has refused to say more
    async fn look_in_parent(
        &self,
        ftp: &mut Lease,
        path: &[u8],
        refusal: FtpError,
    ) -> Result<Found, FtpError> {
        let (directory, name) = name::split(path);
        if name.is_empty() {
            return Ok(Found::Missing("it is a directory".into()));
        }
        let mut entries = match ftp.read_dir(directory).await {
            Ok(entries) => entries,
            Err(error) if error.is_missing() => {
                return Ok(match is_closed(ftp, directory, &error).await? {
                    true => Found::Closed(error),
                    false => Found::Missing(error.into()),
                });
            }
            Err(error) if is_refusal(&error) => return Ok(Found::Closed(error)),
            Err(error) => return Err(error),
        };
        let mut found = None;
        while let Some(entry) = entries.next().await {
            let entry = entry?;
            if entry.name() == name {
                found = Some(entry);
            }
        }
        let may_be_hidden = name.starts_with(b".") && entries.may_lack_dot_names();
        let all_understood = entries.unknown_lines() == 0;
        Ok(match found {
            Some(entry) if entry.kind() == EntryKind::Dir => {
                Found::Missing("it is a directory".into())
            }
            // Listings of the store leave it out as well.
            Some(entry) if matches!(entry.kind(), EntryKind::Other(_)) => {
                Found::Missing("it is a device, a pipe or the like".into())
            }
            Some(entry) => match entry.size() {
                Some(size) if entry.kind() == EntryKind::File => {
                    Found::File(Version { size, modified: entry_date(&entry) })
                }
                _ => Found::Refused(refusal),
            },
            None if all_understood && !may_be_hidden => Found::Missing(refusal.into()),
            None => Found::Refused(refusal),
        })
    }

    /// Runs [`Self::look`] on a session of the pool
    pub(crate) async fn look_up(&self, path: &[u8]) -> Result<Found, PoolError> {
        self.pool.run(&self.site, |mut ftp| async move { self.look(&mut ftp, path).await }).await
    }

    /// Turns a refusal that does not say whether the file exists into an error
    pub(crate) async fn explain(
        &self,
        subject: Subject<'_>,
        refusal: PoolError,
    ) -> object_store::Error {
        let unclear = |error: &FtpError| is_refusal(error) && !error.is_missing();
        if !refusal.session().is_some_and(unclear) {
            return subject.error(refusal);
        }
        match self.look_up(&self.remote(subject.location)).await {
            Ok(Found::Missing(_)) => subject.not_found(refusal),
            Ok(Found::File(_)) if is_file_refusal(&refusal) => subject.denied(refusal),
            Ok(Found::Closed(_)) => subject.denied(refusal),
            _ => subject.error(refusal),
        }
    }
}

/// Whether a directory that could not be entered exists after all: some servers answer the same if it is missing
pub(crate) async fn is_closed(
    ftp: &mut Lease,
    directory: &[u8],
    refusal: &FtpError,
) -> Result<bool, FtpError> {
    if says_missing(refusal) {
        return Ok(false);
    }
    match kind_in_parent(ftp, directory).await {
        Ok(kind) => Ok(kind == Some(EntryKind::Dir)),
        Err(error) if error.is_missing() || is_refusal(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether the text of a reply says that the file or directory is missing
fn says_missing(refusal: &FtpError) -> bool {
    let permanent = |reply: &Reply| ftp_tokio::ftp_proto::Error::Permanent(reply.clone());
    refusal.reply().is_some_and(|reply| permanent(reply).is_missing())
}

/// Returns the kind of a directory, or file, as the listing of its parent has it
pub(crate) async fn kind_in_parent(
    ftp: &mut Lease,
    path: &[u8],
) -> Result<Option<EntryKind>, FtpError> {
    let (parent, name) = name::split(path);
    if name.is_empty() {
        return Ok(None);
    }
    let mut entries = ftp.read_dir(parent).await?;
    let mut kind = None;
    while let Some(entry) = entries.next().await {
        let entry = entry?;
        if entry.name() == name {
            kind = Some(entry.kind());
        }
    }
    Ok(kind)
}

/// Whether the code of a refusal is about the file: 550, 553
fn is_file_refusal(error: &PoolError) -> bool {
    let code = error.session().and_then(FtpError::reply).map(|reply| reply.code().get());
    matches!(code, Some(550 | 553))
}
