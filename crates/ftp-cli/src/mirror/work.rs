//! Carries out the steps of a plan

use std::sync::PoisonError;
use std::time::{Duration, SystemTime};

use ftp_session::{Error, Mismatch, local_path};

use super::{Mirror, Purpose};
use crate::check;
use crate::download;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::latest;
use crate::location::join;
use crate::partial::Version;
use crate::plan::{Direction, Directory, File, Found, Stamp, Step, TOO_DEEP};
use crate::pool::Lease;
use crate::report::Action;
use crate::upload::{self, Begun, upload};

impl Mirror<'_> {
    /// Starts on the steps of a directory: creates it if it is missing, and queues its transfers and comparisons
    pub(super) fn begin(&self, lease: &mut Lease<'_>, directory: &Directory, found: Found) {
        let mut queue = Vec::new();
        let is_of_another_run =
            |file: &File| self.args.shard.is_some_and(|shard| !shard.has(&file.path));
        for step in found.steps {
            match step {
                Step::Transfer(ref file) | Step::Check(ref file) | Step::Keep(ref file)
                    if is_of_another_run(file) => {}
                Step::MakeDirectory { path, .. } if self.purpose == Purpose::Verify => {
                    self.differs(&path, "is a directory that is missing in the target");
                }
                Step::MakeDirectory { path, with_parents } => {
                    if let Err(failure) = self.make_directory(lease, &path, with_parents) {
                        // Without the directory, nothing in it can be transferred.
                        self.lock().plan.unreadable(directory);
                        return self.failed(&path, failure);
                    }
                }
                Step::Transfer(ref file) | Step::Check(ref file) => {
                    if self.record.as_ref().is_some_and(|record| record.has(file)) {
                        self.reporter.kept();
                        continue;
                    }
                    if let Step::Transfer(file) = &step {
                        self.reporter.expect(1, file.size.unwrap_or(0));
                    }
                    queue.push(step);
                }
                Step::Keep(file) => self.keep(&file),
                Step::LeaveOut { path, reason } => self.reporter.skipped(&path, reason),
                Step::Spare { path, .. } if self.purpose == Purpose::Verify => {
                    self.differs(&path, "is only in the target");
                }
                Step::Spare { path, reason } => self.reporter.skipped(&path, &reason),
                Step::Refuse { path, reason } => {
                    self.failed(&path, Failure::new(Exit::Local, reason));
                }
                Step::TooDeep { path } => self.failed(&path, Failure::new(Exit::Limit, TOO_DEEP)),
            }
        }
        let mut state = self.lock();
        state.waiting.extend(queue);
        state.plan.enter(found.directories);
        drop(state);
        self.changed.notify_all();
    }

    fn make_directory(
        &self,
        lease: &mut Lease<'_>,
        path: &[u8],
        with_parents: bool,
    ) -> Result<(), Failure> {
        if self.purpose == Purpose::Mirror {
            // Servers refuse to create a directory that another session is creating at the same time.
            let lock = || self.making.lock().unwrap_or_else(PoisonError::into_inner);
            let _alone = with_parents.then(lock);
            self.sides.make_directory(lease, path)?;
            self.lock().plan.made(path, with_parents);
        }
        // The root directory is not reported: the user named it.
        if !path.is_empty() {
            self.reporter.did(Action::Mkdir, path, self.purpose == Purpose::DryRun);
        }
        Ok(())
    }

    /// Carries out a step
    pub(super) fn carry_out(&self, lease: &mut Lease<'_>, step: Step) {
        match step {
            Step::Transfer(file) => self.transfer(lease, &file),
            Step::Check(file) => match self.is_same(lease, &file) {
                Ok(true) => self.keep(&file),
                Ok(false) => {
                    self.reporter.expect(1, file.size.unwrap_or(0));
                    self.transfer(lease, &file);
                }
                Err(failure) => self.failed(&file.path, failure),
            },
            // `begin` has carried out these steps.
            Step::MakeDirectory { .. }
            | Step::Keep(_)
            | Step::LeaveOut { .. }
            | Step::Spare { .. }
            | Step::Refuse { .. }
            | Step::TooDeep { .. } => {}
        }
    }

    /// Counts a file that is up to date
    fn keep(&self, file: &File) {
        self.reporter.kept();
        self.note(file);
    }

    /// Records a file in the state file, if there is one
    fn note(&self, file: &File) {
        if let Some(Err(failure)) = self.record.as_ref().map(|record| record.note(file)) {
            self.failed(&file.path, failure);
        }
    }

    /// Whether both sides have the same content, by the server's hash or, if it has none, by size
    fn is_same(&self, lease: &mut Lease<'_>, file: &File) -> Result<bool, Failure> {
        let local = self.sides.local_path(&file.path)?;
        let remote = join(&self.sides.remote, &file.path);
        let length =
            std::fs::metadata(&local).map_err(|error| Failure::local(&local, &error))?.len();
        let proof =
            lease.request(|client| match check::compare(client, &remote, &local, length) {
                Ok(proof) => Ok(Some(proof)),
                Err(Error::Mismatch(Mismatch::Hash { .. } | Mismatch::Size { .. })) => Ok(None),
                Err(error) => Err(error),
            })?;
        if proof == Some(check::Proof::Size) && length > 0 {
            self.reporter
                .notice(&file.path, "the server has no hash of it, so only the size was compared");
        }
        Ok(proof.is_some())
    }

    fn transfer(&self, lease: &mut Lease<'_>, file: &File) {
        let action = match self.sides.direction {
            Direction::Down => Action::Get,
            Direction::Up => Action::Put,
        };
        match self.purpose {
            Purpose::Mirror => {}
            Purpose::DryRun => return self.reporter.would(action, &file.path, file.size),
            Purpose::Verify if file.is_there => return self.differs(&file.path, "differs"),
            Purpose::Verify => return self.differs(&file.path, "is missing in the target"),
        }
        let running = self.reporter.begin(action, &file.path, file.size);
        let remote = join(&self.sides.remote, &file.path);
        let result = self.sides.check_way(&file.path).and_then(|()| match self.sides.direction {
            Direction::Down => local_path(&self.sides.local, &file.path)
                .map_err(|error| Failure::new(Exit::Local, error.to_string()))
                .and_then(|local| {
                    let modified = file.time.and_then(system_time);
                    let job = download::Job {
                        remote: &remote,
                        local: &local,
                        version: Version { size: file.size, modified },
                        modified,
                        mode: file.mode.filter(|_| self.args.transfer.preserve.is_some()),
                        expected: None,
                        source: match file.is_exact {
                            true => download::Source::Request,
                            false => download::Source::Listing,
                        },
                    };
                    let segments = self.args.segments.segments;
                    latest::download(self.pool, lease, self.terms(), &job, segments, &running)
                }),
            Direction::Up => self.sides.local_path(&file.path).and_then(|local| {
                let begun = if file.is_begun { Begun::Perhaps } else { Begun::No };
                let job = upload::Job { local: &local, remote: &remote };
                upload(lease, self.terms(), &job, begun, &running)
            }),
        });
        match running.end(result) {
            Ok(()) => {
                self.lock().plan.transferred(&file.path);
                self.note(file);
            }
            Err(failure) => self.failed(&file.path, failure),
        }
    }
}

fn system_time(stamp: Stamp) -> Option<SystemTime> {
    let distance = Duration::from_secs(stamp.seconds().unsigned_abs());
    match stamp.seconds() {
        0.. => SystemTime::UNIX_EPOCH.checked_add(distance),
        _ => SystemTime::UNIX_EPOCH.checked_sub(distance),
    }
}
