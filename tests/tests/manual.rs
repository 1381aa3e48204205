//! README, the manual and the other pages for readers: their links lead somewhere, and their code is compiled

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository").to_owned()
}

/// Every page in this directory, and in those below it if `deep`
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

/// The pages that readers are led to
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

/// The lines that are not in a block of code
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut code = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        code ^= fence;
        !code && !fence
    })
}

/// The targets of a page's links
fn links(text: &str) -> Vec<String> {
    let targets = prose(text).flat_map(|line| {
        line.match_indices("](").map(|(at, _)| {
            let rest = &line[at + 2..];
            rest[..rest.find(')').unwrap_or(rest.len())].to_owned()
        })
    });
    targets.collect()
}

/// The name that a heading has in links, as hosts of Markdown make it
fn anchor(heading: &str) -> String {
    let heading = heading.trim_start_matches('#').trim().to_lowercase();
    let letters =
        heading.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
    letters.map(|letter| if letter == ' ' { '-' } else { letter }).collect()
}

/// What is wrong with a link of a page; nothing if it leads somewhere
fn broken(page: &Path, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (file, name) =
        target.split_once('#').map_or((target, None), |(file, name)| (file, Some(name)));
    let path = if file.is_empty() { page.to_owned() } else { page.with_file_name("").join(file) };
    if !path.exists() {
        return Some(format!("{}: {target}: no such file", page.display()));
    }
    let name = name.filter(|_| path.is_file())?;
    let text = fs::read_to_string(&path).expect("a page");
    let found = prose(&text).filter(|line| line.starts_with('#')).any(|line| anchor(line) == name);
    (!found).then(|| format!("{}: {target}: no such heading", page.display()))
}

#[test]
fn links_lead_somewhere() {
    let mut count = 0;
    let mut wrong = Vec::new();
    for page in all_pages() {
        let text = fs::read_to_string(&page).expect("a page");
        for target in links(&text) {
            count += 1;
            wrong.extend(broken(&page, &target));
        }
    }
    assert!(count > 30, "only {count} links");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn broken_links_are_noticed() {
    let page = root().join("README.md");
    assert!(broken(&page, "docs/no-such-page.md").is_some());
    assert!(broken(&page, "ARCHITECTURE.md#no-such-heading").is_some());
    assert!(broken(&page, "ARCHITECTURE.md#the-laws").is_none());
    assert_eq!(links("see [a](b.md) and [c](d.md#e)\n```\n[no](x.md)\n```"), ["b.md", "d.md#e"]);
}

/// Pages of crates are compiled by their crates
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
        } else {
            assert!(listed.contains(path.as_str()), "{path} is not in tests/src/manual.rs");
        }
    }
    assert!(with_code > 2, "only {with_code} pages");
}

/// The names in the first column of a table under this heading
fn table<'a>(text: &'a str, heading: &str) -> BTreeSet<&'a str> {
    let section = text.split_once(heading).map_or("", |(_, section)| section);
    let section = section.split("\n## ").next().unwrap_or_default();
    section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect()
}

/// The names that a manifest's section of features defines, `default` left out
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
