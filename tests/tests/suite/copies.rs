//! Copies between servers

use std::io::Write;
use std::net::Shutdown;
use std::sync::mpsc;
use std::time::Duration;

use crate::driver::ftp_proto::{self, Phase};
use crate::driver::{CopySide, Error, TransferType, copy_between_servers};
use ftp_tests::net::{Listener, pause};
use ftp_tests::scripted::{Peer, Server, accept, connect, read_all};

use crate::{at_once, code, config, login, login_with, serve};

#[test]
fn the_data_goes_between_the_servers() {
    let source = serve(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
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

#[test]
fn a_refusal_of_either_names_the_server() {
    let source = serve(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        s.exchange("PASV", "227 (127,0,0,1,1,1)");
        s.exchange("RETR a", "550 no such file");
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
    let (mut from, mut to) = (login(&source), login(&target));
    let error = at_once(|| {
        copy_between_servers(&mut from, "a", &mut to, "b", TransferType::Image).unwrap_err()
    });
    assert_eq!((error.side, code(&error.error)), (CopySide::Source, 550));
    from.noop().unwrap();
    to.noop().unwrap();
    drop((from, to));
    source.join();
    target.join();
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
        let source = serve(move |s| {
            s.welcome();
            s.exchange("TYPE I", "200 binary");
            s.exchange("PASV", "227 (127,0,0,1,1,1)");
            s.exchange("RETR a", "150 here");
            ends(s, silent == CopySide::Source);
        });
        let target = serve(move |s| {
            s.welcome();
            s.exchange("TYPE I", "200 binary");
            s.active();
            s.exchange("STOR b", "150 send it");
            ends(s, silent == CopySide::Target);
        });
        let mut config = config();
        config.final_reply_timeout = Duration::from_millis(200);
        let (mut from, mut to) = (login_with(&source, config.clone()), login_with(&target, config));
        let error = at_once(|| {
            copy_between_servers(&mut from, "a", &mut to, "b", TransferType::Image).unwrap_err()
        });
        let phase = ftp_proto::Error::DataTimedOut(Phase::FinalReply);
        assert!(matches!(&error.error, Error::Ftp(error) if *error == phase), "{error:?}");
        assert_eq!(error.side, silent);
        from.noop().unwrap();
        to.noop().unwrap();
        drop((from, to));
        source.join();
        target.join();
    }
}
