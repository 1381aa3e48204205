//! Transfers as [`Read`] and [`Write`]: each is a guard that holds the client until the transfer is done

use std::io::{self, Read, Write};

use ftp_proto::{Op, Reply, Transfer};
use ftp_session::{Error, Holder, Outcome, Time};

use crate::client::Client;
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
#[derive(Debug)]
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
#[derive(Debug)]
pub struct UploadWith<C: Holder<Client>> {
    guard: Guard<C>,
}

#[derive(Debug)]
struct Guard<C> {
    client: C,
    op: Op<Transfer>,
    outcome: Outcome,
}

ftp_session::transfer_methods! { Client, [], []; Guard, Session, DownloadWith, UploadWith }

impl<C: Holder<Client>> Guard<C> {
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
        mut attempt: impl FnMut(&mut Inner, Time) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        loop {
            self.keep_to_deadline();
            if let Some(end) = self.outcome.end() {
                return end.map(|()| None);
            }
            let session = self.session_mut();
            session.inner.renew_allowance();
            let now = session.now();
            let moved = attempt(&mut session.inner, now);
            if moved.is_some() {
                return Ok(moved);
            }
            self.wait();
        }
    }

    /// Waits for the transfer's end, and discards the rest of a download; a success is given this value
    fn finish<T>(mut self, value: impl FnOnce(Transfer) -> T) -> Result<C::Done<T>, C::Error> {
        let _call = self.session_mut().call();
        while self.outcome.is_open() {
            // In the loop, because most downloads have no rest, and clearing it takes time.
            let mut rest = [0; 8192];
            // After an error the outcome is no longer open, so the loop ends.
            let _ = self.attempt(|session, now| session.read_data(&mut rest, now).bytes());
        }
        C::finish(self.client, self.outcome.into_result().map(value))
    }

    /// Aborts the transfer after a failure on the caller's side
    fn fail(mut self, error: Error) -> C::Error {
        if self.outcome.is_open() {
            self.session_mut().abandon();
        }
        C::fail(self.client, error)
    }

    fn abort(mut self) -> Result<C::Done<Option<Reply>>, C::Error> {
        let result = self.session_mut().abort();
        C::finish(self.client, result)
    }
}

impl<C: Holder<Client>> DownloadWith<C> {
    /// Whether the transfer has succeeded, or why not, if it has ended
    pub(crate) fn end(&self) -> Option<Result<(), Error>> {
        self.guard.outcome.end()
    }

    /// Waits until `next` returns something; `None` when the transfer is complete
    pub(crate) fn read_with<T>(
        &mut self,
        next: impl FnMut(&mut Inner, Time) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        self.guard.session_mut().inner.look_for_data();
        self.guard.attempt(next)
    }
}

impl<C: Holder<Client>> Read for DownloadWith<C> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        self.guard.session_mut().clock.begin();
        let count = self.read_with(|session, now| session.read_data(buffer, now).bytes())?;
        Ok(count.unwrap_or(0))
    }
}

impl<C: Holder<Client>> UploadWith<C> {
    pub(crate) fn session_mut(&mut self) -> &mut Session {
        self.guard.session_mut()
    }
}

impl<C: Holder<Client>> Write for UploadWith<C> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        self.guard.session_mut().clock.begin();
        let sent = self.guard.attempt(|session, now| session.write_data(bytes, now).bytes())?;
        // The transfer ended before its data did: the server does not want the rest.
        sent.ok_or_else(|| Error::Local(io::ErrorKind::BrokenPipe.into()).into())
    }

    /// Sends the bytes that TLS and the conversion of texts hold back
    fn flush(&mut self) -> io::Result<()> {
        self.guard.session_mut().clock.begin();
        loop {
            self.guard.poll_end();
            self.guard.keep_to_deadline();
            match self.guard.outcome.end() {
                Some(end) => return end.map_err(io::Error::from),
                None if !self.guard.session().inner.holds_back() => return Ok(()),
                None => self.guard.session_mut().wait(),
            }
        }
    }
}
