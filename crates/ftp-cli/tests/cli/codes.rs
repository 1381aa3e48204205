//! Each exit code of the table; 130, an interruption, is in `files.rs`

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ftp_test::{Action, Command, Server};

use crate::Home;

#[test]
fn the_help_has_the_table() {
    let help = Home::new().rftp(&["--help"]).stdout;
    for (exit, meaning) in ftp_cli::Exit::TABLE {
        // Only the start is compared, since the help wraps long lines.
        let start: String = meaning.chars().take(20).collect();
        assert!(help.contains(&format!("{:>3}  {start}", exit.code())), "{help}");
    }
}

/// In the repository; the package of the crate comes without the manual
#[test]
fn the_manual_has_the_table() {
    let docs = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs"));
    if !docs.exists() {
        println!("LEFT OUT: docs/cli.md is only in the repository");
        return;
    }
    let manual = std::fs::read_to_string(docs.join("cli.md")).unwrap().replace('`', "");
    for (exit, meaning) in ftp_cli::Exit::TABLE {
        let row = format!("| {} | {meaning} |", exit.code());
        assert!(manual.contains(&row), "{row}");
    }
}

#[test]
fn an_invalid_command_line_exits_with_2() {
    let home = Home::new();
    for arguments in [
        &["nonsense"][..],
        &["get"],
        &["get", "host:path"],
        &["get", "http://127.0.0.1/f"],
        &["get", "ftp://127.0.0.1/a%0Ab"],
        &["mirror", "here", "there"],
        &["put", "f"],
        &["get", "--time", "1", "ftp://127.0.0.1/f"],
    ] {
        let run = home.rftp(arguments);
        assert_eq!(run.code, Some(2), "{arguments:?} {run:?}");
    }
    assert_eq!(home.rftp(&["--help"]).code, Some(0));
}

/// Regression: the parser of URLs dropped `..`, so that another file was deleted than the one that a server would have
#[test]
fn a_url_whose_path_goes_up_exits_with_2() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("other", b"content");
    home.write("here/new", b"");
    for path in ["../other", "%2e%2E/other", "d/../other", "d/..%2Fother", ".."] {
        let url = server.url(path);
        home.write("list", url.as_bytes());
        let base = server.url("..");
        for arguments in [
            &["rm", &url][..],
            &["rm", "-r", &url],
            &["cat", &url],
            &["get", &url],
            &["put", "here/new", &url],
            &["mv", &url, &server.url("new")],
            &["ls", &url],
            &["mirror", "--delete", "here", &url],
            &["shell", &url],
            &["fetch", "list"],
            &["fetch", "list", "--base", &base],
        ] {
            let run = home.rftp(arguments);
            assert_eq!(run.code, Some(2), "{arguments:?}: {run:?}");
            assert!(run.stderr.contains("`..`"), "{arguments:?}: {run:?}");
        }
    }
    assert_eq!((server.commands(), server.files().paths()), (vec![], vec!["other".to_owned()]));
}

/// Regression: the first was without a name, and the last named `none/.part`
#[test]
fn a_message_about_a_directory_names_it() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("d/file", b"content");
    let (file, folder) = (server.url("d/file"), server.url("d/"));
    for (code, arguments, told) in [
        (2, &["get", &folder][..], "rftp: d: is a directory"),
        (2, &["cat", &folder], "rftp: d: is a directory"),
        (2, &["rm", &folder], "rftp: d: is a directory"),
        (3, &["get", &file, "-o", "none/"], "rftp: none/: is not a directory; -O DIR creates it"),
    ] {
        let run = home.rftp(arguments);
        assert_eq!(run.code, Some(code), "{arguments:?}: {run:?}");
        assert!(run.stderr.starts_with(told), "{arguments:?}: {run:?}");
    }
}

#[test]
fn a_local_file_error_exits_with_3() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("file", b"content");
    home.write("file.part/inside", b"a directory is in the way");
    let run = home.rftp(&["get", &server.url("file")]);
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(run.stderr.contains("file.part"), "{run:?}");
    assert_eq!(home.rftp(&["put", "none", &server.url("file")]).code, Some(3));
}

#[test]
fn an_unreachable_server_exits_with_4() {
    let home = Home::new();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("ftp://127.0.0.1:{port}/file");
    let run = home.rftp(&["get", "--retries", "1", "--retry-delay", "0.05", &url]);
    assert_eq!(run.code, Some(4), "{run:?}");
    assert!(run.stderr.contains(&port.to_string()) && run.stderr.lines().count() == 1, "{run:?}");
}

#[test]
fn a_server_without_tls_exits_with_5_and_receives_no_password() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("file", b"content");
    home.write("password", b"seeded\n");
    let url = format!("ftpes://me@127.0.0.1:{}/file", server.address().port());
    let run = home.rftp(&["get", "--password-file", "password", &url]);
    assert_eq!(run.code, Some(5), "{run:?}");
    assert_eq!((server.count("USER"), server.count("PASS")), (0, 0));
    // The opposite case: a server that requires TLS.
    server.on_command(|Command { verb, .. }| match verb {
        "USER" => Action::reply("530 Non-anonymous sessions must use encryption."),
        _ => Action::serve(),
    });
    let run = home.rftp(&["get", &server.url("file")]);
    assert!(matches!(run.code, Some(5 | 6)), "{run:?}");
}

#[test]
fn a_refused_login_exits_with_6_and_is_not_retried() {
    let (server, home) = (Server::start(), Home::new());
    server.on_command(|Command { verb, .. }| match verb {
        "PASS" => Action::reply("530 Login incorrect."),
        _ => Action::serve(),
    });
    for arguments in [vec!["get"], vec!["mirror"]] {
        server.forget_commands();
        let url = server.url("dir");
        let mut arguments = arguments.clone();
        arguments.push(&url);
        if arguments[0] == "mirror" {
            arguments.push("here");
        }
        let run = home.rftp(&arguments);
        assert_eq!(run.code, Some(6), "{run:?}");
        assert!(run.stderr.contains("netrc"), "{run:?}");
        assert_eq!(server.count("PASS"), 1, "{arguments:?}");
    }
}

/// Whatever the code of the refusal, and also if it comes after a 230
#[test]
fn each_refusal_of_a_login_exits_with_6() {
    for (command, reply) in [
        ("PASS", "500 What?"),
        ("PASS", "501 Not this password."),
        ("PASS", "550 Denied."),
        ("USER", "500 What?"),
        // vsftpd does not run, because its settings are wrong.
        ("PASS", "500 OOPS: cannot change directory:/nowhere"),
        ("PASS", "230 Welcome.\r\n530 Login incorrect."),
    ] {
        let (server, home) = (Server::start(), Home::new());
        server.files().put("file", b"content");
        server.on_command(move |Command { verb, .. }| match verb {
            verb if verb == command => Action::reply(reply),
            _ => Action::serve(),
        });
        let run = home.rftp(&["get", "--retry-delay", "0.02", &server.url("file")]);
        assert_eq!(run.code, Some(6), "{reply}: {run:?}");
        assert_eq!(server.count("USER"), 1, "{reply}: {:?}", server.commands());
    }
}

/// vsftpd's process ends with this reply, and another one takes the next session
#[test]
fn an_oops_in_any_letters_is_tried_again() {
    for reply in ["500 OOPS: no port", "500 oops: no port"] {
        let (server, home) = (Server::start(), Home::new());
        server.files().put("file", b"content");
        let seen = AtomicUsize::new(0);
        server.on_command(move |Command { verb, .. }| match verb {
            "RETR" if seen.fetch_add(1, Ordering::SeqCst) == 0 => Action::reply(reply).then_close(),
            _ => Action::serve(),
        });
        let run = home.rftp(&["get", "--retry-delay", "0.02", &server.url("file")]);
        assert_eq!(run.code, Some(0), "{reply}: {run:?}");
    }
}

#[test]
fn a_server_that_cannot_be_understood_exits_with_7() {
    let (server, home) = (Server::start(), Home::new());
    server.on_command(|Command { verb, .. }| match verb {
        "GREETING" => Action::reply("SSH-2.0-OpenSSH_9.6"),
        _ => Action::serve(),
    });
    assert_eq!(home.rftp(&["get", &server.url("file")]).code, Some(7));
}

#[test]
fn a_missing_file_exits_with_8_and_leaves_nothing() {
    let (server, home) = (Server::start(), Home::new());
    let run = home.rftp(&["get", &server.url("pub/none")]);
    assert_eq!(run.code, Some(8), "{run:?}");
    assert!(run.stderr.contains("pub/none") && run.stderr.contains("127.0.0.1"), "{run:?}");
    assert_eq!(run.stderr.lines().count(), 1, "{run:?}");
    assert_eq!(home.names(""), [""; 0]);
}

/// The path of the login directory is empty
#[test]
fn a_failure_of_the_login_directory_names_it() {
    let (server, home) = (Server::start(), Home::new());
    server.on_command(|Command { verb, .. }| match verb {
        "MLSD" | "LIST" | "SITE" => Action::reply("550 Not here."),
        _ => Action::serve(),
    });
    let url = server.url("");
    for arguments in
        [&["ls", &url][..], &["find", &url], &["chmod", "644", &url], &["mirror", &url, "here"]]
    {
        let run = home.rftp(arguments);
        assert_eq!(run.code, Some(8), "{run:?}");
        assert!(run.stderr.starts_with("rftp: .: refused: 550"), "{run:?}");
    }
}

#[test]
fn a_file_with_the_wrong_content_exits_with_9() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("file", b"content");
    server.on_command(|Command { verb, .. }| match verb {
        "FEAT" => Action::reply("211-features\r\n XMD5\r\n SIZE\r\n211 end"),
        "XMD5" => Action::reply("250 00000000000000000000000000000000"),
        _ => Action::serve(),
    });
    let run = home.rftp(&["get", "--verify", &server.url("file")]);
    assert_eq!(run.code, Some(9), "{run:?}");
    assert_eq!(home.names(""), [""; 0]);
    server.on_command(|Command { verb, .. }| match verb {
        "FEAT" => Action::reply("211-features\r\n XMD5\r\n SIZE\r\n211 end"),
        // md5sum of "content"
        "XMD5" => Action::reply("250 9a0364b9e99bb480dd25e1f0284c8555"),
        _ => Action::serve(),
    });
    let run = home.rftp(&["get", "--verify", &server.url("file")]);
    assert_eq!(run.code, Some(0), "{run:?}");
}

#[test]
fn an_exceeded_limit_exits_with_10() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("dir/file", b"content");
    home.write("here/a", b"");
    home.write("here/b", b"");
    let url = server.url("dir");
    let run = home.rftp(&["mirror", "--delete", "--max-delete", "1", &url, "here"]);
    assert_eq!(run.code, Some(10), "{run:?}");
    assert_eq!(home.names("here"), ["a", "b", "file"]);
    let run = home.rftp(&["mirror", "--delete", "--max-delete", "2", &url, "here"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(home.names("here"), ["file"]);
}

#[test]
fn different_failures_are_1() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("a", b"content");
    home.write("a.part/inside", b"");
    let run = home.rftp(&["get", &server.url("a"), &server.url("none")]);
    assert_eq!(run.code, Some(1), "{run:?}");
}

/// Regression: the messages named types and fields of the library, which no option sets
#[test]
fn messages_name_what_the_user_can_set() {
    let long = format!("220 {}", "a".repeat(70_000));
    for (scheme, greeting, hint) in [
        ("ftp", None, "; a server that expects TLS from the first byte"),
        ("ftp", Some("220 \0ready"), "NUL in a reply ("),
        ("ftp", Some(&*long), "bytes ("),
        ("ftps", Some("220 ready"), ": try ftpes://"),
    ] {
        let (server, home, greeting) = (Server::start(), Home::new(), greeting.map(str::to_owned));
        server.on_command(move |Command { verb, .. }| match (verb, &greeting) {
            ("GREETING", None) => Action::ignore(),
            ("GREETING", Some(greeting)) => Action::reply(greeting.clone()),
            _ => Action::serve(),
        });
        let url = server.url("file").replace("ftp://", &format!("{scheme}://"));
        let run = home.rftp(&["cat", &url, "--timeout", "1", "--retries", "0"]);
        assert!(run.stderr.contains(hint), "{hint}: {run:?}");
        assert!(!run.stderr.contains("::"), "{hint}: {run:?}");
    }
}

/// Starts a proxy that reads once before each of these answers; returns its port, and a counter of its connections
fn proxy(answers: &'static [&'static [u8]]) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            counted.fetch_add(1, Ordering::SeqCst);
            for answer in answers {
                // The client tells what is wrong, if anything is.
                let _ = client.read(&mut [0; 1024]).and_then(|_| client.write_all(answer));
            }
        }
    });
    (port, count)
}

/// Answers of proxies, and the exit code for each
const REFUSALS: &[(&str, &[&[u8]], i32)] = &[
    ("http://", &[b"HTTP/1.1 407 Who are you\r\n\r\n"], 6),
    ("http://me@", &[b"HTTP/1.1 407 No\r\n\r\n"], 6),
    ("socks5://", &[b"\x05\xff"], 6),
    ("socks5://me@", &[b"\x05\x02", b"\x01\x01"], 6),
    ("http://", &[b"HTTP/1.1 403 Forbidden\r\n\r\n"], 8),
    ("socks5://", &[b"\x05\x00", b"\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00"], 8),
    ("http://", &[b"220 Welcome to an FTP server\r\n\r\n"], 7),
    ("http://", &[b"HTTP/1.1 502 Bad Gateway\r\n\r\n"], 4),
];

/// Regression: all of them had code 4, which says that the same command may succeed later
#[test]
fn a_proxy_that_refuses_is_not_taken_for_a_network_that_fails() {
    for (user, answers, code) in REFUSALS {
        let home = Home::new();
        home.write(".netrc", b"machine 127.0.0.1 login me password seeded");
        let (port, count) = proxy(answers);
        let url = format!("{user}127.0.0.1:{port}");
        let retries = ["--retries", "1", "--retry-delay", "0.02"];
        let run = home.rftp(&[&["get", "ftp://h/f", "--proxy", &url], &retries[..]].concat());
        assert_eq!(run.code, Some(*code), "{url} {run:?}");
        assert_eq!(count.load(Ordering::SeqCst), if *code == 4 { 2 } else { 1 }, "{url} {run:?}");
    }
}
