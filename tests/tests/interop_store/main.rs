//! `ftp-object-store` on the real servers: the tests that `object_store` provides for every store, and some of our own

#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is the report")]

mod integration;
mod limited;
mod odd;
mod place;
mod ranges;
mod times;
