//! What a second run makes of a part

use std::time::{Duration, Instant};

use ftp_test::{Action, Command, Server};

use super::{RATE, SIZE, get, is_whole, offsets, server};
use crate::parts::state_with;
use crate::{Home, bytes};

/// Returns the number of bytes received of each piece, from the state file
fn noted(home: &Home) -> Option<Vec<u64>> {
    let state = std::fs::read_to_string(home.path("file.part.state")).ok()?;
    let state: serde_json::Value = serde_json::from_str(&state).unwrap();
    let length = |piece: &serde_json::Value| Some(piece[1].as_u64()? - piece[0].as_u64()?);
    state["pieces"].as_array()?.iter().map(length).collect()
}

/// Begins a download over four sessions, and kills it
fn begin(server: &Server, home: &Home) {
    let mut child =
        home.command(&["get", "--segments", "4", RATE, &server.url("file")]).spawn().unwrap();
    let begun = Instant::now();
    // Waits until several sessions have started, and some megabytes have been received, also at the start.
    while !noted(home).is_some_and(|pieces| pieces.len() > 3 && pieces[0] > 2_000_000) {
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", server.commands());
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(home.names(""), ["file.part", "file.part.state"]);
    server.forget_commands();
}

/// A part from an earlier run is no reason to fail, but kept if the file can't be fetched at all
#[test]
fn a_part_is_started_again_if_the_server_refuses_to_resume_it() {
    for segments in ["1", "4"] {
        for (verb, refusal, code) in [
            ("REST", "550 Restart not permitted.", 0),
            ("RETR", "550 Permission denied.", 8),
            ("RETR", "550 file: No such file or directory.", 8),
        ] {
            let (server, home) = (server(), Home::new());
            server.on_command(|Command { verb, .. }| match verb {
                "RETR" => Action::serve().break_at(2_000_000).then_close(),
                _ => Action::serve(),
            });
            let url = server.url("file");
            assert_eq!(home.rftp(&["get", "--retries", "0", &url]).code, Some(4));
            server.on_command(move |command| match command.verb == verb {
                true if command.argument != "0" => Action::reply(refusal),
                _ => Action::serve(),
            });
            let run = home.rftp(&["get", "--segments", segments, RATE, &url]);
            assert_eq!(run.code, Some(code), "{segments} {refusal}: {}", run.stderr);
            if code == 0 {
                is_whole(&home, &run);
                assert!(run.stderr.contains("can't resume"), "{segments}: {}", run.stderr);
            } else {
                assert_eq!(
                    home.names(""),
                    ["file.part", "file.part.state"],
                    "{segments} {refusal}"
                );
                assert!(home.read("file.part").len() >= 2_000_000, "{segments} {refusal}");
                assert!(run.stderr.contains(refusal), "{segments}: {}", run.stderr);
            }
        }
    }
}

#[test]
fn a_second_run_resumes_all_segments() {
    for (segments, rests) in [("4", 2..20), ("1", 1..2)] {
        let (server, home) = (server(), Home::new());
        begin(&server, &home);
        let url = server.url("file");
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

/// That the server honoured REST in an earlier run, or a minute ago, proves nothing for now
#[test]
fn pieces_are_started_again_if_the_server_refuses_to_resume_them() {
    for segments in ["1", "4"] {
        for (verb, refusal, code) in [
            ("REST", "502 not here", 0),
            ("REST", "550 Restart not permitted.", 0),
            ("RETR", "550 Permission denied.", 8),
        ] {
            let (server, home) = (server(), Home::new());
            begin(&server, &home);
            let pieces = noted(&home);
            server.on_command(move |command| match command.verb == verb {
                true if command.argument != "0" => Action::reply(refusal),
                _ => Action::serve(),
            });
            let run = home.rftp(&["get", "--segments", segments, &server.url("file")]);
            assert_eq!(run.code, Some(code), "{segments} {refusal}: {}", run.stderr);
            if code == 0 {
                is_whole(&home, &run);
                assert!(run.stderr.contains("can't resume"), "{segments}: {}", run.stderr);
            } else {
                assert!(run.stderr.contains(refusal), "{segments}: {}", run.stderr);
                // Nothing is lost: the next run may be allowed to go on.
                assert_eq!(noted(&home), pieces, "{segments}");
            }
        }
    }
}

/// Its session is cut, and the server, which has honoured REST until then, refuses it from now on
#[test]
fn a_download_that_can_not_be_resumed_any_more_is_started_again() {
    let (server, home) = (server(), Home::new());
    server.on_command(|Command { verb, argument, session, in_all, .. }| match verb {
        "RETR" if session == 1 && in_all == 1 => Action::serve().break_at(4_000_000).then_close(),
        "REST" if argument != "0" && in_all > 3 => Action::reply("502 not any more"),
        _ => Action::serve(),
    });
    let run = get(&home, &server);
    is_whole(&home, &run);
}

/// An earlier run received as many bytes as the file has, but not the right ones, or not all of them were confirmed
#[test]
fn a_part_of_full_length_is_compared() {
    let right = bytes(12_000_000);
    let wrong = [&right[..11_950_000], &[0; 50_000]].concat();
    for command in ["get", "mirror"] {
        for received in [wrong.clone(), right.clone()] {
            let (server, home) = (Server::start(), Home::new());
            server.files().put("d/file", &*right);
            let is_wrong = received == wrong;
            server.on_command(move |Command { verb, .. }| match verb {
                "RETR" => Action::serve().data(&*received).final_reply("451 Read error."),
                _ => Action::serve(),
            });
            let url = server.url(if command == "get" { "d/file" } else { "d/" });
            let mut arguments = vec![command, "--json", "--retries", "0", &url];
            arguments.extend((command == "mirror").then_some("."));
            assert_eq!(home.rftp(&arguments).code, Some(4), "{command}");
            assert_eq!(home.read("file.part").len(), right.len(), "{command}");
            server.on_command(|_| Action::serve());
            server.forget_commands();
            arguments.extend(["--segments", "2"]);
            let run = home.rftp(&arguments);
            assert_eq!(run.code, Some(0), "{command}: {run:?}");
            assert!(home.read("file") == right, "{command}: the file differs");
            assert_eq!(home.names(""), ["file"], "{command}");
            let told = "the part from an earlier run is of another file";
            assert_eq!(run.stderr.contains(told), is_wrong, "{command}: {run:?}");
            assert!(is_wrong || offsets(&server) == [right.len() - 65_537], "{command}");
        }
    }
}

/// All pieces have been received, but the run ended before the file got its name
#[test]
fn pieces_of_full_length_are_compared() {
    let right = bytes(12_000_000);
    for (is_wrong, segments) in [(false, "2"), (true, "2"), (true, "1")] {
        let (server, home) = (Server::start(), Home::new());
        server.files().put("file", &*right);
        let mut received = right.clone();
        if is_wrong {
            received[11_950_000..].fill(0);
        }
        home.write("file.part", &received);
        let tail = right.len() - 4096;
        let size = right.len();
        let pieces = format!("[[0,{tail},true],[{tail},{size},true]]");
        let fields = format!(r#""size":{size},"modified":null,"pieces":{pieces}"#);
        home.write("file.part.state", &state_with(&server, "file", &fields));
        let run = home.rftp(&["get", "--segments", segments, &server.url("file")]);
        assert_eq!(run.code, Some(0), "{segments}: {run:?}");
        assert!(home.read("file") == right, "{segments}: the file differs");
        assert_eq!(home.names(""), ["file"], "{segments}");
        assert!(server.count("RETR") > 0, "{segments}: nothing was compared");
        let told = "the part from an earlier run is of another file";
        assert_eq!(run.stderr.contains(told), is_wrong, "{segments}: {run:?}");
    }
}
