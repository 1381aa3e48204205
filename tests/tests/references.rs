//! Everything that the repository cites is in the repository: facts about servers, RFCs, files, headings and tests

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Folders with builds, recordings and installed servers, which cite nothing
const SKIPPED: [&str; 5] = ["target", "corpus", ".git", ".run", "__pycache__"];

/// Extensions of files written by people; scripts have none
const WRITTEN: [&str; 8] = ["", "rs", "md", "ftp", "toml", "patch", "py", "yml"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the repository")
}

/// Collects the texts in a folder, by their paths from the repository's root
fn texts(folder: &Path, root: &Path, found: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if path.is_symlink() || SKIPPED.contains(&name.as_str()) {
            continue;
        } else if path.is_dir() {
            texts(&path, root, found);
            continue;
        }
        let extension = path.extension().unwrap_or_default().to_string_lossy();
        // A file that is not UTF-8 is a program or a recording.
        if let (true, Ok(text)) = (WRITTEN.contains(&&*extension), fs::read_to_string(&path)) {
            let from_root = path.strip_prefix(root).expect("a path below the root");
            found.insert(from_root.to_string_lossy().replace('\\', "/"), text);
        }
    }
}

fn repository() -> BTreeMap<String, String> {
    let root = root();
    let mut found = BTreeMap::new();
    texts(&root, &root, &mut found);
    assert!(found.len() > 500, "only {} files", found.len());
    found
}

/// Returns a text as one line, without comment markers
fn unwrapped(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let line = line.trim_start();
        let comment = ["//!", "///", "//", "#"].iter().find_map(|start| line.strip_prefix(start));
        comment.unwrap_or(line).trim()
    });
    lines.collect::<Vec<_>>().join(" ")
}

fn leading_digits(text: &str) -> &str {
    &text[..text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len())]
}

/// Returns the lines of a source that rustdoc shows
fn documentation(source: &str) -> String {
    let is_shown =
        |line: &&str| line.trim_start().starts_with("//!") || line.trim_start().starts_with("///");
    source.lines().filter(is_shown).collect::<Vec<_>>().join("\n")
}

/// Returns the facts about servers that a text cites: `Q1`, `P1`
fn facts_cited(text: &str) -> BTreeSet<String> {
    let text = unwrapped(text);
    let mut found = BTreeSet::new();
    let mut before = ' ';
    for word in text.split_inclusive(|letter: char| !letter.is_ascii_alphanumeric()) {
        let end = word.chars().next_back().unwrap_or(' ');
        let id = word.trim_end_matches(|letter: char| !letter.is_ascii_alphanumeric());
        let number = id.strip_prefix(['Q', 'P']).unwrap_or_default();
        let is_number = !number.is_empty() && leading_digits(number) == number;
        // `-P8` is an option, and `x_P8` a name.
        if is_number && !matches!(before, '-' | '_') && end != '_' {
            found.insert(id.to_lowercase());
        }
        before = end;
    }
    found
}

/// Returns the RFCs that a text cites, also in the form `RFC 1928, 1929 and 2228`
fn rfcs_cited(text: &str) -> BTreeSet<String> {
    let text = unwrapped(text);
    let mut found = BTreeSet::new();
    for (at, word) in text.match_indices("RFC") {
        let mut rest = &text[at + word.len()..];
        rest = rest.strip_prefix('s').unwrap_or(rest);
        let mut separators: &[&str] = &[" ", "-", ""];
        while let Some(number) = separators.iter().find_map(|separator| {
            let digits = leading_digits(rest.strip_prefix(separator)?);
            (3..=5).contains(&digits.len()).then_some(digits)
        }) {
            let end = number.as_ptr() as usize - rest.as_ptr() as usize + number.len();
            found.insert(number.to_owned());
            rest = &rest[end..];
            separators = &[", ", " and ", ", and "];
        }
    }
    found
}

/// Returns the drafts that a text cites: `draft-somers-ftp-mfxx`
fn drafts_cited(text: &str) -> BTreeSet<String> {
    let is_name =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    let starts = text.match_indices("draft-").map(|(at, _)| &text[at..]);
    let names =
        starts.map(|name| &name[..name.find(|letter| !is_name(letter)).unwrap_or(name.len())]);
    names.filter(|name| name.matches('-').count() > 1).map(str::to_owned).collect()
}

/// Returns headings and the first cells of tables
fn subjects(markdown: &str) -> String {
    let subjects = markdown.lines().filter_map(|line| match line.strip_prefix('|') {
        Some(row) => row.split('|').next(),
        None => line.strip_prefix('#'),
    });
    subjects.collect::<Vec<_>>().join("\n")
}

/// Returns Markdown without its code blocks
fn prose(markdown: &str) -> String {
    let mut in_code = false;
    let lines = markdown.lines().filter(|line| {
        let is_fence = line.trim_start().starts_with("```");
        in_code ^= is_fence;
        !in_code && !is_fence
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Returns the links of a text, as their words and their targets
fn links(markdown: &str) -> Vec<(String, String)> {
    let prose = prose(markdown);
    let mut found = Vec::new();
    for (at, middle) in prose.match_indices("](") {
        let words = prose[..at].rsplit_once('[').map_or("", |(_, words)| words);
        let target = prose[at + middle.len()..].split_once(')').map_or("", |(target, _)| target);
        // Brackets in code, as in `a[0](b)`, are not a link.
        if prose[..at].rsplit('\n').next().is_some_and(|line| line.matches('`').count() % 2 == 0) {
            found.push((words.to_owned(), target.to_owned()));
        }
    }
    for line in prose.lines().filter(|line| line.starts_with('[')) {
        if let Some((words, target)) = line[1..].split_once("]: ") {
            found.push((words.to_owned(), target.to_owned()));
        }
    }
    found.retain(|(_, target)| !target.contains("://") && !target.starts_with("mailto:"));
    found
}

/// Returns the possible targets of links in a text: its headings, named as on GitHub, and its explicit anchors
fn anchors(markdown: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for line in prose(markdown).lines() {
        if line.starts_with('#') {
            let words = line.trim_start_matches('#').trim().to_lowercase();
            let words =
                words.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
            let name: String =
                words.map(|letter| if letter == ' ' { '-' } else { letter }).collect();
            let names = (0..)
                .map(|count| if count == 0 { name.clone() } else { format!("{name}-{count}") });
            found.extend(names.into_iter().find(|name| !found.contains(name)));
        }
        let marks = line.split("<a id=\"").skip(1).filter_map(|mark| mark.split_once('"'));
        found.extend(marks.map(|(name, _)| name.to_owned()));
    }
    found
}

/// Returns why a link of this file is broken
fn broken(
    repository: &BTreeMap<String, String>,
    root: &Path,
    file: &str,
    target: &str,
) -> Option<String> {
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let to = if path.is_empty() {
        root.join(file)
    } else {
        root.join(file).parent().expect("a folder").join(path)
    };
    let Ok(to) = to.canonicalize() else { return Some("no such file".to_owned()) };
    let Ok(name) = to.strip_prefix(root) else { return Some("outside the repository".to_owned()) };
    let name = name.to_string_lossy().replace('\\', "/");
    let has_it = anchor.is_empty()
        || repository.get(&name).is_some_and(|text| anchors(text).contains(anchor));
    (!has_it).then(|| format!("{name} has no heading or mark {anchor}"))
}

/// Whether a source contains a test of this name
fn has_test(source: &str, name: &str) -> bool {
    let function = format!("fn {name}(");
    source.match_indices(&function).any(|(at, _)| {
        let above = source[..at]
            .lines()
            .rev()
            .take_while(|line| !line.is_empty() && !line.starts_with('}'));
        above.into_iter().any(|line| line.contains("#[test]") || line.contains("::test]"))
    })
}

#[test]
fn facts_about_servers_are_written_down() {
    let repository = repository();
    let known = anchors(&repository["docs/servers.md"]);
    let (mut count, mut unknown) = (0, Vec::new());
    // This file contains examples of citations.
    for (file, text) in repository.iter().filter(|(file, _)| !file.ends_with("references.rs")) {
        let cited = facts_cited(text);
        count += cited.len();
        let missing = cited.into_iter().filter(|fact| !known.contains(fact));
        unknown.extend(missing.map(|fact| format!("{file}: {fact}")));
    }
    assert!(count > 300, "only {count} citations");
    assert!(unknown.is_empty(), "not in docs/servers.md: {unknown:#?}");
}

/// docs/servers.md is in no package, so on docs.rs a number would mean nothing
#[test]
fn documentation_of_crates_cites_no_numbers() {
    let repository = repository();
    let (mut count, mut errors) = (0, Vec::new());
    let is_documented = |file: &str| file.starts_with("crates/") && file.contains("/src/");
    for (file, text) in repository.iter().filter(|(file, _)| is_documented(file)) {
        let shown = documentation(text);
        count += shown.lines().count();
        let cited = facts_cited(&shown);
        errors.extend(cited.into_iter().map(|fact| format!("{file}: {fact}")));
        if shown.contains("server-quirks") {
            errors.push(format!("{file}: server-quirks"));
        }
    }
    assert!(count > 5_000, "only {count} lines");
    assert!(
        errors.is_empty(),
        "say the fact in words, or cite it in a comment with //: {errors:#?}"
    );
}

#[test]
fn each_fact_about_servers_stands_once_and_has_a_source() {
    let text = &repository()["docs/servers.md"];
    let mut seen = BTreeSet::new();
    for line in text.lines().filter(|line| line.starts_with("| <a id=")) {
        let line = line.replace("\\|", "/");
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        assert_eq!(cells.len(), 3, "{line}");
        assert!(cells.iter().all(|cell| !cell.is_empty()), "{line}");
        assert!(seen.insert(cells[0].to_owned()), "twice: {line}");
    }
    assert!(seen.len() > 150, "only {} facts", seen.len());
}

#[test]
fn specifications_are_listed() {
    let repository = repository();
    let listed = subjects(&repository["docs/rfcs.md"]);
    let known: BTreeSet<String> = &rfcs_cited(&listed) | &drafts_cited(&listed);
    assert!(known.len() > 30, "only {known:?}");
    let mut unknown = Vec::new();
    for (file, text) in repository.iter().filter(|(file, _)| !file.ends_with("references.rs")) {
        let cited = &rfcs_cited(text) | &drafts_cited(text);
        let missing = cited.into_iter().filter(|name| !known.contains(name));
        unknown.extend(missing.map(|name| format!("{file}: {name}")));
    }
    assert!(unknown.is_empty(), "not in docs/rfcs.md: {unknown:#?}");
}

#[test]
fn links_lead_somewhere() {
    let (repository, root) = (repository(), root());
    let (mut count, mut errors) = (0, Vec::new());
    for (file, text) in repository.iter().filter(|(file, _)| file.ends_with(".md")) {
        for (_, target) in links(text) {
            count += 1;
            let why = broken(&repository, &root, file, &target);
            errors.extend(why.map(|why| format!("{file}: {target}: {why}")));
        }
    }
    assert!(count > 200, "only {count} links");
    assert!(errors.is_empty(), "{errors:#?}");
}

#[test]
fn tests_that_documents_name_exist() {
    let repository = repository();
    let (mut count, mut errors) = (0, Vec::new());
    for (words, target) in links(&repository["docs/rfcs.md"]) {
        let (Some(file), name) = (target.strip_prefix("../"), words.trim_matches('`')) else {
            continue;
        };
        // The text of a link to a module is the module's path.
        if file.ends_with(".rs") && !name.ends_with(".rs") {
            count += 1;
            if !repository.get(file).is_some_and(|source| has_test(source, name)) {
                errors.push(format!("{file}: {name}"));
            }
        }
    }
    assert!(count > 50, "only {count} tests");
    assert!(errors.is_empty(), "no such test: {errors:#?}");
}

#[test]
fn nothing_outside_the_repository_is_cited() {
    let outside = [concat!("desi", "gn/"), concat!("/wo", "rk/"), concat!("../sha", "red")];
    let mut errors = Vec::new();
    for (file, text) in &repository() {
        let lines = text.lines().filter(|line| {
            // Tests report when the collection of recordings is missing.
            let is_optional = line.contains("shared/corpus");
            !is_optional && outside.iter().any(|path| line.contains(path))
        });
        errors.extend(lines.map(|line| format!("{file}: {line}")));
    }
    assert!(errors.is_empty(), "{errors:#?}");
}

#[test]
fn citations_are_found() {
    let all = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let text = "/// As (Q12) and Q3, P4; not -P8, x_Q5, Q6_a, QX or AQ7\n/// (Q36,\n/// Q37).";
    assert_eq!(facts_cited(text), all(&["p4", "q12", "q3", "q36", "q37"]));
    let source = "//! Q1\n// Q2\n    /// Q3\nfn a() {} // Q4";
    assert_eq!(facts_cited(&documentation(source)), all(&["q1", "q3"]));
    let text =
        "RFC 959, RFC-2640, RFCs 1928, 1929 and 4217, then 12 or 1234 (RFC\n//! 3659) of RFC x";
    assert_eq!(rfcs_cited(text), all(&["1928", "1929", "2640", "3659", "4217", "959"]));
    assert_eq!(
        drafts_cited("draft-a-b_ draft-x (draft-some-ftp)"),
        all(&["draft-a-b", "draft-some-ftp"])
    );
    assert_eq!(subjects("# RFC 1\ntext RFC 2\n| RFC 3 | RFC 4 |"), " RFC 1\n RFC 3 ");
}

#[test]
fn broken_links_are_found() {
    let text = "[a](b.md#c) [`d`](e)\n```\n[f](g)\n```\n`x[0](y)` [h](https://example.org) [i](#j)\n[k]: l";
    let targets: Vec<_> = links(text).into_iter().map(|(_, target)| target).collect();
    assert_eq!(targets, ["b.md#c", "e", "#j", "l"]);
    let names = anchors("# A `b`, c\n## A b c\n<a id=\"q1\"></a>\n```\n# d\n```");
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["a-b-c", "a-b-c-1", "q1"]);

    let (repository, root) = (repository(), root());
    let why = |target| broken(&repository, &root, "docs/rfcs.md", target);
    assert_eq!(why("servers.md#q1"), None);
    assert_eq!(why("../crates/ftp-proto/src/lib.rs"), None);
    assert!(why("servers.md#q0").is_some_and(|why| why.contains("no heading")));
    assert!(why("no-such-file.md").is_some_and(|why| why.contains("no such file")));
    assert!(why("../..").is_some_and(|why| why.contains("outside")));
}

#[test]
fn missing_tests_are_found() {
    let source = "#[test]\n#[ignore]\nfn a() {}\n\nfn b() {}\n\n#[tokio::test]\nasync fn c() {}";
    assert!(has_test(source, "a") && has_test(source, "c"));
    assert!(!has_test(source, "b") && !has_test(source, "d"));
}
