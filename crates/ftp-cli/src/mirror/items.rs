//! Converts the entries of a server's listing to items of a plan

use ftp_blocking::{EntryKind, OwnedEntry};
use ftp_proto::listing::{Modified, Precision, Zone};

use crate::plan::{Item, Kind, Stamp};

pub(super) fn item(entry: &OwnedEntry) -> Item {
    let kind = match entry.kind() {
        // If the server lists only names, most of them are files.
        EntryKind::File | EntryKind::Unknown => Kind::File,
        EntryKind::Dir => Kind::Dir,
        EntryKind::Symlink => Kind::Link,
        _ => Kind::Other,
    };
    let identity = entry.entry().facts.get("unique").filter(|_| kind == Kind::Dir);
    Item {
        name: entry.name().into(),
        kind,
        size: entry.size().filter(|_| kind == Kind::File),
        time: entry.modified().and_then(stamp),
        is_exact: entry.modified().is_some_and(|modified| is_exact(&modified)),
        identity: identity.map(Into::into),
        mode: entry.entry().permissions.map(|permissions| u32::from(permissions.mode())),
        is_linked: false,
    }
}

/// Converts a listed time; one in an unknown zone counts as UTC, so that all runs agree
pub(crate) fn stamp(modified: Modified) -> Option<Stamp> {
    let Modified::At { time, precision, .. } = modified else { return None };
    let unit = match precision {
        Precision::Day => 24 * 60 * 60,
        Precision::Minute => 60,
        _ => 1,
    };
    Some(Stamp::new(time.to_unix(), unit))
}

/// Whether a time is in UTC and to the second, as MDTM and MLST report it
fn is_exact(modified: &Modified) -> bool {
    matches!(modified, Modified::At { zone: Zone::Utc, precision, .. } if *precision >= Precision::Second)
}
