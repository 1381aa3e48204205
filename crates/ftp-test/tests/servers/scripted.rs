//! Scripted servers: their reports when a client deviates from the script

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use ftp_test::{ScriptedServer, accept};

use crate::client::Raw;

fn report(server: impl FnOnce()) -> String {
    *catch_unwind(AssertUnwindSafe(server)).unwrap_err().downcast::<String>().unwrap()
}

#[test]
fn a_script_is_played_to_its_end() {
    let server = ScriptedServer::start(|peer| {
        peer.welcome();
        drop(accept(&peer.pasv()));
        peer.exchange("RETR a", "150 nothing comes");
        peer.reply("226 done");
        peer.serve_quit();
    });
    let mut ftp = Raw::login(server.address());
    assert_eq!(ftp.fetch("RETR a").0.unwrap(), b"");
    ftp.say("QUIT");
    drop(ftp);
    server.join();
}

#[test]
fn another_command_is_reported_with_all_that_was_said() {
    let server = ScriptedServer::start(|peer| {
        peer.welcome();
        peer.exchange("CWD pub", "250 there");
    });
    let mut ftp = Raw::login(server.address());
    assert_eq!(ftp.say("CWD /pub"), "");
    let said = "the script expects CWD pub, and the client sent CWD /pub\n\
                so far (C: client, S: server):\n  S: 220 ready\n  C: USER u\n  \
                S: 331 password, please\n  C: PASS p\n  S: 230 welcome\n  C: CWD /pub\n";
    assert_eq!(report(|| server.join()), said);
}

#[test]
fn a_command_that_came_with_the_last_expected_one_is_reported() {
    let server = ScriptedServer::start(|peer| {
        peer.reply("220 hi");
        peer.exchange("NOOP", "200 ok");
    });
    let mut ftp = Raw::connect(server.address());
    ftp.reply();
    ftp.send(b"NOOP\r\nDELE precious\r\n");
    let text = report(|| server.join());
    let problem = "the script expects no more, and the client sent DELE precious\\r\\n\nso far";
    assert!(text.starts_with(problem), "{text}");
}

#[test]
fn a_server_that_is_dropped_reports_too() {
    let server = ScriptedServer::start(|peer| peer.expect("NOOP"));
    drop(Raw::connect(server.address()));
    let text = report(|| drop(server));
    assert!(text.starts_with("the script expects NOOP, and the client sent the end of"), "{text}");
}

#[test]
fn lines_without_crlf_are_reported() {
    let server = ScriptedServer::start(|peer| peer.expect("NOOP"));
    Raw::connect(server.address()).send(b"NOOP\n");
    let text = report(|| server.join());
    assert!(text.contains("a line without CRLF: NOOP\\n"), "{text}");
}

/// Without a time limit this test would hang
#[test]
fn a_client_that_never_comes_is_waited_for_ten_seconds() {
    let begun = Instant::now();
    let server = ScriptedServer::start(|peer| peer.welcome());
    let text = report(|| server.join());
    assert_eq!(text, "waiting for a connection: nobody has connected within 10s");
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_client_that_says_nothing_is_waited_for_ten_seconds() {
    let server = ScriptedServer::start(|peer| peer.welcome());
    let _silent = Raw::connect(server.address());
    let text = report(|| server.join());
    assert!(text.starts_with("waiting for a command: "), "{text}");
}
