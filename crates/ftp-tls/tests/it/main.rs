//! Everything that needs a server: rustls' own, in memory
#![expect(clippy::unwrap_used, reason = "a panic in a test's helper is the report, too")]

mod allowances;
mod ccc;
mod certificates;
mod common;
mod faults;
mod flushes;
mod refusals;
mod resumption;
