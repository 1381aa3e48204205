//! Notes of uploads that have begun: of which version of the local file the server has a part
//!
//! The part itself does not show this. The server's time of the part can't be compared with the local file's, because
//! the clocks may differ, and a file may be replaced by another one with an older time. Comparing the last bytes shows
//! nothing about those before them. Few servers hash a range of a file. So a run notes what the local file system
//! reports about the file, and a later run resumes only if it reports the same: no clock is compared with another one.
//!
//! A note is written when the server has emptied the part, and removed before that can happen with another version. If it
//! can't be written or read, the next run starts again.

use std::fs::{DirBuilder, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use ftp_proto::fields::HashAlgorithm;
use ftp_session::FileDigest;

use crate::partial;
use crate::site::Site;
use crate::state_dir;

/// Identifies a version of a local file, as far as the file system tells
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LocalVersion {
    length: u64,
    modified: Option<SystemTime>,
    inode: Inode,
}

/// What no program can set as it likes, unlike the modification time
#[cfg(unix)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Inode {
    number: u64,
    /// Seconds and nanoseconds of the last change of content or metadata
    changed: (i64, i64),
}

#[cfg(not(unix))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Inode {
    created: Option<SystemTime>,
}

impl Inode {
    #[cfg(unix)]
    fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        Self { number: metadata.ino(), changed: (metadata.ctime(), metadata.ctime_nsec()) }
    }

    #[cfg(not(unix))]
    fn of(metadata: &Metadata) -> Self {
        Self { created: metadata.created().ok() }
    }
}

impl LocalVersion {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        let (length, modified) = (metadata.len(), metadata.modified().ok());
        Self { length, modified, inode: Inode::of(metadata) }
    }
}

/// Returns where the note of the upload to this part is; `None` if there is no directory for notes
pub(crate) fn place(site: &Site, part: &[u8]) -> Option<PathBuf> {
    // Names of files may be too long, or not be allowed here.
    let mut digest = FileDigest::new(HashAlgorithm::Sha256)?;
    digest.update(&[site.name().as_bytes(), b"\n", part].concat());
    Some(state_dir::folder()?.join("uploads").join(digest.finish().to_string()))
}

/// Creates the directory of a note
pub(crate) fn create_folder(note: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    // Other users must not see names of files.
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    note.parent().map_or(Ok(()), |folder| builder.create(folder))
}

/// The note of one upload
#[derive(Debug)]
pub(crate) struct Note {
    /// `None` if there is no directory for notes
    path: Option<PathBuf>,
    /// The server, the login and the part
    subject: String,
}

impl Note {
    /// Names the note of the upload to this part
    pub(crate) fn new(site: &Site, part: &[u8]) -> Self {
        let subject = format!("{}\n{}", site.name(), crate::show::bytes(part));
        Self { path: place(site, part), subject }
    }

    /// Whether the part is of this version
    pub(crate) fn is_of(&self, version: LocalVersion) -> bool {
        let text = self.path.as_ref().and_then(|path| std::fs::read(path).ok());
        text.is_some_and(|text| text == self.text(version).as_bytes())
    }

    pub(crate) fn write(&self, version: LocalVersion) {
        let Some(path) = &self.path else { return };
        // Without a note, the next run only starts again.
        let _ = create_folder(path)
            .and_then(|()| partial::replace(path, self.text(version).as_bytes()));
    }

    pub(crate) fn remove(&self) {
        if let Some(path) = &self.path {
            let _ = std::fs::remove_file(path);
        }
    }

    /// Only ever compared as a whole: another format is another version
    fn text(&self, version: LocalVersion) -> String {
        format!("{}\n{version:?}\n", self.subject)
    }
}
