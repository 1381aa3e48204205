//! FTP and FTPS servers on loopback that fail where a test tells them to
//!
//! They are for tests of programs that use FTP, whatever client these use, in whatever language: the servers are
//! threads of the test's process, listen on a port of 127.0.0.1, and speak FTP. There are two kinds.
//!
//! | server | the test says | take it if |
//! |---|---|---|
//! | [`Server`] | which files there are, and what goes wrong at which command | you test what your program makes of faults |
//! | [`ScriptedServer`] | every command that has to come, and its reply | you test what exactly is sent, or need what no server does |
//!
//! # A server with files
//!
//! This one ends the first download after 4,711 bytes, and says nevertheless that all went well. Then it behaves. The
//! client knows better because the server has said the size.
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
//! | what goes wrong | the rule returns |
//! |---|---|
//! | a transfer ends too early; with another reply; with none | [`serve`](Action::serve)`().`[`break_at`](Action::break_at)`(4_711)`; `.`[`final_reply`](Action::final_reply)`("226 …")`; `.`[`then_close`](Action::then_close)`()` |
//! | a transfer is reset, slow, stalls | `serve().break_at(n).`[`reset`](Action::reset)`()`, `serve().`[`slow_from`](Action::slow_from)`(n, pause)` |
//! | REST is ignored; other bytes come | `serve().`[`from_start`](Action::from_start)`()`; `serve().`[`data`](Action::data)`(bytes)` |
//! | a preliminary reply is odd, or says a size | `serve().`[`preliminary_reply`](Action::preliminary_reply)`("150 …")` |
//! | the final reply is late; any reply is | `serve().`[`pause`](Action::pause)`(time)`; call `std::thread::sleep` in the rule |
//! | a command is refused; a size is wrong; a greeting is odd | [`reply`](Action::reply)`("550 …")`; `reply("213 99")`; `reply("220 …")` to `GREETING` |
//! | there is no reply; the session ends | [`ignore`](Action::ignore)`()`; [`close`](Action::close)`()` or `reply("421 …")` |
//! | there are too many sessions | [`Server::limit_sessions`] |
//!
//! [`Server::commands`] lists what came, and [`Server::files`] holds the files as they are now. A client's mistakes are
//! answered as servers answer them, with 425, 500, 502, 503 or 530. If a test fails, print [`Server::transcript`].
//!
//! # A scripted server
//!
//! The script is a closure. It panics if the client does anything else, and [`join`](scripted::Server::join) passes the
//! panic on with everything that was said before.
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
//!     peer.farewell(); // QUIT, 221
//! });
//! # let mut ftp = Client::connect(server.address(), Config::new(TlsPolicy::Plaintext))?;
//! # ftp.login("u", "p")?;
//! # ftp.download_to("big.iso", &mut Vec::new()).unwrap_err();
//! # ftp.quit()?;
//! server.join();
//! # Ok::<(), ftp_blocking::Error>(())
//! ```
//!
//! # No test hangs
//!
//! No wait of a server is longer than [`PATIENCE`], whether the client never connects, sends nothing or reads nothing. A
//! scripted server then panics; a server with files answers 421 or 425 and ends the session. Give your client's own
//! waits an end as well.

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

/// A scripted server on a socket of loopback
pub type ScriptedServer = scripted::Server<std::net::TcpStream>;

/// The README, whose example is compiled
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
