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

/// The entry in an answer to MLST (RFC 3659 section 7): the first line with facts, whether or not it is
/// indented (Q123)
///
/// Its name is the path as the server writes it.
#[must_use]
pub fn parse_mlst(reply: &Reply) -> Option<Entry<'_>> {
    let mut entries = reply.lines().filter_map(parse_mlsx);
    entries.find(|entry| entry.facts.iter().next().is_some())
}

/// A directory as a reply to STAT tells of it
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StatListing {
    /// The entries of the directory that was asked for, other than `.` and `..`
    pub entries: Vec<OwnedEntry>,
    /// Lines that nobody understood, or in which the server says what it could not read, and entries of
    /// other directories: entries may be missing
    pub unknown_lines: u64,
}

/// The entries in an answer to `STAT path`, which are LIST's
///
/// The first and the last line are the server's own words.
///
/// # Errors
///
/// [`Error::UnreadableDirectory`] if there is no entry but `.` and `..`, and a line in which the server tells
/// an error, or which nobody understands.
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
        // Some servers indent what is not the first or the last line (ProFTPD).
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
