//! Data connections that can't be opened: the error names the first cause, with its address and a remedy

use std::io::{ErrorKind, Write};
use std::net::SocketAddr;
use std::time::Duration;

use ftp_tests::net::Listener;
use ftp_tests::scripted::{Peer, accept};

use crate::driver::ftp_proto::DataFailure;
use crate::driver::{DataMode, Error};
use crate::{at_once, config, login, login_with, refused, serve, silent_port};

fn offer(s: &mut Peer, command: &str, to: SocketAddr) {
    let port = to.port();
    let reply = match command {
        "EPSV" => format!("229 (|||{port}|)"),
        _ => format!("227 (127,0,0,1,{},{})", port >> 8, port & 255),
    };
    s.exchange(command, &reply);
}

/// Checks the error of a connection that could not be opened
#[track_caller]
fn is_of(error: &Error, to: SocketAddr, kind: ErrorKind, code: Option<u16>) {
    let Error::Data { failure: DataFailure::Open, address, error: cause, .. } = error else {
        panic!("{error:?}")
    };
    assert_eq!((*address, cause.kind()), (Some(to), kind));
    assert_eq!(error.reply().map(|reply| reply.code().get()), code);
    assert_eq!(error.is_timeout(), kind == ErrorKind::TimedOut);
    assert!(!error.is_fatal() && error.is_transient());
    let text = error.to_string();
    assert!(text.contains(&format!("127.0.0.1 port {}", to.port())), "{text}");
    assert!(text.contains("active mode"), "{text}");
}

#[test]
fn a_refused_port_is_not_hidden_by_the_refusal_of_the_other_command() {
    let gone = refused();
    let server = serve(move |s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        offer(s, "EPSV", gone);
        s.exchange("PASV", "502 not here");
        s.exchange("NOOP", "200 yes");
        s.expect_close();
    });
    let mut ftp = login(&server);
    let error = at_once(|| ftp.get("f").unwrap_err());
    is_of(&error, gone, ErrorKind::ConnectionRefused, Some(502));
    ftp.noop().unwrap();
    drop(ftp);
    server.join();
}

#[test]
fn of_two_refused_ports_the_first_is_reported() {
    let ports = [refused(), refused()];
    let server = serve(move |s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        offer(s, "EPSV", ports[0]);
        offer(s, "PASV", ports[1]);
        s.exchange("NOOP", "200 yes");
        s.expect_close();
    });
    let mut ftp = login(&server);
    let error = at_once(|| ftp.get("f").unwrap_err());
    is_of(&error, ports[0], ErrorKind::ConnectionRefused, None);
    ftp.noop().unwrap();
    drop(ftp);
    server.join();
}

#[test]
fn a_blocked_port_is_reported_although_the_other_command_is_refused() {
    let (silent, _held) = silent_port();
    let server = serve(move |s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        offer(s, "EPSV", silent);
        s.exchange("PASV", "502 not here");
        s.exchange("NOOP", "200 yes");
        s.expect_close();
    });
    let mut config = config();
    config.data_connect_timeout = Duration::from_millis(200);
    let mut ftp = login_with(&server, config);
    let error = at_once(|| ftp.get("f").unwrap_err());
    is_of(&error, silent, ErrorKind::TimedOut, Some(502));
    ftp.noop().unwrap();
    drop(ftp);
    server.join();
}

/// The transfer's command is sent while connecting once a connection has succeeded
#[test]
fn a_port_that_fails_after_others_have_worked() {
    let gone = refused();
    let server = serve(move |s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        s.send_file("RETR f", b"data");
        offer(s, "EPSV", gone);
        s.exchange("RETR g", "425 nobody came");
        s.send_file("RETR h", b"data");
        s.expect_close();
    });
    let mut config = config();
    config.pipeline = true;
    let mut ftp = login_with(&server, config);
    ftp.download_to("f", &mut Vec::new()).unwrap();
    let error = at_once(|| ftp.download_to("g", &mut Vec::new()).unwrap_err());
    is_of(&error, gone, ErrorKind::ConnectionRefused, Some(425));
    // The failure does not affect the next transfer.
    ftp.download_to("h", &mut Vec::new()).unwrap();
    drop(ftp);
    server.join();
}

/// A failure that had no consequence does not explain a later one
#[test]
fn a_port_replaced_by_another_does_not_explain_a_later_failure() {
    let gone = refused();
    let server = serve(move |s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        offer(s, "EPSV", gone);
        let listener = Listener::bind("127.0.0.1:0").unwrap();
        offer(s, "PASV", listener.local_addr().unwrap());
        let mut data = accept(&listener);
        s.exchange("RETR f", "150 here (300000 bytes)");
        data.write_all(b"some").unwrap();
        data.break_at_the_end();
        drop(data);
        s.exchange("REST 0", "350 restart at 0");
        s.exchange("NOOP", "200 yes");
        s.expect_close();
    });
    let mut ftp = login(&server);
    let error = ftp.download_to("f", &mut Vec::new()).unwrap_err();
    let Error::Data { failure: DataFailure::Broken, address, error: cause, .. } = &error else {
        panic!("{error:?}")
    };
    assert_eq!((*address, cause.kind()), (None, ErrorKind::ConnectionReset));
    ftp.noop().unwrap();
    drop(ftp);
    server.join();
}

#[test]
fn the_error_of_a_server_that_never_connects_contains_the_local_address() {
    let server = serve(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        s.active();
        s.exchange("RETR f", "150 here");
        s.settle();
        s.exchange("NOOP", "200 yes");
        s.expect_close();
    });
    let mut config = config();
    config.data_mode = DataMode::Active;
    config.data_connect_timeout = Duration::from_millis(200);
    let mut ftp = login_with(&server, config);
    let error = at_once(|| ftp.get("f").unwrap_err());
    let Error::Data { failure: DataFailure::NeverOpened, address, .. } = &error else {
        panic!("{error:?}")
    };
    assert!(address.is_some_and(|address| address.port() != 0));
    assert!(error.is_timeout() && error.to_string().contains("passive mode"), "{error}");
    ftp.noop().unwrap();
    drop(ftp);
    server.join();
}
