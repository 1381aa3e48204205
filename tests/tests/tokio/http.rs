//! The example `axum`, which serves the files of an FTP server over HTTP, to the client of hyper

use std::error::Error;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::mpsc;

use ftp_session::{Config, Options, TlsPolicy};
use ftp_tests::scripted::{Server, accept};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;

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

/// Requests a path, as a browser does
async fn ask(address: SocketAddr, path: &str) -> Response<Incoming> {
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::get(path).header("host", "localhost").body(Empty::<Bytes>::new());
    sender.send_request(request.unwrap()).await.unwrap()
}

#[tokio::test]
async fn a_file_passes_through_whole() {
    let content: Vec<u8> = (0..2_000_000_u32).map(|i| (i / 5) as u8).collect();
    let sent = content.clone();
    let server = Server::start(move |peer| {
        peer.welcome();
        peer.exchange("TYPE I", "200 fine");
        peer.send_file("RETR pub/file", &sent);
        peer.expect_close();
    });
    let response = ask(serve(&server), "/pub/file").await;
    assert_eq!(response.status(), 200);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert!(body == content);
    server.join();
}

#[tokio::test]
async fn a_missing_file_is_not_found() {
    let server = Server::start(|peer| {
        peer.welcome();
        peer.exchange("TYPE I", "200 fine");
        let listener = peer.epsv();
        let _data = accept(&listener);
        peer.exchange("RETR nothing", "550 no such file");
        peer.expect_close();
    });
    assert_eq!(ask(serve(&server), "/nothing").await.status(), 404);
    server.join();
}

/// The response is half-way when its reader gives it up
#[tokio::test]
async fn a_browser_that_goes_away_ends_the_session() {
    let server = Server::start(|peer| {
        peer.welcome();
        peer.exchange("TYPE I", "200 fine");
        let listener = peer.epsv();
        let mut data = accept(&listener);
        peer.exchange("RETR endless", "150 here it comes");
        while data.write_all(&[7; 4096]).is_ok() {}
        peer.expect_close();
    });
    let mut body = ask(serve(&server), "/endless").await.into_body();
    let mut received = 0;
    while received < 100_000 {
        let data = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert!(data.iter().all(|byte| *byte == 7));
        received += data.len();
    }
    drop(body);
    // Its connection is a task of this runtime.
    tokio::task::spawn_blocking(|| server.join()).await.unwrap();
}

#[tokio::test]
async fn a_truncated_file_is_not_a_complete_response() {
    let (half_way, fails) = mpsc::channel();
    let server = Server::start(move |peer| {
        peer.welcome();
        peer.exchange("TYPE I", "200 fine");
        let listener = peer.epsv();
        let mut data = accept(&listener);
        peer.exchange("RETR file", "150 here it comes");
        data.write_all(&[7; 4096]).unwrap();
        // Before the first bytes, it would be a response with another status.
        fails.recv().unwrap();
        drop(data);
        peer.reply("426 disk failure");
        peer.expect_close();
    });
    let response = ask(serve(&server), "/file").await;
    assert_eq!(response.status(), 200);
    let mut body = response.into_body();
    body.frame().await.unwrap().unwrap();
    half_way.send(()).unwrap();
    let error = body.collect().await.unwrap_err();
    let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
    assert_eq!(cause.map(io::Error::kind), Some(io::ErrorKind::UnexpectedEof), "{error:?}");
    server.join();
}
