//! The number of sessions of a run, and its rate limit

use std::sync::Mutex;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use ftp_test::{Action, Command, Server};

use crate::{Home, bytes, run};

/// The time that the server needs for each file
const TIME: Duration = Duration::from_millis(50);

fn files(server: &Server, count: usize) {
    for file in 0..count {
        server.files().put(&format!("pub/f{file}"), b"content");
    }
}

#[test]
fn sessions_are_added_while_that_makes_it_faster() {
    let (server, home) = (Server::start(), Home::new());
    files(&server, 300);
    server.on_command(|Command { verb, .. }| {
        if verb == "RETR" {
            sleep(TIME);
        }
        Action::serve()
    });
    let run = home.rftp(&["mirror", "-j", "auto", &server.url("pub"), "here"]);
    assert_eq!((run.code, home.names("here").len()), (Some(0), 300), "{run:?}");
    // With two sessions, the run would take 7.5 seconds, so there is time to add at least two.
    let most = server.sessions().most;
    assert!((4..=8).contains(&most), "{most}");
}

#[test]
fn a_session_that_is_of_no_use_is_closed_again() {
    let (server, home) = (Server::start(), Home::new());
    files(&server, 90);
    let one_at_a_time = Mutex::new(());
    server.on_command(move |Command { verb, .. }| {
        if verb == "RETR" {
            let _alone = one_at_a_time.lock();
            sleep(TIME);
        }
        Action::serve()
    });
    // The run starts with two sessions, and the third one does not help.
    let run = home.rftp(&["mirror", "-j", "auto", &server.url("pub"), "here"]);
    assert_eq!((run.code, home.names("here").len()), (Some(0), 90), "{run:?}");
    let most = server.sessions().most;
    assert!((3..=4).contains(&most), "{most}");
    // It is closed again as soon as that is clear, while most files are left.
    let commands = server.commands();
    let closed = commands.iter().position(|line| line == "QUIT").unwrap();
    let left = commands[closed..].iter().filter(|line| line.starts_with("RETR")).count();
    assert!(left > 10, "{left}");
}

#[test]
fn every_command_with_several_sessions_takes_auto() {
    let (server, home) = (Server::start(), Home::new());
    files(&server, 3);
    let urls: Vec<String> = (0..3).map(|file| server.url(&format!("pub/f{file}"))).collect();
    home.write("list", urls.join("\n").as_bytes());
    let mut get = vec!["get".to_owned(), "-j=auto".to_owned(), "--max-sessions=1".to_owned()];
    get.extend(urls);
    assert_eq!((home.rftp(&get).code, server.sessions().most), (Some(0), 1));
    let run = home.rftp(&["fetch", "--parallel", "auto", "-O", "there", "list"]);
    assert_eq!((run.code, home.names("there").len()), (Some(0), 3), "{run:?}");
    let run =
        home.rftp(&["verify", "--compare", "size", "-j", "auto", &server.url("pub"), "there"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    for wrong in ["0", "257", "Auto", "-1", ""] {
        let run = home.rftp(&["fetch", &format!("-j={wrong}"), "list"]);
        assert!(run.code == Some(2) && run.stderr.contains("or auto"), "{wrong}: {run:?}");
    }
}

/// Returns the UTC time that is this many minutes from now, as `HH:MM`
fn clock(minutes: i64) -> String {
    let seconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let minute = (seconds as i64 / 60 + minutes).rem_euclid(24 * 60);
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

#[test]
fn the_rate_is_that_of_the_time_of_the_day() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("file", bytes(300_000));
    // In a zone five hours east of Greenwich, local time is five hours ahead of UTC.
    for (zone, minutes) in [("UTC0", 0), ("EAST-5", 300), ("WEST+5:30", -330)] {
        let [before, now] = [-600, -5].map(|earlier| clock(minutes + earlier));
        for (table, is_limited) in [
            (format!("{before},off {now},100k"), true),
            (format!("{before},100k {now},off"), false),
        ] {
            let begun = Instant::now();
            let url = server.url("file");
            let run = run(home.command(&["get", "--limit-rate", &table, &url]).env("TZ", zone));
            assert_eq!((run.code, home.read("file")), (Some(0), bytes(300_000)), "{run:?}");
            let time = begun.elapsed().as_secs_f64();
            assert!(!is_limited || time > 2.8, "{zone} {table}: {time}");
            assert!(is_limited || time < 2.8, "{zone} {table}: {time}");
        }
    }
    for wrong in ["08:00", "25:00,1M", "08:00,1M 08:00,2M", "08:00,0"] {
        let run = home.rftp(&["get", "--limit-rate", wrong, &server.url("file")]);
        assert!(run.code == Some(2) && run.stderr.contains("--limit-rate"), "{wrong}: {run:?}");
    }
}
