//! Connections of a dialer that hold bytes back until they are flushed

use std::time::Duration;

use ftp_test::Server;
use ftp_tests::tls::{Tls, trusting};
use ftp_tokio::ftp_tls::TlsVersion;
use ftp_tokio::{Client, Config, Options, ReadDir, Target, TlsPolicy};
use tokio::io::BufStream;
use tokio::net::TcpStream;
use tokio::time::timeout;

#[tokio::test]
async fn a_session_over_a_buffer() {
    let content: Vec<u8> = (0..300_000_u32).map(|i| (i / 7) as u8).collect();
    for policy in [TlsPolicy::Plaintext, TlsPolicy::Explicit] {
        for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
            let server = Server::start();
            server.set_tls(Tls::new());
            let tls = trusting(version).build().unwrap();
            let options = Options::new(Config::new(policy)).tls(tls);
            let host = server.address().ip();
            let dial = move |target: Target| async move {
                TcpStream::connect((host, target.port)).await.map(BufStream::new)
            };
            let session = async {
                let mut client =
                    Client::connect_with(server.address(), options, dial).await.unwrap();
                client.login("u", "p").await.unwrap();
                client.upload_from("f", &mut &content[..]).await.unwrap();
                let mut received = Vec::new();
                client.download_to("f", &mut received).await.unwrap();
                assert!(received == content, "{policy:?} {version:?}");
                let mut entries = client.read_dir(ReadDir::new("")).await.unwrap();
                assert_eq!(entries.next().await.unwrap().unwrap().name(), b"f");
                drop(entries);
                client.quit().await.unwrap();
            };
            let ended = timeout(Duration::from_secs(20), session).await;
            ended.unwrap_or_else(|_| panic!("{policy:?} {version:?}: bytes are held back"));
        }
    }
}
