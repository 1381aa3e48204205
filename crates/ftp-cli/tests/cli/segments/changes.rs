//! Files that change on the server while several sessions fetch them

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use ftp_test::{Action, Command};

use super::{SIZE, content, get, is_whole, server};
use crate::Home;

#[test]
fn a_file_that_is_longer_than_its_size_is_an_error() {
    for (size, more) in [(SIZE - 1, 0), (SIZE / 2, 0), (SIZE, 5000)] {
        let (server, home) = (server(), Home::new());
        let sent = [content(), &vec![0; more][..]].concat();
        server.on_command(move |Command { verb, .. }| match verb {
            "MLST" => Action::reply("502 not here"),
            "SIZE" => Action::reply(format!("213 {size}")),
            "RETR" => Action::serve().data(sent.clone()),
            _ => Action::serve(),
        });
        let run = get(&home, &server);
        assert_eq!(run.code, Some(7), "{size} {more}: {run:?}");
        assert!(!home.names("").contains(&"file".to_owned()), "{size} {more}");
    }
}

/// Its time shows that it has changed, even if its segments do not fit together
#[test]
fn a_file_that_is_rewritten_meanwhile_is_fetched_again() {
    let newer: Vec<u8> = content().iter().map(|byte| byte ^ 1).collect();
    let (server, home) = (server(), Home::new());
    let (files, new) = (server.files().clone(), newer.clone());
    let downloads = AtomicUsize::new(0);
    server.on_command(move |Command { verb, .. }| {
        // Two sessions have started.
        if verb == "RETR" && downloads.fetch_add(1, Ordering::SeqCst) == 2 {
            files.put("file", new.clone());
            files.set_modified("file", "20240301000000");
        }
        Action::serve()
    });
    let run = get(&home, &server);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(home.read("file") == newer, "the file differs");
    // It is not fetched a second time as the old version.
    assert!(!run.stderr.contains("do not fit"), "{run:?}");
}

#[test]
fn a_file_that_changes_meanwhile_is_not_put_together() {
    let mut newer = content().to_vec();
    newer.iter_mut().for_each(|byte| *byte ^= 1);
    for changes_content in [true, false] {
        let (server, home) = (server(), Home::new());
        let (files, put) = (server.files().clone(), newer.clone());
        let downloads = AtomicUsize::new(0);
        server.on_command(move |Command { verb, .. }| {
            // Two sessions have started, and the server has shown that it honours REST.
            if verb == "RETR" && downloads.fetch_add(1, Ordering::SeqCst) == 2 {
                match changes_content {
                    true => files.put("file", put.clone()),
                    false => files.set_modified("file", "20240301000000"),
                }
            }
            Action::serve()
        });
        let run = get(&home, &server);
        if !changes_content {
            // It is fetched once more.
            is_whole(&home, &run);
            let modified = home.path("file").metadata().unwrap().modified().unwrap();
            let since = modified.duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap();
            assert_eq!(since.as_secs(), 1_709_251_200);
            continue;
        }
        // One session fetches it as it is now.
        assert_eq!(run.code, Some(0), "{run:?}");
        assert!(run.stderr.contains("changed"), "{run:?}");
        assert!(home.read("file") == newer, "the file is a mixture");
    }
}

/// The sessions of its middle receive nothing, or the server refuses to restart beyond the file's end
#[test]
fn a_file_that_becomes_shorter_is_fetched_again() {
    let shorter = &content()[..SIZE / 2];
    for refuses in [false, true] {
        let (server, home) = (server(), Home::new());
        let files = server.files().clone();
        // The sessions whose next download begins beyond the end
        let beyond = Mutex::new(HashSet::new());
        server.on_command(move |Command { verb, argument, session, in_all, .. }| {
            // Two sessions have started, and the server has shown that it honours REST.
            if verb == "REST" && in_all == 2 {
                files.put("file", shorter);
                files.set_modified("file", "20240301000000");
            }
            let is_short = |offset| files.get("file").is_some_and(|file| file.len() < offset);
            let mut beyond = beyond.lock().unwrap();
            match verb {
                "REST" if argument.parse().is_ok_and(is_short) => match refuses {
                    true => Action::reply("554 Requested action not taken"),
                    false => {
                        beyond.insert(session);
                        Action::reply("350 Restarting")
                    }
                },
                "RETR" if beyond.remove(&session) => Action::serve().data(""),
                _ => Action::serve(),
            }
        });
        let run = get(&home, &server);
        assert_eq!(run.code, Some(0), "{refuses}: {run:?}");
        assert!(home.read("file") == shorter, "{refuses}: the file differs");
        assert_eq!(home.names(""), ["file"]);
    }
}
