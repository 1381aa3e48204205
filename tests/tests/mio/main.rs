//! The mio driver with scripted servers on loopback: the suite, and the tests of poll loops

#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is the report")]

#[path = "../suite/proxies.rs"]
mod proxies;
#[path = "../suite/mod.rs"]
mod suite;

mod claims;
mod loops;
mod many;

/// ftp-mio, with one client per loop
mod driver {
    pub(crate) use ftp_blocking::*;
    pub(crate) use ftp_tests::driver::{Listing, Mio, Options, copy_between_servers};

    pub(crate) type Client = ftp_tests::driver::Client<Mio>;
}

/// The servers are on loopback
fn enter() {}

use suite::{
    at_once, code, config, connect, login, login_with, refused, serve, serve_on, silent_port,
};
