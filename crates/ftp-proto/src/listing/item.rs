//! What comes of a line

use super::entry::Entry;
use super::note::Note;

/// What a line is
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Item<'a> {
    /// A file, directory, link …
    Entry(Entry<'a>),
    /// Something about the listing
    Note(Note<'a>),
    /// Nobody knows
    Unknown(&'a [u8]),
}
