//! The session's working directory, which a listing may have left
//!
//! A listing by LIST enters the directory that it lists (op/read_dir.rs). The return is put off until a request depends
//! on the working directory, so that a walk through a tree does not return between its listings:
//!
//! ```text
//! CWD a  LIST  ─▶  CWD /home/a/b  LIST  ─▶  CWD /home  SIZE f
//! ```

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::control::command::Argument;
use crate::error::Error;

/// The path of a directory to return to
#[derive(Clone, Debug)]
pub(crate) struct Home {
    pub(crate) path: Argument,
    /// The bytes that PWD must return there; `None` if they can be read in only one way
    pub(crate) proof: Option<Box<[u8]>>,
}

/// The working directory as the user knows it, and whether the session is in it
#[derive(Debug, Default)]
pub(crate) enum Directory {
    /// The session is in it; its path is not known
    #[default]
    Unknown,
    /// The session is in it, and this is its path: since the server said so, no command can have changed it
    Known(Home),
    /// The session may be in another one, and returns to this one when a request depends on it
    Left(Home),
    /// As `Left`; the server has just refused the return, so the request that waits for it fails with this error
    Refused(Home, Error),
}

/// What comes before a request that depends on the working directory, if the session has left it
#[derive(Debug)]
pub(crate) enum Return {
    /// This is to be entered
    To(Home),
    /// It could not be entered
    Failed(Error),
}

impl Directory {
    /// Returns what is known of its path
    pub(crate) const fn home(&self) -> Option<&Home> {
        match self {
            Self::Unknown => None,
            Self::Known(home) | Self::Left(home) | Self::Refused(home, _) => Some(home),
        }
    }

    /// Whether the session may be in another one
    pub(crate) const fn is_left(&self) -> bool {
        matches!(self, Self::Left(_) | Self::Refused(..))
    }

    /// Notes that a command may have changed the working directory
    pub(crate) fn may_have_changed(&mut self) {
        if let Self::Known(_) = self {
            *self = Self::Unknown;
        }
    }

    /// Returns what comes before a request that depends on it; a refused return is tried again by the next such request
    pub(crate) fn way_back(&mut self) -> Option<Return> {
        match core::mem::take(self) {
            Self::Refused(home, error) => {
                *self = Self::Left(home);
                Some(Return::Failed(error))
            }
            Self::Left(home) => {
                *self = Self::Left(home.clone());
                Some(Return::To(home))
            }
            inside => {
                *self = inside;
                None
            }
        }
    }

    /// Takes the end of the return
    pub(crate) fn returned(&mut self, result: Result<(), Error>) {
        *self = match (core::mem::take(self), result) {
            (Self::Left(home), Ok(())) => Self::Known(home),
            (Self::Left(home), Err(error)) => Self::Refused(home, lost(error)),
            (other, _) => other,
        };
    }

    /// Drops the refusal of a return that no request waits for any more
    pub(crate) fn forget_refusal(&mut self) {
        *self = match core::mem::take(self) {
            Self::Refused(home, _) => Self::Left(home),
            other => other,
        };
    }

    /// Whether this path of a new working directory does not depend on the present one
    pub(crate) fn is_independent(&self, path: &Argument) -> bool {
        let unix = self.home().is_none_or(|home| home.path.as_bytes().starts_with(b"/"));
        let path = path.as_bytes();
        // On other systems, a path that begins with a device or a data set is absolute as well.
        path.starts_with(b"/") || !unix && (path.contains(&b':') || path.starts_with(b"'"))
    }

    /// Returns a name for this path that means the same wherever the session is; `None` if it has to be in the working
    /// directory
    pub(crate) fn name_from_elsewhere(&self, path: &Argument) -> Option<Argument> {
        let Home { path: home, proof } = self.home()?;
        let (home, bytes) = (home.as_bytes(), path.as_bytes());
        match (home.first(), bytes.first()) {
            (Some(b'/'), Some(b'/')) => Some(path.clone()),
            (Some(b'/'), Some(_)) if proof.is_none() && is_plain(bytes) => {
                let mut whole: Vec<u8> = home.strip_suffix(b"/").unwrap_or(home).to_vec();
                whole.push(b'/');
                whole.extend_from_slice(bytes);
                Argument::new(whole).ok()
            }
            _ => None,
        }
    }
}

/// Whether a relative path consists only of names and slashes: `~` may be another home, `C:` a drive, `'` a
/// data set, `[` a VMS directory
fn is_plain(path: &[u8]) -> bool {
    let first = path.first().copied().unwrap_or(b'~');
    (first.is_ascii_alphanumeric() || matches!(first, b'.' | b'_' | 0x80..))
        && !path.iter().any(|byte| b":\\".contains(byte))
        && !path.split(|byte| *byte == b'/').any(|name| matches!(name, b"." | b".."))
}

/// Returns the error of the request that could not begin
pub(crate) fn lost(error: Error) -> Error {
    match error {
        // The session needs another login first.
        error if error.is_auth() => error,
        Error::Transient(reply) | Error::Permanent(reply) | Error::UnexpectedReply(reply) => {
            Error::WorkingDirectoryLost(reply)
        }
        error => error,
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;

    #[test]
    fn paths_are_named_from_elsewhere_if_they_are_no_more_than_names() {
        let named = |home: &str, path: &str| {
            let home = Home { path: Argument::new(home).unwrap(), proof: None };
            let directory = Directory::Left(home);
            let name = directory.name_from_elsewhere(&Argument::new(path).unwrap())?;
            Some(String::from_utf8_lossy(name.as_bytes()).into_owned())
        };
        for (home, path, expected) in [
            ("/", "a", "/a"),
            ("/home/u", "a/b", "/home/u/a/b"),
            ("/home/u/", "a b", "/home/u/a b"),
            ("/home/u", ".x/..y", "/home/u/.x/..y"),
            ("/home/u", "/a", "/a"),
            ("/home/u", "größe", "/home/u/größe"),
        ] {
            assert_eq!(named(home, path).as_deref(), Some(expected), "{home} {path}");
        }
        for (home, path) in [
            // Another user's home, an option, a drive, other separators, a VMS directory, an MVS data set.
            ("/home/u", "~v"),
            ("/home/u", "-a"),
            ("/home/u", "."),
            ("/home/u", "../v"),
            ("/home/u", "a/../b"),
            ("/", "C:"),
            ("/", "a/C:/b"),
            ("/", r"a\b"),
            ("/", "[.A]"),
            ("/u/x", "'X.Y'"),
            // Homes that are no path of this kind
            ("DISK:[U]", "a"),
            ("'U.'", "/a"),
            ("C:/", "/a"),
        ] {
            assert_eq!(named(home, path), None, "{home} {path}");
        }
        assert!(Directory::Unknown.name_from_elsewhere(&Argument::new("/a").unwrap()).is_none());
    }
}
