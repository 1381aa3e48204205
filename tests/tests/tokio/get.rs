//! The example `get`, which writes one file to standard output

use ftp_session::FtpUrl;
use ftp_tests::scripted::{Server, accept};
use ftp_tokio::{Config, Options};

use super::file;

#[allow(dead_code, unreachable_pub, reason = "it is a program of its own")]
#[path = "../../../crates/ftp-tokio/examples/get.rs"]
mod get_;

async fn get(server: &Server, path: &str) -> Result<Vec<u8>, ftp_tokio::Error> {
    let url: FtpUrl = format!("ftp://u:p@{}/{path}", server.address()).parse().unwrap();
    let mut bytes = Vec::new();
    let options = Options::new(Config::new(url.policy()));
    let transfer = get_::get(&url, options, &mut bytes).await?;
    assert_eq!(transfer.bytes, bytes.len() as u64);
    Ok(bytes)
}

#[tokio::test]
async fn its_output_is_the_file() {
    let server = Server::start(|peer| {
        peer.welcome();
        peer.exchange("TYPE I", "200 fine");
        peer.send_file("RETR pub/a file", &file());
        peer.serve_quit();
    });
    assert!(get(&server, "pub/a%20file").await.unwrap() == file());
    server.join();
}

#[tokio::test]
async fn a_part_of_the_file_is_an_error() {
    let server = Server::start(|peer| {
        peer.welcome();
        peer.exchange("TYPE I", "200 fine");
        let listener = peer.epsv();
        let mut data = accept(&listener);
        peer.exchange("RETR f", "150 here it comes");
        std::io::Write::write_all(&mut data, b"a part").unwrap();
        drop(data);
        peer.reply("451 disk failure");
        peer.expect_close();
    });
    let error = get(&server, "f").await.unwrap_err();
    assert_eq!(error.reply().unwrap().code().get(), 451);
    server.join();
}
