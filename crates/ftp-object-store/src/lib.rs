//! FTP and FTPS servers as an [`object_store`], for DataFusion and everything else that reads one
//!
//! ```no_run
//! use ftp_object_store::FtpStore;
//! use object_store::path::Path;
//! use object_store::{ObjectStore, ObjectStoreExt};
//! # use ftp_object_store::object_store;
//!
//! # async fn f() -> object_store::Result<()> {
//! let store = FtpStore::builder()
//!     .url("ftpes://ftp.example.org/pub")
//!     .login("user", "password")
//!     .build()?;
//! let table = store.get(&Path::from("2026/table.csv")).await?.bytes().await?;
//! store.put(&Path::from("copies/table.csv"), table.into()).await?;
//! # Ok(()) }
//! ```
//!
//! # One machine
//!
//! [DataFusion](https://docs.rs/datafusion) queries the files of a server once a store is registered for its URL:
//!
//! ```ignore
//! let url = Url::parse("ftpes://ftp.example.org")?;
//! let store = FtpStore::builder().url(url.as_str()).login("user", "password").build()?;
//! let context = SessionContext::new();
//! context.register_object_store(&url, Arc::new(store));
//! context.register_csv("t", "ftpes://ftp.example.org/pub/2026/", CsvReadOptions::new()).await?;
//! context.sql("SELECT station, avg(temperature) FROM t GROUP BY station").await?.show().await?;
//! ```
//!
//! Give the password to the builder, by [`login`](FtpStoreBuilder::login), [`option`](FtpStoreBuilder::option) or
//! [`from_env`](FtpStoreBuilder::from_env), and not in the URL of a table: engines write those into plans and logs. No
//! error, `Display` or `Debug` of this crate shows it.
//!
//! The store implements `object_store` 0.13, which DataFusion 55 uses. It needs a tokio runtime.
//!
//! # Many machines
//!
//! A server counts the sessions of all clients from one address, and often of one user. If several processes read one
//! server, give each its share with [`max_sessions`](FtpStoreBuilder::max_sessions).
//!
//! # Sessions
//!
//! All operations share a [`Pool`](ftp_tokio::Pool), so 100 reads in a row take one login. If the server lets in fewer
//! sessions than wanted, it refuses one, and operations wait for a session, up to
//! [`wait_timeout`](FtpStoreBuilder::wait_timeout). A wrong password is tried once, however many tasks read.
//!
//! # Reading
//!
//! | operation | commands |
//! |---|---|
//! | `head`, and the beginning of each `get` | MLST; where the server has none, SIZE and MDTM; where these refuse without saying why, the listing of the directory |
//! | `get`, up to 256 KiB | the same, RETR, on one session, before it returns |
//! | `get` of more | the same, and RETR in a task once the stream is polled, up to 1 MiB ahead of the reader |
//! | a range | REST and RETR |
//! | `get_ranges` | REST and RETR alone, one for all ranges between which less lies than passes in the time of another request ([measured](FtpStoreBuilder::coalesce)), four at a time |
//! | `list` | MLSD, or LIST, of each directory, four at a time |
//! | `list_with_delimiter` | one MLSD or LIST |
//!
//! **Complete or an error.** The end of an object is the end of its stream only after the server's final reply has
//! confirmed it and its size is what was announced. A transfer that the server ends with 426 or 451, also after all of
//! the bytes, or during which the control connection drops, is an error.
//!
//! **A range that ends before the file does** is complete when its bytes are there. Its transfer is ended in the background:
//! up to 256 KiB are read and thrown away, in case the file ends soon, then it is aborted, and the session is used again. On
//! loopback such a range, its end and the next request take 2 to 20 ms together on vsftpd, ProFTPD, Pure-FTPd and pyftpdlib. Over
//! a network the session also waits for the answers to ABOR and `REST 0`. What the server has sent by then, which fills the
//! socket buffers of both systems, is lost. So read ranges that are close to each other as one.
//!
//! **Going on.** A read whose connection breaks goes on after the last byte, [once](FtpStoreBuilder::resumptions). It does so
//! only if size and time of the file are what they were, the time is not younger than two seconds, and the last 4 KiB
//! before the break are the same again; if they are not, that is an error. A server that tells no times gets no second
//! attempt, and a reply that refuses or fails is no break. If a reader pauses for more than a second while others wait for a
//! session, they get its session, and the read goes on in the same way later. So engines may hold more streams open than there
//! are sessions.
//!
//! **Times** are UTC by MLST and MDTM. LIST tells minutes, of the server's clock, which is taken for UTC; an object for which
//! the server tells no time at all is of 1970. Conditions on times are checked by them.
//!
//! # Listings
//!
//! A directory's objects are kept until its listing is complete, up to 16,384 of them; beyond that they are given out while they
//! arrive. So memory does not grow with the number of files, and those who delete what they list need one session only.
//!
//! Objects are files, and links to files. Directories without a file are none; they are made where a write needs them, and never
//! removed. A line that is not understood, a name that leads elsewhere, a directory that may not be read, and more than 64
//! directories in each other are errors, since objects would be missing. What is left out is counted in
//! [`FtpStore::skipped`], and with the feature `tracing` told in a warning: links to directories where the server shows them
//! as links, links that lead upwards or to nothing, devices and the like, and names without a path.
//!
//! Names are those of the server; `Path` is not decoded. Bytes that are not UTF-8, and control characters, which a `Path` can't
//! hold, are written `%XX` in it. A name without a path is one in which such an escape stands literally, `%E9` for instance.
//! Whether names that begin with a dot are listed is the server's choice; vsftpd leaves them out, and so does LIST of most servers.
//!
//! # Writing
//!
//! | operation | commands |
//! |---|---|
//! | `put` | STOR under a name of this crate's in the same directory (`.ftp-store-` and 16 digits, never listed as an object), SIZE, RNFR, RNTO |
//! | `put_multipart` | the same, with all parts in order through one STOR; parts that wait for earlier ones are held in memory |
//! | `delete_stream` | DELE, on as many sessions as there are |
//! | `rename` | RNFR and RNTO |
//! | `copy` | SITE CPFR and CPTO where FEAT has `SITE COPY`, else through this side; more than 8 MiB need two sessions |
//!
//! Directories that are missing are made. A write that fails, or is never completed, deletes its file in the background. If the
//! process dies, the file stays there.
//!
//! # What FTP can't promise
//!
//! | | |
//! |---|---|
//! | replacing an object | is one step where RNTO replaces files, as on Unix. Other servers refuse it; there the old object is deleted before the new one is renamed, and for a moment there is none |
//! | `PutMode::Create`, `copy_if_not_exists`, `rename_if_not_exists` | `NotImplemented`, or a look before the write ([`weak_create`](FtpStoreBuilder::weak_create)), with which two writers may both succeed |
//! | `PutMode::Update` | `NotImplemented` |
//! | etags and versions | there are none: `if_match` fails, `if_none_match` never does, a version is `NotSupported` |
//! | attributes | `NotImplemented`; tags are ignored |
//! | a file that is written while it is read | is noticed by its size, at the end of the read. `get_ranges` does not ask for it |
//!
//! # Errors
//!
//! `NotFound`, `PermissionDenied`, `AlreadyExists` and `Unauthenticated` follow from the server's words or, if these don't tell,
//! from what else it says of the file. Any other error is `Generic`. The source of each is a [`StoreError`]: the action, the
//! file, the server, and the server's reply.
//!
//! # The tests of `object_store`
//!
//! `object_store::integration` runs on vsftpd 3.0.3, ProFTPD 1.3.8, Pure-FTPd 1.0.50 and pyftpdlib 2.2.0, in clear text and under TLS:
//! `put_get_delete_list`, `put_get_attributes`, `put_opts` and `copy_if_not_exists` (with `weak_create`), `stream_get`,
//! `list_uses_directories_correctly`, `list_with_delimiter`, `list_with_offset_exclusivity`, `get_nonexistent_object`,
//! `rename_and_copy`, `copy_rename_nonexistent_object`, `multipart_race_condition`, `multipart_out_of_order`. Left out are:
//!
//! | test | why |
//! |---|---|
//! | `get_opts` | it wants etags; its conditions on times are a test of our own |
//! | `put_opts(_, true)` | it wants `PutMode::Update` |
//! | `multipart` | `MultipartStore`: parts that arrive under numbers, in any order, can't go through one STOR |
//! | `list_paginated` | `PaginatedListStore`: FTP has no pages |

#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(missing_docs, clippy::exhaustive_enums, clippy::exhaustive_structs)]

mod builder;
mod change;
mod error;
mod inner;
mod list;
mod look;
mod name;
mod read;
mod store;
mod task;
mod write;

pub use ftp_tokio;
pub use object_store;

pub use builder::FtpStoreBuilder;
pub use error::StoreError;
pub use store::{FtpStore, Skipped};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
