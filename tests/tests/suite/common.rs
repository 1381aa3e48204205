//! Settings and steps that the tests have in common

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use ftp_tests::net::{self, Held, Listener, now};
use ftp_tests::scripted::{Peer, Server};

use crate::driver::{Client, Config, Error, Options, TlsPolicy};

/// Settings whose deadlines don't make tests slow, and end before the script's patience
pub(crate) fn config() -> Config {
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

/// Starts a server where the driver finds it
pub(crate) fn serve(script: impl FnOnce(&mut Peer) + Send + 'static) -> Server {
    crate::enter();
    Server::start(script)
}

/// Starts a server at this address
pub(crate) fn serve_on(ip: IpAddr, script: impl FnOnce(&mut Peer) + Send + 'static) -> Server {
    crate::enter();
    Server::start_on(ip, script)
}

/// A port where connecting neither succeeds nor fails
pub(crate) fn silent_port() -> (SocketAddr, Held) {
    crate::enter();
    net::silent_port()
}

/// A port that nobody listens on
pub(crate) fn refused() -> SocketAddr {
    crate::enter();
    Listener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

pub(crate) fn connect(server: &Server) -> Client {
    connect_with(server, config())
}

pub(crate) fn connect_with(server: &Server, options: impl Into<Options>) -> Client {
    Client::connect(server.address().to_string(), options).unwrap()
}

/// Connected and logged in; the script begins with `welcome`
pub(crate) fn login(server: &Server) -> Client {
    login_with(server, config())
}

pub(crate) fn login_with(server: &Server, options: impl Into<Options>) -> Client {
    let mut client = connect_with(server, options);
    client.login("u", "p").unwrap();
    client
}

/// Runs something that must not take as long as any deadline
#[track_caller]
pub(crate) fn at_once<T>(run: impl FnOnce() -> T) -> T {
    let begun = now();
    let result = run();
    let took = now() - begun;
    assert!(took < Duration::from_secs(2), "took {took:?}");
    result
}

/// The code of the reply behind an error
#[track_caller]
pub(crate) fn code(error: &Error) -> u16 {
    error.reply().unwrap_or_else(|| panic!("no reply in {error:?}")).code().get()
}
