//! Servers that refuse even the first session because there are too many

use std::time::{Duration, Instant};

use ftp_test::{Action, Command, Server};

use crate::Home;

const FULL: &str = "421 Too many connections";

/// Starts a server that refuses the first `refusals` connections with its greeting
fn crowded(refusals: usize) -> Server {
    let server = Server::start();
    for file in 0..6 {
        server.files().put(&format!("pub/f{file}"), b"content");
    }
    server.on_command(move |Command { verb, in_all, .. }| match verb {
        "GREETING" if in_all <= refusals => Action::reply(FULL).then_close(),
        _ => Action::serve(),
    });
    server
}

/// Regression: each thread of `mirror` counted its own retries, and between two of them all waited up to a minute, without
/// a notice; the other commands waited five seconds and more, whatever --retry-delay said
#[test]
fn refusals_of_the_first_session_are_the_retries_of_the_run() {
    for (command, paths, more) in [
        ("mirror", &["pub"][..], &["here"][..]),
        ("mirror", &["pub"], &["here", "--segments", "4"]),
        ("get", &["pub/f1"], &["-O", "here"]),
        ("get", &["pub/f1", "pub/f2", "pub/f3", "pub/f4"], &["-O", "here", "-j", "4"]),
        ("ls", &["pub"], &[]),
        ("cat", &["pub/f1"], &[]),
        ("rm", &["pub/f1"], &[]),
    ] {
        let (server, home) = (crowded(usize::MAX), Home::new());
        let urls: Vec<String> = paths.iter().map(|path| server.url(path)).collect();
        let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
        let options = ["--retries", "3", "--retry-delay", "0.1"];
        let begun = Instant::now();
        let run = home.rftp(&[&[command], &urls[..], more, &options].concat());
        let elapsed = begun.elapsed();
        assert_eq!(run.code, Some(4), "{command} {more:?}: {run:?}");
        assert_eq!(server.count("GREETING"), 4, "{command} {more:?}: {run:?}");
        assert!(run.stderr.contains(FULL), "{command} {more:?}: {run:?}");
        // 0.1, 0.2 and 0.4 seconds
        let expected = Duration::from_millis(700)..Duration::from_secs(4);
        assert!(expected.contains(&elapsed), "{command} {more:?}: {elapsed:?}");
    }
}

/// Regression: each of the threads had retries of its own, one after another, for a server that is out of order
#[test]
fn without_any_session_the_retries_are_those_of_the_run() {
    let (server, home) = (Server::start(), Home::new());
    server.on_command(|Command { verb, .. }| match verb {
        "GREETING" => Action::close(),
        _ => Action::serve(),
    });
    let options = ["-j", "8", "--retries", "3", "--retry-delay", "0.3"];
    let begun = Instant::now();
    let run = home.rftp(&[&["mirror", &server.url("pub"), "here"], &options[..]].concat());
    let elapsed = begun.elapsed();
    assert_eq!((run.code, server.count("GREETING")), (Some(4), 4), "{run:?}");
    // 0.3, 0.6 and 1.2 seconds, whichever thread comes next
    let expected = Duration::from_millis(2100)..Duration::from_secs(6);
    assert!(expected.contains(&elapsed), "{elapsed:?}");
}

/// The wait before the next attempt is over when a command gives up, so the next URL does not begin with it
#[test]
fn each_url_has_its_retries() {
    let (server, home) = (crowded(usize::MAX), Home::new());
    let urls = [server.url("pub/f1"), server.url("pub/f2")];
    let options = ["--retries", "1", "--retry-delay", "0.5"];
    let begun = Instant::now();
    let run = home.rftp(&[&["rm", &urls[0], &urls[1]], &options[..]].concat());
    let elapsed = begun.elapsed();
    assert_eq!((run.code, server.count("GREETING")), (Some(4), 4), "{run:?}");
    let expected = Duration::from_millis(1000)..Duration::from_millis(1900);
    assert!(expected.contains(&elapsed), "{elapsed:?}");
}

#[test]
fn a_server_that_has_room_again_is_used() {
    let (server, home) = (crowded(3), Home::new());
    let options = ["--retries", "3", "--retry-delay", "0.1"];
    let run = home.rftp(&[&["mirror", &server.url("pub"), "here"], &options[..]].concat());
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(home.names("here").len(), 6);
}

#[test]
fn a_long_wait_is_announced_with_its_reason() {
    for (more, is_told) in
        [(&["--retry-delay", "3"][..], true), (&["--retry-delay", "3", "-q"], false)]
    {
        for reply in [FULL, "421 Come back later"] {
            let (server, home) = (crowded(0), Home::new());
            server.on_command(move |Command { verb, in_all, .. }| match verb {
                "GREETING" if in_all == 1 => Action::reply(reply).then_close(),
                _ => Action::serve(),
            });
            let run = home.rftp(&[&["cat", &server.url("pub/f1")], more].concat());
            assert_eq!((run.code, &*run.stdout), (Some(0), "content"), "{reply} {more:?}: {run:?}");
            let notice = format!("{}; the next attempt follows in 3 s\n", server_name(&server));
            assert_eq!(run.stderr.ends_with(&notice), is_told, "{reply} {more:?}: {run:?}");
            assert_eq!(run.stderr.contains(reply), is_told, "{reply} {more:?}: {run:?}");
        }
    }
}

fn server_name(server: &Server) -> String {
    format!("({})", server.url("").trim_start_matches("ftp://").trim_end_matches('/'))
}
