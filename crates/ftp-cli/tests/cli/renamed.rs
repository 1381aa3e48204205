//! `mirror --delete` to a server that stores some files under other names

use ftp_test::{Action, Command, Server};

use crate::{Home, Run};

fn mirror(server: &Server, home: &Home) -> Run {
    home.rftp(&["mirror", "--delete", "--compare", "size", "here", &server.url("up")])
}

/// Regression: the second run uploaded the file again, and then deleted it
#[test]
fn a_file_that_the_server_has_under_another_name_is_not_deleted() {
    let (server, home) = (Server::start(), Home::new());
    home.write("here/odd", b"content");
    home.write("here/plain", b"1");
    home.write("here/sub/plain", b"1");
    let files = server.files().clone();
    server.on_command(move |Command { verb, argument, .. }| {
        if let (true, Some(bytes)) = (verb == "MLSD" && argument == "up", files.get("up/odd")) {
            files.remove("up/odd");
            files.put("up/odd_", bytes);
        }
        Action::serve()
    });
    assert_eq!(mirror(&server, &home).code, Some(0));
    for path in ["up/old", "up/gone/old", "up/sub/old"] {
        server.files().put(path, b"old");
    }
    for _ in 0..2 {
        let run = mirror(&server, &home);
        assert_eq!(run.code, Some(9), "{run:?}");
        assert!(run.stderr.contains("odd: the server has stored it under another name"), "{run:?}");
        let left = ["up/gone/old", "up/odd_", "up/old", "up/plain", "up/sub/old", "up/sub/plain"];
        let there = server.files().paths();
        assert!(left.iter().all(|path| there.iter().any(|other| other == path)), "{there:?}");
    }
    // Without the file, what has its other name is superfluous.
    std::fs::remove_file(home.path("here/odd")).unwrap();
    let run = mirror(&server, &home);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(!server.files().contains("up/odd_") && !server.files().contains("up/old"));
}

#[test]
fn a_directory_that_the_server_has_under_another_name_is_not_deleted() {
    let (server, home) = (Server::start(), Home::new());
    home.write("here/odd/f", b"content");
    server.files().put("up/odd_/f", b"content");
    server.on_command(|Command { verb, argument, .. }| match (verb, argument) {
        ("MLSD", "up") => Action::serve().data(b"type=dir; odd_\r\n".to_vec()),
        _ => Action::serve(),
    });
    let run = mirror(&server, &home);
    assert_eq!(run.code, Some(9), "{run:?}");
    assert!(server.files().contains("up/odd_/f") && !run.stdout.contains("delete"), "{run:?}");
}

/// LIST of vsftpd leaves out names that begin with a dot
#[test]
fn names_that_a_listing_may_hide_prevent_no_deletion() {
    let (server, home) = (Server::start(), Home::new());
    home.write("here/.x", b"1");
    server.files().put("up/old", b"1");
    server.on_command(|Command { verb, .. }| match verb {
        "FEAT" | "MLSD" | "MLST" => Action::reply("502 not here"),
        "LIST" => Action::serve().data(b"-rw-r--r-- 1 u g 1 Jan 01 2020 old\r\n".to_vec()),
        _ => Action::serve(),
    });
    let run = mirror(&server, &home);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(server.files().contains("up/.x") && !server.files().contains("up/old"), "{run:?}");
}

#[test]
fn only_directories_in_which_something_is_deleted_are_listed_again() {
    let (server, home) = (Server::start(), Home::new());
    for path in ["one/new", "two/new", "three/old"] {
        home.write(&format!("here/{path}"), b"1");
    }
    for path in ["one/old", "two/.keep", "three/old", "three/older"] {
        server.files().put(&format!("up/{path}"), b"1");
    }
    home.write("here/two/.keep", b"1");
    let run = mirror(&server, &home);
    assert_eq!(run.code, Some(0), "{run:?}");
    // A session may be in a directory, and name others from the root.
    let count = |path: &str| {
        let lines = server.commands();
        let paths = lines.iter().filter_map(|line| line.strip_prefix("MLSD "));
        paths.filter(|other| other.trim_start_matches('/') == path).count()
    };
    assert_eq!(
        ["up", "up/one", "up/two", "up/three"].map(count),
        [1, 2, 1, 1],
        "{:?}",
        server.commands()
    );
    assert!(!server.files().contains("up/one/old") && server.files().contains("up/one/new"));
}
