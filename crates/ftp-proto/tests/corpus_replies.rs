//! The shared corpus of replies, each case whole, byte by byte and split at random
//!
//! The corpus is not part of this repository: it is read from `$FTP_CORPUS`, or from `../shared/corpus` beside it.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "the library does no I/O, this test reads files"
)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::{env, fs};

use ftp_proto::{MultilineEnd, ReplyConfig};
use serde_json::Value;
use support::{Fed, feed, feed_every_way};

mod support;
#[path = "support/json.rs"]
mod to_json;

/// Cases whose expected result is not adopted, with the reason: `id: reason`
const DISPUTED: &str = include_str!("corpus/disputed-replies.txt");

/// Meanings that belong to an operation and not to a field
const NOT_FIELDS: &[&str] = &["greeting", "login", "void"];

fn corpus() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus");
    let corpus = env::var_os("FTP_CORPUS").map_or_else(|| beside.into(), PathBuf::from);
    corpus.join("replies").is_dir().then_some(corpus)
}

fn bytes(text: &Value) -> Vec<u8> {
    let text = text.as_str().expect("bytes are a string");
    text.chars().map(|char| u8::try_from(char).expect("a character is a byte")).collect()
}

/// Returns the difference from the source's result, `None` if there is none
fn difference(case: &Value) -> Option<String> {
    let config = ReplyConfig::default();
    let input = bytes(&case["bytes"]);
    let fed = feed_every_way(config, &input);
    if let Some(chunks) = case["chunks"].as_array() {
        let chunks: Vec<_> = chunks.iter().map(bytes).collect();
        assert_eq!(feed(config, chunks.iter().map(Vec::as_slice)), fed, "{}", case["id"]);
    }
    framing(&case["expected"], &fed).or_else(|| meaning(&case["parsed"], &fed))
}

fn framing(expected: &Value, fed: &Fed) -> Option<String> {
    let error = fed.error.as_ref().map(to_json::error);
    if error != expected["error"].as_str() {
        return Some(format!("error {:?}, expected {}", fed.error, expected["error"]));
    }
    let replies: Vec<_> = fed.replies.iter().map(to_json::reply).collect();
    let expected_replies = expected["replies"].as_array().map_or(&[][..], Vec::as_slice);
    if replies != expected_replies {
        return Some(format!("replies {replies:?}"));
    }
    let unfinished = ["rest", "incomplete"].iter().any(|key| expected.get(key).is_some());
    (error.is_none() && fed.partial != unfinished).then(|| format!("partial: {}", fed.partial))
}

fn meaning(expected: &Value, fed: &Fed) -> Option<String> {
    let kind = expected["kind"].as_str()?;
    if NOT_FIELDS.contains(&kind) || expected["error"] == "optional" {
        return None;
    }
    let found = fed.replies.iter().rev().find_map(|reply| to_json::meaning(kind, reply));
    let found = found.unwrap_or_else(|| panic!("{kind} has no parser"));
    let agrees = |(key, value): (&String, &Value)| match (value, &found[key]) {
        // The source may know a time less precisely.
        (Value::String(value), Value::String(found)) if key == "modified" => {
            found.starts_with(value.as_str())
        }
        (value, found) => value == found,
    };
    let all = expected.as_object().is_some_and(|expected| expected.iter().all(agrees));
    (!all).then(|| format!("{found}, expected {expected}"))
}

#[test]
fn the_corpus_is_understood() {
    let Some(corpus) = corpus() else {
        eprintln!(
            "LEFT OUT: no corpus in $FTP_CORPUS nor in ../shared/corpus beside the repository"
        );
        return;
    };
    let disputed: BTreeMap<_, _> = DISPUTED
        .lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        .map(|line| line.split_once(": ").expect("id: reason"))
        .collect();
    let (mut cases, mut wrong) = (0, Vec::new());
    for file in fs::read_dir(corpus.join("replies")).expect("a readable corpus") {
        let path = file.expect("a readable corpus").path();
        if path.extension().is_none_or(|extension| extension != "jsonl") {
            continue;
        }
        for line in fs::read_to_string(&path).expect("a readable corpus").lines() {
            let case: Value = serde_json::from_str(line).expect("a case is JSON");
            let id = case["id"].as_str().expect("a case has an id");
            cases += 1;
            match (difference(&case), disputed.get(id)) {
                (None, None) | (Some(_), Some(_)) => {}
                (Some(difference), None) => wrong.push(format!("{id}: {difference}")),
                (None, Some(_)) => wrong.push(format!("{id}: agrees, dispute it no longer")),
            }
        }
    }
    assert!(cases > 0, "no cases in {}", corpus.display());
    assert!(wrong.is_empty(), "{} of {cases}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_reply_ended_by_another_code_is_one_with_the_leniency() {
    let mut config = ReplyConfig::default();
    config.multiline_end = MultilineEnd::AnyCode;
    let fed = feed_every_way(config, b"553-\r\n553- Not here.\r\n150 Opening.\r\n");
    assert_eq!(fed.text(), ["150  /  Not here. / Opening."]);
}
