//! Entries in the text of replies: MLST and STAT

use alloc::vec::Vec;

use super::entry::Entry;
use super::item::Item;
use super::mlsx::parse_mlsx;
use super::owned::OwnedEntry;
use super::parser::ListingParser;
use super::tally::Tally;
use crate::control::reply::Reply;
use crate::error::Error;

/// Returns the entry in a reply to MLST (RFC 3659 section 7): the first line with facts, whether or not it is
/// indented
///
/// Its name is the path as the server writes it.
#[must_use]
pub fn parse_mlst(reply: &Reply) -> Option<Entry<'_>> {
    let mut entries = reply.lines().filter_map(parse_mlsx);
    entries.find(|entry| entry.facts.iter().next().is_some())
}

/// The content of a directory, from a reply to STAT
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StatListing {
    /// The entries of the requested directory, except `.` and `..`
    pub entries: Vec<OwnedEntry>,
    /// Number of lines that could not be parsed, or in which the server says what it could not read, and of entries
    /// of other directories: entries may be missing
    pub unknown_lines: u64,
}

/// Returns the entries in a reply to `STAT path`, which are formatted like LIST's
///
/// The first and the last line are the server's own text, and are skipped.
///
/// # Errors
///
/// [`Error::UnreadableDirectory`] if there is no entry but `.` and `..`, and if a line contains an error of the
/// server or can't be parsed.
pub fn parse_stat(reply: &Reply, mut parser: ListingParser) -> Result<StatListing, Error> {
    let mut lines = reply.lines();
    let (_begin, _end) = (lines.next(), lines.next_back());
    let mut tally = Tally::default();
    let mut entries = Vec::new();
    let mut take = |item: Item<'_>| {
        let is_own = tally.take(&item);
        if let (Item::Entry(entry), true) = (item, is_own) {
            entries.push(entry.to_owned());
        }
    };
    for line in lines {
        // Some servers (ProFTPD) indent all lines but the first and the last.
        let line = line.strip_prefix(b" ").unwrap_or(line);
        for mut part in [line, b"\n"] {
            while let Some(item) = parser.parse(&mut part) {
                take(item);
            }
        }
    }
    while let Some(item) = parser.finish() {
        take(item);
    }
    tally.complete()?;
    Ok(StatListing { entries, unknown_lines: tally.unknown_lines() })
}
