//! `ftp-session` itself, in the same memory as scripted servers and in virtual time: the suite

#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is the report")]

#[path = "../suite/mod.rs"]
mod suite;

/// ftp-session, driven by the tests
mod driver {
    pub(crate) use ftp_blocking::*;
    pub(crate) use ftp_tests::driver::{Listing, Memory, Options, copy_between_servers};

    pub(crate) type Client = ftp_tests::driver::Client<Memory>;
}

/// The servers are in the memory of the test
fn enter() {
    ftp_tests::net::World::enter();
}

use suite::{
    at_once, code, config, connect, login, login_with, refused, serve, serve_on, silent_port,
};
