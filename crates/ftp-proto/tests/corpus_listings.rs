//! The shared corpus of listings, each case whole, byte-wise and cut at random
//!
//! The corpus is not part of this repository: it is read from `$FTP_CORPUS`, or from
//! `../shared/corpus` beside it.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "the library does no I/O, this test reads files"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::{env, fs};

use ftp_proto::listing::{Format, Item, ListingParser, Note};
use serde_json::Value;

#[path = "support/listing_json.rs"]
mod to_json;

/// Cases whose source is not followed, with the reason: `id: reason`
const DISPUTED: &str = include_str!("corpus/disputed-listings.txt");

/// Cases that are not read yet
const OPEN: &str = include_str!("corpus/open-listings.txt");

fn corpus() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus");
    let corpus = env::var_os("FTP_CORPUS").map_or_else(|| beside.into(), PathBuf::from);
    corpus.join("listings").is_dir().then_some(corpus)
}

fn bytes(line: &str, latin1: bool) -> Vec<u8> {
    if latin1 {
        line.chars().map(|char| u8::try_from(char).expect("a character is a byte")).collect()
    } else {
        line.as_bytes().to_vec()
    }
}

fn parser(case: &Value) -> ListingParser {
    let mut parser = ListingParser::new();
    if let Some(now) = case["now"].as_str() {
        parser = parser.with_now(to_json::parse_iso(now).expect("a time"));
    }
    // Who refuses a line has asked one parser alone; with no other format, it is a bare name.
    let refuses = case["expected"].to_string().contains("\"result\":\"error\"");
    if refuses || !case["config"].is_null() {
        let format = match case["dialect"].as_str().expect("a dialect") {
            "unix" => Format::Unix,
            "mlsx" => Format::Mlsx,
            "dos" => Format::Dos,
            "vms" => Format::Vms,
            "mvs" => Format::Mvs,
            "as400" => Format::Os400,
            "os2" => Format::Os2,
            "eplf" => Format::Eplf,
            _ => return parser,
        };
        parser = parser.with_format(format);
    }
    parser
}

/// Everything that comes out of a listing, fed in pieces
fn objects(mut parser: ListingParser, pieces: &[&[u8]], first: usize) -> Vec<Value> {
    let mut numbers = Vec::new();
    let mut next = first;
    let mut all = Vec::new();
    let mut take = |item: &Item<'_>| {
        numbers.push(next);
        next += 1;
        if matches!(item, Item::Note(Note::Continued(_))) {
            return;
        }
        all.extend(to_json::item(item, &numbers));
        numbers.clear();
    };
    for mut piece in pieces.iter().copied() {
        while let Some(item) = parser.parse(&mut piece) {
            take(&item);
        }
    }
    if let Some(item) = parser.finish() {
        take(&item);
    }
    all
}

/// The lines with their ends
fn raw(case: &Value, lines: &[Value]) -> Vec<u8> {
    let end: &[u8] = if case["eol"] == "lf" { b"\n" } else { b"\r\n" };
    let latin1 = case["bytes_latin1"] == true;
    let mut raw = Vec::new();
    for line in lines {
        raw.extend_from_slice(&bytes(line.as_str().expect("a line"), latin1));
        raw.extend_from_slice(end);
    }
    raw
}

fn run(case: &Value) -> Vec<Value> {
    let lines = case["lines"].as_array().expect("lines");
    let field = matches!(case["dialect"].as_str(), Some("timestamp" | "permissions"));
    if field {
        return lines
            .iter()
            .enumerate()
            .flat_map(|(index, line)| single(case, index, line))
            .collect();
    }
    if case["mode"] == "whole" {
        return every_way(case, &raw(case, lines), 0);
    }
    (0..lines.len())
        .flat_map(|index| every_way(case, &raw(case, &lines[index..=index]), index))
        .collect()
}

/// A single field, in a line that is all right otherwise
fn single(case: &Value, index: usize, line: &Value) -> Vec<Value> {
    let text = line.as_str().expect("a field");
    let line = if case["dialect"] == "permissions" {
        format!("{text} 1 o g 1 Jan  1  2000 x\n")
    } else if text.len() >= 8 && text.bytes().take(8).all(|byte| byte.is_ascii_digit()) {
        format!("modify={text}; x\n")
    } else if text.ends_with('M') {
        format!("{text} 1 x\n")
    } else if text.contains('-') && text.contains(|char: char| char.is_ascii_uppercase()) {
        format!("X.Y;1 1 {text}\n")
    } else {
        format!("-rw-r--r-- 1 o g 1 {text} x\n")
    };
    let format = match line.as_bytes()[0] {
        b'm' => Format::Mlsx,
        b'X' => Format::Vms,
        b'0'..=b'9' => Format::Dos,
        _ => Format::Unix,
    };
    let parser = parser(case).with_format(format);
    objects(parser, &[line.as_bytes()], index)
}

fn every_way(case: &Value, raw: &[u8], first: usize) -> Vec<Value> {
    let whole = objects(parser(case), &[raw], first);
    let bytewise: Vec<&[u8]> = raw.chunks(1).collect();
    assert_eq!(objects(parser(case), &bytewise, first), whole, "{}: byte by byte", case["id"]);
    for size in [2, 3, 7, 64] {
        let pieces: Vec<&[u8]> = raw.chunks(size).collect();
        assert_eq!(objects(parser(case), &pieces, first), whole, "{}: by {size}", case["id"]);
    }
    whole
}

/// What differs between what a source expects and what came out
fn difference(case: &Value, expected: &Value, objects: &[Value]) -> Option<String> {
    let quirk = |name: &str| case["quirks"].to_string().contains(name);
    let object = objects.iter().find(|object| object["line"] == expected["line"]);
    let result = object.map_or("skipped", |object| object["result"].as_str().unwrap_or_default());
    let wanted = expected["result"].as_str().expect("a result");
    let show = || format!("expected {expected}, got {}", object.unwrap_or(&Value::Null));
    match wanted {
        // Sources differ in what they pass over and what they complain of.
        "skipped" | "error" => return (result == "entry").then(show),
        _ => {}
    }
    if result != "entry" {
        return Some(show());
    }
    let object = object.expect("it is an entry");
    for (key, value) in expected.as_object().expect("an object") {
        let same = match &**key {
            "line" | "result" | "why" => true,
            // The source's own views: see the corpus' README.
            "size" if quirk("size-") || quirk("block") || quirk("names-only") => true,
            "kind" if quirk("names-only") => true,
            "name" if quirk("name-lowercased") || quirk("vms-") || quirk("path-stripped") => {
                let plain = |name: &Value| {
                    let name = name.as_str().unwrap_or_default().to_lowercase();
                    let name = name.split(';').next().unwrap_or_default();
                    let name = name.rsplit('/').next().unwrap_or_default();
                    name.strip_suffix(".dir").unwrap_or(name).to_owned()
                };
                plain(&object["name"]) == plain(value)
            }
            "perms" => {
                // Sources that know nothing of the special bits.
                let plain = |bits: &Value| {
                    let bits = bits.as_str().unwrap_or_default();
                    bits.replace(['s', 't'], "x").replace(['S', 'T', 'l', 'L'], "-")
                };
                let (got, want) = (plain(&object["perms"]), plain(value));
                want.len() == got.len()
                    && want.bytes().zip(got.bytes()).all(|(want, got)| want == b'?' || want == got)
            }
            "facts" if case["dialect"] != "mlsx" => true,
            "facts" => value.as_object().expect("facts").iter().all(|(key, value)| {
                let got = object["facts"][key].as_str().unwrap_or_default();
                let digits = |text: &str| text.replace(['-', 'T', ':'], "");
                digits(got) == digits(value.as_str().unwrap_or_default())
            }),
            "modified_partial" => {
                let got = &object["modified_partial"];
                let within = |got: &Value| {
                    value.as_object().expect("parts").iter().all(|(key, part)| got[key] == *part)
                };
                within(got)
            }
            // A date is told with as much precision as there is; a source may ask for less.
            "modified" => {
                let got = object["modified"].as_str().unwrap_or_default();
                got.starts_with(value.as_str().unwrap_or_default())
            }
            "precision" => true,
            "not_modified" => object["modified"] != *value,
            "has_time" => {
                let told =
                    ["modified", "modified_partial"].iter().any(|key| !object[key].is_null());
                Value::Bool(told) == *value
            }
            key if value.is_null() => object.get(key).is_none(),
            key => object.get(key) == Some(value),
        };
        if !same {
            return Some(format!("{key}: {}", show()));
        }
    }
    None
}

#[test]
fn the_corpus_of_listings() {
    let Some(corpus) = corpus() else {
        println!("*** LEFT OUT: the shared corpus of listings; FTP_CORPUS names its folder ***");
        return;
    };
    let listed = |text: &'static str| {
        let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        lines.map(|line| line.split_once(": ").map_or(line, |(id, _)| id))
    };
    let known: BTreeSet<&str> = listed(DISPUTED).chain(listed(OPEN)).collect();
    let mut tally: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut failures = Vec::new();
    let mut unused = known.clone();
    for folder in ["listings", "reference"] {
        for file in fs::read_dir(corpus.join(folder)).expect("a folder") {
            let path = file.expect("a file").path();
            if path.extension().is_none_or(|extension| extension != "jsonl") {
                continue;
            }
            for line in fs::read_to_string(&path).expect("a readable file").lines() {
                let case: Value = serde_json::from_str(line).expect("JSON");
                let id = case["id"].as_str().expect("an id");
                let objects = run(&case);
                let expected = case["expected"].as_array().expect("expectations");
                let wrong: Vec<_> = expected
                    .iter()
                    .filter_map(|expected| difference(&case, expected, &objects))
                    .collect();
                let (passed, all) = tally
                    .entry(case["dialect"].as_str().expect("a dialect").to_owned())
                    .or_default();
                *all += 1;
                if wrong.is_empty() {
                    *passed += 1;
                } else if !unused.remove(id) && !known.contains(id) {
                    failures.push(format!(
                        "{id}: {}: {}",
                        case["lines"].to_string().chars().take(200).collect::<String>(),
                        wrong[0]
                    ));
                }
            }
        }
    }
    for (dialect, (passed, all)) in &tally {
        println!("{passed:4} of {all:4} {dialect}");
    }
    for failure in &failures {
        println!("{failure}");
    }
    assert!(unused.is_empty(), "listed, but in agreement: {unused:?}");
    assert!(failures.is_empty(), "{} cases fail", failures.len());
}
