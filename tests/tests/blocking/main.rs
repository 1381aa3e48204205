//! The blocking driver against scripted servers on loopback
//!
//! Most of it the mio driver goes through, too: see `../mio/main.rs`.

#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is the report")]

mod aborts;
mod active;
mod calls;
mod cancelling;
mod common;
mod connecting;
mod copies;
mod deadlines;
mod dialing;
mod directories;
mod downloads;
mod files;
mod floods;
mod hostile;
mod opening;
mod operations;
mod owned;
mod proxies;
mod resumption;
mod secrets;
mod simultaneous;
mod strays;
mod tls;
mod trees;
mod uploads;

use ftp_blocking as driver;

use common::{at_once, code, config, connect, login, login_with};
