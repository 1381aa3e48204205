//! Settings and steps shared by the tests

use std::io::Read;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use ftp_tests::net::{self, Held, Listener, now};
use ftp_tests::scripted::{Peer, Server};

use crate::driver::{Client, Config, Error, Options, TlsPolicy};

/// Settings with short deadlines, which expire before the script's
pub(crate) fn config() -> Config {
    let mut config = Config::new(TlsPolicy::Plaintext);
    // Scripts show one command at a time; batches are tested with transcripts and the real servers.
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

/// Starts a server on the driver's network
pub(crate) fn serve(script: impl FnOnce(&mut Peer) + Send + 'static) -> Server {
    crate::enter();
    Server::start(script)
}

/// Starts a server on this address
pub(crate) fn serve_on(ip: IpAddr, script: impl FnOnce(&mut Peer) + Send + 'static) -> Server {
    crate::enter();
    Server::start_on(ip, script)
}

/// Returns a port on which connecting neither succeeds nor fails
pub(crate) fn silent_port() -> (SocketAddr, Held) {
    crate::enter();
    net::silent_port()
}

/// Returns a port on which nothing listens
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

/// Connects and logs in; the script begins with `welcome`
pub(crate) fn login(server: &Server) -> Client {
    login_with(server, config())
}

pub(crate) fn login_with(server: &Server, options: impl Into<Options>) -> Client {
    let mut client = connect_with(server, options);
    client.login("u", "p").unwrap();
    client
}

/// Runs something that must take less time than any deadline
#[track_caller]
pub(crate) fn at_once<T>(run: impl FnOnce() -> T) -> T {
    let begun = now();
    let result = run();
    let took = now() - begun;
    assert!(took < Duration::from_secs(2), "took {took:?}");
    result
}

/// Returns the code of the reply in an error
#[track_caller]
pub(crate) fn code(error: &Error) -> u16 {
    error.reply().unwrap_or_else(|| panic!("no reply in {error:?}")).code().get()
}

/// Drops a download of f after its first 1,000 bytes, and shows that the session is usable
pub(crate) fn drop_a_download(mut ftp: Client) {
    let mut download = ftp.get("f").unwrap();
    download.read_exact(&mut [0; 1000]).unwrap();
    at_once(|| drop(download));
    ftp.noop().unwrap();
}
