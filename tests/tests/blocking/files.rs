//! Local files, and what is left of them

use std::io::Write;

use ftp_blocking::Error;
use ftp_tests::scripted::{Server, accept};

use crate::downloads::retr;
use crate::{code, login};

#[test]
fn resuming_a_file() {
    let server = Server::start(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        s.exchange("SIZE f", "213 10");
        for bytes in [&b"456789"[..], b"456"] {
            let listener = s.epsv();
            let mut data = accept(&listener);
            s.exchange("REST 4", "350 go on");
            s.exchange("RETR f", "150 here");
            data.write_all(bytes).unwrap();
            drop(data);
            s.reply("226 done");
            if bytes.len() == 6 {
                s.exchange("SIZE f", "213 10");
            }
        }
        s.exchange("SIZE f", "213 2");
        s.expect_close();
    });
    let folder = tempfile::tempdir().unwrap();
    let local = folder.path().join("f");
    std::fs::write(&local, b"0123").unwrap();
    let mut ftp = login(&server);
    ftp.resume_download("f", &local).unwrap();
    assert_eq!(std::fs::read(&local).unwrap(), b"0123456789");
    // The server sends less than its SIZE promised.
    std::fs::write(&local, b"0123").unwrap();
    let error = ftp.resume_download("f", &local).unwrap_err();
    assert!(matches!(error, Error::Ftp(ftp_proto::Error::Truncated { .. })), "{error:?}");
    assert_eq!(std::fs::read(&local).unwrap(), b"0123456");
    // The server's file is shorter: not the same file.
    assert!(matches!(ftp.resume_download("f", &local).unwrap_err(), Error::Local(_)));
    drop(ftp);
    server.join();
}

#[test]
fn a_refused_download_leaves_the_local_file_alone() {
    let server = retr(|s, data| {
        s.reply("550 no such file");
        drop(data);
        s.expect_close();
    });
    let folder = tempfile::tempdir().unwrap();
    let local = folder.path().join("f");
    std::fs::write(&local, b"precious").unwrap();
    let mut ftp = login(&server);
    assert_eq!(code(&ftp.download_file("f", &local).unwrap_err()), 550);
    assert_eq!(std::fs::read(&local).unwrap(), b"precious");
    drop(ftp);
    server.join();
}

#[test]
fn resuming_a_local_file() {
    let server = Server::start(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        s.exchange("SIZE f", "213 4");
        assert_eq!(s.receive_file("APPE f"), b"456789");
        s.exchange("SIZE f", "550 no such file");
        assert_eq!(s.receive_file("STOR f"), b"0123456789");
        s.exchange("SIZE f", "213 11");
        assert_eq!(s.receive_file("STOR f"), b"0123456789");
        s.expect_close();
    });
    let folder = tempfile::tempdir().unwrap();
    let local = folder.path().join("f");
    std::fs::write(&local, b"0123456789").unwrap();
    let mut ftp = login(&server);
    ftp.resume_upload(&local, "f").unwrap();
    ftp.resume_upload(&local, "f").unwrap();
    assert!(matches!(ftp.resume_upload(&local, "f").unwrap_err(), Error::Local(_)));
    ftp.upload_file("f", &local).unwrap();
    // Nothing is sent for a file that is not there.
    assert!(matches!(ftp.upload_file("f", folder.path().join("g")).unwrap_err(), Error::Local(_)));
    drop(ftp);
    server.join();
}
