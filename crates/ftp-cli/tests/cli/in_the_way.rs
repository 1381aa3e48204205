//! Pipes and links under the names that a download reads or writes

#![cfg(unix)]

use ftp_test::Server;

use crate::{Home, Run, bytes};

/// Runs the program, and kills it if it waits for something
fn within_seconds(home: &Home, arguments: &[&str]) -> Run {
    let mut command = std::process::Command::new("timeout");
    command.args(["20", env!("CARGO_BIN_EXE_rftp")]).args(arguments);
    crate::run(command.current_dir(home.path("")).env("HOME", home.path("")))
}

fn make_pipe(home: &Home, name: &str) {
    let made = std::process::Command::new("mkfifo").arg(home.path(name)).status().unwrap();
    assert!(made.success());
}

/// Regression: the program waited until something wrote to the pipe
#[test]
fn a_pipe_with_the_name_of_a_state_file_is_refused() {
    use std::os::unix::fs::FileTypeExt as _;
    let (server, home) = (Server::start(), Home::new());
    server.files().put("d/file", bytes(2_000_000));
    let states = ["file.part.inplace", "file.part.state"];
    states.iter().for_each(|state| make_pipe(&home, state));
    let (file, folder) = (server.url("d/file"), server.url("d/"));
    for (arguments, state) in [
        (&["get", &file][..], "file.part.state"),
        (&["get", "--inplace", &file], "file.part.inplace"),
        (&["mirror", &folder, "."], "file.part.state"),
    ] {
        let run = within_seconds(&home, arguments);
        assert_eq!(run.code, Some(3), "{arguments:?}: {run:?}");
        let told = format!("{state}: is not an ordinary file");
        assert!(run.stderr.contains(&told), "{arguments:?}: {run:?}");
        assert_eq!(home.names(""), states, "{arguments:?}");
    }
    for state in states {
        let metadata = std::fs::symlink_metadata(home.path(state)).unwrap();
        assert!(metadata.file_type().is_fifo());
    }
}

#[test]
fn a_pipe_with_the_name_of_a_mirror_s_state_is_refused() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("d/file", b"content");
    make_pipe(&home, "state");
    for options in [&["mirror"][..], &["mirror", "-n"]] {
        let url = server.url("d/");
        let run = within_seconds(&home, &[options, &["--state", "state", &url, "here"]].concat());
        assert_eq!(run.code, Some(3), "{options:?}: {run:?}");
        assert!(run.stderr.contains("state: is not an ordinary file"), "{options:?}: {run:?}");
    }
}

/// The same file has another name, whose content would change
#[test]
fn a_part_with_another_name_is_refused() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("d/file", bytes(2_000_000));
    home.write("precious", b"precious");
    std::fs::hard_link(home.path("precious"), home.path("file.part")).unwrap();
    let (file, folder) = (server.url("d/file"), server.url("d/"));
    for arguments in
        [&["get", &file][..], &["get", "--segments", "2", &file], &["mirror", &folder, "."]]
    {
        let run = home.rftp(arguments);
        assert_eq!(run.code, Some(3), "{arguments:?}: {run:?}");
        assert!(run.stderr.contains("file.part: has another name"), "{arguments:?}: {run:?}");
        assert_eq!(home.read("precious"), b"precious", "{arguments:?}");
        assert_eq!(home.names(""), ["file.part", "precious"], "{arguments:?}");
    }
    // With --inplace, the names of the file are the user's choice.
    let run = home.rftp(&["get", "--inplace", "-o", "precious", &file]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(home.read("file.part") == bytes(2_000_000));
}
