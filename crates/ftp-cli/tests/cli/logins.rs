//! Users and passwords: where they come from, and to which servers they are sent

use std::process::Stdio;

use ftp_test::Server;

use crate::Home;

fn logins(server: &Server) -> Vec<String> {
    let is_login = |line: &String| line.starts_with("USER") || line.starts_with("PASS");
    server.commands().into_iter().filter(is_login).collect()
}

#[test]
fn without_a_login_it_is_anonymous() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("f", b"");
    assert_eq!(home.rftp(&["get", &server.url("f")]).code, Some(0));
    assert_eq!(logins(&server), ["USER anonymous", "PASS anonymous@"]);
}

#[test]
fn netrc_has_the_login_of_its_host_and_of_no_other() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("f", b"");
    home.write(".netrc", b"machine other login me password seeded\nmachine 127.0.0.1 login one password 1\nmachine 127.0.0.1 login two password 2\n");
    let url = |user: &str| format!("ftp://{user}127.0.0.1:{}/f", server.address().port());
    for (user, expected) in
        [("", "USER one, PASS 1"), ("two@", "USER two, PASS 2"), ("me@", "USER me, PASS ")]
    {
        server.forget_commands();
        let run = home.rftp(&["get", &url(user)]);
        assert_eq!(run.code, Some(0), "{run:?}");
        let found = logins(&server).join(", ");
        assert!(found == expected || found == expected.trim_end(), "{found} for {user}");
    }
}

#[test]
#[cfg(unix)]
fn a_netrc_readable_by_others_is_reported() {
    use std::os::unix::fs::PermissionsExt as _;
    let (server, home) = (Server::start(), Home::new());
    server.files().put("f", b"");
    home.write(".netrc", b"machine 127.0.0.1 login u password p\n");
    for (mode, is_told) in [(0o644, true), (0o600, false)] {
        std::fs::set_permissions(home.path(".netrc"), std::fs::Permissions::from_mode(mode))
            .unwrap();
        let run = home.rftp(&["get", &server.url("f")]);
        assert_eq!((run.code, run.stderr.contains("chmod 600")), (Some(0), is_told), "{run:?}");
    }
}

/// Regression: the password was sent to every server of the command line
#[test]
fn a_password_is_for_one_server() {
    let (one, other, home) = (Server::start(), Server::start(), Home::new());
    home.write("password", b"seeded\n");
    // Two files of one name would be refused for that.
    let (a, b) = (one.url("a"), other.url("b"));
    for arguments in
        [&["get", "--password-file", "password", &a, &b][..], &["get", "--user", "me", &a, &b]]
    {
        let run = home.rftp(arguments);
        assert_eq!(run.code, Some(2), "{run:?}");
        assert!(run.stderr.contains("--user and --password-file are for one server"), "{run:?}");
    }
    assert!(one.commands().is_empty() && other.commands().is_empty());
}

/// Regression: it was read again for each session, so that the second one had no password
#[test]
fn a_password_from_standard_input_is_read_once() {
    use std::io::Write as _;
    let (server, home) = (Server::start(), Home::new());
    for file in 0..40 {
        server.files().put(&format!("d/{file}"), [1; 10_000]);
    }
    let url = format!("ftp://me@127.0.0.1:{}/d/", server.address().port());
    let mut command = home.command(&["mirror", "-j4", "--password-file", "-", &url, "here"]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"p\xc3\xa4ss word\nmore\n").unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(home.names("here").len(), 40);
    let passwords: Vec<_> =
        logins(&server).into_iter().filter(|line| line.starts_with("PASS")).collect();
    assert!(passwords.iter().all(|line| line == "PASS p\u{e4}ss word"), "{passwords:?}");
}

/// Some programs on Windows begin a file with it
#[test]
fn a_byte_order_mark_is_no_part_of_a_password() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("f", b"");
    home.write("password", "\u{feff}right\r\n".as_bytes());
    let url = format!("ftp://me@127.0.0.1:{}/f", server.address().port());
    let run = home.rftp(&["get", "--password-file", "password", &url]);
    assert_eq!(run.code, Some(0), "{run:?}");
    home.write("netrc", "\u{feff}machine 127.0.0.1 login me password too".as_bytes());
    let run = home.rftp(&["get", "--netrc-file", "netrc", &url]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let passwords = ["PASS right", "PASS too"].map(str::to_owned);
    assert!(passwords.iter().all(|line| logins(&server).contains(line)));
}

#[test]
fn no_password_is_printed() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("f", b"");
    home.write("password", b"seeded\n");
    for arguments in [&["--trace"][..], &["--json", "--trace"], &[]] {
        let url = format!("ftp://me@127.0.0.1:{}/f", server.address().port());
        let mut all = vec!["get", "--password-file", "password", &url];
        all.extend(arguments);
        let run = home.rftp(&all);
        assert_eq!(run.code, Some(0));
        assert!(!run.stderr.contains("seeded") && !run.stdout.contains("seeded"), "{run:?}");
        assert_eq!(run.stderr.contains("RETR f"), arguments.contains(&"--trace"));
    }
    let run = home.rftp(&["get", "ftp://me:seeded@127.0.0.1:1/a%0Ab"]);
    assert!(run.code == Some(2) && !run.stderr.contains("seeded"), "{run:?}");
}

/// Regression: the message about an invalid command line repeated the URL with its password
#[test]
fn an_invalid_command_line_does_not_show_a_password() {
    let home = Home::new();
    for arguments in [
        &["get", "ftp://h/f", "--proxy", "socks5://joe:seeded@h"][..],
        &["mirror", "ftp://h/", "here", "ftp://joe:seeded@h/"],
        &["ftp://joe:seeded@h/f"],
    ] {
        let run = home.rftp(arguments);
        assert_eq!(run.code, Some(2), "{arguments:?}: {run:?}");
        assert!(run.stderr.contains("://joe:***@h"), "{arguments:?}: {run:?}");
        assert!(!run.stderr.contains("seeded"), "{arguments:?}: {run:?}");
    }
}

/// Regression: messages showed a password that contains a slash, and that of a URL which was taken for a local file, or had
/// no scheme
#[test]
fn no_message_about_an_argument_shows_a_password() {
    let home = Home::new();
    home.write("f", b"");
    home.write("list", b"u:seeded@h/a\n");
    home.write("urls", b"ftp://u:ab/seeded@h/a\n");
    for arguments in [
        &["get", "ftp://u:ab/seeded@h/f"][..],
        &["get", "ftpes://u:seeded:ab/seeded@seeded@h/f"],
        &["get", "u:seeded@h/a"],
        &["get", "ftp:/u:ab/seeded@h/a"],
        &["ftplib", "u:ab/seeded@h"],
        &["ftpmirror", "u:ab/seeded@h"],
        &["fetch", "ftp://u:seeded@h/list"],
        &["fetch", "u:seeded@h/list"],
        &["fetch", "list"],
        &["fetch", "urls"],
        &["fetch", "f", "--base", "u:seeded@h/"],
        &["verify", "ftp://u:seeded@h/list"],
        &["mirror", "u:seeded@h/a", "there"],
        &["mirror", "ftp:/u:seeded@h/a", "there"],
        &["mirror", "u:seeded@h/a", "ftp://127.0.0.1:1/"],
        &["put", "ftp://u:seeded@h/a", "ftp://127.0.0.1:1/"],
        &["put", "u:seeded@h/a", "ftp://127.0.0.1:1/", "--json"],
        &["put", "f", "u:seeded@h/a"],
        &["shell", "u:seeded@h"],
        &["get", "ftp://h/f", "-j", "u:seeded@h"],
        &["get", "ftp://h/f", "--limit-rate", "u:seeded@h"],
        &["u:seeded@h"],
    ] {
        let options = ["--retries", "0"];
        let run = home.rftp(&[arguments, &options].concat());
        assert!(!matches!(run.code, None | Some(0)), "{arguments:?}: {run:?}");
        assert!(run.stderr.lines().any(|line| line.contains('@')), "{arguments:?}: {run:?}");
        assert!(!(run.stdout + &run.stderr).contains("seeded"), "{arguments:?}: {}", run.stderr);
    }
}

/// Runs the program on a terminal, and types `typed` once it has written `prompt`
#[cfg(target_os = "linux")]
fn on_a_terminal(
    home: &Home,
    arguments: &[&str],
    prompt: &str,
    typed: &str,
) -> (Option<i32>, String) {
    use std::io::{Read as _, Write as _};
    use std::process::Stdio;
    let words: Vec<&str> = [env!("CARGO_BIN_EXE_rftp")].iter().chain(arguments).copied().collect();
    // `script` of util-linux provides a terminal, and returns the exit status of the program.
    let mut child = std::process::Command::new("script")
        .args(["-qec", &words.join(" "), "/dev/null"])
        .current_dir(home.path(""))
        .env("HOME", home.path(""))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut seen = Vec::new();
    let mut is_typed = false;
    let mut byte = [0];
    while stdout.read(&mut byte).is_ok_and(|count| count > 0) {
        seen.push(byte[0]);
        if !is_typed && seen.ends_with(prompt.as_bytes()) {
            // The program writes the prompt before it switches off the terminal's echo.
            std::thread::sleep(std::time::Duration::from_millis(300));
            stdin.write_all(typed.as_bytes()).unwrap();
            is_typed = true;
        }
    }
    (child.wait().unwrap().code(), String::from_utf8_lossy(&seen).into_owned())
}

#[test]
#[cfg(target_os = "linux")]
fn a_password_is_asked_for_on_a_terminal() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("file", b"content");
    let url = format!("ftp://me@127.0.0.1:{}/file", server.address().port());
    let (code, seen) =
        on_a_terminal(&home, &["get", &url], "Password for me@127.0.0.1: ", "seeded\n");
    assert_eq!(code, Some(0), "{seen}");
    assert!(!seen.contains("seeded"), "{seen}");
    assert!(server.commands().contains(&"PASS seeded".to_owned()), "{:?}", server.commands());
    server.forget_commands();
    let (code, seen) =
        on_a_terminal(&home, &["get", &url], "Password for me@127.0.0.1: ", "see\u{3}");
    assert_eq!((code, server.commands()), (Some(130), vec![]), "{seen}");
    // Without a terminal, the program does not ask.
    let run = home.rftp(&["get", "-o", "other", &url]);
    assert_eq!((run.code, &*run.stderr), (Some(0), ""), "{run:?}");
}
