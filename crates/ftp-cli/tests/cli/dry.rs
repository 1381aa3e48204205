//! `--dry-run` of get, put, fetch and rm: shows what would be done, and changes nothing

use ftp_test::Server;

use crate::{Home, Run, bytes};

/// The lines of standard output before the summary
fn lines(run: &Run) -> Vec<&str> {
    let lines: Vec<&str> = run.stdout.lines().collect();
    lines.split_last().map(|(_, lines)| lines.to_vec()).unwrap_or_default()
}

/// Fails if a command was sent that transfers or changes anything
fn assert_unchanged(server: &Server) {
    for verb in ["RETR", "STOR", "APPE", "DELE", "RMD", "MKD", "RNFR", "MFMT", "SITE"] {
        assert_eq!(server.count(verb), 0, "{:?}", server.commands());
    }
}

#[test]
fn nothing_is_downloaded() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("d/a", bytes(1000));
    server.files().put("d/b", bytes(10));
    home.write("out/b", &bytes(10));
    let [a, b, c] = ["d/a", "d/b", "d/c"].map(|path| server.url(path));
    let run = home.rftp(&["get", "-n", "-j1", "--only-newer", "-O", "out", &a, &b]);
    assert_eq!((run.code, lines(&run)), (Some(0), vec!["get d/a"]), "{run:?}");
    assert!(run.stdout.contains("1 up to date"), "{run:?}");
    let run = home.rftp(&["get", "--dry-run", "-O", "new", &a]);
    assert_eq!((run.code, lines(&run)), (Some(0), vec!["get d/a"]), "{run:?}");
    assert_eq!((home.names(""), home.names("out")), (vec!["out".into()], vec!["b".into()]));
    // What fails in earnest fails.
    let run = home.rftp(&["get", "-n", &a, &c]);
    assert_eq!((run.code, lines(&run)), (Some(8), vec!["get d/a"]), "{run:?}");
    assert!(run.stderr.contains("d/c"), "{run:?}");
    let run = home.rftp(&["get", "-n", &server.url("d")]);
    assert_eq!((run.code, lines(&run)), (Some(8), vec![]), "{run:?}");
    assert!(run.stderr.contains("d: is a directory"), "{run:?}");
    let run = home.rftp(&["get", "-n", "--json", &a]);
    let event: serde_json::Value = serde_json::from_str(lines(&run)[0]).unwrap();
    assert_eq!(
        event,
        serde_json::json!({ "event": "done", "action": "get", "file": "d/a", "dry_run": true })
    );
    assert!(run.stdout.contains(r#""bytes":1000"#), "the summary: {run:?}");
    assert_eq!(home.rftp(&["get", "-n", "-o", "-", &a]).code, Some(2));
    assert_unchanged(&server);
}

#[test]
fn nothing_of_a_list_is_downloaded() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("d/a", b"");
    server.files().put("d/b", b"1");
    home.write("out/a", b"");
    home.write(
        "list",
        b"d41d8cd98f00b204e9800998ecf8427e  a\n0cc175b9c0f1b6a831c399e269772661  b\n",
    );
    let run = home.rftp(&["fetch", "-n", "list", "--base", &server.url("d/"), "-O", "out"]);
    assert_eq!((run.code, lines(&run)), (Some(0), vec!["get b"]), "{run:?}");
    assert_eq!(home.names("out"), ["a"]);
    assert_unchanged(&server);
}

#[test]
fn nothing_is_uploaded() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("old", bytes(10));
    home.write("a", &bytes(1000));
    home.write("old", &bytes(20));
    let root = server.url("");
    let run = home.rftp(&["put", "-n", "-j1", "--no-clobber", "a", "old", &root]);
    assert_eq!((run.code, lines(&run)), (Some(0), vec!["put a"]), "{run:?}");
    assert!(run.stdout.contains("1 left out"), "{run:?}");
    let folder = server.url("new/dir/");
    let run = home.rftp(&["put", "-n", "-j1", "--mkdir", "a", "old", &folder]);
    let put = vec!["mkdir new/dir", "put new/dir/a", "put new/dir/old"];
    assert_eq!((run.code, lines(&run)), (Some(0), put), "{run:?}");
    // Without --mkdir, nothing can be written there.
    let run = home.rftp(&["put", "-n", "a", &folder]);
    assert_eq!((run.code, lines(&run)), (Some(8), vec![]), "{run:?}");
    assert!(run.stderr.contains("new/dir: does not exist"), "{run:?}");
    server.files().put("d/f", b"");
    let run = home.rftp(&["put", "-n", "a", &server.url("d")]);
    assert_eq!((run.code, lines(&run)), (Some(8), vec![]), "{run:?}");
    assert!(run.stderr.contains("d: is a directory"), "{run:?}");
    let run = home.rftp(&["put", "-n", "missing", &root]);
    assert_eq!((run.code, lines(&run)), (Some(3), vec![]), "{run:?}");
    // The server would choose the name.
    for (path, shown) in [("", "put ./"), ("d/", "put d/")] {
        let run = home.rftp(&["put", "-n", "--unique", "a", &server.url(path)]);
        assert_eq!((run.code, lines(&run)), (Some(0), vec![shown]), "{run:?}");
    }
    assert_eq!(server.files().get("old").unwrap(), bytes(10));
    assert_unchanged(&server);
}

#[test]
fn nothing_is_deleted() {
    let (server, home) = (Server::start(), Home::new());
    for path in ["d/a", "d/e/b", "f"] {
        server.files().put(path, b"1");
    }
    let rm = |arguments: &[&str]| {
        let urls = arguments.iter().map(|word| match word.starts_with('-') {
            true => (*word).to_owned(),
            false => server.url(word),
        });
        let words: Vec<String> = ["rm".to_owned(), "-n".into()].into_iter().chain(urls).collect();
        home.rftp(&words)
    };
    let run = rm(&["f"]);
    assert_eq!((run.code, lines(&run)), (Some(0), vec!["delete f"]), "{run:?}");
    assert!(run.stdout.contains("1 deleted"), "as in a dry run of mirror: {run:?}");
    let run = rm(&["-r", "d", "f"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let all = lines(&run);
    let at = |line| all.iter().position(|other| *other == line).unwrap();
    assert_eq!(all.len(), 5, "{run:?}");
    assert!(at("delete d/e/b") < at("delete d/e") && at("delete d/e") < at("delete d"), "{run:?}");
    assert!(at("delete d/a") < at("delete d"), "{run:?}");
    for (words, code, reason) in [
        (&["d"][..], 2, "directory"),
        (&["gone"], 8, "gone"),
        (&["-r", "gone"], 8, "gone"),
        (&["-r", "d/..%2Ff"], 2, ".."),
        (&["-r", ""], 2, "root"),
        (&["-r", "."], 2, "root"),
        (&["-r", "d/%2E/.."], 2, ".."),
    ] {
        server.forget_commands();
        let run = rm(words);
        assert_eq!((run.code, lines(&run)), (Some(code), vec![]), "{words:?} {run:?}");
        assert!(run.stderr.contains(reason), "{run:?}");
        // A path that is never removed is refused before anything is asked about it.
        assert_eq!(server.count("LIST") + server.count("MLSD") > 0, code == 8 || words == ["d"]);
    }
    // What has been deleted can't be deleted again.
    for (words, deleted) in [
        (&["f", "f"][..], &["delete f"][..]),
        (&["f", "./f"], &["delete f"]),
        (&["-r", "d/e", "d/e/"], &["delete d/e/b", "delete d/e"]),
        (&["-r", "d/e", "d/e/b"], &["delete d/e/b", "delete d/e"]),
    ] {
        let run = rm(words);
        assert_eq!((run.code, lines(&run)), (Some(8), deleted.to_vec()), "{words:?} {run:?}");
        assert!(run.stderr.contains("does not exist"), "{run:?}");
    }
    let run = rm(&["-r", "d/e", "d"]);
    let all = lines(&run);
    assert_eq!((run.code, all.len(), all[3]), (Some(0), 4, "delete d"), "{run:?}");
    assert_unchanged(&server);
}
