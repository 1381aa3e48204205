//! The control connection: commands and replies as bytes

pub(crate) mod command;
mod escaped;
pub(crate) mod features;
pub mod fields;
pub(crate) mod reply;
pub(crate) mod telnet;
