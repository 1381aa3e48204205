//! The methods of a shell's transfers and listings, written once for all shells that wait, `async` or not
//!
//! ```text
//! ftp_session::transfer_methods! { Client, [async], [.await]; Guard, Session, Download, Upload }
//! ftp_session::listing_methods! { Client, [async], [.await]; Download, Listing, Entries }
//! ```
//!
//! The first arguments are those of [`client_methods!`](crate::client_methods!), then the names of the shell's types.
//! All but the session are generic over the [`Holder`](crate::Holder) of the client. Their fields are private, so each
//! macro is called in the file that defines the types.
//!
//! | type | fields | methods of the shell |
//! |---|---|---|
//! | guard | `client`, `op`, `outcome` | `finish(value)`, `fail(error)`, `abort()` |
//! | session | `inner` | `start(op)`, `now()`, `abandon()`, and `call()`, whose result makes several calls one as long as it lives |
//! | download | `guard` | `read_with(next)` |
//! | upload | `guard` | |
//! | listing | `download`, `lines` | |
//! | entries | `download`, `reader` | |

#[doc(hidden)]
#[macro_export]
macro_rules! transfer_methods {
    (
        $client:ident, [$($async:tt)*], [$($wait:tt)*];
        $guard:ident, $session:ty, $download:ident, $upload:ident
    ) => {
        impl<C: $crate::Holder<$client>> $guard<C> {
            /// Waits until the transfer has begun
            $($async)* fn start(
                mut client: C,
                op: $crate::ftp_proto::Op<$crate::ftp_proto::Transfer>,
            ) -> Result<Self, C::Error> {
                match client.borrow_mut().session.start(op)$($wait)* {
                    Ok(over) => Ok(Self { client, op, outcome: $crate::Outcome::begun(over) }),
                    Err(error) => Err(C::fail(client, error)),
                }
            }

            fn session(&self) -> &$session {
                &self.client.borrow().session
            }

            fn session_mut(&mut self) -> &mut $session {
                &mut self.client.borrow_mut().session
            }

            /// Ends the file of an upload
            fn end_file(&mut self) {
                let session = self.session_mut();
                let now = session.now();
                session.inner.finish_upload(now);
            }
        }

        impl<C: $crate::Holder<$client>> $download<C> {
            /// Waits until the transfer has begun
            pub(crate) $($async)* fn start(
                client: C,
                op: $crate::ftp_proto::Op<$crate::ftp_proto::Transfer>,
            ) -> Result<Self, C::Error> {
                Ok(Self { guard: $guard::start(client, op)$($wait)*? })
            }

            pub(crate) fn session(&self) -> &$session {
                self.guard.session()
            }

            pub(crate) fn session_mut(&mut self) -> &mut $session {
                self.guard.session_mut()
            }

            /// The size in bytes that the server announced when the transfer began, if it did; a hint, because servers
            /// differ in what they count
            #[must_use]
            #[doc(alias = "parse150")]
            pub fn size_hint(&self) -> Option<u64> {
                self.session().inner.size_hint(self.guard.op.id())
            }

            /// Ends the transfer: reads and discards the rest, and waits for the final reply
            ///
            /// # Errors
            ///
            /// Why the transfer failed; [`Error::is_fatal`](ftp_session::Error::is_fatal) says whether the session
            /// ended, too.
            #[doc(alias = "voidresp")]
            pub $($async)* fn finish(
                self,
            ) -> Result<C::Done<$crate::ftp_proto::Transfer>, C::Error> {
                self.finish_with(|transfer| transfer)$($wait)*
            }

            /// As [`Self::finish`]; a success is given this value
            pub(crate) $($async)* fn finish_with<T>(
                mut self,
                value: impl FnOnce($crate::ftp_proto::Transfer) -> T,
            ) -> Result<C::Done<T>, C::Error> {
                // If the user was slow, the bytes have arrived long ago, and the deadline has passed.
                self.guard.session_mut().inner.look_for_data();
                self.guard.finish(value)$($wait)*
            }

            /// Aborts the transfer after a failure on the caller's side
            pub(crate) $($async)* fn fail(self, error: $crate::Error) -> C::Error {
                self.guard.fail(error)$($wait)*
            }

            /// Returns what was waited for; if that is an error of the parser, the transfer is aborted, and ends with it
            pub(crate) fn parsed<T>(
                &mut self,
                awaited: Result<Option<Result<T, $crate::Error>>, $crate::Error>,
            ) -> Result<Option<T>, $crate::Error> {
                let parsed = awaited?.transpose();
                if let Err(error) = &parsed {
                    self.guard.outcome = $crate::Outcome::Ended(Err(error.duplicate()));
                    self.guard.session_mut().abandon();
                }
                parsed
            }

            /// Stops the transfer, and waits until the session is usable
            ///
            /// Returns the server's first final reply to ABOR; `None` if it sent none, or if no ABOR was needed.
            ///
            /// # Errors
            ///
            /// The error that ended the session, if the server did not settle in time.
            #[doc(alias = "ABOR")]
            pub $($async)* fn abort(
                self,
            ) -> Result<C::Done<Option<$crate::ftp_proto::Reply>>, C::Error> {
                self.guard.abort()$($wait)*
            }
        }

        impl<C: $crate::Holder<$client>> $upload<C> {
            /// Waits until the transfer has begun
            pub(crate) $($async)* fn start(
                client: C,
                op: $crate::ftp_proto::Op<$crate::ftp_proto::Transfer>,
            ) -> Result<Self, C::Error> {
                Ok(Self { guard: $guard::start(client, op)$($wait)*? })
            }

            /// Ends the file and waits for the server to confirm the upload
            ///
            /// # Errors
            ///
            /// Why the transfer failed; a part of the file may be on the server. After
            /// [`Unconfirmed`](ftp_session::ftp_proto::Error::Unconfirmed), all of it may be.
            #[doc(alias = "voidresp")]
            pub $($async)* fn finish(
                mut self,
            ) -> Result<C::Done<$crate::ftp_proto::Transfer>, C::Error> {
                self.guard.end_file();
                self.guard.finish(|transfer| transfer)$($wait)*
            }

            /// Aborts the transfer after a failure on the caller's side
            pub(crate) $($async)* fn fail(self, error: $crate::Error) -> C::Error {
                self.guard.fail(error)$($wait)*
            }

            /// Stops the transfer, and waits until the session is usable; a part of the file stays on the server, and
            /// may look complete
            ///
            /// Returns the server's first final reply to ABOR; `None` if it sent none, or if no ABOR was needed.
            ///
            /// # Errors
            ///
            /// The error that ended the session, if the server did not settle in time.
            #[doc(alias = "ABOR")]
            pub $($async)* fn abort(
                self,
            ) -> Result<C::Done<Option<$crate::ftp_proto::Reply>>, C::Error> {
                self.guard.abort()$($wait)*
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! listing_methods {
    (
        $client:ident, [$($async:tt)*], [$($wait:tt)*];
        $download:ident, $listing:ident, $entries:ident
    ) => {
        impl<C: $crate::Holder<$client>> $listing<C> {
            pub(crate) fn new(download: $download<C>) -> Self {
                let limit = download.session().inner.reading().line_limit;
                Self { download, lines: $crate::Lines::new(limit) }
            }

            /// Waits until the transfer has begun
            pub(crate) $($async)* fn start(
                client: C,
                op: $crate::ftp_proto::Op<$crate::ftp_proto::Transfer>,
            ) -> Result<Self, C::Error> {
                Ok(Self::new($download::start(client, op)$($wait)*?))
            }

            /// Parses the remaining lines as entries
            ///
            /// This is the listing as the server made it. [`read_dir`](crate::Client::read_dir) chooses the command,
            /// and tells an empty directory from a missing one.
            pub fn entries(self) -> $entries<C> {
                $entries::new(self.download, self.lines.unread())
            }

            /// Returns the next line without its line ending; `None` when the listing is complete
            ///
            /// # Errors
            ///
            /// Why the transfer failed; [`Error::LineTooLong`](ftp_session::Error::LineTooLong) beyond the
            /// [limit](crate::Client::set_line_limit).
            pub $($async)* fn next_line(&mut self) -> Result<Option<&[u8]>, $crate::Error> {
                let _call = self.download.session_mut().call();
                self.fill()$($wait)*?;
                self.lines.next_line()
            }

            /// Returns all remaining lines, in up to 64 MiB of memory; [`Self::next_line`] returns them one by one,
            /// without a limit
            ///
            /// # Errors
            ///
            /// As [`Self::next_line`]; [`Error::ListingTooLong`](ftp_session::Error::ListingTooLong) beyond 64 MiB,
            /// after which the transfer is aborted.
            pub $($async)* fn collect_lines(mut self) -> Result<C::Done<Vec<Vec<u8>>>, C::Error> {
                let _call = self.download.session_mut().call();
                match self.lines_left()$($wait)* {
                    Ok(lines) => self.download.finish_with(|_| lines)$($wait)*,
                    Err(error) => Err(self.download.fail(error)$($wait)*),
                }
            }

            $($async)* fn lines_left(&mut self) -> Result<Vec<Vec<u8>>, $crate::Error> {
                let mut lines = Vec::new();
                while self.fill()$($wait)*? {
                    self.lines.collect(&mut lines)?;
                }
                self.lines.collect(&mut lines)?;
                Ok(lines)
            }

            /// Waits for the next line; false at the end
            $($async)* fn fill(&mut self) -> Result<bool, $crate::Error> {
                if self.lines.has_line() {
                    return Ok(true);
                }
                let lines = &mut self.lines;
                let filled = self
                    .download
                    .read_with(|session, now| lines.fill(session, now).then_some(()))
                    $($wait)*?;
                if filled.is_none() {
                    self.lines.end();
                }
                Ok(filled.is_some())
            }

            /// Ends the transfer: reads and discards the rest, and waits for the final reply
            ///
            /// # Errors
            ///
            /// Why the transfer failed.
            pub $($async)* fn finish(
                self,
            ) -> Result<C::Done<$crate::ftp_proto::Transfer>, C::Error> {
                self.download.finish()$($wait)*
            }

            /// Gives up the rest; the session is usable afterwards, if this succeeds
            ///
            /// Returns the server's first final reply to ABOR; `None` if it sent none, or if the rest of the listing
            /// was read without an ABOR.
            ///
            /// # Errors
            ///
            /// The error that ended the session, if the server did not settle in time.
            pub $($async)* fn abort(
                self,
            ) -> Result<C::Done<Option<$crate::ftp_proto::Reply>>, C::Error> {
                self.download.abort()$($wait)*
            }
        }

        impl<C: $crate::Holder<$client>> $entries<C> {
            /// The entries of a listing of which these bytes were received before
            fn new(download: $download<C>, received: &[u8]) -> Self {
                let session = &download.session().inner;
                let reader = $crate::Entries::of(session, session.listing_parser());
                Self { download, reader: reader.received(received.to_vec()) }
            }

            /// Waits until the listing has begun
            pub(crate) $($async)* fn start(
                client: C,
                op: $crate::ftp_proto::Op<$crate::ftp_proto::Transfer>,
            ) -> Result<Self, C::Error> {
                Ok(Self::new($download::start(client, op)$($wait)*?, &[]))
            }

            /// The number of lines so far that were not recognized, or in which the server reports what it could not
            /// read, and of entries of other directories in a recursive listing
            ///
            /// None of these is among the entries, yet each may stand for a file. Check the number before you delete
            /// what is not listed.
            #[must_use]
            pub fn unknown_lines(&self) -> u64 {
                self.reader.unknown_lines()
            }

            /// Whether names that begin with a dot may be missing; known once [`next`](Self::next) has returned `None`
            ///
            /// Many servers leave such names out of LIST, so a listing without any does not show whether there are
            /// some. MLSD has all names.
            #[must_use]
            pub fn may_lack_dot_names(&self) -> bool {
                self.reader.may_lack_dot_names()
            }

            /// Whether the last line lacks its line ending; known once [`next`](Self::next) has returned `None`
            ///
            /// The listing may have been cut off within the name of the last entry, but some servers always leave it
            /// out.
            #[must_use]
            pub fn last_line_is_open(&self) -> bool {
                self.reader.last_line_is_open()
            }

            /// Ends the listing: reads and discards the rest, and waits for the final reply
            ///
            /// # Errors
            ///
            /// Why the listing failed.
            pub $($async)* fn finish(
                self,
            ) -> Result<C::Done<$crate::ftp_proto::Transfer>, C::Error> {
                self.download.finish()$($wait)*
            }

            /// Gives up the rest; the session is usable afterwards, if this succeeds
            ///
            /// Returns the server's first final reply to ABOR; `None` if it sent none, or if the rest of the listing
            /// was read without an ABOR.
            ///
            /// # Errors
            ///
            /// The error that ended the session, if the server did not settle in time.
            pub $($async)* fn abort(
                self,
            ) -> Result<C::Done<Option<$crate::ftp_proto::Reply>>, C::Error> {
                self.download.abort()$($wait)*
            }
        }
    };
}
