//! How a session's texts and listings are read

use ftp_proto::listing::{ListingParser, UtcOffset};

/// How the texts and listings of a session are read: [`Session::reading_mut`](crate::Session::reading_mut)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reading {
    /// Maximum length of a line in bytes, where texts and listings are read by [`Lines`](crate::Lines); 8192 by default
    ///
    /// It bounds the memory that a server can make the client use.
    pub line_limit: usize,
    /// How far the clock of the server's listings is ahead of UTC, if that is known
    pub utc_offset: Option<UtcOffset>,
}

impl Reading {
    /// Makes a parser convert the times of entries to UTC, if the server's offset is known
    #[must_use]
    pub fn adjust(&self, parser: ListingParser) -> ListingParser {
        match self.utc_offset {
            Some(offset) => parser.with_offset(offset),
            None => parser,
        }
    }
}

impl Default for Reading {
    fn default() -> Self {
        // As in ftplib.
        Self { line_limit: 8192, utc_offset: None }
    }
}
