//! Downloads of one file over several sessions

mod changes;
mod resumed;

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

/// On a distant server, ABOR, the replies to it and QUIT take several round trips
#[test]
fn sessions_that_have_nothing_left_to_fetch_end_at_once() {
    let (server, home) = (server(), Home::new());
    let run = get(&home, &server);
    is_whole(&home, &run);
    let (aborts, downloads) = (server.count("ABOR"), server.count("RETR"));
    let sessions = server.sessions().most;
    // Only before the session's next download, and that of the first session before it asks for the file's time. One more
    // session may have seen a piece that another one took.
    assert!(aborts + sessions <= downloads + 1, "{aborts} {downloads} {:?}", server.commands());
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

/// Some servers say 550 or 451 to whatever they do not want; the first session has the file
#[test]
fn a_download_from_the_middle_that_is_refused_leaves_the_file_to_one_session() {
    for (refused, reply) in [
        ("REST", "550 Restart not permitted."),
        ("REST", "451 Restart not possible now."),
        ("RETR", "550 Only one download at a time."),
        ("RETR", "451 File busy."),
    ] {
        let (server, home) = (server(), Home::new());
        server.on_command(move |Command { verb, argument, session, .. }| match verb {
            _ if session == 1 || verb != refused || argument == "0" => Action::serve(),
            _ => Action::reply(reply),
        });
        let run = get(&home, &server);
        is_whole(&home, &run);
        assert_eq!(run.stderr.lines().count(), 1, "{refused} {reply}: {}", run.stderr);
        for text in [reply, "so one session fetche"] {
            assert!(run.stderr.contains(text), "{refused} {reply}: {}", run.stderr);
        }
        // A refusal for good is believed.
        let attempts = if reply.starts_with('5') { 1..2 } else { 2..20 };
        let count = server.transcript().matches(&format!("S: {reply}")).count();
        assert!(attempts.contains(&count), "{refused} {reply}: {}", server.transcript());
    }
}

/// Behind one address there may be several servers, or one that honours REST only sometimes
#[test]
fn sessions_that_honour_rest_are_no_proof_for_the_others() {
    let (server, home) = (server(), Home::new());
    server.on_command(|Command { verb, session, .. }| match (verb, session) {
        ("RETR", 3..) => Action::serve().from_start(),
        _ => Action::serve(),
    });
    let run = get(&home, &server);
    is_whole(&home, &run);
    assert!(run.stderr.contains("so one session fetches it again"), "{run:?}");
    assert_eq!(run.stderr.lines().count(), 1, "{run:?}");
}

/// Most of the file is zeros, and so is its start: what a server sends that ignores REST looks right where two parts meet
#[test]
fn a_sparse_file_is_not_put_together_of_wrong_parts() {
    let mut sparse = vec![0; SIZE];
    for mark in 1..10 {
        sparse[mark * 2_000_000 + 600_000..][..64].fill(mark as u8);
    }
    // Repeatedly without: if a mark happens to be where two parts meet, the bytes there show that they are wrong.
    for honours in [true, false, false, false] {
        let (server, home) = (server(), Home::new());
        server.files().put("file", sparse.clone());
        server.on_command(move |Command { verb, session, .. }| match (verb, session) {
            ("RETR", 3..) if !honours => Action::serve().from_start(),
            _ => Action::serve(),
        });
        let run = get(&home, &server);
        assert_eq!(run.code, Some(0), "{run:?}");
        assert!(home.read("file") == sparse, "the file differs");
        assert_eq!(honours, run.stderr.is_empty(), "{run:?}");
        assert!(!honours || server.sessions().most == 4, "{:?}", server.commands());
    }
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
    // The session that logged in meanwhile is not used.
    assert_eq!(server.count("RETR"), 1, "{:?}", server.commands());
    assert!(server.sessions().most <= 2, "{:?}", server.commands());
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

/// Its piece goes to the first session, which would otherwise wait for it, while it waits for a place on the server
#[test]
fn a_session_that_is_turned_away_leaves_its_piece() {
    for turned_away in ["TYPE", "EPSV", "REST", "RETR"] {
        let (server, home) = (server(), Home::new());
        server.on_command(move |Command { verb, session, .. }| match session == 2 {
            true if verb == turned_away => Action::reply("421 Too many connections."),
            _ => Action::serve(),
        });
        is_whole(&home, &get(&home, &server));
    }
}

/// The first session has everything else, and fetches the last bytes itself
#[test]
fn a_session_that_receives_the_last_bytes_slowly_is_not_waited_for() {
    let (server, home) = (server(), Home::new());
    server.on_command(|Command { verb, session, .. }| match (verb, session) {
        ("RETR", 2) => Action::serve().slow_from(100, Duration::from_secs(2)),
        _ => Action::serve(),
    });
    let begun = Instant::now();
    let run = get(&home, &server);
    is_whole(&home, &run);
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
}

/// The others have received their parts, and take halves of its part until little is left
#[test]
fn a_slow_session_is_helped() {
    let (server, home) = (server(), Home::new());
    server.on_command(|Command { verb, session, .. }| match (verb, session) {
        ("RETR", 3) => Action::serve().slow_from(100_000, Duration::from_secs(1)),
        _ => Action::serve(),
    });
    let begun = Instant::now();
    is_whole(&home, &get(&home, &server));
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
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
