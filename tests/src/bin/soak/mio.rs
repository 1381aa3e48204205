//! Sessions with the mio driver

use ftp_tests::mio as driver;

#[path = "session.rs"]
pub(crate) mod session;
