//! Test harness shared by the tests of all crates

#![expect(clippy::unwrap_used, reason = "a harness of tests: a panic is the report")]

pub mod command_log;
pub mod driver;
pub mod embedded;
pub mod flood;
pub mod laws;
#[cfg(doctest)]
mod manual;
pub mod memory;
pub mod net;
pub mod polls;
pub mod script;
pub mod scripted;
pub mod seed;
pub mod servers;
pub mod tls;
