//! `--only-newer` of get and put

use ftp_test::{Action, Command, Server};

use crate::Home;
use crate::files::set_time;

#[test]
fn files_that_are_up_to_date_are_not_fetched_again() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("file", b"content");
    let get = || {
        server.forget_commands();
        let run = home.rftp(&["get", "--only-newer", &server.url("file")]);
        assert_eq!(run.code, Some(0), "{run:?}");
        (server.count("RETR"), home.read("file"))
    };
    assert_eq!(get(), (1, b"content".to_vec()));
    assert_eq!(get(), (0, b"content".to_vec()));
    // Another size, with the same time.
    server.files().put("file", b"longer content");
    assert_eq!(get(), (1, b"longer content".to_vec()));
    // A newer file of the same size, and an older one.
    server.files().put("file", b"LONGER CONTENT");
    server.files().set_modified("file", "20240301000000");
    assert_eq!(get(), (1, b"LONGER CONTENT".to_vec()));
    server.files().set_modified("file", "20230301000000");
    assert_eq!(get(), (0, b"LONGER CONTENT".to_vec()));
    // If the server tells no times, nothing shows that the file is the same.
    server.on_command(|Command { verb, .. }| match verb {
        "MDTM" | "MLST" => Action::reply("502 not here"),
        _ => Action::serve(),
    });
    assert_eq!(get().0, 1);
}

/// The counterpart of `get --only-newer`
#[test]
fn only_files_that_are_newer_here_are_uploaded() {
    // 2024-02-29 12:34:56 UTC, the time of files on this server.
    const THERE: u64 = 1_709_210_096;
    let (server, home) = (Server::start(), Home::new());
    home.write("file", b"new");
    let put = |time: u64| {
        set_time(&home, "file", time);
        server.forget_commands();
        let run = home.rftp(&["put", "--only-newer", "file", &server.url("file")]);
        assert_eq!(run.code, Some(0), "{run:?}");
        assert_eq!(run.stdout.contains("up to date"), server.count("STOR") == 0, "{run:?}");
        server.count("STOR")
    };
    assert_eq!(put(5), 1, "the server does not have it");
    server.files().put("file", b"other");
    assert_eq!([THERE - 1, THERE].map(put), [0, 0], "not even if the size differs");
    assert_eq!(put(THERE + 1), 1);
    assert_eq!(server.files().get("file").unwrap(), b"new");
    assert_eq!(put(THERE + 1), 0, "the upload set the time");
    // Without MLST, MDTM tells the time; without either, the listing.
    server.on_command(|Command { verb, .. }| match verb {
        "MLST" => Action::reply("502 not here"),
        _ => Action::serve(),
    });
    assert_eq!(put(THERE + 1), 0);
    assert_eq!(put(THERE + 2), 1);
    server.on_command(|Command { verb, .. }| match verb {
        "MLST" | "MDTM" => Action::reply("502 not here"),
        _ => Action::serve(),
    });
    assert_eq!([5, THERE + 2].map(put), [0, 0]);
    assert_eq!(put(THERE + 3), 1);
    let run = home.rftp(&["put", "--only-newer", "-", &server.url("file")]);
    assert_eq!(run.code, Some(2), "{run:?}");
}

/// A server that refuses MLST and MDTM with this reply; it and this side have different files of one name
///
/// With `list`, it refuses MLSD, and LIST sends these lines, or is refused if there are none.
fn untold(reply: &'static str, list: Option<&'static str>) -> (Server, Home) {
    let (server, home) = (Server::start(), Home::new());
    home.write("file", b"here");
    set_time(&home, "file", 2_000_000_000);
    server.files().put("file", b"there");
    server.on_command(move |Command { verb, .. }| match (verb, list) {
        ("MLST" | "MDTM", _) => Action::reply(reply),
        ("MLSD", Some(_)) => Action::reply("502 not here"),
        ("LIST", Some("")) => Action::reply("550 Permission denied"),
        ("LIST", Some(lines)) => Action::serve().data(lines),
        _ => Action::serve(),
    });
    (server, home)
}

fn put_newer(server: &Server, home: &Home) -> crate::Run {
    let url = server.url("file");
    home.rftp(&["put", "--only-newer", "--retries", "2", "--retry-delay", "0.02", "file", &url])
}

/// Regression: a file whose time the server did not tell counted as older
#[test]
fn a_file_whose_time_is_not_told_is_not_replaced() {
    const FILE: &str = "-rw-r--r-- 1 ftp ftp 5 Jan 01 2020 file\r\n";
    const OTHER: &str = "-rw-r--r-- 1 ftp ftp 5 Jan 01 2020 other\r\n";
    for reply in ["550 Can't access file", "500 Unknown command", "550 Permission denied"] {
        // Without a listing, or with one whose times are of an unknown zone, or with lines that are not understood
        for list in ["", FILE, "-rw-r--r-- 1 ftp ftp 5 Jan 01 2020 other\r\n???\r\n"] {
            let (server, home) = untold(reply, Some(list));
            let run = put_newer(&server, &home);
            assert_eq!(run.code, Some(8), "{reply} {list}: {run:?}");
            assert!(run.stderr.contains("left alone"), "{reply} {list}: {run:?}");
            assert_eq!(server.files().get("file").unwrap(), b"there", "{reply} {list}");
        }
        // A listing that does not have it, and one that gives its time
        let (server, home) = untold(reply, Some(OTHER));
        assert_eq!(put_newer(&server, &home).code, Some(0), "{reply}");
        assert_eq!(server.files().get("file").unwrap(), b"here", "{reply}");
        let (server, home) = untold(reply, None);
        server.files().set_modified("file", "20400101000000");
        let run = put_newer(&server, &home);
        assert_eq!((run.code, server.count("STOR")), (Some(0), 0), "{reply}: {run:?}");
    }
}

#[test]
fn a_time_that_is_not_told_now_is_asked_for_again() {
    for refused in [2, usize::MAX] {
        let (server, home) = untold("", None);
        server.files().set_modified("file", "20400101000000");
        server.on_command(move |Command { verb, in_all, .. }| match verb {
            "MLST" if in_all <= refused => Action::reply("450 File busy"),
            _ => Action::serve(),
        });
        let run = put_newer(&server, &home);
        let code = if refused == 2 { 0 } else { 4 };
        assert_eq!((run.code, server.count("STOR")), (Some(code), 0), "{run:?}");
        assert_eq!(server.count("MLST"), 3, "{run:?}");
    }
}
