//! `ftplib` and `ftpmirror`, which work like Python's programs

use ftp_test::{Action, Command, Server};

use crate::parts::{state_of, state_with};
use crate::{Home, bytes};

#[test]
fn ftplib_lists_changes_directory_and_writes_files() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("d/a", b"\xffbytes\n");
    let host = server.url("");
    let run = home.rftp(&["ftplib", &host, "-l", "-dd", "a"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stdout.contains(" d\n") && run.stdout.ends_with("bytes\n"), "{run:?}");
    assert!(run.stderr.contains("anonymous"), "{run:?}");
    assert!(server.commands().contains(&"CWD d".to_owned()));
    let run = home.rftp(&["ftplib"]);
    assert!(run.code == Some(0) && run.stdout.contains("HOST"), "{run:?}");
    let run = home.rftp(&["ftplib", "-d", &host, "none"]);
    assert!(run.code == Some(8) && run.stderr.contains("RETR none"), "{run:?}");
}

#[test]
fn ftpmirror_fetches_files_of_another_version() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("pub/a", b"one");
    server.files().put("pub/b.o", b"two");
    server.files().put("pub/d/c", b"three");
    let host = server.url("");
    let run = home.rftp(&["ftpmirror", "-s", "*.o", &host, "pub", "here"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(home.names("here"), [".mirrorinfo", "a", "d"]);
    assert_eq!(home.read("here/d/c"), b"three");
    assert_eq!(home.read("here/.mirrorinfo"), b"{'a': '3 Feb 29 2024'}\n");
    server.forget_commands();
    home.write("here/old", b"");
    assert_eq!(home.rftp(&["ftpmirror", "-s", "*.o", &host, "pub", "here"]).code, Some(0));
    assert_eq!(server.count("RETR"), 0);
    // A file whose size has changed is fetched again.
    server.files().put("pub/a", b"1");
    let run = home.rftp(&["ftpmirror", "-rs", "*.o", &host, "pub", "here"]);
    assert_eq!((run.code, server.count("RETR")), (Some(0), 1), "{run:?}");
    assert_eq!(home.names("here"), [".mirrorinfo", "a", "d"]);
    assert_eq!(home.rftp(&["ftpmirror", "-x", &host]).code, Some(2));
    assert_eq!(home.rftp(&["ftpmirror"]).code, Some(2));
}

/// Python's script gave an incomplete file its final name, and noted it as fetched
#[test]
fn ftpmirror_does_not_note_what_has_failed() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("pub/a", b"one");
    home.write("here/a", b"old");
    server.on_command(|Command { verb, .. }| match verb {
        "RETR" => Action::reply("550 Permission denied"),
        _ => Action::serve(),
    });
    let run = home.rftp(&["ftpmirror", &server.url(""), "pub", "here"]);
    assert_eq!(run.code, Some(8), "{run:?}");
    assert_eq!(
        (home.read("here/a"), home.read("here/.mirrorinfo")),
        (b"old".to_vec(), b"{}\n".to_vec())
    );
}

/// Regression: a file that the user did not want was noted as fetched, so its next run never asked for it again
#[test]
fn ftpmirror_asks_again_for_a_file_that_was_not_wanted() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("pub/a", b"new content");
    server.files().put("pub/b", b"");
    home.write("here/a", b"old");
    home.write("here/.mirrorinfo", b"{'a': '3 Jan 1 2020'}");
    for answer in ["n\nn\n", ""] {
        home.write("answers", answer.as_bytes());
        let mut command = home.command(&["ftpmirror", "-i", &server.url(""), "pub", "here"]);
        let run = crate::run(command.stdin(std::fs::File::open(home.path("answers")).unwrap()));
        assert_eq!(run.code, Some(0), "{run:?}");
        assert_eq!(run.stdout.matches("Retrieve ").count(), 2, "{run:?}");
        assert_eq!(home.read("here/a"), b"old");
        assert_eq!(home.read("here/.mirrorinfo"), b"{'a': '3 Jan 1 2020', 'b': 'Not retrieved'}\n");
    }
    home.write("answers", b"y\nn\n");
    let mut command = home.command(&["ftpmirror", "-i", &server.url(""), "pub", "here"]);
    let run = crate::run(command.stdin(std::fs::File::open(home.path("answers")).unwrap()));
    assert_eq!((run.code, home.read("here/a")), (Some(0), b"new content".to_vec()), "{run:?}");
}

#[test]
fn ftpmirror_is_as_quiet_as_the_script() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("pub/a", b"one");
    home.write("here/mine", b"");
    let host = server.url("");
    // The script accepts -b, too, and ignores it.
    let run = home.rftp(&["ftpmirror", "-b", "-q", &host, "pub", "here"]);
    assert_eq!((run.code, &*run.stdout, &*run.stderr), (Some(0), "", ""), "{run:?}");
    let run = home.rftp(&["ftpmirror", &host, "pub", "here"]);
    assert!(run.stderr.contains("mine") && !run.stderr.contains("Feb 29"), "{run:?}");
    let run = home.rftp(&["ftpmirror", "-v", &host, "pub", "here"]);
    assert!(run.code == Some(0) && run.stderr.contains("Feb 29 2024 a"), "{run:?}");
}

/// For Macintosh servers, which list names only, and know no users
#[test]
fn ftpmirror_reads_listings_of_names() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("pub/a", b"one");
    server.files().put("pub/d/c", b"three");
    server.on_command(|Command { verb, argument, .. }| match (verb, argument) {
        ("LIST", "pub/d") => Action::serve().data(b"c\r\n".to_vec()),
        ("LIST", _) => Action::serve().data(b"a\r\nskipped.o\r\nd/\r\n".to_vec()),
        _ => Action::serve(),
    });
    let run = home.rftp(&["ftpmirror", "-l", "me", "-m", &server.url(""), "pub", "here"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(home.names("here"), [".mirrorinfo", "a", "d"]);
    assert_eq!(home.read("here/d/c"), b"three");
    assert!(server.commands().contains(&"USER anonymous".to_owned()), "{:?}", server.commands());
}

/// Regression: a part of any version was resumed if its last 64 KiB were the same
#[test]
fn ftpmirror_resumes_only_a_part_of_the_same_version() {
    let size = 3_000_000;
    let mut older = bytes(size);
    older[0] ^= 1;
    let server = Server::start();
    server.files().put("pub/a", bytes(size));
    let of = |modified| state_of(&server, "pub/a", modified);
    let unknown = state_with(&server, "pub/a", r#""size":null,"modified":null"#);
    for (part, state, rests) in
        [(&older, of(1), 0), (&older, unknown, 0), (&bytes(size), of(1_709_210_096), 1)]
    {
        let home = Home::new();
        server.forget_commands();
        home.write("here/a.part", &part[..2_000_000]);
        home.write("here/a.part.state", &state);
        let run = home.rftp(&["ftpmirror", &server.url(""), "pub", "here"]);
        assert_eq!(run.code, Some(0), "{run:?}");
        assert!(home.read("here/a") == bytes(size), "{rests}");
        assert_eq!(home.names("here"), [".mirrorinfo", "a"]);
        assert_eq!(server.count("REST"), rests);
    }
}

/// Python's script evaluated `.mirrorinfo` as code
#[test]
fn ftpmirror_does_not_evaluate_its_state() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("pub/a", b"one");
    server.files().put("pub/.mirrorinfo", b"{'a': 'evil'}");
    home.write("here/.mirrorinfo", b"__import__('os').system('touch evil')");
    let run = home.rftp(&["ftpmirror", &server.url(""), "pub", "here"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(
        (home.names(""), home.names("here")),
        (vec!["here".to_owned()], vec![".mirrorinfo".to_owned(), "a".to_owned()])
    );
    assert_eq!(home.read("here/.mirrorinfo"), b"{'a': '3 Feb 29 2024'}\n");
}

#[test]
fn completions_and_the_manual_page_are_printed() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish"] {
        let run = home.rftp(&["completions", shell]);
        assert!(run.code == Some(0) && run.stdout.contains("mirror"), "{shell}");
    }
    let run = home.rftp(&["man"]);
    assert!(run.code == Some(0) && run.stdout.contains(".TH rftp"), "{run:?}");
}

/// Returns the completions that bash offers for an incomplete command line
#[cfg(unix)]
fn completed(home: &Home, words: &[&str]) -> Vec<String> {
    let script = format!(
        "source <({program} completions bash); complete -p rftp >&2; \
         COMP_WORDS=({words}); COMP_CWORD={last}; \
         \"$(complete -p rftp | sed 's/.*-F \\([^ ]*\\).*/\\1/')\" rftp '{word}' '{before}'; \
         printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        program = env!("CARGO_BIN_EXE_rftp"),
        words = words.join(" "),
        last = words.len() - 1,
        word = words[words.len() - 1],
        before = words[words.len() - 2],
    );
    let run = crate::run(
        std::process::Command::new("bash")
            .args(["--norc", "-c", &script])
            .current_dir(home.path("")),
    );
    assert!(run.code == Some(0) && run.stderr.contains("-F"), "{run:?}");
    run.stdout.lines().map(str::to_owned).collect()
}

#[test]
#[cfg(unix)]
fn bash_completes_commands_and_options() {
    let home = Home::new();
    assert_eq!(completed(&home, &["rftp", "mir"]), ["mirror"]);
    assert_eq!(completed(&home, &["rftp", "mirror", "--max-d"]), ["--max-delete"]);
    assert_eq!(completed(&home, &["rftp", "get", "--segm"]), ["--segments"]);
    assert_eq!(
        completed(&home, &["rftp", "mirror", "--compare", "m"]),
        ["missing"],
        "the values of an option"
    );
    let all = completed(&home, &["rftp", ""]);
    assert!(
        ["get", "put", "verify", "ftpmirror"]
            .iter()
            .all(|name| all.iter().any(|word| word == name)),
        "{all:?}"
    );
}
