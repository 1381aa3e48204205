//! FTP and FTPS servers on loopback that fail where a test tells them to
//!
//! Use them to test programs that use FTP, with any client in any language. A server runs in threads of the test's
//! process and listens on a port of 127.0.0.1. There are two kinds:
//!
//! | server | the test specifies | use it to test |
//! |---|---|---|
//! | [`Server`] | the files, and which commands fail in which way | how your program handles faults |
//! | [`ScriptedServer`] | each expected command, and its reply | which commands are sent, or behaviour that no real server has |
//!
//! # A server with files
//!
//! This server breaks off the first download after 4,711 bytes, and still reports success. Later downloads are
//! complete. The client detects the loss because the preliminary reply contains the size.
//!
//! ```
//! use ftp_blocking::{Client, Config, TlsPolicy};
//! use ftp_test::{Action, Command, Server};
//!
//! let server = Server::with_files([("pub/big.iso", vec![7; 100_000])]);
//! server.on_command(|Command { verb, in_all, .. }| match verb {
//!     "RETR" if in_all == 1 => Action::serve()
//!         .preliminary_reply("150 Opening BINARY mode data connection (100000 bytes).")
//!         .break_at(4_711)
//!         .final_reply("226 Transfer complete."),
//!     _ => Action::serve(),
//! });
//!
//! let mut ftp = Client::connect(server.address(), Config::new(TlsPolicy::Plaintext))?;
//! ftp.login("anybody", "any password")?;
//! let mut bytes = Vec::new();
//! let error = ftp.download_to("pub/big.iso", &mut bytes).unwrap_err();
//! assert!(error.is_transient(), "{error}");
//! assert_eq!(bytes.len(), 4_711);
//!
//! ftp.download_to("pub/big.iso", &mut bytes)?;
//! ftp.quit()?;
//! assert_eq!(server.count("RETR"), 2);
//! # Ok::<(), ftp_blocking::Error>(())
//! ```
//!
//! | fault | the rule returns |
//! |---|---|
//! | a transfer ends early, with 426; with another reply; with none | [`serve`](Action::serve)`().`[`break_at`](Action::break_at)`(4_711)`; `.`[`final_reply`](Action::final_reply)`("226 …")`; `.`[`then_close`](Action::then_close)`()` |
//! | a transfer is reset; is slow, or stalls | `serve().break_at(n).`[`reset`](Action::reset)`()`; `serve().`[`slow_from`](Action::slow_from)`(n, pause)` |
//! | REST is ignored; other bytes are sent | `serve().`[`from_start`](Action::from_start)`()`; `serve().`[`data`](Action::data)`(bytes)` |
//! | the preliminary reply is unusual, or contains a size | `serve().`[`preliminary_reply`](Action::preliminary_reply)`("150 …")` |
//! | the final reply is late; any reply is late | `serve().`[`pause`](Action::pause)`(time)`; call `std::thread::sleep` in the rule |
//! | a command is refused; a size is wrong; the greeting is unusual | [`reply`](Action::reply)`("550 …")`; `reply("213 99")`; `reply("220 …")` to `GREETING` |
//! | no reply is sent; the session ends | [`ignore`](Action::ignore)`()`; [`close`](Action::close)`()` or `reply("421 …")` |
//! | too many sessions are open | none: call [`Server::limit_sessions`] |
//!
//! [`Server::commands`] returns the commands received so far, and [`Server::files`] the current files. A client's
//! mistakes are refused with 425, 500, 501, 502, 503, 530, 536, 550 or 554. If a test fails, print [`Server::transcript`].
//!
//! # A scripted server
//!
//! The script is a closure. It panics with a transcript if the client does anything else, and
//! [`join`](scripted::Server::join) resumes the panic in the test.
//!
//! ```
//! use std::io::Write;
//! # use ftp_blocking::{Client, Config, TlsPolicy};
//! use ftp_test::{ScriptedServer, accept};
//!
//! let server = ScriptedServer::start(|peer| {
//!     peer.welcome(); // 220, USER u, PASS p
//!     peer.exchange("TYPE I", "200 binary");
//!     let listener = peer.epsv();
//!     let mut data = accept(&listener);
//!     peer.exchange("RETR big.iso", "150 here it comes (100000 bytes)");
//!     data.write_all(&[7; 4_711]).unwrap();
//!     drop(data);
//!     peer.reply("226 transfer complete");
//!     peer.serve_quit(); // QUIT, 221
//! });
//! # let mut ftp = Client::connect(server.address(), Config::new(TlsPolicy::Plaintext))?;
//! # ftp.login("u", "p")?;
//! # ftp.download_to("big.iso", &mut Vec::new()).unwrap_err();
//! # ftp.quit()?;
//! server.join();
//! # Ok::<(), ftp_blocking::Error>(())
//! ```
//!
//! # Time limits
//!
//! The servers do not wait forever for a client. Each read, each write and each wait for a data connection, and in a
//! script for the control connection, is limited to [`PATIENCE`]. Other waits are the test's own: pauses that a rule
//! asks for, and the time that it sets with [`Server::set_idle_timeout`]. A client that keeps sending bytes renews the
//! limit.
//!
//! After a timeout a script panics. A server with files replies 425 if no data connection was opened, 426 if the client
//! stopped sending or reading data (both leave the session open), and 421 if no command was sent, which ends the
//! session.
//!
//! Set timeouts in your client as well: a server that sends no reply is one of the faults.
//!
//! # The manual
//!
//! The repository has a manual in `docs/manual`. Its page `testing.md` says how to test a program that uses FTP.
//! Others cover TLS, hostile servers, retries, cancelling, listings and performance. `docs/limits.md` lists what FTP
//! can't do.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod connection;
mod files;
mod rule;
mod said;
pub mod scripted;
mod server;
mod session;
mod state;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
pub mod tls;
mod transfer;
mod wire;

pub use connection::PATIENCE;
pub use files::{Files, MODIFIED};
pub use rule::{Action, Command, Limit};
pub use scripted::{accept, read_all};
pub use server::Server;
pub use state::Sessions;

/// A scripted server that listens on a loopback socket
pub type ScriptedServer = scripted::Server<std::net::TcpStream>;

/// Includes the README, so that its example is tested
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
