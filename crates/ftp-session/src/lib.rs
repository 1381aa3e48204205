//! One FTP or FTPS session over any transport: the engine of the drivers
//!
//! A [`Session`] has the machine of `ftp-proto`, TLS by `ftp-tls` on both connections, and all that a driver
//! does with them: it opens, secures and closes data connections in both modes, moves the control
//! connection's bytes, tries the server's addresses, ends uploads, keeps account of TLS tickets, converts
//! texts, and remembers why a connection failed. It makes no system calls, never waits and has no clock.
//!
//! What remains for a **shell** is how its system connects (a [`Transport`]), how it waits, and how bytes
//! reach the user. `ftp-blocking` is one on poll(2), `ftp-mio` another on `mio::Poll`; an event loop, an async
//! runtime or a network stack of your own makes a third.
//!
//! ```text
//! application
//!      │ requests, bytes           ▲ events
//! shell: waits for sockets() until deadline(), says ready(), lends a Transport to turn()
//!      │                           ▲
//! Session ── ftp-proto, ftp-tls over Transport::Stream
//! ```
//!
//! # The loop of a shell
//!
//! | call | what it does |
//! |---|---|
//! | [`Session::ready`] | notes what a connection is ready for |
//! | [`Session::turn`] | deadlines, connecting, TLS, commands, replies; bounded, never waits |
//! | [`Session::dial_request`], [`Session::dialed`] | connections that the shell makes itself, such as through a tunnel |
//! | [`Session::poll_event`] | news, each once |
//! | [`Session::read_data`], [`Session::write_data`] | the bytes, at the user's pace |
//! | [`Session::has_work`], [`Session::deadline`], [`Session::sockets`] | whether to wait, how long, for what |
//!
//! - **Edge-triggered** (mio, wakers): register each connection once, for reading and writing, under its
//!   [`Slot`]; tell `ready` what an event says.
//! - **Level-triggered** (poll(2), select): before each wait ask `sockets` what each is to be waited for, and
//!   tell `ready` what has come.
//! - **Without readiness** (streams that register a waker when they would block; the two queues of a
//!   [`Pipe`], whose bytes the shell carries): tell `ready` that everything is ready before each turn.
//!
//! A stream that would block is not asked again before the shell has said that it is ready.
//!
//! # Proxies
//!
//! With [`Options::proxy`] the session asks a [`proxy`] for its connections. It is made with the addresses of
//! [`Options::first_hop`], which are the proxy's then; nothing else changes for a shell.
//!
//! # Time
//!
//! Every call that needs the time is given it, as a [`Time`] since an origin that the shell
//! chooses; it may be late, and never goes back. So a shell can stop the clock while nobody listens, and tests
//! can make it run. A shell on the system's clock keeps an [`Origin`], which translates.

#![forbid(unsafe_code)]
#![warn(missing_docs, clippy::exhaustive_enums, clippy::exhaustive_structs)]

mod cancel;
mod copy;
mod crowd;
mod data;
mod entries;
mod error;
mod event;
mod failure;
#[cfg(feature = "files")]
mod files;
mod holder;
mod info;
mod learned;
mod link;
mod local_path;
mod names;
mod options;
mod pipe;
pub mod procedure;
pub mod proxy;
mod race;
mod security;
mod session;
mod socket;
#[cfg(feature = "system")]
pub mod system;
mod text;
mod time;
mod times;
mod transport;

pub use encoding_rs;
pub use ftp_proto;
pub use ftp_tls;

pub use cancel::CancelFlag;
pub use copy::{CopyError, ServerCopy};
pub use entries::Entries;
pub use error::{Error, Left, Mismatch, Removal};
pub use event::{Completion, Event};
#[cfg(feature = "files")]
pub use files::LocalFile;
pub use ftp_proto::{Config, Direction, Ends, Op, OpId, Output, Source, Time, TlsPolicy};
pub use holder::{Holder, OwnedError};
pub use info::TlsInfo;
pub use learned::TimeCommand;
pub use local_path::local_path;
pub use names::NameEncoding;
pub use options::Options;
pub use pipe::Pipe;
pub use procedure::Procedure;
pub use session::{Moved, Session};
pub use time::Origin;
pub use times::{system_time, timestamp};
pub use transport::{DialRequest, Host, Interest, Lent, Slot, Transport, Trigger};
