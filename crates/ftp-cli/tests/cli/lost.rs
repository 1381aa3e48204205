//! Changes on the server whose reply is lost, because the connection ends right after them

use ftp_test::{Action, Command, Server};

use crate::{Home, Run};

/// Starts a server that carries out the first command with this verb, without a reply; its other refusals have this text
fn losing(verb: &'static str, refusal: &'static str) -> Server {
    let server = Server::start();
    server.files().put("pub/old", b"content");
    let files = server.files().clone();
    server.on_command(move |command: Command<'_>| match (command.verb, command.in_all) {
        ("DELE", 1) if verb == "DELE" => {
            files.remove(command.argument);
            Action::close()
        }
        ("RNTO", 1) if verb == "RNTO" => {
            files.put(command.argument, files.get("pub/old").unwrap_or_default());
            files.remove("pub/old");
            Action::close()
        }
        ("DELE" | "RNFR", _) if !files.contains(command.argument) => Action::reply(refusal),
        _ => Action::serve(),
    });
    server
}

/// With a reason, and as vsftpd says it
const REFUSALS: [&str; 2] = ["550 No such file or directory.", "550 Delete operation failed."];

/// Deletes `pub/old` (`rm`), or renames it to `pub/new` (`mv`)
fn change(server: &Server, home: &Home, command: &str) -> Run {
    let (old, new) = (server.url("pub/old"), server.url("pub/new"));
    match command {
        "rm" => home.rftp(&["rm", "--retry-delay", "0.02", &old]),
        _ => home.rftp(&[command, "--retry-delay", "0.02", &old, &new]),
    }
}

/// Regression: the second attempt was refused because the first one had deleted the file, and the run failed
#[test]
fn a_file_that_an_attempt_without_a_reply_has_deleted_is_deleted() {
    for refusal in REFUSALS {
        for options in [&[][..], &["-r"]] {
            let (server, home) = (losing("DELE", refusal), Home::new());
            let url = server.url("pub/old");
            let run = home.rftp(&[&["rm", "--retry-delay", "0.02", &url], options].concat());
            assert_eq!((run.code, &*run.stderr), (Some(0), ""), "{refusal} {options:?}: {run:?}");
            assert!(!server.files().contains("pub/old"));
        }
    }
}

#[test]
fn a_file_that_an_attempt_without_a_reply_has_renamed_is_renamed() {
    for refusal in REFUSALS {
        let (server, home) = (losing("RNTO", refusal), Home::new());
        let run = change(&server, &home, "mv");
        assert_eq!((run.code, &*run.stderr), (Some(0), ""), "{refusal}: {run:?}");
        assert_eq!(server.files().get("pub/new"), Some(b"content".to_vec()), "{refusal}");
    }
}

#[test]
fn a_file_that_was_never_there_is_a_failure() {
    for command in ["rm", "mv"] {
        // The first session finds no file, or it ends before or at the command, and the second one finds none.
        for close_at in ["", "USER", "RNFR"] {
            let (server, home) = (losing("", REFUSALS[0]), Home::new());
            server.files().remove("pub/old");
            server.files().put("pub/new", b"other");
            server.on_command(move |command: Command<'_>| match (command.verb, command.in_all) {
                (verb, 1) if verb == close_at => Action::close(),
                ("DELE" | "RNFR", _) => Action::reply(REFUSALS[0]),
                _ => Action::serve(),
            });
            let run = change(&server, &home, command);
            assert_eq!(run.code, Some(8), "{command} {close_at}: {run:?}");
            assert!(run.stderr.contains(&REFUSALS[0][4..]), "{command}: {run:?}");
        }
    }
}

/// The source is still there: the second attempt renames it
#[test]
fn a_change_that_was_not_carried_out_is_made_by_the_next_attempt() {
    for (verb, command) in [("DELE", "rm"), ("RNTO", "mv")] {
        let (server, home) = (Server::start(), Home::new());
        server.files().put("pub/old", b"content");
        server.on_command(move |command: Command<'_>| match command.verb {
            this if this == verb && command.in_all == 1 => Action::close(),
            _ => Action::serve(),
        });
        let run = change(&server, &home, command);
        assert_eq!(run.code, Some(0), "{command}: {run:?}");
        assert!(!server.files().contains("pub/old"));
        assert_eq!(server.files().contains("pub/new"), verb == "RNTO");
    }
}

/// The second attempt finds what stands under the name: a directory, which is the result, or a file, which is not
#[test]
fn a_directory_that_an_attempt_without_a_reply_has_made_is_made() {
    for (listed, code) in [("Type=dir;", Some(0)), ("Type=file;Size=7;", Some(8))] {
        let (server, home) = (Server::start(), Home::new());
        server.on_command(move |command: Command<'_>| match (command.verb, command.in_all) {
            ("MKD", 1) => Action::close(),
            ("MKD", _) => Action::reply("550 Create directory operation failed."),
            ("MLSD", _) => Action::serve().data(format!("{listed} new\r\n")),
            _ => Action::serve(),
        });
        let run = home.rftp(&["mkdir", "--retry-delay", "0.02", &server.url("pub/new")]);
        assert_eq!(run.code, code, "{listed}: {run:?}");
        assert_eq!(server.count("MKD"), 2, "{listed}");
    }
}
