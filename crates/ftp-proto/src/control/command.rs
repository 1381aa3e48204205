//! Commands: a verb, at most one argument, one CRLF (RFC 959 section 5.3)
//!
//! What reaches the wire is checked before: an argument exists only without CR, LF and NUL, so no
//! path and no password can bring a second command along.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::hint::black_box;
use core::{fmt, str};

use smallvec::SmallVec;
use thiserror::Error;

use super::telnet::escape;

/// What hidden arguments are shown as: the same for every length
const MASK: &str = "****";

/// A checked argument of a command: no CR, no LF, no NUL, at most [`Self::MAX_LEN`] bytes
///
/// Bytes, not text: file names have whatever character set the server's file system has.
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
        fmt::Display::fmt(&self.0.escape_ascii(), f)
    }
}

impl fmt::Debug for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// A checked argument that is never shown and is wiped from memory when dropped
///
/// `Debug` and `Display` print the same four stars for every secret. There is no comparison.
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
    #[error("{name} at byte {at} of a command's argument: it would end the command", name = name(*.byte))]
    Forbidden {
        /// CR, LF or NUL
        byte: u8,
        /// Its offset
        at: usize,
    },
    /// An argument longer than [`Argument::MAX_LEN`]
    #[error(
        "argument of {length} bytes: servers read commands of 4096 bytes at most, so the limit is {}",
        Argument::MAX_LEN
    )]
    TooLong {
        /// The argument's length in bytes
        length: usize,
    },
    /// A verb that is empty, longer than [`Verb::MAX_LEN`], or not of ASCII letters and digits
    #[error("not a command's verb: 1 to {} ASCII letters and digits are needed", Verb::MAX_LEN)]
    Verb,
}

fn name(byte: u8) -> &'static str {
    match byte {
        b'\r' => "CR",
        b'\n' => "LF",
        _ => "NUL",
    }
}

/// A command's name, in upper case: `RETR`
///
/// Any name of 1 to 12 ASCII letters and digits will do, the known ones are constants.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Verb {
    /// Upper-cased, filled up with NUL
    bytes: [u8; Self::MAX_LEN],
}

impl Verb {
    /// Greatest length in bytes, 12; the longest verb in use has 7 (`XSHA512`)
    pub const MAX_LEN: usize = 12;

    /// Checks a verb and puts it into upper case
    ///
    /// # Errors
    ///
    /// [`ArgumentError::Verb`].
    pub const fn new(verb: &str) -> Result<Self, ArgumentError> {
        let verb = verb.as_bytes();
        if verb.is_empty() || verb.len() > Self::MAX_LEN {
            return Err(ArgumentError::Verb);
        }
        let mut bytes = [0; Self::MAX_LEN];
        let mut index = 0;
        while index < verb.len() {
            if !verb[index].is_ascii_alphanumeric() {
                return Err(ArgumentError::Verb);
            }
            bytes[index] = verb[index].to_ascii_uppercase();
            index += 1;
        }
        Ok(Self { bytes })
    }

    /// The verb's letters
    #[must_use]
    pub fn as_str(&self) -> &str {
        let end = memchr::memchr(0, &self.bytes).unwrap_or(Self::MAX_LEN);
        // Only ASCII gets in, see `new`.
        str::from_utf8(&self.bytes[..end]).unwrap_or_default()
    }

    /// Whether an argument of this command is a secret in whatever way it was given
    fn is_secret(self) -> bool {
        self == Self::PASS || self == Self::ACCT
    }
}

macro_rules! verbs {
    ($($name:ident, $doc:literal;)+) => {
        impl Verb {
            $(
                #[doc = concat!("`", stringify!($name), "`, ", $doc)]
                pub const $name: Self = match Self::new(stringify!($name)) {
                    Ok(verb) => verb,
                    // Evaluated by the compiler: a bad name in this table does not build.
                    Err(_) => panic!("not a verb"),
                };
            )+

            #[cfg(test)]
            const KNOWN: &[(Self, &str)] = &[$((Self::$name, stringify!($name))),+];
        }
    };
}

verbs! {
    ABOR, "abort the transfer (RFC 959)";
    ACCT, "account (RFC 959)";
    ALLO, "allocate space (RFC 959)";
    APPE, "append, with create (RFC 959)";
    AUTH, "security mechanism (RFC 2228, RFC 4217)";
    CCC, "clear the control connection (RFC 2228)";
    CDUP, "change to the parent directory (RFC 959)";
    CLNT, "name of the client (in use, no RFC)";
    CWD, "change the working directory (RFC 959)";
    DELE, "delete a file (RFC 959)";
    EPRT, "extended port (RFC 2428)";
    EPSV, "extended passive (RFC 2428)";
    FEAT, "features (RFC 2389)";
    HASH, "hash of a file (draft-bryan-ftp-hash)";
    HELP, "help (RFC 959)";
    HOST, "virtual host (RFC 7151)";
    LANG, "language of replies (RFC 2640)";
    LIST, "listing (RFC 959)";
    MDTM, "modification time (RFC 3659)";
    MFF, "modify facts (draft-somers-ftp-mfxx)";
    MFMT, "modify the modification time (draft-somers-ftp-mfxx)";
    MKD, "make a directory (RFC 959)";
    MLSD, "machine-readable listing of a directory (RFC 3659)";
    MLST, "machine-readable facts of one object (RFC 3659)";
    MODE, "transfer mode (RFC 959)";
    NLST, "listing of names (RFC 959)";
    NOOP, "no operation (RFC 959)";
    OPTS, "options of a command (RFC 2389)";
    PASS, "password (RFC 959)";
    PASV, "passive (RFC 959)";
    PBSZ, "protection buffer size (RFC 2228)";
    PORT, "data port (RFC 959)";
    PROT, "data channel protection level (RFC 2228)";
    PWD, "print the working directory (RFC 959)";
    QUIT, "log out (RFC 959)";
    RANG, "range of a file (draft-bryan-ftp-range)";
    REIN, "reinitialize (RFC 959)";
    REST, "restart (RFC 959, RFC 3659)";
    RETR, "retrieve (RFC 959)";
    RMD, "remove a directory (RFC 959)";
    RNFR, "rename from (RFC 959)";
    RNTO, "rename to (RFC 959)";
    SITE, "site parameters (RFC 959)";
    SIZE, "size of a file (RFC 3659)";
    STAT, "status (RFC 959)";
    STOR, "store (RFC 959)";
    STOU, "store under a unique name (RFC 959)";
    STRU, "file structure (RFC 959)";
    SYST, "system (RFC 959)";
    TYPE, "representation type (RFC 959)";
    USER, "user name (RFC 959)";
    XCRC, "CRC-32 of a file (in use, no RFC)";
    XMD5, "MD5 of a file (in use, no RFC)";
    XSHA1, "SHA-1 of a file (in use, no RFC)";
    XSHA256, "SHA-256 of a file (in use, no RFC)";
    XSHA512, "SHA-512 of a file (in use, no RFC)";
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A command, ready to be written
///
/// Shown as it goes out, but for secrets: every [`Secret`], and any argument of PASS and ACCT, is
/// four stars.
#[derive(Clone, Copy)]
pub struct Command<'a> {
    verb: Verb,
    argument: Value<'a>,
}

#[derive(Clone, Copy)]
enum Value<'a> {
    None,
    Argument(&'a Argument),
    Secret(&'a Secret),
    Number(u64),
    Literal(&'static str),
}

impl<'a> Command<'a> {
    /// A verb with an argument
    ///
    /// An empty argument is left out with its space (`LIST`, not `LIST `), except for PASS and
    /// ACCT: an empty password is sent as `PASS `, which is what servers know from ftplib and
    /// others; `PASS` alone is a syntax error to some.
    #[must_use]
    pub const fn new(verb: Verb, argument: &'a Argument) -> Self {
        Self { verb, argument: Value::Argument(argument) }
    }

    /// A verb alone
    #[must_use]
    pub const fn bare(verb: Verb) -> Self {
        Self { verb, argument: Value::None }
    }

    /// A verb with an argument that is never shown; the space is sent even if it is empty
    #[must_use]
    pub const fn secret(verb: Verb, argument: &'a Secret) -> Self {
        Self { verb, argument: Value::Secret(argument) }
    }

    /// A verb with a number: `REST 100`
    #[must_use]
    pub const fn number(verb: Verb, argument: u64) -> Self {
        Self { verb, argument: Value::Number(argument) }
    }

    /// A verb with an argument that is written in the source: `TYPE I`
    ///
    /// # Panics
    ///
    /// If the argument holds CR, LF or NUL.
    #[must_use]
    pub const fn literal(verb: Verb, argument: &'static str) -> Self {
        let bytes = argument.as_bytes();
        let mut index = 0;
        while index < bytes.len() {
            assert!(!matches!(bytes[index], b'\r' | b'\n' | 0), "a literal is one line");
            index += 1;
        }
        Self { verb, argument: Value::Literal(argument) }
    }

    /// The verb
    #[must_use]
    pub const fn verb(&self) -> Verb {
        self.verb
    }

    /// Appends the command's bytes: verb, SP and argument, CRLF
    ///
    /// With `telnet` a byte 0xFF of the argument is doubled, as RFC 959 section 3.1 asks for. There
    /// is exactly one CR and one LF in what is appended.
    pub fn encode(&self, out: &mut Vec<u8>, telnet: bool) {
        out.extend_from_slice(self.verb.as_str().as_bytes());
        let mut digits = [0; 20];
        let (argument, keep_empty) = match self.argument {
            Value::None => (&[][..], false),
            Value::Argument(argument) => (argument.as_bytes(), self.verb.is_secret()),
            Value::Secret(secret) => (secret.expose(), true),
            Value::Number(number) => (decimal(number, &mut digits), false),
            Value::Literal(text) => (text.as_bytes(), false),
        };
        if !argument.is_empty() || keep_empty {
            out.push(b' ');
        }
        match telnet {
            true => escape(argument, out),
            false => out.extend_from_slice(argument),
        }
        out.extend_from_slice(b"\r\n");
    }
}

/// Writes a number at the end of `digits`
fn decimal(mut number: u64, digits: &mut [u8; 20]) -> &[u8] {
    let mut start = digits.len();
    // u64::MAX has 20 digits, so `start` stays above 0 until the last one.
    loop {
        start -= 1;
        digits[start] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return &digits[start..];
        }
    }
}

impl fmt::Display for Command<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.verb.as_str())?;
        match self.argument {
            Value::None => Ok(()),
            _ if self.verb.is_secret() => write!(f, " {MASK}"),
            Value::Secret(_) => write!(f, " {MASK}"),
            Value::Argument(argument) if argument.as_bytes().is_empty() => Ok(()),
            Value::Argument(argument) => write!(f, " {argument}"),
            Value::Number(number) => write!(f, " {number}"),
            Value::Literal(text) => write!(f, " {text}"),
        }
    }
}

impl fmt::Debug for Command<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Command({self})")
    }
}
