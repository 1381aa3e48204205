//! Listings that are longer than every limit: the program ends them, and holds a bounded part of them in memory

use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;

use ftp_test::{PATIENCE, ScriptedServer};

use crate::Home;

/// How much a listing has, so that a program without a limit fails soon, and does not take all memory
const LENGTH: usize = 400 * 1024 * 1024;

/// Starts a server whose listings, by MLSD or only by LIST, repeat these bytes
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
                    let mut blocks = std::iter::repeat_n(&*repeated, LENGTH / repeated.len());
                    let is_complete = blocks.all(|block| connection.write_all(block).is_ok());
                    drop(connection);
                    peer.reply(if is_complete { "226 complete" } else { "426 cut off" });
                }
                b"QUIT" => return peer.reply("221 goodbye"),
                _ => peer.reply("502 not here"),
            }
        }
    })
}

/// Runs a command that lists a directory, whose listing must end with an error
fn is_left(command: &str, has_mlsd: bool, repeated: &[u8], limit: usize) {
    let (server, home) = (start(has_mlsd, repeated), Home::new());
    let url = format!("ftp://u:p@{}/", server.address());
    let mut words = vec![command, "--timeout", "1", "--retries", "0", &*url];
    if command == "mirror" {
        // The server has one session.
        words.extend(["-j1", "here"]);
    }
    let run = home.rftp(&words);
    assert_eq!(run.code, Some(7), "{command} {has_mlsd}: {run:?}");
    let told = format!("longer than the limit of {limit} bytes");
    assert!(run.stderr.contains(&told), "{command} {has_mlsd}: {run:?}");
}

/// Regression: its bytes did not count, because only the first 64 KiB of a line are kept
#[test]
fn a_line_without_an_end_is_left() {
    for (command, has_mlsd) in [("ls", true), ("ls", false), ("find", false), ("mirror", true)] {
        is_left(command, has_mlsd, &[b'a'; 65_536], 64 << 20);
    }
}

#[test]
fn lines_without_an_entry_are_left() {
    let line = [b"ls: ", &[b'x'; 4000][..], b": Permission denied\r\n"].concat();
    is_left("ls", false, &line.repeat(16), 64 << 20);
}

/// Regression: the memory for the names grew without a limit
#[test]
fn a_directory_of_too_many_names_is_left() {
    let long = [b'a'; 60_000];
    let line = [b"type=file;size=1; ", &long[..], b"\r\n"].concat();
    for command in ["ls", "mirror"] {
        is_left(command, true, &line, 256 << 20);
    }
}
