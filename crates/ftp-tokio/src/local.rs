//! What procedures order of local files

#[cfg(feature = "files")]
pub(crate) use file::File;

use std::io;

use ftp_session::procedure::{LocalAnswer, LocalOrder};

/// What a procedure's orders for its local file go to
pub(crate) enum Local {
    /// It gives none
    None,
    #[cfg(feature = "files")]
    File(File),
}

#[cfg_attr(
    not(feature = "files"),
    expect(clippy::needless_pass_by_ref_mut, reason = "files change when they are read")
)]
impl Local {
    pub(crate) async fn carry_out(&mut self, order: LocalOrder<'_>) -> io::Result<LocalAnswer> {
        match self {
            #[cfg(feature = "files")]
            Self::File(file) => file.carry_out(order).await,
            Self::None => Err(io::Error::other(format!("no file was given for {order:?}"))),
        }
    }

    /// Waits until all that was written is in the file
    pub(crate) async fn finish(&mut self) -> io::Result<()> {
        match self {
            #[cfg(feature = "files")]
            Self::File(file) => file.finish().await,
            Self::None => Ok(()),
        }
    }
}

#[cfg(feature = "files")]
mod file {
    use std::io;
    use std::path::Path;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use ftp_session::LocalFile;
    use ftp_session::procedure::{Access, LocalAnswer, LocalOrder};
    use tokio::task::{JoinHandle, spawn_blocking};

    /// Bytes of a large file that are read at a time
    ///
    /// Twice what is sent at a time: to wake the thread that reads costs as much as to read, so half as many calls make an
    /// upload faster, by a seventh where it was measured. More made no difference.
    const AHEAD: usize = 512 * 1024;

    /// A local file, whose disk is waited for on the runtime's threads for that
    ///
    /// The network is not kept waiting: a block is written while the next one arrives, and the next one is read while
    /// one is sent.
    pub(crate) struct File {
        state: State,
        read: Block,
    }

    /// Bytes that were read, some of which are not used yet
    #[derive(Default)]
    struct Block {
        bytes: Vec<u8>,
        used: usize,
        end: usize,
        /// Offset in the file of the next one to be used
        at: u64,
    }

    enum State {
        Idle(Disk),
        /// It is being read, from this offset on, before anybody has asked for that
        Reading(u64, Running),
        /// It is being opened, or written to; if that fails the next order does
        Writing(Running),
        /// The runtime was shut down, or a call was dropped, while something else was under way
        Lost,
    }

    /// An order on another thread; dropped before one has taken it up, it is not carried out
    ///
    /// The runtime may be short of threads, and by the time there is one the file may be used by another call.
    struct Running(JoinHandle<(Disk, io::Result<LocalAnswer>)>);

    impl Future for Running {
        type Output = io::Result<(Disk, io::Result<LocalAnswer>)>;

        fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
            Pin::new(&mut self.0).poll(context).map_err(Into::into)
        }
    }

    impl Drop for Running {
        fn drop(&mut self) {
            self.0.abort();
        }
    }

    struct Disk {
        file: LocalFile,
        buffer: Vec<u8>,
    }

    impl Disk {
        fn start(
            mut self,
            work: impl FnOnce(&mut LocalFile, &mut Vec<u8>) -> io::Result<LocalAnswer> + Send + 'static,
        ) -> Running {
            Running(spawn_blocking(move || {
                let result = work(&mut self.file, &mut self.buffer);
                (self, result)
            }))
        }

        fn read(self, at: u64, length: usize) -> Running {
            self.start(move |file, buffer| {
                buffer.resize(length, 0);
                file.carry_out(LocalOrder::Read { at, into: buffer })
            })
        }
    }

    impl File {
        pub(crate) fn new(path: &Path) -> Self {
            let disk = Disk { file: LocalFile::new(path), buffer: Vec::new() };
            Self { state: State::Idle(disk), read: Block::default() }
        }

        pub(crate) async fn carry_out(&mut self, order: LocalOrder<'_>) -> io::Result<LocalAnswer> {
            match order {
                // The answer is known, and the first bytes are still under way.
                LocalOrder::Open(access @ Access::Replace) => {
                    let disk = self.rest().await?;
                    let open = move |file: &mut LocalFile, _: &mut _| {
                        file.carry_out(LocalOrder::Open(access))
                    };
                    self.state = State::Writing(disk.start(open));
                    Ok(LocalAnswer::Opened(Some(0)))
                }
                LocalOrder::Write { at, bytes } => {
                    let mut disk = self.rest().await?;
                    disk.buffer.clear();
                    disk.buffer.extend_from_slice(bytes);
                    let write = move |file: &mut LocalFile, buffer: &mut Vec<u8>| {
                        file.carry_out(LocalOrder::Write { at, bytes: buffer })
                    };
                    self.state = State::Writing(disk.start(write));
                    Ok(LocalAnswer::Done)
                }
                LocalOrder::Read { at, into } => self.read(at, into).await,
                LocalOrder::Open(access) => {
                    self.wait(move |file| file.carry_out(LocalOrder::Open(access))).await
                }
                LocalOrder::SetLength(length) => {
                    self.wait(move |file| file.carry_out(LocalOrder::SetLength(length))).await
                }
                LocalOrder::Hash(algorithm) => {
                    self.wait(move |file| file.carry_out(LocalOrder::Hash(algorithm))).await
                }
            }
        }

        /// Waits until all that was written is in the file
        pub(crate) async fn finish(&mut self) -> io::Result<()> {
            if let State::Writing(_) = self.state {
                let disk = self.rest().await?;
                self.state = State::Idle(disk);
            }
            Ok(())
        }

        async fn read(&mut self, at: u64, into: &mut [u8]) -> io::Result<LocalAnswer> {
            if self.read.at != at || self.read.used == self.read.end {
                let length = if into.len() < AHEAD / 2 { into.len() } else { AHEAD };
                self.fill(at, length).await?;
            }
            let Block { bytes, used, end, at } = &mut self.read;
            let count = into.len().min(*end - *used);
            into[..count].copy_from_slice(&bytes[*used..][..count]);
            *used += count;
            *at += count as u64;
            Ok(LocalAnswer::Read(count))
        }

        /// Reads bytes from this offset on, and has those after them read
        async fn fill(&mut self, at: u64, length: usize) -> io::Result<()> {
            let running = match std::mem::replace(&mut self.state, State::Lost) {
                State::Reading(offset, running) if offset == at => running,
                other => {
                    self.state = other;
                    self.rest().await?.read(at, length)
                }
            };
            let (mut disk, result) = running.await?;
            let end = match result {
                Ok(LocalAnswer::Read(count)) => count,
                other => {
                    self.state = State::Idle(disk);
                    return other.map(|_| ());
                }
            };
            let bytes = std::mem::replace(&mut disk.buffer, std::mem::take(&mut self.read.bytes));
            self.read = Block { bytes, used: 0, end, at };
            let next = at + end as u64;
            self.state = match end {
                0 => State::Idle(disk),
                _ => State::Reading(next, disk.read(next, length)),
            };
            Ok(())
        }

        /// Does something else, and waits for it
        async fn wait(
            &mut self,
            work: impl FnOnce(&mut LocalFile) -> io::Result<LocalAnswer> + Send + 'static,
        ) -> io::Result<LocalAnswer> {
            let (disk, result) = self.rest().await?.start(|file, _| work(file)).await?;
            self.state = State::Idle(disk);
            result
        }

        /// The file, once nothing of it is under way; an error is that of what was written last
        async fn rest(&mut self) -> io::Result<Disk> {
            (self.read.used, self.read.end) = (0, 0);
            match std::mem::replace(&mut self.state, State::Lost) {
                State::Idle(disk) => Ok(disk),
                State::Reading(_, running) => Ok(running.await?.0),
                State::Writing(running) => {
                    let (disk, result) = running.await?;
                    match result {
                        Ok(_) => Ok(disk),
                        Err(error) => {
                            self.state = State::Idle(disk);
                            Err(error)
                        }
                    }
                }
                State::Lost => {
                    Err(io::Error::other("an earlier operation on the local file was cancelled"))
                }
            }
        }
    }
}
