//! Transfers as [`Read`] and [`Write`]: each is a guard that holds the client until the transfer is done

use std::fmt;
use std::io::{self, Read, Write};

use ftp_proto::{Op, Reply, Transfer};
use ftp_session::{Error, Holder, Moved, Outcome, Time};

use crate::client::Client;
use crate::clock::Call;
use crate::holder::Borrowed;
use crate::session::{Inner, Session};

/// A download that borrows its client: [`Client::get`]
///
/// Dropping it before its end aborts it and waits until the server has settled: usually one round trip, at most
/// [`Config::settle_timeout`](crate::Config::settle_timeout).
pub type Download<'a> = DownloadWith<Borrowed<'a>>;

/// A download that owns its client, and returns it at the end: [`Client::into_get`]
///
/// It is `Send` and borrows nothing, so it can move to another thread or into a structure. Dropping it before its end
/// closes the session at once, without a message to the server.
///
/// ```no_run
/// # fn f(ftp: ftp_blocking::Client) -> Result<(), ftp_blocking::Error> {
/// let mut download = ftp.into_get("big.iso")?;
/// let thread = std::thread::spawn(move || {
///     std::io::copy(&mut download, &mut std::io::sink())?;
///     Ok::<_, ftp_blocking::Error>(download.finish()?)
/// });
/// let (transfer, ftp) = thread.join().expect("no panic")?;
/// # drop((transfer, ftp));
/// # Ok(()) }
/// ```
pub type OwnedDownload = DownloadWith<Client>;

/// An upload that borrows its client: [`Client::put`]
///
/// Dropping it without [`finish`](UploadWith::finish) aborts it, and waits as with [`Download`].
pub type Upload<'a> = UploadWith<Borrowed<'a>>;

/// An upload that owns its client, and returns it at the end: [`Client::into_put`]
///
/// Dropping it without [`finish`](UploadWith::finish) closes the session at once, without a message to the server.
pub type OwnedUpload = UploadWith<Client>;

/// A download in progress: [`Download`] or [`OwnedDownload`]
///
/// [`Read`] returns the file's bytes, straight from the socket into the caller's buffer; reads of 64 KiB or more cost
/// the least. At the end of the data it waits for the server's final reply, and returns 0 only if that reply says that
/// the transfer is complete: if you read to the end without an error, you have the whole file. I/O errors wrap an
/// [`Error`]: see [`Error::in_io`], or use `?` in a function that returns one.
#[must_use = "dropping it aborts the transfer"]
pub struct DownloadWith<C: Holder<Client>> {
    guard: Guard<C>,
}

/// An upload in progress, which only [`Self::finish`] completes: [`Upload`] or [`OwnedUpload`]
///
/// Dropping it before that aborts the upload, without an error. The bytes sent so far, or an empty file, stay on the
/// server under the file's name, replacing what was there before; in clear text the server can't tell that the file is
/// incomplete. A failed upload leaves such a file as well. Upload again, delete the file, or upload under another name
/// and rename it after `finish`.
///
/// [`Write`] takes the file's bytes; write 64 KiB or more at a time. I/O errors wrap an [`Error`]: see
/// [`Error::in_io`].
#[must_use = "dropping it aborts the transfer; `finish` completes it"]
pub struct UploadWith<C: Holder<Client>> {
    guard: Guard<C>,
}

struct Guard<C: Holder<Client>> {
    client: C,
    op: Op<Transfer>,
    outcome: Outcome,
}

impl<C: Holder<Client>> Guard<C> {
    /// Waits until the transfer has begun
    fn start(mut client: C, op: Op<Transfer>) -> Result<Self, C::Error> {
        match client.borrow_mut().session.start(op) {
            Ok(over) => Ok(Self { client, op, outcome: Outcome::begun(over) }),
            Err(error) => Err(client.fail(error)),
        }
    }

    fn session(&self) -> &Session {
        &self.client.borrow().session
    }

    fn session_mut(&mut self) -> &mut Session {
        &mut self.client.borrow_mut().session
    }

    /// Treats everything until the result is dropped as one call
    fn call(&mut self) -> Call {
        self.session_mut().clock.begin_all()
    }

    /// Notes the transfer's result if it has ended
    fn poll_end(&mut self) {
        let op = self.op;
        let session = self.session_mut();
        session.settle();
        if let Some(result) = session.take(op) {
            self.outcome = Outcome::Ended(result);
        }
    }

    /// Ends the transfer if the call's deadline has passed
    fn keep_to_deadline(&mut self) {
        if self.outcome.is_open() {
            if let Err(error) = self.session_mut().keep_to_deadline() {
                self.outcome = Outcome::Ended(Err(error));
            }
        }
    }

    /// Waits until bytes can move, unless the transfer has ended otherwise
    fn wait(&mut self) {
        self.poll_end();
        self.keep_to_deadline();
        if self.outcome.is_open() {
            self.session_mut().wait();
        }
    }

    /// Attempts to move bytes until some have moved; `None` if the transfer has ended
    ///
    /// During the waits, a transfer that was refused for lack of a TLS session is repeated if there is a session now.
    fn attempt<T>(
        &mut self,
        mut attempt: impl FnMut(&mut Session) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        loop {
            self.keep_to_deadline();
            if let Some(end) = self.outcome.end() {
                return end.map(|()| None);
            }
            let session = self.session_mut();
            session.inner.renew_allowance();
            let moved = attempt(session);
            if moved.is_some() {
                return Ok(moved);
            }
            self.wait();
        }
    }

    /// Returns the result of a transfer whose end was waited for, mapped by `value`
    fn finish<T>(self, value: impl FnOnce(Transfer) -> T) -> Result<C::Done<T>, C::Error> {
        self.client.finish(self.outcome.into_result().map(value))
    }

    /// Aborts the transfer after a failure on the caller's side
    fn fail(mut self, error: Error) -> C::Error {
        if self.outcome.is_open() {
            self.session_mut().abandon();
        }
        self.client.fail(error)
    }

    fn abort(mut self) -> Result<C::Done<Option<Reply>>, C::Error> {
        let result = self.session_mut().abort();
        self.client.finish(result)
    }
}

impl<C: Holder<Client>> DownloadWith<C> {
    /// Treats everything until the result is dropped as one call
    pub(crate) fn call(&mut self) -> Call {
        self.guard.call()
    }

    /// Waits until the transfer has begun
    pub(crate) fn start(client: C, op: Op<Transfer>) -> Result<Self, C::Error> {
        Ok(Self { guard: Guard::start(client, op)? })
    }

    pub(crate) fn session(&self) -> &Session {
        self.guard.session()
    }

    /// Whether the transfer has succeeded, or why not, if it has ended
    pub(crate) fn end(&self) -> Option<Result<(), Error>> {
        self.guard.outcome.end()
    }

    /// The size in bytes that the server announced when the transfer began, if it did; a hint, because servers differ
    /// in what they count
    #[must_use]
    #[doc(alias = "parse150")]
    pub fn size_hint(&self) -> Option<u64> {
        self.session().inner.size_hint(self.guard.op.id())
    }

    /// Ends the transfer: reads and discards the rest, and waits for the final reply
    ///
    /// # Errors
    ///
    /// Why the transfer failed; [`Error::is_fatal`] says whether the session ended, too.
    #[doc(alias = "voidresp")]
    pub fn finish(self) -> Result<C::Done<Transfer>, C::Error> {
        self.finish_with(|transfer| transfer)
    }

    /// As [`Self::finish`], with the result mapped by `value`
    pub(crate) fn finish_with<T>(
        mut self,
        value: impl FnOnce(Transfer) -> T,
    ) -> Result<C::Done<T>, C::Error> {
        let _call = self.call();
        let mut rest = Vec::new();
        while self.guard.outcome.is_open() {
            rest.resize(16 * 1024, 0);
            // After an error the outcome is no longer open, so the loop ends.
            let _ = self.read_some(&mut rest);
        }
        self.guard.finish(value)
    }

    /// Aborts the transfer after a failure on the caller's side
    pub(crate) fn fail(self, error: Error) -> C::Error {
        self.guard.fail(error)
    }

    /// Stops the transfer; the session is usable afterwards, if this succeeds
    ///
    /// Returns the server's first final reply to ABOR; `None` if it sent none, or if no ABOR was needed.
    ///
    /// # Errors
    ///
    /// The error that ended the session, if the server did not settle in time.
    #[doc(alias = "ABOR")]
    pub fn abort(self) -> Result<C::Done<Option<Reply>>, C::Error> {
        self.guard.abort()
    }

    /// Reads bytes of the file; 0 when the transfer is complete
    fn read_some(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        let count = self.read_with(|session, now| match session.read_data(buffer, now) {
            Moved::Bytes(count) => Some(count),
            Moved::NotReady | Moved::Ended => None,
        })?;
        Ok(count.unwrap_or(0))
    }

    /// Waits until `next` returns something; `None` when the transfer is complete
    pub(crate) fn read_with<T>(
        &mut self,
        mut next: impl FnMut(&mut Inner, Time) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        self.guard.session_mut().inner.look_for_data();
        self.guard.attempt(|session| next(&mut session.inner, session.clock.now()))
    }
}

impl<C: Holder<Client>> Read for DownloadWith<C> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        self.guard.session_mut().clock.begin();
        Ok(self.read_some(buffer)?)
    }
}

impl<C: Holder<Client>> UploadWith<C> {
    /// Treats everything until the result is dropped as one call
    pub(crate) fn call(&mut self) -> Call {
        self.guard.call()
    }

    /// Waits until the transfer has begun
    pub(crate) fn start(client: C, op: Op<Transfer>) -> Result<Self, C::Error> {
        Ok(Self { guard: Guard::start(client, op)? })
    }

    /// Ends the file and waits for the server to confirm the upload
    ///
    /// # Errors
    ///
    /// Why the transfer failed; a part of the file may be on the server. After [`ftp_proto::Error::Unconfirmed`], all
    /// of it may be.
    #[doc(alias = "voidresp")]
    pub fn finish(mut self) -> Result<C::Done<Transfer>, C::Error> {
        let _call = self.call();
        let session = self.guard.session_mut();
        session.inner.finish_upload(session.clock.now());
        while self.guard.outcome.is_open() {
            self.guard.wait();
        }
        self.guard.finish(|transfer| transfer)
    }

    /// Aborts the transfer after a failure on the caller's side
    pub(crate) fn fail(self, error: Error) -> C::Error {
        self.guard.fail(error)
    }

    /// Stops the transfer; a part of the file stays on the server, and may look complete
    ///
    /// Returns the server's first final reply to ABOR; `None` if it sent none, or if no ABOR was needed.
    ///
    /// # Errors
    ///
    /// The error that ended the session, if the server did not settle in time.
    #[doc(alias = "ABOR")]
    pub fn abort(self) -> Result<C::Done<Option<Reply>>, C::Error> {
        self.guard.abort()
    }

    /// Sends bytes of the file; returns how many were accepted
    fn write_some(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        let sent = self.guard.attempt(|session| {
            match session.inner.write_data(bytes, session.clock.now()) {
                Moved::Bytes(count) => Some(count),
                Moved::NotReady | Moved::Ended => None,
            }
        })?;
        // The transfer ended before its data did: the server does not want the rest.
        sent.ok_or_else(|| Error::Local(io::ErrorKind::BrokenPipe.into()))
    }
}

impl<C: Holder<Client>> Write for UploadWith<C> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        self.guard.session_mut().clock.begin();
        Ok(self.write_some(bytes)?)
    }

    /// Sends the bytes that TLS and the conversion of texts hold back
    fn flush(&mut self) -> io::Result<()> {
        self.guard.session_mut().clock.begin();
        loop {
            self.guard.poll_end();
            self.guard.keep_to_deadline();
            match self.guard.outcome.end() {
                Some(Err(error)) => return Err(error.into()),
                Some(Ok(())) => return Ok(()),
                None if !self.guard.session().inner.holds_back() => return Ok(()),
                None => self.guard.session_mut().wait(),
            }
        }
    }
}

impl<C: Holder<Client>> fmt::Debug for DownloadWith<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.guard.fmt(f)
    }
}

impl<C: Holder<Client>> fmt::Debug for UploadWith<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.guard.fmt(f)
    }
}

impl<C: Holder<Client>> fmt::Debug for Guard<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transfer")
            .field("op", &self.op)
            .field("outcome", &self.outcome)
            .finish_non_exhaustive()
    }
}
