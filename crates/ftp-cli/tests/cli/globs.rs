//! The patterns of `mget` and `mput`

use ftp_test::{Action, Command, Server};

use crate::shell::shell;
use crate::{Home, Run};

/// Serves these names in each listing, in all of which are files
fn serve(names: &[&str]) -> Server {
    let server = Server::start();
    let line = |name: &&str| format!("type=file;size=4;modify=20240101000000; {name}\r\n");
    let lines: String = names.iter().map(line).collect();
    server.on_command(move |Command { verb, .. }| match verb {
        "MLSD" => Action::serve().data(lines.clone()),
        "RETR" => Action::serve().data(b"1234".to_vec()),
        _ => Action::serve(),
    });
    for name in names.iter().filter(|name| !name.contains('/')) {
        server.files().put(name, b"1234");
    }
    server
}

fn run(home: &Home, server: &Server, line: &str) -> Run {
    server.forget_commands();
    shell(home, &["--progress", "none", &server.url("")], format!("{line}\n"))
}

/// Returns how many lines of standard error are about this name, in any directory
fn told(run: &Run, name: &str) -> usize {
    let below = format!("/{name}");
    let subject = |line: &str| line.strip_prefix("rftp: ")?.split(": ").next().map(str::to_owned);
    let subjects = run.stderr.lines().filter_map(subject);
    subjects.filter(|subject| subject == name || subject.ends_with(&below)).count()
}

#[test]
fn a_name_that_can_not_be_local_does_not_stop_the_others() {
    let server = serve(&["f1", r"f\2", "f3", "f3.part", "g"]);
    let home = Home::new();
    let run = run(&home, &server, "mget f*");
    assert_eq!((run.code, home.names("")), (Some(3), vec!["f1".into(), "f3".into()]), "{run:?}");
    assert_eq!((told(&run, r"f\2"), told(&run, "f3.part")), (1, 1), "{run:?}");
    assert_eq!(run.stderr.lines().count(), 2, "{run:?}");
    assert_eq!(server.count("RETR"), 2, "{:?}", server.commands());
}

#[test]
fn a_line_that_is_not_understood_may_name_a_file_that_matches() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("f1", b"1234");
    server.on_command(|Command { verb, .. }| match verb {
        "MLSD" => Action::serve().data("type=file;size=4; f1\r\nf2 is here, too\r\n"),
        _ => Action::serve(),
    });
    let run = run(&home, &server, "mget f*");
    assert_eq!((run.code, home.names("")), (Some(7), vec!["f1".into()]), "{run:?}");
    assert!(run.stderr.contains("f*: 1 line of a listing was not understood"), "{run:?}");
}

#[test]
fn the_second_file_of_one_name_does_not_stop_the_others() {
    let (server, home) = (Server::start(), Home::new());
    for name in ["a/x", "a/y", "b/x", "b/z"] {
        server.files().put(name, name.as_bytes());
        home.write(name, name.as_bytes());
    }
    let fetched = run(&home, &server, "mget a/* b/* -O got");
    assert_eq!((fetched.code, told(&fetched, "b/x")), (Some(3), 1), "{fetched:?}");
    assert_eq!(home.names("got"), ["x", "y", "z"], "{fetched:?}");
    assert_eq!(home.read("got/x"), b"a/x");
    let sent = run(&home, &server, "mput a/* b/* -o up/ --mkdir");
    assert_eq!((sent.code, told(&sent, "b/x")), (Some(3), 1), "{sent:?}");
    assert_eq!(server.files().get("up/x"), Some(b"a/x".to_vec()), "{sent:?}");
    assert!(server.files().contains("up/y") && server.files().contains("up/z"), "{sent:?}");
    // A file that two patterns match is transferred once.
    let twice = run(&home, &server, "mget a/x a/* -O twice\nmput a/* a/x -o twice/ --mkdir");
    assert_eq!((twice.code, &*twice.stderr), (Some(0), ""), "{twice:?}");
    assert_eq!((server.count("RETR"), server.count("STOR")), (2, 2), "{:?}", server.commands());
    // On the command line it is a mistake, and nothing is sent.
    server.forget_commands();
    let urls = [server.url("a/x"), server.url("b/x")];
    let given = home.rftp(&["get", &urls[0], &urls[1], "-O", "given"]);
    assert_eq!((given.code, server.commands().len()), (Some(2), 0), "{given:?}");
}

#[test]
fn a_pattern_without_a_match_does_not_stop_the_others() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("a", b"1234");
    home.write("here/a", b"1234");
    let fetched = run(&home, &server, "mget *.x a* none/*");
    assert_eq!((fetched.code, told(&fetched, "*.x")), (Some(8), 1), "{fetched:?}");
    assert_eq!(home.read("a"), b"1234");
    let sent = run(&home, &server, "mput *.x here/* none/* -o up/ --mkdir");
    assert_eq!((sent.code, told(&sent, "*.x")), (Some(3), 1), "{sent:?}");
    assert!(server.files().contains("up/a"), "{sent:?}");
}

#[test]
fn names_with_a_dot_take_a_pattern_with_a_dot() {
    let (server, home) = (Server::start(), Home::new());
    for name in ["d/.a", "d/b", "d/..c"] {
        server.files().put(name, b"1234");
        home.write(name, b"1234");
    }
    for (pattern, names) in
        [("*", &["b"][..]), ("?a", &[]), ("[.]a", &[]), (".*", &["..c", ".a"]), (".a", &[".a"])]
    {
        let (fetched, sent) = (Home::new(), format!("up{}", names.len()));
        let code = if names.is_empty() { Some(8) } else { Some(0) };
        let run_down = run(&fetched, &server, &format!("mget d/{pattern}"));
        assert_eq!((run_down.code, fetched.names("")), (code, owned(names)), "{run_down:?}");
        let code = if names.is_empty() { Some(3) } else { Some(0) };
        let run_up = run(&home, &server, &format!("mput d/{pattern} -o {sent}{pattern}/ --mkdir"));
        let mut there = server.files().paths();
        there.retain(|path| path.starts_with(&format!("{sent}{pattern}/")));
        let there: Vec<&str> = there.iter().filter_map(|path| path.split('/').nth(1)).collect();
        assert_eq!((run_up.code, &*there), (code, names), "{pattern} {run_up:?}");
    }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn names_that_lead_elsewhere_are_reported_and_not_requested() {
    let wild = ["../../etc/passwd", "/etc/passwd", "sub/x"];
    let server = serve(&[&wild[..], &["good"]].concat());
    for pattern in ["*", "*d *x", "-O in *", "-o - *"] {
        let home = Home::new();
        let run = run(&home, &server, &format!("mget {pattern}"));
        assert_eq!(run.code, Some(3), "{pattern}: {run:?}");
        for name in wild {
            assert_eq!(told(&run, name), 1, "{pattern}: {run:?}");
        }
        let asked = server.commands().join("\n");
        assert!(!asked.contains("passwd") && !asked.contains("sub"), "{pattern}: {asked}");
        assert!(asked.contains("RETR /good"), "{pattern}: {asked}");
    }
    // What does not match is not reported.
    let run = run(&Home::new(), &server, "mget g*");
    assert_eq!((run.code, &*run.stderr), (Some(0), ""), "{run:?}");
}

/// Regression: it was taken for standard input, and nothing was sent
#[test]
fn a_local_file_called_dash_is_a_file() {
    let (server, home) = (Server::start(), Home::new());
    home.write("-", b"dash");
    home.write("f", b"file");
    let run = run(&home, &server, "mput *");
    assert_eq!((run.code, &*run.stderr), (Some(0), ""), "{run:?}");
    assert_eq!(server.files().get("-"), Some(b"dash".to_vec()));
    assert!(server.files().contains("f"));
}
