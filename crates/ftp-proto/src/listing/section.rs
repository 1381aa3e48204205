//! Listings of several directories, as a recursive `ls` writes them: which directory a line belongs to

use super::item::Item;
use super::note::Note;

/// The directory that the lines belong to
///
/// `ls -R`, DIRECTORY of OpenVMS and `dir /s` write a heading before each directory, with a blank line before it.
/// The first heading may be that of the requested directory itself. If a line only looks like a heading, the entries
/// after it must still count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Section {
    /// Not known yet: no line that belongs to a directory has come
    #[default]
    Begin,
    /// The requested directory
    Own,
    /// The same, after a blank line
    OwnAfterBlank,
    /// Perhaps another directory: there was a heading without a blank line before it
    Unclear,
    /// Another directory
    Other,
}

impl Section {
    /// Advances to the section that this item belongs to
    pub(super) fn advance(&mut self, item: &Item<'_>) {
        *self = match (*self, item) {
            (Self::Begin, Item::Note(Note::Blank | Note::Header(_) | Note::Error(_)))
            | (Self::Begin, Item::Unknown(_)) => Self::Begin,
            (Self::Other, _)
            | (Self::OwnAfterBlank, Item::Note(Note::Section(_)))
            | (Self::Unclear, Item::Note(Note::Total(_))) => Self::Other,
            (Self::Own | Self::Unclear, Item::Note(Note::Section(name))) => {
                if is_path(name) {
                    Self::Other
                } else {
                    Self::Unclear
                }
            }
            (_, Item::Note(Note::Blank)) => Self::OwnAfterBlank,
            _ => Self::Own,
        };
    }

    /// Whether entries belong to the requested directory
    pub(super) fn is_own(self) -> bool {
        self != Self::Other
    }
}

/// Whether a name is a path: the name of a file has no separator in it, and no disk before it
fn is_path(name: &[u8]) -> bool {
    let disk = [&b":["[..], b":\\"].iter().any(|disk| memchr::memmem::find(name, disk).is_some());
    disk || name.contains(&b'/')
}
