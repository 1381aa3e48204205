//! The mio driver against scripted servers on loopback: the tests of the blocking driver, and those
//! of what only a poll loop can do

#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is the report")]

#[path = "../blocking/aborts.rs"]
mod aborts;
#[path = "../blocking/active.rs"]
mod active;
#[path = "../blocking/common.rs"]
mod common;
#[path = "../blocking/connecting.rs"]
mod connecting;
#[path = "../blocking/copies.rs"]
mod copies;
#[path = "../blocking/deadlines.rs"]
mod deadlines;
#[path = "../blocking/directories.rs"]
mod directories;
#[path = "../blocking/downloads.rs"]
mod downloads;
#[path = "../blocking/floods.rs"]
mod floods;
#[path = "../blocking/hostile.rs"]
mod hostile;
#[path = "../blocking/opening.rs"]
mod opening;
#[path = "../blocking/operations.rs"]
mod operations;
#[path = "../blocking/proxies.rs"]
mod proxies;
#[path = "../blocking/resumption.rs"]
mod resumption;
#[path = "../blocking/secrets.rs"]
mod secrets;
#[path = "../blocking/simultaneous.rs"]
mod simultaneous;
#[path = "../blocking/strays.rs"]
mod strays;
#[path = "../blocking/tls.rs"]
mod tls;
#[path = "../blocking/trees.rs"]
mod trees;
#[path = "../blocking/uploads.rs"]
mod uploads;

mod loops;

use ftp_tests::mio as driver;

use common::{at_once, code, config, connect, login, login_with};
