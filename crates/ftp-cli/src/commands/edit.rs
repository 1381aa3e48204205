//! `rm`, `mv`, `mkdir`, `chmod` and `touch`

use std::cell::Cell;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::time::SystemTime;

use ftp_blocking::{Client, EntryKind, RemoveOptions, WalkEntry};
use ftp_proto::Put;
use ftp_session::{Error, timestamp};

use super::context::{Connection, Context, key};
use super::lookup::{Found, absent, exists, in_parent, in_parent_by_list};
use super::queue::finish;
use super::visit::visit;
use crate::args::{ChmodArgs, MkdirArgs, MvArgs, RmArgs, TouchArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::location::{Remote, join, single_origin};
use crate::pool::{Lease, Pool};
use crate::publish::{self, Refused};
use crate::report::{Action, Reporter};

pub(super) fn rm(args: &RmArgs, context: &Context) -> Result<Exit, Failure> {
    if args.recursive {
        // Before anything is removed.
        args.urls.iter().try_for_each(|text| removable(context, text))?;
    }
    if args.dry_run {
        return would_rm(args, context);
    }
    context.places(&args.urls)?.each(|lease, _, remote| {
        let path = remote.path();
        if !args.recursive {
            if remote.is_directory() {
                return Err(is_directory());
            }
            return change(lease, |client| client.delete(path).map(|_| ()), is_gone(path));
        }
        let remove = |client: &mut Client| match client.remove_dir_all(path) {
            // A file, or a symbolic link to anything.
            Err(Error::NotADirectory { .. }) => client.delete(path).map(|_| ()),
            result => result.map(|_| ()),
        };
        change(lease, remove, is_gone(path))
    })
}

/// Refuses what is never removed with everything in it: the root, the working directory, paths with `..`, and in the
/// shell also its directory and those above
fn removable(context: &Context, text: &OsStr) -> Result<(), Failure> {
    let options = RemoveOptions::new();
    let remote = context.remote(text)?;
    let result = match &context.connection {
        None => options.check(remote.path()).map(|_| ()),
        // As it was typed: together with the shell's directory, `.` is a path like any other.
        Some(Connection { here, .. }) => {
            options.check(crate::show::os_bytes(text)).and_then(|_| {
                let path = options.check(remote.path())?;
                let is_below = |here: Vec<u8>| {
                    let rest = here.strip_prefix(&*path);
                    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
                };
                // The error is that of an empty path, which is the working directory.
                let refused = options.check(here).is_ok_and(is_below).then_some("");
                refused.map_or(Ok(()), |path| options.check(path).map(|_| ()))
            })
        }
    };
    result.map_err(|error| Failure::session(error, "").about(crate::show::bytes(remote.path())))
}

/// Whether the server may have made a change in an earlier attempt
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Earlier {
    /// There was no attempt, or the server has refused each
    Refused,
    /// A session has ended without a reply
    Unanswered,
}

/// Makes a change with retries
///
/// If an attempt is refused, and the session of an earlier one ended without a reply, `is_made` returns whether that one
/// has made the change.
fn change(
    lease: &mut Lease<'_>,
    mut make: impl FnMut(&mut Client) -> Result<(), Error>,
    mut is_made: impl FnMut(&mut Client) -> Result<bool, Error>,
) -> Result<(), Failure> {
    let mut earlier = Earlier::Refused;
    lease.request(|client| {
        let Err(error) = make(client) else { return Ok(()) };
        if error.is_fatal() {
            // A reply such as 421 says that nothing was changed.
            if !matches!(&error, Error::Ftp(error) if error.reply().is_some()) {
                earlier = Earlier::Unanswered;
            }
            return Err(error);
        }
        match (earlier == Earlier::Unanswered).then(|| is_made(client)) {
            Some(Ok(true)) => Ok(()),
            Some(Err(fatal)) if fatal.is_fatal() => Err(fatal),
            Some(Ok(false) | Err(_)) | None => Err(error),
        }
    })
}

fn is_gone(path: &[u8]) -> impl FnMut(&mut Client) -> Result<bool, Error> {
    move |client| exists(client, path).map(|is_there| !is_there)
}

fn is_directory_there(path: &[u8]) -> impl FnMut(&mut Client) -> Result<bool, Error> {
    move |client| match in_parent(client, path)? {
        Found::Entry(entry) => Ok(entry.kind() == EntryKind::Dir),
        Found::Absent | Found::Unknown => Ok(false),
    }
}

fn is_directory() -> Failure {
    Failure::usage("is a directory").remedy("-r deletes directories")
}

/// Reports what `rm` would delete, in the order in which it would
fn would_rm(args: &RmArgs, context: &Context) -> Result<Exit, Failure> {
    let reporter = Reporter::new(&context.common);
    // What earlier URLs have deleted by then, so that it does not exist for later ones
    let mut gone = BTreeSet::new();
    context.places(&args.urls)?.each(|lease, pool, remote| {
        let path = remote.path();
        let plain = RemoveOptions::new().check(path).unwrap_or_else(|_| path.to_vec());
        let found = match gone.contains(&(key(remote), plain)) {
            true => Err(absent()),
            false => doomed(lease, pool, remote, args.recursive),
        };
        match found {
            Ok(doomed) => {
                for path in doomed {
                    if gone.insert((key(remote), path.clone())) {
                        reporter.did(Action::Delete, &path, true);
                    }
                }
            }
            // The summary says it.
            Err(failure) if failure.exit() == Exit::Interrupted => {}
            Err(failure) => reporter.fail(path, &failure),
        }
        Ok(())
    })?;
    Ok(finish(&reporter, &context.interrupt))
}

/// Returns what `rm` would delete: what is in a directory comes before the directory
fn doomed(
    lease: &mut Lease<'_>,
    pool: &Pool,
    remote: &Remote,
    recursive: bool,
) -> Result<Vec<Vec<u8>>, Failure> {
    let path = remote.path();
    if !recursive && remote.is_directory() {
        return Err(is_directory());
    }
    let plain = RemoveOptions::new().check(path);
    let path = plain.as_deref().unwrap_or(path);
    let mut kind = match lease.request(|client| in_parent(client, path))? {
        Found::Entry(entry) => entry.kind(),
        Found::Absent | Found::Unknown => match lease.request(|client| exists(client, path))? {
            true => EntryKind::Unknown,
            false => return Err(absent()),
        },
    };
    if kind == EntryKind::Dir {
        if let Found::Entry(entry) = lease.request(|client| in_parent_by_list(client, path))? {
            kind = entry.kind();
        }
    }
    let mut doomed = vec![path.to_vec()];
    if kind == EntryKind::Dir {
        if !recursive {
            return Err(is_directory());
        }
        lease.once(|client| {
            let mut add = |found: &WalkEntry| {
                doomed.push(found.path.clone());
                Ok(())
            };
            visit(client, path, &mut add).map_err(|failure| failure.at(pool.site().name()))
        })?;
    }
    doomed.reverse();
    Ok(doomed)
}

pub(super) fn mv(args: &MvArgs, context: &Context) -> Result<Exit, Failure> {
    let to = context.remote(&args.to)?;
    let from = context.remote(&args.from)?;
    if !single_origin([&from, &to]) {
        return Err(Failure::usage("both URLs must name the same server"));
    }
    context.places(std::slice::from_ref(&args.from))?.each(|lease, _, remote| {
        let path = match to.is_directory() {
            true => join(to.path(), remote.name()),
            false => to.path().to_vec(),
        };
        let from = remote.path();
        // Without it, what stands under the new name may have been there before.
        let source_was_there = Cell::new(false);
        let rename = |client: &mut Client| {
            publish::rename(client, from, &path).map_err(|refused| {
                source_was_there.set(source_was_there.get() || matches!(refused, Refused::To(_)));
                refused.into_error()
            })
        };
        let is_renamed = |client: &mut Client| {
            Ok(source_was_there.get() && !exists(client, from)? && exists(client, &path)?)
        };
        change(lease, rename, is_renamed)
    })
}

pub(super) fn mkdir(args: &MkdirArgs, context: &Context) -> Result<Exit, Failure> {
    context.places(&args.urls)?.each(|lease, _, remote| {
        let path = remote.path();
        match args.parents {
            true => lease.request(|client| client.create_dir_all(path).map(|_| ())),
            false => {
                change(lease, |client| client.mkdir(path).map(|_| ()), is_directory_there(path))
            }
        }
    })
}

pub(super) fn chmod(args: &ChmodArgs, context: &Context) -> Result<Exit, Failure> {
    context.places(&args.urls)?.each(|lease, _, remote| {
        let command = [b"CHMOD ", args.mode.as_bytes(), b" ", remote.path()].concat();
        lease.request(|client| client.site(&command).map(|_| ()))
    })
}

pub(super) fn touch(args: &TouchArgs, context: &Context) -> Result<Exit, Failure> {
    let time = match args.date {
        Some(time) => time,
        None => timestamp(SystemTime::now())
            .ok_or_else(|| Failure::usage("this system's clock is beyond the year 9999"))?,
    };
    context.places(&args.urls)?.each(|lease, _, remote| {
        let path = remote.path();
        lease.request(|client| {
            match exists(client, path) {
                // APPE creates the file, too, and if it exists, although the server does not show it, leaves its content.
                Ok(false) => {
                    client.upload_from(Put::new(path).append(), &mut std::io::empty())?;
                }
                Err(error) if error.is_fatal() => return Err(error),
                // If it is not clear whether the file exists, the next command shows it.
                Ok(true) | Err(_) => {}
            }
            client.set_modified(path, time).map(|_| ())
        })
    })
}

/// Returns the letter for a kind of entry, as in `ls -l`
pub(super) const fn letter(kind: EntryKind) -> char {
    match kind {
        EntryKind::Dir => 'd',
        EntryKind::File => '-',
        EntryKind::Symlink => 'l',
        _ => '?',
    }
}
