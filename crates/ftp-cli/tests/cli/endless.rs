//! Listings without an end: the program ends them, and holds a bounded part of them in memory

use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;

use ftp_test::{PATIENCE, ScriptedServer};

use crate::Home;

/// Starts a server whose listings, by MLSD or only by LIST, repeat these bytes without an end
fn start(has_mlsd: bool, repeated: impl Into<Vec<u8>>) -> ScriptedServer {
    let repeated = Arc::new(repeated.into());
    ScriptedServer::start(move |peer| {
        peer.reply("220 ready");
        let mut data = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        while let Some(command) = peer.command() {
            let verb = command.split(|byte| *byte == b' ').next().unwrap_or_default();
            match verb {
                b"USER" => peer.reply("331 password, please"),
                b"PASS" => peer.reply("230 welcome"),
                b"FEAT" if has_mlsd => peer.reply("211-\r\n MLST size*;type*;\r\n211 end"),
                b"TYPE" | b"CWD" => peer.reply("200 fine"),
                b"EPSV" => {
                    data = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
                    let port = data.local_addr().unwrap().port();
                    peer.reply(&format!("229 here (|||{port}|)"));
                }
                b"MLSD" | b"LIST" if has_mlsd || verb == b"LIST" => {
                    peer.reply("150 here it comes");
                    let (mut connection, _) = data.accept().unwrap();
                    connection.set_write_timeout(Some(PATIENCE)).unwrap();
                    while connection.write_all(&repeated).is_ok() {}
                    peer.reply("426 it has been closed");
                }
                b"QUIT" => return peer.reply("221 goodbye"),
                _ => peer.reply("502 not here"),
            }
        }
    })
}

/// Runs a command that lists a directory, whose listing must end with an error
fn is_left(command: &str, has_mlsd: bool, repeated: &[u8]) {
    let (server, home) = (start(has_mlsd, repeated), Home::new());
    let url = format!("ftp://u:p@{}/", server.address());
    let mut words = vec![command, "--timeout", "1", "--retries", "0", &*url];
    words.extend((command == "mirror").then_some("here"));
    let run = home.rftp(&words);
    assert_eq!(run.code, Some(7), "{command} {has_mlsd}: {run:?}");
    assert!(run.stderr.contains("longer than the limit of"), "{command} {has_mlsd}: {run:?}");
}

/// Regression: its bytes did not count, because only the first 64 KiB of a line are kept
#[test]
fn a_line_without_an_end_is_left() {
    for (command, has_mlsd) in [("ls", true), ("ls", false), ("find", false), ("mirror", true)] {
        is_left(command, has_mlsd, &[b'a'; 65_536]);
    }
}

#[test]
fn lines_without_an_entry_are_left() {
    is_left("ls", false, &b"total 0\r\n".repeat(10_000));
}

/// Regression: the memory for the names grew without a limit
#[test]
fn a_directory_of_too_many_names_is_left() {
    let long = [b'a'; 60_000];
    let line = [b"type=file;size=1; ", &long[..], b"\r\n"].concat();
    for command in ["ls", "find", "mirror"] {
        is_left(command, true, &line);
    }
}
