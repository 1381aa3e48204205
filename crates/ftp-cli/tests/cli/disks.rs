//! Full disks, and directories without write permission

#![cfg(unix)]

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ftp_test::Server;

use crate::{Home, bytes, run};

const SIZE: usize = 3_000_000;

/// Returns a command for a shell that runs `before`, and then the program
fn after(home: &Home, before: &str, arguments: &str) -> Command {
    let mut command = Command::new("sh");
    let program = env!("CARGO_BIN_EXE_rftp");
    command.args(["-c", &format!("{before} exec {program} {arguments}")]);
    command.current_dir(home.path("")).env("HOME", home.path(""));
    command
}

/// A shell command that limits the size of files to 2000 blocks of 512 bytes
const NO_ROOM: &str = "trap '' XFSZ; ulimit -f 2000;";

#[test]
fn a_file_that_filled_the_disk_is_resumed_once_there_is_room() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("file", bytes(SIZE));
    let url = server.url("file");
    let failed = run(&mut after(&home, NO_ROOM, &format!("get {url}")));
    assert_eq!(failed.code, Some(3), "{failed:?}");
    assert!(failed.stderr.contains("file.part"), "{failed:?}");
    assert_eq!(failed.stderr.lines().count(), 1, "{failed:?}");
    // There is no retry, since the disk would still be full.
    assert_eq!(server.count("RETR"), 1);
    let again = home.rftp(&["get", &url]);
    assert_eq!((again.code, home.names("")), (Some(0), vec!["file".to_owned()]), "{again:?}");
    assert!(home.read("file") == bytes(SIZE));
    // `REST 0` is not counted: it may be sent to reset the server after the interrupted download.
    let log = server.commands();
    let resumed = log.iter().filter(|line| line.starts_with("REST ") && *line != "REST 0");
    assert_eq!(resumed.count(), 1, "{log:?}");
}

#[test]
fn a_file_in_segments_that_filled_the_disk_is_resumed_once_there_is_room() {
    let (server, home) = (Server::start(), Home::new());
    let size = 20_000_000;
    server.files().put("file", bytes(size));
    let url = server.url("file");
    let arguments = format!("get --segments 4 --limit-rate 12M {url}");
    let failed = run(&mut after(&home, NO_ROOM, &arguments));
    assert_eq!(failed.code, Some(3), "{failed:?}");
    let again = home.rftp(&["get", "--segments", "4", &url]);
    assert_eq!((again.code, home.names("")), (Some(0), vec!["file".to_owned()]), "{again:?}");
    assert!(home.read("file") == bytes(size));
}

/// Regression: a name that could not be looked up for want of a descriptor counted as one that had changed, so the file
/// was opened again, without end
#[test]
fn a_run_without_descriptors_ends() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("file", bytes(SIZE));
    let url = server.url("file");
    let mut codes = Vec::new();
    for most in 4..16 {
        let limit = format!("ulimit -n {most};");
        let arguments = format!("get --retries 0 {url} -o file{most}");
        let mut limited = after(&home, &limit, &arguments);
        let mut child = limited.stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if begun.elapsed() > Duration::from_secs(30) {
                child.kill().unwrap();
                panic!("{most} descriptors: no end");
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        codes.push(status.code());
        if status.success() {
            assert!(home.read(&format!("file{most}")) == bytes(SIZE), "{most}");
        }
    }
    assert!(codes.contains(&Some(3)) && codes.ends_with(&[Some(0)]), "{codes:?}");
}

#[test]
fn a_mirror_on_a_full_disk_leaves_no_incomplete_file() {
    let (server, home) = (Server::start(), Home::new());
    for file in 0..10 {
        server.files().put(&format!("pub/f{file}"), bytes(400_000));
    }
    let url = server.url("pub");
    std::fs::create_dir(home.path("here")).unwrap();
    // A disk of 2 MiB if the system lets users mount one, otherwise a limit of the size of files.
    let mount = "unshare -rm true 2>/dev/null";
    let has_mounts = Command::new("sh").args(["-c", mount]).status().unwrap().success();
    let failed = match has_mounts {
        true => {
            let inner = format!(
                "mount -t tmpfs -o size=2m none here && {} mirror {url} here; code=$?; \
                 cd here; for f in f?; do [ $(wc -c < $f) = 400000 ] || exit 99; done; exit $code",
                env!("CARGO_BIN_EXE_rftp")
            );
            let mut command = Command::new("unshare");
            command.args(["-rm", "sh", "-c", &inner]).current_dir(home.path(""));
            run(command.env("HOME", home.path("")))
        }
        false => {
            run(&mut after(&home, "trap '' XFSZ; ulimit -f 500;", &format!("mirror {url} here")))
        }
    };
    assert_eq!(failed.code, Some(3), "{failed:?}");
    let again = home.rftp(&["mirror", &url, "here"]);
    assert_eq!((again.code, home.names("here").len()), (Some(0), 10), "{again:?}");
}

#[test]
fn full_standard_output_is_reported() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("file", bytes(SIZE));
    if !std::path::Path::new("/dev/full").exists() {
        println!("LEFT OUT: there is no /dev/full");
        return;
    }
    let (url, folder) = (server.url("file"), server.url(""));
    for arguments in [
        format!("cat {url}"),
        format!("get -O here {url}"),
        format!("get -O there --json {url}"),
        format!("get -O new -n {url}"),
        format!("mirror {folder} mirrored"),
        format!("mirror -n {folder} new"),
        format!("verify {folder} mirrored"),
        format!("rm -n {url}"),
        format!("put --unique mirrored/file {folder}"),
        format!("ls {folder}"),
        "--help".to_owned(),
        "--version".to_owned(),
        "get --help".to_owned(),
        "man".to_owned(),
        "ftplib".to_owned(),
    ] {
        server.forget_commands();
        let failed = run(&mut after(&home, "", &format!("{arguments} > /dev/full")));
        assert_eq!(failed.code, Some(3), "{arguments}: {failed:?}");
        assert_eq!(
            failed.stderr.matches("standard output: ").count(),
            1,
            "{arguments}: {failed:?}"
        );
        assert!(server.count("RETR") < 2, "{arguments}: {failed:?}");
    }
    // What could be done was done.
    for file in ["here/file", "there/file", "mirrored/file"] {
        assert!(home.read(file) == bytes(SIZE), "{file}");
    }
    let lines = "printf 'pwd\\nhelp\\n' |";
    let failed = run(&mut after(&home, lines, &format!("shell {folder} > /dev/full")));
    assert_eq!(failed.code, Some(3), "{failed:?}");
}

/// The reader wants no more, which is no failure of a transfer
#[test]
fn a_closed_pipe_does_not_end_a_transfer() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("pub/a", bytes(1000));
    server.files().put("pub/b", bytes(1000));
    let url = server.url("pub");
    for options in ["", "--json"] {
        let script = format!(
            "{{ sleep 0.5; {} mirror {options} {url} here; echo $? > code; }} | true",
            env!("CARGO_BIN_EXE_rftp")
        );
        let mut command = Command::new("sh");
        command.args(["-c", &script]).current_dir(home.path("")).env("HOME", home.path(""));
        let piped = run(&mut command);
        assert_eq!(home.read("code"), b"0\n", "{options}: {piped:?}");
        assert_eq!((home.names("here").len(), &*piped.stderr), (2, ""), "{options}");
    }
}

#[test]
fn a_directory_that_cannot_be_written_to_is_reported() {
    use std::os::unix::fs::PermissionsExt as _;
    let (server, home) = (Server::start(), Home::new());
    server.files().put("pub/file", b"content");
    std::fs::create_dir(home.path("here")).unwrap();
    let permissions = |mode| std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(home.path("here"), permissions(0o555)).unwrap();
    // The superuser may write to all directories except those of the kernel.
    let is_closed = std::fs::write(home.path("here/probe"), b"").is_err();
    let target = if is_closed { "here" } else { "/proc" };
    for arguments in [
        ["get", "-O", target, &server.url("pub/file")],
        ["mirror", "--compare=missing", &server.url("pub"), &format!("{target}/new")],
    ] {
        let run = home.rftp(&arguments);
        assert_eq!(run.code, Some(3), "{run:?}");
        assert!(run.stderr.contains(target) && run.stderr.lines().count() == 1, "{run:?}");
    }
    std::fs::set_permissions(home.path("here"), permissions(0o755)).unwrap();
}
