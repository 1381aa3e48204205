//! Ctrl-C while a session is opened

use std::process::Stdio;
use std::time::{Duration, Instant};

use ftp_test::{Action, Command, Server};
use rustix::process::{Pid, Signal, kill_process};

use crate::Home;

/// The longest that an interrupted run may take; the handler of the signal would end it after three seconds
const AT_ONCE: Duration = Duration::from_secs(2);

/// Runs a command whose step `silent` of the login is never answered, and interrupts it there
fn interrupt(silent: &'static str, arguments: &[&str]) {
    let (server, home) = (Server::start(), Home::new());
    home.write("here/f", b"content");
    server.on_command(move |Command { verb, .. }| match verb == silent {
        true => Action::ignore(),
        false => Action::serve(),
    });
    let url = server.url("d/");
    let words: Vec<String> = arguments.iter().map(|word| word.replace("URL/", &url)).collect();
    let shown = format!("{words:?} without an answer to {silent}");
    let mut command = home.command(&words);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let begun = Instant::now();
    while server.count(silent) == 0 {
        assert!(begun.elapsed() < Duration::from_secs(20), "{shown}");
        std::thread::sleep(Duration::from_millis(10));
    }
    // Until the program waits for the answer.
    std::thread::sleep(Duration::from_millis(50));
    let begun = Instant::now();
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{shown}: {stderr}");
    assert!(begun.elapsed() < AT_ONCE, "{shown}: {:?}", begun.elapsed());
    assert_eq!(stderr.matches("interrupted").count(), 1, "{shown}: {stderr}");
}

#[test]
fn an_interruption_ends_a_login_at_once() {
    for silent in ["GREETING", "USER", "PASS"] {
        for arguments in [
            &["shell", "URL/"][..],
            &["ls", "URL/"],
            &["get", "URL/f", "URL/g"],
            &["put", "here/f", "URL/"],
            &["cat", "URL/f"],
            &["mirror", "URL/", "there"],
            &["info", "URL/"],
            &["rm", "-n", "URL/f", "URL/g"],
        ] {
            interrupt(silent, arguments);
        }
    }
}
