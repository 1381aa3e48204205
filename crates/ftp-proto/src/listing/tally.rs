//! The result of a listing: which entries belong to the directory, and whether it could be read

use alloc::boxed::Box;

use super::entry::Entry;
use super::item::Item;
use super::note::Note;
use super::section::Section;
use crate::error::Error;

/// The state of a listing after the lines so far
#[derive(Debug, Default)]
pub(super) struct Tally {
    section: Section,
    unknown: u64,
    /// Whether any name so far begins with a dot; `.` and `..` do not count
    has_dot_names: bool,
    content: Content,
}

/// What has come so far, as far as it shows whether the directory could be read
#[derive(Debug, Default)]
enum Content {
    #[default]
    Nothing,
    /// Only the line of the directory itself, which says that the user may not list or enter it
    Closed(Box<[u8]>),
    /// A line that can't be parsed, which may be an entry or a message of the server, and no entry
    Unknown(Box<[u8]>),
    /// An error of the server, and no entry
    Error(Box<[u8]>),
    Entries,
}

impl Tally {
    /// Takes the next line, and returns whether it is an entry of the requested directory other
    /// than `.` and `..`
    pub(super) fn take(&mut self, item: &Item<'_>) -> bool {
        self.section.advance(item);
        match item {
            Item::Entry(entry) if entry.is_dot() => {
                if matches!(self.content, Content::Nothing) && is_own(entry) && entry.is_closed() {
                    self.content = Content::Closed(beginning(entry.raw));
                }
            }
            Item::Entry(entry) if self.section.is_own() => {
                self.has_dot_names |= entry.name.starts_with(b".");
                self.content = Content::Entries;
                return true;
            }
            Item::Entry(_) => self.unknown += 1,
            Item::Note(Note::Error(line)) => {
                self.unknown += 1;
                if !matches!(self.content, Content::Error(_) | Content::Entries) {
                    self.content = Content::Error(beginning(line));
                }
            }
            Item::Unknown(line) => {
                self.unknown += 1;
                if matches!(self.content, Content::Nothing) {
                    self.content = Content::Unknown(beginning(line));
                }
            }
            Item::Note(_) => {}
        }
        false
    }

    /// Returns the number of lines that suggest that entries are missing
    pub(super) const fn unknown_lines(&self) -> u64 {
        self.unknown
    }

    pub(super) const fn has_dot_names(&self) -> bool {
        self.has_dot_names
    }

    /// Checks whether the directory could be read, once all lines have come; an error is returned once
    pub(super) fn complete(&mut self) -> Result<(), Error> {
        match core::mem::take(&mut self.content) {
            Content::Closed(line) | Content::Unknown(line) | Content::Error(line) => {
                Err(Error::UnreadableDirectory { line })
            }
            content => {
                self.content = content;
                Ok(())
            }
        }
    }
}

/// Whether an entry that is `.` or `..` is the requested directory
fn is_own(dot: &Entry<'_>) -> bool {
    let is_parent = |kind: &[u8]| kind.eq_ignore_ascii_case(b"pdir");
    dot.name != b".." && !dot.facts.get("type").is_some_and(is_parent)
}

/// Returns as much of a line as an error keeps
pub(crate) fn beginning(line: &[u8]) -> Box<[u8]> {
    const MOST: usize = 512;
    line[..line.len().min(MOST)].into()
}
