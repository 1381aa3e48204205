//! Each type of errors in the libraries' sources has its texts in the snapshot

use std::collections::BTreeSet;
use std::path::Path;
use std::{fs, io};

use super::{all, produced};

/// Types whose text is part of another's, or that wrap an error and have its text
const PARTS: &[&str] = &["Cause", "FileError", "OwnedError", "PinRefused", "Problem"];

fn sources(folder: &Path, into: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            sources(&path, into)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(fs::read_to_string(path)?);
        }
    }
    Ok(())
}

/// Returns the types for which a source derives or implements `Error`
fn error_types(source: &str) -> Vec<&str> {
    let mut types = Vec::new();
    let mut is_derived = false;
    for line in source.lines() {
        let word_after = |keyword| {
            let (_, rest) = line.split_once(keyword)?;
            rest.split(|letter: char| !letter.is_alphanumeric()).next()
        };
        if line.trim_start().starts_with("#[derive(") {
            is_derived = line
                .split(['(', ',', ')'])
                .any(|name| matches!(name.trim(), "Error" | "thiserror::Error"));
        } else if let Some(name) = word_after("enum ").or_else(|| word_after("struct ")) {
            types.extend(is_derived.then_some(name));
            is_derived = false;
        } else if let Some(name) = word_after("Error for ").filter(|_| line.starts_with("impl")) {
            types.push(name);
        }
    }
    types
}

#[test]
fn every_type_has_a_text() {
    let mut known: BTreeSet<String> = all().iter().map(|each| each.name.to_owned()).collect();
    known.extend(PARTS.iter().map(|&name| name.to_owned()));
    for produced::Type { name, .. } in produced::all() {
        known.extend(name.split([':', ',', ' ']).map(str::to_owned));
    }
    let lists = all().into_iter().map(|each| each.texts);
    let lists = lists.chain(produced::all().into_iter().map(|each| each.texts));
    assert!(lists.into_iter().all(|list| !list.is_empty()), "a type without any text");
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates");
    let mut texts = Vec::new();
    for folder in fs::read_dir(crates).expect("the crates") {
        let folder = folder.expect("a crate").path();
        // The errors of rftp are its messages.
        if !folder.ends_with("ftp-cli") {
            sources(&folder.join("src"), &mut texts).expect("sources");
        }
    }
    let types: BTreeSet<_> = texts.iter().flat_map(|text| error_types(text)).collect();
    assert!(types.len() > 15, "only {types:?}");
    let missing: Vec<_> = types.iter().filter(|name| !known.contains(**name)).collect();
    assert!(missing.is_empty(), "without a text: {missing:?}");
}
