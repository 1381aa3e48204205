//! `mirror --state`: a file that an earlier run has transferred is not transferred again, even if it was moved since

use std::process::Stdio;
use std::time::{Duration, Instant};

use ftp_test::{Action, Command, Server};

use crate::{Home, Run, bytes};

fn mirror(home: &Home, server: &Server, more: &[&str]) -> Run {
    let url = server.url("pub");
    let mirror = ["mirror", "--state", "state", &url, "here"];
    let arguments: Vec<&str> = mirror.into_iter().chain(more.iter().copied()).collect();
    home.rftp(&arguments)
}

#[test]
fn files_that_were_taken_away_do_not_come_again() {
    let (server, home) = (Server::start(), Home::new());
    for name in ["a", "b", "d/c", "d/two words"] {
        server.files().put(&format!("pub/{name}"), bytes(1000));
    }
    let run = mirror(&home, &server, &[]);
    assert_eq!((run.code, server.count("RETR")), (Some(0), 4), "{run:?}");
    // The local files are deleted, edited and moved.
    std::fs::remove_dir_all(home.path("here/d")).unwrap();
    home.write("here/a", b"edited");
    std::fs::rename(home.path("here/b"), home.path("done")).unwrap();
    let run = mirror(&home, &server, &["--json"]);
    assert_eq!((run.code, server.count("RETR")), (Some(0), 4), "{run:?}");
    assert!(run.stdout.contains(r#""kept":4"#), "{run:?}");
    assert_eq!(home.read("here/a"), b"edited");
    // A new version and a new file are fetched, and a dry run does not change the state.
    server.files().put("pub/a", bytes(2000));
    server.files().put("pub/e", b"new");
    let state = home.read("state");
    let run = mirror(&home, &server, &["--dry-run"]);
    assert!(run.stdout.contains("get a") && run.stdout.contains("get e"), "{run:?}");
    assert_eq!(home.read("state"), state);
    let run = mirror(&home, &server, &[]);
    assert_eq!((run.code, server.count("RETR")), (Some(0), 6), "{run:?}");
    assert_eq!(home.read("here/a"), bytes(2000));
    // Without the state file, all files are compared again.
    std::fs::remove_file(home.path("state")).unwrap();
    let run = mirror(&home, &server, &[]);
    assert_eq!((run.code, server.count("RETR")), (Some(0), 9), "{run:?}");
}

#[test]
fn a_mirror_that_is_complete_is_noted_as_it_is() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("pub/a", bytes(1000));
    server.files().put("pub/b", bytes(1000));
    let run = home.rftp(&["mirror", &server.url("pub"), "here"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(mirror(&home, &server, &[]).code, Some(0));
    std::fs::remove_file(home.path("here/a")).unwrap();
    let run = mirror(&home, &server, &[]);
    assert_eq!((run.code, server.count("RETR")), (Some(0), 2), "{run:?}");
    // Files that the server no longer has are forgotten, but only by a run that considers all files.
    let lines = || String::from_utf8(home.read("state")).unwrap().lines().count();
    server.files().remove("pub/b");
    assert_eq!(mirror(&home, &server, &["--exclude", "x"]).code, Some(0));
    assert_eq!(lines(), 3);
    let run = mirror(&home, &server, &["--delete"]);
    assert_eq!((run.code, lines(), home.names("here").len()), (Some(0), 2, 0), "{run:?}");
}

#[test]
fn uploads_are_noted_too_and_failures_are_not() {
    let (server, home) = (Server::start(), Home::new());
    home.write("out/a", b"one");
    home.write("out/b", b"two");
    server.on_command(|Command { verb, argument, .. }| match (verb, argument) {
        ("STOR", "in/b.part") => Action::reply("553 not now"),
        _ => Action::serve(),
    });
    let url = server.url("in");
    let arguments = ["mirror", "--state", "state", "out", &url];
    assert_eq!(home.rftp(&arguments).code, Some(8));
    // Another user of the server has deleted the file.
    server.files().remove("in/a");
    server.on_command(|_| Action::serve());
    server.forget_commands();
    let run = home.rftp(&arguments);
    assert_eq!((run.code, server.count("STOR")), (Some(0), 1), "{run:?}");
    assert_eq!(
        (server.files().contains("in/a"), server.files().get("in/b")),
        (false, Some(b"two".to_vec()))
    );
}

#[test]
fn each_mirror_has_a_state_of_its_own() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("pub/a", b"a");
    server.files().put("other/a", b"a");
    assert_eq!(mirror(&home, &server, &[]).code, Some(0));
    // The same directory in other words.
    for here in ["here/", "./here", "here/."] {
        let run = home.rftp(&["mirror", "--state", "state", &server.url("pub"), here]);
        assert_eq!(run.code, Some(0), "{here}: {run:?}");
    }
    let run = home.rftp(&["mirror", "--state", "state", &server.url("other"), "there"]);
    assert!(run.code == Some(2) && run.stderr.contains("another mirror"), "{run:?}");
    let run = home.rftp(&["mirror", "--state", "state", "here", &server.url("pub")]);
    assert!(run.code == Some(2) && run.stderr.contains("another mirror"), "{run:?}");
    // Regression: the files counted as up to date in a directory that has none of them.
    let run = home.rftp(&["mirror", "--state", "state", &server.url("pub"), "there"]);
    assert!(run.code == Some(2) && run.stderr.contains("another mirror"), "{run:?}");
    home.write("letter", b"Dear all\n");
    let run = home.rftp(&["mirror", "--state", "letter", &server.url("other"), "there"]);
    assert!(run.code == Some(2) && run.stderr.contains("not the state"), "{run:?}");
    assert_eq!(home.read("letter"), b"Dear all\n");
    // Inside the mirrored directory, the state file would be deleted or uploaded.
    for place in ["here/state", "here/../here/state"] {
        let run = home.rftp(&["mirror", "--state", place, &server.url("pub"), "here"]);
        assert!(run.code == Some(2) && run.stderr.contains("elsewhere"), "{run:?}");
    }
    let run = home.rftp(&["mirror", "--state", "none/state", &server.url("pub"), "here"]);
    assert_eq!(run.code, Some(3), "{run:?}");
}

#[test]
fn a_killed_run_has_noted_what_was_complete() {
    let (server, home) = (Server::start(), Home::new());
    for file in 0..60 {
        server.files().put(&format!("pub/f{file}"), bytes(1000));
    }
    server.on_command(|Command { verb, .. }| {
        if verb == "RETR" {
            std::thread::sleep(Duration::from_millis(50));
        }
        Action::serve()
    });
    let url = server.url("pub");
    let mut child = home
        .command(&["mirror", "--state", "state", "-j2", &url, "here"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let noted =
        || std::fs::read_to_string(home.path("state")).map_or(0, |text| text.lines().count());
    let begun = Instant::now();
    while noted() < 10 {
        assert!(begun.elapsed() < Duration::from_secs(60), "nothing is noted");
        std::thread::sleep(Duration::from_millis(10));
    }
    // Another run must not write to the same state file.
    let run = mirror(&home, &server, &[]);
    assert!(run.code == Some(3) && run.stderr.contains("another run"), "{run:?}");
    child.kill().unwrap();
    child.wait().unwrap();
    // The files that had been fetched are deleted, and are not fetched again.
    std::fs::remove_dir_all(home.path("here")).unwrap();
    let before = noted() - 1;
    server.forget_commands();
    let run = mirror(&home, &server, &["--json"]);
    assert_eq!((run.code, server.count("RETR")), (Some(0), 60 - before), "{run:?}");
    assert_eq!(home.names("here").len(), 60 - before);
    assert_eq!(noted(), 61);
}
