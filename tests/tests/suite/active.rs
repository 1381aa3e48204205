//! Active mode: the server connects

use std::io::Write;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use crate::driver::ftp_proto;
use crate::driver::{Client, Config, ConnectionError, DataMode, Error};
use ftp_tests::net::{Listener, Stream, pause};
use ftp_tests::scripted::{connect, read_all};

use crate::{at_once, code, config, login_with, serve, serve_on};

fn active() -> Config {
    let mut config = config();
    config.data_mode = DataMode::Active;
    config
}

fn fetch(ftp: &mut Client) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    ftp.download_to("f", &mut bytes)?;
    Ok(bytes)
}

#[test]
fn both_families_and_both_directions() {
    for ip in [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()] {
        let server = serve_on(ip, |s| {
            s.welcome();
            s.exchange("TYPE I", "200 binary");
            let address = s.active();
            assert_eq!(address.ip(), s.ip());
            s.exchange("RETR f", "150 here");
            connect(address).write_all(b"down").unwrap();
            s.reply("226 done");
            let address = s.active();
            s.expect("STOR f");
            // Connects before the 150 is sent.
            let mut data = connect(address);
            s.reply("150 send it");
            assert_eq!(read_all(&mut data), b"up");
            drop(data);
            s.reply("226 done");
            s.expect_close();
        });
        let mut ftp = login_with(&server, active());
        assert_eq!(fetch(&mut ftp).unwrap(), b"down");
        ftp.upload_from("f", &mut &b"up"[..]).unwrap();
        drop(ftp);
        server.join();
    }
}

#[test]
fn port_refused_then_eprt() {
    let server = serve(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        assert!(s.command().unwrap().starts_with(b"PORT "));
        s.reply("502 what?");
        let address = s.active();
        s.exchange("RETR f", "150 here");
        connect(address).write_all(b"data").unwrap();
        s.reply("226 done");
        s.expect_close();
    });
    let mut ftp = login_with(&server, active());
    assert_eq!(fetch(&mut ftp).unwrap(), b"data");
    drop(ftp);
    server.join();
}

#[test]
fn ports_of_a_range_in_turn() {
    let range = free_range();
    let expected = range.clone();
    let server = serve(move |s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        let mut seen = Vec::new();
        for _ in 0..6 {
            let address = s.active();
            seen.push(address.port());
            s.exchange("RETR f", "150 here");
            connect(address).write_all(b"data").unwrap();
            s.reply("226 done");
        }
        assert!(seen.iter().all(|port| expected.contains(port)), "{seen:?}");
        assert!(seen.windows(2).all(|pair| pair[0] != pair[1]), "{seen:?}");
        s.expect_close();
    });
    let mut config = active();
    config.active_ports = Some(range);
    let mut ftp = login_with(&server, config);
    for _ in 0..6 {
        assert_eq!(fetch(&mut ftp).unwrap(), b"data");
    }
    drop(ftp);
    server.join();
}

/// Returns four ports below those that the system assigns
fn free_range() -> std::ops::RangeInclusive<u16> {
    crate::enter();
    let free = |port| Listener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
    let first = (20_000..30_000).step_by(4).find(|first| (*first..first + 4).all(free)).unwrap();
    first..=first + 3
}

#[test]
fn no_free_port_fails_the_transfer_only() {
    crate::enter();
    let taken = Listener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let server = serve(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        s.exchange("NOOP", "200 yes");
        s.expect_close();
    });
    let mut config = active();
    config.active_ports = Some(port..=port);
    let mut ftp = login_with(&server, config);
    let error = fetch(&mut ftp).unwrap_err();
    assert!(
        matches!(&error, Error::Data { error, .. }
            if error.kind() == std::io::ErrorKind::AddrInUse),
        "{error:?}"
    );
    ftp.noop().unwrap();
    drop(ftp);
    server.join();
}

#[test]
fn another_host_is_rejected() {
    let server = serve(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        let address = s.active();
        s.exchange("RETR f", "150 here");
        let mut stranger = Stream::connect_from([127, 5, 5, 5], address);
        assert!(read_all(&mut stranger).is_empty());
        s.settle();
        s.exchange("NOOP", "200 yes");
        s.expect_close();
    });
    let mut config = active();
    config.data_connect_timeout = Duration::from_millis(300);
    let mut ftp = login_with(&server, config);
    let error = at_once(|| fetch(&mut ftp).unwrap_err());
    let Error::Ftp(ftp_proto::Error::ForeignPeer { actual, .. }) = error else {
        panic!("{error:?}")
    };
    assert_eq!(actual.to_string(), "127.5.5.5");
    ftp.noop().unwrap();
    drop(ftp);
    server.join();
}

/// The first host that connects to the port need not be the server
#[test]
fn the_server_comes_after_strangers() {
    let server = serve(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        let address = s.active();
        s.expect("RETR f");
        // All are waiting when the client accepts, and there are more than it rejects at a time.
        let mut strangers: Vec<_> =
            (1..=100).map(|last| Stream::connect_from([127, 5, 5, last], address)).collect();
        let mut data = connect(address);
        s.reply("150 here");
        data.write_all(b"data").unwrap();
        drop(data);
        s.reply("226 done");
        for stranger in &mut strangers {
            assert!(read_all(stranger).is_empty());
        }
        s.expect_close();
    });
    let mut ftp = login_with(&server, active());
    assert_eq!(at_once(|| fetch(&mut ftp)).unwrap(), b"data");
    drop(ftp);
    server.join();
}

#[test]
fn a_refusal_ends_the_wait_for_the_server() {
    for (after_150, refusal) in [(false, "425 can't"), (false, "550 no"), (true, "425 can't")] {
        let server = serve(move |s| {
            s.welcome();
            s.exchange("TYPE I", "200 binary");
            s.active();
            s.expect("RETR f");
            if after_150 {
                s.reply("150 here");
            }
            pause(Duration::from_millis(100));
            s.reply(refusal);
            s.exchange("NOOP", "200 yes");
            s.expect_close();
        });
        let mut ftp = login_with(&server, active());
        let error = at_once(|| fetch(&mut ftp).unwrap_err());
        assert_eq!(code(&error).to_string(), refusal[..3]);
        ftp.noop().unwrap();
        drop(ftp);
        server.join();
    }
}

#[test]
fn the_end_of_the_session_ends_the_wait_for_the_server() {
    let server = serve(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        s.active();
        s.expect("RETR f");
        s.reply("150 here");
    });
    let mut ftp = login_with(&server, active());
    let error = at_once(|| fetch(&mut ftp).unwrap_err());
    assert!(matches!(error, Error::Ftp(ftp_proto::Error::Connection(ConnectionError::Eof))));
    server.join();
}
