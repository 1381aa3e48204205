//! Sessions with the blocking driver

use ftp_blocking as driver;

#[path = "session.rs"]
pub(crate) mod session;
