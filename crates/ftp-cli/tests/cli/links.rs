//! Links of a server that shows them as directories: pyftpdlib does so in MLSD, ProFTPD with `ShowSymlinks off` also in LIST

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use ftp_test::{Action, Command, Server};

use crate::{Home, Run};

/// What a server shows of `up/link`, a link to a directory
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    AsLink,
    /// Not in LIST; in it, PWD reports the path of its target
    Nowhere,
    AsDirectory,
}

/// A server on which `up/link` stands for a link to a directory with files, and `up/.real` for a directory
fn server(shown: Shown) -> Server {
    let server = Server::start();
    for path in ["up/link/precious", "up/link/sub/too", "up/.real/old", "up/plain/old"] {
        server.files().put(path, b"1");
    }
    let list: &[u8] = match shown {
        Shown::AsLink => {
            b"drwxr-xr-x 1 u g 0 Jan 01 2020 plain\r\nlrwxrwxrwx 1 u g 4 Jan 01 2020 link -> /etc\r\n"
        }
        Shown::Nowhere => b"drwxr-xr-x 1 u g 0 Jan 01 2020 plain\r\n",
        Shown::AsDirectory => {
            b"drwxr-xr-x 1 u g 0 Jan 01 2020 plain\r\ndrwxr-xr-x 1 u g 4 Jan 01 2020 link\r\n"
        }
    };
    // The working directory of each session
    let places = Mutex::new(BTreeMap::<usize, String>::new());
    server.on_command(move |Command { verb, argument, session, .. }| {
        let mut places = places.lock().unwrap();
        let here = places.entry(session).or_default();
        if verb == "CWD" {
            *here = argument.trim_matches('/').to_owned();
        }
        match (verb, argument, here.as_str()) {
            ("LIST", _, "up") => Action::serve().data(list),
            ("PWD", _, "up/link") => Action::reply("257 \"/etc\""),
            ("RMD", "up/link", _) => Action::reply("550 up/link: Not a directory"),
            ("DELE", "up/link", _) => Action::reply("250 deleted"),
            _ => Action::serve(),
        }
    });
    server
}

fn assert_untouched(server: &Server, run: &Run) {
    for path in ["up/link/precious", "up/link/sub/too"] {
        assert_eq!(server.files().get(path).as_deref(), Some(&b"1"[..]), "{path} {run:?}");
    }
}

#[test]
fn a_mirror_deletes_a_link_and_nothing_behind_it() {
    for shown in [Shown::AsLink, Shown::Nowhere, Shown::AsDirectory] {
        let (server, home) = (server(shown), Home::new());
        home.write("here/a", b"1");
        let run = home.rftp(&["mirror", "--delete", "here", &server.url("up")]);
        assert_eq!(run.code, Some(0), "{run:?}");
        assert_untouched(&server, &run);
        assert_eq!(server.count("DELE"), 3, "{:?}", server.commands());
        let paths: Vec<_> = server.files().paths();
        let left = |name: &str| paths.iter().any(|path| path.contains(name));
        assert!(left("up/a") && !left("real") && !left("plain"), "{paths:?} {run:?}");
        assert!(run.stdout.contains("delete link") && !run.stdout.contains("delete link/"));
    }
}

#[test]
fn a_mirror_writes_nothing_behind_a_link() {
    for shown in [Shown::AsLink, Shown::Nowhere] {
        let (server, home) = (server(shown), Home::new());
        home.write("here/link/precious", b"overwritten");
        home.write("here/link/new", b"1");
        home.write("here/plain/new", b"1");
        let run = home.rftp(&["mirror", "here", &server.url("up")]);
        assert_eq!(run.code, Some(3), "{run:?}");
        assert!(run.stderr.contains("link: the target has a symbolic link"), "{run:?}");
        assert_untouched(&server, &run);
        assert!(!server.files().contains("up/link/new") && server.files().contains("up/plain/new"));
    }
}

/// Regression: ProFTPD and pyftpdlib leave links that lead nowhere out of MLSD, and refused for ever to delete their directory
#[test]
fn a_directory_with_a_link_that_mlsd_leaves_out_is_deleted() {
    let (server, home) = (Server::start(), Home::new());
    home.write("here/a", b"1");
    server.files().put("up/a", b"1");
    server.files().make_dir("up/gone");
    let here = Mutex::new(String::new());
    let is_deleted = AtomicBool::new(false);
    server.on_command(move |Command { verb, argument, .. }| {
        if verb == "CWD" {
            *here.lock().unwrap() = argument.trim_matches('/').to_owned();
        }
        let is_there = !is_deleted.load(Ordering::SeqCst);
        match (verb, argument) {
            ("LIST", _) if here.lock().unwrap().as_str() == "up/gone" && is_there => {
                Action::serve().data(b"lrwxrwxrwx 1 u g 4 Jan 01 2020 dangling -> none\r\n")
            }
            ("DELE", "up/gone/dangling") => {
                is_deleted.store(true, Ordering::SeqCst);
                Action::reply("250 deleted")
            }
            ("RMD", "up/gone") if is_there => Action::reply("550 up/gone: Directory not empty"),
            _ => Action::serve(),
        }
    });
    let mirror = |arguments: &[&str]| {
        let url = server.url("up");
        let all = [&["mirror", "--delete", "--compare", "size", "-j1"], arguments, &["here", &url]];
        let run = home.rftp(&all.concat());
        assert_eq!(run.code, Some(0), "{run:?}");
        assert!(run.stdout.contains("delete gone/dangling\ndelete gone\n"), "{run:?}");
    };
    mirror(&["-n"]);
    mirror(&[]);
    assert!(!server.files().contains("up/gone"), "{:?}", server.commands());
}

#[test]
fn a_preview_and_a_search_follow_no_link() {
    let (server, home) = (server(Shown::AsLink), Home::new());
    let run = home.rftp(&["rm", "-r", "-n", &server.url("up")]);
    assert_eq!(run.code, Some(0), "{run:?}");
    for (line, is_there) in
        [("delete up/link\n", true), ("delete up/link/", false), ("delete up/plain/old\n", true)]
    {
        assert_eq!(run.stdout.contains(line), is_there, "{line}: {run:?}");
    }
    let run = home.rftp(&["rm", "-r", "-n", &server.url("up/link")]);
    assert_eq!(run.stdout.lines().next(), Some("delete up/link"), "{run:?}");
    assert!(!run.stdout.contains("precious"), "{run:?}");
    let run = home.rftp(&["find", &server.url("up")]);
    assert!(run.stdout.contains("up/link\n") && !run.stdout.contains("precious"), "{run:?}");
    let run = home.rftp(&["du", &server.url("up")]);
    assert!(!run.stdout.contains("link"), "{run:?}");
}

/// Relative paths would lead elsewhere if the session stayed in the directory
#[test]
fn a_refused_unique_upload_leaves_its_directory() {
    let (server, home) = (Server::start(), Home::new());
    server.files().make_dir("d");
    server.files().make_dir("d/d");
    home.write("a", b"1");
    home.write("b", b"1");
    let refused = AtomicBool::new(false);
    server.on_command(move |Command { verb, .. }| match verb {
        "STOU" if !refused.swap(true, Ordering::SeqCst) => Action::reply("553 not now"),
        _ => Action::serve(),
    });
    home.rftp(&["put", "--unique", "-j1", "a", "b", &server.url("d/")]);
    let paths = server.files().paths();
    assert!(!paths.iter().any(|path| path.contains("d/d/")), "{paths:?}");
}
