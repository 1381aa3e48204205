//! The scripted servers of `ftp-test`, where this thread's servers are: on loopback or in memory

use std::net::SocketAddr;

pub use ftp_test::scripted::{PATIENCE, accept, read_all};

use crate::net::Stream;

/// A scripted server
pub type Server = ftp_test::scripted::Server<Stream>;
/// The server's end of a control connection
pub type Peer = ftp_test::scripted::Peer<Stream>;

/// Connects, as a server in active mode does
///
/// # Panics
///
/// If nothing listens.
#[must_use]
pub fn connect(address: SocketAddr) -> Stream {
    ftp_test::scripted::connect(address)
}

/// Answers whatever comes, as a server that has no files
///
/// # Panics
///
/// If nothing arrives within [`PATIENCE`].
pub fn obey(peer: &mut Peer) {
    while let Some(command) = peer.command() {
        let verb = command.split(|byte| *byte == b' ').next().unwrap_or_default();
        match verb {
            b"MKD" => peer.reply("257 \"/d\" made"),
            b"PWD" => peer.reply("257 \"/\""),
            b"REST" => peer.reply("350 at 0"),
            b"QUIT" => peer.reply("221 bye"),
            b"CWD" => peer.reply("550 none"),
            _ => peer.reply("200 fine"),
        }
    }
}

/// The source of a copy of `a` between servers, to which nobody connects; `then` plays the rest
#[must_use]
pub fn copy_source(then: impl FnOnce(&mut Peer) + Send + 'static) -> Server {
    Server::start(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        s.exchange("SIZE a", "213 15");
        s.exchange("PASV", "227 (127,0,0,1,1,1)");
        s.exchange("RETR a", "150 here");
        then(s);
    })
}

/// The target of a copy to `b`, which connects to nobody; `then` plays the rest
#[must_use]
pub fn copy_target(then: impl FnOnce(&mut Peer) + Send + 'static) -> Server {
    Server::start(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        s.active();
        s.exchange("STOR b", "150 send it");
        then(s);
    })
}
