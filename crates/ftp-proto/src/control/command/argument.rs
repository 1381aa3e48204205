//! Checked arguments, and secret ones

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::hint::black_box;

use smallvec::SmallVec;
use thiserror::Error;

use super::Verb;
use super::mask::{self, MASK};
use crate::control::escaped::{Escaped, Readable};
use crate::control::telnet::{IAC, escape};

/// A checked argument of a command: no CR, no LF, no NUL, at most [`Self::MAX_LEN`] bytes
///
/// It is bytes, not text: file names have the character set of the server's file system.
///
/// `Debug` hides what follows a sub-command of SITE that takes a password, even in arguments of other verbs, because
/// an argument does not know its verb; [`Command`](super::Command) does.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Argument(SmallVec<[u8; 48]>);

impl Argument {
    /// Maximum length in bytes, 4081: with the longest verb, SP and CRLF, this is a line of 4,096 bytes
    ///
    /// vsftpd and FileZilla Server accept no longer lines, others stop at 512 to 4,096. A server that
    /// cuts a longer line in two may take its end for a command, so this limit is enforced.
    pub const MAX_LEN: usize = 4096 - (Verb::MAX_LEN + " \r\n".len());

    /// Checks an argument
    ///
    /// # Errors
    ///
    /// [`ArgumentError::Forbidden`] for CR, LF and NUL, [`ArgumentError::TooLong`] for more than
    /// [`Self::MAX_LEN`] bytes.
    pub fn new(bytes: impl AsRef<[u8]>) -> Result<Self, ArgumentError> {
        let bytes = bytes.as_ref();
        check(bytes)?;
        Ok(Self(SmallVec::from_slice(bytes)))
    }

    /// Checks a path; a `~` at its beginning is part of a name, and comes after `./`
    ///
    /// # Errors
    ///
    /// Those of [`Self::new`].
    pub fn path(bytes: impl AsRef<[u8]>) -> Result<Self, ArgumentError> {
        check(bytes.as_ref())?;
        Self::new(literal(bytes.as_ref()))
    }

    /// Returns the bytes
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Returns a path in which a `~` at the beginning is part of a name, as in `~$report.docx`
///
/// It comes after `./`, because servers take it for a home directory: `~` in vsftpd, ProFTPD and Pure-FTPd, and `~user`
/// in others.
pub(crate) fn literal(path: &[u8]) -> Cow<'_, [u8]> {
    match path {
        [b'~', ..] => [b"./", path].concat().into(),
        _ => path.into(),
    }
}

fn check(bytes: &[u8]) -> Result<(), ArgumentError> {
    if let Some(at) = memchr::memchr3(b'\r', b'\n', 0, bytes) {
        return Err(ArgumentError::Forbidden { byte: bytes[at], at });
    }
    if bytes.len() > Argument::MAX_LEN {
        return Err(ArgumentError::TooLong { length: bytes.len() });
    }
    Ok(())
}

impl AsRef<[u8]> for Argument {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Readable(&self.0), f)
    }
}

impl fmt::Debug for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match mask::site_command(&self.0) {
            Some(command) => write!(f, "\"{} {MASK}\"", command.escape_ascii()),
            None => fmt::Debug::fmt(&Escaped(&self.0), f),
        }
    }
}

/// A checked argument that is never shown and is wiped from memory when dropped
///
/// `Debug` and `Display` print the same four stars for every secret. Comparing two secrets takes the same time
/// wherever they differ.
///
/// Only this copy is wiped: the caller is responsible for its own copy, and the driver for the bytes that it was
/// given to write.
pub struct Secret(Box<[u8]>);

impl Secret {
    /// Checks and copies a password or an account
    ///
    /// # Errors
    ///
    /// Those of [`Argument::new`].
    pub fn new(bytes: impl AsRef<[u8]>) -> Result<Self, ArgumentError> {
        let bytes = bytes.as_ref();
        check(bytes)?;
        Ok(Self(bytes.into()))
    }

    /// Copies a secret, or a part of one, that has been checked
    pub(crate) fn checked(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// Copies a secret that has been checked, with each 0xFF doubled
    pub(crate) fn escaped(bytes: &[u8]) -> Self {
        // With its whole capacity from the start, no copy is left behind.
        let mut escaped = Vec::with_capacity(bytes.len() + memchr::memchr_iter(IAC, bytes).count());
        escape(bytes, &mut escaped);
        Self(escaped.into())
    }

    pub(crate) fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        let pairs = self.0.iter().zip(&other.0);
        let different = pairs.fold(0, |different, (one, other)| different | (one ^ other));
        self.0.len() == other.0.len() && black_box(different) == 0
    }
}

impl Eq for Secret {}

impl Clone for Secret {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.fill(0);
        // The zeros count as used, so the compiler does not remove the writes before the memory is freed.
        black_box(&mut self.0);
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// Why a command can't be sent; no part of it has been sent
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ArgumentError {
    /// The argument contains a byte that would end the command or that no server accepts
    #[error(
        "{name} at byte {at} of a command's argument would end the command",
        name = name(*.byte)
    )]
    Forbidden {
        /// The byte: CR, LF or NUL
        byte: u8,
        /// Its offset in the argument
        at: usize,
    },
    /// The argument is longer than [`Argument::MAX_LEN`]
    #[error(
        "argument of {length} bytes, the limit is {}: servers accept commands of at most 4096 bytes",
        Argument::MAX_LEN
    )]
    TooLong {
        /// The length of the argument in bytes
        length: usize,
    },
    /// The verb is empty, longer than [`Verb::MAX_LEN`], or contains other characters than ASCII letters and digits
    #[error("invalid command name: 1 to {} ASCII letters and digits are required", Verb::MAX_LEN)]
    Verb,
    /// The verb is not allowed in a raw command: it has a request of its own, without which the
    /// client could not keep track of replies and data connections
    #[error("not allowed as a raw command: use the request for it")]
    Reserved,
    /// The raw command would change the meaning of transfers: another mode than stream, another structure
    /// than file (RFC 959 sections 3.1.2 and 3.4), or a range
    #[error("not allowed as a raw command: it would change how later transfers work")]
    ChangesTransfers,
    /// The verb transfers no file in the requested direction
    #[error("the command does not transfer a file in this direction")]
    NoTransfer,
}

fn name(byte: u8) -> &'static str {
    match byte {
        b'\r' => "CR",
        b'\n' => "LF",
        _ => "NUL",
    }
}
