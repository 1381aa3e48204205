//! The files of each crate import each other in one direction, never in a circle; and drivers leave to the session what
//! belongs to it
//!
//! A file imports another by a path with `crate::` or `super::`, in a `use` or elsewhere. The crate's root only
//! re-exports: a name that is imported from it belongs to the file that the root has it from. Tests may import what they
//! test.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

type Imports = BTreeMap<String, BTreeSet<String>>;

/// The name of a crate's root among its sources
const ROOT: &str = "lib";

/// Collects the sources in a folder, by their module paths: `op::transfer`
fn sources(folder: &Path, module: &str, found: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        let stem = path.file_stem().expect("a name").to_str().expect("UTF-8").to_owned();
        let name = match (module, stem.as_str()) {
            (_, "tests") => continue,
            (_, "mod") => module.to_owned(),
            ("", _) => stem,
            _ => format!("{module}::{stem}"),
        };
        if path.is_dir() {
            sources(&path, &name, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a source");
            // Unit tests are at the end of their file.
            let code = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default();
            let code = code.lines().filter(|line| !line.trim_start().starts_with("//"));
            found.insert(name, code.collect::<Vec<_>>().join("\n"));
        }
    }
}

/// Returns the imports of each file
fn imports(sources: &BTreeMap<String, String>) -> Imports {
    let mut imports = Imports::new();
    let exports = sources.get(ROOT).map(|root| exports(root)).unwrap_or_default();
    for (module, text) in sources.iter().filter(|(module, _)| *module != ROOT) {
        let parent = module.rsplit_once("::").map_or("", |(parent, _)| parent);
        let mut found = BTreeSet::new();
        for (start, base) in [("crate::", ""), ("super::", parent)] {
            for (at, _) in text.match_indices(start) {
                let joined = text[..at].ends_with([':', '_']);
                if joined {
                    continue;
                }
                for path in paths(&text[at + start.len()..]) {
                    found.extend(owner(sources, &exports, base, &path));
                }
            }
        }
        found.remove(module);
        imports.insert(module.clone(), found);
    }
    imports
}

/// Returns the paths that begin here: one, or each of a group in braces
fn paths(text: &str) -> Vec<String> {
    let is_path = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == ':';
    let path = &text[..text.find(|letter| !is_path(letter)).unwrap_or(text.len())];
    match text[path.len()..].strip_prefix('{') {
        Some(group) if path.is_empty() || path.ends_with("::") => {
            let group = group.split_once('}').map_or(group, |(group, _)| group);
            group.split(',').map(|name| format!("{path}{}", name.trim())).collect()
        }
        _ => vec![path.to_owned()],
    }
}

/// Returns where a crate's root has its names from: `Client` is `client::Client`
fn exports(root: &str) -> BTreeMap<String, String> {
    let uses = root.match_indices("use ").filter(|(at, _)| root[..*at].ends_with([' ', '\n']));
    let paths = uses.flat_map(|(at, word)| paths(&root[at + word.len()..]));
    let named = paths.map(|path| match path.split_once(" as ") {
        Some((path, name)) => (name.to_owned(), path.to_owned()),
        None => (path.rsplit("::").next().unwrap_or_default().to_owned(), path),
    });
    named.collect()
}

/// Returns the file that a path leads into; `None` if it is the crate's root itself
fn owner(
    sources: &BTreeMap<String, String>,
    exports: &BTreeMap<String, String>,
    base: &str,
    path: &str,
) -> Option<String> {
    let first = path.split("::").next().unwrap_or_default();
    let mut whole = match exports.get(first).filter(|_| !sources.contains_key(first)) {
        Some(exported) if base.is_empty() => exported.clone(),
        _ if base.is_empty() => path.to_owned(),
        _ => format!("{base}::{path}"),
    };
    loop {
        if sources.contains_key(&whole) {
            return Some(whole);
        }
        whole.truncate(whole.rfind("::")?);
    }
}

/// Returns a circle among the imports
fn circle(imports: &Imports) -> Option<Vec<String>> {
    let mut left: BTreeSet<&String> = imports.keys().collect();
    // A file that imports none of the remaining ones is in no circle.
    while let Some(free) = left
        .iter()
        .copied()
        .find(|module| !imports[*module].iter().any(|imported| left.contains(imported)))
    {
        left.remove(free);
    }
    let mut way = vec![(*left.first()?).clone()];
    loop {
        let next = imports[way.last()?].iter().find(|imported| left.contains(imported))?;
        if let Some(begin) = way.iter().position(|module| module == next) {
            way.push(next.clone());
            return Some(way.split_off(begin));
        }
        way.push(next.clone());
    }
}

/// Each crate, with how many files and imports there are at least
const CRATES: [(&str, usize, usize); 9] = [
    ("ftp-blocking", 15, 25),
    ("ftp-cli", 60, 150),
    ("ftp-mio", 7, 5),
    ("ftp-object-store", 15, 25),
    ("ftp-proto", 80, 250),
    ("ftp-session", 50, 120),
    ("ftp-test", 8, 15),
    ("ftp-tls", 13, 20),
    ("ftp-tokio", 20, 40),
];

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates")
}

/// Returns the sources of a crate
fn sources_of(crate_: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    sources(&crates().join(crate_).join("src"), "", &mut found);
    assert!(found.contains_key(ROOT), "{crate_} has no root");
    found
}

#[test]
fn no_file_imports_in_a_circle() {
    for (crate_, files, imported) in CRATES {
        let found = sources_of(crate_);
        assert!(found.len() >= files, "{crate_}: only {} files", found.len());
        let imports = imports(&found);
        let count: usize = imports.values().map(BTreeSet::len).sum();
        assert!(count >= imported, "{crate_}: only {count} imports");
        assert_eq!(circle(&imports), None, "{crate_}");
    }
}

#[test]
fn every_crate_is_checked() {
    let folders = fs::read_dir(crates()).expect("the crates").map(|entry| entry.expect("an entry"));
    let names = folders.map(|entry| entry.file_name().into_string().expect("UTF-8"));
    assert_eq!(names.collect::<BTreeSet<_>>(), CRATES.map(|(name, ..)| name.to_owned()).into());
}

/// The core's orders, and the events that answer them
const ENGINE: [&str; 5] = ["Action", "ControlEvent", "DataEvent", "DataEndpoint", "TicketSupply"];

/// Returns the names of the core's orders that a source contains
fn engine_words(text: &str) -> Vec<&str> {
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    text.split(|letter| !is_word(letter)).filter(|word| ENGINE.contains(word)).collect()
}

#[test]
fn no_driver_moves_the_machine_by_itself() {
    for driver in ["ftp-blocking", "ftp-mio", "ftp-tokio"] {
        for (module, text) in &sources_of(driver) {
            assert_eq!(engine_words(text), [""; 0], "{driver}: {module}");
        }
    }
}

#[test]
fn names_of_the_engine_are_found() {
    let text = "use ftp_proto::{Action, Reply};\nfn f(x: DataEvent) { Transaction; }";
    assert_eq!(engine_words(text), ["Action", "DataEvent"]);
}

macro_rules! names {
    ($(
        $(#[$group:meta])*
        impl {$(
            $(#[$meta:meta])*
            fn $name:ident($($argument:ident: $type:ty),*) -> $output:ty { $($operation:tt)* }
        )*}
    )*) => {
        /// The requests of the core's list
        const REQUESTS: &[&str] = &[$($(stringify!($name),)*)*];
    };
}

ftp_proto::requests!(names);

/// Returns the requests of the list that a source defines again
fn stated_again(text: &str) -> Vec<String> {
    let text = text.replace("pub async fn ", "pub fn ");
    let functions = text.match_indices("pub fn ").map(|(at, start)| &text[at + start.len()..]);
    let names = functions.map(|rest| &rest[..rest.find(['(', '<']).unwrap_or(rest.len())]);
    names.filter(|name| REQUESTS.contains(name)).map(str::to_owned).collect()
}

#[test]
fn requests_are_stated_once() {
    for (crate_, module) in [
        ("ftp-proto", "client::requests"),
        ("ftp-blocking", "methods"),
        ("ftp-mio", "requests"),
        ("ftp-tokio", "methods"),
    ] {
        let found = sources_of(crate_);
        assert!(found[module].contains("requests!(methods);"), "{crate_} leaves the list out");
        assert_eq!(stated_again(&found[module]), [""; 0], "{crate_}");
    }
}

#[test]
fn requests_that_are_stated_again_are_found() {
    assert!(REQUESTS.len() > 20, "only {} requests", REQUESTS.len());
    let text =
        "pub fn cwd(&mut self) {} fn pwd() {} pub fn get(&mut self) {} pub async fn noop<T>() {}";
    assert_eq!(stated_again(text), ["cwd", "noop"]);
}

macro_rules! procedures {
    ($(
        $(#[$group:meta])*
        impl ($local:expr) {$(
            $(#[$meta:meta])*
            fn $name:ident($($argument:ident: $type:ty),*) -> $output:ty { $procedure:expr }
        )*}
    )*) => {
        &[$($(stringify!($name),)*)*]
    };
}

/// The operations of several requests, which shells take from lists
const PROCEDURES: [&[&str]; 2] =
    [ftp_session::operations!(procedures), ftp_session::file_operations!(procedures)];

/// Returns the sources of the tokio driver
fn tokio_sources() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/ftp-tokio/src");
    let mut found = BTreeMap::new();
    sources(&folder, "", &mut found);
    assert!(found.len() > 20, "only {} files", found.len());
    found
}

/// What a session on tokio must not use, because its caller's task is its only one
const SHARING: [&str; 9] = [
    "spawn",
    "spawn_blocking",
    "spawn_local",
    "JoinSet",
    "Mutex",
    "RwLock",
    "mpsc",
    "oneshot",
    "Notify",
];

/// Returns what a source uses of these
fn shared(text: &str) -> BTreeSet<&str> {
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    text.split(|letter| !is_word(letter)).filter(|word| SHARING.contains(word)).collect()
}

#[test]
fn a_session_on_tokio_has_no_task_lock_or_channel() {
    for (module, text) in tokio_sources() {
        let allowed: &[&str] = match module.as_str() {
            "pool" => continue,
            name if name.starts_with("pool::") => continue,
            // Local files, on tokio's threads for blocking work.
            "local" => &["spawn_blocking"],
            _ => &[],
        };
        assert_eq!(shared(&text), allowed.iter().copied().collect(), "{module}");
    }
}

#[test]
fn tasks_locks_and_channels_are_found() {
    let text =
        "use tokio::sync::{Notify, mpsc};\ntokio::spawn(async {}); respawn(); Mutex::new(3);";
    assert_eq!(shared(text), BTreeSet::from(["Mutex", "Notify", "mpsc", "spawn"]));
    assert_eq!(
        shared(&tokio_sources()["pool::shared"]),
        BTreeSet::from(["Mutex", "Notify", "spawn"])
    );
}

/// Returns the names of a source's public functions whose result is a future
fn futures(text: &str) -> Vec<&str> {
    let after =
        |start| text.match_indices(start).map(|(at, start): (_, &str)| &text[at + start.len()..]);
    let functions = after("pub async fn ").chain(after("pub $($async)* fn "));
    let returning = after("pub fn ").filter(|rest| {
        let signature = &rest[..rest.find(['{', ';']).unwrap_or(rest.len())];
        signature.contains("-> impl Future")
    });
    let names = functions.chain(returning);
    let names = names.map(|rest| &rest[..rest.find(['(', '<']).unwrap_or(rest.len())]);
    names.filter(|name| !name.starts_with('$')).collect()
}

/// The names of all operations on tokio but the requests: the driver's own, and those of the lists that shells share
fn operations_on_tokio() -> BTreeSet<String> {
    let mut sources = tokio_sources();
    for (name, text) in sources_of("ftp-session") {
        if ["client_methods", "transfer_methods"].contains(&&*name) {
            sources.insert(name, text);
        }
    }
    let own: Vec<&str> = sources.values().flat_map(|text| futures(text)).collect();
    assert!(own.len() > 40, "only {}", own.len());
    let lists = PROCEDURES.iter().copied().flatten().copied();
    own.into_iter().chain(lists).map(str::to_owned).collect()
}

/// Whether a source calls a function of this name
fn calls(text: &str, name: &str) -> bool {
    [".", "::", "is_send(", "= "].iter().any(|before| text.contains(&format!("{before}{name}(")))
}

/// Threads exchange tasks, and with them the futures that these wait for
#[test]
fn every_future_on_tokio_is_asserted_to_be_send() {
    let asserted = &tokio_sources()["send"];
    assert!(asserted.contains("requests!(calls);"), "the list is left out");
    for name in operations_on_tokio() {
        assert!(calls(asserted, &name), "{name}");
    }
}

/// An operation that is in none of these files is dropped by no test
#[test]
fn every_operation_on_tokio_is_dropped_at_every_poll() {
    let read = |file| {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(file);
        fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file:?}: {error}"))
    };
    let requests = read("tokio/requests.rs");
    assert!(requests.contains("requests!(listed);"), "the list is left out");
    let dropped = [
        "tokio/operations.rs",
        "tokio/dropping.rs",
        "tokio/files.rs",
        "tokio/copying.rs",
        "tokio/sockets.rs",
        // Its connections are made by `connect_with`.
        "tokio/memory.rs",
        "pool/dropped.rs",
    ];
    let dropped = dropped.map(read).join("\n");
    // Those requests that this file leaves out
    let others = REQUESTS.iter().filter(|name| requests.contains(&format!("\"{name}\"")));
    for name in operations_on_tokio().into_iter().chain(others.map(|name| (*name).to_owned())) {
        assert!(calls(&dropped, &name), "{name}");
    }
}

#[test]
fn futures_are_found() {
    let text = "pub async fn a(&self) {}\npub fn b() -> u8 {}\npub fn c<T>(\n) -> impl Future<Output = T> {}\n\
        pub $($async)* fn d() {}";
    assert_eq!(futures(text), ["a", "d", "c"]);
}

#[test]
fn a_circle_is_found() {
    let sources = |b: &str| {
        let files = [
            ("a", "use crate::op::{b, Other};"),
            ("op", ""),
            ("op::b", b),
            ("op::c", "fn f() -> crate::a::A { a() }"),
        ];
        files.map(|(name, text)| (name.to_owned(), text.to_owned())).into()
    };
    assert_eq!(circle(&imports(&sources("use super::c::C;"))).map(|way| way.len()), Some(4));
    assert_eq!(circle(&imports(&sources("use super::d;"))), None);
}

#[test]
fn a_circle_through_the_root_is_found() {
    let files = [
        (
            ROOT,
            "pub use a::{\n    A as Renamed,\n    Other,\n};\npub use b::B;\npub use external::C;",
        ),
        ("a", "use crate::B;"),
        ("b", "use crate::{C, Renamed};"),
    ];
    let sources = files.map(|(name, text)| (name.to_owned(), text.to_owned())).into();
    assert_eq!(circle(&imports(&sources)).map(|way| way.len()), Some(3));
}
