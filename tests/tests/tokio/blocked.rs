//! A task that is blocked while the server answers: what arrived in time counts, although its deadline has passed when
//! the task is polled again

use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use ftp_tests::scripted::{Peer, Server, accept};
use ftp_tokio::{Client, Config, Options, Target, TlsPolicy};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufStream};
use tokio::net::TcpStream;
use tokio::task::yield_now;

/// Also for the waits that are not about blocking, on a busy machine
const LIMIT: Duration = Duration::from_secs(2);

/// Blocks the thread for longer than the limit, after the others have been polled once
async fn block() {
    yield_now().await;
    thread::sleep(LIMIT + LIMIT / 4);
}

fn options() -> Options {
    Options::new(Config::new(TlsPolicy::Plaintext)).timeout(LIMIT)
}

fn soon(peer: &mut Peer, reply: &str) {
    thread::sleep(Duration::from_millis(20));
    peer.reply(reply);
}

#[tokio::test]
async fn a_reply() {
    let server = Server::start(|peer| {
        peer.welcome();
        for _ in 0..2 {
            peer.expect("NOOP");
            soon(peer, "200 fine");
        }
        peer.serve_quit();
    });
    let mut client =
        Client::connect_and_login(server.address(), options(), "u", "p").await.unwrap();
    for _ in 0..2 {
        let (answer, ()) = tokio::join!(client.noop(), block());
        answer.unwrap();
    }
    client.quit().await.unwrap();
    server.join();
}

/// It can't be looked at as a socket can
#[tokio::test]
async fn a_reply_on_a_dialers_connection() {
    let server = Server::start(|peer| {
        peer.welcome();
        peer.expect("NOOP");
        soon(peer, "200 fine");
        peer.serve_quit();
    });
    let address = server.address();
    let dial =
        move |_: Target| async move { TcpStream::connect(address).await.map(BufStream::new) };
    let mut client = Client::connect_with(address, options(), dial).await.unwrap();
    client.login("u", "p").await.unwrap();
    let (answer, ()) = tokio::join!(client.noop(), block());
    answer.unwrap();
    client.quit().await.unwrap();
    server.join();
}

#[tokio::test]
async fn bytes_of_a_transfer() {
    let server = Server::start(|peer| {
        peer.welcome();
        peer.exchange("TYPE I", "200 fine");
        let listener = peer.epsv();
        let mut data = accept(&listener);
        peer.exchange("RETR f", "150 go");
        thread::sleep(Duration::from_millis(20));
        data.write_all(b"content").unwrap();
        drop(data);
        peer.reply("226 done");
        let listener = peer.epsv();
        let mut data = accept(&listener);
        peer.exchange("STOR g", "150 go");
        thread::sleep(Duration::from_millis(20));
        // The client has filled the socket's buffer before.
        let count = std::io::copy(&mut data, &mut std::io::sink()).unwrap();
        assert_eq!(count, 20_000_000);
        peer.reply("226 done");
        peer.serve_quit();
    });
    let mut client =
        Client::connect_and_login(server.address(), options(), "u", "p").await.unwrap();
    let mut download = client.get("f").await.unwrap();
    let mut content = [0; 7];
    let (read, ()) = tokio::join!(download.read_exact(&mut content), block());
    read.unwrap();
    assert_eq!(&content, b"content");
    download.finish().await.unwrap();
    let mut upload = client.put("g").await.unwrap();
    let content = vec![7; 20_000_000];
    let (written, ()) = tokio::join!(upload.write_all(&content), block());
    written.unwrap();
    upload.finish().await.unwrap();
    client.quit().await.unwrap();
    server.join();
}

#[tokio::test]
async fn a_step_of_a_procedure() {
    let server = Server::start(|peer| {
        peer.welcome();
        peer.expect("MKD d");
        soon(peer, "257 \"/d\" created");
        peer.serve_quit();
    });
    let mut client =
        Client::connect_and_login(server.address(), options(), "u", "p").await.unwrap();
    let (made, ()) = tokio::join!(client.create_dir_all("d"), block());
    made.unwrap();
    client.quit().await.unwrap();
    server.join();
}

/// A server that is silent is late, and its session ends once
#[tokio::test]
async fn a_silent_server() {
    let server = Server::start(|peer| {
        peer.welcome();
        peer.expect("NOOP");
        peer.expect_close();
    });
    let mut client =
        Client::connect_and_login(server.address(), options(), "u", "p").await.unwrap();
    let begun = Instant::now();
    let (answer, ()) = tokio::join!(client.noop(), block());
    assert!(answer.unwrap_err().is_timeout());
    assert!(begun.elapsed() < LIMIT * 3);
    drop(client);
    server.join();
}
