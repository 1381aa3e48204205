//! The lines of a listing as evidence: whether some are no entries, and whether the last one is complete

use ftp_tokio::{EntryKind, OwnedEntry};

/// What the lines of a listing show about it
#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// Entries with columns or facts
    columns: u64,
    /// Entries that are bare names
    bare: u64,
    pub(crate) last: LastEntry,
}

/// The last entry of a listing
#[derive(Debug)]
pub(crate) struct LastEntry {
    pub(crate) name: Vec<u8>,
    pub(crate) kind: EntryKind,
    pub(crate) size: Option<u64>,
    /// Whether the entry before it has the same name
    pub(crate) is_again: bool,
}

impl Default for LastEntry {
    fn default() -> Self {
        Self { name: Vec::new(), kind: EntryKind::Unknown, size: None, is_again: false }
    }
}

impl Lines {
    pub(crate) fn take(&mut self, entry: &OwnedEntry) {
        let count = if is_bare(entry) { &mut self.bare } else { &mut self.columns };
        *count += 1;
        self.last.is_again = self.last.name == entry.name();
        self.last.name.clear();
        self.last.name.extend_from_slice(entry.name());
        (self.last.kind, self.last.size) = (entry.kind(), entry.size());
    }

    /// The number of bare names in a listing that has columns: these lines are something else
    pub(crate) const fn not_understood(&self) -> u64 {
        if self.columns > 0 { self.bare } else { 0 }
    }
}

/// Whether the line of an entry has only the name
pub(crate) fn is_bare(entry: &OwnedEntry) -> bool {
    is_bare_kind(entry.kind()) && entry.entry().raw == entry.name()
}

pub(crate) fn is_bare_kind(kind: EntryKind) -> bool {
    kind == EntryKind::Unknown
}
