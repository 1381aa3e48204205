//! The example `axum`, which serves the files of an FTP server over HTTP

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use ftp_session::{Config, Options, TlsPolicy};
use ftp_tests::scripted::{Server, accept};

#[allow(dead_code, unreachable_pub, reason = "it is a program of its own")]
#[path = "../../../crates/ftp-tokio/examples/axum.rs"]
mod axum_;

/// Serves a server's files; returns the address
fn serve(server: &Server) -> SocketAddr {
    let url = format!("ftp://u:p@{}/", server.address()).parse().unwrap();
    let origin = axum_::Origin { url, options: Options::new(Config::new(TlsPolicy::Plaintext)) };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, axum_::app(origin)).await.unwrap();
        });
    });
    address
}

/// Requests a path, as in HTTP 1.0: the end of the connection ends the body
fn ask(address: SocketAddr, path: &str) -> TcpStream {
    let mut http = TcpStream::connect(address).unwrap();
    http.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    write!(http, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").unwrap();
    http
}

#[test]
fn a_file_passes_through_whole() {
    let content: Vec<u8> = (0..2_000_000_u32).map(|i| (i / 5) as u8).collect();
    let sent = content.clone();
    let server = Server::start(move |peer| {
        peer.welcome();
        peer.exchange("TYPE I", "200 fine");
        peer.send_file("RETR pub/file", &sent);
        peer.expect_close();
    });
    let mut answer = Vec::new();
    ask(serve(&server), "/pub/file").read_to_end(&mut answer).unwrap();
    let body = answer.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4;
    assert!(answer.starts_with(b"HTTP/1.0 200"), "{}", answer[..body].escape_ascii());
    assert!(answer[body..] == content);
    server.join();
}

#[test]
fn a_missing_file_is_not_found() {
    let server = Server::start(|peer| {
        peer.welcome();
        peer.exchange("TYPE I", "200 fine");
        let listener = peer.epsv();
        let _data = accept(&listener);
        peer.exchange("RETR nothing", "550 no such file");
        peer.expect_close();
    });
    let mut answer = String::new();
    ask(serve(&server), "/nothing").read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.0 404"), "{answer}");
    server.join();
}

#[test]
fn a_browser_that_goes_away_ends_the_session() {
    let server = Server::start(|peer| {
        peer.welcome();
        peer.exchange("TYPE I", "200 fine");
        let listener = peer.epsv();
        let mut data = accept(&listener);
        peer.exchange("RETR endless", "150 here it comes");
        while data.write_all(&[7; 4096]).is_ok() {}
        peer.expect_close();
    });
    let mut http = ask(serve(&server), "/endless");
    http.read_exact(&mut [0; 100_000]).unwrap();
    drop(http);
    server.join();
}

#[test]
fn a_truncated_file_is_not_a_complete_response() {
    let server = Server::start(|peer| {
        peer.welcome();
        peer.exchange("TYPE I", "200 fine");
        let listener = peer.epsv();
        let mut data = accept(&listener);
        peer.exchange("RETR file", "150 here it comes");
        data.write_all(&[7; 4096]).unwrap();
        drop(data);
        peer.reply("426 disk failure");
        peer.expect_close();
    });
    let mut http = TcpStream::connect(serve(&server)).unwrap();
    http.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    // Chunked, because the size is not guaranteed: without a last chunk the response is incomplete.
    write!(http, "GET /file HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = http.read_to_end(&mut answer);
    assert!(!answer.ends_with(b"0\r\n\r\n"), "{}", answer.escape_ascii());
    server.join();
}
