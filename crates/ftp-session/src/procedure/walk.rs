//! Walks through a directory tree, one directory after the other

use std::collections::BTreeMap;
use std::vec::IntoIter;

use ftp_proto::ReadDir;
use ftp_proto::listing::{EntryKind, OwnedEntry};

use super::path::inside;
use super::work::Directory;
use crate::error::Error;
use crate::questions::questions;

/// Maximum bytes of memory for the entries of unfinished directories
const MAX_HELD: usize = 64 * 1024 * 1024;

/// How a tree is walked
#[must_use = "options do nothing by themselves"]
#[derive(Clone, Copy, Debug)]
pub struct WalkOptions {
    order: Order,
    by: By,
    max_depth: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    DirectoriesFirst,
    ContentsFirst,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Best,
    Long,
    Both,
}

impl WalkOptions {
    /// Directories come before their contents, listed with the best command that the server has, at most 100 levels
    /// deep
    pub const fn new() -> Self {
        Self { order: Order::DirectoriesFirst, by: By::Best, max_depth: 100 }
    }

    /// Returns directories after their contents
    pub const fn contents_first(mut self) -> Self {
        self.order = Order::ContentsFirst;
        self
    }

    /// Lists with LIST, even if the server supports MLSD: LIST distinguishes links from their targets, and names the
    /// targets
    pub const fn long(mut self) -> Self {
        self.by = By::Long;
        self
    }

    /// Lists each directory with the best command and, if MLSD shows directories in it, with LIST, too
    ///
    /// In MLSD some servers show a link as the directory to which it leads; LIST shows it as a link.
    /// The entry of such a link is that of LIST. What LIST does not show, such as a hidden directory, stays what MLSD says.
    pub const fn both(mut self) -> Self {
        self.by = By::Both;
        self
    }

    /// Sets how many levels of directories are entered at most: 1 for the directory itself alone
    pub const fn max_depth(mut self, levels: usize) -> Self {
        self.max_depth = levels;
        self
    }
}

impl Default for WalkOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// An item found in a tree
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WalkEntry {
    /// Its path: the path of the tree, then names, with `/` between them
    pub path: Vec<u8>,
    /// Levels below the directory that is walked, at least 1
    pub depth: usize,
    /// Its entry in the listing
    pub entry: OwnedEntry,
    /// Whether the walk enters it
    pub descent: Descent,
}

/// Whether the walk enters an item
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Descent {
    /// It is not a directory, as far as the listing tells: a file, a link or anything else
    None,
    /// It is a directory; its contents follow or came before
    Entered,
    /// It is one of its own parent directories, reached again through a link
    Loop,
    /// It is too deep: [`WalkOptions::max_depth`]
    TooDeep,
}

/// A part of a tree that could not be walked
#[derive(Debug, thiserror::Error)]
#[error("could not walk {}", .path.escape_ascii())]
#[non_exhaustive]
pub struct WalkError {
    /// The directory
    pub path: Vec<u8>,
    /// Why its contents, or one of them, were skipped
    #[source]
    pub error: Error,
}

questions! { impl WalkError, |this| &this.error }

/// What a walk needs or has found
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a new duty must break the build of every shell")]
pub enum WalkStep {
    /// An item was found; the session is idle
    Entry(WalkEntry),
    /// A directory must be listed with [`Procedure::read_dir`](super::Procedure::read_dir); pass the result to
    /// [`Walk::listed`]
    Read(ReadDir),
    /// A directory, or something in it, was skipped; the walk goes on
    Failed(WalkError),
    /// The walk has ended
    Over,
}

/// A walk through a directory tree
///
/// Each directory is listed completely before any of its items is returned, so the session is free for other requests
/// between the steps. Memory is bounded: only unfinished directories are kept, in up to 64 MiB; beyond that, further
/// ones are skipped with [`Error::ListingTooLong`].
///
/// It finds what the server lists. By LIST, which is used if there is no MLSD or with [`WalkOptions::long`], some servers
/// leave out names that begin with a dot, as vsftpd does by default; [`ReadDir::all`] shows those of one directory.
///
/// Links are reported, not followed. If a server shows links as their targets, as pyftpdlib does in MLSD, they are
/// followed, unless [`WalkOptions::both`] or [`WalkOptions::long`] is chosen. A directory that contains itself is
/// recognized by its `unique` fact (RFC 3659 section 7.5.2), and otherwise left after [`WalkOptions::max_depth`] levels.
#[derive(Debug)]
pub struct Walk {
    options: WalkOptions,
    /// The entered directories, the deepest last
    stack: Vec<Level>,
    next: Option<Next>,
    failed: Option<WalkError>,
    held: usize,
    unknown_lines: u64,
}

/// The directory to list next
#[derive(Debug)]
enum Next {
    New(Level),
    /// It was listed with MLSD, and is listed with LIST because of [`By::Both`]
    Again(Level, Directory),
}

/// A directory
#[derive(Debug)]
struct Level {
    path: Vec<u8>,
    depth: usize,
    unique: Option<Vec<u8>>,
    entries: IntoIter<OwnedEntry>,
    held: usize,
    /// The directory itself, if it comes after its contents
    itself: Option<WalkEntry>,
}

impl Level {
    fn new(path: Vec<u8>, depth: usize) -> Self {
        let entries = Vec::new().into_iter();
        Self { path, depth, unique: None, entries, held: 0, itself: None }
    }
}

impl Walk {
    /// Starts at this directory; an empty path is the working directory
    #[must_use]
    pub fn new(path: impl AsRef<[u8]>, options: WalkOptions) -> Self {
        let root = Level::new(path.as_ref().to_vec(), 0);
        let next = (options.max_depth > 0).then_some(Next::New(root));
        Self { options, stack: Vec::new(), next, failed: None, held: 0, unknown_lines: 0 }
    }

    /// The number of lines so far that were not recognized, or in which the server reports what it could not read
    ///
    /// They are not among the items, yet each may stand for a file. Check the number before you delete what was not
    /// found.
    #[must_use]
    pub const fn unknown_lines(&self) -> u64 {
        self.unknown_lines
    }

    /// Returns the next step
    pub fn step(&mut self) -> WalkStep {
        if let Some(failed) = self.failed.take() {
            return WalkStep::Failed(failed);
        }
        match (&self.next, self.options.by) {
            (Some(Next::New(level)), By::Best | By::Both) => {
                return WalkStep::Read(ReadDir::new(&level.path));
            }
            (Some(Next::New(level) | Next::Again(level, _)), _) => {
                return WalkStep::Read(ReadDir::long(&level.path));
            }
            (None, _) => {}
        }
        while let Some(level) = self.stack.last_mut() {
            let Some(entry) = level.entries.next() else {
                self.held -= level.held;
                let done = self.stack.pop();
                match done.and_then(|level| level.itself) {
                    Some(found) => return WalkStep::Entry(found),
                    None => continue,
                }
            };
            let path = match inside(&level.path, entry.name()) {
                Ok(path) => path,
                Err(error) => {
                    return WalkStep::Failed(WalkError { path: level.path.clone(), error });
                }
            };
            let depth = level.depth + 1;
            let unique = entry.entry().facts.get("unique").map(<[u8]>::to_vec);
            let descent = match entry.kind() {
                EntryKind::Dir if self.is_open(unique.as_deref()) => Descent::Loop,
                EntryKind::Dir if depth >= self.options.max_depth => Descent::TooDeep,
                EntryKind::Dir => Descent::Entered,
                _ => Descent::None,
            };
            let found = WalkEntry { path, depth, entry, descent };
            if descent != Descent::Entered {
                return WalkStep::Entry(found);
            }
            let mut next = Level { unique, ..Level::new(found.path.clone(), depth) };
            match self.options.order {
                Order::DirectoriesFirst => {
                    self.next = Some(Next::New(next));
                    return WalkStep::Entry(found);
                }
                Order::ContentsFirst => {
                    next.itself = Some(found);
                    self.next = Some(Next::New(next));
                    return self.step();
                }
            }
        }
        WalkStep::Over
    }

    /// Whether this is one of the directories that the walk is in
    fn is_open(&self, unique: Option<&[u8]>) -> bool {
        let open = |level: &Level| level.unique.as_deref() == unique;
        unique.is_some() && self.stack.iter().any(open)
    }

    /// Takes the directory that [`WalkStep::Read`] has asked for, or the error of its listing
    ///
    /// If the session is over, so is the walk: the next step reports the error, then comes [`WalkStep::Over`].
    pub fn listed(&mut self, result: Result<Directory, Error>) {
        let (mut level, result) = match (self.next.take(), result) {
            (None, _) => return,
            (Some(Next::New(level)), Ok(listed))
                if self.options.by == By::Both && listed.entries.iter().any(may_be_link) =>
            {
                self.next = Some(Next::Again(level, listed));
                return;
            }
            (Some(Next::New(level)), result) => (level, result),
            (Some(Next::Again(level, mut listed)), result) => {
                let result = result.map(|long| {
                    show_links(&mut listed, long);
                    listed
                });
                (level, result)
            }
        };
        match result {
            Ok(directory) => {
                self.unknown_lines += directory.unknown_lines;
                level.held = directory.held();
                if self.held + level.held > MAX_HELD {
                    let error = Error::ListingTooLong { limit: MAX_HELD };
                    self.failed = Some(WalkError { path: level.path.clone(), error });
                    level.held = 0;
                } else {
                    level.entries = directory.entries.into_iter();
                }
                self.held += level.held;
                self.stack.push(level);
            }
            Err(error) => {
                let over = error.is_fatal();
                self.failed = Some(WalkError { path: level.path.clone(), error });
                // If it comes after its contents, it is still returned.
                match over {
                    true => self.stack.clear(),
                    false => self.stack.push(level),
                }
            }
        }
    }
}

/// Whether this is a directory according to MLSD, which alone has facts
fn may_be_link(entry: &OwnedEntry) -> bool {
    entry.kind() == EntryKind::Dir && entry.entry().facts.iter().next().is_some()
}

/// Replaces what LIST does not show as directories
fn show_links(listed: &mut Directory, long: Directory) {
    let others = long.entries.into_iter().filter(|entry| entry.kind() != EntryKind::Dir);
    let mut others: BTreeMap<Vec<u8>, OwnedEntry> =
        others.map(|entry| (entry.name().to_vec(), entry)).collect();
    for entry in listed.entries.iter_mut().filter(|entry| may_be_link(entry)) {
        if let Some(other) = others.remove(entry.name()) {
            *entry = other;
        }
    }
}
