//! rustls over any `Read + Write`, and FTP's session-resumption policy
//!
//! This is the TLS part of a driver of `ftp-proto`, for the drivers of this family and your own. It knows TLS and how
//! sockets behave, but no FTP commands. rustls 0.23 is part of its public interface on purpose.
//!
//! ```text
//!  TlsConfig     whom to trust, our own certificate         once per program
//!      │
//!  TlsContext    the server's name, sessions to resume      once per control connection
//!      │
//!  Stream<S>     clear text or TLS over a socket            the control connection and each data connection
//! ```
//!
//! # Two connections, one session
//!
//! Many servers accept a data connection only if it resumes the TLS session of its control connection, as proof that
//! both belong to the same client. So both are created from one [`TlsContext`], which belongs to only one control
//! connection.
//!
//! A TLS 1.2 session can be resumed any number of times. A TLS 1.3 ticket can be used **once**: [`Stream::secure`]
//! uses it, and new ones arrive when the server decides, usually *after* the handshake. A client that uploads and
//! never reads loses them, and ProFTPD sends none with uploads anyway. If a server requires resumption and does not
//! get it, it refuses the data connection, and with STOR the remote file may already be empty. So a driver follows
//! two rules:
//!
//! * Before a transfer, call [`TlsContext::ticket_supply`] and pass the answer to the client of `ftp-proto`
//!   (`Client::set_ticket_supply`, whose type has the same five variants). It starts the upload, or makes a listing
//!   first, or fails it.
//! * After an upload, [`Stream::drain`] the data connection.
//!
//! A download or listing that is refused for lack of a ticket does no harm and brings new tickets, so it is
//! worth a second attempt. A transfer that the server answers with `550` also uses a ticket, if the handshake
//! began before the answer.
//!
//! # A download, an upload
//!
//! This example uses blocking sockets. With others, do the same, but whenever a method returns `false` or
//! `WouldBlock`, wait as [`Stream::wants_read`] and [`Stream::wants_write`] say.
//!
//! ```
//! use std::io::{self, Read, Write};
//! use std::net::{Shutdown, TcpStream};
//!
//! use ftp_tls::{Role, Stream, TlsContext};
//!
//! /// Call it after RETR has been sent
//! fn download(context: &TlsContext, socket: TcpStream, to: &mut impl Write) -> io::Result<()> {
//!     let mut data = Stream::new(socket);
//!     data.secure(context, Role::Data)?;
//!     in_time(data.handshake()?)?;
//!     // An end without the server's close_notify is an error: TlsError::Truncated.
//!     io::copy(&mut data, to)?;
//!     data.close_notify()?;
//!     Ok(()) // closes at once: some servers send their 226 only after that
//! }
//!
//! /// Call it after `context.ticket_supply().permits_upload()`, and after STOR has been sent
//! fn upload(context: &TlsContext, socket: TcpStream, from: &mut impl Read) -> io::Result<()> {
//!     let mut data = Stream::new(socket);
//!     data.secure(context, Role::Data)?;
//!     in_time(data.handshake()?)?; // also for an empty file
//!     io::copy(from, &mut data)?;
//!     in_time(data.close_notify()?)?;
//!     data.get_ref().shutdown(Shutdown::Write)?;
//!     data.drain()?; // reads the tickets; a server that takes too long is no error
//!     Ok(()) // the reply on the control connection says whether the file has arrived
//! }
//!
//! /// With a socket's timeout, "would block" means that the timeout has passed
//! fn in_time(done: bool) -> io::Result<()> {
//!     if done { Ok(()) } else { Err(io::ErrorKind::TimedOut.into()) }
//! }
//! ```
//!
//! # Many connections on one thread
//!
//! A peer can send tickets, key updates and empty records for as long as it likes, without a single byte for
//! the caller. [`Stream::set_allowance`] limits what one stream does before it returns, so that other streams
//! get a turn and deadlines are kept.
//!
//! # Ending TLS
//!
//! CCC returns the control connection to clear text, in the middle of the byte stream. On connections of
//! [`Role::Control`], records are read one at a time, so that no clear text is lost when [`Stream::clear`] ends
//! TLS, whether or not the server sends close_notify.
//!
//! # Errors
//!
//! [`TlsError`] says what went wrong and what the user can do about it. It is inside an [`io::Error`](std::io::Error),
//! where [`TlsError::in_io`] finds it. For a truncated connection, the kind of the `io::Error` is
//! [`UnexpectedEof`](std::io::ErrorKind::UnexpectedEof), for most others
//! [`InvalidData`](std::io::ErrorKind::InvalidData). A mistake in the configuration is a [`ConfigError`], before any
//! connection is made.
//!
//! # Features
//!
//! * `aws-lc-rs` (default), `ring`: the cryptography. If both are enabled, or the process has
//!   installed a provider, see [`TlsConfigBuilder::crypto_provider`].
//! * `webpki-roots` (default): `Trust::WebpkiRoots`.
//! * `platform-verifier`: `Trust::Platform`.
//!
//! # The manual
//!
//! The repository has a manual in `docs/manual`. Its page `tls.md` says policies, trust, pins and session resumption.
//! Others cover TLS, hostile servers, retries, cancelling, listings and performance. `docs/limits.md` lists what FTP
//! can't do.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(missing_docs)]

mod allowance;
mod config;
mod config_error;
mod context;
mod error;
mod inbox;
mod pin;
mod store;
mod stream;
mod tickets;
mod tls;
mod trust;
mod verify;

pub use rustls;

pub use config::{Alpn, Resumption, TlsConfig, TlsConfigBuilder, TlsVersion};
pub use config_error::ConfigError;
pub use context::{Role, TlsContext, server_name};
pub use error::TlsError;
pub use pin::Pin;
pub use stream::Stream;
pub use tickets::{TicketSupply, TlsStats};
pub use trust::{Authorities, Trust};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
