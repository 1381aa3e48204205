//! Downloads one large file over several sessions, if the server allows them and honours REST
//!
//! The first session fetches the file from its start, as without segments. A second one fetches the last bytes: if it
//! receives exactly those, the server honours REST, and only then other sessions start in the middle. Where two
//! sessions meet, both fetch the same few bytes, which are compared.

use std::io::Read as _;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ftp_blocking::{Client, Download};
use ftp_proto::fields::HashAlgorithm;
use ftp_proto::{Error as FtpError, Get};
use ftp_session::{Error, FileDigest};

use crate::args::Segments;
use crate::download::{self, BLOCK, Job, Terms};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::partial::Partial;
use crate::pool::{Lease, Pool};
use crate::ranges::{CUT, Comparison, Ranges, Task};
use crate::report::Running;

/// How often the state file is written: after `kill -9`, the bytes that arrived since the last time are fetched again
const NOTE_INTERVAL: Duration = Duration::from_millis(250);

/// How often a waiting thread checks for an interruption
const LOOK: Duration = Duration::from_millis(100);

/// Downloads a file over one or more sessions, that of `lease` included; returns the bytes that were transferred
pub(crate) fn download(
    pool: &Pool,
    lease: &mut Lease<'_>,
    terms: Terms<'_>,
    job: &Job<'_>,
    segments: Segments,
    running: &Running<'_>,
) -> Result<u64, Failure> {
    let mut moved = 0;
    let size = job.version.size;
    if segments.most() > 1 && size.is_none() {
        running.notice("the server does not tell its size, so one session fetches it");
    }
    if let Some(size) = size.filter(|size| segments.of(*size) > 1) {
        let sessions = segments.of(size).min(terms.site().common().max_sessions);
        let mut partial = download::open(terms, job, running)?;
        loop {
            let is_begun = partial.length() > 0;
            let fetch = Fetch::new(pool, terms, job, size, running, partial);
            let (end, file, bytes) = fetch.run(lease, sessions);
            moved += bytes;
            partial = file;
            match end {
                End::Whole => return finish(lease, terms, job, running, partial).map(|()| moved),
                End::Alone => break,
                End::Failed(failure) if is_begun && failure.exit() == Exit::Verification => {
                    running.notice("the part from an earlier run is of another file, so the download starts again");
                    download::clear(&mut partial)?;
                }
                End::Failed(failure) => {
                    return download::close(partial, terms, job, Err(failure)).map(|()| moved);
                }
            }
        }
    }
    let alone = |client: &mut Client| download::download(client, terms, job, running);
    lease.attempt(&|| running.bytes(), alone).map(|bytes| moved + bytes)
}

/// Gives a complete file its name, if the server's file has not changed and the hashes are as expected
fn finish(
    lease: &mut Lease<'_>,
    terms: Terms<'_>,
    job: &Job<'_>,
    running: &Running<'_>,
    mut partial: Partial,
) -> Result<(), Failure> {
    let result = lease
        .attempt(&|| 0, |client| {
            download::check_version(client, terms, job, partial.length())?;
            download::wanted_hashes(client, terms, job, running)
        })
        .and_then(|wanted| download::check_whole(&mut partial, terms, job, wanted, None));
    download::close(partial, terms, job, result)
}

fn changed() -> Failure {
    let message = "its segments do not fit together: it has changed on the server, or the server does not honour REST";
    Failure::new(Exit::Verification, message)
        .remedy("try again; if this recurs, without --segments")
}

/// A file that several sessions fetch together
struct Fetch<'a> {
    pool: &'a Pool,
    terms: Terms<'a>,
    job: &'a Job<'a>,
    size: u64,
    running: &'a Running<'a>,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    partial: Partial,
    ranges: Ranges,
    proof: Proof,
    /// Bytes transferred, including those that are only compared
    moved: u64,
    noted: Instant,
    /// Why all sessions must stop
    stopped: Option<Failure>,
    /// Why one session could not continue, although others do
    failed: Option<Failure>,
}

/// Whether it is known that the server honours REST
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proof {
    Missing,
    /// A session is testing it
    Sought,
    Given,
    /// The server does not honour REST, so one session must fetch the file
    Refuted,
}

/// The role of a session
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// Fetches the first missing bytes, and stays until the file is complete
    First,
    Further,
}

/// The result of fetching a file
enum End {
    /// All bytes have been received, and compared where two sessions met
    Whole,
    /// One session must fetch the rest alone
    Alone,
    Failed(Failure),
}

impl<'a> Fetch<'a> {
    fn new(
        pool: &'a Pool,
        terms: Terms<'a>,
        job: &'a Job<'a>,
        size: u64,
        running: &'a Running<'a>,
        partial: Partial,
    ) -> Self {
        let ranges = partial.ranges(job.version, CUT);
        let ranges = ranges.unwrap_or_else(|| Ranges::new(size, 0, CUT));
        let proof = if ranges.has_tail() { Proof::Given } else { Proof::Missing };
        let state = State {
            partial,
            ranges,
            proof,
            moved: 0,
            noted: Instant::now(),
            stopped: None,
            failed: None,
        };
        let state = Mutex::new(state);
        Self { pool, terms, job, size, running, state, changed: Condvar::new() }
    }

    /// Fetches the missing bytes; returns the result, the file, and the number of bytes transferred
    fn run(self, lease: &mut Lease<'_>, sessions: u16) -> (End, Partial, u64) {
        self.running.at(self.lock().ranges.done());
        self.note();
        self.compare();
        std::thread::scope(|scope| {
            for _ in 1..sessions {
                scope.spawn(|| self.work(&mut self.pool.lease(), Role::Further));
            }
            self.work(lease, Role::First);
        });
        self.note();
        let limit = self.pool.limit();
        if limit < usize::from(sessions) {
            self.running.notice(&format!("the server allows {limit} of {sessions} sessions"));
        }
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        let end = match (state.stopped, state.proof) {
            _ if state.ranges.is_whole() => End::Whole,
            _ if self.terms.interrupt.is_set() => End::Failed(Failure::interrupted()),
            (Some(failure), _) => End::Failed(failure),
            (None, Proof::Refuted) => End::Alone,
            // Sessions stop only because of a failure or when the file is complete.
            (None, _) => End::Failed(state.failed.unwrap_or_else(Failure::interrupted)),
        };
        (end, state.partial, state.moved)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn local(&self, error: &std::io::Error) -> Failure {
        Failure::local(self.job.local, error)
    }

    /// Writes to the state file which bytes have been received
    fn note(&self) {
        self.lock().note(self.job);
    }

    /// The main loop of a session: fetches pieces until none is left for it
    fn work(&self, lease: &mut Lease<'_>, role: Role) {
        loop {
            match lease.open_while(&|| self.is_wanted(role)) {
                Ok(true) => {}
                Ok(false) => return,
                Err(failure) => return self.failed(failure, false),
            }
            let Some(start) = self.take(role) else { return };
            let at = || self.lock().ranges.task(start).map_or(self.size, |task| task.at);
            let result = lease.attempt(&at, |client| self.fetch(client, start));
            self.release(start, role, result.is_ok());
            self.compare();
            if let Err(failure) = result {
                let is_of_all = matches!(failure.exit(), Exit::Local | Exit::Verification);
                return self.failed(failure, is_of_all);
            }
        }
    }

    /// Whether a session of this role is still needed
    fn is_wanted(&self, role: Role) -> bool {
        let state = self.lock();
        let is_useful = role == Role::First || state.proof != Proof::Refuted;
        is_useful
            && state.stopped.is_none()
            && state.ranges.is_open()
            && !self.terms.interrupt.is_set()
    }

    /// Waits for the next piece to fetch, and returns its start; `None` if no piece will follow
    fn take(&self, role: Role) -> Option<u64> {
        loop {
            if !self.is_wanted(role) {
                return None;
            }
            let mut state = self.lock();
            let task = match (role, state.proof) {
                (_, Proof::Given) => state.ranges.take(),
                (Role::First, _) => state.ranges.take_first(),
                (Role::Further, Proof::Missing) => {
                    let task = state.ranges.take_tail();
                    if task.is_some() {
                        state.proof = Proof::Sought;
                    }
                    task
                }
                (Role::Further, _) => None,
            };
            if let Some(task) = task {
                return Some(task.start);
            }
            // Another session, such as the first, may have broken, and need this one's place on the server.
            if role == Role::Further && (state.proof == Proof::Given || self.pool.is_needed()) {
                return None;
            }
            drop(self.changed.wait_timeout(state, LOOK));
        }
    }

    /// Releases a piece that a session has stopped fetching, and notes whether it showed that the server honours REST
    fn release(&self, start: u64, role: Role, is_done: bool) {
        let mut state = self.lock();
        state.ranges.release(start);
        if state.proof == Proof::Sought && role == Role::Further {
            state.proof = if is_done { Proof::Given } else { Proof::Missing };
        }
        state.note(self.job);
        drop(state);
        self.changed.notify_all();
    }

    /// Records that one session or, with `is_of_all`, none can continue
    fn failed(&self, failure: Failure, is_of_all: bool) {
        let mut state = self.lock();
        let place = if is_of_all { &mut state.stopped } else { &mut state.failed };
        place.get_or_insert(failure);
        drop(state);
        self.changed.notify_all();
    }

    /// Compares both copies of the bytes where two pieces meet
    fn compare(&self) {
        let mut state = self.lock();
        while let Some(Comparison { from, to, hash }) = state.ranges.comparison() {
            let failure = match state.read(from, to) {
                Ok(bytes) if hash_of(&bytes) == hash => {
                    state.ranges.same(to);
                    continue;
                }
                Ok(_) => changed(),
                Err(error) => self.local(&error),
            };
            state.stopped.get_or_insert(failure);
            return;
        }
    }

    /// Fetches the missing bytes of a piece
    fn fetch(&self, client: &mut Client, start: u64) -> Result<(), Failure> {
        let (task, proof) = {
            let state = self.lock();
            let Some(task) = state.ranges.task(start) else { return Ok(()) };
            (task, state.proof)
        };
        if proof == Proof::Refuted && task.at > 0 {
            return Err(alone());
        }
        let result = self.fetch_from(client, task);
        let Err(error) = result else { return Ok(()) };
        let is_proven = self.lock().proof == Proof::Given;
        match error {
            Trouble::NoRestart(failure) if is_proven => Err(failure),
            Trouble::NoRestart(_) => Err(self.refute()),
            // Without REST, a retry must start at byte 0: the download over one session (`End::Alone`) does that.
            Trouble::Failure(failure) if self.lock().proof == Proof::Refuted => {
                Err(failure.for_good())
            }
            Trouble::Failure(failure) => Err(failure),
        }
    }

    fn fetch_from(&self, client: &mut Client, task: Task) -> Result<(), Trouble> {
        let get = Get::new(self.job.remote).resume_at(task.offset).expect_size(self.size);
        let mut download = match client.get(get) {
            Ok(download) => download,
            Err(error) => {
                let is_about_it = task.offset > 0 && download::is_about_restarting(&error);
                let failure = self.terms.site().failure(error);
                return Err(if is_about_it { Trouble::NoRestart(failure) } else { failure.into() });
            }
        };
        self.compare_start(&mut download, task)?;
        let mut block = vec![0; BLOCK];
        loop {
            let (at, room) = self.lock().ranges.room(task.start);
            if room == 0 {
                // Returning drops the download, which aborts it: the rest belongs to another session.
                return match at == self.size {
                    true => self.end(download, task, &mut block),
                    false => Ok(()),
                };
            }
            let most = room.min(BLOCK as u64) as usize;
            let count = self.read(&mut download, task, &mut block[..most])?;
            if count == 0 {
                return Err(changed().into());
            }
            self.write(task.start, &block[..count])?;
            self.terms.pass(count)?;
        }
    }

    /// Checks that no byte follows the last one; otherwise the server did not start at the requested offset
    fn end(&self, mut download: Download<'_>, task: Task, block: &mut [u8]) -> Result<(), Trouble> {
        match self.read(&mut download, task, block)? {
            0 => Ok(()),
            _ => Err(Trouble::NoRestart(changed())),
        }
    }

    fn read(
        &self,
        download: &mut Download<'_>,
        task: Task,
        block: &mut [u8],
    ) -> Result<usize, Trouble> {
        download.read(block).map_err(|error| self.trouble(error, task))
    }

    fn trouble(&self, error: std::io::Error, task: Task) -> Trouble {
        let is_too_long =
            matches!(Error::in_io(&error), Some(Error::Ftp(FtpError::TooLong { .. })));
        let is_short = download::is_short(&error);
        match task.offset > 0 {
            true if is_too_long => Trouble::NoRestart(changed()),
            true if is_short => Trouble::NoRestart(self.terms.site().failure(error.into())),
            _ => self.terms.site().failure(error.into()).into(),
        }
    }

    /// Reads the bytes before the missing ones, and compares them with the local ones; at the start of a piece, only
    /// notes their hash, which `compare` uses
    fn compare_start(&self, download: &mut Download<'_>, task: Task) -> Result<(), Trouble> {
        let mut there = vec![0; (task.at - task.offset) as usize];
        download.read_exact(&mut there).map_err(|error| self.trouble(error, task))?;
        let mut state = self.lock();
        state.moved += there.len() as u64;
        if task.at == task.start {
            state.ranges.set_seam(task.start, hash_of(&there));
            return Ok(());
        }
        let here = state.read(task.offset, task.at).map_err(|error| self.local(&error))?;
        match here == there {
            true => Ok(()),
            false => Err(Trouble::NoRestart(changed())),
        }
    }

    fn write(&self, start: u64, bytes: &[u8]) -> Result<(), Failure> {
        let mut state = self.lock();
        let (at, room) = state.ranges.room(start);
        // Since the caller asked for the room, another session may have taken half of the piece.
        let bytes = &bytes[..room.min(bytes.len() as u64) as usize];
        let written = state.partial.seek(at).and_then(|()| state.partial.write(bytes));
        written.map_err(|error| self.local(&error))?;
        state.ranges.advance(start, bytes.len() as u64);
        state.moved += bytes.len() as u64;
        if state.noted.elapsed() >= NOTE_INTERVAL {
            state.note(self.job);
        }
        self.running.at(state.ranges.done());
        match state.stopped {
            Some(_) => Err(alone()),
            None => Ok(()),
        }
    }

    /// Notes that the server ignores REST, so that the session that fetches the start continues alone
    fn refute(&self) -> Failure {
        let mut state = self.lock();
        if state.proof != Proof::Refuted {
            state.proof = Proof::Refuted;
            state.ranges.alone();
            state.note(self.job);
            self.running.notice("the server does not honour REST, so one session fetches it");
        }
        drop(state);
        self.changed.notify_all();
        alone()
    }
}

impl State {
    fn note(&mut self, job: &Job<'_>) {
        self.partial.note(job.version, Some(&self.ranges));
        self.noted = Instant::now();
    }

    fn read(&mut self, from: u64, to: u64) -> std::io::Result<Vec<u8>> {
        let mut bytes = vec![0; (to - from) as usize];
        self.partial.seek(from)?;
        self.partial.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

/// Why a piece could not be fetched
enum Trouble {
    /// REST was refused, or the bytes were not those at the offset; the failure is reported if REST was proven before
    NoRestart(Failure),
    Failure(Failure),
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

/// The failure of a session that stops because it is no longer needed
fn alone() -> Failure {
    Failure::new(Exit::Network, "left to another session")
}

fn hash_of(bytes: &[u8]) -> String {
    // SHA-256 is always available.
    FileDigest::new(HashAlgorithm::Sha256).map_or_else(String::new, |mut digest| {
        digest.update(bytes);
        digest.finish().to_string()
    })
}
