//! An entry that does not borrow from its line

use alloc::boxed::Box;
use core::fmt;
use core::ops::Range;

use super::entry::{Entry, EntryKind, Facts, Permissions};
use super::time::Modified;

/// An [`Entry`] with a copy of its line: one allocation, to which everything else refers
#[derive(Clone, PartialEq, Eq)]
pub struct OwnedEntry {
    /// The line, followed by the name if the line does not contain it in this form
    bytes: Box<[u8]>,
    raw: Span,
    name: Span,
    owner: Option<Span>,
    group: Option<Span>,
    target: Option<Span>,
    facts: Span,
    kind: EntryKind,
    size: Option<u64>,
    modified: Option<Modified>,
    accessed: Option<Modified>,
    permissions: Option<Permissions>,
    links: Option<u64>,
}

/// A part of the line, which has at most [64 KiB](super::ListingParser)
#[derive(Clone, Copy, PartialEq, Eq)]
struct Span {
    start: u32,
    length: u32,
}

impl Span {
    fn new(start: usize, length: usize) -> Self {
        // The numbers fit in 32 bits, because lines are bounded.
        let narrow = |number: usize| u32::try_from(number).unwrap_or(0);
        Self { start: narrow(start), length: narrow(length) }
    }

    /// Returns the position of `part` in `whole`, if it is inside
    fn of(part: &[u8], whole: &[u8]) -> Option<Self> {
        let start = (part.as_ptr() as usize).checked_sub(whole.as_ptr() as usize)?;
        let end = start.checked_add(part.len())?;
        (end <= whole.len()).then(|| Self::new(start, part.len()))
    }

    fn range(self) -> Range<usize> {
        let start = self.start as usize;
        start..start + self.length as usize
    }
}

impl Entry<'_> {
    /// Returns a copy that does not borrow from the line
    #[must_use]
    pub fn to_owned(&self) -> OwnedEntry {
        let line = self.raw;
        let span = |part| Span::of(part, line);
        let (bytes, name) = match span(self.name) {
            Some(name) => (line.to_vec(), name),
            // In VM/CMS, the name is composed of two words.
            None => ([line, self.name].concat(), Span::new(line.len(), self.name.len())),
        };
        OwnedEntry {
            bytes: bytes.into_boxed_slice(),
            raw: Span::new(0, line.len()),
            name,
            owner: self.owner.and_then(span),
            group: self.group.and_then(span),
            target: self.target.and_then(span),
            facts: span(self.facts.0).unwrap_or(Span { start: 0, length: 0 }),
            kind: self.kind,
            size: self.size,
            modified: self.modified,
            accessed: self.accessed,
            permissions: self.permissions,
            links: self.links,
        }
    }
}

impl OwnedEntry {
    /// Returns everything that is known
    #[must_use]
    pub fn entry(&self) -> Entry<'_> {
        let part = |span: Span| &self.bytes[span.range()];
        Entry {
            name: part(self.name),
            kind: self.kind,
            size: self.size,
            modified: self.modified,
            accessed: self.accessed,
            permissions: self.permissions,
            owner: self.owner.map(part),
            group: self.group.map(part),
            links: self.links,
            target: self.target.map(part),
            facts: Facts(part(self.facts)),
            raw: part(self.raw),
        }
    }

    /// Returns the name as the server writes it
    #[must_use]
    pub fn name(&self) -> &[u8] {
        &self.bytes[self.name.range()]
    }

    /// Returns the name for display: UTF-8 unchanged, with everything escaped that a terminal would interpret
    #[must_use]
    pub fn display_name(&self) -> impl fmt::Display + use<'_> {
        self.entry().display_name()
    }

    /// Whether the name is safe to use for a local file: [`Entry::is_safe_name`]
    #[must_use]
    pub fn is_safe_name(&self) -> bool {
        self.entry().is_safe_name()
    }

    /// Returns what the entry is
    #[must_use]
    pub const fn kind(&self) -> EntryKind {
        self.kind
    }

    /// Returns the size in bytes, if the line contains it
    #[must_use]
    pub const fn size(&self) -> Option<u64> {
        self.size
    }

    /// Returns the time of the last modification, as precisely as the line contains it
    #[must_use]
    pub const fn modified(&self) -> Option<Modified> {
        self.modified
    }
}

impl fmt::Debug for OwnedEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.entry(), f)
    }
}
