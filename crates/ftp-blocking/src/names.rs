//! Names as text, where a server does not speak UTF-8, and as names of local files

use std::borrow::Cow;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use encoding_rs::Encoding;
use ftp_proto::{LocalRules, NameError};

use crate::error::Error;

/// A server's charset for names, beside UTF-8
///
/// ```
/// use ftp_blocking::NameEncoding;
/// use ftp_blocking::encoding_rs::WINDOWS_1252;
///
/// let names = NameEncoding::new(WINDOWS_1252);
/// assert_eq!(names.decode(b"caf\xE9"), "café");
/// assert_eq!(names.decode("café".as_bytes()), "café");
/// assert_eq!(names.encode("café").as_deref(), Some(&b"caf\xE9"[..]));
/// assert_eq!(names.encode("日本"), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameEncoding(&'static Encoding);

impl NameEncoding {
    /// Names that are not UTF-8 are in this charset
    #[must_use]
    pub const fn new(charset: &'static Encoding) -> Self {
        Self(charset)
    }

    /// A name as text: UTF-8 if it is that, else in this charset; what has no meaning there becomes
    /// U+FFFD, so to name the file again use the bytes
    #[must_use]
    pub fn decode<'a>(&self, name: &'a [u8]) -> Cow<'a, str> {
        match std::str::from_utf8(name) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => self.0.decode_without_bom_handling(name).0,
        }
    }

    /// A path in this charset, for a request; `None` if it can't be written in it
    #[must_use]
    pub fn encode<'a>(&self, path: &'a str) -> Option<Cow<'a, [u8]>> {
        let (bytes, _, unmappable) = self.0.encode(path);
        (!unmappable).then_some(bytes)
    }
}

/// Joins a name that came from a server, or a relative path with `/` between its components, to a local
/// directory
///
/// The path stays inside of the directory and can be an ordinary file's, by the rules of this system:
/// [`LocalRules::current`]. Use it for every local file whose name the server chose.
///
/// ```no_run
/// # fn f(ftp: &mut ftp_blocking::Client) -> Result<(), ftp_blocking::Error> {
/// use ftp_blocking::local_path;
///
/// ftp.cwd("pub")?;
/// // The listing has to end before the first download can begin.
/// let entries = ftp.read_dir("")?.collect::<Result<Vec<_>, _>>()?;
/// for entry in entries {
///     ftp.download_file(entry.name(), local_path("downloads", entry.name())?)?;
/// }
/// # Ok(()) }
/// ```
///
/// # Errors
///
/// The name, and what is wrong with it. In a function that returns an [`Error`] it becomes an
/// [`Error::Local`].
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

/// Where names are text they are UTF-8, by the rules
#[cfg(not(unix))]
fn os_str(name: &[u8]) -> Cow<'_, OsStr> {
    match String::from_utf8_lossy(name) {
        Cow::Borrowed(text) => Cow::Borrowed(OsStr::new(text)),
        Cow::Owned(text) => Cow::Owned(text.into()),
    }
}

impl From<NameError> for Error {
    fn from(error: NameError) -> Self {
        Self::Local(error.into())
    }
}

#[cfg(test)]
mod tests {
    use ftp_proto::NameProblem;

    use super::*;

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
    fn names_that_only_other_systems_mind_are_joined_where_they_are_fine() {
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
