//! Servers that want to write elsewhere, or to type on the user's terminal

use crate::Home;
use crate::server::{Habit, Server};

/// Names that lead out of a directory, or mean something else than a file (CVE-2026-27699, CVE-2026-40987, CVE-2014-4877)
const NAMES: [&str; 16] = [
    "../evil",
    "../../evil",
    "/evil",
    "//evil",
    "./evil",
    "sub/../../evil",
    "sub/evil",
    "..",
    ".",
    "..\\evil",
    "\\evil",
    "a\u{1b}]0;x\u{7}",
    "a\tb",
    "good.part",
    "good.part.state",
    "\u{1}",
];

#[test]
fn names_that_lead_elsewhere_are_refused_and_the_rest_comes() {
    let (server, home) = (Server::start(), Home::new());
    server.file("pub/good", b"good");
    for name in NAMES {
        let name = name.to_owned();
        server.habits(move |verb, argument| match (verb, argument) {
            ("MLSD", "pub") => Habit::Data(
                format!("type=file;size=4;modify=20240101000000; {name}\r\ntype=file;size=4;modify=20240101000000; good\r\n")
                    .into_bytes(),
            ),
            ("RETR", "pub/good") => Habit::Usual,
            ("RETR", _) => Habit::Data(b"evil".to_vec()),
            _ => Habit::Usual,
        });
        let run = home.rftp(&["mirror", &server.url("pub"), "in/here"]);
        assert_eq!(home.names(""), ["in"], "{run:?}");
        assert_eq!(home.names("in"), ["here"], "{run:?}");
        assert_eq!(home.names("in/here"), ["good"], "{run:?}");
        assert_eq!(home.read("in/here/good"), b"good");
        let terminal =
            |text: &str| text.contains(|letter: char| letter.is_control() && letter != '\n');
        assert!(!terminal(&run.stdout) && !terminal(&run.stderr), "{run:?}");
        std::fs::remove_dir_all(home.path("in")).unwrap();
    }
}

#[test]
#[cfg(unix)]
fn links_are_neither_made_nor_written_through() {
    let (server, home) = (Server::start(), Home::new());
    server.file("pub/link/file", b"evil");
    home.write("elsewhere/keep", b"");
    std::fs::create_dir(home.path("here")).unwrap();
    std::os::unix::fs::symlink(home.path("elsewhere"), home.path("here/link")).unwrap();
    let run = home.rftp(&["mirror", "--delete", &server.url("pub"), "here"]);
    assert_ne!(run.code, Some(0), "{run:?}");
    assert_eq!(home.names("elsewhere"), ["keep"]);
    // A link of the server's is left out, and what it is named here stays.
    server.habits(|verb, argument| match (verb, argument) {
        ("MLSD", "pub") => Habit::Data(b"type=OS.unix=slink:/etc; link\r\n".to_vec()),
        _ => Habit::Usual,
    });
    let run = home.rftp(&["mirror", "--delete", &server.url("pub"), "here"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(home.path("here/link").is_symlink());
}

#[test]
#[cfg(unix)]
fn a_link_in_place_of_a_file_is_replaced_not_followed() {
    let (server, home) = (Server::start(), Home::new());
    server.file("pub/file", b"new");
    home.write("elsewhere", b"old");
    std::fs::create_dir(home.path("here")).unwrap();
    std::os::unix::fs::symlink(home.path("elsewhere"), home.path("here/file")).unwrap();
    let run = home.rftp(&["mirror", &server.url("pub"), "here"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(
        (home.read("elsewhere"), home.read("here/file")),
        (b"old".to_vec(), b"new".to_vec())
    );
}

#[test]
fn a_tree_without_an_end_ends() {
    let (server, home) = (Server::start(), Home::new());
    server.habits(|verb, _| match verb {
        "MLSD" => Habit::Data(b"type=dir;unique=U1; d\r\n".to_vec()),
        _ => Habit::Usual,
    });
    let run = home.rftp(&["mirror", &server.url("pub"), "here"]);
    assert!(run.code.is_some_and(|code| code != 0), "{run:?}");
    assert!(run.stderr.contains("loop"), "{run:?}");
    assert!(server.count("MLSD") < 10, "{}", server.count("MLSD"));
}

#[test]
fn what_a_server_says_types_nothing() {
    let (server, home) = (Server::start(), Home::new());
    server.habits(|verb, _| match verb {
        "RETR" => Habit::Reply("550 no\u{1b}]0;owned\u{7}"),
        _ => Habit::Usual,
    });
    let run = home.rftp(&["get", "-o", "f", &server.url("f%1b[2J")]);
    assert_eq!(run.code, Some(8), "{run:?}");
    assert!(!run.stderr.contains(['\u{1b}', '\u{7}']), "{run:?}");
}
