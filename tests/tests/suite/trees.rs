//! Operations that consist of several requests: trees, the times of files, resumed transfers

use std::io::Write;

use ftp_tests::scripted::accept;

use crate::driver::{Error, ReadDir, TimeCommand, Timestamp};
use crate::{code, login, serve};

#[test]
fn a_directory_is_made_with_its_parents() {
    let server = serve(|s| {
        s.welcome();
        s.exchange("MKD a/b", "257 \"/a/b\" made");
        s.exchange("MKD a/c/d", "550 no such directory");
        s.exchange("PWD", "257 \"/\"");
        s.exchange("CWD a/c/d", "550 no such directory");
        s.exchange("MKD a/c", "257 \"/a/c\" made");
        s.exchange("MKD a/c/d", "257 \"/a/c/d\" made");
        // It exists already, and the working directory is unchanged.
        s.exchange("MKD a/b", "521 exists");
        s.exchange("CWD a/b", "250 there");
        s.exchange("PWD", "257 \"/a/b\"");
        s.exchange("CWD /", "250 back");
        s.exchange("MKD e", "257 \"/e\" made");
        s.expect_close();
    });
    let mut ftp = login(&server);
    for (path, made) in [("a/b", 1), ("a/c/d", 2), ("a/b", 0), ("e", 1)] {
        assert_eq!(ftp.create_dir_all(path).unwrap(), made);
    }
    drop(ftp);
    server.join();
}

#[test]
fn the_error_of_a_directory_that_cannot_be_made_is_the_servers_refusal() {
    let server = serve(|s| {
        s.welcome();
        s.exchange("MKD a/b", "550 read-only");
        s.exchange("PWD", "257 \"/\"");
        s.exchange("CWD a/b", "550 no such directory");
        s.exchange("MKD a", "550 read-only, indeed");
        s.exchange("CWD a", "550 no such directory");
        s.exchange("TYPE I", "200 fine");
        s.exchange("SIZE a", "550 no such file");
        s.expect_close();
    });
    let mut ftp = login(&server);
    let error = ftp.create_dir_all("a/b").unwrap_err();
    assert!(code(&error) == 550 && error.to_string().contains("indeed"), "{error}");
    drop(ftp);
    server.join();
}

/// As with vsftpd, which replies 213 to both
#[test]
fn a_time_is_set_by_mdtm_if_mfmt_is_not_supported() {
    let server = serve(|s| {
        s.welcome();
        s.exchange("MFMT 20240102030405 f", "500 Unknown command.");
        s.exchange("MDTM f", "213 20230102030405");
        s.exchange("MDTM 20240102030405 f", "213 File modification time set.");
        s.exchange("MDTM f", "213 20240102030405");
        // The session remembers which command works.
        s.exchange("MDTM 20240102030405 g", "213 File modification time set.");
        s.expect_close();
    });
    let mut ftp = login(&server);
    let time = Timestamp::new(2024, 1, 2, 3, 4, 5).unwrap();
    for path in ["f", "g"] {
        assert_eq!(ftp.set_modified(path, time).unwrap(), TimeCommand::Mdtm);
    }
    drop(ftp);
    server.join();
}

#[test]
fn a_time_that_cannot_be_read_back_is_not_set() {
    let server = serve(|s| {
        s.welcome();
        s.exchange("MFMT 20240102030405 f", "502 no");
        s.exchange("MDTM f", "213 20240505050505");
        // A file of that name.
        s.exchange("MDTM 20240102030405 f", "213 20010101000000");
        s.exchange("MDTM f", "213 20240505050505");
        s.exchange(
            "SITE UTIME f 20240102030405 20240102030405 20240102030405 UTC",
            "200 as you say",
        );
        s.exchange("MDTM f", "213 20240505050505");
        s.exchange("SITE UTIME 20240102030405 f", "202 superfluous");
        s.exchange("NOOP", "200 fine");
        s.expect_close();
    });
    let mut ftp = login(&server);
    let time = Timestamp::new(2024, 1, 2, 3, 4, 5).unwrap();
    for _ in 0..2 {
        let error = ftp.set_modified("f", time).unwrap_err();
        assert!(matches!(error, Error::TimeNotSet { .. }) && !error.is_fatal(), "{error:?}");
    }
    ftp.noop().unwrap();
    drop(ftp);
    server.join();
}

/// The first file has the time already, so reading it back does not prove that the command sets times
#[test]
fn a_command_that_does_nothing_is_not_proven_by_a_file_that_has_the_time() {
    let server = serve(|s| {
        s.welcome();
        s.exchange("MFMT 20240102030405 f", "500 Unknown command.");
        s.exchange("MDTM f", "213 20240102030405");
        s.exchange("MDTM 20240102030405 f", "200 ignored");
        s.exchange("MDTM f", "213 20240102030405");
        s.exchange("MDTM g", "213 19990101000000");
        s.exchange("MDTM 20240102030405 g", "200 ignored");
        s.exchange("MDTM g", "213 19990101000000");
        s.exchange("SITE UTIME g 20240102030405 20240102030405 20240102030405 UTC", "500 what?");
        s.exchange("SITE UTIME 20240102030405 g", "500 what?");
        s.expect_close();
    });
    let mut ftp = login(&server);
    let time = Timestamp::new(2024, 1, 2, 3, 4, 5).unwrap();
    ftp.set_modified("f", time).unwrap();
    let error = ftp.set_modified("g", time).unwrap_err();
    assert!(matches!(error, Error::TimeNotSet { .. }), "{error:?}");
    drop(ftp);
    server.join();
}

#[test]
fn a_reply_to_mfmt_with_another_time_is_no_success() {
    let server = serve(|s| {
        s.welcome();
        s.exchange("MFMT 20240102030405 f", "213 Modify=20240102030404; f");
        s.exchange("MFMT 20240102030405 g", "213 Modify=19990101000000; g");
        s.exchange("MDTM g", "213 20240102030405");
        s.exchange("MFMT 20240102030405 h", "213 Modify=19990101000000; h");
        s.exchange("MDTM h", "213 19990101000000");
        s.exchange("MDTM 20240102030405 h", "501 what?");
        s.exchange("SITE UTIME h 20240102030405 20240102030405 20240102030405 UTC", "500 what?");
        s.exchange("SITE UTIME 20240102030405 h", "500 what?");
        s.expect_close();
    });
    let mut ftp = login(&server);
    let time = Timestamp::new(2024, 1, 2, 3, 4, 5).unwrap();
    for path in ["f", "g"] {
        assert_eq!(ftp.set_modified(path, time).unwrap(), TimeCommand::Mfmt);
    }
    let error = ftp.set_modified("h", time).unwrap_err();
    assert!(matches!(error, Error::TimeNotSet { .. }), "{error:?}");
    drop(ftp);
    server.join();
}

#[test]
fn resumed_transfers_are_verified() {
    let server = serve(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        s.exchange("SIZE f", "213 10");
        let listener = s.epsv();
        let mut data = accept(&listener);
        s.exchange("RETR f", "150 here");
        data.write_all(b"0123456789").unwrap();
        drop(data);
        s.reply("226 done");
        s.exchange("SIZE g", "213 4");
        s.send_file("RETR g", b"0123");
        assert_eq!(s.receive_file("APPE g"), b"456789");
        s.exchange("SIZE g", "213 10");
        s.exchange("SIZE g", "213 10");
        s.exchange("FEAT", "211 nothing");
        s.expect_close();
    });
    let folder = tempfile::tempdir().unwrap();
    let local = folder.path().join("f");
    std::fs::write(&local, b"0123").unwrap();
    let mut ftp = login(&server);
    ftp.resume_download("f", &local).unwrap();
    assert_eq!(std::fs::read(&local).unwrap(), b"0123456789");
    ftp.resume_upload(&local, "g").unwrap();
    assert_eq!(ftp.verify_file("g", &local).unwrap().size, 10);
    drop(ftp);
    server.join();
}

/// vsftpd hides dot files unless given `-a`, and resolves links in the reply to PWD
#[test]
fn a_hidden_link_is_not_followed() {
    let server = serve(|s| {
        s.welcome();
        s.exchange("PWD", "257 \"/\"");
        s.exchange("CWD w", "250 there");
        s.exchange("TYPE A", "200 text");
        s.send_file("LIST", b"");
        s.exchange("CWD /w", "250 there");
        s.send_file("LIST -a", b"");
        s.exchange("CWD /w/.link", "250 there");
        s.exchange("PWD", "257 \"/w/home\"");
        s.exchange("CWD /w", "250 there");
        s.exchange("PWD", "257 \"/w\"");
        s.exchange("CWD /", "250 back");
        s.exchange("DELE f", "250 deleted");
        s.expect_close();
    });
    let mut ftp = login(&server);
    match ftp.remove_dir_all("w/.link") {
        Err(Error::MayBeLink { path, working_directory }) => {
            assert_eq!(path, b"w/.link");
            assert_eq!(working_directory.as_deref(), Some(&b"/w/home"[..]));
        }
        other => panic!("{other:?}"),
    }
    ftp.delete("f").unwrap();
    drop(ftp);
    server.join();
}

/// The listing that would show that it is a link can't be had, because the session can't return: nothing is removed
#[test]
fn nothing_is_removed_where_the_working_directory_is_lost() {
    let server = serve(|s| {
        s.welcome();
        s.exchange("PWD", "257 \"/home/u\"");
        s.exchange("CWD /srv", "250 there");
        s.exchange("TYPE A", "200 text");
        s.send_file("LIST", b"-rw-r--r-- 1 ann staff 4096 Jan  1  2020 x\r\n");
        s.exchange("CWD /home/u", "450 busy");
        s.expect_close();
    });
    let mut ftp = login(&server);
    assert_eq!(ftp.read_dir(ReadDir::long("/srv")).unwrap().count(), 1);
    let error = ftp.remove_dir_all("link").unwrap_err();
    assert!(error.to_string().contains("working directory"), "{error}");
    drop(ftp);
    server.join();
}
