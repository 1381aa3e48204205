//! `mirror` to a server whose LIST leaves out names that begin with a dot, such as vsftpd, which has no MLSD

use std::collections::BTreeMap;
use std::sync::Mutex;

use ftp_test::{Action, Command, Server};

use crate::files::set_time;
use crate::{Home, Run};

const OLD: &str = "-rw-r--r-- 1 u g 4 Jan 01 2020 old\r\n";
const FILE: &str = "-rw-r--r-- 1 u g 4 Jan 01 2020 .file\r\n";
const SECRET: &str = "-rw-r--r-- 1 u g 4 Jan 01 2020 .secret\r\n";
const FOLDER: &str = "drwxr-xr-x 1 u g 4 Jan 01 2020 .d\r\n";

/// A server on which `up` has a file, two files and a directory with dots, of which only `LIST -a` shows those with dots
fn server() -> Server {
    let server = Server::start();
    for path in ["up/old", "up/.file", "up/.secret", "up/.d/.file"] {
        server.files().put(path, b"over");
    }
    // The working directory of each session
    let places = Mutex::new(BTreeMap::<usize, String>::new());
    server.on_command(move |Command { verb, argument, session, .. }| {
        let mut places = places.lock().unwrap();
        let here = places.entry(session).or_default();
        if verb == "CWD" {
            *here = argument.trim_matches('/').to_owned();
        }
        let lines = match (here.as_str(), argument) {
            ("up", "-a") => [OLD, FILE, SECRET, FOLDER].concat(),
            ("up", _) => OLD.to_owned(),
            ("up/.d", "-a") => FILE.to_owned(),
            _ => String::new(),
        };
        match verb {
            "FEAT" | "MLSD" | "MLST" => Action::reply("502 not here"),
            "LIST" => Action::serve().data(lines),
            _ => Action::serve(),
        }
    });
    server
}

/// Returns a home directory with files of this size in `here` that are older than those on the server
fn home(names: &[&str], content: &[u8]) -> Home {
    let home = Home::new();
    for name in names {
        home.write(&format!("here/{name}"), content);
        set_time(&home, &format!("here/{name}"), 1_000_000_000);
    }
    home
}

fn mirror(server: &Server, home: &Home, options: &[&str]) -> Run {
    let run = home.rftp(&[&["mirror"], options, &["here", &server.url("up")]].concat());
    assert_eq!(run.code, Some(0), "{run:?}");
    run
}

/// Regression: they counted as missing, and were sent again in each run
#[test]
fn dot_files_that_a_listing_leaves_out_are_compared_with_those_of_the_source() {
    for (compare, content) in
        [("missing", &b"other"[..]), ("newer", b"other"), ("size", b"same"), ("time", b"same")]
    {
        let (server, home) = (server(), home(&["old", ".file", ".d/.file"], content));
        let options = ["--compare", compare, "--delete"];
        let run = mirror(&server, &home, if compare == "time" { &[] } else { &options });
        assert_eq!(server.count("STOR"), 0, "{compare}: {run:?}");
        for path in ["up/.file", "up/.secret", "up/.d/.file"] {
            assert_eq!(server.files().get(path).as_deref(), Some(&b"over"[..]), "{compare} {path}");
        }
    }
    let (server, home) = (server(), home(&["old", ".file", ".new"], b"longer"));
    let run = mirror(&server, &home, &[]);
    assert_eq!(server.count("STOR"), 3, "{run:?}");
    assert_eq!(server.files().get("up/.file").unwrap(), b"longer");
}

#[test]
fn directories_without_dot_files_in_the_source_are_listed_once() {
    let (server, home) = (server(), home(&["old"], b"same"));
    mirror(&server, &home, &[]);
    assert_eq!(server.count("LIST"), 1, "{:?}", server.commands());
}

/// It has no options, and takes them for a name
#[test]
fn a_server_that_refuses_to_list_all_gets_the_dot_files() {
    let (server, home) = (Server::start(), home(&[".file"], b"here"));
    server.files().put("up/old", b"over");
    server.on_command(|Command { verb, argument, .. }| match (verb, argument) {
        ("FEAT" | "MLSD" | "MLST", _) => Action::reply("502 not here"),
        ("LIST", "-a") => Action::reply("550 -a: No such file or directory"),
        ("LIST", _) => Action::serve().data(OLD),
        _ => Action::serve(),
    });
    mirror(&server, &home, &[]);
    assert_eq!(server.files().get("up/.file").unwrap(), b"here");
}
