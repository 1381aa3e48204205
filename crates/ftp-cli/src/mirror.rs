//! Carries out a plan with several threads, each with a session: some list directories while others transfer files

mod delete;
mod items;
mod links;
mod record;
mod sides;
mod work;

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::args::MirrorArgs;
use crate::download::Terms;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::plan::{Directory, Plan, Policy, Shown, Step};
use crate::pool::{Lease, Pool};
use crate::rate::Rate;
use crate::report::Reporter;

pub(crate) use items::stamp;
pub(crate) use record::Record;
pub(crate) use sides::Sides;

/// How often a waiting thread checks for an interruption
const LOOK: Duration = Duration::from_millis(100);

/// Directories are listed in advance until this many files per thread are queued
const AHEAD: usize = 4;

/// The purpose of a run
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Makes the target the same as the source
    Mirror,
    /// Reports what would be done
    DryRun,
    /// Reports each difference as a failure
    Verify,
}

/// A run of `mirror`, or of `verify` with two directories
#[derive(Debug)]
pub(crate) struct Mirror<'a> {
    args: &'a MirrorArgs,
    purpose: Purpose,
    sides: Sides,
    record: Option<Record>,
    pool: &'a Pool,
    interrupt: &'a Interrupt,
    reporter: Reporter,
    rate: Rate,
    state: Mutex<State>,
    /// Held while a thread creates directories that another thread may also be creating
    making: Mutex<()>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    plan: Plan,
    waiting: VecDeque<Step>,
    /// The number of tasks in progress
    running: usize,
    /// How many of them list a directory, and may therefore find further tasks
    listing: usize,
    /// The number of threads that have a session, or wait for their first one
    threads: usize,
    failures: u64,
    stopped: Option<Failure>,
}

/// The next task of a thread
enum Task {
    List(Directory),
    Do(Step),
}

impl<'a> Mirror<'a> {
    pub(crate) fn new(
        args: &'a MirrorArgs,
        purpose: Purpose,
        policy: Policy,
        sides: Sides,
        record: Option<Record>,
        pool: &'a Pool,
        interrupt: &'a Interrupt,
    ) -> Self {
        // A target on the server may or may not exist; listing it shows whether it does.
        let target_exists = sides.target_may_exist();
        let state = State {
            plan: Plan::new(policy, target_exists),
            waiting: VecDeque::new(),
            running: 0,
            listing: 0,
            threads: 0,
            failures: 0,
            stopped: None,
        };
        Self {
            args,
            purpose,
            sides,
            record,
            pool,
            interrupt,
            reporter: Reporter::new(pool.site().common()),
            rate: Rate::new(args.transfer.limit_rate.as_ref()),
            state: Mutex::new(state),
            making: Mutex::new(()),
            changed: Condvar::new(),
        }
    }

    /// Runs the mirror to its end, and writes the summary
    pub(crate) fn run(&self) -> Result<Exit, Failure> {
        self.sides.check()?;
        let threads = usize::from(self.args.parallel.most());
        self.lock().threads = threads;
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| self.thread());
            }
        });
        let mut exits = Vec::new();
        match self.lock().stopped.take() {
            // The summary says it.
            Some(failure) if failure.exit() == Exit::Interrupted => exits.push(failure.exit()),
            Some(failure) => {
                self.reporter.fail(&self.sides.remote, &failure);
                exits.push(failure.exit());
            }
            None if self.interrupt.is_set() => exits.push(Exit::Interrupted),
            None => {}
        }
        if self.args.delete && exits.is_empty() {
            exits.extend(self.delete());
        }
        exits.extend(self.reporter.totals().exits);
        let exit = Exit::of_all(exits);
        if let Some(record) = &self.record {
            let took_all = self.lock().plan.takes_all() && self.args.shard.is_none();
            record.tidy(took_all && exit == Exit::Done);
        }
        Ok(self.reporter.summary(exit))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn terms(&self) -> Terms<'_> {
        Terms {
            pool: self.pool,
            args: &self.args.transfer,
            rate: &self.rate,
            interrupt: self.interrupt,
        }
    }

    /// The main loop of a thread: carries out tasks until none is left
    fn thread(&self) {
        let mut lease = self.pool.lease();
        loop {
            match lease.open_while(&|| self.is_open()) {
                Ok(true) => {}
                Ok(false) => break,
                Err(failure) => {
                    let mut state = self.lock();
                    // The other threads continue, if there are any and the failure may not affect them.
                    if state.threads == 1 || !failure.is_transient() {
                        state.stopped.get_or_insert(failure);
                    }
                    break;
                }
            }
            let Some(task) = self.take(&mut lease) else { break };
            match task {
                Task::List(directory) => {
                    self.list(&mut lease, &directory);
                    self.lock().listing -= 1;
                }
                Task::Do(step) => self.carry_out(&mut lease, step),
            }
            self.lock().running -= 1;
            self.changed.notify_all();
        }
        self.lock().threads -= 1;
        self.changed.notify_all();
    }

    /// Whether tasks are left, or may still be found by a running one
    fn is_open(&self) -> bool {
        let state = self.lock();
        let is_over = state.running == 0 && state.waiting.is_empty() && !state.plan.has_next();
        state.stopped.is_none() && !is_over && !self.interrupt.is_set()
    }

    /// Waits for the next task, and returns it; `None` if no task will follow
    fn take(&self, lease: &mut Lease<'_>) -> Option<Task> {
        let mut state = self.lock();
        loop {
            if state.stopped.is_some() || self.interrupt.is_set() {
                return None;
            }
            let is_short = state.waiting.len() < AHEAD * usize::from(self.args.parallel.most());
            let task = match is_short.then(|| state.plan.next()).flatten() {
                Some(directory) => Some(Task::List(directory)),
                None => state.waiting.pop_front().map(Task::Do),
            };
            if let Some(task) = task {
                state.running += 1;
                state.listing += usize::from(matches!(task, Task::List(_)));
                return Some(task);
            }
            if state.running == 0 {
                return None;
            }
            // For a thread whose session has broken, or for more segments of the last files
            let is_divided = self.args.segments.segments.most() > 1 && state.listing == 0;
            let makes_room = is_divided || self.pool.is_needed();
            if makes_room && lease.is_open() {
                drop(state);
                lease.close();
                state = self.lock();
                continue;
            }
            state =
                self.changed.wait_timeout(state, LOOK).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Reports a failure; ends the run if the failure affects all files, or if `--max-errors` is reached
    fn failed(&self, path: &[u8], failure: Failure) {
        if self.interrupt.is_set() {
            return;
        }
        let failure = failure.about(crate::show::bytes(path));
        let is_of_all = matches!(failure.exit(), Exit::Login | Exit::Tls);
        let mut state = self.lock();
        state.failures += 1;
        if is_of_all {
            state.stopped.get_or_insert(failure);
            return;
        }
        if self.args.max_errors.is_some_and(|most| state.failures >= most) {
            let message = format!("stopped after {} failures", state.failures);
            state.stopped.get_or_insert_with(|| Failure::new(Exit::Limit, message));
        }
        drop(state);
        self.reporter.fail(path, &failure);
    }

    /// Reports a difference between source and target
    fn differs(&self, path: &[u8], how: &str) {
        self.failed(path, Failure::new(Exit::Verification, how));
    }

    fn list(&self, lease: &mut Lease<'_>, directory: &Directory) {
        match self.sides.list(lease, self.pool, directory) {
            Ok((source, target)) => {
                let incomplete = [&source, &target]
                    .into_iter()
                    .any(|side| side.as_ref().is_some_and(|listing| listing.shown == Shown::Some));
                let mut directory = directory.clone();
                directory.in_target &= target.is_some();
                let found = self.lock().plan.listed(&directory, source, target);
                if incomplete {
                    let message = "its listing has lines that were not understood";
                    self.failed(&directory.path, Failure::new(Exit::Protocol, message));
                }
                self.begin(lease, &directory, found);
            }
            Err(failure) => {
                self.lock().plan.unreadable(directory);
                self.failed(&directory.path, failure);
            }
        }
    }
}
