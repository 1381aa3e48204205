//! The interface of a driver to the tests: a session, a clock, and a way to wait
//!
//! The suite (`tests/tests/suite`) is written for the methods of `ftp_blocking::Client`. [`Client`] offers the same
//! methods over any [`Driver`], so a new driver needs only these few functions to run all tests.

mod client;
mod memory;
mod mio;
mod running;

use std::io::{Read, Write};
use std::net::SocketAddr;

use ftp_proto::Time;
use ftp_proto::listing::OwnedEntry;
use ftp_session::{Entries as Reading, Error, Moved, Options as SessionOptions, Session};

pub use client::{Client, Options, copy_between_servers};
pub use memory::{Memory, Wire};
pub use mio::Mio;
pub use running::{Entries, Running, Running as Listing};

/// A session and the means to drive it
pub trait Driver: Sized {
    /// The type of its connections
    type Stream: Read + Write;
    /// The type of its listeners
    type Listener;

    /// Creates a session, which is not started yet
    fn open(addresses: &[SocketAddr], options: SessionOptions) -> Result<Self, Error>;

    /// Returns the session
    fn session(&self) -> &Session<Self::Stream, Self::Listener>;

    /// Returns the session, to make requests and to move bytes
    fn session_mut(&mut self) -> &mut Session<Self::Stream, Self::Listener>;

    /// Returns the session's current time
    fn now(&self) -> Time;

    /// Waits until one of these has work to do, then gives each a turn
    fn wait(drivers: &mut [&mut Self]);

    /// Reads bytes that have arrived
    fn read_data(&mut self, buffer: &mut [u8]) -> Moved {
        let now = self.now();
        self.session_mut().read_data(buffer, now)
    }

    /// Writes as many bytes as fit
    fn write_data(&mut self, bytes: &[u8]) -> Moved {
        let now = self.now();
        self.session_mut().write_data(bytes, now)
    }

    /// Returns the next entry of a listing, if it has arrived
    fn next_entry(&mut self, entries: &mut Reading) -> Result<Option<OwnedEntry>, Error> {
        let now = self.now();
        entries.next(self.session_mut(), now)
    }
}
