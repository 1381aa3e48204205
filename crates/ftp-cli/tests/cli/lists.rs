//! `fetch` and `verify` with lists, and commands that list trees

use std::sync::atomic::{AtomicBool, Ordering};

use ftp_test::{Action, Command, Server};

use crate::{Home, bytes};

/// The MD5 hashes of `content` and of `other`
const MD5: [&str; 2] = ["9a0364b9e99bb480dd25e1f0284c8555", "795f3202b17cb6bc3d4b771d8c6c9eaf"];

#[test]
fn the_files_of_a_list_are_downloaded_and_checked() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("pub/a", b"content");
    server.files().put("pub/b", b"other");
    server.files().put("pub/c", bytes(300_000));
    let list = format!(
        "# a list\n{}\t7\tmd5:{}\tdir/a\n{}\t\tmd5:{}\n{}\n",
        server.url("pub/a"),
        MD5[0],
        server.url("pub/b"),
        MD5[1],
        server.url("pub/c"),
    );
    home.write("list", list.as_bytes());
    let run = home.rftp(&["fetch", "list", "-O", "here"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(
        (home.read("here/dir/a"), home.read("here/b")),
        (b"content".to_vec(), b"other".to_vec())
    );
    assert_eq!(home.read("here/c"), bytes(300_000));
    let run = home.rftp(&["verify", "list", "-O", "here"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    // Only the third file is fetched again, because the list has neither its size nor its hash.
    server.forget_commands();
    let run = home.rftp(&["fetch", "list", "-O", "here"]);
    assert_eq!((run.code, server.count("RETR")), (Some(0), 1), "{run:?}");
    home.write("here/b", b"0ther");
    let run = home.rftp(&["verify", "list", "-O", "here"]);
    assert_eq!(run.code, Some(9), "{run:?}");
    assert!(run.stderr.contains("b: ") && !run.stderr.contains("dir/a"), "{run:?}");
    std::fs::remove_file(home.path("here/dir/a")).unwrap();
    assert_eq!(home.rftp(&["verify", "list", "-O", "here"]).code, Some(1));
}

#[test]
fn names_of_a_list_keep_their_directories() {
    let (server, home) = (Server::start(), Home::new());
    for path in ["pub/a/f", "pub/b/f", "pub/c/f"] {
        server.files().put(path, path.as_bytes());
    }
    home.write("list", format!("a/f\n./b/f\n{}\n", server.url("pub/c/f")).as_bytes());
    let run = home.rftp(&["fetch", "list", "--base", &server.url("pub/"), "-O", "here"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(home.read("here/a/f"), b"pub/a/f");
    assert_eq!(home.read("here/b/f"), b"pub/b/f");
    assert_eq!(home.read("here/f"), b"pub/c/f");
    let run = home.rftp(&["verify", "list", "-O", "here"]);
    assert_eq!(run.code, Some(0), "{run:?}");
}

#[test]
fn files_that_differ_from_the_list_are_refused() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("pub/a", b"content");
    server.files().put("pub/b", b"0ther");
    home.write("md5", format!("{}  ./a\n{}  b\n", MD5[0], MD5[1]).as_bytes());
    let base = server.url("pub/");
    let run = home.rftp(&["fetch", "md5", "--base", &base, "-O", "here"]);
    assert_eq!(run.code, Some(9), "{run:?}");
    // The hash is the list's, not the server's.
    let expected = format!("not {} as expected", MD5[1]);
    assert!(run.stderr.contains(&expected) && !run.stderr.contains("on the server"), "{run:?}");
    assert_eq!(home.names("here"), ["a"]);
    let run = home.rftp(&["fetch", "md5", "-O", "here"]);
    assert_eq!(run.code, Some(2), "{run:?}");
}

/// Regression: it was taken for a download that was cut off, or for a server that sends too much
#[test]
fn a_file_of_another_size_than_in_the_list_exits_with_9() {
    for knows_sizes in [true, false] {
        for (length, listed) in [(7, 6), (7, 8), (9_000_000, 8_500_000), (9_000_000, 12_000_000)] {
            let (server, home) = (Server::start(), Home::new());
            server.files().put("a", bytes(length));
            server.on_command(move |Command { verb, .. }| match verb {
                "SIZE" | "MLST" | "FEAT" if !knows_sizes => Action::reply("502 not here"),
                _ => Action::serve(),
            });
            home.write("list", format!("{}\t{listed}\n", server.url("a")).as_bytes());
            let run = home.rftp(&["fetch", "list", "-O", "here", "--retry-delay", "0.05"]);
            let place = format!("{length} {listed} {knows_sizes}: {run:?}");
            assert_eq!((run.code, server.count("RETR")), (Some(9), 1), "{place}");
            assert!(run.stderr.contains(" in the list"), "{place}");
            assert_eq!(run.stderr.lines().count(), 1, "{place}");
            assert_eq!(home.names("here"), [""; 0], "{place}");
            let options = ["--segments", "2", "--limit-rate", "12M"];
            let run = home.rftp(&[&["fetch", "list", "-O", "here"], &options[..]].concat());
            assert_eq!(run.code, Some(9), "{place}");
            assert_eq!(home.names("here"), [""; 0], "{place}");
        }
    }
}

/// The file has the size in the list, but the transfer was incomplete
#[test]
fn a_download_of_a_list_that_was_cut_short_is_tried_again() {
    // The session may also end before the server has told the size of its file.
    for tells_size in [true, false] {
        let (server, home) = (Server::start(), Home::new());
        server.files().put("a", bytes(2_000_000));
        let is_cut = AtomicBool::new(false);
        server.on_command(move |Command { verb, in_all, .. }| match verb {
            "RETR" if in_all == 1 => {
                is_cut.store(!tells_size, Ordering::SeqCst);
                Action::serve().break_at(1_500_000).final_reply("226 done")
            }
            "MLST" | "SIZE" if is_cut.swap(false, Ordering::SeqCst) => Action::close(),
            _ => Action::serve(),
        });
        home.write("list", format!("{}\t2000000\n", server.url("a")).as_bytes());
        let run = home.rftp(&["fetch", "list", "--retry-delay", "0.05"]);
        assert_eq!(run.code, Some(0), "{tells_size}: {run:?}");
        assert!(home.read("a") == bytes(2_000_000), "{tells_size}");
        assert_eq!(server.count("RETR"), 2, "{tells_size}: {:?}", server.commands());
    }
}

#[test]
fn names_of_a_list_stay_in_the_directory() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("a", b"content");
    for name in ["../evil", "/evil", "a/../../evil", "a\\b"] {
        home.write("list", format!("{}\t\t\t{name}\n", server.url("a")).as_bytes());
        let run = home.rftp(&["fetch", "list", "-O", "here"]);
        assert_eq!(run.code, Some(2), "{name}: {run:?}");
    }
    // Without a name of its own, a file is written under its path.
    for path in ["/evil", "../evil", "./../evil", ".//evil", "a/../../evil"] {
        home.write("list", format!("{path}\n").as_bytes());
        let run = home.rftp(&["fetch", "list", "--base", &server.url(""), "-O", "here"]);
        assert_eq!(run.code, Some(2), "{path}: {run:?}");
    }
    home.write("list", format!("{0}\t\t\tx\n{0}\t\t\tx\n", server.url("a")).as_bytes());
    assert_eq!(home.rftp(&["fetch", "list"]).code, Some(2), "twice the same name");
    assert_eq!(home.names(""), ["list"]);
}

/// CVE-2022-27774 and similar: a list names another server
#[test]
fn a_list_sends_no_password_elsewhere() {
    let (server, other, home) = (Server::start(), Server::start(), Home::new());
    server.files().put("a", b"content");
    other.files().put("b", b"other");
    home.write("password", b"seeded\n");
    home.write("list", format!("{}\n{}\n", server.url("a"), other.url("b")).as_bytes());
    let run = home.rftp(&["fetch", "list", "--password-file", "password", "--user", "me"]);
    assert_eq!(run.code, Some(2), "{run:?}");
    let run = home.rftp(&["fetch", "list"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(!server.commands().iter().chain(&other.commands()).any(|line| line.contains("seeded")));
}

#[test]
fn a_metalink_is_a_list() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("pub/a", b"content");
    let text = format!(
        "<metalink xmlns=\"urn:ietf:params:xml:ns:metalink\"><file name=\"got\"><size>7</size>\
         <hash type=\"md5\">{}</hash><url>{}</url></file></metalink>",
        MD5[0],
        server.url("pub/a")
    );
    home.write("list.meta4", text.as_bytes());
    let run = home.rftp(&["fetch", "list.meta4"]);
    assert_eq!((run.code, home.read("got")), (Some(0), b"content".to_vec()), "{run:?}");
}

#[test]
fn trees_are_listed() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("d/a.txt", [0; 100]);
    server.files().put("d/e/b.txt", [0; 20]);
    server.files().put("d/e/c.gz", [0; 3]);
    let find = |more: &[&str]| {
        let url = server.url("d");
        let arguments: Vec<&str> = ["find", &url].into_iter().chain(more.iter().copied()).collect();
        let run = home.rftp(&arguments);
        assert_eq!(run.code, Some(0), "{run:?}");
        let mut lines: Vec<String> = run.stdout.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(find(&[]), ["d/a.txt", "d/e", "d/e/b.txt", "d/e/c.gz"]);
    assert_eq!(find(&["--name", "*.txt"]), ["d/a.txt", "d/e/b.txt"]);
    assert_eq!(find(&["--type", "d"]), ["d/e"]);
    assert_eq!(find(&["--type", "f", "--size", "-20"]), ["d/e/b.txt", "d/e/c.gz"]);
    assert_eq!(find(&["--size", "+100"]), ["d/a.txt"]);
    assert_eq!(find(&["--size", "+4", "--size", "-99"]), ["d/e/b.txt"]);
    assert_eq!(find(&["--size", "-20", "--size", "+3"]), ["d/e/b.txt", "d/e/c.gz"]);
    assert_eq!(find(&["--size", "20"]), ["d/e/b.txt"]);
    for wrong in [&["+5", "-4"][..], &["5", "6"], &["+"], &["+x"]] {
        let mut arguments = vec!["find".to_owned(), server.url("d")];
        arguments.extend(wrong.iter().map(|size| format!("--size={size}")));
        let run = home.rftp(&arguments);
        assert!(run.code == Some(2) && run.stderr.contains("--size"), "{wrong:?}: {run:?}");
    }
    let run = home.rftp(&["du", &server.url("d")]);
    assert_eq!((run.code, &*run.stdout), (Some(0), "123\td\n23\td/e\n"), "{run:?}");
    let run = home.rftp(&["du", "-s", &server.url("")]);
    assert_eq!((run.code, &*run.stdout), (Some(0), "123\t.\n"), "{run:?}");
}

/// A file without a known size does not match, and the size of a directory does not count
#[test]
fn only_files_have_sizes() {
    let (server, home) = (Server::start(), Home::new());
    server.on_command(|Command { verb, argument, .. }| match (verb, argument) {
        ("MLSD", "d") => Action::serve().data(
            b"type=dir;size=4096; e\r\ntype=file;size=5000; a\r\ntype=file; unknown\r\n".to_vec(),
        ),
        ("MLSD", _) => Action::serve().data(Vec::new()),
        _ => Action::serve(),
    });
    server.files().put("d/a", b"");
    let run = home.rftp(&["find", &server.url("d"), "--size", "+4k"]);
    assert_eq!((run.code, &*run.stdout), (Some(0), "d/a\n"), "{run:?}");
}

#[test]
fn hashes_are_the_servers_or_made_here() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("a", b"content");
    let run = home.rftp(&["hash", &server.url("a")]);
    assert_eq!(run.code, Some(8), "{run:?}");
    let run = home.rftp(&["hash", "--download", "md5", &server.url("a")]);
    assert_eq!((run.code, &*run.stdout), (Some(0), &*format!("{}  a\n", MD5[0])), "{run:?}");
    server.on_command(|Command { verb, .. }| match verb {
        "FEAT" => Action::reply("211-features\r\n XMD5\r\n211 end"),
        "XMD5" => Action::reply("250 795f3202b17cb6bc3d4b771d8c6c9eaf"),
        _ => Action::serve(),
    });
    let run = home.rftp(&["hash", &server.url("a")]);
    assert_eq!(run.stdout, format!("{}  a\n", MD5[1]), "{run:?}");
    // The algorithm that the server chose is reported once, not for each file.
    assert_eq!(run.stderr, "rftp: a: the server's algorithm is MD5\n");
    let run = home.rftp(&["hash", &server.url("a"), &server.url("a")]);
    assert_eq!((run.stdout.lines().count(), run.stderr.lines().count()), (2, 1), "{run:?}");
    for more in [&["--json"][..], &["-q"], &["--download", "md5"]] {
        let run = home.rftp(&[&["hash", &server.url("a")], more].concat());
        assert_eq!(run.stderr, "", "{run:?}");
    }
}

#[test]
fn the_algorithm_of_the_servers_hash_can_be_chosen() {
    const SHA1: &str = "040f06fd774092478d450774f5ba30c5da78acc8";
    let (server, home) = (Server::start(), Home::new());
    server.files().put("a b", b"content");
    server.on_command(|Command { verb, argument, .. }| match (verb, argument) {
        ("FEAT", _) => {
            Action::reply("211-features\r\n HASH MD5;SHA-1;SHA-256*\r\n XSHA512\r\n211 end")
        }
        ("OPTS", "HASH SHA-1") => Action::reply("200 SHA-1"),
        ("HASH", "a b") => Action::reply(format!("213 SHA-1 0-7 {SHA1} a b")),
        ("HASH", _) => Action::reply("550 There is no such file."),
        _ => Action::serve(),
    });
    let run = home.rftp(&["hash", "--algo", "sha1", &server.url("a%20b")]);
    assert_eq!((run.code, &*run.stdout), (Some(0), &*format!("{SHA1}  a b\n")), "{run:?}");
    let commands = server.commands();
    let at = |line| commands.iter().position(|other| other == line).unwrap();
    assert!(
        at("TYPE I") < at("HASH a b") && at("OPTS HASH SHA-1") < at("HASH a b"),
        "{commands:?}"
    );
    let run = home.rftp(&["hash", "--algo", "sha1", &server.url("gone")]);
    assert_eq!((run.code, &*run.stdout), (Some(8), ""), "{run:?}");
    // An answer about another algorithm, a part of the file, or another file is no hash of it.
    for answer in
        ["SHA-2 0-7", "SHA-1 3-7", "SHA-1 0-3"].map(|start| format!("213 {start} {SHA1} a b"))
    {
        server.on_command(move |Command { verb, .. }| match verb {
            "FEAT" => Action::reply("211-features\r\n HASH SHA-1*\r\n211 end"),
            "OPTS" => Action::reply("200 SHA-1"),
            "HASH" => Action::reply(answer.clone()),
            _ => Action::serve(),
        });
        for more in [&[][..], &["--algo", "sha1"]] {
            let run = home.rftp(&[&["hash", &server.url("a%20b")], more].concat());
            assert_eq!((run.code, &*run.stdout), (Some(7), ""), "{run:?}");
        }
    }
    server.on_command(|Command { verb, .. }| match verb {
        "FEAT" => Action::reply("211-features\r\n HASH MD5;SHA-1;SHA-256*\r\n XSHA512\r\n211 end"),
        _ => Action::serve(),
    });
    // An algorithm that is not offered is neither asked for nor replaced by another one.
    server.forget_commands();
    let run = home.rftp(&["hash", "--algo", "sha512", &server.url("a%20b")]);
    assert_eq!((run.code, &*run.stdout), (Some(8), ""), "{run:?}");
    for part in ["a b", "SHA-512", "SHA-256, SHA-1, MD5", "--download"] {
        assert!(run.stderr.contains(part), "{part} {run:?}");
    }
    assert_eq!((server.count("OPTS"), server.count("HASH")), (0, 0));
    let run = home.rftp(&["hash", "--algo", "md5", "--download", "md5", &server.url("a%20b")]);
    assert_eq!(run.code, Some(2), "{run:?}");
}

/// Regression: only `ls` and the events of transfers had the bytes of such a name
#[test]
fn names_that_are_not_utf_8_are_hexadecimal_in_json() {
    let (server, home) = (Server::start(), Home::new());
    server.on_command(|Command { verb, .. }| match verb {
        "FEAT" => Action::reply("211-features\r\n XMD5\r\n211 end"),
        "XMD5" => Action::reply(format!("250 {}", MD5[0])),
        "MLST" | "MLSD" => Action::reply("500 not here"),
        "LIST" => Action::serve().data(b"-rw-r--r-- 1 a a 7 Feb 29 2024 other\r\n".to_vec()),
        "SIZE" => Action::reply("213 7"),
        "CWD" => Action::reply("250 fine"),
        _ => Action::serve(),
    });
    for (command, key) in [("hash", "path"), ("du", "path"), ("stat", "name")] {
        let run = home.rftp(&[command, "--json", &server.url("caf%E9")]);
        assert_eq!(run.code, Some(0), "{run:?}");
        let object: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(object[key], "caf\u{fffd}", "{run:?}");
        assert_eq!(object[format!("{key}_hex")], "636166e9", "{run:?}");
    }
}

#[test]
fn a_local_file_is_compared_by_its_hash() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("a", b"content");
    home.write("same", b"content");
    home.write("differs", b"c0ntent");
    for has_hashes in [true, false] {
        server.on_command(move |Command { verb, .. }| match verb {
            "FEAT" if has_hashes => Action::reply("211-features\r\n XMD5\r\n211 end"),
            "XMD5" => Action::reply(format!("250 {}", MD5[0])),
            _ => Action::serve(),
        });
        for (local, code) in [("same", 0), ("differs", 9), ("none", 3)] {
            let url = server.url("a");
            let mut arguments = vec!["hash", "--local", local, &url];
            if !has_hashes {
                arguments.extend(["--download", "sha256"]);
            }
            let run = home.rftp(&arguments);
            assert_eq!((run.code, run.stdout.is_empty()), (Some(code), code != 0), "{run:?}");
        }
    }
    let run = home.rftp(&["hash", "--local", "same", &server.url("a"), &server.url("b")]);
    assert_eq!(run.code, Some(2), "{run:?}");
}

#[test]
fn times_and_permissions_are_changed() {
    let (server, home) = (Server::start(), Home::new());
    server.on_command(|Command { verb, .. }| match verb {
        "SITE" => Action::reply("200 done"),
        _ => Action::serve(),
    });
    assert_eq!(
        home.rftp(&["touch", "-d", "2020-01-02T03:04:05Z", &server.url("new")]).code,
        Some(0)
    );
    assert_eq!(server.files().get("new").unwrap(), b"");
    let run = home.rftp(&["stat", &server.url("new")]);
    assert!(run.stdout.contains("2020-01-02T03:04:05"), "{run:?}");
    assert_eq!(home.rftp(&["chmod", "640", &server.url("two%20words")]).code, Some(0));
    assert!(
        server.commands().contains(&"SITE CHMOD 640 two words".to_owned()),
        "{:?}",
        server.commands()
    );
    assert_eq!(home.rftp(&["chmod", "9", &server.url("new")]).code, Some(2));
}

/// Regression: it was emptied, by the STOR that was to create it
#[test]
fn a_file_that_the_server_does_not_show_keeps_its_content() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("in/report", b"precious");
    server.on_command(|Command { verb, .. }| match verb {
        "FEAT" | "SIZE" | "MDTM" | "MLST" | "MLSD" => Action::reply("502 not here"),
        "LIST" => Action::serve().data(""),
        _ => Action::serve(),
    });
    let run = home.rftp(&["touch", "--retries", "0", &server.url("in/report")]);
    assert_eq!(server.files().get("in/report").unwrap(), b"precious", "{run:?}");
    home.rftp(&["touch", "--retries", "0", &server.url("in/new")]);
    assert_eq!(server.files().get("in/new").unwrap(), b"", "{}", server.transcript());
}

#[test]
fn sums_that_are_too_large_stay_at_the_largest_number() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("d/a", b"");
    let line = |name: &str| format!("type=file;size={}; {name}\r\n", u64::MAX);
    let lines = [line("a"), line("b")].concat();
    server.on_command(move |Command { verb, .. }| match verb {
        "MLSD" => Action::serve().data(lines.clone()),
        _ => Action::serve(),
    });
    let run = home.rftp(&["du", &server.url("d/")]);
    assert_eq!((run.code, &*run.stdout), (Some(0), "18446744073709551615\td\n"), "{run:?}");
    for options in [&["-n"][..], &["-n", "--json"], &["-n", "--progress", "bar"]] {
        let run = home.rftp(&[&["mirror"], options, &[&*server.url("d/"), "here"]].concat());
        assert_eq!(run.code, Some(0), "{run:?}");
        if options.contains(&"--json") {
            assert!(run.stdout.contains(r#""bytes":18446744073709551615,"#), "{run:?}");
        }
    }
}

#[test]
fn what_lies_too_deep_is_reported() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put(&format!("deep/{}f", "d/".repeat(105)), b"1");
    home.write(&format!("here/{}f", "d/".repeat(105)), b"1");
    for [from, to] in [[&*server.url("deep"), "down"], ["here", &*server.url("up")]] {
        let run = home.rftp(&["mirror", from, to]);
        assert!(run.code == Some(10) && run.stderr.contains("lies too deep"), "{run:?}");
    }
    for arguments in [&["find"][..], &["du"], &["rm", "-r", "-n"]] {
        let url = server.url("deep");
        let arguments: Vec<&str> = arguments.iter().copied().chain([&*url]).collect();
        let run = home.rftp(&arguments);
        assert_eq!(run.code, Some(10), "{run:?}");
        assert!(run.stderr.contains("lies too deep; its contents are left out"), "{run:?}");
    }
}
