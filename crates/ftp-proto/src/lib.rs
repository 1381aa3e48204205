//! FTP and FTPS client protocol as a state machine without I/O

#![no_std]
#![warn(missing_docs, clippy::exhaustive_enums, clippy::exhaustive_structs)]

extern crate alloc;
extern crate std;

mod codec;
mod control;
pub mod listing;
mod timestamp;

pub use codec::{Codec, Progress};
pub use control::fields;
pub use timestamp::Timestamp;
