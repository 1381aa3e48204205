//! Opens ordinary files alone: a link would lead to another file, and a pipe would make the program wait for its other end

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::path::Path;

use fs4::{FileExt, TryLockError};

use crate::exit::Exit;
use crate::failure::Failure;

const NOT_ORDINARY: &str = "is not an ordinary file";

const IS_LINK: &str = "is a symbolic link, and the file that it leads to is not written";

/// The most links that are followed from one to the next
#[cfg(unix)]
const MAX_LINKS: usize = 40;

/// Opens or creates a file, and locks it against other runs that open it with this function
///
/// # Errors
///
/// Errors of the operating system; an error if another run has locked the file, or if it is not an ordinary file.
pub(crate) fn open_alone(path: &Path) -> Result<File, Failure> {
    try_open_alone(path)?.ok_or_else(|| another_run(path))
}

/// Returns an error if another run has locked this file, which need not exist
///
/// A file that can't be opened or locked, for example because the file system has no locks, counts as not locked.
pub(crate) fn refuse_if_locked(path: &Path) -> Result<(), Failure> {
    let locked = open_to_read(path)
        .is_ok_and(|file| matches!(FileExt::try_lock(&file), Err(TryLockError::WouldBlock)));
    if locked { Err(another_run(path)) } else { Ok(()) }
}

fn another_run(path: &Path) -> Failure {
    Failure::new(Exit::Local, "another run is writing this file")
        .about(crate::show::path(path))
        .remedy("wait until it ends")
}

/// As [`open_alone`], but `None` if another run has locked the file
pub(crate) fn try_open_alone(path: &Path) -> Result<Option<File>, Failure> {
    let failure = |error: &io::Error| Failure::local(path, error);
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    loop {
        let file = open_ordinary(path, &mut options).map_err(|error| match is_link(path) {
            true => failure(&error).remedy("name that file, or remove the link"),
            false => failure(&error),
        })?;
        // Called by its path, because std has a method of this name since Rust 1.89.
        match FileExt::try_lock(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(failure(&error)),
        }
        // Another run may have renamed or removed the file after it was opened and before it was locked.
        if is_same(&file, path).map_err(|error| failure(&error))? {
            return Ok(Some(file));
        }
    }
}

/// Opens an ordinary file to read it, and nothing else
pub(crate) fn open_to_read(path: &Path) -> io::Result<File> {
    open_ordinary(path, OpenOptions::new().read(true))
}

/// Opens a file with these options; an error, without waiting, for anything that is not an ordinary file
fn open_ordinary(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    // Following a symbolic link would write to another file, and opening a pipe may wait for its other end.
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        options.custom_flags(flags.bits() as i32);
    }
    #[cfg(not(unix))]
    if is_link(path) {
        return Err(io::Error::other(IS_LINK));
    }
    let file = options.open(path).map_err(|error| match is_link(path) {
        // The system's error counts links: "Too many levels of symbolic links".
        true => io::Error::other(IS_LINK),
        false => error,
    })?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other(NOT_ORDINARY)),
    }
}

pub(crate) fn is_link(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink())
}

/// Whether a path leads to a device, a pipe or an open file of this process, which a file of that name would replace
pub(crate) fn leads_to_special(path: &Path) -> bool {
    let is_special = |metadata: Metadata| !metadata.is_file() && !metadata.is_dir();
    std::fs::metadata(path).is_ok_and(is_special) || is_open_file(path)
}

/// Whether a path is a link to an open file of a process, as `/dev/stdout` is on Linux, whatever kind of file that is
#[cfg(unix)]
fn is_open_file(path: &Path) -> bool {
    let mut link = path.to_owned();
    for _ in 0..MAX_LINKS {
        let Ok(target) = std::fs::read_link(&link) else { return false };
        if link.starts_with("/proc") || link.starts_with("/dev/fd") {
            return true;
        }
        // An absolute target replaces the path.
        link.pop();
        link.push(target);
    }
    false
}

#[cfg(not(unix))]
const fn is_open_file(_: &Path) -> bool {
    false
}

/// Whether writing to a file would change what is seen under another name; rftp makes no such part
#[cfg(unix)]
pub(crate) fn has_another_name(metadata: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::nlink(metadata) > 1
}

/// Windows reports the number of names only through its own functions
#[cfg(not(unix))]
pub(crate) const fn has_another_name(_: &Metadata) -> bool {
    false
}

pub(crate) fn not_ordinary(path: &Path) -> Failure {
    Failure::local(path, &io::Error::other(NOT_ORDINARY))
}

/// Whether a path still names an open file: another run may have renamed it, also on Windows
pub(crate) fn is_same(open: &File, path: &Path) -> io::Result<bool> {
    let open = same_file::Handle::from_file(open.try_clone()?)?;
    match same_file::Handle::from_path(path) {
        Ok(named) => Ok(named == open),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        // For example because this process has no more descriptors, which says nothing about the name.
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_renamed_after_it_was_opened_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let [part, whole] = ["f.part", "f"].map(|name| folder.path().join(name));
        let file = File::create(&part).unwrap();
        assert!(is_same(&file, &part).unwrap());
        std::fs::rename(&part, &whole).unwrap();
        assert!(!is_same(&file, &part).unwrap());
        assert!(is_same(&file, &whole).unwrap());
        File::create(&part).unwrap();
        assert!(!is_same(&file, &part).unwrap(), "another file of this name");
    }
}
