//! Forms of addresses, a single timeout for connecting, and errors about the greeting

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use ftp_blocking::{Client, Config, Error, Options, TlsPolicy, ftp_proto};
use ftp_proto::Time;
use ftp_tests::scripted::Server;

use crate::{at_once, config};

/// The same server, with its address in every form
#[test]
fn addresses_in_every_form() {
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
    greeted(&v6(), |at| Client::connect(format!("[::1]:{}", at.port()), config()).unwrap());
    // A port of either family.
    let any: SocketAddr = "0.0.0.0:0".parse().unwrap();
    let options = Options::new(config()).source_address(any);
    greeted(&v6(), |at| Client::connect(at, options).unwrap());
}

#[test]
fn a_url_is_not_an_address() {
    let error = Client::connect("ftp://u:sesame@127.0.0.1/pub", config()).unwrap_err();
    assert!(matches!(error, Error::InvalidAddress(_)), "{error:?}");
    assert!(error.is_fatal() && !error.is_transient());
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("give \"127.0.0.1\""), "{cause}");
    assert!(!format!("{error:?} {cause}").contains("sesame"));
}

/// One setting limits all waits for a server that does not respond, wherever it stops responding
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
            // Nothing is answered, not even ABOR.
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
fn a_timeout_of_zero_is_refused() {
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

/// Whatever a wait is for, none would end otherwise than by its time
#[test]
fn every_wait_of_zero_is_refused_by_name() {
    type Change = fn(&mut Config);
    let address = SocketAddr::from(([127, 0, 0, 1], 1));
    let changes: [(&str, Change); 13] = [
        ("greeting_timeout", |config| config.greeting_timeout = Duration::ZERO),
        ("reply_timeout", |config| config.reply_timeout = Duration::ZERO),
        ("command_timeout", |config| config.command_timeout = Duration::ZERO),
        ("batch_timeout", |config| config.batch_timeout = Duration::ZERO),
        ("tls_timeout", |config| config.tls_timeout = Duration::ZERO),
        ("data_connect_timeout", |config| config.data_connect_timeout = Duration::ZERO),
        ("data_timeout", |config| config.data_timeout = Duration::ZERO),
        ("final_reply_timeout", |config| config.final_reply_timeout = Duration::ZERO),
        ("hash_timeout", |config| config.hash_timeout = Duration::ZERO),
        ("remote_transfer_timeout", |config| config.remote_transfer_timeout = Duration::ZERO),
        ("settle_timeout", |config| config.settle_timeout = Duration::ZERO),
        ("settle_quiet", |config| config.settle_quiet = Duration::ZERO),
        ("keep_alive", |config| config.keep_alive = Some(Duration::ZERO)),
    ];
    let session = |config: Config| {
        ftp_session::Session::<std::net::TcpStream, ()>::new(&[address], config, Time::ZERO)
    };
    for (name, change) in changes {
        let mut settings = config();
        change(&mut settings);
        match session(settings).map(drop) {
            Err(Error::InvalidOption { option, .. }) => assert_eq!(option, name),
            other => panic!("{name}: {other:?}"),
        }
    }
    // This one is a pause, which need not be made.
    let mut settings = config();
    settings.auth_pause = Duration::ZERO;
    session(settings).map(drop).unwrap();
}

/// The wrong port for the policy: the error names the right one
#[test]
fn the_wrong_port_for_tls() {
    // Like a server on port 990, which sends nothing before the handshake.
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

/// 0xFF is Telnet's IAC and is doubled, except for servers that take a name's bytes unchanged
#[test]
fn names_with_the_byte_of_telnet() {
    let (double, single) = (&b"DELE \xFF\xFF.txt"[..], &b"DELE \xFF.txt"[..]);
    for (greeting, telnet, expected) in [
        ("220 ready", ftp_proto::Telnet::ByServer, double),
        ("220 ProFTPD Server ready", ftp_proto::Telnet::ByServer, double),
        ("220 (vsFTPd 3.0.5)", ftp_proto::Telnet::ByServer, single),
        (
            "220---------- Welcome to Pure-FTPd [TLS] ----------\r\n220 bye",
            ftp_proto::Telnet::ByServer,
            single,
        ),
        ("220 (vsFTPd 3.0.5)", ftp_proto::Telnet::Doubled, double),
        ("220 ready", ftp_proto::Telnet::Single, single),
    ] {
        let server = Server::start(move |s| {
            s.reply(greeting);
            let command = s.command().unwrap();
            assert_eq!(command.escape_ascii().to_string(), expected.escape_ascii().to_string());
            s.reply("250 gone");
            s.expect_close();
        });
        let mut config = config();
        config.telnet = telnet;
        let mut ftp = Client::connect(server.address(), config).unwrap();
        ftp.delete(b"\xFF.txt").unwrap();
        drop(ftp);
        server.join();
    }
}
