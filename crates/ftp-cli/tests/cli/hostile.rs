//! Servers that try to write outside the target, or to control the user's terminal

use std::path::Path;

use ftp_proto::LocalRules;

use ftp_test::{Action, Command, Server};

use crate::Home;
use crate::names::{NAMES, Name, RESERVED};

#[test]
fn names_are_refused_by_the_rules_of_each_system() {
    assert!(NAMES.len() >= 60);
    for Name { name, on_unix, on_windows } in NAMES {
        let shown = name.escape_ascii();
        assert_eq!(LocalRules::Unix.check(name).is_ok(), *on_unix, "{shown}");
        assert_eq!(LocalRules::Windows.check(name).is_ok(), *on_windows, "{shown}");
    }
}

/// Returns the names in a directory, all of which must be files
fn files(folder: &Path) -> Vec<Vec<u8>> {
    let entry = |entry: std::io::Result<std::fs::DirEntry>| {
        let entry = entry.unwrap();
        assert!(entry.file_type().unwrap().is_file(), "{entry:?}");
        entry.file_name().as_encoded_bytes().to_vec()
    };
    let mut names: Vec<Vec<u8>> = std::fs::read_dir(folder).unwrap().map(entry).collect();
    names.sort();
    names
}

/// Mirrors a directory with the file `good` and one of this name; returns the names in the target
fn fetch(home: &Home, name: &[u8], listing: fn(&[u8]) -> Vec<u8>) -> Vec<Vec<u8>> {
    let server = Server::start();
    server.files().put("pub/good", b"good");
    let lines = [listing(name), listing(b"good")].concat();
    let has_mlsd = lines.starts_with(b"type");
    server.on_command(move |Command { verb, argument, .. }| match (verb, argument) {
        ("FEAT", _) if !has_mlsd => Action::reply("211 none"),
        ("MLSD", _) if !has_mlsd => Action::reply("500 not here"),
        ("MLSD" | "LIST", _) => Action::serve().data(lines.clone()),
        ("RETR", "pub/good") => Action::serve(),
        ("RETR", _) => Action::serve().data(b"evil".to_vec()),
        _ => Action::serve(),
    });
    let shown = name.escape_ascii();
    let run = home.rftp(&["mirror", &server.url("pub"), "in/here"]);
    assert_eq!(
        (home.names(""), home.names("in")),
        (vec!["in".into()], vec!["here".into()]),
        "{shown} {run:?}"
    );
    assert_eq!(home.read("in/here/good"), b"good", "{shown} {run:?}");
    let is_typed = |text: &str| text.contains(|letter: char| letter.is_control() && letter != '\n');
    assert!(!is_typed(&run.stdout) && !is_typed(&run.stderr), "{shown} {run:?}");
    let files = files(&home.path("in/here"));
    std::fs::remove_dir_all(home.path("in")).unwrap();
    files
}

fn mlsd(name: &[u8]) -> Vec<u8> {
    [b"type=file;size=4;modify=20240101000000; ", name, b"\r\n"].concat()
}

fn list(name: &[u8]) -> Vec<u8> {
    [b"-rw-r--r-- 1 ftp ftp 4 Jan  1 2024 ", name, b"\r\n"].concat()
}

#[test]
fn names_that_lead_out_of_the_directory_are_refused_and_the_rest_is_downloaded() {
    let home = Home::new();
    for Name { name, on_unix, on_windows } in NAMES {
        let is_allowed = if cfg!(windows) { *on_windows } else { *on_unix };
        let mut wanted = vec![b"good".to_vec()];
        wanted.extend(is_allowed.then(|| name.to_vec()));
        wanted.sort();
        assert_eq!(fetch(&home, name, mlsd), wanted, "{}", name.escape_ascii());
        // The parser may take only a part of a line of LIST as the name, so only `good` is checked.
        assert!(fetch(&home, name, list).contains(&b"good".to_vec()), "{}", name.escape_ascii());
    }
    for name in RESERVED {
        assert_eq!(fetch(&home, name, mlsd), [b"good"], "{}", name.escape_ascii());
    }
}

/// Otherwise one file would replace the other
#[test]
fn of_names_that_mean_one_file_only_the_first_is_accepted() {
    let (server, home) = (Server::start(), Home::new());
    for name in ["README", "ReadMe"] {
        server.files().put(&format!("pub/{name}"), &name.as_bytes()[2..]);
    }
    let run = home.rftp(&["mirror", &server.url("pub"), "here"]);
    if cfg!(any(windows, target_vendor = "apple")) {
        assert_eq!((run.code, home.names("here")), (Some(3), vec!["README".to_owned()]), "{run:?}");
    } else {
        assert_eq!(home.names("here"), ["README", "ReadMe"], "{run:?}");
    }
    assert_eq!(home.read("here/README"), b"ADME");
    server.on_command(|Command { verb, .. }| match verb {
        "MLSD" => Action::serve().data([mlsd(b"README"), mlsd(b"README")].concat()),
        _ => Action::serve(),
    });
    server.forget_commands();
    let run = home.rftp(&["mirror", &server.url("pub"), "there"]);
    assert_eq!((run.code, home.names("there")), (Some(3), vec!["README".to_owned()]), "{run:?}");
    assert_eq!(server.count("RETR"), 1, "{run:?}");
}

#[test]
#[cfg(unix)]
fn links_are_neither_made_nor_written_through() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("pub/link/file", b"evil");
    home.write("elsewhere/keep", b"");
    std::fs::create_dir(home.path("here")).unwrap();
    std::os::unix::fs::symlink(home.path("elsewhere"), home.path("here/link")).unwrap();
    let run = home.rftp(&["mirror", "--delete", &server.url("pub"), "here"]);
    assert_ne!(run.code, Some(0), "{run:?}");
    assert_eq!(home.names("elsewhere"), ["keep"]);
    // A link on the server is left out, and the local item with its name is kept.
    server.on_command(|Command { verb, argument, .. }| match (verb, argument) {
        ("MLSD", "pub") => Action::serve().data(b"type=OS.unix=slink:/etc; link\r\n".to_vec()),
        _ => Action::serve(),
    });
    let run = home.rftp(&["mirror", "--delete", &server.url("pub"), "here"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(home.path("here/link").is_symlink());
}

/// Puts a link in the place of something as soon as the server receives a command
#[cfg(unix)]
fn swap_during(server: &Server, home: &Home, verb: &'static str, name: &str, target: &str) {
    let [name, aside, target] = [name, "aside", target].map(|path| home.path(path));
    server.on_command(move |command| {
        if command.verb == verb && !aside.exists() {
            std::fs::rename(&name, &aside).unwrap();
            std::os::unix::fs::symlink(&target, &name).unwrap();
        }
        Action::serve()
    });
}

#[test]
#[cfg(unix)]
fn a_directory_that_becomes_a_link_during_a_run_is_not_written_through() {
    for more in [&["--delete"][..], &["--inplace"]] {
        let (server, home) = (Server::start(), Home::new());
        for name in ["pub/a/0", "pub/a/1", "pub/a/new/2"] {
            server.files().put(name, b"the server's");
        }
        home.write("here/a/old", b"");
        home.write("elsewhere/1", b"precious");
        swap_during(&server, &home, "RETR", "here/a", "elsewhere");
        let url = server.url("pub");
        let run = home.rftp(&[&["mirror", "-j", "1"][..], more, &[&*url, "here"]].concat());
        assert_eq!(run.code, Some(3), "{run:?}");
        assert!(run.stderr.contains("here/a: has become a symbolic link"), "{run:?}");
        assert_eq!(home.names("elsewhere"), ["1"]);
        assert_eq!(home.read("elsewhere/1"), b"precious");
    }
}

#[test]
#[cfg(unix)]
fn nothing_is_deleted_behind_a_directory_that_becomes_a_link_during_a_run() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("pub/f", b"the server's");
    home.write("here/extra/sub/x", b"");
    home.write("elsewhere/sub/x", b"precious");
    swap_during(&server, &home, "RETR", "here/extra", "elsewhere");
    let run = home.rftp(&["mirror", "--delete", &server.url("pub"), "here"]);
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(run.stderr.contains("here/extra: has become a symbolic link"), "{run:?}");
    assert_eq!(home.read("elsewhere/sub/x"), b"precious");
    assert_eq!(home.read("here/f"), b"the server's");
}

#[test]
#[cfg(unix)]
fn a_file_or_directory_that_becomes_a_link_during_a_run_is_not_sent() {
    for (name, target, sent) in [("here/z", "secret", "up/z"), ("here/d", "secrets", "up/d/z")] {
        let (server, home) = (Server::start(), Home::new());
        for path in ["here/a", "here/d/z", "here/z"] {
            home.write(path, b"own");
        }
        home.write("secret", b"secret");
        home.write("secrets/z", b"secret");
        swap_during(&server, &home, "STOR", name, target);
        let run = home.rftp(&["mirror", "-j", "1", "here", &server.url("up")]);
        assert_eq!(run.code, Some(3), "{run:?}");
        assert!(run.stderr.contains("has become a symbolic link"), "{run:?}");
        assert_eq!(server.files().get(sent), None, "{run:?}");
    }
}

#[test]
#[cfg(unix)]
fn a_link_in_place_of_a_file_is_replaced_not_followed() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("pub/file", b"new");
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
    server.on_command(|Command { verb, .. }| match verb {
        "MLSD" => Action::serve().data(b"type=dir;unique=U1; d\r\n".to_vec()),
        _ => Action::serve(),
    });
    let run = home.rftp(&["mirror", &server.url("pub"), "here"]);
    assert!(run.code.is_some_and(|code| code != 0), "{run:?}");
    assert!(run.stderr.contains("loop"), "{run:?}");
    assert!(server.count("MLSD") < 10, "{}", server.count("MLSD"));
}

#[test]
fn text_from_a_server_does_not_control_the_terminal() {
    let (server, home) = (Server::start(), Home::new());
    server.on_command(|Command { verb, .. }| match verb {
        "RETR" => Action::reply("550 no\u{1b}]0;owned\u{7}"),
        _ => Action::serve(),
    });
    let run = home.rftp(&["get", "-o", "f", &server.url("f%1b[2J")]);
    assert_eq!(run.code, Some(8), "{run:?}");
    assert!(!run.stderr.contains(['\u{1b}', '\u{7}']), "{run:?}");
}
