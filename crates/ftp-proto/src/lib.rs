//! FTP and FTPS client protocol as a state machine without I/O

#![no_std]
#![warn(missing_docs, clippy::exhaustive_enums, clippy::exhaustive_structs)]

extern crate alloc;
extern crate std;

mod codec;
mod control;
pub mod listing;
mod timestamp;

pub use codec::ascii::{AsciiDecoder, AsciiEncoder};
pub use codec::{Codec, Progress};
pub use control::command::{Argument, ArgumentError, Command, Secret, Verb};
pub use control::features::Features;
pub use control::fields;
pub use control::reply::{
    Banner, Code, Excerpt, Kind, Lines, MultilineEnd, NulPolicy, Reply, ReplyConfig, ReplyError,
    ReplyParser,
};
pub use timestamp::Timestamp;
