//! Names of commands

use core::{fmt, str};

use super::{ArgumentError, mask};

/// A command's name, in upper case: `RETR`
///
/// Any name of 1 to 12 ASCII letters and digits is allowed; the known ones are constants.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Verb {
    /// In upper case, padded with NUL
    bytes: [u8; Self::MAX_LEN],
}

impl Verb {
    /// Maximum length in bytes, 12; the longest verb in use has 7 (`XSHA512`)
    pub const MAX_LEN: usize = 12;

    /// Checks a verb and converts it to upper case
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

    /// Returns the verb as text
    #[must_use]
    pub fn as_str(&self) -> &str {
        // `new` accepts only ASCII.
        str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// Returns the verb as bytes
    pub(crate) fn as_bytes(&self) -> &[u8] {
        // memchr takes longer for so few bytes.
        let end = self.bytes.iter().position(|byte| *byte == 0).unwrap_or(Self::MAX_LEN);
        &self.bytes[..end]
    }

    /// Whether it is one of the constants
    pub(crate) fn is_known(self) -> bool {
        Self::KNOWN.iter().any(|(known, _)| *known == self)
    }

    /// Whether an argument of this command is a secret even if it was not passed as a [`Secret`](super::Secret)
    pub(crate) fn is_secret(self) -> bool {
        mask::is_secret(self)
    }
}

macro_rules! verbs {
    ($($name:ident, $doc:literal;)+) => {
        impl Verb {
            $(
                #[doc = concat!("`", stringify!($name), "`, ", $doc)]
                pub const $name: Self = match Self::new(stringify!($name)) {
                    Ok(verb) => verb,
                    // The compiler evaluates this: a bad name in this table does not build.
                    Err(_) => panic!("not a verb"),
                };
            )+

            pub(crate) const KNOWN: &[(Self, &str)] = &[$((Self::$name, stringify!($name))),+];
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
    OPEN, "server to connect to, said to an FTP proxy (in use, no RFC)";
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
    XSHA, "SHA-1 of a file (in use, no RFC)";
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
