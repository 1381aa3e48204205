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

fn link(home: &Home, name: &str, target: &str) {
    std::os::unix::fs::symlink(target, home.path(name)).unwrap();
}

fn is_link(home: &Home, name: &str) -> bool {
    std::fs::symlink_metadata(home.path(name)).unwrap().is_symlink()
}

/// Regression: a file got the name of the link, and as root that of `/dev/stdout`
#[test]
fn a_link_to_a_pipe_or_a_device_is_not_replaced() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("d/link", b"content");
    make_pipe(&home, "pipe");
    let (file, folder) = (server.url("d/link"), server.url("d/"));
    home.write("list", b"link\n");
    for target in ["pipe", "../here/pipe", "/dev/null", "/proc/self/fd/1"] {
        if target.starts_with("/proc") && !cfg!(target_os = "linux") {
            continue;
        }
        std::fs::create_dir_all(home.path("here")).unwrap();
        make_pipe(&home, "here/pipe");
        link(&home, "here/link", target);
        for arguments in [
            &["get", &file, "-o", "here/link"][..],
            &["get", &file, "-o", "here/link", "--inplace"],
            &["get", &file, "-O", "here"],
            &["mirror", &folder, "here"],
            &["fetch", "--base", &folder, "-O", "here", "list"],
        ] {
            let run = within_seconds(&home, arguments);
            let is_named = arguments.contains(&"-o");
            assert_eq!(run.code, Some(3), "{target} {arguments:?}: {run:?}");
            let told = "link: is not an ordinary file";
            assert!(run.stderr.contains(told), "{target} {arguments:?}: {run:?}");
            assert_eq!(run.stderr.contains("-o - writes to standard output"), is_named, "{run:?}");
            assert!(is_link(&home, "here/link"), "{target} {arguments:?}");
        }
        std::fs::remove_dir_all(home.path("here")).unwrap();
    }
    assert_eq!(server.count("RETR"), 0, "{}", server.transcript());
}

/// The file that standard output goes to would stay as it is, and the name of the link would be lost
#[test]
#[cfg(target_os = "linux")]
fn a_link_to_standard_output_is_not_replaced_if_that_is_a_file() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("file", b"content");
    link(&home, "stdout", "/proc/self/fd/1");
    link(&home, "link", "stdout");
    let mut command = home.command(&["get", &server.url("file"), "-o", "link"]);
    let output = std::fs::File::create(home.path("output")).unwrap();
    assert_eq!(command.stdout(output).status().unwrap().code(), Some(3));
    assert!(is_link(&home, "link") && is_link(&home, "stdout"));
}

/// Regression: "Too many levels of symbolic links"
#[test]
fn a_link_that_would_be_written_through_is_called_a_link() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("file", b"content");
    home.write("elsewhere", b"other");
    link(&home, "link", "elsewhere");
    let run = home.rftp(&["get", "--inplace", &server.url("file"), "-o", "link"]);
    assert_eq!(run.code, Some(3), "{run:?}");
    for told in ["link: is a symbolic link", "name that file, or remove the link"] {
        assert!(run.stderr.contains(told), "{told}: {run:?}");
    }
    assert_eq!(home.read("elsewhere"), b"other");
}
