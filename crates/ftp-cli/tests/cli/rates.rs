//! How many sessions a run takes

use std::sync::Mutex;
use std::thread::sleep;
use std::time::Duration;

use ftp_test::{Action, Command, Server};

use crate::Home;

/// What a server needs for each file
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
    // With two it would take 7.5 seconds, so there is time for two more at least.
    let most = server.sessions().most;
    assert!((4..=8).contains(&most), "{most}");
}

#[test]
fn no_session_is_added_that_is_of_no_use() {
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
    // Two at first, and the third one is of no use.
    let run = home.rftp(&["mirror", "-j", "auto", &server.url("pub"), "here"]);
    assert_eq!((run.code, home.names("here").len()), (Some(0), 90), "{run:?}");
    let most = server.sessions().most;
    assert!((2..=4).contains(&most), "{most}");
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
