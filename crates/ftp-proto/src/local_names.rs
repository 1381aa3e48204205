//! Checks of names that a server sent, before they are used as names of local files
//!
//! A server may send anything as a name: `../../.ssh/authorized_keys`, `C:\boot.ini`, `NUL`. Check such a name
//! here before you write a local file under it. The rules depend only on the name, not on a disk, so every
//! system's rules can be applied, and tested, on every system.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str;

use crate::control::escaped::Readable;

/// Maximum length of a local name: bytes on Unix, UTF-16 code units elsewhere
const MAX_LEN: usize = 255;

/// The rules of an operating system for file names
///
/// ```
/// use ftp_proto::{LocalRules, NameProblem};
///
/// let rules = LocalRules::Windows;
/// assert!(rules.check("notes.txt").is_ok());
/// assert_eq!(rules.check("../x").unwrap_err().problem(), NameProblem::Separator);
/// assert_eq!(rules.check("C:x").unwrap_err().problem(), NameProblem::Drive);
///
/// let parts: Vec<_> = rules.components("pub/notes.txt")?.collect();
/// assert_eq!(parts, [&b"pub"[..], b"notes.txt"]);
/// # Ok::<(), ftp_proto::NameError>(())
/// ```
///
/// A name that passes stays inside its directory and refers to an ordinary file there. It may still be
/// a name that the directory's owner did not expect, such as `.bashrc`, and the file may be a
/// symbolic link: download into a directory that contains nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LocalRules {
    /// Names are bytes: Linux, the BSDs and other Unix systems
    Unix,
    /// Names are UTF-8, and case is ignored: macOS and related systems
    MacOs,
    /// The Win32 rules, with drives, devices and streams
    Windows,
}

impl LocalRules {
    /// Returns the rules of the system that this program is built for; [`Self::MacOs`] if it is none of these
    /// three, because names are text there
    #[must_use]
    pub const fn current() -> Self {
        if cfg!(windows) {
            Self::Windows
        } else if cfg!(unix) && !cfg!(target_vendor = "apple") {
            Self::Unix
        } else {
            Self::MacOs
        }
    }

    /// Checks a single name, as it is in a listing
    ///
    /// Under all rules, a name is refused if it is empty, `.` or `..`, or has a separator of any system
    /// (`/`, `\`) or an ASCII control character. [`NameProblem`] lists what else is refused.
    ///
    /// # Errors
    ///
    /// The name, and what is wrong with it.
    pub fn check(self, name: impl AsRef<[u8]>) -> Result<(), NameError> {
        let name = name.as_ref();
        match self.problem(name) {
            None => Ok(()),
            Some(problem) => Err(NameError::new(name, problem)),
        }
    }

    /// Checks a relative path with `/` between its components, as it comes from a walk of a tree, and splits it
    ///
    /// If you join the components to a local directory, one by one, the path stays inside that directory.
    ///
    /// # Errors
    ///
    /// The whole path, and what is wrong with the first component that is refused. A component is empty if the path is
    /// empty, begins or ends with `/`, or has two in a row.
    pub fn components(
        self,
        path: &(impl AsRef<[u8]> + ?Sized),
    ) -> Result<impl Iterator<Item = &[u8]>, NameError> {
        let path = path.as_ref();
        let components = || path.split(|byte| *byte == b'/');
        match components().find_map(|name| self.problem(name)) {
            None => Ok(components()),
            Some(problem) => Err(NameError::new(path, problem)),
        }
    }

    fn problem(self, name: &[u8]) -> Option<NameProblem> {
        let has = |bytes: &[u8]| name.iter().any(|byte| bytes.contains(byte));
        if name.is_empty() {
            return Some(NameProblem::Empty);
        }
        if matches!(name, b"." | b"..") {
            return Some(NameProblem::Dots);
        }
        if has(b"/\\") {
            return Some(NameProblem::Separator);
        }
        if name.iter().any(u8::is_ascii_control) {
            return Some(NameProblem::Control);
        }
        let text = match (self, str::from_utf8(name)) {
            (Self::Unix, _) => return (name.len() > MAX_LEN).then_some(NameProblem::TooLong),
            (_, Err(_)) => return Some(NameProblem::NotUtf8),
            (_, Ok(text)) => text,
        };
        if self == Self::Windows {
            if let Some(problem) = windows_problem(text) {
                return Some(problem);
            }
        }
        (text.encode_utf16().count() > MAX_LEN).then_some(NameProblem::TooLong)
    }

    /// Returns a key that is equal for two names if they refer to the same file
    fn key(self, name: &[u8]) -> Vec<u8> {
        match (self, str::from_utf8(name)) {
            (Self::MacOs | Self::Windows, Ok(text)) => {
                text.chars().map(upper).collect::<String>().into_bytes()
            }
            _ => name.to_owned(),
        }
    }
}

/// Returns a problem that a name has only on Windows
fn windows_problem(name: &str) -> Option<NameProblem> {
    let mut characters = name.chars();
    if let (Some(letter), Some(':')) = (characters.next(), characters.next()) {
        if letter.is_ascii_alphabetic() {
            return Some(NameProblem::Drive);
        }
    }
    if name.contains(':') {
        return Some(NameProblem::Stream);
    }
    if name.contains(['<', '>', '"', '|', '?', '*']) {
        return Some(NameProblem::Character);
    }
    if is_device(name) {
        return Some(NameProblem::Device);
    }
    name.ends_with(['.', ' ']).then_some(NameProblem::End)
}

/// Whether a name refers to a device, in any directory and with any extension: `nul`, `COM1.txt`
fn is_device(name: &str) -> bool {
    const DEVICES: [&str; 7] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$"];
    let stem = name.split_once('.').map_or(name, |(stem, _)| stem).trim_end_matches(' ');
    let is = |known: &str| stem.eq_ignore_ascii_case(known);
    let mut characters = stem.chars();
    let port = match characters.next_back() {
        // Windows treats the superscript digits of ISO 8859-1 as digits.
        Some('1'..='9' | '\u{B9}' | '\u{B2}' | '\u{B3}') => characters.as_str(),
        _ => "",
    };
    DEVICES.into_iter().any(is) || ["COM", "LPT"].iter().any(|p| port.eq_ignore_ascii_case(p))
}

/// Converts a character to upper case as file systems that ignore case compare it: one to one, so that `ß` is not
/// `SS`, and within the script, so that the Turkish `ı` is not `I`
fn upper(character: char) -> char {
    let mut upper = character.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(upper), None) if upper.is_ascii() == character.is_ascii() => upper,
        _ => character,
    }
}

/// The names that are taken in one local directory, so that no file replaces another
///
/// If a server has names that differ only in case, or lists a name twice, one file would otherwise overwrite
/// the other.
///
/// ```
/// use ftp_proto::{LocalRules, NameProblem, TakenNames};
///
/// let mut names = TakenNames::new(LocalRules::Windows);
/// names.take("README")?;
/// assert_eq!(names.take("ReadMe").unwrap_err().problem(), NameProblem::Taken);
/// # Ok::<(), ftp_proto::NameError>(())
/// ```
///
/// Names that differ only in how accents are composed refer to one file on macOS; this is not detected.
#[derive(Clone, Debug)]
pub struct TakenNames {
    rules: LocalRules,
    keys: BTreeSet<Vec<u8>>,
}

impl TakenNames {
    /// Creates the record of an empty directory
    #[must_use]
    pub const fn new(rules: LocalRules) -> Self {
        Self { rules, keys: BTreeSet::new() }
    }

    /// Checks a single name like [`LocalRules::check`], and marks it as taken
    ///
    /// # Errors
    ///
    /// The name, and what is wrong with it: [`NameProblem::Taken`] if it refers to the same file as a name that
    /// was taken before. In this case, nothing is marked as taken.
    pub fn take(&mut self, name: impl AsRef<[u8]>) -> Result<(), NameError> {
        let name = name.as_ref();
        self.rules.check(name)?;
        match self.keys.insert(self.rules.key(name)) {
            true => Ok(()),
            false => Err(NameError::new(name, NameProblem::Taken)),
        }
    }
}

/// A name or path sent by a server that can't be used for a local file
#[derive(Clone, PartialEq, Eq)]
pub struct NameError {
    name: Box<[u8]>,
    problem: NameProblem,
}

impl NameError {
    fn new(name: &[u8], problem: NameProblem) -> Self {
        Self { name: name.into(), problem }
    }

    /// Returns the name or path as the server sent it
    #[must_use]
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// Returns what is wrong with it
    #[must_use]
    pub const fn problem(&self) -> NameProblem {
        self.problem
    }
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, problem) = (Readable(&self.name), self.problem);
        write!(f, "\"{name}\" can't be the name of a local file: {problem}")
    }
}

impl fmt::Debug for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NameError(\"{}\", {:?})", self.name.escape_ascii(), self.problem)
    }
}

impl core::error::Error for NameError {}

#[cfg(feature = "std")]
impl From<NameError> for std::io::Error {
    fn from(error: NameError) -> Self {
        Self::new(std::io::ErrorKind::InvalidInput, error)
    }
}

/// What is wrong with a name
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum NameProblem {
    /// A component is empty: an empty name, an absolute path, two slashes in a row
    #[error("it is empty, or has an empty component")]
    Empty,
    /// `.` or `..`
    #[error("it refers to the parent directory, or to the directory itself")]
    Dots,
    /// A slash or backslash within a name
    #[error("it has a slash or backslash")]
    Separator,
    /// An ASCII control character, NUL among them
    #[error("it has a control character")]
    Control,
    /// More than 255 bytes, or UTF-16 code units on Windows and macOS
    #[error("it is longer than {MAX_LEN} bytes or characters")]
    TooLong,
    /// Not UTF-8, which Windows and macOS need
    #[error("it is not UTF-8")]
    NotUtf8,
    /// Windows: a drive, `C:x`
    #[error("it names a drive")]
    Drive,
    /// Windows: an alternate data stream, `a:b`
    #[error("it names a stream of another file")]
    Stream,
    /// Windows: a device, `NUL`, `com1.txt`
    #[error("it names a device")]
    Device,
    /// Windows: one of `< > " | ? *`
    #[error("it has a character that Windows does not allow in names")]
    Character,
    /// Windows: a dot or blank at the end, which Windows would drop
    #[error("it ends with a dot or blank")]
    End,
    /// The name of another file in the same directory, see [`TakenNames`]
    #[error("another file in the directory has this name, or one that differs only in case")]
    Taken,
}

#[cfg(test)]
mod tests;
