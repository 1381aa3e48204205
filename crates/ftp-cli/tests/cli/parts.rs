//! What a download leaves belongs to one file on the server, and is under one name: the temporary one, or the final one
//! with `--inplace`

use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ftp_test::{Action, Command, Server};

use crate::{Home, bytes};

const SIZE: usize = 3_000_000;

/// Returns the state file of a part of [`SIZE`] bytes, with the time that the test server reports for all files
pub(crate) fn state(server: &Server, path: &str) -> Vec<u8> {
    state_of(server, path, 1_709_210_096)
}

/// As [`state`], of a version with another time
pub(crate) fn state_of(server: &Server, path: &str, modified: i64) -> Vec<u8> {
    state_with(server, path, &format!(r#""size":{SIZE},"modified":{modified}"#))
}

/// As [`state`], with these fields; without the source, rftp would not look at them
pub(crate) fn state_with(server: &Server, path: &str, fields: &str) -> Vec<u8> {
    format!(r#"{{"source":"{} {path}",{fields}}}"#, server.address()).into_bytes()
}

/// Returns another version of the file of [`SIZE`] bytes: it differs in its first half
fn other_version() -> Vec<u8> {
    let mut other = bytes(SIZE);
    other[..SIZE / 2].iter_mut().for_each(|byte| *byte ^= 1);
    other
}

/// Starts a download that stays open after 2 MB, and returns once these have arrived in `name`
fn begin(server: &Server, home: &Home, arguments: &[&str], name: &str) -> Child {
    server.on_command(|Command { verb, .. }| match verb {
        "RETR" => Action::serve().slow_from(2_000_000, Duration::from_millis(50)),
        _ => Action::serve(),
    });
    let mut command = home.command(arguments);
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    while !home.path(name).metadata().is_ok_and(|file| file.len() >= 1_900_000) {
        assert!(begun.elapsed() < Duration::from_secs(20), "nothing comes");
        std::thread::sleep(Duration::from_millis(20));
    }
    server.on_command(|_| Action::serve());
    child
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Regression: the older file counted as the beginning of the new one, whose version the interrupted run had noted
#[test]
fn an_older_file_is_no_part_because_there_is_one() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("file", bytes(SIZE));
    home.write("file", &other_version()[..2_500_000]);
    let url = server.url("file");
    kill(begin(&server, &home, &["get", &url], "file.part"));
    let run = home.rftp(&["get", "--inplace", &url]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(home.read("file") == bytes(SIZE), "the older file is a part of it");
    // The part is still one of the same version.
    server.forget_commands();
    let run = home.rftp(&["get", &url]);
    assert_eq!((run.code, server.count("REST")), (Some(0), 1), "{run:?}");
    assert!(home.read("file") == bytes(SIZE));
    assert_eq!(home.names(""), ["file"]);
}

/// Regression: the part was continued with the bytes of the version that a run with `--inplace` had noted
#[test]
fn a_part_is_not_of_the_version_that_another_run_fetches_in_place() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("file", other_version());
    server.files().set_modified("file", "20240101000000");
    let url = server.url("file");
    kill(begin(&server, &home, &["get", &url], "file.part"));
    server.files().put("file", bytes(SIZE));
    server.files().set_modified("file", "20240202000000");
    kill(begin(&server, &home, &["get", "--inplace", &url], "file"));
    let run = home.rftp(&["get", &url]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(home.read("file") == bytes(SIZE), "both versions are in it");
    assert_eq!(home.names(""), ["file"], "nothing is left of the run in place either");
}

#[test]
fn a_run_in_place_is_resumed_in_place() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("file", bytes(SIZE));
    let url = server.url("file");
    kill(begin(&server, &home, &["get", "--inplace", &url], "file"));
    server.forget_commands();
    let run = home.rftp(&["get", "--inplace", &url]);
    assert_eq!((run.code, server.count("REST")), (Some(0), 1), "{run:?}");
    assert!(home.read("file") == bytes(SIZE));
    assert_eq!(home.names(""), ["file"]);
}

/// Regression: of two files of the same size and time, a part of the one was continued with bytes of the other
#[test]
fn a_part_of_another_url_is_not_resumed() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("one/file", other_version());
    server.files().put("two/file", bytes(SIZE));
    kill(begin(&server, &home, &["get", &server.url("one/file")], "file.part"));
    let run = home.rftp(&["get", &server.url("two/file")]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stderr.contains("of another version or file"), "{run:?}");
    assert!(home.read("file") == bytes(SIZE), "both files are in it");
}

/// Regression: the bytes of the run in place were gone when the other file got its name, and both ended with code 0
#[test]
fn two_runs_do_not_write_one_file_under_two_names() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("one", bytes(SIZE));
    server.files().put("two", other_version());
    let (one, two) = (server.url("one"), server.url("two"));
    for (first, name, second) in [
        (["get", "-o", "file", &one], "file.part", ["get", "--inplace", "-o", "file", &two]),
        (["get", "--inplace", "-ofile", &one], "file", ["get", "--retries=0", "-o", "file", &two]),
    ] {
        let child = begin(&server, &home, &first, name);
        let run = home.rftp(&second);
        kill(child);
        assert_eq!(run.code, Some(3), "{run:?}");
        assert!(run.stderr.contains("another run"), "{run:?}");
        std::fs::remove_file(home.path(name)).unwrap();
    }
}

/// The part has another name, so the run in place begins
#[test]
fn a_file_does_not_get_the_name_of_one_that_is_written() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("one", bytes(SIZE));
    server.files().put("two", other_version());
    let go_on = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&go_on);
    server.on_command(move |Command { verb, .. }| {
        while verb == "RETR" && !flag.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(5));
        }
        Action::serve()
    });
    let part = ["get", "-o", "file", "--temp-suffix=.tmp", &server.url("one")];
    let mut part = home.command(&part).stderr(Stdio::null()).spawn().unwrap();
    while server.count("RETR") == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    let in_place = ["get", "--inplace", "-o", "file", &server.url("two")];
    let in_place = begin(&server, &home, &in_place, "file");
    go_on.store(true, Ordering::SeqCst);
    assert_eq!(part.wait().unwrap().code(), Some(3));
    assert!(home.read("file.tmp") == bytes(SIZE));
    kill(in_place);
}
