//! Reads logins from `.netrc` files
//!
//! The syntax is that of curl and of Python's `netrc`: `machine`, `default`, `login` (or `user`), `password`,
//! `account` and `macdef`, quoted words with backslashes, and comments. The rules are stricter where there have been
//! security advisories: a password is used only for the host and the user of its own entry.

use std::fmt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

/// Maximum size of a file, in bytes; real ones have a few kilobytes
pub const MAX_SIZE: u64 = 1024 * 1024;

/// Secret bytes, which are wiped when dropped, and not shown by `Debug`
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Creates a secret
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Returns the bytes
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// The entries of a file, in order
#[derive(Clone, Debug, Default)]
pub struct Netrc {
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    /// The host; `None` for the entry `default`
    machine: Option<Vec<u8>>,
    login: Option<Vec<u8>>,
    password: Option<Secret>,
    account: Option<Secret>,
}

/// The login for a host
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "what logging in takes")]
pub struct Login {
    /// The user
    pub user: Vec<u8>,
    /// The password, if the entry has one
    pub password: Option<Secret>,
    /// The account, if the entry has one
    pub account: Option<Secret>,
}

/// A syntax error in a file; it contains none of the file's words, which may be passwords
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a place and a problem")]
pub struct NetrcError {
    /// The line of the error, counted from 1
    pub line: usize,
    /// A description of the error
    pub problem: &'static str,
}

impl fmt::Display for NetrcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.problem)
    }
}

impl std::error::Error for NetrcError {}

impl Netrc {
    /// Parses the content of a file
    ///
    /// # Errors
    ///
    /// The first syntax error.
    pub fn parse(text: &[u8]) -> Result<Self, NetrcError> {
        let mut words = Words { text, at: 0, line: 1 };
        let mut netrc = Self::default();
        let mut open: Option<Entry> = None;
        while let Some(word) = words.next()? {
            if !word.quoted && word.text.starts_with(b"#") {
                words.skip_line(word.line);
                continue;
            }
            let new = |machine| Entry { machine, login: None, password: None, account: None };
            match &**word.text {
                b"machine" => {
                    let name = words.value("machine without a name")?;
                    netrc.entries.extend(open.replace(new(Some(name.to_vec()))));
                }
                b"default" => netrc.entries.extend(open.replace(new(None))),
                b"macdef" => {
                    words.value("macdef without a name")?;
                    words.skip_macro();
                }
                b"login" | b"user" => {
                    let entry = open.as_mut().ok_or_else(|| outside(word.line))?;
                    entry.login = Some(words.value("login without a name")?.to_vec());
                }
                b"password" => {
                    let entry = open.as_mut().ok_or_else(|| outside(word.line))?;
                    entry.password = Some(Secret(words.value("password without a word")?));
                }
                b"account" => {
                    let entry = open.as_mut().ok_or_else(|| outside(word.line))?;
                    entry.account = Some(Secret(words.value("account without a word")?));
                }
                _ => {
                    let problem =
                        "a word that is not allowed here in a netrc file; quote words with spaces";
                    return Err(NetrcError { line: word.line, problem });
                }
            }
        }
        netrc.entries.extend(open);
        Ok(netrc)
    }

    /// Returns the login for a host or, if `user` is given, for that user on the host
    ///
    /// That is the first entry that names the host and has a login, which must be `user` if that is given. `default` is
    /// used only if no entry names the host, and if it has both a login and a password. Entries without a login are
    /// ignored.
    #[must_use]
    pub fn login(&self, host: &str, user: Option<&[u8]>) -> Option<Login> {
        let names_host = |entry: &&Entry| {
            entry.machine.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(host.as_bytes()))
        };
        let fits = |entry: &&Entry| {
            let login = entry.login.as_deref().filter(|login| !login.is_empty());
            login.is_some_and(|login| user.is_none_or(|user| user == login))
        };
        let found = if self.entries.iter().any(|entry| names_host(&entry)) {
            self.entries.iter().filter(names_host).find(fits)
        } else {
            let default = self.entries.iter().find(|entry| entry.machine.is_none());
            default.filter(|entry| fits(entry) && entry.password.is_some())
        };
        let Entry { login, password, account, .. } = found?.clone();
        Some(Login { user: login?, password, account })
    }

    /// Whether any entry has a password
    #[must_use]
    pub fn has_passwords(&self) -> bool {
        self.entries.iter().any(|entry| entry.password.is_some())
    }
}

const fn outside(line: usize) -> NetrcError {
    NetrcError { line, problem: "comes before any machine" }
}

struct Word {
    text: Zeroizing<Vec<u8>>,
    quoted: bool,
    /// The line in which the word ends
    line: usize,
}

struct Words<'a> {
    text: &'a [u8],
    at: usize,
    line: usize,
}

impl Words<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        self.line += usize::from(byte == b'\n');
        Some(byte)
    }

    fn next(&mut self) -> Result<Option<Word>, NetrcError> {
        while self.peek().is_some_and(|byte| b" \t\r\n".contains(&byte)) {
            self.take();
        }
        let Some(first) = self.peek() else { return Ok(None) };
        // Capacity for the whole word, since a vector that grows leaves an unwiped copy behind.
        let mut text = Zeroizing::new(Vec::with_capacity(self.word_length()));
        let quoted = first == b'"';
        let begun = self.line;
        if quoted {
            self.take();
        }
        loop {
            match self.peek() {
                None if quoted => {
                    return Err(NetrcError { line: begun, problem: "a quote without an end" });
                }
                None => break,
                Some(b'"') if quoted => {
                    self.take();
                    break;
                }
                Some(b' ' | b'\t' | b'\r' | b'\n') if !quoted => break,
                Some(b'\\') => {
                    self.take();
                    match self.take() {
                        Some(byte) => text.push(byte),
                        None => {
                            let problem = "a backslash at the end";
                            return Err(NetrcError { line: self.line, problem });
                        }
                    }
                }
                Some(byte) => {
                    self.take();
                    text.push(byte);
                }
            }
        }
        if text.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
            let problem = "a word with a line break or NUL, which no command can carry";
            return Err(NetrcError { line: begun, problem });
        }
        Ok(Some(Word { text, quoted, line: self.line }))
    }

    /// Returns an upper limit for the length of the next word, in bytes
    fn word_length(&self) -> usize {
        let rest = &self.text[self.at..];
        let end = match rest.first() {
            Some(b'"') => Some(rest.len()),
            _ => rest.iter().position(|byte| b" \t\r\n".contains(byte)),
        };
        // A backslash may escape a blank, which then does not end the word.
        if rest.contains(&b'\\') { rest.len() } else { end.unwrap_or(rest.len()) }
    }

    fn value(&mut self, problem: &'static str) -> Result<Zeroizing<Vec<u8>>, NetrcError> {
        let line = self.line;
        match self.next()? {
            Some(word) => Ok(word.text),
            None => Err(NetrcError { line, problem }),
        }
    }

    /// Skips the rest of a line; does nothing if a later line has been reached
    fn skip_line(&mut self, line: usize) {
        while self.line == line && self.take().is_some() {}
    }

    /// Skips a macro, which ends with an empty line
    fn skip_macro(&mut self) {
        self.skip_line(self.line);
        loop {
            let begin = self.at;
            self.skip_line(self.line);
            let line = &self.text[begin..self.at];
            if line.iter().all(|byte| matches!(byte, b'\r' | b'\n')) {
                return;
            }
        }
    }
}

/// Returns the default path: `$NETRC`, or `.netrc` in the home directory, on Windows also `_netrc`
pub(crate) fn usual_place() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("NETRC").filter(|path| !path.is_empty()) {
        return Some(path.into());
    }
    let home = std::env::var_os(if cfg!(windows) { "USERPROFILE" } else { "HOME" })?;
    let names: &[&str] = if cfg!(windows) { &[".netrc", "_netrc"] } else { &[".netrc"] };
    names.iter().map(|name| Path::new(&home).join(name)).find(|path| path.is_file())
}

/// Whether users other than its owner can read or change a file
#[cfg(unix)]
pub(crate) fn is_exposed(file: &std::fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&file.permissions()) & 0o077 != 0
}

/// Whether users other than its owner can read or change a file: always false, since this system has no mode bits
#[cfg(not(unix))]
pub(crate) const fn is_exposed(_: &std::fs::Metadata) -> bool {
    false
}

// The path is explicit because the fuzz target also compiles this file, from another directory.
#[cfg(test)]
#[path = "netrc/tests.rs"]
mod tests;
