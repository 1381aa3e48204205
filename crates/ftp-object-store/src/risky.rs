//! Names that a server may change when it stores a file
//!
//! Pure-FTPd writes `_` for control characters and for some blanks, and pyftpdlib U+FFFD for bytes that are not UTF-8.
//! Such a server reports success, although it has replaced the object with the resulting name. So the first name of
//! each kind is tried with an empty file.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use ftp_tokio::{Error as FtpError, Lease, Put};
use object_store::Result;

use crate::error::Subject;
use crate::inner::Inner;
use crate::look::Found;
use crate::name::{self, Risks};
use crate::temporary::Temporary;

/// What has become of a file that was to have an unusual name
enum Stored {
    Kept,
    /// The name in the listing of the directory
    Changed(Vec<u8>),
    NotListed,
}

impl Inner {
    /// Fails if the server would store a file under another name than this
    pub(crate) async fn check_name(
        self: &Arc<Self>,
        ftp: &mut Lease,
        target: &[u8],
        subject: Subject<'_>,
    ) -> Result<()> {
        let (directory, name) = name::split(target);
        let risks = Risks::of(target);
        if risks.are_among(self.kept_names.load(Ordering::Relaxed)) {
            return Ok(());
        }
        let refused = |error: FtpError| subject.refused(error);
        if !directory.is_empty() {
            ftp.create_dir_all(directory).await.map_err(refused)?;
        }
        let name = name.escape_ascii();
        match self.try_name(ftp, target).await.map_err(refused)? {
            Stored::Kept => {
                self.kept_names.fetch_or(risks.bits(), Ordering::Relaxed);
                Ok(())
            }
            Stored::Changed(other) => Err(subject.generic(format!(
                "the server stores or lists a file like \"{name}\" under another name, \"{}\"",
                other.escape_ascii()
            ))),
            Stored::NotListed => Err(subject.generic(format!(
                "the server may store a file like \"{name}\" under another name: it does not list it"
            ))),
        }
    }

    /// Stores an empty file under a similar name
    async fn try_name(
        self: &Arc<Self>,
        ftp: &mut Lease,
        target: &[u8],
    ) -> Result<Stored, FtpError> {
        let (directory, name) = name::split(target);
        let (alike, digits) = name::alike(name);
        let mut path = directory.to_vec();
        name::push(&mut path, &alike);
        let mut empty = Temporary::new(self, target);
        ftp.put(Put::new(empty.path())).await?.finish().await?;
        ftp.rename(empty.path(), &path).await?;
        empty.keep();
        let file = Temporary::at(self, path);
        let mut listed = None;
        let mut entries = ftp.read_dir(directory).await?;
        while let Some(entry) = entries.next().await {
            let entry = entry?;
            if contains(entry.name(), digits.as_bytes()) {
                listed = Some(entry.name().to_vec());
            }
        }
        drop(entries);
        let stored = match listed {
            Some(listed) if listed == alike => Stored::Kept,
            Some(listed) => {
                // The name was changed when the file was stored, or only in the listing, which may lack a blank.
                let mut path = directory.to_vec();
                name::push(&mut path, &listed);
                file.delete_either(Temporary::at(self, path), ftp).await;
                return Ok(Stored::Changed(listed));
            }
            // Many servers leave out names that begin with a dot.
            None if name.starts_with(b".") => match self.look(ftp, file.path()).await? {
                Found::File(_) => Stored::Kept,
                Found::Missing(_) | Found::Refused(_) | Found::Closed(_) => Stored::NotListed,
            },
            None => Stored::NotListed,
        };
        file.delete(ftp).await;
        Ok(stored)
    }
}

fn contains(name: &[u8], digits: &[u8]) -> bool {
    name.windows(digits.len()).any(|window| window == digits)
}
