//! The methods of a shell's client that waits for each request, written once for all such shells, `async` or not
//!
//! ```text
//! ftp_session::client_methods! {
//!     Client, [async], [.await];
//!     [AsyncRead + Unpin + ?Sized], [AsyncWrite + Unpin + ?Sized], [|_| ()];
//!     Download<&mut Self>, Download<Self>; …
//! }
//! ```
//!
//! The arguments are the client's type; what stands before `fn`, and after a call that waits; the bounds of local
//! readers and writers, and how whole files are copied from and to them; and the types of downloads, uploads, listings
//! and entries that borrow the client, and that own it. Their methods come from
//! [`transfer_methods!`](crate::transfer_methods!), [`listing_methods!`](crate::listing_methods!) and the shell, which
//! writes `copy_to` and `copy_from`. `write_all` of an upload must be in scope. The client has a field `session`, with a
//! field `inner`, which is the [`Session`](crate::Session), and these methods:
//!
//! | method | what it does |
//! |---|---|
//! | `begin()` | prepares for a request, and returns the machine |
//! | `run(op)` | waits for the request's result |
//! | `call()` | makes several calls one, as long as its result lives |
//! | `close()` | closes the connection, and waits until it is closed |

#[doc(hidden)]
#[macro_export]
macro_rules! client_methods {
    (
        $client:ident, [$($async:tt)*], [$($wait:tt)*];
        [$($reader:tt)*], [$($writer:tt)*], [$copy:expr];
        $download:ty, $owned_download:ty;
        $upload:ty, $owned_upload:ty;
        $listing:ty, $owned_listing:ty;
        $entries:ty, $owned_entries:ty;
    ) => {
        impl $crate::Usable for $client {
            fn is_usable(&self) -> bool {
                self.is_connected()
            }
        }

        /// Settings
        impl $client {
            /// The settings, for changes: deadlines, the mode of data connections, …
            ///
            /// `tls`, `reply` and `telnet` are fixed once the connection is made. `keep_alive` must stay `None` here,
            /// because nothing runs between calls that could send one: connecting with one fails with
            /// [`Error::InvalidOption`](ftp_session::Error::InvalidOption), and one that is set here is cleared by the
            /// next call. Call [`Self::noop`] instead.
            #[doc(alias = "timeout")]
            pub fn config_mut(&mut self) -> &mut $crate::Config {
                self.session.inner.request().config_mut()
            }

            /// Sets which side opens data connections from now on
            #[doc(alias = "set_pasv")]
            pub fn set_data_mode(&mut self, mode: $crate::ftp_proto::DataMode) {
                self.config_mut().data_mode = mode;
            }

            /// Sets the maximum length of a line, in bytes, where texts and listings are read by lines; 8192 by default
            ///
            /// It bounds the memory that a server can make the client use: a longer line fails with
            /// [`LineTooLong`](ftp_session::Error::LineTooLong). Entries have a limit of their own, and replies have
            /// [`Config::reply`](ftp_session::Config::reply).
            #[doc(alias = "maxline")]
            pub fn set_line_limit(&mut self, bytes: usize) {
                self.session.inner.reading_mut().line_limit = bytes;
            }

            /// Sets how far the clock of the server's listings is ahead of UTC, if that is known
            pub fn set_utc_offset(&mut self, offset: Option<$crate::ftp_proto::listing::UtcOffset>) {
                self.session.inner.reading_mut().utc_offset = offset;
            }
        }

        /// TLS, and the end of the session
        impl $client {
            /// Secures a session that began in clear text: AUTH TLS, PBSZ 0, PROT P
            ///
            /// With [`TlsPolicy::Explicit`](ftp_session::TlsPolicy::Explicit), connecting has already done so.
            ///
            /// Call it before the login: many servers refuse it later, and pyftpdlib forgets PROT with every login, so
            /// that [`Self::protect`] must be called again.
            ///
            /// # Errors
            ///
            /// A refusal, after which the session goes on as far as it was secured: in clear text if AUTH was refused,
            /// with [data connections](Self::protection) in clear text if PBSZ or PROT was refused.
            /// [`Error::Tls`](ftp_session::Error::Tls) if the handshake fails.
            pub $($async)* fn secure(&mut self) -> Result<(), $crate::Error> {
                self.session.inner.prepare_tls()?;
                let op = self.session.begin()$($wait)*.secure();
                self.session.run(op)$($wait)*
            }

            /// Sends AUTH TLS alone: data connections stay in clear text until [`Self::protect`]
            ///
            /// Returns the reply to AUTH, or `None` if the connection uses TLS already and nothing was sent.
            ///
            /// # Errors
            ///
            /// As [`Self::secure`].
            #[doc(alias = "auth")]
            pub $($async)* fn secure_control(
                &mut self,
            ) -> Result<Option<$crate::ftp_proto::Reply>, $crate::Error> {
                self.session.inner.prepare_tls()?;
                let op = self.session.begin()$($wait)*.secure_control();
                self.session.run(op)$($wait)*
            }

            /// Sends QUIT and closes the connection; returns the server's reply, or `None` if the server closed without
            /// one
            ///
            /// What is known of the session, such as [`Self::last_reply`], is still available; every further request
            /// returns the reason for the end.
            ///
            /// # Errors
            ///
            /// A refusal, or the error that ended the session; the connection is closed in any case.
            pub $($async)* fn quit(
                &mut self,
            ) -> Result<Option<$crate::ftp_proto::Reply>, $crate::Error> {
                let op = self.session.begin()$($wait)*.quit();
                let result = self.session.run(op)$($wait)*;
                self.session.close()$($wait)*;
                result
            }
        }

        /// Whole files
        ///
        /// To choose the block size or see the progress, copy from and to a transfer: [`Self::get`], [`Self::put`].
        impl $client {
            /// Downloads a file into a writer
            ///
            /// # Errors
            ///
            /// Why the transfer failed; [`Error::Local`](ftp_session::Error::Local) if the writer failed, which aborts
            /// the transfer.
            #[doc(alias = "retrbinary")]
            pub $($async)* fn download_to(
                &mut self,
                get: impl Into<$crate::ftp_proto::Get>,
                writer: &mut (impl $($writer)*),
            ) -> Result<$crate::ftp_proto::Transfer, $crate::Error> {
                let _call = self.session.call();
                self.get(get)$($wait)*?.copy_to(writer, $copy)$($wait)*
            }

            /// Uploads everything that a reader returns; with [`Put::ascii`](ftp_session::ftp_proto::Put::ascii) it is
            /// sent as text
            ///
            /// # Errors
            ///
            /// Why the transfer failed; [`Error::Local`](ftp_session::Error::Local) if the reader failed, which aborts
            /// the transfer. Bytes already sent stay on the server, under the file's name.
            #[doc(alias = "storbinary")]
            #[doc(alias = "storlines")]
            pub $($async)* fn upload_from(
                &mut self,
                put: impl Into<$crate::ftp_proto::Put>,
                reader: &mut (impl $($reader)*),
            ) -> Result<$crate::ftp_proto::Transfer, $crate::Error> {
                let _call = self.session.call();
                self.put(put)$($wait)*?.copy_from(reader, $copy)$($wait)*
            }
        }

        /// Texts
        impl $client {
            /// Downloads a text (TYPE A) and calls `line` with each line, without its line ending
            ///
            /// A line ending is an LF with up to two CRs before it: the CRLF of the network, and the CR of a file whose
            /// own lines end with CRLF, if the server makes CRLF of their LF. Further CRs belong to the line. (ftplib's
            /// `retrlines` removes one CR at most.)
            ///
            /// # Errors
            ///
            /// Why the transfer failed; [`Error::LineTooLong`](ftp_session::Error::LineTooLong) beyond the
            /// [limit](Self::set_line_limit).
            #[doc(alias = "retrlines")]
            pub $($async)* fn get_lines(
                &mut self,
                get: impl Into<$crate::ftp_proto::Get>,
                mut line: impl FnMut(&[u8]),
            ) -> Result<$crate::ftp_proto::Transfer, $crate::Error> {
                let _call = self.session.call();
                let mut listing = <$listing>::new(self.get(get.into().ascii())$($wait)*?);
                while let Some(text) = listing.next_line()$($wait)*? {
                    line(text);
                }
                listing.finish()$($wait)*
            }

            /// Uploads a text (TYPE A), line by line; this method appends the line endings
            ///
            /// A CR at the end of a line becomes part of its CRLF, so lines split from a text with CRLF need no special
            /// care. An LF within a line ends the line there.
            ///
            /// Use [`Self::try_put_lines`] for lines whose source may fail, and [`Self::upload_from`] with
            /// [`Put::ascii`](ftp_session::ftp_proto::Put::ascii) for the whole text of a reader.
            ///
            /// # Errors
            ///
            /// Why the transfer failed.
            #[doc(alias = "storlines")]
            pub $($async)* fn put_lines<L: AsRef<[u8]>>(
                &mut self,
                put: impl Into<$crate::ftp_proto::Put>,
                lines: impl IntoIterator<Item = L>,
            ) -> Result<$crate::ftp_proto::Transfer, $crate::Error> {
                self.try_put_lines(put, lines.into_iter().map(Ok))$($wait)*
            }

            /// Uploads a text (TYPE A) from a source of lines that may fail, such as
            /// [`BufRead::split`](std::io::BufRead::split); line endings are as in [`Self::put_lines`]
            ///
            /// The source is asked for its lines between two writes. In an async program it should not wait long: there,
            /// read a local file with [`Self::upload_from`], or collect its lines before.
            ///
            /// # Errors
            ///
            /// Why the transfer failed; [`Error::Local`](ftp_session::Error::Local) with the source's error if the
            /// source fails, which aborts the transfer. The lines before it, or some of them, stay on the server under
            /// the file's name and may look like a complete file: upload again, or delete them.
            #[doc(alias = "storlines")]
            pub $($async)* fn try_put_lines<L: AsRef<[u8]>>(
                &mut self,
                put: impl Into<$crate::ftp_proto::Put>,
                lines: impl IntoIterator<Item = ::std::io::Result<L>>,
            ) -> Result<$crate::ftp_proto::Transfer, $crate::Error> {
                const BLOCK: usize = 64 * 1024;

                let _call = self.session.call();
                let mut upload = self.put(put.into().ascii())$($wait)*?;
                let mut block = Vec::with_capacity(BLOCK);
                for line in lines {
                    match line {
                        Ok(line) => block.extend_from_slice(line.as_ref()),
                        // What is in the block is not sent any more.
                        Err(error) => {
                            return Err(upload.fail($crate::Error::Local(error))$($wait)*);
                        }
                    }
                    block.push(b'\n');
                    if block.len() >= BLOCK {
                        upload.write_all(&block)$($wait)*?;
                        block.clear();
                    }
                }
                upload.write_all(&block)$($wait)*?;
                upload.finish()$($wait)*
            }

            /// The names in a directory (NLST); an empty path is the working directory
            ///
            /// The names may take up to 64 MiB of memory. [`Self::list`] has no such limit: it returns them one by one.
            ///
            /// # Errors
            ///
            /// Why the listing failed; many servers answer 450 or 550 for an empty directory.
            #[doc(alias = "nlst")]
            pub $($async)* fn names(
                &mut self,
                path: impl AsRef<[u8]>,
            ) -> Result<Vec<Vec<u8>>, $crate::Error> {
                let _call = self.session.call();
                self.list($crate::ftp_proto::List::names(path))$($wait)*?.collect_lines()$($wait)*
            }
        }

        /// Transfers that borrow the client; whole files are easier with [`Self::download_to`] and the like
        impl $client {
            /// Begins a download: `get("f")`, or `get(Get::new("f").resume_at(n).ascii())`
            ///
            /// # Errors
            ///
            /// A refusal by the server, or the failure of the data connection.
            #[doc(alias = "RETR")]
            #[doc(alias = "retrbinary")]
            #[doc(alias = "transfercmd")]
            #[doc(alias = "ntransfercmd")]
            pub $($async)* fn get(
                &mut self,
                get: impl Into<$crate::ftp_proto::Get>,
            ) -> Result<$download, $crate::Error> {
                let op = self.session.begin()$($wait)*.get(get);
                <$download>::start(self.into(), op)$($wait)*
            }

            /// Begins an upload: `put("f")`, `put(Put::new("f").append())`, `put(Put::unique())`
            ///
            /// The file is complete once the upload's `finish` has succeeded.
            ///
            /// # Errors
            ///
            /// A refusal by the server, or the failure of the data connection.
            #[doc(alias = "STOR")]
            #[doc(alias = "APPE")]
            #[doc(alias = "STOU")]
            #[doc(alias = "storbinary")]
            pub $($async)* fn put(
                &mut self,
                put: impl Into<$crate::ftp_proto::Put>,
            ) -> Result<$upload, $crate::Error> {
                let op = self.session.begin()$($wait)*.put(put);
                <$upload>::start(self.into(), op)$($wait)*
            }

            /// Begins a listing: `list("dir")` (LIST), `list(List::names(""))` (NLST), `list(List::facts(""))` (MLSD)
            ///
            /// # Errors
            ///
            /// A refusal by the server, or the failure of the data connection.
            #[doc(alias = "dir")]
            #[doc(alias = "nlst")]
            #[doc(alias = "mlsd")]
            pub $($async)* fn list(
                &mut self,
                list: impl Into<$crate::ftp_proto::List>,
            ) -> Result<$listing, $crate::Error> {
                let op = self.session.begin()$($wait)*.list(list);
                <$listing>::start(self.into(), op)$($wait)*
            }

            /// Lists a directory with the best command that the server has, MLSD or LIST: `read_dir("d")`, or
            /// `read_dir(ReadDir::long("d"))`; an empty path is the working directory
            ///
            /// The entries arrive while they are read, so the client is borrowed until then: to make requests for them,
            /// collect them first, or take [`walk`](Self::walk), which does that for each directory.
            ///
            /// An empty directory has no entries, a missing one fails with
            /// [`NoDirectory`](ftp_session::ftp_proto::Error::NoDirectory), and one that this user may not read fails
            /// with the server's refusal, as far as the server distinguishes them. Directories of any name can be read:
            /// if LIST would take the name for options or a pattern, the client enters the directory, and returns
            /// before a request that depends on the working directory.
            ///
            /// # Errors
            ///
            /// A refusal by the server, or the failure of the data connection; also as the last item.
            #[doc(alias = "mlsd")]
            #[doc(alias = "dir")]
            #[doc(alias = "nlst")]
            pub $($async)* fn read_dir(
                &mut self,
                directory: impl Into<$crate::ftp_proto::ReadDir>,
            ) -> Result<$entries, $crate::Error> {
                let op = self.session.begin()$($wait)*.read_dir(directory);
                <$entries>::start(self.into(), op)$($wait)*
            }
        }

        /// Transfers that own their client: they are `'static`, so they can move to another thread or task, or into a
        /// structure
        ///
        /// Their `finish` returns the client. The error contains it, too, if the session is still usable.
        impl $client {
            /// Begins a download as [`Self::get`] does
            ///
            /// # Errors
            ///
            /// As [`Self::get`].
            #[doc(alias = "transfercmd")]
            #[doc(alias = "ntransfercmd")]
            pub $($async)* fn into_get(
                mut self,
                get: impl Into<$crate::ftp_proto::Get>,
            ) -> Result<$owned_download, $crate::OwnedError<$client>> {
                let op = self.session.begin()$($wait)*.get(get);
                <$owned_download>::start(self, op)$($wait)*
            }

            /// Begins an upload as [`Self::put`] does
            ///
            /// # Errors
            ///
            /// As [`Self::put`].
            #[doc(alias = "transfercmd")]
            pub $($async)* fn into_put(
                mut self,
                put: impl Into<$crate::ftp_proto::Put>,
            ) -> Result<$owned_upload, $crate::OwnedError<$client>> {
                let op = self.session.begin()$($wait)*.put(put);
                <$owned_upload>::start(self, op)$($wait)*
            }

            /// Begins a listing as [`Self::list`] does
            ///
            /// # Errors
            ///
            /// As [`Self::list`].
            pub $($async)* fn into_list(
                mut self,
                list: impl Into<$crate::ftp_proto::List>,
            ) -> Result<$owned_listing, $crate::OwnedError<$client>> {
                let op = self.session.begin()$($wait)*.list(list);
                <$owned_listing>::start(self, op)$($wait)*
            }

            /// Lists a directory as [`Self::read_dir`] does
            ///
            /// # Errors
            ///
            /// As [`Self::read_dir`].
            pub $($async)* fn into_read_dir(
                mut self,
                directory: impl Into<$crate::ftp_proto::ReadDir>,
            ) -> Result<$owned_entries, $crate::OwnedError<$client>> {
                let op = self.session.begin()$($wait)*.read_dir(directory);
                <$owned_entries>::start(self, op)$($wait)*
            }
        }

        /// A walk through a directory tree: returns what it finds, item by item
        ///
        /// Between two items the session is free: [`Self::client`] borrows it, for a download or any other request that
        /// leaves the working directory as it is. Names are as the server sends them: to write local files under them,
        /// use [`local_path`](ftp_session::local_path) for the part of the path below the root of the tree.
        ///
        /// An item that is an error stands for a directory that was skipped. The walk goes on, unless the session is
        /// over.
        #[must_use = "a walk does nothing before its items are asked for"]
        #[derive(Debug)]
        pub struct Walk<'a> {
            pub(crate) client: &'a mut $client,
            pub(crate) inner: $crate::procedure::Walk,
        }

        impl Walk<'_> {
            /// The session
            pub const fn client(&mut self) -> &mut $client {
                self.client
            }

            /// The number of lines so far that were not recognized, or in which the server reports what it could not
            /// read
            ///
            /// They are not among the items, yet each may stand for a file. Check the number before you delete what was
            /// not found.
            #[must_use]
            pub const fn unknown_lines(&self) -> u64 {
                self.inner.unknown_lines()
            }
        }

        /// Walks
        impl $client {
            /// Walks through a directory and everything below it; an empty path is the working directory
            ///
            /// Links are reported, not followed. Memory is bounded: each directory is listed completely, and kept until
            /// it is finished.
            ///
            /// It finds what the server lists. By LIST, which is used if there is no MLSD, some servers leave out names
            /// that begin with a dot, as vsftpd does by default: read a directory with
            /// [`ReadDir::all`](ftp_session::ftp_proto::ReadDir::all) to see them.
            pub fn walk(
                &mut self,
                path: impl AsRef<[u8]>,
                options: $crate::procedure::WalkOptions,
            ) -> Walk<'_> {
                Walk { client: self, inner: $crate::procedure::Walk::new(path, options) }
            }
        }

        /// Files and directories, over the control connection
        impl $client {
            /// Facts about one file or directory (MLST); the entry's name is the path as the server writes it
            ///
            /// # Errors
            ///
            /// A refusal by the server, for example because it does not support MLST;
            /// [`InvalidReply`](ftp_session::ftp_proto::Error::InvalidReply) if the reply has no facts.
            #[doc(alias = "MLST")]
            pub $($async)* fn facts(
                &mut self,
                path: impl AsRef<[u8]>,
            ) -> Result<$crate::ftp_proto::listing::OwnedEntry, $crate::Error> {
                let reply = self.mlst(path)$($wait)*?;
                match $crate::ftp_proto::listing::parse_mlst(&reply) {
                    Some(entry) => Ok(entry.to_owned()),
                    None => Err($crate::ftp_proto::Error::InvalidReply(reply).into()),
                }
            }

            /// Lists a directory over the control connection (STAT), for when no data connection can be made
            ///
            /// # Errors
            ///
            /// A refusal by the server;
            /// [`UnreadableDirectory`](ftp_session::ftp_proto::Error::UnreadableDirectory) if the reply has no entry,
            /// but has an error message of the server or an unrecognized line.
            #[doc(alias = "STAT")]
            pub $($async)* fn stat_dir(
                &mut self,
                path: impl AsRef<[u8]>,
            ) -> Result<$crate::ftp_proto::listing::StatListing, $crate::Error> {
                let reply = self.stat(path)$($wait)*?;
                let parser = self.session.inner.listing_parser();
                Ok($crate::ftp_proto::listing::parse_stat(&reply, parser)?)
            }

            /// Learns how far the clock of the server's listings is ahead of UTC, by MDTM for a file of the working
            /// directory; `None` if this entry can't tell, see
            /// [`UtcOffset::learn`](ftp_session::ftp_proto::listing::UtcOffset::learn)
            ///
            /// After that, the times of entries are in UTC. An entry does not know its directory: for a file elsewhere,
            /// give the result of [`mdtm`](Self::mdtm) for its path to `UtcOffset::learn`, and what that returns to
            /// [`Self::set_utc_offset`].
            ///
            /// # Errors
            ///
            /// A refusal by the server, for example because it does not support MDTM.
            pub $($async)* fn learn_utc_offset(
                &mut self,
                entry: &$crate::ftp_proto::listing::OwnedEntry,
            ) -> Result<Option<$crate::ftp_proto::listing::UtcOffset>, $crate::Error> {
                let Some(listed) = entry.modified() else { return Ok(None) };
                let mdtm = self.mdtm(entry.name())$($wait)*?;
                let learned = $crate::ftp_proto::listing::UtcOffset::learn(listed, mdtm);
                if learned.is_some() {
                    self.set_utc_offset(learned);
                }
                Ok(learned)
            }
        }
    };
}
