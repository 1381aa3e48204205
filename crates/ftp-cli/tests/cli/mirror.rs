//! `mirror`: both directions, a second run, deletions

use ftp_test::{Action, Command, Limit, Server};

use crate::{Home, bytes};

fn tree(server: &Server) {
    for folder in 0..5 {
        for file in 0..10 {
            server.files().put(&format!("pub/d{folder}/f{file}"), bytes(1000 * file + folder));
        }
    }
    server.files().put("pub/large", bytes(2_000_000));
    server.files().put("pub/two words", b"");
}

/// Delays downloads, so that further sessions are opened
fn slowly(Command { verb, .. }: Command<'_>) -> Action {
    if verb == "RETR" {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    Action::serve()
}

fn check(home: &Home, folder: &str) {
    for directory in 0..5 {
        let at = format!("{folder}/d{directory}");
        assert_eq!(home.names(&at).len(), 10, "{at}");
        for file in 0..10 {
            assert_eq!(home.read(&format!("{at}/f{file}")), bytes(1000 * file + directory));
        }
    }
    assert_eq!(home.read(&format!("{folder}/large")), bytes(2_000_000));
    assert_eq!(home.read(&format!("{folder}/two words")), b"");
}

#[test]
fn a_tree_is_downloaded_once() {
    let (server, home) = (Server::start(), Home::new());
    tree(&server);
    let url = server.url("pub/");
    let run = home.rftp(&["mirror", &url, "here"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    check(&home, "here");
    assert_eq!(server.count("RETR"), 52);
    server.forget_commands();
    let run = home.rftp(&["mirror", "--json", &url, "here"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(server.count("RETR"), 0, "{run:?}");
    assert!(run.stdout.contains(r#""kept":52"#) && run.stdout.contains(r#""files":0"#), "{run:?}");
    // Only the changed file is fetched again.
    server.files().put("pub/d1/f1", b"changed");
    let run = home.rftp(&["mirror", &url, "here"]);
    assert_eq!((run.code, server.count("RETR")), (Some(0), 1));
    assert_eq!(home.read("here/d1/f1"), b"changed");
}

#[test]
fn a_tree_is_uploaded_once() {
    let (server, home) = (Server::start(), Home::new());
    for folder in 0..3 {
        for file in 0..10 {
            home.write(&format!("here/d{folder}/f{file}"), &bytes(1000 * file + folder));
        }
    }
    let url = server.url("up/here");
    let run = home.rftp(&["mirror", "here", &url]);
    assert_eq!(run.code, Some(0), "{run:?}");
    for folder in 0..3 {
        for file in 0..10 {
            let path = format!("up/here/d{folder}/f{file}");
            assert_eq!(server.files().get(&path), Some(bytes(1000 * file + folder)), "{path}");
        }
    }
    server.forget_commands();
    let run = home.rftp(&["mirror", "here", &url]);
    assert_eq!((run.code, server.count("STOR")), (Some(0), 0), "{run:?}");
}

/// The server has no MLSD, and its clock is three hours ahead
#[test]
fn times_of_the_servers_clock_are_compared_in_utc() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("pub/a", b"1");
    let now = std::time::SystemTime::now();
    let seconds = now.duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap().as_secs();
    // A day of the last six months, whose times LIST shows to the minute.
    let day = ftp_proto::Timestamp::from_unix(seconds as i64 - 40 * 86_400).unwrap();
    let (year, month, of_month) = (day.year(), day.month(), day.day());
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let line =
        format!("-rw-r--r-- 1 ftp ftp 1 {} {of_month} 15:30 a\r\n", MONTHS[usize::from(month) - 1]);
    // The replies of the test server are `'static`.
    let mdtm: &'static str = format!("213 {year:04}{month:02}{of_month:02}123007").leak();
    server.on_command(move |Command { verb, .. }| match verb {
        "FEAT" | "MLSD" => Action::reply("502 not here"),
        "LIST" => Action::serve().data(line.clone().into_bytes()),
        "MDTM" => Action::reply(mdtm),
        _ => Action::serve(),
    });
    let run = home.rftp(&["mirror", &server.url("pub"), "here"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let expected = ftp_proto::Timestamp::new(year, month, of_month, 12, 30, 0).unwrap();
    let modified = home.path("here/a").metadata().unwrap().modified().unwrap();
    let modified = modified.duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap().as_secs();
    assert_eq!(modified as i64, expected.to_unix());
    server.forget_commands();
    assert_eq!(home.rftp(&["mirror", &server.url("pub"), "here"]).code, Some(0));
    assert_eq!(server.count("RETR"), 0);
}

#[test]
fn events_are_json_each() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("pub/a", b"12345");
    server.on_command(|Command { verb, argument, .. }| match (verb, argument) {
        ("RETR", "pub/b") => Action::reply("550 Permission denied"),
        _ => Action::serve(),
    });
    server.files().put("pub/b", b"1");
    let run = home.rftp(&["mirror", "--json", &server.url("pub"), "here"]);
    assert_eq!(run.code, Some(8), "{run:?}");
    let events: Vec<serde_json::Value> =
        run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |event: &str, file: &str| {
        let found = events.iter().find(|line| line["event"] == event && line["file"] == file);
        found.unwrap_or_else(|| panic!("{event} {file} is not in {events:?}")).clone()
    };
    assert_eq!(of("start", "a")["bytes"], 5);
    assert_eq!(of("done", "a")["bytes"], 5);
    assert_eq!(of("fail", "b")["code"], 8);
    let summary = events.last().unwrap();
    assert_eq!((&summary["event"], &summary["files"]), (&"summary".into(), &1.into()));
    assert_eq!((&summary["failed"], &summary["code"]), (&1.into(), &8.into()));
}

#[test]
fn nothing_is_deleted_where_something_has_failed() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("pub/a", b"1");
    server.files().put("pub/d/b", b"1");
    for rule in [
        |Command { verb, argument, .. }: Command<'_>| match (verb, argument) {
            ("RETR", "pub/a") => Action::reply("550 Permission denied"),
            _ => Action::serve(),
        },
        |Command { verb, argument, .. }: Command<'_>| match (verb, argument) {
            ("MLSD", "pub/d") => Action::reply("550 Permission denied"),
            _ => Action::serve(),
        },
        |Command { verb, argument, .. }: Command<'_>| match (verb, argument) {
            ("MLSD", "pub") => Action::serve().data(b"type=file;size=1; a\r\n???\r\n".to_vec()),
            _ => Action::serve(),
        },
    ] {
        server.on_command(rule);
        home.write("here/old/file", b"");
        home.write("here/d/old", b"");
        let run = home.rftp(&["mirror", "--delete", &server.url("pub"), "here"]);
        assert_ne!(run.code, Some(0), "{run:?}");
        assert!(home.path("here/old/file").exists() && home.path("here/d/old").exists(), "{run:?}");
        let _ = std::fs::remove_file(home.path("here/a"));
    }
    server.on_command(|_| Action::serve());
    let run = home.rftp(&["mirror", "--delete", &server.url("pub"), "here"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(
        (home.names("here"), home.names("here/d")),
        (vec!["a".to_owned(), "d".to_owned()], vec!["b".to_owned()])
    );
}

#[test]
fn what_only_the_server_has_is_deleted_there() {
    let (server, home) = (Server::start(), Home::new());
    home.write("here/a", b"1");
    server.files().put("up/old/b", b"1");
    server.files().put("up/c", b"1");
    let run = home.rftp(&["mirror", "--delete", "--dry-run", "here", &server.url("up")]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stdout.contains("delete old/b") && server.files().contains("up/c"), "{run:?}");
    let run = home.rftp(&["mirror", "--delete", "here", &server.url("up")]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(
        server.files().contains("up/a")
            && !server.files().contains("up/old")
            && !server.files().contains("up/c")
    );
}

#[test]
fn a_server_that_accepts_two_sessions_refuses_at_most_one() {
    let (server, home) = (Server::start(), Home::new());
    tree(&server);
    server.limit_sessions(Limit::new(2));
    server.on_command(slowly);
    let run = home.rftp(&["mirror", "-j8", &server.url("pub"), "here"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    check(&home, "here");
    assert!(server.sessions().refused <= 1, "{}", server.sessions().refused);
    assert_eq!(server.sessions().most, 2);
}

/// Like ProFTPD, the server accepts the connection, and refuses the login with the code of a wrong password
#[test]
fn a_login_beyond_the_limit_is_not_a_wrong_password() {
    let (server, home) = (Server::start(), Home::new());
    tree(&server);
    let logins = std::sync::atomic::AtomicUsize::new(0);
    server.on_command(move |command| match command.verb {
        "PASS" if logins.fetch_add(1, std::sync::atomic::Ordering::SeqCst) >= 2 => Action::reply(
            "530 Sorry, the maximum number of clients (2) for this user are already connected.",
        ),
        _ => slowly(command),
    });
    let run = home.rftp(&["mirror", "-j8", &server.url("pub"), "here"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    check(&home, "here");
    assert!(server.count("PASS") <= 3, "{}", server.count("PASS"));
}

#[test]
fn several_files_come_at_the_same_time() {
    let (server, home) = (Server::start(), Home::new());
    tree(&server);
    server.on_command(slowly);
    assert_eq!(home.rftp(&["mirror", "-j4", &server.url("pub"), "here"]).code, Some(0));
    assert!((2..=4).contains(&server.sessions().most), "{}", server.sessions().most);
}

#[test]
fn shares_of_several_runs_are_the_whole() {
    let (server, home) = (Server::start(), Home::new());
    tree(&server);
    for share in ["1/3", "2/3", "3/3"] {
        let run = home.rftp(&["mirror", "--shard", share, &server.url("pub"), "here"]);
        assert_eq!(run.code, Some(0), "{run:?}");
    }
    check(&home, "here");
    assert_eq!(server.count("RETR"), 52);
    // Each counts its own files only.
    let kept = |share| {
        let arguments = ["mirror", "--json", "--shard", share, &server.url("pub"), "here"];
        let run = home.rftp(&arguments);
        let line = run.stdout.lines().last().unwrap().to_owned();
        let summary: serde_json::Value = serde_json::from_str(&line).unwrap();
        summary["kept"].as_u64().unwrap()
    };
    assert_eq!(["1/3", "2/3", "3/3"].map(kept).iter().sum::<u64>(), 52);
}

#[test]
fn patterns_choose() {
    let (server, home) = (Server::start(), Home::new());
    for path in ["pub/a.gz", "pub/a.txt", "pub/d/b.gz", "pub/d/b.txt", "pub/.git/c.gz"] {
        server.files().put(path, b"1");
    }
    let url = server.url("pub");
    let run = home.rftp(&[
        "mirror",
        "--exclude",
        "*",
        "--include",
        "*.gz",
        "--exclude",
        ".git",
        &url,
        "here",
    ]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(
        (home.names("here"), home.names("here/d")),
        (vec!["a.gz".to_owned(), "d".to_owned()], vec!["b.gz".to_owned()])
    );
}

#[test]
#[cfg(unix)]
fn what_can_not_be_deleted_in_the_target_is_told() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("pub/a", b"1");
    home.write("here/a", b"1");
    home.write("here/tab\there", b"1");
    home.write(&format!("here/{}f", "d/".repeat(130)), b"1");
    home.write("here/old", b"1");
    let url = server.url("pub");
    let run = home.rftp(&["verify", "--compare", "size", &url, "here"]);
    assert_eq!(run.code, Some(9), "{run:?}");
    for name in ["tab", "/d: is only", "old: is only"] {
        assert!(run.stderr.contains(name), "{name}: {run:?}");
    }
    let run = home.rftp(&["mirror", "--delete", "--compare", "size", &url, "here"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    for reason in ["left out: it has a control character", "left out: lies too deep"] {
        assert!(run.stderr.contains(reason), "{reason}: {run:?}");
    }
    assert!(home.path("here/tab\there").exists() && home.path("here/d").exists(), "{run:?}");
    assert!(!home.path("here/old").exists(), "{run:?}");
}
