//! Async FTP and FTPS client on tokio, whose futures can be dropped anywhere
//!
//! A [`Client`] is one session. It has methods for whole files and directories; [`Client::get`] and
//! [`Client::put`] return a [`Download`] that is [`AsyncRead`](tokio::io::AsyncRead) and an [`Upload`] that is
//! [`AsyncWrite`](tokio::io::AsyncWrite), [`Client::read_dir`] a [`Stream`](futures_core::Stream) of entries.
//!
//! ```no_run
//! use ftp_tokio::{Client, Config, TlsPolicy};
//!
//! # async fn f() -> Result<(), ftp_tokio::Error> {
//! // There is no default for TLS: you must choose a policy.
//! let mut ftp = Client::connect("ftp.example.org", Config::new(TlsPolicy::Explicit)).await?;
//! ftp.login("user", "password").await?;
//! let mut download = ftp.get("pub/README").await?;
//! tokio::io::copy(&mut download, &mut tokio::io::sink()).await?;
//! download.finish().await?;
//! ftp.quit().await?;
//! # Ok(()) }
//! ```
//!
//! An upload from a stream ends with [`Upload::finish`], or with
//! [`shutdown`](tokio::io::AsyncWriteExt::shutdown), which waits for the server to confirm the file, too:
//!
//! ```no_run
//! # use tokio::io::AsyncRead;
//! # use ftp_tokio::{Client, Error};
//! # async fn f(ftp: &mut Client, body: &mut (impl AsyncRead + Unpin)) -> Result<(), Error> {
//! let mut upload = ftp.put("incoming/report.csv").await?;
//! tokio::io::copy(body, &mut upload).await?;
//! upload.finish().await?;
//! # Ok(()) }
//! ```
//!
//! A directory, entry by entry; the last item is an error unless the listing is complete:
//!
//! ```no_run
//! # async fn f(ftp: &mut ftp_tokio::Client) -> Result<(), ftp_tokio::Error> {
//! let mut entries = ftp.read_dir("pub").await?;
//! while let Some(entry) = entries.next().await {
//!     let entry = entry?;
//!     println!("{:?} {:?} {}", entry.kind(), entry.size(), entry.display_name());
//! }
//! # Ok(()) }
//! ```
//!
//! With a time limit of your own:
//!
//! ```no_run
//! # use std::time::Duration;
//! # async fn f(ftp: &mut ftp_tokio::Client) -> Result<(), ftp_tokio::Error> {
//! tokio::select! {
//!     size = ftp.size("big.iso") => println!("{} bytes", size?),
//!     () = tokio::time::sleep(Duration::from_secs(2)) => println!("not within two seconds"),
//! }
//! ftp.noop().await?; // The session goes on.
//! # Ok(()) }
//! ```
//!
//! # What you can rely on
//!
//! - **Complete or an error.** If you read a download to its end without an error, you have the whole file: the server
//!   has confirmed it, and under TLS its end is authenticated. An upload is on the server if [`Upload::finish`]
//!   succeeds. If the outcome can't be known, the error is [`Unconfirmed`](ftp_proto::Error::Unconfirmed).
//! - **Every wait ends.** Each kind of wait has a deadline in [`Config`], and each watches both connections: a refusal
//!   on the control connection ends an upload at once, and a download once no more bytes come. Only the lookup of a
//!   host's name and a local file's disk are bounded by the system's own time limits instead, and your own writers by
//!   yours.
//! - **The session stays usable.** After an error it can be used again, unless [`Error::is_fatal`]. The same holds
//!   after anything that was dropped before its end.
//! - **One task.** A session spawns no task, has no channel, and holds no lock across an await: the few locks below it
//!   guard the state of TLS, what clones of the same options know of a server, and the steps of an operation of several
//!   requests, for a moment each. Its owner polls it, on any tokio runtime with I/O and time enabled. Only two things
//!   leave the owner's task, for tokio's threads for blocking work: the lookup of a host's name, and the local files of
//!   the feature `files`. Outside a runtime tokio itself panics. If the runtime of its sockets is shut down, calls end
//!   in an error. A client that is not polled does nothing. Its deadlines are paused between two calls, and between
//!   two reads or writes of a transfer. The deadlines of a pending future run, whether it is polled or not.
//! - **Verified.** Under TLS, certificates are checked unless you opt out in a way that can't be overlooked
//!   (`TlsConfig::builder` in [`ftp_tls`]).
//!
//! # Many tasks
//!
//! With the feature `pool`, many tasks share the sessions of a `Pool`, as many as the server accepts: see the module
//! `pool`. It settles and closes sessions in tasks that it spawns on the runtime; nothing else in this crate spawns one.
//!
//! ```no_run
//! # #[cfg(feature = "pool")]
//! # async fn f() -> Result<(), Box<dyn std::error::Error>> {
//! use ftp_tokio::{Config, Pool, Site, TlsPolicy};
//!
//! let site = Site::new("ftp.example.org", Config::new(TlsPolicy::Explicit))?.login("user", "password");
//! let pool = Pool::new();
//! let mut tasks = tokio::task::JoinSet::new();
//! for name in ["a.iso", "b.iso", "c.iso"] {
//!     let (pool, site) = (pool.clone(), site.clone());
//!     tasks.spawn(async move { pool.lease(&site).await?.download_file(name, name).await.map_err(Into::into) });
//! }
//! while let Some(done) = tasks.join_next().await {
//!     let done: Result<_, ftp_tokio::PoolError> = done?;
//!     println!("{} bytes", done?.bytes);
//! }
//! # Ok(()) }
//! ```
//!
//! # Coming from reqwest or hyper
//!
//! A [`Client`] is one connection, as hyper's `SendRequest` is, and requests borrow it one after the other. What
//! reqwest calls a client is the `Pool` here, and a `Site` says where to connect and as whom. A refusal is an
//! [`Error`], so there is no status to check; [`Error::reply`] has its code. A [`Download`] takes the place of a
//! response's body, and `tokio_util::io::ReaderStream` makes a stream of `Bytes` from it. An [`Upload`] takes the place
//! of a request's body: you write to it, and [`Upload::finish`] waits for the answer. There is no time limit for a
//! whole request, but one for each wait ([`Config`]); for more, wrap the future in `tokio::time::timeout`. A body that
//! is dropped before its end costs HTTP/1 its connection; here the next call settles the session, which goes on.
//!
//! # Dropping
//!
//! Every future, and every transfer, can be dropped at any of its awaits, as `select!` and `timeout` do. Dropping does
//! no I/O. The next call first aborts what was running, and waits for the replies that the server still has to send:
//! after a transfer at most [`Config::settle_timeout`], after any other request until that one's own deadline, mostly
//! [`Config::reply_timeout`]. If the server does not settle by then, the session is over, and the call returns why. Some
//! servers end the session themselves when TLS on a data connection is cut off: vsftpd and Pure-FTPd do so
//! during its handshake and during an upload.
//!
//! | dropped | what it means |
//! |---|---|
//! | [`connect`](Client::connect) and the like | the connection is closed |
//! | a request with one reply: [`size`](Client::size), [`delete`](Client::delete), … | if the server has received it, the server carries it out; the reply is discarded when it arrives |
//! | [`rename`](Client::rename) | as above, if RNTO was sent. If only RNFR was, the next call withdraws it with RNTO without a name, because some servers accept nothing else then. A server that takes the empty name for the working directory, instead of refusing it, may rename the file to that: it then no longer has its name |
//! | [`login`](Client::login) | as above; only the next login shows whether the session is logged in |
//! | [`secure`](Client::secure), [`protect`](Client::protect), [`clear_control`](Client::clear_control) | a change of the connection that has begun is completed within the next call |
//! | [`get`](Client::get), [`put`](Client::put), [`list`](Client::list), [`read_dir`](Client::read_dir) | the transfer is aborted; an empty file or a part of one may be on the server after `put` |
//! | [`Download`], [`Listing`], [`Entries`], which borrow the client | the transfer is aborted; the rest of a listing is read and discarded |
//! | a read or write on one of these (`read`, `write_all`, `next`) | the transfer goes on with the next read or write. As usual, `read_exact` and `write_all` do not report how many bytes were moved |
//! | [`abort`](Download::abort) of a transfer or listing | the transfer is aborted all the same; the next call waits for the rest of the replies |
//! | [`Upload`], or its [`finish`](Upload::finish) | as `put`; once `finish` has been polled, the file may also be complete |
//! | transfers that own the client ([`into_get`](Client::into_get) and the like), or a client | the session is closed at once, without QUIT |
//! | [`download_to`](Client::download_to), [`download_file`](Client::download_file) and the like | as the transfer; the writer or the local file has the bytes up to some point. A write to the local file that has begun goes on to its end; the next call with a local file waits for it |
//! | [`resume_download`](Client::resume_download), [`resume_upload`](Client::resume_upload) | as above, and can be resumed again |
//! | [`verify_file`](Client::verify_file) | nothing has changed. The server may go on to compute its hash, whose reply is discarded |
//! | [`create_dir_all`](Client::create_dir_all), [`remove_dir_all`](Client::remove_dir_all), [`set_modified`](Client::set_modified) | what was done stays done; repeating the call does the rest |
//! | [`Walk::next`] | the next call lists that directory again |
//! | [`copy_between_servers`] | a part of the file may be on the target |
//! | [`quit`](Client::quit) | the session may be over |
//! | `Pool::lease` | the place in line is given up. A session that was being opened is closed; one that was being checked returns to the pool |
//! | `Pool::run` | as `Pool::lease`, or as the operation that it runs, whose session returns to the pool; it is not repeated |
//!
//! Paths and names are bytes, because servers differ in charset. `"text"` and `b"bytes"` both work, and
//! [`NameEncoding`] translates for servers that do not speak UTF-8. A server can send any name: [`local_path`] joins it
//! to a local directory, or refuses it.
//!
//! # The manual
//!
//! The repository has a manual in `docs/manual`. Its page `drivers.md` says which driver to choose.
//! Others cover TLS, hostile servers, retries, cancelling, listings and performance. `docs/limits.md` lists what FTP
//! can't do.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(missing_docs, clippy::exhaustive_enums, clippy::exhaustive_structs)]

mod client;
mod copy;
mod dial;
#[cfg(feature = "files")]
mod files;
mod io;
mod listing;
#[cfg_attr(not(feature = "files"), path = "no_files.rs")]
mod local;
mod methods;
#[cfg(feature = "pool")]
pub mod pool;
mod procedure;
#[cfg(test)]
mod send;
mod session;
mod streams;
mod transfer;

pub use ftp_proto;
#[cfg(feature = "url")]
pub use ftp_session::{FtpUrl, UrlError, UrlTarget};
pub use ftp_session::{encoding_rs, proxy};
pub use ftp_tls;

pub use client::{Client, OwnedError};
pub use copy::copy_between_servers;
pub use dial::Target;
pub use ftp_proto::listing::{EntryKind, OwnedEntry, StatListing, UtcOffset};
pub use ftp_proto::{
    Config, ConnectionError, CopySide, DataMode, Endpoints, Features, Get, List, LocalRules,
    NameError, NameProblem, PassiveHost, PassiveOrder, Prefetch, Protection, Put, ReadDir, Reply,
    SizeAndTime, TakenNames, Timestamp, TlsPolicy, Trace, TraceDirection, Transfer, TransferType,
    Truncation,
};
pub use ftp_session::procedure::{
    Descent, RemoveOptions, ResumeOptions, Verification, WalkEntry, WalkError, WalkOptions,
};
pub use ftp_session::{
    AddressError, Channel, CopyError, Error, Holder, Host, IntoServerAddress, Leftover, Mismatch,
    NameEncoding, Options, Removal, ServerAddress, SourceAddress, TimeCommand, TlsInfo, local_path,
    system_time, timestamp,
};
pub use io::Connection;
pub use listing::{Entries, Listing};
pub use methods::Walk;
#[cfg(feature = "pool")]
pub use pool::{Lease, Pool, PoolError, Site};
pub use streams::CopyOptions;
pub use transfer::{Download, Upload};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
