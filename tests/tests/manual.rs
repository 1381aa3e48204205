//! README, the manual and the other pages: their code is compiled, and all features are listed
//!
//! `references.rs` checks their links.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository").to_owned()
}

/// Collects every page in this directory, and in those below it if `deep`
fn pages(directory: &Path, deep: bool, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("a directory of pages") {
        let path = entry.expect("an entry").path();
        if path.is_dir() && deep {
            pages(&path, deep, found);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
}

/// Returns all pages for readers
fn all_pages() -> Vec<PathBuf> {
    let mut found = Vec::new();
    pages(&root(), false, &mut found);
    pages(&root().join("docs"), true, &mut found);
    for crate_ in fs::read_dir(root().join("crates")).expect("the crates") {
        pages(&crate_.expect("a crate").path(), false, &mut found);
    }
    found.sort();
    assert!(found.len() > 10, "only {} pages", found.len());
    found
}

/// Pages of crates are compiled by their crates, and the page of the engines in their workspace
#[test]
fn every_page_with_code_is_compiled() {
    let list = fs::read_to_string(root().join("tests/src/manual.rs")).expect("the list of pages");
    let listed: BTreeSet<&str> =
        list.split('"').filter_map(|path| path.strip_prefix("../../")).collect();
    let mut with_code = 0;
    for page in all_pages() {
        let text = fs::read_to_string(&page).expect("a page");
        if !text.contains("```rust") {
            continue;
        }
        with_code += 1;
        let path = page.strip_prefix(root()).expect("a page of the repository");
        let path = path.to_str().expect("UTF-8").replace('\\', "/");
        if path.starts_with("crates/") {
            let source = page.with_file_name("src").join("lib.rs");
            let source = fs::read_to_string(source).expect("the crate's root");
            assert!(source.contains(r#"include_str!("../README.md")"#), "{path} is not compiled");
        } else if path == "docs/object-store.md" {
            let engines = root().join("tests/engines/src/lib.rs");
            let engines = fs::read_to_string(engines).expect("the engines' library");
            assert!(engines.contains(&format!(r#"include_str!("../../../{path}")"#)), "{path}");
        } else {
            assert!(listed.contains(path.as_str()), "{path} is not in tests/src/manual.rs");
        }
    }
    assert!(with_code > 2, "only {with_code} pages");
}

/// Returns the names in the first column of the table under this heading
fn table<'a>(text: &'a str, heading: &str) -> BTreeSet<&'a str> {
    let section = text.split_once(heading).map_or("", |(_, section)| section);
    let section = section.split("\n## ").next().unwrap_or_default();
    section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect()
}

/// Returns the features that a manifest defines, without `default`
fn features(manifest: &str) -> BTreeSet<&str> {
    let section = manifest.split_once("[features]\n").map_or("", |(_, section)| section);
    let lines = section.lines().take_while(|line| !line.starts_with('['));
    let names = lines.filter_map(|line| line.split_once(" = ").map(|(name, _)| name));
    names.filter(|name| !name.starts_with('#') && *name != "default").collect()
}

#[test]
fn readmes_of_crates_name_their_features() {
    let mut count = 0;
    for crate_ in fs::read_dir(root().join("crates")).expect("the crates") {
        let crate_ = crate_.expect("a crate").path();
        let manifest = fs::read_to_string(crate_.join("Cargo.toml")).expect("a manifest");
        let readme = fs::read_to_string(crate_.join("README.md")).expect("a README");
        count += features(&manifest).len();
        assert_eq!(table(&readme, "## Features"), features(&manifest), "{}", crate_.display());
    }
    assert!(count > 20, "only {count} features");
}
