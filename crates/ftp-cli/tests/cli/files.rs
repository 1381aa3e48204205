//! `get` and `put`: files appear only when they are complete, and interrupted transfers are resumed

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use ftp_test::{Action, Command, Server};

use crate::parts::{state, state_of};
use crate::{Home, bytes};

const SIZE: usize = 3_000_000;

fn time_of(home: &Home, name: &str) -> u64 {
    let modified = home.path(name).metadata().unwrap().modified().unwrap();
    modified.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

pub(crate) fn set_time(home: &Home, name: &str, seconds: u64) {
    let file = std::fs::File::options().append(true).open(home.path(name)).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
}

#[test]
fn a_file_is_downloaded_whole_with_its_time() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("pub/file", bytes(SIZE));
    let run = home.rftp(&["get", &server.url("pub/file")]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(home.read("file"), bytes(SIZE));
    assert_eq!(home.names(""), ["file"]);
    // 2024-02-29 12:34:56 UTC.
    assert_eq!(time_of(&home, "file"), 1_709_210_096);
    assert!(run.stdout.contains("pub/file"), "{run:?}");
}

#[test]
fn a_part_left_by_an_earlier_run_is_resumed() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("file", bytes(SIZE));
    home.write("file.part", &bytes(SIZE)[..2_000_000]);
    home.write("file.part.state", &state(&server, "file"));
    let run = home.rftp(&["get", &server.url("file")]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(home.read("file"), bytes(SIZE));
    assert_eq!(home.names(""), ["file"]);
    // The last 64 KiB are compared.
    assert!(
        server.commands().contains(&format!("REST {}", 2_000_000 - 65_536)),
        "{:?}",
        server.commands()
    );
}

/// Regression: such a part was kept forever, and each run failed
#[test]
fn a_part_of_another_file_is_downloaded_again() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("file", bytes(SIZE));
    for left in [vec![7; 2_000_000], vec![7; SIZE], vec![7; SIZE + 1]] {
        home.write("file.part", &left);
        home.write("file.part.state", &state(&server, "file"));
        let run = home.rftp(&["get", &server.url("file")]);
        assert_eq!(run.code, Some(0), "{run:?}");
        assert_eq!(home.read("file"), bytes(SIZE));
        assert_eq!(home.names(""), ["file"]);
        assert!(run.stderr.contains("starts again"), "{run:?}");
    }
}

#[test]
fn a_broken_transfer_is_resumed_automatically() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("file", bytes(SIZE));
    let cuts = AtomicUsize::new(0);
    server.on_command(move |Command { verb, .. }| match verb {
        "RETR" if cuts.fetch_add(1, Ordering::SeqCst) < 2 => {
            Action::serve().break_at(1_000_000).then_close()
        }
        _ => Action::serve(),
    });
    let run = home.rftp(&["get", "--retry-delay", "0.05", "--retries", "1", &server.url("file")]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(home.read("file"), bytes(SIZE));
    assert_eq!(server.count("RETR"), 3);
}

/// Regression: it was taken for another file, and the whole file was fetched again
#[test]
fn a_connection_that_breaks_during_the_comparison_does_not_mean_a_different_file() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("file", bytes(SIZE));
    let cuts = AtomicUsize::new(0);
    server.on_command(move |Command { verb, .. }| match verb {
        "RETR" => match cuts.fetch_add(1, Ordering::SeqCst) {
            0 => Action::serve().break_at(2_000_000).then_close(),
            1 => Action::serve().break_at(10).then_close(),
            _ => Action::serve(),
        },
        _ => Action::serve(),
    });
    let run = home.rftp(&["get", "--retry-delay", "0.05", &server.url("file")]);
    assert_eq!((run.code, &*run.stderr), (Some(0), ""), "{run:?}");
    assert_eq!(home.read("file"), bytes(SIZE));
    let rest = format!("REST {}", 2_000_000 - 65_536);
    assert_eq!(
        server.commands().iter().filter(|line| **line == rest).count(),
        2,
        "{:?}",
        server.commands()
    );
}

#[test]
fn files_are_fetched_side_by_side() {
    let (server, home) = (Server::start(), Home::new());
    let urls: Vec<String> = (0..6).map(|file| server.url(&format!("d{file}/f{file}"))).collect();
    for file in 0..6 {
        server.files().put(&format!("d{file}/f{file}"), bytes(100_000 + file));
    }
    // Each download waits until three have started, as many as -j3 allows.
    let waiting = AtomicUsize::new(0);
    server.on_command(move |Command { verb, .. }| {
        if verb == "RETR" {
            waiting.fetch_add(1, Ordering::SeqCst);
            let begun = std::time::Instant::now();
            while waiting.load(Ordering::SeqCst) < 3 && begun.elapsed() < Duration::from_secs(10) {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        Action::serve()
    });
    let mut arguments = vec!["get", "-j3", "-O", "here"];
    arguments.extend(urls.iter().map(String::as_str));
    let run = home.rftp(&arguments);
    assert_eq!(run.code, Some(0), "{run:?}");
    for file in 0..6 {
        assert_eq!(home.read(&format!("here/f{file}")), bytes(100_000 + file));
    }
    assert_eq!(server.sessions().most, 3);
}

/// Regression: the second file replaced the first one without a message
#[test]
fn two_files_do_not_get_one_name() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("a/file", b"one");
    server.files().put("b/file", b"two");
    let run = home.rftp(&["get", &server.url("a/file"), &server.url("b/file")]);
    assert_eq!((run.code, home.names("")), (Some(2), vec![]), "{run:?}");
    assert!(run.stderr.contains("file") && run.stderr.contains("-o"), "{run:?}");
    assert_eq!(server.commands(), [""; 0]);
}

#[test]
fn files_are_uploaded_side_by_side() {
    let (server, home) = (Server::start(), Home::new());
    let names: Vec<String> = (0..6).map(|file| format!("f{file}")).collect();
    for (file, name) in names.iter().enumerate() {
        home.write(name, &bytes(100_000 + file));
    }
    // Each upload waits until three have started, as many as -j3 allows.
    let waiting = AtomicUsize::new(0);
    server.on_command(move |Command { verb, .. }| {
        if verb == "STOR" {
            waiting.fetch_add(1, Ordering::SeqCst);
            let begun = std::time::Instant::now();
            while waiting.load(Ordering::SeqCst) < 3 && begun.elapsed() < Duration::from_secs(10) {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        Action::serve()
    });
    let url = server.url("new/d/");
    let mut arguments = vec!["put", "-j3", "--mkdir"];
    arguments.extend(names.iter().map(String::as_str));
    arguments.push(&url);
    let run = home.rftp(&arguments);
    assert_eq!(run.code, Some(0), "{run:?}");
    for (file, name) in names.iter().enumerate() {
        assert!(server.files().get(&format!("new/d/{name}")) == Some(bytes(100_000 + file)));
    }
    assert_eq!(server.sessions().most, 3, "{:?}", server.commands());
}

/// Regression: the second file replaced the first one without a message
#[test]
fn two_uploads_do_not_get_one_name() {
    let (server, home) = (Server::start(), Home::new());
    home.write("a/file", b"one");
    home.write("b/file", b"two");
    let run = home.rftp(&["put", "a/file", "b/file", &server.url("")]);
    assert!(run.code == Some(2) && run.stderr.contains("b/file"), "{run:?}");
    assert_eq!(server.commands(), [""; 0]);
    // Appended, both are in it.
    let run = home.rftp(&["put", "--append", "a/file", "b/file", &server.url("")]);
    assert_eq!((run.code, server.files().get("file").unwrap()), (Some(0), b"onetwo".to_vec()));
}

/// While `f` is incomplete on the server, its bytes are in `f.part`
#[test]
fn an_upload_does_not_get_the_name_of_another_ones_part() {
    let (server, home) = (Server::start(), Home::new());
    home.write("f", b"one");
    home.write("f.part", b"two");
    let run = home.rftp(&["put", "f.part", "f", &server.url("")]);
    assert!(run.code == Some(2) && run.stderr.contains("--temp-suffix"), "{run:?}");
    assert_eq!(server.commands(), [""; 0]);
    let run = home.rftp(&["put", "--inplace", "f.part", "f", &server.url("")]);
    assert_eq!((run.code, server.files().paths().len()), (Some(0), 2), "{run:?}");
}

/// Failed files are reported, also in JSON
#[test]
fn files_that_fail_are_in_the_summary() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("a", b"one");
    let run = home.rftp(&["get", "--json", &server.url("a"), &server.url("none")]);
    assert_eq!(run.code, Some(8), "{run:?}");
    let events: Vec<serde_json::Value> =
        run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let failed = events.iter().find(|event| event["event"] == "fail").unwrap();
    assert_eq!((failed["file"].as_str(), failed["code"].as_u64()), (Some("none"), Some(8)));
    assert_eq!(events.last().unwrap()["failed"], 1);
}

#[test]
fn an_interrupted_run_is_resumed_by_the_next_one() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("file", bytes(SIZE));
    server.on_command(|Command { verb, .. }| match verb {
        "RETR" => Action::serve().slow_from(2_000_000, Duration::from_millis(50)),
        _ => Action::serve(),
    });
    let mut child = home.command(&["get", &server.url("file")]).spawn().unwrap();
    let begun = SystemTime::now();
    while !home.path("file.part").metadata().is_ok_and(|file| file.len() >= 1_900_000) {
        assert!(begun.elapsed().unwrap() < Duration::from_secs(20), "nothing comes");
        std::thread::sleep(Duration::from_millis(20));
    }
    // A second run must not write to the same file.
    let second = home.rftp(&["get", &server.url("file")]);
    assert_eq!(second.code, Some(3), "{second:?}");
    assert!(second.stderr.contains("another run"), "{second:?}");
    let interrupted =
        std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(interrupted.unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(home.names(""), ["file.part", "file.part.state"]);
    server.on_command(|_| Action::serve());
    server.forget_commands();
    let run = home.rftp(&["get", &server.url("file")]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!((home.read("file"), home.names("")), (bytes(SIZE), vec!["file".to_owned()]));
    assert_eq!(server.count("REST"), 1);
}

/// Regression: each file that was not begun yet was reported as failed
#[test]
#[cfg(unix)]
fn an_interruption_is_not_reported_for_each_file() {
    let (server, home) = (Server::start(), Home::new());
    let urls: Vec<String> = (0..10).map(|file| server.url(&format!("f{file}"))).collect();
    for file in 0..10 {
        server.files().put(&format!("f{file}"), bytes(SIZE));
    }
    server.limit_sessions(ftp_test::Limit::new(1));
    server.on_command(|Command { verb, .. }| match verb {
        "RETR" => Action::serve().slow_from(1_000_000, Duration::from_millis(50)),
        _ => Action::serve(),
    });
    let mut arguments = vec!["get", "-j2"];
    arguments.extend(urls.iter().map(String::as_str));
    let child = home
        .command(&arguments)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let begun = SystemTime::now();
    let is_begun = |name: String| home.path(&name).metadata().is_ok_and(|file| file.len() > 0);
    // The other thread waits for a session, which the server refuses.
    while !(0..10).any(|file| is_begun(format!("f{file}.part"))) || server.sessions().refused == 0 {
        assert!(begun.elapsed().unwrap() < Duration::from_secs(20), "nothing comes");
        std::thread::sleep(Duration::from_millis(20));
    }
    let interrupted =
        std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(interrupted.unwrap().success());
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        (output.status.code(), stderr.matches("interrupted").count()),
        (Some(130), 1),
        "{stderr}"
    );
}

#[test]
fn a_file_that_has_changed_since_is_not_spliced() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("file", bytes(SIZE));
    home.write("file.part", &bytes(SIZE)[..2_000_000]);
    // The bytes that are compared are the same; only the noted time differs.
    home.write("file.part.state", &state_of(&server, "file", 1));
    let run = home.rftp(&["get", &server.url("file")]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stderr.contains("of another version"), "{run:?}");
    assert_eq!(home.read("file"), bytes(SIZE));
    assert!(
        !server.commands().iter().any(|line| line.starts_with("REST 19")),
        "{:?}",
        server.commands()
    );
}

/// An older version with the same size, and the same bytes at its end
#[test]
fn a_version_that_differs_before_the_compared_bytes_is_not_resumed() {
    for (name, arguments) in [("file.part", vec!["get"]), ("file", vec!["get", "--inplace"])] {
        let (server, home) = (Server::start(), Home::new());
        server.files().put("file", bytes(SIZE));
        let mut older = bytes(SIZE);
        older[0] ^= 1;
        home.write(name, &older);
        let url = server.url("file");
        let arguments: Vec<&str> = arguments.into_iter().chain([&*url]).collect();
        let run = home.rftp(&arguments);
        assert_eq!(run.code, Some(0), "{run:?}");
        assert!(home.read("file") == bytes(SIZE), "{arguments:?}");
        assert_eq!(home.names(""), ["file"]);
    }
}

#[test]
fn standard_output_has_the_file_and_nothing_else() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("a", b"one\n");
    server.files().put("b", b"two\n");
    for arguments in [vec!["get", "-o", "-"], vec!["cat"]] {
        let urls = [server.url("a"), server.url("b")];
        let arguments: Vec<&str> =
            arguments.into_iter().chain(urls.iter().map(String::as_str)).collect();
        let run = home.rftp(&arguments);
        assert_eq!((run.code, &*run.stdout), (Some(0), "one\ntwo\n"), "{run:?}");
    }
    assert_eq!(home.names(""), [""; 0]);
}

#[test]
fn an_upload_gets_its_name_when_it_is_whole() {
    let (server, home) = (Server::start(), Home::new());
    home.write("file", &bytes(SIZE));
    let run = home.rftp(&["put", "file", &server.url("new/dir/"), "--mkdir"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(server.files().get("new/dir/file"), Some(bytes(SIZE)));
    assert!(!server.files().contains("new/dir/file.part"));
    let log = server.commands();
    for line in ["STOR new/dir/file.part", "RNFR new/dir/file.part", "RNTO new/dir/file"] {
        assert!(log.iter().any(|other| other == line), "{line} is not in {log:?}");
    }
    assert!(!log.iter().any(|line| line == "STOR new/dir/file"), "{log:?}");
}

#[test]
fn a_broken_upload_is_resumed() {
    let (server, home) = (Server::start(), Home::new());
    home.write("file", &bytes(SIZE));
    set_time(&home, "file", 1_600_000_000);
    server.on_command(|Command { verb, .. }| match verb {
        "STOR" => Action::serve().break_at(1_000_000).then_close(),
        "APPE" => Action::close(),
        _ => Action::serve(),
    });
    let run =
        home.rftp(&["put", "file", &server.url("file"), "--retries", "1", "--retry-delay", "0.05"]);
    assert_eq!(run.code, Some(4), "{run:?}");
    assert!(server.files().contains("file.part") && !server.files().contains("file"));
    server.on_command(|_| Action::serve());
    server.forget_commands();
    let run = home.rftp(&["put", "file", &server.url("file")]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(server.files().get("file"), Some(bytes(SIZE)));
    assert!(!server.files().contains("file.part"));
    assert_eq!((server.count("STOR"), server.count("APPE")), (0, 1), "{:?}", server.commands());
}

/// The part already has the modification time of the local file
#[test]
fn an_upload_that_lacks_only_its_name_is_not_sent_again() {
    let (server, home) = (Server::start(), Home::new());
    home.write("file", &bytes(SIZE));
    set_time(&home, "file", 1_600_000_000);
    server.on_command(|Command { verb, .. }| match verb {
        "RNFR" => Action::close(),
        _ => Action::serve(),
    });
    let run = home.rftp(&["put", "file", &server.url("file"), "--retries", "0"]);
    assert_eq!(run.code, Some(4), "{run:?}");
    assert!(server.files().contains("file.part") && !server.files().contains("file"));
    server.on_command(|_| Action::serve());
    server.forget_commands();
    let run = home.rftp(&["put", "--json", "file", &server.url("file")]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(
        server.files().get("file") == Some(bytes(SIZE)) && !server.files().contains("file.part")
    );
    assert_eq!(server.count("STOR"), 0, "{:?}", server.commands());
}

#[test]
fn standard_input_is_uploaded() {
    use std::io::Write as _;
    let (server, home) = (Server::start(), Home::new());
    let mut command = home.command(&["put", "-", &server.url("in")]);
    let mut child = command.stdin(std::process::Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"from a pipe").unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(server.files().get("in").unwrap(), b"from a pipe");
}

/// Regression: nothing at all was listed
#[test]
fn a_directory_that_can_not_be_read_does_not_hide_the_others() {
    let (server, home) = (Server::start(), Home::new());
    for file in ["d/a", "d/bad/b", "d/e/c"] {
        server.files().put(file, b"1");
    }
    server.on_command(|Command { argument, .. }| match argument.ends_with("bad") {
        true => Action::reply("550 Permission denied."),
        false => Action::serve(),
    });
    let run = home.rftp(&["ls", "-R", &server.url("d/")]);
    assert_eq!((run.code, &*run.stdout), (Some(8), "a\nbad\ne\ne/c\n"), "{run:?}");
    assert!(run.stderr.contains("d/bad: ") && run.stderr.contains("Permission"), "{run:?}");
}

#[test]
fn files_and_directories_are_listed_renamed_and_removed() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("d/a", b"12345");
    server.files().put("d/e/b", b"1");
    let run = home.rftp(&["ls", &server.url("d/")]);
    assert_eq!((run.code, &*run.stdout), (Some(0), "a\ne\n"));
    let run = home.rftp(&["ls", "-R", &server.url("d/")]);
    assert_eq!((run.code, &*run.stdout), (Some(0), "a\ne\ne/b\n"));
    let run = home.rftp(&["ls", "-l", &server.url("d/")]);
    assert!(run.stdout.contains("5") && run.stdout.contains("2024-02-29T12:34:56Z a"), "{run:?}");
    let run = home.rftp(&["ls", "--json", &server.url("d/")]);
    assert!(run.stdout.contains(r#""name":"a""#) && run.stdout.contains(r#""size":5"#), "{run:?}");
    let run = home.rftp(&["stat", "--json", &server.url("d/a")]);
    assert!(run.stdout.contains(r#""size":5"#), "{run:?}");
    assert_eq!(home.rftp(&["mv", &server.url("d/a"), &server.url("d/e/")]).code, Some(0));
    assert!(server.files().contains("d/e/a") && !server.files().contains("d/a"));
    assert_eq!(home.rftp(&["mkdir", "-p", &server.url("x/y/z")]).code, Some(0));
    assert!(server.files().contains("x/y/z"));
    assert_eq!(home.rftp(&["rm", &server.url("d/e/a")]).code, Some(0));
    assert!(!server.files().contains("d/e/a"));
    let run = home.rftp(&["rm", "-r", &server.url("d")]);
    assert_eq!(run.code, Some(0), "{run:?} {:?}", server.commands());
    assert!(!server.files().contains("d") && !server.files().contains("d/e/b"));
    let run = home.rftp(&["info", &server.url("")]);
    assert!(
        run.code == Some(0) && run.stdout.contains("ready") && run.stdout.contains("REST STREAM"),
        "{run:?}"
    );
}
