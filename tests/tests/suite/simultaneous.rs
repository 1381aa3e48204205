//! Both connections have events at the same moment: one poll finds both ready, and neither is lost
//!
//! The moment can't be forced, but a few dozen attempts are enough: the server's second write takes a fraction of the
//! time in which the client's waiting thread wakes up. The result is the same at any moment.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::sync::mpsc;

use crate::driver::Error;
use ftp_tests::scripted::{Peer, accept};

use crate::{at_once, login, serve};

const TRIES: usize = 30;

/// How a server ends a transfer on the control connection
const ENDS: [&str; 3] = ["421 shutting down", "426 broken", "EOF"];

fn end(s: &mut Peer, how: &str) {
    match how {
        "EOF" => s.control().shutdown(Shutdown::Both).unwrap(),
        reply => s.reply(reply),
    }
}

#[track_caller]
fn check(error: &std::io::Error, how: &str) {
    let error = Error::in_io(error).expect("what the server said");
    assert_eq!(error.is_fatal(), how != "426 broken", "{error}");
    match how {
        "EOF" => assert!(error.reply().is_none(), "{error}"),
        reply => assert_eq!(error.reply().unwrap().code().to_string(), reply[..3]),
    }
}

#[test]
fn a_download_is_ended_together_with_bytes() {
    for how in ENDS {
        for _ in 0..TRIES {
            let (took, taken) = mpsc::channel();
            let server = serve(move |s| {
                s.welcome();
                s.exchange("TYPE I", "200 binary");
                let listener = s.epsv();
                let mut data = accept(&listener);
                s.exchange("RETR f", "150 here");
                data.write_all(b"some").unwrap();
                taken.recv().unwrap();
                end(s, how);
                let _ = data.write_all(b"more");
                // It stays open until the client closes it: only the control connection shows the end.
                let _ = data.read(&mut [0]);
            });
            let mut ftp = login(&server);
            let mut download = ftp.get("f").unwrap();
            download.read_exact(&mut [0; 4]).unwrap();
            took.send(()).unwrap();
            let error = at_once(|| download.read_to_end(&mut Vec::new()).unwrap_err());
            check(&error, how);
            drop(download);
            drop(ftp);
            server.join();
        }
    }
}

#[test]
fn the_end_of_an_upload_arrives_together_with_writability() {
    for how in ENDS {
        for _ in 0..TRIES {
            let (filled, full) = mpsc::channel();
            let server = serve(move |s| {
                s.welcome();
                s.exchange("TYPE I", "200 binary");
                let listener = s.epsv();
                let mut data = accept(&listener);
                s.exchange("STOR f", "150 send it");
                data.read_exact(&mut [0]).unwrap();
                full.recv().unwrap();
                end(s, how);
                let mut some = vec![0; 4 << 20];
                let _ = data.read(&mut some);
                // The server reads nothing until the client closes.
                s.expect_close();
            });
            let mut ftp = login(&server);
            let mut upload = ftp.put("f").unwrap();
            upload.write_all(&[1; 100_000]).unwrap();
            // The client continues to fill the connection, and waits for room.
            filled.send(()).unwrap();
            let error = at_once(|| {
                std::io::copy(&mut std::io::repeat(1), &mut upload).expect_err("nobody reads")
            });
            check(&error, how);
            drop(upload);
            drop(ftp);
            server.join();
        }
    }
}
