//! Lines of many kinds of servers, apart from the corpus, and damaged versions of them: each line gives one item, and
//! no item contains what its line does not
//!
//! `FTP_LONG=1 cargo test --release -p ftp-proto --test listing_foreign` damages them for longer.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "the environment tells how long it may take, and counts are printed"
)]

use std::env;

use ftp_proto::Timestamp;
use ftp_proto::listing::{Format, Item, ListingParser, ListingReader, Note};
use serde_json::Value;

#[path = "support/listing_json.rs"]
#[expect(dead_code, reason = "times of the corpus are read elsewhere")]
mod to_json;

/// Lines and their results: `key=value` for each checked field, separated by `|`, with `-` for an absent one; or
/// `unknown`, `skipped` (a heading or a total), `continued` (a name whose columns are in the next line). A blank line
/// without a result ends a listing.
const CASES: &str = include_str!("foreign/listings.txt");

fn parser() -> ListingParser {
    let now = Timestamp::new(2026, 3, 10, 12, 0, 0).expect("a time");
    ListingParser::new().with_now(now)
}

/// Returns the result of each line; a name on a line of its own has none
fn read(lines: &[&str], size: usize) -> Vec<Value> {
    let listing = lines.join("\r\n") + "\r\n";
    let mut parser = parser();
    let mut all = Vec::new();
    for mut piece in listing.as_bytes().chunks(size) {
        while let Some(item) = parser.parse(&mut piece) {
            all.push(to_json::item(&item, &[]).unwrap_or(Value::Null));
        }
    }
    while let Some(item) = parser.finish() {
        all.push(to_json::item(&item, &[]).unwrap_or(Value::Null));
    }
    all
}

/// Returns why a result is not the expected one
fn difference(expected: &str, result: &Value) -> Option<String> {
    let wrong = |what: &str| Some(format!("{what}: {result}"));
    match expected {
        "unknown" => return if result["result"] == "error" { None } else { wrong("not unknown") },
        "skipped" => return if result["result"] == "skipped" { None } else { wrong("no note") },
        "continued" => return if result.is_null() { None } else { wrong("not continued") },
        _ => {}
    }
    if result["result"] != "entry" {
        return wrong("no entry");
    }
    expected.split('|').find_map(|field| {
        let (key, value) = field.split_once('=').unwrap_or_else(|| panic!("{expected}"));
        let found = match &result[key] {
            Value::Null => "-".to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        if found == value { None } else { wrong(&format!("{key} is not {value}")) }
    })
}

/// Groups of lines with their results
fn cases() -> Vec<Vec<(&'static str, &'static str)>> {
    let mut groups = vec![Vec::new()];
    let mut lines = CASES.lines().filter(|line| !line.starts_with("##")).peekable();
    while let Some(line) = lines.next() {
        let expected = lines.peek().and_then(|line| line.strip_prefix("=> "));
        match expected {
            Some(expected) => {
                groups.last_mut().expect("a group").push((line, expected));
                lines.next();
            }
            // A blank line with a result is a line of its listing.
            None if line.is_empty() => groups.push(Vec::new()),
            None => panic!("no result: {line}"),
        }
    }
    groups.retain(|group| !group.is_empty());
    groups
}

#[test]
fn lines_of_many_servers() {
    let (mut count, mut wrong) = (0, Vec::new());
    for group in cases() {
        let lines: Vec<_> = group.iter().map(|(line, _)| *line).collect();
        let results = read(&lines, usize::MAX);
        for size in [1, 7] {
            assert_eq!(read(&lines, size), results, "pieces of {size}");
        }
        assert_eq!(results.len(), lines.len(), "a result a line: {lines:?} {results:?}");
        for ((line, expected), result) in group.iter().zip(&results) {
            count += 1;
            wrong.extend(difference(expected, result).map(|why| format!("{line}\n    {why}")));
        }
    }
    println!("{} of {count} lines as expected", count - wrong.len());
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
}

/// A pseudo-random sequence, the same in each run
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % end.max(1)
    }
}

/// Returns a few of these lines, damaged
fn damaged(lines: &[&str], random: &mut Random) -> Vec<u8> {
    const BYTES: &[u8] = b" \t\n\r;:,./-+=<>$[]()?'\"0123456789amzAMZ\x00\x80\xC3\xE6\xFF";
    let mut listing = Vec::new();
    for _ in 0..=random.below(6) {
        listing.extend_from_slice(lines[random.below(lines.len())].as_bytes());
        listing.extend_from_slice([&b"\n"[..], b"\r\n", b"\r\r\n"][random.below(3)]);
    }
    for _ in 0..random.below(5) {
        let at = random.below(listing.len());
        let byte = BYTES[random.below(BYTES.len())];
        let end = (at + random.below(12)).min(listing.len());
        match random.below(5) {
            0 => listing.insert(at, byte),
            1 => drop(listing.drain(at..end)),
            2 => listing.truncate(at),
            3 => listing.extend_from_within(at..end),
            _ if at < listing.len() => listing[at] = byte,
            _ => {}
        }
    }
    listing
}

/// Counts the lines, of which the last may have no line ending
fn count_lines(listing: &[u8]) -> usize {
    let ends = listing.iter().filter(|byte| **byte == b'\n').count();
    ends + usize::from(!listing.is_empty() && !listing.ends_with(b"\n"))
}

/// Whether the words of a name occur in this line; VM/CMS has blanks where its names have dots
fn stands_in(name: &[u8], line: &[u8]) -> bool {
    let within = |part: &[u8]| line.windows(part.len().max(1)).any(|window| window == part);
    within(name) || name.split(|byte| *byte == b'.').all(|part| part.is_empty() || within(part))
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    entries: usize,
    notes: usize,
    unknown: usize,
    /// Among the notes
    errors: usize,
    /// Among the entries: `.` and `..`
    dots: usize,
    /// Those of them that may not be listed or entered, so that the listing may lack entries
    closed: usize,
}

impl Counts {
    fn take(&mut self, item: &Item<'_>, listing: &[u8]) {
        match item {
            Item::Entry(entry) => {
                self.entries += 1;
                self.dots += usize::from(entry.is_dot());
                let lacks = |right: &u8| {
                    let rights = entry.facts.get("perm").map(<[u8]>::to_ascii_lowercase);
                    rights.is_some_and(|rights| !rights.contains(right))
                };
                self.closed += usize::from(entry.is_dot() && b"el".iter().any(lacks));
                assert!(!entry.name.is_empty(), "{entry:?}");
                assert!(stands_in(entry.name, entry.raw), "{entry:?}");
                assert!(entry.owner.is_none_or(|owner| stands_in(owner, entry.raw)), "{entry:?}");
                assert!(entry.target.is_none_or(|to| stands_in(to, entry.raw)), "{entry:?}");
            }
            Item::Unknown(line) => {
                self.unknown += 1;
                assert!(stands_in(line, listing), "{item:?}");
            }
            Item::Note(Note::Continued(name)) => {
                self.notes += 1;
                assert!(stands_in(name, listing), "{item:?}");
            }
            Item::Note(Note::Error(_)) => {
                self.notes += 1;
                self.errors += 1;
            }
            _ => self.notes += 1,
        }
    }

    fn sum(&self) -> usize {
        self.entries + self.notes + self.unknown
    }
}

/// Returns the only item of a line that follows these
fn last_item(before: &str, line: &[u8]) -> (Option<Format>, Value) {
    let mut parser = parser();
    let listing = [before.as_bytes(), line, b"\n"].concat();
    let mut input = &listing[..];
    let mut last = Value::Null;
    while let Some(item) = parser.parse(&mut input) {
        last = to_json::item(&item, &[]).unwrap_or(Value::Null);
    }
    (parser.format(), last)
}

/// Formats of large listings have a fast path for lines in the usual form, once the format is known: it must parse a
/// line like the full parser, which handles the first line of a listing
#[test]
fn the_fast_path_parses_the_same_as_the_full_parser() {
    const USUAL: [(Format, &str); 10] = [
        (Format::Unix, "-rw-r--r--   1 ann  staff      42 Mar 10 12:34 name"),
        (Format::Unix, "drwxr-sr-t  12 1000 100   1234567 Dec  1  1999  a b "),
        (Format::Unix, "lrwxrwxrwx   1 ann  staff       3 Jan 31 00:00 a -> b"),
        (Format::Unix, "lrwxrwxrwx   1 ann  staff       3 Jan 31 00:00 a -> b -> c d"),
        (Format::Mlsx, "type=file;size=12345678;modify=20240310123456;perm=adfrw; name"),
        (Format::Mlsx, "Type=dir;Modify=20240310123456.789;Size=1;UNIX.mode=0755; a;b"),
        (Format::Mlsx, "size=1234567890123456;type=pdir;modify=20000229235960; .."),
        (Format::Dos, "03-10-24  12:34PM              1234567 name"),
        (Format::Dos, "12-31-79  12:00AM       <DIR>          a b"),
        (Format::Dos, "02-29-2024  11:59PM                    9  c"),
    ];
    const BYTES: &[u8] = b" \t;=-/:.,<>0123456789aAPMdflrwxyzst\x1B\xE9";
    let rounds =
        if env::var_os("FTP_LONG").is_some_and(|value| value == "1") { 5_000_000 } else { 40_000 };
    let mut random = Random(0x2545_F491_4F6C_DD1D);
    let mut compared = [0; USUAL.len()];
    for _ in 0..rounds {
        let at = random.below(USUAL.len());
        let (format, usual) = USUAL[at];
        let mut line = usual.as_bytes().to_vec();
        for _ in 0..random.below(4) {
            let index = random.below(line.len());
            match random.below(3) {
                0 => line[index] = BYTES[random.below(BYTES.len())],
                1 => line.insert(index, BYTES[random.below(BYTES.len())]),
                _ => drop(line.remove(index)),
            }
        }
        let (first, thorough) = last_item("", &line);
        // Otherwise another format was tried first.
        if first == Some(format) {
            let (_, mut quick) = last_item(&format!("{usual}\r\n"), &line);
            for key in ["name", "name_bytes_latin1"] {
                if usual.contains("<DIR>") && quick[key] != thorough[key] {
                    // The usual line has shown where names begin.
                    let name = quick[key].as_str().map(|name| name.trim_ascii_start().to_owned());
                    quick[key] = name.into();
                }
            }
            assert_eq!(quick, thorough, "{}", line.escape_ascii());
            compared[at] += 1;
        }
    }
    println!("{rounds} lines: {compared:?}");
    assert!(compared.iter().all(|count| *count > rounds / 40), "{compared:?}");
}

/// Returns the number of entries of the directory and of counted lines; an error if it could not be read
fn entries(listing: &[u8], size: usize) -> Result<usize, usize> {
    let mut reader = ListingReader::new(parser());
    let mut given = 0;
    for piece in listing.chunks(size + 1) {
        reader.room()[..piece.len()].copy_from_slice(piece);
        reader.filled(piece.len());
        given += std::iter::from_fn(|| reader.next_entry()).count();
    }
    reader.end();
    given += std::iter::from_fn(|| reader.next_entry()).count();
    let all = given + usize::try_from(reader.unknown_lines()).expect("a small number");
    match reader.complete() {
        Ok(()) => Ok(all),
        Err(_) => {
            assert_eq!(given, 0);
            Err(all)
        }
    }
}

/// Each line is an entry, a note or unknown, whatever its damage and however it is split
#[test]
fn each_line_is_accounted_for() {
    let rounds =
        if env::var_os("FTP_LONG").is_some_and(|value| value == "1") { 2_000_000 } else { 8_000 };
    let lines: Vec<_> = cases().concat().iter().map(|(line, _)| *line).collect();
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut total = Counts::default();
    for _ in 0..rounds {
        let listing = damaged(&lines, &mut random);
        let text = || String::from_utf8_lossy(&listing);
        let mut first: Option<Counts> = None;
        for size in [listing.len(), 1, 1 + random.below(40)] {
            let mut counts = Counts::default();
            let mut parser = parser();
            for mut piece in listing.chunks(size.max(1)) {
                while let Some(item) = parser.parse(&mut piece) {
                    counts.take(&item, &listing);
                }
            }
            while let Some(item) = parser.finish() {
                counts.take(&item, &listing);
            }
            assert_eq!(counts.sum(), count_lines(&listing), "{counts:?} in {:?}", text());
            assert_eq!(first.get_or_insert(counts), &counts, "{:?}", text());
        }
        for asks_first in [false, true] {
            let mut reader = ListingReader::new(parser());
            let mut counts = Counts::default();
            for piece in listing.chunks(1 + random.below(40)) {
                reader.room()[..piece.len()].copy_from_slice(piece);
                reader.filled(piece.len());
                while !asks_first || reader.has_line() {
                    let Some(item) = reader.next_item() else { break };
                    counts.take(&item, &listing);
                }
            }
            reader.end();
            while let Some(item) = reader.next_item() {
                counts.take(&item, &listing);
            }
            assert_eq!(Some(&counts), first.as_ref(), "{:?}", text());
        }
        let counts = first.unwrap_or_default();
        // A line that is not returned as an entry is counted, whether it belongs to this directory or not.
        let given = entries(&listing, random.below(40)).unwrap_or_else(|reader| {
            assert!(counts.errors + counts.unknown + counts.closed > 0, "{:?}", text());
            reader
        });
        let expected = counts.entries - counts.dots + counts.unknown + counts.errors;
        assert_eq!(given, expected, "{:?}", text());
        total.entries += counts.entries;
        total.notes += counts.notes;
        total.unknown += counts.unknown;
    }
    println!("{rounds} listings: {total:?}");
    // None of the three is the only result.
    assert!([total.entries, total.notes, total.unknown].iter().all(|count| *count > rounds / 10));
}
