//! The plan of a mirror: two trees and a policy in, steps out; no I/O
//!
//! Directories are listed by the caller, one at a time and in any order: [`Plan::next`] names one, [`Plan::listed`] takes
//! what is in it on both sides and gives the steps, and the directories below, which [`Plan::enter`] takes back. So memory holds the directories that are still to be listed, not the
//! trees. What is to be deleted is collected, and handed out at the end.

mod directory;
mod filter;
#[cfg(test)]
mod tests;
mod tree;

use std::collections::BTreeSet;
use std::sync::Arc;

use ftp_proto::LocalRules;

pub(crate) use filter::{Age, Ages, Filter, Rule, Sizes};
pub(crate) use tree::{Item, Kind, Listing, Stamp};

/// Directories below each other that are entered: deeper ones are loops that nothing else shows
pub(crate) const MAX_DEPTH: usize = 128;

/// Symbolic links in one path that are followed: more are loops that nothing else shows
const MAX_LINKS: usize = 8;

/// Where files go
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From the server
    Down,
    /// To the server
    Up,
}

/// When a file that is on both sides is transferred again
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
    /// If the content differs, which the caller finds out: [`Step::Check`]
    Content,
}

/// What a mirror is asked to do
#[derive(Debug)]
pub(crate) struct Policy {
    pub(crate) direction: Direction,
    pub(crate) compare: Compare,
    /// Whether items that only the target has are deleted
    pub(crate) delete: bool,
    /// The most items that are deleted
    pub(crate) max_delete: Option<u64>,
    pub(crate) filter: Filter,
    /// Which names the target can have
    pub(crate) names: LocalRules,
    /// End of the names of incomplete files; `None`: they have their final names
    pub(crate) suffix: Option<String>,
}

/// A directory to list
#[derive(Clone, Debug)]
pub(crate) struct Directory {
    /// Relative to both roots, with `/` between names; empty: the root
    pub(crate) path: Vec<u8>,
    /// Whether the source has it
    pub(crate) in_source: bool,
    /// Whether the target has it
    pub(crate) in_target: bool,
    /// Whether it is created even if it stays empty
    is_wanted: bool,
    above: Option<Arc<Above>>,
    depth: usize,
    /// Symbolic links that its path leads through
    links: usize,
}

/// The parents of a directory, as far as the server identifies them
#[derive(Debug)]
struct Above {
    identity: Box<[u8]>,
    above: Option<Arc<Self>>,
}

/// A step of a plan
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The target lacks this directory; comes before everything in it
    MakeDirectory {
        path: Vec<u8>,
        /// Whether those that it is in may be missing as well
        with_parents: bool,
    },
    /// A file that the target lacks or has in another version
    Transfer(File),
    /// A file whose content is to be compared, and transferred if it differs
    Check(File),
    /// A file that is up to date
    Keep(File),
    /// An item that is left out, which is no failure
    LeaveOut { path: Vec<u8>, reason: &'static str },
    /// An item that can't be mirrored
    Refuse { path: Vec<u8>, reason: String },
}

/// A file of the source
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct File {
    pub(crate) path: Vec<u8>,
    pub(crate) size: Option<u64>,
    pub(crate) time: Option<Stamp>,
    /// Whether an earlier run has left a part of it on the target
    pub(crate) is_begun: bool,
    /// Whether the target has a file of this name
    pub(crate) is_there: bool,
    /// Permissions, if they are known
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
    /// The steps in it, in order
    pub(crate) steps: Vec<Step>,
    /// The directories in it, for [`Plan::enter`] when it has been made
    pub(crate) directories: Vec<Directory>,
}

/// More items would be deleted than allowed
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooMany(pub(crate) u64);

/// A mirror in progress
#[derive(Debug)]
pub(crate) struct Plan {
    policy: Policy,
    /// Directories to list, the next one last
    open: Vec<Directory>,
    doomed: Vec<Doomed>,
    /// Directories that the source lacks, and in which something is kept
    spared: BTreeSet<Vec<u8>>,
}

impl Plan {
    /// A plan for two root directories, of which the source is there and the target may be missing
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
        Self { policy, open: vec![root], doomed: Vec::new(), spared: BTreeSet::new() }
    }

    /// The next directory to list, on the sides that have it; several can be listed at the same time
    pub(crate) fn next(&mut self) -> Option<Directory> {
        self.open.pop()
    }

    /// Whether there are directories to list that nobody has taken
    pub(crate) fn has_next(&self) -> bool {
        !self.open.is_empty()
    }

    /// Whether every file takes part
    pub(crate) fn takes_all(&self) -> bool {
        self.policy.filter.takes_all()
    }

    /// Further directories are to be listed
    pub(crate) fn enter(&mut self, directories: Vec<Directory>) {
        self.open.extend(directories);
    }

    /// Notes that a directory could not be listed or created: nothing is known of it
    pub(crate) fn unreadable(&mut self, directory: &Directory) {
        self.spare(&directory.path);
    }

    /// Neither it nor the directories that it is in are deleted
    fn spare(&mut self, path: &[u8]) {
        let mut path = path;
        while !path.is_empty() && self.spared.insert(path.to_vec()) {
            path = parent(path);
        }
    }

    /// The items to delete once everything else is done and nothing has failed, each before its directory
    pub(crate) fn deletions(&mut self) -> Result<Vec<Doomed>, TooMany> {
        let mut doomed = std::mem::take(&mut self.doomed);
        doomed.retain(|doomed| !self.spared.contains(&doomed.path));
        // A path sorts before those below it.
        doomed.sort_unstable_by(|one, other| other.cmp(one));
        match self.policy.max_delete {
            Some(most) if doomed.len() as u64 > most => Err(TooMany(doomed.len() as u64)),
            _ => Ok(doomed),
        }
    }
}

/// A path below a directory
fn below(directory: &[u8], name: &[u8]) -> Vec<u8> {
    match directory {
        b"" => name.to_vec(),
        directory => [directory, b"/", name].concat(),
    }
}

fn parent(path: &[u8]) -> &[u8] {
    path.iter().rposition(|byte| *byte == b'/').map_or(&[], |at| &path[..at])
}
