//! Whole trees, and the times of files

use std::iter::FusedIterator;

use ftp_proto::Timestamp;
use ftp_session::procedure::{
    self, Found, Procedure, RemoveOptions, WalkError, WalkOptions, WalkStep,
};
use ftp_session::{Error, Removal, TimeCommand};

use crate::client::Client;
use crate::entries::parser;

/// A walk through a tree of directories: what is found in it, one after the other
///
/// Between two items the session is free: [`Self::client`] lends it, to download what was found or for
/// anything else that leaves the working directory as it is. Names are what the server sends: to write local
/// files under them, use [`local_path`](crate::local_path) for the part of the path below the tree's own.
///
/// An item that is an error tells of a directory that is left out, and the walk goes on, unless the
/// session is over.
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

    /// Lines so far that nobody understood, or in which the server says what it could not read: not among
    /// the items, perhaps files all the same. Look at it before you delete what was not found.
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
    /// Makes a directory and those of its parents that are missing (MKD); returns how many it has made
    ///
    /// Directories that exist are fine. The working directory is afterwards as it was.
    ///
    /// # Errors
    ///
    /// [`Error::NotADirectory`] if a file is in the way, else the server's refusal to make the first directory
    /// that is missing.
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
    /// Links are found, not followed. Memory is bounded: each directory is listed whole, and held until it
    /// is finished.
    pub fn walk(&mut self, path: impl AsRef<[u8]>, options: WalkOptions) -> Walk<'_> {
        Walk { client: self, inner: procedure::Walk::new(path, options) }
    }

    /// Removes a directory and everything in it, up to the first thing that can't be removed
    ///
    /// # Errors
    ///
    /// As [`Self::remove_dir_all_with`].
    pub fn remove_dir_all(&mut self, path: impl AsRef<[u8]>) -> Result<Removal, Error> {
        self.remove_dir_all_with(path, RemoveOptions::new())
    }

    /// Removes a directory and everything in it (DELE, RMD)
    ///
    /// Links are removed, what they point to is not. It succeeds if the server has confirmed that the
    /// directory itself is gone. To see whether the path is a link, its parent is listed first.
    ///
    /// # Errors
    ///
    /// [`Error::Local`] for an empty path, the root, and a path with `..`, where it does not begin;
    /// [`Error::NotADirectory`] if the path is a file's or a link's;
    /// [`NoDirectory`](ftp_proto::Error::NoDirectory) if there is nothing; [`Error::NotRemoved`], which says
    /// what is left, if something could not be removed.
    pub fn remove_dir_all_with(
        &mut self,
        path: impl AsRef<[u8]>,
        options: RemoveOptions,
    ) -> Result<Removal, Error> {
        self.session.perform(Procedure::remove_dir_all(path, options), None, None)
    }

    /// Sets the time of a file's last modification, UTC, by the first command that the server has for it:
    /// MFMT, MDTM with a time, SITE UTIME; returns which it was
    ///
    /// To the second. If it succeeds the time is set: words that may be about something else are not believed
    /// before the time has been read back. What the server knows is learned once a session.
    /// [`timestamp`](crate::timestamp) makes a time of the system's.
    ///
    /// # Errors
    ///
    /// [`Error::TimeNotSet`] if no command is known to have done it, else the server's refusal for this
    /// file.
    pub fn set_modified(
        &mut self,
        path: impl AsRef<[u8]>,
        time: Timestamp,
    ) -> Result<TimeCommand, Error> {
        self.session.perform(Procedure::set_modified(path, time), None, None)
    }
}
