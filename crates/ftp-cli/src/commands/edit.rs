//! `rm`, `mv`, `mkdir`, `chmod` and `touch`

use std::time::SystemTime;

use ftp_blocking::EntryKind;
use ftp_session::timestamp;

use super::context::Context;
use super::lookup::exists;
use crate::args::{ChmodArgs, MkdirArgs, MvArgs, RmArgs, TouchArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::location::{join, single_origin};

pub(super) fn rm(args: &RmArgs, context: &Context) -> Result<Exit, Failure> {
    context.places(&args.urls)?.each(|lease, _, remote| {
        let path = remote.path();
        if !args.recursive {
            if remote.is_directory() {
                return Err(Failure::usage("is a directory").remedy("-r deletes directories"));
            }
            return lease.request(|client| client.delete(path).map(|_| ()));
        }
        lease.request(|client| match client.remove_dir_all(path) {
            // A file, or a symbolic link to anything.
            Err(ftp_session::Error::NotADirectory { .. }) => client.delete(path).map(|_| ()),
            result => result.map(|_| ()),
        })
    })
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
        lease.request(|client| client.rename(remote.path(), &path).map(|_| ()))
    })
}

pub(super) fn mkdir(args: &MkdirArgs, context: &Context) -> Result<Exit, Failure> {
    context.places(&args.urls)?.each(|lease, _, remote| {
        let path = remote.path();
        match args.parents {
            true => lease.request(|client| client.create_dir_all(path).map(|_| ())),
            false => lease.request(|client| client.mkdir(path).map(|_| ())),
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
                Ok(false) => {
                    client.upload_from(path, &mut std::io::empty())?;
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
