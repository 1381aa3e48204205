//! No step of replacing an object, no refusal, lost reply or other client costs the old one or the new one

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ftp_object_store::FtpStore;
use ftp_test::{Action, Command, Files, Server};
use object_store::path::Path;
use object_store::{Error, ObjectStoreExt, Result};

use crate::server::{all, start_with};
use crate::{eventually, store};

/// What happens to the reply to a command
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Sent,
    /// The session ends before the command is carried out
    NotDone,
    /// The session ends after it was carried out
    Lost,
    /// The server refuses the command
    Refused,
}

/// A server whose RNTO does not replace files, as on Windows, with these files
///
/// Each RNTO is one step, whatever other sessions do. `fate` is asked for each command that changes files.
pub(crate) fn keeping(
    files: &[(&str, &[u8])],
    fate: impl Fn(Command<'_>, &Files) -> Fate + Send + Sync + 'static,
) -> Server {
    keeping_and_ending(files, move |command, files| match changes_names(command) {
        true => fate(command, files),
        false => Fate::Sent,
    })
}

pub(crate) fn changes_names(command: Command<'_>) -> bool {
    ["RNFR", "RNTO", "DELE"].contains(&command.verb)
}

/// The same, but `fate` is asked for each command
pub(crate) fn keeping_and_ending(
    files: &[(&str, &[u8])],
    fate: impl Fn(Command<'_>, &Files) -> Fate + Send + Sync + 'static,
) -> Server {
    let renamed = Mutex::new(HashMap::new());
    start_with(files, move |command, files| {
        let fate = fate(command, files);
        if fate == Fate::NotDone {
            return Some(Action::close());
        }
        if fate == Fate::Refused {
            return Some(Action::reply("553 File name not allowed."));
        }
        if !changes_names(command) {
            return None;
        }
        assert!(command.verb != "DELE" || command.argument.contains(".ftp-store-"), "{command:?}");
        let mut renamed = renamed.lock().unwrap();
        let to = command.argument;
        let reply = match command.verb {
            "RNFR" if files.contains(to) => {
                renamed.insert(command.session, to.to_owned());
                "350 and now RNTO"
            }
            "RNTO" => match renamed.remove(&command.session).map(|from| (files.get(&from), from)) {
                Some((Some(content), from)) if !files.contains(to) => {
                    files.remove(&from);
                    files.put(to, content);
                    "250 renamed"
                }
                Some((None, _)) => "550 No such file.",
                Some(_) => "550 Cannot create a file when that file already exists.",
                None => "503 RNFR first.",
            },
            "DELE" if files.contains(to) => {
                files.remove(to);
                "250 deleted"
            }
            _ => "550 No such file.",
        };
        Some(if fate == Fate::Lost { Action::close() } else { Action::reply(reply) })
    })
}

pub(crate) fn sent(_: Command<'_>, _: &Files) -> Fate {
    Fate::Sent
}

/// How an object is written
#[derive(Clone, Copy, Debug)]
pub(crate) enum Write {
    Put,
    Copy,
    Rename,
}

pub(crate) const WRITES: [Write; 3] = [Write::Put, Write::Copy, Write::Rename];
/// The file that is copied and renamed
pub(crate) const SOURCE: (&str, &[u8]) = ("source", b"after");

impl Write {
    pub(crate) async fn run(self, store: &FtpStore) -> Result<()> {
        let (from, to) = (Path::from(SOURCE.0), Path::from("f"));
        match self {
            Self::Put => store.put(&to, SOURCE.1.into()).await.map(drop),
            Self::Copy => store.copy(&from, &to).await,
            Self::Rename => store.rename(&from, &to).await,
        }
    }
}

/// The contents of all files
fn contents(files: &Files) -> Vec<String> {
    let read = |path: &String| String::from_utf8(files.get(path).unwrap_or_default()).unwrap();
    files.paths().iter().map(read).collect()
}

/// Whatever the reason: it is not known whether it is about the target
#[tokio::test]
async fn a_refused_rename_leaves_the_old_object() {
    for code in [450, 451, 452, 500, 501, 502, 503, 504, 530, 532, 550, 552, 553] {
        for write in WRITES {
            let rule = all("RNTO", Action::reply(format!("{code} Not today.")));
            let server = start_with(&[("f", b"before"), SOURCE], rule);
            let error = write.run(&store(&server)).await.unwrap_err().to_string();
            assert!(error.contains("Not today."), "{code} {write:?}: {error}");
            let both = ["f", "source"];
            eventually("nothing else is left", || server.files().paths() == both).await;
            assert_eq!(contents(server.files()), ["before", "after"], "{code} {write:?}");
        }
    }
}

/// One of two clients has renamed the object in between
#[tokio::test]
async fn the_second_rename_of_an_object_does_not_delete_the_first() {
    for replaces in [false, true] {
        let rule = move |command: Command<'_>, files: &Files| {
            let first = command.verb == "RNTO" && command.in_all == 1;
            first.then(|| {
                let content = files.get("source").unwrap();
                files.remove("source");
                files.put("f", content);
                Action::reply("550 No such file.")
            })
        };
        let files: &[(&str, &[u8])] = &[SOURCE, ("f", b"before")];
        let files = &files[..if replaces { 2 } else { 1 }];
        let server = start_with(files, rule);
        let error = Write::Rename.run(&store(&server)).await.unwrap_err();
        assert!(matches!(error, Error::NotFound { .. }), "{error}");
        assert_eq!(server.files().paths(), ["f"]);
        assert_eq!(contents(server.files()), ["after"]);
    }
}

#[tokio::test]
async fn objects_are_replaced_where_rnto_does_not() {
    for write in WRITES {
        let server = keeping(&[("f", b"before"), SOURCE], sent);
        let store = store(&server);
        write.run(&store).await.unwrap();
        assert_eq!(server.files().get("f").unwrap(), b"after");
        let left = if matches!(write, Write::Rename) { 1 } else { 2 };
        assert_eq!(server.files().paths().len(), left, "{:?}", server.files().paths());
        // What was learned is not tried again.
        let stored = server.count("STOR");
        store.put(&Path::from("f"), "again".into()).await.unwrap();
        assert_eq!(server.count("STOR"), stored + 1);
        assert_eq!(server.files().get("f").unwrap(), b"again");
    }
}

/// A server that replaces files may refuse the name for another reason
#[tokio::test]
async fn a_refusal_by_a_server_that_replaces_moves_nothing() {
    let server = start_with(&[("f", b"before"), SOURCE], |command, _| {
        assert!(command.verb != "RNFR" || command.argument != "f", "the object is moved");
        let refused = command.verb == "RNTO" && command.argument == "f";
        refused.then(|| Action::reply("550 Permission denied."))
    });
    for write in WRITES {
        let error = write.run(&store(&server)).await.unwrap_err();
        assert!(matches!(error, Error::PermissionDenied { .. }), "{error}");
    }
    eventually("nothing else is left", || server.files().paths() == ["f", "source"]).await;
    assert_eq!(contents(server.files()), ["before", "after"]);
}

/// If the new object can't be placed after the old one was moved, the old one returns
#[tokio::test]
async fn the_old_object_returns_if_the_new_one_is_refused() {
    for write in WRITES {
        let to_f = Arc::new(Mutex::new(0));
        let inner = Mutex::new(HashMap::new());
        let server = start_with(&[("f", b"before"), SOURCE], move |command, files| {
            if command.verb == "RNFR" {
                inner.lock().unwrap().insert(command.session, command.argument.to_owned());
                return None;
            }
            if command.verb != "RNTO" {
                return None;
            }
            if command.argument == "f" {
                let from = inner.lock().unwrap().get(&command.session).cloned().unwrap();
                *to_f.lock().unwrap() += 1;
                let refused = !from.ends_with(".old");
                return refused.then(|| Action::reply("553 File name not allowed."));
            }
            files.contains(command.argument).then(|| Action::reply("550 File exists."))
        });
        let error = write.run(&store(&server)).await.unwrap_err().to_string();
        assert!(error.contains("553 File name not allowed."), "{error}");
        eventually("nothing else is left", || server.files().paths() == ["f", "source"]).await;
        assert_eq!(contents(server.files()), ["before", "after"], "{write:?}");
    }
}

/// If it can't return, the error names both files
#[tokio::test]
async fn an_error_names_the_files_that_are_not_in_their_places() {
    for write in WRITES {
        let server = start_with(&[("f", b"before"), SOURCE], |command, files| {
            let refused = command.verb == "RNTO"
                && (command.argument == "f" || files.contains(command.argument));
            refused.then(|| Action::reply("553 File name not allowed."))
        });
        let error = write.run(&store(&server)).await.unwrap_err().to_string();
        tokio::time::sleep(Duration::from_millis(200)).await;
        let files = server.files();
        let named = |content: &str| {
            let paths = files.paths();
            paths
                .iter()
                .any(|path| files.get(path).unwrap() == content.as_bytes() && error.contains(path))
        };
        assert!(named("before") && named("after"), "{write:?} {:?}: {error}", files.paths());
    }
}

/// The session ends at one of the commands that change files, before or after the server has executed it; each is tried
#[tokio::test]
async fn no_lost_reply_loses_an_object() {
    for write in WRITES {
        for lost in [Fate::NotDone, Fate::Lost] {
            // RNFR and RNTO: refused, of the empty files, old one aside, new one in its place; DELE of the old one and
            // of the two empty ones.
            for number in 1..=11 {
                let commands = Mutex::new(0);
                let server = keeping(&[("f", b"before"), SOURCE], move |_, _| {
                    let mut commands = commands.lock().unwrap();
                    *commands += 1;
                    if *commands == number { lost } else { Fate::Sent }
                });
                let result = write.run(&store(&server)).await;
                tokio::time::sleep(Duration::from_millis(20)).await;
                let (files, context) = (server.files(), format!("{write:?} {lost:?} {number}"));
                let at_f = files.get("f");
                match result {
                    Ok(()) => assert_eq!(at_f.as_deref(), Some(&b"after"[..]), "{context}"),
                    Err(error) => {
                        let error = error.to_string();
                        // In its place, or named in the error.
                        let is_known = |content: &[u8]| {
                            files.paths().iter().any(|path| {
                                files.get(path).as_deref() == Some(content)
                                    && (path == "f" || path == "source" || error.contains(path))
                            })
                        };
                        let after = at_f.as_deref() == Some(b"after");
                        assert!(
                            after || is_known(b"before"),
                            "{context}: {error} {:?}",
                            files.paths()
                        );
                        let caller_has_it = matches!(write, Write::Put);
                        assert!(caller_has_it || is_known(b"after"), "{context}: {error}");
                    }
                }
            }
        }
    }
}

/// After the session has ended at one of the commands that change files, the sessions that follow end, too
///
/// Each combination is tried; `following` of the commands that come next end their sessions.
#[tokio::test]
async fn an_object_returns_although_several_sessions_end() {
    let mut running = tokio::task::JoinSet::new();
    for write in WRITES {
        for lost in [Fate::NotDone, Fate::Lost] {
            for (number, following) in (1..=11).flat_map(|number| [(number, 1), (number, 3)]) {
                running.spawn(returns_after(write, lost, number, following));
            }
        }
    }
    while let Some(result) = running.join_next().await {
        result.unwrap();
    }
}

async fn returns_after(write: Write, lost: Fate, number: u32, following: u32) {
    let counts = Mutex::new((0, 0));
    let server = keeping_and_ending(&[("f", b"before"), SOURCE], move |command, _| {
        let (changes, ended) = &mut *counts.lock().unwrap();
        if *changes >= number {
            *ended += 1;
            return if *ended <= following { Fate::NotDone } else { Fate::Sent };
        }
        *changes += u32::from(changes_names(command));
        if *changes == number { lost } else { Fate::Sent }
    });
    let result = write.run(&store(&server)).await;
    let context = format!("{write:?} {lost:?} {number} {following}: {result:?}");
    let at_f = server.files().get("f").unwrap_or_else(|| panic!("no object: {context}"));
    let after = at_f == SOURCE.1;
    assert!(after || at_f == b"before" && result.is_err(), "{context}");
}

/// Some servers report an error although they have done what was asked
#[tokio::test]
async fn a_rename_that_is_carried_out_and_refused_loses_no_object() {
    for write in WRITES {
        for reply in ["450 Busy.", "451 Local error in processing.", "550 Failed."] {
            let refused = Action::reply("550 Access is denied.");
            for (second, is_ok) in
                [(None, true), (Some(refused), false), (Some(Action::close()), true)]
            {
                let context = format!("{write:?} {reply} {second:?}");
                let (from, second) = (Mutex::new(String::new()), Mutex::new(second));
                let server = start_with(&[("f", b"before"), SOURCE], move |command, files| {
                    let mut from = from.lock().unwrap();
                    let to = command.argument;
                    if command.verb == "RNFR" {
                        to.clone_into(&mut from);
                    }
                    if command.verb != "RNTO" {
                        return None;
                    }
                    if *from == "f" {
                        files.put(to, files.get("f").unwrap());
                        files.remove("f");
                        return Some(Action::reply(reply));
                    }
                    if files.contains(to) {
                        return Some(Action::reply("550 That file already exists."));
                    }
                    // Once.
                    if to == "f" { second.lock().unwrap().take() } else { None }
                });
                let result = write.run(&store(&server)).await;
                assert_eq!(result.is_ok(), is_ok, "{context}: {result:?}");
                let at_f = server.files().get("f");
                let expected: &[&[u8]] = if is_ok { &[b"after"] } else { &[b"before", b"after"] };
                let at_f = at_f.unwrap_or_else(|| panic!("no object: {context}: {result:?}"));
                assert!(expected.contains(&&*at_f), "{context}: {result:?}");
                let of_store = |path: &String| path.starts_with(".ftp-store-");
                let none_left = || !server.files().paths().iter().any(of_store);
                eventually(&format!("nothing of the store's own is left: {context}"), none_left)
                    .await;
            }
        }
    }
}

/// The future is dropped at every moment; the steps that have begun are finished
#[tokio::test]
async fn a_dropped_write_replaces_an_object_or_leaves_it() {
    for write in WRITES {
        for milliseconds in (0..150).step_by(7) {
            let server = keeping(&[("f", b"before"), SOURCE], |_, _| {
                std::thread::sleep(Duration::from_millis(8));
                Fate::Sent
            });
            let store = store(&server);
            let limit = Duration::from_millis(milliseconds);
            let done = tokio::time::timeout(limit, write.run(&store)).await.is_ok();
            let of_store = |path: &String| path.starts_with(".ftp-store-");
            eventually("nothing of the store's own is left", || {
                !server.files().paths().iter().any(of_store)
            })
            .await;
            // A task may still be about to rename.
            let at_f = || server.files().get("f");
            eventually("there is an object", || at_f().is_some()).await;
            let contents = contents(server.files());
            let context = format!("{write:?} {milliseconds} {done}: {contents:?}");
            match (done, write) {
                (true, Write::Rename) => assert_eq!(contents, ["after"], "{context}"),
                (true, _) => assert_eq!(contents, ["after", "after"], "{context}"),
                (false, _) => {
                    assert!(contents.iter().any(|one| one == "after"), "{context}");
                }
            }
        }
    }
}

/// Whatever the order of their steps, both succeed, one of them is the last, and nothing else is left
#[tokio::test]
async fn two_clients_may_replace_an_object_at_the_same_time() {
    for round in 0..60_u64 {
        let server = keeping(&[("f", b"before")], move |command, _| {
            // A different order of the steps in each round.
            let mixed = (round * 31 + command.in_all as u64 * 17 + command.session as u64 * 7) % 5;
            std::thread::sleep(Duration::from_millis(mixed));
            Fate::Sent
        });
        let (one, other) = (store(&server), store(&server));
        let f = Path::from("f");
        let (first, second) =
            tokio::join!(one.put(&f, "one".into()), other.put(&f, "other".into()));
        first.unwrap();
        second.unwrap();
        eventually("nothing else is left", || server.files().paths() == ["f"]).await;
        let content = contents(server.files());
        assert!(content == ["one"] || content == ["other"], "{content:?}");
    }
}

/// One succeeds, the other finds nothing to rename, and says where the old object is if it had moved it
#[tokio::test]
async fn two_clients_may_rename_an_object_at_the_same_time() {
    for round in 0..40_u64 {
        for before in [&[SOURCE][..], &[SOURCE, ("f", b"before")]] {
            let server = keeping(before, move |command, _| {
                let mixed = (round * 31 + command.in_all as u64 * 17) % 5;
                std::thread::sleep(Duration::from_millis(mixed));
                Fate::Sent
            });
            let (one, other) = (store(&server), store(&server));
            let (first, second) = tokio::join!(Write::Rename.run(&one), Write::Rename.run(&other));
            assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
            let error = first.and(second).unwrap_err();
            let files = server.files();
            assert_eq!(files.get("f").unwrap(), b"after");
            let named = |path: &String| path == "f" || error.to_string().contains(path);
            eventually("nothing is left but what is named", || files.paths().iter().all(named))
                .await;
            let not_found = matches!(error, Error::NotFound { .. });
            assert!(not_found || contents(files).contains(&"before".to_owned()), "{error}");
        }
    }
}
