//! Blocking FTP and FTPS client on std sockets
//!
//! A [`Client`] is one session on one thread. It has methods for whole files and directories;
//! [`Client::get`] and [`Client::put`] return a [`Download`] to read from and an [`Upload`] to write to.
//!
//! ```no_run
//! use ftp_blocking::{Client, Config, TlsPolicy};
//!
//! // There is no default for TLS: you must choose a policy.
//! let mut client = Client::connect("ftp.example.org", Config::new(TlsPolicy::Explicit))?;
//! client.login("user", "password")?;
//! let mut download = client.get("pub/README")?;
//! std::io::copy(&mut download, &mut std::io::stdout())?;
//! download.finish()?;
//! client.quit()?;
//! # Ok::<(), ftp_blocking::Error>(())
//! ```
//!
//! # What you can rely on
//!
//! - **Complete or an error.** If you read a download to its end without an error, you have the whole file: the server
//!   has confirmed it, and under TLS its end is authenticated. An upload is on the server if [`Upload::finish`]
//!   succeeds. If the outcome can't be known, the error is [`Unconfirmed`](ftp_proto::Error::Unconfirmed), and
//!   [`Client::verify_file`] finds out on a new connection.
//! - **Nothing is appended unseen.** [`Client::resume_download`] and [`Client::resume_upload`] compare the last 64 KiB
//!   of the existing bytes before they append. Two versions of a file that differ only before these would be joined:
//!   [`ResumeOptions::verify`] also compares the whole files at the end, by the server's hash if it computes any.
//! - **Every wait ends.** Each kind of wait has a deadline in [`Config`], and each watches both connections: a refusal
//!   on the control connection ends an upload at once, and a download once no more bytes come. A [`Canceller`] ends any
//!   wait from another thread.
//! - **The session stays usable.** After an error it can be used again, unless [`Error::is_fatal`]. The same holds
//!   after a transfer that was aborted or dropped.
//! - **Verified.** Under TLS, certificates are checked unless you opt out in a way that can't be overlooked
//!   (`TlsConfig::builder` in [`ftp_tls`]).
//!
//! Paths and names are bytes, because servers differ in charset. `"text"` and `b"bytes"` both work, and
//! [`NameEncoding`] translates for servers that do not speak UTF-8. A server can send any name:
//! [`local_path`] joins it to a local directory, or refuses it.
//!
//! # The manual
//!
//! The repository has a manual in `docs/manual`. Its page `drivers.md` says which driver to choose.
//! Others cover TLS, hostile servers, retries, cancelling, listings and performance. `docs/limits.md` lists what FTP
//! can't do.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(missing_docs, clippy::exhaustive_enums, clippy::exhaustive_structs)]

mod canceller;
mod client;
mod clock;
mod copy;
mod dial;
mod holder;
mod listing;
mod methods;
mod options;
mod procedure;
mod session;
mod streams;
mod transfer;
mod trees;
mod wait;

pub use ftp_proto;
#[cfg(feature = "url")]
pub use ftp_session::{FtpUrl, UrlError, UrlTarget};
pub use ftp_session::{encoding_rs, proxy};
pub use ftp_tls;

pub use canceller::Canceller;
pub use client::Client;
pub use copy::copy_between_servers;
pub use dial::{Dialer, Target};
pub use ftp_proto::listing::{EntryKind, OwnedEntry, StatListing, UtcOffset};
pub use ftp_proto::{
    Config, ConnectionError, CopySide, DataMode, Features, Get, List, LocalRules, NameError,
    NameProblem, PassiveHost, PassiveOrder, Prefetch, Protection, Put, ReadDir, Reply, SizeAndTime,
    TakenNames, Timestamp, TlsPolicy, Trace, TraceDirection, Transfer, TransferType, Truncation,
};
pub use ftp_session::procedure::{
    Descent, RemoveOptions, Verification, WalkEntry, WalkError, WalkOptions,
};
pub use ftp_session::{
    AddressError, Channel, CopyError, Error, Holder, Host, IntoServerAddress, Leftover, Mismatch,
    NameEncoding, Removal, ServerAddress, SourceAddress, TimeCommand, TlsInfo, local_path,
    system_time, timestamp,
};
pub use holder::{Borrowed, OwnedError};
pub use listing::{Entries, EntriesWith, Listing, ListingWith, OwnedEntries, OwnedListing};
pub use methods::Walk;
pub use options::Options;
pub use procedure::ResumeOptions;
pub use streams::CopyOptions;
pub use transfer::{Download, DownloadWith, OwnedDownload, OwnedUpload, Upload, UploadWith};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
