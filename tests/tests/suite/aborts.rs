//! Transfers that are aborted

use std::io::{Read, Write};

use crate::driver::{Error, List, ftp_proto};
use ftp_tests::net::Stream;
use ftp_tests::scripted::{Peer, Server, accept};

use super::common::drop_a_download;
use crate::{at_once, login, serve};

fn transfer(
    command: &'static str,
    play: impl FnOnce(&mut Peer, Stream) + Send + 'static,
) -> Server {
    serve(move |s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        let listener = s.epsv();
        let data = accept(&listener);
        s.exchange(command, "150 go");
        play(s, data);
        s.exchange("NOOP", "200 yes");
        s.expect_close();
    })
}

#[test]
fn a_dropped_download_leaves_the_session_usable() {
    let server = transfer("RETR f", |s, mut data| {
        while data.write_all(&[0; 65_536]).is_ok() {}
        s.settle();
    });
    drop_a_download(login(&server));
    server.join();
}

/// pyftpdlib does not notice a connection that is reset before it has accepted it, and sends the file on the next (Q146)
#[test]
fn a_dropped_download_in_clear_text_ends_in_order_if_everything_was_read() {
    let server = transfer("RETR f", |s, mut data| {
        data.write_all(&[0; 1000]).unwrap();
        s.expect("ABOR");
        assert_eq!(data.read(&mut [0]).unwrap(), 0);
        s.reply("426 cut off");
        s.reply("226 aborted");
        s.exchange("REST 0", "350 at 0");
    });
    drop_a_download(login(&server));
    server.join();
}

#[test]
fn a_dropped_upload_leaves_the_session_usable() {
    let server = transfer("STOR f", |s, mut data| {
        let _ = data.read_to_end(&mut Vec::new());
        s.settle();
    });
    let mut ftp = login(&server);
    let mut upload = ftp.put("f").unwrap();
    upload.write_all(&[0; 1000]).unwrap();
    at_once(|| drop(upload));
    ftp.noop().unwrap();
    drop(ftp);
    server.join();
}

#[test]
fn aborting_says_whether_the_session_is_usable() {
    let server = transfer("RETR f", |s, _data| s.settle());
    let mut ftp = login(&server);
    ftp.get("f").unwrap().abort().unwrap();
    ftp.noop().unwrap();
    drop(ftp);
    server.join();

    let server = serve(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        let listener = s.epsv();
        let _data = accept(&listener);
        s.exchange("STOR f", "150 go");
        s.expect("ABOR");
    });
    let mut ftp = login(&server);
    let error = at_once(|| ftp.put("f").unwrap().abort().unwrap_err());
    assert!(error.is_fatal());
    assert!(ftp.noop().unwrap_err().is_fatal());
    server.join();
}

#[test]
fn aborting_returns_the_servers_reply() {
    let server = transfer("RETR f", |s, data| {
        s.expect("ABOR");
        drop(data);
        s.reply("426 cut off");
        s.reply("226 aborted");
        s.exchange("REST 0", "350 at 0");
        s.exchange("TYPE A", "200 text");
        let listener = s.epsv();
        s.expect("NLST");
        let mut data = accept(&listener);
        s.reply("150 go");
        data.write_all(b"name\r\n").unwrap();
        drop(data);
        s.reply("226 done");
    });
    let mut ftp = login(&server);
    let reply = ftp.get("f").unwrap().abort().unwrap();
    assert_eq!(reply.unwrap().wire_text(), b"426 cut off");
    // Everything was read, so there is nothing to abort, and the stored reply was to another ABOR.
    let mut names = ftp.list(List::names("")).unwrap();
    names.read_to_end(&mut Vec::new()).unwrap();
    assert_eq!(names.abort().unwrap(), None);
    ftp.noop().unwrap();
    drop(ftp);
    server.join();
}

#[test]
fn a_server_that_does_not_answer_an_abort_costs_a_moment() {
    let server = transfer("RETR f", |s, _data| {
        s.expect("ABOR");
        s.exchange("REST 0", "350 restart at 0");
    });
    let mut ftp = login(&server);
    assert_eq!(at_once(|| ftp.get("f").unwrap().abort().unwrap()), None);
    ftp.noop().unwrap();
    drop(ftp);
    server.join();
}

#[test]
fn a_transfer_that_was_forgotten_is_aborted_before_the_next_request() {
    let server = transfer("RETR f", |s, _data| s.settle());
    let mut ftp = login(&server);
    std::mem::forget(ftp.get("f").unwrap());
    ftp.noop().unwrap();
    drop(ftp);
    server.join();
}

#[test]
fn finishing_a_download_reads_what_is_left() {
    let server = transfer("RETR f", |s, mut data| {
        data.write_all(&[1; 500_000]).unwrap();
        drop(data);
        s.reply("226 done");
    });
    let mut ftp = login(&server);
    let mut download = ftp.get("f").unwrap();
    download.read_exact(&mut [0; 10]).unwrap();
    assert_eq!(download.finish().unwrap().bytes, 500_000);
    ftp.noop().unwrap();
    drop(ftp);
    server.join();
}

#[test]
fn a_panic_while_a_transfer_runs_does_not_hang() {
    let server = transfer("RETR f", |s, _data| s.settle());
    let mut ftp = login(&server);
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _download = ftp.get("f").unwrap();
        panic!("on purpose");
    }));
    assert!(panic.is_err());
    ftp.noop().unwrap();
    drop(ftp);
    server.join();
}

#[test]
fn an_aborted_transfer_is_reported_as_aborted() {
    // `Error` is not `PartialEq`; the machine's error in it is.
    let aborted = Error::from(ftp_proto::Error::Aborted);
    assert!(!aborted.is_fatal() && !aborted.is_transient());
}
