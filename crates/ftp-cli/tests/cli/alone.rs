//! Two runs that upload to one file

use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ftp_test::{Action, Command, Server};

use crate::Home;
use crate::uploads_resumed::notes;

/// Returns a server that delays the first upload until the flag is set, and a home with two versions of a file: `one/f`
/// and `two/f`
fn server() -> (Server, Home, Arc<AtomicBool>) {
    let (server, home) = (Server::start(), Home::new());
    home.write("one/f", b"version one");
    home.write("two/f", b"VERSION TWO");
    let go_on = Arc::new(AtomicBool::new(false));
    let (flag, has_begun) = (Arc::clone(&go_on), AtomicBool::new(false));
    server.on_command(move |Command { verb, .. }| {
        if matches!(verb, "STOR" | "APPE") && !has_begun.swap(true, Ordering::SeqCst) {
            let begun = Instant::now();
            while !flag.load(Ordering::SeqCst) && begun.elapsed() < Duration::from_secs(30) {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        Action::serve()
    });
    (server, home, go_on)
}

/// Starts a run, and returns once its upload has begun
fn begin(server: &Server, home: &Home, arguments: &[&str]) -> Child {
    let child =
        home.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    while server.count("STOR") + server.count("APPE") == 0 {
        assert!(begun.elapsed() < Duration::from_secs(60), "no upload begins");
        std::thread::sleep(Duration::from_millis(5));
    }
    child
}

/// Regression: both wrote the same part, and a mixture of them got the name
#[test]
fn a_second_run_does_not_write_what_the_first_one_writes() {
    for first in [&["put", "one/f"][..], &["mirror", "one"], &["put", "--append", "one/f"]] {
        let is_append = first.contains(&"--append");
        let seconds: [&[&str]; 3] = match is_append {
            false => [&["put", "two/f"], &["mirror", "two"], &["put", "-"]],
            true => [&["put", "--append", "two/f"], &["put", "--inplace", "two/f"], &[]],
        };
        let others: [&[&str]; 3] = [
            &["put", "--inplace", "two/f"],
            &["put", "--temp-suffix", ".tmp", "two/f"],
            &["put", "--append", "two/f"],
        ];
        let (server, home, go_on) = server();
        let url = |arguments: &[&str]| match arguments[0] {
            "put" => server.url("up/f"),
            _ => server.url("up"),
        };
        server.files().make_dir("up");
        let mut child = begin(&server, &home, &[first, &[&url(first)]].concat());
        for second in seconds.into_iter().filter(|second| !second.is_empty()) {
            let run = home.rftp(&[second, &[&url(second)]].concat());
            assert_eq!(run.code, Some(3), "{first:?} {second:?}: {run:?}");
            let file = if is_append { "up/f" } else { "up/f.part" };
            for words in ["another run", "this machine", file, "wait until it ends"] {
                assert!(run.stderr.contains(words), "{words}: {second:?}: {run:?}");
            }
        }
        // Regression: these write to the same file in the end.
        for second in others {
            let run = home.rftp(&[second, &[&url(second)]].concat());
            assert_eq!(run.code, Some(3), "{first:?} {second:?}: {run:?}");
            assert!(run.stderr.contains("uploading to up/f"), "{run:?}");
        }
        // Another file is not affected.
        let run = home.rftp(&["put", "two/f", &server.url("up/other")]);
        assert_eq!(run.code, Some(0), "{run:?}");
        go_on.store(true, Ordering::SeqCst);
        assert_eq!(child.wait().unwrap().code(), Some(0), "{first:?}");
        assert_eq!(server.files().get("up/f").unwrap(), b"version one", "{first:?}");
        assert_eq!(notes(&home), 0, "{first:?}");
        let run = home.rftp(&["put", "two/f", &server.url("up/f")]);
        assert_eq!(run.code, Some(0), "{run:?}");
    }
}

#[test]
fn a_run_that_was_killed_is_in_nobodys_way() {
    let (server, home, go_on) = server();
    let url = server.url("f");
    let mut child = begin(&server, &home, &["put", "one/f", &url]);
    // For the part and for the name that it gets.
    assert_eq!(notes(&home), 2);
    child.kill().unwrap();
    child.wait().unwrap();
    go_on.store(true, Ordering::SeqCst);
    let run = home.rftp(&["put", "two/f", &url]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(server.files().get("f").unwrap(), b"VERSION TWO");
    assert_eq!(notes(&home), 0);
}

#[test]
fn a_run_keeps_its_right_while_it_retries() {
    let (server, home) = (Server::start(), Home::new());
    home.write("f", b"content");
    server.on_command(|Command { verb, .. }| match verb {
        "STOR" => Action::reply("450 busy"),
        _ => Action::serve(),
    });
    let url = server.url("f");
    let mut child =
        begin(&server, &home, &["put", "--retries", "1", "--retry-delay", "30", "f", &url]);
    // Until the first attempt has been refused.
    std::thread::sleep(Duration::from_millis(300));
    let run = home.rftp(&["put", "--retries", "0", "f", &url]);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(run.code, Some(3), "{run:?}");
}
