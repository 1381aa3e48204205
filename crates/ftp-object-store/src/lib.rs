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
//! [`from_env`](FtpStoreBuilder::from_env), and not in the URL of a table: engines write those URLs into plans and
//! logs. No error, `Display` or `Debug` of this crate shows the password, even if the server repeats it in its reply to
//! the login. In later replies it is not looked for.
//!
//! The store implements `object_store` 0.13, which DataFusion 55 uses. It needs a tokio runtime with I/O and time
//! (`enable_all`).
//!
//! # Many machines
//!
//! A server counts the sessions of all clients from one address, and often of one user. If several processes read one
//! server, give each its share with [`max_sessions`](FtpStoreBuilder::max_sessions).
//!
//! # Sessions
//!
//! All operations share a [`Pool`](ftp_tokio::Pool), so 100 reads in a row take one login. If the server accepts fewer
//! sessions than wanted, it refuses one, and operations wait for a session, up to
//! [`wait_timeout`](FtpStoreBuilder::wait_timeout). A wrong password is tried only once, however many tasks read.
//!
//! # Waits
//!
//! A command, a transfer without bytes, and the wait for a final reply have the deadlines of
//! [`Config`](ftp_tokio::Config), and the wait for a session that of [`wait_timeout`](FtpStoreBuilder::wait_timeout). A
//! server that sends single bytes at long intervals can keep a read or a listing waiting for longer. To limit that,
//! drop the future or the stream, for example with `tokio::time::timeout`: the pool then aborts the transfer.
//!
//! # Reading
//!
//! | operation | commands |
//! |---|---|
//! | `head`, and the beginning of each `get` | MLST; if the server does not support it, SIZE and MDTM; if these are refused without a reason, the listing of the directory |
//! | `get`, up to 256 KiB | the same, then RETR on the same session, before it returns |
//! | `get` of more | the same, then RETR in a task once the stream is polled, up to 1 MiB ahead of the reader |
//! | a range | REST and RETR |
//! | `get_ranges` | the size, as for `head`, because some servers take a position after the end for the beginning of the file; then REST and RETR, four at a time; after more than one RETR, size and time again; ranges are fetched as one if fewer bytes lie between them than arrive in the time of another request ([measured](FtpStoreBuilder::coalesce)) |
//! | `list` | MLSD, or LIST, of each directory, four at a time |
//! | `list_with_delimiter` | one MLSD or LIST |
//!
//! **Complete or an error.** The stream of an object ends only after the server's final reply has confirmed the
//! transfer, and if the size is the announced one. A range is complete if it contains every byte of it that exists
//! according to the size that the server reports. If the server ends a transfer with 426 or 451, even after all of
//! the bytes, or if the control connection drops during it, that is an error.
//!
//! **A range that ends before the file does** is complete when its bytes have arrived. Its transfer is ended in the
//! background: up to 256 KiB are read and discarded, in case the file ends soon; then the transfer is aborted, and the
//! session is reused. On loopback such a range, its end and the next request take 2 to 20 ms together on vsftpd,
//! ProFTPD, Pure-FTPd and pyftpdlib. Over a network the session also waits for the replies to ABOR and `REST 0`. The
//! bytes that the server has sent by then, enough to fill the socket buffers of both systems, are wasted. So read
//! ranges that are close to each other as one.
//!
//! **Continuing.** If the connection of a read breaks, the read continues after the last byte,
//! [once](FtpStoreBuilder::resumptions). It does so only if the file's size and time are unchanged, the time is at
//! least two seconds old by this machine's clock, and the last 4 KiB before the break are the same again; otherwise it
//! fails. A server that tells no times gets no second attempt, and a reply that refuses or reports a failure does not
//! count as a broken connection. If a reader pauses for more than a second while others wait for a session, they get
//! its session, and the read continues later in the same way. So engines may hold more streams of reads open than there
//! are sessions. A range of `get_ranges` starts again instead of continuing, under the same conditions. A read keeps
//! its session if it could not continue: if the server tells no times; if the file was written within the last two
//! seconds, or later by this machine's clock, which may be behind the server's; or if the server does not resume
//! transfers, that is, if FEAT does not list REST and no range has been read, or if it has refused or ignored REST in
//! an earlier read. Right after a write, open no more streams than there are sessions. Uploads keep theirs: see
//! [Writing](crate#writing).
//!
//! **Times** are UTC with MLST and MDTM. LIST has the server's local time, to the minute, which is taken for UTC; an
//! object for which the server reports no time at all is dated 1970. Conditions on times are checked against these
//! times.
//!
//! # Listings
//!
//! A directory's objects are kept until its listing is complete, up to 16,384 of them; beyond that they are returned as
//! they arrive. So memory does not grow with the number of files. But if none is taken for a second while a task waits
//! for a session, the rest of the directory is kept in memory as well: that task may be the one that should take the
//! objects. So a caller who deletes what it lists needs only one session.
//!
//! Objects are files, and links to files. Directories are not objects; they are made when a write needs them, and
//! never removed; a link to one can be [deleted](crate#what-ftp-cant-promise). A line that is not recognized, a name
//! with a slash, a directory that may not be read, and more than 64 nested directories, which `put` can make, are
//! errors, because objects would be missing. Pure-FTPd answers each refused CWD of a session a tenth of a second later
//! than the one before, so to list many prefixes that do not exist takes long there. A directory that is deleted after
//! its parent was listed is left out, and so are entries named `.` or `..`. If the last line has no line ending, the
//! listing may have been cut off: it is an error unless the server confirms that entry and its size. In MLSD, if other
//! lines have an ending, it always is one. Of several entries with one name, such as the versions on OpenVMS, the
//! first counts, in directories of up to 16,384 objects. Entries that are skipped are counted in
//! [`FtpStore::skipped`], and reported in a warning with the feature `tracing`: links to directories if the server
//! shows them as links, links that lead upwards or to nothing, devices and the like, and names without a path.
//!
//! Names are those of the server; `Path` is not decoded. Bytes that are not UTF-8, and control characters, can't be
//! part of a `Path`, so they are written `%XX`. A name that contains such an escape literally, `%E9` for instance, has
//! no path. The server decides whether names that begin with a dot are listed; vsftpd leaves them out, and so does
//! LIST of most servers.
//!
//! # Writing
//!
//! | operation | commands |
//! |---|---|
//! | `put` | STOR under a temporary name in the same directory (`.ftp-store-`, 16 digits and `.tmp`, never listed as an object), SIZE, RNFR, RNTO |
//! | `put_multipart` | the same, with all parts in order through one STOR; parts that wait for earlier ones are held in memory |
//! | `delete_stream` | DELE, on as many sessions as there are |
//! | `rename` | RNFR and RNTO |
//! | `copy` | the same as `get` and `put`, through this machine; with [`server_copies`](FtpStoreBuilder::server_copies) SITE CPFR and CPTO if FEAT has `SITE COPY`, and the paths have no blanks, control characters or quotes |
//!
//! **Sessions.** A multipart upload keeps its session from its first part until it is completed or dropped. So if more
//! uploads are open than there are sessions, and their parts are written in turn, the others fail after
//! [`wait_timeout`](FtpStoreBuilder::wait_timeout), and so does everything else that needs a session. Set
//! [`max_sessions`](FtpStoreBuilder::max_sessions) above the number of uploads that are open at once. A copy of more than
//! 8 MiB through this machine reads on one session while it writes on another. Such copies of one store run one after
//! the other, because several could each hold one session and wait for a second. If the settings or the server allow
//! only one session, such a copy fails at once. Copies of several stores that share a pool may still wait for each other.
//!
//! Missing directories are made. A write that fails, or is never completed, deletes its file in the background. If the
//! process dies, the file stays on the server.
//!
//! The user needs the right to store, rename and delete files whose names begin with a dot. If the server refuses such
//! a name, the error contains it. If the server refuses to delete a file of the store's own, after the object is in its
//! place, the write succeeds nevertheless, because the object is complete. The file stays on the server: with RNTO
//! that does not replace, that is one old version for each write. The store tries again for some seconds, and then
//! reports the file in a warning with the feature `tracing`.
//!
//! **Replacing.** On most servers RNTO replaces an existing file, in one step. Others refuse that with 550 or 553,
//! mostly on Windows. After such a refusal, if both files exist, the store finds out once, with two empty files of its
//! own, whether the server replaces files. If it does, the refusal is the result. If not, the old object is renamed to
//! a name of the store's own (`.ftp-store-`, 16 digits and `.old`, never listed either), the new one takes its place,
//! and the old one is deleted, in a task that a dropped future does not end. For a moment there is no object. If the
//! new one can't take its place, the old one returns. **No object is deleted before another one has taken its place.**
//! If the connection breaks in between, the task looks for the files on a new session, and continues from there. It
//! makes up to six attempts; the pauses between them add up to 18.5 s. If all of them fail, or if the process dies,
//! look for the old object at a name that ends in `.old`, and for the new one at a name that ends in `.tmp`; the error
//! names both. The same error is returned if the server does not reveal which of the files exist. A `rename` counts as
//! done if its source is gone, and the file in the place of the old object has the source's size and time.
//!
//! **Names.** Some servers store a file under a name other than the requested one: with `_`
//! for a blank or a control character, for instance. That could replace another object. So before the first object
//! whose name has control characters, bytes that are not UTF-8, `\`, `:`, a blank at one of its ends or a dot at its
//! end, an empty file with a similar name is stored, looked up in the listing, and deleted. If its name was changed,
//! there or in the listing, the write fails, and the error contains the changed name. Names of directories are not
//! tried.
//!
//! # What FTP can't promise
//!
//! | | |
//! |---|---|
//! | replacing an object | is one step if RNTO replaces files, as on Unix. On other servers there is no object for a moment ([Writing](crate#writing)) |
//! | `PutMode::Create`, `copy_if_not_exists`, `rename_if_not_exists` | `NotImplemented`, or a check before the write ([`weak_create`](FtpStoreBuilder::weak_create)), with which two writers may both succeed |
//! | `PutMode::Update` | `NotImplemented` |
//! | etags and versions | there are none: `if_match` fails unless it is `*`, `if_none_match` fails only if it is `*` and the object exists, a version is `NotSupported` |
//! | attributes | `NotImplemented`; tags are ignored |
//! | a file that is written while it is read | is noticed by its size at the end of the read and, if 1 MiB or more was read to the end of the file, by its time, which most servers tell to the second. Shorter reads, and reads of a part, may be a mixture of two versions of the same size. `get_ranges` compares size and time after its last range if it took more than one RETR, so its ranges are of one version; only if the file was written less than two seconds before it was looked up, or the server tells no times, may a version of the same size go unnoticed |
//! | a range of a file | is wrong on a server that accepts REST and ignores it. The store notices that only if the range ends where the file does |
//! | the size of a file | is what the server says. `GetResult::bytes` makes room for all of it before anything arrives, so a server that lies can use up the memory; `into_stream` takes no more than what arrives |
//! | `rename` of a link | moves the link itself: in another directory a relative link leads to another file, or to none, and the result is `Ok` all the same. To move what it leads to, copy it, then delete it. The store does not look for links: that takes the listing of the directory for each rename, and some servers show links as files there |
//! | `delete` | deletes what DELE does, without a look at it first, which would double the round trips: also a link to a directory, whose files are then no longer listed below the name of the link, a link to nothing, or a pipe |
//! | names that differ only in case, or in the form of their Unicode characters | are the same file on some servers, mostly Windows and macOS: the later object replaces the earlier one, and an object can't be renamed to such a variant of its own name where RNTO does not replace files |
//! | names that begin with a dot | A server that refuses SIZE without a reason and hides such names in listings, such as vsftpd, does not reveal whether such an object exists. `head` and `get` then fail with `Generic`, not `NotFound` |
//!
//! # Errors
//!
//! `NotFound`, `PermissionDenied`, `AlreadyExists` and `Unauthenticated` follow from the server's reply or, if that is
//! not conclusive, from what else it says about the file. Any other error is `Generic`. The source of each is a
//! [`StoreError`]: the action, the file, the server, and the server's reply.
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
//! | `get_opts` | it requires etags; our own test covers its conditions on times |
//! | `put_opts(_, true)` | it requires `PutMode::Update` |
//! | `multipart` | `MultipartStore`: numbered parts that arrive in any order can't go through one STOR |
//! | `list_paginated` | `PaginatedListStore`: FTP has no pages |
//!
//! # The manual
//!
//! The repository has a manual in `docs/manual`. Its page `retries.md` says when to retry what.
//! Others cover TLS, hostile servers, retries, cancelling, listings and performance. `docs/limits.md` lists what FTP
//! can't do.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(missing_docs, clippy::exhaustive_enums, clippy::exhaustive_structs)]

mod builder;
mod change;
mod error;
mod inner;
mod lines;
mod list;
mod look;
mod name;
mod place;
mod ranges;
mod read;
mod risky;
mod store;
mod task;
mod temporary;
mod write;

pub use ftp_tokio;
pub use object_store;

pub use builder::FtpStoreBuilder;
pub use error::StoreError;
pub use store::{FtpStore, Skipped};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
