//! The blocking driver against real servers: `tests/run` starts them

#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is the report")]

mod broken_listings;
mod bytes;
mod copies;
mod directories;
mod facts;
mod held;
mod listings;
mod names;
mod operations;
mod prefetch;
mod proxies;
mod resuming;
mod resumption;
mod resumption_policy;
mod retries;
mod security;
mod trees;
mod waits;
mod way;

use ftp_blocking as driver;

pub(crate) use way::{Security, Way, everywhere, on_each_server, securely};
