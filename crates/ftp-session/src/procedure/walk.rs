//! A tree of directories, one after the other

use std::vec::IntoIter;

use ftp_proto::ReadDir;
use ftp_proto::listing::{Kind, OwnedEntry};

use super::path::inside;
use super::work::Directory;
use crate::error::Error;

/// Bytes of memory that the entries of directories which are not finished may take
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
}

impl WalkOptions {
    /// Directories before what is in them, by the best command that the server has, 100 levels deep at most
    pub const fn new() -> Self {
        Self { order: Order::DirectoriesFirst, by: By::Best, max_depth: 100 }
    }

    /// Directories after what is in them
    pub const fn contents_first(mut self) -> Self {
        self.order = Order::ContentsFirst;
        self
    }

    /// By LIST, also where there is MLSD: it tells links from what they point to, and their targets
    pub const fn long(mut self) -> Self {
        self.by = By::Long;
        self
    }

    /// Levels of directories that are entered at most: 1 for the directory itself alone
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

/// Something that was found in a tree
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Found {
    /// Its path: that of the tree, then names, with `/` between them
    pub path: Vec<u8>,
    /// Levels below the directory that is walked, at least 1
    pub depth: usize,
    /// What the listing says of it
    pub entry: OwnedEntry,
    /// Whether it is entered
    pub descent: Descent,
}

/// Whether what was found is entered
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Descent {
    /// It is no directory, as far as the listing tells: a file, a link, whatever
    None,
    /// It is a directory, whose contents come next or came before
    Entered,
    /// It is one of the directories that it is in, reached once more through a link
    Loop,
    /// It lies too deep: [`WalkOptions::max_depth`]
    TooDeep,
}

/// A place of a tree that could not be walked
#[derive(Debug, thiserror::Error)]
#[error("could not walk {}", .path.escape_ascii())]
#[non_exhaustive]
pub struct WalkError {
    /// The directory
    pub path: Vec<u8>,
    /// Why its contents, or one of them, are left out
    #[source]
    pub error: Error,
}

/// What a walk needs, or has found
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a new duty must break the build of every shell")]
pub enum WalkStep {
    /// Something was found; the session is idle
    Found(Found),
    /// A directory has to be listed, by [`Procedure::read_dir`](super::Procedure::read_dir); what comes of it
    /// goes to [`Walk::listed`]
    Read(ReadDir),
    /// A directory, or something in it, is left out; the walk goes on
    Failed(WalkError),
    /// That was all
    Over,
}

/// A walk through a tree of directories
///
/// Each directory is listed whole before anything of it is given, so the session is free for other requests
/// between the steps. Memory is bounded: only directories that are not finished are held, of up to
/// 64 MiB, beyond which further ones are left out with [`Error::ListingTooLong`].
///
/// Links are found, not followed. Where a server shows links as what they point to, as pyftpdlib does in MLSD,
/// a directory that is in itself is known by its `unique` fact (RFC 3659 section 7.5.2), and else left after
/// [`WalkOptions::max_depth`] levels.
#[derive(Debug)]
pub struct Walk {
    options: WalkOptions,
    /// Directories that have been entered, the deepest last
    stack: Vec<Level>,
    /// The directory to be listed next
    next: Option<Level>,
    failed: Option<WalkError>,
    held: usize,
    unknown_lines: u64,
}

/// A directory
#[derive(Debug)]
struct Level {
    path: Vec<u8>,
    depth: usize,
    unique: Option<Vec<u8>>,
    entries: IntoIter<OwnedEntry>,
    held: usize,
    /// Itself, if it is to come after its contents
    itself: Option<Found>,
}

impl Level {
    fn new(path: Vec<u8>, depth: usize) -> Self {
        let entries = Vec::new().into_iter();
        Self { path, depth, unique: None, entries, held: 0, itself: None }
    }
}

impl Walk {
    /// Begins at this directory; empty: the working directory
    #[must_use]
    pub fn new(path: impl AsRef<[u8]>, options: WalkOptions) -> Self {
        let root = Level::new(path.as_ref().to_vec(), 0);
        let next = (options.max_depth > 0).then_some(root);
        Self { options, stack: Vec::new(), next, failed: None, held: 0, unknown_lines: 0 }
    }

    /// Lines so far that nobody understood, or in which a server says what it could not read: not among
    /// what was found, perhaps files all the same. Look at it before you delete what was not found.
    #[must_use]
    pub const fn unknown_lines(&self) -> u64 {
        self.unknown_lines
    }

    /// What is next
    pub fn step(&mut self) -> WalkStep {
        if let Some(failed) = self.failed.take() {
            return WalkStep::Failed(failed);
        }
        if let Some(next) = &self.next {
            return WalkStep::Read(match self.options.by {
                By::Best => ReadDir::new(&next.path),
                By::Long => ReadDir::long(&next.path),
            });
        }
        while let Some(level) = self.stack.last_mut() {
            let Some(entry) = level.entries.next() else {
                self.held -= level.held;
                let done = self.stack.pop();
                match done.and_then(|level| level.itself) {
                    Some(found) => return WalkStep::Found(found),
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
                Kind::Dir if self.is_open(unique.as_deref()) => Descent::Loop,
                Kind::Dir if depth >= self.options.max_depth => Descent::TooDeep,
                Kind::Dir => Descent::Entered,
                _ => Descent::None,
            };
            let found = Found { path, depth, entry, descent };
            if descent != Descent::Entered {
                return WalkStep::Found(found);
            }
            let mut next = Level { unique, ..Level::new(found.path.clone(), depth) };
            match self.options.order {
                Order::DirectoriesFirst => {
                    self.next = Some(next);
                    return WalkStep::Found(found);
                }
                Order::ContentsFirst => {
                    next.itself = Some(found);
                    self.next = Some(next);
                    return self.step();
                }
            }
        }
        WalkStep::Over
    }

    /// Whether this is one of the directories that are being walked
    fn is_open(&self, unique: Option<&[u8]>) -> bool {
        let open = |level: &Level| level.unique.as_deref() == unique;
        unique.is_some() && self.stack.iter().any(open)
    }

    /// Takes the directory that [`WalkStep::Read`] has asked for, or why it could not be listed
    ///
    /// If the session is over, so is the walk: the next step tells of it, then comes [`WalkStep::Over`].
    pub fn listed(&mut self, result: Result<Directory, Error>) {
        let Some(mut level) = self.next.take() else { return };
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
                // If it is due after its contents, it still comes.
                match over {
                    true => self.stack.clear(),
                    false => self.stack.push(level),
                }
            }
        }
    }
}
