//! Single options

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use ftp_test::{Action, Command, Server};

use crate::{Home, bytes, run};

#[test]
fn cat_writes_some_bytes() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("file", b"0123456789");
    let url = server.url("file");
    let ranges =
        [("0-2", "012"), ("3-5", "345"), ("7-", "789"), ("-2", "89"), ("8-99", "89"), ("50-", "")];
    for ignores_rest in [false, true] {
        if ignores_rest {
            server.on_command(|Command { verb, .. }| match verb {
                "RETR" => Action::serve().from_start(),
                _ => Action::serve(),
            });
        }
        for (range, wanted) in ranges {
            let run = home.rftp(&["cat", "--range", range, &url]);
            assert_eq!((run.code, &*run.stdout), (Some(0), wanted), "{range} {run:?}");
        }
    }
    server.on_command(|Command { verb, argument, .. }| match (verb, argument) {
        ("REST", offset) if offset != "0" => Action::reply("502 not here"),
        _ => Action::serve(),
    });
    let run = home.rftp(&["cat", "--range", "3-5", &url]);
    assert_eq!((run.code, &*run.stdout), (Some(0), "345"), "{run:?}");
    assert_eq!(home.rftp(&["cat", "--range", "5-3", &url]).code, Some(2));
}

#[test]
fn a_file_has_the_hash_that_was_given() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("file", b"content");
    let url = server.url("file");
    // sha256sum of "content"
    let right = "sha256:ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73";
    let run = home.rftp(&["get", "--checksum", right, &url]);
    assert_eq!((run.code, home.names("")), (Some(0), vec!["file".to_owned()]), "{run:?}");
    let run = home.rftp(&[
        "get",
        "--checksum",
        "md5:00000000000000000000000000000000",
        "-o",
        "other",
        &url,
    ]);
    assert_eq!((run.code, home.names("")), (Some(9), vec!["file".to_owned()]), "{run:?}");
    for wrong in ["md5", "md5:00", "crc:00"] {
        assert_eq!(home.rftp(&["get", "--checksum", wrong, &url]).code, Some(2), "{wrong}");
    }
}

#[test]
fn standard_output_is_no_file_that_could_be_kept() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("file", b"content");
    for option in ["--no-clobber", "--only-newer"] {
        let run = home.rftp(&["get", option, "-o", "-", &server.url("file")]);
        assert_eq!((run.code, &*run.stdout), (Some(2), ""), "{run:?}");
        assert!(run.stderr.contains(option), "{run:?}");
    }
}

#[test]
fn an_upload_is_added_to_a_file() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("d/log", b"one\n");
    home.write("log", b"two\n");
    let run = home.rftp(&["put", "--append", "log", &server.url("d/")]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(server.files().get("d/log").unwrap(), b"one\ntwo\n");
    // An interrupted append is not retried: the bytes that arrived would be appended twice.
    server.on_command(|Command { verb, .. }| match verb {
        "APPE" => Action::serve().break_at(1).then_close(),
        _ => Action::serve(),
    });
    home.write("log", &bytes(3_000_000));
    server.forget_commands();
    let run = home.rftp(&["put", "--append", "log", &server.url("d/")]);
    assert_eq!((run.code, server.count("APPE")), (Some(4), 1), "{run:?}");
}

/// Answers like servers that do not say why they refuse SIZE and MLST, such as vsftpd
fn gives_no_reasons(command: &Command<'_>) -> Action {
    match command.verb {
        "SIZE" => Action::reply("550 Could not get file size."),
        "MLST" | "MLSD" => Action::reply("500 Unknown command."),
        _ => Action::serve(),
    }
}

#[test]
fn files_that_exist_on_the_server_are_skipped() {
    let (server, home) = (Server::start(), Home::new());
    for name in ["old", "new", "newer"] {
        home.write(name, name.as_bytes());
    }
    server.files().put("d/old", b"theirs");
    let url = server.url("d/");
    let run = home.rftp(&["put", "--no-clobber", "old", "new", &url]);
    assert!(run.code == Some(0) && run.stderr.contains("d/old: left out"), "{run:?}");
    assert_eq!(server.files().get("d/old").unwrap(), b"theirs");
    assert_eq!(server.files().get("d/new").unwrap(), b"new");
    server.on_command(|command| gives_no_reasons(&command));
    let run = home.rftp(&["put", "--no-clobber", "old", "newer", &url]);
    assert_eq!((run.code, run.stderr.matches("left out").count()), (Some(0), 1), "{run:?}");
    assert_eq!(server.files().get("d/old").unwrap(), b"theirs");
    assert_eq!(server.files().get("d/newer").unwrap(), b"newer");
    // If the server doesn't tell whether the file exists, nothing is written.
    server.on_command(|command| match command.verb {
        "LIST" => Action::reply("550 Permission denied."),
        _ => gives_no_reasons(&command),
    });
    server.forget_commands();
    let run = home.rftp(&["put", "--no-clobber", "old", &url]);
    assert_eq!((run.code, server.count("STOR")), (Some(8), 0), "{run:?}");
}

/// Regression: a missing file was not created on servers that refuse SIZE without a reason
#[test]
fn touch_creates_a_missing_file() {
    let (server, home) = (Server::start(), Home::new());
    server.on_command(|command| gives_no_reasons(&command));
    server.files().put("d/other", b"");
    let run = home.rftp(&["touch", "-d", "2024-01-01", &server.url("d/file")]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(server.files().get("d/file").unwrap(), b"");
}

#[test]
fn the_server_chooses_a_name() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("d/file", b"old");
    home.write("a", b"a");
    home.write("b", b"b");
    let run = home.rftp(&["put", "--unique", "a", "b", &server.url("d/")]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!((server.count("STOU"), server.count("STOR")), (2, 0));
    assert_eq!(server.files().get("d/unique-2").unwrap(), b"b");
    assert!(run.stdout.contains("put unique-1"), "{run:?}");
    assert_eq!(home.rftp(&["put", "--unique", "a", &server.url("d/a")]).code, Some(2));
    // A reply need not tell the name.
    server.on_command(|Command { verb, .. }| match verb {
        "STOU" => Action::serve().preliminary_reply("150 here").final_reply("226 done"),
        _ => Action::serve(),
    });
    for (path, shown) in [("", "put ./ "), ("d/", "put d/ ")] {
        let run = home.rftp(&["put", "--unique", "a", &server.url(path)]);
        assert!(run.stdout.starts_with(shown), "{run:?}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn sessions_come_from_the_address_that_was_given() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("file", b"content");
    server.on_command(|Command { client, .. }| {
        assert_eq!(client.ip().to_string(), "127.0.0.9");
        Action::serve()
    });
    let run = home.rftp(&["get", "--bind", "127.0.0.9", &server.url("file")]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(home.rftp(&["get", "--bind", "here", &server.url("file")]).code, Some(2));
}

/// Starts a proxy for SOCKS 5 without a login, or for HTTP CONNECT; returns its port, and a counter of its connections
fn proxy(is_socks: bool) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            counted.fetch_add(1, Ordering::SeqCst);
            thread::spawn(move || {
                let server = if is_socks { socks(&client) } else { connect(&client) };
                let Some(server) = server else { return };
                let (mut up, mut down) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                thread::spawn(move || {
                    let _ = std::io::copy(&mut up, &mut down);
                    let _ = down.shutdown(Shutdown::Write);
                });
                let (mut from, mut to) = (server, client);
                let _ = std::io::copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Write);
            });
        }
    });
    (port, count)
}

fn socks(mut client: &TcpStream) -> Option<TcpStream> {
    let mut head = [0; 2];
    client.read_exact(&mut head).ok()?;
    client.read_exact(&mut vec![0; usize::from(head[1])]).ok()?;
    client.write_all(&[5, 0]).ok()?;
    let mut request = [0; 4];
    client.read_exact(&mut request).ok()?;
    let host = match request[3] {
        1 => {
            let mut address = [0; 4];
            client.read_exact(&mut address).ok()?;
            std::net::Ipv4Addr::from(address).to_string()
        }
        _ => {
            let mut length = [0];
            client.read_exact(&mut length).ok()?;
            let mut name = vec![0; usize::from(length[0])];
            client.read_exact(&mut name).ok()?;
            String::from_utf8(name).ok()?
        }
    };
    let mut port = [0; 2];
    client.read_exact(&mut port).ok()?;
    let server = TcpStream::connect((&*host, u16::from_be_bytes(port))).ok()?;
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).ok()?;
    Some(server)
}

fn connect(mut client: &TcpStream) -> Option<TcpStream> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte).ok()?;
        request.push(byte[0]);
    }
    let request = String::from_utf8(request).ok()?;
    let server = TcpStream::connect(request.split(' ').nth(1)?).ok()?;
    client.write_all(b"HTTP/1.1 200 fine\r\n\r\n").ok()?;
    Some(server)
}

#[test]
fn all_connections_go_through_the_proxy() {
    for (scheme, is_socks) in [("socks5", true), ("http", false)] {
        let (server, home) = (Server::start(), Home::new());
        server.files().put("file", b"content");
        let (port, count) = proxy(is_socks);
        let url = format!("{scheme}://127.0.0.1:{port}");
        let run = home.rftp(&["get", "--proxy", &url, &server.url("file")]);
        assert_eq!(run.code, Some(0), "{run:?}");
        assert_eq!(home.read("file"), b"content");
        // One control connection and one data connection.
        assert_eq!(count.load(Ordering::SeqCst), 2, "{scheme}");
    }
    let home = Home::new();
    let run = home.rftp(&["get", "--proxy", "http://me:seeded@h", "ftp://h/f"]);
    assert!(run.code == Some(2) && run.stderr.contains("netrc"), "{run:?}");
    let run = home.rftp(&["get", "--proxy", "http://me@h", "ftp://h/f"]);
    assert!(run.code == Some(2) && run.stderr.contains("netrc"), "{run:?}");
}

#[test]
fn a_password_in_a_url_is_warned_of() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("a", b"content");
    server.files().put("b", b"content");
    let url = |path: &str| format!("ftp://me:seeded@127.0.0.1:{}/{path}", server.address().port());
    let run = home.rftp(&["get", &url("a"), &url("b")]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(run.stderr.matches("warning: a password in a URL").count(), 1, "{run:?}");
    assert!(!run.stderr.contains("seeded"), "{run:?}");
    // No warning for a URL in a file, since other users can't see it in the list of processes.
    home.write("list", url("a").as_bytes());
    let run = home.rftp(&["fetch", "list", "-O", "here"]);
    assert_eq!((run.code, &*run.stderr), (Some(0), ""), "{run:?}");
}

#[test]
fn info_prints_the_known_quirks_of_a_server() {
    let (server, home) = (Server::start(), Home::new());
    server.on_command(|Command { verb, .. }| match verb {
        "GREETING" => Action::reply("220 (vsFTPd 3.0.3)"),
        _ => Action::serve(),
    });
    let told = home.rftp(&["info", &server.url("")]);
    assert!(told.code == Some(0) && told.stdout.contains("vsftpd"), "{told:?}");
    let told = run(&mut home.command(&["info", "--json", &server.url("")]));
    let facts: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(facts["software"], "vsftpd");
    assert!(facts["known_for"].as_array().is_some_and(|facts| !facts.is_empty()), "{told:?}");
}

#[cfg(unix)]
fn mode_of(home: &Home, name: &str) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    home.path(name).metadata().unwrap().permissions().mode() & 0o7777
}

#[test]
#[cfg(unix)]
fn permissions_are_kept() {
    use std::os::unix::fs::PermissionsExt as _;
    let (server, home) = (Server::start(), Home::new());
    server.files().put("pub/file", b"content");
    server.on_command(|Command { verb, argument, .. }| match (verb, argument) {
        ("MLSD", "pub") => Action::serve()
            .data(b"type=file;size=7;modify=20240101000000;UNIX.mode=4750; file\r\n".to_vec()),
        ("MLST", _) => {
            Action::reply("250-it is\r\n type=file;size=7;UNIX.mode=0640; file\r\n250 end")
        }
        ("SITE", _) => Action::reply("200 fine"),
        _ => Action::serve(),
    });
    let run = home.rftp(&["mirror", "--preserve", "mode", &server.url("pub"), "here"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    // The set-user-ID bit is not copied.
    assert_eq!(mode_of(&home, "here/file"), 0o750);
    let run = home.rftp(&["get", "--preserve", "mode", &server.url("pub/file")]);
    assert_eq!((run.code, mode_of(&home, "file")), (Some(0), 0o640), "{run:?}");
    std::fs::set_permissions(home.path("file"), std::fs::Permissions::from_mode(0o604)).unwrap();
    let run = home.rftp(&["put", "--preserve", "mode", "file", &server.url("new")]);
    assert_eq!((run.code, &*run.stderr), (Some(0), ""), "{run:?}");
    assert!(
        server.commands().contains(&"SITE CHMOD 604 new.part".to_owned()),
        "{:?}",
        server.commands()
    );
    // If the server can't set permissions, the file is uploaded nevertheless.
    server.on_command(|_| Action::serve());
    let run = home.rftp(&["put", "--preserve", "mode", "file", &server.url("other")]);
    assert!(run.code == Some(0) && run.stderr.contains("CHMOD"), "{run:?}");
    assert!(server.files().contains("other"));
}

#[test]
fn files_are_chosen_by_their_age() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("pub/old", b"old");
    server.files().put("pub/new", b"new");
    server.files().set_modified("pub/old", "20200101000000");
    home.write("here/mine", b"");
    let url = server.url("pub");
    let run = home.rftp(&["mirror", "--newer", "2024-01-01", "--delete", &url, "here"]);
    assert_eq!((run.code, home.names("here")), (Some(0), vec!["new".to_owned()]), "{run:?}");
    let run =
        home.rftp(&["mirror", "--older", "1d", "--newer", "2019-12-31T23:59:59Z", &url, "there"]);
    assert_eq!(
        (run.code, home.names("there")),
        (Some(0), vec!["new".to_owned(), "old".to_owned()]),
        "{run:?}"
    );
    let run = home.rftp(&["find", "--older", "2024-01-01", &url]);
    assert_eq!((run.code, &*run.stdout), (Some(0), "pub/old\n"), "{run:?}");
    assert_eq!(home.rftp(&["find", "--older", "soon", &url]).code, Some(2));
}

#[test]
fn files_are_chosen_by_their_size() {
    let (server, home) = (Server::start(), Home::new());
    for (name, size) in [("empty", 0), ("small", 10), ("middle", 2000), ("large", 30_000)] {
        server.files().put(&format!("pub/{name}"), bytes(size));
    }
    // These local files are outside the bounds, so they are neither replaced nor deleted.
    home.write("here/mine", b"");
    home.write("here/small", b"old");
    home.write("here/gone", &bytes(1500));
    let url = server.url("pub");
    let run = home.rftp(&["mirror", "--size", "+1k", "--size=-10k", "--delete", &url, "here"]);
    assert_eq!((run.code, home.names("here").join(" ")), (Some(0), "middle mine small".into()));
    assert_eq!(home.read("here/small"), b"old");
    let run =
        home.rftp(&["verify", "--compare", "size", "--size=-10k", "--size=+1k", &url, "here"]);
    assert_eq!((run.code, &*run.stderr), (Some(0), ""), "{run:?}");
    server.files().put("pub/unknown", b"");
    // A file of unknown size is left out.
    server.on_command(|Command { verb, .. }| match verb {
        "MLSD" => Action::serve().data(b"type=file; unknown\r\n".to_vec()),
        _ => Action::serve(),
    });
    let run = home.rftp(&["mirror", "--size", "+0", &url, "there"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "every size fits: {run:?}");
    let run = home.rftp(&["mirror", "--size", "+1", &url, "elsewhere"]);
    assert!(run.code == Some(0) && run.stderr.contains("its size is not known"), "{run:?}");
    assert_eq!(home.rftp(&["mirror", "--size", "big", &url, "here"]).code, Some(2));
}

#[test]
fn links_of_a_server_are_followed() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("pub/file", b"file");
    server.files().put("pub/link", b"linked");
    server.files().put("pub/folder/inside", b"inside");
    let went_up = std::sync::atomic::AtomicBool::new(false);
    server.on_command(move |Command { verb, argument, .. }| match (verb, argument) {
        ("MLSD", "pub") => Action::serve().data(
            b"type=file;size=4;modify=20240229123456; file\r\n\
              type=OS.unix=slink:elsewhere; link\r\n\
              type=OS.unix=slink:/data; folder\r\n\
              type=OS.unix=slink:none; broken\r\n\
              type=OS.unix=slink:..; up\r\n"
                .to_vec(),
        ),
        ("CWD", path) => {
            went_up.store(path == "pub/up", Ordering::SeqCst);
            if path == "pub/up" { Action::reply("250 fine") } else { Action::serve() }
        }
        ("PWD", _) if went_up.load(Ordering::SeqCst) => Action::reply("257 \"/\""),
        _ => Action::serve(),
    });
    let run = home.rftp(&["mirror", &server.url("pub"), "here"]);
    assert_eq!((run.code, home.names("here")), (Some(0), vec!["file".to_owned()]), "{run:?}");
    let run = home.rftp(&["mirror", "--follow", &server.url("pub"), "here"]);
    assert_eq!(
        (run.code, home.names("here")),
        (Some(0), ["file", "folder", "link"].map(String::from).to_vec()),
        "{run:?}"
    );
    assert_eq!(
        (home.read("here/link"), home.read("here/folder/inside")),
        (b"linked".to_vec(), b"inside".to_vec())
    );
    let run = home.rftp(&["mirror", "--follow", "--json", &server.url("pub"), "here"]);
    assert!(run.stdout.contains(r#""files":0"#), "{run:?}");
}

#[test]
#[cfg(unix)]
fn links_here_are_followed() {
    use std::os::unix::fs::symlink;
    let (server, home) = (Server::start(), Home::new());
    home.write("here/file", b"file");
    home.write("data/inside", b"inside");
    symlink(home.path("data"), home.path("here/folder")).unwrap();
    symlink("file", home.path("here/link")).unwrap();
    symlink("none", home.path("here/broken")).unwrap();
    symlink("..", home.path("here/up")).unwrap();
    symlink(home.path("here"), home.path("data/back")).unwrap();
    let run = home.rftp(&["mirror", "--follow", "here", &server.url("pub")]);
    assert_eq!(server.files().get("pub/folder/inside").unwrap(), b"inside");
    assert_eq!(server.files().get("pub/link").unwrap(), b"file");
    assert!(
        !server.files().contains("pub/up") && !server.files().contains("pub/broken"),
        "{run:?}"
    );
    // Two directories with links to each other: the run ends, and reports the loop.
    assert!(run.code.is_some_and(|code| code != 0) && run.stderr.contains("loop"), "{run:?}");
}

#[test]
fn two_directories_are_compared() {
    let (server, home) = (Server::start(), Home::new());
    for (name, content) in
        [("same", "same"), ("size", "12345"), ("content", "abc"), ("d/missing", "x")]
    {
        server.files().put(&format!("pub/{name}"), content.as_bytes());
    }
    server.on_command(|Command { verb, argument, .. }| match (verb, argument) {
        ("FEAT", _) => {
            Action::reply("211-features\r\n MLST type*;size*;modify*;\r\n XMD5\r\n SIZE\r\n211 end")
        }
        // md5sum of "same", and of "abc".
        ("XMD5", "pub/same") => Action::reply("250 51037a4a37730f52c8732586d3aaa316"),
        ("XMD5", _) => Action::reply("250 900150983cd24fb0d6963f7d28e17f72"),
        _ => Action::serve(),
    });
    for (name, content) in [("same", "same"), ("size", "1234"), ("content", "abd"), ("extra", "x")]
    {
        home.write(&format!("here/{name}"), content.as_bytes());
    }
    let url = server.url("pub");
    let run = home.rftp(&["verify", &url, "here"]);
    assert_eq!(run.code, Some(9), "{run:?}");
    for line in [
        "size: differs",
        "content: differs",
        "d/missing: is missing",
        "extra: is only in the target",
    ] {
        assert!(run.stderr.contains(line), "{line}: {run:?}");
    }
    assert!(!run.stderr.contains("same:"), "{run:?}");
    assert_eq!(home.names("here"), ["content", "extra", "same", "size"]);
    assert_eq!((server.count("RETR"), server.count("STOR")), (0, 0));
    // In the other direction, and with only some of the files.
    let run = home.rftp(&[
        "verify",
        "here",
        &url,
        "--include",
        "x",
        "--exclude",
        "*",
        "--include",
        "same",
    ]);
    assert_eq!((run.code, &*run.stderr), (Some(0), ""), "{run:?}");
    let run = home.rftp(&["verify", "--compare", "size", "--exclude", "[dse]*", &url, "here"]);
    assert_eq!((run.code, &*run.stderr), (Some(0), ""), "{run:?}");
}
