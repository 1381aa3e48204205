//! The file with the lines typed in earlier shells
//!
//! It is not worth a failure: if the file can't be read or written, the shell goes on without it.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// How many lines are kept
pub(super) const LINES: usize = 1000;

/// Maximum size of the file that is read, in bytes; of a larger one, the start is left out
const MAX_FILE: u64 = 1024 * 1024;

/// The file is for its owner alone: names of files may be nobody else's business
const MODE: u32 = 0o600;

#[derive(Debug)]
pub(super) struct History {
    path: PathBuf,
}

/// Returns the place of the file
pub(super) fn path() -> Option<PathBuf> {
    Some(crate::state_dir::folder()?.join("history"))
}

/// Whether a line may be written to the file
///
/// A line with a URL may have a password in it, and the shell takes paths anyway. As in other shells, a line that begins
/// with a space is private.
pub(super) fn may_be_kept(line: &str) -> bool {
    !line.trim().is_empty() && !line.starts_with([' ', '\t']) && !line.contains("://")
}

impl History {
    pub(super) const fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Returns the lines of earlier shells, the oldest first; shortens the file if it has become long
    pub(super) fn load(&self) -> Vec<String> {
        let Ok(text) = read(&self.path) else { return Vec::new() };
        let text = String::from_utf8_lossy(&text);
        let all: Vec<&str> = text.lines().collect();
        let kept = &all[all.len().saturating_sub(LINES)..];
        if all.len() > 2 * LINES {
            // A line that another shell adds at this moment is lost.
            let _ = self.replace(kept);
        }
        kept.iter().map(|line| (*line).to_owned()).collect()
    }

    /// Appends a line
    pub(super) fn add(&self, line: &str) {
        // In one piece, because several shells may write at the same time.
        let _ = self.open(&self.path).and_then(|mut file| {
            file.write_all(format!("{}\n", line.replace(['\n', '\r'], " ")).as_bytes())
        });
    }

    /// Opens or creates a file for appending, for its owner alone
    fn open(&self, path: &Path) -> io::Result<File> {
        if let Some(folder) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let file = OpenOptions::new().append(true).create(true).mode(MODE).open(path)?;
        if file.metadata()?.permissions().mode() & 0o777 != MODE {
            file.set_permissions(Permissions::from_mode(MODE))?;
        }
        Ok(file)
    }

    fn replace(&self, lines: &[&str]) -> io::Result<()> {
        let new = self.path.with_extension("new");
        let _ = std::fs::remove_file(&new);
        self.open(&new)?.write_all(format!("{}\n", lines.join("\n")).as_bytes())?;
        std::fs::rename(&new, &self.path)
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    use std::io::Seek as _;
    let mut file = File::open(path)?;
    let from = file.metadata()?.len().saturating_sub(MAX_FILE);
    file.seek(io::SeekFrom::Start(from))?;
    let mut text = Vec::new();
    file.take(MAX_FILE).read_to_end(&mut text)?;
    if from > 0 {
        // The first line is not complete.
        let end = text.iter().position(|byte| *byte == b'\n').map_or(text.len(), |at| at + 1);
        text.drain(..end);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn lines_are_kept_for_the_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/history");
        let history = History::new(path.clone());
        assert_eq!(history.load(), [""; 0]);
        history.add("ls");
        history.add("get \"a b\"");
        assert_eq!(history.load(), ["ls", "get \"a b\""]);
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        // A file that others can read is closed to them.
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        history.add("pwd");
        assert_eq!((mode(&path), history.load().len()), (0o600, 3));
    }

    #[test]
    fn the_file_does_not_grow_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history");
        let history = History::new(path.clone());
        let text: String = (0..=2 * LINES).map(|line| format!("ls {line}\n")).collect();
        std::fs::write(&path, text).unwrap();
        let lines = history.load();
        assert_eq!((lines.len(), lines.last()), (LINES, Some(&format!("ls {}", 2 * LINES))));
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), LINES);
        assert_eq!((history.load(), mode(&path)), (lines, 0o600));
        // Only the end of a file that is larger than that is read.
        std::fs::write(&path, format!("{}\nls a\n", "x".repeat(2 * MAX_FILE as usize))).unwrap();
        assert_eq!(history.load(), ["ls a"]);
    }

    #[test]
    fn lines_that_may_have_a_password_are_not_kept() {
        for line in ["", "  ", " ls", "\tls", "get ftp://me:secret@host/f", "cd 'ftps://a:b@c/'"] {
            assert!(!may_be_kept(line), "{line}");
        }
        for line in ["ls", "get a@b:c", "cd /x"] {
            assert!(may_be_kept(line), "{line}");
        }
    }
}
