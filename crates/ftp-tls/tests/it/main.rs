//! Everything that needs a server: rustls' own, in memory

mod ccc;
mod certificates;
mod common;
mod faults;
mod refusals;
mod resumption;
