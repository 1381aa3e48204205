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
