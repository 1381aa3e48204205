//! The blocking driver against scripted servers on loopback

#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is the report")]

mod aborts;
mod active;
mod connecting;
mod copies;
mod deadlines;
mod downloads;
mod operations;
mod simultaneous;
mod tls;
mod uploads;

use std::time::{Duration, Instant};

use ftp_blocking::{Client, Config, Error, Options, TlsPolicy};
use ftp_tests::scripted::Server;

/// Settings whose deadlines don't make tests slow, and end before the script's patience
fn config() -> Config {
    let mut config = Config::new(TlsPolicy::Plaintext);
    // Scripts show one command at a time; batches have transcripts and the real servers.
    config.pipeline = false;
    config.greeting_timeout = Duration::from_secs(5);
    config.reply_timeout = Duration::from_secs(5);
    config.data_connect_timeout = Duration::from_secs(5);
    config.data_timeout = Duration::from_secs(5);
    config.final_reply_timeout = Duration::from_secs(5);
    config.settle_timeout = Duration::from_secs(5);
    config.settle_quiet = Duration::from_millis(300);
    config
}

fn connect(server: &Server) -> Client {
    connect_with(server, config())
}

fn connect_with(server: &Server, options: impl Into<Options>) -> Client {
    Client::connect(&server.address().to_string(), options).unwrap()
}

/// Connected and logged in; the script begins with `welcome`
fn login(server: &Server) -> Client {
    login_with(server, config())
}

fn login_with(server: &Server, options: impl Into<Options>) -> Client {
    let mut client = connect_with(server, options);
    client.login("u", "p").unwrap();
    client
}

/// Runs something that must not take as long as any deadline
#[track_caller]
fn at_once<T>(run: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let result = run();
    assert!(begun.elapsed() < Duration::from_secs(2), "took {:?}", begun.elapsed());
    result
}

/// The code of the reply behind an error
#[track_caller]
fn code(error: &Error) -> u16 {
    error.reply().unwrap_or_else(|| panic!("no reply in {error:?}")).code().get()
}
