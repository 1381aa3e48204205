//! The local files of procedures, read and written on the runtime's blocking threads

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use ftp_session::procedure::{Access, LocalAnswer, LocalOrder};
use ftp_session::{Buffer, LocalFile};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Sleep, sleep};

/// Length in bytes of the blocks that are read ahead, or written together, which only large files have
const FULL: usize = 256 * 1024;

/// So many bytes to write are copied: that costs less than another buffer as long as the one that they are in
const FEW: usize = 8 * 1024;

/// How long received bytes may wait for others, to be written with them: a thread that is given 64 KiB at a time, as
/// they come over TLS, makes a download take up to 1.6 times as long
///
/// The time is short, so that little of what has arrived is lost if the program is killed.
const HOLD: Duration = Duration::from_millis(100);

/// How often to check whether other threads are done; they are rarely busy, and then only as long as the disk needs
const LOOK: Duration = Duration::from_millis(1);

/// How many of them one call reads
///
/// Waking the thread that reads costs as much as reading a block: four at a time make an upload faster than two, by
/// a third where it was measured. Eight and sixteen made no difference.
const AHEAD: usize = 4;

/// A local file, read and written on the runtime's blocking threads
///
/// The network is not kept waiting: a block is written while the next one arrives, and blocks are read while others
/// are sent. Buffers are exchanged. Only what fills up to half a block is copied, so that it can be written together with
/// what follows.
pub(crate) struct File {
    state: State,
    threads: Threads,
    /// Blocks that were read and not asked for yet
    ahead: VecDeque<Block>,
    spare: Vec<Buffer>,
    held: Option<Held>,
    /// Why held bytes can't be written, for the next order
    failed: Option<io::Error>,
}

/// Bytes to be written with those that follow
struct Held {
    block: Block,
    due: Pin<Box<Sleep>>,
}

struct Block {
    /// Offset in the file
    at: u64,
    bytes: Buffer,
    /// How many of the bytes are the file's; 0 for a block that was read at its end
    count: usize,
}

enum State {
    Idle(LocalFile),
    /// To be replaced, with the first write or at the end
    Replacing(LocalFile),
    /// Full blocks are being read, from this offset on, before anybody has asked for them
    Reading(u64, Running<VecDeque<Block>>),
    /// It is being written to; if that fails, a later order fails
    Writing(Running<Vec<Buffer>>),
    /// The runtime was shut down, or a call was dropped, while something else was under way
    Lost,
}

/// The number of threads that work on local files for the calls of a session
///
/// A thread that has begun can't be stopped. A call that was dropped may leave one that still writes, while the next
/// call uses the same file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Threads(Arc<AtomicUsize>);

impl Threads {
    /// Waits until there are none
    pub(crate) async fn rest(&self) {
        while self.0.load(Ordering::SeqCst) > 0 {
            sleep(LOOK).await;
        }
    }
}

/// One of the [`Threads`]
struct Busy(Threads);

impl Busy {
    fn new(threads: Threads) -> Self {
        threads.0.fetch_add(1, Ordering::SeqCst);
        Self(threads)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Work on another thread. If it is dropped before a thread has taken it up, it is not done
///
/// The runtime may be short of threads, and by the time there is one the file may be used by another call.
struct Running<T> {
    handle: JoinHandle<(LocalFile, io::Result<T>)>,
    /// Whether a thread has taken it up, or it was dropped; whichever comes first decides
    claimed: Arc<AtomicBool>,
}

impl<T: Send + 'static> Running<T> {
    fn start(
        mut file: LocalFile,
        threads: &Threads,
        work: impl FnOnce(&mut LocalFile) -> io::Result<T> + Send + 'static,
    ) -> Self {
        let claimed = Arc::new(AtomicBool::new(false));
        let (threads, claim) = (threads.clone(), Arc::clone(&claimed));
        let handle = spawn_blocking(move || {
            // Counted before it is claimed, so that a call that finds none knows that nothing is written any more.
            let _busy = Busy::new(threads);
            if claim.swap(true, Ordering::SeqCst) {
                return (file, Err(io::ErrorKind::Interrupted.into()));
            }
            let result = work(&mut file);
            (file, result)
        });
        Self { handle, claimed }
    }
}

impl<T> Future for Running<T> {
    type Output = io::Result<(LocalFile, io::Result<T>)>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.handle).poll(context).map_err(Into::into)
    }
}

impl<T> Drop for Running<T> {
    fn drop(&mut self) {
        self.claimed.store(true, Ordering::SeqCst);
        self.handle.abort();
    }
}

/// Reads a block, or several full ones, and the end after a short one
fn read_blocks(
    file: &mut LocalFile,
    mut at: u64,
    length: usize,
    mut spare: Vec<Buffer>,
) -> io::Result<VecDeque<Block>> {
    let most = if length == FULL { AHEAD } else { 1 };
    let mut blocks = VecDeque::new();
    loop {
        let mut bytes = spare.pop().unwrap_or_default();
        bytes.resize(length);
        let count = match file.carry_out(LocalOrder::Read { at, into: &mut bytes }) {
            Ok(LocalAnswer::Read(count)) => count,
            // The read that needs these bytes reports the error again.
            _ if !blocks.is_empty() => return Ok(blocks),
            other => return other.map(|_| blocks),
        };
        blocks.push_back(Block { at, bytes, count });
        at += count as u64;
        if count == 0 || count == length && blocks.len() >= most || blocks.len() > most {
            return Ok(blocks);
        }
    }
}

impl File {
    /// A file, or none: then no order for it comes
    ///
    /// Waits until no thread works on a local file for a call that was dropped.
    pub(crate) async fn new(path: Option<&Path>, threads: &Threads) -> Self {
        if path.is_some() {
            threads.rest().await;
        }
        let file = LocalFile::new(path.unwrap_or_else(|| Path::new("")));
        let (state, threads) = (State::Idle(file), threads.clone());
        let (ahead, spare) = (VecDeque::new(), Vec::new());
        Self { state, threads, ahead, spare, held: None, failed: None }
    }

    pub(crate) async fn carry_out(&mut self, order: LocalOrder<'_>) -> io::Result<LocalAnswer> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        match order {
            // One call to another thread opens the file and writes the first bytes.
            LocalOrder::Open(Access::Replace) => {
                self.state = State::Replacing(self.rest().await?);
                Ok(LocalAnswer::Opened(Some(0)))
            }
            LocalOrder::Write { at, from, length } => self.write(at, from, length).await,
            LocalOrder::Read { at, into } => self.read(at, into).await,
            LocalOrder::Open(access) => self.wait(LocalOrder::Open(access)).await,
            LocalOrder::SetLength(length) => self.wait(LocalOrder::SetLength(length)).await,
            LocalOrder::Hash(algorithm) => self.wait(LocalOrder::Hash(algorithm)).await,
        }
    }

    /// Waits until all that was written is in the file
    pub(crate) async fn finish(&mut self) -> io::Result<()> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        if self.held.is_some() || matches!(self.state, State::Replacing(_) | State::Writing(_)) {
            self.state = State::Idle(self.rest().await?);
        }
        Ok(())
    }

    /// Becomes ready when held bytes have waited long enough
    pub(crate) fn poll_due(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match &mut self.held {
            None => Poll::Pending,
            // A runtime that is shut down lets its timers fire. Polling one of them would panic.
            Some(held) if held.due.is_elapsed() => Poll::Ready(()),
            Some(held) => held.due.as_mut().poll(context),
        }
    }

    /// Writes held bytes that have waited long enough
    pub(crate) async fn write_due(&mut self) {
        if self.held.as_ref().is_some_and(|held| held.due.is_elapsed()) {
            self.failed = self.start_writing(None).await.err();
        }
    }

    async fn write(
        &mut self,
        at: u64,
        from: &mut Buffer,
        length: usize,
    ) -> io::Result<LocalAnswer> {
        let goes_on = |Held { block, .. }: &Held| {
            block.at + block.count as u64 == at && block.count + length <= FULL
        };
        if from.len() == FULL && length <= FULL / 2 && self.held.as_ref().is_none_or(goes_on) {
            self.hold(at, &from[..length]);
            return Ok(LocalAnswer::Done);
        }
        let bytes = if length <= FEW {
            Buffer::from(&from[..length])
        } else {
            let mut spare = self.spare.pop().unwrap_or_default();
            spare.resize(from.len());
            std::mem::replace(from, spare)
        };
        self.start_writing(Some(Block { at, bytes, count: length })).await?;
        Ok(LocalAnswer::Done)
    }

    /// Copies bytes, to be written with those that follow
    fn hold(&mut self, at: u64, bytes: &[u8]) {
        let spare = &mut self.spare;
        let held = self.held.get_or_insert_with(|| {
            let mut bytes = spare.pop().unwrap_or_default();
            bytes.resize(FULL);
            Held { block: Block { at, bytes, count: 0 }, due: Box::pin(sleep(HOLD)) }
        });
        let count = &mut held.block.count;
        held.block.bytes[*count..*count + bytes.len()].copy_from_slice(bytes);
        *count += bytes.len();
    }

    /// Begins to write the held bytes, and this block after them, once the last write has ended
    async fn start_writing(&mut self, block: Option<Block>) -> io::Result<()> {
        let (file, replace) = self.written().await?;
        let held = self.held.take().map(|held| held.block);
        self.state = State::Writing(Running::start(file, &self.threads, move |file| {
            if replace {
                file.carry_out(LocalOrder::Open(Access::Replace))?;
            }
            let mut written = Vec::new();
            for Block { at, mut bytes, count } in held.into_iter().chain(block) {
                file.carry_out(LocalOrder::Write { at, from: &mut bytes, length: count })?;
                written.push(bytes);
            }
            Ok(written)
        }));
        Ok(())
    }

    async fn read(&mut self, at: u64, into: &mut Buffer) -> io::Result<LocalAnswer> {
        let is_next = |block: &Block| block.at == at && block.bytes.len() == into.len();
        if !self.ahead.front().is_some_and(is_next) {
            self.fill(at, into.len()).await?;
        }
        let Some(mut block) = self.ahead.pop_front() else { return Ok(LocalAnswer::Read(0)) };
        std::mem::swap(&mut block.bytes, into);
        self.spare.push(block.bytes);
        Ok(LocalAnswer::Read(block.count))
    }

    /// Reads blocks from this offset on, and has those after them read
    async fn fill(&mut self, at: u64, length: usize) -> io::Result<()> {
        let running = match std::mem::replace(&mut self.state, State::Lost) {
            State::Reading(offset, running) if offset == at && length == FULL => running,
            other => {
                self.state = other;
                let file = self.rest().await?;
                self.read_on(file, at, length)
            }
        };
        let (file, blocks) = running.await?;
        self.state = match &blocks {
            Ok(blocks) if blocks.back().is_some_and(|block| block.count == FULL) => {
                let next = at + (blocks.len() * FULL) as u64;
                State::Reading(next, self.read_on(file, next, FULL))
            }
            _ => State::Idle(file),
        };
        self.ahead = blocks?;
        Ok(())
    }

    fn read_on(&mut self, file: LocalFile, at: u64, length: usize) -> Running<VecDeque<Block>> {
        let spare = std::mem::take(&mut self.spare);
        Running::start(file, &self.threads, move |file| read_blocks(file, at, length, spare))
    }

    /// Carries out an order that lends no buffer, and waits for that
    async fn wait(&mut self, order: LocalOrder<'static>) -> io::Result<LocalAnswer> {
        let file = self.rest().await?;
        let carried_out = Running::start(file, &self.threads, |file| file.carry_out(order));
        let (file, result) = carried_out.await?;
        self.state = State::Idle(file);
        result
    }

    /// Returns the file once no work on it is pending; an error is that of the last write
    async fn rest(&mut self) -> io::Result<LocalFile> {
        if self.held.is_some() || matches!(self.state, State::Replacing(_)) {
            self.start_writing(None).await?;
        }
        Ok(self.written().await?.0)
    }

    /// As [`Self::rest`], but does not begin to write; returns whether the file is still to be replaced, too
    async fn written(&mut self) -> io::Result<(LocalFile, bool)> {
        self.ahead.clear();
        let writing = match std::mem::replace(&mut self.state, State::Lost) {
            State::Idle(file) => return Ok((file, false)),
            State::Replacing(file) => return Ok((file, true)),
            State::Reading(_, running) => return Ok((running.await?.0, false)),
            State::Lost => {
                return Err(io::Error::other(
                    "an earlier operation on the local file was cancelled",
                ));
            }
            State::Writing(running) => running,
        };
        let (file, written) = writing.await?;
        match written {
            Ok(mut buffers) => {
                self.spare.append(&mut buffers);
                Ok((file, false))
            }
            Err(error) => {
                self.held = None;
                self.state = State::Idle(file);
                Err(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes blocks of this length; returns whether each of them was exchanged
    async fn exchanged<const N: usize>(length: usize) -> [bool; N] {
        let name = format!("ftp-tokio-{}-{length}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let mut file = File::new(Some(&path), &Threads::default()).await;
        file.carry_out(LocalOrder::Open(Access::Replace)).await.unwrap();
        let mut block = Buffer::new(FULL);
        let mut exchanged = [false; N];
        let mut expected = Vec::new();
        for (number, exchanged) in exchanged.iter_mut().enumerate() {
            let first = block.as_ptr();
            block[..length].fill(number as u8);
            expected.extend_from_slice(&block[..length]);
            let at = (number * length) as u64;
            let order = LocalOrder::Write { at, from: &mut block, length };
            file.carry_out(order).await.unwrap();
            *exchanged = block.as_ptr() != first;
        }
        file.finish().await.unwrap();
        assert!(std::fs::read(&path).unwrap() == expected);
        std::fs::remove_file(&path).unwrap();
        exchanged
    }

    /// A read from a socket rarely fills a block
    #[tokio::test]
    async fn what_fills_half_a_block_is_not_copied() {
        assert_eq!(exchanged(FULL / 2 + 1).await, [true; 3]);
        assert_eq!(exchanged(FULL).await, [true; 3]);
    }

    /// A record of TLS has 16 KiB at most, and four are decrypted together
    #[tokio::test]
    async fn shorter_ones_are_written_together() {
        let length = FULL / 4;
        assert_eq!(exchanged(length).await, [false, false, false, false, true, false, false]);
        assert_eq!(exchanged(length - 1).await, [false, false, false, false, true, false, false]);
    }
}
