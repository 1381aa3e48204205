//! Listings of one directory, and of a tree
//!
//! A directory's objects are kept until its listing is complete, up to [`READ_AHEAD`] of them, or all if a task waits
//! for a session. Then its session is free before the caller sees all objects, so a caller who deletes what it lists
//! needs only one session.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ftp_tokio::{EntryKind, Error as FtpError, Lease, OwnedEntry, PoolError};
use futures_util::stream::BoxStream;
use object_store::path::Path;
use object_store::{ListResult, ObjectMeta, Result};
use tokio::sync::mpsc::Sender;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::error::{STORE, Subject, broke, is_refusal, is_refused_by_server};
use crate::inner::Inner;
use crate::lines::{LastEntry, Lines, is_bare, is_bare_kind};
use crate::look::{Found, Version, entry_date, is_closed, kind_in_parent, meta};
use crate::name;
use crate::read::PAUSE;
use crate::task;

/// Objects of a directory that are kept before the first is returned
const READ_AHEAD: usize = 16 << 10;
/// Objects that are sent before they are asked for
const CHANNEL: usize = 1024;
/// How many directories are listed at the same time
const AT_ONCE: usize = 4;
/// Nested directories, beyond which links must lead in a circle
const DEPTH: usize = 64;

/// A directory that will be listed
#[derive(Clone, Debug)]
struct Directory {
    location: Path,
    path: Vec<u8>,
    /// The server's identifiers of this directory and those above it (the fact `unique`), as far as known: a link that
    /// leads upwards has one of these
    above: Vec<Vec<u8>>,
    depth: usize,
}

/// The contents of a listing
struct Listed {
    objects: Vec<ObjectMeta>,
    directories: Vec<Directory>,
}

impl Listed {
    /// Removes further entries of the same name: OpenVMS lists all versions of a file, the latest first
    fn drop_duplicates(&mut self) {
        let mut seen = HashSet::new();
        self.objects.retain(|object| seen.insert(object.location.clone()));
        seen.clear();
        self.directories.retain(|directory| seen.insert(directory.location.clone()));
    }
}

/// A request to list a tree
struct Walk {
    inner: Arc<Inner>,
    /// Only objects after this one
    offset: Option<Path>,
    out: Sender<ObjectMeta>,
}

impl Inner {
    pub(crate) fn list(
        self: &Arc<Self>,
        prefix: Option<&Path>,
        offset: Option<&Path>,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let (inner, offset) = (Arc::clone(self), offset.cloned());
        let location = prefix.cloned().unwrap_or_default();
        task::stream(CHANNEL, |out| Arc::new(Walk { inner, offset, out }).all(location))
    }

    pub(crate) async fn list_one(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let directory = self.directory(prefix.cloned().unwrap_or_default());
        let Listed { mut objects, directories } = match self.read(&directory, None).await? {
            Some(listed) => listed,
            None => Listed { objects: Vec::new(), directories: Vec::new() },
        };
        let mut common_prefixes: Vec<Path> =
            directories.into_iter().map(|directory| directory.location).collect();
        common_prefixes.sort_unstable();
        objects.sort_unstable_by(|one, other| one.location.cmp(&other.location));
        Ok(ListResult { common_prefixes, objects })
    }

    fn directory(&self, location: Path) -> Directory {
        let path = self.remote(&location);
        Directory { location, path, above: Vec::new(), depth: 0 }
    }

    /// Lists one directory; `None` if it does not exist
    ///
    /// With `early`, its objects are sent there once there are many; otherwise all of them are returned.
    async fn read(
        &self,
        directory: &Directory,
        early: Option<&Sender<ObjectMeta>>,
    ) -> Result<Option<Listed>> {
        let subject = self.subject("list", &directory.location);
        let given = AtomicU64::new(0);
        let mut left = self.settings.resumptions;
        loop {
            let list = |ftp| self.list_on(ftp, directory, early, &given);
            match self.pool.run(&self.site, list).await {
                Ok(listed) => return listed.map(Some),
                Err(PoolError::Session(error)) if error.is_missing() => {
                    return match self.is_there(directory, &error).await? {
                        true => Err(subject.denied(error)),
                        false => Ok(None),
                    };
                }
                // Nothing of it has been returned yet, so it may start again.
                Err(PoolError::Session(error))
                    if left > 0 && broke(&error) && given.load(Ordering::Relaxed) == 0 =>
                {
                    left -= 1;
                }
                Err(error) => return Err(subject.error(error)),
            }
        }
    }

    /// Whether a directory that could not be entered exists after all: some servers answer the same if it is missing
    async fn is_there(&self, directory: &Directory, refusal: &FtpError) -> Result<bool> {
        let path = &directory.path;
        if path.is_empty() {
            // It is the login directory.
            return Ok(true);
        }
        // One that was in a listing may have been deleted since.
        let was_listed = directory.depth > 0;
        let find = |mut ftp: Lease| async move {
            match was_listed {
                true => kind_in_parent(&mut ftp, path).await.map(|kind| kind.is_some()),
                false => is_closed(&mut ftp, path, refusal).await,
            }
        };
        match self.pool.run(&self.site, find).await {
            Ok(found) => Ok(found),
            Err(PoolError::Session(error)) if error.is_missing() => Ok(false),
            Err(PoolError::Session(error)) if is_refusal(&error) => Ok(was_listed),
            Err(error) => Err(self.subject("list", &directory.location).error(error)),
        }
    }

    /// Lists one directory on a session
    ///
    /// The outer result has errors of the session, the inner one errors in the listing's contents.
    async fn list_on(
        &self,
        mut ftp: Lease,
        directory: &Directory,
        mut early: Option<&Sender<ObjectMeta>>,
        given: &AtomicU64,
    ) -> Result<Result<Listed>, FtpError> {
        let subject = self.subject("list", &directory.location);
        let mut listed = Listed { objects: Vec::new(), directories: Vec::new() };
        // Entries with too little information.
        let mut unclear = Vec::new();
        let mut skipped = Skipped::default();
        let mut lines = Lines::default();
        let mut entries = ftp.read_dir(&*directory.path).await?;
        while let Some(entry) = entries.next().await {
            let entry = entry?;
            lines.take(&entry);
            if name::is_reserved(entry.name()) {
                continue;
            }
            if entry.name().contains(&b'/') {
                return Ok(Err(unsafe_name(subject, &entry)));
            }
            let Some(segment) = name::encoded(entry.name()) else {
                skipped.names += 1;
                continue;
            };
            let Ok(location) = child(&directory.location, &segment) else {
                skipped.names += 1;
                continue;
            };
            match (entry.kind(), entry.size()) {
                (EntryKind::File, Some(size)) => {
                    let version = Version { size, modified: entry_date(&entry) };
                    listed.objects.push(meta(location, version));
                }
                (EntryKind::Dir, _) => match directory.below(&entry, location) {
                    Some(below) if below.depth > DEPTH => return Ok(Err(too_deep(subject))),
                    Some(below) => listed.directories.push(below),
                    None => skipped.links += 1,
                },
                (EntryKind::File | EntryKind::Symlink | EntryKind::Unknown, _) => {
                    unclear.push((entry, location));
                }
                _ => skipped.special += 1,
            }
            if let Some(out) = early.filter(|_| listed.objects.len() >= READ_AHEAD) {
                given.fetch_add(listed.objects.len() as u64, Ordering::Relaxed);
                match self.send_early(out, &mut listed.objects).await {
                    Sent::All => {}
                    // All that follow are kept.
                    Sent::Some => early = None,
                    Sent::ToNobody => return Ok(Ok(listed_nothing())),
                }
            }
        }
        let unknown = entries.unknown_lines() + lines.not_understood();
        let is_open = entries.last_line_is_open();
        drop(entries);
        if unknown > 0 {
            return Ok(Err(not_understood(subject, unknown, is_open)));
        }
        if is_open && !self.is_whole(&mut ftp, directory, &lines).await? {
            return Ok(Err(cut_off(subject, &lines.last.name)));
        }
        for (entry, location) in unclear {
            let mut path = directory.path.clone();
            name::push(&mut path, entry.name());
            match self.look(&mut ftp, &path).await? {
                Found::File(version) => listed.objects.push(meta(location, version)),
                // A bare name may be that of a directory.
                _ if is_bare(&entry) => match is_directory(&mut ftp, &path).await? {
                    true => listed.directories.extend(directory.below(&entry, location)),
                    false => return Ok(Err(no_entry(subject, entry.name()))),
                },
                // It is a link to a directory, or to nothing.
                Found::Missing(_) if entry.kind() != EntryKind::File => skipped.links += 1,
                Found::Refused(_) if entry.kind() == EntryKind::Symlink => skipped.links += 1,
                // It was deleted meanwhile.
                Found::Missing(_) => {}
                Found::Refused(error) => return Ok(Err(subject.error(error))),
                Found::Closed(error) => return Ok(Err(subject.denied(error))),
            }
        }
        self.count(&skipped, &directory.location);
        listed.drop_duplicates();
        Ok(Ok(listed))
    }

    /// Sends objects before their listing is complete; stops if nobody reads them while a task waits for a session,
    /// because that may be the task that should read them
    async fn send_early(&self, out: &Sender<ObjectMeta>, objects: &mut Vec<ObjectMeta>) -> Sent {
        let mut left = std::mem::take(objects).into_iter();
        while left.len() > 0 {
            match timeout(PAUSE, out.reserve()).await {
                Ok(Ok(permit)) => {
                    if let Some(object) = left.next() {
                        permit.send(object);
                    }
                }
                Ok(Err(_)) => return Sent::ToNobody,
                Err(_) if self.somebody_waits() => {
                    objects.extend(left);
                    return Sent::Some;
                }
                Err(_) => {}
            }
        }
        Sent::All
    }

    /// Whether the last entry of a listing is complete although its line has no ending, which some servers leave out
    /// and which is missing, too, if the listing was cut off
    async fn is_whole(
        &self,
        ftp: &mut Lease,
        directory: &Directory,
        lines: &Lines,
    ) -> Result<bool, FtpError> {
        let LastEntry { name, kind, size, is_again } = &lines.last;
        if name.is_empty() {
            return Ok(true);
        }
        let mut path = directory.path.clone();
        name::push(&mut path, name);
        Ok(match kind {
            _ if *is_again => false,
            EntryKind::Dir => is_directory(ftp, &path).await?,
            _ => match self.look(ftp, &path).await? {
                Found::File(version) => size.is_none_or(|size| size == version.size),
                Found::Missing(_) | Found::Refused(_) | Found::Closed(_) => {
                    is_bare_kind(*kind) && is_directory(ftp, &path).await?
                }
            },
        })
    }

    /// Adds what a listing has skipped to the store's counts
    fn count(&self, skipped: &Skipped, location: &Path) {
        let Skipped { names, links, special } = *skipped;
        self.skipped.names.fetch_add(names, Ordering::Relaxed);
        self.skipped.links.fetch_add(links, Ordering::Relaxed);
        self.skipped.special.fetch_add(special, Ordering::Relaxed);
        #[cfg(feature = "tracing")]
        if names + links + special > 0 {
            let server = &self.server;
            tracing::warn!(target: "ftp::store", %server, %location, names, links, special, "left out of a listing");
        }
        #[cfg(not(feature = "tracing"))]
        let _ = location;
    }
}

/// How many of the objects of an incomplete listing were sent
enum Sent {
    All,
    Some,
    ToNobody,
}

/// The entries that one listing skips
#[derive(Debug, Default)]
struct Skipped {
    names: u64,
    links: u64,
    special: u64,
}

/// Whether there is a directory, which is asked by reading it
async fn is_directory(ftp: &mut Lease, path: &[u8]) -> Result<bool, FtpError> {
    let mut entries = match ftp.read_dir(path).await {
        Ok(entries) => entries,
        Err(error) if is_refused_by_server(&error) => return Ok(false),
        Err(error) => return Err(error),
    };
    while let Some(entry) = entries.next().await {
        match entry {
            Ok(_) => {}
            Err(error) if error.is_fatal() => return Err(error),
            // It could be entered.
            Err(_) => break,
        }
    }
    Ok(true)
}

fn listed_nothing() -> Listed {
    Listed { objects: Vec::new(), directories: Vec::new() }
}

fn unsafe_name(subject: Subject<'_>, entry: &OwnedEntry) -> object_store::Error {
    subject.generic(format!(
        "the listing contains the name {}, which leads out of its directory",
        entry.name().escape_ascii()
    ))
}

fn cut_off(subject: Subject<'_>, name: &[u8]) -> object_store::Error {
    subject.generic(format!(
        "the last line of the listing has no ending, and the server does not confirm its entry {}: it was cut off",
        name.escape_ascii()
    ))
}

fn not_understood(subject: Subject<'_>, unknown: u64, is_open: bool) -> object_store::Error {
    let lines = match unknown {
        // In MLSD this is the reason why it is not understood.
        1 if is_open => {
            "one line of the listing is not understood or was cut off: the last one has no ending"
                .into()
        }
        1 => "one line of the listing is not understood".into(),
        _ => format!("{unknown} lines of the listing are not understood"),
    };
    subject.generic(format!("{lines}, so objects may be missing from it"))
}

fn no_entry(subject: Subject<'_>, line: &[u8]) -> object_store::Error {
    subject.generic(format!(
        "the listing contains the line {}, which is neither a file nor a directory",
        line.escape_ascii()
    ))
}

fn too_deep(subject: Subject<'_>) -> object_store::Error {
    subject.generic(format!("more than {DEPTH} nested directories; a link may form a loop"))
}

fn child(location: &Path, segment: &str) -> Result<Path, object_store::path::Error> {
    match location.is_root() {
        true => Path::parse(segment),
        false => Path::parse(format!("{location}/{segment}")),
    }
}

impl Directory {
    /// A directory in this one; `None` if a link leads to this one or one above
    fn below(&self, entry: &OwnedEntry, location: Path) -> Option<Self> {
        let mut above = self.above.clone();
        if let Some(unique) = entry.entry().facts.get("unique") {
            if above.iter().any(|known| known == unique) {
                return None;
            }
            above.push(unique.to_vec());
        }
        let mut path = self.path.clone();
        name::push(&mut path, entry.name());
        Some(Self { location, path, above, depth: self.depth + 1 })
    }
}

impl Walk {
    /// Lists a directory and everything below it
    async fn all(self: Arc<Self>, location: Path) -> Result<()> {
        let mut pending = vec![self.inner.directory(location)];
        // Each listing runs in a task, so that none holds a session while the stream is not polled.
        let mut running = JoinSet::new();
        loop {
            while running.len() < AT_ONCE {
                let Some(directory) = pending.pop() else { break };
                let this = Arc::clone(&self);
                running.spawn(async move { this.one(directory).await });
            }
            match running.join_next().await {
                None => return Ok(()),
                Some(Ok(found)) => pending.extend(found?),
                Some(Err(error)) => {
                    return Err(object_store::Error::Generic {
                        store: STORE,
                        source: error.into(),
                    });
                }
            }
        }
    }

    /// Sends the objects of a directory; returns the directories in it
    async fn one(&self, directory: Directory) -> Result<Vec<Directory>> {
        let offset = self.offset.as_ref();
        // Objects after the offset must be selected first, so none are sent early.
        let early = Some(&self.out).filter(|_| offset.is_none());
        let Some(Listed { objects, mut directories }) = self.inner.read(&directory, early).await?
        else {
            return Ok(Vec::new());
        };
        for object in objects {
            if offset.is_some_and(|offset| object.location <= *offset) {
                continue;
            }
            if self.out.send(object).await.is_err() {
                return Ok(Vec::new());
            }
        }
        if let Some(offset) = offset {
            directories.retain(|directory| !is_before(&directory.location, offset));
        }
        Ok(directories)
    }
}

/// Whether all objects in a directory come before this one
fn is_before(directory: &Path, offset: &Path) -> bool {
    // `0` follows `/`.
    *format!("{directory}0") <= *offset.as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_before_an_offset() {
        let before = |directory: &str, offset: &str| {
            is_before(&Path::parse(directory).unwrap(), &Path::parse(offset).unwrap())
        };
        assert!(before("a", "b"));
        assert!(before("a", "aa"));
        assert!(before("a/b", "a/c"));
        assert!(!before("a", "a"));
        assert!(!before("a", "a/z"));
        assert!(!before("a", "a.file"));
        assert!(!before("b", "a"));
    }
}
