//! Deletes what only the target has, for `--delete`

use std::collections::BTreeSet;

use ftp_session::Error;

use super::{Mirror, Purpose};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::plan::{Direction, Doomed, TooMany, below, is_below};
use crate::pool::Lease;
use crate::report::Action;

impl Mirror<'_> {
    pub(super) fn delete(&self) -> Option<Exit> {
        let mut state = self.lock();
        if self.purpose == Purpose::Verify {
            let doomed = state.plan.deletions().unwrap_or_default();
            drop(state);
            for Doomed { path, .. } in doomed {
                self.differs(&path, "is only in the target");
            }
            return None;
        }
        if state.failures > 0 {
            self.reporter.notice(b"--delete", "nothing was deleted, because something failed");
            return None;
        }
        let doomed = match state.plan.deletions() {
            Ok(doomed) => doomed,
            Err(TooMany(count)) => {
                drop(state);
                let failure = Failure::new(
                    Exit::Limit,
                    format!("nothing was deleted: {count} items are more than --max-delete allows"),
                );
                self.reporter.fail(b"--delete", &failure);
                return Some(failure.exit());
            }
        };
        drop(state);
        let mut lease = self.pool.lease();
        let doomed = match (self.purpose, self.sides.direction) {
            (Purpose::Mirror, Direction::Up) => {
                let doomed = self.without_unproven(&mut lease, doomed);
                self.delete_empty(&mut lease, doomed)
            }
            _ => doomed,
        };
        for Doomed { path, is_directory } in doomed {
            if self.interrupt.is_set() {
                return Some(Exit::Interrupted);
            }
            if self.purpose == Purpose::DryRun {
                self.reporter.did(Action::Delete, &path, true);
                continue;
            }
            match self.sides.delete(&mut lease, &path, is_directory) {
                Ok(()) => self.reporter.did(Action::Delete, &path, false),
                Err(failure) => self.failed(&path, failure),
            }
        }
        None
    }

    /// Returns what may be deleted: nothing in a directory whose listing lacks a name that this run has stored there
    ///
    /// Pure-FTPd stores `a ` as `a_`, for example. Then `a_`, which an earlier run has stored, seems to be superfluous.
    fn without_unproven(&self, lease: &mut Lease<'_>, mut doomed: Vec<Doomed>) -> Vec<Doomed> {
        let stored = self.lock().plan.stored_above(&doomed);
        let mut unproven = BTreeSet::new();
        for (directory, names) in stored {
            match self.sides.not_shown(lease, &directory, names) {
                Ok(names) if names.is_empty() => continue,
                Ok(names) => names.iter().for_each(|name| {
                    let message = "the server has stored it under another name, or it is gone already, \
                                   so nothing in its directory was deleted";
                    let failure = Failure::new(Exit::Verification, message)
                        .remedy("rename it here, or exclude it");
                    self.failed(&below(&directory, name), failure);
                }),
                Err(failure) => self.failed(&directory, failure),
            }
            unproven.insert(directory);
        }
        doomed.retain(|doomed| !is_below(&doomed.path, &unproven));
        doomed
    }

    /// Deletes the directories that are empty; returns what is left to delete, without what is behind links
    ///
    /// ProFTPD with `ShowSymlinks off` shows links to directories as directories in each listing, but refuses RMD of
    /// a link with "Not a directory".
    fn delete_empty(&self, lease: &mut Lease<'_>, doomed: Vec<Doomed>) -> Vec<Doomed> {
        let mut left = Vec::new();
        let mut done = BTreeSet::new();
        // In reverse: a directory comes before what is in it.
        for Doomed { path, is_directory } in doomed.into_iter().rev() {
            if is_below(&path, &done) {
                continue;
            }
            if !is_directory || self.interrupt.is_set() {
                left.push(Doomed { path, is_directory });
                continue;
            }
            match self.sides.delete(lease, &path, true) {
                Ok(()) => self.reporter.did(Action::Delete, &path, false),
                Err(failure) if failure.cause().is_some_and(Error::is_no_directory) => {
                    left.push(Doomed { path: path.clone(), is_directory: false });
                }
                Err(_) => {
                    left.push(Doomed { path, is_directory });
                    continue;
                }
            }
            done.insert(path);
        }
        left.reverse();
        left
    }
}
