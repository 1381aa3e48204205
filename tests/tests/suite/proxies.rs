//! Sessions through a proxy on loopback

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use ftp_session::proxy::{Proxy, ProxyProblem, ProxyServer};
use ftp_tests::scripted::Server;

use crate::config;
use crate::driver::{Client, Error, Options};

pub(crate) fn socks(port: u16) -> Proxy {
    Proxy::Socks5 { server: ProxyServer::new("127.0.0.1", port), login: None }
}

/// Starts a SOCKS5 proxy that resolves every name to this host, with the server's port in place of 21; reports the
/// requested targets
pub(crate) fn relay(server: u16) -> (u16, Receiver<(String, u16)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (asked, seen) = mpsc::channel();
    thread::spawn(move || {
        // As long as the test runs.
        while let Ok((client, _)) = listener.accept() {
            // A client may go away at any time.
            let Ok(target) = introduce(client, server) else { continue };
            if asked.send(target).is_err() {
                return;
            }
        }
    });
    (port, seen)
}

/// Connects a client with the target that it requests, and returns that
fn introduce(mut client: TcpStream, server: u16) -> io::Result<(String, u16)> {
    let mut methods = [0; 3];
    client.read_exact(&mut methods)?;
    assert_eq!(methods, [5, 1, 0]);
    client.write_all(&[5, 0])?;
    let mut head = [0; 5];
    client.read_exact(&mut head)?;
    assert_eq!(head[..4], [5, 1, 0, 3]);
    let mut rest = vec![0; usize::from(head[4]) + 2];
    client.read_exact(&mut rest)?;
    let (host, port) = rest.split_at(rest.len() - 2);
    let port = u16::from_be_bytes([port[0], port[1]]);
    let to = if port == 21 { server } else { port };
    let target = TcpStream::connect(("127.0.0.1", to))?;
    // If the server sends first, its bytes arrive together with the proxy's answer.
    let mut answer = vec![5, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    if port == 21 {
        let mut greeting = [0; 512];
        let count = (&target).read(&mut greeting)?;
        answer.extend_from_slice(&greeting[..count]);
    }
    client.write_all(&answer)?;
    carry(client.try_clone()?, target.try_clone()?);
    carry(target, client);
    Ok((String::from_utf8(host.to_vec()).unwrap(), port))
}

fn carry(mut from: TcpStream, mut to: TcpStream) {
    thread::spawn(move || {
        // An error ends the connection.
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(std::net::Shutdown::Write);
    });
}

#[test]
fn the_proxy_resolves_the_name_of_both_connections() {
    let server = Server::start(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        s.send_file("RETR f", b"through");
        s.expect_close();
    });
    let (port, seen) = relay(server.address().port());
    let options = Options::new(config()).proxy(socks(port));
    let mut ftp = Client::connect("ftp.invalid:21", options).unwrap();
    ftp.login("u", "p").unwrap();
    let mut bytes = Vec::new();
    ftp.download_to("f", &mut bytes).unwrap();
    assert_eq!(bytes, b"through");
    drop(ftp);
    server.join();
    let seen: Vec<_> = seen.try_iter().collect();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0], ("ftp.invalid".to_owned(), 21));
    assert_eq!(seen[1].0, "ftp.invalid");
}

#[test]
fn a_missing_proxy_is_named() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let options = Options::new(config()).proxy(socks(closed));
    let error = Client::connect("ftp.invalid:21", options).map(drop).unwrap_err();
    let text = format!("could not connect to the proxy 127.0.0.1 port {closed}: ");
    assert!(error.to_string().starts_with(&text), "{error}");
    let Error::Proxy(proxy) = &error else { panic!("{error:?}") };
    let refused = io::ErrorKind::ConnectionRefused;
    assert!(matches!(proxy.problem(), ProxyProblem::Unreachable { kind, .. } if *kind == refused));
    assert!(error.is_fatal() && error.is_transient() && !error.is_timeout());
}

/// Single bytes do not extend the deadline
#[test]
fn a_proxy_that_takes_too_long_is_given_up() {
    for answers in [false, true] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let drips = thread::spawn(move || {
            let (mut client, _) = listener.accept().unwrap();
            let mut read = client.read(&mut [0; 64]);
            while answers && read.is_ok_and(|count| count > 0) {
                for byte in b"HTTP/1.1 200 OK\r\nX: ".iter().chain(&[b'x'; 2000]) {
                    thread::sleep(Duration::from_millis(20));
                    if client.write_all(&[*byte]).is_err() {
                        return;
                    }
                }
                read = client.read(&mut [0; 64]);
            }
            let _ = client.read(&mut [0; 64]);
        });
        let begun = Instant::now();
        let server = ProxyServer::new("127.0.0.1", port);
        let options = Options::new(config())
            .connect_timeout(Duration::from_millis(400))
            .proxy(Proxy::HttpConnect { server, login: None });
        let error = Client::connect("ftp.invalid:21", options).map(drop).unwrap_err();
        let Error::Proxy(proxy) = &error else { panic!("{error:?}") };
        assert_eq!(proxy.problem(), &ProxyProblem::TimedOut);
        assert!(error.is_timeout());
        let elapsed = begun.elapsed();
        assert!(elapsed >= Duration::from_millis(400), "{elapsed:?}");
        assert!(elapsed < Duration::from_secs(10), "{elapsed:?}");
        drips.join().unwrap();
    }
}
