//! The transfer of one piece of a file by one session

use std::io::Read as _;
use std::time::{Duration, Instant};

use ftp_blocking::{Client, Download};
use ftp_proto::{Error as FtpError, Get};
use ftp_session::{Buffer, Error};

use super::{Fetch, Proof, Role, alone, changed, hash_of};
use crate::download::{self, BLOCK};
use crate::failure::Failure;
use crate::ranges::Task;

/// How often the state file is written: after `kill -9`, the bytes that arrived since the last time are fetched again
const NOTE_INTERVAL: Duration = Duration::from_millis(250);

/// A piece, and the session that fetches it
#[derive(Clone, Copy)]
pub(super) struct Piece<'a, 'b> {
    pub(super) fetch: &'a Fetch<'b>,
    pub(super) task: Task,
    pub(super) role: Role,
}

impl Piece<'_, '_> {
    /// Fetches the missing bytes
    ///
    /// That other sessions honour REST proves nothing for this one: several servers may share an address.
    pub(super) fn fetch(&self, client: &mut Client) -> Result<(), Trouble> {
        if self.fetch_if(client, |there| self.is_from_the_middle(there))? == Fetched::Nothing {
            self.prove(client)?;
            self.fetch_if(client, |_| Ok(true))?;
        }
        Ok(())
    }

    /// Fetches the missing bytes if the bytes before them pass a check
    fn fetch_if(
        &self,
        client: &mut Client,
        check: impl FnOnce(&[u8]) -> Result<bool, Trouble>,
    ) -> Result<Fetched, Trouble> {
        let Self { fetch, task, role } = *self;
        // Without one, for example of a session that the server has ended, the download is aborted instead.
        let canceller = client.canceller().ok();
        {
            let mut state = fetch.lock();
            if role == Role::Further && state.proof == Proof::Sought {
                state.seeker.clone_from(&canceller);
            }
        }
        let mut download = self.open(client, task.offset)?;
        let mut there = vec![0; (task.at - task.offset) as usize];
        download.read_exact(&mut there).map_err(|error| self.trouble(error, task.offset))?;
        fetch.lock().moved += there.len() as u64;
        if !check(&there)? {
            return Ok(Fetched::Nothing);
        }
        self.compare_start(&there)?;
        let mut block = Buffer::new(BLOCK);
        loop {
            let (at, room) = fetch.lock().ranges.room(task.start);
            if room == 0 && at == fetch.size {
                let end = self.end(download, &mut block);
                if end.is_err() {
                    fetch.lock().ranges.lose_end(task.start);
                }
                return end.map(|()| Fetched::Piece);
            }
            if room == 0 {
                // ABOR and QUIT would take three round trips or more, and no request follows.
                if let Some(canceller) =
                    canceller.filter(|_| role == Role::Further && !fetch.is_wanted(role))
                {
                    canceller.cancel();
                }
                // Returning drops the download, which aborts it: the rest belongs to another session.
                return Ok(Fetched::Piece);
            }
            let most = room.min(BLOCK as u64) as usize;
            let count = self.read(&mut download, &mut block[..most])?;
            if count == 0 {
                return Err(changed().into());
            }
            self.write(&block[..count])?;
            fetch.terms.pass(count)?;
        }
    }

    /// Whether these bytes before the missing ones can't be those of a server that ignores the offset, and sends the file
    /// from its start
    ///
    /// In a file with long runs of the same byte, they may be the same. The end of the file needs no check, as it shows
    /// that itself.
    fn is_from_the_middle(&self, there: &[u8]) -> Result<bool, Trouble> {
        let mut state = self.fetch.lock();
        let (at, room) = state.ranges.room(self.task.start);
        if self.task.offset == 0 || at + room == self.fetch.size {
            return Ok(true);
        }
        let length = there.len() as u64;
        if state.ranges.prefix() < length {
            return Ok(false);
        }
        let start = state.read(0, length).map_err(|error| self.fetch.local(&error))?;
        Ok(start != there)
    }

    /// Fails unless the server is shown to honour REST in this session
    fn prove(&self, client: &mut Client) -> Result<(), Trouble> {
        let Fetch { job, size, .. } = self.fetch;
        let moved = download::fetch_end(client, job.remote, *size)
            .map_err(|error| self.trouble(error, download::end_of(*size)))?;
        self.fetch.lock().moved += moved;
        Ok(())
    }

    /// Starts to download the file from this offset
    fn open<'c>(&self, client: &'c mut Client, offset: u64) -> Result<Download<'c>, Trouble> {
        let Self { fetch, .. } = *self;
        let get = Get::new(fetch.job.remote).resume_at(offset).expect_size(fetch.size);
        client.get(get).map_err(|error| self.trouble(error.into(), offset))
    }

    /// Checks that no byte follows the last one, and that the server confirms the transfer
    ///
    /// If the transfer did not begin at the start of the file, a further byte shows that the server ignored the offset.
    fn end(&self, mut download: Download<'_>, block: &mut [u8]) -> Result<(), Trouble> {
        match self.read(&mut download, block)? {
            0 => Ok(()),
            more if self.task.offset == 0 => {
                let (received, expected) = (self.fetch.size + more as u64, self.fetch.size);
                let error = Error::Ftp(FtpError::TooLong { received, expected });
                Err(self.fetch.terms.site().failure(error).into())
            }
            _ => Err(Trouble::NoRestart(changed())),
        }
    }

    fn read(&self, download: &mut Download<'_>, block: &mut [u8]) -> Result<usize, Trouble> {
        download.read(block).map_err(|error| self.trouble(error, self.task.offset))
    }

    /// Returns what is wrong with a download from this offset
    fn trouble(&self, error: std::io::Error, offset: u64) -> Trouble {
        let is_too_long =
            matches!(Error::in_io(&error), Some(Error::Ftp(FtpError::TooLong { .. })));
        let is_refused = Error::in_io(&error).is_some_and(download::is_about_restarting);
        let is_short = download::is_short(&error);
        let failure = || {
            let error = download::counted_from(offset, error.into());
            self.fetch.terms.site().failure(error)
        };
        match offset > 0 {
            true if is_too_long => Trouble::NoRestart(changed()),
            true if is_short || is_refused => Trouble::NoRestart(failure()),
            _ => failure().into(),
        }
    }

    /// Compares the bytes before the missing ones with the local ones; at the start of a piece, only notes their hash,
    /// which `Fetch::compare` uses
    fn compare_start(&self, there: &[u8]) -> Result<(), Trouble> {
        let mut state = self.fetch.lock();
        if self.task.at == self.task.start {
            state.ranges.set_seam(self.task.start, hash_of(there));
            return Ok(());
        }
        let here =
            state.read(self.task.offset, self.task.at).map_err(|error| self.fetch.local(&error))?;
        match here == there {
            true => Ok(()),
            false => Err(Trouble::NoRestart(changed())),
        }
    }

    fn write(&self, bytes: &[u8]) -> Result<(), Failure> {
        let mut state = self.fetch.lock();
        let (at, room) = state.ranges.room(self.task.start);
        // Since the caller asked for the room, another session may have taken half of the piece.
        let bytes = &bytes[..room.min(bytes.len() as u64) as usize];
        let written = state.partial.seek(at).and_then(|()| state.partial.write(bytes));
        written.map_err(|error| self.fetch.local(&error))?;
        state.ranges.advance(self.task.start, bytes.len() as u64);
        state.paces.received(self.task.start, bytes.len() as u64, Instant::now());
        state.moved += bytes.len() as u64;
        if state.noted.elapsed() >= NOTE_INTERVAL {
            state.note(self.fetch.job);
        }
        self.fetch.running.at(state.ranges.done());
        if !state.ranges.is_open() {
            // The first session waits for this.
            self.fetch.changed.notify_all();
        }
        match state.stopped {
            Some(_) => Err(alone()),
            None => Ok(()),
        }
    }
}

/// What a session has fetched of its piece
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fetched {
    /// All that belongs to it
    Piece,
    /// Only the bytes before it, which did not pass the check
    Nothing,
}

/// Why a piece could not be fetched
pub(super) enum Trouble {
    /// REST was refused, or the bytes were not those at the offset; the failure is reported if REST was proven before
    NoRestart(Failure),
    Failure(Failure),
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}
