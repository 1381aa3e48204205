//! Writes store all of an object or nothing

use ftp_test::Action;
use object_store::path::Path;
use object_store::{Error, MultipartUpload, ObjectStore, ObjectStoreExt, PutMode, PutPayload};

use crate::server::{all, start, start_with};
use crate::{builder, content, eventually, store};

#[tokio::test]
async fn a_write_of_no_bytes_makes_a_file() {
    let server = start(&[]);
    store(&server).put(&Path::from("f"), PutPayload::new()).await.unwrap();
    let mut upload = store(&server).put_multipart(&Path::from("g")).await.unwrap();
    upload.complete().await.unwrap();
    assert_eq!(server.files().paths(), ["f", "g"]);
}

#[tokio::test]
async fn a_failed_write_leaves_the_old_object() {
    for reply in ["451 disk error", "552 quota exceeded", "426 broken off"] {
        let rule = all("STOR", Action::serve().final_reply(reply));
        let server = start_with(&[("f", b"before")], rule);
        let error = store(&server).put(&Path::from("f"), "after".into()).await.unwrap_err();
        assert!(error.to_string().contains(reply), "{error}");
        let mut upload = store(&server).put_multipart(&Path::from("f")).await.unwrap();
        upload.put_part("after".into()).await.unwrap();
        let error = upload.complete().await.unwrap_err();
        assert!(error.to_string().contains(reply), "{error}");
        eventually("nothing else is left", || server.files().paths() == ["f"]).await;
        assert_eq!(server.files().get("f").unwrap(), b"before");
    }
}

#[tokio::test]
async fn an_unfinished_write_leaves_nothing() {
    let server = start(&[("f", b"before")]);
    let mut upload = store(&server).put_multipart(&Path::from("f")).await.unwrap();
    upload.put_part(content(1_000_000).into()).await.unwrap();
    drop(upload);
    eventually("the upload has come", || server.count("STOR") == 1).await;
    eventually("it is deleted", || server.count("DELE") > 0 && server.files().paths() == ["f"])
        .await;
    assert_eq!(server.files().get("f").unwrap(), b"before");
}

/// While the handle still lives
#[tokio::test]
async fn an_abort_after_a_failure_leaves_nothing() {
    let rule = all("STOR", Action::serve().final_reply("451 disk error"));
    let server = start_with(&[("f", b"before")], rule);
    let mut upload = store(&server).put_multipart(&Path::from("f")).await.unwrap();
    upload.put_part("after".into()).await.unwrap();
    upload.complete().await.unwrap_err();
    upload.abort().await.unwrap();
    eventually("it is deleted", || server.files().paths() == ["f"]).await;
    // The failure of a part.
    let rule = all("STOR", Action::serve().break_at(10_000).reset().final_reply("552 full"));
    let server = start_with(&[("f", b"before")], rule);
    let mut upload = store(&server).put_multipart(&Path::from("f")).await.unwrap();
    let mut failed = false;
    for _ in 0..100 {
        failed |= upload.put_part(content(1_000_000).into()).await.is_err();
    }
    assert!(failed);
    upload.abort().await.unwrap();
    assert_eq!(server.files().paths(), ["f"]);
    assert_eq!(server.files().get("f").unwrap(), b"before");
}

#[tokio::test]
async fn what_ftp_cannot_promise_is_refused() {
    let server = start(&[("f", b"before")]);
    let (store, f) = (store(&server), Path::from("f"));
    let refused = |result: object_store::Result<()>| {
        let error = result.unwrap_err();
        assert!(matches!(error, Error::NotImplemented { .. }), "{error}");
    };
    refused(store.put_opts(&f, "x".into(), PutMode::Create.into()).await.map(drop));
    refused(store.copy_if_not_exists(&f, &Path::from("g")).await);
    refused(store.rename_if_not_exists(&f, &Path::from("g")).await);
    // With a check before the write, if the option is set.
    let weak = builder(&server).weak_create(true).build().unwrap();
    let error = weak.put_opts(&f, "x".into(), PutMode::Create.into()).await.unwrap_err();
    assert!(matches!(error, Error::AlreadyExists { .. }), "{error}");
    weak.put_opts(&Path::from("g"), "x".into(), PutMode::Create.into()).await.unwrap();
    assert_eq!(server.files().paths(), ["f", "g"]);
}

/// Listings leave them out, as directories too
#[tokio::test]
async fn names_of_the_store_s_own_are_refused() {
    let server = start(&[("f", b"before")]);
    let (store, f) = (store(&server), Path::from("f"));
    for path in ["NAME.tmp", "NAME.old", "d/NAME.tmp", "NAME.tmp/table.csv", "d/NAME.old/e/f"] {
        let reserved = Path::from(path.replace("NAME", ".ftp-store-0123456789abcdef"));
        for result in [
            store.put(&reserved, "x".into()).await.map(drop),
            store.put_multipart(&reserved).await.map(drop),
            store.rename(&f, &reserved).await,
            store.copy(&f, &reserved).await,
        ] {
            let error = result.unwrap_err().to_string();
            assert!(error.contains("are reserved"), "{error}");
        }
    }
    assert_eq!(server.files().paths(), ["f"]);
}

#[tokio::test]
async fn a_refused_rename_names_both_objects() {
    let server =
        start_with(&[("f", b"before")], all("RNTO", Action::reply("550 It is a directory")));
    let error = store(&server).rename(&Path::from("f"), &Path::from("d/g")).await.unwrap_err();
    assert!(error.to_string().contains("can't rename /f to /d/g on"), "{error}");
}

/// A copy by the server is checked like an upload
#[tokio::test]
async fn a_copy_by_the_server_that_is_not_complete_is_an_error() {
    let server = start_with(&[("f", &content(1000)), ("g", b"before")], |command, files| {
        Some(match (command.verb, command.argument.split_once(' ')) {
            ("FEAT", _) => Action::reply("211-Features:\r\n SIZE\r\n SITE COPY\r\n211 End"),
            ("SITE", Some(("CPFR", _))) => {
                Action::reply("350 File exists, ready for destination name")
            }
            ("SITE", Some(("CPTO", to))) => {
                files.put(to, &content(1000)[..496]);
                Action::reply("250 Copy successful")
            }
            _ => return None,
        })
    });
    let store = builder(&server).server_copies(true).build().unwrap();
    let error = store.copy(&Path::from("f"), &Path::from("g")).await.unwrap_err();
    assert!(error.to_string().contains("the server has 496 of 1000 bytes"), "{error}");
    eventually("nothing else is left", || server.files().paths() == ["f", "g"]).await;
    assert_eq!(server.files().get("g").unwrap(), b"before");
}

/// The caller does not know the temporary name
#[tokio::test]
async fn a_temporary_name_that_is_refused_is_named() {
    let server = start_with(&[], all("STOR", Action::reply("553 Prohibited file name")));
    for path in ["f", "d/f"] {
        let error = store(&server).put(&Path::from(path), "x".into()).await.unwrap_err();
        assert!(matches!(error, Error::PermissionDenied { .. }), "{error}");
        let error = error.to_string();
        assert!(error.contains("553 Prohibited file name, for the temporary name"), "{error}");
        assert!(error.contains("/.ftp-store-"), "{error}");
    }
}

/// The reply may contain the name
#[tokio::test]
async fn an_upload_that_is_stored_under_another_name_is_reported_with_the_reply() {
    let server = start_with(&[], |command, files| match command.verb {
        "STOR" => Some(Action::serve().final_reply("226 stored as another.1")),
        "SIZE" => {
            let content = files.get(command.argument)?;
            files.remove(command.argument);
            files.put("another.1", content);
            None
        }
        _ => None,
    });
    let error = store(&server).put(&Path::from("f"), "x".into()).await.unwrap_err().to_string();
    assert!(error.contains("226 stored as another.1"), "{error}");
}
