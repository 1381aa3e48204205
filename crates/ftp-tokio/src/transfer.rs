//! Transfers as [`AsyncRead`] and [`AsyncWrite`], which borrow or own their client

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ftp_proto::{Op, Reply, Transfer};
use ftp_session::{Error, Holder, Moved, Outcome, Time};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::client::Client;
use crate::session::{Inner, Session};

/// A download in progress
///
/// [`AsyncRead`] returns the file's bytes, straight from the socket into the caller's buffer; reads of 64 KiB or more
/// cost the least. At the end of the data it waits for the server's final reply, and reports the end only if that
/// reply says that the transfer is complete: if you read to the end without an error, you have the whole file. I/O
/// errors wrap an [`Error`]: see [`Error::in_io`], or use `?` in a function that returns one.
///
/// `C` is `&mut Client`, or [`Client`] itself. With the latter the download is `'static`, and [`finish`](Self::finish)
/// and [`abort`](Self::abort) return the client, as does an [`OwnedError`](crate::OwnedError) if the session is still
/// usable.
///
/// # Dropping it
///
/// Dropping it before its end aborts the transfer. With a `&mut Client` the next call does so before anything else,
/// within [`Config::settle_timeout`](crate::Config::settle_timeout); with a `Client` the session is closed at once,
/// without QUIT.
#[must_use = "dropping it aborts the transfer"]
#[derive(Debug)]
pub struct Download<C: Holder<Client>> {
    guard: Guard<C>,
}

/// An upload in progress, which only [`Self::finish`] or [`AsyncWrite::poll_shutdown`] completes
///
/// Dropping it before that aborts the upload as with a [`Download`], without an error. The bytes sent so far, or an
/// empty file, stay on the server under the file's name, replacing what was there before; in clear text the server
/// can't tell that the file is incomplete. A failed upload leaves such a file as well. Upload again, delete the file,
/// or upload under another name and rename it after `finish`.
///
/// [`AsyncWrite`] takes the file's bytes; write 64 KiB or more at a time. I/O errors wrap an [`Error`]: see
/// [`Error::in_io`].
#[must_use = "dropping it aborts the transfer; `finish` completes it"]
#[derive(Debug)]
pub struct Upload<C: Holder<Client>> {
    guard: Guard<C>,
}

#[derive(Debug)]
struct Guard<C> {
    client: C,
    op: Op<Transfer>,
    outcome: Outcome,
}

ftp_session::transfer_methods! { Client, [async], [.await]; Guard, Session, Download, Upload }

impl<C: Holder<Client>> Guard<C> {
    /// Attempts to move bytes until some have moved; `None` if the transfer has ended
    fn poll_attempt<T>(
        &mut self,
        context: &mut Context<'_>,
        mut attempt: impl FnMut(&mut Inner, Time) -> Option<T>,
    ) -> Poll<Result<Option<T>, Error>> {
        if let Some(end) = self.outcome.end() {
            return Poll::Ready(end.map(|()| None));
        }
        let mut attempt = |session: &mut Session| {
            let now = session.last_time();
            attempt(&mut session.inner, now)
        };
        let op = self.op;
        let session = &mut self.client.borrow_mut().session;
        session.run_clock();
        ready!(session.poll_attend(context));
        session.inner.look_for_data();
        session.inner.renew_allowance();
        if let Some(moved) = attempt(session) {
            session.stop_clock();
            return Poll::Ready(Ok(Some(moved)));
        }
        let found = session.poll_attended(context, |session| match session.take(op) {
            Some(result) => Some(Err(result)),
            None => attempt(session).map(Ok),
        });
        match ready!(found) {
            Ok(moved) => Poll::Ready(Ok(Some(moved))),
            Err(result) => {
                self.outcome = Outcome::Ended(result);
                Poll::Ready(self.outcome.end().unwrap_or(Ok(())).map(|()| None))
            }
        }
    }

    /// Waits for the transfer's end; discards the rest of a download
    fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if !self.outcome.is_open() {
            return Poll::Ready(());
        }
        let op = self.op;
        let ended = self.session_mut().poll(context, |session| {
            let ended = session.take(op);
            if ended.is_none() {
                let now = session.last_time();
                // A buffer in the future would make it that much larger.
                let mut rest = [0; 4096];
                while let Moved::Bytes(_) = session.inner.read_data(&mut rest, now) {}
            }
            ended
        });
        self.outcome = Outcome::Ended(ready!(ended));
        Poll::Ready(())
    }

    /// Waits for the transfer's end; a success is given this value
    async fn finish<T>(
        mut self,
        value: impl FnOnce(Transfer) -> T,
    ) -> Result<C::Done<T>, C::Error> {
        poll_fn(|context| self.poll_end(context)).await;
        C::finish(self.client, self.outcome.into_result().map(value))
    }

    /// Aborts the transfer after a failure on the caller's side
    async fn fail(mut self, error: Error) -> C::Error {
        let session = self.session_mut();
        session.abandon();
        // The next request reports how the session ended.
        let _ = session.rest().await;
        C::fail(self.client, error)
    }

    async fn abort(mut self) -> Result<C::Done<Option<Reply>>, C::Error> {
        let runs = self.outcome.is_open();
        let session = self.session_mut();
        session.abandon();
        let settled = session.rest().await;
        let reply = session.inner.client().abort_reply().filter(|_| runs).cloned();
        C::finish(self.client, settled.map(|()| reply))
    }
}

impl<C: Holder<Client>> Download<C> {
    /// Waits until `next` returns something; `None` when the transfer is complete
    pub(crate) fn poll_with<T>(
        &mut self,
        context: &mut Context<'_>,
        next: impl FnMut(&mut Inner, Time) -> Option<T>,
    ) -> Poll<Result<Option<T>, Error>> {
        self.guard.poll_attempt(context, next)
    }

    /// As [`Self::poll_with`]
    pub(crate) async fn read_with<T>(
        &mut self,
        mut next: impl FnMut(&mut Inner, Time) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        poll_fn(|context| self.guard.poll_attempt(context, &mut next)).await
    }
}

impl<C: Holder<Client> + Unpin> AsyncRead for Download<C> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let room = buffer.initialize_unfilled();
        let received =
            self.guard.poll_attempt(context, |session, now| session.read_data(room, now).bytes());
        buffer.advance(ready!(received)?.unwrap_or(0));
        Poll::Ready(Ok(()))
    }
}

impl<C: Holder<Client>> Upload<C> {
    /// Waits for the transfer's end, while there is nothing to send
    pub(crate) fn poll_over(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.guard.poll_end(context)
    }
}

impl<C: Holder<Client> + Unpin> AsyncWrite for Upload<C> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let sent =
            self.guard.poll_attempt(context, |session, now| session.write_data(bytes, now).bytes());
        // The transfer ended before its data did: the server does not want the rest.
        Poll::Ready(ready!(sent)?.ok_or_else(|| io::ErrorKind::BrokenPipe.into()))
    }

    /// Sends the bytes that TLS and the conversion of texts hold back
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.guard.outcome.is_open() {
            let op = self.guard.op;
            let flushed =
                self.guard.session_mut().poll(context, |session| match session.take(op) {
                    Some(ended) => Some(Some(ended)),
                    None if session.inner.holds_back() => None,
                    None => Some(None),
                });
            match ready!(flushed) {
                Some(ended) => self.guard.outcome = Outcome::Ended(ended),
                None => return Poll::Ready(Ok(())),
            }
        }
        Poll::Ready(self.guard.outcome.end().unwrap_or(Ok(())).map_err(io::Error::from))
    }

    /// Ends the file and waits for the server to confirm the upload, as [`Upload::finish`]
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.guard.outcome.is_open() {
            self.guard.end_file();
            ready!(self.guard.poll_end(context));
        }
        Poll::Ready(self.guard.outcome.end().unwrap_or(Ok(())).map_err(io::Error::from))
    }
}
