//! Copies between servers that end early

use std::io::Write;
use std::time::{Duration, Instant};

use ftp_blocking::{Client, CopySide, Error, Options, TransferType, copy_between_servers};
use ftp_tests::net::Listener;
use ftp_tests::scripted::{
    Peer, Server, accept, connect, copy_source, copy_target, obey, read_all,
};

use crate::{at_once, code, config, login, login_with};

/// The deadline of a call
const LIMIT: Duration = Duration::from_secs(1);

/// The source has been asked to abort, and is silent: the target's refusal is returned at once
#[test]
fn a_refusal_by_the_target_does_not_wait_for_the_source() {
    let source = copy_source(|s| while s.command().is_some() {});
    let target = copy_target(|s| {
        std::thread::sleep(Duration::from_millis(100));
        s.reply("552 disk full");
        obey(s);
    });
    let mut config = config();
    config.settle_quiet = Duration::from_secs(20);
    let (mut from, mut to) = (login_with(&source, config.clone()), login_with(&target, config));
    let begun = Instant::now();
    let error =
        copy_between_servers(&mut from, "a", &mut to, "b", TransferType::Image).unwrap_err();
    assert_eq!((error.side, code(&error.error)), (CopySide::Target, 552));
    assert!(begun.elapsed() < Duration::from_secs(2));
    to.noop().unwrap();
    drop((from, to));
    source.join();
    target.join();
}

/// After the deadline of a copy, both sessions settle within their next call
#[test]
fn a_copy_that_ends_at_its_deadline_is_aborted() {
    let settles = |s: &mut Peer| {
        s.settle();
        obey(s);
    };
    let (source, target) = (copy_source(settles), copy_target(settles));
    let options = || Options::new(config()).deadline(LIMIT);
    let mut from = login_with(&source, options());
    let mut to = login_with(&target, options());
    let begun = Instant::now();
    let error =
        copy_between_servers(&mut from, "a", &mut to, "b", TransferType::Image).unwrap_err();
    assert!(matches!(error.error, Error::Deadline { .. }), "{error:?}");
    assert!(begun.elapsed() < LIMIT * 3);
    let results = [from.noop().map(drop), to.noop().map(drop)];
    drop((from, to));
    source.join();
    target.join();
    assert!(results.iter().all(Result::is_ok), "{results:?}");
}

/// One side fails by itself, the other one after it was asked to abort: the first failure is the reason
#[test]
fn both_sides_of_a_copy_fail() {
    let fails = |s: &mut Peer, is_first: bool| {
        if is_first {
            s.reply("426 broken");
        } else {
            s.expect("ABOR");
            s.reply("425 no connection");
            s.reply("226 aborted");
        }
        obey(s);
    };
    for first in [CopySide::Source, CopySide::Target] {
        let source = copy_source(move |s| fails(s, first == CopySide::Source));
        let target = copy_target(move |s| fails(s, first == CopySide::Target));
        let (mut from, mut to) = (login(&source), login(&target));
        let error = at_once(|| {
            copy_between_servers(&mut from, "a", &mut to, "b", TransferType::Image).unwrap_err()
        });
        assert_eq!((error.side, code(&error.error)), (first, 426));
        from.noop().unwrap();
        to.noop().unwrap();
        drop((from, to));
        source.join();
        target.join();
    }
}

#[test]
fn two_copies_in_a_row() {
    let play_source = |s: &mut Peer, good: bool| {
        s.exchange("SIZE a", "213 15");
        s.expect("PASV");
        let listener = Listener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        s.reply(&format!("227 (127,0,0,1,{},{})", port >> 8, port & 255));
        if good {
            s.exchange("RETR a", "150 here");
            accept(&listener).write_all(b"between servers").unwrap();
            s.reply("226 done");
        } else {
            s.exchange("RETR a", "550 permission denied");
            s.exchange("PASV", "227 (127,0,0,1,1,2)");
        }
    };
    let source = Server::start(move |s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        play_source(s, false);
        play_source(s, true);
        obey(s);
    });
    let target = Server::start(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        s.active();
        s.exchange("STOR b", "150 send it");
        s.settle();
        let address = s.active();
        s.exchange("STOR b", "150 send it");
        assert_eq!(read_all(&mut connect(address)), b"between servers");
        s.reply("226 done");
        obey(s);
    });
    let (mut from, mut to) = (login(&source), login(&target));
    let copy = |from: &mut Client, to: &mut Client| {
        copy_between_servers(from, "a", to, "b", TransferType::Image)
    };
    at_once(|| {
        copy(&mut from, &mut to).unwrap_err();
        copy(&mut from, &mut to).unwrap();
    });
    drop((from, to));
    source.join();
    target.join();
}

/// One session is cancelled while the other server is silent: the copy ends at once, and says why
#[test]
fn a_copy_of_which_one_session_is_cancelled() {
    for cancelled in [CopySide::Source, CopySide::Target] {
        for is_stored in [false, true] {
            let source = Server::start(|s| {
                s.welcome();
                s.exchange("TYPE I", "200 binary");
                s.exchange("SIZE a", "213 15");
                s.exchange("PASV", "227 (127,0,0,1,1,1)");
                while s.command().is_some() {}
            });
            let target = Server::start(move |s| {
                s.welcome();
                s.exchange("TYPE I", "200 binary");
                s.active();
                s.expect("STOR b");
                if is_stored {
                    s.reply("150 send it");
                }
                while s.command().is_some() {}
            });
            let (mut from, mut to) = (login(&source), login(&target));
            let session = if cancelled == CopySide::Source { &mut from } else { &mut to };
            let canceller = session.canceller().unwrap();
            let thread = std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(200));
                canceller.cancel();
            });
            let error = at_once(|| {
                copy_between_servers(&mut from, "a", &mut to, "b", TransferType::Image).unwrap_err()
            });
            thread.join().unwrap();
            assert_eq!(error.side, cancelled);
            assert!(error.is_cancelled(), "{cancelled}, stored: {is_stored}: {error:?}");
            drop((from, to));
            source.join();
            target.join();
        }
    }
}
