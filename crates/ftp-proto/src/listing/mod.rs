//! Parsers for directory listings: LIST, NLST, MLSD and MLST
//!
//! RFC 959 does not define the format of LIST, so every system sends its own. [`ListingParser`] takes the bytes as
//! they arrive, in pieces of any size, detects their [`Format`], and returns an [`Item`] for each line:
//!
//! ```
//! use ftp_proto::listing::{Item, ListingParser};
//!
//! let mut parser = ListingParser::new();
//! let mut bytes = &b"total 8\r\n-rw-r--r--  1 ann  staff  42 Mar 10  2024 notes\r\n"[..];
//! while let Some(item) = parser.parse(&mut bytes) {
//!     if let Item::Entry(entry) = item {
//!         assert_eq!((entry.name, entry.size), (&b"notes"[..], Some(42)));
//!     }
//! }
//! // The last line may have no line ending.
//! assert!(parser.finish().is_none());
//! ```
//!
//! Whatever a line does not contain is `None`: no size, owner or year is made up. Names are bytes, because
//! servers differ in charset; [`Entry::is_safe_name`] tells whether a name is safe to use for a local file.
//! Entries borrow from the input if the line came in one piece.
//!
//! Names of months are read in about thirty languages. `lip`, `srp` and `lis` are June, July and October in Croatian, but
//! the months after these in Polish and Czech: other months in the lines before them show which language it is. If none
//! does, `lip` and `lis` are taken for Polish, and a line with `srp` has no time.
//!
//! A recursive listing (`ls -lR`) has a [`Note::Section`] before the entries of each directory;
//! [`ListingReader::next_entry`] and [`parse_stat`] return only the entries of the requested directory.
//!
//! # Choosing a format
//!
//! Each line that a format can parse counts as a vote for that format. The format with the most votes so far is
//! tried first, and the others only if it can't parse the line. A line is taken for a bare name only if no line has
//! been parsed in another format. A caller who knows the format sets it with [`ListingParser::with_format`].

mod ambiguous;
mod cms;
mod common;
mod damaged;
mod date;
mod dls;
mod dos;
mod entry;
mod eplf;
mod format;
mod item;
mod legacy;
mod line;
mod lines;
mod mlsx;
mod month;
mod mvs;
mod note;
mod numeric;
mod offset;
mod os9;
mod owned;
mod parser;
mod reader;
mod replies;
mod scan;
mod section;
mod sized;
mod tally;
mod time;
mod unix;
mod vms;
mod votes;

pub use entry::{Entry, EntryKind, Facts, OtherKind, Permissions};
pub use format::Format;
pub use item::Item;
pub use mlsx::parse_mlsx;
pub use note::Note;
pub use offset::UtcOffset;
pub use owned::OwnedEntry;
pub use parser::ListingParser;
pub use reader::ListingReader;
pub use replies::{StatListing, parse_mlst, parse_stat};
pub(crate) use tally::beginning;
pub use time::{DateOrder, Modified, Precision, Zone};
