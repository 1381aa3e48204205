//! `--state FILE`: records which files of the source have been mirrored, and in which version
//!
//! Each line is a JSON object: the first one identifies the mirror, each of the others a file. A line is written when
//! its file is complete, so a run that is killed loses at most the line that it was writing. If several lines name the
//! same file, the last one counts.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use crate::failure::Failure;
use crate::ordinary;
use crate::partial;
use crate::plan::{self, Stamp};

/// Maximum length of a line, in bytes: several times the longest path of any system
const MAX_LINE: u64 = 64 * 1024;

/// The version of a source file when it was mirrored
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Version {
    size: Option<u64>,
    time: Option<Stamp>,
}

impl Version {
    const fn of(file: &plan::File) -> Self {
        Self { size: file.size, time: file.time }
    }

    /// Whether size and time are equal, as far as both versions have them; at least one must be known of both
    fn is_same(self, other: Self) -> bool {
        let sizes = self.size.zip(other.size).map(|(one, other)| one == other);
        let times = self.time.zip(other.time).map(|(one, other)| one.may_be(other));
        sizes.or(times).is_some() && sizes.unwrap_or(true) && times.unwrap_or(true)
    }
}

#[derive(Debug)]
struct Entry {
    version: Version,
    /// Whether this run found the file in the source, in any version
    is_seen: bool,
}

/// The files that have been mirrored
#[derive(Debug)]
pub(crate) struct Record {
    path: PathBuf,
    mirror: String,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// The record's file, locked against other runs; `None` if nothing may be written
    file: Option<File>,
    files: BTreeMap<Vec<u8>, Entry>,
    /// How many lines of the record name a file
    lines: usize,
}

impl Record {
    /// Reads the record of this mirror, and locks it against other runs; creates a missing one
    ///
    /// # Errors
    ///
    /// Errors of the operating system; an error if another run uses the record, if it is that of another mirror, or if
    /// the file is not a record.
    pub(crate) fn open(path: &Path, mirror: String) -> Result<Self, Failure> {
        let file = ordinary::open_alone(path)?;
        Self::read(path, mirror, file, true)
    }

    /// Reads the record of this mirror, if it exists, without locking it or writing to it
    pub(crate) fn look(path: &Path, mirror: String) -> Result<Option<Self>, Failure> {
        match ordinary::open_to_read(path) {
            Ok(file) => Self::read(path, mirror, file, false).map(Some),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Failure::local(path, &error)),
        }
    }

    fn read(path: &Path, mirror: String, file: File, writes: bool) -> Result<Self, Failure> {
        let failure = |error: &std::io::Error| Failure::local(path, error);
        let mut reader = BufReader::new(file);
        let mut files = BTreeMap::new();
        let (mut complete, mut lines) = (0, 0);
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut line);
            let count = read.map_err(|error| failure(&error))? as u64;
            let is_first = complete == 0;
            if is_first && count > 0 {
                check_head(&line, &mirror).map_err(|what| what.about(crate::show::path(path)))?;
            }
            // A last line without an end: a run was killed while it wrote that line.
            if line.last() != Some(&b'\n') && count < MAX_LINE {
                break;
            }
            complete += count;
            if let Some((name, version)) = parse(&line).filter(|_| !is_first) {
                files.insert(name, Entry { version, is_seen: false });
                lines += 1;
            }
        }
        let mut file = reader.into_inner();
        if writes {
            let end = file.set_len(complete).and_then(|()| file.seek(SeekFrom::Start(complete)));
            end.map_err(|error| failure(&error))?;
            if complete == 0 {
                file.write_all(head(&mirror).as_bytes()).map_err(|error| failure(&error))?;
            }
        }
        let inner = Mutex::new(Inner { file: writes.then_some(file), files, lines });
        Ok(Self { path: path.to_owned(), mirror, inner })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this version of a file has been mirrored
    pub(crate) fn has(&self, file: &plan::File) -> bool {
        let mut inner = self.lock();
        let Some(entry) = inner.files.get_mut(&file.path) else { return false };
        entry.is_seen = true;
        entry.version.is_same(Version::of(file))
    }

    /// Records that this version of a file has been mirrored
    pub(crate) fn note(&self, file: &plan::File) -> Result<(), Failure> {
        let version = Version::of(file);
        let mut inner = self.lock();
        let entry = Entry { version, is_seen: true };
        let is_known = inner
            .files
            .insert(file.path.clone(), entry)
            .is_some_and(|before| before.version == version);
        if is_known {
            return Ok(());
        }
        inner.lines += 1;
        let Some(out) = &mut inner.file else { return Ok(()) };
        // The whole line in one write, since a part of a line is not understood.
        out.write_all(line(&file.path, version).as_bytes())
            .map_err(|error| Failure::local(&self.path, &error))
    }

    /// Rewrites the record if it has outdated lines; `saw_all` also drops files that the source no longer has
    pub(crate) fn tidy(&self, saw_all: bool) {
        let mut inner = self.lock();
        if inner.file.is_none() {
            return;
        }
        if saw_all {
            inner.files.retain(|_, entry| entry.is_seen);
        }
        if inner.lines > inner.files.len() {
            let lines = inner.files.iter().map(|(path, entry)| line(path, entry.version));
            let text: String = std::iter::once(head(&self.mirror)).chain(lines).collect();
            // If the new record can't be written, the old one still has the same content.
            if partial::replace(&self.path, text.as_bytes()).is_ok() {
                inner.lines = inner.files.len();
                // The open file is now the replaced record: lines written to it would be lost.
                inner.file = None;
            }
        }
    }
}

fn head(mirror: &str) -> String {
    format!("{}\n", json!({ "mirror": mirror }))
}

fn check_head(line: &[u8], mirror: &str) -> Result<(), Failure> {
    let value: Option<Value> = serde_json::from_slice(line).ok();
    match value.as_ref().and_then(|value| value["mirror"].as_str()) {
        Some(other) if other == mirror => Ok(()),
        Some(other) => {
            let message = format!("is the state of another mirror: {other}, not {mirror}");
            Err(Failure::usage(message).remedy("each mirror needs a file of its own"))
        }
        None => Err(Failure::usage("is not the state of a mirror")
            .remedy("name another file for --state; it is created")),
    }
}

fn line(path: &[u8], Version { size, time }: Version) -> String {
    let mut object = json!({ "size": size, "modified": time.map(Stamp::seconds) });
    match std::str::from_utf8(path) {
        Ok(text) => object["file"] = text.into(),
        Err(_) => object["file_hex"] = crate::show::hex(path).into(),
    }
    // The precision of the time in seconds, unless it is one second.
    if let Some(unit) = time.map(Stamp::unit).filter(|unit| *unit != 1) {
        object["precision"] = unit.into();
    }
    format!("{object}\n")
}

/// Parses a line that names a file; `None` if it is invalid, so that the file is compared as if it were not recorded
fn parse(line: &[u8]) -> Option<(Vec<u8>, Version)> {
    let value: Value = serde_json::from_slice(line).ok()?;
    let path = match (value["file"].as_str(), value["file_hex"].as_str()) {
        (Some(text), _) => text.as_bytes().to_vec(),
        (None, Some(hex)) => crate::manifest::hex(hex)?,
        (None, None) => return None,
    };
    let unit = value["precision"].as_i64().unwrap_or(1);
    let time = value["modified"].as_i64().map(|seconds| Stamp::new(seconds, unit));
    Some((path, Version { size: value["size"].as_u64(), time }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &[u8], size: Option<u64>, time: Option<Stamp>) -> plan::File {
        let path = path.to_vec();
        plan::File {
            path,
            size,
            time,
            is_exact: true,
            is_begun: false,
            is_there: false,
            mode: None,
        }
    }

    fn open(path: &Path) -> Record {
        Record::open(path, "from here".into()).unwrap()
    }

    #[test]
    fn what_was_noted_is_there_in_the_next_run() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let at = |seconds, unit| Some(Stamp::new(seconds, unit));
        let files = [
            file(b"a", Some(1), at(1_700_000_000, 1)),
            file(b"d/\xff\n", Some(0), at(60, 60)),
            file(b"d/\"x\"", None, at(-5, 1)),
            file(b"no time", Some(7), None),
        ];
        let record = open(&path);
        files.iter().for_each(|file| record.note(file).unwrap());
        drop(record);
        let record = open(&path);
        assert!(files.iter().all(|file| record.has(file)));
        for other in [
            file(b"a", Some(2), at(1_700_000_000, 1)),
            file(b"a", Some(1), at(1_700_000_001, 1)),
            file(b"b", Some(1), at(1_700_000_000, 1)),
            file(b"d/\xff\n", Some(0), at(120, 1)),
            file(b"no time", Some(8), None),
            file(b"no time", None, None),
            file(b"d/\"x\"", Some(1), None),
        ] {
            assert!(!record.has(&other), "{other:?}");
        }
        // Times are compared with the lower precision; if one version has no time, only the sizes are compared.
        assert!(record.has(&file(b"d/\xff\n", Some(0), at(119, 1))));
        assert!(record.has(&file(b"no time", Some(7), at(5, 1))));
    }

    #[test]
    fn half_a_line_is_dropped_and_the_last_line_counts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let (old, new) = (file(b"a", Some(1), None), file(b"a", Some(2), None));
        let record = open(&path);
        record.note(&old).unwrap();
        record.note(&new).unwrap();
        record.note(&new).unwrap();
        drop(record);
        let whole = std::fs::read(&path).unwrap();
        assert_eq!(whole.iter().filter(|byte| **byte == b'\n').count(), 3);
        std::fs::write(&path, [&*whole, b"not JSON\n{\"file\":\"b\",\"si"].concat()).unwrap();
        let record = open(&path);
        assert!(record.has(&new) && !record.has(&old));
        record.note(&file(b"b", Some(3), None)).unwrap();
        drop(record);
        assert!(open(&path).has(&file(b"b", Some(3), None)));
        // A run was killed while it wrote the first line.
        std::fs::write(&path, &whole[..5]).unwrap();
        assert!(Record::open(&path, "from here".into()).is_err(), "nobody knows what it is");
    }

    #[test]
    fn files_that_are_gone_are_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let (kept, gone) = (file(b"kept", Some(1), None), file(b"gone", Some(1), None));
        let record = open(&path);
        record.note(&kept).unwrap();
        record.note(&gone).unwrap();
        drop(record);
        for (saw_all, is_there) in [(false, true), (true, false)] {
            let record = open(&path);
            assert!(record.has(&kept));
            record.tidy(saw_all);
            drop(record);
            let record = open(&path);
            assert!(record.has(&kept));
            assert_eq!(record.has(&gone), is_there);
        }
    }

    #[test]
    fn a_file_of_something_else_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        for text in
            [&b"my letter\n"[..], b"{}", b"\n", &[0; 100_000], b"{\"mirror\":\"to there\"}\n"]
        {
            std::fs::write(&path, text).unwrap();
            let failure = Record::open(&path, "from here".into()).unwrap_err();
            assert_eq!(failure.exit(), crate::exit::Exit::Usage, "{failure}");
            assert_eq!(std::fs::read(&path).unwrap(), text);
        }
        std::fs::remove_file(&path).unwrap();
        let first = open(&path);
        let failure = Record::open(&path, "from here".into()).unwrap_err();
        assert_eq!(failure.exit(), crate::exit::Exit::Local, "{failure}");
        assert!(Record::look(&path, "from here".into()).unwrap().is_some());
        drop(first);
        open(&path);
    }
}
