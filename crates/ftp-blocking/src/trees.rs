//! Walks through directory trees

use std::iter::FusedIterator;

use ftp_session::procedure::{Procedure, WalkEntry, WalkError, WalkStep};

use crate::methods::Walk;

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
