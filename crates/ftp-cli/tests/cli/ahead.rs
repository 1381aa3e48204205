//! With `--segments`, the second session logs in while the first one asks for the file's size

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use ftp_test::{Action, Command, Limit, Server};

use crate::{Home, Run, bytes};

/// Enough for segments
const LARGE: usize = 20_000_000;

const SMALL: usize = 50_000;

/// How long a reply waits for the other session: so long only without the change that a test is about
const PATIENCE: Duration = Duration::from_secs(3);

/// Something that one session does and another one waits for
#[derive(Clone, Default)]
struct Signal(Arc<(Mutex<bool>, Condvar)>);

impl Signal {
    fn give(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    /// Waits for it; returns false after [`PATIENCE`]
    fn wait(&self) -> bool {
        let given = self.0.0.lock().unwrap();
        let waited = self.0.1.wait_timeout_while(given, PATIENCE, |given| !*given);
        *waited.unwrap().0
    }
}

/// Without MLST, so that SIZE is asked for
const FEATURES: &str = "211-features\r\n EPSV\r\n SIZE\r\n MDTM\r\n REST STREAM\r\n211 end";

fn server(size: usize) -> Server {
    let server = Server::start();
    server.files().put("file", bytes(size));
    server
}

fn get(home: &Home, server: &Server, options: &[&str]) -> Run {
    let url = server.url("file");
    let arguments = ["get", "--segments", "4", "--retry-delay", "0.05", &url];
    home.rftp(&[&arguments[..], options].concat())
}

/// Returns the first line of the transcript that begins so
fn place(transcript: &str, line: &str) -> Option<usize> {
    transcript.lines().position(|other| other.starts_with(line))
}

#[test]
fn a_second_session_logs_in_before_the_size_is_known() {
    for segments in ["4", "auto"] {
        let (server, home) = (server(LARGE), Home::new());
        let login = Signal::default();
        server.on_command(move |Command { verb, session, .. }| {
            match (verb, session) {
                ("FEAT", _) => return Action::reply(FEATURES),
                // `auto` is for still larger files.
                ("SIZE", 1) => drop(login.wait()),
                ("USER", 2) => login.give(),
                _ => {}
            }
            Action::serve()
        });
        let url = server.url("file");
        let run = home.rftp(&["get", "--segments", segments, "--limit-rate=12M", &url]);
        assert_eq!((run.code, &*run.stderr), (Some(0), ""), "{run:?}");
        assert!(home.read("file") == bytes(LARGE), "the file differs");
        let transcript = server.transcript();
        let login = place(&transcript, "2 C: USER");
        assert!(login.is_some() && login < place(&transcript, "1 S: 213"), "{transcript}");
        // It is one of those that the file needs.
        let sessions = if segments == "4" { 4 } else { 2 };
        assert_eq!(server.sessions().most, sessions, "{transcript}");
        let tests_rest = place(&transcript, "2 C: REST");
        assert_eq!(tests_rest.is_some(), segments == "4", "{transcript}");
    }
}

/// The session is ended with QUIT, and before the file is complete
#[test]
fn a_session_that_a_small_file_does_not_need_ends_meanwhile() {
    // A size too small for segments; none; a file that is up to date.
    for case in ["small", "none", "kept"] {
        let (server, home) = (server(SMALL), Home::new());
        let options: &[&str] = if case == "kept" { &["--only-newer"] } else { &[] };
        if case == "kept" {
            home.write("file", &bytes(SMALL));
        }
        let (login, quit) = (Signal::default(), Signal::default());
        let waits = Arc::new(AtomicUsize::new(0));
        let in_vain = Arc::clone(&waits);
        server.on_command(move |Command { verb, session, .. }| {
            let wait = |signal: &Signal| {
                if !signal.wait() {
                    in_vain.fetch_add(1, Ordering::SeqCst);
                }
            };
            match (verb, session) {
                ("FEAT", _) => return Action::reply(FEATURES),
                ("SIZE", 1) => {
                    wait(&login);
                    // The client has read the answer to the login, too.
                    std::thread::sleep(Duration::from_millis(100));
                    if case == "none" {
                        return Action::reply("502 not here");
                    }
                }
                ("TYPE" | "PASS", 2) => login.give(),
                ("RETR", 1) => wait(&quit),
                ("QUIT", 2) => quit.give(),
                _ => {}
            }
            Action::serve()
        });
        let run = get(&home, &server, options);
        assert_eq!(run.code, Some(0), "{case} {run:?}");
        assert_eq!(home.read("file"), bytes(SMALL), "{case}");
        let transcript = server.transcript();
        assert!(place(&transcript, "2 C: QUIT").is_some(), "{case} {transcript}");
        assert!(place(&transcript, "2 S: 221").is_some(), "{case} {transcript}");
        assert_eq!(waits.load(Ordering::SeqCst), 0, "{case} {transcript}");
        assert_eq!(
            (server.count("GREETING"), server.count("RETR")),
            (2, usize::from(case != "kept"))
        );
    }
}

#[test]
fn a_server_that_allows_one_session_refuses_one() {
    for (size, at_login) in [(SMALL, false), (SMALL, true), (LARGE, false), (LARGE, true)] {
        let (server, home) = (server(size), Home::new());
        let limit = Limit::new(1);
        server.limit_sessions(if at_login { limit.at_login() } else { limit });
        server.on_command(|Command { verb, session, .. }| {
            // Meanwhile the second one is refused, before anything else wants one.
            if verb == "MLST" && session == 1 {
                std::thread::sleep(Duration::from_millis(300));
            }
            Action::serve()
        });
        let run = get(&home, &server, &[]);
        assert_eq!(run.code, Some(0), "{run:?}");
        assert!(home.read("file") == bytes(size), "the file differs");
        let transcript = server.transcript();
        assert_eq!(server.sessions().refused, 1, "{transcript}");
        assert_eq!(server.count("RETR"), 1, "{transcript}");
        assert_eq!(run.stderr.contains("allows 1 of 4 sessions"), size == LARGE, "{run:?}");
    }
}

/// Its opening is the first attempt of a session of the file, so a refused login is repeated no more often than otherwise
#[test]
fn a_login_that_fails_is_the_first_attempt_of_a_further_session() {
    let (server, home) = (server(LARGE), Home::new());
    server.on_command(|Command { verb, session, .. }| match (verb, session) {
        ("PASS", 2..) => Action::reply("530 Login incorrect."),
        ("MLST", 1) => {
            std::thread::sleep(Duration::from_millis(300));
            Action::serve()
        }
        _ => Action::serve(),
    });
    let run = home.rftp(&["get", "--segments", "2", &server.url("file")]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(home.read("file") == bytes(LARGE), "the file differs");
    assert_eq!(server.count("PASS"), 2, "{}", server.transcript());
}

/// Some servers let sessions beyond their limit wait, without a greeting
#[test]
fn a_session_that_does_not_open_is_not_waited_for() {
    for size in [SMALL, LARGE] {
        let (server, home) = (server(size), Home::new());
        server.on_command(|Command { verb, session, .. }| match (verb, session) {
            ("GREETING", 2..) => Action::ignore(),
            _ => Action::serve(),
        });
        let begun = Instant::now();
        let run = get(&home, &server, &[]);
        assert_eq!(run.code, Some(0), "{run:?}");
        assert!(home.read("file") == bytes(size), "the file differs");
        assert!(begun.elapsed() < Duration::from_secs(8), "{:?} {run:?}", begun.elapsed());
    }
}

#[cfg(unix)]
#[test]
fn an_interruption_does_not_wait_for_it() {
    let (server, home) = (server(LARGE), Home::new());
    let greeting = Signal::default();
    let reached = greeting.clone();
    server.on_command(move |Command { verb, session, .. }| match (verb, session) {
        ("GREETING", 2..) => {
            greeting.give();
            Action::ignore()
        }
        ("MLST", _) => Action::ignore(),
        _ => Action::serve(),
    });
    let url = server.url("file");
    let mut child = home.command(&["get", "--segments", "4", &url]).spawn().unwrap();
    if !reached.wait() {
        child.kill().unwrap();
        panic!("{}", server.transcript());
    }
    std::thread::sleep(Duration::from_millis(100));
    let begun = Instant::now();
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(130), "{status:?}");
    // Otherwise the handler of the signal ends the process after three seconds.
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

/// Only one file that is to be fetched now may need a second session
#[test]
fn no_session_is_opened_for_nothing() {
    let url_of = |server: &Server| server.url("file");
    for options in [
        &["--segments", "1"][..],
        &["--segments", "4", "--dry-run"],
        &["--segments", "4", "--max-sessions", "1"],
        &["--segments", "4", "-j1", "--two"],
    ] {
        let (server, home) = (server(SMALL), Home::new());
        server.files().put("other", bytes(SMALL));
        server.on_command(|Command { verb, .. }| {
            if verb == "MLST" {
                std::thread::sleep(Duration::from_millis(200));
            }
            Action::serve()
        });
        let (url, other) = (url_of(&server), server.url("other"));
        let mut arguments = vec!["get", &*url];
        arguments.extend(options.iter().filter(|option| **option != "--two"));
        if options.contains(&"--two") {
            arguments.push(&other);
        }
        let run = home.rftp(&arguments);
        assert_eq!(run.code, Some(0), "{run:?}");
        assert_eq!(server.count("GREETING"), 1, "{options:?} {}", server.transcript());
    }
}
