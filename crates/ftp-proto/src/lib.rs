//! FTP and FTPS client protocol as a state machine without I/O

#![no_std]
#![warn(missing_docs, clippy::exhaustive_enums, clippy::exhaustive_structs)]

extern crate alloc;
extern crate std;

mod client;
mod codec;
mod config;
mod control;
mod data;
mod error;
mod event;
pub mod listing;
mod op;
mod server_copy;
mod session;
mod settle;
mod timer;
mod timestamp;
mod wire;

pub use client::Client;
pub use codec::ascii::{AsciiDecoder, AsciiEncoder};
pub use codec::{Codec, Progress};
pub use config::{
    AuthMechanism, Config, DataMode, PassiveHost, PassiveOrder, TlsPolicy, Truncation,
};
pub use control::command::{Argument, ArgumentError, Command, Secret, Verb};
pub use control::features::Features;
pub use control::fields;
pub use control::reply::{
    Banner, Code, Excerpt, Kind, Lines, MultilineEnd, NulPolicy, Reply, ReplyConfig, ReplyError,
    ReplyParser,
};
pub use error::{ConnectionError, Error, ProtocolError};
pub use event::{
    Action, Completion, ControlEvent, DataEndpoint, DataEvent, DataFailure, DataHost, DataId,
    Direction, Encoding, Event, IpFamily, Phase, Trace, TraceDirection,
};
pub use op::request::{Get, List, Put};
pub use op::{Op, OpId, Output, Transfer};
pub use server_copy::{CopyEnd, CopyError, ServerCopy};
pub use session::{Protection, TransferType};
pub use timestamp::Timestamp;
