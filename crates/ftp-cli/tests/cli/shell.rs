//! `shell`: lines from a pipe, over one session

use std::io::Write as _;
use std::process::Stdio;

use ftp_test::{Action, Command, Server};

use crate::{Home, Run, bytes};

/// Runs a shell with these lines
pub(crate) fn shell(home: &Home, arguments: &[&str], lines: impl AsRef<[u8]>) -> Run {
    let mut command = home.command(&[&["shell"], arguments].concat());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // The program may have ended without reading them.
    let _ = child.stdin.take().unwrap().write_all(lines.as_ref());
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Run { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

#[test]
fn a_session_does_everything() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("pub/a.txt", b"first\n");
    server.files().put("pub/b.txt", b"second\n");
    server.files().put("pub/two words", b"third\n");
    server.files().put("pub/deep/c.gz", bytes(300_000));
    home.write("up/x.csv", b"x");
    home.write("up/y.csv", b"y");
    home.write("up/z", b"z");
    let run = shell(
        &home,
        &["--progress", "none", &server.url("pub/")],
        "# looks around\npwd\nls\ncat a.txt 'two words'\ncd deep\npwd\nget c.gz\ncd ..\n\
         mkdir new\ncd new\nlcd up\nmput *.csv\nput z -o renamed\nput z -o /pub/deep/\nls -l\n\
         mv x.csv /pub/moved\nrm y.csv\ncd\nlcd ..\nmget *.txt new/r* -O got\nls new\n",
    );
    assert_eq!((run.code, &*run.stderr), (Some(0), ""), "{run:?}");
    for line in ["/pub\n", "a.txt\nb.txt\ndeep\n", "first\nthird\n", "/pub/deep\n", "renamed\n"] {
        assert!(run.stdout.contains(line), "{line}: {run:?}");
    }
    assert_eq!(home.read("c.gz"), bytes(300_000));
    assert_eq!(home.names("got"), ["a.txt", "b.txt", "renamed"]);
    for (path, content) in [("pub/moved", "x"), ("pub/new/renamed", "z"), ("pub/deep/z", "z")] {
        assert_eq!(server.files().get(path), Some(content.into()), "{path}");
    }
    assert!(!server.files().contains("pub/new/y.csv") && !server.files().contains("pub/new/x.csv"));
    assert!(
        !server.commands().iter().any(|command| command.contains("//")),
        "{:?}",
        server.commands()
    );
    // One session for all lines; one more for the two files of `mput`, and two for the three of `mget`.
    let sessions = server.sessions();
    assert!(sessions.logins <= 4, "{sessions:?}");
    assert!(server.count("QUIT") == sessions.logins, "{:?}", server.commands());
}

#[test]
fn one_session_serves_all_lines() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("a", b"content");
    let run =
        shell(&home, &[&server.url("")], "get a\nls\nrm a\nls -R /\nmkdir d\nquit\nmkdir e\n");
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!((server.sessions().logins, server.count("QUIT")), (1, 1));
    assert!(!server.files().contains("e") && server.count("MKD") == 1, "quit ends it");
}

#[test]
fn what_fails_is_reported_and_counted() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("a", b"content");
    let url = server.url("");
    for (lines, code, told) in [
        ("get none\nget a -o b\n", 8, "none"),
        ("cd none\n", 8, "none"),
        ("lcd none\n", 3, "none"),
        ("mget *.x\n", 8, "no file matches"),
        ("mput *.x\n", 3, "no file matches"),
        ("frobnicate\n", 2, "frobnicate"),
        ("get 'a\n", 2, "quote"),
        ("rm -r ''\n", 2, "an empty name"),
        ("put -\n", 2, "standard input"),
        ("get --segments none a\n", 2, "segments"),
        ("rm none\nfrobnicate\n", 1, "none"),
    ] {
        let run = shell(&home, &[&url], lines);
        assert_eq!(run.code, Some(code), "{lines}: {run:?}");
        assert!(run.stderr.contains(told), "{lines}: {run:?}");
        assert!(!run.stdout.contains("> "), "a prompt: {run:?}");
    }
    assert_eq!(home.read("b"), b"content", "the others come");
    // With -e the first failure is the last command.
    let run = shell(&home, &["-e", &url], "get none\nget a -o c\nfrobnicate\n");
    assert_eq!((run.code, home.path("c").exists()), (Some(8), false), "{run:?}");
    assert_eq!(shell(&home, &["-e", &url], "get a -o c\n").code, Some(0));
    // Help is no failure, and the end of the input is the end.
    let run = shell(&home, &["-e", &url], "help\nhelp get\nls --help\n");
    assert!(run.code == Some(0) && run.stdout.contains("mget"), "{run:?}");
    assert_eq!(shell(&home, &[&url], "").code, Some(0));
    for (url, code) in [(server.url("none/"), 8), (server.url("a;type=a"), 2), ("here".into(), 2)] {
        assert_eq!(shell(&home, &[&url], "ls\n").code, Some(code), "{url}");
    }
}

/// Regression: it ended the shell, and the lines after it were not run
#[test]
fn a_line_that_is_too_long_is_a_failure_of_that_line() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("a", b"content");
    // What does not fit would be a command of its own.
    let long = format!("ls{}rm a\n", " ".repeat(200_000));
    let longest = format!("pwd{}\n", " ".repeat(60_000));
    let run = shell(&home, &[&server.url("")], format!("{long}{longest}get a\n"));
    assert_eq!((run.code, &*run.stderr), (Some(2), "rftp: standard input: a line is too long\n"));
    assert!(run.stdout.starts_with("/\n"), "{run:?}");
    assert_eq!(home.read("a"), b"content");
    assert!(server.files().contains("a"));
    let run = shell(&home, &["-e", &server.url("")], format!("{long}get a -o b\n"));
    assert_eq!((run.code, home.path("b").exists()), (Some(2), false), "{run:?}");
}

/// Regression: the first command was called unknown
#[test]
fn a_byte_order_mark_is_no_part_of_the_first_command() {
    let (server, home) = (Server::start(), Home::new());
    let run = shell(&home, &[&server.url("")], "\u{feff}pwd\nmkdir \u{feff}d\n");
    assert_eq!((run.code, &*run.stdout, &*run.stderr), (Some(0), "/\n", ""), "{run:?}");
    assert!(server.files().contains("\u{feff}d"));
    let run = shell(&home, &[&server.url("")], "\u{feff}");
    assert_eq!((run.code, &*run.stderr), (Some(0), ""), "{run:?}");
}

/// Regression: the whole help was shown, under the name of another program
#[test]
#[cfg(unix)]
fn a_command_that_is_not_utf_8_is_called_unknown() {
    let (server, home) = (Server::start(), Home::new());
    let run = shell(&home, &[&server.url("")], b"l\xff\n");
    assert_eq!(run.code, Some(2), "{run:?}");
    assert_eq!(run.stderr, "rftp: l\\xff: is not a command; `help` lists the commands\n");
}

#[test]
fn a_session_that_the_server_ended_is_opened_again() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("pub/a", b"content");
    let url = server.url("pub");
    let mut command = home.command(&["shell", "--retry-delay", "0.1", &url]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = child.stdin.take().unwrap();
    lines.write_all(b"ls\n").unwrap();
    while server.count("MLSD") == 0 {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    server.on_command(|Command { verb, session, .. }| match (verb, session) {
        ("MLSD" | "RETR" | "SIZE" | "MDTM", 1) => Action::reply("421 you were idle").then_close(),
        _ => Action::serve(),
    });
    lines.write_all(b"get a\nls\n").unwrap();
    drop(lines);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!((home.read("a"), server.sessions().logins), (b"content".to_vec(), 2));
}

#[test]
fn a_password_from_standard_input_is_read_once() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("a", b"content");
    let run = shell(
        &home,
        &["--user", "me", "--password-file", "-", &server.url("")],
        "seeded\nls\nget a\n",
    );
    assert_eq!((run.code, &*run.stderr), (Some(0), ""), "{run:?}");
    assert_eq!(home.read("a"), b"content");
    assert!(!run.stdout.contains("seeded"));
}

/// What `rm -r` refuses on the command line is refused as it is typed, and so is the directory of the shell
#[test]
fn the_directory_of_the_shell_is_not_removed() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("home/d/e/f", b"content");
    server.files().put("home/d2/f", b"content");
    let url = server.url("home/d/");
    let told = "the root, the working directory and paths with `..` are not removed";
    for path in [
        ".",
        "./",
        "./.",
        "..",
        "../",
        "../d",
        "/",
        "//",
        "/.",
        "/home",
        "/home/",
        "/home/d",
        "//home/./d/",
        "/home/d/e/..",
    ] {
        for rm in ["rm -r", "rm -nr", "rm -r e"] {
            server.forget_commands();
            let run = shell(&home, &[&url], format!("{rm} {path}\n"));
            assert_eq!(run.code, Some(2), "{rm} {path}: {run:?}");
            assert!(run.stderr.contains(told), "{rm} {path}: {run:?}");
            let sent = ["DELE", "RMD", "MLSD", "LIST"].map(|verb| server.count(verb));
            assert_eq!(sent, [0; 4], "{rm} {path}: {:?}", server.commands());
        }
    }
    let run = shell(&home, &[&url], "cd ..\nrm -r ./d2\ncd d\nrm -r e\ncd /\nrm -r home/d\n");
    assert_eq!((run.code, &*run.stderr), (Some(0), ""), "{run:?}");
    assert!(server.files().contains("home") && !server.files().contains("home/d"));
}
