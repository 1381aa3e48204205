//! Whole trees, and the times of files

use std::iter::FusedIterator;

use ftp_proto::Timestamp;
use ftp_session::procedure::{
    self, Found, Procedure, RemoveOptions, WalkError, WalkOptions, WalkStep,
};
use ftp_session::{Error, Removal, TimeCommand};

use crate::client::Client;
use crate::entries::parser;

/// A walk through a directory tree: iterates over what it finds
///
/// Between two items the session is free: [`Self::client`] borrows it, for a download or any other request
/// that leaves the working directory as it is. Names are as the server sends them: to write local files under them,
/// use [`local_path`](crate::local_path) for the part of the path below the root of the tree.
///
/// An item that is an error stands for a directory that was skipped. The walk goes on, unless the session is over.
#[must_use = "a walk does nothing before its items are asked for"]
#[derive(Debug)]
pub struct Walk<'a> {
    client: &'a mut Client,
    inner: procedure::Walk,
}

impl Walk<'_> {
    /// The session
    pub const fn client(&mut self) -> &mut Client {
        self.client
    }

    /// The number of lines so far that were not recognized, or in which the server reports what it could not read
    ///
    /// They are not among the items, yet each may stand for a file. Check the number before you delete what was not
    /// found.
    #[must_use]
    pub const fn unknown_lines(&self) -> u64 {
        self.inner.unknown_lines()
    }
}

impl Iterator for Walk<'_> {
    type Item = Result<Found, WalkError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.inner.step() {
                WalkStep::Found(found) => return Some(Ok(found)),
                WalkStep::Failed(error) => return Some(Err(error)),
                WalkStep::Over => return None,
                WalkStep::Read(directory) => {
                    let session = &mut self.client.session;
                    let listing = Procedure::read_dir(directory, parser(session.utc_offset));
                    self.inner.listed(session.perform(listing, None, None));
                }
            }
        }
    }
}

impl FusedIterator for Walk<'_> {}

/// Trees
impl Client {
    /// Makes a directory and any missing parents (MKD); returns how many it made
    ///
    /// Directories that exist already are no error. The working directory is the same afterwards.
    ///
    /// # Errors
    ///
    /// [`Error::NotADirectory`] if a file is in the way, otherwise the server's refusal to make the first missing
    /// directory.
    pub fn create_dir_all(&mut self, path: impl AsRef<[u8]>) -> Result<usize, Error> {
        self.session.perform(Procedure::create_dir_all(path), None, None)
    }

    /// Walks through a directory and everything below it; an empty path is the working directory
    ///
    /// ```no_run
    /// # fn f(ftp: &mut ftp_blocking::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use ftp_blocking::WalkOptions;
    ///
    /// let mut walk = ftp.walk("pub", WalkOptions::new());
    /// while let Some(found) = walk.next() {
    ///     let found = found?;
    ///     if found.path.ends_with(b".sha256") {
    ///         walk.client().download_to(&found.path, &mut std::io::stdout())?;
    ///     }
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// Links are reported, not followed. Memory is bounded: each directory is listed completely, and kept until it is
    /// finished.
    pub fn walk(&mut self, path: impl AsRef<[u8]>, options: WalkOptions) -> Walk<'_> {
        Walk { client: self, inner: procedure::Walk::new(path, options) }
    }

    /// Removes a directory and everything in it, stopping at the first item that can't be removed
    ///
    /// # Errors
    ///
    /// As [`Self::remove_dir_all_with`].
    pub fn remove_dir_all(&mut self, path: impl AsRef<[u8]>) -> Result<Removal, Error> {
        self.remove_dir_all_with(path, RemoveOptions::new())
    }

    /// Removes a directory and everything in it (DELE, RMD)
    ///
    /// Links are removed, not their targets. It succeeds only if the server has confirmed that the directory itself is
    /// gone. The parent is listed first, to see whether the path is a link.
    ///
    /// # Errors
    ///
    /// [`Error::Local`] for an empty path, the root, and a path with `..`, all before anything is sent;
    /// [`Error::NotADirectory`] if the path is a file or a link; [`NoDirectory`](ftp_proto::Error::NoDirectory) if it
    /// does not exist; [`Error::NotRemoved`], which lists what is left, if something could not be removed.
    pub fn remove_dir_all_with(
        &mut self,
        path: impl AsRef<[u8]>,
        options: RemoveOptions,
    ) -> Result<Removal, Error> {
        self.session.perform(Procedure::remove_dir_all(path, options), None, None)
    }

    /// Sets a file's modification time, UTC, with the first command that the server supports: MFMT, MDTM with a time,
    /// SITE UTIME; returns which it was
    ///
    /// The time has a resolution of one second. Success means that the time is set: if the reply may be about
    /// something else, the time is read back first. The supported commands are determined once per session.
    /// [`timestamp`](crate::timestamp) converts a system time.
    ///
    /// # Errors
    ///
    /// [`Error::TimeNotSet`] if no command is known to have set it, otherwise the server's refusal for this file.
    pub fn set_modified(
        &mut self,
        path: impl AsRef<[u8]>,
        time: Timestamp,
    ) -> Result<TimeCommand, Error> {
        self.session.perform(Procedure::set_modified(path, time), None, None)
    }
}
