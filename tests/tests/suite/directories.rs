//! Directories as entries: the command determines how lines are parsed

use std::io::Write as _;
use std::time::Duration;

use ftp_tests::net::pause;
use ftp_tests::scripted::accept;

use crate::driver::{Error, Options, OwnedEntry, ReadDir};
use ftp_proto::DataFailure;

use crate::{config, login, login_with, serve};

/// A name that looks like a line of `ls -l`
const DISGUISED: &str = "drwxr-xr-x 2 ann staff 4096 Jan  1  2020 x";

fn names(
    directory: ReadDir,
    script: impl FnOnce(&mut ftp_tests::scripted::Peer) + Send + 'static,
) -> Vec<Vec<u8>> {
    let server = serve(move |s| {
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
fn the_last_line_may_have_no_line_ending() {
    let found = names(ReadDir::long(""), |s| {
        s.exchange("TYPE A", "200 text");
        s.send_file("LIST", format!("{DISGUISED}\r\n{DISGUISED}2").as_bytes());
    });
    assert_eq!(found, [&b"x"[..], b"x2"]);
}

/// Returns the results of a listing with these lines
fn results(
    directory: ReadDir,
    command: &'static str,
    lines: &'static str,
) -> Vec<Result<Vec<u8>, String>> {
    let server = serve(move |s| {
        s.welcome();
        if command == "MLSD" {
            s.exchange("FEAT", "211-Features:\r\n MLST type*;size*;\r\n211 End");
        }
        s.exchange("TYPE A", "200 text");
        s.send_file(command, lines.as_bytes());
        s.exchange("NOOP", "200 here");
        s.expect_close();
    });
    let mut ftp = login(&server);
    let name = |entry: Result<OwnedEntry, Error>| {
        entry.map(|entry| entry.name().to_vec()).map_err(|error| error.to_string())
    };
    let results = ftp.read_dir(directory).unwrap().map(name).collect();
    ftp.noop().unwrap();
    drop(ftp);
    server.join();
    results
}

/// A mirror would delete the files that are missing from an empty directory
#[test]
fn an_error_in_place_of_entries_is_not_an_empty_directory() {
    let error = || Err("the directory could not be read: ls: .: Permission denied".into());
    let lines = "ls: .: Permission denied\r\n";
    assert_eq!(results(ReadDir::long(""), "LIST", lines), [error()]);
    assert_eq!(results(ReadDir::new(""), "MLSD", lines), [error()]);
    // The line may have no line ending.
    let lines = "total 0\r\nls: .: Permission denied";
    assert_eq!(results(ReadDir::long(""), "LIST", lines), [error()]);
    // Among entries, it is about one of them.
    let lines = "ls: y: Permission denied\r\ndrwxr-xr-x 2 ann staff 4096 Jan  1  2020 x\r\n";
    assert_eq!(results(ReadDir::long(""), "LIST", lines), [Ok(b"x".to_vec())]);
    assert_eq!(results(ReadDir::long(""), "LIST", "total 0\r\n"), []);
    // A line that can't be parsed may be such an error, too.
    let error = |line| Err(format!("the directory could not be read: {line}"));
    let lines = "total 0\r\nPermission denied\r\n";
    assert_eq!(results(ReadDir::long(""), "LIST", lines), [error("Permission denied")]);
    let lines = "Permission denied\r\n";
    assert_eq!(results(ReadDir::new(""), "MLSD", lines), [error("Permission denied")]);
    // Truncated in its only entry.
    let lines = "total 8\r\n-rw-r--r--   1 ann  staff      42 Mar 10 12:";
    let line = &lines["total 8\r\n".len()..];
    assert_eq!(results(ReadDir::long(""), "LIST", lines), [error(line)]);
}

#[test]
fn entries_of_other_directories_are_left_out() {
    let lines = "total 4\r\n\
        drwxr-xr-x 2 ann staff 4096 Jan  1  2020 d\r\n\
        \r\n\
        ./d:\r\n\
        total 4\r\n\
        -rw-r--r-- 1 ann staff 4096 Jan  1  2020 x\r\n";
    assert_eq!(results(ReadDir::long(""), "LIST", lines), [Ok(b"d".to_vec())]);
}

#[test]
fn a_directory_that_stat_could_not_read_is_not_empty() {
    let server = serve(|s| {
        s.welcome();
        s.exchange("STAT d", "213-Status of d:\r\nls: .: Permission denied\r\n213 End");
        s.exchange("STAT d", "213-Status of d:\r\ntotal 0\r\n213 End");
        s.exchange(
            "STAT d",
            &format!("213-Status of d:\r\nls: y: Denied\r\n{DISGUISED}\r\n213 End"),
        );
        s.expect_close();
    });
    let mut ftp = login(&server);
    let error = ftp.stat_dir("d").unwrap_err();
    assert_eq!(error.to_string(), "the directory could not be read: ls: .: Permission denied");
    let empty = ftp.stat_dir("d").unwrap();
    assert_eq!((empty.entries.len(), empty.unknown_lines), (0, 0));
    let one = ftp.stat_dir("d").unwrap();
    assert_eq!((one.entries.len(), one.unknown_lines), (1, 1));
    drop(ftp);
    server.join();
}

#[test]
fn no_name_is_lost_at_the_end() {
    // A name of OpenVMS waits for the next line, which may contain its columns.
    let lines = "LOGIN.COM;1\r\nNOTES.TXT;1";
    let both = [Ok(b"LOGIN.COM".to_vec()), Ok(b"NOTES.TXT".to_vec())];
    assert_eq!(results(ReadDir::long(""), "LIST", lines), both);
}

/// A server that sends no reply about a broken listing may keep it for the next data connection: one is opened and
/// closed for that, before the next request
#[test]
fn why_a_listing_broke_is_reported_although_another_connection_follows() {
    let server = serve(|s| {
        s.welcome();
        s.exchange("PWD", "257 \"/\"");
        s.exchange("CWD d", "250 entered");
        s.exchange("TYPE A", "200 text");
        let listener = s.epsv();
        let data = accept(&listener);
        s.exchange("LIST", "150 here it comes");
        pause(Duration::from_millis(100));
        data.break_at_the_end();
        drop(data);
        s.exchange("REST 0", "350 ready");
        let listener = s.epsv();
        drop(accept(&listener));
        s.exchange("REST 0", "350 ready");
        s.exchange("NOOP", "200 ok");
    });
    let mut ftp = login(&server);
    let mut entries = ftp.read_dir(ReadDir::long("d")).unwrap();
    let error = entries.next().unwrap().unwrap_err();
    let Error::Data { failure: DataFailure::Broken, error, .. } = &error else {
        panic!("{error:?}")
    };
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    drop(entries);
    ftp.noop().unwrap();
    drop(ftp);
    server.join();
}

/// A limited part of a line is kept, so it takes no memory, and was read as long as the server sent it
#[test]
fn a_line_without_an_end_is_left() {
    let server = serve(|s| {
        s.welcome();
        s.exchange("TYPE A", "200 text");
        let listener = s.epsv();
        let mut data = accept(&listener);
        s.exchange("LIST", "150 here it comes");
        while data.write_all(&[b'x'; 65_536]).is_ok() {}
        while s.command().is_some() {
            s.reply("226 stopped");
        }
    });
    let mut config = config();
    config.settle_timeout = Duration::from_millis(300);
    let mut ftp = login_with(&server, Options::new(config));
    let mut entries = ftp.read_dir(ReadDir::long("")).unwrap();
    let error = entries.next().unwrap().unwrap_err();
    assert!(matches!(error, Error::ListingTooLong { limit } if limit == 64 << 20), "{error:?}");
    drop(entries);
    drop(ftp);
    server.join();
}
