//! rustls over any `Read + Write`, and FTP's session-resumption policy
//!
//! What the drivers of `ftp-proto` have in common when they speak TLS, and a driver of your own
//! can use as well. It knows TLS and sockets' habits, but no FTP commands; rustls 0.23 is part of
//! its interface on purpose.
//!
//! ```text
//!  TlsConfig     whom to trust, who we are                  once per program
//!      │
//!  TlsContext    the server's name, sessions in stock       once per control connection
//!      │
//!  Stream<S>     clear text or TLS over a socket            the control connection and each data connection
//! ```
//!
//! # Two connections, one session
//!
//! Many servers accept a data connection only if it resumes the TLS session of its control
//! connection, as proof that both are the same client's. So both are made from one [`TlsContext`],
//! which belongs to one control connection alone.
//!
//! A TLS 1.2 session can be resumed again and again. A TLS 1.3 ticket serves **once**: it is
//! taken out of stock by [`Stream::secure`], and new ones arrive when the server likes, usually
//! *behind* the handshake. Whoever uploads and never reads throws them away, and ProFTPD gives
//! none with uploads anyway. A server that misses the resumption refuses the data connection, and
//! with STOR the remote file may be empty by then. Hence two rules for a driver:
//!
//! * Before a transfer look what [`TlsContext::upload_permit`] says, and hand it to the machine, which
//!   starts, or first makes a listing, or leaves it.
//! * After an upload [`Stream::drain`] the data connection.
//!
//! A download or listing that is refused for want of a ticket does no harm, and brings new ones: it is
//! worth a second try. Note that a transfer that the server answers with `550` costs a ticket, too, if
//! the handshake was begun before the answer.
//!
//! # A download, an upload
//!
//! With blocking sockets; others do the same, and wait as [`Stream::wants_read`] and
//! [`Stream::wants_write`] say wherever `false` or `WouldBlock` comes back.
//!
//! ```
//! use std::io::{self, Read, Write};
//! use std::net::{Shutdown, TcpStream};
//!
//! use ftp_tls::{Role, Stream, TlsContext};
//!
//! /// After RETR has been sent
//! fn download(context: &TlsContext, socket: TcpStream, to: &mut impl Write) -> io::Result<()> {
//!     let mut data = Stream::new(socket);
//!     data.secure(context, Role::Data)?;
//!     in_time(data.handshake()?)?;
//!     // An end without the server's close_notify is an error: TlsError::Truncated.
//!     io::copy(&mut data, to)?;
//!     data.close_notify()?;
//!     Ok(()) // closes at once: some servers wait for that with their 226
//! }
//!
//! /// After `context.upload_permit()` has said `Go`, and STOR has been sent
//! fn upload(context: &TlsContext, socket: TcpStream, from: &mut impl Read) -> io::Result<()> {
//!     let mut data = Stream::new(socket);
//!     data.secure(context, Role::Data)?;
//!     in_time(data.handshake()?)?; // also for an empty file
//!     io::copy(from, &mut data)?;
//!     in_time(data.close_notify()?)?;
//!     data.get_ref().shutdown(Shutdown::Write)?;
//!     data.drain()?; // the tickets; if the server takes too long, so be it
//!     Ok(()) // whether the file has arrived is for the reply to say
//! }
//!
//! /// With a socket's timeout, "would block" means that the time is up
//! fn in_time(done: bool) -> io::Result<()> {
//!     if done { Ok(()) } else { Err(io::ErrorKind::TimedOut.into()) }
//! }
//! ```
//!
//! # Many connections on one thread
//!
//! A peer can send tickets, key updates and empty records for as long as it likes, and none of them
//! brings the caller a byte. [`Stream::set_allowance`] bounds what one stream does before it returns, so
//! that others get a turn and deadlines are looked at.
//!
//! # Taking TLS down
//!
//! CCC returns the control connection to clear text, in the middle of the byte stream. On
//! connections of [`Role::Control`] records are taken one at a time, so that nothing of the clear
//! text is lost when [`Stream::clear`] ends TLS, with servers that send close_notify and with
//! those that do not.
//!
//! # Errors
//!
//! [`TlsError`] says in words what a person can do. It travels within [`io::Error`](std::io::Error),
//! see [`TlsError::in_io`]; a truncated connection is an
//! [`UnexpectedEof`](std::io::ErrorKind::UnexpectedEof), the rest mostly
//! [`InvalidData`](std::io::ErrorKind::InvalidData). What is wrong with the configuration is a
//! [`ConfigError`], before any connection is made.
//!
//! # Features
//!
//! * `aws-lc-rs` (default), `ring`: cryptography. With both, or with a provider that the process has
//!   installed, see [`TlsConfigBuilder::crypto_provider`].
//! * `webpki-roots` (default): `Trust::WebpkiRoots`.
//! * `platform-verifier`: `Trust::Platform`.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(missing_docs)]

mod allowance;
mod config;
mod context;
mod error;
mod inbox;
mod pin;
mod store;
mod stream;
mod tls;
mod trust;
mod verify;

pub use rustls;

pub use config::{Alpn, Resumption, TlsConfig, TlsConfigBuilder, TlsVersion};
pub use context::{Inventory, Role, TlsContext, UploadPermit, server_name};
pub use error::{ConfigError, TlsError};
pub use pin::Pin;
pub use stream::Stream;
pub use trust::{Authorities, Trust};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
