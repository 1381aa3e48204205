//! Transfers as [`AsyncRead`] and [`AsyncWrite`], which borrow or own their client

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ftp_proto::listing::Format;
use ftp_proto::{Get, Op, Put, Reply, Transfer};
use ftp_session::{Error, Holder, Moved};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::client::{Client, OwnedError};
use crate::io::Look;
use crate::session::Session;

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
pub struct Upload<C: Holder<Client>> {
    guard: Guard<C>,
}

struct Guard<C> {
    client: C,
    op: Op<Transfer>,
    state: State,
}

enum State {
    Moving,
    Ended(Result<Transfer, Error>),
}

impl State {
    /// The state of a transfer that has begun, or is already over
    fn begun(over: Option<Transfer>) -> Self {
        over.map_or(Self::Moving, |transfer| Self::Ended(Ok(transfer)))
    }
}

impl<C: Holder<Client>> Guard<C> {
    fn session(&mut self) -> &mut Session {
        &mut self.client.borrow_mut().session
    }

    /// The transfer's result, if it has ended; may be asked repeatedly
    fn end(&self) -> Option<Result<(), Error>> {
        match &self.state {
            State::Moving => None,
            State::Ended(Ok(_)) => Some(Ok(())),
            State::Ended(Err(error)) => Some(Err(error.duplicate())),
        }
    }

    /// Tries to move bytes until some have moved; `None` if the transfer has ended
    fn poll_bytes(
        &mut self,
        context: &mut Context<'_>,
        mut attempt: impl FnMut(&mut Session) -> Moved,
    ) -> Poll<Option<usize>> {
        let op = self.op;
        let session = &mut self.client.borrow_mut().session;
        session.run_clock();
        session.attend(context, Look::Runtime);
        session.inner.look_for_data();
        session.inner.renew_allowance();
        if let Moved::Bytes(count) = attempt(session) {
            session.stop_clock();
            return Poll::Ready(Some(count));
        }
        let found = session.poll(context, |session| {
            if let Some(result) = session.take(op) {
                return Some(Err(result));
            }
            match attempt(session) {
                Moved::Bytes(count) => Some(Ok(count)),
                Moved::NotReady | Moved::Ended => None,
            }
        });
        match ready!(found) {
            Ok(count) => Poll::Ready(Some(count)),
            Err(result) => {
                self.state = State::Ended(result);
                Poll::Ready(None)
            }
        }
    }

    /// Waits for the transfer's end, and calls `meanwhile` after each turn
    fn poll_end(
        &mut self,
        context: &mut Context<'_>,
        mut meanwhile: impl FnMut(&mut Session),
    ) -> Poll<()> {
        if let State::Ended(_) = self.state {
            return Poll::Ready(());
        }
        let op = self.op;
        let ended = self.session().poll(context, |session| {
            let ended = session.take(op);
            if ended.is_none() {
                meanwhile(session);
            }
            ended
        });
        self.state = State::Ended(ready!(ended));
        Poll::Ready(())
    }

    /// Waits for the transfer's end; a success is given this value
    async fn finish<T>(
        mut self,
        mut meanwhile: impl FnMut(&mut Session),
        value: impl FnOnce(Transfer) -> T,
    ) -> Result<C::Done<T>, C::Error> {
        poll_fn(|context| self.poll_end(context, &mut meanwhile)).await;
        let result = match self.state {
            State::Ended(result) => result,
            // `poll_end` has waited for the end.
            State::Moving => Err(Error::Ftp(ftp_proto::Error::Aborted)),
        };
        give_back(self.client, result.map(value))
    }

    /// Aborts the transfer after a failure on the caller's side
    async fn fail(mut self, error: Error) -> C::Error {
        let session = self.session();
        session.abandon();
        // The next request reports how the session ended.
        let _ = session.rest().await;
        let usable = self.client.borrow().is_connected();
        self.client.failed(error, usable)
    }

    async fn abort(mut self) -> Result<C::Done<Option<Reply>>, C::Error> {
        let runs = matches!(self.state, State::Moving);
        let session = self.session();
        session.abandon();
        let settled = session.rest().await;
        let reply = session.inner.client().abort_reply().filter(|_| runs).cloned();
        give_back(self.client, settled.map(|()| reply))
    }
}

/// Ends a transfer with this result
fn give_back<C: Holder<Client>, T>(
    client: C,
    result: Result<T, Error>,
) -> Result<C::Done<T>, C::Error> {
    let usable = client.borrow().is_connected();
    client.finish(result, usable)
}

/// Waits until a transfer has begun
async fn begin<C: Holder<Client>>(mut client: C, op: Op<Transfer>) -> Result<Guard<C>, C::Error> {
    match client.borrow_mut().session.start(op).await {
        Ok(over) => Ok(Guard { client, op, state: State::begun(over) }),
        Err(error) => {
            let usable = client.borrow().is_connected();
            Err(client.failed(error, usable))
        }
    }
}

impl<C: Holder<Client>> Download<C> {
    /// Waits until the transfer has begun
    pub(crate) async fn start(client: C, op: Op<Transfer>) -> Result<Self, C::Error> {
        Ok(Self { guard: begin(client, op).await? })
    }

    pub(crate) fn session(&mut self) -> &mut Session {
        self.guard.session()
    }

    /// The format of the listing, if this is one and its command determines the format
    pub(crate) fn listing_format(&self) -> Option<Format> {
        self.guard.client.borrow().session.inner.client().listing_format()
    }

    pub(crate) fn line_limit(&self) -> usize {
        self.guard.client.borrow().session.line_limit
    }

    /// The size in bytes that the server announced when the transfer began, if it did; a hint, because servers differ
    /// in what they count
    #[must_use]
    #[doc(alias = "parse150")]
    pub fn size_hint(&self) -> Option<u64> {
        self.guard.client.borrow().session.size_hint
    }

    /// Reads bytes of the file, at most `buffer.len()`; 0 when the transfer is complete
    pub(crate) fn poll_receive(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<Result<usize, Error>> {
        if let Some(end) = self.guard.end() {
            return Poll::Ready(end.map(|()| 0));
        }
        let received = self.guard.poll_bytes(context, |session| {
            let now = session.now();
            session.inner.read_data(buffer, now)
        });
        match ready!(received) {
            Some(count) => Poll::Ready(Ok(count)),
            None => Poll::Ready(self.guard.end().unwrap_or(Ok(())).map(|()| 0)),
        }
    }

    /// The transfer's result, if it has ended; may be asked repeatedly
    pub(crate) fn end(&self) -> Option<Result<(), Error>> {
        self.guard.end()
    }

    /// Polls for an entry of a listing, which `next` reads itself; `None` when the transfer has ended
    pub(crate) fn poll_with<T>(
        &mut self,
        context: &mut Context<'_>,
        mut next: impl FnMut(&mut Session) -> Option<T>,
    ) -> Poll<Option<T>> {
        if let State::Ended(_) = self.guard.state {
            return Poll::Ready(None);
        }
        let mut found = None;
        let moved = self.guard.poll_bytes(context, |session| {
            found = next(session);
            if found.is_some() { Moved::Bytes(1) } else { Moved::NotReady }
        });
        ready!(moved);
        Poll::Ready(found)
    }

    /// Ends the transfer: reads and discards the rest, and waits for the final reply
    ///
    /// # Errors
    ///
    /// Why the transfer failed; [`Error::is_fatal`] says whether the session ended, too.
    #[doc(alias = "voidresp")]
    pub async fn finish(self) -> Result<C::Done<Transfer>, C::Error> {
        self.finish_with(|transfer| transfer).await
    }

    /// As [`Self::finish`]; a success is given this value
    pub(crate) async fn finish_with<T>(
        self,
        value: impl FnOnce(Transfer) -> T,
    ) -> Result<C::Done<T>, C::Error> {
        let meanwhile = |session: &mut Session| {
            let now = session.now();
            // A buffer in the future would make it that much larger.
            let mut rest = [0; 4096];
            while let Moved::Bytes(_) = session.inner.read_data(&mut rest, now) {}
        };
        self.guard.finish(meanwhile, value).await
    }

    /// Aborts the transfer after a failure on the caller's side
    pub(crate) async fn fail(self, error: Error) -> C::Error {
        self.guard.fail(error).await
    }

    /// Stops the transfer and waits until the session is usable
    ///
    /// Returns the server's first final reply to ABOR; `None` if it sent none, or if no ABOR was needed.
    ///
    /// # Errors
    ///
    /// The error that ended the session, if the server did not settle in time.
    #[doc(alias = "ABOR")]
    pub async fn abort(self) -> Result<C::Done<Option<Reply>>, C::Error> {
        self.guard.abort().await
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
        let count = ready!(self.poll_receive(context, buffer.initialize_unfilled()))?;
        buffer.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl<C: Holder<Client>> Upload<C> {
    pub(crate) async fn start(client: C, op: Op<Transfer>) -> Result<Self, C::Error> {
        Ok(Self { guard: begin(client, op).await? })
    }

    /// Ends the file and waits for the server to confirm the upload
    ///
    /// # Errors
    ///
    /// Why the transfer failed; a part of the file may be on the server. After [`ftp_proto::Error::Unconfirmed`], all
    /// of it may be.
    #[doc(alias = "voidresp")]
    pub async fn finish(mut self) -> Result<C::Done<Transfer>, C::Error> {
        self.end_file();
        self.guard.finish(|_| {}, |transfer| transfer).await
    }

    /// Aborts the transfer after a failure on the caller's side
    pub(crate) async fn fail(self, error: Error) -> C::Error {
        self.guard.fail(error).await
    }

    /// Stops the transfer and waits until the session is usable; a part of the file stays on the server, and may look
    /// complete
    ///
    /// Returns the same as [`Download::abort`].
    ///
    /// # Errors
    ///
    /// The error that ended the session, if the server did not settle in time.
    #[doc(alias = "ABOR")]
    pub async fn abort(self) -> Result<C::Done<Option<Reply>>, C::Error> {
        self.guard.abort().await
    }

    fn end_file(&mut self) {
        let session = self.guard.session();
        let now = session.now();
        session.inner.finish_upload(now);
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
        if let State::Moving = self.guard.state {
            let sent = self.guard.poll_bytes(context, |session| {
                let now = session.now();
                session.inner.write_data(bytes, now)
            });
            if let Some(count) = ready!(sent) {
                return Poll::Ready(Ok(count));
            }
        }
        Poll::Ready(Err(match self.guard.end() {
            Some(Err(error)) => error.into(),
            // The transfer ended before its data did: the server does not want the rest.
            _ => io::ErrorKind::BrokenPipe.into(),
        }))
    }

    /// Sends the bytes that TLS and the conversion of texts hold back
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let State::Moving = self.guard.state {
            let op = self.guard.op;
            let flushed = self.guard.session().poll(context, |session| match session.take(op) {
                Some(ended) => Some(Some(ended)),
                None if session.inner.holds_back() => None,
                None => Some(None),
            });
            match ready!(flushed) {
                Some(ended) => self.guard.state = State::Ended(ended),
                None => return Poll::Ready(Ok(())),
            }
        }
        Poll::Ready(self.guard.end().unwrap_or(Ok(())).map_err(io::Error::from))
    }

    /// Ends the file and waits for the server to confirm the upload, as [`Upload::finish`]
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let State::Moving = self.guard.state {
            self.end_file();
            ready!(self.guard.poll_end(context, |_| {}));
        }
        Poll::Ready(self.guard.end().unwrap_or(Ok(())).map_err(io::Error::from))
    }
}

impl<C> Guard<C> {
    fn debug(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state: &dyn fmt::Debug = match &self.state {
            State::Moving => &"moving",
            State::Ended(result) => result,
        };
        f.debug_struct(name).field("op", &self.op).field("state", state).finish_non_exhaustive()
    }
}

impl<C: Holder<Client>> fmt::Debug for Download<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.guard.debug("Download", f)
    }
}

impl<C: Holder<Client>> fmt::Debug for Upload<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.guard.debug("Upload", f)
    }
}

/// Transfers: those that borrow the client, and those that own it and are `'static`
impl Client {
    /// Begins a download: `get("f")`, or `get(Get::new("f").resume_at(n).ascii())`
    ///
    /// # Errors
    ///
    /// A refusal by the server, or the failure of the data connection.
    #[doc(alias = "RETR")]
    #[doc(alias = "retrbinary")]
    pub async fn get(&mut self, get: impl Into<Get>) -> Result<Download<&mut Self>, Error> {
        let op = self.session.begin().await.get(get);
        Download::start(self, op).await
    }

    /// As [`Self::get`], but the download owns the client; [`Download::finish`] returns it
    ///
    /// # Errors
    ///
    /// As [`Self::get`]; the error contains the client if the session is still usable.
    #[doc(alias = "transfercmd")]
    #[doc(alias = "ntransfercmd")]
    pub async fn into_get(mut self, get: impl Into<Get>) -> Result<Download<Self>, OwnedError> {
        let op = self.session.begin().await.get(get);
        Download::start(self, op).await
    }

    /// Begins an upload: `put("f")`, `put(Put::new("f").append())`, `put(Put::unique())`
    ///
    /// # Errors
    ///
    /// A refusal by the server, or the failure of the data connection.
    #[doc(alias = "STOR")]
    #[doc(alias = "APPE")]
    #[doc(alias = "STOU")]
    #[doc(alias = "storbinary")]
    pub async fn put(&mut self, put: impl Into<Put>) -> Result<Upload<&mut Self>, Error> {
        let op = self.session.begin().await.put(put);
        Upload::start(self, op).await
    }

    /// As [`Self::put`], but the upload owns the client; [`Upload::finish`] returns it
    ///
    /// # Errors
    ///
    /// As [`Self::put`]; the error contains the client if the session is still usable.
    #[doc(alias = "transfercmd")]
    pub async fn into_put(mut self, put: impl Into<Put>) -> Result<Upload<Self>, OwnedError> {
        let op = self.session.begin().await.put(put);
        Upload::start(self, op).await
    }
}
