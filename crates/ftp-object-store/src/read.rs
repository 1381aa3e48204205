//! Reads objects: whole, in part, and continued after a connection broke
//!
//! A read that continues on a new session, because the old one broke or was needed by others, first asks for size and
//! time again, and compares the bytes before the break with those that arrived earlier. Any difference ends the read
//! with an error.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use ftp_tokio::{Download, Error as FtpError, Get, Lease, PoolError};
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, stream};
use object_store::path::Path;
use object_store::{Attributes, GetOptions, GetResult, GetResultPayload, Result};
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc::Sender;
use tokio::time::{Instant, timeout};

use crate::error::{Cause, Subject, broke, is_unknown_command};
use crate::inner::Inner;
use crate::look::{Found, Version, meta};
use crate::task;

/// Maximum length in bytes of a piece of the stream
const PIECE: usize = 128 << 10;
/// Pieces that are read before they are asked for
const AHEAD: usize = 8;
/// The longest range in bytes that is read before `get_opts` returns, on the session that has just looked up the
/// file's size
const AT_ONCE: u64 = 256 << 10;
/// The largest size of a file in bytes that is believed: `object_store` makes room for a whole read at once, and panics
/// if that is more than there can be
const LARGEST: u64 = isize::MAX as u64;
/// Bytes that are compared when a read continues
const OVERLAP: usize = 4096;
/// How long a reader may pause before its session goes to a task that waits for one
pub(crate) const PAUSE: Duration = Duration::from_secs(1);
/// The least length in bytes of a read after which the file's size and time are asked again: a smaller file is sent at
/// once, and not worth a round trip
pub(crate) const LONG: u64 = 1 << 20;
/// Bytes that are read and discarded after a range, in case the file ends there, rather than aborting the transfer
const READ_ON: usize = 256 << 10;

/// A read in progress
#[derive(Debug)]
struct Reading {
    inner: Arc<Inner>,
    location: Path,
    path: Vec<u8>,
    version: Version,
    /// The part that is left
    range: Range<u64>,
    /// The position in the file of the first byte that this session sends
    begins: u64,
    /// The last bytes that arrived, for the comparison
    tail: Vec<u8>,
    /// The number of sessions that it was started on
    sessions: u32,
    resumptions: u8,
    /// Whether the read is so long that the file may change during it
    is_long: bool,
}

/// How the part of a read on one session has ended
enum Part {
    /// All of the range has arrived
    Complete,
    /// The reader pauses, and another task waits for the session
    Paused(Bytes),
    /// The reader is gone
    Gone,
}

/// The result of one session for `get_opts`
enum Opened {
    Looked(Found),
    Refused(object_store::Error),
    Read(Version, Range<u64>, Bytes),
    /// The range is long, or the connection broke while it was read; with the number of attempts so far
    Stream(Version, Range<u64>, u8),
}

impl Inner {
    pub(crate) async fn get(
        self: &Arc<Self>,
        location: &Path,
        options: GetOptions,
    ) -> Result<GetResult> {
        let subject = self.subject("read", location);
        if options.version.is_some() {
            let source = "FTP servers keep no versions".into();
            return Err(object_store::Error::NotSupported { source });
        }
        let path = self.remote(location);
        let opened = self
            .pool
            .run(&self.site, |ftp| self.open(ftp, location, &path, &options))
            .await
            .map_err(|error| subject.error(error))?;
        let (version, range, payload) = match opened {
            Opened::Refused(error) => return Err(error),
            Opened::Looked(found) => {
                let version = found.into_file(subject)?;
                (version, 0..version.size, stream::empty().boxed())
            }
            Opened::Read(version, range, bytes) => {
                (version, range, stream::iter([Ok(bytes)]).boxed())
            }
            Opened::Stream(version, range, attempts) => {
                let reading = Reading {
                    inner: Arc::clone(self),
                    location: location.clone(),
                    path,
                    version,
                    range: range.clone(),
                    begins: range.start,
                    tail: Vec::new(),
                    sessions: attempts.into(),
                    resumptions: self.settings.resumptions - attempts,
                    is_long: range.end - range.start >= LONG,
                };
                (version, range, reading.stream())
            }
        };
        Ok(GetResult {
            payload: GetResultPayload::Stream(payload),
            meta: meta(location.clone(), version),
            range,
            attributes: Attributes::new(),
        })
    }

    /// Looks up the file, and reads the range if it is short
    async fn open(
        &self,
        mut ftp: Lease,
        location: &Path,
        path: &[u8],
        options: &GetOptions,
    ) -> Result<Opened, FtpError> {
        let version = match self.look(&mut ftp, path).await? {
            Found::File(version) => version,
            found => return Ok(Opened::Looked(found)),
        };
        let subject = self.subject("read", location);
        if version.size > LARGEST {
            let cause =
                format!("the server reports a size of {} bytes, which no file has", version.size);
            return Ok(Opened::Refused(subject.generic(cause)));
        }
        if let Err(error) = options.check_preconditions(&meta(location.clone(), version)) {
            return Ok(Opened::Refused(error));
        }
        if options.head {
            return Ok(Opened::Looked(Found::File(version)));
        }
        let range = match &options.range {
            None => 0..version.size,
            Some(range) => match range.as_range(version.size) {
                Ok(range) => range,
                Err(error) => return Ok(Opened::Refused(subject.generic(error.to_string()))),
            },
        };
        if range.is_empty() && options.range.is_some() {
            return Ok(Opened::Read(version, range, Bytes::new()));
        }
        if range.end - range.start > AT_ONCE {
            return Ok(Opened::Stream(version, range, 0));
        }
        match read_range(self, ftp, path, &range, version.size).await {
            Ok(bytes) => Ok(Opened::Read(version, range, bytes)),
            Err(error)
                if broke(&error) && self.settings.resumptions > 0 && version.shows_changes() =>
            {
                Ok(Opened::Stream(version, range, 1))
            }
            Err(error) => {
                let error = match error.is_missing() {
                    // It was deleted meanwhile.
                    true => subject.not_found(error),
                    false if is_file_refusal(&error) => subject.denied(error),
                    false => subject.error(error),
                };
                Ok(Opened::Refused(error))
            }
        }
    }
}

/// Reads a range into memory; if the file ends there, up to the end of the file and the server's final reply
///
pub(crate) async fn read_range(
    inner: &Inner,
    ftp: Lease,
    path: &[u8],
    range: &Range<u64>,
    size: u64,
) -> Result<Bytes, FtpError> {
    let to_end = size == range.end;
    let begun = Instant::now();
    let mut download = ftp.into_get(request(path, range.start, to_end.then_some(size))).await?;
    if range.start > 0 && inner.resumes.get().is_none() {
        inner.resumes.set(true);
    }
    let wanted = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
    let mut bytes = BytesMut::new();
    let mut first = None;
    while bytes.len() < wanted || to_end {
        bytes.reserve(PIECE.min(wanted - bytes.len()).max(1));
        let limit = if to_end { u64::MAX } else { (wanted - bytes.len()) as u64 };
        let count = (&mut download).take(limit).read_buf(&mut bytes).await?;
        let arrived = *first.get_or_insert_with(|| begun.elapsed());
        if count == 0 {
            inner.costs.learn(arrived, bytes.len() as u64, begun.elapsed().saturating_sub(arrived));
            download.finish().await?;
            return match bytes.len() < wanted {
                true => Err(cut_off(bytes.len(), wanted)),
                false => Ok(bytes.freeze()),
            };
        }
        if to_end && bytes.len() > wanted {
            // It is longer than its size: dropping the download aborts it.
            return Err(too_long(bytes.len() as u64, wanted as u64));
        }
    }
    if let Some(first) = first {
        inner.costs.learn(first, bytes.len() as u64, begun.elapsed().saturating_sub(first));
    }
    leave(download);
    Ok(bytes.freeze())
}

fn cut_off(received: usize, expected: usize) -> FtpError {
    let (received, expected) = (received as u64, Some(expected as u64));
    FtpError::Ftp(ftp_tokio::ftp_proto::Error::Truncated { received, expected, end: None })
}

fn too_long(received: u64, expected: u64) -> FtpError {
    FtpError::Ftp(ftp_tokio::ftp_proto::Error::TooLong { received, expected })
}

fn request(path: &[u8], start: u64, size: Option<u64>) -> Get {
    let get = Get::new(path).resume_at(start);
    match size {
        Some(size) => get.expect_size(size),
        None => get,
    }
}

/// Returns a session whose transfer is no longer wanted: by reading on, if the file ends soon, otherwise by an abort,
/// both in the background
fn leave(mut download: Download<Lease>) {
    tokio::spawn(async move {
        let mut rest = vec![0; 16 << 10];
        let mut read = 0;
        while read <= READ_ON {
            match download.read(&mut rest).await {
                Ok(0) | Err(_) => return,
                Ok(count) => read += count,
            }
        }
        // Dropping the download makes the pool abort it.
    });
}

/// Whether this is a 550 or 553: the file existed a moment ago, so it may not be read
fn is_file_refusal(error: &FtpError) -> bool {
    matches!(error.reply().map(|reply| reply.code().get()), Some(550 | 553))
}

impl Reading {
    fn stream(self) -> BoxStream<'static, Result<Bytes>> {
        task::stream(AHEAD, |out| self.run(out))
    }

    fn to_end(&self) -> bool {
        self.range.end == self.version.size
    }

    async fn run(mut self, out: Sender<Bytes>) -> Result<()> {
        let can_go_on = self.version.shows_changes();
        loop {
            match self.part(&out, can_go_on).await {
                Ok(Part::Complete | Part::Gone) => return Ok(()),
                Ok(Part::Paused(piece)) => {
                    if out.send(piece).await.is_err() {
                        return Ok(());
                    }
                }
                Err(Stop::Broke(error)) if can_go_on && self.resumptions > 0 => {
                    #[cfg(feature = "tracing")]
                    tracing::debug!(target: "ftp::store", location = %self.location, %error, "goes on");
                    #[cfg(not(feature = "tracing"))]
                    drop(error);
                    self.resumptions -= 1;
                }
                Err(Stop::Broke(error)) => return Err(self.subject().error(error)),
                Err(Stop::Error(error)) => return Err(error),
            }
        }
    }

    fn subject(&self) -> Subject<'_> {
        self.inner.subject("read", &self.location)
    }

    /// Reads as much as one session provides
    async fn part(&mut self, out: &Sender<Bytes>, can_go_on: bool) -> Result<Part, Stop> {
        let begun = Instant::now();
        let mut download = self.begin().await?;
        self.compare(&mut download).await?;
        let from = self.range.start;
        let mut first = None;
        while self.range.start < self.range.end || self.to_end() {
            let left = self.range.end - self.range.start;
            let piece = piece(&mut download, left, self.to_end())
                .await
                .map_err(|error| self.stop(error))?;
            let first = *first.get_or_insert_with(|| begun.elapsed());
            if piece.is_empty() {
                let moving = begun.elapsed().saturating_sub(first);
                self.inner.costs.learn(first, self.range.start - from, moving);
                // Only the server's final reply says that this was all.
                let (_, ftp) = download.finish().await.map_err(|error| self.stop(error))?;
                if self.range.start < self.range.end {
                    return Err(self.shorter());
                }
                self.check_version(ftp).await?;
                return Ok(Part::Complete);
            }
            if piece.len() as u64 > left {
                let error =
                    too_long(self.range.start.saturating_add(piece.len() as u64), self.range.end);
                return Err(Stop::Error(self.subject().generic(error)));
            }
            self.range.start += piece.len() as u64;
            self.remember(&piece);
            // The task that waits for a session may be the reason why the reader does not read.
            let permit = loop {
                match timeout(PAUSE, out.reserve()).await {
                    Ok(permit) => break permit,
                    Err(_) if can_go_on && self.inner.session_is_needed() => {
                        return Ok(Part::Paused(piece));
                    }
                    Err(_) => {}
                }
            };
            match permit {
                Ok(permit) => permit.send(piece),
                Err(_) => return Ok(Part::Gone),
            }
        }
        leave(download);
        Ok(Part::Complete)
    }

    /// Fails if the file is another one by now: some servers send a mixture of both if it is rewritten in place
    async fn check_version(&self, mut ftp: Lease) -> Result<(), Stop> {
        if !self.is_long {
            return Ok(());
        }
        let found = match self.inner.look(&mut ftp, &self.path).await {
            Ok(found) => found,
            Err(_) => {
                drop(ftp);
                let found = self.inner.look_up(&self.path).await;
                found.map_err(|error| Stop::Error(self.subject().error(error)))?
            }
        };
        found.check_read(self.version, self.subject(), self.range.start).map_err(Stop::Error)
    }

    /// Begins the transfer, a few bytes early if there are bytes to compare
    async fn begin(&mut self) -> Result<Download<Lease>, Stop> {
        let again = self.sessions > 0;
        self.sessions += 1;
        self.begins = self.range.start - self.tail.len() as u64;
        let Self { inner, path, version, begins: start, .. } = &*self;
        let size = Some(version.size).filter(|_| self.to_end());
        let begin = |mut ftp: Lease| async move {
            if again {
                let found = inner.look(&mut ftp, path).await?;
                if !found.is(*version) {
                    return Ok(Err(found));
                }
            }
            ftp.into_get(request(path, *start, size)).await.map(Ok)
        };
        match inner.pool.run(&inner.site, begin).await {
            Ok(Ok(download)) => Ok(download),
            Ok(Err(found)) => Err(Stop::Error(found.changed(self.subject(), self.range.start))),
            Err(PoolError::Session(error)) if broke(&error) => Err(Stop::Broke(error)),
            Err(error) => {
                if *start > 0 && error.session().is_some_and(is_unknown_command) {
                    inner.resumes.set(false);
                }
                Err(Stop::Error(inner.explain(self.subject(), error).await))
            }
        }
    }

    /// Compares the last bytes with the bytes that arrive now
    async fn compare(&self, download: &mut Download<Lease>) -> Result<(), Stop> {
        let mut again = vec![0; self.tail.len()];
        if let Err(error) = download.read_exact(&mut again).await {
            return Err(match FtpError::in_io(&error) {
                Some(error) => self.stop(error.duplicate()),
                None => self.shorter(),
            });
        }
        match again == self.tail {
            true => Ok(()),
            false => {
                // The server has just confirmed that the file's size and time are the same.
                self.inner.resumes.set(false);
                Err(Stop::Error(self.subject().generic(format!(
                    "the file changed while it was read, after byte {}, although its size and time did not, or the \
                     server ignores REST",
                    self.range.start
                ))))
            }
        }
    }

    fn remember(&mut self, piece: &[u8]) {
        let keep = OVERLAP.saturating_sub(piece.len()).min(self.tail.len());
        self.tail.drain(..self.tail.len() - keep);
        self.tail.extend(&piece[piece.len().saturating_sub(OVERLAP)..]);
    }

    fn stop(&self, error: FtpError) -> Stop {
        let error = of_file(error, self.begins);
        match broke(&error) {
            true => Stop::Broke(error),
            false => Stop::Error(self.subject().error(error)),
        }
    }

    fn shorter(&self) -> Stop {
        let (at, end) = (self.range.start, self.range.end);
        let cause = Cause::Text(format!("the file ended at byte {at}, before byte {end}"));
        Stop::Error(self.subject().generic(cause))
    }
}

/// Why one part of a read has failed
enum Stop {
    /// The connection broke
    Broke(FtpError),
    /// Anything else
    Error(object_store::Error),
}

/// Returns the same error with positions in the file in place of numbers of bytes after `begins`
fn of_file(error: FtpError, begins: u64) -> FtpError {
    use ftp_tokio::ftp_proto::Error::{Truncated, Unconfirmed};
    match error {
        FtpError::Ftp(Truncated { received, expected, end }) => {
            let expected = expected.map(|expected| begins.saturating_add(expected));
            FtpError::Ftp(Truncated { received: begins.saturating_add(received), expected, end })
        }
        FtpError::Ftp(Unconfirmed { bytes, cause }) => {
            FtpError::Ftp(Unconfirmed { bytes: begins.saturating_add(bytes), cause })
        }
        error => error,
    }
}

/// Reads the next bytes: as many as arrive together, up to a full piece; none at the end
async fn piece(download: &mut Download<Lease>, left: u64, to_end: bool) -> Result<Bytes, FtpError> {
    let room = if to_end { PIECE } else { usize::try_from(left).unwrap_or(PIECE).min(PIECE) };
    let mut bytes = BytesMut::with_capacity(room);
    // Half a piece is enough to send to the reader, and one byte after the end for an error.
    while bytes.len() <= room / 2 && bytes.len() as u64 <= left {
        let limit = (room - bytes.len()) as u64;
        if (&mut *download).take(limit).read_buf(&mut bytes).await? == 0 {
            break;
        }
    }
    Ok(bytes.freeze())
}
