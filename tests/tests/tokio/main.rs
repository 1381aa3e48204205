//! The tokio driver with scripted servers on loopback

#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is the report")]

#[path = "../suite/proxies.rs"]
mod proxies;
#[path = "../suite/mod.rs"]
mod suite;

mod again;
mod blocked;
mod buffered;
mod conveniences;
mod copying;
mod driver;
mod dropping;
mod files;
mod get;
mod http;
mod leftovers;
mod memory;
mod operations;
mod polls;
mod requests;
mod shutdown;
mod sockets;
mod tasks;

/// The servers are on loopback
fn enter() {}

use suite::{
    at_once, code, config, connect, login, login_with, refused, serve, serve_on, silent_port,
};

use std::time::Duration;

use ftp_tests::scripted::Server;
use ftp_tokio::{Client, Config, Error, TlsPolicy};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

async fn log_in(server: &Server) -> Client {
    let mut client =
        Client::connect(server.address(), Config::new(TlsPolicy::Plaintext)).await.unwrap();
    client.login("u", "p").await.unwrap();
    client
}

fn file() -> Vec<u8> {
    (0..3_000_000_u32).map(|i| (i / 7) as u8).collect()
}

#[tokio::test]
async fn a_whole_session() {
    let server = Server::start(|peer| {
        peer.welcome();
        peer.exchange("TYPE I", "200 fine");
        peer.send_file("RETR f", &file());
        assert!(peer.receive_file("STOR g") == file());
        peer.exchange("NOOP", "200 fine");
        peer.serve_quit();
    });
    let mut client = log_in(&server).await;
    let mut bytes = Vec::new();
    let mut download = client.get("f").await.unwrap();
    download.read_to_end(&mut bytes).await.unwrap();
    let transfer = download.finish().await.unwrap();
    assert!(bytes == file() && transfer.bytes == 3_000_000);
    let mut upload = client.put("g").await.unwrap();
    upload.write_all(&bytes).await.unwrap();
    let transfer = upload.finish().await.unwrap();
    assert_eq!(transfer.bytes, 3_000_000);
    client.noop().await.unwrap();
    client.quit().await.unwrap();
    server.join();
}

#[tokio::test]
async fn an_owned_download_returns_its_client() {
    let server = Server::start(|peer| {
        peer.welcome();
        peer.exchange("TYPE I", "200 fine");
        peer.send_file("RETR f", b"bytes");
        peer.serve_quit();
    });
    let client = log_in(&server).await;
    let download = client.into_get("f").await.unwrap();
    let task = tokio::spawn(async move {
        let mut bytes = Vec::new();
        download
            .copy_to(&mut bytes, |_| ())
            .await
            .map(|(transfer, client)| (bytes, transfer, client))
    });
    let (bytes, _, mut client) = task.await.unwrap().unwrap();
    assert_eq!(bytes, b"bytes");
    client.quit().await.unwrap();
    server.join();
}

#[tokio::test]
async fn the_reply_to_a_dropped_request_is_dropped() {
    let server = Server::start(|peer| {
        peer.welcome();
        peer.expect("PWD");
        std::thread::sleep(Duration::from_millis(50));
        peer.reply("257 \"/late\"");
        peer.exchange("MDTM f", "213 20240229120000");
        peer.serve_quit();
    });
    let mut client = log_in(&server).await;
    let late = tokio::time::timeout(Duration::from_millis(10), client.pwd()).await;
    assert!(late.is_err());
    client.mdtm("f").await.unwrap();
    client.quit().await.unwrap();
    server.join();
}

#[tokio::test]
async fn a_dropped_download_is_settled_by_the_next_call() {
    let server = Server::start(|peer| {
        peer.welcome();
        peer.exchange("TYPE I", "200 fine");
        let listener = peer.epsv();
        let mut data = ftp_tests::scripted::accept(&listener);
        peer.exchange("RETR f", "150 here it comes");
        std::io::Write::write_all(&mut data, b"begin").unwrap();
        peer.settle();
        peer.exchange("NOOP", "200 fine");
        peer.serve_quit();
    });
    let mut client = log_in(&server).await;
    let mut download = client.get("f").await.unwrap();
    let mut buffer = [0; 3];
    download.read_exact(&mut buffer).await.unwrap();
    drop(download);
    client.noop().await.unwrap();
    client.quit().await.unwrap();
    server.join();
}

#[tokio::test]
async fn a_refusal_is_an_error_and_the_session_goes_on() {
    let server = Server::start(|peer| {
        peer.welcome();
        peer.exchange("TYPE I", "200 fine");
        let listener = peer.epsv();
        let _data = ftp_tests::scripted::accept(&listener);
        peer.exchange("RETR none", "550 no such file");
        peer.serve_quit();
    });
    let client = log_in(&server).await;
    let error = client.into_get("none").await.unwrap_err();
    let (error, client) = error.into_parts();
    assert!(matches!(&error, Error::Ftp(_)) && error.is_missing(), "{error}");
    client.unwrap().quit().await.unwrap();
    server.join();
}

#[tokio::test]
async fn errors_of_local_files_name_them() {
    let missing = std::env::temp_dir().join("no such directory, surely").join("f");
    let server = Server::start(|peer| {
        peer.welcome();
        peer.serve_quit();
    });
    let mut client = log_in(&server).await;
    let error = client.upload_file("f", &missing).await.unwrap_err();
    let Error::Local(inner) = &error else { panic!("{error:?}") };
    assert_eq!(inner.kind(), std::io::ErrorKind::NotFound);
    assert!(inner.to_string().contains("no such directory, surely"), "{inner}");
    client.quit().await.unwrap();
    server.join();
}
