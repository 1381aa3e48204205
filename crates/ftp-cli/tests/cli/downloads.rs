//! Downloads whose result would be wrong although each step seems to be right

use ftp_test::{Action, Command, Server};

use crate::{Home, bytes};

/// A disk image: it begins with zeros, and has more of them in its middle
fn image() -> Vec<u8> {
    let mut image = vec![0; 12_000_000];
    image[2_000_000..3_000_000].copy_from_slice(&bytes(1_000_000));
    image[11_900_000..].copy_from_slice(&bytes(100_000));
    image
}

/// Several servers share an address, and one of them sends the file from its start whatever REST says. The bytes at the join
/// are zeros on both sides.
#[test]
fn an_image_is_not_spliced_with_its_start() {
    for command in ["get", "mirror"] {
        let (server, home) = (Server::start(), Home::new());
        server.files().put("d/file", image());
        server.on_command(|Command { verb, session, .. }| match (verb, session) {
            ("RETR", 1) => Action::serve().break_at(1_000_000).then_close(),
            ("RETR", 2) => Action::serve().from_start().break_at(5_000_000).then_close(),
            _ => Action::serve(),
        });
        let url = server.url(if command == "get" { "d/file" } else { "d/" });
        let mut arguments = vec![command, "--retry-delay", "0.05", &url];
        if command == "mirror" {
            arguments.push(".");
        }
        let run = home.rftp(&arguments);
        assert_eq!(run.code, Some(0), "{command}: {run:?}");
        assert!(home.read("file") == image(), "{command}: the file is a mixture");
    }
}

/// The whole file arrives instead of its end
#[test]
fn an_image_from_a_server_that_ignores_rest_is_started_again() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("file", image());
    server.on_command(|Command { verb, in_all, .. }| match (verb, in_all) {
        ("RETR", 1) => Action::serve().break_at(9_000_000).then_close(),
        ("RETR", _) => Action::serve().from_start(),
        _ => Action::serve(),
    });
    let run = home.rftp(&["get", "--retry-delay", "0.05", &server.url("file")]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(home.read("file") == image(), "the file differs");
    assert!(run.stderr.contains("can't resume"), "{run:?}");
}

/// If the server honours REST, the end of the file shows it, and nothing else is sent twice
#[test]
fn an_image_is_resumed() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("file", image());
    server.on_command(|Command { verb, in_all, .. }| match (verb, in_all) {
        ("RETR", 1) => Action::serve().break_at(9_000_000).then_close(),
        _ => Action::serve(),
    });
    let run = home.rftp(&["get", "--json", "--retry-delay", "0.05", &server.url("file")]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(home.read("file") == image(), "the file differs");
    assert_eq!(run.stderr, "");
    let summary: serde_json::Value =
        serde_json::from_str(run.stdout.lines().last().unwrap()).unwrap();
    assert!(summary["bytes"].as_u64().unwrap() < 12_100_000, "{summary}");
}

/// It ends the session if the client breaks off the data connection, so that the next attempt must not resume
#[test]
fn a_download_that_starts_again_does_so_in_a_new_session_if_the_old_one_has_ended() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("file", bytes(3_000_000));
    let get = |retries: &str| {
        server.forget_commands();
        let options = ["--retries", retries, "--retry-delay", "0.02"];
        home.rftp(&[&["get", &server.url("file")], &options[..]].concat())
    };
    server.on_command(|Command { verb, .. }| match verb {
        "RETR" => Action::serve().break_at(2_000_000).then_close(),
        _ => Action::serve(),
    });
    assert_eq!(get("0").code, Some(4));
    // The part stays until the server has accepted to send the file from its start.
    for reply in [Some("450 busy"), None] {
        server.on_command(move |Command { verb, in_all, .. }| match (verb, in_all, reply) {
            ("RETR", 1, _) => Action::serve().from_start().break_at(1_000_000).then_close(),
            ("RETR", 2.., Some(reply)) => Action::reply(reply),
            ("RETR", 3.., None) => Action::close(),
            _ => Action::serve(),
        });
        let run = get("1");
        assert!(run.stderr.contains("starts again"), "{run:?}");
        assert_eq!((server.count("RETR"), server.count("REST")), (2, 1), "{run:?}");
        if reply.is_some() {
            assert!(run.code == Some(4) && home.read("file.part").len() == 2_000_000, "{run:?}");
        } else {
            assert!(run.code == Some(0) && home.read("file") == bytes(3_000_000), "{run:?}");
        }
    }
}

/// Regression: a comparison that ended early, with 226, showed that the part was another file's, and all of it was fetched
/// again
#[test]
fn a_comparison_that_is_cut_short_is_repeated() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("file", bytes(3_000_000));
    server.on_command(|Command { verb, in_all, .. }| match (verb, in_all) {
        ("RETR", 1) => Action::serve().break_at(2_900_000).then_close(),
        ("RETR", 2) => Action::serve().break_at(20_000).final_reply("226 Transfer complete."),
        _ => Action::serve(),
    });
    let run = home.rftp(&["get", "--json", "--retry-delay", "0.05", &server.url("file")]);
    assert!(run.code == Some(0) && run.stderr.is_empty(), "{run:?}");
    assert!(home.read("file") == bytes(3_000_000), "the file differs");
    let summary: serde_json::Value =
        serde_json::from_str(run.stdout.lines().last().unwrap()).unwrap();
    assert!(summary["bytes"].as_u64().unwrap() < 3_200_000, "{summary}");
}

/// Regression: that showed when the file was complete
#[test]
fn a_file_does_not_get_the_name_of_a_directory() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("file", bytes(3_000_000));
    std::fs::create_dir(home.path("file")).unwrap();
    let run = home.rftp(&["get", &server.url("file")]);
    assert!(run.code == Some(3) && run.stderr.contains("directory"), "{run:?}");
    assert_eq!((server.count("RETR"), home.names("")), (0, vec!["file".to_owned()]));
}

/// While `f` is incomplete, its bytes are in `f.part`
#[test]
fn a_file_does_not_get_the_name_of_another_ones_part() {
    let (server, home) = (Server::start(), Home::new());
    for name in ["f", "f.part", "f.part.state"] {
        server.files().put(name, name);
    }
    home.write("list", b"f.part\nf\n");
    let (url, base) = (|name: &str| server.url(name), server.url(""));
    for arguments in [
        vec!["get".to_owned(), url("f.part"), url("f")],
        vec!["get".to_owned(), "-j1".to_owned(), url("f"), url("f.part.state")],
        vec!["fetch".to_owned(), "list".to_owned(), "--base".to_owned(), base],
    ] {
        let run = home.rftp(&arguments);
        assert_eq!(run.code, Some(2), "{arguments:?}: {run:?}");
        assert!(run.stderr.contains("--temp-suffix"), "{arguments:?}: {run:?}");
        assert_eq!(home.names(""), ["list"]);
    }
    let run = home.rftp(&["get", "--temp-suffix", ".tmp", &url("f.part"), &url("f")]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(home.read("f.part"), b"f.part");
}

/// With `--inplace` there is one copy, which the server's file replaces: if it sends none, nothing does
#[test]
fn an_older_file_stays_until_the_server_sends_the_new_one() {
    for (verb, reply, code) in [
        ("RETR", "550 Permission denied.", 8),
        ("RETR", "425 No data connection.", 4),
        ("EPSV", "421 Going down.", 4),
        ("MLST", "550 No such file or directory.", 8),
    ] {
        let (server, home) = (Server::start(), Home::new());
        server.files().put("file", bytes(9_000_000));
        server.on_command(move |command| match command.verb {
            refused if refused == verb => Action::reply(reply),
            "RETR" if verb == "MLST" => Action::reply(reply),
            _ => Action::serve(),
        });
        home.write("file", b"an older file");
        let url = server.url("file");
        let run = home.rftp(&["get", "--inplace", "--retries", "1", "--retry-delay", "0.05", &url]);
        assert_eq!(run.code, Some(code), "{verb}: {run:?}");
        assert_eq!(home.read("file"), b"an older file", "{verb}");
        assert_eq!(home.names(""), ["file"], "{verb}");
    }
}

#[test]
fn a_file_in_place_has_nothing_of_the_older_one() {
    for size in [0, 5, 9_000_000] {
        let (server, home) = (Server::start(), Home::new());
        server.files().put("file", bytes(size));
        home.write("file", &vec![1; 10_000_000]);
        let run = home.rftp(&["get", "--inplace", &server.url("file")]);
        assert_eq!(run.code, Some(0), "{size}: {run:?}");
        assert!(home.read("file") == bytes(size), "{size}");
        assert_eq!(home.names(""), ["file"], "{size}");
    }
}

/// The server does not know SIZE, and its times are more precise than those of its listings
#[test]
fn a_listing_s_size_is_that_of_the_file() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("d/file", bytes(5000));
    server.files().set_modified("d/file", "20240301123456");
    server.on_command(|Command { verb, .. }| match verb {
        "MLSD" | "MLST" | "FEAT" | "SIZE" => Action::reply("502 not here"),
        "RETR" => Action::serve().data(&bytes(5000)[..4997]),
        _ => Action::serve(),
    });
    let run = home.rftp(&[
        "mirror",
        "--retries",
        "1",
        "--retry-delay",
        "0.05",
        &server.url("d/"),
        "there",
    ]);
    assert_eq!(run.code, Some(4), "{run:?}");
    assert!(run.stderr.contains("4997 bytes of 5000"), "{run:?}");
    assert!(!home.path("there/file").exists());
}
