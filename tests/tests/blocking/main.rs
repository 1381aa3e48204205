//! The blocking driver with scripted servers on loopback: the suite, and the tests of this driver alone

#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is the report")]

#[path = "../suite/proxies.rs"]
mod proxies;
#[path = "../suite/mod.rs"]
mod suite;

mod addresses;
mod arguments;
mod batches;
mod calls;
mod cancelling;
mod copies;
mod dialing;
mod files;
mod leftovers;
mod listings;
mod owned;
mod prefetch;

use ftp_blocking as driver;

use suite::{
    at_once, code, config, connect, login, login_with, refused, serve, serve_on, silent_port,
};

/// The servers are on loopback
fn enter() {}
