//! Symbolic links: those of the source are followed with `--follow`, those of the target are recognized

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use ftp_blocking::{Client, EntryKind, OwnedEntry, ReadDir};
use ftp_session::{Error, timestamp};

use super::items::item;
use crate::failure::Failure;
use crate::listing::bounded;
use crate::location::{join, local_name};
use crate::look::known;
use crate::plan::{Item, Kind, Stamp};
use crate::pool::Lease;

/// Replaces local links by their targets; a broken link stays a link
pub(super) fn follow_local(folder: &Path, items: &mut [Item]) {
    for item in items.iter_mut().filter(|item| item.kind == Kind::Link) {
        let Some(path) = local_name(&item.name).map(|name| folder.join(name)) else {
            continue;
        };
        let Ok(metadata) = fs::metadata(&path) else { continue };
        let kind = match metadata.file_type() {
            kind if kind.is_file() => Kind::File,
            kind if kind.is_dir() && !leads_back(folder, &path) => Kind::Dir,
            _ => continue,
        };
        item.kind = kind;
        item.is_linked = true;
        item.size = (kind == Kind::File).then_some(metadata.len());
        let modified = metadata.modified().ok().and_then(timestamp);
        item.time = modified.map(|time| Stamp::new(time.to_unix(), 1));
    }
}

/// Whether a link's target is the directory that contains the link, or a parent of it
fn leads_back(folder: &Path, link: &Path) -> bool {
    match (fs::canonicalize(folder), fs::canonicalize(link)) {
        (Ok(folder), Ok(target)) => folder.starts_with(target),
        _ => true,
    }
}

/// Replaces links on the server by their targets; a broken link stays a link
pub(super) fn follow_remote(
    lease: &mut Lease<'_>,
    folder: &[u8],
    items: &mut [Item],
) -> Result<(), Failure> {
    for item in items.iter_mut().filter(|item| item.kind == Kind::Link) {
        let path = join(folder, &item.name);
        // A name that can't be sent in a command is refused later, with other invalid names.
        if path.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
            continue;
        }
        lease.request(|client| look(client, folder, &path, item))?;
    }
    Ok(())
}

fn look(client: &mut Client, folder: &[u8], path: &[u8], item: &mut Item) -> Result<(), Error> {
    if let Some(size) = known(client.size(path))? {
        item.kind = Kind::File;
        item.is_linked = true;
        item.size = Some(size);
        item.time = known(client.mdtm(path))?.map(|time| Stamp::new(time.to_unix(), 1));
        item.is_exact = true;
        item.mode = None;
        return Ok(());
    }
    // Some servers resolve links in the reply to PWD. On others, the maximum number of links in a path ends a loop.
    let Some(here) = known(client.canonicalize(folder))? else { return Ok(()) };
    let Some(there) = known(client.canonicalize(path))? else { return Ok(()) };
    if !is_in(&here, &there) {
        item.kind = Kind::Dir;
        item.is_linked = true;
    }
    Ok(())
}

/// Whether a directory is the other one, or is inside it
fn is_in(path: &[u8], other: &[u8]) -> bool {
    let other = other.strip_suffix(b"/").unwrap_or(other);
    path.strip_prefix(other).is_some_and(|rest| matches!(rest, [] | [b'/', ..]))
}

/// Makes links of what is not known to be a directory, in a listing of MLSD, where some servers show a link as the
/// directory to which it leads
///
/// LIST shows links as such. What LIST does not show is a directory if the server reports its path as that of `folder` plus
/// its name: in a link, most servers report the path of the target.
///
/// Links that only LIST shows are added: MLSD of ProFTPD and pyftpdlib leaves out those that lead nowhere.
pub(super) fn reveal(
    client: &mut Client,
    folder: &[u8],
    items: &mut Vec<Item>,
) -> Result<(), Error> {
    let listed =
        client.read_dir(ReadDir::long(folder)).and_then(|entries| bounded(entries).collect());
    let listed: Vec<OwnedEntry> = known(listed)?.unwrap_or_default();
    let by_mlsd: BTreeSet<_> = items.iter().map(|item| item.name.clone()).collect();
    let is_link = |entry: &&OwnedEntry| entry.kind() == EntryKind::Symlink;
    let links = listed.iter().filter(is_link).filter(|link| !by_mlsd.contains(link.name()));
    items.extend(links.map(item));
    let listed: BTreeMap<_, _> = listed.iter().map(|entry| (entry.name(), entry.kind())).collect();
    for item in items.iter_mut().filter(|item| item.kind == Kind::Dir) {
        let is_directory = match listed.get(&*item.name) {
            Some(EntryKind::Dir) => true,
            Some(EntryKind::Unknown) | None => is_own_place(client, folder, &item.name)?,
            Some(_) => false,
        };
        if !is_directory {
            item.kind = Kind::Link;
        }
    }
    Ok(())
}

/// Whether the server reports the path of a directory as that of `folder` plus its name
fn is_own_place(client: &mut Client, folder: &[u8], name: &[u8]) -> Result<bool, Error> {
    let Some(here) = known(client.canonicalize(folder))? else { return Ok(false) };
    let there = known(client.canonicalize(join(folder, name)))?;
    Ok(there.is_some_and(|there| there == join(&here, name)))
}

#[cfg(test)]
mod tests {
    #[test]
    fn directories_are_in_themselves_and_those_above() {
        for (path, other, is_in) in [
            ("/a/b", "/a/b", true),
            ("/a/b", "/a", true),
            ("/a/b", "/", true),
            ("/a/b", "/a/", true),
            ("/a/b", "/a/b/c", false),
            ("/ab", "/a", false),
        ] {
            assert_eq!(super::is_in(path.as_bytes(), other.as_bytes()), is_in, "{path} {other}");
        }
    }
}
