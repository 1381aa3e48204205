//! Removes a directory with everything in it
//!
//! ```text
//! the parent is listed: is it a directory, and no link?
//!   └ not shown: LIST -a, if the name is hidden ── not shown: PWD in it and in its parent
//! RMD d ── removed ──▶ done
//!   └ refused: LIST d ── for each entry: DELE ── refused: RMD ── refused, and a directory: the same for it
//!        └ RMD d ── refused, though nothing is left: LIST -a d, hidden files; RMD d
//! ```
//!
//! DELE removes a link to a directory. A directory is entered only if LIST shows it as one, or if PWD proves that it is
//! one: in a directory, PWD reports the parent's path plus its name; in a link, most servers report the target's path.
//! Nothing is entered if RMD is refused with "Not a directory": some servers show links as directories, and refuse RMD of
//! a link with these words.

use std::vec::IntoIter;

use ftp_proto::ReadDir;
use ftp_proto::listing::{EntryKind, OwnedEntry};

use super::Procedure;
use super::path::{components, inside, prefixes, sendable};
use super::request::Request;
use super::work::{Directory, Io, unless_refused, was_not_sent};
use crate::error::{Error, Leftover, Removal};

/// Maximum number of directory levels that are entered
const MAX_DEPTH: usize = 100;

/// How a tree is removed
#[must_use = "options do nothing by themselves"]
#[derive(Clone, Copy, Debug, Default)]
pub struct RemoveOptions {
    on_refusal: OnRefusal,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum OnRefusal {
    #[default]
    Stop,
    GoOn,
}

impl RemoveOptions {
    /// Stops at the first item that can't be removed
    pub const fn new() -> Self {
        Self { on_refusal: OnRefusal::Stop }
    }

    /// Continues, and removes whatever can be removed
    pub const fn keep_going(mut self) -> Self {
        self.on_refusal = OnRefusal::GoOn;
        self
    }

    /// Checks that a path may be removed, as removing it does before it asks the server anything
    ///
    /// Returns the path without empty components and `.`, for previews that compare paths.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidRequest`] for an empty path, the root, and a path with `..`;
    /// [`InvalidArgument`](ftp_proto::Error::InvalidArgument) for a path that can't be sent.
    pub fn check(self, path: impl AsRef<[u8]>) -> Result<Vec<u8>, Error> {
        let path = path.as_ref();
        sendable(path)?;
        match prefixes(path).pop() {
            Some(root) if components(path).all(|component| component != b"..") => Ok(root),
            _ => Err(refused()),
        }
    }
}

impl Procedure<Removal> {
    /// Removes a directory and everything in it (DELE, RMD)
    ///
    /// Links are removed, not their targets. It succeeds only if the server has confirmed that the directory itself is
    /// gone, which is impossible while anything is left in it. The parent is listed first, to see whether the path is
    /// a link. If the listing does not show it, PWD must: in a link, most servers report the target's path. The working
    /// directory is the same afterwards.
    ///
    /// It fails at once for an empty path, the root, and a path with `..` ([`Error::InvalidRequest`]). It fails with
    /// [`Error::NotADirectory`] if the path is a file or a link, with [`Error::MayBeLink`] if it may be a link, with
    /// [`NoDirectory`](ftp_proto::Error::NoDirectory) if it does not exist, and with [`Error::NotRemoved`], which lists
    /// what is left, if something could not be removed. Items whose kind the listing does not show are removed, but not
    /// entered.
    #[must_use]
    pub fn remove_dir_all(path: impl AsRef<[u8]>, options: RemoveOptions) -> Self {
        let path = path.as_ref().to_vec();
        Self::new(|io| async move {
            Removing { io, options, removal: Removal::default() }.all(&path).await
        })
    }
}

struct Removing {
    io: Io,
    options: RemoveOptions,
    removal: Removal,
}

/// A directory that has been listed
struct Level {
    path: Vec<u8>,
    entries: IntoIter<OwnedEntry>,
    hidden: Hidden,
    /// The number of items left when it was entered
    left_before: u64,
}

/// Whether hidden files, which LIST may omit, have been listed
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hidden {
    Unknown,
    Listed,
}

/// The result of removing one item
enum Outcome {
    Removed,
    Entered(Level),
    Left(Error),
}

impl Removing {
    async fn all(mut self, path: &[u8]) -> Result<Removal, Error> {
        let root = &self.options.check(path)?[..];
        let parent = match root.iter().rposition(|byte| *byte == b'/') {
            Some(0) => &b"/"[..],
            Some(at) => &root[..at],
            None => &b""[..],
        };
        self.check_kind(parent, root).await?;
        let mut stack = match self.remove_directory(root, EntryKind::Dir, 0).await? {
            Outcome::Removed => return Ok(self.removal),
            Outcome::Entered(level) => vec![level],
            Outcome::Left(error) => return Err(error),
        };
        while let Some(level) = stack.last_mut() {
            let Some(entry) = level.entries.next() else {
                if let Some(level) = stack.pop() {
                    if let Some(again) = self.leave(level).await? {
                        stack.push(again);
                    } else if self.is_over() {
                        break;
                    }
                }
                continue;
            };
            let outcome = match inside(&level.path, entry.name()) {
                Ok(path) => (self.remove(&path, entry.kind(), stack.len()).await?, path),
                Err(error) => (Outcome::Left(error), level.path.clone()),
            };
            match outcome {
                (Outcome::Removed, _) => {}
                (Outcome::Entered(level), _) => stack.push(level),
                (Outcome::Left(error), path) => self.record_leftover(path, error),
            }
            if self.is_over() {
                break;
            }
        }
        match self.removal.left_count {
            0 => Ok(self.removal),
            _ => Err(Error::NotRemoved(Box::new(self.removal))),
        }
    }

    fn is_over(&self) -> bool {
        self.options.on_refusal == OnRefusal::Stop && self.removal.left_count > 0
    }

    fn record_leftover(&mut self, path: Vec<u8>, error: Error) {
        self.removal.left_count += 1;
        if self.removal.left.len() < Removal::MOST {
            self.removal.left.push(Leftover { path, error });
        }
    }

    /// Refuses a path unless it is known to be a directory and no link
    async fn check_kind(&self, parent: &[u8], path: &[u8]) -> Result<(), Error> {
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
        // A user who may not list the parent may still own the directory.
        let listed = unless_refused(self.io.list(ReadDir::long(parent)).await)?;
        let mut shown = listed.unwrap_or_default().entries;
        let is_named = |entry: &OwnedEntry| entry.name() == name;
        if name.starts_with(b".") && !shown.iter().any(is_named) {
            let all = self.list_hidden(parent).await?;
            shown = all.map_or(shown, |directory| directory.entries);
        }
        let is_other =
            |entry: &OwnedEntry| !matches!(entry.kind(), EntryKind::Dir | EntryKind::Unknown);
        let (named, unnamed): (Vec<_>, Vec<_>) = shown.into_iter().partition(is_named);
        if named.iter().any(is_other) {
            return Err(Error::NotADirectory { path: path.to_vec() });
        }
        if !named.is_empty() && named.iter().all(|entry| entry.kind() == EntryKind::Dir) {
            return Ok(());
        }
        // Where case does not matter, PWD may repeat the name as it was sent, even if it is a link's.
        let is_in_other_case = |entry: &OwnedEntry| entry.name().eq_ignore_ascii_case(name);
        let may_be_other = unnamed.iter().any(|entry| is_in_other_case(entry) && is_other(entry));
        let entered = self.io.canonicalize(path).await?;
        match &entered {
            // LIST tells whether it is missing.
            None => drop(self.io.list(ReadDir::long(path)).await?),
            Some(entered) if !may_be_other => {
                if let Some(parent) = self.io.canonicalize(parent).await? {
                    let expected = [without_end(&parent), b"/", name].concat();
                    if without_end(entered) == expected {
                        return Ok(());
                    }
                }
            }
            Some(_) => {}
        }
        Err(Error::MayBeLink { path: path.to_vec(), working_directory: entered })
    }

    /// Removes an entry of a listing
    async fn remove(
        &mut self,
        path: &[u8],
        kind: EntryKind,
        depth: usize,
    ) -> Result<Outcome, Error> {
        match self.io.reply(Request::Delete(path.to_vec())).await {
            Ok(_) => {
                self.removal.files += 1;
                Ok(Outcome::Removed)
            }
            Err(error) if error.is_fatal() => Err(error),
            Err(error) if !matches!(kind, EntryKind::Dir | EntryKind::Unknown) => {
                Ok(Outcome::Left(error))
            }
            Err(error) => match self.remove_directory(path, kind, depth).await? {
                // It was a file after all, and `error` says why it can't be deleted.
                Outcome::Left(other) if other.is_missing() || other.is_no_directory() => {
                    Ok(Outcome::Left(error))
                }
                outcome => Ok(outcome),
            },
        }
    }

    /// Removes a directory if it is empty, otherwise enters it, unless it may be a link
    async fn remove_directory(
        &mut self,
        path: &[u8],
        kind: EntryKind,
        depth: usize,
    ) -> Result<Outcome, Error> {
        match self.io.reply(Request::Rmdir(path.to_vec())).await {
            Ok(_) => {
                self.removal.directories += 1;
                return Ok(Outcome::Removed);
            }
            Err(error) if error.is_fatal() || was_not_sent(&error) => return Err(error),
            Err(error) if error.is_no_directory() => {
                return Ok(Outcome::Left(Error::NotADirectory { path: path.to_vec() }));
            }
            Err(_) if kind != EntryKind::Dir => {
                let (path, working_directory) = (path.to_vec(), None);
                return Ok(Outcome::Left(Error::MayBeLink { path, working_directory }));
            }
            Err(error) if depth >= MAX_DEPTH => return Ok(Outcome::Left(error)),
            Err(_) => {}
        }
        // Apache FtpServer takes this name for the root, wherever it is in a path.
        if is_tilde(path) {
            let working_directory = self.io.canonicalize(path).await?;
            if !working_directory.as_deref().is_some_and(is_tilde) {
                let path = path.to_vec();
                return Ok(Outcome::Left(Error::MayBeLink { path, working_directory }));
            }
        }
        match self.io.list(ReadDir::long(path)).await {
            Ok(directory) => {
                self.removal.unknown_lines += directory.unknown_lines;
                Ok(Outcome::Entered(self.level(path, directory, Hidden::Unknown)))
            }
            Err(error) if error.is_fatal() => Err(error),
            Err(error) => Ok(Outcome::Left(error)),
        }
    }

    fn level(&self, path: &[u8], directory: Directory, hidden: Hidden) -> Level {
        let entries = directory.entries.into_iter();
        Level { path: path.to_vec(), entries, hidden, left_before: self.removal.left_count }
    }

    /// Removes a directory whose entries have all been handled; `Some` if it has hidden ones
    async fn leave(&mut self, level: Level) -> Result<Option<Level>, Error> {
        // Something is left in it, so it can't be empty.
        if self.removal.left_count > level.left_before {
            return Ok(None);
        }
        let refusal = match self.io.reply(Request::Rmdir(level.path.clone())).await {
            Ok(_) => {
                self.removal.directories += 1;
                return Ok(None);
            }
            Err(error) if error.is_fatal() => return Err(error),
            Err(error) => error,
        };
        if level.hidden == Hidden::Unknown {
            if let Some(directory) = self.list_hidden(&level.path).await? {
                return Ok(Some(self.level(&level.path, directory, Hidden::Listed)));
            }
        }
        self.record_leftover(level.path, refusal);
        Ok(None)
    }

    /// Lists a directory including names that begin with a dot, which many servers omit; `None` if it is empty
    async fn list_hidden(&self, path: &[u8]) -> Result<Option<Directory>, Error> {
        let listed = unless_refused(self.io.list(ReadDir::all(path)).await)?;
        Ok(listed.filter(|directory| !directory.entries.is_empty()))
    }
}

/// Whether the last component of a path is `~`
fn is_tilde(path: &[u8]) -> bool {
    path.rsplit(|byte| *byte == b'/').next() == Some(b"~")
}

/// A path without the separator at its end
fn without_end(path: &[u8]) -> &[u8] {
    path.strip_suffix(b"/").unwrap_or(path)
}

fn refused() -> Error {
    let problem = "the root, the working directory and paths with `..` are not removed";
    Error::InvalidRequest { problem }
}
