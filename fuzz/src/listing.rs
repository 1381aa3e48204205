//! Listings: any split gives the same items, and what is shown contains no control characters

use ftp_proto::Timestamp;
use ftp_proto::listing::{Format, Item, ListingParser};

use crate::pieces;

/// The formats that a caller may fix; 0 means that the format is detected
const FORMATS: [Format; 17] = [
    Format::Mlsx,
    Format::Unix,
    Format::Dos,
    Format::Eplf,
    Format::Vms,
    Format::Os400,
    Format::Os2,
    Format::NonStop,
    Format::Mvs,
    Format::Names,
    Format::Cms,
    Format::Numeric,
    Format::VShell,
    Format::VxWorks,
    Format::Os9,
    Format::Wfftp,
    Format::Dls,
];

/// The first byte is the length of the pieces, the second whether the time is known and which format is fixed
pub fn listing(input: &[u8]) {
    let [length, known, bytes @ ..] = input else { return };
    let parser = || {
        let parser = ListingParser::new();
        let parser = match Timestamp::from_unix(1_773_144_000).filter(|_| known % 2 == 0) {
            Some(now) => parser.with_now(now),
            None => parser,
        };
        match usize::from(known / 2).checked_sub(1).and_then(|at| FORMATS.get(at)) {
            Some(format) => parser.with_format(*format),
            None => parser,
        }
    };
    let whole = read(parser(), [bytes].into_iter());
    let split = read(parser(), pieces(bytes, *length));
    assert_eq!(whole, split);
}

fn read<'a>(mut parser: ListingParser, pieces: impl Iterator<Item = &'a [u8]>) -> Vec<String> {
    let mut items = Vec::new();
    for mut piece in pieces {
        while let Some(item) = parser.parse(&mut piece) {
            items.push(show(&item));
        }
        assert!(piece.is_empty(), "all is read before the end");
    }
    while let Some(item) = parser.finish() {
        items.push(show(&item));
    }
    items
}

fn show(item: &Item<'_>) -> String {
    if let Item::Entry(entry) = item {
        let name = entry.display_name().to_string();
        assert!(!name.contains(char::is_control), "{name:?}");
        assert!(!entry.name.is_empty());
        if entry.is_safe_name() {
            assert!(!entry.name.contains(&b'/') && !entry.name.contains(&0));
        }
    }
    format!("{item:?}")
}
