//! Addresses as text, and connections made by a dialer

use std::net::TcpStream;
use std::sync::mpsc;
use std::time::Duration;

use ftp_blocking::{Channel, Client, Error, Host, Options, Target};
use ftp_tests::scripted::Server;

use crate::config;

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
