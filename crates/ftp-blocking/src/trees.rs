//! Walks through directory trees

use std::iter::FusedIterator;

use ftp_session::procedure::{self, Procedure, WalkEntry, WalkError, WalkOptions, WalkStep};

use crate::client::Client;

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
    type Item = Result<WalkEntry, WalkError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.inner.step() {
                WalkStep::Entry(found) => return Some(Ok(found)),
                WalkStep::Failed(error) => return Some(Err(error)),
                WalkStep::Over => return None,
                WalkStep::Read(directory) => {
                    let session = &mut self.client.session;
                    let listing = Procedure::read_dir(directory, session.inner.listing_parser());
                    self.inner.listed(session.perform(listing, None, None));
                }
            }
        }
    }
}

impl FusedIterator for Walk<'_> {}

/// Walks
impl Client {
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
}
