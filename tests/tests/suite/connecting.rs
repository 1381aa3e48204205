//! The control connection: addresses, refusals, deadlines, dialers

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use crate::driver::{Client, ConnectionError, Error, Options, TlsPolicy};
use crate::driver::{Config, ftp_proto};

use crate::{at_once, code, config, connect, login_with, refused, serve, serve_on, silent_port};

#[test]
fn a_name_is_resolved_and_all_its_addresses_are_tried() {
    // `localhost` may be ::1 first, on which nothing listens.
    let server = serve(|s| {
        s.reply("220 ready");
        s.expect_close();
    });
    let port = server.address().port();
    let ftp = at_once(|| Client::connect(format!("localhost:{port}"), config()).unwrap());
    assert_eq!(ftp.peer_addr(), server.address());
    drop(ftp);
    server.join();
}

#[test]
fn ipv6() {
    let server = serve_on(Ipv6Addr::LOCALHOST.into(), |s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        s.send_file("RETR f", b"six");
        s.expect_close();
    });
    let mut ftp = crate::login(&server);
    let mut bytes = Vec::new();
    ftp.download_to("f", &mut bytes).unwrap();
    assert_eq!(bytes, b"six");
    drop(ftp);
    server.join();
}

#[test]
fn nothing_listens() {
    let gone = refused();
    let error = at_once(|| Client::connect(gone.to_string(), config()).unwrap_err());
    let Error::Connect { target, error: inner } = &error else { panic!("{error:?}") };
    assert_eq!(*target, format!("127.0.0.1 port {}", gone.port()));
    assert_eq!(inner.kind(), std::io::ErrorKind::ConnectionRefused);
    assert!(error.is_fatal() && error.is_transient());
}

#[test]
fn no_answer() {
    let (full, _held) = silent_port();
    let options = Options::new(config()).connect_timeout(Duration::from_millis(200));
    let error = at_once(|| Client::connect(full.to_string(), options).unwrap_err());
    let Error::Connect { error, .. } = error else { panic!("{error:?}") };
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
}

#[test]
fn lines_that_are_not_greetings() {
    let refusals = [
        "421 too many users",
        "530 not you",
        "SSH-2.0-OpenSSH_9.6",
        "HTTP/1.1 400 Bad Request",
        "220 mail.example.org ESMTP Postfix",
        "",
    ];
    for line in refusals {
        let server = serve(move |s| {
            if !line.is_empty() {
                s.reply(line);
                s.expect_close();
            }
        });
        let error =
            at_once(|| Client::connect(server.address().to_string(), config()).unwrap_err());
        let Error::Ftp(ftp_proto::Error::Connection(error)) = error else { panic!("{error:?}") };
        match line {
            "" => assert_eq!(error, ConnectionError::Eof),
            "530 not you" => assert!(matches!(error, ConnectionError::Refused(_))),
            "421 too many users" => assert!(matches!(error, ConnectionError::ServiceClosing(_))),
            _ => assert!(matches!(error, ConnectionError::Protocol(_))),
        }
        server.join();
    }
}

#[test]
fn slow_greetings() {
    let server = serve(|s| {
        s.reply("120 in a minute");
        s.reply("220-in the end");
        s.reply("220 ready");
        s.expect_close();
    });
    let ftp = connect(&server);
    assert_eq!(ftp.welcome().unwrap().code().get(), 220);
    drop(ftp);
    server.join();
}

#[test]
fn tls_refused_is_fatal_and_nothing_follows_in_clear() {
    let server = serve(|s| {
        s.reply("220 ready");
        s.exchange("AUTH TLS", "502 what?");
        s.expect_close();
    });
    let config = Config::new(TlsPolicy::Explicit);
    let error = Client::connect(server.address().to_string(), config).unwrap_err();
    assert_eq!(code(&error), 502);
    assert!(matches!(
        error,
        Error::Ftp(ftp_proto::Error::Connection(ConnectionError::TlsRefused(_)))
    ));
    server.join();
}

#[test]
fn the_source_address_holds_for_both_connections() {
    let server = serve(|s| {
        s.welcome();
        let from = s.control().peer_addr().unwrap();
        assert_eq!(from.ip().to_string(), "127.0.0.7");
        s.exchange("TYPE I", "200 binary");
        let listener = s.epsv();
        let data = ftp_tests::scripted::accept(&listener);
        assert_eq!(data.peer_addr().unwrap().ip(), from.ip());
        s.exchange("RETR f", "150 here");
        drop(data);
        s.reply("226 done");
        s.expect_close();
    });
    let options = Options::new(config()).source_address(Ipv4Addr::new(127, 0, 0, 7));
    let mut ftp = login_with(&server, options);
    ftp.get("f").unwrap().finish().unwrap();
    drop(ftp);
    server.join();
}
