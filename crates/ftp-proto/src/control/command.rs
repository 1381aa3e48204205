//! Commands: a verb, at most one argument, one CRLF (RFC 959 section 5.3)
//!
//! Commands are checked before they are sent: an argument can't contain CR, LF or NUL, so no
//! path and no password can add a second command.

mod argument;
mod mask;
#[cfg(test)]
mod tests;
mod verb;

use alloc::vec::Vec;
use core::fmt;

pub(crate) use argument::literal;
pub use argument::{Argument, ArgumentError, Secret};
pub use verb::Verb;

pub(super) use self::mask::MASK;
use super::escaped::Readable;
use super::telnet::escape;

/// A command, ready to be written
///
/// It is displayed as it is sent, except for secrets. A [`Secret`] is shown as four stars, and so is any argument of
/// PASS, ACCT, ADAT, MIC, CONF, ENC and XAUT, of verbs that change a password (CPWD), and of SITE after a
/// sub-command that takes a password (`SITE PSWD`, `SITE CHPASS`, `SITE ADDUSER` …).
///
/// ```
/// use ftp_proto::{Argument, ArgumentError, Command, Secret, Verb};
///
/// let mut out = Vec::new();
/// Command::new(Verb::RETR, &Argument::new("a file")?).encode(&mut out, true);
/// assert_eq!(out, b"RETR a file\r\n");
///
/// assert_eq!(Command::secret(Verb::PASS, &Secret::new("hunter2")?).to_string(), "PASS ****");
///
/// let error = Argument::new("a file\r\nDELE another").unwrap_err();
/// assert_eq!(error, ArgumentError::Forbidden { byte: b'\r', at: 6 });
/// # Ok::<(), ArgumentError>(())
/// ```
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
    /// Creates a command with an argument
    ///
    /// An empty argument is omitted with its space (`LIST`, not `LIST `), except for PASS and
    /// ACCT: an empty password is sent as `PASS `, which servers know from ftplib and
    /// others; some treat `PASS` alone as a syntax error.
    #[must_use]
    pub const fn new(verb: Verb, argument: &'a Argument) -> Self {
        Self { verb, argument: Value::Argument(argument) }
    }

    /// Creates a command without an argument
    #[must_use]
    pub const fn bare(verb: Verb) -> Self {
        Self { verb, argument: Value::None }
    }

    /// Creates a command with an argument that is never shown; the space is sent even if the argument is empty
    #[must_use]
    pub const fn secret(verb: Verb, argument: &'a Secret) -> Self {
        Self { verb, argument: Value::Secret(argument) }
    }

    /// Returns what is never shown of the argument
    pub(super) fn concealed(&self) -> Option<&[u8]> {
        match self.argument {
            Value::Secret(secret) => Some(secret.expose()),
            Value::Argument(argument) if self.verb.is_secret() => Some(argument.as_bytes()),
            Value::Argument(argument) if self.verb == Verb::SITE => {
                let argument = argument.as_bytes();
                mask::site_command(argument).map(|shown| argument[shown.len()..].trim_ascii())
            }
            _ => None,
        }
    }

    /// Creates a command with a number: `REST 100`
    #[must_use]
    pub const fn number(verb: Verb, argument: u64) -> Self {
        Self { verb, argument: Value::Number(argument) }
    }

    /// Creates a command with an argument that is a constant in the source: `TYPE I`
    ///
    /// # Panics
    ///
    /// If the argument contains CR, LF or NUL.
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

    /// Returns the verb
    #[must_use]
    pub const fn verb(&self) -> Verb {
        self.verb
    }

    /// Whether the argument begins with these letters, in either case
    pub(crate) fn begins_with(&self, start: &[u8]) -> bool {
        let argument = match self.argument {
            Value::Argument(argument) => argument.as_bytes(),
            Value::Literal(text) => text.as_bytes(),
            Value::None | Value::Secret(_) | Value::Number(_) => return false,
        };
        argument.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start))
    }

    /// Returns a length that [`Self::encode`] does not exceed
    pub(crate) fn max_encoded_len(&self) -> usize {
        let argument = match self.argument {
            Value::None => 0,
            Value::Argument(argument) => argument.as_bytes().len(),
            Value::Secret(secret) => secret.expose().len(),
            Value::Number(_) => 20,
            Value::Literal(text) => text.len(),
        };
        // Every byte may be an IAC, which is doubled; a space and CRLF are added.
        Verb::MAX_LEN + 2 * argument + 3
    }

    /// Appends the command's bytes: verb, SP and argument, CRLF
    ///
    /// With `telnet`, each byte 0xFF of the argument is doubled, as required by RFC 959 section 2.3. The
    /// appended bytes contain exactly one CR and one LF.
    pub fn encode(&self, out: &mut Vec<u8>, telnet: bool) {
        out.extend_from_slice(self.verb.as_bytes());
        let mut digits = [0; 20];
        let (argument, keep_empty) = match self.argument {
            Value::None => (&[][..], false),
            Value::Argument(argument) => {
                (argument.as_bytes(), matches!(self.verb, Verb::PASS | Verb::ACCT))
            }
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
            Value::Argument(argument) if self.verb == Verb::SITE => {
                match mask::site_command(argument.as_bytes()) {
                    Some(command) => write!(f, " {} {MASK}", Readable(command)),
                    None => write!(f, " {argument}"),
                }
            }
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
