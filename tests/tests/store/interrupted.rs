//! A replacement whose session ends is finished on another session

use std::sync::Mutex;

use ftp_test::Server;

use crate::replacing::{Fate, SOURCE, WRITES, Write, changes_names, keeping, keeping_and_ending};
use crate::{eventually, store};

/// The numbers of the commands that replace the object: RNFR and RNTO of the old one, and of the new one
///
/// The commands before them are those of the refused attempt (1, 2), and those for the two empty files (3 to 6).
const REPLACING: std::ops::RangeInclusive<u32> = 7..=10;

fn has_files_of_the_store(server: &Server) -> bool {
    server.files().paths().iter().any(|path| path.starts_with(".ftp-store-"))
}

/// The session ends at one of the steps, before or after the server has executed it; each is tried
#[tokio::test]
async fn a_replacement_is_finished_although_its_session_ends() {
    for write in WRITES {
        for lost in [Fate::NotDone, Fate::Lost] {
            for number in REPLACING {
                let commands = Mutex::new(0);
                let server = keeping(&[("f", b"before"), SOURCE], move |_, _| {
                    let mut commands = commands.lock().unwrap();
                    *commands += 1;
                    if *commands == number { lost } else { Fate::Sent }
                });
                let context = format!("{write:?} {lost:?} {number}");
                let result = write.run(&store(&server)).await;
                result.unwrap_or_else(|error| panic!("{context}: {error}"));
                assert_eq!(server.files().get("f").unwrap(), SOURCE.1, "{context}");
                assert_eq!(server.files().contains("source"), !matches!(write, Write::Rename));
                let none_left = || !has_files_of_the_store(&server);
                eventually(&format!("nothing of the store's own is left: {context}"), none_left)
                    .await;
            }
        }
    }
}

/// The first session ends before the old object is moved, and the server refuses the new one afterwards
#[tokio::test]
async fn a_replacement_that_can_not_be_finished_leaves_nothing() {
    let commands = Mutex::new(0);
    let server = keeping(&[("f", b"before"), SOURCE], move |command, _| {
        let mut commands = commands.lock().unwrap();
        *commands += 1;
        match command.verb {
            _ if *commands == *REPLACING.start() => Fate::NotDone,
            "RNTO" if command.argument.ends_with(".old") => Fate::Refused,
            _ => Fate::Sent,
        }
    });
    let error = Write::Put.run(&store(&server)).await.unwrap_err().to_string();
    assert!(error.contains("553 File name not allowed."), "{error}");
    eventually("nothing else is left", || server.files().paths() == ["f", "source"]).await;
    assert_eq!(server.files().get("f").unwrap(), b"before");
}

/// Another client has taken the object that is renamed, and a third has written the target, while the reply was lost
#[tokio::test]
async fn a_rename_that_others_have_changed_is_not_reported_as_done() {
    let number = Mutex::new(0);
    let server = keeping_and_ending(&[("f", b"before"), SOURCE], move |command, files| {
        let mut number = number.lock().unwrap();
        *number += u32::from(changes_names(command));
        if !changes_names(command) || *number != *REPLACING.end() {
            return Fate::Sent;
        }
        files.remove(SOURCE.0);
        files.put("f", "of another client");
        Fate::NotDone
    });
    let error = Write::Rename.run(&store(&server)).await.unwrap_err().to_string();
    let old = server.files().paths().into_iter().find(|path| path.ends_with(".old")).unwrap();
    assert!(error.contains(&old), "{error}");
    assert!(error.contains("unless other clients have moved them"), "{error}");
    assert_eq!(server.files().get(&old).unwrap(), b"before");
}
