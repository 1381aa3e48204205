//! The files of a server

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The default modification time of files and directories, in the format of MLSD and MDTM: YYYYMMDDhhmmss in UTC
pub const MODIFIED: &str = "20240229123456";

/// Files and directories in memory
///
/// Clones share the same files, so both a test and a rule can change the files of a server. Paths are absolute or
/// relative to the root, with `/` between names: `pub/a` and `/pub/a` are the same. `.` and `..` have no special
/// meaning.
#[derive(Clone, Debug, Default)]
pub struct Files(Arc<Mutex<Nodes>>);

/// The files and directories by their paths, without the root; the parent of each is a directory
pub(crate) type Nodes = BTreeMap<String, Node>;

#[derive(Clone, Debug)]
pub(crate) enum Node {
    File { bytes: Vec<u8>, modified: String },
    Directory,
}

impl Files {
    /// Creates or replaces a file, and creates its parent directories
    ///
    /// Its modification time is [`MODIFIED`]. Replaces a directory at this path, with everything in it, and files that
    /// stand where parent directories must be.
    ///
    /// # Panics
    ///
    /// Panics if the path is the root.
    pub fn put(&self, path: &str, bytes: impl Into<Vec<u8>>) {
        let path = normalized(path);
        assert!(!path.is_empty(), "the root is a directory");
        let file = Node::File { bytes: bytes.into(), modified: MODIFIED.to_owned() };
        let inside = format!("{path}/");
        let mut nodes = self.lock();
        nodes.retain(|other, _| !other.starts_with(&inside));
        place(&mut nodes, path, file);
    }

    /// Creates a directory and its parent directories, unless they exist
    ///
    /// A file in the place of any of them is removed.
    pub fn make_dir(&self, path: &str) {
        let path = normalized(path);
        if !path.is_empty() {
            place(&mut self.lock(), path, Node::Directory);
        }
    }

    /// Returns the content of a file; `None` if there is no file at this path
    #[must_use]
    pub fn get(&self, path: &str) -> Option<Vec<u8>> {
        match self.lock().get(&normalized(path)) {
            Some(Node::File { bytes, .. }) => Some(bytes.clone()),
            _ => None,
        }
    }

    /// Returns whether a file or directory exists at this path; `false` for the root
    #[must_use]
    pub fn contains(&self, path: &str) -> bool {
        self.lock().contains_key(&normalized(path))
    }

    /// Removes a file, or a directory and everything in it
    ///
    /// Does nothing if neither exists, or for the root.
    pub fn remove(&self, path: &str) {
        let path = normalized(path);
        let inside = format!("{path}/");
        self.lock().retain(|other, _| *other != path && !other.starts_with(&inside));
    }

    /// Sets the modification time of a file, in the format of [`MODIFIED`]
    ///
    /// The format is not checked. Does nothing if there is no file at this path.
    pub fn set_modified(&self, path: &str, time: &str) {
        if let Some(Node::File { modified, .. }) = self.lock().get_mut(&normalized(path)) {
            time.clone_into(modified);
        }
    }

    /// Returns the paths of all files, without directories, relative to the root and in byte order
    #[must_use]
    pub fn paths(&self) -> Vec<String> {
        let is_file = |(path, node): (&String, &Node)| {
            matches!(node, Node::File { .. }).then(|| path.clone())
        };
        self.lock().iter().filter_map(is_file).collect()
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Nodes> {
        // A poisoned lock is usable: no change can be interrupted halfway by a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_directory(&self, path: &str) -> bool {
        path.is_empty() || matches!(self.lock().get(path), Some(Node::Directory))
    }

    /// Returns the entries of a directory, or the file at this path
    pub(crate) fn list(&self, path: &str) -> Vec<(String, Node)> {
        let nodes = self.lock();
        if let Some(file @ Node::File { .. }) = nodes.get(path) {
            return vec![(path.to_owned(), file.clone())];
        }
        let start = if path.is_empty() { String::new() } else { format!("{path}/") };
        let inside = nodes.iter().filter_map(|(other, node)| {
            let name = other.strip_prefix(&start).filter(|name| !name.contains('/'))?;
            Some((name.to_owned(), node.clone()))
        });
        inside.collect()
    }
}

/// Returns the paths of the parent directories, without the root
fn parents(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at])
}

/// Places a file or directory at a path, and creates its parent directories
pub(crate) fn place(nodes: &mut Nodes, path: String, node: Node) {
    for parent in parents(&path) {
        nodes.insert(parent.to_owned(), Node::Directory);
    }
    nodes.insert(path, node);
}

/// Returns the reply that refuses to create a file or directory at this path, if none can be there
pub(crate) fn obstacle(nodes: &Nodes, path: &str) -> Option<&'static str> {
    if path.is_empty() {
        return Some("550 Is a directory.");
    }
    let is_file = |path| matches!(nodes.get(path), Some(Node::File { .. }));
    parents(path).any(is_file).then_some("550 Not a directory.")
}

/// Whether this is a time in the format of [`MODIFIED`], with or without a fraction (RFC 3659 section 2.3)
pub(crate) fn is_time(text: &str) -> bool {
    let (time, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let all_digits =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if time.len() != 14 || !all_digits(time) || !all_digits(fraction) {
        return false;
    }
    let number = |range: Range<usize>| time[range].parse().unwrap_or(u32::MAX);
    let (year, month, day) = (number(0..4), number(4..6), number(6..8));
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    // 60 is a leap second.
    (1..=days).contains(&day) && number(8..10) < 24 && number(10..12) < 60 && number(12..14) <= 60
}

/// Returns the form of a path that is used as a key: relative to the root, without empty names
pub(crate) fn normalized(path: &str) -> String {
    path.split('/').filter(|name| !name.is_empty()).collect::<Vec<_>>().join("/")
}
