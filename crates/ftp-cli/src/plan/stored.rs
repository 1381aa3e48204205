//! What an upload has stored, and under which names: a server may choose other names than those it was given
//!
//! The next run would take a file with such a name for one that only the target has.

use std::collections::{BTreeMap, BTreeSet};

use super::{Direction, Doomed, Plan, above, parent};

/// The names that listings must show before anything in their directories is deleted
#[derive(Debug, Default)]
pub(super) struct Stored {
    /// The directories that have items to delete
    dooming: BTreeSet<Vec<u8>>,
    /// The names that this run has stored, by directory
    names: BTreeMap<Vec<u8>, BTreeSet<Vec<u8>>>,
}

impl Stored {
    pub(super) fn dooms_in(&mut self, directory: &[u8]) {
        if !self.dooming.contains(directory) {
            self.dooming.insert(directory.to_vec());
        }
    }

    fn add(&mut self, path: &[u8]) {
        let directory = parent(path);
        let name = path.strip_prefix(directory).unwrap_or(path);
        let name = name.strip_prefix(b"/").unwrap_or(name);
        self.names.entry(directory.to_vec()).or_default().insert(name.to_vec());
    }
}

impl Plan {
    /// Notes that a file has been transferred
    pub(crate) fn transferred(&mut self, path: &[u8]) {
        // A directory is listed before files are transferred into it. The other names are not needed.
        if self.stored.dooming.contains(parent(path)) {
            self.stored.add(path);
        }
    }

    /// Notes that a directory has been made, perhaps with those above it
    pub(crate) fn made(&mut self, path: &[u8], with_parents: bool) {
        if !self.policy.delete || self.policy.direction == Direction::Down {
            return;
        }
        let others = above(path).filter(|_| with_parents);
        for path in std::iter::once(path).chain(others).filter(|path| !path.is_empty()) {
            self.stored.add(path);
        }
    }

    /// Returns the names that were stored in directories above these items
    pub(crate) fn stored_above(
        &mut self,
        doomed: &[Doomed],
    ) -> BTreeMap<Vec<u8>, BTreeSet<Vec<u8>>> {
        let directories: BTreeSet<&[u8]> =
            doomed.iter().flat_map(|doomed| above(&doomed.path)).collect();
        let mut names = std::mem::take(&mut self.stored.names);
        names.retain(|directory, _| directories.contains(&**directory));
        names
    }
}
