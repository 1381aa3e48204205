//! What every driver does against scripted servers: compiled for each of them
//!
//! The binary that has this module says what the driver is: `crate::driver` with the names of ftp-blocking, and
//! `crate::enter`, which leads the test's thread to where the driver's servers are.

mod aborts;
mod active;
mod common;
mod connecting;
mod copies;
mod deadlines;
mod directories;
pub(crate) mod downloads;
mod floods;
mod hostile;
mod opening;
mod operations;
mod resumption;
mod secrets;
mod simultaneous;
mod strays;
mod tls;
mod trees;
mod uploads;

pub(crate) use common::{
    at_once, code, config, connect, login, login_with, refused, serve, serve_on, silent_port,
};
