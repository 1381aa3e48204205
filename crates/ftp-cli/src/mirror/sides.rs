//! Lists, creates and deletes in the two directories of a mirror

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ftp_blocking::{Client, EntryKind, ReadDir, UtcOffset};
use ftp_proto::listing::{Modified, Precision, Zone};
use ftp_session::{Error, timestamp};

use super::items::item;
use super::links;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::listing::bounded;
use crate::location::{join, local_name};
use crate::look::known;
use crate::ordinary::is_link;
use crate::plan::{Direction, Directory, Item, Kind, Listing, Shown, Stamp};
use crate::pool::{Lease, Pool};

/// The two directories of a mirror: a local one, and one on the server
#[derive(Debug)]
pub(crate) struct Sides {
    pub(crate) direction: Direction,
    pub(crate) local: PathBuf,
    pub(crate) remote: Vec<u8>,
    /// Whether symbolic links of the source are followed
    pub(crate) follow: bool,
}

impl Sides {
    /// Whether the target may exist; on the server, only listing it shows whether it does
    pub(super) fn target_may_exist(&self) -> bool {
        match self.direction {
            Direction::Down => self.local.exists(),
            Direction::Up => true,
        }
    }

    /// Checks that the local directory can be mirrored
    pub(super) fn check(&self) -> Result<(), Failure> {
        let metadata = match fs::metadata(&self.local) {
            Ok(metadata) => metadata,
            Err(error)
                if error.kind() == io::ErrorKind::NotFound && self.direction == Direction::Down =>
            {
                return Ok(());
            }
            Err(error) => return Err(Failure::local(&self.local, &error)),
        };
        match metadata.is_dir() {
            true => Ok(()),
            false => Err(Failure::new(Exit::Local, "is not a directory")
                .about(crate::show::path(&self.local))),
        }
    }

    /// Returns the local path of an item; an error if no local file can have this name
    pub(super) fn local_path(&self, path: &[u8]) -> Result<PathBuf, Failure> {
        if path.is_empty() {
            return Ok(self.local.clone());
        }
        local_name(path).map(|name| self.local.join(name)).ok_or_else(|| {
            Failure::new(Exit::Local, "is no name of a local file").about(crate::show::bytes(path))
        })
    }

    /// Checks that nothing on the local way to an item has become a symbolic link since it was listed, which may be
    /// hours ago: behind a link, another directory would be changed, or another file sent
    ///
    /// The item itself may be a link in the target, where it is replaced or deleted, but not in the source.
    pub(super) fn check_way(&self, path: &[u8]) -> Result<(), Failure> {
        let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(end, _)| end);
        let item = match self.direction {
            Direction::Down => None,
            Direction::Up if self.follow => return Ok(()),
            Direction::Up => Some(path.len()),
        };
        for end in ends.chain(item) {
            let local = self.local_path(&path[..end])?;
            if is_link(&local) {
                let text = "has become a symbolic link during this run";
                return Err(Failure::new(Exit::Local, text).about(crate::show::path(&local)));
            }
        }
        Ok(())
    }

    /// Lists a directory of the source and of the target; `None` if that side does not have it
    pub(super) fn list(
        &self,
        lease: &mut Lease<'_>,
        pool: &Pool,
        directory: &Directory,
    ) -> Result<(Option<Listing>, Option<Listing>), Failure> {
        let (on_server, here) = match self.direction {
            Direction::Down => (directory.in_source, directory.in_target),
            Direction::Up => (directory.in_target, directory.in_source),
        };
        let mut here = match here {
            true => Some(list_local(&self.local_path(&directory.path)?)?),
            false => None,
        };
        let dot_names = match (self.direction, &here) {
            (Direction::Up, Some(here)) => self.dot_names(here),
            _ => BTreeSet::new(),
        };
        let mut there = match on_server {
            true => self.list_remote(lease, pool, directory, &dot_names)?,
            false => None,
        };
        if self.follow {
            match (self.direction, &mut here, &mut there) {
                (Direction::Down, _, Some(there)) => links::follow_remote(
                    lease,
                    &join(&self.remote, &directory.path),
                    &mut there.items,
                )?,
                (Direction::Up, Some(here), _) => {
                    links::follow_local(&self.local_path(&directory.path)?, &mut here.items);
                }
                _ => {}
            }
        }
        Ok(match self.direction {
            Direction::Down => (there, here),
            Direction::Up => (here, there),
        })
    }

    /// Returns the names of a source that a listing of the target may lack although the target has them
    fn dot_names(&self, source: &Listing) -> BTreeSet<Box<[u8]>> {
        let is_mirrored = |item: &&Item| match item.kind {
            Kind::File | Kind::Dir => item.name.starts_with(b"."),
            Kind::Link => self.follow && item.name.starts_with(b"."),
            Kind::Other => false,
        };
        source.items.iter().filter(is_mirrored).map(|item| item.name.clone()).collect()
    }

    fn list_remote(
        &self,
        lease: &mut Lease<'_>,
        pool: &Pool,
        directory: &Directory,
        dot_names: &BTreeSet<Box<[u8]>>,
    ) -> Result<Option<Listing>, Failure> {
        let path = join(&self.remote, &directory.path);
        let is_root = directory.path.is_empty();
        let side = match (self.direction, directory.in_source) {
            (Direction::Down, _) => Side::Source,
            (Direction::Up, true) => Side::Target,
            (Direction::Up, false) => Side::OnlyInTarget,
        };
        let result = lease.request(|client| {
            client.set_utc_offset(pool.utc_offset());
            let (listing, local_time) = list_remote(client, &path, side, dot_names)?;
            let Some((name, listed)) = local_time.filter(|_| is_root) else { return Ok(listing) };
            match learn_utc_offset(client, &join(&path, &name), listed)? {
                None => Ok(listing),
                offset => {
                    pool.set_utc_offset(offset);
                    client.set_utc_offset(offset);
                    Ok(list_remote(client, &path, side, dot_names)?.0)
                }
            }
        });
        match result {
            Ok(listing) => Ok(Some(listing)),
            // The target of an upload is created later.
            Err(failure) if is_root && self.direction == Direction::Up && failure.is_missing() => {
                Ok(None)
            }
            Err(failure) => Err(failure),
        }
    }

    /// Returns those of these names that a listing of a directory on the server lacks, without names that it may hide
    pub(super) fn not_shown(
        &self,
        lease: &mut Lease<'_>,
        directory: &[u8],
        mut names: BTreeSet<Vec<u8>>,
    ) -> Result<BTreeSet<Vec<u8>>, Failure> {
        let path = join(&self.remote, directory);
        let Listed { listing, .. } = lease.request(|client| list_by(client, &*path))?;
        for item in &listing.items {
            names.remove(&*item.name);
        }
        if listing.shown == Shown::AllButDotNames {
            names.retain(|name| !name.starts_with(b"."));
        }
        Ok(names)
    }

    /// Creates a directory on the target, with its parents
    pub(super) fn make_directory(&self, lease: &mut Lease<'_>, path: &[u8]) -> Result<(), Failure> {
        match self.direction {
            Direction::Down => {
                self.check_way(path)?;
                let local = self.local_path(path)?;
                fs::create_dir_all(&local).map_err(|error| Failure::local(&local, &error))
            }
            Direction::Up => {
                let remote = join(&self.remote, path);
                lease.request(|client| client.create_dir_all(&remote).map(|_| ()))
            }
        }
    }

    /// Deletes an item on the target
    pub(super) fn delete(
        &self,
        lease: &mut Lease<'_>,
        path: &[u8],
        is_directory: bool,
    ) -> Result<(), Failure> {
        match self.direction {
            Direction::Down => {
                self.check_way(path)?;
                let local = self.local_path(path)?;
                let result = match is_directory || is_link_to_directory(&local) {
                    true => fs::remove_dir(&local),
                    false => fs::remove_file(&local),
                };
                result.map_err(|error| Failure::local(&local, &error))
            }
            Direction::Up => {
                let remote = join(&self.remote, path);
                lease.request(|client| {
                    match is_directory {
                        true => client.rmdir(&remote),
                        false => client.delete(&remote),
                    }
                    .map(|_| ())
                })
            }
        }
    }
}

/// Whether a link must be removed like a directory, as Windows requires for links to directories
#[cfg(windows)]
fn is_link_to_directory(path: &Path) -> bool {
    use std::os::windows::fs::FileTypeExt as _;
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.file_type().is_symlink_dir())
}

#[cfg(not(windows))]
const fn is_link_to_directory(_: &Path) -> bool {
    false
}

fn list_local(path: &Path) -> Result<Listing, Failure> {
    let failure = |error: &io::Error| Failure::local(path, error);
    let mut listing = Listing { items: Vec::new(), shown: Shown::All };
    for entry in fs::read_dir(path).map_err(|error| failure(&error))? {
        let entry = entry.map_err(|error| failure(&error))?;
        // This does not follow links.
        let metadata = match entry.metadata() {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(Failure::local(&entry.path(), &error)),
        };
        let kind = match metadata.file_type() {
            kind if kind.is_file() => Kind::File,
            kind if kind.is_dir() => Kind::Dir,
            kind if kind.is_symlink() => Kind::Link,
            _ => Kind::Other,
        };
        let modified = metadata.modified().ok().and_then(timestamp);
        listing.items.push(Item {
            name: crate::show::os_bytes(&entry.file_name()).into(),
            kind,
            size: (kind == Kind::File).then_some(metadata.len()),
            time: modified.map(|time| Stamp::new(time.to_unix(), 1)),
            is_exact: true,
            identity: None,
            mode: None,
            is_linked: false,
        });
    }
    Ok(listing)
}

/// Which side of a mirror has a directory on the server
#[derive(Clone, Copy)]
enum Side {
    Source,
    Target,
    /// The target, and the source has no such directory
    OnlyInTarget,
}

/// A file's name, and its time in the server's unknown time zone
type LocalTime = (Vec<u8>, Modified);

/// Lists a directory, and finds the items of these names that begin with a dot even if LIST leaves them out; also returns
/// a file whose time is in the server's unknown time zone, to learn that zone
fn list_remote(
    client: &mut Client,
    path: &[u8],
    side: Side,
    dot_names: &BTreeSet<Box<[u8]>>,
) -> Result<(Listing, Option<LocalTime>), Error> {
    let Listed { mut listing, mut local_time, is_by_mlsd } = list_by(client, path)?;
    if listing.shown == Shown::AllButDotNames && !dot_names.is_empty() {
        // Refused by servers without options: they have no dot names that LIST leaves out.
        if let Some(all) = known(list_by(client, ReadDir::all(path)))? {
            // No other items: what the source does not have must stay as hidden from --delete as without this listing.
            let items = all.listing.items.into_iter();
            listing.items.extend(items.filter(|item| dot_names.contains(&item.name)));
            local_time = local_time.or(all.local_time);
        }
    }
    let may_have_links = match side {
        Side::Source => false,
        // What is behind links of the target must not be overwritten or deleted.
        Side::Target => listing.items.iter().any(|item| item.kind == Kind::Dir),
        // It can be deleted only without the links in it.
        Side::OnlyInTarget => true,
    };
    if is_by_mlsd && may_have_links {
        links::reveal(client, path, &mut listing.items)?;
    }
    Ok((listing, local_time))
}

/// The content of a directory on the server, where MLSD of some servers shows links as what they lead to
struct Listed {
    listing: Listing,
    local_time: Option<LocalTime>,
    is_by_mlsd: bool,
}

fn list_by(client: &mut Client, request: impl Into<ReadDir>) -> Result<Listed, Error> {
    let mut listing = Listing::default();
    let mut local_time = None;
    let mut entries = client.read_dir(request)?;
    let mut has_facts = true;
    for entry in bounded(entries.by_ref()) {
        let entry = entry?;
        has_facts &= entry.entry().facts.iter().next().is_some();
        let modified = entry.modified().filter(is_of_servers_clock);
        if let (EntryKind::File, Some(modified), None) = (entry.kind(), modified, &local_time) {
            local_time = Some((entry.name().to_vec(), modified));
        }
        listing.items.push(item(&entry));
    }
    listing.shown = match entries.unknown_lines() {
        0 if entries.may_lack_dot_names() => Shown::AllButDotNames,
        0 => Shown::All,
        _ => Shown::Some,
    };
    drop(entries);
    let is_by_mlsd = has_facts && client.features().is_some_and(|features| features.has("MLST"));
    Ok(Listed { listing, local_time, is_by_mlsd })
}

/// Whether a time is in the server's unknown zone, and precise enough to learn the zone from it
fn is_of_servers_clock(modified: &Modified) -> bool {
    matches!(modified, Modified::At { zone: Zone::Server, precision, .. } if *precision >= Precision::Minute)
}

/// Requests a file's time with MDTM, which is in UTC, to learn the time zone of the listing
fn learn_utc_offset(
    client: &mut Client,
    path: &[u8],
    listed: Modified,
) -> Result<Option<UtcOffset>, Error> {
    match client.mdtm(path) {
        Ok(time) => Ok(UtcOffset::learn(listed, time)),
        Err(error) if error.is_fatal() => Err(error),
        Err(_) => Ok(None),
    }
}
