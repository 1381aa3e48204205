//! Downloads of one file over several sessions

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ftp_test::{Action, Command, Limit, Server};

use crate::{Home, Run, bytes};

const SIZE: usize = 20_000_000;

/// A limit that is low enough for several sessions to be open before one has fetched the whole file
const RATE: &str = "--limit-rate=12M";

fn content() -> &'static [u8] {
    static CONTENT: OnceLock<Vec<u8>> = OnceLock::new();
    CONTENT.get_or_init(|| bytes(SIZE))
}

fn server() -> Server {
    let server = Server::start();
    server.files().put("file", content());
    server
}

fn get(home: &Home, server: &Server) -> Run {
    home.rftp(&["get", "--segments", "4", RATE, "--retry-delay", "0.05", &server.url("file")])
}

#[track_caller]
fn is_whole(home: &Home, run: &Run) {
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(home.read("file") == content(), "the file differs");
    assert_eq!(home.names(""), ["file"]);
}

/// Returns the number of bytes received of each piece, from the state file
fn noted(home: &Home) -> Option<Vec<u64>> {
    let state = std::fs::read_to_string(home.path("file.part.state")).ok()?;
    let state: serde_json::Value = serde_json::from_str(&state).unwrap();
    let length = |piece: &serde_json::Value| Some(piece[1].as_u64()? - piece[0].as_u64()?);
    state["pieces"].as_array()?.iter().map(length).collect()
}

/// Returns the offsets of the downloads that did not start at 0
fn offsets(server: &Server) -> Vec<usize> {
    let offset = |line: &String| line.strip_prefix("REST ").and_then(|offset| offset.parse().ok());
    server.commands().iter().filter_map(offset).filter(|offset| *offset > 0).collect()
}

#[test]
fn several_sessions_fetch_one_file() {
    let (server, home) = (server(), Home::new());
    let run = get(&home, &server);
    is_whole(&home, &run);
    assert_eq!(run.stderr, "");
    assert_eq!(server.sessions().most, 4);
    let offsets = offsets(&server);
    // The last bytes are requested first, then pieces from the middle.
    assert_eq!(offsets[0], SIZE - 12 * 1024);
    assert!(offsets.len() >= 4, "{offsets:?}");
}

/// The other sessions would receive the start of the file instead of their pieces
#[test]
fn a_server_that_ignores_rest_serves_one_session() {
    let (server, home) = (server(), Home::new());
    server.on_command(|Command { verb, .. }| match verb {
        "RETR" => Action::serve().from_start(),
        _ => Action::serve(),
    });
    let run = get(&home, &server);
    is_whole(&home, &run);
    assert!(run.stderr.contains("REST"), "{run:?}");
    // The first session did not have to start again.
    assert_eq!(server.count("RETR"), 2, "{:?}", server.commands());
}

#[test]
fn a_server_that_refuses_rest_serves_one_session() {
    let (server, home) = (server(), Home::new());
    server.on_command(|Command { verb, argument, .. }| match (verb, argument) {
        ("REST", offset) if offset != "0" => Action::reply("502 not here"),
        _ => Action::serve(),
    });
    let run = get(&home, &server);
    is_whole(&home, &run);
    assert!(run.stderr.contains("REST"), "{run:?}");
}

#[test]
fn a_server_that_accepts_one_session_serves_that() {
    let (server, home) = (server(), Home::new());
    server.limit_sessions(Limit::new(1));
    let run = get(&home, &server);
    is_whole(&home, &run);
    assert!(run.stderr.contains("allows 1 of 4 sessions"), "{run:?}");
    assert_eq!(server.count("RETR"), 1, "{:?}", server.commands());
    assert_eq!(server.sessions().refused, 1, "{:?}", server.commands());
}

#[test]
fn a_file_whose_size_is_not_known_is_fetched_by_one_session() {
    let (server, home) = (server(), Home::new());
    server.on_command(|Command { verb, .. }| match verb {
        "SIZE" | "MLST" => Action::reply("502 not here"),
        _ => Action::serve(),
    });
    let run = get(&home, &server);
    is_whole(&home, &run);
    assert!(run.stderr.contains("size"), "{run:?}");
    assert_eq!(server.sessions().most, 1);
}

#[test]
fn broken_segments_are_resumed() {
    let (server, home) = (server(), Home::new());
    let cuts = AtomicUsize::new(0);
    server.on_command(move |Command { verb, .. }| match verb {
        // Breaks in the bytes that are compared, and after them.
        "RETR" => match cuts.fetch_add(1, Ordering::SeqCst) {
            1 | 4 => Action::serve().break_at(30_000).then_close(),
            0 | 3 | 5 | 7 => Action::serve().break_at(2_000_000).then_close(),
            _ => Action::serve(),
        },
        _ => Action::serve(),
    });
    let run = get(&home, &server);
    is_whole(&home, &run);
}

#[test]
fn a_file_that_changes_meanwhile_is_not_put_together() {
    let mut newer = content().to_vec();
    newer.iter_mut().for_each(|byte| *byte ^= 1);
    for changes_content in [true, false] {
        let (server, home) = (server(), Home::new());
        let (files, newer) = (server.files().clone(), newer.clone());
        let downloads = AtomicUsize::new(0);
        server.on_command(move |Command { verb, .. }| {
            // Two sessions have started, and the server has shown that it honours REST.
            if verb == "RETR" && downloads.fetch_add(1, Ordering::SeqCst) == 2 {
                match changes_content {
                    true => files.put("file", newer.clone()),
                    false => files.set_modified("file", "20240301000000"),
                }
            }
            Action::serve()
        });
        let run = get(&home, &server);
        if !changes_content {
            // It is fetched once more.
            is_whole(&home, &run);
            let modified = home.path("file").metadata().unwrap().modified().unwrap();
            let since = modified.duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap();
            assert_eq!(since.as_secs(), 1_709_251_200);
            continue;
        }
        assert_eq!(run.code, Some(9), "{run:?}");
        assert!(run.stderr.contains("changed"), "{run:?}");
        assert_eq!(home.names(""), [""; 0]);
    }
}

#[test]
fn a_second_run_resumes_all_segments() {
    for (segments, rests) in [("4", 2..20), ("1", 1..2)] {
        let (server, home) = (server(), Home::new());
        let url = server.url("file");
        let arguments = ["get", "--segments", "4", RATE, &url];
        let mut child = home.command(&arguments).spawn().unwrap();
        let begun = Instant::now();
        // Waits until several sessions have started, and some megabytes have been received, also at the start.
        while !noted(&home).is_some_and(|pieces| pieces.len() > 3 && pieces[0] > 2_000_000) {
            assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", server.commands());
            std::thread::sleep(Duration::from_millis(20));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(home.names(""), ["file.part", "file.part.state"]);
        server.forget_commands();
        let run = home.rftp(&["get", "--json", "--segments", segments, &url]);
        is_whole(&home, &run);
        assert_eq!(run.stderr, "");
        let count = offsets(&server).len();
        assert!(rests.contains(&count), "{count} {:?}", server.commands());
        // The bytes that the first run had received are not fetched again.
        let summary: serde_json::Value =
            serde_json::from_str(run.stdout.lines().last().unwrap()).unwrap();
        let moved = summary["bytes"].as_u64().unwrap();
        assert!(moved < SIZE as u64 - 1_000_000, "{moved}");
    }
}

/// Without a valid state, any byte of the part may be in a hole
#[test]
fn a_damaged_state_is_not_used() {
    for state in
        ["", "[]", "7", "{\"size\":20000000,\"modified\":1709210096,\"pieces\":[[5,6,true]]}"]
    {
        let (server, home) = (server(), Home::new());
        home.write("file.part", &vec![0; SIZE]);
        home.write("file.part.state", state.as_bytes());
        let run = get(&home, &server);
        is_whole(&home, &run);
    }
}

/// The sessions that have no file left fetch segments of the large one
#[test]
fn a_mirror_and_a_list_divide_a_large_file() {
    let (server, home) = (server(), Home::new());
    server.files().put("small", b"content");
    home.write("list", server.url("file").as_bytes());
    for arguments in [
        vec!["mirror", "-j4", "--exclude", "list", &server.url(""), "here"],
        vec!["fetch", "-j4", "-O", "there", "list"],
    ] {
        server.forget_commands();
        let run = home.rftp(&[&arguments[..], &["--segments", "4", RATE]].concat());
        assert_eq!(run.code, Some(0), "{run:?}");
        let folder = if arguments[0] == "mirror" { "here" } else { "there" };
        assert!(home.read(&format!("{folder}/file")) == content(), "{run:?}");
        assert!(offsets(&server).len() > 1, "{arguments:?}: {:?}", server.commands());
    }
    assert!((3..=4).contains(&server.sessions().most), "{}", server.sessions().most);
}

#[test]
fn there_are_no_more_sessions_than_wanted() {
    let (server, home) = (server(), Home::new());
    let url = server.url("file");
    let run = home.rftp(&["get", "--segments", "4", "--max-sessions", "2", RATE, &url]);
    is_whole(&home, &run);
    assert!(!run.stderr.contains("allows"), "{run:?}");
    assert_eq!(server.sessions().most, 2);
}
