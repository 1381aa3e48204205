//! Directories as entries: the command says how its lines are to be read

use crate::driver::ReadDir;
use ftp_tests::scripted::Server;

use crate::login;

/// A line that looks like one of `ls -l`
const DISGUISED: &str = "drwxr-xr-x 2 ann staff 4096 Jan  1  2020 x";

fn names(
    directory: ReadDir,
    script: impl FnOnce(&mut ftp_tests::scripted::Peer) + Send + 'static,
) -> Vec<Vec<u8>> {
    let server = Server::start(move |s| {
        s.welcome();
        script(s);
        s.expect_close();
    });
    let mut ftp = login(&server);
    let names = ftp.read_dir(directory).unwrap().map(|entry| entry.unwrap().name().to_vec());
    let names = names.collect();
    drop(ftp);
    server.join();
    names
}

#[test]
fn names_are_names_whatever_they_look_like() {
    let found = names(ReadDir::names(""), |s| {
        s.exchange("TYPE A", "200 text");
        s.send_file("NLST", format!("total 5\r\n{DISGUISED}\r\nplain\r\n").as_bytes());
    });
    assert_eq!(found, [b"total 5", DISGUISED.as_bytes(), b"plain"]);
}

#[test]
fn in_mlsd_what_follows_the_blank_is_the_name() {
    let found = names(ReadDir::new(""), |s| {
        s.exchange("FEAT", "211-Features:\r\n MLST type*;size*;\r\n211 End");
        s.exchange("TYPE A", "200 text");
        s.send_file("MLSD", format!(" {DISGUISED}\r\ntype=file; b\r\ntype=cdir; .").as_bytes());
    });
    assert_eq!(found, [DISGUISED.as_bytes(), b"b"]);
}

#[test]
fn the_last_line_may_lack_its_end() {
    let found = names(ReadDir::long(""), |s| {
        s.exchange("TYPE A", "200 text");
        s.send_file("LIST", format!("{DISGUISED}\r\n{DISGUISED}2").as_bytes());
    });
    assert_eq!(found, [&b"x"[..], b"x2"]);
}
