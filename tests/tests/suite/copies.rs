//! Copies between servers

use std::io::Write;
use std::net::Shutdown;
use std::sync::mpsc;
use std::time::Duration;

use crate::driver::ftp_proto::{self, Phase};
use crate::driver::{Config, CopyError, CopySide, Error, TransferType, copy_between_servers};
use ftp_tests::net::{Listener, pause};
use ftp_tests::scripted::{Peer, Server, accept, connect, copy_source, copy_target, read_all};

use crate::{at_once, code, config, login, login_with, serve};

#[test]
fn the_data_goes_between_the_servers() {
    let source = serve(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        s.exchange("SIZE a", "213 15");
        s.expect("PASV");
        let listener = Listener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        // This address is wrong; the target is sent to the source's real address.
        s.reply(&format!("227 (192,0,2,1,{},{})", port >> 8, port & 255));
        s.exchange("RETR a", "150 here");
        accept(&listener).write_all(b"between servers").unwrap();
        s.reply("226 done");
        s.serve_quit();
    });
    let target = serve(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        let address = s.active();
        s.exchange("STOR b", "150 send it");
        assert_eq!(read_all(&mut connect(address)), b"between servers");
        s.reply("226 done");
        s.serve_quit();
    });
    let (mut from, mut to) = (login(&source), login(&target));
    at_once(|| {
        copy_between_servers(&mut from, "a", &mut to, "b", TransferType::Image).unwrap();
    });
    from.quit().unwrap();
    to.quit().unwrap();
    source.join();
    target.join();
}

/// Returns the error of a copy, and checks that both sessions are usable after it
#[track_caller]
fn failure(source: Server, target: Server, config: Config) -> CopyError {
    let (mut from, mut to) = (login_with(&source, config.clone()), login_with(&target, config));
    let error = at_once(|| {
        copy_between_servers(&mut from, "a", &mut to, "b", TransferType::Image).unwrap_err()
    });
    from.noop().unwrap();
    to.noop().unwrap();
    drop((from, to));
    source.join();
    target.join();
    error
}

#[test]
fn a_refusal_of_either_names_the_server() {
    let source = serve(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        s.exchange("SIZE a", "213 15");
        s.exchange("PASV", "227 (127,0,0,1,1,1)");
        s.exchange("RETR a", "550 permission denied");
        s.exchange("PASV", "227 (127,0,0,1,1,2)");
        s.exchange("NOOP", "200 yes");
        s.expect_close();
    });
    let target = serve(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        s.active();
        s.exchange("STOR b", "150 send it");
        s.settle();
        s.exchange("NOOP", "200 yes");
        s.expect_close();
    });
    let error = failure(source, target, config());
    assert_eq!((error.side, code(&error.error)), (CopySide::Source, 550));
}

/// Checks that a copy fails, before the target receives a command, if the source answers SIZE and MDTM in this way
#[track_caller]
fn is_refused_before_the_target_is_asked(size: &'static str, mdtm: &'static str) {
    let source = serve(move |s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        s.exchange("SIZE a", size);
        if !mdtm.is_empty() {
            s.exchange("MDTM a", mdtm);
        }
        s.exchange("NOOP", "200 yes");
        s.expect_close();
    });
    let target = serve(|s| {
        s.welcome();
        s.exchange("NOOP", "200 yes");
        s.expect_close();
    });
    let error = failure(source, target, config());
    assert_eq!((error.side, code(&error.error)), (CopySide::Source, size[..3].parse().unwrap()));
}

/// STOR empties the target's file, so a source without the file must be found out before
#[test]
fn nothing_is_stored_if_the_source_has_no_such_file() {
    is_refused_before_the_target_is_asked("550 Could not get file size.", "550 No such file");
    is_refused_before_the_target_is_asked("550 No such file", "502 what?");
    is_refused_before_the_target_is_asked("450 try again later", "450 try again later");
    is_refused_before_the_target_is_asked("451 try again later", "");
}

/// Some servers have no SIZE, or refuse it for all files
#[test]
fn a_source_that_does_not_tell_sizes() {
    for (size, mdtm) in [("502 what?", ""), ("550 SIZE is disabled", "213 20240102030405")] {
        let source = serve(move |s| {
            s.welcome();
            s.exchange("TYPE I", "200 binary");
            s.exchange("SIZE a", size);
            if !mdtm.is_empty() {
                s.exchange("MDTM a", mdtm);
            }
            s.exchange("PASV", "227 (127,0,0,1,1,1)");
            s.exchange("RETR a", "150 here");
            s.reply("226 done");
            s.expect_close();
        });
        let target = serve(|s| {
            s.welcome();
            s.exchange("TYPE I", "200 binary");
            s.active();
            s.exchange("STOR b", "150 send it");
            s.reply("226 done");
            s.expect_close();
        });
        let (mut from, mut to) = (login(&source), login(&target));
        at_once(|| {
            copy_between_servers(&mut from, "a", &mut to, "b", TransferType::Image).unwrap();
        });
        drop((from, to));
        source.join();
        target.join();
    }
}

/// The source has refused RETR and still listens: the target, which has connected, reads no command before that
/// connection ends
#[test]
fn a_target_that_waits_for_the_source_is_set_free() {
    let source = serve(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        s.exchange("SIZE a", "213 15");
        s.expect("PASV");
        let listener = Listener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        s.reply(&format!("227 (127,0,0,1,{},{})", port >> 8, port & 255));
        s.exchange("RETR a", "550 permission denied");
        s.expect("PASV");
        drop(accept(&listener));
        drop(listener);
        s.reply("227 (127,0,0,1,1,2)");
        s.exchange("NOOP", "200 yes");
        s.expect_close();
    });
    let target = serve(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        let address = s.active();
        s.expect("STOR b");
        let mut data = connect(address);
        s.reply("150 send it");
        let _ = std::io::copy(&mut data, &mut std::io::sink());
        s.settle();
        s.exchange("NOOP", "200 yes");
        s.expect_close();
    });
    let (mut from, mut to) = (login(&source), login(&target));
    at_once(|| {
        let copied = copy_between_servers(&mut from, "a", &mut to, "b", TransferType::Image);
        assert_eq!(code(&copied.unwrap_err().error), 550);
        to.noop().unwrap();
        from.noop().unwrap();
    });
    drop((from, to));
    source.join();
    target.join();
}

/// The target's data connection ends before the source has said why
#[test]
fn the_server_that_knows_the_reason_is_named() {
    for late in [CopySide::Source, CopySide::Target] {
        let ends = move |s: &mut Peer, is_late: bool| {
            if is_late {
                pause(Duration::from_millis(100));
                s.reply("552 the reason");
            } else {
                s.reply("426 the connection is closed");
            }
            s.exchange("NOOP", "200 yes");
            s.expect_close();
        };
        crate::enter();
        let source = copy_source(move |s| ends(s, late == CopySide::Source));
        let target = copy_target(move |s| ends(s, late == CopySide::Target));
        let error = failure(source, target, config());
        assert_eq!((error.side, code(&error.error)), (late, 552));
    }
}

/// Copies, which fails at once because the source's session is over, and leaves the target's usable
#[track_caller]
fn fails_because_the_source_is_over(source: Server, target: Server) {
    let (mut from, mut to) = (login(&source), login(&target));
    let error = at_once(|| {
        copy_between_servers(&mut from, "a", &mut to, "b", TransferType::Image).unwrap_err()
    });
    assert_eq!(error.side, CopySide::Source);
    assert!(error.error.is_fatal(), "{error:?}");
    to.noop().unwrap();
    drop((from, to));
    source.join();
    target.join();
}

#[test]
fn a_server_that_closes_is_named() {
    let source = serve(|s| {
        s.welcome();
        s.expect("TYPE I");
    });
    let target = serve(|s| {
        s.welcome();
        s.exchange("NOOP", "200 yes");
        s.expect_close();
    });
    fails_because_the_source_is_over(source, target);
}

/// STOR empties a file, so it is not sent once the source can send nothing
#[test]
fn nothing_is_stored_once_the_source_is_over() {
    let (connects, connected) = mpsc::channel();
    let (closes, closed) = mpsc::channel();
    let source = serve(move |s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        s.exchange("SIZE a", "213 15");
        s.exchange("PASV", "227 (127,0,0,1,1,1)");
        connected.recv().unwrap();
        s.control().shutdown(Shutdown::Both).unwrap();
        closes.send(()).unwrap();
    });
    let target = serve(move |s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        s.command().expect("PORT or EPRT");
        connects.send(()).unwrap();
        closed.recv().unwrap();
        // The client learns meanwhile that the source has closed. If it is late, it learns both at the same time.
        pause(Duration::from_millis(100));
        s.reply("200 fine");
        s.exchange("NOOP", "200 yes");
        s.expect_close();
    });
    fails_because_the_source_is_over(source, target);
}

#[test]
fn a_silent_target_is_not_waited_for_once_the_source_is_over() {
    let (stores, stored) = mpsc::channel();
    let source = serve(move |s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        s.exchange("SIZE a", "213 15");
        s.exchange("PASV", "227 (127,0,0,1,1,1)");
        stored.recv().unwrap();
    });
    let target = serve(move |s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        s.active();
        s.expect("STOR b");
        stores.send(()).unwrap();
        s.settle();
        s.exchange("NOOP", "200 yes");
        s.expect_close();
    });
    fails_because_the_source_is_over(source, target);
}

/// One server has confirmed the copy, and the other stays silent: what is left to wait for is a final reply
#[test]
fn a_copy_that_one_server_has_confirmed_is_waited_for_like_any_final_reply() {
    for silent in [CopySide::Source, CopySide::Target] {
        let ends = move |s: &mut Peer, is_silent: bool| {
            if is_silent {
                s.settle();
            } else {
                s.reply("226 done");
            }
            s.exchange("NOOP", "200 yes");
            s.expect_close();
        };
        crate::enter();
        let source = copy_source(move |s| ends(s, silent == CopySide::Source));
        let target = copy_target(move |s| ends(s, silent == CopySide::Target));
        let mut config = config();
        config.final_reply_timeout = Duration::from_millis(200);
        let error = failure(source, target, config);
        let phase = ftp_proto::Error::DataTimedOut(Phase::FinalReply);
        assert!(matches!(&error.error, Error::Ftp(error) if *error == phase), "{error:?}");
        assert_eq!(error.side, silent);
    }
}
