//! Listings of several directories, as a recursive `ls` makes them: which of them a line belongs to

use super::item::Item;
use super::note::Note;

/// The directory that the lines belong to
///
/// `ls -R`, DIRECTORY of OpenVMS and `dir /s` put a heading before each directory, with a blank line before it. The first heading may be that
/// of the directory itself. A line that only looks like a heading must not take the entries after it away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Section {
    /// Still unknown: nothing that belongs to a directory has come
    #[default]
    Begin,
    /// The directory that was asked for
    Own,
    /// The same, after a blank line
    OwnAfterBlank,
    /// Perhaps another one: there was a heading without a blank line before it
    Unclear,
    /// Another one
    Other,
}

impl Section {
    /// Goes on to this item, which belongs to the directory that is told then
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

    /// Whether entries are of the directory that was asked for
    pub(super) fn is_own(self) -> bool {
        self != Self::Other
    }
}

/// Whether it is no name of a file: that has no separator in it, and no disk before it
fn is_path(name: &[u8]) -> bool {
    let disk = [&b":["[..], b":\\"].iter().any(|disk| memchr::memmem::find(name, disk).is_some());
    disk || name.contains(&b'/')
}
