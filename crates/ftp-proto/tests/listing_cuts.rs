//! Truncated listings: a connection without TLS ends like a complete listing, and the last line has no line ending
//!
//! A line that is truncated before its name is unknown, and counted: it is neither a file named like the beginning of a
//! month, nor a heading.

use ftp_proto::listing::{Format, Item, ListingParser, Note};

/// A line in each format, and its part before the name
const LINES: [(&str, &str); 15] = [
    ("-rw-r--r--   1 ann  staff      42 Mar 10 12:34 ", "name"),
    ("-rw-r--r--   1 ann  staff      42 Mar 10  2024 ", "name"),
    ("-rw-r--r--.  1 ann  staff      42 Mar 10 12:34 ", "name"),
    ("-rw-r--r--   1 ann        42 Mar 10 12:34 ", "name"),
    ("-rw-r--r--   1 ann  staff      42 10 Mar 12:34 ", "name"),
    ("-rw-r--r--   1 ann  staff      42 Mar 10 12:34:56 2024 ", "name"),
    ("-rw-r--r--   1 ann  staff      42 2024-03-10 12:34 ", "name"),
    ("-rw-r--r--   1 ann  staff      42 2024-03-10 12:34:56.123456789 +0100 ", "name"),
    ("drwxr-xr-x   2 ann  staff     512 Mar 10 12:34 ", "name"),
    ("crw-rw-rw-   1 ann  staff  13,   2 Mar 10 12:34 ", "name"),
    ("03-10-24  12:34PM                   42 ", "name"),
    ("03-10-24  12:34PM       <DIR>          ", "name"),
    ("03-10-2024  12:34                   42 ", "name"),
    ("type=file;size=42;modify=20240310123456; ", "name"),
    ("+i8388621.29609,m824255902,r,s42,\t", "name"),
];

/// The result of the last line
#[derive(Debug, PartialEq, Eq)]
enum LastLine {
    Entry(String),
    Note,
    Unknown,
}

/// Returns the result of the last line, fed whole and byte by byte
#[track_caller]
fn last(parser: impl Fn() -> ListingParser, listing: &str) -> LastLine {
    let in_pieces_of = |size: usize| {
        let take = |item: Item<'_>| match item {
            Item::Entry(entry) => LastLine::Entry(String::from_utf8_lossy(entry.name).into_owned()),
            Item::Note(_) => LastLine::Note,
            _ => LastLine::Unknown,
        };
        let mut parser = parser();
        let mut all = Vec::new();
        for mut piece in listing.as_bytes().chunks(size) {
            while let Some(item) = parser.parse(&mut piece) {
                all.push(take(item));
            }
        }
        while let Some(item) = parser.finish() {
            all.push(take(item));
        }
        assert_eq!(all.len(), listing.lines().count(), "an item a line: {listing}");
        all.pop().expect("a line")
    };
    let whole = in_pieces_of(listing.len());
    assert_eq!(in_pieces_of(1), whole, "{listing}");
    whole
}

#[test]
fn a_line_truncated_before_its_name_is_unknown() {
    for (columns, name) in LINES {
        for end in 1..columns.len() {
            let listing = format!("{columns}{name}\r\n{}", &columns[..end]);
            assert_eq!(last(ListingParser::new, &listing), LastLine::Unknown, "{listing}");
        }
        // A truncated name can't be distinguished from a complete one, except in MLSD, where each line has an ending.
        let listing = format!("{columns}{name}\r\n{columns}na");
        let expected = match columns.starts_with("type=") {
            true => LastLine::Unknown,
            false => LastLine::Entry("na".into()),
        };
        assert_eq!(last(ListingParser::new, &listing), expected, "{listing}");
    }
}

#[test]
fn so_is_the_first_line() {
    // Nothing distinguishes the beginning of EPLF from a name.
    for (columns, _) in LINES.into_iter().filter(|(columns, _)| !columns.starts_with('+')) {
        // MLSD is known by its command.
        let parser = || {
            let mlsd = columns.starts_with("type");
            let parser = ListingParser::new();
            if mlsd { parser.with_format(Format::Mlsx) } else { parser }
        };
        // A single letter may be a name.
        for end in 4..columns.len() {
            let part = &columns[..end];
            for before in ["", "total 8\r\n"] {
                let listing = format!("{before}{part}");
                assert_eq!(last(parser, &listing), LastLine::Unknown, "{listing}");
            }
        }
    }
}

#[test]
fn a_name_of_openvms_without_its_version_is_unknown() {
    let line = "A-LONG-NAME-OF-A.FILE;12";
    let listing =
        |end: usize| format!("LOGIN.COM;1  1/4  10-MAR-2024 12:34:56\r\n{}", &line[..end]);
    for end in 1..line.len() - 3 {
        assert_eq!(last(ListingParser::new, &listing(end)), LastLine::Unknown, "{}", &line[..end]);
    }
    let name = || LastLine::Entry("A-LONG-NAME-OF-A.FILE".into());
    assert_eq!(last(ListingParser::new, &listing(line.len() - 1)), name());
    assert_eq!(last(ListingParser::new, &format!("{}\r\n", listing(line.len() - 3))), name());
}

#[test]
fn a_link_truncated_before_its_target_is_unknown() {
    let line = "lrwxrwxrwx   1 ann  staff       3 Mar 10 12:34 a -> b";
    for end in line.len() - 6..line.len() {
        let listing = format!("{line}\r\n{}", &line[..end]);
        assert_eq!(last(ListingParser::new, &listing), LastLine::Unknown, "{listing}");
    }
    assert_eq!(last(ListingParser::new, line), LastLine::Entry("a".into()));
    // A server that lists no targets ends its lines all the same.
    let listing = "lrwxrwxrwx   1 ann  staff       3 Mar 10 12:34 a\r\n";
    assert_eq!(last(ListingParser::new, listing), LastLine::Entry("a".into()));
}

#[test]
fn a_line_truncated_in_its_time_is_not_a_heading() {
    let parsers: [fn() -> ListingParser; 4] = [
        ListingParser::new,
        || ListingParser::new().with_hint(Format::Unix),
        || ListingParser::new().with_format(Format::Unix),
        || ListingParser::new().with_format(Format::Mlsx),
    ];
    for parser in parsers {
        for line in ["-rw-r--r--   1 ann  staff      42 Mar 10 12:", "03-10-24  12:", "./d:"] {
            for before in ["", "total 8\r\n"] {
                let listing = format!("{before}{line}");
                assert_eq!(last(parser, &listing), LastLine::Unknown, "{listing}");
            }
        }
        // Damaged, but not truncated.
        let listing = "total 8\r\n-rw-r--r--   1 ann  staff      42 Mar 10 12:\r\n";
        assert_eq!(last(parser, listing), LastLine::Unknown);
    }
    // MLSD has no headings.
    let mlsd = || ListingParser::new().with_format(Format::Mlsx);
    assert_eq!(last(mlsd, "type=file; a\r\n\r\nd:\r\n"), LastLine::Unknown);
}

#[test]
fn headings_are_headings() {
    let mut parser = ListingParser::new();
    let mut listing = &b"\r\n./d:\r\n"[..];
    assert_eq!(parser.parse(&mut listing), Some(Item::Note(Note::Blank)));
    assert_eq!(parser.parse(&mut listing), Some(Item::Note(Note::Section(b"./d"))));
}

#[test]
fn a_complete_last_line_without_its_line_ending_is_an_entry() {
    // `ls` of some systems omits the date, and IIS the end of the last line.
    let usual = "-rw-r--r--   1 ann  staff      42 Mar 10 12:34 name";
    for (line, name) in [
        (usual, "name"),
        ("-rw-r--r--   1 ann  staff      42 Mar 10  2024 12", "12"),
        ("-rw-r--r--   1 ann  staff      42 Mar 10 12:34 2024", "2024"),
        ("03-10-24  12:34PM                   42 1", "1"),
    ] {
        let listing = format!("{usual}\r\n{line}");
        assert_eq!(last(ListingParser::new, &listing), LastLine::Entry(name.into()), "{listing}");
    }
    // Without a date nothing distinguishes a name from the beginning of one, unless the line has its line ending.
    let line = "drwxr-xr-x 3 ann staff 512 name";
    let ended = format!("{line}\r\n");
    assert_eq!(last(ListingParser::new, &ended), LastLine::Entry("name".into()));
    assert_eq!(last(ListingParser::new, line), LastLine::Unknown);
}
