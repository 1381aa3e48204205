//! A local file that is not complete yet (`NAME.part`), locked against other runs, and the version that it is a part of
//!
//! The file's length is the number of bytes received. A state file beside it (`NAME.part.state`) notes where the part
//! comes from, the version of the server's file and, if several sessions fetch it, which bytes have been received. A part
//! without a state file, of another file or of another version, is not resumed: the compared bytes may be identical in
//! both although earlier bytes differ.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use ftp_proto::Get;
use ftp_session::{system_time, timestamp};
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::ordinary::{
    has_another_name, is_same, leads_to_special, not_ordinary, open_alone, open_to_read,
    refuse_if_locked,
};
use crate::ranges::{Cut, Ranges};

/// Minimum size of a file with a state file, in bytes: fetching a smaller one again takes no longer than comparing it
pub(crate) const STATE_FROM: u64 = 1024 * 1024;

/// Maximum number of bytes that are read of a state file
const MAX_STATE: u64 = 256 * 1024;

/// The suffix of the names of state files
const STATE: &str = ".state";

/// The same with `--inplace`: the files under the temporary and under the final name may be parts of two versions
const STATE_INPLACE: &str = ".inplace";

/// The suffix of the name under which a file is written before it replaces the old one
const NEW: &str = "~";

/// Identifies a version of a file on the server
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Version {
    /// The size in bytes
    pub(crate) size: Option<u64>,
    /// The modification time
    pub(crate) modified: Option<SystemTime>,
}

impl Version {
    /// Returns a download that fails unless it ends at this version's size, if that is known
    pub(crate) fn expected_of(self, get: Get) -> Get {
        match self.size {
            Some(size) => get.expect_size(size),
            None => get,
        }
    }

    /// Whether both are known to differ in size or time
    pub(crate) fn is_another_than(self, other: Self) -> bool {
        let differs = |one: SystemTime, other: SystemTime| {
            let (Some(one), Some(other)) = (timestamp(one), timestamp(other)) else { return false };
            // A listing or MDTM may lack the fraction of a second that MLST reports.
            let has_fraction = one.nanosecond() > 0 && other.nanosecond() > 0;
            one.to_unix() != other.to_unix() || has_fraction && one != other
        };
        self.size.zip(other.size).is_some_and(|(one, other)| one != other)
            || self.modified.zip(other.modified).is_some_and(|(one, other)| differs(one, other))
    }
}

/// The incomplete file
#[derive(Debug)]
pub(crate) struct Partial {
    file: File,
    path: PathBuf,
    /// The server, the login and the path on the server
    source: String,
    state_path: PathBuf,
    written_to: WrittenTo,
    /// The length of what has been downloaded, in bytes
    length: u64,
    content: Content,
}

/// What is in the file
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    /// What has been downloaded, in this run or an earlier one
    Part,
    /// With `--inplace`, an older file, which stays until the server sends the new one
    Old,
}

/// When a file gets its final name
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Naming {
    WhenWhole,
    /// `--inplace`
    AtOnce,
}

#[derive(Debug, PartialEq, Eq)]
enum WrittenTo {
    /// Under a temporary name; it gets the final name when it is complete
    Temporary {
        target: PathBuf,
        /// The state file of what a run with `--inplace` has left under the final name
        state_inplace: PathBuf,
    },
    /// Under the final name
    Final,
}

impl Partial {
    /// Opens the partial file that an earlier run left, or creates one, under the final name or with this suffix
    ///
    /// `source` is the server, the login and the path on the server.
    ///
    /// # Errors
    ///
    /// Errors of the operating system, and an error if another run is writing the file, under either of its names.
    pub(crate) fn open(
        target: &Path,
        suffix: &str,
        naming: Naming,
        source: String,
    ) -> Result<Self, Failure> {
        // The file would replace a device or a pipe, or a link to one.
        if leads_to_special(target) {
            return Err(not_ordinary(target));
        }
        // A file can't get this name, which otherwise shows when it is complete.
        if std::fs::symlink_metadata(target).is_ok_and(|metadata| metadata.is_dir()) {
            return Err(Failure::local(target, &io::ErrorKind::IsADirectory.into()));
        }
        let temporary = beside(target, suffix);
        let state_inplace = beside(&temporary, STATE_INPLACE);
        let (path, other, state_path, written_to) = match naming {
            Naming::WhenWhole => {
                let state = beside(&temporary, STATE);
                let target = target.to_owned();
                let other = target.clone();
                (temporary, other, state, WrittenTo::Temporary { target, state_inplace })
            }
            Naming::AtOnce => (target.to_owned(), temporary, state_inplace, WrittenTo::Final),
        };
        let state = std::fs::symlink_metadata(&state_path);
        if state.is_ok_and(|metadata| !metadata.is_file()) {
            return Err(not_ordinary(&state_path));
        }
        // `finish` looks again, because the other run may begin after this one.
        refuse_if_locked(&other)?;
        let file = open_alone(&path)?;
        let metadata = file.metadata().map_err(|error| Failure::local(&path, &error))?;
        if naming == Naming::WhenWhole && has_another_name(&metadata) {
            return Err(Failure::local(&path, &io::Error::other("has another name (a hard link)")));
        }
        let (length, content) = (metadata.len(), Content::Part);
        Ok(Self { file, path, source, state_path, written_to, length, content })
    }

    /// Returns the length of what has been downloaded, in bytes
    pub(crate) const fn length(&self) -> u64 {
        self.length
    }

    /// Whether the state file says that the part is of this version of the file on the server
    ///
    /// Both sizes must be known and equal. Times are compared if both are known: if the server tells none, the
    /// size alone tells versions apart.
    pub(crate) fn is_of(&self, version: Version) -> bool {
        let (Some(size), Some((state, _))) = (version.size, self.state()) else { return false };
        let seconds = |version: Version| Some(version.modified.and_then(timestamp)?.to_unix());
        let times = seconds(state).zip(seconds(version));
        self.length <= size
            && state.size == Some(size)
            && times.is_none_or(|(one, other)| one == other)
    }

    /// Returns which bytes have been received, if they are of this version; at least one counts as missing
    pub(crate) fn ranges(&self, version: Version, cut: Cut) -> Option<Ranges> {
        let size = version.size.filter(|_| self.is_of(version))?;
        let mut ranges = match self.state()? {
            (_, Value::Null) => Ranges::new(size, self.length, cut),
            (_, pieces) => Ranges::from_json(&pieces, size, self.length, cut)?,
        };
        ranges.reopen();
        Some(ranges)
    }

    /// Returns how many bytes at the start of the file are without a gap, so that a single session can resume after them
    pub(crate) fn prefix(&self, version: Version, cut: Cut) -> u64 {
        match self.state() {
            Some((_, Value::Array(_))) => {
                self.ranges(version, cut).map_or(0, |ranges| ranges.prefix())
            }
            _ => self.length,
        }
    }

    /// Drops what follows the first `length` bytes
    pub(crate) fn shorten(&mut self, version: Version, length: u64) -> io::Result<()> {
        self.file.set_len(length)?;
        self.length = length;
        self.note(version, None);
        Ok(())
    }

    /// Reads the state file: the version, and the pieces if several sessions fetched the file; `None` if the part comes
    /// from elsewhere
    fn state(&self) -> Option<(Version, Value)> {
        let mut text = String::new();
        let file = open_to_read(&self.state_path).ok()?;
        file.take(MAX_STATE).read_to_string(&mut text).ok()?;
        let state: Value = serde_json::from_str(&text).ok()?;
        if state["source"].as_str() != Some(&self.source) {
            return None;
        }
        let modified = state["modified"].as_i64().and_then(ftp_proto::Timestamp::from_unix);
        let version =
            Version { size: state["size"].as_u64(), modified: modified.and_then(system_time) };
        Some((version, state["pieces"].clone()))
    }

    /// Writes the state file: the version and, if several sessions fetch the file, which bytes have been received
    pub(crate) fn note(&self, version: Version, ranges: Option<&Ranges>) {
        let Some(size) = version.size.filter(|size| *size >= STATE_FROM) else { return };
        let modified = version.modified.and_then(timestamp).map(ftp_proto::Timestamp::to_unix);
        let mut state = json!({ "source": self.source, "size": size, "modified": modified });
        if let Some(ranges) = ranges {
            state["pieces"] = ranges.to_json();
        }
        // Without a state file, the next run only starts again.
        let _ = replace(&self.state_path, state.to_string().as_bytes());
    }

    fn remove_state(&self) {
        let _ = std::fs::remove_file(beside(&self.state_path, NEW));
        let _ = std::fs::remove_file(&self.state_path);
    }

    /// Empties the part and removes its state file
    pub(crate) fn clear(&mut self) -> io::Result<()> {
        self.remove_state();
        self.length = 0;
        self.empty()?;
        self.seek(0)
    }

    /// As [`Self::clear`], but a file under the final name is emptied only when bytes of the new one are written
    pub(crate) fn disregard(&mut self) -> io::Result<()> {
        if let WrittenTo::Temporary { .. } = self.written_to {
            return self.clear();
        }
        self.remove_state();
        self.length = 0;
        self.content = Content::Old;
        Ok(())
    }

    fn empty(&mut self) -> io::Result<()> {
        self.content = Content::Part;
        self.file.set_len(0)
    }

    pub(crate) fn seek(&mut self, at: u64) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(at)).map(|_| ())
    }

    pub(crate) fn read_exact(&mut self, into: &mut [u8]) -> io::Result<()> {
        self.file.read_exact(into)
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.content == Content::Old {
            self.empty()?;
        }
        io::Write::write_all(&mut self.file, bytes)?;
        self.length = self.length.max(self.file.stream_position()?);
        Ok(())
    }

    /// Gives a complete file its modification time, its permissions and its final name
    pub(crate) fn finish(
        mut self,
        modified: Option<SystemTime>,
        mode: Option<u32>,
        sync: bool,
    ) -> Result<(), Failure> {
        if self.content == Content::Old {
            self.empty().map_err(|error| Failure::local(&self.path, &error))?;
        }
        let failure = |error: &io::Error| Failure::local(&self.path, error);
        if let Some(modified) = modified {
            // Not an error: if the system can't store this time, the next run transfers the file again.
            let _ = self.file.set_modified(modified);
        }
        #[cfg(unix)]
        if let Some(mode) = mode {
            use std::os::unix::fs::PermissionsExt as _;
            // Never the set-user-ID, set-group-ID and sticky bits.
            let permissions = std::fs::Permissions::from_mode(mode & 0o777);
            self.file.set_permissions(permissions).map_err(|error| failure(&error))?;
        }
        #[cfg(not(unix))]
        let _ = mode;
        if sync {
            self.file.sync_all().map_err(|error| failure(&error))?;
        }
        match &self.written_to {
            WrittenTo::Temporary { target, state_inplace } => {
                refuse_if_locked(target)?;
                let renamed = std::fs::rename(&self.path, target);
                renamed.map_err(|error| Failure::local(target, &error))?;
                let _ = std::fs::remove_file(state_inplace);
            }
            WrittenTo::Final
                if is_same(&self.file, &self.path).map_err(|error| failure(&error))? => {}
            WrittenTo::Final => {
                return Err(Failure::new(Exit::Local, "was replaced while it was written")
                    .about(crate::show::path(&self.path))
                    .remedy("download it again"));
            }
        }
        self.remove_state();
        Ok(())
    }

    /// Closes an incomplete file, and removes it if it is empty
    pub(crate) fn give_up(self) {
        if self.length == 0 {
            self.remove();
        }
    }

    /// Removes the partial file, unless it has the final name, and its state file
    pub(crate) fn remove(self) {
        if let WrittenTo::Temporary { .. } = self.written_to {
            let _ = std::fs::remove_file(&self.path);
        }
        self.remove_state();
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// Replaces a file atomically, so that it is never half written
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = beside(path, NEW);
    let _ = std::fs::remove_file(&new);
    let mut file = OpenOptions::new().write(true).create_new(true).open(&new)?;
    io::Write::write_all(&mut file, bytes)?;
    std::fs::rename(&new, path)
}

/// Appends a suffix to the name of a file
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path.as_os_str());
    name.push(suffix);
    name.into()
}

/// Returns the names that belong to the file `name` while it is incomplete
pub(crate) fn reserved(name: &[u8], suffix: &str) -> [Vec<u8>; 5] {
    let temporary = [name, suffix.as_bytes()].concat();
    let [state, inplace] = [STATE, STATE_INPLACE].map(|end| [&*temporary, end.as_bytes()].concat());
    let [new, new_inplace] = [&state, &inplace].map(|state| [&**state, NEW.as_bytes()].concat());
    [temporary, state, new, inplace, new_inplace]
}

/// Returns those of these paths that are the temporary names of others
pub(crate) fn reserved_among<'a>(
    paths: impl Iterator<Item = &'a [u8]> + Clone,
    suffix: &str,
) -> BTreeSet<Vec<u8>> {
    let all: BTreeSet<Vec<u8>> = paths.clone().flat_map(|path| reserved(path, suffix)).collect();
    paths.filter(|path| all.contains(*path)).map(<[u8]>::to_vec).collect()
}

/// Refuses two paths if one is the temporary name of the other
pub(crate) fn refuse_reserved<'a>(
    paths: impl Iterator<Item = &'a [u8]> + Clone,
    suffix: &str,
) -> Result<(), Failure> {
    reserved_among(paths, suffix).first().map_or(Ok(()), |path| Err(is_reserved(path)))
}

/// The failure of a path that is the temporary name of another file
pub(crate) fn is_reserved(path: &[u8]) -> Failure {
    Failure::usage("this is the temporary name of another file")
        .about(crate::show::bytes(path))
        .remedy("--temp-suffix changes those")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn open(target: &Path) -> Result<Partial, Failure> {
        open_as(target, Naming::WhenWhole, "one")
    }

    fn open_as(target: &Path, naming: Naming, source: &str) -> Result<Partial, Failure> {
        Partial::open(target, ".part", naming, source.to_owned())
    }

    #[test]
    fn two_runs_do_not_write_one_file() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("f");
        let first = open(&target).unwrap();
        let second = open(&target).unwrap_err();
        assert_eq!(second.exit(), Exit::Local);
        assert!(second.to_string().contains("another run"), "{second}");
        drop(first);
        open(&target).unwrap();
    }

    #[test]
    fn links_are_not_written_through() {
        #[cfg(unix)]
        {
            let folder = tempfile::tempdir().unwrap();
            let target = folder.path().join("f");
            std::os::unix::fs::symlink(
                folder.path().join("elsewhere"),
                folder.path().join("f.part"),
            )
            .unwrap();
            assert_eq!(open(&target).unwrap_err().exit(), Exit::Local);
            assert!(!folder.path().join("elsewhere").exists());
        }
    }

    #[test]
    fn times_differ_only_where_both_are_precise() {
        let at = |millis| Version {
            size: Some(1),
            modified: Some(SystemTime::UNIX_EPOCH + Duration::from_millis(millis)),
        };
        for (one, other, differs) in [
            (5000, 5000, false),
            (5000, 5250, false),
            (5250, 5000, false),
            (5250, 5750, true),
            (5000, 6000, true),
            (5250, 6250, true),
        ] {
            assert_eq!(at(one).is_another_than(at(other)), differs, "{one} {other}");
        }
    }

    #[test]
    fn a_part_of_another_version_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let mut partial = open(&folder.path().join("f")).unwrap();
        partial.write(b"0123456789").unwrap();
        let at = |seconds| Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        let version = Version { size: Some(STATE_FROM), modified: at(1000) };
        assert!(!partial.is_of(version), "nothing was noted");
        partial.note(version, None);
        assert!(partial.is_of(version));
        assert!(!partial.is_of(Version::default()), "nothing is known");
        assert!(!partial.is_of(Version { size: None, ..version }), "the size is not known");
        assert!(partial.is_of(Version { modified: None, ..version }), "the server tells no times");
        assert!(!partial.is_of(Version { size: Some(STATE_FROM + 1), ..version }));
        assert!(!partial.is_of(Version { modified: at(1001), ..version }));
        assert!(!partial.is_of(Version { size: Some(9), modified: None }), "too short");
        partial.clear().unwrap();
        assert!(!partial.is_of(version), "it was emptied");
    }
}
