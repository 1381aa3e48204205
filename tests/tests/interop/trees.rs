//! Trees of directories and the times of files

use std::collections::BTreeSet;
use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::driver::{Client, Descent, Error, OwnedEntry, ReadDir, TimeCommand};
use ftp_blocking::{WalkOptions, system_time, timestamp};

use crate::on_each_server;

#[test]
fn directories_with_their_parents() {
    on_each_server(|way| {
        let (mut ftp, remote, local) = way.enter();
        let here = ftp.pwd().unwrap();
        for (path, made) in [("a", 1), ("a/two words/ü/d", 3), ("a/two words/ü/d/", 0), ("a", 0)]
        {
            assert_eq!(ftp.create_dir_all(path).unwrap(), made, "{path}");
            assert!(local.join(path).is_dir());
            assert_eq!(ftp.pwd().unwrap(), here);
        }
        assert_eq!(ftp.create_dir_all(format!("{remote}/x/y")).unwrap(), 2);
        assert!(local.join("x/y").is_dir());
        std::fs::write(local.join("a/file"), "content").unwrap();
        for path in ["a/file", "a/file/b", "a/file/b/c"] {
            match ftp.create_dir_all(path) {
                Err(Error::NotADirectory { path }) => assert_eq!(path, b"a/file"),
                other => panic!("{path}: {other:?}"),
            }
        }
        assert_eq!(ftp.pwd().unwrap(), here);
        ftp.quit().unwrap();
    });
}

/// Creates a tree with links out of it and into itself; the files belong to the server's user
///
/// No link leads to `..` alone: ProFTPD lists such a link with no form of LIST.
fn make(ftp: &mut Client, local: &Path) {
    for path in ["tree/sub/deep", "precious"] {
        ftp.create_dir_all(path).unwrap();
    }
    for path in [
        "tree/one",
        "tree/[a-c]*",
        "tree/two words",
        "tree/sub/three",
        "tree/sub/deep/four",
        "precious/file",
    ] {
        ftp.upload_from(path, &mut &b"content"[..]).unwrap();
    }
    for (path, target) in [("tree/out", "../precious"), ("tree/sub/loop", "../../tree")] {
        symlink(target, local.join(path)).unwrap();
    }
}

#[test]
fn a_tree_is_walked() {
    on_each_server(|way| {
        let (mut ftp, _, local) = way.enter();
        make(&mut ftp, &local);
        for options in [
            WalkOptions::new().long(),
            WalkOptions::new().long().contents_first(),
            WalkOptions::new().both(),
        ] {
            let mut found = BTreeSet::new();
            for one in ftp.walk("tree", options) {
                let one = one.unwrap();
                let path = String::from_utf8(one.path).unwrap();
                let is_dir = ["tree/sub", "tree/sub/deep"].contains(&&*path);
                let expected = if is_dir { Descent::Entered } else { Descent::None };
                assert_eq!(one.descent, expected, "{path}");
                assert!(found.insert(path));
            }
            let expected = [
                "tree/[a-c]*",
                "tree/one",
                "tree/out",
                "tree/sub",
                "tree/sub/deep",
                "tree/sub/deep/four",
                "tree/sub/loop",
                "tree/sub/three",
                "tree/two words",
            ];
            assert!(found.iter().eq(expected.iter()), "{} {found:?}", way.name());
        }
        // The best command may show links as their targets, but the walk ends with it, too.
        let mut count = 0;
        for one in ftp.walk("tree", WalkOptions::new()) {
            one.unwrap();
            count += 1;
        }
        assert!((9..40).contains(&count), "{} {count}", way.name());
        ftp.quit().unwrap();
    });
}

fn entries(ftp: &mut Client, directory: ReadDir) -> Result<Vec<OwnedEntry>, Error> {
    ftp.read_dir(directory)?.collect()
}

/// A mirror would delete the files that are missing from an empty directory
#[test]
fn a_directory_that_may_not_be_read_is_not_empty() {
    on_each_server(|way| {
        let (mut ftp, _, local) = way.enter();
        for (name, mode) in [("unreadable", 0o711), ("unsearchable", 0o744), ("closed", 0o700)] {
            let path = local.join(name);
            std::fs::create_dir(&path).unwrap();
            std::fs::write(path.join("file"), "content").unwrap();
            std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            for directory in [ReadDir::new(name), ReadDir::long(name)] {
                let found = entries(&mut ftp, directory);
                assert!(found.as_ref().map_or(true, |all| all.len() == 1), "{name}: {found:?}");
            }
        }
        for name in ["empty", "empty/with two words", "empty/missing"] {
            let expected = if name.ends_with("missing") {
                None
            } else {
                std::fs::create_dir(local.join(name)).unwrap();
                Some(0)
            };
            let found = entries(&mut ftp, ReadDir::new(name));
            assert_eq!(found.as_ref().ok().map(Vec::len), expected, "{name}: {found:?}");
        }
        std::fs::write(local.join("file"), "content").unwrap();
        symlink("unreadable", local.join("link")).unwrap();
        for name in ["file", "file/x", "link"] {
            let found = entries(&mut ftp, ReadDir::new(name));
            assert!(found.is_err() || name == "link", "{name}: {found:?}");
        }
        ftp.quit().unwrap();
    });
}

#[test]
fn a_tree_is_removed_and_nothing_else() {
    on_each_server(|way| {
        let (mut ftp, remote, local) = way.enter();
        let here = ftp.pwd().unwrap();
        make(&mut ftp, &local);
        ftp.upload_from("tree/sub/.hidden", &mut &b"content"[..]).unwrap();
        ftp.create_dir_all("tree/.git/objects").unwrap();
        symlink("tree", local.join("link")).unwrap();
        for path in ["", "/", "..", "tree/..", "."] {
            let refused = ftp.remove_dir_all(path);
            assert!(matches!(refused, Err(Error::InvalidRequest { .. })), "{path}: {refused:?}");
        }
        for path in ["link", "precious/file"] {
            match ftp.remove_dir_all(path) {
                Err(Error::NotADirectory { .. }) => {}
                other => panic!("{path}: {other:?}"),
            }
        }
        assert!(ftp.remove_dir_all("missing").unwrap_err().is_missing());
        assert!(local.join("tree/sub/three").exists());
        let removal = ftp.remove_dir_all("tree").unwrap();
        assert_eq!((removal.files, removal.directories), (8, 5), "{}", way.name());
        assert!(std::fs::symlink_metadata(local.join("tree")).is_err());
        assert!(local.join("precious/file").exists());
        ftp.remove_dir_all(format!("{remote}/precious")).unwrap();
        assert!(!local.join("precious").exists());
        assert_eq!(ftp.pwd().unwrap(), here);
        ftp.quit().unwrap();
    });
}

/// Servers hide dot files, ProFTPD links to `.` and `..`; and a directory that may be written need not be readable
#[test]
fn a_link_that_listings_do_not_show_is_not_followed() {
    on_each_server(|way| {
        let (mut ftp, remote, local) = way.enter();
        let here = ftp.pwd().unwrap();
        for path in ["home/deep", "w/sub/.real/deep", "shut/real/deep"] {
            ftp.create_dir_all(path).unwrap();
        }
        for path in ["home/precious", "w/sub/file", "w/sub/.real/.file", "shut/real/file"] {
            ftp.upload_from(path, &mut &b"content"[..]).unwrap();
        }
        for (path, target) in [
            (".link", "home"),
            ("w/.link", "../home"),
            ("w/link", "../home"),
            ("w/sub/up", ".."),
            ("w/sub/dot", "."),
            ("shut/link", "../home"),
            ("shut/up", ".."),
        ] {
            symlink(target, local.join(path)).unwrap();
        }
        std::fs::set_permissions(local.join("shut"), Permissions::from_mode(0o311)).unwrap();
        for path in [".link", "w/.link", "w/link", "w/sub/up", "w/sub/dot", "shut/link", "shut/up"]
        {
            for path in [path.to_owned(), format!("{remote}/{path}/")] {
                let error = ftp.remove_dir_all(&path).unwrap_err();
                let is_shown = !path.contains("shut")
                    && (path.contains("link") || way.server.name != "proftpd");
                match &error {
                    Error::NotADirectory { .. } => {}
                    Error::MayBeLink { working_directory: Some(_), .. } if !is_shown => {}
                    _ => panic!("{} {path}: {error:?}", way.name()),
                }
                assert_eq!(ftp.pwd().unwrap(), here);
            }
        }
        for path in ["home/precious", "home/deep", "w/sub/file", "w/sub/.real/deep"] {
            assert!(local.join(path).exists(), "{} {path}", way.name());
        }
        for (path, files) in [("w/sub/.real", 1), ("shut/real", 1)] {
            let removal = ftp.remove_dir_all(path).unwrap();
            assert_eq!((removal.files, removal.directories), (files, 2), "{}", way.name());
            assert_eq!(ftp.pwd().unwrap(), here);
        }
        // ProFTPD does not show what is left in `w/sub`.
        let result = ftp.remove_dir_all("w");
        assert!(result.is_ok() || way.server.name == "proftpd", "{} {result:?}", way.name());
        assert!(local.join("home/precious").exists() && local.join("home/deep").exists());
        ftp.quit().unwrap();
    });
}

#[test]
fn times_are_set() {
    on_each_server(|way| {
        let (mut ftp, _, local) = way.enter();
        let name = "two words";
        ftp.upload_from(name, &mut &b"content"[..]).unwrap();
        let day = Duration::from_secs(24 * 60 * 60);
        for days in [1, 400] {
            let time = timestamp(SystemTime::now() - day * days).unwrap();
            let command = ftp.set_modified(name, time).unwrap();
            let expected = match &*way.server.name {
                "vsftpd" => TimeCommand::Mdtm,
                _ => TimeCommand::Mfmt,
            };
            assert_eq!(command, expected, "{}", way.name());
            let modified = std::fs::metadata(local.join(name)).unwrap().modified().unwrap();
            let whole = system_time(time.with_nanosecond(0).unwrap()).unwrap();
            assert_eq!(modified, whole, "{}", way.name());
            assert_eq!(ftp.mdtm(name).unwrap().to_unix(), time.to_unix());
        }
        assert!(ftp.set_modified("missing", timestamp(SystemTime::now()).unwrap()).is_err());
        ftp.quit().unwrap();
    });
}

#[test]
fn transfers_go_on() {
    on_each_server(|way| {
        let (mut ftp, _, local) = way.enter();
        let bytes: Vec<u8> = (0..300_000_u32).map(|n| n.to_le_bytes()[(n % 3) as usize]).collect();
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join("f");
        ftp.upload_from("f", &mut &bytes[..100_000]).unwrap();
        std::fs::write(&copy, &bytes).unwrap();
        ftp.resume_upload(&copy, "f").unwrap();
        assert!(std::fs::read(local.join("f")).unwrap() == bytes);
        std::fs::write(&copy, &bytes[..200_000]).unwrap();
        ftp.resume_download("f", &copy).unwrap();
        assert!(std::fs::read(&copy).unwrap() == bytes);
        assert_eq!(ftp.verify_file("f", &copy).unwrap().size, 300_000);
        ftp.quit().unwrap();
    });
}
