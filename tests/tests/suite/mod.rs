//! The behaviour of every driver with scripted servers: compiled once for each driver
//!
//! The binary that includes this module defines the driver: `crate::driver` with the names of ftp-blocking, and
//! `crate::enter`, which connects the test's thread to the network of the driver's servers.

mod aborts;
mod active;
mod common;
mod connecting;
mod copies;
mod deadlines;
mod directories;
pub(crate) mod downloads;
mod files;
mod floods;
mod hostile;
mod opening;
mod operations;
mod protection;
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
