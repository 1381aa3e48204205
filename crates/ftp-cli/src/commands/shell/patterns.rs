//! The patterns of `mget` and `mput`

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use ftp_blocking::EntryKind;
use ftp_proto::LocalRules;
use globset::{Glob, GlobMatcher};

use crate::commands::context::Context;
use crate::commands::names::{Matches, Refused};
use crate::commands::visit::not_understood;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::listing::bounded;
use crate::location::local_name;

/// A pattern for names in one directory
struct Pattern<'a> {
    text: &'a OsStr,
    /// The directory, with its slash; empty for the working directory
    folder: &'a str,
    names: GlobMatcher,
    /// Whether the pattern begins with a dot: as in other shells, only then does it match names that do
    has_dot: bool,
}

impl<'a> Pattern<'a> {
    fn new(text: &'a OsStr) -> Result<Self, Failure> {
        let utf8 = text.to_str().ok_or_else(|| Failure::usage("a pattern must be UTF-8"))?;
        let (folder, names) = utf8.split_at(utf8.rfind('/').map_or(0, |at| at + 1));
        let glob = Glob::new(names).map_err(|error| Failure::usage(error.to_string()))?;
        let (names, has_dot) = (glob.compile_matcher(), names.starts_with('.'));
        Ok(Self { text, folder, names, has_dot })
    }

    fn matches(&self, name: &OsStr) -> bool {
        let is_hidden = name.as_encoded_bytes().starts_with(b".");
        (self.has_dot || !is_hidden) && self.names.is_match(Path::new(name))
    }

    /// Joins the directory and a name
    fn path(&self, name: &OsStr) -> OsString {
        let mut path = OsString::from(self.folder);
        path.push(name);
        path
    }

    fn nothing(&self, exit: Exit) -> Failure {
        Failure::new(exit, "no file matches").about(crate::show::path(Path::new(self.text)))
    }

    /// Adds a name of a listing, if it matches; one that leads out of the directory is refused
    fn add(&self, name: &[u8], matches: &mut Matches) {
        let refuse = |problem: String| {
            let path = [self.folder.as_bytes(), name].concat();
            let failure = Failure::new(Exit::Local, problem).about(crate::show::bytes(&path));
            Refused { name: path, failure }
        };
        if leads_elsewhere(name) {
            // `..` and the like are no hidden files, so the rule about dots does not apply.
            let is_match = self.names.is_match(&*String::from_utf8_lossy(name));
            let error = LocalRules::Unix.check(name).err().filter(|_| is_match);
            matches.refused.extend(error.map(|error| refuse(error.problem().to_string())));
            return;
        }
        match local_name(name).map(Path::as_os_str) {
            Some(local) if self.matches(local) => matches.names.push(self.path(local)),
            None if self.matches(OsStr::new(&*String::from_utf8_lossy(name))) => {
                matches.refused.push(refuse("is no name of a local file".into()));
            }
            Some(_) | None => {}
        }
    }
}

/// Whether a name of a listing leads out of its directory, or can't be sent
fn leads_elsewhere(name: &[u8]) -> bool {
    let is_in_no_name = |byte: &u8| matches!(byte, b'/' | b'\r' | b'\n' | 0);
    matches!(name, b"" | b"." | b"..") || name.iter().any(is_in_no_name)
}

/// Returns what any of the patterns matches, each file once
///
/// A pattern that matches nothing, or whose directory can't be listed, is refused like a name: the other patterns may be
/// right.
pub(super) fn every(
    patterns: &[OsString],
    mut matching: impl FnMut(&OsStr) -> Result<Matches, Failure>,
) -> Result<Matches, Failure> {
    let mut all = Matches::default();
    let mut seen = BTreeSet::new();
    for pattern in patterns {
        match matching(pattern) {
            Ok(Matches { mut names, refused }) => {
                names.sort();
                all.names.extend(names.into_iter().filter(|name| seen.insert(name.clone())));
                all.refused.extend(refused);
            }
            Err(failure) if matches!(failure.exit(), Exit::Refused | Exit::Local) => {
                let name = crate::show::os_bytes(pattern).to_vec();
                all.refused.push(Refused { name, failure });
            }
            Err(failure) => return Err(failure),
        }
    }
    Ok(all)
}

/// Returns the files on the server that match a pattern
pub(super) fn matching(context: &Context, pattern: &OsStr) -> Result<Matches, Failure> {
    let pattern = Pattern::new(pattern)?;
    let Some(connection) = &context.connection else { return Ok(Matches::default()) };
    let path = context.remote(OsStr::new(pattern.folder))?;
    let matches = connection.pool.lease().request(|client| {
        let mut matches = Matches::default();
        let mut entries = client.read_dir(path.path())?;
        for entry in bounded(entries.by_ref()) {
            let entry = entry?;
            if matches!(entry.kind(), EntryKind::File | EntryKind::Unknown) {
                pattern.add(entry.name(), &mut matches);
            }
        }
        if entries.unknown_lines() > 0 {
            // They may name files that match.
            let name = crate::show::os_bytes(pattern.text).to_vec();
            let failure = not_understood(entries.unknown_lines());
            let failure = failure.about(crate::show::path(Path::new(pattern.text)));
            matches.refused.push(Refused { name, failure });
        }
        Ok(matches)
    })?;
    match matches.names.is_empty() && matches.refused.is_empty() {
        true => Err(pattern.nothing(Exit::Refused)),
        false => Ok(matches),
    }
}

/// Returns the local files that match a pattern
pub(super) fn matching_here(pattern: &OsStr) -> Result<Matches, Failure> {
    let pattern = Pattern::new(pattern)?;
    let path = Path::new(if pattern.folder.is_empty() { "." } else { pattern.folder });
    let failure = |error: &std::io::Error| Failure::local(path, error);
    let mut matches = Matches::default();
    for entry in std::fs::read_dir(path).map_err(|error| failure(&error))? {
        let name = entry.map_err(|error| failure(&error))?.file_name();
        if pattern.matches(&name) && path.join(&name).is_file() {
            let found = pattern.path(&name);
            // `-` alone is standard input.
            matches.names.push(if found == "-" { "./-".into() } else { found });
        }
    }
    match matches.names.is_empty() {
        true => Err(pattern.nothing(Exit::Local)),
        false => Ok(matches),
    }
}
