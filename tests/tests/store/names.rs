//! Names under which servers store other files than they were told

use std::sync::Mutex;

use ftp_test::{Action, Command, Files, Server};
use object_store::ObjectStoreExt;
use object_store::path::Path;

use crate::server::{start, start_with};
use crate::{builder, eventually, store};

/// A server that writes `_` for control characters, and for a blank at the end, as Pure-FTPd does (Q153)
fn changing(files: &[(&str, &[u8])]) -> Server {
    let renamed = Mutex::new(None);
    start_with(files, move |command: Command<'_>, files: &Files| {
        let mut name = command.argument.replace(|letter: char| letter.is_ascii_control(), "_");
        if name.ends_with(' ') {
            name.pop();
            name.push('_');
        }
        match command.verb {
            "RNFR" => *renamed.lock().unwrap() = Some(command.argument.to_owned()),
            "RNTO" if name != command.argument => {
                let from = renamed.lock().unwrap().take().unwrap();
                let content = files.get(&from).unwrap();
                files.remove(&from);
                files.put(&name, content);
                return Some(Action::reply("250 renamed"));
            }
            _ => {}
        }
        None
    })
}

#[tokio::test]
async fn a_name_that_the_server_changes_is_an_error() {
    for (path, other) in [("d/a ", "d/a_"), ("d/a%01b", "d/a_b")] {
        let server = changing(&[(other, b"another"), ("source", b"x")]);
        let (store, path) = (store(&server), Path::parse(path).unwrap());
        let error = store.put(&path, "new".into()).await.unwrap_err().to_string();
        assert!(error.contains("_") && error.contains("under another name"), "{error}");
        store.rename(&Path::from("source"), &path).await.unwrap_err();
        store.copy(&Path::from("source"), &path).await.unwrap_err();
        eventually("nothing else is left", || server.files().paths() == [other, "source"]).await;
        assert_eq!(server.files().get(other).unwrap(), b"another");
    }
}

/// In a listing in the format of DOS, with narrow columns, a blank at the beginning of a name can't be seen
#[tokio::test]
async fn a_name_that_only_the_listing_changes_leaves_nothing() {
    let server = start_with(&[("d/a", b"x")], |command, files| match command.verb {
        "FEAT" => Some(Action::reply("211-Features:\r\n SIZE\r\n MDTM\r\n211 End")),
        "MLSD" | "MLST" => Some(Action::reply("500 Unknown command.")),
        "LIST" => {
            let line = |path: &String| {
                format!("11-30-26  11:10AM                  1 {}\r\n", &path["d/".len()..])
            };
            Some(Action::serve().data(files.paths().iter().map(line).collect::<String>()))
        }
        _ => None,
    });
    let error = store(&server).put(&Path::parse("d/ x").unwrap(), "1".into()).await.unwrap_err();
    assert!(error.to_string().contains("stores or lists a file like"), "{error}");
    eventually("nothing else is left", || server.files().paths() == ["d/a"]).await;
}

#[tokio::test]
async fn an_unusual_name_is_tried_once() {
    let server = start(&[]);
    let store = store(&server);
    for path in ["d/a ", "d/b ", "d/ c ", "d/e%01", "d/f:g.", "d/ ", "d/.h "] {
        let path = Path::parse(path).unwrap();
        store.put(&path, "new".into()).await.unwrap();
        assert_eq!(store.get(&path).await.unwrap().bytes().await.unwrap(), "new");
    }
    let paths = server.files().paths();
    assert_eq!(paths, ["d/ ", "d/ c ", "d/.h ", "d/a ", "d/b ", "d/e\u{1}", "d/f:g."]);
    let stored = server.count("STOR");
    for path in ["d/a ", "d/ c ", "d/e%01", "d/x:", "plain", "na\u{ef}ve"] {
        store.put(&Path::parse(path).unwrap(), "again".into()).await.unwrap();
    }
    assert_eq!(server.count("STOR"), stored + 6);
}

/// ProFTPD divides the arguments of SITE into words, and takes the blank at the end of a name for the end of its words
/// (Q154)
#[tokio::test]
async fn a_copy_on_the_server_is_one_of_the_right_object() {
    let copied = Mutex::new(None);
    let files: [(&str, &[u8]); 4] =
        [("a", b"another"), ("a ", b"blank"), ("b\"c", b"quote"), ("plain", b"plain")];
    let server = start_with(&files, move |command: Command<'_>, files: &Files| {
        let words =
            command.argument.replace('"', " ").split_whitespace().collect::<Vec<_>>().join(" ");
        Some(match (command.verb, words.split_once(' ')) {
            ("FEAT", _) => Action::reply("211-Features:\r\n SIZE\r\n SITE COPY\r\n211 End"),
            ("SITE", Some(("CPFR", from))) => match files.get(from) {
                Some(content) => {
                    *copied.lock().unwrap() = Some(content);
                    Action::reply("350 File exists, ready for destination name")
                }
                None => Action::reply("550 No such file or directory"),
            },
            ("SITE", Some(("CPTO", to))) => {
                files.put(to, copied.lock().unwrap().take().unwrap());
                Action::reply("250 Copy successful")
            }
            _ => return None,
        })
    });
    let store = builder(&server).server_copies(true).build().unwrap();
    for (from, to) in [("a ", "c"), ("b\"c", "d"), ("plain", "e"), ("plain", "f ")] {
        store.copy(&Path::parse(from).unwrap(), &Path::from(to)).await.unwrap();
        assert_eq!(server.files().get(to), server.files().get(from), "{from:?}");
    }
    assert_eq!(server.count("SITE"), 4, "only names of one word are copied by the server");
}

/// If the server does not say whether such a name exists, a listing does, unless it is one that may leave them out
#[tokio::test]
async fn a_listing_that_has_all_names_shows_that_one_with_a_dot_is_missing() {
    for (mlsd, others, is_missing) in [
        (true, &["d/a"][..], true),
        (true, &[], true),
        (false, &["d/a", "d/.b"], true),
        (false, &["d/a"], false),
    ] {
        let mut files: Vec<(&str, &[u8])> = vec![("d/sub/x", b"x")];
        files.extend(others.iter().map(|path| (*path, &b"x"[..])));
        let server = start_with(&files, move |command, _| match command.verb {
            "FEAT" if !mlsd => Some(Action::reply("211-Features:\r\n SIZE\r\n MDTM\r\n211 End")),
            "MLSD" | "MLST" if !mlsd => Some(Action::reply("500 Unknown command.")),
            "MLST" | "SIZE" => Some(Action::reply("550 cannot be done")),
            _ => None,
        });
        let error = store(&server).head(&Path::from("d/.none")).await.unwrap_err();
        let is_not_found = matches!(error, object_store::Error::NotFound { .. });
        assert_eq!(is_not_found, is_missing, "MLSD: {mlsd}, {others:?}: {error}");
    }
}
