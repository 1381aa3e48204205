//! An upload that an earlier run has begun is resumed only with the same version of the local file

use std::io::{Seek as _, Write as _};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use ftp_test::{Action, Command, Server};

use crate::files::set_time;
use crate::{Home, Run, bytes};

const SIZE: usize = 3_000_000;
const PART: usize = 2_000_000;

/// A server whose clock is ahead by decades, on which an upload of `file` was broken off
fn broken() -> (Server, Home) {
    let (server, home) = (Server::start(), Home::new());
    home.write("file", &bytes(SIZE));
    break_off(&server, &home);
    (server, home)
}

fn break_off(server: &Server, home: &Home) {
    server.on_command(|Command { verb, .. }| match verb {
        "STOR" => Action::serve().break_at(PART).then_close(),
        _ => Action::serve(),
    });
    let run = put(server, home);
    assert_eq!(run.code, Some(4), "{run:?}");
    assert!(server.files().get("file.part").is_some_and(|part| part.len() == PART));
    server.on_command(|Command { verb, .. }| match verb {
        "MDTM" => Action::reply("213 21000101000000"),
        _ => Action::serve(),
    });
    server.forget_commands();
}

fn put(server: &Server, home: &Home) -> Run {
    home.rftp(&["put", "--retries", "0", "file", &server.url("file")])
}

/// Uploads the file again, and expects that the server has it then; returns how often it was sent from its start
fn again(server: &Server, home: &Home) -> usize {
    let run = put(server, home);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(server.files().get("file") == Some(home.read("file")), "a mixture");
    assert!(!server.files().contains("file.part"));
    server.count("STOR")
}

fn folder(home: &Home) -> PathBuf {
    home.path(".local/state/rftp/uploads")
}

/// How many files there are in the directory for notes
pub(crate) fn notes(home: &Home) -> usize {
    std::fs::read_dir(folder(home)).map_or(0, Iterator::count)
}

#[test]
fn the_same_version_is_resumed_whatever_the_clock_of_the_server() {
    for time in ["21000101000000", "19700101000000"] {
        let (server, home) = broken();
        server.on_command(move |Command { verb, .. }| match verb {
            "MDTM" => Action::reply(format!("213 {time}")),
            _ => Action::serve(),
        });
        assert_eq!(notes(&home), 1);
        assert_eq!((again(&server, &home), server.count("APPE"), notes(&home)), (0, 1, 0));
    }
}

/// Regression: the server's clock was ahead, so the part seemed to be younger than the change
#[test]
fn a_file_that_was_edited_in_place_is_sent_again() {
    let (server, home) = broken();
    let mut file = std::fs::File::options().write(true).open(home.path("file")).unwrap();
    file.rewind().unwrap();
    file.write_all(b"EDITED HEADER").unwrap();
    drop(file);
    assert_eq!(again(&server, &home), 1);
}

/// Regression: the local file was replaced by an older version, whose last bytes before the break are the same, and the two
/// were joined
#[test]
fn an_older_version_with_the_same_end_is_sent_again() {
    let (server, home) = broken();
    let mut other = bytes(SIZE);
    other[..13].copy_from_slice(b"OTHER VERSION");
    home.write("new", &other);
    set_time(&home, "new", 1_000_000_000);
    std::fs::rename(home.path("new"), home.path("file")).unwrap();
    assert_eq!(again(&server, &home), 1);
}

/// As after `cp -p`, `tar` or `rsync -t`: only the time of the inode's change tells
#[cfg(unix)]
#[test]
fn a_version_with_the_same_size_and_time_is_sent_again() {
    let (server, home) = (Server::start(), Home::new());
    home.write("file", &bytes(SIZE));
    set_time(&home, "file", 1_000_000_000);
    break_off(&server, &home);
    let mut other = bytes(SIZE);
    other[..13].copy_from_slice(b"OTHER VERSION");
    home.write("file", &other);
    set_time(&home, "file", 1_000_000_000);
    assert_eq!(again(&server, &home), 1);
}

#[test]
fn a_part_of_which_nothing_is_known_is_sent_again() {
    // Of another program or machine, or of a run whose note is lost
    let (server, home) = broken();
    std::fs::remove_dir_all(folder(&home)).unwrap();
    assert_eq!(again(&server, &home), 1);
    // Where no note can be kept
    let (server, home) = (Server::start(), Home::new());
    home.write("file", &bytes(SIZE));
    home.write(".local", b"not a directory");
    break_off(&server, &home);
    assert_eq!(again(&server, &home), 1);
    // Of another server
    let (server, home) = broken();
    let other = Server::start();
    other.files().put("file.part", server.files().get("file.part").unwrap());
    assert_eq!(again(&other, &home), 1);
    assert_eq!(again(&server, &home), 0);
}

/// The part of an upload that begins is of its version from the moment on at which the server has emptied it
#[test]
fn a_refused_upload_leaves_no_note_on_the_part_of_another_version() {
    let (server, home) = broken();
    let mut other = bytes(SIZE);
    other[0] ^= 1;
    home.write("file", &other);
    server.on_command(|Command { verb, .. }| match verb {
        "STOR" => Action::close(),
        _ => Action::serve(),
    });
    assert_eq!(put(&server, &home).code, Some(4));
    server.on_command(|_| Action::serve());
    server.forget_commands();
    assert_eq!(again(&server, &home), 1);
}

/// It is complete, and lacks its name only
#[test]
fn a_complete_part_is_not_sent_again() {
    for command in ["put", "mirror"] {
        let (server, home) = (Server::start(), Home::new());
        home.write("d/file", &bytes(SIZE));
        server.on_command(|Command { verb, .. }| match verb {
            "RNFR" => Action::reply("550 Permission denied"),
            _ => Action::serve(),
        });
        let (from, url) = (if command == "put" { "d/file" } else { "d" }, server.url(""));
        let run = home.rftp(&[command, from, &url]);
        assert_eq!(run.code, Some(8), "{run:?}");
        server.on_command(|_| Action::serve());
        server.forget_commands();
        let run = home.rftp(&[command, from, &url]);
        assert_eq!((run.code, server.count("STOR")), (Some(0), 0), "{command}: {run:?}");
        assert!(server.files().get("file") == Some(bytes(SIZE)), "{command}");
        assert_eq!(notes(&home), 0, "{command}");
    }
}

/// Another machine has uploaded another file under the same name
#[test]
fn a_part_with_another_end_is_replaced() {
    let (server, home) = broken();
    server.files().put("file.part", vec![7; PART]);
    let run = put(&server, &home);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stderr.contains("starts again"), "{run:?}");
    assert!(server.files().get("file") == Some(bytes(SIZE)));
    assert!(!server.files().contains("file.part"));
}

/// Regression: it sent more than the end of the part, which was taken for an error of the server, in each run
#[test]
fn an_upload_to_a_server_that_ignores_rest_starts_again() {
    // Some end the session if more than the client wants is sent. Of zeros, the end is the same as the start.
    for (ends, content) in [(false, bytes(SIZE)), (true, bytes(SIZE)), (false, vec![0; SIZE])] {
        let (server, home) = (Server::start(), Home::new());
        home.write("file", &content);
        server.on_command(move |Command { verb, in_all, .. }| match (verb, in_all, ends) {
            ("STOR", 1, _) => Action::serve().break_at(PART).then_close(),
            ("RETR", _, false) => Action::serve().from_start(),
            ("RETR", _, true) => Action::serve().from_start().break_at(PART / 2).then_close(),
            _ => Action::serve(),
        });
        let options = ["--retries", "2", "--retry-delay", "0.02"];
        let run = home.rftp(&[&["put", "file", &server.url("file")], &options[..]].concat());
        assert_eq!((run.code, server.count("RETR")), (Some(0), 1), "{run:?}");
        assert!(run.stderr.contains("starts again"), "{run:?}");
        assert!(server.files().get("file") == Some(content), "{run:?}");
    }
}

/// The part may have the same end, as files of zeros have
#[test]
fn standard_input_that_breaks_off_is_no_part_of_a_file() {
    let (server, home) = broken();
    server.on_command(|Command { verb, .. }| match verb {
        "STOR" => Action::close(),
        _ => Action::serve(),
    });
    let run = home.rftp(&["put", "--retries", "0", "-", &server.url("file")]);
    assert_eq!(run.code, Some(4), "{run:?}");
    server.on_command(|_| Action::serve());
    assert_eq!(notes(&home), 0);
}

#[test]
fn a_part_that_is_deleted_leaves_no_note() {
    let (server, home) = (Server::start(), Home::new());
    home.write("file", &bytes(SIZE));
    server.on_command(|Command { verb, .. }| match verb {
        "STOR" => Action::serve().break_at(PART).final_reply("552 Disk full"),
        _ => Action::serve(),
    });
    let run = put(&server, &home);
    assert_eq!((run.code, notes(&home)), (Some(8), 0), "{run:?}");
    assert!(!server.files().contains("file.part"));
}

/// Names of files may be nobody else's business
#[cfg(unix)]
#[test]
fn only_the_owner_reads_the_notes() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_server, home) = broken();
    assert_eq!(folder(&home).metadata().unwrap().permissions().mode() & 0o777, 0o700);
}

/// Uploads a file to a server that confirms everything and keeps only `kept` of it: one text for each upload, in turn
fn keeps(kept: Vec<Vec<u8>>) -> (Server, Run) {
    let (server, home) = (Server::start(), Home::new());
    home.write("file", &bytes(SIZE));
    let files = server.files().clone();
    let (uploads, looked_at) = (AtomicUsize::new(0), AtomicUsize::new(0));
    server.on_command(move |Command { verb, argument, .. }| {
        let count = uploads.load(Ordering::SeqCst);
        match verb {
            "STOR" | "APPE" => uploads.store(count + 1, Ordering::SeqCst),
            "SIZE" if looked_at.swap(count, Ordering::SeqCst) < count => {
                if let Some(kept) = kept.get(count - 1) {
                    files.put(argument, &**kept);
                }
            }
            _ => {}
        }
        Action::serve()
    });
    let run = home.rftp(&["put", "--retry-delay", "0.02", "file", &server.url("file")]);
    (server, run)
}

/// Regression: the part was deleted, or all of it sent again, although a cut connection may look like the end to a server
#[test]
fn what_a_server_confirms_too_early_is_resumed() {
    let first = |count: usize| bytes(SIZE)[..count].to_vec();
    for (kept, appended) in [
        (vec![first(2_000_000)], 1),
        (vec![first(2_000_000), first(2_500_000)], 2),
        (vec![first(2_000_000), first(2_500_000), first(2_900_000)], 3),
    ] {
        let (server, run) = keeps(kept);
        assert_eq!((run.code, &*run.stderr), (Some(0), ""), "{run:?}");
        assert_eq!((server.count("STOR"), server.count("APPE")), (1, appended), "{run:?}");
        assert!(server.files().get("file") == Some(bytes(SIZE)), "the file differs");
    }
    // It keeps no more, or something else.
    let full = first(2_000_000);
    for (kept, appended) in [(vec![full.clone(), full], 1), (vec![vec![1; 2_000_000]], 0)] {
        let (server, run) = keeps(kept);
        assert_eq!(run.code, Some(9), "{run:?}");
        assert_eq!((server.count("STOR"), server.count("APPE")), (1, appended), "{run:?}");
        assert_eq!(server.files().paths(), Vec::<String>::new());
    }
}
