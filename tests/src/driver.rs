//! What a driver is to the tests: a session, a clock, and a way to wait
//!
//! The suite (`tests/tests/suite`) is written for the methods of `ftp_blocking::Client`, which are that driver's own.
//! Over a [`Driver`] they are [`Client`]'s, so a new driver needs these few functions to run under all tests.

mod client;
mod memory;
mod mio;

use std::io::{Read, Write};
use std::net::SocketAddr;

use ftp_proto::Time;
use ftp_proto::listing::OwnedEntry;
use ftp_session::{Entries as Reading, Error, Moved, Options as SessionOptions, Session};

pub use client::{
    Client, CopyOptions, Download, Entries, Listing, Options, Upload, copy_between_servers,
};
pub use memory::{Memory, Wire};
pub use mio::Mio;

/// A session that a driver moves
pub trait Driver: Sized {
    /// Its connections
    type Stream: Read + Write;
    /// Its listeners
    type Listener;

    /// Makes a session, which has yet to be started
    fn open(addresses: &[SocketAddr], options: SessionOptions) -> Result<Self, Error>;

    /// The session
    fn session(&self) -> &Session<Self::Stream, Self::Listener>;

    /// The session, to make requests and move bytes
    fn session_mut(&mut self) -> &mut Session<Self::Stream, Self::Listener>;

    /// The session's present
    fn now(&self) -> Time;

    /// Waits until there is something to do for one of these, then each has a turn
    fn wait(drivers: &mut [&mut Self]);

    /// Reads what has come
    fn read_data(&mut self, buffer: &mut [u8]) -> Moved {
        let now = self.now();
        self.session_mut().read_data(buffer, now)
    }

    /// Writes what there is room for
    fn write_data(&mut self, bytes: &[u8]) -> Moved {
        let now = self.now();
        self.session_mut().write_data(bytes, now)
    }

    /// The next entry of a listing that has come
    fn next_entry(&mut self, entries: &mut Reading) -> Option<OwnedEntry> {
        let now = self.now();
        entries.next(self.session_mut(), now)
    }
}
