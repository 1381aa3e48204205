//! The files of a server

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The default modification time of files and directories, in the format of MLSD and MDTM: YYYYMMDDhhmmss in UTC
pub const MODIFIED: &str = "20240229123456";

/// Files and directories in memory
///
/// Clones share the same files, so both a test and a rule can change the files of a server. Paths are absolute or
/// relative to the root, with `/` between names: `pub/a` and `/pub/a` are the same. `.` and `..` have no special
/// meaning.
#[derive(Clone, Debug, Default)]
pub struct Files(Arc<Mutex<BTreeMap<String, Node>>>);

#[derive(Clone, Debug)]
pub(crate) enum Node {
    File { bytes: Vec<u8>, modified: String },
    Directory,
}

impl Files {
    /// Creates or replaces a file, and creates its parent directories
    ///
    /// Its modification time is [`MODIFIED`].
    pub fn put(&self, path: &str, bytes: impl Into<Vec<u8>>) {
        let (path, bytes) = (normalized(path), bytes.into());
        let mut nodes = self.lock();
        for (at, _) in path.match_indices('/') {
            nodes.entry(path[..at].to_owned()).or_insert(Node::Directory);
        }
        nodes.insert(path, Node::File { bytes, modified: MODIFIED.to_owned() });
    }

    /// Creates a directory and its parent directories, unless they exist
    pub fn make_dir(&self, path: &str) {
        let path = normalized(path);
        let mut nodes = self.lock();
        for (at, _) in path.match_indices('/').chain([(path.len(), "")]) {
            nodes.entry(path[..at].to_owned()).or_insert(Node::Directory);
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

    pub(crate) fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Node>> {
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

/// Returns the form of a path that is used as a key: relative to the root, without empty names
pub(crate) fn normalized(path: &str) -> String {
    path.split('/').filter(|name| !name.is_empty()).collect::<Vec<_>>().join("/")
}
