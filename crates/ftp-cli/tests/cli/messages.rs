//! Messages that can't be written are dropped: the exit code is that of the work

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ftp_test::{Action, Server};

use crate::Home;

const QUICK: [&str; 4] = ["--retries", "1", "--retry-delay", "0.02"];

/// Runs a command whose standard error has been closed by its reader; `None` if it does not end within a minute
fn unheard(command: &mut Command) -> Option<i32> {
    let (reader, writer) = UnixStream::pair().unwrap();
    drop(reader);
    let mut child = command.stdout(Stdio::null()).stderr(OwnedFd::from(writer)).spawn().unwrap();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(60) {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    None
}

/// Regression: the thread that had something to report panicked, and the others waited for it for ever
#[test]
fn a_mirror_whose_messages_can_not_be_written_ends() {
    let (server, home) = (Server::start(), Home::new());
    for name in ["a", "b", "c"] {
        server.files().put(&format!("pub/{name}"), name);
    }
    server.on_command(|command| match (command.verb, command.argument) {
        ("RETR", "pub/a") => Action::reply("550 Permission denied."),
        _ => Action::serve(),
    });
    let url = server.url("pub");
    assert_eq!(unheard(&mut home.command(&["mirror", &url, "here"])), Some(8));
    assert_eq!(home.names("here"), ["b", "c"]);
}

/// Regression: each of these ended with the code 101 of a panic
#[test]
fn a_command_whose_messages_can_not_be_written_has_the_code_of_its_work() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("file", b"content");
    home.write("list", b"missing\n");
    home.write("netrc", b"default login u password p\n");
    let [missing, file, root] = ["missing", "file", ""].map(|path| server.url(path));
    let with_password = file.replacen("//", "//u:p@", 1);
    for (code, arguments) in [
        (8, &["ls", &missing][..]),
        (8, &["get", &missing]),
        (8, &["cat", &missing]),
        (8, &["rm", &missing]),
        (8, &["find", &missing]),
        (8, &["fetch", "--base", &root, "list"]),
        (3, &["put", "missing", &root]),
        (2, &["rm", "no-url"]),
        (2, &["get", "--no-such-option"]),
        (0, &["ls", "--trace", &root]),
        (0, &["get", "-o", "-", &with_password]),
        (0, &["hash", "--download", "sha256", &file]),
        (0, &["ls", "--netrc-file", "netrc", &root]),
    ] {
        let mut command = home.command(&[arguments, &QUICK[..]].concat());
        assert_eq!(unheard(&mut command), Some(code), "{arguments:?}");
    }
    home.write("lines", b"get missing\nls no such option\nls\n");
    let mut shell = home.command(&["shell", &root]);
    let lines = std::fs::File::open(home.path("lines")).unwrap();
    assert_eq!(unheard(shell.stdin(lines)), Some(8));
}
