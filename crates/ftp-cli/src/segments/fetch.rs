//! The sessions that fetch one file together: which one fetches which piece, and when it stops
//!
//! The first session fetches the file from its start, as without segments. A second one fetches the last bytes: if it
//! receives exactly those, the server honours REST, and only then other sessions start in the middle. Where two
//! sessions meet, both fetch the same few bytes, which are compared.

mod piece;

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ftp_blocking::{Canceller, Client};
use ftp_proto::fields::HashAlgorithm;
use ftp_session::FileDigest;

use self::piece::{Piece, Trouble};
use super::changed;
use crate::download::{self, Job, Terms};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::pace::Paces;
use crate::partial::Partial;
use crate::pool::{Lease, PROGRESS, Pool, Tries};
use crate::ranges::{CUT, Comparison, Ranges};
use crate::report::Running;

/// How long the first session waits for another one to fetch the end of the file, after it has fetched everything else
///
/// The other one needs about eight round trips from its first command on, so this is enough for round trips of up to
/// 300 ms.
const PATIENCE: Duration = Duration::from_secs(3);

/// How often a waiting thread checks for an interruption
const LOOK: Duration = Duration::from_millis(100);

/// A file that several sessions fetch together
pub(super) struct Fetch<'a> {
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
    paces: Paces,
    proof: Proof,
    /// Cancels the session that tests whether the server honours REST
    seeker: Option<Canceller>,
    /// Bytes transferred, including those that are only compared
    moved: u64,
    noted: Instant,
    /// Why all sessions must stop
    stopped: Option<Failure>,
    /// Why one session could not continue, although others do
    failed: Option<Failure>,
    /// Why the last attempt of a further session failed
    setback: Option<String>,
}

/// Whether it is known that the server honours REST
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proof {
    Missing,
    /// A session is testing it
    Sought,
    /// The test took too long, so the first session fetches the end, too
    GivenUp,
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
pub(super) enum End {
    /// All bytes have been received, and compared where two sessions met
    Whole,
    /// One session must fetch the rest alone
    Alone,
    Failed(Failure),
}

impl<'a> Fetch<'a> {
    pub(super) fn new(
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
            paces: Paces::default(),
            proof,
            seeker: None,
            moved: 0,
            noted: Instant::now(),
            stopped: None,
            failed: None,
            setback: None,
        };
        let state = Mutex::new(state);
        Self { pool, terms, job, size, running, state, changed: Condvar::new() }
    }

    /// Fetches the missing bytes; returns the result, the file, and the number of bytes transferred
    pub(super) fn run(self, lease: &mut Lease<'_>, sessions: u16) -> (End, Partial, u64) {
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
            _ if state.ranges.is_whole() => {
                if let (Some(reason), Proof::Missing) = (state.setback, state.proof) {
                    let notice = format!("no further session got a part ({reason})");
                    self.running.notice(&format!("{notice}, so one session fetched it"));
                }
                End::Whole
            }
            _ if self.terms.interrupt.is_set() => End::Failed(Failure::interrupted()),
            (Some(failure), _) => End::Failed(failure),
            (None, Proof::Refuted) => End::Alone,
            // The first session, which stays to the end, can't restart where it must, and no other session could, either.
            (None, Proof::Given) if state.failed.as_ref().is_some_and(is_about_restarting) => {
                let reason = state.failed.as_ref().map_or_else(String::new, refusal);
                self.running.notice(&format!("{reason}, so one session fetches it"));
                End::Alone
            }
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
        let mut tries = Tries::new(self.pool);
        loop {
            match lease.open_while(&|| self.is_wanted(role)) {
                Ok(true) => {}
                Ok(false) => return,
                Err(failure) => {
                    self.set_back(&failure, role);
                    return self.failed(failure, role, false);
                }
            }
            let Some(start) = self.take(role) else { return };
            let at = || self.lock().ranges.task(start).map_or(self.size, |task| task.at);
            let before = at();
            let work = |client: &mut Client| self.fetch(client, start, role);
            let result = match role {
                Role::First => lease.attempt(&at, work),
                // While it waited for a place on the server, the first session, which has one, would wait for its piece.
                Role::Further => lease.once(work),
            };
            if at() >= before.saturating_add(PROGRESS) {
                tries = Tries::new(self.pool);
            }
            self.release(start, role, result.is_ok());
            self.compare();
            let Err(failure) = result else { continue };
            self.set_back(&failure, role);
            let is_of_all =
                failure.is_change() || matches!(failure.exit(), Exit::Local | Exit::Verification);
            if is_of_all || role == Role::First {
                return self.failed(failure, role, is_of_all);
            }
            if let Err(failure) = tries.again(failure) {
                return self.failed(failure, role, false);
            }
        }
    }

    /// Whether a session of this role is still needed
    fn is_wanted(&self, role: Role) -> bool {
        let state = self.lock();
        let is_useful = match (role, state.proof) {
            (Role::First, _) | (Role::Further, Proof::Missing | Proof::Sought) => true,
            (Role::Further, Proof::Given) => state.has_task(Instant::now()),
            (Role::Further, Proof::Refuted | Proof::GivenUp) => false,
        };
        is_useful
            && state.stopped.is_none()
            && state.ranges.is_open()
            && !self.terms.interrupt.is_set()
    }

    /// Waits for the next piece to fetch, and returns its start; `None` if no piece will follow
    fn take(&self, role: Role) -> Option<u64> {
        let begun = Instant::now();
        loop {
            if !self.is_wanted(role) {
                return None;
            }
            let mut state = self.lock();
            let now = Instant::now();
            let task = match (role, state.proof) {
                (_, Proof::Given) => {
                    let State { ranges, paces, .. } = &mut *state;
                    ranges.take(|start| paces.least(start, CUT.least, now))
                }
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
                state.paces.begin(task.start, now);
                return Some(task.start);
            }
            // Another session, such as the first, may have broken, and need this one's place on the server.
            if role == Role::Further && (state.proof == Proof::Given || self.pool.is_needed()) {
                return None;
            }
            if role == Role::First && state.proof == Proof::Sought && begun.elapsed() >= PATIENCE {
                // The session that fetches the end leaves it to this one.
                if let Some(seeker) = state.seeker.take() {
                    state.proof = Proof::GivenUp;
                    seeker.cancel();
                }
            }
            drop(self.changed.wait_timeout(state, LOOK));
        }
    }

    /// Releases a piece that a session has stopped fetching, and notes whether it showed that the server honours REST
    fn release(&self, start: u64, role: Role, is_done: bool) {
        let mut state = self.lock();
        state.ranges.release(start);
        state.paces.end(start);
        if state.proof == Proof::Sought && role == Role::Further {
            state.proof = if is_done { Proof::Given } else { Proof::Missing };
            state.seeker = None;
        }
        state.note(self.job);
        drop(state);
        self.changed.notify_all();
    }

    /// Notes why an attempt failed, in case that no further session succeeds
    fn set_back(&self, failure: &Failure, role: Role) {
        if role == Role::Further {
            self.lock().setback = Some(failure.reason());
        }
    }

    /// Records that one session or, with `is_of_all`, none can continue
    fn failed(&self, failure: Failure, role: Role, is_of_all: bool) {
        let mut state = self.lock();
        match (is_of_all, role) {
            (true, _) => drop(state.stopped.get_or_insert(failure)),
            // Without the first session, nobody continues.
            (false, Role::First) => state.failed = Some(failure),
            (false, Role::Further) => drop(state.failed.get_or_insert(failure)),
        }
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
    fn fetch(&self, client: &mut Client, start: u64, role: Role) -> Result<(), Failure> {
        let (task, proof) = {
            let state = self.lock();
            let Some(task) = state.ranges.task(start) else { return Ok(()) };
            (task, state.proof)
        };
        if proof == Proof::Refuted && task.at > 0 {
            return Err(alone());
        }
        let result = Piece { fetch: self, task, role }.fetch(client);
        let Err(error) = result else { return Ok(()) };
        let proof = self.lock().proof;
        Err(match error {
            Trouble::NoRestart(failure) if proof != Proof::Given => self.refute(&failure),
            // Without REST, a retry must start at byte 0: the download over one session (`End::Alone`) does that.
            Trouble::Failure(failure) if proof == Proof::Refuted => failure.for_good(),
            Trouble::NoRestart(failure) | Trouble::Failure(failure) => {
                download::explain(client, self.job, failure)
            }
        })
    }

    /// Notes that the server ignores or refuses REST, so that the session that fetches the start continues alone
    ///
    /// A part of another file looks the same as a server that ignores REST.
    fn refute(&self, failure: &Failure) -> Failure {
        let mut state = self.lock();
        if state.proof != Proof::Refuted {
            state.proof = Proof::Refuted;
            state.ranges.alone();
            state.note(self.job);
            let reason = match failure.exit() {
                Exit::Refused => refusal(failure),
                _ => "what the server sends after REST does not fit".to_owned(),
            };
            self.running.notice(&format!("{reason}, so one session fetches it"));
        }
        drop(state);
        self.changed.notify_all();
        alone()
    }
}

impl State {
    /// Whether there is a piece that one more session may fetch
    fn has_task(&self, now: Instant) -> bool {
        self.ranges.has_task(|start| self.paces.least(start, CUT.least, now))
    }

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

/// The failure of a session that stops because it is no longer needed
fn alone() -> Failure {
    Failure::new(Exit::Network, "left to another session")
}

fn is_about_restarting(failure: &Failure) -> bool {
    failure.cause().is_some_and(download::is_about_restarting)
}

/// Describes the refusal of a download from the middle; only the reply tells which of the two commands is meant, and why
fn refusal(failure: &Failure) -> String {
    let reason = failure.reason();
    let reply = reason.strip_prefix("refused: ").unwrap_or(&reason);
    format!("REST and RETR were refused ({reply})")
}

fn hash_of(bytes: &[u8]) -> String {
    // SHA-256 is always available.
    FileDigest::new(HashAlgorithm::Sha256).map_or_else(String::new, |mut digest| {
        digest.update(bytes);
        digest.finish().to_string()
    })
}
