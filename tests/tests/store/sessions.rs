//! The number of sessions and logins that a store needs

use std::time::{Duration, Instant};

use ftp_object_store::FtpStore;
use ftp_test::{Action, Limit, Server};
use futures_util::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{Error, MultipartUpload, ObjectStore, ObjectStoreExt, Result};

use crate::server::{start, start_with};
use crate::{builder, content, store};

#[tokio::test]
async fn a_hundred_reads_in_a_row_are_one_login() {
    let server = start(&[("f", &content(5000))]);
    let store = store(&server);
    for _ in 0..100 {
        let bytes = store.get(&Path::from("f")).await.unwrap().bytes().await.unwrap();
        assert!(bytes == content(5000));
    }
    assert_eq!((server.sessions().logins, server.count("RETR")), (1, 100));
}

/// Also for ranges, whose transfers are aborted
#[tokio::test]
async fn ranges_in_a_row_are_one_login() {
    let server = start(&[("f", &content(4_000_000))]);
    let store = builder(&server).max_sessions(1).build().unwrap();
    for start in 0..30 {
        let range = start * 1000..start * 1000 + 500;
        let bytes = store.get_range(&Path::from("f"), range.clone()).await.unwrap();
        assert!(bytes == content(4_000_000)[range.start as usize..range.end as usize]);
    }
    assert_eq!((server.sessions().logins, server.count("RETR")), (1, 30));
}

#[tokio::test]
async fn a_wrong_password_is_tried_once() {
    let server = start_with(&[("f", b"abc")], |_, _| {
        std::thread::sleep(Duration::from_millis(5));
        None
    });
    let store = builder(&server).login("u", "hunter2").build().unwrap();
    let mut running = Vec::new();
    for _ in 0..20 {
        let store = store.clone();
        running.push(tokio::spawn(async move { store.get(&Path::from("f")).await.map(drop) }));
    }
    for task in running {
        let error = task.await.unwrap().unwrap_err();
        assert!(matches!(error, Error::Unauthenticated { .. }), "{error}");
        assert!(error.to_string().contains("530 Login incorrect."), "{error}");
        assert!(!format!("{error} {error:?} {store} {store:?}").contains("hunter2"), "{error:?}");
    }
    assert_eq!(server.count("PASS"), 1);
}

/// A login refused because of a limit, or a command, says nothing about the password
#[tokio::test]
async fn a_limit_is_no_wrong_password() {
    let text = "530 Sorry, the maximum number of clients (3) for this user are already connected.";
    let server = start_with(&[("f", b"abc")], move |command, _| {
        (command.verb == "RETR").then(|| Action::reply(text))
    });
    let error = store(&server).get(&Path::from("f")).await.unwrap_err();
    assert!(!matches!(error, Error::Unauthenticated { .. }), "{error}");
    let limited = Duration::from_millis(300);
    let server = start_with(&[("f", b"abc")], move |command, _| {
        (command.verb == "PASS").then(|| Action::reply(text))
    });
    let store = builder(&server).wait_timeout(limited).build().unwrap();
    let error = store.get(&Path::from("f")).await.unwrap_err();
    assert!(!matches!(error, Error::Unauthenticated { .. }), "{error}");
}

/// Some servers repeat what they were sent
#[tokio::test]
async fn a_password_in_a_reply_is_not_shown() {
    let server = Server::with_files([("f", b"abc")]);
    server.on_command(|command| match command.verb {
        "PASS" => Action::reply("530-Login failed:\r\n530 PASS hunter2 is wrong (hunter2)."),
        _ => Action::serve(),
    });
    let store = builder(&server).login("u", "hunter2").build().unwrap();
    let error = store.get(&Path::from("f")).await.unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("hunter2") && shown.contains("is wrong"), "{shown}");
}

#[tokio::test]
async fn a_server_with_a_limit_is_waited_for() {
    for limit in [Limit::new(4), Limit::new(4).at_login()] {
        let server = start(&[("f", &content(50_000))]);
        server.limit_sessions(limit.clone());
        let store = builder(&server).max_sessions(16).build().unwrap();
        let mut running = Vec::new();
        for _ in 0..100 {
            let store = store.clone();
            running.push(tokio::spawn(async move {
                store.get(&Path::from("f")).await.unwrap().bytes().await.unwrap()
            }));
        }
        for task in running {
            assert!(task.await.unwrap() == content(50_000));
        }
        let seen = server.sessions();
        assert_eq!((seen.most, seen.refused), (4, 1), "{limit:?}");
    }
}

#[tokio::test]
async fn waiting_for_a_server_has_an_end() {
    for limit in [Limit::new(0), Limit::new(0).at_login()] {
        let server = start(&[("f", b"abc")]);
        server.limit_sessions(limit);
        let limit = Duration::from_millis(500);
        let store = builder(&server).wait_timeout(limit).build().unwrap();
        let begun = Instant::now();
        let error = store.get(&Path::from("f")).await.unwrap_err();
        assert!((limit..limit * 10).contains(&begun.elapsed()), "{:?}", begun.elapsed());
        assert!(error.to_string().contains("too many connections"), "{error}");
        assert_eq!(server.sessions().refused, 1);
    }
}

/// The first object is deleted before the list has been read to its end
#[tokio::test]
async fn one_session_is_enough_to_delete_what_is_listed() {
    let server = start(&[]);
    server.limit_sessions(Limit::new(1));
    for file in 0..30 {
        server.files().put(&format!("f{file}"), b"abc");
    }
    let store = store(&server);
    let listed = store.list(None).map_ok(|object| object.location).boxed();
    let deleted: Vec<_> = store.delete_stream(listed).try_collect().await.unwrap();
    assert_eq!(deleted.len(), 30);
    assert_eq!(server.files().paths(), [""; 0]);
}

/// More objects than are kept before the first is returned
#[tokio::test]
async fn one_session_is_enough_to_delete_what_is_listed_in_a_large_directory() {
    const COUNT: usize = 20_000;
    let lines: String = (0..COUNT).map(|file| format!("type=file;size=3; f{file}\r\n")).collect();
    let server = start_with(&[], move |command, _| match command.verb {
        "MLSD" => Some(Action::serve().data(lines.clone())),
        "DELE" => Some(Action::reply("250 deleted")),
        _ => None,
    });
    server.limit_sessions(Limit::new(1));
    let store = builder(&server).wait_timeout(Duration::from_secs(20)).build().unwrap();
    let mut listed = store.list(None);
    let mut count = 0;
    while let Some(object) = listed.next().await {
        let location = object.unwrap().location;
        count += 1;
        if count <= 10 {
            store.delete(&location).await.unwrap();
        }
    }
    assert_eq!((count, server.count("DELE")), (COUNT, 10));
    assert_eq!(server.sessions().logins, 1);
}

/// An unread stream does not prevent another read
#[tokio::test]
async fn a_paused_reader_gives_up_its_session() {
    let size = 16_000_000;
    let server = start(&[("one", &content(size)), ("other", &content(5000))]);
    server.limit_sessions(Limit::new(1));
    let store = builder(&server).wait_timeout(Duration::from_secs(10)).build().unwrap();
    let mut one = store.get(&Path::from("one")).await.unwrap().into_stream();
    let mut read = one.next().await.unwrap().unwrap().to_vec();
    for _ in 0..2 {
        let other = store.get(&Path::from("other")).await.unwrap().bytes().await.unwrap();
        assert!(other == content(5000));
        read.extend(one.next().await.unwrap().unwrap());
    }
    while let Some(piece) = one.next().await {
        read.extend(piece.unwrap());
    }
    assert!(read == content(size));
    assert_eq!(server.sessions().logins, 1);
}

/// Each upload keeps its session until it is completed
#[tokio::test]
async fn uploads_that_hold_all_sessions_are_named_in_the_error() {
    let server = start(&[]);
    let limit = Duration::from_secs(2);
    let store = builder(&server).max_sessions(2).wait_timeout(limit).build().unwrap();
    let mut uploads = Vec::new();
    for name in ["a", "b", "c"] {
        uploads.push(store.put_multipart(&Path::from(name)).await.unwrap());
    }
    for upload in &mut uploads[..2] {
        upload.put_part("x".into()).await.unwrap();
    }
    let held = "2 multipart uploads of this store hold a session each";
    let error = uploads[2].put_part("x".into()).await.unwrap_err().to_string();
    assert!(error.contains(held), "{error}");
    let error = store.get(&Path::from("f")).await.unwrap_err().to_string();
    assert!(error.contains(held), "{error}");
    for upload in &mut uploads[..2] {
        upload.complete().await.unwrap();
    }
    store.put(&Path::from("c"), "x".into()).await.unwrap();
}

/// A server that does not continue transfers: the read that has a session keeps it, and the other one waits
#[tokio::test]
async fn a_reader_that_can_not_continue_keeps_its_session() {
    let size = 16_000_000;
    let server =
        start_with(&[("one", &content(size)), ("other", b"x")], |command, _| match command.verb {
            "FEAT" => Some(Action::reply("211-Features:\r\n SIZE\r\n MDTM\r\n211 End")),
            "REST" if command.argument != "0" => Some(Action::reply("502 no REST")),
            _ => None,
        });
    let store = builder(&server).max_sessions(1).wait_timeout(Duration::from_secs(3)).build();
    let store = store.unwrap();
    assert!(read_while_another_waits(&store, size).await.unwrap() == content(size));
}

/// That a server ignores REST is noticed once
#[tokio::test]
async fn a_server_that_ignores_rest_is_named_as_the_reason() {
    let size = 16_000_000;
    let server =
        start_with(&[("one", &content(size)), ("other", b"x")], |command, _| match command.verb {
            "REST" => Some(Action::reply("350 Restart position accepted.")),
            "RETR" => Some(Action::serve().from_start()),
            _ => None,
        });
    let store = builder(&server).max_sessions(1).wait_timeout(Duration::from_secs(5)).build();
    let store = store.unwrap();
    let error = read_while_another_waits(&store, size).await.unwrap_err().to_string();
    assert!(error.contains("or the server ignores REST"), "{error}");
    assert!(read_while_another_waits(&store, size).await.unwrap() == content(size));
}

/// Reads one object; after its first piece, another task tries to read another object
async fn read_while_another_waits(store: &FtpStore, size: usize) -> Result<Vec<u8>> {
    let mut one = store.get(&Path::from("one")).await?.into_stream();
    let mut read = Vec::with_capacity(size);
    read.extend(one.next().await.unwrap()?);
    // It may fail: there is one session.
    let _ = store.get(&Path::from("other")).await;
    while let Some(piece) = one.next().await {
        read.extend(piece?);
    }
    Ok(read)
}
