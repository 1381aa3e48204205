//! The shared corpus of listings, each case whole, byte by byte and split at random
//!
//! The corpus is not part of this repository: it is read from `$FTP_CORPUS`, or from `../shared/corpus` beside it.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "the library does no I/O, this test reads files"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;
use std::{env, fs};

use ftp_proto::listing::{DateOrder, Format, Item, ListingParser, Note};
use serde_json::Value;

#[path = "support/listing_json.rs"]
mod to_json;

/// Cases whose expected result is not adopted, with the reason: `id: reason`
const DISPUTED: &str = include_str!("corpus/disputed-listings.txt");

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

/// The period used by sources that follow BSD's `ls`
const HALF_A_YEAR: Duration = Duration::from_secs(184 * 24 * 60 * 60);

/// The period used by suppaftp
const SHORT_HALF_A_YEAR: Duration = Duration::from_secs(180 * 24 * 60 * 60);

/// Whether the corpus notes this deviation for a case
fn says(case: &Value, note: &str) -> bool {
    case["notes"].as_str().is_some_and(|notes| notes.contains(note))
}

fn parser(case: &Value) -> ListingParser {
    let mut parser = ListingParser::new();
    if let Some(now) = case["now"].as_str() {
        parser = parser.with_now(to_json::parse_iso(now).expect("a time"));
    }
    let config = |key: &str| case["config"][key].as_str();
    if config("future_window") == Some("six months") || says(case, "up to six months ahead") {
        let short = case["id"].as_str().is_some_and(|id| id.starts_with("suppaftp"));
        parser = parser.with_dates_ahead(if short { SHORT_HALF_A_YEAR } else { HALF_A_YEAR });
    }
    parser = match config("date_format").and_then(|format| format.get(..2)) {
        Some("yy") => parser.with_date_order(DateOrder::YearFirst),
        Some("dd") => parser.with_date_order(DateOrder::DayFirst),
        _ => parser,
    };
    // A source that refuses a line has tried one parser only; without a fixed format, the line is a bare name.
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
            "cms" => Format::Cms,
            _ => return parser,
        };
        parser = parser.with_format(format);
    }
    parser
}

/// Returns all items of a listing that is fed in pieces
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
    while let Some(item) = parser.finish() {
        take(&item);
    }
    all
}

/// Returns the lines with their line endings
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

/// Returns the item of a single field, in an otherwise valid line
fn single(case: &Value, index: usize, line: &Value) -> Vec<Value> {
    let text = line.as_str().expect("a field");
    let line = if case["dialect"] == "permissions" {
        format!("{text} 1 o g 1 Jan  1  2000 x\n")
    } else if text.len() >= 8 && text.bytes().take(8).all(|byte| byte.is_ascii_digit()) {
        format!("modify={text}; x\n")
    } else if text.ends_with('M') || case["config"]["dialect"] == "dos" {
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

/// Returns the difference between the source's expectation and the result
fn difference(case: &Value, expected: &Value, objects: &[Value]) -> Option<String> {
    let quirk = |name: &str| case["quirks"].to_string().contains(name);
    let object = objects.iter().find(|object| object["line"] == expected["line"]);
    let result = object.map_or("skipped", |object| object["result"].as_str().unwrap_or_default());
    let wanted = expected["result"].as_str().expect("a result");
    let show = || format!("expected {expected}, got {}", object.unwrap_or(&Value::Null));
    match wanted {
        "skipped" if quirk("dot-entries-left-out") && object.is_some_and(is_dot) => return None,
        // A source may refuse formats for which it was not made, and may be stricter than necessary.
        "error"
            if expected["why"] == "dialect not supported by the source"
                || says(case, "Not supported by the source, but good elsewhere")
                || says(case, "a lenient reader may") =>
        {
            return None;
        }
        "error" if expected["why"] == "no entry, or an entry without a time" => {
            let timed = object.is_some_and(|object| object.get("modified_partial").is_some());
            return (result == "entry" && timed).then(show);
        }
        // Sources differ in what they skip and what they report as errors.
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
            "size" if quirk("size-unknown") => true,
            // Blocks and tracks are not bytes, and a bare name has no size.
            "size" if quirk("size-") || quirk("names-only") => object.get("size").is_none(),
            "kind" if quirk("names-only") => object.get("kind").is_none(),
            "kind" if says(case, "counted as files") => object["kind"] == "other",
            "name" => name_is(case, object["name"].as_str(), value.as_str()),
            "perms" => permissions_are(&object["perms"], value),
            // The source's columns, under its own names for them.
            "facts" if case["dialect"] != "mlsx" => true,
            "facts" => value.as_object().expect("facts").iter().all(|(key, value)| {
                // Ruby formats times differently.
                let got = object["facts"][key].as_str().unwrap_or_default();
                let digits = |text: &str| text.replace(['-', 'T', ':'], "");
                got == value || digits(value.as_str().unwrap_or_default()) == got
            }),
            "modified_partial" => {
                let got = &object["modified_partial"];
                value.as_object().expect("parts").iter().all(|(key, part)| got[key] == *part)
            }
            // z/OS lists the last use; some sources call that the last change.
            "modified" if object.get("accessed").is_some() => object["accessed"] == *value,
            // A date is as precise as the listing; a source may expect less, or zeros for missing parts.
            "modified" if value.is_string() => {
                let value = value.as_str().expect("a string");
                let value = value.strip_suffix(".000").unwrap_or(value);
                object["modified"].as_str().is_some_and(|got| got.starts_with(value))
            }
            "precision" => true,
            "not_modified" => object["modified"] != *value,
            "has_time" => Value::Bool(object.get("modified_partial").is_some()) == *value,
            key if value.is_null() => object.get(key).is_none(),
            key => object.get(key) == Some(value),
        };
        if !same {
            return Some(format!("{key}: {}", show()));
        }
    }
    None
}

/// The directory itself or its parent
fn is_dot(object: &Value) -> bool {
    let listed = object["facts"]["type"].as_str().unwrap_or_default();
    ["cdir", "pdir"].contains(&listed) || [".", ".."].map(Value::from).contains(&object["name"])
}

/// Compares names, after undoing what the source adds or removes
fn name_is(case: &Value, got: Option<&str>, expected: Option<&str>) -> bool {
    let quirk = |name: &str| case["quirks"].to_string().contains(name);
    let (Some(mut got), Some(mut expected)) = (got, expected) else { return false };
    if quirk("path-stripped") {
        got = got.rsplit('/').next().unwrap_or(got);
    }
    if quirk("vms-version-kept") {
        expected = expected.split(';').next().unwrap_or(expected);
    }
    if quirk("vms-dir-suffix-kept") {
        expected = expected.strip_suffix(".DIR").unwrap_or(expected);
    }
    if case["config"]["trim_leading_spaces"] == true {
        got = got.trim_start();
    }
    got == expected || quirk("name-lowercased") && got.to_lowercase() == expected
}

/// Compares the letters, or only `x` and `-` for sources that do not know the special bits; `?` is not compared
fn permissions_are(got: &Value, expected: &Value) -> bool {
    let (Some(got), Some(expected)) = (got.as_str(), expected.as_str()) else { return false };
    got.len() == expected.len()
        && got.bytes().zip(expected.bytes()).all(|(got, expected)| match expected {
            b'?' => true,
            b'x' => matches!(got, b'x' | b's' | b't'),
            b'-' => matches!(got, b'-' | b'S' | b'T'),
            _ => got == expected,
        })
}

#[test]
fn the_corpus_of_listings() {
    let Some(corpus) = corpus() else {
        println!("*** LEFT OUT: the shared corpus of listings; FTP_CORPUS names its folder ***");
        return;
    };
    let lines = DISPUTED.lines().filter(|line| !line.starts_with('#'));
    let known: BTreeSet<&str> =
        lines.map(|line| line.split_once(": ").expect("a reason").0).collect();
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
    assert!(unused.is_empty(), "disputed, but in agreement: {unused:?}");
    assert!(failures.is_empty(), "{} cases fail", failures.len());
}
