//! How many requests, and so round trips, the transfer of several files takes

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::Duration;

use ftp_test::{Action, Command, Server};

use crate::{Home, bytes};

const FILES: usize = 10;

/// Fetches [`FILES`] files over one session; returns the commands of that run
fn commands_of_get(server: &Server) -> Vec<String> {
    let home = Home::new();
    let names: Vec<String> = (0..FILES).map(|file| format!("f{file}")).collect();
    let mut arguments = vec!["get".to_owned(), "-j1".into()];
    for name in &names {
        server.files().put(name, bytes(1000));
        arguments.push(server.url(name));
    }
    let run = home.rftp(&arguments);
    assert_eq!((run.code, &*run.stderr), (Some(0), ""), "{run:?}");
    assert_eq!(home.names(""), names);
    for name in &names {
        assert_eq!(home.read(name), bytes(1000));
    }
    server.commands()
}

fn count(commands: &[String], verb: &str) -> usize {
    commands.iter().filter(|line| line.split(' ').next() == Some(verb)).count()
}

#[test]
fn one_request_tells_size_and_time() {
    let server = Server::start();
    let commands = commands_of_get(&server);
    let counts = ["FEAT", "MLST", "SIZE", "MDTM", "USER"].map(|verb| count(&commands, verb));
    assert_eq!(counts, [1, FILES, 0, 0, 1], "{commands:?}");
}

#[test]
fn size_and_time_are_asked_for_where_mlst_is_not_announced_or_tells_too_little() {
    let server = Server::start();
    server.on_command(|Command { verb, .. }| match verb {
        "FEAT" => Action::reply("211-features\r\n EPSV\r\n SIZE\r\n MDTM\r\n211 end"),
        _ => Action::serve(),
    });
    let commands = commands_of_get(&server);
    let counts = ["FEAT", "MLST", "SIZE", "MDTM"].map(|verb| count(&commands, verb));
    assert_eq!(counts, [1, 0, FILES, FILES], "{commands:?}");

    for (facts, size, mdtm) in [
        // A link, whose size is not that of the file.
        ("type=file;size=11;modify=20240229123456;UNIX.mode=0777;", FILES, FILES),
        ("type=file;size=1000;", 0, FILES),
        ("type=file;modify=20240229123456;", FILES, 0),
    ] {
        let server = Server::start();
        server.on_command(move |Command { verb, .. }| match verb {
            "MLST" => Action::reply(format!("250-facts\r\n {facts} f\r\n250 end")),
            _ => Action::serve(),
        });
        let commands = commands_of_get(&server);
        let counts = ["MLST", "SIZE", "MDTM"].map(|verb| count(&commands, verb));
        assert_eq!(counts, [FILES, size, mdtm], "{facts} {commands:?}");
    }
}

/// Where the port of the next transfer is asked for during a transfer, that is worth a round trip for each file
#[test]
fn transfers_follow_one_another() {
    let server = Server::start();
    server.on_command(|Command { verb, .. }| match verb {
        "GREETING" => Action::reply("220 (vsFTPd 3.0.5)"),
        "FEAT" => Action::reply("211-features\r\n EPSV\r\n SIZE\r\n MDTM\r\n211 end"),
        _ => Action::serve(),
    });
    let commands = commands_of_get(&server);
    let first = commands.iter().position(|line| line.starts_with("RETR")).unwrap();
    let between: Vec<&str> = commands[first..].iter().map(|line| &line[..4]).collect();
    let mut expected = vec!["RETR", "EPSV"];
    // From the second one on, EPSV goes out during the transfer; the one during the last transfer is in vain.
    expected.extend(["RETR", "EPSV"].repeat(FILES - 1));
    expected.push("QUIT");
    assert_eq!(between, expected, "{commands:?}");
}

/// Only a file of 1 MiB or more takes long enough to be rewritten during its transfer
#[test]
fn nothing_is_asked_after_a_small_download() {
    for features in [" MLST size*;modify*;type*;\r\n", ""] {
        for (size, before, after) in [(1_048_575, 0, 0), (1_048_576, 1, 1)] {
            let (server, home) = (Server::start(), Home::new());
            server.on_command(move |Command { verb, .. }| match verb {
                "FEAT" => Action::reply(format!(
                    "211-features\r\n{features} EPSV\r\n SIZE\r\n MDTM\r\n211 end"
                )),
                _ => Action::serve(),
            });
            server.files().put("pub/f", bytes(size));
            let run = home.rftp(&["mirror", "-j1", &server.url("pub"), "here"]);
            assert_eq!((run.code, &*run.stderr), (Some(0), ""), "{run:?}");
            let commands = server.commands();
            let retr = commands.iter().position(|line| line.starts_with("RETR")).unwrap();
            // A listing with times to the second needs no request before the download.
            let (before, verbs) = match features {
                "" => (before, &["SIZE", "MDTM"][..]),
                _ => (0, &["MLST"][..]),
            };
            for verb in verbs {
                let counts = [&commands[..retr], &commands[retr..]].map(|part| {
                    let about_it = part.iter().filter(|line| line.ends_with("pub/f"));
                    about_it.filter(|line| line.starts_with(verb)).count()
                });
                assert_eq!(counts, [before, after], "{verb} {size}: {commands:?}");
            }
        }
    }
}

/// An upload under 1 MiB is sent again rather than resumed, so nothing needs to be asked before it
#[test]
fn nothing_is_asked_before_a_small_upload() {
    let (server, home) = (Server::start(), Home::new());
    home.write("f", &bytes(1000));
    server.files().put("f.part", bytes(500));
    let run = home.rftp(&["put", "f", &server.url("f")]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(server.files().get("f").unwrap(), bytes(1000));
    let commands = server.commands();
    let asked = commands.iter().take_while(|line| !line.starts_with("STOR"));
    let verbs: Vec<&str> = asked.filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(verbs, ["USER", "PASS", "TYPE", "EPSV"], "{commands:?}");
}

/// A thread that waits for the others' look-ups gives its session away, if one of them needs it
#[test]
fn a_thread_without_a_task_makes_room_for_one_that_looks_up_a_file() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("quick", b"1");
    server.files().put("slow", b"2");
    let (is_broken, quits) = (AtomicBool::new(false), AtomicUsize::new(0));
    server.on_command(move |Command { verb, argument, .. }| match (verb, argument) {
        ("MLST", "quick") => {
            // Meanwhile the other thread logs in.
            sleep(Duration::from_millis(500));
            Action::serve()
        }
        ("MLST", "slow") if !is_broken.swap(true, Ordering::SeqCst) => {
            // Meanwhile the other thread fetches its file.
            sleep(Duration::from_millis(1000));
            Action::close()
        }
        // From now on, there is room for one session.
        ("GREETING", _)
            if is_broken.load(Ordering::SeqCst) && quits.load(Ordering::SeqCst) == 0 =>
        {
            Action::reply("421 Too many connections.").then_close()
        }
        ("QUIT", _) => {
            quits.fetch_add(1, Ordering::SeqCst);
            Action::serve()
        }
        _ => Action::serve(),
    });
    let urls = ["quick", "slow"].map(|name| server.url(name));
    let mut command =
        home.command(&["get", "-q", "-j2", "--retry-delay", "0.05", &urls[0], &urls[1]]);
    let mut child = command.spawn().unwrap();
    for _ in 0..300 {
        if child.try_wait().unwrap().is_some() {
            break;
        }
        sleep(Duration::from_millis(100));
    }
    let _ = child.kill();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{}", server.transcript());
    assert_eq!((home.read("quick"), home.read("slow")), (b"1".to_vec(), b"2".to_vec()));
}
