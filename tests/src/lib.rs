//! Harness of the cross-crate tests

pub mod script;
pub mod servers;
