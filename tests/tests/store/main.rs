//! `ftp-object-store` with a server that misbehaves

#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is the report")]

mod copies;
mod interrupted;
mod listings;
mod names;
mod ranges;
mod reads;
mod replacing;
mod server;
mod sessions;
mod writes;

use std::time::Duration;

use ftp_object_store::ftp_tokio::{Config, Options, TlsPolicy};
use ftp_object_store::{FtpStore, FtpStoreBuilder};
use ftp_test::Server;

fn builder(server: &Server) -> FtpStoreBuilder {
    let mut config = Config::new(TlsPolicy::Plaintext);
    config.settle_quiet = Duration::from_millis(100);
    FtpStore::builder()
        .url(format!("ftp://{}", server.address()))
        .connection(Options::new(config))
        .login("u", "p")
}

fn store(server: &Server) -> FtpStore {
    builder(server).build().unwrap()
}

/// Bytes whose position in the file can be recognized
fn content(size: usize) -> Vec<u8> {
    let word = |word: u64| word.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes();
    (0..size as u64 / 8).flat_map(word).collect()
}

/// Waits for something that happens in the background
async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..1000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {what}");
}
