//! One FTP or FTPS session over any transport: the engine of the drivers
//!
//! A [`Session`] combines the machine of `ftp-proto` with TLS by `ftp-tls` on both connections, and does what every
//! driver needs: it opens, secures and closes data connections in both modes, moves the control connection's bytes,
//! tries the server's addresses, ends uploads, counts TLS tickets, converts texts, and remembers why a connection
//! failed. It makes no system calls, never waits and has no clock.
//!
//! A **shell** does the rest: how its system connects (a [`Transport`]), how it waits, and how bytes reach the user.
//! `ftp-blocking` is a shell on poll(2), `ftp-mio` one on `mio::Poll`, `ftp-tokio` one on tokio. Write your own for
//! another event loop, async runtime or network stack.
//!
//! ```text
//! application
//!      │ requests, bytes           ▲ events
//! shell: waits for sockets() until deadline(), calls ready(), passes a Transport to turn()
//!      │                           ▲
//! Session ── ftp-proto, ftp-tls over Transport::Stream
//! ```
//!
//! # Embedding a session
//!
//! A shell is a loop. This one is for std's sockets and poll(2), and is almost all of `tests/examples/poll.rs`, a
//! whole FTPS session:
//!
//! ```no_run
//! # #[cfg(all(unix, feature = "system"))] fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Instant;
//!
//! use ftp_session::system::Sockets;
//! use ftp_session::{Config, Options, Origin, Session, TlsPolicy};
//!
//! # fn wait(_: &mut Session<std::net::TcpStream, std::net::TcpListener>, _: Option<std::time::Duration>) {}
//! let addresses = ["192.0.2.1:21".parse()?];
//! // There is no default for TLS: you must choose a policy.
//! let options = Options::new(Config::new(TlsPolicy::Explicit)).host("ftp.example.org");
//! let clock = Origin::new(Instant::now());
//! let mut session = Session::new(&addresses, options, clock.now())?;
//! session.start();
//! // Requests queue at once, and are carried out one after another. If the login fails, so does `get`, for that reason.
//! session.request().login("user", "password");
//! let get = session.request().get("pub/README");
//! let mut sockets = Sockets::default();
//! let mut file = Vec::new();
//! loop {
//!     session.turn(&mut sockets, clock.now());
//!     if let Some(result) = session.completed(get) {
//!         result?; // The file is complete: the server has said so.
//!         break;
//!     }
//!     session.read_data_into(&mut file, clock.now());
//!     let timeout = session.timeout(clock.now());
//!     wait(&mut session, timeout); // poll(2) on `session.sockets()`
//!     session.ready_all();
//! }
//! # Ok(())
//! # }
//! # #[cfg(not(all(unix, feature = "system")))] fn main() {}
//! ```
//!
//! **1. Lend connections.** A [`Transport`] connects, listens and closes; its streams are [`Read`](std::io::Read) and
//! [`Write`](std::io::Write), and return `WouldBlock` where they would wait. `system::Sockets` (feature `system`) is a
//! transport of std's sockets, [`Pipes`] is one for shells that carry the bytes themselves. The shell can also make
//! connections itself: see [`Session::dialed_by_shell`].
//!
//! **2. Take turns.** [`Session::turn`] does all that can be done without waiting, up to a bound: deadlines,
//! connecting, TLS, commands, replies. Call it whenever something may have changed; an extra call does no harm.
//!
//! **3. Wait.** Do not wait while [`Session::has_work`]. Otherwise wait for the connections that [`Session::sockets`]
//! lends, until [`Session::deadline`]; [`Session::timeout`] combines the two. Then call [`Session::ready`] with what a
//! connection is ready for. A stream that would block is not tried again until the shell says that it is ready.
//!
//! - *Level-triggered* (poll(2), select): before each wait, ask `sockets` what to wait for on each connection.
//! - *Edge-triggered* (mio, wakers): register each connection once, for reading and writing, under its [`Slot`].
//! - *Without readiness* (pipes, streams that register a waker when they would block): call [`Session::ready_all`]
//!   before each turn.
//!
//! **4. Take the events.** [`Session::poll_event`] returns each [`Event`] once. [`Event::Completed`] has the result of
//! a request, which its [`Op`] takes. If you wait for one request after another, call [`Session::completed`] instead.
//!
//! **5. Move the bytes.** [`Session::read_data`], [`Session::write_data`] and [`Session::finish_upload`] move them at
//! the user's pace; [`Session::read_data_into`] and [`Session::write_data_from`] move them between the connection and
//! memory. [`Entries`] reads a listing. Bytes are held back until you have taken the event that they belong to
//! ([`Event::DataOpen`], or step 4's `completed`), so those of one transfer do not get into another's file. A transfer
//! has succeeded only if its completion says so, not when its bytes have arrived. [`Session::advance`] is steps 2, 4 and
//! 5 in one call.
//!
//! **6. Keep the deadlines.** Each wait of a session has a deadline; call [`Session::turn`] when it has passed.
//! Readiness is handled before an expired deadline, so the server is not blamed if the shell is late.
//!
//! **Completion-based loops** (io_uring, IOCP, network stacks in user space) give the session a [`Pipe`] for each
//! connection: two queues of bytes. [`Pipes::next_operation`] says which reads and writes to start, and
//! [`Pipes::done`] takes their results. TLS is on the session's side of the pipe, so the shell carries ciphertext.
//!
//! Whole sessions (explicit TLS, login, listing, download, upload, quit); run them with `cargo run -p ftp-tests
//! --example NAME`:
//!
//! | example | the loop | lines of code |
//! |---|---|---|
//! | `tests/examples/poll.rs` | std's sockets and poll(2) | 40 |
//! | `tests/examples/polling.rs` | the same with `polling`: epoll, kqueue, IOCP | 45 |
//! | `tests/examples/smol.rs` | the same in `async` functions, on `smol` | 54 |
//! | `tests/examples/io_uring.rs` | reads and writes that complete later: pipes, on `compio` | 60 |
//! | `tests/examples/memory.rs` | a server in the same memory, simulated time: pipes | 37 |
//!
//! # Proxies
//!
//! With [`Options::proxy`] the session asks a [`proxy`] for its connections. Create it with the addresses of
//! [`Options::first_hop`], which are then the proxy's. Nothing else changes for a shell.
//!
//! # Time
//!
//! Every call that needs the time takes it as an argument, a [`Time`] since an origin that the shell chooses. It may
//! be late, and must never go back. So a shell can stop the clock while its user pauses, and tests can advance it. A
//! shell on the system's clock keeps an [`Origin`], which converts.
//!
//! # The manual
//!
//! The repository has a manual in `docs/manual`. Its page `embedding.md` says how to embed a session.
//! Others cover TLS, hostile servers, retries, cancelling, listings and performance. `docs/limits.md` lists what FTP
//! can't do.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
#![warn(missing_docs, clippy::exhaustive_enums, clippy::exhaustive_structs)]

mod address;
mod budget;
mod buffer;
mod cancel;
mod client_methods;
mod client_number;
mod copy;
mod data;
mod entries;
mod error;
mod event;
mod failure;
#[cfg(feature = "files")]
mod files;
mod holder;
mod info;
mod known;
mod learned;
mod lines;
mod link;
mod local;
mod local_path;
mod names;
mod operations;
mod options;
mod pipe;
pub mod procedure;
pub mod proxy;
mod questions;
mod race;
mod reading;
mod security;
mod servers;
mod session;
mod session_limit;
mod socket;
#[cfg(feature = "system")]
pub mod system;
mod text;
mod time;
mod times;
mod transfer_methods;
mod transport;
#[cfg(feature = "url")]
mod url;

pub use encoding_rs;
pub use ftp_proto;
pub use ftp_tls;

pub use address::{AddressError, IntoServerAddress, ServerAddress, SourceAddress};
pub use budget::{Admission, Budget, SessionEnd};
pub use buffer::Buffer;
pub use cancel::CancelFlag;
pub use copy::{CopyError, ServerCopy};
pub use entries::Entries;
pub use error::{Error, Leftover, Mismatch, Removal};
pub use event::{Completion, Event};
#[cfg(feature = "files")]
pub use files::{FileDigest, LocalFile};
pub use ftp_proto::{
    Config, Direction, Endpoints, Op, OpId, Output, SourceSelection, Time, TlsPolicy,
};
pub use holder::{Holder, Outcome, OwnedError, Usable};
pub use info::TlsInfo;
pub use learned::TimeCommand;
pub use lines::Lines;
pub use local_path::local_path;
pub use names::NameEncoding;
pub use options::Options;
pub use pipe::{Operation, Pipe, PipeId, Pipes};
pub use procedure::Procedure;
pub use reading::Reading;
pub use session::{Moved, Session};
pub use time::Origin;
pub use times::{system_time, timestamp};
pub use transport::{
    Channel, DialId, DialRequest, Host, Interest, Slot, SocketRef, Transport, Trigger,
};
#[cfg(feature = "url")]
pub use url::{FtpUrl, UrlError, UrlTarget};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
