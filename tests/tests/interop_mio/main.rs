//! The mio driver with real servers, through the tests of the blocking driver

#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is the report")]

#[path = "../interop/bytes.rs"]
mod bytes;
#[path = "../interop/copies.rs"]
mod copies;
#[path = "../interop/directories.rs"]
mod directories;
#[path = "../interop/listings.rs"]
mod listings;
#[path = "../interop/names.rs"]
mod names;
#[path = "../interop/operations.rs"]
mod operations;
#[path = "../interop/prefetch.rs"]
mod prefetch;
#[path = "../interop/proxies.rs"]
mod proxies;
#[path = "../interop/resuming.rs"]
mod resuming;
#[path = "../interop/resumption.rs"]
mod resumption;
#[path = "../interop/resumption_policy.rs"]
mod resumption_policy;
#[path = "../interop/retries.rs"]
mod retries;
#[path = "../interop/security.rs"]
mod security;
#[path = "../interop/trees.rs"]
mod trees;
#[path = "../interop/waits.rs"]
mod waits;
#[path = "../interop/way.rs"]
mod way;

/// ftp-mio, with one client per loop
mod driver {
    pub(crate) use ftp_blocking::*;
    pub(crate) use ftp_session::procedure::ResumeOptions;
    pub(crate) use ftp_tests::driver::{Listing, Mio, Options, copy_between_servers};

    pub(crate) type Client = ftp_tests::driver::Client<Mio>;
}

pub(crate) use way::{Security, Way, everywhere, on_each_server, securely};
