//! Getting a control connection: addresses, refusals, deadlines, dialers

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use crate::driver::{Client, ConnectionError, Error, Options, TlsPolicy};
use crate::driver::{Config, ftp_proto};
use ftp_tests::scripted::Server;

use crate::{at_once, code, config, connect, login_with};

#[test]
fn a_name_is_resolved_and_all_its_addresses_are_tried() {
    // `localhost` may be ::1 first, where nobody listens.
    let server = Server::start(|s| {
        s.reply("220 ready");
        s.expect_close();
    });
    let port = server.address().port();
    let ftp = at_once(|| Client::connect(&format!("localhost:{port}"), config()).unwrap());
    assert_eq!(ftp.peer_addr(), server.address());
    drop(ftp);
    server.join();
}

#[test]
fn ipv6() {
    let server = Server::start_on(Ipv6Addr::LOCALHOST.into(), |s| {
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
fn nobody_there() {
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = at_once(|| Client::connect(&gone.to_string(), config()).unwrap_err());
    let Error::Connect { target, error: inner } = &error else { panic!("{error:?}") };
    assert_eq!(*target, format!("127.0.0.1 port {}", gone.port()));
    assert_eq!(inner.kind(), std::io::ErrorKind::ConnectionRefused);
    assert!(error.is_fatal() && error.is_transient());
}

#[test]
fn nobody_answers() {
    let (full, _held) = silent_port();
    let options = Options::new(config()).connect_timeout(Duration::from_millis(200));
    let error = at_once(|| Client::connect(&full.to_string(), options).unwrap_err());
    let Error::Connect { error, .. } = error else { panic!("{error:?}") };
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
}

/// A port where connecting neither succeeds nor fails: a listener whose queue is full
pub(crate) fn silent_port() -> (SocketAddr, (socket2::Socket, Vec<TcpStream>)) {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    socket.listen(0).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let mut queue = Vec::new();
    let moment = Duration::from_millis(100);
    while let Ok(stream) = TcpStream::connect_timeout(&address, moment) {
        queue.push(stream);
        assert!(queue.len() < 100, "the queue never fills");
    }
    (address, (socket, queue))
}

#[test]
fn greetings_that_are_none() {
    let refusals = [
        "421 too many users",
        "530 not you",
        "SSH-2.0-OpenSSH_9.6",
        "HTTP/1.1 400 Bad Request",
        "220 mail.example.org ESMTP Postfix",
        "",
    ];
    for line in refusals {
        let server = Server::start(move |s| {
            if !line.is_empty() {
                s.reply(line);
                s.expect_close();
            }
        });
        let error =
            at_once(|| Client::connect(&server.address().to_string(), config()).unwrap_err());
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
    let server = Server::start(|s| {
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
    let server = Server::start(|s| {
        s.reply("220 ready");
        s.exchange("AUTH TLS", "502 what?");
        s.expect_close();
    });
    let config = Config::new(TlsPolicy::Explicit);
    let error = Client::connect(&server.address().to_string(), config).unwrap_err();
    assert_eq!(code(&error), 502);
    assert!(matches!(
        error,
        Error::Ftp(ftp_proto::Error::Connection(ConnectionError::TlsRefused(_)))
    ));
    server.join();
}

#[test]
fn the_source_address_holds_for_both_connections() {
    let server = Server::start(|s| {
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

/// The same server, named in every way that there is
#[test]
fn addresses_as_they_come() {
    fn greeted(server: &Server, connect: impl FnOnce(SocketAddr) -> Client) {
        let ftp = connect(server.address());
        assert_eq!(ftp.peer_addr(), server.address());
    }
    let greeting = |ip: IpAddr| {
        Server::start_on(ip, |s| {
            s.reply("220 ready");
            s.expect_close();
        })
    };
    let v4 = || greeting(Ipv4Addr::LOCALHOST.into());
    let v6 = || greeting(Ipv6Addr::LOCALHOST.into());
    greeted(&v4(), |at| Client::connect(at, config()).unwrap());
    greeted(&v4(), |at| Client::connect((at.ip(), at.port()), config()).unwrap());
    greeted(&v4(), |at| Client::connect(("localhost", at.port()), config()).unwrap());
    greeted(&v4(), |at| Client::connect(at.to_string(), config()).unwrap());
    greeted(&v6(), |at| Client::connect(at, config()).unwrap());
    greeted(&v6(), |at| Client::connect(("::1", at.port()), config()).unwrap());
    greeted(&v6(), |at| Client::connect(("[::1]", at.port()), config()).unwrap());
    greeted(&v6(), |at| Client::connect(&format!("[::1]:{}", at.port()), config()).unwrap());
    // One port of either family.
    let any: SocketAddr = "0.0.0.0:0".parse().unwrap();
    let options = Options::new(config()).source_address(any);
    greeted(&v6(), |at| Client::connect(at, options).unwrap());
}

#[test]
fn a_url_is_no_address() {
    let error = Client::connect("ftp://u:sesame@127.0.0.1/pub", config()).unwrap_err();
    assert!(matches!(error, Error::InvalidAddress(_)), "{error:?}");
    assert!(error.is_fatal() && !error.is_transient());
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("give \"127.0.0.1\""), "{cause}");
    assert!(!format!("{error:?} {cause}").contains("sesame"));
}

/// One call for all waits that end when nothing comes, wherever the server falls silent
#[test]
fn one_timeout() {
    let limit = Duration::from_millis(300);
    for place in ["greeting", "command", "data", "final reply"] {
        let server = Server::start(move |s| {
            let mut data = None;
            if place != "greeting" {
                s.welcome();
            }
            if matches!(place, "data" | "final reply") {
                s.exchange("TYPE I", "200 binary");
                let listener = s.epsv();
                s.exchange("RETR f", "150 here");
                data = Some(ftp_tests::scripted::accept(&listener)).filter(|_| place == "data");
            }
            // Whatever comes, such as ABOR, nothing is answered.
            while s.command().is_some() {}
            drop(data);
        });
        let mut settings = config();
        settings.greeting_timeout = Duration::from_secs(60);
        let options = Options::new(settings).timeout(limit);
        let begun = std::time::Instant::now();
        let error = match Client::connect(server.address(), options) {
            Err(error) => error,
            Ok(mut ftp) => {
                ftp.login("u", "p").unwrap();
                match place {
                    "command" => ftp.noop().unwrap_err(),
                    _ => ftp.download_to("f", &mut Vec::new()).unwrap_err(),
                }
            }
        };
        let took = begun.elapsed();
        assert!(took >= limit && took < Duration::from_secs(20), "{place}: {took:?}");
        let unconfirmed = matches!(error, Error::Ftp(ftp_proto::Error::Unconfirmed { .. }));
        assert!(error.is_timeout() || place == "final reply" && unconfirmed, "{place}: {error:?}");
        server.join();
    }
}

#[test]
fn a_timeout_of_nothing_is_refused() {
    let none = Duration::ZERO;
    let mut settings = config();
    settings.data_timeout = none;
    for options in [
        Options::new(config()).timeout(none),
        Options::new(config()).connect_timeout(none),
        Options::new(settings),
    ] {
        let error = Client::connect("127.0.0.1:1", options).unwrap_err();
        assert!(matches!(error, Error::InvalidOption { .. }), "{error:?}");
        assert!(error.is_fatal() && !error.is_transient());
        assert!(error.to_string().contains("Duration::MAX"), "{error}");
    }
}

/// The wrong port for the policy: the error says which one to try
#[test]
fn the_wrong_port_for_tls() {
    // As a server of port 990: without a handshake it says nothing.
    let silent = Server::start(|s| s.expect_close());
    let options = Options::new(config()).timeout(Duration::from_millis(200));
    let error = at_once(|| Client::connect(silent.address(), options).unwrap_err());
    assert!(error.is_timeout() && error.to_string().contains("TlsPolicy::Implicit"), "{error}");
    silent.join();

    let in_clear = Server::start(|s| {
        s.reply("220 ready");
        let mut hello = s.control().try_clone().unwrap();
        let _ = std::io::copy(&mut hello, &mut std::io::sink());
    });
    let error = at_once(|| {
        Client::connect(in_clear.address(), Config::new(TlsPolicy::Implicit)).unwrap_err()
    });
    let text = error.to_string();
    assert!(text.contains("220 ready") && text.contains("TlsPolicy::Explicit"), "{text}");
    in_clear.join();
}
