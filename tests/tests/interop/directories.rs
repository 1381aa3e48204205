//! Directories as entries: their content, and empty, missing and unreadable directories

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::driver::ftp_proto::listing::{EntryKind, Modified, OwnedEntry};
use crate::driver::{Client, Error, ReadDir, ftp_proto};
use ftp_tests::servers::takes_long;

use crate::way::Way;
use crate::{Security, everywhere, on_each_server};

/// Names from real servers, not all of which every server accepts
const NAMES: [&str; 13] = [
    "plain",
    "two words",
    " leading",
    "trailing ",
    "-la",
    "[a-c]*",
    "what?",
    "a; b",
    "x -> y",
    "ümläut 日本",
    "'quoted\"",
    "12\" disk",
    "{one,two}",
];

fn by_name(entries: Vec<OwnedEntry>) -> BTreeMap<Vec<u8>, OwnedEntry> {
    entries.into_iter().map(|entry| (entry.name().to_vec(), entry)).collect()
}

fn read(ftp: &mut Client, directory: impl Into<ReadDir>) -> Result<Vec<OwnedEntry>, Error> {
    let mut entries = ftp.read_dir(directory)?;
    let all = entries.by_ref().collect::<Result<Vec<_>, _>>()?;
    assert_eq!(entries.unknown_lines(), 0);
    Ok(all)
}

/// If pyftpdlib has sent nothing, it closes without close_notify, so an empty listing can't be distinguished from a
/// truncated one
fn is_silent_end(way: &Way, error: &Error) -> bool {
    matches!(error, Error::Ftp(ftp_proto::Error::Truncated { received: 0, .. }))
        && way.security != Security::Clear
        && way.server.name == "pyftpdlib"
}

fn make(local: &Path) {
    for (size, name) in NAMES.iter().enumerate() {
        std::fs::write(local.join(name), vec![b'x'; size]).unwrap();
    }
    std::fs::create_dir(local.join("sub")).unwrap();
    std::os::unix::fs::symlink("plain", local.join("link")).unwrap();
}

fn check(way: &Way, entries: &[OwnedEntry], long: bool) {
    let entries = by_name(entries.to_vec());
    for (size, name) in NAMES.iter().enumerate() {
        let found = entries.get(name.as_bytes());
        let entry = found.unwrap_or_else(|| panic!("{name:?} is not in {entries:?}"));
        assert_eq!((entry.kind(), entry.size()), (EntryKind::File, Some(size as u64)), "{name:?}");
        assert!(entry.is_safe_name());
        let Some(Modified::At { time, .. }) = entry.modified() else { panic!("{entry:?}") };
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let age = now.as_secs() as i64 - time.to_unix();
        assert!((-86_400..86_400).contains(&age), "{entry:?}");
    }
    assert_eq!(entries[&b"sub"[..]].kind(), EntryKind::Dir);
    let link = &entries[&b"link"[..]];
    if long {
        assert_eq!((link.kind(), link.entry().target), (EntryKind::Symlink, Some(&b"plain"[..])));
    }
    assert_eq!(entries.len(), NAMES.len() + 2, "{} {entries:?}", way.name());
}

#[test]
fn entries_of_a_directory() {
    everywhere(|way| {
        let (mut ftp, _, local) = way.enter();
        make(&local);
        check(way, &read(&mut ftp, "").unwrap(), false);
        check(way, &read(&mut ftp, ReadDir::long("")).unwrap(), true);
        let mut names: Vec<_> =
            read(&mut ftp, ReadDir::names("")).unwrap().iter().map(|e| e.name().to_vec()).collect();
        names.sort();
        let mut expected: Vec<_> = NAMES.iter().map(|name| name.as_bytes().to_vec()).collect();
        expected.extend([b"sub".to_vec(), b"link".to_vec()]);
        expected.sort();
        assert_eq!(names, expected);
        ftp.quit().unwrap();
    });
}

/// A directory with any name can be read, and the working directory stays the same
#[test]
fn directories_of_any_name() {
    on_each_server(|way| {
        let (mut ftp, _, local) = way.enter();
        let here = ftp.pwd().unwrap();
        for (number, name) in NAMES.iter().enumerate() {
            let inside = local.join(name);
            std::fs::create_dir(&inside).unwrap();
            let file = format!("in number {number}");
            std::fs::write(inside.join(&file), "content").unwrap();
            let ways = [ReadDir::new, ReadDir::long, ReadDir::all, ReadDir::names];
            for directory in ways.map(|way| way(name)) {
                let found = read(&mut ftp, directory.clone())
                    .unwrap_or_else(|error| panic!("{directory:?}: {error}"));
                let names: Vec<_> = found.iter().map(OwnedEntry::name).collect();
                assert_eq!(names, [file.as_bytes()], "{directory:?}");
                assert_eq!(ftp.pwd().unwrap(), here);
            }
            assert_eq!(
                ftp.canonicalize(name).unwrap(),
                [&here, &b"/"[..], name.as_bytes()].concat()
            );
            assert_eq!(ftp.pwd().unwrap(), here);
        }
        ftp.quit().unwrap();
    });
}

/// The working directory stays the same also where the path leads elsewhere, or nowhere
#[test]
fn paths_of_directories() {
    on_each_server(|way| {
        let (mut ftp, _, local) = way.enter();
        let here = ftp.pwd().unwrap();
        let inside = |name: &str| [&here, &b"/"[..], name.as_bytes()].concat();
        std::fs::create_dir_all(local.join("a/b")).unwrap();
        std::fs::write(local.join("a/.hidden"), "content").unwrap();
        std::os::unix::fs::symlink("a/b", local.join("link")).unwrap();
        assert_eq!(ftp.canonicalize("").unwrap(), here);
        assert_eq!(ftp.canonicalize("a/b/..").unwrap(), inside("a"));
        let link = ftp.canonicalize("link").unwrap();
        let target = String::from_utf8_lossy(&link);
        println!("{}: link is {target}", way.name());
        // pyftpdlib repeats the path.
        let expected = if way.server.name == "pyftpdlib" { "link" } else { "a/b" };
        assert_eq!(link, inside(expected), "{target}");
        for missing in ["missing", "a/missing"] {
            match ftp.canonicalize(missing) {
                Err(Error::Ftp(ftp_proto::Error::NoDirectory(_))) => {}
                other => panic!("{missing}: {other:?}"),
            }
        }
        assert!(ftp.canonicalize("a/.hidden").is_err());
        let entries = read(&mut ftp, ReadDir::all("a")).unwrap();
        let mut names: Vec<_> = entries.iter().map(OwnedEntry::name).collect();
        names.sort_unstable();
        assert_eq!(names, [&b".hidden"[..], b"b"]);
        assert_eq!(ftp.pwd().unwrap(), here);
        ftp.quit().unwrap();
    });
}

#[test]
fn empty_missing_and_unreadable_directories() {
    everywhere(|way| {
        let (mut ftp, _, local) = way.enter();
        for name in ["empty", "[empty]", "shut"] {
            std::fs::create_dir(local.join(name)).unwrap();
        }
        std::fs::set_permissions(local.join("shut"), PermissionsExt::from_mode(0o000)).unwrap();
        std::fs::write(local.join("file"), "content").unwrap();
        let here = ftp.pwd().unwrap();
        let kinds: [fn(&'static str) -> ReadDir; 3] =
            [|name| ReadDir::new(name), |name| ReadDir::long(name), |name| ReadDir::names(name)];
        for kind in kinds {
            for name in ["empty", "[empty]"] {
                match read(&mut ftp, kind(name)) {
                    Ok(entries) => assert!(entries.is_empty(), "{entries:?}"),
                    Err(error) => assert!(is_silent_end(way, &error), "{name}: {error}"),
                }
            }
            for name in ["missing", "[missing]"] {
                match read(&mut ftp, kind(name)) {
                    Err(Error::Ftp(ftp_proto::Error::NoDirectory(_))) => {}
                    other => panic!("{name}: {other:?}"),
                }
            }
            // As root, it may read everything.
            if way.server.name != "pyftpdlib" {
                match read(&mut ftp, kind("shut")) {
                    Err(Error::Ftp(
                        ftp_proto::Error::NoDirectory(_)
                        | ftp_proto::Error::Permanent(_)
                        | ftp_proto::Error::Transient(_)
                        | ftp_proto::Error::UnexpectedReply(_),
                    )) => {}
                    other => panic!("shut: {other:?}"),
                }
            }
            assert_eq!(ftp.pwd().unwrap(), here);
        }
        ftp.quit().unwrap();
    });
}

#[test]
fn a_listing_can_be_abandoned() {
    on_each_server(|way| {
        let (mut ftp, _, local) = way.enter();
        std::fs::create_dir(local.join("*")).unwrap();
        for number in 0..2000 {
            std::fs::write(local.join("*").join(format!("{number}")), "").unwrap();
        }
        let here = ftp.pwd().unwrap();
        let first = ftp.read_dir("*").unwrap().next().unwrap().unwrap();
        assert!(!first.name().is_empty());
        assert_eq!(ftp.pwd().unwrap(), here, "it is left again");
        assert_eq!(read(&mut ftp, "*").unwrap().len(), 2000);
        ftp.quit().unwrap();
    });
}

/// One directory is moved from server to server, because creating it takes longer than listing it
#[test]
fn many_entries() {
    let all = if takes_long() { 100_000 } else { 10_000 };
    let made: RefCell<Option<PathBuf>> = RefCell::new(None);
    on_each_server(|way| {
        // ProFTPD takes 15 seconds to sort a hundred thousand, so it lists them once.
        if way.server.name == "proftpd" && way.security != Security::Clear {
            return;
        }
        let (mut ftp, _, local) = way.enter();
        let big = local.join("big");
        match made.borrow_mut().replace(big.clone()) {
            Some(before) => std::fs::rename(before, &big).unwrap(),
            None => {
                std::fs::create_dir(&big).unwrap();
                for number in 0..all {
                    std::fs::write(big.join(format!("file number {number}")), "").unwrap();
                }
            }
        }
        let mut count = 0;
        let mut entries = ftp.read_dir("big").unwrap();
        for entry in &mut entries {
            let entry = entry.unwrap();
            assert!(entry.name().starts_with(b"file number "));
            assert_eq!(entry.size(), Some(0));
            count += 1;
        }
        let unknown = entries.unknown_lines();
        drop(entries);
        assert_eq!((count, unknown), (all, 0), "{}", way.name());
        ftp.quit().unwrap();
    });
    if let Some(big) = made.take() {
        std::fs::remove_dir_all(big).unwrap();
    }
}
