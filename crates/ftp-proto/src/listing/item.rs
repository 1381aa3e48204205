//! The result of parsing a line

use super::entry::Entry;
use super::note::Note;

/// The result of parsing a line
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Item<'a> {
    /// A file, directory, link, …
    Entry(Entry<'a>),
    /// Information about the listing
    Note(Note<'a>),
    /// A line that could not be parsed
    Unknown(&'a [u8]),
}
