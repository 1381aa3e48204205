//! FTP and FTPS client on mio: non-blocking, any number of sessions on a thread
//!
//! A [`Session`] is one control connection with its data connections, on the application's own
//! [`mio::Poll`]. Requests are queued and return at once, results come as [`Event`]s, and the bytes of
//! transfers go directly between the socket and the caller's buffer.
//!
//! ```no_run
//! use std::time::Instant;
//!
//! use ftp_mio::mio::{Events, Poll, Token};
//! use ftp_mio::{Config, Event, Moved, Options, Session, TlsPolicy};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (addresses, mut file) = (["192.0.2.1:21".parse()?], Vec::new());
//! let mut poll = Poll::new()?;
//! let mut events = Events::with_capacity(64);
//! // There is no default for TLS: you must choose a policy.
//! let options = Options::new(Config::new(TlsPolicy::Explicit)).host("ftp.example.org");
//! let mut ftp = Session::connect(poll.registry(), Token(0), &addresses, options)?;
//! ftp.login("user", "password"); // if it fails, so does `get`, for that reason
//! let get = ftp.get("pub/README");
//! let mut buffer = vec![0; 64 * 1024];
//! loop {
//!     poll.poll(&mut events, ftp.timeout(Instant::now()))?;
//!     for event in &events {
//!         ftp.handle_event(event); // false: it is for another socket of the application's
//!     }
//!     ftp.turn(poll.registry(), Instant::now());
//!     while let Some(event) = ftp.poll_event() {
//!         match event {
//!             Event::Completed(mut done) => {
//!                 if let Some(result) = done.take(get) {
//!                     result?; // the file is complete: the server has said so
//!                     return Ok(());
//!                 }
//!             }
//!             Event::Closed(error) => return Err(error.into()),
//!             _ => {}
//!         }
//!     }
//!     while let Moved::Bytes(count) = ftp.read_data(&mut buffer) {
//!         file.extend_from_slice(&buffer[..count]);
//!     }
//! }
//! # }
//! ```
//!
//! [`manager`] runs any number of sessions with one queue and one clock. A session is created with addresses;
//! [`resolve`] looks a name up without blocking the loop. With a proxy ([`Options::proxy`]) the addresses are those of
//! [`Options::first_hop`].
//!
//! # The turn
//!
//! | call | what it does |
//! |---|---|
//! | [`Session::handle_event`] | notes that a socket is ready; no system call |
//! | [`Session::turn`] | deadlines, connecting, TLS, commands, replies; bounded, never waits |
//! | [`Session::poll_event`] | events, each once |
//! | [`Session::read_data`], [`Session::write_data`] | moves the bytes, at the caller's pace |
//! | [`Session::timeout`] | how long the next wait may be: zero while there [is work](Session::has_work), otherwise until the [deadline](Session::deadline) |
//!
//! # What you can rely on
//!
//! - **Nothing blocks.** Connecting, accepting, TLS handshakes, CCC, QUIT and the settling of
//!   aborted transfers are steps of the turn.
//! - **Readiness is not lost.** A socket counts as ready until it would block, and so does plaintext that is buffered
//!   inside TLS. If you stop reading and continue later, nothing is lost.
//! - **No session starves.** A turn, and the data moved between two turns, have a
//!   [bound](Options::allowance). The next turn does the rest, without waiting.
//! - **Every wait ends.** Each has a deadline in [`Config`].
//! - **Bytes get into one file only.** A transfer's bytes are held back until you have taken its [`Event::DataOpen`],
//!   and with it the completion of the transfer before.
//! - **Complete or an error.** A transfer has succeeded only if its completion says so.
//!
//! Sockets are registered once, edge-triggered, for reading and writing. A session takes
//! [`Session::TOKENS`] tokens; the application may use all others as it likes.
//!
//! # The manual
//!
//! The repository has a manual in `docs/manual`. Its page `drivers.md` says which driver to choose.
//! Others cover TLS, hostile servers, retries, cancelling, listings and performance. `docs/limits.md` lists what FTP
//! can't do.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(missing_docs, clippy::exhaustive_enums, clippy::exhaustive_structs)]

mod copy;
mod entries;
pub mod manager;
mod net;
mod requests;
pub mod resolve;
mod session;
mod transfer;

pub use ftp_proto;
#[cfg(feature = "url")]
pub use ftp_session::{FtpUrl, UrlError, UrlTarget};
pub use ftp_session::{encoding_rs, proxy};
pub use ftp_tls;
pub use mio;

pub use copy::ServerCopy;
pub use entries::Entries;
pub use ftp_proto::listing::{EntryKind, OwnedEntry, UtcOffset};
pub use ftp_proto::{
    Config, ConnectionError, CopySide, DataMode, Direction, Features, Get, List, Op, OpId, Output,
    PassiveHost, PassiveOrder, Prefetch, Protection, Put, ReadDir, Reply, SizeAndTime, Timestamp,
    TlsPolicy, Trace, Transfer, TransferType, Truncation,
};
#[cfg(feature = "files")]
pub use ftp_session::LocalFile;
pub use ftp_session::procedure::{self, Procedure};
pub use ftp_session::{
    AddressError, Completion, CopyError, Error, Event, IntoServerAddress, Moved, NameEncoding,
    Options, ServerAddress, SourceAddress, TlsInfo,
};
pub use session::Session;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
