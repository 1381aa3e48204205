//! Compares one directory of both trees, and finds the steps in it

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ftp_proto::{NameProblem, TakenNames};

use super::tree::{Item, Kind, Listing, Shown};
use super::{
    Above, Age, Compare, Direction, Directory, Doomed, File, Found, MAX_DEPTH, MAX_LINKS, Plan,
    Step, TOO_DEEP, below,
};
use crate::partial::reserved;
use crate::publish;

/// Why a directory is not entered
#[derive(Clone, Copy, PartialEq, Eq)]
enum Closed {
    TooDeep,
    Loop(&'static str),
}

impl Closed {
    const fn reason(self) -> &'static str {
        match self {
            Self::TooDeep => TOO_DEEP,
            Self::Loop(reason) => reason,
        }
    }
}

/// The result of comparing a file of the source with that of the target
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Same,
    Differs,
    Unclear,
}

impl Plan {
    /// Returns the steps in a directory, in order; a listing is `None` if that side has no such directory
    ///
    /// The order of the items in the listings makes no difference.
    pub(crate) fn listed(
        &mut self,
        directory: &Directory,
        source: Option<Listing>,
        target: Option<Listing>,
    ) -> Found {
        let (source, target) = (source.unwrap_or_default(), target.unwrap_or_default());
        let mut items = source.items;
        items.sort_unstable();
        let there: BTreeMap<&[u8], &Item> =
            target.items.iter().map(|item| (&*item.name, item)).collect();
        let reserved_names = self.reserved(&items);
        let mut names = TakenNames::new(self.policy.names);
        let mut found = Found::default();
        let mut refused: BTreeSet<&[u8]> = BTreeSet::new();
        for item in &items {
            let path = below(&directory.path, &item.name);
            if let Err(error) = names.take(&item.name) {
                refused.insert(&item.name);
                found.steps.push(Step::Refuse { path, reason: error.problem().to_string() });
            } else if reserved_names.contains(&*item.name) {
                let reason =
                    "this is the temporary name of another file; --temp-suffix changes those";
                found.steps.push(Step::Refuse { path, reason: reason.into() });
            } else {
                self.item(directory, item, path, &there, &mut found);
            }
        }
        let has_files = found.steps.iter().any(|step| matches!(step, Step::Transfer(_)));
        if directory.in_source && !directory.in_target && (directory.is_wanted || has_files) {
            let with_parents = !directory.is_wanted || directory.path.is_empty();
            let path = directory.path.clone();
            found.steps.insert(0, Step::MakeDirectory { path, with_parents });
        }
        let is_known =
            target.shown != Shown::Some && (source.shown != Shown::Some || !directory.in_source);
        if self.policy.delete && is_known {
            let is_hidden = |item: &&Item| {
                directory.in_source
                    && source.shown == Shown::AllButDotNames
                    && item.name.starts_with(b".")
            };
            let is_only_there = |item: &&Item| !is_hidden(item) && !refused.contains(&*item.name);
            let target: Vec<_> = target.items.iter().filter(is_only_there).collect();
            self.doom(directory, &target, &mut names, &reserved_names, &mut found);
        } else if !directory.in_source {
            self.spare(&directory.path);
        }
        found
    }

    /// Returns the names that these files have while they are incomplete
    fn reserved(&self, items: &[Item]) -> BTreeSet<Vec<u8>> {
        let Some(suffix) = &self.policy.suffix else { return BTreeSet::new() };
        let files = items.iter().filter(|item| item.kind == Kind::File);
        let mut names: BTreeSet<Vec<u8>> =
            files.flat_map(|item| reserved(&item.name, suffix)).collect();
        if self.policy.direction == Direction::Up {
            let files = items.iter().filter(|item| item.kind == Kind::File);
            names.extend(files.map(|item| publish::aside(&item.name, suffix)));
        }
        names
    }

    fn item(
        &self,
        directory: &Directory,
        item: &Item,
        path: Vec<u8>,
        there: &BTreeMap<&[u8], &Item>,
        found: &mut Found,
    ) {
        let target = there.get(&*item.name);
        let refuse = |path, reason: &str| Step::Refuse { path, reason: reason.into() };
        match (item.kind, target.map(|target| target.kind)) {
            (Kind::Dir, _) if !self.policy.filter.enters(&path) => {}
            (Kind::Dir, None | Some(Kind::Dir)) => {
                match enter(directory, item, &path, target.is_some()) {
                    Ok(entered) => {
                        let is_wanted = self.policy.filter.takes_empty(&path);
                        found.directories.push(Directory { is_wanted, ..entered });
                    }
                    Err(Closed::TooDeep) => found.steps.push(Step::TooDeep { path }),
                    Err(Closed::Loop(reason)) => found.steps.push(refuse(path, reason)),
                }
            }
            (Kind::Dir, Some(Kind::Link)) => {
                found.steps.push(refuse(
                    path,
                    "the target has a symbolic link under this name, or what can't be told from one; remove it first",
                ));
            }
            (Kind::Dir, Some(_)) => {
                found.steps.push(refuse(
                    path,
                    "the target has something else under this name; remove it first",
                ));
            }
            _ if !self.policy.filter.takes(&path) => {}
            (Kind::File, Some(Kind::Dir)) => {
                found.steps.push(refuse(
                    path,
                    "the target has a directory under this name; remove it first",
                ));
            }
            (Kind::File, _) if self.policy.filter.age(item.time) == Age::Other => {}
            (Kind::File, _) if self.policy.filter.age(item.time) == Age::Unknown => {
                let reason = "its time is not known, so --newer and --older cannot apply";
                found.steps.push(Step::LeaveOut { path, reason });
            }
            (Kind::File, _) if self.policy.filter.size(item.size) == Some(false) => {}
            (Kind::File, _) if self.policy.filter.size(item.size).is_none() => {
                let reason = "its size is not known, so --size cannot apply";
                found.steps.push(Step::LeaveOut { path, reason });
            }
            (Kind::File, target_kind) => {
                let is_begun = self.is_begun(&item.name, there);
                let is_there = target_kind.is_some();
                let &Item { size, time, is_exact, mode, .. } = item;
                let file = File { path, size, time, is_exact, is_begun, is_there, mode };
                let verdict = match (target, target_kind) {
                    (Some(target), Some(Kind::File)) => self.compare(item, target),
                    _ => Verdict::Differs,
                };
                found.steps.push(match verdict {
                    Verdict::Same => Step::Keep(file),
                    Verdict::Differs => Step::Transfer(file),
                    Verdict::Unclear => Step::Check(file),
                });
            }
            (Kind::Link, _) => {
                found.steps.push(Step::LeaveOut {
                    path,
                    reason: "a symbolic link, which is not followed",
                });
            }
            (Kind::Other, _) => {
                found.steps.push(Step::LeaveOut { path, reason: "not an ordinary file" });
            }
        }
    }

    fn is_begun(&self, name: &[u8], there: &BTreeMap<&[u8], &Item>) -> bool {
        self.policy.suffix.as_ref().is_some_and(|suffix| {
            let [temporary, ..] = reserved(name, suffix);
            there.contains_key(&*temporary)
        })
    }

    fn compare(&self, source: &Item, target: &Item) -> Verdict {
        let same_size = source.size.zip(target.size).map(|(one, other)| one == other);
        let times = source.time.zip(target.time);
        let same_time = times.map(|(source, target)| match self.policy.direction {
            Direction::Down => source.may_be(target),
            // If the server can't set modification times, the target's time is that of the upload.
            Direction::Up => !source.is_after(target),
        });
        let is_newer = times.is_some_and(|(source, target)| source.is_after(target));
        match (self.policy.compare, same_size, same_time) {
            (Compare::Missing, _, _) => Verdict::Same,
            (Compare::Newer, _, _) if is_newer => Verdict::Differs,
            (Compare::Newer, _, _) => Verdict::Same,
            (_, Some(false), _) => Verdict::Differs,
            (Compare::Content, _, _) => Verdict::Unclear,
            (Compare::Size, Some(true), _) => Verdict::Same,
            (Compare::SizeAndTime, Some(true), None) => Verdict::Same,
            (Compare::Size | Compare::SizeAndTime, _, Some(true)) => Verdict::Same,
            (Compare::Size | Compare::SizeAndTime, _, _) => Verdict::Differs,
        }
    }

    /// Collects the items to delete: those that only the target has, unless they may belong to an item of the source
    fn doom(
        &mut self,
        directory: &Directory,
        target: &[&Item],
        names: &mut TakenNames,
        reserved: &BTreeSet<Vec<u8>>,
        found: &mut Found,
    ) {
        for item in target {
            let path = below(&directory.path, &item.name);
            let filter = &self.policy.filter;
            let problem = names.take(&item.name).err().map(|error| error.problem());
            let is_there_too =
                problem == Some(NameProblem::Taken) || reserved.contains(&*item.name);
            let takes_part = match item.kind {
                Kind::Dir => filter.enters(&path),
                Kind::File => {
                    filter.takes(&path)
                        && filter.age(item.time) == Age::Fits
                        && filter.size(item.size) == Some(true)
                }
                _ => filter.takes(&path),
            };
            if is_there_too || !takes_part {
                if !directory.in_source {
                    self.spare(&directory.path);
                }
                continue;
            }
            if let Some(problem) = problem {
                self.spare(&directory.path);
                found.steps.push(Step::Spare { path, reason: problem.to_string() });
                continue;
            }
            let is_directory = item.kind == Kind::Dir;
            if is_directory {
                match enter(directory, item, &path, true) {
                    Ok(entered) => {
                        found.directories.push(Directory { in_source: false, ..entered });
                    }
                    Err(closed) => {
                        self.spare(&path);
                        let reason = closed.reason().into();
                        found.steps.push(Step::Spare { path, reason });
                        continue;
                    }
                }
                if !self.policy.filter.takes(&path) {
                    self.spare(&path);
                }
            }
            if self.policy.direction == Direction::Up {
                self.stored.dooms_in(&directory.path);
            }
            self.doomed.push(Doomed { path, is_directory });
        }
    }
}

/// Returns a subdirectory to list, or why it is not entered
fn enter(
    directory: &Directory,
    item: &Item,
    path: &[u8],
    in_target: bool,
) -> Result<Directory, Closed> {
    let depth = directory.depth + 1;
    if depth >= MAX_DEPTH {
        return Err(Closed::TooDeep);
    }
    let links = directory.links + usize::from(item.is_linked);
    if links > MAX_LINKS {
        return Err(Closed::Loop("leads through too many symbolic links; is this a loop?"));
    }
    let mut above = directory.above.as_ref();
    while let Some(other) = above {
        if Some(&other.identity) == item.identity.as_ref() {
            return Err(Closed::Loop("contains itself: a loop"));
        }
        above = other.above.as_ref();
    }
    let identity = item.identity.clone();
    let above = match identity {
        Some(identity) => Some(Arc::new(Above { identity, above: directory.above.clone() })),
        None => directory.above.clone(),
    };
    Ok(Directory {
        path: path.to_vec(),
        in_source: true,
        in_target,
        is_wanted: true,
        above,
        depth,
        links,
    })
}
