//! FTP and FTPS client protocol as a state machine without I/O
//!
//! You report to a [`Client`] what happened outside (bytes read or written, events of a data connection, the time). It
//! tells you what to do next: bytes to write, [`Action`]s for the code that holds the sockets, [`Event`]s for the
//! application. It has no sockets, clock, threads or files. So one implementation serves blocking programs, poll loops
//! and async runtimes, and a test can create any situation by reporting it.
//!
//! Most programs want a driver: `ftp-blocking`, `ftp-tokio` or `ftp-mio`. For an event loop of your own, look at
//! `ftp-session` first. Use this crate directly to write a driver.
//!
//! # The loop
//!
//! After every call, take all outputs first, until there are none:
//!
//! - [`Client::poll_action`]: an order to carry out, see [Orders](#orders).
//! - [`Client::poll_transmit`]: bytes to write to the control connection. Report what was written with
//!   [`Client::handle_transmit`]. A loop whose writes complete later uses [`Client::take_transmit`] instead.
//! - [`Client::poll_event`]: an event for the application, which may respond with requests. These bring new outputs.
//!
//! If the client is now dead ([`Client::is_dead`]), end the loop. Don't end it earlier: the last results, the order to
//! close and [`Event::Closed`] come after the session has died.
//!
//! Then wait for the first of these, and report it:
//!
//! - the control connection is readable: [`Client::handle_input`], or [`Client::handle_control`] at its end. Do not
//!   read unless [`Client::wants_input`];
//! - it is writable, if not all of `poll_transmit` could be written;
//! - something happened to the data connection: [`Client::handle_data`];
//! - the time of [`Client::poll_timeout`] has come: [`Client::handle_timeout`].
//!
//! Always wait for both connections, because a refusal on one ends a wait on the other. The bytes of files never pass
//! through the client: the driver moves them between the data connection and the user, and reports how many there were.
//!
//! In this example, the server is a function, and a queue of its replies stands for the socket:
//!
//! ```
//! use std::collections::VecDeque;
//!
//! use ftp_proto::{Action, Client, Config, ControlEvent, Event, IpFamily, Time, TlsPolicy};
//!
//! fn answer(command: &[u8]) -> &'static [u8] {
//!     match command {
//!         b"USER anonymous\r\n" => b"230 welcome\r\n",
//!         b"TYPE I\r\n" => b"200 binary\r\n",
//!         b"SIZE README\r\n" => b"213 1234\r\n",
//!         // The end of the session.
//!         _ => b"421 too late\r\n",
//!     }
//! }
//!
//! let mut config = Config::new(TlsPolicy::Plaintext);
//! // This server wants one command at a time.
//! config.pipeline = false;
//! let mut now = Time::ZERO;
//! let mut client = Client::new(config, IpFamily::V4, now);
//! let mut replies = VecDeque::from([&b"220 ready\r\n"[..]]);
//!
//! // Requests are queued; each ends in one `Event::Completed`.
//! let login = client.login("anonymous", "");
//! let (mut size, mut delete) = (None, None);
//! let mut deleted = None;
//! loop {
//!     // Take all outputs of the client.
//!     loop {
//!         if let Some(action) = client.poll_action() {
//!             // Transfers and TLS bring other orders.
//!             assert_eq!(action, Action::CloseControl);
//!         } else if let Some(bytes) = client.poll_transmit() {
//!             replies.push_back(answer(bytes));
//!             let written = bytes.len();
//!             client.handle_transmit(now, written);
//!         } else if let Some(event) = client.poll_event() {
//!             let Event::Completed(mut done) = event else { continue };
//!             if let Some(result) = done.take(login) {
//!                 result?;
//!                 size = Some(client.size("README"));
//!             } else if let Some(result) = size.and_then(|size| done.take(size)) {
//!                 assert_eq!(result?, 1234);
//!                 delete = Some(client.delete("README"));
//!             } else if let Some(result) = delete.and_then(|delete| done.take(delete)) {
//!                 deleted = Some(result);
//!             }
//!         } else {
//!             break;
//!         }
//!     }
//!     if client.is_dead() {
//!         break;
//!     }
//!     // Wait.
//!     match (replies.pop_front(), client.poll_timeout()) {
//!         (Some(bytes), _) => {
//!             // An error means that the session has ended, which comes as an event, too.
//!             let _ = client.handle_input(now, bytes);
//!         }
//!         (None, Some(deadline)) => {
//!             now = deadline;
//!             client.handle_timeout(now);
//!         }
//!         (None, None) => client.handle_control(now, ControlEvent::Closed),
//!     }
//! }
//! // The server ended the session: that is the result, and it came after the session had died.
//! assert!(deleted.is_some_and(|result| result.is_err_and(|error| error.is_fatal())));
//! # assert_eq!(now, Time::ZERO, "nothing waited for a deadline");
//! # Ok::<(), ftp_proto::Error>(())
//! ```
//!
//! # Orders
//!
//! This table says what each [`Action`] means for a driver. Carry out orders in the sequence in which they come, and
//! begin each before the next call of [`Client::poll_action`].
//!
//! | order | may come | ended by | if the driver can't do it |
//! |---|---|---|---|
//! | [`SecureControl`](Action::SecureControl) | at the very beginning under implicit TLS, else after the reply to AUTH; nothing is written or read until it has ended | [`Secured`](ControlEvent::Secured) | [`ControlEvent::Closed`] |
//! | [`ClearControl`](Action::ClearControl) | under TLS, after the reply to CCC; nothing is written or read until it has ended | [`Cleared`](ControlEvent::Cleared) | [`ControlEvent::Closed`] |
//! | [`OpenData`](Action::OpenData) to connect | while there is no data connection: `CloseData` has come for the one before | [`Connected`](DataEvent::Connected) | [`Failed`](DataEvent::Failed) with [`Open`](DataFailure::Open), at once or later |
//! | [`OpenData`](Action::OpenData) to listen | the same | [`Listening`](DataEvent::Listening) at once, then [`Accepted`](DataEvent::Accepted) | [`Failed`](DataEvent::Failed) with [`Open`](DataFailure::Open) |
//! | [`SecureData`](Action::SecureData) | once, after `Connected` or `Accepted`; before or after the reply that begins the transfer | [`DataEvent::Secured`] | [`Failed`](DataEvent::Failed) with [`Tls`](DataFailure::Tls) |
//! | [`StartTransfer`](Action::StartTransfer) | once, after `Connected` or `Accepted`, under PROT P after `Secured` | [`Finished`](DataEvent::Finished) or [`Truncated`](DataEvent::Truncated), after [`Progress`](DataEvent::Progress) for the bytes, [`Paused`](DataEvent::Paused) where they wait for the user, and [`Sent`](DataEvent::Sent) for an upload | [`Failed`](DataEvent::Failed) with [`Broken`](DataFailure::Broken), under TLS [`Tls`](DataFailure::Tls) for an invalid record, [`UnexpectedData`](DataFailure::UnexpectedData) for bytes during an upload |
//! | [`Discard`](Action::Discard) | after `StartTransfer` of a listing that was aborted | as `StartTransfer` | as `StartTransfer` |
//! | [`CloseData`](Action::CloseData) | once for each `OpenData`, at any time after it, whether that has been answered or not | nothing: it is done when it is carried out | it can't fail |
//! | [`CloseControl`](Action::CloseControl) | once, as the last order | nothing: it is done when it is carried out | it can't fail |
//!
//! These events answer no order: [`ControlEvent::Connected`], [`ControlEvent::Closed`], and, before `StartTransfer`, a
//! data connection's [`Progress`](DataEvent::Progress), [`Finished`](DataEvent::Finished),
//! [`Truncated`](DataEvent::Truncated) and [`Failed`](DataEvent::Failed). The order of events on two connections is not
//! defined, so report everything when it happens. Events of a data connection are ignored after its `CloseData`.
//!
//! # Errors
//!
//! An [`Error`] ends one request; the session goes on, unless it is [`Error::is_fatal`]. A
//! [`ConnectionError`] ends the session: every pending request completes with it, then [`Event::Closed`] comes,
//! and every later request fails with it.
//!
//! # Features
//!
//! `std`, on by default: conversions of [`Error`], [`ConnectionError`] and [`NameError`] into
//! `std::io::Error`, and vector instructions that are chosen at run time. Without it (`default-features =
//! false`) the crate is `no_std` and needs only an allocator. Everything else is the same, and errors are still
//! `core::error::Error` with their sources. So the crate runs on bare targets and on `wasm32-unknown-unknown`.
//!
//! # Limits
//!
//! A session has one transfer at a time, as FTP requires. Only stream mode and file structure are supported (RFC 959
//! MODE S, STRU F), and of RFC 2228 only the parts that RFC 4217 uses for TLS. ABOR is sent in band.
//!
//! # The manual
//!
//! The repository has a manual in `docs/manual`. Its page `embedding.md` says how to embed a session.
//! Others cover TLS, hostile servers, retries, cancelling, listings and performance. `docs/limits.md` lists what FTP
//! can't do.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![no_std]
#![warn(missing_docs, clippy::exhaustive_enums, clippy::exhaustive_structs)]
#![warn(clippy::alloc_instead_of_core, clippy::std_instead_of_alloc, clippy::std_instead_of_core)]

extern crate alloc;
// Links in the documentation of requests name the crate `ftp_proto`, both here and in drivers.
#[cfg(doc)]
extern crate self as ftp_proto;
#[cfg(any(feature = "std", test))]
extern crate std;

mod claim;
mod client;
mod codec;
mod config;
mod control;
mod data;
mod directory;
mod endpoints;
mod error;
mod event;
mod gateway;
mod held;
pub mod listing;
mod local_names;
mod op;
mod plan;
mod prefetch;
mod requests;
mod server;
mod server_copy;
mod session;
mod settle;
mod terms;
mod time;
mod timer;
mod timestamp;
mod wire;

pub use claim::{Op, OpId, Output, SizeAndTime, Transfer};
pub use client::Client;
pub use codec::ascii::{AsciiDecoder, AsciiEncoder};
pub use codec::{Codec, Progress};
pub use config::{
    AuthMechanism, Config, DataHandshake, DataMode, ForeignReplies, PassiveHost, PassiveOrder,
    Prefetch, Telnet, TlsPolicy, Truncation,
};
pub use control::command::{Argument, ArgumentError, Command, Secret, Verb};
pub use control::effects::{Effect, Effects};
pub use control::escaped::Readable;
pub use control::features::Features;
pub use control::fields;
pub use control::reply::{
    Banner, Code, Excerpt, Lines, MultilineEnd, NulPolicy, Reply, ReplyConfig, ReplyError,
    ReplyKind, ReplyParser,
};
pub use control::secrets::mask;
pub use endpoints::{Endpoints, SourceSelection};
pub use error::{ConnectionError, Error, ProtocolError};
pub use event::{Action, Completion, ControlEvent, DataEvent, Event, Trace, TraceDirection};
pub use gateway::{Gateway, GatewayForm};
pub use local_names::{LocalRules, NameError, NameProblem, TakenNames};
pub use op::read_dir::ReadDir;
pub use op::request::{Get, List, Put};
pub use server_copy::{CopyError, CopySide, ServerCopy};
pub use session::{Batches, TicketSupply};
pub use terms::{
    DataEndpoint, DataFailure, DataHost, DataId, Direction, Encoding, IpFamily, Phase, Protection,
    TlsSession, TransferType,
};
pub use time::Time;
pub use timestamp::Timestamp;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
