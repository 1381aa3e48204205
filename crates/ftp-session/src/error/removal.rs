//! What remains of a tree that should have been removed

use std::fmt;

use crate::error::Error;

/// What was removed of a tree, and what is left
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Removal {
    /// Files, links and the like that were deleted
    pub files: u64,
    /// Directories that were removed
    pub directories: u64,
    /// The items that could not be removed, without the directories that contain them; the first thousand
    pub left: Vec<Leftover>,
    /// The number of items that could not be removed
    pub left_count: u64,
    /// Lines of listings that were not recognized: they may stand for files that are left
    pub unknown_lines: u64,
}

impl Removal {
    /// Maximum number of items in `left`
    pub(crate) const MOST: usize = 1000;

    pub(super) fn duplicate(&self) -> Self {
        let left =
            |left: &Leftover| Leftover { path: left.path.clone(), error: left.error.duplicate() };
        Self { left: self.left.iter().map(left).collect(), ..*self }
    }
}

impl fmt::Display for Removal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { files, directories, left_count, .. } = self;
        write!(f, "{files} files and {directories} directories removed, {left_count} left")?;
        match self.left.first() {
            Some(Leftover { path, error }) => write!(f, "; {}: {error}", path.escape_ascii()),
            None => Ok(()),
        }
    }
}

/// Something that could not be removed
#[derive(Debug)]
#[non_exhaustive]
pub struct Leftover {
    /// Its path; if its name leads elsewhere, the path of its directory
    pub path: Vec<u8>,
    /// Why it could not be removed
    pub error: Error,
}
