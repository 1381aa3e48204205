//! Turns names from a server into local paths

use std::borrow::Cow;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use ftp_proto::{LocalRules, NameError};

/// Joins a name that came from a server, or a relative path with `/` between its components, to a local directory
///
/// The result stays inside the directory and can name an ordinary file, by the rules of this system:
/// [`LocalRules::current`]. Use it for every local file whose name the server chose.
///
/// ```no_run
/// # fn f(entries: &[ftp_session::ftp_proto::listing::OwnedEntry]) -> Result<(), ftp_session::Error> {
/// use ftp_session::local_path;
///
/// for entry in entries {
///     let local = local_path("downloads", entry.name())?;
///     println!("{:?} goes to {}", entry.name(), local.display());
/// }
/// # Ok(()) }
/// ```
///
/// # Errors
///
/// The name, and what is wrong with it. In a function that returns an [`Error`](crate::Error) it becomes an
/// [`Error::Local`](crate::Error::Local).
pub fn local_path(
    directory: impl AsRef<Path>,
    name: impl AsRef<[u8]>,
) -> Result<PathBuf, NameError> {
    let mut path = directory.as_ref().to_path_buf();
    path.extend(LocalRules::current().components(name.as_ref())?.map(os_str));
    Ok(path)
}

#[cfg(unix)]
fn os_str(name: &[u8]) -> Cow<'_, OsStr> {
    Cow::Borrowed(std::os::unix::ffi::OsStrExt::from_bytes(name))
}

/// On systems whose names are text, the rules permit only UTF-8
#[cfg(not(unix))]
fn os_str(name: &[u8]) -> Cow<'_, OsStr> {
    match String::from_utf8_lossy(name) {
        Cow::Borrowed(text) => Cow::Borrowed(OsStr::new(text)),
        Cow::Owned(text) => Cow::Owned(text.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;
    use ftp_proto::NameProblem;

    #[test]
    fn names_are_joined_inside_of_the_directory() {
        let path = local_path("downloads", "pub/two words.txt").unwrap();
        assert_eq!(path, Path::new("downloads").join("pub").join("two words.txt"));
        for (name, problem) in [
            ("../../.ssh/authorized_keys", NameProblem::Dots),
            ("pub/../../x", NameProblem::Dots),
            ("/etc/passwd", NameProblem::Empty),
            ("..\\x", NameProblem::Separator),
            ("a\0b", NameProblem::Control),
        ] {
            let error = local_path("downloads", name).unwrap_err();
            assert_eq!((error.name(), error.problem()), (name.as_bytes(), problem));
            let Error::Local(error) = Error::from(error) else { panic!("{name:?}") };
            assert!(error.get_ref().is_some_and(|error| error.is::<NameError>()));
        }
    }

    #[test]
    fn names_are_joined_by_the_rules_of_this_system() {
        for name in ["C:x", "a:b", "nul.txt", "name.", "what?"] {
            assert_eq!(local_path("d", name).is_err(), cfg!(windows), "{name}");
        }
        let latin = local_path("d", b"caf\xE9");
        assert_eq!(latin.is_ok(), cfg!(unix) && !cfg!(target_vendor = "apple"));
        #[cfg(unix)]
        if let Ok(path) = latin {
            use std::os::unix::ffi::OsStrExt as _;
            assert_eq!(path.as_os_str().as_bytes(), b"d/caf\xE9");
        }
    }
}
