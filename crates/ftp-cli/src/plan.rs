//! Plans a mirror: compares two trees according to a policy, and returns the steps to take; no I/O
//!
//! The caller lists the directories, in any order: [`Plan::next`] returns one to list, [`Plan::listed`] takes its
//! listings of both sides and returns the steps and the subdirectories, and [`Plan::enter`] queues those. Therefore
//! only the directories that are still to be listed are in memory, not the trees. The items to delete are collected,
//! and returned at the end by [`Plan::deletions`].

mod directory;
mod filter;
mod stored;
#[cfg(test)]
mod tests;
mod tree;

use std::collections::BTreeSet;
use std::sync::Arc;

use ftp_proto::LocalRules;

pub(crate) use filter::{Age, Ages, Filter, Rule, Sizes};
pub(crate) use tree::{Item, Kind, Listing, Shown, Stamp};

/// Maximum number of levels of directories, as in `find`; deeper ones are taken for a loop that can't be detected otherwise
pub(crate) const MAX_DEPTH: usize = 100;

/// What is said of deeper directories
pub(crate) const TOO_DEEP: &str = "lies too deep; is this a loop?";

/// Maximum number of symbolic links followed in one path; more are taken for a loop that can't be detected otherwise
const MAX_LINKS: usize = 8;

/// The direction of a mirror
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From the server
    Down,
    /// To the server
    Up,
}

/// When a file that both sides have is transferred again
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compare {
    /// If size or time differ, as far as they are known
    SizeAndTime,
    /// If the size differs
    Size,
    /// If the source is newer
    Newer,
    /// Never
    Missing,
    /// If the content differs; the caller compares it: [`Step::Check`]
    Content,
}

/// What a mirror is asked to do
#[derive(Debug)]
pub(crate) struct Policy {
    pub(crate) direction: Direction,
    pub(crate) compare: Compare,
    /// Whether items that only the target has are deleted
    pub(crate) delete: bool,
    /// Maximum number of items to delete; if there are more, none is deleted
    pub(crate) max_delete: Option<u64>,
    pub(crate) filter: Filter,
    /// Which names are valid on the target
    pub(crate) names: LocalRules,
    /// The suffix of the names of incomplete files; `None` if they have their final names
    pub(crate) suffix: Option<String>,
}

/// A directory to list
#[derive(Clone, Debug)]
pub(crate) struct Directory {
    /// The path relative to both roots, with `/` between names; empty for the root
    pub(crate) path: Vec<u8>,
    /// Whether the source has it
    pub(crate) in_source: bool,
    /// Whether the target has it
    pub(crate) in_target: bool,
    /// Whether it is created even if no file in it is transferred
    is_wanted: bool,
    above: Option<Arc<Above>>,
    depth: usize,
    /// The number of symbolic links in its path
    links: usize,
}

/// The chain of parent directories that the server identifies, to detect loops
#[derive(Debug)]
struct Above {
    identity: Box<[u8]>,
    above: Option<Arc<Self>>,
}

/// A step of a plan
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A directory that the target lacks; precedes all steps in it
    MakeDirectory {
        path: Vec<u8>,
        /// Whether its parent directories may be missing as well
        with_parents: bool,
    },
    /// A file that the target lacks or has in another version
    Transfer(File),
    /// A file whose content must be compared, and that is transferred if it differs
    Check(File),
    /// A file that is up to date
    Keep(File),
    /// An item that is left out without a failure
    LeaveOut { path: Vec<u8>, reason: &'static str },
    /// An item that only the target has, and that stays although such items are deleted
    Spare { path: Vec<u8>, reason: String },
    /// An item that can't be mirrored, which is a failure
    Refuse { path: Vec<u8>, reason: String },
    /// A directory below [`MAX_DEPTH`] levels, which is a failure
    TooDeep { path: Vec<u8> },
}

/// A file of the source
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct File {
    pub(crate) path: Vec<u8>,
    pub(crate) size: Option<u64>,
    pub(crate) time: Option<Stamp>,
    /// Whether the time is what a request about this file would report: UTC, to the second
    pub(crate) is_exact: bool,
    /// Whether the target has a part of the file that an earlier run left
    pub(crate) is_begun: bool,
    /// Whether the target has a file of this name
    pub(crate) is_there: bool,
    /// The permissions, if known
    pub(crate) mode: Option<u32>,
}

/// An item that only the target has
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Doomed {
    pub(crate) path: Vec<u8>,
    pub(crate) is_directory: bool,
}

/// The result of listing a directory
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The steps in the directory, in order
    pub(crate) steps: Vec<Step>,
    /// The subdirectories, for [`Plan::enter`] once the directory exists on the target
    pub(crate) directories: Vec<Directory>,
}

/// Error: the number of items to delete, which is more than the policy allows
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooMany(pub(crate) u64);

/// A mirror in progress
#[derive(Debug)]
pub(crate) struct Plan {
    policy: Policy,
    /// Directories to list; the last one is listed next
    open: Vec<Directory>,
    doomed: Vec<Doomed>,
    /// Directories that must not be deleted because something in them is kept, or could not be listed
    spared: BTreeSet<Vec<u8>>,
    stored: stored::Stored,
}

impl Plan {
    /// Creates a plan for two root directories; the source exists, and `target_exists` says whether the target does
    pub(crate) fn new(policy: Policy, target_exists: bool) -> Self {
        let root = Directory {
            path: Vec::new(),
            in_source: true,
            in_target: target_exists,
            is_wanted: true,
            above: None,
            depth: 0,
            links: 0,
        };
        Self {
            policy,
            open: vec![root],
            doomed: Vec::new(),
            spared: BTreeSet::new(),
            stored: stored::Stored::default(),
        }
    }

    /// Returns the next directory to list on the sides that have it; several can be listed at the same time
    pub(crate) fn next(&mut self) -> Option<Directory> {
        self.open.pop()
    }

    /// Whether [`Self::next`] would return a directory
    pub(crate) fn has_next(&self) -> bool {
        !self.open.is_empty()
    }

    /// Whether the filter selects every file
    pub(crate) fn takes_all(&self) -> bool {
        self.policy.filter.takes_all()
    }

    /// Queues further directories to list
    pub(crate) fn enter(&mut self, directories: Vec<Directory>) {
        self.open.extend(directories);
    }

    /// Notes that a directory could not be listed or created, so that nothing in it is deleted
    pub(crate) fn unreadable(&mut self, directory: &Directory) {
        self.spare(&directory.path);
    }

    /// Prevents the deletion of a directory and of its parents
    fn spare(&mut self, path: &[u8]) {
        let mut path = path;
        while !path.is_empty() && self.spared.insert(path.to_vec()) {
            path = parent(path);
        }
    }

    /// Returns the items to delete, each before its directory
    ///
    /// To be called after all steps have been carried out without a failure.
    pub(crate) fn deletions(&mut self) -> Result<Vec<Doomed>, TooMany> {
        let mut doomed = std::mem::take(&mut self.doomed);
        doomed.retain(|doomed| !self.spared.contains(&doomed.path));
        // In reverse order, since a directory sorts before everything in it.
        doomed.sort_unstable_by(|one, other| other.cmp(one));
        match self.policy.max_delete {
            Some(most) if doomed.len() as u64 > most => Err(TooMany(doomed.len() as u64)),
            _ => Ok(doomed),
        }
    }
}

/// Joins a directory and a name; the path of the root is empty
pub(crate) fn below(directory: &[u8], name: &[u8]) -> Vec<u8> {
    match directory {
        b"" => name.to_vec(),
        directory => [directory, b"/", name].concat(),
    }
}

fn parent(path: &[u8]) -> &[u8] {
    path.iter().rposition(|byte| *byte == b'/').map_or(&[], |at| &path[..at])
}

/// Returns the directories that contain a path, the root last
fn above(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    let paths = std::iter::successors(Some(path), |path| {
        let path: &[u8] = path;
        (!path.is_empty()).then(|| parent(path))
    });
    paths.skip(1)
}

/// Whether a path is in one of these directories, at any depth; everything is in the root
pub(crate) fn is_below(path: &[u8], directories: &BTreeSet<Vec<u8>>) -> bool {
    above(path).any(|path| directories.contains(path))
}
