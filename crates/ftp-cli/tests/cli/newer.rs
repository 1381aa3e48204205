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
    // Without MLST, MDTM tells the time; without either, nothing shows that the file is up to date.
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
    assert_eq!(put(5), 1);
    let run = home.rftp(&["put", "--only-newer", "-", &server.url("file")]);
    assert_eq!(run.code, Some(2), "{run:?}");
}
