//! Links, names that are not UTF-8, and unreadable files

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};

use futures_util::TryStreamExt;
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt};

use crate::place::everywhere;

/// Links to files are objects, whether they are listed as links or as their targets; a tree with a loop has an end
#[test]
fn links() {
    everywhere(|place| async move {
        let local = &place.local;
        fs::create_dir(local.join("dir")).unwrap();
        fs::write(local.join("dir/file"), "12345").unwrap();
        symlink("dir/file", local.join("link")).unwrap();
        symlink("nowhere", local.join("dangling")).unwrap();
        symlink("..", local.join("dir/circle")).unwrap();
        let store = place.store();
        let found: Vec<_> = store.list(None).try_collect().await.unwrap();
        let size = |path: &str| {
            found.iter().find(|one| one.location == Path::from(path)).map(|one| one.size)
        };
        assert_eq!((size("dir/file"), size("link")), (Some(5), Some(5)), "{found:?}");
        assert_eq!(size("dangling"), None, "{found:?}");
        // The loop ends: it is followed at most once more, if the server lists the targets of links.
        assert!(found.len() <= 6, "{found:?}");
        assert!(store.skipped().links > 0, "{:?}", store.skipped());
        let bytes = store.get(&Path::from("link")).await.unwrap().bytes().await.unwrap();
        assert_eq!(bytes, "12345");
    });
}

/// A copy of a link has the bytes of its target, also in another directory, and stays when the target is deleted
#[test]
fn a_link_is_copied_as_its_target() {
    everywhere(|place| async move {
        let (local, store) = (&place.local, place.store());
        fs::write(local.join("data"), "precious").unwrap();
        symlink("data", local.join("latest")).unwrap();
        store.put(&Path::from("d/data"), "other".into()).await.unwrap();
        for to in ["backup", "d/backup"] {
            store.copy(&Path::from("latest"), &Path::from(to)).await.unwrap();
            assert!(fs::symlink_metadata(local.join(to)).unwrap().is_file(), "{to}");
        }
        // The reason why the server may not copy it (Q154).
        let by_server = place.builder().server_copies(true).build().unwrap();
        by_server.copy(&Path::from("latest"), &Path::from("other")).await.unwrap();
        let is_link = fs::symlink_metadata(local.join("other")).unwrap().is_symlink();
        assert_eq!(is_link, place.server.name == "proftpd", "{}", place.name());
        store.delete(&Path::from("data")).await.unwrap();
        for to in ["backup", "d/backup"] {
            let bytes = store.get(&Path::from(to)).await.unwrap().bytes().await.unwrap();
            assert_eq!(bytes, "precious", "{to}");
        }
    });
}

#[test]
fn names_that_are_not_utf8() {
    everywhere(|place| async move {
        let name = OsStr::from_bytes(b"caf\xE9 & co");
        fs::write(place.local.join(name), "latin").unwrap();
        let store = place.store();
        if place.server.name == "pyftpdlib" {
            // It writes a question mark for a byte that is not UTF-8, and does not accept the name back.
            return;
        }
        let found: Vec<_> = store.list(None).try_collect().await.unwrap();
        let path = Path::parse("caf%E9 & co").unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].location, path);
        assert_eq!(store.get(&path).await.unwrap().bytes().await.unwrap(), "latin");
        store.rename(&path, &Path::from("plain")).await.unwrap();
        assert_eq!(fs::read(place.local.join("plain")).unwrap(), b"latin");
    });
}

/// Pure-FTPd would store it under another name
#[test]
fn unusual_names_are_kept_or_refused() {
    everywhere(|place| async move {
        let changes = |path: &str| match place.server.name.as_str() {
            "pureftpd" => ["x ", "x%01y"].contains(&path),
            "pyftpdlib" => path.contains("%E9"),
            _ => false,
        };
        fs::write(place.local.join("x_"), "another").unwrap();
        let store = place.store();
        for path in ["x ", " x", "x%01y", "caf%E9", "a:b", "x.", "a b"] {
            let object = Path::parse(path).unwrap();
            let result = store.put(&object, "new".into()).await;
            println!("{}: {path}: {result:?}", place.name());
            assert_eq!(result.is_err(), changes(path), "{}: {path}", place.name());
            if result.is_ok() {
                let bytes = store.get(&object).await.unwrap().bytes().await.unwrap();
                assert_eq!(bytes, "new", "{path}");
                let listed = store.list_with_delimiter(None).await.unwrap().objects;
                assert!(listed.iter().any(|one| one.location == object), "{listed:?}");
            }
        }
        assert_eq!(fs::read(place.local.join("x_")).unwrap(), b"another");
    });
}

/// ProFTPD would copy another file (Q154)
#[test]
fn copies_are_of_the_right_object() {
    everywhere(|place| async move {
        let local = &place.local;
        for (name, other) in [("a ", "a"), ("b\tc", "b c"), ("d \"e", "d e"), ("f  g", "f g")] {
            fs::write(local.join(name), "right").unwrap();
            fs::write(local.join(other), "wrong").unwrap();
        }
        fs::write(local.join(" "), "right").unwrap();
        let store = place.builder().server_copies(true).build().unwrap();
        for from in ["a ", "b%09c", "d \"e", "f  g", " "] {
            if place.server.name == "pureftpd" && from.contains('%') {
                // It changes control characters in every command.
                continue;
            }
            store.copy(&Path::parse(from).unwrap(), &Path::from("to")).await.unwrap();
            assert_eq!(fs::read(local.join("to")).unwrap(), b"right", "{}: {from:?}", place.name());
        }
        assert_eq!(fs::read_dir(local).unwrap().count(), 10, "{}", place.name());
    });
}

#[test]
fn what_may_not_be_read_is_not_missing() {
    everywhere(|place| async move {
        if place.server.name == "pyftpdlib" {
            // It runs as root here, so it may read everything.
            return;
        }
        let (store, local) = (place.store(), &place.local);
        fs::write(local.join("secret"), "x").unwrap();
        fs::set_permissions(local.join("secret"), fs::Permissions::from_mode(0o600)).unwrap();
        let error = store.get(&Path::from("secret")).await.unwrap_err();
        assert!(matches!(error, Error::PermissionDenied { .. }), "{error}");
        let error = store
            .get_ranges(&Path::from("secret"), std::slice::from_ref(&(0..1)))
            .await
            .unwrap_err();
        assert!(matches!(error, Error::PermissionDenied { .. }), "{error}");
        fs::create_dir(local.join("closed")).unwrap();
        fs::write(local.join("closed/file"), "x").unwrap();
        fs::set_permissions(local.join("closed"), fs::Permissions::from_mode(0o700)).unwrap();
        for prefix in [None, Some(Path::from("closed"))] {
            let listed = store.list(prefix.as_ref()).try_collect::<Vec<_>>().await;
            let error = listed.map(|found| format!("{prefix:?}: {found:?}")).unwrap_err();
            println!("{}: {error}", place.name());
        }
        let listed = store.list_with_delimiter(Some(&Path::from("closed"))).await;
        listed.map(|found| format!("{found:?}")).unwrap_err();
    });
}

#[test]
fn where_nothing_may_be_written() {
    everywhere(|place| async move {
        if place.server.name == "pyftpdlib" {
            return;
        }
        fs::create_dir(place.local.join("closed")).unwrap();
        for path in ["closed/file", "closed/dir/file"] {
            let error = place.store().put(&Path::from(path), "x".into()).await.unwrap_err();
            assert!(matches!(error, Error::PermissionDenied { .. }), "{error}");
        }
    });
}

#[test]
fn a_file_is_no_directory() {
    everywhere(|place| async move {
        let store = place.store();
        store.put(&Path::from("file"), "x".into()).await.unwrap();
        store.put(&Path::from("file/below"), "x".into()).await.unwrap_err();
        store.put(&Path::from("dir/file"), "x".into()).await.unwrap();
        store.put(&Path::from("dir"), "x".into()).await.unwrap_err();
        let error = store.delete(&Path::from("dir")).await.unwrap_err();
        assert!(matches!(error, Error::NotFound { .. }), "{error}");
        let error = store.rename(&Path::from("dir"), &Path::from("other")).await.unwrap_err();
        assert!(matches!(error, Error::NotFound { .. }), "{error}");
        let found = store.list(None).try_collect::<Vec<_>>().await.unwrap();
        assert_eq!(found.len(), 2, "{found:?}");
    });
}

/// vsftpd, which has no MLSD, hides names with a dot in LIST, and does not say why it refuses SIZE
#[test]
fn names_with_a_dot_are_missing_where_the_server_shows_it() {
    everywhere(|place| async move {
        fs::write(place.local.join("plain"), "x").unwrap();
        let store = place.store();
        for path in [".none", "none"] {
            let error = store.head(&Path::from(path)).await.unwrap_err();
            let is_hidden = place.server.name == "vsftpd" && path.starts_with('.');
            let is_not_found = matches!(error, Error::NotFound { .. });
            assert_eq!(is_not_found, !is_hidden, "{}: {path}: {error}", place.name());
        }
    });
}
