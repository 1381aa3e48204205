//! Transfers as [`Read`] and [`Write`]: a guard each, which borrows the client until it is done

use std::fmt;
use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use ftp_proto::listing::{Format, UtcOffset};
use ftp_proto::{AsciiDecoder, AsciiEncoder, Codec, Encoding, Op, Transfer};

use crate::clock::{Call, later};
use crate::data::Moved;
use crate::error::Error;
use crate::session::Session;
use crate::wait::Interest;

/// Bytes of wire text held while line ends are changed; image transfers have no buffer
const TEXT_BUFFER: usize = 32 * 1024;

/// A download in progress
///
/// [`Read`] gives the file's bytes, straight from the socket into the caller's buffer; 64 KiB and
/// more at a time cost the least. At the end of the data it waits for the server's final reply, and
/// returns 0 only if that says that the transfer is complete: whoever reads to the end without an
/// error has the whole file. Errors carry an [`Error`]: see [`Error::in_io`], or use `?` in a
/// function that returns one.
///
/// Dropped before its end it is aborted, which waits until the server has settled, usually a round
/// trip, at most [`Config::settle_timeout`](crate::Config::settle_timeout).
#[must_use = "dropping it aborts the transfer"]
pub struct Download<'a> {
    guard: Guard<'a>,
    text: Option<Box<TextIn>>,
    limit: Option<Limit>,
}

/// How long a download may be
#[derive(Clone, Copy, Debug)]
struct Limit {
    bytes: u64,
    /// Bytes of it that have not come yet
    left: u64,
    /// Bytes beyond it that have been passed over
    over: u64,
}

/// An upload in progress, which only [`Self::finish`] completes
///
/// Dropped without it the upload is aborted, and no error says so. What was sent before, or an empty file,
/// stays on the server under the file's name, in place of what was there before; in clear text the
/// server can't tell that it is not complete. The same is left by an upload that fails: upload again,
/// delete the file, or upload under another name and rename it after `finish`.
///
/// [`Write`] takes the file's bytes; write 64 KiB and more at a time. Errors carry an [`Error`]: see
/// [`Error::in_io`].
#[must_use = "dropping it aborts the transfer; `finish` completes it"]
pub struct Upload<'a> {
    guard: Guard<'a>,
    server: ServerEnd,
    text: Option<Box<TextOut>>,
}

struct Guard<'a> {
    session: &'a mut Session,
    op: Op<Transfer>,
    state: State,
}

enum State {
    Moving,
    Ended(Result<Transfer, Error>),
}

/// What is known of the server's side of an upload's data connection
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ServerEnd {
    Open,
    /// Nothing more comes from there
    Closed,
}

struct TextIn {
    decoder: AsciiDecoder,
    wire: Vec<u8>,
    start: usize,
    end: usize,
}

struct TextOut {
    encoder: AsciiEncoder,
    wire: Vec<u8>,
}

impl<'a> Guard<'a> {
    /// Waits until the transfer has begun
    fn start(session: &'a mut Session, op: Op<Transfer>) -> Result<Self, Error> {
        let state = State::begun(session.start(op)?);
        Ok(Self { session, op, state })
    }

    fn encoding(&mut self) -> Encoding {
        self.session.moving().map_or(Encoding::Image, |(_, moving)| moving.encoding)
    }

    /// Whether the machine says that the transfer has ended
    fn poll_end(&mut self) {
        self.session.settle();
        if let Some(result) = self.session.take(self.op) {
            self.state = State::Ended(result);
        }
    }

    /// Waits until bytes can move, or the transfer has ended otherwise
    fn wait(&mut self, direction: Interest) {
        if !self.session.wait_to_move(direction, None) {
            self.session.expire();
        }
        // Also when bytes can move: the control connection may have decided in the same moment, and
        // after that nothing would end the next wait.
        self.poll_end();
        self.keep_to_deadline();
    }

    /// Ends the transfer if the call has taken too long
    fn keep_to_deadline(&mut self) {
        if let State::Moving = self.state {
            if let Err(error) = self.session.keep_to_deadline() {
                self.state = State::Ended(Err(error));
            }
        }
    }

    /// How the transfer ended, for those who ask again
    fn end(&self) -> Option<Result<(), Error>> {
        match &self.state {
            State::Moving => None,
            State::Ended(Ok(_)) => Some(Ok(())),
            State::Ended(Err(error)) => Some(Err(error.again())),
        }
    }

    fn into_result(mut self) -> Result<Transfer, Error> {
        match std::mem::replace(&mut self.state, State::Ended(Err(aborted()))) {
            State::Ended(result) => result,
            // Only ended transfers are asked.
            State::Moving => Err(aborted()),
        }
    }

    fn abort(mut self) -> Result<(), Error> {
        self.session.clock.begin();
        self.cancel();
        self.session.keep_to_deadline()?;
        match self.session.proto.error() {
            Some(error) => Err(error.clone().into()),
            None => Ok(()),
        }
    }

    fn cancel(&mut self) {
        if let State::Moving = self.state {
            self.session.cancel();
            self.state = State::Ended(Err(aborted()));
        }
    }
}

impl State {
    /// Of a transfer that has begun, or is over already
    fn begun(over: Option<Transfer>) -> Self {
        over.map_or(Self::Moving, |transfer| Self::Ended(Ok(transfer)))
    }
}

const fn aborted() -> Error {
    Error::Ftp(ftp_proto::Error::Aborted)
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.cancel();
    }
}

impl<'a> Download<'a> {
    /// What follows, until this is dropped, is one call
    pub(crate) fn call(&mut self) -> Call {
        self.guard.session.clock.begin_all()
    }

    /// Waits until the transfer has begun
    pub(crate) fn start(session: &'a mut Session, op: Op<Transfer>) -> Result<Self, Error> {
        let mut guard = Guard::start(session, op)?;
        let text = (guard.encoding() == Encoding::Ascii).then(|| {
            Box::new(TextIn {
                decoder: AsciiDecoder::new(),
                wire: vec![0; TEXT_BUFFER],
                start: 0,
                end: 0,
            })
        });
        Ok(Self { guard, text, limit: None })
    }

    /// Size in bytes that the server told when the transfer began, if it did; a hint: servers
    /// differ in what they count
    #[must_use]
    #[doc(alias = "parse150")]
    pub fn size_hint(&self) -> Option<u64> {
        self.guard.session.size_hint
    }

    /// How the listing is to be read, if it is one and its command tells
    pub(crate) fn listing_format(&self) -> Option<Format> {
        self.guard.session.proto.listing_format()
    }

    /// What SYST, if it was asked, says of the server's listings
    pub(crate) fn listing_hint(&self) -> Option<Format> {
        self.guard.session.proto.listing_hint()
    }

    /// How far the clock of the server's listings is ahead of UTC
    pub(crate) fn utc_offset(&self) -> Option<UtcOffset> {
        self.guard.session.utc_offset
    }

    /// Ends the transfer: reads what is left, throwing it away, and waits for the final reply
    ///
    /// # Errors
    ///
    /// Why the transfer failed; [`Error::is_fatal`] tells whether the session did, too.
    #[doc(alias = "voidresp")]
    pub fn finish(mut self) -> Result<Transfer, Error> {
        let _call = self.call();
        let mut rest = Vec::new();
        while let State::Moving = self.guard.state {
            rest.resize(16 * 1024, 0);
            self.read_wire(&mut rest)?;
        }
        self.guard.into_result()
    }

    /// Stops the transfer; the session is usable afterwards, if this succeeds
    ///
    /// # Errors
    ///
    /// That of the session's end, if the server did not settle in time.
    #[doc(alias = "ABOR")]
    pub fn abort(self) -> Result<(), Error> {
        self.guard.abort()
    }

    /// Bytes from the network; 0 when the transfer is complete
    fn read_wire(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        loop {
            self.guard.keep_to_deadline();
            if let Some(end) = self.guard.end() {
                return end.map(|()| 0);
            }
            let room = self.limit.map_or(u64::MAX, |limit| limit.left);
            if room == 0 {
                self.pass_over();
                continue;
            }
            let room = usize::try_from(room).unwrap_or(usize::MAX).min(buffer.len());
            match self.guard.session.receive(&mut buffer[..room]) {
                Moved::Bytes(count) => {
                    if let Some(limit) = &mut self.limit {
                        limit.left -= count as u64;
                    }
                    return Ok(count);
                }
                Moved::Nothing => self.guard.wait(Interest::READ),
                Moved::Ended => self.await_end(),
            }
        }
    }

    /// No more than so many bytes are given to the caller; `None`: as many as come
    ///
    /// A little more is passed over, so that the transfer can end by itself, and then fails with
    /// [`TooLong`](ftp_proto::Error::TooLong) if the machine was told the size. If still more comes the
    /// transfer is aborted, and fails so in any case.
    pub(crate) fn at_most(mut self, bytes: Option<u64>) -> Self {
        self.limit = bytes.map(|bytes| Limit { bytes, left: bytes, over: 0 });
        self
    }

    /// Reads what is beyond the limit
    fn pass_over(&mut self) {
        const MOST: u64 = 64 * 1024;
        let Some(limit) = &mut self.limit else { return };
        match self.guard.session.receive(&mut [0; 4096]) {
            Moved::Bytes(count) => {
                limit.over += count as u64;
                if limit.over > MOST {
                    let (received, expected) = (limit.bytes + limit.over, limit.bytes);
                    self.guard.session.stop();
                    let error = ftp_proto::Error::TooLong { received, expected };
                    self.guard.state = State::Ended(Err(error.into()));
                }
            }
            Moved::Nothing => self.guard.wait(Interest::READ),
            Moved::Ended => self.await_end(),
        }
    }

    /// The data has ended: what does the server say?
    fn await_end(&mut self) {
        self.guard.poll_end();
        while let State::Moving = self.guard.state {
            // Refused for want of a TLS session, of which there is one now: it begins again.
            if self.guard.session.is_moving() {
                return;
            }
            self.guard.wait(Interest::NONE);
        }
    }
}

impl Read for Download<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        self.guard.session.clock.begin();
        let Some(mut text) = self.text.take() else { return Ok(self.read_wire(buffer)?) };
        let result = loop {
            if text.start < text.end {
                let progress = text.decoder.process(&text.wire[text.start..text.end], buffer);
                text.start += progress.consumed;
                if progress.produced > 0 {
                    break Ok(progress.produced);
                }
                continue;
            }
            match self.read_wire(&mut text.wire) {
                Ok(0) => break Ok(text.decoder.finish(buffer).produced),
                Ok(count) => (text.start, text.end) = (0, count),
                Err(error) => break Err(error.into()),
            }
        };
        self.text = Some(text);
        result
    }
}

impl<'a> Upload<'a> {
    /// What follows, until this is dropped, is one call
    pub(crate) fn call(&mut self) -> Call {
        self.guard.session.clock.begin_all()
    }

    pub(crate) fn start(session: &'a mut Session, op: Op<Transfer>) -> Result<Self, Error> {
        let mut guard = Guard::start(session, op)?;
        let text = (guard.encoding() == Encoding::Ascii).then(|| {
            Box::new(TextOut { encoder: AsciiEncoder::new(), wire: vec![0; TEXT_BUFFER] })
        });
        Ok(Self { guard, server: ServerEnd::Open, text })
    }

    /// Ends the file and waits for the server to confirm that it has it
    ///
    /// # Errors
    ///
    /// Why the transfer failed; a part of the file may be on the server. If it is
    /// [`ftp_proto::Error::Unconfirmed`] all of it may be.
    #[doc(alias = "voidresp")]
    pub fn finish(mut self) -> Result<Transfer, Error> {
        let _call = self.call();
        self.end_data();
        self.drain();
        self.guard.session.upload_finished();
        self.guard.poll_end();
        while let State::Moving = self.guard.state {
            self.guard.wait(Interest::NONE);
        }
        if let State::Ended(Ok(_)) = &self.guard.state {
            self.guard.session.upload_confirmed(self.guard.op.id());
        }
        self.guard.into_result()
    }

    /// Stops the transfer; a part of the file stays on the server, and may look complete
    ///
    /// # Errors
    ///
    /// That of the session's end, if the server did not settle in time.
    #[doc(alias = "ABOR")]
    pub fn abort(self) -> Result<(), Error> {
        self.guard.abort()
    }

    /// Puts bytes on the network; how many it has taken
    fn write_wire(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        loop {
            self.guard.keep_to_deadline();
            match self.guard.end() {
                Some(Err(error)) => return Err(error),
                // Over before its data was: nobody wants the rest.
                Some(Ok(())) => return Err(Error::Local(io::ErrorKind::BrokenPipe.into())),
                None => {}
            }
            match self.guard.session.send(bytes) {
                Moved::Bytes(count) => return Ok(count),
                moved => self.pause(moved),
            }
        }
    }

    /// Waits until the server takes more, says something on the control connection, or does what
    /// it should not
    fn pause(&mut self, moved: Moved) {
        if moved == Moved::Ended {
            self.guard.poll_end();
            while let State::Moving = self.guard.state {
                self.guard.wait(Interest::NONE);
            }
            return;
        }
        let read = self.server == ServerEnd::Open;
        self.guard.wait(Interest { read, write: true });
        if read && self.guard.session.listen_to_upload() == Moved::Ended {
            self.server = ServerEnd::Closed;
            self.guard.poll_end();
        }
    }

    /// Sends what is held back, and the end
    fn end_data(&mut self) {
        // A final reply that waits there can't be about the end, which is yet to be sent.
        self.guard.session.hear();
        self.guard.poll_end();
        while let State::Moving = self.guard.state {
            match self.guard.session.end_upload() {
                Moved::Bytes(_) => return,
                moved => self.pause(moved),
            }
        }
    }

    /// Reads until the server has closed: TLS tickets come here, and closing before what the
    /// server sends is read would reset the connection, which may cost the file its end (Q94)
    fn drain(&mut self) {
        /// After the final reply, for tickets that are still under way
        const LINGER: Duration = Duration::from_secs(2);
        let mut linger = None;
        while let State::Moving = self.guard.state {
            let now = Instant::now();
            let session = &mut *self.guard.session;
            if session.drain_upload() == Moved::Ended {
                return;
            }
            if session.proto.final_reply_came() {
                let secure = session.moving().is_some_and(|(_, moving)| moving.stream.is_secure());
                let until = *linger.get_or_insert_with(|| later(now, LINGER));
                if !secure || until.is_some_and(|until| until <= now) {
                    return;
                }
            }
            session.wait_to_move(Interest::READ, linger.flatten());
            session.expire();
            self.guard.poll_end();
            self.guard.keep_to_deadline();
        }
    }
}

impl Write for Upload<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        self.guard.session.clock.begin();
        let Some(mut text) = self.text.take() else { return Ok(self.write_wire(bytes)?) };
        let progress = text.encoder.process(bytes, &mut text.wire);
        let mut sent = 0;
        let mut result = Ok(progress.consumed);
        while sent < progress.produced {
            match self.write_wire(&text.wire[sent..progress.produced]) {
                Ok(count) => sent += count,
                Err(error) => {
                    result = Err(error.into());
                    break;
                }
            }
        }
        self.text = Some(text);
        result
    }

    /// Sends what TLS holds back
    fn flush(&mut self) -> io::Result<()> {
        self.guard.session.clock.begin();
        loop {
            match self.guard.end() {
                Some(Err(error)) => return Err(error.into()),
                Some(Ok(())) => return Ok(()),
                None => {}
            }
            match self.guard.session.flush_data() {
                Moved::Bytes(_) => return Ok(()),
                moved => self.pause(moved),
            }
        }
    }
}

impl fmt::Debug for Download<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.guard.debug("Download", f)
    }
}

impl fmt::Debug for Upload<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.guard.debug("Upload", f)
    }
}

impl Guard<'_> {
    fn debug(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state: &dyn fmt::Debug = match &self.state {
            State::Moving => &"moving",
            State::Ended(result) => result,
        };
        f.debug_struct(name).field("op", &self.op).field("state", state).finish_non_exhaustive()
    }
}
