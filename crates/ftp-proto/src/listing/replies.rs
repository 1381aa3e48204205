//! Entries in the text of replies: MLST and STAT

use alloc::vec::Vec;

use super::entry::Entry;
use super::mlsx::parse_mlsx;
use super::owned::OwnedEntry;
use super::parser::{Item, ListingParser};
use super::section::Section;
use crate::control::reply::Reply;

/// The entry in an answer to MLST (RFC 3659 section 7): the first line with facts, whether or not it is
/// indented (Q123)
///
/// Its name is the path as the server writes it.
#[must_use]
pub fn parse_mlst(reply: &Reply) -> Option<Entry<'_>> {
    let mut entries = reply.lines().filter_map(parse_mlsx);
    entries.find(|entry| entry.facts.iter().next().is_some())
}

/// The entries in an answer to `STAT path`, which are LIST's, but `.` and `..`
///
/// What is no entry of that directory is passed over; the first and the last line are the server's own words.
#[must_use]
pub fn parse_stat(reply: &Reply, mut parser: ListingParser) -> Vec<OwnedEntry> {
    let mut lines = reply.lines();
    let (_begin, _end) = (lines.next(), lines.next_back());
    let mut section = Section::default();
    let mut entries = Vec::new();
    for line in lines {
        // Some servers indent what is not the first or the last line (ProFTPD).
        let line = line.strip_prefix(b" ").unwrap_or(line);
        for mut part in [line, b"\n"] {
            while let Some(item) = parser.parse(&mut part) {
                section.advance(&item);
                if let Item::Entry(entry) = item {
                    if section.is_own() && !entry.is_dot() {
                        entries.push(entry.to_owned());
                    }
                }
            }
        }
    }
    entries
}
