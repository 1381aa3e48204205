//! Directory listings: bytes of LIST, NLST, MLSD and MLST into entries
//!
//! RFC 959 never said what LIST looks like, so every system sends its own. [`ListingParser`] takes the
//! bytes as they come, in pieces of any size, finds out which [`Format`] they are in, and gives an
//! [`Item`] for each line:
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
//! // A last line may lack its end.
//! assert!(parser.finish().is_none());
//! ```
//!
//! What a line does not say is `None`: no size, owner or year is made up. Names are bytes, since
//! servers differ in charset; [`Entry::is_safe_name`] tells whether a name may be used as a file's on
//! this side. Entries borrow from the input where a line came in one piece.
//!
//! A recursive listing (`ls -lR`) has a [`Note::Section`] before the entries of each directory;
//! [`ListingReader::next_entry`] and [`parse_stat`] give only those of the directory that was asked for.
//!
//! # Choosing a format
//!
//! Formats vote line by line: the one that has understood most lines so far is asked first, and
//! another only if it does not understand. Bare names are what is left while nothing else has been
//! understood. A caller who knows better fixes the format with [`ListingParser::with_format`].

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
mod said;
mod scan;
mod section;
mod sized;
mod tally;
mod time;
mod unix;
mod vms;
mod votes;

pub use entry::{Entry, Facts, Kind, OtherKind, Permissions};
pub use format::Format;
pub use item::Item;
pub use mlsx::parse_mlsx;
pub use note::Note;
pub use offset::UtcOffset;
pub use owned::OwnedEntry;
pub use parser::ListingParser;
pub use reader::ListingReader;
pub use replies::{StatListing, parse_mlst, parse_stat};
pub use time::{DateOrder, Modified, Precision, Zone};
