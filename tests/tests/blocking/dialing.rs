//! Addresses as text, connections made by a dialer, and the deadline while a connection is made

use std::io::Read as _;
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use ftp_blocking::proxy::{Proxy, ProxyServer};
use ftp_blocking::{Channel, Client, Dialer, Error, Host, Options, Target};
use ftp_tests::scripted::Server;

use crate::{config, silent_port};

#[test]
fn invalid_addresses() {
    for address in ["", ":21", "[::1", "[::1]21", "host:port", "host:+1", "host:99999", "a b"] {
        let error = Client::connect(address, config()).unwrap_err();
        assert!(matches!(error, Error::InvalidAddress(_)), "{address}: {error:?}");
        assert!(!error.is_transient(), "{address}");
        assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::InvalidInput);
    }
}

#[test]
fn a_dialer_makes_both_connections_from_the_name() {
    let server = Server::start(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        s.send_file("RETR f", b"through");
        s.expect_close();
    });
    let proxy = server.address();
    let (calls, seen) = mpsc::channel();
    let dialer = move |target: Target<'_>, timeout: Duration| {
        assert!(timeout <= Duration::from_secs(30) && timeout > Duration::ZERO);
        calls.send((target.host.to_string(), target.port, target.channel)).unwrap();
        match (target.host, target.channel) {
            (Host::Name("ftp.invalid"), Channel::Control) => TcpStream::connect(proxy),
            (Host::Name("ftp.invalid"), Channel::Data) => {
                TcpStream::connect((proxy.ip(), target.port))
            }
            _ => panic!("{target:?}"),
        }
    };
    let options = Options::new(config()).dialer(dialer);
    let mut ftp = Client::connect("ftp.invalid", options).unwrap();
    ftp.login("u", "p").unwrap();
    let mut bytes = Vec::new();
    ftp.download_to("f", &mut bytes).unwrap();
    assert_eq!(bytes, b"through");
    drop(ftp);
    server.join();
    let seen: Vec<_> = seen.iter().collect();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0], ("ftp.invalid".to_owned(), 21, Channel::Control));
}

const LIMIT: Duration = Duration::from_millis(400);

fn limited() -> Options {
    Options::new(config()).deadline(LIMIT)
}

/// A dialer that uses up its time for one kind of connection
fn slow(server: SocketAddr, channel: Channel) -> impl Dialer {
    move |target: Target<'_>, timeout: Duration| {
        if target.channel == channel {
            assert!(timeout <= LIMIT, "{timeout:?}");
            std::thread::sleep(timeout);
            return Err(std::io::ErrorKind::TimedOut.into());
        }
        let port = if target.channel == Channel::Control { server.port() } else { target.port };
        TcpStream::connect((server.ip(), port))
    }
}

#[track_caller]
fn is_overdue<T>(begun: Instant, result: Result<T, Error>) {
    let took = begun.elapsed();
    let Err(error) = result else { panic!("a deadline should have passed") };
    assert!(matches!(error, Error::Deadline { limit } if limit == LIMIT), "{error:?}");
    assert!(took >= LIMIT && took < LIMIT + Duration::from_secs(1), "{took:?}");
}

#[test]
fn connecting_has_the_deadline_of_the_call() {
    let (silent, _held) = silent_port();
    let begun = Instant::now();
    is_overdue(begun, Client::connect(silent, limited()));

    let server = Server::start(|s| {
        // It reads the request, and does not answer.
        let _ = s.control().read_to_end(&mut Vec::new());
    });
    let address = server.address();
    let silent = ProxyServer::new(address.ip().to_string(), address.port());
    let begun = Instant::now();
    let options = limited().proxy(Proxy::Socks5 { server: silent, login: None });
    is_overdue(begun, Client::connect("ftp.example.org", options));
    server.join();

    let begun = Instant::now();
    let options = limited().dialer(slow(address, Channel::Control));
    is_overdue(begun, Client::connect("ftp.invalid", options));
}

/// The time limit of an address is shorter than the deadline
#[test]
fn an_address_that_does_not_answer_is_no_deadline() {
    let (silent, _held) = silent_port();
    let options = limited().connect_timeout(LIMIT / 4);
    let error = Client::connect(silent, options).unwrap_err();
    assert!(matches!(error, Error::Connect { .. }) && error.is_timeout(), "{error:?}");
}

#[test]
fn a_dialer_of_data_connections_has_the_deadline_of_the_call() {
    let server = Server::start(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        // There is no other command to try.
        s.exchange("EPSV", "500 unknown");
        s.exchange("PASV", "227 (127,0,0,1,19,136)");
        while s.command().is_some() {}
    });
    let options = limited().dialer(slow(server.address(), Channel::Data));
    let mut ftp = Client::connect("ftp.invalid", options).unwrap();
    ftp.login("u", "p").unwrap();
    let begun = Instant::now();
    is_overdue(begun, ftp.get("f"));
    drop(ftp);
    server.join();
}

/// One call that connects, greets and logs in has one deadline
#[test]
fn connecting_and_the_login_share_a_deadline() {
    let server = Server::start(|s| {
        s.reply("220 ready");
        s.expect("USER u");
        while s.command().is_some() {}
    });
    let address = server.address();
    let dialer = move |_: Target<'_>, _: Duration| {
        std::thread::sleep(LIMIT * 3 / 4);
        TcpStream::connect(address)
    };
    let begun = Instant::now();
    let result = Client::connect_and_login("ftp.invalid", limited().dialer(dialer), "u", "p");
    assert!(begun.elapsed() < LIMIT * 3 / 2, "{:?}", begun.elapsed());
    is_overdue(begun, result);
    server.join();
}
