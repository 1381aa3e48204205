//! Checked arguments, and those that are never shown

use alloc::boxed::Box;
use core::fmt;
use core::hint::black_box;

use smallvec::SmallVec;
use thiserror::Error;

use super::Verb;
use super::mask::{self, MASK};
use crate::control::escaped::{Escaped, Readable};

/// A checked argument of a command: no CR, no LF, no NUL, at most [`Self::MAX_LEN`] bytes
///
/// Bytes, not text: file names have whatever character set the server's file system has.
///
/// `Debug` hides what follows a sub-command of SITE that takes a password, since it does not know for
/// which verb the argument is: [`Command`](super::Command) does.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Argument(SmallVec<[u8; 48]>);

impl Argument {
    /// Greatest length in bytes, 4081: with the longest verb, SP and CRLF a line of 4,096 bytes
    ///
    /// vsftpd and FileZilla Server read no longer line, others stop at 512 to 4,096. A server that
    /// cuts a longer line in two may take its end for a command, so the limit is kept here.
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

    /// The bytes
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
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
/// `Debug` and `Display` print the same four stars for every secret. Comparing two takes the same time wherever they
/// differ.
///
/// Only the copy in here is wiped: the caller's own, and what the driver has been given to write,
/// are theirs to care for.
pub struct Secret(Box<[u8]>);

impl Secret {
    /// Checks and copies a password or an account
    ///
    /// # Errors
    ///
    /// As for [`Argument::new`].
    pub fn new(bytes: impl AsRef<[u8]>) -> Result<Self, ArgumentError> {
        let bytes = bytes.as_ref();
        check(bytes)?;
        Ok(Self(bytes.into()))
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
        // The zeros count as read, so they are written although the memory is freed next.
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

/// Why a command cannot be sent; nothing of it has been
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ArgumentError {
    /// A byte that would end the command or that no server takes
    #[error(
        "{name} at byte {at} of a command's argument: it would end the command",
        name = name(*.byte)
    )]
    Forbidden {
        /// CR, LF or NUL
        byte: u8,
        /// Its offset
        at: usize,
    },
    /// An argument longer than [`Argument::MAX_LEN`]
    #[error(
        "argument of {length} bytes, the limit is {}: servers read commands of 4096 bytes at most",
        Argument::MAX_LEN
    )]
    TooLong {
        /// The argument's length in bytes
        length: usize,
    },
    /// A verb that is empty, longer than [`Verb::MAX_LEN`], or not of ASCII letters and digits
    #[error("not a command's verb: 1 to {} ASCII letters and digits are needed", Verb::MAX_LEN)]
    Verb,
    /// A verb that a raw command may not have: it has a request of its own, without which the
    /// client could not keep account of replies and data connections
    #[error("not for a raw command: use the request made for it")]
    Reserved,
    /// A raw command that changes what transfers mean: another mode than stream, another structure
    /// than file (RFC 959 sections 3.1.2 and 3.4), or a range
    #[error("not for a raw command: later transfers would not follow it")]
    ChangesTransfers,
    /// A verb that moves no file in the direction of the transfer that it was given for
    #[error("not a command that transfers a file in this direction")]
    NoTransfer,
}

fn name(byte: u8) -> &'static str {
    match byte {
        b'\r' => "CR",
        b'\n' => "LF",
        _ => "NUL",
    }
}
