//! Uploads never leave the server without a complete version of a file that it had

use std::sync::atomic::{AtomicUsize, Ordering};

use ftp_test::{Action, Command, Server};

use crate::{Home, Run};

const SOON: [&str; 2] = ["--retry-delay", "0.02"];

/// A server that has an old version of `f`, and a directory `d` here with the new one
fn versions() -> (Server, Home) {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("f", b"old");
    home.write("d/f", b"new version");
    (server, home)
}

fn send(server: &Server, home: &Home, command: &str) -> Run {
    let (from, url) = (if command == "put" { "d/f" } else { "d" }, server.url(""));
    home.rftp(&[command, SOON[0], SOON[1], "--retries", "1", from, &url])
}

/// What the server has of `f`, of its part, and of the version that was renamed aside
fn there(server: &Server) -> [Option<String>; 3] {
    ["f", "f.part", "f.part.old"].map(|name| {
        server.files().get(name).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    })
}

fn all(f: Option<&str>, part: Option<&str>, aside: Option<&str>) -> [Option<String>; 3] {
    [f, part, aside].map(|content| content.map(str::to_owned))
}

/// Regression: the first run deleted the old version, the second one the new version, too
#[test]
fn a_refused_rename_costs_neither_the_old_nor_the_new_version() {
    let reasons = [
        "550 Permission denied",
        "500 What?",
        "501 Bad argument",
        "502 Not implemented",
        "503 Bad sequence",
        "530 Not logged in",
        "532 Need account",
        "552 Quota",
        "553 Not this name",
    ];
    for (refused, command) in
        [("RNFR", "put"), ("RNFR", "mirror"), ("RNTO", "put"), ("RNTO", "mirror")]
    {
        for reason in reasons {
            let (server, home) = versions();
            server.on_command(move |Command { verb, .. }| match verb {
                _ if verb == refused => Action::reply(reason),
                _ => Action::serve(),
            });
            for attempt in 1..=2 {
                let what = format!("{refused} {reason} {command} {attempt}");
                let run = send(&server, &home, command);
                assert!(![None, Some(0)].contains(&run.code), "{what}: {run:?}");
                assert_eq!(
                    there(&server),
                    all(Some("old"), Some("new version"), None),
                    "{what}: {:?}",
                    server.commands()
                );
                assert!(run.stderr.contains("complete as f.part"), "{what}: {run:?}");
                assert_eq!(server.count("DELE"), 0, "{what}");
                if refused == "RNFR" {
                    let log = server.commands();
                    assert!(!log.iter().any(|line| line == "RNFR f"), "{what}: {log:?}");
                }
            }
            server.on_command(|_| Action::serve());
            assert_eq!(send(&server, &home, command).code, Some(0));
            assert_eq!(there(&server), all(Some("new version"), None, None));
        }
    }
}

/// The server takes any command for RNFR, and forgets it
#[test]
fn a_server_that_accepts_a_rename_and_does_not_know_it_keeps_both_versions() {
    for accepted in ["200 fine", "350 go on"] {
        let (server, home) = versions();
        server.on_command(move |Command { verb, .. }| match verb {
            "RNFR" => Action::reply(accepted),
            _ => Action::serve(),
        });
        let run = send(&server, &home, "put");
        assert_eq!(run.code, Some(8), "{run:?}");
        assert_eq!(there(&server), all(Some("old"), Some("new version"), None));
        assert_eq!(server.count("DELE"), 0);
    }
}

/// Answers like IIS: RNTO does not replace a file; `refused` of these requests after the first are refused, too
fn keeps_targets(server: &Server, first: usize, last: usize, end: fn() -> Action) {
    let (files, seen) = (server.files().clone(), AtomicUsize::new(0));
    server.on_command(move |Command { verb, argument, .. }| match (verb, argument) {
        ("RNTO", "f") if (first..=last).contains(&(seen.fetch_add(1, Ordering::SeqCst) + 1)) => {
            end()
        }
        ("RNTO", name) if files.contains(name) => Action::reply("550 File exists"),
        _ => Action::serve(),
    });
}

fn refuse() -> Action {
    Action::reply("550 Not now")
}

#[test]
fn a_file_that_the_server_does_not_replace_is_deleted_last() {
    for command in ["put", "mirror"] {
        let (server, home) = versions();
        // A run that was killed has left it.
        server.files().put("f.part.old", b"older");
        keeps_targets(&server, 9, 9, refuse);
        let run = send(&server, &home, command);
        assert_eq!((run.code, &*run.stderr), (Some(0), ""), "{run:?}");
        assert_eq!(there(&server), all(Some("new version"), None, None));
        let log = server.commands();
        assert!(!log.iter().any(|line| line == "DELE f"), "{log:?}");
        let last = |wanted: &str| log.iter().rposition(|line| line == wanted).unwrap();
        assert!(last("DELE f.part.old") > last("RNTO f"), "{log:?}");
    }
}

/// The server refuses the name for another reason
#[test]
fn the_old_file_gets_its_name_back_if_the_new_one_is_refused() {
    let (server, home) = versions();
    keeps_targets(&server, 2, 2, refuse);
    let run = send(&server, &home, "put");
    assert_eq!(run.code, Some(8), "{run:?}");
    assert_eq!(there(&server), all(Some("old"), Some("new version"), None));
    assert!(
        run.stderr.contains("550 Not now") && run.stderr.contains("complete as f.part"),
        "{run:?}"
    );
}

#[test]
fn a_message_tells_where_both_versions_are() {
    let (server, home) = versions();
    keeps_targets(&server, 2, 9, refuse);
    let run = send(&server, &home, "put");
    assert_eq!(run.code, Some(8), "{run:?}");
    assert_eq!(there(&server), all(None, Some("new version"), Some("old")));
    assert!(run.stderr.contains("complete as f.part"), "{run:?}");
    assert!(run.stderr.contains("the old version is f.part.old"), "{run:?}");
    // The next run still has no right to the name, and loses nothing.
    let run = send(&server, &home, "put");
    assert_eq!(run.code, Some(8), "{run:?}");
    assert_eq!(there(&server), all(None, Some("new version"), Some("old")));
    server.on_command(|_| Action::serve());
    assert_eq!(send(&server, &home, "put").code, Some(0));
    assert_eq!(there(&server), all(Some("new version"), None, Some("old")));
}

/// The next attempt finds the old file aside, and deletes it once the new one has its name
#[test]
fn a_session_that_is_lost_in_the_middle_of_a_replacement_is_no_failure() {
    for at in 1..=3 {
        let (server, home) = versions();
        let (files, renames) = (server.files().clone(), AtomicUsize::new(0));
        server.on_command(move |Command { verb, argument, .. }| match verb {
            "RNTO" if renames.fetch_add(1, Ordering::SeqCst) == at => Action::close(),
            "RNTO" if files.contains(argument) => Action::reply("553 file exists"),
            _ => Action::serve(),
        });
        let run = send(&server, &home, "put");
        assert_eq!(run.code, Some(0), "{at}: {run:?}");
        assert_eq!(there(&server), all(Some("new version"), None, None), "{at}");
    }
}

/// It would be deleted as the old version of another file
#[test]
fn a_name_that_old_versions_have_is_refused() {
    let (server, home) = versions();
    home.write("d/f.part.old", b"mine");
    let run = send(&server, &home, "mirror");
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(
        run.stderr.contains("f.part.old: this is the temporary name of another file"),
        "{run:?}"
    );
    assert_eq!(there(&server), all(Some("new version"), None, None));
    // A mirror from a server has no such names.
    server.files().put("f.part.old", b"mine");
    let run = home.rftp(&["mirror", &server.url(""), "down"]);
    assert_eq!((run.code, home.read("down/f.part.old")), (Some(0), b"mine".to_vec()), "{run:?}");
}

/// No file has the final name then, and the error says under which name the old version is
#[test]
fn a_server_that_goes_away_in_the_middle_of_a_replacement_is_reported() {
    let (server, home) = versions();
    let (files, renames) = (server.files().clone(), AtomicUsize::new(0));
    server.on_command(move |Command { verb, argument, .. }| match verb {
        "RNTO" if renames.fetch_add(1, Ordering::SeqCst) == 2 => Action::close(),
        "GREETING" if files.contains("f.part.old") => Action::close(),
        "RNTO" if files.contains(argument) => Action::reply("553 file exists"),
        _ => Action::serve(),
    });
    let run = send(&server, &home, "put");
    assert_eq!(run.code, Some(4), "{run:?}");
    assert!(run.stderr.contains("the old version is f.part.old"), "{run:?}");
    assert_eq!(there(&server), all(None, Some("new version"), Some("old")));
}

#[test]
fn a_directory_is_not_renamed_aside() {
    let (server, home) = versions();
    server.files().remove("f");
    server.files().put("f/inside", b"kept");
    keeps_targets(&server, 9, 9, refuse);
    let files = server.files().clone();
    server.on_command(move |Command { verb, argument, .. }| match (verb, argument) {
        ("RNTO", name) if files.contains(name) => Action::reply("550 It is a directory"),
        _ => Action::serve(),
    });
    let run = send(&server, &home, "put");
    assert_eq!(run.code, Some(8), "{run:?}");
    assert_eq!(server.files().get("f/inside").unwrap(), b"kept");
    assert_eq!(server.files().get("f.part").unwrap(), b"new version");
}

/// What an earlier run has uploaded may be the only complete version
#[test]
fn a_refused_upload_deletes_nothing_of_an_earlier_run() {
    let (server, home) = versions();
    server.files().put("f.part", b"an earlier one");
    server.on_command(|Command { verb, .. }| match verb {
        "STOR" => Action::reply("550 No overwriting here"),
        _ => Action::serve(),
    });
    let run = send(&server, &home, "put");
    assert_eq!(run.code, Some(8), "{run:?}");
    assert_eq!(there(&server), all(Some("old"), Some("an earlier one"), None));
    // A part of this run that can't be resumed is deleted.
    server.on_command(|Command { verb, .. }| match verb {
        "STOR" => Action::serve().break_at(3).final_reply("552 Disk full"),
        _ => Action::serve(),
    });
    let run = send(&server, &home, "put");
    assert_eq!(run.code, Some(8), "{run:?}");
    assert_eq!(there(&server), all(Some("old"), None, None));
}

/// Standard input can't be read again
#[test]
fn standard_input_is_kept_if_it_can_not_be_renamed() {
    let (server, home) = versions();
    server.on_command(|Command { verb, .. }| match verb {
        "RNFR" => Action::reply("550 Permission denied"),
        _ => Action::serve(),
    });
    let mut command = home.command(&["put", "-", &server.url("f")]);
    command.stdin(std::fs::File::open(home.path("d/f")).unwrap());
    let run = crate::run(&mut command);
    assert_eq!(run.code, Some(8), "{run:?}");
    assert_eq!(there(&server), all(Some("old"), Some("new version"), None));
}

/// Regression: an empty file replaced the one on the server, because the runtime of Rust opens `/dev/null` instead
#[test]
#[cfg(unix)]
fn a_standard_input_that_is_closed_is_not_an_empty_file() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("file", b"old");
    let (file, root) = (server.url("file"), server.url(""));
    for arguments in [
        &["put", "-", &file][..],
        &["put", "--append", "-", &file],
        &["fetch", "--base", &root, "-"],
        &["ls", "--user", "me", "--password-file", "-", &root],
    ] {
        let mut command = std::process::Command::new("sh");
        command.args(["-c", "exec \"$0\" \"$@\" <&-", env!("CARGO_BIN_EXE_rftp")]).args(arguments);
        let run = crate::run(command.current_dir(home.path("")).env("HOME", home.path("")));
        assert_eq!(run.code, Some(3), "{arguments:?}: {run:?}");
        assert!(run.stderr.contains("standard input: is closed"), "{arguments:?}: {run:?}");
    }
    assert_eq!((server.sessions().logins, server.files().get("file").unwrap()), (0, b"old".into()));
    // As a shell opens /dev/null
    let mut command = home.command(&["put", "-", &file]);
    let run = crate::run(command.stdin(std::fs::File::open("/dev/null").unwrap()));
    assert_eq!((run.code, server.files().get("file").unwrap()), (Some(0), vec![]), "{run:?}");
}

/// Answers like a server without SIZE whose disk is full: it confirms uploads that it has stored in part
fn stores_three_bytes(server: &Server, has_mlst: bool) {
    let files = server.files().clone();
    server.on_command(move |Command { verb, argument, .. }| match verb {
        "SIZE" => {
            if files.contains(argument) {
                files.put(argument, b"new");
            }
            Action::reply("550 SIZE not allowed")
        }
        "FEAT" | "MLST" if !has_mlst => Action::reply("502 not here"),
        _ => Action::serve(),
    });
}

/// Regression: only SIZE was asked
#[test]
fn mlst_tells_that_an_upload_was_stored_in_part() {
    for command in ["put", "mirror"] {
        let (server, home) = versions();
        stores_three_bytes(&server, true);
        let run = send(&server, &home, command);
        assert_eq!(run.code, Some(9), "{command}: {run:?}");
        assert!(run.stderr.contains("11 bytes here, 3 bytes on the server"), "{run:?}");
        assert_eq!(there(&server), all(Some("old"), None, None), "{command}");
        // Without either command nothing contradicts the server.
        stores_three_bytes(&server, false);
        assert_eq!(send(&server, &home, "put").code, Some(0), "{command}");
    }
}

/// Sends this many bytes with `put --append`, of which the server keeps `kept`, as if `before` bytes had been there
fn append(before: &[u8], kept: usize, has_size: bool) -> (Server, Run) {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("log", before);
    home.write("log", b"0123456789");
    let (files, is_sent) = (server.files().clone(), AtomicUsize::new(0));
    let old = before.to_vec();
    server.on_command(move |Command { verb, argument, .. }| {
        match verb {
            "APPE" => is_sent.store(1, Ordering::SeqCst),
            // The server has received everything, and stored this.
            "SIZE" | "MLST" if is_sent.swap(0, Ordering::SeqCst) == 1 => {
                files.put(argument, [&*old, &b"0123456789"[..kept]].concat());
            }
            _ => {}
        }
        match verb {
            "SIZE" | "MLST" if !has_size => Action::reply("502 not here"),
            _ => Action::serve(),
        }
    });
    let run = home.rftp(&["put", "--append", "log", &server.url("log")]);
    (server, run)
}

/// Regression: only the server's confirmation counted
#[test]
fn what_was_appended_in_part_is_reported() {
    let (server, run) = append(b"before", 3, true);
    assert_eq!(run.code, Some(9), "{run:?}");
    assert!(run.stderr.contains("log: ") && run.stderr.contains("16 bytes expected"), "{run:?}");
    assert!(run.stderr.contains("9 bytes on the server"), "{run:?}");
    // What was appended stays, and nothing is sent again.
    assert_eq!(server.files().get("log").unwrap(), b"before012");
    assert_eq!((server.count("APPE"), server.count("DELE")), (1, 0));
    for (before, kept, has_size) in
        [(&b"before"[..], 10, true), (b"", 10, true), (b"before", 3, false)]
    {
        let (_, run) = append(before, kept, has_size);
        assert_eq!((run.code, &*run.stderr), (Some(0), ""), "{kept} {has_size}");
    }
    // A file that was not there, and of which the server reports that.
    let (server, home) = (Server::start(), Home::new());
    home.write("log", b"0123456789");
    for size in [10, 20] {
        let run = home.rftp(&["put", "--append", "log", &server.url("new")]);
        assert_eq!(
            (run.code, server.files().get("new").unwrap().len()),
            (Some(0), size),
            "{run:?}"
        );
    }
    server.on_command(|Command { verb, .. }| match verb {
        "SIZE" => Action::reply("550 Could not get file size."),
        "MLST" => Action::reply("250-facts\r\n type=file;size=4; new\r\n250 end"),
        _ => Action::serve(),
    });
    let run = home.rftp(&["put", "--append", "log", &server.url("new")]);
    assert_eq!(run.code, Some(9), "{run:?}");
}

#[test]
fn a_file_whose_name_the_server_chose_has_the_size_of_the_local_one() {
    for folder in ["", "d/"] {
        let (server, home) = (Server::start(), Home::new());
        server.files().put("d/file", b"old");
        home.write("a", b"0123456789");
        let files = server.files().clone();
        let stored = format!("{folder}unique-1");
        server.on_command(move |Command { verb, .. }| {
            if verb == "SIZE" && files.contains(&stored) {
                files.put(&stored, b"0123");
            }
            Action::serve()
        });
        let run = home.rftp(&["put", "--unique", "a", &server.url(folder)]);
        assert_eq!(run.code, Some(9), "{folder}: {run:?}");
        assert!(run.stderr.contains("10 bytes here, 4 bytes on the server"), "{run:?}");
        assert!(run.stderr.contains("unique-1"), "{run:?}");
        server.on_command(|_| Action::serve());
        let run = home.rftp(&["put", "--unique", "a", &server.url(folder)]);
        assert_eq!(run.code, Some(0), "{run:?}");
    }
}

/// Regression: the message said that the upload is complete under a name that the server does not have
#[test]
fn a_part_that_is_gone_is_not_called_complete() {
    for command in ["put", "mirror"] {
        let (server, home) = versions();
        let files = server.files().clone();
        server.on_command(move |Command { verb, .. }| {
            if verb == "RNFR" {
                files.remove("f.part");
            }
            Action::serve()
        });
        let run = send(&server, &home, command);
        assert_eq!(run.code, Some(8), "{command}: {run:?}");
        assert!(!run.stderr.contains("complete as"), "{command}: {run:?}");
        assert!(run.stderr.contains("f.part was uploaded, and is not on the server any more"));
        assert_eq!(there(&server), all(Some("old"), None, None), "{command}");
    }
}

/// Regression: only size and modification time were compared, and a mixture of both versions got its name
#[cfg(unix)]
#[test]
fn a_file_that_is_rewritten_during_its_upload_and_gets_its_old_time_is_noticed() {
    for command in ["put", "mirror"] {
        let (server, home) = versions();
        let path = home.path("d/f");
        let time = path.metadata().unwrap().modified().unwrap();
        server.on_command(move |Command { verb, .. }| {
            if verb == "STOR" {
                // File systems keep times to a few milliseconds.
                std::thread::sleep(std::time::Duration::from_millis(50));
                std::fs::write(&path, b"NEW VERSION").unwrap();
                std::fs::File::options()
                    .write(true)
                    .open(&path)
                    .unwrap()
                    .set_modified(time)
                    .unwrap();
            }
            Action::serve()
        });
        let run = send(&server, &home, command);
        assert_eq!(run.code, Some(3), "{command}: {run:?}");
        assert!(run.stderr.contains("f: has changed"), "{command}: {run:?}");
        assert_eq!(there(&server), all(Some("old"), None, None), "{command}");
    }
}
