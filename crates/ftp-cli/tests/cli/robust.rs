//! Connections that break, files that change during the transfer, servers that refuse everything

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ftp_test::{Action, Command, Server};

use crate::{Home, bytes};

const SOON: [&str; 2] = ["--retry-delay", "0.02"];

/// Runs `mirror`, and kills it after a minute
fn mirror(home: &Home, from: &str, to: &str) -> crate::Run {
    let mut command = home.command(&["mirror", SOON[0], SOON[1], from, to]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(5));
        if begun.elapsed() > Duration::from_secs(60) {
            child.kill().unwrap();
        }
    }
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    crate::Run {
        code: output.status.code(),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

fn tree(server: &Server) {
    for file in 0..60 {
        server.files().put(&format!("pub/d{}/f{file}", file % 6), bytes(1000 + 37 * file));
    }
    server.files().put("pub/large", bytes(3_000_000));
}

/// Returns a server's behaviour: `habit` at every `count`-th command with this verb, otherwise the usual
fn each(verb: &'static str, count: usize, habit: fn() -> Action) -> impl Fn(Command<'_>) -> Action {
    let seen = Arc::new(AtomicUsize::new(0));
    move |command| match verb == command.verb
        && seen.fetch_add(1, Ordering::SeqCst) % count == count - 1
    {
        true => habit(),
        false => Action::serve(),
    }
}

#[test]
fn links_that_are_cut_again_and_again_are_no_failure() {
    for (verb, count, habit) in [
        ("RETR", 4, (|| Action::serve().break_at(500).then_close()) as fn() -> Action),
        ("RETR", 5, || Action::close()),
        ("MLSD", 3, || Action::close()),
        ("EPSV", 6, || Action::close()),
        ("PASS", 2, || Action::close()),
    ] {
        let (server, home) = (Server::start(), Home::new());
        tree(&server);
        server.on_command(each(verb, count, habit));
        let run = mirror(&home, &server.url("pub"), "here");
        assert_eq!(run.code, Some(0), "{verb}: {run:?}");
        for file in 0..60 {
            let here = home.read(&format!("here/d{}/f{file}", file % 6));
            assert!(here == bytes(1000 + 37 * file), "{verb}: f{file}");
        }
        assert!(home.read("here/large") == bytes(3_000_000), "{verb}");
        assert_eq!(home.names("here").len(), 7, "{verb}");
    }
}

#[test]
fn links_that_are_cut_while_files_go_up_are_no_failure() {
    for (verb, count, habit) in [
        ("STOR", 4, (|| Action::serve().break_at(500).then_close()) as fn() -> Action),
        ("STOR", 5, || Action::close()),
        ("MFMT", 4, || Action::close()),
        ("RNTO", 4, || Action::close()),
        ("MKD", 2, || Action::close()),
    ] {
        let (server, home) = (Server::start(), Home::new());
        for file in 0..40 {
            home.write(&format!("here/d{}/f{file}", file % 4), &bytes(1000 + 37 * file));
        }
        home.write("here/large", &bytes(3_000_000));
        server.on_command(each(verb, count, habit));
        let run = mirror(&home, "here", &server.url("up"));
        assert_eq!(run.code, Some(0), "{verb}: {run:?}");
        for file in 0..40 {
            let there = server.files().get(&format!("up/d{}/f{file}", file % 4));
            assert!(there == Some(bytes(1000 + 37 * file)), "{verb}: f{file}");
        }
        assert!(server.files().get("up/large") == Some(bytes(3_000_000)), "{verb}");
        assert!(!server.files().contains("up/large.part"), "{verb}");
    }
}

/// The server counts the broken session until the other one, which has nothing left to do, has ended
#[test]
fn an_idle_thread_gives_up_its_session_for_one_whose_session_has_broken() {
    let (server, home) = (Server::start(), Home::new());
    home.write("here/small", &bytes(1000));
    home.write("here/large", &bytes(3_000_000));
    let (is_broken, has_room) = (AtomicBool::new(false), AtomicBool::new(false));
    server.on_command(move |Command { verb, argument, .. }| match verb {
        "STOR" if argument.contains("large") && !is_broken.swap(true, Ordering::SeqCst) => {
            Action::serve().pause(Duration::from_millis(500)).break_at(500).then_close()
        }
        "QUIT" => {
            has_room.store(true, Ordering::SeqCst);
            Action::serve()
        }
        "GREETING" if is_broken.load(Ordering::SeqCst) && !has_room.load(Ordering::SeqCst) => {
            Action::reply("421 There are too many connections from your internet address.")
        }
        _ => Action::serve(),
    });
    let run = mirror(&home, "here", &server.url("up"));
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(server.files().get("up/large") == Some(bytes(3_000_000)), "{run:?}");
}

/// Such as a log file: it has become longer or shorter since it was listed
#[test]
fn a_file_that_changes_while_it_is_fetched_comes_as_it_is_then() {
    for length in [100_000, 40_000] {
        for (command, target) in [("mirror", "here"), ("get", "-O=here")] {
            let (server, home) = (Server::start(), Home::new());
            server.files().put("pub/log", bytes(70_000));
            server.files().put("pub/other", b"other");
            let (other, changes) = (server.files().clone(), AtomicUsize::new(0));
            server.on_command(move |Command { verb, argument, .. }| {
                let is_first = (verb, argument) == ("RETR", "pub/log")
                    && changes.fetch_add(1, Ordering::SeqCst) == 0;
                if is_first {
                    other.put("pub/log", bytes(length));
                    other.set_modified("pub/log", "20250101000000");
                }
                Action::serve()
            });
            let url = server.url(if command == "mirror" { "pub" } else { "pub/log" });
            let run = home.rftp(&[command, SOON[0], SOON[1], &url, target]);
            assert_eq!(run.code, Some(0), "{command} {length}: {run:?}");
            assert!(home.read("here/log") == bytes(length), "{command} {length}");
            assert_eq!(server.count("RETR"), if command == "mirror" { 3 } else { 2 });
            // The file has the time of the new version, so a second run finds it up to date.
            if command == "mirror" {
                server.forget_commands();
                assert_eq!(mirror(&home, &server.url("pub"), "here").code, Some(0));
                assert_eq!(server.count("RETR"), 0, "{length}");
            }
        }
    }
}

/// The old version of a file, the new one, and what a server sends that reads the file while it is rewritten in place
pub(crate) fn versions() -> [Vec<u8>; 3] {
    let old = bytes(3_000_000);
    let new: Vec<u8> = old.iter().map(|byte| byte ^ 1).collect();
    let mixture = [&old[..1_500_000], &new[1_500_000..]].concat();
    [old, new, mixture]
}

/// Rewrites the file during the first `count` downloads, each time with another time
pub(crate) fn rewrites(
    server: &Server,
    count: usize,
) -> impl Fn(&Command<'_>) -> Option<Action> + use<> {
    let [old, new, mixture] = versions();
    server.files().put("pub/file", old);
    let (files, downloads) = (server.files().clone(), AtomicUsize::new(0));
    move |Command { verb, .. }| {
        let download = (*verb == "RETR").then(|| downloads.fetch_add(1, Ordering::SeqCst))?;
        (download < count).then(|| {
            files.put("pub/file", new.clone());
            files.set_modified("pub/file", &format!("202501010000{download:02}"));
            Action::serve().data(mixture.clone())
        })
    }
}

/// The features of servers with the newer commands, and of vsftpd, whose listings give times to the minute
pub(crate) const FEATURES: [&str; 2] = [
    "211-features\r\n EPSV\r\n MLST size*;modify*;type*;\r\n SIZE\r\n MDTM\r\n REST STREAM\r\n211 end",
    "211-features\r\n EPSV\r\n SIZE\r\n MDTM\r\n REST STREAM\r\n211 end",
];

/// Only its time shows it, because the number of bytes is as expected
#[test]
fn a_file_that_is_rewritten_in_place_does_not_come_as_a_mixture() {
    for (features, command, more) in [
        (FEATURES[0], "get", &["-O", "here"][..]),
        (FEATURES[0], "get", &["-O", "here", "--segments", "4", "--max-sessions", "1"]),
        (FEATURES[0], "mirror", &["here"]),
        (FEATURES[1], "get", &["-O", "here"]),
        (FEATURES[1], "mirror", &["here"]),
    ] {
        let (server, home) = (Server::start(), Home::new());
        let rewrite = rewrites(&server, 1);
        server.on_command(move |command| match command.verb {
            "FEAT" => Action::reply(features),
            _ => rewrite(&command).unwrap_or_else(Action::serve),
        });
        let url = server.url(if command == "mirror" { "pub" } else { "pub/file" });
        let run = home.rftp(&[&[command, &url, "--retry-delay", "0.02"], more].concat());
        assert_eq!(run.code, Some(0), "{command} {more:?}: {run:?}");
        assert!(home.read("here/file") == versions()[1], "{command} {more:?}");
        assert_eq!(home.names("here"), ["file"]);
        let modified = home.path("here/file").metadata().unwrap().modified().unwrap();
        let since = modified.duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(since.as_secs(), 1_735_689_600, "{command} {more:?}");
    }
}

#[test]
fn a_file_that_is_rewritten_all_the_time_is_reported() {
    for command in ["get", "mirror", "fetch"] {
        let (server, home) = (Server::start(), Home::new());
        let rewrite = rewrites(&server, 50);
        server.on_command(move |command| rewrite(&command).unwrap_or_else(Action::serve));
        home.write("list", b"file\n");
        let (url, base) = (server.url("pub/file"), server.url("pub/"));
        let run = match command {
            "get" => home.rftp(&["get", "-O", "here", &url]),
            "fetch" => home.rftp(&["fetch", "--base", &base, "-O", "here", "list"]),
            _ => mirror(&home, &server.url("pub"), "here"),
        };
        assert_eq!(run.code, Some(4), "{command}: {run:?}");
        assert!(run.stderr.contains("file: has changed"), "{command}: {run:?}");
        assert_eq!(server.count("RETR"), 2, "{command}: {:?}", server.commands());
        assert_eq!(home.names("here"), [""; 0], "{command}");
    }
}

/// The part of the first attempt is of another version than the rest
#[test]
fn a_file_that_is_rewritten_between_two_attempts_is_not_spliced() {
    for features in FEATURES {
        for command in ["get", "mirror"] {
            let (server, home) = (Server::start(), Home::new());
            let [old, new, mixture] = versions();
            server.files().put("pub/file", old);
            let (files, downloads) = (server.files().clone(), AtomicUsize::new(0));
            server.on_command(move |Command { verb, .. }| match verb {
                "FEAT" => Action::reply(features),
                "RETR" => match downloads.fetch_add(1, Ordering::SeqCst) {
                    0 => Action::serve().break_at(2_000_000).then_close(),
                    1 => {
                        files.put("pub/file", new.clone());
                        files.set_modified("pub/file", "20250101000000");
                        // The bytes that are compared are the same.
                        let mut rest = versions()[0][..2_000_000].to_vec();
                        rest.extend_from_slice(&mixture[2_000_000..]);
                        Action::serve().data(rest)
                    }
                    _ => Action::serve(),
                },
                _ => Action::serve(),
            });
            let url = server.url(if command == "mirror" { "pub" } else { "pub/file" });
            let target = if command == "mirror" { "here" } else { "-Ohere" };
            let run = home.rftp(&[command, SOON[0], SOON[1], &url, target]);
            assert_eq!(run.code, Some(0), "{command}: {run:?}");
            assert!(home.read("here/file") == versions()[1], "{command}");
        }
    }
}

/// Makes a server that refuses REST, so that each attempt has to start at the first byte; `cuts` returns where the
/// download with this number is cut
fn without_rest(cuts: impl Fn(usize) -> Option<usize> + Send + Sync + 'static) -> Server {
    let (server, downloads) = (Server::start(), AtomicUsize::new(0));
    server.files().put("pub/file", bytes(3_000_000));
    server.on_command(move |Command { verb, .. }| match verb {
        "REST" => Action::reply("502 not here"),
        "RETR" => match cuts(downloads.fetch_add(1, Ordering::SeqCst)) {
            // The client has read all bytes by the time of the refusal.
            Some(cut) => Action::serve().break_at(cut).pause(Duration::from_millis(300)),
            None => Action::serve(),
        },
        _ => Action::serve(),
    });
    server
}

#[test]
fn a_download_that_is_cut_starts_again_if_the_server_refuses_rest() {
    for command in ["get", "mirror"] {
        let home = Home::new();
        let server = without_rest(|number| [2_000_000, 500_000].get(number).copied());
        let url = server.url(if command == "mirror" { "pub" } else { "pub/file" });
        let target = if command == "mirror" { "here" } else { "-Ohere" };
        let run = home.rftp(&[command, SOON[0], SOON[1], &url, target]);
        assert_eq!(run.code, Some(0), "{command}: {run:?} {}", server.transcript());
        assert!(home.read("here/file") == bytes(3_000_000), "{command}");
        assert_eq!(server.count("RETR"), 3, "{command}: {}", server.transcript());
        assert!(run.stderr.contains("can't resume"), "{command}: {run:?}");
    }
}

/// The retries begin anew only after an attempt that gets further than all earlier ones
#[test]
fn a_download_that_is_always_cut_ends() {
    let home = Home::new();
    let server = without_rest(|number| (number < 50).then_some([2_000_000, 1_000_000][number % 2]));
    let url = server.url("pub/file");
    let run = home.rftp(&["get", SOON[0], SOON[1], "--retries", "3", &url]);
    assert_eq!(run.code, Some(4), "{run:?}");
    assert!((4..8).contains(&server.count("RETR")), "{}", server.transcript());
}

/// It is reported after few attempts, and the other files are fetched
#[test]
fn a_file_that_changes_all_the_time_is_reported() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("pub/log", bytes(1000));
    server.files().put("pub/other", b"other");
    let (other, length) = (server.files().clone(), AtomicUsize::new(1000));
    server.on_command(move |Command { verb, argument, .. }| {
        if (verb, argument) == ("RETR", "pub/log") {
            other.put("pub/log", bytes(length.fetch_add(100, Ordering::SeqCst) + 100));
        }
        Action::serve()
    });
    let run = mirror(&home, &server.url("pub"), "here");
    assert_eq!(run.code, Some(4), "{run:?}");
    assert!(run.stderr.contains("log: ") && run.stderr.contains("changed"), "{run:?}");
    assert_eq!(run.stderr.lines().count(), 1, "{run:?}");
    assert!((2..6).contains(&server.count("RETR")), "{:?}", server.commands());
    assert_eq!(home.names("here"), ["other"]);
}

#[test]
fn a_file_that_is_gone_when_it_is_fetched_is_reported() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("pub/gone", b"1");
    server.files().put("pub/other", b"other");
    server.on_command(|Command { verb, argument, .. }| match (verb, argument) {
        ("RETR", "pub/gone") => Action::reply("550 No such file or directory"),
        _ => Action::serve(),
    });
    let run = mirror(&home, &server.url("pub"), "here");
    assert_eq!(run.code, Some(8), "{run:?}");
    assert_eq!(home.names("here"), ["other"]);
}

#[test]
fn a_file_that_changes_while_it_goes_up_does_not_get_its_name() {
    for command in ["put", "mirror"] {
        let (server, home) = (Server::start(), Home::new());
        home.write("here/log", &bytes(50_000));
        home.write("here/other", b"other");
        let path = home.path("here/log");
        server.on_command(move |Command { verb, argument, .. }| {
            if verb == "STOR" && argument.ends_with("log.part") {
                std::fs::write(&path, bytes(60_000)).unwrap();
            }
            Action::serve()
        });
        let url = server.url("up/");
        let run = match command {
            "put" => home.rftp(&["put", "--mkdir", "here/log", "here/other", &url]),
            _ => mirror(&home, "here", &url),
        };
        assert_eq!(run.code, Some(3), "{command}: {run:?}");
        assert!(run.stderr.contains("log: has changed"), "{command}: {run:?}");
        assert!(
            !server.files().contains("up/log") && !server.files().contains("up/log.part"),
            "{command}: {run:?}"
        );
        assert_eq!(server.files().get("up/other").as_deref(), Some(&b"other"[..]), "{command}");
        server.on_command(|_| Action::serve());
        assert_eq!(mirror(&home, "here", &url).code, Some(0), "{command}");
        assert!(server.files().get("up/log") == Some(bytes(60_000)), "{command}");
    }
}

/// Each file is tried once, and nothing in a directory that can't be created
#[test]
fn a_server_that_takes_nothing_is_reported_once_for_each_file() {
    let (server, home) = (Server::start(), Home::new());
    home.write("here/a", b"1");
    home.write("here/b", b"1");
    home.write("here/d/c", b"1");
    server.files().put("up/there", b"");
    server.on_command(|Command { verb, .. }| match verb {
        "STOR" | "MKD" => Action::reply("550 Permission denied"),
        _ => Action::serve(),
    });
    let run = mirror(&home, "here", &server.url("up"));
    assert_eq!(run.code, Some(8), "{run:?}");
    assert_eq!(run.stderr.lines().count(), 3, "{run:?}");
    assert_eq!(server.count("STOR"), 2, "{:?}", server.commands());
    let run = home.rftp(&["put", "here/a", &server.url("up/")]);
    assert_eq!((run.code, run.stderr.lines().count()), (Some(8), 1), "{run:?}");
}

/// The server does not come back: the run ends soon, with few messages
#[test]
fn a_server_that_goes_away_is_reported() {
    let (server, home) = (Server::start(), Home::new());
    tree(&server);
    let files = AtomicUsize::new(0);
    server.on_command(move |Command { verb, .. }| {
        let is_gone = match verb {
            "RETR" => files.fetch_add(1, Ordering::SeqCst) >= 20,
            "GREETING" => files.load(Ordering::SeqCst) >= 20,
            _ => false,
        };
        if is_gone { Action::close() } else { Action::serve() }
    });
    let begun = Instant::now();
    let run = home.rftp(&[
        "mirror",
        SOON[0],
        SOON[1],
        "--retries",
        "2",
        "-j4",
        &server.url("pub"),
        "here",
    ]);
    assert_eq!(run.code, Some(4), "{run:?}");
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
    // One line for each of the four files in transfer, and one for the end of the run.
    assert!(run.stderr.lines().count() <= 5, "{run:?}");
    server.on_command(|_| Action::serve());
    let run = mirror(&home, &server.url("pub"), "here");
    assert_eq!(run.code, Some(0), "{run:?}");
}

/// Regression: it was reported as an error of this machine (exit code 3), and not retried
#[test]
fn a_session_that_ends_with_its_login_is_a_network_error_and_retried() {
    for end in [
        "500 OOPS: child died",
        "421 There are too many connections from your internet address.",
        "421 Service closing control connection.",
    ] {
        let (server, home) = (Server::start(), Home::new());
        server.files().put("file", b"content");
        // The server's process ends as soon as the login is accepted: both replies arrive together.
        let login = format!("230 welcome\r\n{end}");
        server.on_command(move |Command { verb, in_all, .. }| match verb {
            "PASS" if in_all <= 2 => Action::reply(login.clone()).then_close(),
            _ => Action::serve(),
        });
        let url = server.url("file");
        let run = home.rftp(&["get", "--retries", "1", "--retry-delay", "0.05", &url]);
        assert_eq!(run.code, Some(4), "{end} {run:?}");
        assert!(run.stderr.contains(&end[4..]), "{end} {run:?}");
        assert_eq!(server.count("PASS"), 2, "{end}");
        let run = home.rftp(&["get", &url]);
        assert_eq!((run.code, home.read("file")), (Some(0), b"content".to_vec()), "{end} {run:?}");
    }
    // A single command over one session, without a queue of files
    let (server, home) = (Server::start(), Home::new());
    server.files().put("file", b"content");
    server.on_command(move |Command { verb, in_all, .. }| match verb {
        "PASS" if in_all == 1 => Action::reply("230 welcome\r\n500 OOPS: child died").then_close(),
        _ => Action::serve(),
    });
    let run = home.rftp(&["rm", "--retry-delay", "0.05", &server.url("file")]);
    assert_eq!((run.code, server.files().contains("file")), (Some(0), false), "{run:?}");
}

/// Regression: retries of a request were multiplied by those of opening its session, 9 logins instead of 3
#[test]
fn retries_are_not_multiplied() {
    for command in ["ls", "cat", "rm", "stat", "get"] {
        let (server, home) = (Server::start(), Home::new());
        server.files().put("file", b"content");
        server.on_command(|Command { verb, .. }| match verb {
            "USER" => Action::reply("421 Come back later").then_close(),
            _ => Action::serve(),
        });
        let run =
            home.rftp(&[command, "--retries", "2", "--retry-delay", "0.05", &server.url("file")]);
        assert_eq!((run.code, server.count("USER")), (Some(4), 3), "{command} {run:?}");
    }
}

/// Regression: a file that the server had confirmed, and stored in part, got its name
#[test]
fn an_upload_that_the_server_stores_in_part_does_not_get_its_name() {
    let (server, home) = (Server::start(), Home::new());
    home.write("file", &bytes(1000));
    let files = server.files().clone();
    server.on_command(move |Command { verb, argument, .. }| {
        if verb == "SIZE" && files.contains("file.part") {
            // The disk was full.
            files.put(argument, bytes(300));
        }
        Action::serve()
    });
    let run = home.rftp(&["put", "file", &server.url("file")]);
    assert_eq!(run.code, Some(9), "{run:?}");
    assert!(run.stderr.contains("1000 bytes here, 300 bytes on the server"), "{run:?}");
    let names = ["file", "file.part"].map(|name| server.files().contains(name));
    assert_eq!(names, [false, false], "{:?}", server.commands());
}

/// A server could otherwise prolong the run by one byte for each attempt
#[test]
fn a_byte_more_is_no_progress() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("file", bytes(3_000_000));
    let downloads = AtomicUsize::new(0);
    server.on_command(move |Command { verb, .. }| match verb {
        "RETR" => {
            let count = downloads.fetch_add(1, Ordering::SeqCst) + 1;
            Action::serve().from_start().break_at(count).then_close()
        }
        "REST" => Action::reply("502 not here"),
        _ => Action::serve(),
    });
    let run = home.rftp(&["get", "--retries", "3", "--retry-delay", "0.01", &server.url("file")]);
    assert_eq!(run.code, Some(4), "{run:?}");
    assert!(server.count("RETR") <= 8, "{}", server.count("RETR"));
}

#[cfg(unix)]
#[test]
fn what_is_no_ordinary_file_is_not_replaced() {
    use std::os::unix::fs::FileTypeExt as _;

    let (server, home) = (Server::start(), Home::new());
    server.files().put("file", bytes(1000));
    let pipe = home.path("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let run = home.rftp(&["get", "-o", "pipe", &server.url("file")]);
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(std::fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo());
    assert_eq!(home.names(""), ["pipe"]);
}
