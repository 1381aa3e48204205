//! FTP and FTPS client protocol as a state machine without I/O
//!
//! [`Client`] is told what happened outside (bytes that came, bytes that went, news of a data
//! connection, the time), and says what to do next: bytes to write, [`Action`]s for whoever holds
//! the sockets, [`Event`]s for the application. It has no sockets, clock, threads or files, so one
//! implementation serves blocking programs, poll loops and async runtimes, and every situation can
//! be tested by telling of it.
//!
//! Most programs want a driver: `ftp-blocking` or `ftp-mio`. This crate is for those who write one,
//! or have an event loop of their own.
//!
//! # The loop
//!
//! Whoever drives a client goes round four steps, until [`Client::is_dead`]:
//!
//! 1. Carry out every [`Client::poll_action`].
//! 2. Write what [`Client::poll_transmit`] has to the control connection, and report with
//!    [`Client::handle_transmit`].
//! 3. Hand every [`Client::poll_event`] to the application.
//! 4. Wait for the control connection ([`Client::handle_input`], as long as
//!    [`Client::wants_input`]), for the data connection ([`Client::handle_data`]), or until
//!    [`Client::poll_timeout`] ([`Client::handle_timeout`]), whichever comes first.
//!
//! Both connections always, since a refusal on one ends a wait on the other. The bytes of files
//! never come here: the driver moves them between the data connection and the user, and reports
//! how many there were.
//!
//! Here the server is a function, so there is nothing to wait for:
//!
//! ```
//! use ftp_proto::{Client, Config, Event, IpFamily, Time, TlsPolicy};
//!
//! fn answer(command: &[u8]) -> &'static [u8] {
//!     match command {
//!         b"USER anonymous\r\n" => b"230 welcome\r\n",
//!         b"TYPE I\r\n" => b"200 binary\r\n",
//!         b"SIZE README\r\n" => b"213 1234\r\n",
//!         _ => b"500 what?\r\n",
//!     }
//! }
//!
//! let now = Time::ZERO;
//! let mut config = Config::new(TlsPolicy::Plaintext);
//! // This server wants one command at a time.
//! config.pipeline = false;
//! let mut client = Client::new(config, IpFamily::V4, now);
//! // Requests queue; each ends in one `Event::Completed`.
//! client.login("anonymous", "");
//! let size = client.size("README");
//! client.handle_input(now, b"220 ready\r\n")?;
//! let size = 'session: loop {
//!     if let Some(command) = client.poll_transmit() {
//!         let (written, reply) = (command.len(), answer(command));
//!         client.handle_transmit(now, written);
//!         client.handle_input(now, reply)?;
//!     }
//!     while let Some(event) = client.poll_event() {
//!         if let Event::Completed(mut done) = event {
//!             if let Some(result) = done.take(size) {
//!                 break 'session result?;
//!             }
//!         }
//!     }
//! };
//! assert_eq!(size, 1234);
//! # Ok::<(), ftp_proto::Error>(())
//! ```
//!
//! # Errors
//!
//! An [`Error`] ends one request; the session goes on, unless it is [`Error::is_fatal`]. A
//! [`ConnectionError`] ends the session: everything asked for completes with it, then comes
//! [`Event::Closed`], and every later request gets it again.
//!
//! # Limits
//!
//! One transfer at a time a session, as FTP has it. Stream mode and file structure only (RFC 959
//! MODE S, STRU F). Of RFC 2228 only what RFC 4217 takes for TLS. ABOR goes in band.

#![no_std]
#![warn(missing_docs, clippy::exhaustive_enums, clippy::exhaustive_structs)]

extern crate alloc;
// In the documentation of requests the crate has the same name here and in drivers.
#[cfg(doc)]
extern crate self as ftp_proto;
extern crate std;

mod claim;
mod client;
mod codec;
mod config;
mod control;
mod data;
mod ends;
mod error;
mod event;
mod held;
pub mod listing;
mod local_names;
mod op;
mod plan;
mod requests;
mod server_copy;
mod session;
mod settle;
mod terms;
mod time;
mod timer;
mod timestamp;
mod wire;

pub use claim::{Op, OpId, Output, Transfer};
pub use client::Client;
pub use codec::ascii::{AsciiDecoder, AsciiEncoder};
pub use codec::{Codec, Progress};
pub use config::{
    AuthMechanism, Config, DataHandshake, DataMode, ForeignReplies, PassiveHost, PassiveOrder,
    TlsPolicy, Truncation,
};
pub use control::command::{Argument, ArgumentError, Command, Secret, Verb};
pub use control::features::Features;
pub use control::fields;
pub use control::reply::{
    Banner, Code, Excerpt, Lines, MultilineEnd, NulPolicy, Reply, ReplyConfig, ReplyError,
    ReplyKind, ReplyParser,
};
pub use ends::{Ends, Source};
pub use error::{ConnectionError, Error, ProtocolError};
pub use event::{Action, Completion, ControlEvent, DataEvent, Event, Trace, TraceDirection};
pub use local_names::{LocalRules, NameError, NameProblem, TakenNames};
pub use op::read_dir::ReadDir;
pub use op::request::{Get, List, Put};
pub use server_copy::{CopyEnd, CopyError, ServerCopy};
pub use session::TicketSupply;
pub use terms::{
    DataEndpoint, DataFailure, DataHost, DataId, Direction, Encoding, IpFamily, Phase, Protection,
    TlsSession, TransferType,
};
pub use time::Time;
pub use timestamp::Timestamp;
